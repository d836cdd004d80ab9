//! Hepatocytes and their nuclei, and the flat cells along sinusoids.

use std::f32::consts::PI;

use super::{
    fat::{Drop, MACRO_UM, eq_diameter_um},
    layout::Layout,
    map::{self, Map, NECROSIS, SINUSOID},
    plates::{OnRidge, Plates, Ridge},
    vessels::Pen,
};
use crate::phantom::{Canvas, blob::Blob, stamp::NucleusKind, texture::Stream};

/// Least distance of cell centres, in µm; along a plate they end up 1.33 times as far.
const CELLS_APART_UM: f32 = 16.5;
/// Share of cells whose nucleus lies in the section.
const NUCLEUS_IN_PLANE: f32 = 0.84;
/// Share of cells with two nuclei in the section (8–25 %, domain.md §3.2).
const BINUCLEATE: f32 = 0.14;
/// Share of dead cells that keep a nucleus: pyknotic, fading.
const DEAD_WITH_NUCLEUS: f32 = 0.10;

/// Width of the nuclei of swollen cells, times normal [expert].
const SWOLLEN_NUCLEUS: f32 = 1.12;

/// Places tried for the nucleus of a crowded cell.
const ATTEMPTS: u8 = 6;

/// What became of a hepatocyte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Usual,
    Enlarged,
    Ballooned,
    Apoptotic,
}

/// One hepatocyte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) along: f32,
    /// In a necrotic patch.
    pub(super) dead: bool,
    pub(super) fate: Fate,
    /// Position between central vein (0) and portal tract (1).
    pub(super) zone: f32,
}

/// A painted hepatocyte nucleus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nucleus {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) pixels: u64,
    /// Index of its cell.
    pub(super) cell: usize,
}

/// Returns the hepatocytes of a section.
pub(super) fn hepatocytes(layout: &Layout, plates: &Plates, map: &Map, s: &mut Stream) -> Vec<Cell> {
    let keep = |p| map::is_parenchyma(map::at(map, p));
    let places = plates.scatter(Ridge::Plate, layout.size, CELLS_APART_UM, keep, s);
    places
        .into_iter()
        .map(|OnRidge { x, y, along }| Cell {
            x,
            y,
            along,
            dead: map::at(map, (x, y)) & NECROSIS != 0,
            fate: Fate::Usual,
            zone: layout.terrain.at(x, y)[1],
        })
        .collect()
}

/// Paints the nuclei of hepatocytes; `drops` are the vacuoles, which push nuclei aside. Nuclei are `wide` times those of
/// rats. Returns the living ones and the number of pyknotic ones.
pub(super) fn nuclei(
    cells: &[Cell],
    (drops, wide): (&[Drop], f32),
    canvas: &mut Canvas,
    map: &Map,
    pen: &mut Pen<'_>,
) -> (Vec<Nucleus>, usize) {
    let um = pen.stamp.um();
    let mut largest: Vec<Option<Blob>> = vec![None; cells.len()];
    for d in drops.iter().filter(|d| eq_diameter_um(d.pixels, um) >= MACRO_UM) {
        let slot = &mut largest[d.cell];
        if slot.is_none_or(|b| b.area() < d.blob.area()) {
            *slot = Some(d.blob);
        }
    }
    let (mut painted, mut pyknotic) = (Vec::new(), 0);
    let mut order = pen.stream.clone();
    for (index, cell) in cells.iter().enumerate() {
        // A stream of its own, so that a lesion elsewhere does not change this cell.
        let mut own = Stream::new(order.bits(), "cell");
        pen.stream = Stream::new(own.bits(), "nucleus");
        if cell.dead {
            pyknotic += usize::from(ghost(cell, canvas, map, pen, &mut own));
        } else if cell.fate == Fate::Apoptotic {
            pyknotic += usize::from(shrunken(cell, canvas, map, pen, &mut own));
        } else if own.chance(NUCLEUS_IN_PLANE) {
            let wide = if cell.fate == Fate::Usual { wide } else { SWOLLEN_NUCLEUS * wide };
            living((index, cell), (largest[index], wide), canvas, map, pen, &mut painted);
        }
    }
    (painted, pyknotic)
}

