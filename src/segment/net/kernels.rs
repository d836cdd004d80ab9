//! The arithmetic of a network, one row at a time.
//!
//! Every output is a chain of fused multiply-adds in fixed order, so a value depends on its own neighbourhood only and
//! is the same on every machine, for every window and whatever instructions the processor offers.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::raster::wide;

/// Rows are a whole number of these: two of the widest vectors.
pub(super) const LANES: usize = 32;
/// Pixels of a row that go through a filter and a mix together: they stay near the processor in between.
const TILE: usize = 8 * LANES;
/// Output channels computed together.
pub(super) const GROUP: usize = 4;
/// Empty columns on each side of a row: further than any kernel reaches.
pub(super) const MARGIN: usize = 16;
/// Largest side of a kernel.
pub(super) const MAX_SIDE: usize = 5;

/// Returns the floats from one channel to the next of a row of `width` pixels.
pub(super) fn stride(width: usize) -> usize {
    width.next_multiple_of(LANES) + 2 * MARGIN
}

/// Floats of a line of the processor's cache, which the widest vectors fill.
const LINE: usize = 16;

/// Floats that start at the start of a cache line: a vector that straddles two takes twice as long to read.
pub(super) struct Floats {
    data: Vec<f32>,
    /// Where the first lies.
    first: usize,
}

impl Floats {
    /// Returns this many zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let data = vec![0.0; length + LINE];
        // Where a pointer cannot be aligned, results are the same and only slower.
        let first = data.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        Self { data, first }
    }

    /// Returns `length` floats from `start` on.
    pub(super) fn part(&self, start: usize, length: usize) -> &[f32] {
        &self.data[self.first + start..][..length]
    }

    /// Returns `length` floats from `start` on, for writing.
    pub(super) fn part_mut(&mut self, start: usize, length: usize) -> &mut [f32] {
        &mut self.data[self.first + start..][..length]
    }

    /// Returns a row of this many floats to write to. Its margins hold anything: what reads it stays between them.
    pub(super) fn space(&mut self, length: usize) -> &mut [f32] {
        if self.data.len() < length + LINE {
            *self = Self::zeros(length);
        }
        self.part_mut(0, length)
    }
}

/// Values of four outputs each.
type Fours = Vec<[f32; GROUP]>;

/// Puts four outputs together: the weights of each, group after group, their biases, and how many weights an output has.
/// `None` when the numbers do not fit or the outputs do not come in fours.
pub(super) fn in_groups(weights: &[f32], bias: &[f32]) -> Option<(Fours, Fours, usize)> {
    let (bias, rest) = bias.as_chunks::<GROUP>();
    let outputs = bias.len() * GROUP;
    let each = weights.len().checked_div(outputs)?;
    if !rest.is_empty() || each == 0 || each * outputs != weights.len() {
        return None;
    }
    let weight = |i: usize, k: usize| weights[(i / each * GROUP + k) * each + i % each];
    let table = (0..bias.len() * each).map(|i| std::array::from_fn(|k| weight(i, k))).collect();
    Some((table, bias.to_vec(), each))
}

/// A layer that mixes the channels of every pixel, batch normalisation folded in.
#[derive(Clone, Debug)]
pub(in crate::segment) struct Dense {
    /// Weights of four output channels for each input, group after group.
    table: Vec<[f32; GROUP]>,
    bias: Vec<[f32; GROUP]>,
    inputs: usize,
}

impl Dense {
    /// Takes weights, output channels × inputs, and one bias per output; `None` when their numbers do not fit or the
    /// outputs do not come in fours.
    pub(in crate::segment) fn new(weights: &[f32], bias: &[f32]) -> Option<Self> {
        let (table, bias, inputs) = in_groups(weights, bias)?;
        Some(Self { table, bias, inputs })
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(in crate::segment) fn outputs(&self) -> usize {
        self.bias.len() * GROUP
    }

    /// Mixes `span` of one row into `out` and lifts what lies below `floor`.
    pub(super) fn row(&self, input: &[f32], stride: usize, span: Range<usize>, floor: f32, out: &mut [f32]) {
        Arch::new().dispatch(MixRow { layer: self, input, stride, span, floor, out });
    }
}

/// [`Dense::row`] as something to run with the widest instructions the processor has.
struct MixRow<'a> {
    layer: &'a Dense,
    input: &'a [f32],
    stride: usize,
    span: Range<usize>,
    floor: f32,
    out: &'a mut [f32],
}

impl WithSimd for MixRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, input, stride, span, floor, out } = self;
        for start in span.clone().step_by(TILE) {
            let part = start..(start + TILE).min(span.end);
            mix(simd, layer, (input, stride, start), (None, floor), out, (stride, part));
        }
    }
}

