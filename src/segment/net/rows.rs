//! Rows of channels of pixels: the last ones of each step.

use std::ops::Range;

use super::kernels::{Floats, LANES, MARGIN, stride};

/// The last rows of one step's output: channels of pixels, with empty margins.
pub(super) struct Rows {
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Floats of a row.
    pub(super) length: usize,
    /// Rows kept.
    remembered: usize,
    /// Pixels of the input per pixel.
    pub(super) scale: usize,
    data: Floats,
    empty: Floats,
    /// Rows computed so far.
    pub(super) done: usize,
}

impl Rows {
    pub(super) fn new(
        channels: usize,
        (width, height): (usize, usize),
        scale: usize,
        remembered: usize,
    ) -> Self {
        let stride = stride(width);
        let length = channels * stride;
        let (data, empty) = (Floats::zeros(length * remembered), Floats::zeros(length));
        Self { stride, width, height, length, remembered, scale, data, empty, done: 0 }
    }

    /// A row that was computed lately; rows outside the picture are empty.
    pub(super) fn row(&self, y: isize) -> &[f32] {
        match usize::try_from(y) {
            Ok(y) if y < self.height => self.data.part(y % self.remembered * self.length, self.length),
            _ => self.empty.part(0, self.length),
        }
    }

    /// Returns the place of the next rows. Their number divides that of the rows kept and of those done.
    pub(super) fn next(&mut self, rows: usize) -> &mut [f32] {
        self.data.part_mut(self.done % self.remembered * self.length, rows * self.length)
    }

    /// Returns the floats of a channel that the next rows must hold, in whole vectors, when those columns of each row of
    /// the input are wanted; `None` when none are.
    pub(super) fn span(&self, rows: usize, wanted: &[Range<usize>]) -> Option<Range<usize>> {
        let of_input =
            (self.done * self.scale).min(wanted.len())..((self.done + rows) * self.scale).min(wanted.len());
        let columns = union(&wanted[of_input])?;
        let start = columns.start / self.scale / LANES * LANES;
        let end = columns.end.div_ceil(self.scale).next_multiple_of(LANES).min(self.stride - 2 * MARGIN);
        (start < end).then_some(MARGIN + start..MARGIN + end)
    }

    /// Empties what lies beyond the last column of the next rows, and counts them.
    pub(super) fn finish(&mut self, rows: usize) {
        let (stride, end) = (self.stride, MARGIN + self.width);
        self.next(rows).chunks_exact_mut(stride).for_each(|channel| channel[end..].fill(0.0));
        self.done += rows;
    }
}

/// One row of channels of pixels.
pub(in crate::segment) struct Row<'a> {
    pub(super) data: &'a [f32],
    pub(super) stride: usize,
    pub(super) width: usize,
}

impl Row<'_> {
    /// Returns one channel.
    pub(in crate::segment) fn channel(&self, channel: usize) -> &[f32] {
        &self.data[channel * self.stride + MARGIN..][..self.width]
    }
}

/// One row of channels of pixels, for writing.
pub(in crate::segment) struct RowMut<'a> {
    pub(super) data: &'a mut [f32],
    pub(super) stride: usize,
    pub(super) width: usize,
}

impl RowMut<'_> {
    /// Returns one channel.
    pub(in crate::segment) fn channel(&mut self, channel: usize) -> &mut [f32] {
        &mut self.data[channel * self.stride + MARGIN..][..self.width]
    }

    /// Returns two channels, the first of which is `channel`.
    pub(in crate::segment) fn pair(&mut self, channel: usize) -> [&mut [f32]; 2] {
        let (first, second) = self.data[channel * self.stride..].split_at_mut(self.stride);
        [first, second].map(|row| &mut row[MARGIN..MARGIN + self.width])
    }
}

/// The columns that hold all of some rows'; `None` when all are empty.
pub(super) fn union(columns: &[Range<usize>]) -> Option<Range<usize>> {
    let some = columns.iter().filter(|columns| !columns.is_empty()).cloned();
    some.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
}