/// Paints the nucleus of an apoptotic body; returns whether there was room.
fn shrunken(cell: &Cell, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>, own: &mut Stream) -> bool {
    let um = pen.stamp.um();
    let r = own.range(2.0, 2.5) * um;
    let off = own.range(0.0, 1.2) * um;
    let (sin, cos) = own.angle().sin_cos();
    let blob = Blob::circle(cell.x + cos * off, cell.y + sin * off, r).wobbly(0.04, own);
    pen.nucleus(canvas, map, NucleusKind::Pyknotic, &blob, own.range(1.0, 1.25)).is_some()
}

/// Paints what is left of a dead cell's nucleus, mostly nothing; returns whether there is any.
fn ghost(cell: &Cell, canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>, own: &mut Stream) -> bool {
    let um = pen.stamp.um();
    if !own.chance(DEAD_WITH_NUCLEUS) {
        return false;
    }
    let r = own.range(1.7, 2.4) * um;
    let blob = Blob::circle(cell.x, cell.y, r).wobbly(0.05, own);
    pen.nucleus(canvas, map, NucleusKind::Pyknotic, &blob, own.range(0.6, 1.0)).is_some()
}

/// Paints a cell's one or two nuclei where there is room.
fn living(
    (index, cell): (usize, &Cell),
    (pushed, wide): (Option<Blob>, f32),
    canvas: &mut Canvas,
    map: &Map,
    pen: &mut Pen<'_>,
    painted: &mut Vec<Nucleus>,
) {
    let um = pen.stamp.um();
    let mut own = pen.stream.clone();
    for attempt in 0..ATTEMPTS {
        let before = painted.len();
        for blob in blobs(cell, pushed, (attempt, wide), um, &mut own) {
            // Some lie deep in the section and look pale.
            let ink = if own.chance(0.15) { own.range(0.62, 0.85) } else { own.range(0.95, 1.42) };
            if let Some((_, pixels)) = pen.nucleus(canvas, map, NucleusKind::Vesicular, &blob, ink) {
                painted.push(Nucleus { x: blob.x, y: blob.y, pixels, cell: index });
            }
        }
        if painted.len() > before {
            return;
        }
    }
}

/// Returns the one or two nuclei of a cell; later attempts look further afield.
fn blobs(
    cell: &Cell,
    pushed: Option<Blob>,
    (attempt, wide): (u8, f32),
    um: f32,
    s: &mut Stream,
) -> Vec<Blob> {
    // Mononucleated cells are mostly tetraploid, some diploid, few octaploid; volumes double.
    let pair = s.chance(BINUCLEATE);
    let size = match (pair, s.unit()) {
        (true, p) if p < 0.6 => 3.4,
        (true, _) => 4.15,
        (false, p) if p < 0.28 => 3.4,
        (false, p) if p < 0.92 => 4.15,
        (false, _) => 5.0,
    } * wide
        * um;
    let astray = (1.3 + 1.5 * f32::from(attempt)) * um;
    let (mut x, mut y) = (cell.x + s.normal(0.0, astray), cell.y + s.normal(0.0, astray));
    let (mut flat, mut angle) = (1.0, s.angle());
    if let Some(drop) = pushed {
        let turn = s.normal(0.0, 0.5 + 0.6 * f32::from(attempt));
        let away = (cell.y - drop.y).atan2(cell.x - drop.x) + turn;
        let far = (drop.rx + drop.ry) / 2.0 + size * 0.92;
        if (x - drop.x).hypot(y - drop.y) < far + 0.5 * um {
            let (sin, cos) = away.sin_cos();
            (x, y) = (drop.x + cos * far, drop.y + sin * far);
            (flat, angle) = (s.range(0.72, 0.95), away + PI / 2.0);
        }
    }
    let make = |x: f32, y: f32, s: &mut Stream| {
        // Not every nucleus is cut through its middle.
        let r = size * (1.0 - s.range(0.0, 0.75).powi(2)).sqrt() * s.normal(1.0, 0.04);
        let long = (s.range(1.0, 1.2) / flat).sqrt();
        Blob::ellipse(x, y, r * long, r / long, angle).wobbly(0.035, s)
    };
    if !pair || pushed.is_some() {
        return vec![make(x, y, s)];
    }
    let gap = size * s.range(1.15, 1.4);
    let (sin, cos) = (cell.along + s.normal(0.0, 0.5)).sin_cos();
    vec![make(x - cos * gap, y - sin * gap, s), make(x + cos * gap, y + sin * gap, s)]
}

