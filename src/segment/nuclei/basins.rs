//! Which pixel belongs to which nucleus: every pixel climbs to its summit.
//!
//! Each step goes to the highest neighbour, so a pixel's summit depends on the path between them and
//! on nothing further away. Shallow summits then join a higher group. Seeded flooding gives nearly
//! the same division, but there a region's share depends on its neighbours' neighbours.

use crate::{
    raster::{Mask, Plane, wide},
    segment::label::{Region, Run, runs_of},
};

/// A mask divided into basins.
pub(in crate::segment) struct Basins {
    /// 0 outside the mask, otherwise the number of the basin, from 1, in reading order of summits.
    pub(in crate::segment) labels: Plane<u32>,
    /// The basins; the index is the number, and the first is empty.
    pub(in crate::segment) regions: Vec<Region>,
    /// The pixels of the mask in reading order.
    pub(in crate::segment) spans: Vec<Span>,
}

/// Pixels of one basin beside each other in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::segment) struct Span {
    y: u32,
    x0: u32,
    x1: u32,
    /// The basin.
    pub(in crate::segment) number: u32,
}

impl Span {
    /// Returns what a row of a plane holds at its pixels.
    pub(in crate::segment) fn of_plane<'a, T: Copy>(&self, plane: &'a Plane<T>) -> &'a [T] {
        &plane.row(self.y as usize)[self.x0 as usize..self.x1 as usize]
    }

    /// Sets its pixels.
    pub(in crate::segment) fn paint<T: Copy>(&self, plane: &mut Plane<T>, value: T) {
        plane.row_mut(self.y as usize)[self.x0 as usize..self.x1 as usize].fill(value);
    }
}

/// Divides `within` by climbing `height`, below [`u16::MAX`]; a summit joins a higher one where `joins(peak, pass)`, its
/// height and that of the pass between them.
pub(in crate::segment) fn climb(
    height: &Plane<u16>,
    within: &Mask,
    joins: impl Fn(u16, u16) -> bool,
) -> Basins {
    let (width, size) = (within.width(), (within.width(), within.height()));
    let inside = runs_of(within);
    let mut labels = Plane::filled(width, within.height(), 0u32);
    let peaks = point_up(height, within, &inside, &mut labels);
    let mut spans = follow(&mut labels, &inside);
    drop(inside);
    let numbers = join(&passes(height, &spans), &peaks, joins);
    let top = numbers.iter().max().map_or(0, |&n| n as usize);
    let mut regions = vec![Region::EMPTY; top + 1];
    for span in &mut spans {
        span.number = numbers[span.number as usize - 1];
        span.paint(&mut labels, span.number);
        let [y, x0, x1] = [span.y, span.x0, span.x1].map(|v| v as usize);
        regions[span.number as usize].add_run(y, x0, x1, size.0, size.1);
    }
    Basins { labels, regions, spans }
}

/// Marks a pixel that holds the next pixel of its way up instead of a basin.
const ON_THE_WAY: u32 = 1 << 31;

/// Gives every pixel of the runs the neighbour it climbs to, and summits a number. Returns their heights.
fn point_up(height: &Plane<u16>, within: &Mask, inside: &[Run], labels: &mut Plane<u32>) -> Vec<u16> {
    let w = within.width();
    // Steps to the neighbours in reading order, from the first.
    let steps: [usize; 9] = std::array::from_fn(|k| k / 3 * w + k % 3);
    let mut ranks = Ranks::of(height, within);
    let (mut ways, mut peaks) = (vec![0u16; w], Vec::new());
    let labels = labels.data_mut();
    for runs in inside.chunk_by(|a, b| a.y() == b.y()) {
        let (y, first, last) = (runs[0].y(), runs[0].x0(), runs[runs.len() - 1].x1());
        let rows = ranks.around(y).map(|row| &row[first..last + 2]);
        steepest(rows, &mut ways[first..last]);
        for run in runs {
            let own = y * w + run.x0()..y * w + run.x1();
            for ((i, label), &way) in own.clone().zip(&mut labels[own]).zip(&ways[run.x0()..run.x1()]) {
                let to = i + steps[usize::from(way)] - w - 1;
                *label = if way == STAY {
                    peaks.push(height.data()[i]);
                    peaks.len() as u32
                } else {
                    ON_THE_WAY | to as u32
                };
            }
        }
    }
    peaks
}

