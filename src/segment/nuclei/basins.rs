//! Which pixel belongs to which nucleus: every pixel climbs to its summit.
//!
//! Each step goes to the highest neighbour, so a pixel's summit depends on the path between them and
//! on nothing further away. Shallow summits then join a higher group. Seeded flooding gives nearly
//! the same division, but there a region's share depends on its neighbours' neighbours.

use crate::raster::{Mask, Plane};

/// Divides `within` by climbing `height`; a summit joins a higher one where `joins(peak, pass)`, its height and that of
/// the pass between them. Returns basin numbers from 1, in reading order of summits, with gaps.
pub(in crate::segment) fn climb(
    height: &Plane<u16>,
    within: &Mask,
    joins: impl Fn(u16, u16) -> bool,
) -> Plane<u32> {
    let inside = indices(within);
    let mut out = Plane::filled(within.width(), within.height(), 0u32);
    let labels = out.data_mut();
    let mut peaks: Vec<u16> = Vec::new();
    for &i in &inside {
        let to = steepest(height, within, i as usize);
        labels[i as usize] = if to == i {
            peaks.push(height.data()[i as usize]);
            peaks.len() as u32
        } else {
            ON_THE_WAY | to
        };
    }
    let mut path = Vec::new();
    for &i in &inside {
        let mut at = i as usize;
        while labels[at] & ON_THE_WAY != 0 {
            path.push(at);
            at = (labels[at] & !ON_THE_WAY) as usize;
        }
        let number = labels[at];
        path.drain(..).for_each(|p| labels[p] = number);
    }
    let joined = join(&passes(height, &out, &inside), &peaks, joins);
    let labels = out.data_mut();
    inside.iter().for_each(|&i| labels[i as usize] = joined[labels[i as usize] as usize - 1]);
    out
}

/// Marks a pixel that holds the next pixel of its way up instead of a basin.
const ON_THE_WAY: u32 = 1 << 31;

/// Pixels of the mask, in reading order.
fn indices(within: &Mask) -> Vec<u32> {
    let mut out = Vec::with_capacity(within.data().len() / 8);
    for (block, pixels) in within.data().chunks(BLOCK).enumerate() {
        if pixels.iter().any(|&v| v != 0) {
            let first = (block * BLOCK) as u32;
            out.extend((first..).zip(pixels).filter(|&(_, &v)| v != 0).map(|(i, _)| i));
        }
    }
    out
}

/// Pixels that are passed over at once where all are empty.
const BLOCK: usize = 32;

/// The neighbour (of eight, within the mask) to climb to; a summit gives itself. Among equals the first
/// in reading order is higher.
fn steepest(height: &Plane<u16>, within: &Mask, at: usize) -> u32 {
    let (w, h) = (within.width(), within.height());
    let (x, y) = (at % w, at / w);
    if x > 0 && x + 1 < w && y > 0 && y + 1 < h {
        return steepest_inside(height.data(), within.data(), at, w);
    }
    let columns = x.saturating_sub(1)..(x + 2).min(w);
    let mut best = (0u32, at);
    for ny in y.saturating_sub(1)..(y + 2).min(h) {
        let line = ny * w;
        let (heights, inside) = (
            &height.data()[line + columns.start..line + columns.end],
            &within.data()[line + columns.start..],
        );
        for ((&g, &m), nx) in heights.iter().zip(inside).zip(columns.start..) {
            let rank = (u32::from(g) + 1) * u32::from(m);
            if rank > best.0 {
                best = (rank, line + nx);
            }
        }
    }
    best.1 as u32
}

/// [`steepest`] where all eight neighbours exist.
fn steepest_inside(height: &[u16], within: &[u8], at: usize, w: usize) -> u32 {
    let mut best = (0u32, at);
    for first in [at - w - 1, at - 1, at + w - 1] {
        let (Some(heights), Some(inside)) =
            (height[first..].first_chunk::<3>(), within[first..].first_chunk::<3>())
        else {
            continue;
        };
        for k in 0..3 {
            let rank = (u32::from(heights[k]) + 1) * u32::from(inside[k]);
            if rank > best.0 {
                best = (rank, first + k);
            }
        }
    }
    best.1 as u32
}

/// The highest pass between each pair of touching basins: (lower number, higher number, height), sorted.
fn passes(height: &Plane<u16>, basins: &Plane<u32>, inside: &[u32]) -> Vec<(u32, u32, u16)> {
    let (w, h) = (basins.width(), basins.height());
    let labels = basins.data();
    let mut found = Vec::new();
    for &i in inside {
        let i = i as usize;
        let (x, own) = (i % w, labels[i]);
        let mut note = |j: usize| {
            let other = labels[j];
            if other != own && other != 0 {
                found.push((own.min(other), own.max(other), height.data()[i].min(height.data()[j])));
            }
        };
        if x + 1 < w {
            note(i + 1);
        }
        if i + w < w * h {
            note(i + w);
            if x > 0 {
                note(i + w - 1);
            }
            if x + 1 < w {
                note(i + w + 1);
            }
        }
    }
    found.sort_unstable_by_key(|&(a, b, g)| (a, b, std::cmp::Reverse(g)));
    found.dedup_by_key(|&mut (a, b, _)| (a, b));
    found
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
