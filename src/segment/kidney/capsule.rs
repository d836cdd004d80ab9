//! The outline of one corpuscle: the best closed curve around a seed, by dynamic programming in polar coordinates.

use std::f64::consts::TAU;

use super::{levels::Ground, seeds::Seed};
use crate::segment::field::Field;

/// Directions in which the edge is looked for.
pub(super) const DIRECTIONS: usize = 64;
/// Radii searched, as shares of the seed's.
const NEAREST: f64 = 0.6;
const FARTHEST: f64 = 1.45;
/// Largest corpuscle radius, in µm (domain.md §2.0: 320 µm across).
const MAX_RADIUS_UM: f64 = 160.0;
/// Farthest that the second search may start from the seed, in its radii.
const MAX_SHIFT: f64 = 0.5;
/// Length over which density is averaged on each side of the edge, in µm.
const SIDE_UM: f64 = 4.0;
/// Contrast that counts fully, as a share of the cytoplasm's optical density.
const FULL_CONTRAST: f64 = 1.0;
/// Cost of each µm of tissue between a wide gap and the edge, against an edge of full contrast (100): the
/// capsule is the first edge beyond Bowman's space …
const TISSUE_COST: f64 = 4.0;
/// … and the most it can cost.
const MAX_TISSUE_COST: i32 = 60;
/// Mean contrast of a seed's first curve, −100 to 100, below which it is not followed.
const LEAST_CONTRAST: i32 = 3;
/// Steepest slope of the radius along the curve.
const SLOPE: f64 = 0.35;
/// Cost of one step of slope against an edge of full contrast (100).
const SLOPE_COST: i32 = 6;

/// A closed curve around a centre.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curve {
    /// Centre, in pixels of the window.
    pub(super) centre: (i64, i64),
    /// Radius in each direction, in pixels.
    pub(super) radii: [u16; DIRECTIONS],
    /// Mean contrast along the curve: −100 to 100.
    pub(super) contrast: i32,
    /// Directions with a clear edge, 0–64.
    pub(super) clear_edges: u32,
}

/// Unit vectors of all directions, and offsets at every radius, shared by all curves of a window.
pub(super) struct Rays {
    vectors: [(f64, f64); DIRECTIONS],
}

impl Rays {
    pub(super) fn new() -> Self {
        let angle = |i: usize| i as f64 * TAU / DIRECTIONS as f64;
        Self { vectors: std::array::from_fn(|i| (angle(i).cos(), angle(i).sin())) }
    }

    /// Returns the point at distance `radius` in a direction, relative to the centre.
    pub(super) fn at(&self, direction: usize, radius: f64) -> (f64, f64) {
        let (c, s) = self.vectors[direction];
        (c * radius, s * radius)
    }
}

/// Finds curves around a seed: the strongest edge, and the first beyond Bowman's space. None when the window
/// does not hold its surroundings.
pub(super) fn trace(ground: &Ground<'_>, rays: &Rays, seed: Seed) -> Vec<Curve> {
    let Some(first) = best(ground, rays, (seed.x, seed.y), seed.radius, false) else { return Vec::new() };
    if first.contrast < LEAST_CONTRAST {
        return Vec::new();
    }
    let (centre, radius) = recentred(rays, &first);
    if (centre.0 - seed.x).max(centre.1 - seed.y).max(seed.x - centre.0).max(seed.y - centre.1) as f64
        > seed.radius * MAX_SHIFT
    {
        return Vec::new();
    }
    let mut curves = Vec::new();
    for nearest in [false, true] {
        let Some(second) = best(ground, rays, centre, radius, nearest) else { continue };
        // Once more from its own middle: curves found from different sides of it become the same.
        let (middle, mean) = recentred(rays, &second);
        let moved = (middle.0 - seed.x).abs().max((middle.1 - seed.y).abs()) as f64;
        if second.contrast >= LEAST_CONTRAST && middle != centre && moved <= seed.radius * MAX_SHIFT {
            curves.extend(best(ground, rays, middle, mean, nearest));
        }
        curves.push(second);
    }
    curves
}

/// Returns how far from a seed of some radius its curves can lie, in pixels.
pub(super) fn reach(field: &Field<'_>, radius: f64) -> f64 {
    radius * MAX_SHIFT + (radius * FARTHEST * FARTHEST).min(field.px(MAX_RADIUS_UM)) + field.px(SIDE_UM)
}

/// Centre of the curve's points and its mean radius.
fn recentred(rays: &Rays, curve: &Curve) -> ((i64, i64), f64) {
    let n = DIRECTIONS as f64;
    let (mut x, mut y, mut total) = (0.0, 0.0, 0.0);
    for (i, &r) in curve.radii.iter().enumerate() {
        let (dx, dy) = rays.at(i, f64::from(r));
        (x, y, total) = (x + dx, y + dy, total + f64::from(r));
    }
    let shift = |v: f64| (v / n).round() as i64;
    ((curve.centre.0 + shift(x), curve.centre.1 + shift(y)), total / n)
}

