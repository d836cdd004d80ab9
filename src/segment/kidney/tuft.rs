//! Inside one tuft: solid areas and mesangium, judged from the pixels around each pixel.

use std::ops::Range;

use crate::{
    raster::{Mask, Plane},
    segment::{field::Field, morphology, smooth::Integral},
};

/// Half of the square over which solidity is judged, in µm: sclerosis is larger than 20 µm (domain.md §2.3.2).
const HALF_UM: f64 = 10.0;
/// Share of nuclear pixels in a normal tuft (4 500–7 500 nuclei/mm² of about 30 µm²) …
const USUAL_NUCLEAR: f64 = 0.2;
/// … and the share of it below which an area is poor in nuclei (domain.md §2.3.2).
const FEW_NUCLEI: f64 = 0.4;
/// Share of capillary lumen below which an area is closed.
const FEW_LUMENS: f64 = 0.08;
/// Share of eosin-positive matrix above which an area is solid.
const MOSTLY: f64 = 0.8;
/// Eosin of solid and mesangial pixels, at least this share of the cytoplasm's.
const EOSIN_SHARE: f64 = 0.6;
/// Radius of the opening of mesangium, in µm (domain.md §3.3).
const OPEN_UM: f64 = 1.5;

/// Box around a structure's pixels in the core, in pixels of the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Crop {
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Crop {
    /// Grows the box by a run of pixels.
    pub(super) fn include(&mut self, run: Range<usize>, y: usize) {
        if self.rows.is_empty() {
            (self.columns, self.rows) = (run, y..y + 1);
        } else {
            self.columns = self.columns.start.min(run.start)..self.columns.end.max(run.end);
            self.rows = self.rows.start.min(y)..self.rows.end.max(y + 1);
        }
    }

    fn widened(&self, by: usize, width: usize, height: usize) -> Self {
        let grow = |r: &Range<usize>, limit: usize| r.start.saturating_sub(by)..(r.end + by).min(limit);
        Self { columns: grow(&self.columns, width), rows: grow(&self.rows, height) }
    }
}

/// Pixels of a tuft in the core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Texture {
    pub(super) solid_px: u64,
    pub(super) mesangial_px: u64,
}

/// Judges the pixels of the tuft painted as `number` in `tufts`.
pub(super) fn texture(
    field: &Field<'_>,
    tufts: &Plane<u32>,
    number: u32,
    crop: &Crop,
    nuclear: &Mask,
    open: impl Fn(usize, usize) -> bool,
) -> Texture {
    let half = field.px(HALF_UM).round().max(1.0) as i64;
    let wide = crop.widened(half as usize, field.width(), field.height());
    let (w, h) = (wide.columns.len(), wide.rows.len());
    let least_e = (f64::from(field.profile.e_cytoplasm) * EOSIN_SHARE) as u8;
    let [mut inside, mut nuclei, mut lumens, mut matrix] = std::array::from_fn(|_| Mask::filled(w, h, 0));
    for (y, row) in wide.rows.clone().enumerate() {
        for (x, column) in wide.columns.clone().enumerate() {
            if tufts.at(column, row) == number {
                let (n, o) = (nuclear.at(column, row) != 0, open(column, row));
                inside.set(x, y, 1);
                nuclei.set(x, y, u8::from(n));
                lumens.set(x, y, u8::from(o && !n));
                matrix.set(x, y, u8::from(!n && !o && field.e.at(column, row) >= least_e));
            }
        }
    }
    let mesangium = morphology::open(&matrix, field.px(OPEN_UM));
    let [all, few, closed, eosin] = [&inside, &nuclei, &lumens, &matrix].map(Integral::new);
    let mut texture = Texture::default();
    for row in crop.rows.clone() {
        for column in crop.columns.clone() {
            let (x, y) = (column - wide.columns.start, row - wide.rows.start);
            if inside.at(x, y) == 0 {
                continue;
            }
            texture.mesangial_px += u64::from(mesangium.at(x, y));
            let (x, y) = (x as i64, y as i64);
            let sum = |of: &Integral| f64::from(of.sum(x - half, y - half, x + half + 1, y + half + 1));
            let area = sum(&all);
            let solid = sum(&few) < FEW_NUCLEI * USUAL_NUCLEAR * area
                && sum(&closed) < FEW_LUMENS * area
                && sum(&eosin) > MOSTLY * area;
            texture.solid_px += u64::from(solid);
        }
    }
    texture
}
