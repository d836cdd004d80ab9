//! Convolutions over all channels, two rows at a time, and the folding of squares into channels.
//!
//! Every output is one chain of fused multiply-adds: over the input channels, of each the rows of the kernel, of each row
//! its columns. How many outputs are computed side by side does not change it.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::kernels::{GROUP, LANES, MARGIN, in_groups};
use crate::raster::wide;

/// Side of a kernel.
pub(super) const TAPS: usize = 3;
/// Registers for as many sums at once as the widest instructions want.
const MANY_REGISTERS: usize = 32;

/// From so many inputs on, what two vectors of columns look at does not stay in the first cache: one is a tenth faster.
const MANY_INPUTS: usize = 64;

/// A layer whose outputs see 3 × 3 pixels of all channels, batch normalisation folded in.
#[derive(Clone, Debug)]
pub(in crate::segment) struct Convolution {
    /// Weights of four output channels for each tap of each input, group after group.
    table: Vec<[f32; GROUP]>,
    bias: Vec<[f32; GROUP]>,
    inputs: usize,
}

impl Convolution {
    /// Takes weights, output channels × inputs × rows × columns, and one bias per output; `None` when their numbers do
    /// not fit or the outputs do not come in fours.
    pub(in crate::segment) fn new(weights: &[f32], bias: &[f32]) -> Option<Self> {
        let (table, bias, each) = in_groups(weights, bias)?;
        each.is_multiple_of(TAPS * TAPS).then_some(Self { table, bias, inputs: each / (TAPS * TAPS) })
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(in crate::segment) fn outputs(&self) -> usize {
        self.bias.len() * GROUP
    }

    /// Convolves `span` of two rows into `out`, adds `to` if given, and lifts what lies below zero. `rows` are the rows
    /// under the kernel of either, from above; `out` holds one row after the other.
    pub(super) fn rows(
        &self,
        rows: &[&[f32]; TAPS + 1],
        (stride, span): (usize, Range<usize>),
        to: Option<[&[f32]; 2]>,
        out: &mut [f32],
    ) {
        Arch::new().dispatch(Rows { layer: self, rows, stride, span, to, out });
    }
}

/// [`Convolution::rows`] as something to run with the widest instructions the processor has.
struct Rows<'a> {
    layer: &'a Convolution,
    rows: &'a [&'a [f32]; TAPS + 1],
    stride: usize,
    span: Range<usize>,
    to: Option<[&'a [f32]; 2]>,
    out: &'a mut [f32],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let wide = S::REGISTER_COUNT >= MANY_REGISTERS && self.layer.inputs < MANY_INPUTS;
        if wide { self.run::<S, 2>(simd) } else { self.run::<S, 1>(simd) }
    }
}

impl Rows<'_> {
    /// Few columns after one another, all their channels each: what these look at stays near the processor.
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let Self { layer, rows, stride, span, to, out } = self;
        let half = out.len() / 2;
        let (upper, lower) = out.split_at_mut(half);
        let each = layer.inputs * TAPS * TAPS;
        for at in span.step_by(N * S::F32_LANES) {
            let groups = layer.table.chunks_exact(each).zip(&layer.bias).enumerate();
            for (group, (table, bias)) in groups {
                let [first, second] = sums::<S, N>(simd, rows, stride, at, table, bias);
                for (k, (&first, &second)) in first.iter().zip(&second).enumerate() {
                    let own = (group * GROUP + k) * stride + at;
                    let to = to.map(|to| to.map(|to| &to[own..][..N * S::F32_LANES]));
                    put::<S, N>(simd, first, to.map(|to| to[0]), &mut upper[own..]);
                    put::<S, N>(simd, second, to.map(|to| to[1]), &mut lower[own..]);
                }
            }
        }
    }
}

/// `N` vectors of four channels of two rows at column `at`.
#[inline(always)]
fn sums<S: Simd, const N: usize>(
    simd: S,
    rows: &[&[f32]; TAPS + 1],
    stride: usize,
    at: usize,
    table: &[[f32; GROUP]],
    bias: &[f32; GROUP],
) -> [[[S::f32s; N]; GROUP]; 2] {
    let mut sums: [[[S::f32s; N]; GROUP]; 2] = [bias.map(|bias| [simd.splat_f32s(bias); N]); 2];
    let length = N * S::F32_LANES;
    for (channel, weights) in table.as_chunks::<{ TAPS * TAPS }>().0.iter().enumerate() {
        let near = rows.map(|row| &row[channel * stride + at - TAPS / 2..][..length + TAPS - 1]);
        for y in 0..TAPS {
            for x in 0..TAPS {
                let sources =
                    [vectors::<S, N>(simd, &near[y][x..]), vectors::<S, N>(simd, &near[y + 1][x..])];
                for k in 0..GROUP {
                    let weight = simd.splat_f32s(weights[y * TAPS + x][k]);
                    for (sum, source) in sums.iter_mut().zip(&sources) {
                        sum[k] = std::array::from_fn(|i| simd.mul_add_f32s(weight, source[i], sum[k][i]));
                    }
                }
            }
        }
    }
    sums
}

/// Vectors of neighbouring pixels.
#[inline(always)]
fn vectors<S: Simd, const N: usize>(_: S, floats: &[f32]) -> [S::f32s; N] {
    let vectors = S::as_simd_f32s(&floats[..N * S::F32_LANES]).0;
    std::array::from_fn(|i| vectors[i])
}

/// Adds `to` if given, lifts what lies below zero and writes vectors of neighbouring pixels.
#[inline(always)]
fn put<S: Simd, const N: usize>(simd: S, sums: [S::f32s; N], to: Option<&[f32]>, out: &mut [f32]) {
    let sums = match to {
        Some(to) => {
            let to = vectors::<S, N>(simd, to);
            std::array::from_fn(|i| simd.add_f32s(sums[i], to[i]))
        }
        None => sums,
    };
    let zero = simd.splat_f32s(0.0);
    let out = S::as_mut_simd_f32s(&mut out[..N * S::F32_LANES]).0;
    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = simd.max_f32s(sum, zero));
}

wide! {
    /// Writes the pixels of two rows of `fine` floats per channel into `span` of one row of `coarse`: each square of four
    /// becomes one pixel of four channels, its upper row first.
    pub(super) fn fold<'a>(
        rows: [&'a [f32]; 2],
        fine: usize,
        coarse: usize,
        span: Range<usize>,
        out: &'a mut [f32],
    ) {
        let first = 2 * span.start - MARGIN;
        for (channel, out) in out.chunks_exact_mut(4 * coarse).enumerate() {
            for (row, out) in rows.iter().zip(out.chunks_exact_mut(2 * coarse)) {
                let pairs = row[channel * fine + first..].as_chunks::<2>().0;
                let (left, right) = out.split_at_mut(coarse);
                let out = left[span.clone()].iter_mut().zip(&mut right[span.clone()]);
                for ((left, right), pair) in out.zip(pairs) {
                    [*left, *right] = *pair;
                }
            }
        }
    }
}

const _: () = assert!(LANES.is_multiple_of(16), "spans are whole numbers of the vectors computed together");
