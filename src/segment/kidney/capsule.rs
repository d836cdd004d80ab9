//! The outline of one corpuscle: the best closed curve around a seed, by dynamic programming in polar coordinates.

use std::{collections::BTreeMap, f64::consts::TAU};

use super::{levels::Ground, seeds::Seed};
use crate::{raster::Plane, segment::field::Field};

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
/// A capsule that has come off the tubules is at most this thick, in µm, between Bowman's space …
const CAPSULE_UM: f64 = 4.0;
/// … and pale interstitium at least this wide, …
const OFF_UM: f64 = 2.0;
/// … and to cross it costs as much, against an edge of full contrast.
const CAPSULE_COST: i32 = 40;
/// Mean contrast of a seed's first curve, −100 to 100, below which it is not followed.
const LEAST_CONTRAST: i32 = 3;
/// Steepest slope of the radius along the curve.
const SLOPE: f64 = 0.35;
/// Cost of one step of slope against an edge of full contrast (100).
const SLOPE_COST: i16 = 6;
/// Most positions that a path moves between directions: sums stay within 16 bits.
const MAX_REACH: usize = 12;
/// Length of a ray, in the largest radius: curves are judged a little beyond their edge.
const LONGEST: f64 = 1.5;

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

/// Directions, and where their pixels lie from a centre; shared by all curves of a window.
pub(super) struct Rays {
    vectors: [(f64, f64); DIRECTIONS],
    /// Pixels of each direction's ray, as offsets in a plane of the window.
    offsets: Vec<i32>,
    /// Pixels of a ray.
    length: usize,
    /// Optical density, cut at the cytoplasm's: nuclei must not outweigh it.
    density: Plane<u8>,
}

impl Rays {
    pub(super) fn new(ground: &Ground<'_>) -> Self {
        // A quarter, turned, so that a turned slide has the same rays.
        const QUARTER: usize = DIRECTIONS / 4;
        let mut vectors = [(0.0, 0.0); DIRECTIONS];
        for i in 0..DIRECTIONS {
            let (sin, cos) = ((i % QUARTER) as f64 * TAU / DIRECTIONS as f64).sin_cos();
            vectors[i] = [(cos, sin), (-sin, cos), (-cos, -sin), (sin, -cos)][i / QUARTER];
        }
        let length = (LONGEST * ground.field.px(MAX_RADIUS_UM)) as usize + 4;
        let width = ground.od.width() as i32;
        let place = |(c, s): (f64, f64), r: usize| {
            let at = |v: f64| (v * r as f64).round() as i32;
            at(s) * width + at(c)
        };
        let offsets = vectors.iter().flat_map(|&v| (0..length).map(move |r| place(v, r))).collect();
        let most = ground.levels.cytoplasm as u8;
        Self { vectors, offsets, length, density: ground.od.map(|od| od.min(most)) }
    }

    /// Returns the point at distance `radius` in a direction, relative to the centre.
    pub(super) fn at(&self, direction: usize, radius: f64) -> (f64, f64) {
        let (c, s) = self.vectors[direction];
        (c * radius, s * radius)
    }

    /// Returns the places of a ray's first `count` pixels in planes of the window. `reach` pixels around the
    /// centre must lie in the window.
    pub(super) fn places(
        &self,
        centre: (i64, i64),
        direction: usize,
        count: usize,
    ) -> impl Iterator<Item = usize> + '_ {
        let middle = centre.1 as i32 * self.density.width() as i32 + centre.0 as i32;
        let from = direction * self.length;
        self.offsets[from..from + count].iter().map(move |&offset| (middle + offset) as usize)
    }
}

/// Curves that were found, by what determines them: centre, radii searched, slope, and whether the first edge counts.
type Known = BTreeMap<((i64, i64), usize, usize, usize, bool), Option<Curve>>;

