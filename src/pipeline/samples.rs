//! Places from which a slide's stain is measured: the same for every run, spread over the tissue.

use super::passes::Scan;
use crate::{error::Result, organ::Pass, raster::Rgb, tile::Window};

/// Side of a sample in working pixels.
const SIDE_PX: u32 = 256;
/// Most samples.
const COUNT: usize = 40;

/// Reads the samples at the working resolution of a pass.
pub(super) fn read(scan: &Scan<'_>, pass: Pass) -> Result<Vec<Rgb>> {
    let places = places(scan, pass);
    let every = places.len().div_ceil(COUNT).max(1);
    let windows = places.into_iter().step_by(every);
    windows
        .map(|window| {
            scan.watch.check()?;
            scan.slide.read_window(&window)
        })
        .collect()
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
