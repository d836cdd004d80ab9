//! Area averaging in fixed point: down the columns first, where it is a few additions per row, then
//! along the rows of what is left.
//!
//! Weights of an output pixel depend on its index, the scale and the origin of the grid only, never
//! on the window that asks, so overlapping windows agree to the last bit.

use std::ops::Range;

/// The sum of all weights of one output pixel.
const ONE: u32 = 1 << 15;
/// Bits kept below the point between both passes.
const CARRY_BITS: u32 = 7;
/// Rows that one pass over the columns takes; output pixels with more are summed row by row.
pub(super) const FUSED_ROWS: usize = 5;

/// Source pixels beyond each end of the source that are told apart; all of them are white. More than [`FUSED_ROWS`], so
/// that an output pixel is summed in the same way wherever it lies.
const MARGIN: i64 = 8;
/// Farther from the source than this, in source pixels, places are as good as equal.
const FAR: f64 = (1u64 << 40) as f64;

/// Where output pixels lie on the source: pixel `i` covers `origin + i·step` to `origin + (i+1)·step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    /// Position of output pixel 0, in source pixels.
    pub(super) origin: f64,
    /// Source pixels per output pixel.
    pub(super) step: f64,
    /// Length of the source, in source pixels; beyond it everything is white.
    pub(super) length: u64,
}

/// The source pixels under one output pixel and their weights, which sum to [`ONE`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Taps {
    /// First source pixel.
    pub(super) first: i64,
    /// One weight per source pixel.
    pub(super) weights: Vec<u16>,
}

impl Axis {
    /// Returns where edge `i` lies on the source; positions next to a whole number are that number.
    fn edge(self, i: i64) -> f64 {
        let at = (self.origin + i as f64 * self.step).clamp(-FAR, FAR);
        if (at - at.round()).abs() < 1e-6 { at.round() } else { at }
    }

    /// Returns the part of output pixels `range` that reaches onto the source, or a little more of it.
    pub(super) fn inside(self, range: &Range<i64>) -> Range<i64> {
        let at = |edge: f64| (edge - self.origin) / self.step;
        let (low, high) = ((at(0.0).floor() - 1.0) as i64, (at(self.length as f64).ceil() + 1.0) as i64);
        let start = range.start.max(low).min(range.end);
        start..range.end.min(high).max(start)
    }

    /// Moves a source pixel that lies beyond the margin into it.
    fn kept(self, pixel: i64) -> i64 {
        pixel.clamp(-MARGIN, self.length as i64 + MARGIN - 1)
    }

    /// Returns the weights of output pixel `i`. What it covers beyond the source's margin is in the weight of the margin's
    /// last pixel, so that there are never many more of them than source pixels.
    pub(super) fn taps(self, i: i64) -> Taps {
        let (start, end) = (self.edge(i), self.edge(i + 1));
        let first = start.floor() as i64;
        let (first, last) = (self.kept(first), self.kept((end.ceil() as i64 - 1).max(first)));
        let upto = |k: i64| {
            let share = ((k as f64 - start) / (end - start)).clamp(0.0, 1.0);
            (share * f64::from(ONE)).round() as u32
        };
        let weight = |k: i64| {
            let end = if k == last { ONE } else { upto(k + 1) };
            let start = if k == first { 0 } else { upto(k) };
            (end - start) as u16
        };
        Taps { first, weights: (first..=last).map(weight).collect() }
    }

    /// Returns the source pixels under output pixels `range`, which is not empty.
    pub(super) fn span(self, range: &Range<i64>) -> Range<i64> {
        let first = self.edge(range.start).floor() as i64;
        let last = (self.edge(range.end).ceil() as i64 - 1).max(first);
        self.kept(first)..self.kept(last) + 1
    }

    /// Returns the whole number of source pixels by which output pixels are shifted, if that is all.
    pub(super) fn shift(self) -> Option<i64> {
        let whole = (self.step - 1.0).abs() < 1e-9 && self.origin.fract() == 0.0;
        whole.then_some(self.origin.clamp(-FAR, FAR) as i64)
    }
}

/// Averages rows horizontally.
pub(super) struct Columns {
    /// First source pixel of every output pixel, counted from the start of the row.
    starts: Vec<u32>,
    /// `width` weights per output pixel; unused ones are 0.
    weights: Vec<u16>,
    width: usize,
    /// Set when every output pixel is the mean of two source pixels, the first of them at this index.
    pairs: Option<usize>,
}