/// The place of a pixel among its neighbours in reading order.
const STAY: u16 = 4;

/// The rows around one: heights plus one within the mask, 0 outside, with a 0 at each end.
struct Ranks<'a> {
    height: &'a Plane<u16>,
    within: &'a Mask,
    /// Row y at y + 1 modulo their number.
    rows: [Vec<u16>; 3],
    /// Rows that are known, counting the one above the plane.
    known: usize,
}

impl<'a> Ranks<'a> {
    fn of(height: &'a Plane<u16>, within: &'a Mask) -> Self {
        let empty = || vec![0; within.width() + 2];
        Self { height, within, rows: [empty(), empty(), empty()], known: 0 }
    }

    /// Returns the rows above, at and below `y`, which must not go backwards.
    fn around(&mut self, y: usize) -> [&[u16]; 3] {
        for row in self.known.max(y)..y + 3 {
            let to = &mut self.rows[row % 3];
            match row.checked_sub(1).filter(|&y| y < self.within.height()) {
                Some(y) => rank(self.height.row(y), self.within.row(y), &mut to[1..]),
                None => to.fill(0),
            }
        }
        self.known = y + 3;
        std::array::from_fn(|k| self.rows[(y + k) % 3].as_slice())
    }
}

wide! {
    fn rank<'a>(heights: &'a [u16], within: &'a [u8], out: &'a mut [u16]) {
        for ((out, &height), &m) in out.iter_mut().zip(heights).zip(within) {
            *out = (height.min(u16::MAX - 1) + 1) * u16::from(m);
        }
    }
}

wide! {
    /// The highest of nine, by its place in reading order; among equals the first. Rows reach one pixel further to both
    /// sides.
    fn steepest<'a>(rows: [&'a [u16]; 3], out: &'a mut [u16]) {
        let n = out.len();
        let near: [&[u16]; 9] = [
            &rows[0][..n],
            &rows[0][1..n + 1],
            &rows[0][2..n + 2],
            &rows[1][..n],
            &rows[1][1..n + 1],
            &rows[1][2..n + 2],
            &rows[2][..n],
            &rows[2][1..n + 1],
            &rows[2][2..n + 2],
        ];
        for i in 0..n {
            let mut best = (near[0][i], 0u16);
            for k in 1..9u16 {
                let rank = near[usize::from(k)][i];
                let way = if rank > best.0 { k } else { best.1 };
                best = (rank.max(best.0), way);
            }
            out[i] = best.1;
        }
    }
}

/// Follows every pixel's way to its summit and returns the pixels of each, in reading order.
fn follow(labels: &mut Plane<u32>, inside: &[Run]) -> Vec<Span> {
    let width = labels.width();
    let labels = labels.data_mut();
    let mut spans = Vec::new();
    for run in inside {
        let mut own = Span { y: run.y() as u32, x0: run.x0() as u32, x1: run.x0() as u32, number: 0 };
        for (x, i) in (run.x0() as u32..).zip(run.y() * width + run.x0()..run.y() * width + run.x1()) {
            let number = followed(labels, i);
            if number != own.number {
                if x > own.x0 {
                    spans.push(Span { x1: x, ..own });
                }
                (own.x0, own.number) = (x, number);
            }
        }
        spans.push(Span { x1: run.x1() as u32, ..own });
    }
    spans
}

/// The number of the summit that pixel `i` climbs to, written to all pixels on the way.
#[inline]
fn followed(labels: &mut [u32], i: usize) -> u32 {
    let next = |label: u32| (label & !ON_THE_WAY) as usize;
    let mut number = labels[i];
    while number & ON_THE_WAY != 0 {
        number = labels[next(number)];
    }
    let mut at = i;
    while labels[at] & ON_THE_WAY != 0 {
        at = next(std::mem::replace(&mut labels[at], number));
    }
    number
}