/// Traces the curves of one window.
pub(super) struct Tracer<'a> {
    ground: &'a Ground<'a>,
    rays: &'a Rays,
    known: Known,
    paths: Paths,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(ground: &'a Ground<'a>, rays: &'a Rays) -> Self {
        Self { ground, rays, known: Known::new(), paths: Paths::default() }
    }

    /// Finds curves around a seed: the strongest edge, and the first beyond Bowman's space. None when the window
    /// does not hold its surroundings.
    pub(super) fn trace(&mut self, seed: Seed) -> Vec<Curve> {
        let Some(first) = self.best((seed.x, seed.y), seed.radius, false) else { return Vec::new() };
        if first.contrast < LEAST_CONTRAST {
            return Vec::new();
        }
        let (centre, radius) = recentred(self.rays, &first);
        if (centre.0 - seed.x).max(centre.1 - seed.y).max(seed.x - centre.0).max(seed.y - centre.1) as f64
            > seed.radius * MAX_SHIFT
        {
            return Vec::new();
        }
        let mut curves = Vec::new();
        for nearest in [false, true] {
            let Some(second) = self.best(centre, radius, nearest) else { continue };
            // Once more from its own middle: curves found from different sides of it become the same.
            let (middle, mean) = recentred(self.rays, &second);
            let moved = (middle.0 - seed.x).abs().max((middle.1 - seed.y).abs()) as f64;
            if second.contrast >= LEAST_CONTRAST && middle != centre && moved <= seed.radius * MAX_SHIFT {
                curves.extend(self.best(middle, mean, nearest));
            }
            curves.push(second);
        }
        curves
    }

    fn best(&mut self, centre: (i64, i64), radius: f64, nearest: bool) -> Option<Curve> {
        let field = self.ground.field;
        let side = field.px(SIDE_UM).round().max(1.0) as usize;
        let lowest = ((radius * NEAREST) as usize).max(side + 1);
        let highest = (radius * FARTHEST).min(field.px(MAX_RADIUS_UM)) as usize;
        if highest <= lowest + 2 {
            return None;
        }
        let count = highest - lowest + 1;
        let slope = ((radius * TAU / DIRECTIONS as f64 * SLOPE) as usize).max(1);
        let key = (centre, lowest, count, slope, nearest);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = self.search(centre, (lowest, count, side), slope, nearest);
        self.known.insert(key, found.clone());
        found
    }

    fn search(
        &mut self,
        centre: (i64, i64),
        (lowest, count, side): (usize, usize, usize),
        slope: usize,
        nearest: bool,
    ) -> Option<Curve> {
        let cost = if nearest { TISSUE_COST * self.ground.field.window.mpp.mean() } else { 0.0 };
        let edges = edges(self.ground, self.rays, centre, (lowest, count, side), cost)?;
        // No path has more than the greatest contrast of every direction.
        let most: i32 =
            edges.chunks(count).map(|row| row.iter().copied().max().map_or(0, i32::from)).sum::<i32>();
        if most / (DIRECTIONS as i32) < LEAST_CONTRAST {
            return None;
        }
        let path = self.paths.cheapest(&edges, count, slope);
        let value = |i: usize| i32::from(edges[i * count + path[i]]);
        let contrast = (0..DIRECTIONS).map(value).sum::<i32>() / DIRECTIONS as i32;
        let clear_edges = (0..DIRECTIONS).filter(|&i| value(i) >= 25).count() as u32;
        Some(Curve { centre, radii: path.map(|p| (p + lowest) as u16), contrast, clear_edges })
    }
}