impl Columns {
    /// Prepares output columns `range` for source rows that start at source column `from`.
    pub(super) fn new(axis: Axis, range: Range<i64>, from: i64) -> Self {
        let taps: Vec<Taps> = range.map(|i| axis.taps(i)).collect();
        let half = (ONE / 2) as u16;
        let paired = taps.iter().all(|t| t.weights == [half, half]);
        let start = taps.first().map_or(0, |t| (t.first - from) as usize);
        let width = taps.iter().map(|t| t.weights.len()).max().unwrap_or(1).max(2);
        let mut weights = Vec::with_capacity(taps.len() * width);
        for taps in &taps {
            weights.extend_from_slice(&taps.weights);
            weights.resize(weights.len().next_multiple_of(width), 0);
        }
        let starts = taps.iter().map(|t| (t.first - from) as u32).collect();
        Self { starts, weights, width, pairs: paired.then_some(start) }
    }

    /// Returns how many pixels a source row must be longer than the columns need.
    pub(super) fn slack(&self) -> usize {
        self.width
    }

    /// Writes one row of the result. `source` holds samples with [`CARRY_BITS`] bits below the point,
    /// and is longer than the columns need by [`Columns::slack`] pixels of any content.
    pub(super) fn average(&self, source: &[u16], out: &mut [[u8; 3]]) {
        if let Some(start) = self.pairs {
            let pairs = source[3 * start..].as_chunks::<6>().0;
            for (out, pair) in out.iter_mut().zip(pairs) {
                for c in 0..3 {
                    out[c] = ((pair[c] + pair[c + 3] + (1 << CARRY_BITS)) >> (CARRY_BITS + 1)) as u8;
                }
            }
            return;
        }
        match self.width {
            2 => self.weighted::<2>(source, out),
            3 => self.weighted::<3>(source, out),
            4 => self.weighted::<4>(source, out),
            _ => self.weighted_wide(source, out),
        }
    }

    /// Averages `N` pixels each. Four lanes instead of three keep the loop in vector registers; the
    /// fourth is the next pixel's red and is dropped.
    fn weighted<const N: usize>(&self, source: &[u16], out: &mut [[u8; 3]]) {
        const LEFT: u32 = CARRY_BITS - 1;
        let weights = self.weights.as_chunks::<N>().0;
        for ((out, weights), &start) in out.iter_mut().zip(weights).zip(&self.starts) {
            let start = 3 * start as usize;
            let Some(pixels) = source.get(start..start + 3 * N + 1) else { return };
            let mut sum = [1u16 << (LEFT - 1); 4];
            for (k, &weight) in weights.iter().enumerate() {
                for (c, sum) in sum.iter_mut().enumerate() {
                    *sum += scaled(pixels[3 * k + c], weight);
                }
            }
            *out = [sum[0], sum[1], sum[2]].map(|v| (v >> LEFT) as u8);
        }
    }

    fn weighted_wide(&self, source: &[u16], out: &mut [[u8; 3]]) {
        const LEFT: u32 = CARRY_BITS + 15;
        let weights = self.weights.chunks_exact(self.width);
        for ((out, weights), &start) in out.iter_mut().zip(weights).zip(&self.starts) {
            let mut sum = [1u32 << (LEFT - 1); 3];
            for (px, &weight) in source[3 * start as usize..].as_chunks::<3>().0.iter().zip(weights) {
                for c in 0..3 {
                    sum[c] += u32::from(px[c]) * u32::from(weight);
                }
            }
            *out = sum.map(|v| (v >> LEFT) as u8);
        }
    }
}

/// Multiplies and keeps the upper half: one instruction on eight lanes.
#[inline(always)]
fn scaled(value: u16, weight: u16) -> u16 {
    ((u32::from(value) * u32::from(weight)) >> 16) as u16
}

/// Averages up to [`FUSED_ROWS`] rows; the result has [`CARRY_BITS`] bits below the point.
pub(super) fn blend(rows: &[&[u8]], weights: &[u16], out: &mut [u16]) {
    match (rows, weights) {
        (&[a], &[u]) => blend_rows([a], [u], out),
        (&[a, b], &[u, v]) => blend_rows([a, b], [u, v], out),
        (&[a, b, c], &[u, v, w]) => blend_rows([a, b, c], [u, v, w], out),
        (&[a, b, c, d], &[u, v, w, x]) => blend_rows([a, b, c, d], [u, v, w, x], out),
        (&[a, b, c, d, e, ..], &[u, v, w, x, y, ..]) => blend_rows([a, b, c, d, e], [u, v, w, x, y], out),
        _ => {}
    }
}

fn blend_rows<const N: usize>(rows: [&[u8]; N], weights: [u16; N], out: &mut [u16]) {
    let len = rows.iter().map(|row| row.len()).min().unwrap_or(0).min(out.len());
    let rows = rows.map(|row| &row[..len]);
    for (i, out) in out[..len].iter_mut().enumerate() {
        let mut sum = 0;
        for k in 0..N {
            sum += scaled(u16::from(rows[k][i]) << 8, weights[k]);
        }
        *out = sum;
    }
}

