//! Parts of lumps of vacuoles, without the slits that open into them.
//!
//! All lumps are worked at once; what is nowhere wide is left out before.

use crate::{
    raster::{Mask, Plane},
    segment::{
        distance,
        label::{Pieces, Region, Run, runs_of},
        nuclei::basins::{self, Basins},
    },
};

/// What is narrower than this share of a part's widest place is a slit that opens into it.
const SLIT_SHARE: f64 = 0.6;
/// Parts that are nowhere this wide are not looked at, in pixels.
const MIN_WIDTH_PX: f64 = 3.0;
/// Distances are told apart up to this many pixels.
const FAR: u32 = 128;
/// Parts are divided where the passage is narrower than this share below the narrower part's width …
const PASS_SHARE: f64 = 0.15;
/// … and by at least this much, in pixels of half a width.
const PASS_PX: f64 = 0.5;

/// One part of a lump.
pub(super) struct Part {
    /// Its pixels.
    pub(super) runs: Vec<Run>,
    /// Its box and sums.
    pub(super) region: Region,
}

/// Divides the lumps of at least `least_px` pixels where they are narrow, and returns the parts up to `largest` pixels
/// wide without their slits, in reading order of their anchors. Lumps lie in a plane of `width` × `height` pixels; pixels
/// joined at corners belong to one.
pub(super) fn divide(lumps: Pieces, size: (usize, usize), least_px: u64, largest: usize) -> Vec<Part> {
    let mask = wide_ones(&lumps, size, least_px);
    drop(lumps);
    let squared = distance::squared_up_to(&mask, (FAR * FAR - 1) as u16);
    let Basins { labels: parts, regions, spans } = basins::climb(&squared, &mask, |peak, pass| {
        let (peak, pass) = (f64::from(peak).sqrt(), f64::from(pass).sqrt());
        peak - pass <= (peak * PASS_SHARE).max(PASS_PX)
    });
    let mut peaks = vec![0u16; regions.len()];
    for span in spans {
        let peak = &mut peaks[span.number as usize];
        *peak = span.of_plane(&squared).iter().fold(*peak, |peak, &d| peak.max(d));
    }
    let mut out = Vec::new();
    for (number, (region, peak)) in regions.iter().zip(peaks).enumerate().skip(1) {
        if (MIN_WIDTH_PX..=largest as f64).contains(&width(peak)) {
            let own = trimmed(&parts, &squared, region, number as u32, peak);
            out.extend(part(&own, region, size).filter(|part| part.region.area_px >= least_px));
        }
    }
    out.sort_unstable_by_key(|part| (part.region.anchor.1, part.region.anchor.0));
    out
}

/// Lumps of at least `least_px` pixels that hold a square of three by three pixels: others are narrower than
/// [`MIN_WIDTH_PX`] everywhere. At the plane's edge nothing is known of a lump's width.
fn wide_ones(lumps: &Pieces, (width, height): (usize, usize), least_px: u64) -> Mask {
    let mut mask = Mask::filled(width, height, 0);
    for (i, region) in lumps.regions.iter().enumerate().filter(|(_, r)| r.area_px >= least_px) {
        if region.touches_edge || has_square(lumps.runs(i)) {
            lumps.paint(i, &mut mask, 1);
        }
    }
    mask
}

/// Returns whether runs in reading order cover three by three pixels.
fn has_square(runs: &[Run]) -> bool {
    let rows: Vec<&[Run]> = runs.chunk_by(|a, b| a.y == b.y).collect();
    rows.windows(3).any(|rows| {
        let meets = |x0: usize, x1: usize, row: &[Run]| {
            let common = row.iter().map(move |r| (x0.max(r.x0), x1.min(r.x1)));
            common.filter(|(from, to)| from + 3 <= *to).collect::<Vec<_>>()
        };
        rows[1].iter().filter(|run| run.x0 + 3 <= run.x1).any(|run| {
            let above = meets(run.x0, run.x1, rows[0]);
            above.into_iter().any(|(from, to)| !meets(from, to, rows[2]).is_empty())
        })
    })
}

/// Puts a part, painted in the box of `region`, into the window; `None` when it is empty.
fn part(own: &Mask, region: &Region, (width, height): (usize, usize)) -> Option<Part> {
    let mut part = Part { runs: runs_of(own), region: Region::EMPTY };
    for run in &mut part.runs {
        *run = Run { y: run.y + region.y0, x0: run.x0 + region.x0, x1: run.x1 + region.x0 };
        part.region.add_run(run.y, run.x0, run.x1, width, height);
    }
    (part.region.area_px > 0).then_some(part)
}

/// Width of a place whose middle has this squared distance from the background.
fn width(squared: u16) -> f64 {
    2.0 * f64::from(squared).sqrt()
}

