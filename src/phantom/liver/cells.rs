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

/// One hepatocyte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) along: f32,
    pub(super) dead: bool,
    /// Position between central vein (0) and portal tract (1).
    pub(super) zone: f32,
}

/// A painted hepatocyte nucleus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nucleus {
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
            zone: layout.terrain.at(x, y)[1],
        })
        .collect()
}

/// Paints the nuclei of hepatocytes; `drops` are the vacuoles, which push nuclei aside.
pub(super) fn nuclei(
    cells: &[Cell],
    drops: &[Drop],
    canvas: &mut Canvas,
    map: &Map,
    pen: &mut Pen<'_>,
) -> Vec<Nucleus> {
    let um = pen.stamp.um();
    let mut largest: Vec<Option<Blob>> = vec![None; cells.len()];
    for d in drops.iter().filter(|d| eq_diameter_um(d.pixels, um) >= MACRO_UM) {
        let slot = &mut largest[d.cell];
        if slot.is_none_or(|b| b.area() < d.blob.area()) {
            *slot = Some(d.blob);
        }
    }
    let mut painted = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        // Drawn before any choice so that a lesion elsewhere does not change this cell.
        let mut own = Stream::new(pen.stream.bits(), "cell");
        if cell.dead {
            if own.chance(DEAD_WITH_NUCLEUS) {
                let r = own.range(1.7, 2.4) * um;
                let blob = Blob::circle(cell.x, cell.y, r).wobbly(0.05, &mut own);
                pen.nucleus(canvas, map, NucleusKind::Pyknotic, &blob, own.range(0.6, 1.0));
            }
            continue;
        }
        if !own.chance(NUCLEUS_IN_PLANE) {
            continue;
        }
        for blob in blobs(cell, largest[index], um, &mut own) {
            let ink = own.range(0.92, 1.3);
            if let Some((_, pixels)) = pen.nucleus(canvas, map, NucleusKind::Vesicular, &blob, ink) {
                painted.push(Nucleus { pixels, cell: index });
            }
        }
    }
    painted
}

/// Returns the one or two nuclei of a cell.
fn blobs(cell: &Cell, pushed: Option<Blob>, um: f32, s: &mut Stream) -> Vec<Blob> {
    // Mononucleated cells are mostly tetraploid, some diploid, few octaploid; volumes double.
    let pair = s.chance(BINUCLEATE);
    let ploidy = s.unit();
    let size = match (pair, ploidy) {
        (true, p) if p < 0.6 => 3.25,
        (true, _) => 3.95,
        (false, p) if p < 0.28 => 3.25,
        (false, p) if p < 0.92 => 3.95,
        (false, _) => 4.8,
    };
    // Not every nucleus is cut through its middle.
    let cut = |s: &mut Stream| (1.0 - s.range(0.0, 0.75).powi(2)).sqrt() * s.normal(1.0, 0.04);
    let (jx, jy) = (s.normal(0.0, 1.3) * um, s.normal(0.0, 1.3) * um);
    let (mut x, mut y) = (cell.x + jx, cell.y + jy);
    let mut flat = 1.0;
    let mut angle = s.angle();
    if let Some(drop) = pushed {
        let away = (cell.y - drop.y).atan2(cell.x - drop.x) + s.normal(0.0, 0.5);
        let far = (drop.rx + drop.ry) / 2.0 + size * um * 0.92;
        let (sin, cos) = away.sin_cos();
        let needed = (x - drop.x).hypot(y - drop.y) < far + 0.5 * um;
        if needed {
            (x, y) = (drop.x + cos * far, drop.y + sin * far);
            flat = s.range(0.72, 0.95);
            angle = away + PI / 2.0;
        }
    }
    let make = |x: f32, y: f32, s: &mut Stream| {
        let r = size * cut(s) * um;
        let long = (s.range(1.0, 1.12) / flat).sqrt();
        Blob::ellipse(x, y, r * long, r / long, angle).wobbly(0.025, s)
    };
    if !pair || pushed.is_some() {
        return vec![make(x, y, s)];
    }
    let gap = s.range(4.0, 5.0) * um;
    let (sin, cos) = (cell.along + s.normal(0.0, 0.5)).sin_cos();
    vec![make(x - cos * gap, y - sin * gap, s), make(x + cos * gap, y + sin * gap, s)]
}

/// Paints endothelial and Kupffer cells along sinusoids.
pub(super) fn flat_cells(
    layout: &Layout,
    plates: &Plates,
    canvas: &mut Canvas,
    map: &Map,
    pen: &mut Pen<'_>,
) {
    let um = pen.stamp.um();
    let mut s = pen.stream.clone();
    let keep = |p| map::is_parenchyma(map::at(map, p)) && map::at(map, p) & NECROSIS == 0;
    for place in plates.scatter(Ridge::Sinusoid, layout.size, 23.0, keep, &mut s) {
        let mut own = Stream::new(s.bits(), "flat");
        let open = map::at(map, (place.x, place.y)) & SINUSOID != 0;
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
        let blob = blob.wobbly(0.06, &mut own);
        if map::is_within(map, &blob, 0) {
            pen.nucleus(canvas, map, NucleusKind::Elongated, &blob, own.range(0.8, 1.12));
        }
    }
}