/// Paints endothelial and Kupffer cells along sinusoids. Returns the widths of open sinusoids at
/// places that lie evenly along them, in pixels.
pub(super) fn flat_cells(
    layout: &Layout,
    plates: &Plates,
    canvas: &mut Canvas,
    map: &Map,
    pen: &mut Pen<'_>,
) -> Vec<f64> {
    let um = pen.stamp.um();
    let mut widths = Vec::new();
    let mut s = pen.stream.clone();
    let keep = |p| map::is_parenchyma(map::at(map, p)) && map::at(map, p) & NECROSIS == 0;
    for place in plates.scatter(Ridge::Sinusoid, layout.size, 23.0, keep, &mut s) {
        let mut own = Stream::new(s.bits(), "flat");
        pen.stream = Stream::new(own.bits(), "nucleus");
        let open = map::at(map, (place.x, place.y)) & SINUSOID != 0;
        if open {
            widths.push(slit_width(map, &place, um));
        }
        if !own.chance(if open { 0.62 } else { 0.4 }) {
            continue;
        }
        let kupffer = own.chance(0.3);
        let (rx, ry) = if kupffer {
            (own.range(3.2, 4.4), own.range(1.35, 1.7))
        } else {
            (own.range(3.4, 5.6), own.range(0.95, 1.4))
        };
        let side = own.range(-1.6, 1.6) * um;
        let (sin, cos) = place.along.sin_cos();
        let (x, y) = (place.x - sin * side, place.y + cos * side);
        let blob = Blob::ellipse(x, y, rx * um, ry * um, place.along + own.normal(0.0, 0.15));
        let blob = blob.wobbly(0.1, &mut own);
        if map::is_within(map, &blob, 0) && canvas.is_free(&blob, "swollen") {
            pen.nucleus(canvas, map, NucleusKind::Elongated, &blob, own.range(0.85, 1.25));
        }
    }
    widths
}

/// Returns the diameter of the widest disk inside the sinusoid whose middle lies across it from a place, in pixels.
fn slit_width(map: &Map, at: &OnRidge, um: f32) -> f64 {
    const NEAR_UM: f32 = 2.0;
    let open = |x: i64, y: i64| map.get(x, y).unwrap_or(0) & SINUSOID != 0;
    let near = (NEAR_UM * um).ceil() as i32;
    let (sin, cos) = at.along.sin_cos();
    let mut widest = 0.0_f64;
    for off in (-near..=near).map(|v| v as f32) {
        let (x, y) = ((at.x - sin * off).floor() as i64, (at.y + cos * off).floor() as i64);
        if open(x, y) {
            widest = widest.max(free_distance(x, y, widest, &open));
        }
    }
    2.0 * widest - 1.0
}

/// Returns the distance to the nearest pixel that is not open, or 0 if it is no more than `least`.
fn free_distance(x: i64, y: i64, least: f64, open: &impl Fn(i64, i64) -> bool) -> f64 {
    let mut nearest = f64::INFINITY;
    // Squares outwards: what lies on the k-th is at least k away.
    for k in 1_i64.. {
        if k as f64 >= nearest {
            break;
        }
        let side = (-k..=k).flat_map(|t| [(t, -k), (t, k), (-k, t), (k, t)]);
        for (dx, dy) in side.filter(|&(dx, dy)| !open(x + dx, y + dy)) {
            nearest = nearest.min(((dx * dx + dy * dy) as f64).sqrt());
        }
        if nearest <= least {
            return 0.0;
        }
    }
    nearest
}
