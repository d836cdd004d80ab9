//! Where blood runs, and the red cells in it.

use super::{
    super::{
        Canvas,
        blob::{Blob, Outline as _, scan},
        points::{jittered, poisson},
        texture::Stream,
    },
    Tools,
    interstitium::{deepest, lengthwise},
    packing::{NONE, Packing},
    section::Section,
    tubules::{Kind, Tubule},
    tuft::Painted,
    values::{RED, Seen},
    vessels::Vessel,
};
use crate::raster::Plane;

/// What a space is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Between tubules; may have a nucleus.
    Capillary,
    /// Capillary without a nucleus of its own.
    Loop,
    VasaRecta,
    Vessel,
    /// No space but a spindle nucleus in a vessel's wall.
    Wall,
}

/// A space that may hold red cells.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub(super) outline: Blob,
    pub(super) source: Source,
}

/// Finds every space for blood.
pub(super) fn spaces(
    tools: &Tools,
    packing: &Packing<'_>,
    section: &Section,
    (tubules, vessels, corpuscles): (&[Tubule], &[Vessel], &[Painted]),
    canvas: &Canvas,
) -> Vec<Space> {
    let um = tools.um;
    let mut s = tools.stream("blood spaces");
    let mut found = Vec::new();
    capillaries(tools, packing, section, &mut s, canvas, &mut found);
    for (at, r) in corpuscles.iter().flat_map(|c| &c.loops) {
        let r = (r * 0.95).min(3.1 * um);
        found.push(Space {
            outline: Blob::ellipse(at.0, at.1, r, r * s.range(0.75, 1.0), s.angle()),
            source: Source::Loop,
        });
    }
    for tubule in tubules.iter().filter(|t| t.kind == Kind::VasaRecta) {
        for &(x, y) in &tubule.path {
            found.push(Space { outline: Blob::circle(x, y, 3.1 * um), source: Source::VasaRecta });
        }
    }
    for vessel in vessels {
        walls(vessel, um, &mut s, &mut found);
        found.push(Space { outline: vessel.lumen, source: Source::Vessel });
    }
    found
}

/// Peritubular capillaries lie where three tubules meet.
fn capillaries(
    tools: &Tools,
    packing: &Packing<'_>,
    section: &Section,
    s: &mut Stream,
    canvas: &Canvas,
    found: &mut Vec<Space>,
) {
    let um = tools.um;
    let cell = 7.0 * um;
    let columns = (section.size.0 / cell) as usize + 1;
    let mut taken = vec![false; columns * ((section.size.1 / cell) as usize + 1)];
    for from in jittered(section.size.0, section.size.1, 13.0 * um, 0.9, s) {
        let (turn, long) = (s.angle(), s.range(1.0, 1.5));
        if section.outline.distance(from.0, from.1) > -18.0 * um {
            continue;
        }
        let at = deepest(packing, from, um);
        let here = packing.at(at);
        if here.depth > -1.1 * um || here.owner == NONE || here.depth < -12.0 * um {
            continue;
        }
        let i = (at.1 / cell) as usize * columns + (at.0 / cell) as usize;
        let busy = canvas.labels.get("glomeruli").is_some_and(|p| p.at(at.0 as usize, at.1 as usize) != 0);
        if taken[i] || busy {
            continue;
        }
        taken[i] = true;
        let r = (-here.depth * 1.1).clamp(1.6 * um, 3.0 * um);
        let outline = Blob::ellipse(at.0, at.1, r * long.min(3.3 * um / r), r, turn);
        found.push(Space { outline, source: Source::Capillary });
        let (sin, cos) = lengthwise(packing, at, um).sin_cos();
        for far in [-5.2 * um, 5.2 * um] {
            let (x, y) = (at.0 + far * cos, at.1 + far * sin);
            let here = packing.at((x, y));
            if (-12.0 * um..-um).contains(&here.depth) && here.owner != NONE {
                let r = (-here.depth * 1.1).clamp(1.6 * um, 2.8 * um);
                found.push(Space { outline: Blob::ellipse(x, y, r, r * 0.9, turn), source: Source::Loop });
            }
        }
    }
}

/// Spindle nuclei of muscle and endothelium.
fn walls(vessel: &Vessel, um: f32, s: &mut Stream, found: &mut Vec<Space>) {
    let thickness = (vessel.outline.ry - vessel.lumen.ry).max(2.0 * um);
    let layers = if vessel.artery { (thickness / (5.0 * um)).round().max(1.0) as usize } else { 1 };
    for layer in 0..layers {
        let ring = vessel.lumen.grown(thickness * (layer as f32 + 0.35) / layers as f32);
        let n = (ring.rx.max(ring.ry) * std::f32::consts::TAU / (17.0 * um)).round() as usize;
        for k in 0..n {
            let at = (k as f32 + s.range(-0.4, 0.4)) / n as f32 * std::f32::consts::TAU;
            let (a, b, (x, y)) = (ring.edge(at - 0.05), ring.edge(at + 0.05), ring.edge(at));
            let angle = (b.1 - a.1).atan2(b.0 - a.0);
            let outline = Blob::ellipse(x, y, s.range(4.0, 6.5) * um, s.range(1.0, 1.5) * um, angle);
            if s.chance(0.8) {
                found.push(Space { outline, source: Source::Wall });
            }
        }
    }
}

