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

/// Returns [`squared`] cut off at [`u16::MAX`], in half the memory.
#[must_use]
pub fn squared_near(mask: &Mask) -> Plane<u16> {
    let mut out = along_columns(mask);
    let mut nearest = Nearest::of(mask);
    for y in 0..mask.height() {
        let row = out.row_mut(y);
        nearest.in_row(mask.row(y), |span, nearest| {
            let found = nearest.of_run(&row[span.clone()]);
            row[span].iter_mut().zip(found).for_each(|(to, &d)| *to = d.min(u32::from(u16::MAX)) as u16);
        });
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
            each(run.x0.saturating_sub(1)..(run.x1 + 1).min(row.len()), self);
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
        for (w, h, share) in [(1, 1, 0), (7, 5, 20), (16, 9, 2), (23, 31, 20), (40, 40, 1), (12, 30, 90)] {
            let mut mask = Mask::filled(w, h, 1);
            for v in mask.data_mut() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *v = u8::from(state >> 24 >= share);
            }
            let (distance, near_only) = (squared(&mask), squared_near(&mask));
            let zeros: Vec<(usize, usize)> = (0..h)
                .flat_map(|y| (0..w).map(move |x| (x, y)))
                .filter(|&(x, y)| mask.at(x, y) == 0)
                .collect();
            for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                let near = zeros.iter().map(|&(bx, by)| bx.abs_diff(x).pow(2) + by.abs_diff(y).pow(2)).min();
                let expected = near.map_or(u32::MAX, |d| d as u32);
                assert_eq!(distance.at(x, y), expected, "{w}×{h} ({x}, {y})");
                assert_eq!(u32::from(near_only.at(x, y)), expected.min(65_535), "{w}×{h} ({x}, {y})");
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
    }
}
