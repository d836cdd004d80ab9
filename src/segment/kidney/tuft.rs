//! Inside one tuft: solid areas and mesangium, judged from the pixels around each pixel.

use std::ops::Range;

use super::PARTS;
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
    pub(super) mesangial_parts: u64,
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
    let least_e = field.profile.e_usual * EOSIN_SHARE;
    let (floor, between) = (least_e.floor() as u8, least_e.fract());
    let [mut inside, mut nuclei, mut lumens, mut matrix, mut denser] =
        std::array::from_fn(|_| Mask::filled(w, h, 0));
    for (y, row) in wide.rows.clone().enumerate() {
        for (x, column) in wide.columns.clone().enumerate() {
            if tufts.at(column, row) == number {
                let (n, o) = (nuclear.at(column, row) != 0, open(column, row));
                inside.set(x, y, 1);
                nuclei.set(x, y, u8::from(n));
                lumens.set(x, y, u8::from(o && !n));
                let e = field.e.at(column, row);
                matrix.set(x, y, u8::from(!n && !o && e >= floor));
                denser.set(x, y, u8::from(!n && !o && e > floor));
            }
        }
    }
    let [mesangium, less] = [&matrix, &denser].map(|eosin| morphology::open(eosin, field.px(OPEN_UM)));
    let [all, few, closed, eosin, dense] = [&inside, &nuclei, &lumens, &matrix, &denser].map(Integral::new);
    // Eosin comes in whole levels, of which the limit lies between two: both count, by how near it lies.
    let mixed = |at_floor: f64, above: f64| at_floor + between * (above - at_floor);
    let above = (between * PARTS as f64).round() as u64;
    let mut texture = Texture::default();
    for row in crop.rows.clone() {
        for column in crop.columns.clone() {
            let (x, y) = (column - wide.columns.start, row - wide.rows.start);
            if inside.at(x, y) == 0 {
                continue;
            }
            texture.mesangial_parts +=
                (PARTS - above) * u64::from(mesangium.at(x, y)) + above * u64::from(less.at(x, y));
            let (x, y) = (x as i64, y as i64);
            let sum = |of: &Integral| f64::from(of.sum(x - half, y - half, x + half + 1, y + half + 1));
            let area = sum(&all);
            let solid = sum(&few) < FEW_NUCLEI * USUAL_NUCLEAR * area
                && sum(&closed) < FEW_LUMENS * area
                && mixed(sum(&eosin), sum(&dense)) > MOSTLY * area;
            texture.solid_px += u64::from(solid);
        }
    }
    texture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{raster::Rgb, segment::models::CLASSICAL, stain::StainProfile, tile::Window, units::Mpp};

    const SIDE: usize = 40;

    #[test]
    fn mesangium_moves_evenly_with_the_usual_eosin() {
        fn t(e_usual: f64, expected: u64) {
            let profile = StainProfile { e_usual, ..StainProfile::TYPICAL };
            let plane = |v: u8| Plane::filled(SIDE, SIDE, v);
            let field = Field {
                window: Window {
                    x0: 0,
                    y0: 0,
                    core_width: SIDE as u32,
                    core_height: SIDE as u32,
                    halo: 0,
                    scale: 1.0,
                    source_scale: 1.0,
                    mpp: Mpp::square(0.5).unwrap(),
                },
                rgb: Rgb::default(),
                h: plane(10),
                e: plane(14),
                od: plane(60),
                clear: plane(0),
                tissue: plane(1),
                profile: &profile,
                views: Default::default(),
                models: &CLASSICAL,
            };
            let tufts = Plane::filled(SIDE, SIDE, 1u32);
            let mut crop = Crop::default();
            (10..30).for_each(|y| crop.include(10..30, y));
            let found = texture(&field, &tufts, 1, &crop, &plane(0), |_, _| false);
            assert_eq!(found.mesangial_parts, expected * PARTS, "{e_usual}");
            // In two windows it is as much.
            let halves = [10..17, 17..30].map(|columns| {
                let mut half = Crop::default();
                (10..30).for_each(|y| half.include(columns.clone(), y));
                texture(&field, &tufts, 1, &half, &plane(0), |_, _| false).mesangial_parts
            });
            assert_eq!(halves.iter().sum::<u64>(), found.mesangial_parts, "{e_usual}");
        }
        t(14.0 / EOSIN_SHARE, 400);
        t(14.25 / EOSIN_SHARE, 300);
        t(14.125 / EOSIN_SHARE, 350);
        t(14.5 / EOSIN_SHARE, 200);
        t(15.0 / EOSIN_SHARE, 0);
        t(20.0, 400);
    }
}
