//! Glomeruli by network and by traced edges together: the network tells by context where corpuscles are, and an outline
//! that was traced along the capsule and agrees with it is taken for the network's, which is coarse.

use super::{
    glomeruli::{self, Painted},
    learned::{Inside, Sight},
    levels::Ground,
    tubules,
};
use crate::segment::{label::Region, object::Object};

/// Outlines are traced around places with at least these log odds of being corpuscle, × 1000 …
const WORTH_A_LOOK: i16 = -4_000;
/// … at one of these points: the middle, and this share of the radius away.
const BESIDE: f64 = 0.4;
/// Log odds count up to this, either way, × 1000 …
const MOST: i16 = 6_000;
/// … and so much in the score of a traced outline. Working default, set on phantoms, **not validated**.
const PER_ODD: f64 = 1.5;
/// Least share of the corpuscle that the network sees which an outline around it covers: what is traced within one is a
/// tuft, or part of it. The network may see less than there is, where Bowman's space is narrow …
const MIN_COVERED: f64 = 0.85;
/// … but not less than this share of the joint area: an outline that took in the tubules beside a corpuscle shares less.
const MIN_OVERLAP: f64 = 0.8;
/// Weight of that overlap in the rank.
const PER_OVERLAP: f64 = 3.0;
/// Mean log odds of a corpuscle that only the network sees: on phantoms and human tiles circles of lymphocytes or tubules had
/// less than 2, nearly all whole glomeruli more than 3.5 …
const CERTAIN: f64 = 3.0;
/// … and of one that is as full of nuclei as infiltrates are, of which one had 3.01.
const CERTAIN_IN_INFILTRATE: f64 = 3.5;
/// Share of nuclear pixels: of tufts 0.12 to 0.17 on phantoms, of a circle of lymphocytes 0.24.
const INFILTRATE: f64 = 0.2;
/// A tuft that is pale over this share, of tufts at most 0.15 on phantoms, on human tiles 0.17 in H&E and 0.27 in trichrome, of veins
/// 0.39 to 0.53, …
const OPEN: f64 = 0.33;
/// … in a corpuscle with fewer nuclei than this share, of veins 0.04 to 0.08, of corpuscles from 0.11, is a vein.
const EMPTY: f64 = 0.09;

/// Finds the glomeruli and tufts of a window.
pub(super) fn find(ground: &Ground<'_>, sight: &Sight) -> Vec<Object> {
    let mut objects = glomeruli::find(ground, Some(&Seen::of(sight)));
    objects.extend(sight.glomeruli(ground, certainty));
    objects
}

/// Least mean log odds of a corpuscle that only the network sees; no odds make a glomerulus of a vein.
fn certainty(inside: &Inside) -> f64 {
    if inside.open > OPEN && inside.nuclear < EMPTY {
        return f64::INFINITY;
    }
    if inside.nuclear > INFILTRATE { CERTAIN_IN_INFILTRATE } else { CERTAIN }
}

/// What the network says of outlines.
pub(super) struct Seen<'a> {
    sight: &'a Sight,
    /// Pixels of each corpuscle it sees, from number 1.
    areas: Vec<u64>,
}

impl<'a> Seen<'a> {
    fn of(sight: &'a Sight) -> Self {
        let count = sight.corpuscles.data().iter().copied().max().unwrap_or(0) as usize;
        let mut regions = vec![Region::EMPTY; count];
        tubules::add_regions(&sight.corpuscles, &mut regions);
        Self { sight, areas: std::iter::once(0).chain(regions.iter().map(|r| r.area_px)).collect() }
    }

    /// Whether an outline around a place is worth tracing.
    pub(super) fn is_worth(&self, x: i64, y: i64, radius: f64) -> bool {
        let d = (radius * BESIDE) as i64;
        let mut near = [(0, 0), (d, 0), (-d, 0), (0, d), (0, -d)].into_iter();
        near.any(|(dx, dy)| self.sight.odds.get(x + dx, y + dy).is_some_and(|v| v >= WORTH_A_LOOK))
    }

    /// Returns what the network adds to the score and to the rank of a traced outline; `None` where it sees another.
    pub(super) fn adds(&self, painted: &Painted) -> Option<(f64, f64)> {
        let (mut all, mut sum) = (0u64, 0i64);
        let mut shared = vec![0u64; self.areas.len()];
        for (_, _, (column, row)) in painted.places() {
            all += 1;
            sum += i64::from(self.sight.odds.at(column, row).clamp(-MOST, MOST));
            shared[self.sight.corpuscles.at(column, row) as usize] += 1;
        }
        let score = PER_ODD * sum as f64 / all.max(1) as f64 / 1000.0;
        let Some(most) = (1..shared.len()).find(|&n| 2 * shared[n] > all) else { return Some((score, 0.0)) };
        let overlap = shared[most] as f64 / (all + self.areas[most] - shared[most]) as f64;
        let covered = shared[most] as f64 / self.areas[most] as f64;
        (covered >= MIN_COVERED && overlap >= MIN_OVERLAP).then_some((score, PER_OVERLAP * overlap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn veins_are_no_glomeruli_however_certain_the_network_is() {
        let least = |nuclear: f64, open: f64| certainty(&Inside { nuclear, open });
        assert_eq!(least(0.04, 0.5), f64::INFINITY);
        // A solid tuft without nuclei, a tuft with wide capillaries, an infiltrate.
        assert_eq!([least(0.04, 0.02), least(0.12, 0.4), least(0.24, 0.0)], [3.0, 3.0, 3.5]);
    }
}
