//! Parts of a lump of vacuoles, without the slits that open into it.

use crate::{raster::Plane, segment::nuclei::regions_of};

/// What is narrower than this share of a part's widest place is a slit that opens into it.
const SLIT_SHARE: f64 = 0.6;
/// Parts that are nowhere this wide are not looked at, in pixels.
const MIN_WIDTH_PX: f64 = 3.0;

/// Returns every part without what is narrower than [`SLIT_SHARE`] of its widest place.
pub(super) fn trimmed(parts: &Plane<u32>, squared: &Plane<u16>, largest: usize) -> Plane<u32> {
    let mut out = Plane::filled(parts.width(), parts.height(), 0u32);
    let regions = regions_of(parts);
    let mut peaks = vec![0u16; regions.len()];
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
        let least = (radius * radius) as u16;
        let spans = half_widths(radius.floor() as usize, least);
        for y in region.y0..region.y1 {
            for x in region.x0..region.x1 {
                if squared.at(x, y) < least || parts.at(x, y) != number {
                    continue;
                }
                out.set(x, y, number);
                let (i, j) = (x as i64, y as i64);
                let inner = [(1, 0), (-1, 0), (0, 1), (0, -1)]
                    .into_iter()
                    .all(|(dx, dy)| squared.get(i + dx, j + dy).is_some_and(|d| d >= least));
                if !inner {
                    stamp(&mut out, parts, number, (x, y), &spans);
                }
            }
        }
    }
    out
}

/// Half the width of a disk of squared radius `least`, by the distance of the row from its middle.
fn half_widths(reach: usize, least: u16) -> Vec<usize> {
    (0..=reach).map(|dy| usize::from(least - (dy * dy) as u16).isqrt()).collect()
}

/// Numbers the pixels of a part that lie in the disk around one of them.
fn stamp(out: &mut Plane<u32>, parts: &Plane<u32>, number: u32, (x, y): (usize, usize), spans: &[usize]) {
    let reach = spans.len() - 1;
    for row in y.saturating_sub(reach)..(y + reach + 1).min(out.height()) {
        let half = spans[row.abs_diff(y)];
        let columns = x.saturating_sub(half)..(x + half + 1).min(out.width());
        let of_part = parts.row(row)[columns.clone()].iter();
        for (o, &n) in out.row_mut(row)[columns].iter_mut().zip(of_part) {
            *o = if n == number { number } else { *o };
        }
    }
}
