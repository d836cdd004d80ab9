//! A small learned network that says where nuclei are and where their middles lie.
//!
//! It sees the stain planes at about 0.5 µm/px, measured against the slide's own stain, and works on squares of two
//! and four pixels. Weights, training and known limits: `models/nuclei`.

pub(super) mod rescaled;

use std::{
    ops::{Range, RangeInclusive},
    sync::{LazyLock, OnceLock},
};

use safetensors::SafeTensors;

use crate::{
    raster::{Mask, Plane, wide},
    segment::{
        field::Field,
        label::{Run, add_runs},
        model::grid,
        net::{Dense, Depthwise, Net, Row, RowMut, Step, widened},
    },
};

const WEIGHTS: &[u8] = include_bytes!("../../../models/nuclei/weights.safetensors");
/// Size of working pixels the network was trained for, in µm.
pub(super) const SEES_UM: RangeInclusive<f64> = 0.35..=0.7;
/// Working pixels per side of the coarsest square the network looks at.
const ALIGN: usize = 4;
/// Steps of an output per unit of log odds.
const STEPS: f32 = grid::STEPS;
/// Highest height of a middle.
pub(super) const FULL: f32 = 60_000.0;

/// What the network says of each pixel, in log odds × [`STEPS`].
struct Verdict {
    nucleus: Plane<i16>,
    middle: Plane<i16>,
}

impl Verdict {
    fn empty(width: usize, height: usize) -> Self {
        let plane = || Plane::filled(width, height, 0);
        Self { nucleus: plane(), middle: plane() }
    }
}

/// Where nuclei are and how high their middles stand, on a part of a window.
pub(super) struct Heights {
    /// 1 inside nuclei.
    pub(super) mask: Mask,
    /// 0 at the edge of a nucleus and outside, towards [`FULL`] in its middle.
    pub(super) middle: Plane<u16>,
    /// First window pixel (column, row) of the planes: they are aligned to the slide.
    pub(super) offset: (usize, usize),
}

impl Heights {
    fn empty((width, height): (usize, usize), offset: (usize, usize)) -> Self {
        Self { mask: Mask::filled(width, height, 0), middle: Plane::filled(width, height, 0), offset }
    }

    /// Sets the heights inside the nuclei of a row from the log odds of each column.
    fn raise(&mut self, y: usize, runs: &mut Vec<Run>, odds: impl Fn(usize) -> i16) {
        static OF_ODDS: LazyLock<Vec<u16>> =
            LazyLock::new(|| (0..=u16::MAX).map(|odds| height_of(odds as i16)).collect());
        let table = OF_ODDS.as_slice();
        runs.clear();
        add_runs(self.mask.row(y), y, runs);
        let row = self.middle.row_mut(y);
        for x in runs.iter().flat_map(|run| run.x0()..run.x1()) {
            row[x] = table[usize::from(odds(x) as u16)];
        }
    }
}

/// Returns the built-in network.
fn builtin() -> Option<&'static Net> {
    static NET: OnceLock<Option<Net>> = OnceLock::new();
    NET.get_or_init(|| read(WEIGHTS)).as_ref()
}

/// Reads weights by their names; `None` when one is missing or of another shape.
fn read(bytes: &[u8]) -> Option<Net> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let floats = |name: &str| -> Option<Vec<f32>> {
        let data = tensors.tensor(name).ok()?.data();
        Some(data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
    };
    let both = |name: &str| Some((floats(&format!("{name}.weight"))?, floats(&format!("{name}.bias"))?));
    let mix = |name: &str| both(name).and_then(|(w, b)| Dense::new(&w, &b));
    let filter = |name: &str| both(name).and_then(|(w, b)| Depthwise::new(w, b));
    let block =
        |name: &str| Some(Step::Block(filter(&format!("{name}.filter"))?, mix(&format!("{name}.mix"))?));
    let steps = vec![
        Step::Mix(mix("stem_in")?),
        Step::Filter(filter("stem_filter")?, mix("stem_out")?),
        block("fine0")?,
        Step::Halve(mix("down")?),
        block("coarse0")?,
        block("coarse1")?,
        block("coarse2")?,
        Step::Join(mix("up")?, 2),
        block("last0")?,
        block("last1")?,
        Step::Head(mix("head")?),
    ];
    Net::new(12, steps)
}

