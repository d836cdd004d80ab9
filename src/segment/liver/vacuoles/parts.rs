//! Parts of a lump of vacuoles, without the slits that open into it.

use crate::{raster::Plane, segment::nuclei::regions_of};

/// What is narrower than this share of a part's widest place is a slit that opens into it.
const SLIT_SHARE: f64 = 0.6;
/// Parts that are nowhere this wide are not looked at, in pixels.
const MIN_WIDTH_PX: f64 = 3.0;

/// Returns every part without what is narrower than [`SLIT_SHARE`] of its widest place.
pub(super) fn trimmed(parts: &Plane<u32>, squared: &Plane<u32>, largest: usize) -> Plane<u32> {
    let mut out = Plane::filled(parts.width(), parts.height(), 0u32);
    let regions = regions_of(parts);
    let mut peaks = vec![0u32; regions.len()];
    for (&n, &d) in parts.data().iter().zip(squared.data()).filter(|(_, d)| **d != 0) {
        peaks[n as usize] = peaks[n as usize].max(d);
    }
    for (number, (region, peak)) in regions.iter().zip(peaks).enumerate().skip(1) {
        let number = number as u32;
        let width = 2.0 * f64::from(peak).sqrt();
        if width < MIN_WIDTH_PX || width > largest as f64 {
            continue;
        }
        let radius = SLIT_SHARE * width / 2.0;
        let least = (radius * radius) as u32;
        let reach = radius.floor() as i64;
        let limit = least as i64;
        for y in region.y0..region.y1 {
            for x in region.x0..region.x1 {
                if parts.at(x, y) != number || squared.at(x, y) < least {
                    continue;
                }
                out.set(x, y, number);
                let (x, y) = (x as i64, y as i64);
                let inner = [(1, 0), (-1, 0), (0, 1), (0, -1)]
                    .into_iter()
                    .all(|(dx, dy)| squared.get(x + dx, y + dy).is_some_and(|d| d >= least));
                if inner {
                    continue;
                }
                for (dx, dy) in (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dx, dy))) {
                    if dx * dx + dy * dy <= limit && parts.get(x + dx, y + dy) == Some(number) {
                        out.set((x + dx) as usize, (y + dy) as usize, number);
                    }
                }
            }
        }
    }
    out
}
