//! Central veins and portal tracts.

use super::{
    layout::{Layout, Ragged, Tract, Vein},
    map::{self, LUMEN, Map, TRACT, VEIN},
};
use crate::phantom::{
    Canvas,
    blob::{Blob, Dye, Outline, coverage, scan},
    stamp::{NucleusKind, Stamp},
    texture::Stream,
};

/// Marks veins and tracts.
pub(super) fn mark(layout: &Layout, map: &mut Map) {
    for v in &layout.veins {
        map::mark(map, &v.lumen.grown(v.wall_px), VEIN);
        map::mark(map, &v.lumen, LUMEN);
    }
    for t in &layout.tracts {
        map::mark(map, &t.outline(layout), TRACT);
        let um = layout.um;
        for inner in [t.vein.grown(3.0 * um), t.arteriole.grown(3.0 * um), t.duct.grown(3.0 * um)] {
            map::mark(map, &inner, TRACT);
        }
        map::mark(map, &t.vein, LUMEN);
    }
}

impl Tract {
    /// Returns the outline of the cuff.
    fn outline<'a>(&self, layout: &'a Layout) -> Ragged<'a> {
        Ragged { blob: self.cuff, terrain: &layout.terrain, reach: 9.0 * layout.um }
    }

    /// Returns a random place in the cuff.
    fn somewhere(&self, s: &mut Stream) -> (f32, f32) {
        let (turn, far) = (s.angle(), s.unit().sqrt() * 0.92);
        let (ex, ey) = self.cuff.edge(turn);
        (self.cuff.x + (ex - self.cuff.x) * far, self.cuff.y + (ey - self.cuff.y) * far)
    }

    /// Returns whether a place lies in a vessel or the bile duct, or at one.
    fn holds_tube(&self, (x, y): (f32, f32), um: f32) -> bool {
        let tubes = [self.vein.grown(1.5 * um), self.arteriole.grown(2.0 * um), self.duct.grown(2.0 * um)];
        tubes.iter().any(|b| b.distance(x, y) < 0.0)
    }
}

impl Layout {
    /// Returns the size of all portal tracts without the lumen of their veins, in mm².
    fn tracts_mm2(&self, map: &Map) -> f64 {
        let inside = |flags: &u8| flags & (map::TISSUE | TRACT | LUMEN) == map::TISSUE | TRACT;
        map.data().iter().filter(|f| inside(f)).count() as f64 / f64::from(self.um * 1000.0).powi(2)
    }
}

/// Layer of the portal tracts, numbered in the order of their places.
const TRACTS: &str = "tracts";

/// Labels the portal tracts, everything in them included.
pub(super) fn label_tracts(layout: &Layout, canvas: &mut Canvas, map: &Map) {
    canvas.add_layer(TRACTS);
    let size = canvas.size();
    let Some(labels) = canvas.labels.get_mut(TRACTS) else { return };
    for (id, t) in (1..).zip(&layout.tracts) {
        // What sticks out of the cuff is nearer to it than to the next.
        scan(&t.outline(layout).grown(8.0 * layout.um), size, 0.0, |x, y, d| {
            if d < 0.0 && map.at(x, y) & (map::TISSUE | TRACT) == map::TISSUE | TRACT && labels.at(x, y) == 0
            {
                labels.set(x, y, id);
            }
        });
    }
}

/// Places tried for every leukocyte of the densest infiltrate.
const TRIES_PER_UM2: f32 = 0.04;

/// Fills portal tracts with lymphocytes until there are `per_mm2` of them, `have` being there already. Returns how many were
/// painted. More is the same cells and further ones.
pub(super) fn infiltrate(
    layout: &Layout,
    (per_mm2, have): (f64, usize),
    canvas: &mut Canvas,
    map: &Map,
    pen: &mut Pen<'_>,
) -> usize {
    let um = layout.um;
    let wanted = ((per_mm2 * layout.tracts_mm2(map)).round() as usize).saturating_sub(have);
    let mut spots: Vec<(f32, f32)> = Vec::new();
    for t in &layout.tracts {
        let tries = (t.cuff.area() / (um * um) * TRIES_PER_UM2) as usize;
        spots.extend((0..tries).map(|_| t.somewhere(&mut pen.stream)).filter(|&at| !t.holds_tube(at, um)));
    }
    pen.stream.shuffle(&mut spots);
    let mut painted = 0;
    for at in spots {
        if painted == wanted {
            break;
        }
        if map::at(map, at) & (TRACT | LUMEN) == TRACT {
            painted += usize::from(pen.lymphocyte(canvas, map, at));
        }
    }
    painted
}

