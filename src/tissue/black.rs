//! Black that no light came through: what stitching, turning and cropping leave around a picture, and what is missing of a file.

use rayon::prelude::*;

use crate::{
    raster::{Mask, Rgb},
    segment::{
        label::{Connectivity, pieces},
        morphology,
    },
    stain::white::White,
    units::Mpp,
};

/// A pixel whose brightest channel is below this may be black as programs fill it; dust and dense nuclei are lighter [expert].
const BLACK: u8 = 16;
/// What programs fill is 0, and nearly so beside what lies next to it in a lossy code: this is pure black …
const PURE: u8 = 3;
/// … and at least this share of a piece is. Silver stains and ink are as dark, but never pure [expert].
const PURE_SHARE: f64 = 0.25;
/// Least piece of it at the picture's edge, in µm², and amid the picture, where a speck of dirt may be as black [expert].
const LEAST_UM2: (f64, f64) = (400.0, 10_000.0);
/// Rim that goes with it, in µm: where a turned picture or a lossy code mixes it with what lies beside [expert].
const RIM_UM: f64 = 8.0;
/// The rim is at least so many pixels wide.
const RIM_PX: f64 = 2.0;
/// Pixels that a thread looks at at a time.
const CHUNK_PX: usize = 1 << 18;

/// Returns 1 where a view whose pixels measure `mpp` shows nothing but black; `None` where it does so nowhere.
pub(super) fn find(view: &Rgb, mpp: Mpp) -> Option<Mask> {
    let is_below = |px: &[u8; 3], limit: u8| px.iter().all(|&v| v < limit);
    let is_pure = |px: &[u8; 3]| is_below(px, PURE);
    if !view.pixels().par_chunks(CHUNK_PX).any(|pixels| pixels.iter().any(is_pure)) {
        return None;
    }
    let mut black = Mask::filled(view.width(), view.height(), 0);
    let pixels = black.data_mut().iter_mut().zip(view.pixels());
    pixels.for_each(|(out, px)| *out = u8::from(is_below(px, BLACK)));
    let found = pieces(&black, Connectivity::Eight);
    for (i, piece) in found.regions.iter().enumerate() {
        let least = if piece.touches_edge { LEAST_UM2.0 } else { LEAST_UM2.1 };
        let area = piece.area_px as f64;
        let pure = || -> usize {
            let runs = found.runs(i).iter();
            runs.map(|run| view.row(run.y())[run.x0()..run.x1()].iter().filter(|px| is_pure(px)).count())
                .sum()
        };
        if area < mpp.px_area(least) || (pure() as f64) < PURE_SHARE * area {
            found.paint(i, &mut black, 0);
        }
    }
    let is_any = black.data().iter().any(|&v| v != 0);
    is_any.then(|| morphology::dilate(&black, mpp.px(RIM_UM).max(RIM_PX)))
}

/// Gives what is black the colour of glass: it is no tissue, no ink and no bubble.
pub(super) fn whiten(view: &mut Rgb, black: &Mask, white: &White) {
    let white = white.rgb.map(|v| v.round() as u8);
    let pixels = view.pixels_mut().iter_mut().zip(black.data());
    pixels.filter(|(_, black)| **black != 0).for_each(|(px, _)| *px = white);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_is_what_no_light_came_through() {
        /// Pixels of 4 µm found black where a box of one colour lies on glass.
        fn t(colour: [u8; 3], (x, y): (usize, usize), side: usize, expected: Option<u64>) {
            let mut view = Rgb::filled(100, 100, [240; 3]);
            (y..y + side).for_each(|y| view.row_mut(y)[x..x + side].fill(colour));
            let found = find(&view, Mpp::square(4.0).unwrap());
            assert_eq!(found.map(|mask| mask.count()), expected, "{colour:?} {x} {y} {side}");
        }
        let rim = |side: u64| side * side + 4 * 2 * side + 4;
        // At the picture's edge from 400 µm² on, elsewhere from 10 000 µm² on; each with its rim.
        t([0; 3], (40, 40), 25, Some(rim(25)));
        t([2, 0, 2], (40, 40), 25, Some(rim(25)));
        t([0; 3], (40, 40), 24, None);
        t([0; 3], (0, 0), 5, Some(5 * 5 + 2 * 2 * 5 + 1));
        t([0; 3], (0, 0), 4, None);
        // Silver, ink, and the darkest nuclei.
        t([7, 5, 8], (0, 0), 60, None);
        t([20; 3], (0, 0), 60, None);
        t([10, 5, 40], (0, 0), 60, None);
        t([240; 3], (0, 0), 60, None);
    }

    #[test]
    fn black_becomes_glass() {
        let mut view = Rgb::filled(3, 1, [9; 3]);
        let mask = Mask::from_vec(3, 1, vec![0, 1, 0]).unwrap();
        whiten(&mut view, &mask, &White { rgb: [242.6, 241.0, 243.0] });
        assert_eq!(view.pixels(), [[9; 3], [243, 241, 243], [9; 3]]);
    }
}
