//! What is no stain: ink, the rims of bubbles and of the coverslip, dust. Haematoxylin, eosin and haemoglobin absorb
//! green most; these do not, or lie over tissue whose own colours show through.

use super::view::View;
use crate::{
    raster::{Mask, Plane},
    segment::{
        label::{Connectivity, Pieces, Region, Run, pieces},
        morphology, shape,
    },
};

/// Densities are averaged over this, in µm, so that single nuclei do not count [expert].
const SMOOTH_UM: f64 = 10.0;
/// Least sum of the densities beyond the tissue's, × 100 [expert].
const LEAST_OD: f64 = 45.0;
/// Share of green in that sum below which a colour is no stain [expert] …
const MAX_GREEN: f64 = 0.365;
/// … and so far below the share in the slide's tissue, for slides whose stains absorb little green [expert].
const BELOW_USUAL: f64 = 0.1;
/// Ink and dust absorb at least this share of it in red; blood over pale tissue does not [expert].
const LEAST_RED: f64 = 0.22;
/// Blue ink absorbs so many times more red than green; haematoxylin absorbs less [expert].
const MIN_RED: f64 = 1.18;
/// Red ink absorbs this much, × 100, at least so much blue over green, and at most so much red [expert]; what it adds to tissue
/// can be less.
const RED_INK: (f64, f64, f64) = (95.0, 0.8, 0.3);
const LEAST_ADDED: f64 = 60.0;
/// Yellow and orange ink absorb so many times more blue than green, which no stain does, nor blood [expert]; so much more where
/// tissue shows through, and what they add to it so much.
const YELLOW: f64 = 2.2;
const YELLOWED: (f64, f64) = (1.2, 1.5);
/// Magenta paint absorbs this much green, × 100, and of red and blue at most such shares of it; eosin absorbs more of both
/// [expert].
const MAGENTA: (f64, f64, f64) = (70.0, 0.12, 0.45);
/// Least area of a stroke of ink, in µm² [expert]; red ink, which is like blood, has more.
const STROKE_UM2: (f64, f64) = (20_000.0, 60_000.0);
/// Under red ink the nuclei still show: least density of red there, over that of the slide's tissue. Blood hides them [expert].
const SHOWS: f64 = 0.7;
/// Most tissue that specks cover, as a share [expert].
const MOST_DUST: f64 = 0.03;
/// Least speck, in µm² [expert].
const SPECK_UM2: f64 = 100.0;
/// Dust absorbs no colour more than so many times another, bubbles and the coverslip so many [expert]; clusters of
/// nuclei absorb green most and blue least.
const GREY: (f64, f64) = (1.5, 1.6);
/// A bubble's rim encloses at least so many times its own area, and this much at least, in µm² [expert].
const RING: (f64, f64) = (0.6, 4_000.0);
/// A line of the coverslip's edge: least length in µm and ratio of axes [expert].
const EDGE: (f64, f64) = (600.0, 12.0);
/// Breaks in a rim that are closed, in µm.
const CLOSE_UM: f64 = 16.0;
/// Rim that is taken out with it, in µm.
const RIM_UM: f64 = 6.0;

/// Maps of what is no stain.
pub(super) struct Foreign {
    pub(super) pen: Mask,
    pub(super) bubble: Mask,
    pub(super) dust: Mask,
}

/// Finds ink of any colour, bubbles and dust.
pub(super) fn find(view: &View) -> Foreign {
    let smooth = view.smooth(SMOOTH_UM);
    let usual: [f64; 3] = std::array::from_fn(|k| view.quantile(&smooth[k], 0.5));
    let green = usual[1] / usual.iter().sum::<f64>().max(1.0);
    let (no_stain, maybe) = colours(&smooth, usual, MAX_GREEN.min(green - BELOW_USUAL));
    let blank = || Mask::filled(no_stain.width(), no_stain.height(), 0);
    let mut out = Foreign { pen: blank(), bubble: blank(), dust: blank() };
    let closed = morphology::close(&no_stain, view.mpp.px(CLOSE_UM) / 2.0);
    let found = pieces(&closed, Connectivity::Eight);
    for (i, region) in found.regions.iter().enumerate() {
        place(view, &found, i, region, &smooth, &mut out);
    }
    let maybe = pieces(&maybe, Connectivity::Eight);
    for (i, region) in maybe.regions.iter().enumerate() {
        let shows = mean(&smooth[0], maybe.runs(i)) >= SHOWS * usual[0];
        if region.area_px as f64 >= view.px_area(STROKE_UM2.1) && shows {
            maybe.paint(i, &mut out.pen, 1);
        }
    }
    let rim = |mask: &Mask| morphology::dilate(mask, view.mpp.px(RIM_UM));
    let close = view.mpp.px(2.0 * CLOSE_UM);
    // Specks all over are no dust but the colour of the stain.
    if out.dust.count() as f64 > MOST_DUST * view.tissue.count() as f64 {
        out.dust = blank();
    }
    Foreign { pen: rim(&morphology::close(&out.pen, close)), bubble: rim(&out.bubble), dust: rim(&out.dust) }
}