/// Draws small cells; hands out label numbers.
pub(super) struct Pen<'a> {
    pub(super) stamp: &'a Stamp,
    pub(super) stream: Stream,
    /// Label of the next nucleus.
    pub(super) next: u32,
}

impl Pen<'_> {
    /// Paints a nucleus if its place is on tissue and free of nuclei and vacuoles; returns its label and
    /// pixels.
    pub(super) fn nucleus(
        &mut self,
        canvas: &mut Canvas,
        map: &Map,
        kind: NucleusKind,
        blob: &Blob,
        ink: f32,
    ) -> Option<(u32, u64)> {
        let [x0, y0, x1, y1] = blob.bounds();
        let (width, height) = canvas.size();
        let inside = x0 >= 0.0 && y0 >= 0.0 && x1 <= width as f32 && y1 <= height as f32;
        let on_tissue = (0..8)
            .map(|k| blob.edge(k as f32 * std::f32::consts::FRAC_PI_4))
            .all(|p| map::at(map, p) & map::TISSUE != 0);
        let roomy = blob.grown(0.25 * self.stamp.um());
        let free = canvas.is_free(&roomy, "nuclei") && canvas.is_free(blob, "vacuoles");
        if !(inside && on_tissue && free) {
            return None;
        }
        let id = self.next;
        self.next += 1;
        let pixels = self.stamp.nucleus(canvas, &mut self.stream, kind, blob, ink, id);
        Some((id, pixels))
    }

    fn lymphocyte_at(&mut self, canvas: &mut Canvas, map: &Map, x: f32, y: f32) -> bool {
        let um = self.stamp.um();
        let r = self.stream.range(2.3, 3.0) * um;
        let blob = Blob::ellipse(x, y, r * self.stream.range(1.0, 1.3), r, self.stream.angle());
        let blob = blob.wobbly(0.06, &mut self.stream);
        let ink = self.stream.range(0.82, 1.12);
        self.nucleus(canvas, map, NucleusKind::Dark, &blob, ink).is_some()
    }

    /// Paints a small, dark, round nucleus; returns whether there was room.
    pub(super) fn lymphocyte(&mut self, canvas: &mut Canvas, map: &Map, at: (f32, f32)) -> bool {
        self.lymphocyte_at(canvas, map, at.0, at.1)
    }
}

/// Paints all veins and tracts; returns the number of lymphocytes in tracts.
pub(super) fn paint(layout: &Layout, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>) -> usize {
    for v in &layout.veins {
        paint_vein(v, canvas, map, pen);
    }
    layout.tracts.iter().map(|t| paint_tract(t, layout, canvas, map, pen)).sum()
}

/// Like [`Canvas::shade`] without leaving the tissue.
fn shade(canvas: &mut Canvas, map: &Map, outline: &impl Outline, soft: f32, dye: Dye) {
    scan(outline, canvas.size(), soft, |x, y, d| {
        if map.at(x, y) & map::TISSUE != 0 {
            canvas.blend(x, y, dye, coverage(d, soft));
        }
    });
}

fn paint_vein(v: &Vein, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>) {
    let um = pen.stamp.um();
    shade(canvas, map, &v.lumen.grown(v.wall_px), um, Dye::he(8, 30));
    shade(canvas, map, &v.lumen, um, Dye::he(0, 1));
    lining(&v.lumen.grown(v.wall_px * 0.5), 26.0, canvas, map, pen);
}

/// Paints flat nuclei along an outline, one per `every_um` of it.
fn lining(blob: &Blob, every_um: f32, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>) {
    let um = pen.stamp.um();
    let around = std::f32::consts::PI * (blob.rx + blob.ry);
    let count = (around / (every_um * um)) as usize;
    for k in 0..count {
        let turn = (k as f32 + pen.stream.range(-0.4, 0.4)) / count as f32 * std::f32::consts::TAU;
        let (x, y) = blob.edge(turn);
        let (px, py) = blob.edge(turn + 0.05);
        let along = (py - y).atan2(px - x);
        let (rx, ry) = (pen.stream.range(3.4, 5.2) * um, pen.stream.range(1.0, 1.4) * um);
        let ink = pen.stream.range(0.8, 1.1);
        pen.nucleus(canvas, map, NucleusKind::Elongated, &Blob::ellipse(x, y, rx, ry, along), ink);
    }
}