/// Runs the network on a window whose pixels are grouped to working pixels of `factor`; a pixel is of a nucleus from
/// the log odds `least`. `None` when the window is too small to hold one square.
pub(super) fn heights(field: &Field<'_>, factor: usize, least: f64) -> Option<Heights> {
    let side = ALIGN * factor;
    let first = |start: i64| (-start).rem_euclid(side as i64) as usize;
    let offset = (first(field.window.left()), first(field.window.top()));
    let squares = |length: usize, skip: usize| length.saturating_sub(skip) / side * (ALIGN / 2);
    let (width, height) = (squares(field.width(), offset.0), squares(field.height(), offset.1));
    if width == 0 || height == 0 {
        return None;
    }
    let sees = Sees { field, factor, offset, size: (width, height) };
    let mut heights = Heights::empty((2 * width * factor, 2 * height * factor), offset);
    let least = (least as f32 * STEPS) as i16;
    let tissue = |y: usize| &field.tissue.row(offset.1 + y)[offset.0..];
    let mut runs = Vec::new();
    if factor == 1 {
        let level = level_of(least);
        sees.run(builtin()?, |y, row| {
            for dy in 0..2 {
                let (y, [left, right]) = (2 * y + dy, [2 * dy, 2 * dy + 1].map(|c| row.channel(c)));
                let mask = heights.mask.row_mut(y).as_chunks_mut::<2>().0;
                from_level(left, right, level, tissue(y).as_chunks::<2>().0, mask);
                let middle = [4 + 2 * dy, 5 + 2 * dy].map(|c| row.channel(c));
                heights.raise(y, &mut runs, |x| steps_of(middle[x % 2][x / 2]));
            }
        });
    } else {
        let mut coarse = Verdict::empty(2 * width, 2 * height);
        sees.run(builtin()?, |y, row| write_row(&row, y, &mut coarse));
        let (nucleus, middle) = (finer(&coarse.nucleus, factor), finer(&coarse.middle, factor));
        for y in 0..nucleus.height() {
            at_least(nucleus.row(y), least, tissue(y), heights.mask.row_mut(y));
            heights.raise(y, &mut runs, |x| middle.at(x, y));
        }
    }
    Some(heights)
}

/// Log odds in steps.
#[inline(always)]
fn steps_of(odds: f32) -> i16 {
    (odds * STEPS) as i16
}

/// The log odds × [`STEPS`] from which [`steps_of`] gives `least` or more: it drops fractions.
fn level_of(least: i16) -> f32 {
    if least > 0 { f32::from(least) } else { (f32::from(least) - 1.0).next_up() }
}

/// Spreads log odds over 0–[`FULL`] without flat ends: on a plateau there is no way up.
fn height_of(odds: i16) -> u16 {
    let v = f32::from(odds) / (1.5 * STEPS);
    (FULL * (0.5 + 0.5 * v / (1.0 + v.abs()))) as u16
}

/// What the network looks at.
struct Sees<'a, 'f> {
    field: &'a Field<'f>,
    factor: usize,
    /// First window pixel.
    offset: (usize, usize),
    /// Squares of two working pixels, across and down.
    size: (usize, usize),
}

impl Sees<'_, '_> {
    /// Runs the network; `take` receives the rows of squares in order.
    fn run(&self, net: &Net, take: impl FnMut(usize, Row<'_>)) {
        let Self { field, factor, offset, size } = *self;
        let scales = Scales::of(field);
        let planes =
            [(&field.h, scales.h.table()), (&field.e, scales.e.table()), (&field.od, scales.od.table())];
        let mut means = vec![0u8; 2 * size.0];
        let mut sums = Vec::new();
        let fill = |y: usize, mut row: RowMut<'_>| {
            for (p, (plane, table)) in planes.iter().enumerate() {
                for dy in 0..2 {
                    let at = (offset.0, offset.1 + (2 * y + dy) * factor);
                    let pixels = mean_row(plane, factor, at, &mut sums, &mut means);
                    let [left, right] = row.pair(4 * p + 2 * dy);
                    for ((l, r), pair) in left.iter_mut().zip(right).zip(pixels.as_chunks::<2>().0) {
                        (*l, *r) = (table[usize::from(pair[0])], table[usize::from(pair[1])]);
                    }
                }
            }
        };
        net.run_where(size.0, &self.squares_on_tissue(), fill, take);
    }

