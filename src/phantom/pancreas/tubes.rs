//! Ducts, arteries and veins: a lumen, a wall and a collagen cuff.

use super::{
    Easel, class,
    layout::Plan,
    terrain::{LOBULE, ORGAN, ROOM, Terrain},
};
use crate::phantom::{
    blob::{Blob, Dye, Outline as _},
    stamp::NucleusKind,
    texture::{Stream, noise},
};
use crate::raster::Plane;

/// Share of the organ that tubes leave free, for estimates.
pub(super) const SPARED: f64 = 0.985;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Duct,
    Artery,
    Vein,
}

/// One tube, cut across.
#[derive(Clone, Debug)]
pub(super) struct Tube {
    kind: Kind,
    lumen: Blob,
    /// Thickness of the wall, px.
    wall: f32,
    /// Thickness of the collagen around it, px.
    cuff: f32,
}

impl Tube {
    fn outer(&self) -> Blob {
        self.lumen.grown(self.wall + self.cuff)
    }
}

/// Places tubes: large ones in septa, small ones anywhere. At least one duct and one vein.
pub(super) fn place(land: &mut Terrain, easel: &Easel<'_>) -> Vec<Tube> {
    let organ: Vec<usize> = (0..land.nodes.len()).filter(|&k| land.nodes[k][ORGAN] > 45.0).collect();
    let mm2 = organ.len() as f32 * land.node_px() as f32 / (easel.um * easel.um) / 1e6;
    let plan = [
        (Kind::Duct, true, 0.55),
        (Kind::Vein, true, 0.6),
        (Kind::Artery, true, 0.45),
        (Kind::Duct, false, 1.6),
        (Kind::Vein, false, 2.0),
    ];
    let mut tubes: Vec<Tube> = Vec::new();
    for (round, (kind, large, per_mm2)) in plan.into_iter().enumerate() {
        let least = usize::from(round < 2);
        for k in 0..((mm2 * per_mm2).round() as usize).max(least) {
            let mut s = easel.stream("tube", round * 100_000 + k);
            let tube = (0..60).find_map(|_| attempt(land, &organ, &mut s, kind, large, easel.um));
            if let Some(tube) = tube {
                land.occupy(&tube.outer());
                tubes.push(tube);
            }
        }
    }
    tubes
}

fn attempt(
    land: &Terrain,
    organ: &[usize],
    s: &mut Stream,
    kind: Kind,
    large: bool,
    um: f32,
) -> Option<Tube> {
    let k = *organ.get(s.index(organ.len()))?;
    let node = land.nodes[k];
    let (x, y) = ((k % land.columns * land.step) as f32, (k / land.columns * land.step) as f32);
    // Small slides hold the twigs, not the trunk.
    let slide = (land.columns as f32 * land.step as f32 / um / 1500.0).clamp(0.3, 1.0);
    let size = if large { slide * s.normal(0.0, 0.5).exp() } else { 0.32 * s.normal(0.0, 0.3).exp() };
    let (radius, wall, cuff) = match kind {
        Kind::Duct => (17.0 * size, 8.5 - 2.0 * f32::from(u8::from(!large)), 5.0 + 16.0 * size),
        Kind::Artery => (11.0 * size, 6.0 + 5.0 * size, 7.0),
        Kind::Vein => (20.0 * size, 1.8, 4.5 * size),
    };
    let outer = radius + wall + cuff;
    let fits = node[ORGAN] > outer + 24.0 && node[ROOM] > outer + 8.0;
    if !fits || (large && node[LOBULE] > 14.0) || (!large && node[LOBULE] < outer) {
        return None;
    }
    let stretch = s.range(1.0, if kind == Kind::Vein { 2.2 } else { 1.5 }).sqrt();
    let lumen = Blob::ellipse(x, y, radius * stretch * um, radius / stretch * um, s.angle());
    let lumen = lumen.wobbly(if kind == Kind::Artery { 0.04 } else { 0.09 }, s);
    Some(Tube { kind, lumen, wall: wall * um, cuff: cuff * um })
}

/// Paints the tubes.
pub(super) fn paint(easel: &mut Easel<'_>, plan: &Plan) {
    for (k, tube) in plan.tubes.iter().enumerate() {
        let mut s = easel.stream("tube look", k);
        let outer = tube.outer();
        cuff(easel, &mut s, &outer);
        easel.claim(&outer, class::STROMA);
        match tube.kind {
            Kind::Duct => duct(easel, &mut s, tube),
            Kind::Artery => artery(easel, &mut s, tube),
            Kind::Vein => vein(easel, &mut s, tube),
        }
        cuff_nuclei(easel, &mut s, tube);
    }
}

/// Collagen in rings around a tube, waves of unequal strength.
fn cuff(easel: &mut Easel<'_>, s: &mut Stream, outer: &Blob) {
    const TILE: usize = 256;
    let um = easel.um;
    let wave = noise(TILE, TILE, 11.0 * um, 3, s);
    let grain = noise(TILE, TILE, (1.6 * um).max(1.0), 2, s);
    let pitch = std::f32::consts::TAU / (3.4 * um).max(3.0);
    easel.canvas.shade(outer, 1.6 * um, |x, y, d, _| {
        let at = |p: &Plane<u8>| f32::from(p.at(x % TILE, y % TILE)) - 128.0;
        let (bend, fine) = (at(&wave), at(&grain));
        let strand = (d * pitch + bend * 0.07).sin();
        let ink = 0.8 + 0.14 * strand * (0.6 + bend * 0.01) + bend * 0.0022 + fine * 0.0015;
        Dye::he((5.0 * ink) as u8, (25.0 * ink).max(0.0) as u8)
    });
}

