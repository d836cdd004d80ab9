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

/// Divides the lumps of at least `sizes.0` pixels where they are narrow, and returns the parts up to `sizes.1` pixels wide
/// without their slits, in reading order of their anchors. Lumps lie in a plane of `width` × `height` pixels; pixels joined
/// at corners belong to one. `deep` tells from a region's box and the lowest density in it which can be left out.
pub(super) fn divide(
    lumps: Pieces,
    size: (usize, usize),
    (least_px, largest): (u64, usize),
    density: &Plane<u8>,
    deep: impl Fn(&Region, u8) -> bool,
) -> Vec<Part> {
    let lowest = |runs: &[Run]| {
        let of_run = |run: &Run| lowest_of(&density.row(run.y())[run.x0()..run.x1()]);
        runs.iter().fold(u8::MAX, |lowest, run| lowest.min(of_run(run)))
    };
    let mask = wide_ones(&lumps, size, least_px, |region, runs| deep(region, lowest(runs)));
    drop(lumps);
    let squared = distance::squared_up_to(&mask, (FAR * FAR - 1) as u16);
    let Basins { labels: parts, regions, spans } = basins::climb(&squared, &mask, |peak, pass| {
        let (peak, pass) = (f64::from(peak).sqrt(), f64::from(pass).sqrt());
        peak - pass <= (peak * PASS_SHARE).max(PASS_PX)
    });
    drop(mask);
    let mut known = vec![(0u16, u8::MAX); regions.len()];
    for span in spans {
        let (peak, lowest) = &mut known[span.number as usize];
        *peak = span.of_plane(&squared).iter().fold(*peak, |peak, &d| peak.max(d));
        *lowest = (*lowest).min(lowest_of(span.of_plane(density)));
    }
    let mut out = Vec::new();
    for (number, (region, (peak, lowest))) in regions.iter().zip(known).enumerate().skip(1) {
        if (MIN_WIDTH_PX..=largest as f64).contains(&width(peak)) && deep(region, lowest) {
            let own = trimmed(&parts, &squared, region, number as u32, peak);
            out.extend(part(&own, region, size).filter(|part| part.region.area_px >= least_px));
        }
    }
    out.sort_unstable_by_key(|part| (part.region.anchor.1, part.region.anchor.0));
    out
}

/// The lowest of some densities.
fn lowest_of(densities: &[u8]) -> u8 {
    densities.iter().fold(u8::MAX, |lowest, &v| lowest.min(v))
}

/// Lumps of at least `least_px` pixels that hold a square of three by three pixels: others are narrower than
/// [`MIN_WIDTH_PX`] everywhere. At the plane's edge nothing is known of a lump's width. Those that are not `deep` are left
/// out, which changes nothing for others: no two touch.
fn wide_ones(
    lumps: &Pieces,
    (width, height): (usize, usize),
    least_px: u64,
    deep: impl Fn(&Region, &[Run]) -> bool,
) -> Mask {
    let mut mask = Mask::filled(width, height, 0);
    for (i, region) in lumps.regions.iter().enumerate().filter(|(_, r)| r.area_px >= least_px) {
        let runs = lumps.runs(i);
        if (region.touches_edge || has_square(runs)) && deep(region, runs) {
            lumps.paint(i, &mut mask, 1);
        }
    }
    mask
}

/// Returns whether runs in reading order cover three by three pixels.
fn has_square(runs: &[Run]) -> bool {
    let rows: Vec<&[Run]> = runs.chunk_by(|a, b| a.y() == b.y()).collect();
    rows.windows(3).any(|rows| {
        let meets = |x0: usize, x1: usize, row: &[Run]| {
            let common = row.iter().map(move |r| (x0.max(r.x0()), x1.min(r.x1())));
            common.filter(|(from, to)| from + 3 <= *to).collect::<Vec<_>>()
        };
        rows[1].iter().filter(|run| run.x0() + 3 <= run.x1()).any(|run| {
            let above = meets(run.x0(), run.x1(), rows[0]);
            above.into_iter().any(|(from, to)| !meets(from, to, rows[2]).is_empty())
        })
    })
}

/// Puts a part, painted in the box of `region`, into the window; `None` when it is empty.
fn part(own: &Mask, region: &Region, (width, height): (usize, usize)) -> Option<Part> {
    let mut part = Part { runs: runs_of(own), region: Region::EMPTY };
    for run in &mut part.runs {
        *run = Run::new(run.y() + region.y0, run.x0() + region.x0, run.x1() + region.x0);
        part.region.add_run(run.y(), run.x0(), run.x1(), width, height);
    }
    (part.region.area_px > 0).then_some(part)
}

/// Width of a place whose middle has this squared distance from the background.
fn width(squared: u16) -> f64 {
    2.0 * f64::from(squared).sqrt()
}

