//! Flaws seen at low power: ink and folds. Simple measures, meant to leave tiles out, not to describe the slide.

use crate::{
    raster::{Mask, Plane, Rgb},
    segment::smooth,
    stain::white,
    tissue::TissueMask,
    units::Mpp,
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

/// Maps of flaws, pixel by pixel of the tissue mask.
pub(super) struct Flaws {
    /// Blue, green or black ink. Red ink looks like eosin.
    pub(super) pen: Mask,
    /// Tissue that lies double.
    pub(super) fold: Mask,
}

/// Finds ink and folds on the view that tissue was found on; its pixels measure `mpp`.
pub(super) fn find(view: &Rgb, tissue: &TissueMask, mpp: Mpp) -> Flaws {
    let tables = tissue.white.density_tables();
    let mut density = Plane::filled(view.width(), view.height(), 0u8);
    let mut pen = density.clone();
    for ((density, pen), px) in density.data_mut().iter_mut().zip(pen.data_mut()).zip(view.pixels()) {
        let [r, g, b] = std::array::from_fn(|k| u32::from(tables[k][usize::from(px[k])]));
        let sum = r + g + b;
        *density = (sum / 10).min(255) as u8;
        let [red, green, all] = [r, g, sum].map(f64::from);
        *pen = u8::from(sum >= MIN_INK_DENSITY && (green < MAX_INK_GREEN * all || red > MIN_INK_RED * green));
    }
    let smooth = smooth::box_mean(&density, (mpp.px(FOLD_SMOOTH_UM) / 2.0).round() as usize);
    let mut histogram = [0u64; 256];
    let solid = tissue.mask.data().iter().zip(density.data());
    solid
        .filter(|(tissue, density)| **tissue != 0 && **density >= 10)
        .for_each(|(_, &d)| histogram[usize::from(d)] += 1);
    let from = (f64::from(white::median(&histogram)) * FOLD_TIMES).max(FOLD_LEAST);
    let mut fold = smooth.map(|v| u8::from(f64::from(v) > from));
    let others = fold.data_mut().iter_mut().zip(tissue.mask.data()).zip(pen.data());
    others.for_each(|((fold, &tissue), &pen)| *fold &= tissue & (pen ^ 1));
    Flaws { pen, fold }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stain::white::White;

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
        let tissue = TissueMask { mask: Mask::filled(100, 100, 1), scale: 8.0, area_mm2: 1.0, white };
        let flaws = find(&view, &tissue, Mpp::square(4.0).unwrap());
        fn t(flaws: &Flaws, x: usize, y: usize, pen: u8, fold: u8) {
            assert_eq!((flaws.pen.at(x, y), flaws.fold.at(x, y)), (pen, fold), "{x} {y}");
        }
        t(&flaws, 10, 10, 1, 0);
        t(&flaws, 40, 10, 1, 0);
        t(&flaws, 70, 10, 1, 0);
        t(&flaws, 10, 50, 0, 1);
        // Nuclei are dark, but not ink.
        assert_eq!(flaws.pen.at(50, 50), 0);
        t(&flaws, 90, 90, 0, 0);
    }
}
