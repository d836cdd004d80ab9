//! Exact Euclidean distance to the nearest background pixel, in whole numbers.
//!
//! Meijster, Roerdink & Hesselink 2000, "A general algorithm for computing distance transforms in
//! linear time". Rows are worked run by run: a 0 in the same row is nearer than anything beyond it,
//! so each run of set pixels only needs its own columns and the two 0 beside it.

use std::ops::Range;

use super::label::{Run, add_runs};
use crate::raster::{Mask, Plane, wide};

/// Returns the squared distance, in pixels², from every pixel to the nearest 0 of the mask; 0 on the
/// background. Outside the plane counts as set, so an edge is not a background. Where there is no
/// background at all the value is `u32::MAX`. Width and height together are at most 30 000.
#[must_use]
pub fn squared(mask: &Mask) -> Plane<u32> {
    let columns = along_columns(mask);
    let mut out = Plane::filled(mask.width(), mask.height(), 0u32);
    let mut nearest = Nearest::of(mask);
    for y in 0..mask.height() {
        let row = out.row_mut(y);
        nearest.in_row(mask.row(y), |span, nearest| {
            row[span.clone()].copy_from_slice(nearest.of_run(&columns.row(y)[span]))
        });
    }
    out
}

/// The most that [`squared_up_to`] tells apart.
pub const MOST_NEAR: u16 = 255 * 255;

/// Returns [`squared`] cut off at `most`, up to [`MOST_NEAR`]: in less memory, and in less time where few pixels lie far
/// inside.
#[must_use]
pub fn squared_up_to(mask: &Mask, most: u16) -> Plane<u16> {
    near(&down(mask), most.min(MOST_NEAR))
}

wide! {
    /// Distance to the nearest 0 above in the same column, up to 255.
    fn down<'a>(mask: &'a Mask) -> Plane<u8> {
        let (w, h) = (mask.width(), mask.height());
        let mut out = Plane::filled(w, h, 0u8);
        let mut last = vec![u8::MAX; w];
        for y in 0..h {
            for ((d, out), &v) in last.iter_mut().zip(out.row_mut(y)).zip(mask.row(y)) {
                *d = if v == 0 { 0 } else { d.saturating_add(1) };
                *out = *d;
            }
        }
        out
    }
}

/// Pixels that look to both sides together.
const BLOCK: usize = 64;

wide! {
    /// Squared distances up to `most`, from distances to what lies above.
    fn near<'a>(above: &'a Plane<u8>, most: u16) -> Plane<u16> {
        let (w, h) = (above.width(), above.height());
        let mut out = Plane::filled(w, h, 0u16);
        let reach = usize::from(most.isqrt()) + 1;
        let mut last = vec![u8::MAX; w];
        // Squared distances along columns with room on both sides: nothing beyond is nearer.
        let mut padded = vec![most; w + 2 * reach + BLOCK];
        for y in (0..h).rev() {
            let own = &mut padded[reach..reach + w];
            for ((d, &up), own) in last.iter_mut().zip(above.row(y)).zip(own) {
                *d = up.min(d.saturating_add(1));
                *own = (u16::from(*d) * u16::from(*d)).min(most);
            }
            for (i, out) in out.row_mut(y).chunks_mut(BLOCK).enumerate() {
                let start = reach + i * BLOCK;
                let mut best = [0u16; BLOCK];
                best[..out.len()].copy_from_slice(&padded[start..start + out.len()]);
                for away in 1..reach {
                    let beyond = (away * away) as u16;
                    if best.iter().fold(0, |top, &d| d.max(top)) <= beyond {
                        break;
                    }
                    let left = padded[start - away..].first_chunk::<BLOCK>();
                    let right = padded[start + away..].first_chunk::<BLOCK>();
                    let (Some(left), Some(right)) = (left, right) else { break };
                    best = nearer(&best, left, right, beyond);
                }
                out.copy_from_slice(&best[..out.len()]);
            }
        }
        out
    }
}

/// What lies `beyond` further than the nearer of two where that is nearer, otherwise `best`.
#[inline(always)]
fn nearer(best: &[u16; BLOCK], left: &[u16; BLOCK], right: &[u16; BLOCK], beyond: u16) -> [u16; BLOCK] {
    // Written to another place: a write left out where nothing changes would be one pixel at a time.
    let mut out = [0; BLOCK];
    for (out, ((&best, &l), &r)) in out.iter_mut().zip(best.iter().zip(left).zip(right)) {
        *out = l.min(r).saturating_add(beyond).min(best);
    }
    out
}

/// A distance beyond any in a mask.
fn far(mask: &Mask) -> u16 {
    (mask.width() + mask.height()) as u16
}

/// Distance to the nearest 0 of the same column, [`far`] if there is none.
fn along_columns(mask: &Mask) -> Plane<u16> {
    up_and_down(mask, far(mask))
}

wide! {
    fn up_and_down<'a>(mask: &'a Mask, far: u16) -> Plane<u16> {
        let (w, h) = (mask.width(), mask.height());
        let mut out = Plane::filled(w, h, 0u16);
        let mut last = vec![far; w];
        for y in 0..h {
            for ((d, out), &v) in last.iter_mut().zip(out.row_mut(y)).zip(mask.row(y)) {
                *d = if v == 0 { 0 } else { (*d + 1).min(far) };
                *out = *d;
            }
        }
        last.fill(far);
        for y in (0..h).rev() {
            for (d, out) in last.iter_mut().zip(out.row_mut(y)) {
                *d = (*d + 1).min(*out);
                *out = *d;
            }
        }
        out
    }
}