    /// Returns from which to which square of every row tissue lies.
    fn squares_on_tissue(&self) -> Vec<Range<usize>> {
        let (side, tissue) = (2 * self.factor, &self.field.tissue);
        let of_row = |y: usize| {
            let row = &tissue.row(self.offset.1 + y)[self.offset.0..][..side * self.size.0];
            let first = row.iter().position(|&t| t != 0)?;
            Some(first / side..row.iter().rposition(|&t| t != 0)? / side + 1)
        };
        let of_square = |y: usize| {
            let rows = (side * y..side * (y + 1)).filter_map(of_row);
            rows.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
        };
        let squares: Vec<Range<usize>> = (0..self.size.1).map(of_square).collect();
        // Between working pixels lie values of both.
        if self.factor == 1 { squares } else { widened(&squares, 1, self.size.0) }
    }
}

/// Spreads one row of squares over two rows of working pixels.
fn write_row(row: &Row<'_>, y: usize, out: &mut Verdict) {
    for (first, plane) in [(0, &mut out.nucleus), (4, &mut out.middle)] {
        for dy in 0..2 {
            let pairs = plane.row_mut(2 * y + dy).as_chunks_mut::<2>().0;
            let (left, right) = (row.channel(first + 2 * dy), row.channel(first + 2 * dy + 1));
            in_steps(left, right, pairs);
        }
    }
}

wide! {
    /// Writes log odds in steps.
    fn in_steps<'a>(left: &'a [f32], right: &'a [f32], out: &'a mut [[i16; 2]]) {
        for ((pair, &l), &r) in out.iter_mut().zip(left).zip(right) {
            *pair = [l, r].map(steps_of);
        }
    }
}

wide! {
    /// 1 where tissue has some log odds × [`STEPS`] or more.
    fn from_level<'a>(
        left: &'a [f32],
        right: &'a [f32],
        level: f32,
        tissue: &'a [[u8; 2]],
        out: &'a mut [[u8; 2]],
    ) {
        for (((out, tissue), &l), &r) in out.iter_mut().zip(tissue).zip(left).zip(right) {
            *out = [u8::from(l * STEPS >= level) & tissue[0], u8::from(r * STEPS >= level) & tissue[1]];
        }
    }
}

wide! {
    /// 1 where tissue has some log odds or more.
    fn at_least<'a>(odds: &'a [i16], least: i16, tissue: &'a [u8], out: &'a mut [u8]) {
        for ((out, &v), &t) in out.iter_mut().zip(odds).zip(tissue) {
            *out = u8::from(v >= least) & t;
        }
    }
}

/// Turns working pixels into window pixels by linear interpolation; the border repeats.
fn finer(coarse: &Plane<i16>, factor: usize) -> Plane<i16> {
    let (w, h) = (coarse.width(), coarse.height());
    let mut out = Plane::filled(w * factor, h * factor, 0);
    let ways = |length: usize| -> Vec<(usize, usize, i32)> {
        (0..length * factor).map(|i| between(i, factor, length)).collect()
    };
    let (columns, full) = (ways(w), 2 * factor as i32);
    for (y, (upper, lower, down)) in ways(h).into_iter().enumerate() {
        let (upper, lower) = (coarse.row(upper), coarse.row(lower));
        for (o, &(left, right, across)) in out.row_mut(y).iter_mut().zip(&columns) {
            let mixed = |row: &[i16]| i32::from(row[left]) * (full - across) + i32::from(row[right]) * across;
            *o = ((mixed(upper) * (full - down) + mixed(lower) * down) / (full * full)) as i16;
        }
    }
    out
}

/// The two working pixels around the middle of pixel `i`, and the share of the second in steps of half a pixel.
fn between(i: usize, factor: usize, length: usize) -> (usize, usize, i32) {
    let at = (2 * i + 1) as i64 - factor as i64;
    let (whole, part) = (at.div_euclid(2 * factor as i64), at.rem_euclid(2 * factor as i64));
    let cut = |v: i64| v.clamp(0, length as i64 - 1) as usize;
    (cut(whole), cut(whole + 1), part as i32)
}