/// Adds a source row to vertical sums.
pub(super) fn accumulate(sums: &mut [u32], row: &[u8], weight: u16) {
    for (sum, &value) in sums.iter_mut().zip(row) {
        *sum += u32::from(value) * u32::from(weight);
    }
}

/// Rounds finished vertical sums to [`CARRY_BITS`] bits below the point, and clears them.
pub(super) fn carry(sums: &mut [u32], out: &mut [u16]) {
    const SHIFT: u32 = 15 - CARRY_BITS;
    for (sum, out) in sums.iter_mut().zip(out) {
        *out = ((*sum + (1 << (SHIFT - 1))) >> SHIFT) as u16;
        *sum = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_overlaps() {
        fn t(step: f64, i: i64, first: i64, shares: &[f64]) {
            let taps = Axis { origin: 0.0, step, length: 100 }.taps(i);
            assert_eq!(taps.first, first, "{step} {i}");
            assert_eq!(taps.weights.len(), shares.len(), "{step} {i} {taps:?}");
            for (weight, share) in taps.weights.iter().zip(shares) {
                assert!((f64::from(*weight) / f64::from(ONE) - share).abs() < 1e-4, "{step} {i} {taps:?}");
            }
            assert_eq!(taps.weights.iter().map(|&w| u32::from(w)).sum::<u32>(), ONE);
        }
        t(1.0, 5, 5, &[1.0]);
        t(2.0, 3, 6, &[0.5, 0.5]);
        t(1.5, 0, 0, &[2.0 / 3.0, 1.0 / 3.0]);
        t(1.5, 1, 1, &[1.0 / 3.0, 2.0 / 3.0]);
        t(1.5, -1, -2, &[1.0 / 3.0, 2.0 / 3.0]);
        t(0.5, 3, 1, &[1.0]);
        t(2.5, 1, 2, &[0.2, 0.4, 0.4]);
    }

    #[test]
    fn what_lies_beyond_the_source_is_one_weight() {
        // 1000 source pixels of which 100 are there, from the 451st on; and with so long a source that all are.
        let of = |length| Axis { origin: -450.0, step: 1000.0, length };
        let (short, long) = (of(100).taps(0), of(10_000).taps(0));
        assert_eq!((short.first, short.weights.len()), (-MARGIN, 100 + 2 * MARGIN as usize));
        let sum = |weights: &[u16]| weights.iter().map(|&w| u32::from(w)).sum::<u32>();
        assert_eq!(sum(&short.weights), ONE);
        let from = MARGIN as usize;
        assert_eq!(short.weights[from..from + 100], long.weights[from..from + 100]);
        assert_eq!(of(100).span(&(-5..5)), -MARGIN..100 + MARGIN);
        assert_eq!(of(100).inside(&(-1_000_000..1_000_000)), -1..2);
        let far = Axis { origin: 1e300, step: 1e200, length: 100 };
        assert!(far.inside(&(0..9)).is_empty() && far.taps(3).weights.len() == 1);
    }

    /// Averages columns of one repeated source row.
    fn average(columns: &Columns, axis: Axis, source: &[u8], outputs: usize) -> Vec<[u8; 3]> {
        let (mut sums, mut row) = (vec![0; source.len()], vec![999; source.len() + 3 * columns.slack() + 1]);
        let weights = axis.taps(3).weights;
        if weights.len() <= FUSED_ROWS {
            blend(&vec![source; weights.len()], &weights, &mut row);
        } else {
            weights.iter().for_each(|&weight| accumulate(&mut sums, source, weight));
            carry(&mut sums, &mut row);
        }
        let mut out = vec![[0; 3]; outputs];
        columns.average(&row, &mut out);
        out
    }

    #[test]
    fn flat_rows_stay_flat() {
        for step in [1.0, 1.3, 2.0, 2.016, 7.9] {
            let axis = Axis { origin: 0.0, step, length: 200 };
            let span = axis.span(&(0..20));
            let source = vec![[255, 254, 1]; (span.end - span.start) as usize];
            let out = average(&Columns::new(axis, 0..20, span.start), axis, source.as_flattened(), 20);
            assert_eq!(out, vec![[255, 254, 1]; 20], "{step}");
        }
    }

    #[test]
    fn pairs_equal_the_general_path() {
        let axis = Axis { origin: 0.0, step: 2.0, length: 200 };
        let source: Vec<u8> = (0..120u8).map(|i| i.wrapping_mul(37)).collect();
        let fast = Columns::new(axis, 0..20, 0);
        assert!(fast.pairs.is_some());
        let slow = Columns { pairs: None, ..Columns::new(axis, 0..20, 0) };
        assert_eq!(average(&fast, axis, &source, 20), average(&slow, axis, &source, 20));
    }
}
