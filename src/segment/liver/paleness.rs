//! How pale each place is, judged against the cytoplasm around it.

use super::coarse::{Grid, local_mean};
use crate::{
    raster::{Mask, Plane, wide},
    segment::{field::Field, smooth},
};

/// Radius of the neighbourhood whose cytoplasm is the reference, in µm [expert].
const AROUND_UM: f64 = 16.0;
/// Least share of that neighbourhood that must be cytoplasm; otherwise the slide's own level is used.
const LEAST_SHARE: f64 = 0.1;
/// Cytoplasm lies between these factors of the slide's cytoplasm density: paler is fat, plasma or glass,
/// denser is nuclei and blood.
const CYTOPLASM: (f64, f64) = (0.5, 1.6);
/// The local level stays between these factors of the slide's.
const LEVEL: (f64, f64) = (0.7, 1.4);
/// Standard deviation of smoothing, in µm: less than the blur of a scanner.
const SMOOTH_UM: f64 = 0.35;

/// Density and what it is judged against.
pub(super) struct Paleness {
    /// Sum of optical densities, slightly smoothed, × 100.
    pub(super) density: Plane<u8>,
    /// Density of the cytoplasm around every block of the coarse grid, × 100.
    pub(super) cytoplasm: Plane<u8>,
}

impl Paleness {
    /// Measures a window.
    pub(super) fn of(field: &Field<'_>, grid: &Grid) -> Self {
        let slide = cytoplasm_density(field);
        let (low, high) = (slide * CYTOPLASM.0, (slide * CYTOPLASM.1).min(255.0));
        let (low, high) = (low as u8, high as u8);
        let od = field.od.data();
        let area = (grid.factor * grid.factor) as u32;
        let sum = grid.sums(field.width(), |row, line| within(line, &od[row], low, high, false));
        let count = grid.sums(field.width(), |row, line| within(line, &od[row], low, high, true));
        let radius = grid.radius(AROUND_UM);
        let least = ((2 * radius + 1).pow(2) as f64 * 255.0 * LEAST_SHARE) as u32;
        let mean = local_mean(
            &sum.map(|v| (v / area) as u8),
            &count.map(|v| (v * 255 / area) as u8),
            radius,
            least,
            slide.min(255.0) as u8,
        );
        let bounds = ((slide * LEVEL.0) as u8, (slide * LEVEL.1).min(255.0) as u8);
        Self {
            density: smooth::gaussian(&field.od, field.px(SMOOTH_UM)),
            cytoplasm: mean.map(|v| v.clamp(bounds.0, bounds.1)),
        }
    }

    /// Returns 1 where tissue is less dense than `share` of the cytoplasm around it.
    pub(super) fn below(&self, field: &Field<'_>, grid: &Grid, share: f64) -> Mask {
        let mut out = Mask::filled(field.width(), field.height(), 0);
        let mut rows = self.rows_below(grid, share, &field.tissue);
        (0..out.height()).for_each(|y| rows(y, out.row_mut(y)));
        out
    }

    /// Returns what writes the rows of a mask: 1 where `open` is less dense than `share` of the cytoplasm around it.
    pub(super) fn rows_below<'a>(
        &'a self,
        grid: &'a Grid,
        share: f64,
        open: &'a Mask,
    ) -> impl FnMut(usize, &mut [u8]) + 'a {
        let share = (share * 256.0) as u32;
        let levels = self.cytoplasm.map(|v| ((u32::from(v) * share) >> 8) as u8);
        let (mut line, mut shown) = (vec![0u8; open.width()], usize::MAX);
        move |y, out| {
            let block = grid.block(0, y).1;
            if block != shown {
                grid.spread(levels.row(block), &mut line);
                shown = block;
            }
            pale(out, open.row(y), self.density.row(y), &line);
        }
    }
}

wide! {
    /// Writes what lies between two densities, or 1 for each where `count`, and 0 for others.
    fn within<'a>(out: &'a mut [u8], density: &'a [u8], low: u8, high: u8, count: bool) {
        for (o, &v) in out.iter_mut().zip(density) {
            let inside = (low..=high).contains(&v);
            *o = if count { u8::from(inside) } else { v * u8::from(inside) };
        }
    }
}

wide! {
    /// Writes 1 where `open` is less dense than the level.
    fn pale<'a>(out: &'a mut [u8], open: &'a [u8], density: &'a [u8], levels: &'a [u8]) {
        for ((o, &open), (&d, &l)) in out.iter_mut().zip(open).zip(density.iter().zip(levels)) {
            *o = open & u8::from(d < l);
        }
    }
}

/// Returns the slide's cytoplasm as a sum of optical densities, × 100.
pub(super) fn cytoplasm_density(field: &Field<'_>) -> f64 {
    let profile = field.profile;
    let total = |stain: [f64; 3]| stain.iter().sum::<f64>();
    let h = f64::from(profile.h_cytoplasm) * total(profile.matrix.h);
    let e = f64::from(profile.e_cytoplasm) * total(profile.matrix.e);
    h + e
}