fn best(ground: &Ground<'_>, rays: &Rays, centre: (i64, i64), radius: f64, nearest: bool) -> Option<Curve> {
    let field = ground.field;
    let side = field.px(SIDE_UM).round().max(1.0) as usize;
    let lowest = ((radius * NEAREST) as usize).max(side + 1);
    let highest = (radius * FARTHEST).min(field.px(MAX_RADIUS_UM)) as usize;
    if highest <= lowest + 2 {
        return None;
    }
    let count = highest - lowest + 1;
    let cost = if nearest { TISSUE_COST * field.window.mpp.mean() } else { 0.0 };
    let edges = edges(ground, rays, centre, (lowest, count, side), cost)?;
    let reach = ((radius * TAU / DIRECTIONS as f64 * SLOPE) as usize).max(1);
    let path = cheapest(&edges, count, reach);
    let value = |i: usize| edges[i * count + path[i]];
    let contrast = (0..DIRECTIONS).map(value).sum::<i32>() / DIRECTIONS as i32;
    let clear_edges = (0..DIRECTIONS).filter(|&i| value(i) >= 25).count() as u32;
    Some(Curve { centre, radii: path.map(|p| (p + lowest) as u16), contrast, clear_edges })
}

/// Contrast between outside and inside, −100 to 100, for every direction and radius.
fn edges(
    ground: &Ground<'_>,
    rays: &Rays,
    centre: (i64, i64),
    (lowest, count, side): (usize, usize, usize),
    cost: f64,
) -> Option<Vec<i32>> {
    let top = lowest + count + side;
    let reach = top as i64 + 1;
    let (w, h) = (ground.od.width() as i64, ground.od.height() as i64);
    let (x, y) = centre;
    if x < reach || y < reach || x + reach >= w || y + reach >= h {
        return None;
    }
    let full = (ground.levels.cytoplasm * FULL_CONTRAST * side as f64).max(1.0) as i32;
    let mut edges = Vec::with_capacity(DIRECTIONS * count);
    let mut sums = vec![0i32; top + 1];
    let mut tissue = vec![0i32; top + 1];
    let per_px = cost.ceil() as i32;
    for direction in 0..DIRECTIONS {
        let mut gap = false;
        for radius in 0..top {
            let (dx, dy) = rays.at(direction, radius as f64);
            let at = ((x + dx.round() as i64) as usize, (y + dy.round() as i64) as usize);
            // Nuclei must not outweigh cytoplasm: density is cut at the cytoplasm's.
            let od = f64::from(ground.od.at(at.0, at.1)).min(ground.levels.cytoplasm) as i32;
            sums[radius + 1] = sums[radius] + od;
            gap |= radius > lowest / 2 && ground.wide.at(at.0, at.1) != 0;
            let solid = gap && ground.pale.at(at.0, at.1) == 0;
            tissue[radius + 1] = tissue[radius] + i32::from(solid);
        }
        edges.extend((lowest..lowest + count).map(|r| {
            let (inside, outside) = (sums[r] - sums[r - side], sums[r + side] - sums[r]);
            let crossed = (tissue[r] * per_px).min(MAX_TISSUE_COST);
            ((outside - inside) * 100 / full).clamp(-100, 100) - crossed
        }));
    }
    Some(edges)
}

/// Position in each direction of the closed path with the greatest sum, going round twice so that the
/// second half knows where it must return to.
fn cheapest(edges: &[i32], count: usize, reach: usize) -> [usize; DIRECTIONS] {
    let turns = 2 * DIRECTIONS;
    let mut best = edges[..count].to_vec();
    let mut next = vec![0i32; count];
    let mut from = vec![0u16; turns * count];
    for turn in 1..turns {
        let row = &edges[(turn % DIRECTIONS) * count..][..count];
        for i in 0..count {
            let (mut value, mut origin) = (i32::MIN, i);
            let near = i.saturating_sub(reach)..=(i + reach).min(count - 1);
            for (j, &reached) in near.clone().zip(&best[near]) {
                let v = reached - SLOPE_COST * i.abs_diff(j) as i32;
                if v > value {
                    (value, origin) = (v, j);
                }
            }
            next[i] = value + row[i];
            from[turn * count + i] = origin as u16;
        }
        std::mem::swap(&mut best, &mut next);
    }
    let mut at = (0..count).max_by_key(|&i| (best[i], std::cmp::Reverse(i))).unwrap_or(0);
    let mut path = [0; DIRECTIONS];
    // Back over the last quarter, then read one full turn.
    for turn in (1..turns).rev() {
        if (DIRECTIONS / 2..DIRECTIONS / 2 + DIRECTIONS).contains(&turn) {
            path[turn % DIRECTIONS] = at;
        }
        at = usize::from(from[turn * count + at]);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Edges with one ridge of contrast 50 at `ridge(direction)`.
    fn path(ridge: impl Fn(usize) -> usize) -> [usize; DIRECTIONS] {
        let count = 20;
        let edges: Vec<i32> =
            (0..DIRECTIONS * count).map(|i| if i % count == ridge(i / count) { 50 } else { 0 }).collect();
        cheapest(&edges, count, 1)
    }

    #[test]
    fn the_path_follows_a_closed_ridge() {
        assert_eq!(path(|_| 7), [7; DIRECTIONS]);
        let triangle = |d: usize| 4 + d.min(DIRECTIONS - d) / 4;
        let found = path(triangle);
        let off = (0..DIRECTIONS).filter(|&d| found[d] != triangle(d)).count();
        assert!(off <= 2, "{found:?}");
        assert!(found[0].abs_diff(found[DIRECTIONS - 1]) <= 1);
    }

    #[test]
    fn a_gap_in_the_ridge_is_bridged() {
        let found = path(|d| if (20..24).contains(&d) { 19 } else { 7 });
        assert_eq!(found, [7; DIRECTIONS]);
    }
}