fn duct(easel: &mut Easel<'_>, s: &mut Stream, tube: &Tube) {
    let um = easel.um;
    easel.canvas.fill(&tube.lumen.grown(tube.wall), Dye::he(15, 22), 0.7 * um);
    easel.canvas.fill(&tube.lumen, Dye::he(0, 2), 0.7 * um);
    if s.chance(0.5) {
        let plug = tube.lumen.grown(-2.5 * um);
        easel.stamp.hyalin(easel.canvas, &plug, 11);
    }
    let ring = tube.lumen.grown(tube.wall * 0.55);
    around(&ring, 7.2 * um, s, |s, x, y, angle| {
        let blob = Blob::ellipse(x, y, s.range(2.9, 3.5) * um, s.range(2.2, 2.7) * um, angle);
        nucleus(easel, s, NucleusKind::Even, &blob);
    });
}

fn artery(easel: &mut Easel<'_>, s: &mut Stream, tube: &Tube) {
    let um = easel.um;
    easel.canvas.fill(&tube.lumen.grown(tube.wall), Dye::he(9, 38), 0.7 * um);
    blood(easel, s, &tube.lumen, 0.5);
    for share in [0.35, 0.75] {
        around(&tube.lumen.grown(tube.wall * share), 15.0 * um, s, |s, x, y, angle| {
            let blob = Blob::ellipse(x, y, s.range(4.0, 5.5) * um, 1.25 * um, angle + 1.57);
            nucleus(easel, s, NucleusKind::Elongated, &blob);
        });
    }
}

fn vein(easel: &mut Easel<'_>, s: &mut Stream, tube: &Tube) {
    let um = easel.um;
    easel.canvas.fill(&tube.lumen.grown(tube.wall), Dye::he(6, 30), 0.7 * um);
    let filled = s.range(0.0, 1.3);
    blood(easel, s, &tube.lumen, filled);
    around(&tube.lumen.grown(tube.wall * 0.6), 26.0 * um, s, |s, x, y, angle| {
        let blob = Blob::ellipse(x, y, s.range(4.0, 6.0) * um, 1.3 * um, angle + 1.57);
        nucleus(easel, s, NucleusKind::Elongated, &blob);
    });
}

/// Empties a lumen and fills the share `filled` of it with red cells.
fn blood(easel: &mut Easel<'_>, s: &mut Stream, lumen: &Blob, filled: f32) {
    let um = easel.um;
    easel.canvas.fill(lumen, Dye::he(0, 3), 0.7 * um);
    let inner = lumen.grown(-2.4 * um);
    let count = (lumen.area() / (26.0 * um * um) * filled) as usize;
    let [x0, y0, x1, y1] = inner.bounds();
    let drift = s.angle();
    for _ in 0..count {
        let (x, y) = (s.range(x0, x1), s.range(y0, y1));
        // Blood settles to one side unless the vessel is full.
        let lean = ((x - lumen.x) * drift.cos() + (y - lumen.y) * drift.sin()) / lumen.rx.max(lumen.ry);
        if inner.distance(x, y) < 0.0 && (filled > 0.9 || lean > 0.3 - filled) {
            let r = s.range(2.6, 3.2) * um;
            let cell = Blob::ellipse(x, y, r, r * s.range(0.75, 1.0), s.angle());
            let ink = s.range(0.8, 1.05);
            easel.stamp.red_cell(easel.canvas, &cell, ink, 0);
        }
    }
}

fn cuff_nuclei(easel: &mut Easel<'_>, s: &mut Stream, tube: &Tube) {
    let um = easel.um;
    let mut depth = 3.0 * um;
    while depth < tube.cuff - 1.5 * um {
        around(&tube.lumen.grown(tube.wall + depth), 34.0 * um, s, |s, x, y, angle| {
            let blob = Blob::ellipse(x, y, s.range(3.5, 5.5) * um, s.range(0.9, 1.3) * um, angle + 1.57);
            nucleus(easel, s, NucleusKind::Elongated, &blob);
        });
        depth += 6.0 * um;
    }
}

fn nucleus(easel: &mut Easel<'_>, s: &mut Stream, kind: NucleusKind, blob: &Blob) {
    if easel.canvas.is_free(blob, "nuclei") {
        easel.nuclei += 1;
        let ink = s.range(0.85, 1.1);
        easel.stamp.nucleus(easel.canvas, s, kind, blob, ink, easel.nuclei);
    }
}

/// Calls `f(stream, x, y, outward angle)` at even places along an outline.
fn around(ring: &Blob, spacing: f32, s: &mut Stream, mut f: impl FnMut(&mut Stream, f32, f32, f32)) {
    let length = std::f32::consts::PI * (ring.rx + ring.ry);
    let count = (length / spacing).max(3.0) as usize;
    let start = s.angle();
    for k in 0..count {
        let a = start + std::f32::consts::TAU * (k as f32 + s.range(-0.2, 0.2)) / count as f32;
        let (x, y) = ring.edge(a);
        let outward = (y - ring.y).atan2(x - ring.x);
        f(s, x, y, outward);
    }
}
