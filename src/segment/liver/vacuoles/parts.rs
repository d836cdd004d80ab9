//! Parts of lumps of vacuoles, without the slits that open into them.
//!
//! Every lump is worked in a box of its own: most are small, and a box costs what it covers.

use crate::{
    raster::{Mask, Plane},
    segment::{
        distance,
        label::{Connectivity, Pieces, Region, Run, paint, pieces, runs_of},
        nuclei::{basins, regions_of},
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

/// Divides the lumps of at least `least_px` pixels of a mask where they are narrow, and returns the parts up to
/// `largest` pixels wide without their slits, in reading order of their anchors.
pub(super) fn divide(mask: &Mask, least_px: u64, largest: usize) -> Vec<Part> {
    let lumps = pieces(mask, Connectivity::Eight);
    let mut out = Vec::new();
    for i in (0..lumps.regions.len()).filter(|&i| lumps.regions[i].area_px >= least_px) {
        Lump::of(&lumps, i, mask).divide(largest, &mut out);
    }
    drop(lumps);
    out.sort_unstable_by_key(|part: &Part| (part.region.anchor.1, part.region.anchor.0));
    out.retain(|part| part.region.area_px >= least_px);
    out
}

/// The box of one lump: its pixels and one pixel around them.
struct Lump {
    mask: Mask,
    /// Column and row of the box in the window.
    at: (usize, usize),
    /// Size of the window.
    window: (usize, usize),
}

impl Lump {
    fn of(lumps: &Pieces, lump: usize, window: &Mask) -> Self {
        let region = &lumps.regions[lump];
        let at = (region.x0.saturating_sub(1), region.y0.saturating_sub(1));
        let (w, h) = (window.width(), window.height());
        let mut mask = Mask::filled((region.x1 + 1).min(w) - at.0, (region.y1 + 1).min(h) - at.1, 0);
        let runs = lumps.runs(lump).iter();
        let moved: Vec<Run> = runs.map(|r| Run { y: r.y - at.1, x0: r.x0 - at.0, x1: r.x1 - at.0 }).collect();
        paint(&moved, &mut mask, 1);
        Self { mask, at, window: (w, h) }
    }

    fn divide(&self, largest: usize, out: &mut Vec<Part>) {
        let squared = distance::squared(&self.mask).map(|d| d.min(FAR * FAR - 1) as u16);
        let widest = squared.data().iter().copied().max().unwrap_or(0);
        if width(widest) < MIN_WIDTH_PX {
            return;
        }
        let parts = basins::climb(&squared, &self.mask, |peak, pass| {
            let (peak, pass) = (f64::from(peak).sqrt(), f64::from(pass).sqrt());
            peak - pass <= (peak * PASS_SHARE).max(PASS_PX)
        });
        let regions = regions_of(&parts);
        let mut peaks = vec![0u16; regions.len()];
        for (&n, &d) in parts.data().iter().zip(squared.data()).filter(|(_, d)| **d != 0) {
            peaks[n as usize] = peaks[n as usize].max(d);
        }
        for (number, (region, peak)) in regions.iter().zip(peaks).enumerate().skip(1) {
            if (MIN_WIDTH_PX..=largest as f64).contains(&width(peak)) {
                let own = trimmed(&parts, &squared, region, number as u32, peak);
                out.push(self.part(&own, region));
            }
        }
    }

    /// Puts a part, painted in the box of `region`, into the window.
    fn part(&self, own: &Mask, region: &Region) -> Part {
        let (x, y) = (self.at.0 + region.x0, self.at.1 + region.y0);
        let mut part = Part { runs: runs_of(own), region: Region::EMPTY };
        for run in &mut part.runs {
            *run = Run { y: run.y + y, x0: run.x0 + x, x1: run.x1 + x };
            part.region.add_run(run.y, run.x0, run.x1, self.window.0, self.window.1);
        }
        part
    }
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
    for y in region.y0..region.y1 {
        for x in region.x0..region.x1 {
            if squared.at(x, y) < least || parts.at(x, y) != number {
                continue;
            }
            out.set(x - region.x0, y - region.y0, 1);
            let (i, j) = (x as i64, y as i64);
            let inner = [(1, 0), (-1, 0), (0, 1), (0, -1)]
                .into_iter()
                .all(|(dx, dy)| squared.get(i + dx, j + dy).is_some_and(|d| d >= least));
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
            let parts = divide(mask, 6, 60);
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
        let alone = divide(&painted(&pair, &[]), 6, 60);
        let beside = divide(&painted(&[pair[0], pair[1], (52.0, 34.0, 8.0)], &[]), 6, 60);
        for part in &alone {
            assert!(beside.iter().any(|other| other.runs == part.runs));
        }
    }
}