/// What turns stain into the network's inputs: 0 is cytoplasm, 1 nuclei (haematoxylin) or twice the cytoplasm (eosin).
struct Scales {
    h: Scale,
    e: Scale,
    od: Scale,
}

/// Stain minus `zero`, over `unit`, cut to a range, minus `shift`.
struct Scale {
    zero: f32,
    unit: f32,
    range: (f32, f32),
    shift: f32,
}

impl Scales {
    fn of(field: &Field<'_>) -> Self {
        let p = field.profile;
        let [nuclei, cytoplasm, eosin] = [p.h_nuclei, p.h_cytoplasm, p.e_cytoplasm].map(f32::from);
        Self {
            h: Scale { zero: cytoplasm, unit: (nuclei - cytoplasm).max(5.0), range: (-1.0, 3.0), shift: 0.0 },
            e: Scale { zero: 0.0, unit: eosin.max(4.0), range: (0.0, 4.0), shift: 1.0 },
            od: Scale { zero: 0.0, unit: 1.7 * nuclei.max(10.0), range: (0.0, 3.0), shift: 0.0 },
        }
    }
}

impl Scale {
    /// Returns the input for every stain.
    fn table(&self) -> [f32; 256] {
        let input = |stain: usize| ((stain as f32 - self.zero) / self.unit).clamp(self.range.0, self.range.1);
        std::array::from_fn(|stain| input(stain) - self.shift)
    }
}

/// Returns one row of working pixels, starting at window pixel `at`; what has to be averaged lies in `means`.
fn mean_row<'a>(
    plane: &'a Plane<u8>,
    factor: usize,
    at: (usize, usize),
    sums: &mut Vec<u32>,
    means: &'a mut [u8],
) -> &'a [u8] {
    if factor == 1 {
        return &plane.row(at.1)[at.0..at.0 + means.len()];
    }
    sums.clear();
    sums.resize(means.len(), 0);
    for y in at.1..at.1 + factor {
        for (sum, cells) in sums.iter_mut().zip(plane.row(y)[at.0..].chunks_exact(factor)) {
            *sum += cells.iter().map(|&v| u32::from(v)).sum::<u32>();
        }
    }
    let area = (factor * factor) as u32;
    means.iter_mut().zip(sums).for_each(|(m, s)| *m = (*s / area) as u8);
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs of the network in the framework it was trained with: channel, row, column, log odds.
    const GOLDEN: &[(usize, usize, usize, f32)] = &[
        (0, 0, 0, -4.55546),
        (1, 18, 20, -4.26838),
        (2, 35, 39, -5.23278),
        (3, 17, 5, -3.47956),
        (4, 1, 38, -2.07804),
        (5, 20, 21, -3.38709),
        (6, 34, 2, -2.22731),
        (7, 9, 30, -2.67832),
    ];

    #[test]
    fn levels_tell_what_steps_tell() {
        for least in [-300i16, -1, 0, 1, 100, 2000] {
            let level = level_of(least);
            for tenths in i32::from(least) * 10 - 30..i32::from(least) * 10 + 30 {
                let odds = tenths as f32 / 10.0 / STEPS;
                assert_eq!(odds * STEPS >= level, steps_of(odds) >= least, "{odds} {least}");
            }
        }
    }

    #[test]
    fn the_network_computes_what_was_trained() {
        let pixel = |x: usize, y: usize, c: usize| ((x * 31 + y * 17 + c * 7) % 23) as f32 / 11.0 - 1.0;
        let fill = |y: usize, mut row: RowMut<'_>| {
            for c in 0..12 {
                row.channel(c).iter_mut().enumerate().for_each(|(x, v)| *v = pixel(x, y, c));
            }
        };
        let mut rows: Vec<Vec<Vec<f32>>> = Vec::new();
        let take = |_: usize, row: Row<'_>| rows.push((0..8).map(|c| row.channel(c).to_vec()).collect());
        builtin().unwrap().run(40, 36, fill, take);
        for &(c, y, x, wanted) in GOLDEN {
            let got = rows[y][c][x];
            assert!((got - wanted).abs() < 1e-4, "channel {c}, row {y}, column {x}: {got}, not {wanted}");
        }
    }
}
