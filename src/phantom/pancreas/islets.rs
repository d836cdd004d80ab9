//! Islets: pale cords of endocrine cells between capillaries, with their lesions.

use std::f32::consts::TAU;

use super::{
    CONGESTION, Easel, INSULITIS, ISLET_PYKNOSIS, Request, class,
    islet_lesions::{blood, infiltrate, large_vacuoles, small_vacuoles, vacuole_share},
    layout::Plan,
};
use crate::phantom::{
    blob::{Blob, Dye, Outline, scan},
    points::{Spot, Voronoi, poisson},
    stamp::NucleusKind,
    texture::{Stream, noise},
};

/// Least distance between endocrine nuclei.
const CELL_UM: f32 = 9.1;

/// What was painted of one islet.
#[derive(Clone, Debug)]
pub(super) struct Islet {
    pub(super) outline: Blob,
    pub(super) alive: u64,
    pub(super) pyknotic: u64,
    pub(super) lymphocytes: u64,
    /// Insulitis grade, 0–4 (domain.md §4.2).
    pub(super) grade: u8,
}

/// Paints all islets; islet `i` gets label `i + 1`.
pub(super) fn paint(easel: &mut Easel<'_>, plan: &Plan, request: &Request) -> Vec<Islet> {
    let mut islets = Vec::new();
    let ranks = ranks(plan.islets.len(), 2);
    for (i, outline) in plan.islets.iter().enumerate() {
        let grade = (request.amount(&INSULITIS) + ranks[i]).floor().min(4.0) as u8;
        islets.push(islet(easel, request, i, outline, grade));
    }
    islets
}

/// Spreads `n` islets evenly over 0..1, in a mixed order.
fn ranks(n: usize, base: u32) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = (0..n).map(|i| (radical_inverse(i as u32 + 1, base), i)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; n];
    for (place, (_, i)) in order.into_iter().enumerate() {
        ranks[i] = (place as f64 + 0.5) / n as f64;
    }
    ranks
}

fn islet(easel: &mut Easel<'_>, request: &Request, i: usize, outline: &Blob, grade: u8) -> Islet {
    let um = easel.um;
    let pixels = easel.canvas.label(outline, "islets", i as u32 + 1);
    easel.claim(outline, class::ISLET);
    let mut s = easel.stream("islet cells", i);
    let capillaries = capillaries(&mut s, outline, um);
    let mut cells = cells(&mut s, outline, um);
    cytoplasm(easel, &mut s, outline, &cells);
    for path in &capillaries {
        let width = s.range(2.2, 4.2) * um;
        easel.stamp.fibre(easel.canvas, path, width, Dye::he(3, 8));
        endothelium(easel, &mut s, path);
        keep_off_path(&mut cells, path, 3.2 * um + width * 0.5);
    }
    let wanted = vacuole_share(easel, request, i) * pixels as f32;
    let covered = large_vacuoles(easel, i, outline, &mut cells, wanted);
    let lymphocytes = infiltrate(easel, i, outline, grade);
    let mut painted = Islet { outline: *outline, alive: 0, pyknotic: 0, lymphocytes, grade };
    endocrine_nuclei(easel, request, i, &cells, &mut painted);
    small_vacuoles(easel, i, outline, wanted - covered);
    let wanted = request.amount(&CONGESTION) as f32 / 100.0 * s.range(0.85, 1.15) * pixels as f32;
    blood(easel, i, outline, &capillaries, wanted as u64);
    painted
}

/// A random place inside, mostly in the core; `reach` 1 is the outline.
pub(super) fn inside(s: &mut Stream, outline: &Blob, reach: f32) -> Spot {
    let (x, y) = outline.edge(s.angle());
    let far = s.unit().sqrt() * reach;
    (outline.x + (x - outline.x) * far, outline.y + (y - outline.y) * far)
}

