//! Rarefied cytoplasm: how much eosin the cytoplasm holds around every block of the coarse grid.
//!
//! Windows only count; what is rarefied is decided once the whole slide was seen, because a slide's median says
//! little where half of it is rarefied.

use super::{coarse::Grid, counters::CYTOPLASM_EOSIN, ground::Ground};
use crate::{
    measure::tally::Tally,
    raster::{Mask, Plane},
    segment::{field::Field, ground::observe_bins},
};

/// Eosin is counted in this many steps per OD × 100.
pub const STEPS: u32 = 4;
/// Weight of a block's own eosin against that of each block beside it: less lets grain through, more rounds off the
/// edges of pale places.
const OWN: u32 = 4;

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
        fat: &Mask,
        nuclei: &Mask,
        dead: &Mask,
    ) -> Self {
        let (parenchyma, empty) = (ground.parenchyma.data(), ground.empty.data());
        let (nuclei, fat, dead) = (nuclei.data(), fat.data(), dead.data());
        let eosin = field.e.data();
        let (mut count, mut sum) = (grid.plane(0u32), grid.plane(0u32));
        let mut line = vec![0u8; grid.width * grid.factor];
        for y in 0..grid.height * grid.factor {
            let row = grid.pixels(y, field.width());
            let masks = parenchyma[row.clone()].iter().zip(&empty[row.clone()]).zip(&nuclei[row.clone()]);
            for (o, ((&p, &e), &n)) in line.iter_mut().zip(masks) {
                *o = p & ((e | n) ^ 1);
            }
            for (o, (&f, &d)) in line.iter_mut().zip(fat[row.clone()].iter().zip(&dead[row.clone()])) {
                *o &= u8::from(f == 0) & (d ^ 1);
            }
            grid.add_line(&line, count.row_mut(y / grid.factor));
            line.iter_mut().zip(&eosin[row]).for_each(|(o, &e)| *o *= e);
            grid.add_line(&line, sum.row_mut(y / grid.factor));
        }
        Self { count, sum }
    }

    /// Counts the cytoplasm of blocks whose first pixel lies in the core by the mean eosin of it, [`OWN`] times, and of
    /// the four blocks beside it.
    pub(super) fn tally(&self, field: &Field<'_>, grid: &Grid, tally: &mut Tally) {
        let mut bins = vec![0u64; 256 * STEPS as usize];
        let around = |plane: &Plane<u32>, x: usize, y: usize| -> u32 {
            let (x, y) = (x as i64, y as i64);
            let beside = [(1, 0), (-1, 0), (0, 1), (0, -1)].iter();
            OWN * plane.at(x as usize, y as usize)
                + beside.filter_map(|(i, j)| plane.get(x + i, y + j)).sum::<u32>()
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
