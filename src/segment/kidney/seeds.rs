//! Where a glomerulus may be: places richer in nuclei than their surroundings, and without lumens.

use super::{capsule, levels::Ground};
use crate::{
    raster::Plane,
    segment::{distance, smooth::Integral},
};

/// Radii looked for, in µm. Corpuscles of 40–320 µm (mouse to human, domain.md §2.0) lie between the steps.
const RADII_UM: [f64; 6] = [24.0, 34.0, 48.0, 68.0, 94.0, 124.0];
/// Half sides of the squares that stand for the inside, the corpuscle and its surroundings, in radii.
const INSIDE: f64 = 0.75;
const CORPUSCLE: f64 = 1.1;
const AROUND: f64 = 1.4;
/// Least score of a seed, see [`Lattice::score`]; small places without lumen are common between tubules.
const MIN_SCORE: i64 = 70;
const MIN_SCORE_SMALL: i64 = 120;
/// Radii below this are small, in µm.
const SMALL_UM: f64 = 40.0;
/// Largest share of wide lumens inside.
const MAX_LUMEN: i64 = 60;
/// Distance to the nearest lumen, in µm, from which a place may be a tuft's middle.
const CLEARING_UM: std::ops::Range<f64> = 20.0..140.0;
/// Lattice on which such places are looked for, in µm.
const CLEARING_STEP_UM: f64 = 6.0;
/// Places at least this far from every lumen, in µm, are looked at …
const EMPTY_UM: f64 = 26.0;
/// … on a lattice of this step, in µm, whether or not they are its peaks: where lumens are few, the largest
/// clearing need not be the tuft's middle.
const EMPTY_STEP_UM: f64 = 24.0;
/// Steps of scores and shares.
const UNIT: i64 = 1000;
/// Weight of lumens around against nuclei inside, in UNITs.
const LUMEN_WEIGHT: i64 = 500;

/// A place to look at closely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seed {
    /// Column in the window.
    pub(super) x: i64,
    /// Row in the window.
    pub(super) y: i64,
    /// Radius it was found at, in pixels.
    pub(super) radius: f64,
}

/// Finds seeds on a lattice anchored to the slide, so that they do not depend on the window.
pub(super) fn find(ground: &Ground<'_>) -> Vec<Seed> {
    let nuclear = Integral::new(&ground.nuclear);
    let wide = Integral::new(&ground.wide);
    let mut seeds = Vec::new();
    clearings(ground, &mut seeds);
    for radius in RADII_UM.map(|um| ground.field.px(um)) {
        if radius >= 6.0 {
            Lattice::new(ground, radius).peaks(&nuclear, &wide, &mut seeds);
        }
    }
    // The others belong to neighbouring windows: no curve from there reaches this core.
    seeds.retain(|seed| near_core(ground, seed));
    seeds
}

/// Whether the window's core can hold a curve around the seed.
fn near_core(ground: &Ground<'_>, seed: &Seed) -> bool {
    let window = &ground.field.window;
    let reach = capsule::reach(ground.field, seed.radius).ceil() as i64;
    let inside =
        |v: i64, core: std::ops::Range<usize>| v >= core.start as i64 - reach && v < core.end as i64 + reach;
    inside(seed.x, window.core_columns()) && inside(seed.y, window.core_rows())
}

/// Adds the middles of places without lumen: tufts are wider than the walls between lumens, and the nearest
/// lumen is Bowman's space or lies just beyond the capsule.
fn clearings(ground: &Ground<'_>, seeds: &mut Vec<Seed>) {
    let px = |um: f64| ground.field.px(um);
    let squared = distance::squared(&ground.wide.map(|v| u8::from(v == 0)));
    empty(ground, &squared, seeds);
    let lattice = Lattice::new(ground, 5.0 * px(CLEARING_STEP_UM).max(2.0));
    let distance = |i: usize| {
        let (x, y) = lattice.place(i % lattice.columns, i / lattice.columns);
        i64::from(squared.at(x as usize, y as usize))
    };
    let distances: Vec<i64> = (0..lattice.columns * lattice.rows).map(distance).collect();
    let (least, most) = (px(CLEARING_UM.start), px(CLEARING_UM.end));
    for row in 0..lattice.rows {
        for column in 0..lattice.columns {
            let here = distances[row * lattice.columns + column];
            let radius = (here as f64).sqrt();
            if (least..most).contains(&radius) && lattice.is_peak(&distances, column, row, here) {
                let (x, y) = lattice.place(column, row);
                // The lumen is Bowman's space, or lies beyond a capsule that hugs its tuft.
                seeds.extend([1.5, 1.15, 0.9, 0.7].map(|share| Seed { x, y, radius: radius * share }));
            }
        }
    }
}

