//! Small convolutional networks, run row by row: a window of any height needs a few rows of memory.

mod convolution;
mod kernels;
mod rows;

use std::ops::Range;

pub(super) use self::{
    convolution::Convolution,
    kernels::{Dense, Depthwise},
    rows::{Row, RowMut},
};
use self::{
    convolution::{TAPS, fold},
    kernels::{Floats, LANES, MARGIN, MAX_SIDE, add_doubled, halve},
    rows::{Rows, union},
};

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
    /// Filters all channels together and sets what is below zero to zero.
    Convolve(Convolution),
    /// As `Convolve`, with the input added before what is below zero is set to zero.
    Refine(Convolution),
    /// Averages squares of four pixels, then as `Mix`.
    Halve(Dense),
    /// Takes each square of four pixels as one of four times the channels, then as `Mix`.
    Fold(Dense),
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

impl Step {
    /// Channels of its output.
    fn outputs(&self) -> usize {
        match self {
            Self::Mix(d)
            | Self::Filter(_, d)
            | Self::Block(_, d)
            | Self::Halve(d)
            | Self::Fold(d)
            | Self::Join(d, _)
            | Self::Head(d) => d.outputs(),
            Self::Convolve(c) | Self::Refine(c) => c.outputs(),
        }
    }

    /// Returns whether the step takes what the step before gives.
    fn takes(&self, channels: usize) -> bool {
        match self {
            Self::Mix(d) | Self::Halve(d) | Self::Join(d, _) | Self::Head(d) => d.inputs() == channels,
            Self::Fold(d) => d.inputs() == 4 * channels,
            Self::Filter(f, d) => f.channels() == channels && d.inputs() == channels,
            Self::Block(f, d) => [f.channels(), d.inputs(), d.outputs()] == [channels; 3],
            Self::Convolve(c) => c.inputs() == channels,
            Self::Refine(c) => [c.inputs(), c.outputs()] == [channels; 2],
        }
    }

    /// How many pixels of the step before it reaches to each side, at most.
    fn looks_beside(&self) -> usize {
        match self {
            Self::Mix(_) | Self::Head(_) => 0,
            Self::Filter(f, _) | Self::Block(f, _) => f.reach(),
            Self::Convolve(_) | Self::Refine(_) | Self::Halve(_) | Self::Fold(_) | Self::Join(..) => 1,
        }
    }

    /// Rows that are computed together: neighbours look at much the same.
    fn at_once(&self) -> usize {
        match self {
            Self::Filter(..) | Self::Block(..) | Self::Convolve(_) | Self::Refine(_) | Self::Join(..) => 2,
            Self::Mix(_) | Self::Halve(_) | Self::Fold(_) | Self::Head(_) => 1,
        }
    }

    /// The last row of the step before that row `y`, and those computed with it, need.
    fn needs(&self, y: usize) -> usize {
        match self {
            Self::Mix(_) | Self::Head(_) => y,
            Self::Filter(f, _) | Self::Block(f, _) => (y | 1) + f.reach(),
            Self::Convolve(_) | Self::Refine(_) => (y | 1) + 1,
            Self::Halve(_) | Self::Fold(_) => 2 * y + 1,
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
                Step::Join(d, skip) => *skip < i && steps[*skip].outputs() == d.outputs(),
                _ => true,
            };
            if !skip || !step.takes(channels) {
                return None;
            }
            channels = step.outputs();
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
                Step::Halve(_) | Step::Fold(_) => ((before.width / 2, before.height / 2), 2 * before.scale),
                Step::Join(_, skip) => {
                    let skip = &rows[skip + 1];
                    ((skip.width, skip.height), skip.scale)
                }
                _ => ((before.width, before.height), before.scale),
            };
            rows.push(Rows::new(step.outputs(), size, scale, self.remembered(i)));
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
            Self::Convolve(by) => by.rows(&beside(input, y), (stride, span), None, next),
            Self::Refine(by) => {
                let own = [input.row(y), input.row(y + 1)];
                by.rows(&beside(input, y), (stride, span), Some(own), next);
            }
            Self::Fold(mix) => {
                let scratch = scratch.space(mix.inputs() * to);
                let own = span.start..span.end.min(end);
                fold([input.row(2 * y), input.row(2 * y + 1)], stride, to, own, scratch);
                mix.row(scratch, to, span, 0.0, next);
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

/// The rows that a convolution of row `y` and the next looks at, from above.
fn beside(input: &Rows, y: isize) -> [&[f32]; TAPS + 1] {
    std::array::from_fn(|i| input.row(y - 1 + i as isize))
}

#[cfg(test)]
mod tests;
