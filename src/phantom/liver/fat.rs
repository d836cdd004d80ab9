//! Fat vacuoles: large ones that push the nucleus aside, and small ones that do not.

use super::{
    cells::Cell,
    map::{self, BLOOD, Map, NECROSIS, SINUSOID},
};
use crate::phantom::{
    Canvas,
    blob::{Blob, Dye, scan},
    stamp::Stamp,
    texture::Stream,
};

/// Vacuoles of at least this diameter are macrovesicular, in µm (domain.md §3.2).
pub(super) const MACRO_UM: f32 = 8.0;
/// Small vacuoles count as microvesicular when at least this many lie in one cell (domain.md §3.2).
const MICRO_PER_CELL: usize = 5;
/// Largest diameter of a painted vacuole, in µm.
const LARGEST_UM: f32 = 34.0;
/// Cytoplasm around a vacuole, in µm.
const ENCLOSED_UM: f32 = 1.3;
/// Share of large vacuoles that are veiled by cytoplasm above or below.
const HAZY: f32 = 0.15;
/// Further rounds through all cells before macrovesicular fat gives up on its target.
const ROUNDS: usize = 16;

/// A painted vacuole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drop {
    pub(super) blob: Blob,
    pub(super) cell: usize,
    pub(super) pixels: u64,
}

/// What a vacuole counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Macrovesicular.
    Macro,
    /// One of many small ones in a cell: microvesicular.
    Micro,
    /// A small one among few.
    Single,
}

/// Returns what each vacuole counts as, by the pixels it covers.
pub(super) fn sizes(drops: &[Drop], cells: usize, um: f32) -> Vec<Size> {
    let is_large = |d: &Drop| eq_diameter_um(d.pixels, um) >= MACRO_UM;
    let mut small = vec![0_usize; cells];
    drops.iter().filter(|d| !is_large(d)).for_each(|d| small[d.cell] += 1);
    let size = |d: &Drop| match () {
        () if is_large(d) => Size::Macro,
        () if small[d.cell] >= MICRO_PER_CELL => Size::Micro,
        () => Size::Single,
    };
    drops.iter().map(size).collect()
}

/// Paints vacuoles.
pub(super) struct Fat<'a> {
    pub(super) stamp: &'a Stamp,
    pub(super) canvas: &'a mut Canvas,
    pub(super) map: &'a mut Map,
    pub(super) cells: &'a [Cell],
    pub(super) drops: Vec<Drop>,
}

impl Fat<'_> {
    /// Gives each cell in `order` one or two large vacuoles until they cover `target` pixels; returns what
    /// they cover. More is the same vacuoles and further ones.
    pub(super) fn first_drops(&mut self, order: &[usize], target: u64, s: &mut Stream) -> u64 {
        let mut covered = 0;
        for &cell in order {
            if covered >= target {
                break;
            }
            let sizes: &[(f32, f32)] = match s.unit() {
                u if u < 0.48 => &[(10.0, 24.0)],
                u if u < 0.64 => &[(18.0, LARGEST_UM)],
                u if u < 0.86 => &[(9.0, 15.0), (8.6, 12.0)],
                _ => &[(8.6, 13.0), (8.6, 11.0)],
            };
            covered += self.large(cell, sizes, s);
            // A few droplets too small to count as macrovesicular, too few to count as micro.
            for _ in 0..s.index(3) {
                let d = s.range(2.5, 6.0);
                self.place(cell, d * self.stamp.um(), 11.0 * self.stamp.um(), s);
            }
        }
        covered
    }

    /// Fills the room between nuclei and first vacuoles until `target` pixels are covered.
    pub(super) fn further_drops(&mut self, order: &[usize], target: u64, s: &mut Stream) {
        let mut covered = 0;
        for _ in 0..ROUNDS {
            for &cell in order {
                if covered >= target {
                    return;
                }
                covered += self.large(cell, &[(8.6, 16.0), (8.6, 12.0), (8.6, 10.0)], s);
            }
        }
    }

    fn large(&mut self, cell: usize, sizes: &[(f32, f32)], s: &mut Stream) -> u64 {
        let um = self.stamp.um();
        let mut pixels = 0;
        for &(low, high) in sizes {
            let d = low + (high - low) * s.unit().powf(1.4);
            pixels += self.place(cell, d * um, 13.0 * um, s);
        }
        pixels
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
        let room = blob.grown(0.75 * um);
        if !map::is_within(self.map, &room, NECROSIS)
            || !self.canvas.is_free(&room, "vacuoles")
            || !self.canvas.is_free(&room, "nuclei")
        {
            return 0;
        }
        self.enclose(&blob);
        let id = self.drops.len() as u32 + 1;
        let pixels = self.stamp.vacuole(self.canvas, &blob, id);
        if large && s.chance(HAZY) {
            let haze = Dye::he(0, s.range(1.0, 4.0) as u8);
            self.canvas.fill(&blob.grown(-0.8 * um), haze, 1.5 * um);
        }
        self.drops.push(Drop { blob, cell, pixels });
        pixels
    }
}

impl Fat<'_> {
    /// Lays cytoplasm between a vacuole and the sinusoids it bulges into.
    fn enclose(&mut self, blob: &Blob) {
        let um = self.stamp.um();
        scan(&blob.grown(ENCLOSED_UM * um), self.canvas.size(), 0.0, |x, y, d| {
            let flags = self.map.at(x, y);
            if d < 0.0 && flags & SINUSOID != 0 {
                self.map.set(x, y, flags & !(SINUSOID | BLOOD));
                self.canvas.blend(x, y, Dye::he(9, 30), 256);
            }
        });
    }
}

/// Returns the diameter of the circle of an area.
pub(super) fn eq_diameter_um(pixels: u64, um: f32) -> f32 {
    2.0 * (pixels as f32 / std::f32::consts::PI).sqrt() / um
}
