//! Which pixel belongs to which nucleus: every pixel climbs to its summit.
//!
//! Each step goes to the highest neighbour, so a pixel's summit depends on the path between them and
//! on nothing further away. Shallow summits then join a higher neighbour. Seeded flooding gives nearly
//! the same division, but there a region's share depends on its neighbours' neighbours.

use crate::raster::{Mask, Plane};

/// Divides `within` by climbing `height`; summits that stand less than `depth(peak)` above the pass to
/// a higher one join it. Returns basin numbers from 1, in reading order of summits, with gaps.
pub(in crate::segment) fn climb(
    height: &Plane<u16>,
    within: &Mask,
    depth: impl Fn(u16) -> u16,
) -> Plane<u32> {
    let (w, h) = (within.width(), within.height());
    let mut to = steepest(height, within);
    let mut peaks: Vec<u16> = Vec::new();
    let mut out = Plane::filled(w, h, 0u32);
    let labels = out.data_mut();
    for i in 0..w * h {
        if within.data()[i] != 0 && to[i] == i as u32 {
            peaks.push(height.data()[i]);
            labels[i] = peaks.len() as u32;
        }
    }
    let mut path = Vec::new();
    for i in 0..w * h {
        if within.data()[i] == 0 || labels[i] != 0 {
            continue;
        }
        let mut at = i;
        while labels[at] == 0 {
            path.push(at);
            at = to[at] as usize;
        }
        let number = labels[at];
        path.drain(..).for_each(|p| labels[p] = number);
    }
    to.clear();
    let joined = join(&passes(height, &out), &peaks, depth);
    out.data_mut().iter_mut().filter(|v| **v != 0).for_each(|v| *v = joined[*v as usize - 1]);
    out
}

/// The neighbour (of eight, within the mask) to climb to; a summit points to itself. Among equals the first
/// in reading order is higher.
fn steepest(height: &Plane<u16>, within: &Mask) -> Vec<u32> {
    let (w, h) = (within.width(), within.height());
    let mut to = vec![0u32; w * h];
    for y in 0..h {
        let (above, below) = (y.saturating_sub(1), (y + 1).min(h - 1));
        for x in 0..w {
            if within.at(x, y) == 0 {
                continue;
            }
            let (left, right) = (x.saturating_sub(1), (x + 1).min(w - 1));
            let mut best = (height.at(x, y), y * w + x);
            for ny in above..=below {
                for nx in left..=right {
                    let (g, i) = (height.at(nx, ny), ny * w + nx);
                    if within.at(nx, ny) != 0 && (g > best.0 || g == best.0 && i < best.1) {
                        best = (g, i);
                    }
                }
            }
            to[y * w + x] = best.1 as u32;
        }
    }
    to
}

/// The highest pass between each pair of touching basins: (lower number, higher number, height), sorted.
fn passes(height: &Plane<u16>, basins: &Plane<u32>) -> Vec<(u32, u32, u16)> {
    let (w, h) = (basins.width(), basins.height());
    let mut found = Vec::new();
    let mut note = |i: usize, j: usize| {
        let (a, b) = (basins.data()[i], basins.data()[j]);
        if a != b && a != 0 && b != 0 {
            found.push((a.min(b), a.max(b), height.data()[i].min(height.data()[j])));
        }
    };
    for y in 0..h {
        for x in 0..w {
            let i = y * w + x;
            if basins.data()[i] == 0 {
                continue;
            }
            if x + 1 < w {
                note(i, i + 1);
            }
            if y + 1 < h {
                note(i, i + w);
                if x > 0 {
                    note(i, i + w - 1);
                }
                if x + 1 < w {
                    note(i, i + w + 1);
                }
            }
        }
    }
    found.sort_unstable_by_key(|&(a, b, g)| (a, b, std::cmp::Reverse(g)));
    found.dedup_by_key(|&mut (a, b, _)| (a, b));
    found
}

/// Each shallow basin joins the higher basin beyond its highest pass. Returns the final number per basin.
fn join(passes: &[(u32, u32, u16)], peaks: &[u16], depth: impl Fn(u16) -> u16) -> Vec<u32> {
    // Best way out of each basin: (pass, destination).
    let mut way = vec![(0u16, 0u32); peaks.len()];
    let peak = |n: u32| peaks[n as usize - 1];
    for &(a, b, g) in passes {
        // Of two equal summits the first in reading order counts as higher.
        let (low, high) = if peak(b) > peak(a) { (a, b) } else { (b, a) };
        let best = &mut way[low as usize - 1];
        if best.1 == 0 || g > best.0 {
            *best = (g, high);
        }
    }
    let target = |n: u32| {
        let (pass, high) = way[n as usize - 1];
        let shallow = high != 0 && peak(n) - pass <= depth(peak(n));
        if shallow { Some(high) } else { None }
    };
    (1..=peaks.len() as u32)
        .map(|n| {
            let mut at = n;
            while let Some(next) = target(at) {
                at = next;
            }
            at
        })
        .collect()
}
