//! Places from which a slide's stain is measured: the same for every run, spread over the tissue.

use super::passes::{Scan, sample};
use crate::{
    error::Result,
    organ::Pass,
    raster::{Mask, Rgb},
    segment::morphology,
    tile::Window,
};

/// Side of a sample in working pixels.
const SIDE_PX: u32 = 256;
/// Most samples.
const COUNT: usize = 40;
/// So near to what is left out nothing is sampled, in µm: edges of folds and ink that are not found count for much among the
/// darkest pixels [expert].
const BESIDE_UM: f64 = 40.0;

/// Reads the samples at the working resolution of a pass. What is left out of the tissue has the colour of glass there: a fold
/// or ink beside a sample's tissue is no stain of the slide.
pub(super) fn read(scan: &Scan<'_>, pass: Pass) -> Result<Vec<Rgb>> {
    let places = places(scan, pass);
    let every = places.len().div_ceil(COUNT).max(1);
    let windows = places.into_iter().step_by(every);
    let left_out = left_out(scan);
    windows
        .map(|window| {
            scan.watch.check()?;
            let mut rgb = scan.slide.read_window(&window)?;
            let left_out = sample(&left_out, scan.tissue.scale, &window);
            let white = scan.tissue.white.rgb.map(|v| v.round() as u8);
            let pixels = rgb.pixels_mut().iter_mut().zip(left_out.data());
            pixels.filter(|(_, left_out)| **left_out != 0).for_each(|(px, _)| *px = white);
            Ok(rgb)
        })
        .collect()
}

/// Returns 1 where tissue was left out, and beside it, on the grid of the tissue mask.
fn left_out(scan: &Scan<'_>) -> Mask {
    let places = scan.artefacts.map(|number| u8::from(number != 0));
    match places.count() {
        0 => places,
        _ => morphology::dilate(&places, scan.mpp.px(BESIDE_UM) / scan.tissue.scale),
    }
}

/// Squares on a fixed grid that hold the most tissue: mostly full ones where there are enough.
fn places(scan: &Scan<'_>, pass: Pass) -> Vec<Window> {
    let (scale, mpp) = scan.resolve(pass);
    let base = &scan.slide.info().levels[0];
    let spec = crate::tile::TileSpec { core_px: SIDE_PX, halo_px: 0, shift_px: 0 };
    let mut squares: Vec<(f64, Window)> = spec
        .cut(base.width, base.height, scale, mpp)
        .into_iter()
        .map(|w| (scan.tissue.share(w.core_rect()), w))
        .filter(|(share, _)| *share > 0.0)
        .collect();
    let best = squares.iter().map(|(share, _)| *share).fold(0.0, f64::max);
    squares.retain(|(share, _)| *share >= 0.9 * best);
    squares.into_iter().map(|(_, w)| w).collect()
}