/// Fills `percent` of the spaces with red cells; more percent never empties one. In vessels it is a share
/// of the red cells that fit.
pub(super) fn fill(tools: &Tools, spaces: &[Space], percent: f32, canvas: &mut Canvas) {
    let um = tools.um;
    let mut s = tools.stream("red cells");
    for space in spaces {
        let mut own = Stream::new(s.bits(), "space");
        let full = own.unit() * 100.0 < percent;
        let r = 2.8 * um;
        match space.source {
            Source::Wall => {}
            Source::Vessel => {
                let [x0, y0, x1, y1] = space.outline.bounds();
                for (x, y) in poisson(x1 - x0, y1 - y0, 4.7 * um, usize::MAX, &mut own) {
                    let (x, y) = (x0 + x, y0 + y);
                    let (share, ink) = (own.unit() * 100.0, own.normal(1.0, 0.08));
                    if share < percent && space.outline.distance(x, y) < -r {
                        tools.stamp.red_cell(canvas, &Blob::circle(x, y, r), ink, 0);
                    }
                }
            }
            _ => {
                let ink = own.normal(1.0, 0.08);
                if full && canvas.is_free(&space.outline.grown(-um), "nuclei") {
                    tools.stamp.red_cell(canvas, &space.outline.wobbly(0.06, &mut own), ink, 0);
                }
            }
        }
    }
}

/// Lets red cells into the lumens of cortical tubules, one tubule after the other, until they cover `percent` of the tissue.
/// More is the same cells and further ones. Returns the pixels covered.
pub(super) fn spill(
    tools: &Tools,
    tubules: &[Tubule],
    seen: &Seen,
    percent: f32,
    canvas: &mut Canvas,
) -> u64 {
    let um = tools.um;
    let wanted = (f64::from(percent) / 100.0 * seen.tissue_px() as f64) as u64;
    let mut s = tools.stream("blood in tubules");
    let mut order: Vec<usize> = (0..tubules.len()).filter(|&i| !tubules[i].medulla).collect();
    s.shuffle(&mut order);
    let Some(mut lumina) = canvas.labels.remove("lumina") else { return 0 };
    let whole = lumina.clone();
    // A vacuole that bulges into a lumen stays empty.
    for (id, vacuole) in
        lumina.data_mut().iter_mut().zip(canvas.labels.get("vacuoles").map_or(&[][..], |v| v.data()))
    {
        *id = if *vacuole == 0 { *id } else { 0 };
    }
    let mut covered = 0;
    for i in order {
        let (tubule, wall) = (&tubules[i], &seen.walls[i]);
        if covered >= wanted {
            break;
        }
        if wall.cast || wall.necrotic || wall.lumen <= 0.0 {
            continue;
        }
        let reach = tubule.radius * 1.6;
        let span = |of: fn(&(f32, f32)) -> f32| {
            let ends = tubule.path.iter().map(of);
            ends.fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v - reach), b.max(v + reach)))
        };
        let ((x0, x1), (y0, y1)) = (span(|p| p.0), span(|p| p.1));
        for (x, y) in poisson(x1 - x0, y1 - y0, 4.5 * um, usize::MAX, &mut s) {
            let cell = Blob::circle(x0 + x, y0 + y, s.range(2.6, 3.1) * um);
            covered += spilt(canvas, &lumina, i as u32 + 1, (&cell, s.normal(1.0, 0.08)));
        }
    }
    canvas.labels.insert("lumina", whole);
    covered
}

/// Paints a red cell as far as it lies in lumen `id`. Returns the pixels newly covered.
fn spilt(canvas: &mut Canvas, lumina: &Plane<u32>, id: u32, (cell, ink): (&Blob, f32)) -> u64 {
    let mut fresh = 0;
    let r = cell.rx;
    scan(cell, canvas.size(), 0.0, |x, y, d| {
        if d >= 0.0 || lumina.at(x, y) != id {
            return;
        }
        fresh += u64::from(canvas.rbc.at(x, y) < RED);
        let depth = (-d / r).clamp(0.0, 1.0);
        canvas.h.set(x, y, 3);
        canvas.e.set(x, y, (12.0 * ink) as u8);
        canvas.rbc.set(x, y, ((58.0 - 20.0 * depth * depth) * ink) as u8);
    });
    fresh
}
