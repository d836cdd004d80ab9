//! Profiles of glomeruli: tuft and corpuscle of each.

use serde::{Deserialize, Serialize};

/// A profile near the equator is at least this share of the 90th percentile of diameters (domain.md §3.3).
const EQUATOR_SHARE: f64 = 0.7;
/// Profiles kept of one slide at most; of more, so many are kept at equal distances in reading order. A section of a human kidney
/// holds a few thousand.
pub const MOST_PROFILES: usize = 20_000;

/// One glomerulus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Area of the tuft, µm², to a tenth.
    pub tuft_um2: f64,
    /// Area inside Bowman's capsule, µm², to a tenth.
    pub corpuscle_um2: f64,
}

impl Profile {
    /// Returns Bowman's space in % of the corpuscle.
    #[must_use]
    pub fn bowman_pct(&self) -> f64 {
        100.0 * self.bowman_um2() / self.corpuscle_um2
    }

    /// Returns Bowman's space in µm².
    #[must_use]
    pub fn bowman_um2(&self) -> f64 {
        self.corpuscle_um2 - self.tuft_um2
    }
}

/// The glomeruli of one slide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profiles {
    /// How many there are.
    pub found: u64,
    /// Each of them, in reading order; at most [`MOST_PROFILES`].
    pub kept: Vec<Profile>,
}

impl Profiles {
    /// Keeps areas of tufts and corpuscles, in µm².
    #[must_use]
    pub fn of(areas: &[(f64, f64)]) -> Self {
        let tenth = |v: f64| (10.0 * v).round() / 10.0;
        let step = areas.len().div_ceil(MOST_PROFILES).max(1);
        let one = |&(tuft, corpuscle): &(f64, f64)| Profile {
            tuft_um2: tenth(tuft),
            corpuscle_um2: tenth(corpuscle),
        };
        Self { found: areas.len() as u64, kept: areas.iter().step_by(step).map(one).collect() }
    }

    /// Returns the profiles near the equator: others are small because of where they were cut.
    pub fn equatorial(&self) -> impl Iterator<Item = &Profile> {
        let least = least_at_equator(self.kept.iter().map(|p| p.corpuscle_um2).collect());
        self.kept.iter().filter(move |p| p.corpuscle_um2 >= least && p.corpuscle_um2 > 0.0)
    }
}

/// Returns the area of the smallest corpuscle that counts as cut near its equator, in the unit of `areas`.
pub(in crate::measure) fn least_at_equator(mut areas: Vec<f64>) -> f64 {
    areas.sort_by(f64::total_cmp);
    // The lower rank: of fewer than ten the largest is none, for two glomeruli in one outline would make all others polar.
    let p90 = areas.get((areas.len().saturating_sub(1)) * 9 / 10).copied().unwrap_or(0.0);
    EQUATOR_SHARE * EQUATOR_SHARE * p90
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_few_and_never_more_than_stated() {
        fn t(n: usize, expected: usize) {
            let kept = Profiles::of(&vec![(5000.04, 6000.0); n]);
            assert_eq!((kept.found, kept.kept.len()), (n as u64, expected), "{n}");
            assert!(kept.kept.iter().all(|p| p.tuft_um2 == 5000.0));
        }
        t(0, 0);
        t(120, 120);
        t(MOST_PROFILES, MOST_PROFILES);
        t(MOST_PROFILES + 1, MOST_PROFILES / 2 + 1);
        t(50_000, 16_667);
    }

    #[test]
    fn one_large_profile_among_few_is_no_percentile() {
        fn t(areas: &[f64], p90: f64) {
            assert_eq!(least_at_equator(areas.to_vec()), EQUATOR_SHARE * EQUATOR_SHARE * p90, "{areas:?}");
        }
        t(&[], 0.0);
        t(&[2.0], 2.0);
        t(&[2.0, 8.0], 2.0);
        t(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 90.0], 8.0);
        t(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], 9.0);
    }

    #[test]
    fn profiles_cut_near_a_pole_do_not_count() {
        let mut areas = vec![(8000.0, 10_000.0); 9];
        areas.extend([(3000.0, 4899.0), (3000.0, 4901.0)]);
        assert_eq!(Profiles::of(&areas).equatorial().count(), 10);
        assert_eq!(Profiles::default().equatorial().count(), 0);
        let space = Profile { tuft_um2: 4000.0, corpuscle_um2: 10_000.0 }.bowman_pct();
        assert!((space - 60.0).abs() < 1e-12);
    }
}