/// Returns a part without what is narrower than [`SLIT_SHARE`] of its widest place, painted in its own box: the disks
/// around places that are wide enough.
fn trimmed(parts: &Plane<u32>, squared: &Plane<u16>, region: &Region, number: u32, peak: u16) -> Mask {
    let radius = SLIT_SHARE * width(peak) / 2.0;
    let least = (radius * radius) as u16;
    let spans = half_widths(radius.floor() as usize, least);
    let mut disks = Disks::in_box(region);
    for y in region.y0..region.y1 {
        let (own, near) = (parts.row(y), squared.row(y));
        let above = y.checked_sub(1).map(|y| squared.row(y));
        let below = (y + 1 < squared.height()).then(|| squared.row(y + 1));
        let wide = |row: Option<&[u16]>, x: usize| row.is_some_and(|row| row.get(x) >= Some(&least));
        let mut x = region.x0;
        while x < region.x1 {
            let start = x;
            while x < region.x1 && near[x] >= least && own[x] == number {
                // The disk around a place within others adds that place alone.
                let beside = x > 0 && near[x - 1] >= least && wide(Some(near), x + 1);
                if !(beside && wide(above, x) && wide(below, x)) {
                    disks.add((x, y), &spans);
                }
                x += 1;
            }
            disks.add_run(y, start, x);
            x += 1;
        }
    }
    disks.of_part(parts, number)
}

/// Half the width of a disk of squared radius `least`, by the distance of the row from its middle.
fn half_widths(reach: usize, least: u16) -> Vec<usize> {
    (0..=reach).map(|dy| usize::from(least - (dy * dy) as u16).isqrt()).collect()
}

/// Disks in a box: how many start and end at every pixel of its rows.
struct Disks<'a> {
    region: &'a Region,
    /// One place more than pixels in each row.
    changes: Vec<i32>,
}

impl<'a> Disks<'a> {
    fn in_box(region: &'a Region) -> Self {
        let (width, height) = (region.x1 - region.x0, region.y1 - region.y0);
        Self { region, changes: vec![0; (width + 1) * height] }
    }

    /// Adds a disk around a pixel of the window; `spans` are its half-widths by the distance from its middle row.
    fn add(&mut self, (x, y): (usize, usize), spans: &[usize]) {
        let Region { x0, y0, x1, y1, .. } = *self.region;
        let (reach, stride) = (spans.len() - 1, x1 - x0 + 1);
        for row in y.saturating_sub(reach).max(y0)..(y + reach + 1).min(y1) {
            let half = spans[row.abs_diff(y)];
            let changes = &mut self.changes[(row - y0) * stride..][..stride];
            changes[x.saturating_sub(half).max(x0) - x0] += 1;
            changes[(x + half + 1).min(x1) - x0] -= 1;
        }
    }

    /// Adds the pixels `start..end` of a row.
    fn add_run(&mut self, y: usize, start: usize, end: usize) {
        let Region { x0, y0, x1, .. } = *self.region;
        let changes = &mut self.changes[(y - y0) * (x1 - x0 + 1)..][..x1 - x0 + 1];
        changes[start - x0] += 1;
        changes[end - x0] -= 1;
    }

    /// Returns the pixels of a part that lie in any disk.
    fn of_part(&self, parts: &Plane<u32>, number: u32) -> Mask {
        let Region { x0, y0, x1, y1, .. } = *self.region;
        let mut out = Mask::filled(x1 - x0, y1 - y0, 0);
        for (y, changes) in self.changes.chunks_exact(x1 - x0 + 1).enumerate() {
            let mut disks = 0;
            let own = &parts.row(y0 + y)[x0..x1];
            for ((out, change), &n) in out.row_mut(y).iter_mut().zip(changes).zip(own) {
                disks += change;
                *out = u8::from((disks > 0) & (n == number));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::label::{Connectivity, pieces};

    fn divided(mask: &Mask) -> Vec<Part> {
        let density = mask.map(|_| 0);
        let lumps = pieces(mask, Connectivity::Eight);
        divide(lumps, (mask.width(), mask.height()), (6, 60), &density, |_, _| true)
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
                assert_eq!(
                    part.runs.iter().map(|r| (r.x1() - r.x0()) as u64).sum::<u64>(),
                    part.region.area_px
                );
            }
        }
        let (left, right) = ((20.0, 30.0, 12.0), (41.0, 31.0, 11.0));
        t(&painted(&[left], &[]), &[left]);
        t(&painted(&[left, right], &[]), &[left, right]);
        t(&painted(&[left], &[(20, 29, 80, 32)]), &[left]);
        t(&painted(&[], &[(0, 10, 90, 12)]), &[]);
    }

    #[test]
    fn what_is_not_deep_is_left_out_and_changes_nothing_else() {
        let mask = painted(&[(20.0, 20.0, 9.0), (35.0, 20.0, 9.0), (62.0, 34.0, 8.0)], &[]);
        let density = Plane::from_vec(90, 60, (0..90 * 60).map(|i| 90 - (i % 90) as u8).collect()).unwrap();
        let lumps = || pieces(&mask, Connectivity::Eight);
        let deep = |region: &Region, lowest: u8| {
            assert_eq!(usize::from(lowest), 91 - region.x1);
            lowest <= 50
        };
        let left = divide(lumps(), (90, 60), (6, 60), &density, deep);
        let all = divided(&mask);
        assert_eq!((all.len(), left.len()), (3, 2));
        assert!(left.iter().all(|part| part.region.x0 >= 20 && all.iter().any(|a| a.runs == part.runs)));
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
