//! Rarefied cytoplasm: how much eosin the cytoplasm holds around every block of the coarse grid.
//!
//! Windows only count; what is rarefied is decided once the whole slide was seen, because a slide's median says
//! little where half of it is rarefied.

use super::{coarse::Grid, counters::CYTOPLASM_EOSIN, ground::Ground, vacuoles::Vacuoles};
use crate::{
    measure::tally::Tally,
    raster::Plane,
    segment::{field::Field, ground::observe_bins, nuclei::Nuclei},
};

/// Eosin is counted in this many steps per OD × 100.
pub const STEPS: u32 = 4;

/// Cytoplasm by block: neither white, blood, fat, nucleus nor dead.
pub(super) struct Eosin {
    /// Pixels of cytoplasm.
    count: Plane<u32>,
    /// Sum of their eosin.
    sum: Plane<u32>,
}

impl Eosin {
    /// Measures a window. `dead` marks necrosis.
    pub(super) fn of(
        field: &Field<'_>,
        grid: &Grid,
        ground: &Ground,
        fat: &Vacuoles,
        nuclei: &Nuclei,
        dead: &Plane<u32>,
    ) -> Self {
        let (parenchyma, empty) = (ground.parenchyma.data(), ground.empty.data());
        let (nuclei, fat, dead) = (nuclei.mask.data(), fat.labels.data(), dead.data());
        let is = |i: usize| {
            u32::from(parenchyma[i] & ((empty[i] | nuclei[i]) ^ 1)) & u32::from(fat[i] | dead[i] == 0)
        };
        let eosin = field.e.data();
        Self {
            count: grid.sums(field.width(), is),
            sum: grid.sums(field.width(), |i| is(i) * u32::from(eosin[i])),
        }
    }

    /// Counts the cytoplasm of blocks whose first pixel lies in the core by the mean eosin of it and of the four
    /// blocks beside it.
    pub(super) fn tally(&self, field: &Field<'_>, grid: &Grid, tally: &mut Tally) {
        let mut bins = vec![0u64; 256 * STEPS as usize];
        let around = |plane: &Plane<u32>, x: usize, y: usize| -> u32 {
            let (x, y) = (x as i64, y as i64);
            [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
                .iter()
                .filter_map(|(i, j)| plane.get(x + i, y + j))
                .sum()
        };
        for y in 0..grid.height {
            for x in 0..grid.width {
                let n = self.count.at(x, y);
                if n > 0 && field.window.in_core(grid.x0 + x * grid.factor, grid.y0 + y * grid.factor) {
                    let mean = STEPS * around(&self.sum, x, y) / around(&self.count, x, y);
                    bins[mean as usize] += u64::from(n);
                }
            }
        }
        observe_bins(tally, CYTOPLASM_EOSIN, &bins);
    }
}