/// The highest pass between each pair of touching basins: (lower number, higher number, height), sorted.
fn passes(height: &Plane<u16>, spans: &[Span]) -> Vec<(u32, u32, u16)> {
    let mut found = Found::default();
    let mut below = 0;
    for (i, span) in spans.iter().enumerate() {
        let own = span.of_plane(height);
        if let Some(next) = spans.get(i + 1).filter(|next| next.y == span.y && next.x0 == span.x1) {
            found.note(span.number, next.number, own[own.len() - 1].min(next.of_plane(height)[0]));
        }
        // The first of the next row that reaches this one, corners included.
        let before = |other: &Span| other.y <= span.y || other.y == span.y + 1 && other.x1 < span.x0;
        while spans.get(below).is_some_and(before) {
            below += 1;
        }
        let touches = |other: &&Span| other.y == span.y + 1 && other.x0 <= span.x1;
        for other in spans[below..].iter().take_while(touches).filter(|other| other.number != span.number) {
            found.note(span.number, other.number, pass(height, span, other));
        }
    }
    let mut found = found.passes;
    found.sort_unstable_by_key(|&(a, b, g)| (a, b, std::cmp::Reverse(g)));
    found.dedup_by_key(|&mut (a, b, _)| (a, b));
    found
}

/// The highest pass between a span and one of the next row that it touches.
fn pass(height: &Plane<u16>, upper: &Span, lower: &Span) -> u16 {
    let below = lower.of_plane(height);
    let columns = upper.x0.max(lower.x0.saturating_sub(1))..upper.x1.min(lower.x1 + 1);
    let heights = &height.row(upper.y as usize)[columns.start as usize..columns.end as usize];
    let one = |(x, &own): (u32, &u16)| {
        let near = x.saturating_sub(lower.x0 + 1)..(x + 2 - lower.x0).min(lower.x1 - lower.x0);
        let highest = below[near.start as usize..near.end as usize].iter().max();
        own.min(highest.copied().unwrap_or(0))
    };
    columns.zip(heights).map(one).max().unwrap_or(0)
}

/// Passes found so far. The same two basins meet at many pixels beside each other: most are noted once.
struct Found {
    passes: Vec<(u32, u32, u16)>,
    /// Where a pair was noted last.
    lately: [u32; 256],
}

impl Default for Found {
    fn default() -> Self {
        Self { passes: Vec::new(), lately: [0; 256] }
    }
}

impl Found {
    fn note(&mut self, one: u32, other: u32, height: u16) {
        let (a, b) = (one.min(other), one.max(other));
        let place = &mut self.lately[(a.wrapping_mul(31).wrapping_add(b) % 256) as usize];
        match self.passes.get_mut(*place as usize) {
            Some(pass) if (pass.0, pass.1) == (a, b) => pass.2 = pass.2.max(height),
            _ => {
                *place = self.passes.len() as u32;
                self.passes.push((a, b, height));
            }
        }
    }
}

/// Joins basins over their passes, highest pass first: of two groups the one with the lower summit joins the other when
/// `joins` says so of its peak and the pass. Returns the final number per basin.
fn join(passes: &[(u32, u32, u16)], peaks: &[u16], joins: impl Fn(u16, u16) -> bool) -> Vec<u32> {
    let mut order: Vec<usize> = (0..passes.len()).collect();
    order.sort_unstable_by_key(|&i| (std::cmp::Reverse(passes[i].2), i));
    let mut into: Vec<u32> = (0..=peaks.len() as u32).collect();
    for (a, b, pass) in order.into_iter().map(|i| passes[i]) {
        let (a, b) = (summit(&mut into, a), summit(&mut into, b));
        let peak = |n: u32| peaks[n as usize - 1];
        // Of two equal summits the first in reading order counts as higher.
        let (low, high) = if (peak(b), a) > (peak(a), b) { (a, b) } else { (b, a) };
        if low != high && joins(peak(low), pass) {
            into[low as usize] = high;
        }
    }
    // The summits that stay are numbered anew, without gaps.
    let mut numbers = vec![0u32; peaks.len() + 1];
    let stays = (1..=peaks.len()).filter(|&n| into[n] == n as u32);
    (1..).zip(stays).for_each(|(number, n)| numbers[n] = number);
    (1..=peaks.len() as u32).map(|n| numbers[summit(&mut into, n) as usize]).collect()
}

