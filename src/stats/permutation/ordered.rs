//! The exact Jonckheere–Terpstra test.

use super::{Design, Permuted};
use crate::stats::{Result, at_least, ranks::Ranks, trend};

/// Most arrangements whose number is kept exactly.
const MOST_COUNTED: f64 = 1e15;

/// Most numbers in the table of distributions: states times values of the statistic.
const MOST_CELLS: usize = 4_000_000;

/// Tests the Jonckheere–Terpstra statistic exactly. Returns P(J ≥ observed) and P(J ≤ observed); `None` when there are
/// too many arrangements to count. They are not listed one by one: the statistic is a whole number (twice over, with
/// ties), and its distribution follows from how many labels of each group the smaller values took.
///
/// # Errors
///
/// [`crate::stats::Undefined::TooFew`] if a sample is empty.
pub fn jonckheere(samples: &[Vec<f64>]) -> Result<Option<(Permuted, Permuted)>> {
    at_least(samples, 2, 1)?;
    let design = Design::of_samples(samples);
    let sizes: Vec<usize> = samples.iter().map(Vec::len).collect();
    let table = Table::new(&sizes);
    if design.arrangements() > MOST_COUNTED || table.as_ref().is_none_or(|t| t.cells() > MOST_CELLS) {
        return Ok(None);
    }
    let Some(table) = table else { return Ok(None) };
    let ranks = Ranks::pooled(samples);
    let observed = (2.0 * trend::jonckheere_of(&ranks.of, &design.labels)).round() as usize;
    let distribution = table.distribution(&ranks.ties);
    let all: u64 = distribution.iter().sum();
    let share =
        |as_large: u64| Permuted { p: as_large as f64 / all as f64, arrangements: all, as_large, seed: None };
    let above = distribution.iter().skip(observed).sum();
    let below = distribution.iter().take(observed + 1).sum();
    Ok(Some((share(above), share(below))))
}

/// States: how many labels of each group are taken, as one number in mixed base.
struct Table {
    sizes: Vec<usize>,
    /// What one label of each group adds to the number of a state.
    steps: Vec<usize>,
    states: usize,
    /// Values of twice the statistic.
    values: usize,
}

impl Table {
    /// `None` if there are more states than can be numbered.
    fn new(sizes: &[usize]) -> Option<Self> {
        let (mut steps, mut states) = (Vec::new(), 1_usize);
        for size in sizes {
            steps.push(states);
            states = states.checked_mul(size + 1)?;
        }
        let all: usize = sizes.iter().sum();
        let most = all.pow(2) - sizes.iter().map(|n| n * n).sum::<usize>();
        Some(Self { sizes: sizes.to_vec(), steps, states, values: most + 1 })
    }

    fn cells(&self) -> usize {
        self.states.saturating_mul(self.values)
    }

    fn taken(&self, state: usize, group: usize) -> usize {
        state / self.steps[group] % (self.sizes[group] + 1)
    }

    /// Number of arrangements by twice the statistic; `ties` holds the numbers of equal values, smallest value first.
    fn distribution(&self, ties: &[usize]) -> Vec<u64> {
        let mut now: Vec<Option<Vec<u64>>> = vec![None; self.states];
        now[0] = Some(vec![1]);
        for &size in ties {
            let mut next: Vec<Option<Vec<u64>>> = vec![None; self.states];
            for (state, counts) in now.iter().enumerate() {
                if let Some(counts) = counts {
                    self.spread(state, counts, size, &mut next);
                }
            }
            now = next;
        }
        now.pop().flatten().unwrap_or_default()
    }

    /// Gives the labels of `size` equal values in every way, starting from one state.
    fn spread(&self, state: usize, counts: &[u64], size: usize, next: &mut [Option<Vec<u64>>]) {
        let lower: Vec<usize> = (0..self.sizes.len()).map(|g| self.taken(state, g)).collect();
        let mut shares = vec![0; self.sizes.len()];
        self.share(0, size, &lower, &mut shares, &mut |shares| {
            let (mut twice, mut before, mut given, mut ways, mut to) = (0, 0, 0, 1_u64, state);
            for (group, &share) in shares.iter().enumerate() {
                twice += 2 * share * before + share * given;
                before += lower[group];
                for k in 0..share {
                    // A product of consecutive numbers over a factorial: whole at every step.
                    ways = ways * (given + k + 1) as u64 / (k + 1) as u64;
                }
                given += share;
                to += share * self.steps[group];
            }
            let target = next[to].get_or_insert_default();
            target.resize(target.len().max(counts.len() + twice), 0);
            for (sum, count) in target[twice..].iter_mut().zip(counts) {
                *sum += ways * count;
            }
        });
    }

    /// Visits every way to divide `size` labels over the groups that have some left.
    fn share(
        &self,
        group: usize,
        size: usize,
        lower: &[usize],
        shares: &mut Vec<usize>,
        visit: &mut impl FnMut(&[usize]),
    ) {
        if group == self.sizes.len() {
            if size == 0 {
                visit(shares);
            }
            return;
        }
        for share in 0..=size.min(self.sizes[group] - lower[group]) {
            shares[group] = share;
            self.share(group + 1, size - share, lower, shares, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by listing every arrangement.
    fn listed(samples: &[Vec<f64>]) -> (u64, u64, u64) {
        let design = Design::of_samples(samples);
        let of = Ranks::pooled(samples).of;
        let observed = trend::jonckheere_of(&of, &design.labels);
        let (mut all, mut above, mut below) = (0, 0, 0);
        design.list(&mut |labels| {
            let j = trend::jonckheere_of(&of, labels);
            all += 1;
            above += u64::from(j >= observed - 1e-9);
            below += u64::from(j <= observed + 1e-9);
        });
        (all, above, below)
    }

    #[test]
    fn counting_agrees_with_listing() {
        fn t(samples: &[&[f64]]) {
            let samples: Vec<Vec<f64>> = samples.iter().map(|s| s.to_vec()).collect();
            let (up, down) = jonckheere(&samples).unwrap().unwrap();
            assert_eq!((up.arrangements, up.as_large, down.as_large), listed(&samples), "{samples:?}");
        }
        t(&[&[1.0, 2.0], &[3.0, 4.0]]);
        t(&[&[1.0, 5.0, 2.5], &[3.0, 4.0], &[0.0, 9.0, 7.0]]);
        t(&[&[1.0, 1.0, 2.0], &[1.0, 2.0, 2.0], &[2.0, 3.0, 3.0]]);
        t(&[&[0.0, 0.0, 0.0, 1.0], &[0.0, 0.0, 0.0], &[0.0, 2.0, 2.0]]);
        t(&[&[3.0], &[2.0], &[1.0], &[1.0]]);
    }

    #[test]
    fn more_than_can_be_listed_are_counted() {
        let samples: Vec<Vec<f64>> =
            (0..3).map(|g| (0..6).map(|i| f64::from(g) + f64::from(i * 5 % 6) * 1.7).collect()).collect();
        let (up, down) = jonckheere(&samples).unwrap().unwrap();
        assert_eq!(up.arrangements, 17_153_136);
        assert!(up.p + down.p > 1.0 && up.p < 0.5);
    }
}
