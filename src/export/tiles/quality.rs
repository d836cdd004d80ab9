//! Flaws seen at low power: ink and folds. Simple measures, meant to leave tiles out, not to describe the slide.

use rayon::prelude::*;

use crate::{
    raster::{Mask, Plane},
    segment::smooth,
    stain::white,
    tissue::View,
};

/// Sum of the three optical densities from which a colour can be ink, × 1000 [expert].
const MIN_INK_DENSITY: u32 = 400;
/// Ink that is blue, green or black absorbs less green than this share of all; stains absorb green most [expert].
const MAX_INK_GREEN: f64 = 0.35;
/// Blue ink absorbs so many times more red than green; haematoxylin absorbs less [expert].
const MIN_INK_RED: f64 = 1.15;
/// Folded tissue is so many times as dense as the slide's median tissue [expert] …
const FOLD_TIMES: f64 = 1.9;
/// … and at least so dense, summed over channels, × 100 [expert].
const FOLD_LEAST: f64 = 90.0;
/// Tissue this faint does not count for the median, × 100 [expert].
const LEAST_DENSITY: usize = 10;
/// Pixels that a thread looks at at a time.
const CHUNK_PX: usize = 1 << 18;
/// Density is averaged over this, in µm, so that nuclei are not folds [expert].
const FOLD_SMOOTH_UM: f64 = 24.0;

/// What darkens each pixel of a view.
pub(super) struct Densities {
    /// Blue, green or black ink. Red ink looks like eosin.
    pub(super) pen: Mask,
    /// Sum of the three optical densities, × 100, clamped to 0–255.
    density: Plane<u8>,
    /// The same, so that nuclei do not count.
    smooth: Plane<u8>,
}

impl Densities {
    /// Measures a view.
    pub(super) fn of(view: &View) -> Self {
        let tables = view.white.density_tables();
        let plane = || Plane::filled(view.pixels.width(), view.pixels.height(), 0u8);
        let (mut density, mut pen) = (plane(), plane());
        let pixels = density.data_mut().iter_mut().zip(pen.data_mut()).zip(view.pixels.pixels());
        for ((density, pen), px) in pixels {
            let [r, g, b] = std::array::from_fn(|k| u32::from(tables[k][usize::from(px[k])]));
            let sum = r + g + b;
            *density = (sum / 10).min(255) as u8;
            let [red, green, all] = [r, g, sum].map(f64::from);
            let coloured = green < MAX_INK_GREEN * all || red > MIN_INK_RED * green;
            *pen = u8::from(sum >= MIN_INK_DENSITY && coloured);
        }
        let smooth = smooth::box_mean(&density, (view.mpp.px(FOLD_SMOOTH_UM) / 2.0).round() as usize);
        Self { pen, density, smooth }
    }

    /// Finds tissue that lies double.
    pub(super) fn fold(&self, tissue: &Mask) -> Mask {
        let from = (f64::from(white::median(&self.histogram(tissue))) * FOLD_TIMES).max(FOLD_LEAST);
        let dense: [u8; 256] = std::array::from_fn(|v| u8::from(v as f64 > from));
        let mut fold = Mask::filled(tissue.width(), tissue.height(), 0);
        let chunks = fold.data_mut().par_chunks_mut(CHUNK_PX).zip(self.smooth.data().par_chunks(CHUNK_PX));
        let others = tissue.data().par_chunks(CHUNK_PX).zip(self.pen.data().par_chunks(CHUNK_PX));
        chunks.zip(others).for_each(|((fold, smooth), (tissue, pen))| {
            for ((fold, &smooth), (&tissue, &pen)) in fold.iter_mut().zip(smooth).zip(tissue.iter().zip(pen))
            {
                *fold = dense[usize::from(smooth)] & tissue & (pen ^ 1);
            }
        });
        fold
    }

    /// Counts the densities of tissue that are not next to nothing.
    fn histogram(&self, tissue: &Mask) -> [u64; 256] {
        let of = |(tissue, density): (&[u8], &[u8])| {
            let mut histogram = [0u64; 256];
            tissue.iter().zip(density).for_each(|(&t, &d)| histogram[usize::from(t * d)] += 1);
            histogram
        };
        let add = |mut sum: [u64; 256], other: [u64; 256]| {
            sum.iter_mut().zip(other).for_each(|(sum, n)| *sum += n);
            sum
        };
        let chunks = tissue.data().par_chunks(CHUNK_PX).zip(self.density.data().par_chunks(CHUNK_PX));
        let mut histogram = chunks.map(of).reduce(|| [0; 256], add);
        histogram[..LEAST_DENSITY].fill(0);
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{raster::Rgb, stain::white::White, units::Mpp};

    #[test]
    fn ink_and_folds_are_found_and_tissue_is_not() {
        let mut view = Rgb::filled(100, 100, [205, 140, 190]);
        let square = |view: &mut Rgb, x: usize, y: usize, colour: [u8; 3]| {
            (y..y + 20).for_each(|y| view.row_mut(y)[x..x + 20].fill(colour));
        };
        square(&mut view, 0, 0, [40, 60, 160]);
        square(&mut view, 30, 0, [30, 120, 60]);
        square(&mut view, 60, 0, [30, 30, 32]);
        square(&mut view, 0, 40, [100, 35, 95]);
        square(&mut view, 40, 40, [110, 70, 150]);
        let white = White { rgb: [243.0; 3] };
        let view = View { pixels: view, black: None, scale: 8.0, mpp: Mpp::square(4.0).unwrap(), white };
        let densities = Densities::of(&view);
        let fold = densities.fold(&Mask::filled(100, 100, 1));
        let t = |x: usize, y: usize, expected: (u8, u8)| {
            assert_eq!((densities.pen.at(x, y), fold.at(x, y)), expected, "{x} {y}");
        };
        t(10, 10, (1, 0));
        t(40, 10, (1, 0));
        t(70, 10, (1, 0));
        t(10, 50, (0, 1));
        // Nuclei are dark, but not ink.
        assert_eq!(densities.pen.at(50, 50), 0);
        t(90, 90, (0, 0));
    }
}
