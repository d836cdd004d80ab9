//! Flaws seen at low power: ink and folds. Simple measures, meant to leave tiles out, not to describe the slide.

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
        let mut density = Plane::filled(view.pixels.width(), view.pixels.height(), 0u8);
        let mut pen = density.clone();
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
        let mut histogram = [0u64; 256];
        let solid = tissue.data().iter().zip(self.density.data());
        solid
            .filter(|(tissue, density)| **tissue != 0 && **density >= 10)
            .for_each(|(_, &d)| histogram[usize::from(d)] += 1);
        let from = (f64::from(white::median(&histogram)) * FOLD_TIMES).max(FOLD_LEAST);
        if self.smooth.data().iter().all(|&v| f64::from(v) <= from) {
            return tissue.map(|_| 0);
        }
        let dense: [u8; 256] = std::array::from_fn(|v| u8::from(v as f64 > from));
        let mut fold = self.smooth.map(|v| dense[usize::from(v)]);
        let others = fold.data_mut().iter_mut().zip(tissue.data()).zip(self.pen.data());
        others.for_each(|((fold, &tissue), &pen)| *fold &= tissue & (pen ^ 1));
        fold
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
        let view = View { pixels: view, scale: 8.0, mpp: Mpp::square(4.0).unwrap(), white };
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
