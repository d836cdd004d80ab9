//! Small convolutional networks, run row by row: a window of any height needs a few rows of memory.

mod kernels;

use std::ops::Range;

pub(super) use self::kernels::{Dense, Depthwise};
use self::kernels::{Floats, LANES, MARGIN, MAX_SIDE, add_doubled, halve, stride};

/// Rows a step remembers at least: more than the next step looks back.
const REMEMBERED: usize = 16;

/// A row that is further down than any step reaches to either side.
const FAR: usize = 1 << 16;
/// Rows of the finest level per row of the coarsest that a network may have.
const PERIOD: usize = 64;

/// One step of a network. It reads the step before it.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Mixes the channels of each pixel, sets what is below zero to zero.
    Mix(Dense),
    /// Filters each channel, then mixes; sets what is below zero to zero.
    Filter(Depthwise, Dense),
    /// As `Filter`, with the input added before what is below zero is set to zero.
    Block(Depthwise, Dense),
    /// Averages squares of four pixels, then as `Mix`.
    Halve(Dense),
    /// Mixes, repeats every pixel in a square of four, adds the output of an earlier step, and sets what is below
    /// zero to zero.
    Join(Dense, usize),
    /// Mixes and leaves values below zero: the last step.
    Head(Dense),
}

/// A network.
#[derive(Clone, Debug)]
pub(super) struct Net {
    inputs: usize,
    steps: Vec<Step>,
}

/// The last rows of one step's output: channels of pixels, with empty margins.
struct Rows {
    stride: usize,
    width: usize,
    height: usize,
    /// Floats of a row.
    length: usize,
    /// Rows kept.
    remembered: usize,
    /// Pixels of the input per pixel.
    scale: usize,
    data: Floats,
    empty: Floats,
    /// Rows computed so far.
    done: usize,
}

impl Rows {
    fn new(channels: usize, (width, height): (usize, usize), scale: usize, remembered: usize) -> Self {
        let stride = stride(width);
        let length = channels * stride;
        let (data, empty) = (Floats::zeros(length * remembered), Floats::zeros(length));
        Self { stride, width, height, length, remembered, scale, data, empty, done: 0 }
    }

    /// A row that was computed lately; rows outside the picture are empty.
    fn row(&self, y: isize) -> &[f32] {
        match usize::try_from(y) {
            Ok(y) if y < self.height => self.data.part(y % self.remembered * self.length, self.length),
            _ => self.empty.part(0, self.length),
        }
    }

    /// Returns the place of the next rows. Their number divides that of the rows kept and of those done.
    fn next(&mut self, rows: usize) -> &mut [f32] {
        self.data.part_mut(self.done % self.remembered * self.length, rows * self.length)
    }

    /// Returns the floats of a channel that the next rows must hold, in whole vectors, when those columns of each row of
    /// the input are wanted; `None` when none are.
    fn span(&self, rows: usize, wanted: &[Range<usize>]) -> Option<Range<usize>> {
        let of_input =
            (self.done * self.scale).min(wanted.len())..((self.done + rows) * self.scale).min(wanted.len());
        let columns = union(&wanted[of_input])?;
        let start = columns.start / self.scale / LANES * LANES;
        let end = columns.end.div_ceil(self.scale).next_multiple_of(LANES).min(self.stride - 2 * MARGIN);
        (start < end).then_some(MARGIN + start..MARGIN + end)
    }

    /// Empties what lies beyond the last column of the next rows, and counts them.
    fn finish(&mut self, rows: usize) {
        let (stride, end) = (self.stride, MARGIN + self.width);
        self.next(rows).chunks_exact_mut(stride).for_each(|channel| channel[end..].fill(0.0));
        self.done += rows;
    }
}

/// One row of channels of pixels.
pub(super) struct Row<'a> {
    data: &'a [f32],
    stride: usize,
    width: usize,
}

impl Row<'_> {
    /// Returns one channel.
    pub(super) fn channel(&self, channel: usize) -> &[f32] {
        &self.data[channel * self.stride + MARGIN..][..self.width]
    }
}

/// One row of channels of pixels, for writing.
pub(super) struct RowMut<'a> {
    data: &'a mut [f32],
    stride: usize,
    width: usize,
}

impl RowMut<'_> {
    /// Returns one channel.
    pub(super) fn channel(&mut self, channel: usize) -> &mut [f32] {
        &mut self.data[channel * self.stride + MARGIN..][..self.width]
    }

    /// Returns two channels, the first of which is `channel`.
    pub(super) fn pair(&mut self, channel: usize) -> [&mut [f32]; 2] {
        let (first, second) = self.data[channel * self.stride..].split_at_mut(self.stride);
        [first, second].map(|row| &mut row[MARGIN..MARGIN + self.width])
    }
}

