//! Fat vacuoles: large ones that push the nucleus aside, and small ones that do not.

use super::{
    cells::Cell,
    map::{self, Map, NECROSIS},
};
use crate::phantom::{Canvas, blob::Blob, stamp::Stamp, texture::Stream};

/// Vacuoles of at least this diameter are macrovesicular, in µm (domain.md §3.2).
pub(super) const MACRO_UM: f32 = 8.0;
/// Small vacuoles count as microvesicular when at least this many lie in one cell (domain.md §3.2).
pub(super) const MICRO_PER_CELL: usize = 5;
/// Largest diameter of a painted vacuole, in µm.
const LARGEST_UM: f32 = 34.0;
/// Rounds through all cells before macrovesicular fat gives up on its target.
const ROUNDS: usize = 16;

/// A painted vacuole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drop {
    pub(super) blob: Blob,
    pub(super) cell: usize,
    pub(super) pixels: u64,
}

/// Paints vacuoles.
pub(super) struct Fat<'a> {
    pub(super) stamp: &'a Stamp,
    pub(super) canvas: &'a mut Canvas,
    pub(super) map: &'a Map,
    pub(super) cells: &'a [Cell],
    pub(super) drops: Vec<Drop>,
}

impl Fat<'_> {
    /// Adds large vacuoles, cell after cell in `order`, until they cover `target` pixels. More is the same
    /// vacuoles and further ones.
    pub(super) fn macro_drops(&mut self, order: &[usize], target: u64, s: &mut Stream) {
        let um = self.stamp.um();
        let mut covered = 0;
        for round in 0..ROUNDS {
            for &cell in order {
                if covered >= target {
                    return;
                }
                let recipe = s.unit();
                let sizes: &[(f32, f32)] = match round {
                    0 if recipe < 0.5 => &[(10.0, 24.0)],
                    0 if recipe < 0.6 => &[(18.0, LARGEST_UM)],
                    0 if recipe < 0.85 => &[(9.0, 15.0), (8.6, 12.0)],
                    _ => &[(8.6, 13.0), (8.6, 11.0)],
                };
                for &(low, high) in sizes {
                    let d = low + (high - low) * s.unit().powf(1.4);
                    covered += self.place(cell, d * um, 13.0 * um, s);
                }
                // A few droplets too small to count as macrovesicular, too few to count as micro.
                for _ in 0..if round < 2 { s.index(3) } else { 0 } {
                    let d = s.range(2.5, 6.0);
                    self.place(cell, d * um, 11.0 * um, s);
                }
            }
        }
    }

    /// Fills cells in `order` with many small vacuoles until they cover `target` pixels.
    pub(super) fn micro_drops(&mut self, order: &[usize], target: u64, s: &mut Stream) {
        let um = self.stamp.um();
        let mut covered = 0;
        for &cell in order {
            if covered >= target {
                return;
            }
            let mut in_cell = 0;
            for _ in 0..64 {
                let d = 2.0 + 4.6 * s.unit().powi(2);
                let pixels = self.place(cell, d * um, 11.5 * um, s);
                in_cell += pixels;
                if in_cell as f32 > 150.0 * um * um {
                    break;
                }
            }
            covered += in_cell;
        }
    }

    /// Paints one vacuole at a random place of a cell, if there is room; returns its pixels.
    fn place(&mut self, cell: usize, diameter: f32, reach: f32, s: &mut Stream) -> u64 {
        let um = self.stamp.um();
        let large = diameter >= MACRO_UM * um;
        let home = self.cells[cell];
        let r = diameter / 2.0;
        let (sin, cos) = s.angle().sin_cos();
        let inner = if large { 1.5 * um } else { 4.2 * um };
        let far = inner + (reach - 0.7 * r - inner).max(0.0) * s.unit().sqrt();
        let (x, y) = (home.x + far * cos, home.y + far * sin);
        let squeeze = s.range(1.0, if large { 1.08 } else { 1.15 });
        let blob = Blob::ellipse(x, y, r * squeeze, r / squeeze, s.angle());
        let blob = blob.wobbly(if large { 0.012 } else { 0.02 }, s);
        let room = blob.grown(0.9 * um);
        if !map::is_within(self.map, &room, NECROSIS)
            || !self.canvas.is_free(&room, "vacuoles")
            || !self.canvas.is_free(&room, "nuclei")
        {
            return 0;
        }
        let id = self.drops.len() as u32 + 1;
        let pixels = self.stamp.vacuole(self.canvas, &blob, id);
        self.drops.push(Drop { blob, cell, pixels });
        pixels
    }
}

/// Returns the diameter of the circle of an area.
pub(super) fn eq_diameter_um(pixels: u64, um: f32) -> f32 {
    2.0 * (pixels as f32 / std::f32::consts::PI).sqrt() / um
}