fn paint_tract(t: &Tract, layout: &Layout, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>) -> usize {
    let um = pen.stamp.um();
    collagen(t, layout, canvas, map);
    shade(canvas, map, &t.vein.grown(2.2 * um), um, Dye::he(7, 27));
    shade(canvas, map, &t.vein, um, Dye::he(0, 1));
    lining(&t.vein.grown(1.1 * um), 22.0, canvas, map, pen);
    arteriole(&t.arteriole, canvas, map, pen);
    duct(&t.duct, canvas, map, pen);
    stroma(t, canvas, map, pen)
}

/// Wavy bundles of fibres with pale clefts between them.
fn collagen(t: &Tract, layout: &Layout, canvas: &mut Canvas, map: &Map) {
    let um = layout.um;
    let (sin, cos) = t.angle.sin_cos();
    scan(&t.outline(layout).grown(6.0 * um), canvas.size(), 0.0, |x, y, _| {
        if map.at(x, y) & (map::TISSUE | TRACT) != map::TISSUE | TRACT {
            return;
        }
        let (fx, fy) = (x as f32 + 0.5, y as f32 + 0.5);
        let [_, _, bend, bundle] = layout.terrain.at(fx, fy);
        let [dx, dy] = [(fx - t.cuff.x) / um, (fy - t.cuff.y) / um];
        let along = dx * cos + dy * sin;
        let across = dy * cos - dx * sin + 30.0 * bend + 14.0 * bundle + 2.0 * (along * 0.11).sin();
        let fibre = 0.55 * (across * 2.3 + 0.9 * (along * 0.23).sin()).sin()
            + 0.45 * (across * 1.27 + 7.0 * bundle + (along * 0.17).sin()).sin();
        let grain = f32::from(canvas.e.at(x, y)) / 20.0 - 1.0;
        let cleft = (-1.1 * fibre + 2.2 * bundle - 0.9).clamp(0.0, 0.65);
        let ink = (1.0 + 0.13 * fibre + 0.2 * bend + 0.8 * grain) * (1.0 - cleft);
        canvas.blend(x, y, Dye::he((5.0 * ink) as u8, (23.0 * ink) as u8), 256);
    });
}

fn arteriole(outer: &Blob, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>) {
    let um = pen.stamp.um();
    let lumen = outer.grown(-0.55 * outer.ry);
    shade(canvas, map, outer, um, Dye::he(10, 34));
    shade(canvas, map, &lumen, um, Dye::he(0, 2));
    canvas.rim(&lumen, 1.2 * um, Dye::he(10, 44));
    lining(&outer.grown(-0.25 * outer.ry), 9.0, canvas, map, pen);
}

/// A ring of cuboidal cells with round, regular nuclei.
fn duct(outer: &Blob, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>) {
    let um = pen.stamp.um();
    shade(canvas, map, outer, um, Dye::he(15, 24));
    canvas.rim(outer, 1.0 * um, Dye::he(12, 30));
    let lumen = outer.grown(-6.6 * um);
    shade(canvas, map, &lumen, um, Dye::he(0, 1));
    let ring = outer.grown(-3.4 * um);
    let around = std::f32::consts::PI * (ring.rx + ring.ry);
    let count = (around / (6.0 * um)) as usize;
    let start = pen.stream.angle();
    for k in 0..count {
        let turn = start + k as f32 / count as f32 * std::f32::consts::TAU;
        let (x, y) = ring.edge(turn);
        let r = pen.stream.range(2.3, 2.7) * um;
        let towards = (outer.y - y).atan2(outer.x - x);
        let blob = Blob::ellipse(x, y, r * 1.15, r, towards).wobbly(0.03, &mut pen.stream);
        pen.nucleus(canvas, map, NucleusKind::Even, &blob, 0.95);
    }
}

/// Paints fibroblasts and a few lymphocytes between the vessels; returns the number of the latter.
fn stroma(t: &Tract, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>) -> usize {
    let mut lymphocytes = 0;
    let um = pen.stamp.um();
    let count = (t.cuff.area() / (um * um) * 0.0019) as usize;
    for _ in 0..count {
        let (x, y) = t.somewhere(&mut pen.stream);
        if t.holds_tube((x, y), um) {
            continue;
        }
        if pen.stream.chance(0.3) {
            lymphocytes += usize::from(pen.lymphocyte(canvas, map, (x, y)));
        } else {
            let (rx, ry) = (pen.stream.range(3.6, 5.8) * um, pen.stream.range(1.0, 1.5) * um);
            let along = t.angle + pen.stream.normal(0.0, 0.3);
            let ink = pen.stream.range(0.75, 1.05);
            pen.nucleus(canvas, map, NucleusKind::Elongated, &Blob::ellipse(x, y, rx, ry, along), ink);
        }
    }
    lymphocytes
}