/// Returns 1 where a colour is no stain, and 1 where it may be red or yellow ink.
fn colours(smooth: &[Plane<u8>; 3], usual: [f64; 3], green: f64) -> (Mask, Mask) {
    let blank = || Mask::filled(smooth[0].width(), smooth[0].height(), 0);
    let (mut no_stain, mut maybe) = (blank(), blank());
    let painted = paints(usual);
    let densities = smooth[0].data().iter().zip(smooth[1].data()).zip(smooth[2].data());
    let masks = no_stain.data_mut().iter_mut().zip(maybe.data_mut());
    for ((no_stain, maybe), ((&r, &g), &b)) in masks.zip(densities) {
        let own = [r, g, b].map(f64::from);
        // Over tissue, what is added to it.
        let added: [f64; 3] = std::array::from_fn(|k| (own[k] - usual[k]).max(0.0));
        *no_stain = u8::from(is_foreign(own, green) || is_foreign(added, green) || painted(own));
        let is_red = is_red_ink(own, RED_INK.0) || is_red_ink(added, LEAST_ADDED);
        *maybe = u8::from(is_red || is_yellowed(own, added));
    }
    (no_stain, maybe)
}

/// Returns what tells paint that hides the tissue: yellow, orange or magenta, unless the slide's own tissue is so.
fn paints(usual: [f64; 3]) -> impl Fn([f64; 3]) -> bool {
    let is_yellow = |[r, g, b]: [f64; 3]| r + g + b >= LEAST_OD && b >= YELLOW * g.max(r);
    let is_magenta = |[r, g, b]: [f64; 3]| g >= MAGENTA.0 && r <= MAGENTA.1 * g && b <= MAGENTA.2 * g;
    let (no_yellow, no_magenta) = (is_yellow(usual), is_magenta(usual));
    move |own| !no_yellow && is_yellow(own) || !no_magenta && is_magenta(own)
}

/// Whether yellow ink may lie over tissue, given the densities and what they have more than the slide's tissue.
fn is_yellowed(own: [f64; 3], added: [f64; 3]) -> bool {
    let sum: f64 = added.iter().sum();
    sum >= LEAST_OD && own[2] >= YELLOWED.0 * own[1] && added[2] >= YELLOWED.1 * added[1].max(added[0])
}

fn is_foreign([r, g, b]: [f64; 3], green: f64) -> bool {
    let sum = r + g + b;
    sum >= LEAST_OD && (g < green * sum && r > LEAST_RED * sum || r > MIN_RED * g)
}

fn is_red_ink([r, g, b]: [f64; 3], least: f64) -> bool {
    r + g + b >= least && b >= RED_INK.1 * g && r <= RED_INK.2 * g
}

/// Says of one piece what it is.
fn place(view: &View, found: &Pieces, i: usize, region: &Region, smooth: &[Plane<u8>; 3], out: &mut Foreign) {
    let runs = found.runs(i);
    let area = region.area_px as f64;
    let [r, g, b] = [0, 1, 2].map(|k| mean(&smooth[k], runs));
    let is_grey = |most: f64| r.max(g).max(b) < most * r.min(g).min(b);
    let grey = is_grey(GREY.1);
    let long = region.extent() as f64 >= view.mpp.px(EDGE.0);
    if let Some(filled) = ring(view, found, i, region).filter(|_| grey) {
        merge(&mut out.bubble, &filled, region);
    } else if grey && long && shape::aspect_ratio(region, runs) >= EDGE.1 {
        found.paint(i, &mut out.bubble, 1);
    } else if area >= view.px_area(STROKE_UM2.0) {
        found.paint(i, &mut out.pen, 1);
    } else if area >= view.px_area(SPECK_UM2) && is_grey(GREY.0) {
        found.paint(i, &mut out.dust, 1);
    }
}