/// All output channels of the pixels of `span`, four at a time; `to` is added if given, and what lies below the floor
/// lifted. Inputs start at `first` of channels of `from` floats, outputs at the span's start of channels of `stride`.
#[inline(always)]
fn mix<S: Simd>(
    simd: S,
    layer: &Dense,
    (input, from, first): (&[f32], usize, usize),
    (to, floor): (Option<&[f32]>, f32),
    out: &mut [f32],
    (stride, span): (usize, Range<usize>),
) {
    let block = 2 * S::F32_LANES;
    let floor = simd.splat_f32s(floor);
    let groups = layer.table.chunks_exact(layer.inputs).zip(&layer.bias).enumerate();
    for ((number, (table, bias)), out) in groups.zip(out.chunks_exact_mut(GROUP * stride)) {
        let out = four(out, stride);
        let to: Option<[&[f32]; GROUP]> =
            to.map(|to| std::array::from_fn(|k| &to[(number * GROUP + k) * stride..][..stride]));
        for at in span.clone().step_by(block) {
            let first = first + at - span.start;
            let mut sums: [[S::f32s; 2]; GROUP] = std::array::from_fn(|k| [simd.splat_f32s(bias[k]); 2]);
            for (channel, weights) in input.chunks_exact(from).zip(table) {
                let source = vectors(simd, &channel[first..first + block]);
                for k in 0..GROUP {
                    let w = simd.splat_f32s(weights[k]);
                    sums[k] = std::array::from_fn(|i| simd.mul_add_f32s(w, source[i], sums[k][i]));
                }
            }
            for k in 0..GROUP {
                let sum = match &to {
                    Some(to) => {
                        let more = vectors(simd, &to[k][at..at + block]);
                        std::array::from_fn(|i| simd.add_f32s(sums[k][i], more[i]))
                    }
                    None => sums[k],
                };
                put(simd, sum.map(|s| simd.max_f32s(s, floor)), &mut out[k][at..at + block]);
            }
        }
    }
}

/// Four channels of a row.
fn four(row: &mut [f32], stride: usize) -> [&mut [f32]; GROUP] {
    let (a, rest) = row.split_at_mut(stride);
    let (b, rest) = rest.split_at_mut(stride);
    let (c, d) = rest.split_at_mut(stride);
    [a, b, c, d]
}

/// Two vectors of neighbouring pixels.
#[inline(always)]
fn vectors<S: Simd>(_: S, floats: &[f32]) -> [S::f32s; 2] {
    let vectors = S::as_simd_f32s(floats).0;
    [vectors[0], vectors[1]]
}

/// Writes two vectors of neighbouring pixels.
#[inline(always)]
fn put<S: Simd>(_: S, vectors: [S::f32s; 2], floats: &mut [f32]) {
    S::as_mut_simd_f32s(floats).0.copy_from_slice(&vectors);
}

/// A layer that filters every channel by its own square kernel and sets what is below zero to zero.
#[derive(Clone, Debug)]
pub(in crate::segment) struct Depthwise {
    /// Channels × taps.
    taps: Vec<f32>,
    bias: Vec<f32>,
    side: usize,
}

impl Depthwise {
    /// Takes taps, channels × rows × columns, and one bias per channel; `None` unless the kernels are 3 × 3 or 5 × 5.
    pub(in crate::segment) fn new(taps: Vec<f32>, bias: Vec<f32>) -> Option<Self> {
        let side = [3, MAX_SIDE].into_iter().find(|s| s * s * bias.len() == taps.len())?;
        Some(Self { taps, bias, side })
    }

    pub(super) fn channels(&self) -> usize {
        self.bias.len()
    }

    /// How far the kernel reaches to each side.
    pub(super) fn reach(&self) -> usize {
        self.side / 2
    }

    /// Filters `span` of two rows and mixes it into `out` by `mix`, adds `to` if given, and lifts what lies below zero.
    /// `rows` are the rows under the kernel of either, from above; `out` holds one row after the other.
    pub(super) fn rows(
        &self,
        mix: &Dense,
        rows: &[&[f32]; MAX_SIDE + 1],
        (stride, span): (usize, Range<usize>),
        to: Option<[&[f32]; 2]>,
        scratch: &mut Floats,
        out: &mut [f32],
    ) {
        let scratch = scratch.space(2 * self.channels() * TILE);
        Arch::new().dispatch(FilterRows { layer: self, mix, rows, stride, span, to, scratch, out });
    }
}

/// [`Depthwise::rows`] as something to run with the widest instructions the processor has.
struct FilterRows<'a> {
    layer: &'a Depthwise,
    mix: &'a Dense,
    rows: &'a [&'a [f32]; MAX_SIDE + 1],
    stride: usize,
    span: Range<usize>,
    to: Option<[&'a [f32]; 2]>,
    /// Filtered pixels that are mixed at once: they stay near the processor.
    scratch: &'a mut [f32],
    out: &'a mut [f32],
}