/// Adds places of a coarse lattice that lie far from every lumen.
fn empty(ground: &Ground<'_>, squared: &Plane<u32>, seeds: &mut Vec<Seed>) {
    let lattice = Lattice::new(ground, 5.0 * ground.field.px(EMPTY_STEP_UM));
    let least = ground.field.px(EMPTY_UM).powi(2);
    for i in 0..lattice.columns * lattice.rows {
        let (x, y) = lattice.place(i % lattice.columns, i / lattice.columns);
        if f64::from(squared.at(x as usize, y as usize)) >= least {
            seeds.extend([36.0, 56.0].map(|um| Seed { x, y, radius: ground.field.px(um) }));
        }
    }
}

struct Lattice {
    radius: f64,
    step: i64,
    least: i64,
    x0: i64,
    y0: i64,
    columns: usize,
    rows: usize,
}

impl Lattice {
    fn new(ground: &Ground<'_>, radius: f64) -> Self {
        let step = ((radius / 5.0) as i64).max(2);
        let is_small = radius < ground.field.px(SMALL_UM);
        let least = if is_small { MIN_SCORE_SMALL } else { MIN_SCORE };
        let window = &ground.field.window;
        let first = |start: i64| (-start).rem_euclid(step);
        let (x0, y0) = (first(window.left()), first(window.top()));
        let count = |length: usize, skip: i64| ((length as i64 - skip).max(0) / step) as usize;
        let (columns, rows) = (count(ground.field.width(), x0), count(ground.field.height(), y0));
        Self { radius, step, least, x0, y0, columns, rows }
    }

    fn place(&self, column: usize, row: usize) -> (i64, i64) {
        (self.x0 + column as i64 * self.step, self.y0 + row as i64 * self.step)
    }

    fn peaks(&self, nuclear: &Integral, wide: &Integral, seeds: &mut Vec<Seed>) {
        let score = |i: usize| {
            let (x, y) = self.place(i % self.columns, i / self.columns);
            self.score(nuclear, wide, x, y)
        };
        let scores: Vec<i64> = (0..self.columns * self.rows).map(score).collect();
        for row in 0..self.rows {
            for column in 0..self.columns {
                let here = scores[row * self.columns + column];
                if here >= self.least && self.is_peak(&scores, column, row, here) {
                    let (x, y) = self.place(column, row);
                    seeds.push(Seed { x, y, radius: self.radius });
                }
            }
        }
    }

    /// No neighbour is higher; of equal ones the first in reading order counts.
    fn is_peak(&self, scores: &[i64], column: usize, row: usize, here: i64) -> bool {
        (-1i64..=1).flat_map(|dy| (-1i64..=1).map(move |dx| (dx, dy))).all(|(dx, dy)| {
            let (x, y) = (column as i64 + dx, row as i64 + dy);
            let outside = x < 0 || y < 0 || x >= self.columns as i64 || y >= self.rows as i64;
            let before = dy < 0 || dy == 0 && dx < 0;
            outside || (dx, dy) == (0, 0) || {
                let other = scores[y as usize * self.columns + x as usize];
                if before { other < here } else { other <= here }
            }
        })
    }

    /// Share of nuclear pixels inside over that around, and of lumens around over those inside.
    fn score(&self, nuclear: &Integral, wide: &Integral, x: i64, y: i64) -> i64 {
        let half = |share: f64| (self.radius * share).round() as i64;
        let (inside, corpuscle, around) = (half(INSIDE), half(CORPUSCLE), half(AROUND));
        // Around the pixel's middle, so that a turned slide has the same scores.
        let sum = |of: &Integral, r: i64| i64::from(of.sum(x - r, y - r, x + r + 1, y + r + 1));
        let area = |r: i64| (2 * r + 1).pow(2);
        let share = |n: i64, of: i64| n * UNIT / of.max(1);
        let outer = |of: &Integral, a: i64, b: i64| share(sum(of, b) - sum(of, a), area(b) - area(a));
        let inner = |of: &Integral, r: i64| share(sum(of, r), area(r));
        let lumen = inner(wide, inside);
        if lumen > MAX_LUMEN {
            return 0;
        }
        let nuclei = inner(nuclear, inside) - outer(nuclear, corpuscle, around);
        let free = outer(wide, inside, around) - lumen * 3 / 2;
        nuclei + free * LUMEN_WEIGHT / UNIT
    }
}