fn cells(s: &mut Stream, outline: &Blob, um: f32) -> Vec<Spot> {
    let [x0, y0, x1, y1] = outline.bounds();
    let spots = poisson(x1 - x0, y1 - y0, CELL_UM * um, usize::MAX, s);
    let spots = spots.into_iter().map(|(x, y)| (x + x0, y + y0));
    spots.filter(|&(x, y)| outline.distance(x, y) < -4.4 * um).collect()
}

/// Smooth paths from the outline towards and past the core.
fn capillaries(s: &mut Stream, outline: &Blob, um: f32) -> Vec<Vec<Spot>> {
    let count = (outline.area() / (3600.0 * um * um)).round().max(1.0) as usize;
    (0..count)
        .map(|_| {
            let mut at = outline.edge(s.angle());
            let (tx, ty) = inside(s, outline, 0.6);
            let mut heading = (ty - at.1).atan2(tx - at.0);
            let steps = s.range(6.0, 14.0) as usize;
            let mut path = vec![at];
            for _ in 0..steps {
                heading += s.normal(0.0, 0.35);
                at = (at.0 + 5.5 * um * heading.cos(), at.1 + 5.5 * um * heading.sin());
                if outline.distance(at.0, at.1) > -3.0 * um && path.len() > 2 {
                    break;
                }
                path.push(at);
            }
            path
        })
        .collect()
}

/// Pushes cells that lie on a path to its side.
fn keep_off_path(cells: &mut [Spot], path: &[Spot], apart: f32) {
    for at in path {
        keep_off(cells, *at, apart);
    }
}

pub(super) fn keep_off(cells: &mut [Spot], (x, y): Spot, apart: f32) {
    for cell in cells.iter_mut() {
        let (dx, dy) = (cell.0 - x, cell.1 - y);
        let far = dx.hypot(dy);
        if far < apart {
            let scale = apart / far.max(0.1);
            *cell = (x + dx * scale, y + dy * scale);
        }
    }
}

/// Pale, nearly even cytoplasm; each cell a shade of its own, borders barely seen.
fn cytoplasm(easel: &mut Easel<'_>, s: &mut Stream, outline: &Blob, cells: &[Spot]) {
    const TILE: usize = 256;
    let um = easel.um;
    let [x0, y0, x1, y1] = outline.bounds();
    let local = cells.iter().map(|&(x, y)| (x - x0, y - y0)).collect();
    let map = Voronoi::new(local, x1 - x0, y1 - y0);
    let grain = noise(TILE, TILE, (1.5 * um).max(1.0), 2, s);
    let soft = noise(TILE, TILE, 9.0 * um, 2, s);
    let shade = 1.0 + s.range(-0.08, 0.08);
    easel.canvas.shade(outline, 0.9 * um, |x, y, d, _| {
        let at = |p: &crate::raster::Plane<u8>| f32::from(p.at(x % TILE, y % TILE)) - 128.0;
        let (g, slow) = (at(&grain), at(&soft));
        let place = (x as f32 - x0 + slow * 0.02 * um, y as f32 - y0);
        let (tint, seam) = map.near(place).map_or((0.0, 0.0), |n| {
            let tint = (n.first.wrapping_mul(0x9e37_79b9) >> 24) as f32 / 128.0 - 1.0;
            (tint, (1.0 - n.border / (0.7 * um)).max(0.0))
        });
        let rim = (1.0 + d / (1.6 * um)).clamp(0.0, 1.0);
        let h = (8.5 + 1.4 * tint + 0.03 * g + 0.02 * slow) * (1.0 - 0.2 * seam - 0.3 * rim);
        let e = (11.5 + 1.6 * tint + 0.05 * g + 0.03 * slow) * (1.0 - 0.2 * seam - 0.1 * rim);
        Dye::he((h * shade) as u8, (e * shade) as u8)
    });
}