/// Returns the piece with what it encloses, within its box, if that is much.
fn ring(view: &View, found: &Pieces, i: usize, region: &Region) -> Option<Mask> {
    let mut own = Mask::filled(region.x1 - region.x0, region.y1 - region.y0, 0);
    for run in found.runs(i) {
        own.row_mut(run.y() - region.y0)[run.x0() - region.x0..run.x1() - region.x0].fill(1);
    }
    let filled = morphology::fill_holes(&own, u64::MAX);
    let enclosed = (filled.count() - own.count()) as f64;
    (enclosed >= RING.0 * own.count() as f64 && enclosed >= view.px_area(RING.1)).then_some(filled)
}

fn merge(into: &mut Mask, part: &Mask, region: &Region) {
    for y in 0..part.height() {
        let row = &mut into.row_mut(region.y0 + y)[region.x0..region.x1];
        row.iter_mut().zip(part.row(y)).for_each(|(a, &b)| *a |= b);
    }
}

/// Mean of a plane over runs.
fn mean(plane: &Plane<u8>, runs: &[Run]) -> f64 {
    let (mut sum, mut n) = (0u64, 0u64);
    for run in runs {
        let row = &plane.row(run.y())[run.x0()..run.x1()];
        sum += row.iter().map(|&v| u64::from(v)).sum::<u64>();
        n += row.len() as u64;
    }
    sum as f64 / n.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_is_no_stain() {
        fn t(colour: [f64; 3], foreign: bool, red: bool) {
            assert_eq!(
                (is_foreign(colour, MAX_GREEN), is_red_ink(colour, RED_INK.0)),
                (foreign, red),
                "{colour:?}"
            );
        }
        // Haematoxylin, bluish haematoxylin, eosin, blood: densities × 100.
        t([46.0, 58.0, 30.0], false, false);
        t([59.0, 58.0, 18.0], false, false);
        t([10.0, 67.0, 42.0], false, false);
        // Blood differs from red ink only in what shows through.
        t([10.0, 42.0, 45.0], false, true);
        // Blue, green, black and red ink, dust.
        t([110.0, 75.0, 20.0], true, false);
        t([115.0, 45.0, 80.0], true, false);
        t([130.0, 125.0, 120.0], true, false);
        t([8.0, 110.0, 100.0], false, true);
        t([20.0, 20.0, 20.0], true, false);
    }

    #[test]
    fn paint_that_hides_tissue_is_no_stain() {
        let usual = [30.0, 60.0, 35.0];
        fn t(colour: [f64; 3], usual: [f64; 3], expected: bool) {
            assert_eq!(paints(usual)(colour), expected, "{colour:?}");
        }
        // Yellow, orange, magenta: densities × 100.
        t([0.0, 8.0, 150.0], usual, true);
        t([0.0, 26.0, 120.0], usual, true);
        t([2.0, 108.0, 24.0], usual, true);
        // Haematoxylin, eosin, dense eosin, blood, dense blood.
        t([46.0, 58.0, 30.0], usual, false);
        t([10.0, 67.0, 42.0], usual, false);
        t([12.0, 120.0, 60.0], usual, false);
        t([10.0, 42.0, 45.0], usual, false);
        t([20.0, 100.0, 110.0], usual, false);
        // Where the tissue has that colour itself.
        t([2.0, 108.0, 24.0], [4.0, 75.0, 20.0], false);
    }

    #[test]
    fn yellow_over_tissue_adds_blue_alone() {
        let usual = [30.0, 60.0, 35.0];
        let t = |own: [f64; 3], expected: bool| {
            let added = std::array::from_fn(|k| (own[k] - usual[k]).max(0.0));
            assert_eq!(is_yellowed(own, added), expected, "{own:?}");
        };
        t([30.0, 64.0, 95.0], true);
        t([20.0, 100.0, 110.0], false);
        t([60.0, 120.0, 70.0], false);
        t(usual, false);
    }
}