impl Step {
    fn dense(&self) -> &Dense {
        match self {
            Self::Mix(d)
            | Self::Filter(_, d)
            | Self::Block(_, d)
            | Self::Halve(d)
            | Self::Join(d, _)
            | Self::Head(d) => d,
        }
    }

    /// Returns whether the step takes what the step before gives.
    fn takes(&self, channels: usize) -> bool {
        let filter = match self {
            Self::Filter(f, _) | Self::Block(f, _) => f.channels() == channels,
            _ => true,
        };
        let adds = !matches!(self, Self::Block(..)) || self.dense().outputs() == channels;
        filter && adds && self.dense().inputs() == channels
    }

    /// How many pixels of the step before it reaches to each side, at most.
    fn looks_beside(&self) -> usize {
        match self {
            Self::Mix(_) | Self::Head(_) => 0,
            Self::Filter(f, _) | Self::Block(f, _) => f.reach(),
            Self::Halve(_) | Self::Join(..) => 1,
        }
    }

    /// Rows that are computed together: neighbours look at much the same.
    fn at_once(&self) -> usize {
        match self {
            Self::Filter(..) | Self::Block(..) | Self::Join(..) => 2,
            Self::Mix(_) | Self::Halve(_) | Self::Head(_) => 1,
        }
    }

    /// The last row of the step before that row `y`, and those computed with it, need.
    fn needs(&self, y: usize) -> usize {
        match self {
            Self::Mix(_) | Self::Head(_) => y,
            Self::Filter(f, _) | Self::Block(f, _) => (y | 1) + f.reach(),
            Self::Halve(_) => 2 * y + 1,
            Self::Join(..) => y / 2,
        }
    }
}

impl Net {
    /// Puts steps together; `None` when one does not take what the one before gives.
    pub(super) fn new(inputs: usize, steps: Vec<Step>) -> Option<Self> {
        let mut channels = inputs;
        for (i, step) in steps.iter().enumerate() {
            let skip = match step {
                Step::Join(d, skip) => *skip < i && steps[*skip].dense().outputs() == d.outputs(),
                _ => true,
            };
            if !skip || !step.takes(channels) {
                return None;
            }
            channels = step.dense().outputs();
        }
        Some(Self { inputs, steps })
    }