fn endothelium(easel: &mut Easel<'_>, s: &mut Stream, path: &[Spot]) {
    let um = easel.um;
    for ends in path.windows(2) {
        if !s.chance(0.16) {
            continue;
        }
        let angle = (ends[1].1 - ends[0].1).atan2(ends[1].0 - ends[0].0);
        let side = if s.chance(0.5) { 1.6 } else { -1.6 } * um;
        let (x, y) = (ends[0].0 - angle.sin() * side, ends[0].1 + angle.cos() * side);
        let blob = Blob::ellipse(x, y, s.range(3.2, 4.6) * um, 1.1 * um, angle);
        if easel.canvas.is_free(&blob, "nuclei") {
            easel.nuclei += 1;
            let id = easel.nuclei;
            easel.stamp.nucleus(easel.canvas, s, NucleusKind::Elongated, &blob, 0.95, id);
        }
    }
}

/// Returns number `i` of a sequence that fills 0..1 evenly at any length.
fn radical_inverse(mut i: u32, base: u32) -> f64 {
    let (mut value, mut digit) = (0.0, 1.0 / f64::from(base));
    while i > 0 {
        value += f64::from(i % base) * digit;
        i /= base;
        digit /= f64::from(base);
    }
    value
}

fn endocrine_nuclei(easel: &mut Easel<'_>, request: &Request, i: usize, cells: &[Spot], islet: &mut Islet) {
    let um = easel.um;
    let share = request.amount(&ISLET_PYKNOSIS) as f32 / 100.0;
    let turn = easel.stream("pyknosis", i).unit();
    for (k, &(x, y)) in cells.iter().enumerate() {
        let mut s = easel.stream("endocrine nucleus", (i << 16) + k);
        // Evenly spread ranks make the share exact in every islet.
        let dead = (k as f32 * 0.618_034 + turn).fract() < share;
        let r = if dead { s.range(1.55, 1.95) } else { s.range(2.65, 3.3) } * um;
        let blob = Blob::ellipse(x, y, r, r * s.range(1.0, 1.15), s.angle()).wobbly(0.025, &mut s);
        if islet.outline.distance(x, y) > -2.0 * um || !easel.canvas.is_free(&blob, "nuclei") {
            continue;
        }
        if !easel.canvas.is_free(&blob, "vacuoles") {
            continue;
        }
        if dead {
            let halo = Blob::circle(x, y, 4.6 * um).wobbly(0.1, &mut s);
            easel.canvas.shade(&halo, 2.0 * um, |_, _, _, old| {
                let clear = u32::from(old.h) + u32::from(old.e) < 8 || old.h > 40;
                if clear { old } else { Dye { e: old.e.max(24).saturating_add(6), ..old } }
            });
        }
        let usual = if s.chance(0.5) { NucleusKind::Even } else { NucleusKind::Vesicular };
        let kind = if dead { NucleusKind::Pyknotic } else { usual };
        easel.nuclei += 1;
        let ink = s.range(0.66, 0.96);
        let ink = if dead { 1.0 } else { ink };
        easel.stamp.nucleus(easel.canvas, &mut s, kind, &blob, ink, easel.nuclei);
        islet.pyknotic += u64::from(dead);
        islet.alive += u64::from(!dead);
    }
}

/// Returns the length of the outline, px.
pub(super) fn perimeter(outline: &Blob) -> f32 {
    const CORNERS: usize = 180;
    let corner = |k: usize| outline.edge(TAU * k as f32 / CORNERS as f32);
    (0..CORNERS)
        .map(|k| {
            let (a, b) = (corner(k), corner(k + 1));
            (a.0 - b.0).hypot(a.1 - b.1)
        })
        .sum()
}

/// Returns whether an outline lies wholly on tissue.
pub(super) fn uncut(easel: &Easel<'_>, outline: &Blob) -> bool {
    let around = outline.grown(4.0 * easel.um);
    let mut whole = true;
    scan(&around, easel.canvas.size(), 0.0, |x, y, d| {
        whole &= d >= 0.0 || easel.ground.at(x, y) != class::GLASS;
    });
    whole
}