impl WithSimd for FilterRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.layer.side {
            3 => self.run::<S, 3>(simd),
            _ => self.run::<S, MAX_SIDE>(simd),
        }
    }
}

impl FilterRows<'_> {
    #[inline(always)]
    fn run<S: Simd, const SIDE: usize>(self, simd: S) {
        let Self { layer, mix: by, rows, stride, span: whole, to, scratch, out } = self;
        let (upper, lower) = scratch.split_at_mut(layer.channels() * TILE);
        let half = out.len() / 2;
        for start in whole.clone().step_by(TILE) {
            let span = start..(start + TILE).min(whole.end);
            filter::<S, SIDE>(simd, layer, rows, stride, span.clone(), [&mut *upper, &mut *lower]);
            for (k, (filtered, out)) in
                [&*upper, &*lower].into_iter().zip(out.chunks_exact_mut(half)).enumerate()
            {
                mix(simd, by, (filtered, TILE, 0), (to.map(|to| to[k]), 0.0), out, (stride, span.clone()));
            }
        }
    }
}

/// The filtered pixels of `span` of every channel of two rows, in channels of [`TILE`] floats. What both rows look at is
/// read once.
#[inline(always)]
fn filter<S: Simd, const SIDE: usize>(
    simd: S,
    layer: &Depthwise,
    rows: &[&[f32]; MAX_SIDE + 1],
    stride: usize,
    span: Range<usize>,
    [upper, lower]: [&mut [f32]; 2],
) {
    let block = 2 * S::F32_LANES;
    let zero = simd.splat_f32s(0.0);
    let out = upper.chunks_exact_mut(TILE).zip(lower.chunks_exact_mut(TILE));
    let channels = layer.taps.as_chunks::<SIDE>().0.chunks_exact(SIDE).zip(&layer.bias).zip(out);
    for (c, ((taps, &bias), (upper, lower))) in channels.enumerate() {
        let near = rows.map(|row| &row[c * stride..][..stride]);
        let out = upper.chunks_exact_mut(block).zip(lower.chunks_exact_mut(block));
        for (at, out) in span.clone().step_by(block).zip(out) {
            let mut sums = [[simd.splat_f32s(bias); 2]; 2];
            for (y, row) in near[..=SIDE].iter().enumerate() {
                let row = &row[at - SIDE / 2..at + block + SIDE / 2];
                for x in 0..SIDE {
                    let source = vectors(simd, &row[x..x + block]);
                    for (k, sum) in sums.iter_mut().enumerate() {
                        if let Some(taps) = y.checked_sub(k).and_then(|y| taps.get(y)) {
                            let tap = simd.splat_f32s(taps[x]);
                            *sum = std::array::from_fn(|i| simd.mul_add_f32s(tap, source[i], sum[i]));
                        }
                    }
                }
            }
            let [first, second] = sums.map(|sum| sum.map(|s| simd.max_f32s(s, zero)));
            put(simd, first, out.0);
            put(simd, second, out.1);
        }
    }
}

wide! {
    /// Averages squares of four pixels of two rows of `fine` floats per channel into `span` of one of `coarse`.
    pub(super) fn halve<'a>(
        upper: &'a [f32],
        lower: &'a [f32],
        fine: usize,
        coarse: usize,
        span: Range<usize>,
        out: &'a mut [f32],
    ) {
        let first = 2 * span.start - MARGIN;
        let rows = upper.chunks_exact(fine).zip(lower.chunks_exact(fine)).zip(out.chunks_exact_mut(coarse));
        for ((upper, lower), out) in rows {
            let pairs = upper[first..].as_chunks::<2>().0.iter().zip(lower[first..].as_chunks::<2>().0);
            for (o, (a, b)) in out[span.clone()].iter_mut().zip(pairs) {
                *o = (a[0] + a[1] + b[0] + b[1]) * 0.25;
            }
        }
    }
}

wide! {
    /// Adds every pixel of a coarse row twice to `span` of `skip` and sets what is below zero to zero.
    pub(super) fn add_doubled<'a>(
        coarse: &'a [f32],
        from: usize,
        skip: &'a [f32],
        to: usize,
        span: Range<usize>,
        out: &'a mut [f32],
    ) {
        let first = MARGIN + (span.start - MARGIN) / 2;
        let rows = coarse.chunks_exact(from).zip(skip.chunks_exact(to)).zip(out.chunks_exact_mut(to));
        for ((coarse, skip), out) in rows {
            let pairs = out[span.clone()].as_chunks_mut::<2>().0.iter_mut();
            for ((o, s), &v) in pairs.zip(skip[span.clone()].as_chunks::<2>().0).zip(&coarse[first..]) {
                *o = [(s[0] + v).max(0.0), (s[1] + v).max(0.0)];
            }
        }
    }
}
