//! Exact Euclidean distance to the nearest background pixel, in whole numbers.
//!
//! Meijster, Roerdink & Hesselink 2000, "A general algorithm for computing distance transforms in
//! linear time". Rows are worked run by run: a 0 in the same row is nearer than anything beyond it,
//! so each run of set pixels only needs its own columns and the two 0 beside it.

use crate::raster::{Mask, Plane};

/// Returns the squared distance, in pixels², from every pixel to the nearest 0 of the mask; 0 on the
/// background. Outside the plane counts as set, so an edge is not a background. Where there is no
/// background at all the value is `u32::MAX`. Width and height together are at most 30 000.
#[must_use]
pub fn squared(mask: &Mask) -> Plane<u32> {
    let (w, h) = (mask.width(), mask.height());
    let far = (w + h) as u32;
    let mut out = along_columns(mask, far);
    let mut envelope = Envelope::default();
    for y in 0..h {
        let row = out.row_mut(y);
        let mut x = 0;
        while let Some(start) = row[x..].iter().position(|&v| v != 0).map(|d| x + d) {
            let end = row[start..].iter().position(|&v| v == 0).map_or(w, |d| start + d);
            envelope.run(&mut row[start.saturating_sub(1)..(end + 1).min(w)], far);
            x = end;
        }
    }
    out
}

/// Distance to the nearest 0 of the same column, `far` if there is none.
fn along_columns(mask: &Mask, far: u32) -> Plane<u32> {
    let (w, h) = (mask.width(), mask.height());
    let mut out = Plane::filled(w, h, 0u32);
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

/// Lower envelope of the parabolas over one run; kept to reuse its memory.
#[derive(Default)]
struct Envelope {
    heights: Vec<i32>,
    /// Apex of each parabola on the envelope, and the first column it rules.
    parts: Vec<(i32, i32)>,
}

impl Envelope {
    /// Replaces column distances by squared distances.
    fn run(&mut self, row: &mut [u32], far: u32) {
        let limit = (far * far) as i32;
        self.heights.clear();
        self.heights.extend(row.iter().map(|&v| (v * v) as i32));
        let g = &self.heights;
        let value = |x: i32, apex: i32| (x - apex) * (x - apex) + g[apex as usize];
        self.parts.clear();
        for u in 0..row.len() as i32 {
            while self.parts.last().is_some_and(|&(apex, from)| value(from, apex) > value(from, u)) {
                self.parts.pop();
            }
            let from = self.parts.last().map_or(0, |&(s, _)| {
                // The first column where the parabola of u lies below that of s.
                (u * u - s * s + g[u as usize] - g[s as usize]).div_euclid(2 * (u - s)) + 1
            });
            if from < row.len() as i32 {
                self.parts.push((u, from));
            }
        }
        let ends = self.parts.iter().skip(1).map(|p| p.1).chain([row.len() as i32]);
        for (&(apex, from), end) in self.parts.iter().zip(ends) {
            for x in from..end {
                let d = value(x, apex);
                row[x as usize] = if d >= limit { u32::MAX } else { d as u32 };
            }
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
            let distance = squared(&mask);
            let zeros: Vec<(usize, usize)> = (0..h)
                .flat_map(|y| (0..w).map(move |x| (x, y)))
                .filter(|&(x, y)| mask.at(x, y) == 0)
                .collect();
            for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                let near = zeros.iter().map(|&(bx, by)| bx.abs_diff(x).pow(2) + by.abs_diff(y).pow(2)).min();
                let expected = near.map_or(u32::MAX, |d| d as u32);
                assert_eq!(distance.at(x, y), expected, "{w}×{h} ({x}, {y})");
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
