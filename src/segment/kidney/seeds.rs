//! Where a glomerulus may be: places richer in nuclei than their surroundings, or with a pale ring around them.

use super::levels::Ground;
use crate::segment::smooth::Integral;

/// Radii looked for, in µm. Corpuscles of 40–320 µm (mouse to human, domain.md §2.0) lie between the steps.
const RADII_UM: [f64; 6] = [24.0, 34.0, 48.0, 68.0, 94.0, 124.0];
/// Half sides of the squares that stand for the inside, the corpuscle and its surroundings, in radii.
const INSIDE: f64 = 0.75;
const CORPUSCLE: f64 = 1.1;
const AROUND: f64 = 1.4;
/// Least score of a seed: share of nuclear pixels over the surroundings' plus the pale ring's share.
const MIN_SCORE: i64 = 60;
/// Steps of scores and shares.
pub(super) const UNIT: i64 = 1000;
/// Weight of the pale ring against nuclei, in UNITs.
const RING_WEIGHT: i64 = 500;

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
    let pale = Integral::new(&ground.pale);
    let mut seeds = Vec::new();
    for radius in RADII_UM.map(|um| ground.field.px(um)) {
        if radius >= 6.0 {
            Lattice::new(ground, radius).peaks(&nuclear, &pale, &mut seeds);
        }
    }
    seeds
}

struct Lattice {
    radius: f64,
    step: i64,
    x0: i64,
    y0: i64,
    columns: usize,
    rows: usize,
}

impl Lattice {
    fn new(ground: &Ground<'_>, radius: f64) -> Self {
        let step = ((radius / 5.0) as i64).max(2);
        let window = &ground.field.window;
        let first = |start: i64| (-start).rem_euclid(step);
        let (x0, y0) = (first(window.left()), first(window.top()));
        let count = |length: usize, skip: i64| ((length as i64 - skip).max(0) / step) as usize;
        let (columns, rows) = (count(ground.field.width(), x0), count(ground.field.height(), y0));
        Self { radius, step, x0, y0, columns, rows }
    }

    fn place(&self, column: usize, row: usize) -> (i64, i64) {
        (self.x0 + column as i64 * self.step, self.y0 + row as i64 * self.step)
    }

    fn peaks(&self, nuclear: &Integral, pale: &Integral, seeds: &mut Vec<Seed>) {
        let score = |i: usize| {
            let (x, y) = self.place(i % self.columns, i / self.columns);
            self.score(nuclear, pale, x, y)
        };
        let scores: Vec<i64> = (0..self.columns * self.rows).map(score).collect();
        for row in 0..self.rows {
            for column in 0..self.columns {
                let here = scores[row * self.columns + column];
                if here >= MIN_SCORE && self.is_peak(&scores, column, row, here) {
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

    fn score(&self, nuclear: &Integral, pale: &Integral, x: i64, y: i64) -> i64 {
        let half = |share: f64| (self.radius * share).round() as i64;
        let (inside, corpuscle, around) = (half(INSIDE), half(CORPUSCLE), half(AROUND));
        let sum = |of: &Integral, r: i64| i64::from(of.sum(x - r, y - r, x + r, y + r));
        let area = |r: i64| 4 * r * r;
        let share = |n: i64, of: i64| n * UNIT / of.max(1);
        let outer = |of: &Integral, a: i64, b: i64| share(sum(of, b) - sum(of, a), area(b) - area(a));
        let inner = |of: &Integral, r: i64| share(sum(of, r), area(r));
        let nuclei = inner(nuclear, inside) - outer(nuclear, corpuscle, around);
        let ring =
            outer(pale, inside, corpuscle) - inner(pale, half(0.6)) - outer(pale, corpuscle, around) / 2;
        nuclei + ring * RING_WEIGHT / UNIT
    }
}
