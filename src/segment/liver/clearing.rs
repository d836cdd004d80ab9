//! Rarefied cytoplasm: how much eosin the cytoplasm holds around every block of the coarse grid.
//!
//! Windows only count; what is rarefied is decided once the whole slide was seen, because a slide's median says
//! little where half of it is rarefied.

use super::{coarse::Grid, counters::CYTOPLASM_EOSIN, ground::Ground};
use crate::{
    measure::tally::Tally,
    raster::{Mask, Plane},
    segment::{field::Field, ground::observe_bins, label::Region},
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

    /// Returns 1 for blocks whose cytoplasm holds less eosin than `level` in the mean, if at least `seen` of the block is cytoplasm.
    pub(super) fn below(&self, grid: &Grid, level: f64, seen: f64) -> Mask {
        let least = (seen * (grid.factor * grid.factor) as f64).ceil() as u32;
        let blocks = self.count.data().iter().zip(self.sum.data());
        let pale = blocks.map(|(&n, &sum)| u8::from(n >= least && f64::from(sum) < level * f64::from(n)));
        let mut out = grid.plane(0u8);
        out.data_mut().iter_mut().zip(pale).for_each(|(o, p)| *o = p);
        out
    }

    /// Returns the mean eosin of the cytoplasm in those blocks of a region that are its own; 0 where it has none.
    pub(super) fn mean_where(&self, region: &Region, own: impl Fn(usize, usize) -> bool) -> f64 {
        let (mut n, mut sum) = (0u64, 0u64);
        for y in region.y0..region.y1 {
            for x in (region.x0..region.x1).filter(|&x| own(x, y)) {
                n += u64::from(self.count.at(x, y));
                sum += u64::from(self.sum.at(x, y));
            }
        }
        sum as f64 / n.max(1) as f64
    }
}