/// Up to this length every pixel of a run looks to both sides; beyond, parabolas are cheaper.
const SHORT: usize = 40;

/// Turns distances along columns into squared distances, run by run; kept to reuse its memory.
struct Nearest {
    /// Square of a distance that stands for none.
    limit: u32,
    runs: Vec<Run>,
    /// Squared distances along columns, and the result.
    heights: Vec<u32>,
    found: Vec<u32>,
    envelope: Envelope,
}

impl Nearest {
    fn of(mask: &Mask) -> Self {
        let limit = u32::from(far(mask)).pow(2);
        Self {
            limit,
            runs: Vec::new(),
            heights: Vec::new(),
            found: Vec::new(),
            envelope: Envelope::default(),
        }
    }

    /// Calls `each` with every run of set pixels of a row of the mask and the 0 beside it.
    fn in_row(&mut self, row: &[u8], mut each: impl FnMut(Range<usize>, &mut Self)) {
        let mut runs = std::mem::take(&mut self.runs);
        runs.clear();
        add_runs(row, 0, &mut runs);
        for run in &runs {
            each(run.x0().saturating_sub(1)..(run.x1() + 1).min(row.len()), self);
        }
        self.runs = runs;
    }

    /// Squared distances of one run, from distances along its columns.
    fn of_run(&mut self, columns: &[u16]) -> &[u32] {
        self.heights.clear();
        self.heights.extend(columns.iter().map(|&v| u32::from(v).pow(2)));
        self.found.clear();
        if columns.len() <= SHORT {
            let heights = &self.heights;
            self.found.extend((0..heights.len()).map(|x| nearest(heights, x)));
        } else {
            self.found.resize(columns.len(), 0);
            self.envelope.run(&self.heights, &mut self.found);
        }
        let limit = self.limit;
        self.found.iter_mut().filter(|d| **d >= limit).for_each(|d| *d = u32::MAX);
        &self.found
    }
}

/// Squared distance of column `x`, looking further away until nothing there can be nearer.
fn nearest(heights: &[u32], x: usize) -> u32 {
    let mut best = heights[x];
    let mut away = 1;
    while away < heights.len() && ((away * away) as u32) < best {
        let beyond = (away * away) as u32;
        let left = x.checked_sub(away).map_or(u32::MAX, |i| heights[i] + beyond);
        let right = heights.get(x + away).map_or(u32::MAX, |h| h + beyond);
        best = best.min(left).min(right);
        away += 1;
    }
    best
}

/// Lower envelope of the parabolas over one run.
#[derive(Default)]
struct Envelope {
    /// Apex of each parabola on the envelope, and the first column it rules.
    parts: Vec<(i32, i32)>,
}

impl Envelope {
    /// Turns squared distances along columns into squared distances.
    fn run(&mut self, heights: &[u32], out: &mut [u32]) {
        let length = heights.len() as i32;
        let height = |x: i32| heights[x as usize] as i32;
        let value = |x: i32, apex: i32| (x - apex) * (x - apex) + height(apex);
        self.parts.clear();
        for u in 0..length {
            while self.parts.last().is_some_and(|&(apex, from)| value(from, apex) > value(from, u)) {
                self.parts.pop();
            }
            let from = self.parts.last().map_or(0, |&(s, _)| {
                // The first column where the parabola of u lies below that of s.
                (u * u - s * s + height(u) - height(s)).div_euclid(2 * (u - s)) + 1
            });
            if from < length {
                self.parts.push((u, from));
            }
        }
        let ends = self.parts.iter().skip(1).map(|p| p.1).chain([length]);
        for (&(apex, from), end) in self.parts.iter().zip(ends) {
            (from..end).for_each(|x| out[x as usize] = value(x, apex) as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_brute_force() {
        let mut state = 7u32;
        for (w, h, share) in [
            (1, 1, 0),
            (7, 5, 20),
            (16, 9, 2),
            (23, 31, 20),
            (40, 40, 1),
            (12, 30, 90),
            (300, 11, 0),
            (150, 5, 1),
        ] {
            let mut mask = Mask::filled(w, h, 1);
            for v in mask.data_mut() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *v = u8::from(state >> 24 >= share);
            }
            let distance = squared(&mask);
            let cut = [1, 10, 300, MOST_NEAR].map(|most| (most, squared_up_to(&mask, most)));
            let zeros: Vec<(usize, usize)> = (0..h)
                .flat_map(|y| (0..w).map(move |x| (x, y)))
                .filter(|&(x, y)| mask.at(x, y) == 0)
                .collect();
            for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                let near = zeros.iter().map(|&(bx, by)| bx.abs_diff(x).pow(2) + by.abs_diff(y).pow(2)).min();
                let expected = near.map_or(u32::MAX, |d| d as u32);
                assert_eq!(distance.at(x, y), expected, "{w}×{h} ({x}, {y})");
                for (most, cut) in &cut {
                    let expected = expected.min(u32::from(*most));
                    assert_eq!(u32::from(cut.at(x, y)), expected, "{w}×{h} ({x}, {y}), up to {most}");
                }
            }
        }
    }

    #[test]
    fn plane_edge_is_no_background() {
        let mask = Mask::from_vec(4, 1, vec![1, 1, 1, 0]).unwrap();
        assert_eq!(squared(&mask).data(), [9, 4, 1, 0]);
    }

    #[test]
    fn empty_plane_stays_empty() {
        assert!(squared(&Mask::filled(0, 0, 1)).data().is_empty());
        assert!(squared(&Mask::filled(0, 3, 1)).data().is_empty());
        assert!(squared_up_to(&Mask::filled(0, 3, 1), 9).data().is_empty());
    }
}