/// Returns how far from a seed of some radius the middle of a curve's box can lie, in pixels.
pub(super) fn reach(field: &Field<'_>, radius: f64) -> f64 {
    let farthest = (radius * FARTHEST.powi(3)).min(field.px(MAX_RADIUS_UM));
    // Where one side of the curve lies as far as it may, and the other as near.
    radius * MAX_SHIFT + farthest * (1.0 - NEAREST / FARTHEST) / 2.0 + field.px(SIDE_UM)
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

/// Contrast between outside and inside, −100 to 100, less what was crossed, for every direction and radius.
fn edges(
    ground: &Ground<'_>,
    rays: &Rays,
    centre: (i64, i64),
    (lowest, count, side): (usize, usize, usize),
    cost: f64,
) -> Option<Vec<i16>> {
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
    let mut tolls = vec![0i32; top + 1];
    let [density, wide, pale] = [&rays.density, &ground.wide, &ground.pale].map(|p| p.data());
    for direction in 0..DIRECTIONS {
        let mut sum = 0;
        let mut toll = Toll::new(ground.field, cost);
        for (radius, place) in rays.places(centre, direction, top).enumerate() {
            sum += i32::from(density[place]);
            sums[radius + 1] = sum;
            toll.step(radius > lowest / 2 && wide[place] != 0, pale[place] != 0);
            tolls[radius + 1] = toll.due();
        }
        edges.extend((lowest..lowest + count).map(|r| {
            let (inside, outside) = (sums[r] - sums[r - side], sums[r + side] - sums[r]);
            (((outside - inside) * 100 / full).clamp(-100, 100) - tolls[r]) as i16
        }));
    }
    Some(edges)
}

/// What an edge costs for what lies inside it.
struct Toll {
    per_px: i32,
    thickest: usize,
    widest: usize,
    /// Whether a wide gap was met, and the cost of the tissue since.
    gap: bool,
    tissue: i32,
    /// Lengths of the last four runs of pale pixels or tissue, the one that goes on last, and whether that is pale.
    runs: [usize; 4],
    pale: bool,
}

impl Toll {
    fn new(field: &Field<'_>, per_px: f64) -> Self {
        let px = |um: f64| field.px(um).round().max(1.0) as usize;
        Self {
            per_px: per_px.ceil() as i32,
            thickest: px(CAPSULE_UM),
            widest: px(OFF_UM),
            gap: false,
            tissue: 0,
            runs: [0; 4],
            pale: false,
        }
    }

    /// Goes on by a pixel of a ray.
    fn step(&mut self, wide: bool, pale: bool) {
        self.gap |= wide;
        self.tissue += if self.gap && !pale { self.per_px } else { 0 };
        if pale != self.pale {
            self.runs.rotate_left(1);
            self.runs[3] = 0;
            self.pale = pale;
        }
        self.runs[3] += 1;
    }

    /// Whether a capsule was crossed just before: Bowman's space, something thin, and pale interstitium lie inside.
    fn is_beyond_capsule(&self) -> bool {
        let [before, space, thin, off] = self.runs;
        let (space, thin, off) = match self.pale {
            true => (space, thin, off),
            false if off <= self.thickest => (before, space, thin),
            false => return false,
        };
        space >= self.widest && (1..=self.thickest).contains(&thin) && off >= self.widest
    }

    fn due(&self) -> i32 {
        self.tissue.min(MAX_TISSUE_COST) + if self.is_beyond_capsule() { CAPSULE_COST } else { 0 }
    }
}

/// Room for the search of paths, used again and again.
#[derive(Default)]
struct Paths {
    best: Vec<i16>,
    next: Vec<i16>,
    from: Vec<i8>,
}

impl Paths {
    /// Position in each direction of the closed path with the greatest sum, going round twice so that the
    /// second half knows where it must return to. The path moves by at most `reach` positions from one direction to the
    /// next; of equally good origins the lowest counts.
    fn cheapest(&mut self, edges: &[i16], count: usize, reach: usize) -> [usize; DIRECTIONS] {
        let turns = 2 * DIRECTIONS;
        let reach = reach.min(MAX_REACH).min(count - 1);
        self.best.clear();
        self.best.extend_from_slice(&edges[..count]);
        self.from.clear();
        self.from.resize(turns * count, 0);
        for turn in 1..turns {
            let row = &edges[(turn % DIRECTIONS) * count..][..count];
            let from = &mut self.from[turn * count..][..count];
            self.next.clear();
            self.next.resize(count, i16::MIN);
            for step in -(reach as i16)..=reach as i16 {
                let (cost, skip) = (SLOPE_COST * step.abs(), usize::from(step.unsigned_abs()));
                let (to, at) = if step < 0 { (skip, 0) } else { (0, skip) };
                let reached = &self.best[at..][..count - skip];
                let places = self.next[to..][..count - skip].iter_mut().zip(&mut from[to..][..count - skip]);
                for ((value, origin), &reached) in places.zip(reached) {
                    let v = reached - cost;
                    *origin = if v > *value { step as i8 } else { *origin };
                    *value = v.max(*value);
                }
            }
            self.next.iter_mut().zip(row).for_each(|(value, &edge)| *value += edge);
            std::mem::swap(&mut self.best, &mut self.next);
        }
        let best = &self.best;
        let mut at = (0..count).max_by_key(|&i| (best[i], std::cmp::Reverse(i))).unwrap_or(0);
        let mut path = [0; DIRECTIONS];
        // Back over the last quarter, then read one full turn.
        for turn in (1..turns).rev() {
            if (DIRECTIONS / 2..DIRECTIONS / 2 + DIRECTIONS).contains(&turn) {
                path[turn % DIRECTIONS] = at;
            }
            at = at.saturating_add_signed(isize::from(self.from[turn * count + at]));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Edges with one ridge of contrast 50 at `ridge(direction)`.
    fn path(ridge: impl Fn(usize) -> usize) -> [usize; DIRECTIONS] {
        let count = 20;
        let edges: Vec<i16> =
            (0..DIRECTIONS * count).map(|i| if i % count == ridge(i / count) { 50 } else { 0 }).collect();
        Paths::default().cheapest(&edges, count, 1)
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

    #[test]
    fn an_edge_beyond_the_capsule_costs() {
        /// Pixels of a ray from the centre, drawn as tissue `#` and pale `.`, and whether the edge behind them costs.
        fn t(ray: &str, costs: bool) {
            let mut toll =
                Toll { per_px: 0, thickest: 4, widest: 2, gap: false, tissue: 0, runs: [0; 4], pale: false };
            ray.chars().for_each(|c| toll.step(false, c == '.'));
            assert_eq!(toll.due() > 0, costs, "{ray}");
        }
        // A tuft, Bowman's space, and the capsule's edge, or what lies behind it.
        t("######.....", false);
        t("######.....##", false);
        t("######.....##..", true);
        t("######.....##.....###", true);
        t("######.....##.....#####", false);
        // No space inside, no space outside, something thicker than a capsule.
        t("######.##...", false);
        t("######.....##.#", false);
        t("######.....#####...", false);
    }
}