    /// Runs the network over `width` × `height` pixels, both even. `fill` gives each input row, `take` receives each
    /// output row, in order. Outside the picture everything is zero.
    pub(super) fn run(
        &self,
        width: usize,
        height: usize,
        fill: impl FnMut(usize, RowMut<'_>),
        take: impl FnMut(usize, Row<'_>),
    ) {
        self.run_where(width, &vec![0..width; height], fill, take);
    }

    /// As [`Net::run`] on rows whose output is wanted in some columns only; elsewhere it holds anything.
    pub(super) fn run_where(
        &self,
        width: usize,
        wanted: &[Range<usize>],
        mut fill: impl FnMut(usize, RowMut<'_>),
        mut take: impl FnMut(usize, Row<'_>),
    ) {
        let mut rows = vec![Rows::new(self.inputs, (width, wanted.len()), 1, REMEMBERED)];
        for (i, step) in self.steps.iter().enumerate() {
            let before = &rows[rows.len() - 1];
            let (size, scale) = match step {
                Step::Halve(_) => ((before.width / 2, before.height / 2), 2 * before.scale),
                Step::Join(_, skip) => {
                    let skip = &rows[skip + 1];
                    ((skip.width, skip.height), skip.scale)
                }
                _ => ((before.width, before.height), before.scale),
            };
            rows.push(Rows::new(step.dense().outputs(), size, scale, self.remembered(i)));
        }
        let scales = rows.iter().map(|rows| rows.scale);
        let reach = self.steps.iter().zip(scales).map(|(step, scale)| scale * step.looks_beside()).sum();
        let wanted = &widened(wanted, reach, width);
        let mut work = Work { wanted, scratch: Floats::zeros(0) };
        let last = self.steps.len();
        for y in 0..rows[last].height {
            self.reach(&mut rows, last, y, &mut fill, &mut work);
            let out = &rows[last];
            take(y, Row { data: out.row(y as isize), stride: out.stride, width: out.width });
        }
    }

    /// Rows that step `index` has to keep: by the time a join reads one of them, the steps between have asked for rows
    /// further down.
    fn remembered(&self, index: usize) -> usize {
        let ahead = |join: usize| {
            // The lead repeats with the period of the coarsest level and is read far from the edges.
            let lead = |y: usize| (index + 1..=join).rev().fold(y, |row, i| self.steps[i].needs(row)) - y;
            (FAR..FAR + PERIOD).map(lead).max().unwrap_or(0)
        };
        let joins = self.steps.iter().enumerate();
        let joins = joins.filter(|(_, s)| matches!(s, Step::Join(_, skip) if *skip == index));
        joins.map(|(j, _)| ahead(j) + REMEMBERED).max().unwrap_or(REMEMBERED).next_multiple_of(2)
    }

    /// Computes the rows of step `index` (0 is the input) up to `y`.
    fn reach(
        &self,
        rows: &mut [Rows],
        index: usize,
        y: usize,
        fill: &mut impl FnMut(usize, RowMut<'_>),
        work: &mut Work<'_>,
    ) {
        while rows[index].done <= y.min(rows[index].height - 1) {
            let at = rows[index].done;
            let step = index.checked_sub(1).map(|i| &self.steps[i]);
            if let Some(step) = step {
                self.reach(rows, index - 1, step.needs(at), fill, work);
                let (before, out) = rows.split_at_mut(index);
                step.rows(before, &mut out[0], work);
            } else {
                let own = &mut rows[0];
                let (stride, width) = (own.stride, own.width);
                if !work.wanted[at].is_empty() {
                    fill(at, RowMut { data: own.next(1), stride, width });
                }
            }
            rows[index].finish(step.map_or(1, Step::at_once));
        }
    }
}

/// What all steps need while they run.
struct Work<'a> {
    /// Columns of every row of the input that may bear on what is wanted.
    wanted: &'a [Range<usize>],
    scratch: Floats,
}

impl Step {
    /// Computes the next rows of this step, where they may bear on what is wanted.
    fn rows(&self, before: &[Rows], out: &mut Rows, work: &mut Work<'_>) {
        let Some(span) = out.span(self.at_once(), work.wanted) else { return };
        let (input, scratch) = (&before[before.len() - 1], &mut work.scratch);
        let (y, stride, to) = (out.done as isize, input.stride, out.stride);
        let (end, next) = (MARGIN + out.width, out.next(self.at_once()));
        match self {
            Self::Mix(mix) => mix.row(input.row(y), stride, span, 0.0, next),
            Self::Head(mix) => mix.row(input.row(y), stride, span, f32::NEG_INFINITY, next),
            Self::Filter(filter, mix) => {
                filter.rows(mix, &under(filter, input, y), (stride, span), None, scratch, next);
            }
            Self::Block(filter, mix) => {
                let own = [input.row(y), input.row(y + 1)];
                filter.rows(mix, &under(filter, input, y), (stride, span), Some(own), scratch, next);
            }
            Self::Halve(mix) => {
                let scratch = scratch.space(input.length / stride * to);
                let own = span.start..span.end.min(end);
                halve(input.row(2 * y), input.row(2 * y + 1), stride, to, own, scratch);
                mix.row(scratch, to, span, 0.0, next);
            }
            Self::Join(mix, skip) => {
                let scratch = scratch.space(mix.outputs() * stride);
                let half = |v: usize| (v - MARGIN) / 2;
                let coarse = half(span.start) / LANES * LANES..half(span.end).next_multiple_of(LANES);
                let coarse = MARGIN + coarse.start..(MARGIN + coarse.end).min(stride - MARGIN);
                mix.row(input.row(y / 2), stride, coarse, f32::NEG_INFINITY, scratch);
                let skip = &before[skip + 1];
                for (y, next) in (y..).zip(next.chunks_exact_mut(skip.length)) {
                    add_doubled(scratch, stride, skip.row(y), to, span.clone(), next);
                }
            }
        }
    }
}

/// The columns that hold all of some rows'; `None` when all are empty.
fn union(columns: &[Range<usize>]) -> Option<Range<usize>> {
    let some = columns.iter().filter(|columns| !columns.is_empty()).cloned();
    some.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
}

/// Columns up to `reach` pixels away from those of any row up to `reach` rows away, of rows of `width` pixels.
pub(super) fn widened(columns: &[Range<usize>], reach: usize, width: usize) -> Vec<Range<usize>> {
    let one = |y: usize| {
        let near = union(&columns[y.saturating_sub(reach)..(y + reach + 1).min(columns.len())]);
        near.map_or(0..0, |near| near.start.saturating_sub(reach)..(near.end + reach).min(width))
    };
    (0..columns.len()).map(one).collect()
}

/// The rows under the kernel of a filter at row `y` and the next, from above; places beyond repeat the last.
fn under<'a>(filter: &Depthwise, input: &'a Rows, y: isize) -> [&'a [f32]; MAX_SIDE + 1] {
    let reach = filter.reach() as isize;
    std::array::from_fn(|i| input.row(y - reach + (i as isize).min(2 * reach + 1)))
}

#[cfg(test)]
mod tests;