/// Returns a part without what is narrower than [`SLIT_SHARE`] of its widest place, painted in its own box.
fn trimmed(parts: &Plane<u32>, squared: &Plane<u16>, region: &Region, number: u32, peak: u16) -> Mask {
    let mut out = Mask::filled(region.x1 - region.x0, region.y1 - region.y0, 0);
    let radius = SLIT_SHARE * width(peak) / 2.0;
    let least = (radius * radius) as u16;
    let spans = half_widths(radius.floor() as usize, least);
    let is_core = |x: i64, y: i64| squared.get(x, y).is_some_and(|d| d >= least);
    for y in region.y0..region.y1 {
        let (own, near) = (parts.row(y), squared.row(y));
        for x in (region.x0..region.x1).filter(|&x| near[x] >= least && own[x] == number) {
            out.set(x - region.x0, y - region.y0, 1);
            let (i, j) = (x as i64, y as i64);
            let inner =
                [(1, 0), (-1, 0), (0, 1), (0, -1)].into_iter().all(|(dx, dy)| is_core(i + dx, j + dy));
            if !inner {
                stamp(&mut out, parts, (region, number), (x, y), &spans);
            }
        }
    }
    out
}

/// Half the width of a disk of squared radius `least`, by the distance of the row from its middle.
fn half_widths(reach: usize, least: u16) -> Vec<usize> {
    (0..=reach).map(|dy| usize::from(least - (dy * dy) as u16).isqrt()).collect()
}

/// Paints the pixels of a part that lie in the disk around one of them.
fn stamp(
    out: &mut Mask,
    parts: &Plane<u32>,
    (region, number): (&Region, u32),
    (x, y): (usize, usize),
    spans: &[usize],
) {
    let reach = spans.len() - 1;
    for row in y.saturating_sub(reach).max(region.y0)..(y + reach + 1).min(region.y1) {
        let half = spans[row.abs_diff(y)];
        let columns = x.saturating_sub(half).max(region.x0)..(x + half + 1).min(region.x1);
        let of_part = parts.row(row)[columns.clone()].iter();
        let own = &mut out.row_mut(row - region.y0)[columns.start - region.x0..columns.end - region.x0];
        own.iter_mut().zip(of_part).for_each(|(o, &n)| *o |= u8::from(n == number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::label::{Connectivity, pieces};

    fn divided(mask: &Mask) -> Vec<Part> {
        divide(pieces(mask, Connectivity::Eight), (mask.width(), mask.height()), 6, 60)
    }

    /// Paints disks (x, y, radius) and bars (x0, y0, x1, y1).
    fn painted(disks: &[(f64, f64, f64)], bars: &[(usize, usize, usize, usize)]) -> Mask {
        let mut mask = Mask::filled(90, 60, 0);
        for y in 0..60 {
            for x in 0..90 {
                let disk = disks.iter().any(|&(cx, cy, r)| {
                    (x as f64 + 0.5 - cx).powi(2) + (y as f64 + 0.5 - cy).powi(2) <= r * r
                });
                let bar = bars.iter().any(|&(x0, y0, x1, y1)| (x0..x1).contains(&x) && (y0..y1).contains(&y));
                mask.set(x, y, u8::from(disk || bar));
            }
        }
        mask
    }

    #[test]
    fn lumps_come_apart_and_lose_their_slits() {
        fn t(mask: &Mask, expected: &[(f64, f64, f64)]) {
            let parts = divided(mask);
            assert_eq!(parts.len(), expected.len());
            for (part, &(x, y, r)) in parts.iter().zip(expected) {
                let (cx, cy) = part.region.centre();
                assert!((cx - x).hypot(cy - y) < 0.8, "{cx} {cy}, not {x} {y}");
                let area = std::f64::consts::PI * r * r;
                assert!(
                    (part.region.area_px as f64 / area - 1.0).abs() < 0.1,
                    "{} {area}",
                    part.region.area_px
                );
                assert_eq!(part.runs.iter().map(|r| (r.x1 - r.x0) as u64).sum::<u64>(), part.region.area_px);
            }
        }
        let (left, right) = ((20.0, 30.0, 12.0), (41.0, 31.0, 11.0));
        t(&painted(&[left], &[]), &[left]);
        t(&painted(&[left, right], &[]), &[left, right]);
        t(&painted(&[left], &[(20, 29, 80, 32)]), &[left]);
        t(&painted(&[], &[(0, 10, 90, 12)]), &[]);
    }

    #[test]
    fn a_lump_is_divided_alike_beside_others() {
        let pair = [(20.0, 20.0, 9.0), (35.0, 20.0, 9.0)];
        let alone = divided(&painted(&pair, &[]));
        let beside = divided(&painted(&[pair[0], pair[1], (52.0, 34.0, 8.0)], &[]));
        for part in &alone {
            assert!(beside.iter().any(|other| other.runs == part.runs));
        }
    }
}
