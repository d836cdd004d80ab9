//! Which pixel belongs to which nucleus: every pixel climbs to its summit.
//!
//! Each step goes to the highest neighbour, so a pixel's summit depends on the path between them and
//! on nothing further away. Shallow summits then join a higher group. Seeded flooding gives nearly
//! the same division, but there a region's share depends on its neighbours' neighbours.

use crate::{
    raster::{Mask, Plane},
    segment::label::{Run, runs_of},
};

/// Divides `within` by climbing `height`; a summit joins a higher one where `joins(peak, pass)`, its height and that of
/// the pass between them. Returns basin numbers from 1, in reading order of summits, with gaps.
pub(in crate::segment) fn climb(
    height: &Plane<u16>,
    within: &Mask,
    joins: impl Fn(u16, u16) -> bool,
) -> Plane<u32> {
    let inside = runs_of(within);
    let mut out = Plane::filled(within.width(), within.height(), 0u32);
    let mut peaks: Vec<u16> = Vec::new();
    for run in &inside {
        let ways = Ways::of(height, within, run);
        let first = run.y * within.width() + run.x0;
        let labels = &mut out.data_mut()[first..first + run.x1 - run.x0];
        for (i, label) in labels.iter_mut().enumerate() {
            let to = ways.steepest(i);
            *label = if to == first + i {
                peaks.push(height.data()[to]);
                peaks.len() as u32
            } else {
                ON_THE_WAY | to as u32
            };
        }
    }
    let labels = out.data_mut();
    let mut path = Vec::new();
    for i in pixels(&inside, within.width()) {
        let mut at = i;
        while labels[at] & ON_THE_WAY != 0 {
            path.push(at);
            at = (labels[at] & !ON_THE_WAY) as usize;
        }
        let number = labels[at];
        path.drain(..).for_each(|p| labels[p] = number);
    }
    let joined = join(&passes(height, &out, &inside), &peaks, joins);
    let labels = out.data_mut();
    for i in pixels(&inside, within.width()) {
        labels[i] = joined[labels[i] as usize - 1];
    }
    out
}

/// Marks a pixel that holds the next pixel of its way up instead of a basin.
const ON_THE_WAY: u32 = 1 << 31;

/// Indices of the pixels of runs, in reading order.
fn pixels(runs: &[Run], width: usize) -> impl Iterator<Item = usize> + '_ {
    runs.iter().flat_map(move |run| run.y * width + run.x0..run.y * width + run.x1)
}

/// What the pixels of one run choose from: heights and mask of three rows, one pixel further to each side.
struct Ways<'a> {
    height: &'a Plane<u16>,
    within: &'a Mask,
    run: &'a Run,
    /// `None` where the run lies at the edge of the plane.
    rows: Option<[(&'a [u16], &'a [u8]); 3]>,
}

impl<'a> Ways<'a> {
    fn of(height: &'a Plane<u16>, within: &'a Mask, run: &'a Run) -> Self {
        let (w, h) = (within.width(), within.height());
        let inside = run.y > 0 && run.y + 1 < h && run.x0 > 0 && run.x1 < w;
        let columns = run.x0.saturating_sub(1)..run.x1 + 1;
        let row = |y: usize| (&height.row(y)[columns.clone()], &within.row(y)[columns.clone()]);
        let rows = inside.then(|| [row(run.y - 1), row(run.y), row(run.y + 1)]);
        Self { height, within, run, rows }
    }

    /// The neighbour (of eight, within the mask) that pixel `i` of the run climbs to; a summit gives itself. Among equals
    /// the first in reading order is higher.
    fn steepest(&self, i: usize) -> usize {
        let (w, x) = (self.within.width(), self.run.x0 + i);
        let Some(rows) = &self.rows else {
            return steepest_at_edge(self.height, self.within, (x, self.run.y));
        };
        let above = (self.run.y - 1) * w + x - 1;
        let mut best = (0u32, 0);
        for (k, (heights, within)) in rows.iter().enumerate() {
            for (d, (&g, &m)) in heights[i..i + 3].iter().zip(&within[i..i + 3]).enumerate() {
                let rank = (u32::from(g) + 1) * u32::from(m);
                if rank > best.0 {
                    best = (rank, above + k * w + d);
                }
            }
        }
        best.1
    }
}

/// [`Ways::steepest`] where a neighbour may be missing.
fn steepest_at_edge(height: &Plane<u16>, within: &Mask, (x, y): (usize, usize)) -> usize {
    let (w, h) = (within.width(), within.height());
    let columns = x.saturating_sub(1)..(x + 2).min(w);
    let mut best = (0u32, y * w + x);
    for ny in y.saturating_sub(1)..(y + 2).min(h) {
        let rows = height.row(ny)[columns.clone()].iter().zip(&within.row(ny)[columns.clone()]);
        for ((&g, &m), nx) in rows.zip(columns.start..) {
            let rank = (u32::from(g) + 1) * u32::from(m);
            if rank > best.0 {
                best = (rank, ny * w + nx);
            }
        }
    }
    best.1
}

/// The highest pass between each pair of touching basins: (lower number, higher number, height), sorted.
fn passes(height: &Plane<u16>, basins: &Plane<u32>, inside: &[Run]) -> Vec<(u32, u32, u16)> {
    let (w, h) = (basins.width(), basins.height());
    let mut found = Found::default();
    for run in inside {
        let (labels, heights) = (basins.row(run.y), height.row(run.y));
        let below = (run.y + 1 < h).then(|| (basins.row(run.y + 1), height.row(run.y + 1)));
        for x in run.x0..run.x1 {
            let mut note = |other: u32, height: u16| {
                if other != labels[x] && other != 0 {
                    found.note(labels[x].min(other), labels[x].max(other), heights[x].min(height));
                }
            };
            if x + 1 < w {
                note(labels[x + 1], heights[x + 1]);
            }
            if let Some((labels, heights)) = below {
                let near = x.saturating_sub(1)..(x + 2).min(w);
                labels[near.clone()].iter().zip(&heights[near]).for_each(|(&n, &g)| note(n, g));
            }
        }
    }
    let mut found = found.passes;
    found.sort_unstable_by_key(|&(a, b, g)| (a, b, std::cmp::Reverse(g)));
    found.dedup_by_key(|&mut (a, b, _)| (a, b));
    found
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
    fn note(&mut self, a: u32, b: u32, height: u16) {
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
    (1..=peaks.len() as u32).map(|n| summit(&mut into, n)).collect()
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