/// The basin that holds the summit of a basin's group.
fn summit(into: &mut [u32], basin: u32) -> u32 {
    let mut at = basin;
    while into[at as usize] != at {
        into[at as usize] = into[into[at as usize] as usize];
        at = into[at as usize];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: pixels climb one by one, and passes are looked for at every pixel.
    fn plainly(height: &Plane<u16>, within: &Mask, joins: impl Fn(u16, u16) -> bool) -> Plane<u32> {
        let (w, h) = (within.width() as i64, within.height() as i64);
        let own = |x: i64, y: i64| within.get(x, y) == Some(1);
        let near = |(x, y): (i64, i64)| {
            (-1..=1)
                .flat_map(move |dy| (-1..=1).map(move |dx| (x + dx, y + dy)))
                .filter(move |p| own(p.0, p.1))
        };
        let at = |p: (i64, i64)| height.at(p.0 as usize, p.1 as usize);
        let up = |p| {
            near(p).fold(None, |best, q| if best.is_some_and(|b| at(q) <= at(b)) { best } else { Some(q) })
        };
        let top = |mut p| {
            while let Some(q) = up(p).filter(|&q| q != p) {
                p = q;
            }
            p
        };
        let pixels: Vec<(i64, i64)> =
            (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).filter(|p| own(p.0, p.1)).collect();
        let summits: Vec<(i64, i64)> = pixels.iter().copied().filter(|&p| top(p) == p).collect();
        let number = |p: (i64, i64)| summits.iter().position(|&s| s == top(p)).unwrap() as u32 + 1;
        let mut passes = std::collections::BTreeMap::new();
        for &p in &pixels {
            for q in near(p) {
                let pair = (number(p).min(number(q)), number(p).max(number(q)));
                let pass = passes.entry(pair).or_insert(0);
                *pass = at(p).min(at(q)).max(*pass);
            }
        }
        let passes: Vec<_> =
            passes.into_iter().filter(|((a, b), _)| a != b).map(|((a, b), g)| (a, b, g)).collect();
        let peaks: Vec<u16> = summits.iter().map(|&p| at(p)).collect();
        let joined = join(&passes, &peaks, joins);
        let mut out = Plane::filled(w as usize, h as usize, 0);
        for &p in &pixels {
            out.set(p.0 as usize, p.1 as usize, joined[number(p) as usize - 1]);
        }
        out
    }

    #[test]
    fn equals_climbing_one_by_one() {
        let mut state = 5u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        for (w, h, share, levels) in
            [(1, 1, 256, 9), (9, 7, 256, 3), (30, 20, 150, 250), (45, 17, 230, 20), (3, 40, 200, 6)]
        {
            let mask = Mask::from_vec(w, h, (0..w * h).map(|_| u8::from(next() < share)).collect()).unwrap();
            let height =
                Plane::from_vec(w, h, (0..w * h).map(|_| (next() % levels) as u16 * 7).collect()).unwrap();
            let joins = |peak: u16, pass: u16| peak - pass <= 40;
            let found = climb(&height, &mask, joins);
            assert_eq!(found.labels, plainly(&height, &mask, joins), "{w}×{h}");
            assert_eq!(found.regions, crate::segment::nuclei::regions_of(&found.labels));
            let mut painted = Plane::filled(w, h, 0);
            found.spans.iter().for_each(|span| span.paint(&mut painted, span.number));
            assert_eq!(painted, found.labels);
        }
    }
}
