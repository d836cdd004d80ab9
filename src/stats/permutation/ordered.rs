//! The exact Jonckheere–Terpstra test.

use super::{Design, MOST_LISTED, Permuted};
use crate::stats::{Result, at_least, ranks::Ranks, trend};

/// Tests the Jonckheere–Terpstra statistic exactly. Returns P(J ≥ observed) and P(J ≤ observed); `None` when there are
/// too many arrangements to list.
///
/// # Errors
///
/// [`Undefined::TooFew`] if a sample is empty.
pub fn jonckheere(samples: &[Vec<f64>]) -> Result<Option<(Permuted, Permuted)>> {
    at_least(samples, 2, 1)?;
    let design = Design::of_samples(samples);
    if design.arrangements() > MOST_LISTED {
        return Ok(None);
    }
    let ranks = Ranks::pooled(samples);
    let observed = (2.0 * trend::jonckheere_of(&ranks.of, &design.labels)).round() as u64;
    let mut left: Vec<usize> = samples.iter().map(Vec::len).collect();
    let mut count = RankWalk { observed, ..RankWalk::default() };
    let groups = samples.len();
    count.walk(&ranks.ties, 0, &mut left, &mut vec![0; groups], &mut vec![0; groups], 0);
    let share = |as_large: u64| Permuted {
        p: as_large as f64 / count.all as f64,
        arrangements: count.all,
        as_large,
        seed: None,
    };
    Ok(Some((share(count.above), share(count.below))))
}

/// Gives labels to values from the smallest upwards, carrying twice the statistic along.
#[derive(Default)]
struct RankWalk {
    observed: u64,
    all: u64,
    above: u64,
    below: u64,
}

impl RankWalk {
    /// `lower` counts the labels of smaller values, `same` those of values equal to the one at hand, the `done`th of
    /// the first of `ties`.
    fn walk(
        &mut self,
        ties: &[usize],
        done: usize,
        left: &mut [usize],
        lower: &mut Vec<u64>,
        same: &mut Vec<u64>,
        twice: u64,
    ) {
        let Some((&size, later)) = ties.split_first() else {
            self.all += 1;
            self.above += u64::from(twice >= self.observed);
            self.below += u64::from(twice <= self.observed);
            return;
        };
        if done == size {
            let mut below: Vec<u64> = lower.iter().zip(same.iter()).map(|(l, s)| l + s).collect();
            return self.walk(later, 0, left, &mut below, &mut vec![0; left.len()], twice);
        }
        for g in 0..left.len() {
            if left[g] > 0 {
                let rises: u64 = lower[..g].iter().sum();
                let equal: u64 = same.iter().sum::<u64>() - same[g];
                left[g] -= 1;
                same[g] += 1;
                self.walk(ties, done + 1, left, lower, same, twice + 2 * rises + equal);
                same[g] -= 1;
                left[g] += 1;
            }
        }
    }
}
