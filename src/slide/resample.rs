//! Area averaging along one axis, in fixed point.
//!
//! Weights of an output pixel depend on its index, the scale and the origin of the grid only, never
//! on the window that asks, so overlapping windows agree to the last bit.

use std::ops::Range;

/// The sum of all weights of one output pixel.
const ONE: u32 = 1 << 14;
/// Bits kept below the point between the horizontal and the vertical pass.
const CARRY_BITS: u32 = 8;
const CARRY_SHIFT: u32 = 14 - CARRY_BITS;
const FINAL_SHIFT: u32 = 14 + CARRY_BITS;

/// Where output pixels lie on the source: pixel `i` covers `origin + i·step` to `origin + (i+1)·step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    /// Position of output pixel 0, in source pixels.
    pub(super) origin: f64,
    /// Source pixels per output pixel.
    pub(super) step: f64,
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
        let at = self.origin + i as f64 * self.step;
        if (at - at.round()).abs() < 1e-6 { at.round() } else { at }
    }

    /// Returns the weights of output pixel `i`.
    pub(super) fn taps(self, i: i64) -> Taps {
        let (start, end) = (self.edge(i), self.edge(i + 1));
        let first = start.floor() as i64;
        let last = (end.ceil() as i64 - 1).max(first);
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
        first..(self.edge(range.end).ceil() as i64).max(first + 1)
    }

    /// Returns the whole number of source pixels by which output pixels are shifted, if that is all.
    pub(super) fn shift(self) -> Option<i64> {
        let whole = (self.step - 1.0).abs() < 1e-9 && self.origin.fract() == 0.0;
        whole.then_some(self.origin as i64)
    }
}

/// Averages rows horizontally.
pub(super) struct Columns {
    from: i64,
    taps: Vec<Taps>,
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
        Self { from, taps, pairs: paired.then_some(start) }
    }

    /// Writes one averaged row, with [`CARRY_BITS`] bits below the point.
    pub(super) fn average(&self, source: &[[u8; 3]], out: &mut [[u16; 3]]) {
        if let Some(start) = self.pairs {
            let pairs = source[start..].as_chunks::<2>().0;
            for (out, [a, b]) in out.iter_mut().zip(pairs) {
                for c in 0..3 {
                    out[c] = (u16::from(a[c]) + u16::from(b[c])) << (CARRY_BITS - 1);
                }
            }
            return;
        }
        for (out, taps) in out.iter_mut().zip(&self.taps) {
            let start = (taps.first - self.from) as usize;
            let mut sum = [1u32 << (CARRY_SHIFT - 1); 3];
            for (px, &weight) in source[start..].iter().zip(&taps.weights) {
                for c in 0..3 {
                    sum[c] += u32::from(px[c]) * u32::from(weight);
                }
            }
            *out = sum.map(|v| (v >> CARRY_SHIFT) as u16);
        }
    }
}

/// Adds a row to a vertical sum.
pub(super) fn accumulate(sums: &mut [[u32; 3]], row: &[[u16; 3]], weight: u16) {
    let sums = sums.as_flattened_mut();
    for (sum, &value) in sums.iter_mut().zip(row.as_flattened()) {
        *sum += u32::from(value) * u32::from(weight);
    }
}

/// Rounds a finished vertical sum to 8 bits and clears it for the next row.
pub(super) fn finish(sums: &mut [[u32; 3]], out: &mut [[u8; 3]]) {
    let (sums, out) = (sums.as_flattened_mut(), out.as_flattened_mut());
    for (sum, out) in sums.iter_mut().zip(out) {
        *out = ((*sum + (1 << (FINAL_SHIFT - 1))) >> FINAL_SHIFT) as u8;
        *sum = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_overlaps() {
        fn t(step: f64, i: i64, first: i64, shares: &[f64]) {
            let taps = Axis { origin: 0.0, step }.taps(i);
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
    fn flat_rows_stay_flat() {
        for step in [1.0, 1.3, 2.0, 2.016, 7.9] {
            let axis = Axis { origin: 0.0, step };
            let span = axis.span(&(0..20));
            let source = vec![[255, 254, 1]; (span.end - span.start) as usize];
            let mut row = vec![[0; 3]; 20];
            Columns::new(axis, 0..20, span.start).average(&source, &mut row);
            let (mut sums, mut out) = (vec![[0; 3]; 20], vec![[0; 3]; 20]);
            for weight in axis.taps(3).weights {
                accumulate(&mut sums, &row, weight);
            }
            finish(&mut sums, &mut out);
            assert_eq!(out, vec![[255, 254, 1]; 20], "{step}");
        }
    }

    #[test]
    fn pairs_equal_the_general_path() {
        let axis = Axis { origin: 0.0, step: 2.0 };
        let source: Vec<[u8; 3]> = (0..40u8).map(|i| [i * 6, 255 - i, i.wrapping_mul(37)]).collect();
        let fast = Columns::new(axis, 0..20, 0);
        assert!(fast.pairs.is_some());
        let slow = Columns { from: 0, taps: (0..20).map(|i| axis.taps(i)).collect(), pairs: None };
        let (mut a, mut b) = (vec![[0; 3]; 20], vec![[0; 3]; 20]);
        fast.average(&source, &mut a);
        slow.average(&source, &mut b);
        assert_eq!(a, b);
    }
}
