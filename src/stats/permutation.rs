//! Permutation tests: every arrangement of labels where they can be listed, else a seeded draw of them.

mod between;
mod ordered;
mod residuals;

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    Interval, Result, Undefined, at_least,
    describe::{constant, mean},
    ranks::Ranks,
    special::ln_gamma,
};

pub use ordered::jonckheere;
pub use residuals::freedman_lane;

/// Most arrangements that are listed.
pub const MOST_LISTED: f64 = 1e6;

/// Arrangements drawn when there are more.
pub const DRAWN: u64 = 99_999;

/// Share of the data's range within which two statistics count as equal.
const SLACK: f64 = 1e-10;

/// What a permutation test gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permuted {
    /// Share of arrangements with a statistic at least as large as the observed one.
    pub p: f64,
    /// Arrangements that were looked at.
    pub arrangements: u64,
    /// Arrangements with a statistic at least as large.
    pub as_large: u64,
    /// `None` when every arrangement was listed, else the seed they were drawn with.
    pub seed: Option<u64>,
}

/// Who could have had which label: labels move only between units of one stratum.
#[derive(Clone, Debug)]
pub struct Design {
    labels: Vec<usize>,
    strata: Vec<usize>,
}

impl Design {
    /// Describes samples that follow each other, all in one stratum.
    #[must_use]
    pub fn of_samples(samples: &[Vec<f64>]) -> Self {
        let labels = samples.iter().enumerate().flat_map(|(g, s)| vec![g; s.len()]).collect::<Vec<_>>();
        Self { strata: vec![0; labels.len()], labels }
    }

    /// Describes units by label and stratum.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFew`] unless there is one stratum for each label.
    pub fn stratified(labels: Vec<usize>, strata: Vec<usize>) -> Result<Self> {
        if labels.len() != strata.len() || labels.is_empty() {
            return Err(Undefined::TooFew { groups: 1, each: 1 });
        }
        Ok(Self { labels, strata })
    }

    /// Labels left to give, by stratum and label.
    fn left(&self) -> Vec<Vec<usize>> {
        let size = |v: &[usize]| v.iter().max().map_or(0, |m| m + 1);
        let mut left = vec![vec![0; size(&self.labels)]; size(&self.strata)];
        for (&label, &stratum) in self.labels.iter().zip(&self.strata) {
            left[stratum][label] += 1;
        }
        left
    }

    /// Returns the number of different arrangements.
    #[must_use]
    pub fn arrangements(&self) -> f64 {
        let one = |counts: &Vec<usize>| {
            let ln_factorial = |n: usize| ln_gamma(n as f64 + 1.0);
            let all = counts.iter().sum::<usize>();
            ln_factorial(all) - counts.iter().map(|&n| ln_factorial(n)).sum::<f64>()
        };
        let ln: f64 = self.left().iter().map(one).sum();
        if ln < 30.0 { ln.exp().round() } else { ln.exp() }
    }

    /// Tests a statistic of the labels against all its values; equal up to `slack` counts as at least as large.
    #[must_use]
    pub fn test(&self, slack: f64, seed: u64, statistic: impl Fn(&[usize]) -> f64) -> Permuted {
        let least = statistic(&self.labels) - slack;
        let mut as_large = 0;
        if self.arrangements() <= MOST_LISTED {
            let mut arrangements = 0;
            self.list(&mut |labels| {
                arrangements += 1;
                as_large += u64::from(statistic(labels) >= least);
            });
            let p = as_large as f64 / arrangements as f64;
            return Permuted { p, arrangements, as_large, seed: None };
        }
        self.draw(seed, &mut |labels| as_large += u64::from(statistic(labels) >= least));
        let p = (as_large + 1) as f64 / (DRAWN + 1) as f64;
        Permuted { p, arrangements: DRAWN, as_large, seed: Some(seed) }
    }

    /// Visits every arrangement once.
    pub(crate) fn list(&self, visit: &mut impl FnMut(&[usize])) {
        fn place(
            at: usize,
            strata: &[usize],
            left: &mut [Vec<usize>],
            labels: &mut [usize],
            visit: &mut impl FnMut(&[usize]),
        ) {
            let Some(&stratum) = strata.get(at) else { return visit(labels) };
            for label in 0..left[stratum].len() {
                if left[stratum][label] > 0 {
                    left[stratum][label] -= 1;
                    labels[at] = label;
                    place(at + 1, strata, left, labels, visit);
                    left[stratum][label] += 1;
                }
            }
        }
        let mut labels = vec![0; self.labels.len()];
        place(0, &self.strata, &mut self.left(), &mut labels, visit);
    }

    fn draw(&self, seed: u64, visit: &mut impl FnMut(&[usize])) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.left().len()];
        for (unit, &stratum) in self.strata.iter().enumerate() {
            members[stratum].push(unit);
        }
        let mut labels = self.labels.clone();
        for _ in 0..DRAWN {
            for units in &members {
                for i in (1..units.len()).rev() {
                    // Uneven by 2⁻³² at most, against 10⁻⁵ of the draw itself.
                    let other = (u64::from(random.next_u32()) * (i as u64 + 1)) >> 32;
                    labels.swap(units[i], units[other as usize]);
                }
            }
            visit(&labels);
        }
    }
}

/// Returns a slack in proportion to the spread of the values.
fn slack(values: &[f64]) -> f64 {
    let (lo, hi) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    SLACK * (hi - lo)
}

/// Tests the difference of two means, two-sided.
///
/// # Errors
///
/// [`Undefined::TooFew`] if a sample is empty, [`Undefined::NoVariation`] if all values are equal.
pub fn mean_difference(a: &[f64], b: &[f64], seed: u64) -> Result<Permuted> {
    let samples = [a.to_vec(), b.to_vec()];
    at_least(&samples, 2, 1)?;
    let values = samples.concat();
    if constant(&values) {
        return Err(Undefined::NoVariation);
    }
    // The mean of all is subtracted, so that the difference follows from the sum of one sample.
    let centre = mean(&values);
    let centred: Vec<f64> = values.iter().map(|v| v - centre).collect();
    let design = Design::of_samples(&samples);
    if design.arrangements() <= MOST_LISTED {
        // A difference of means is a sum times 1/n_a + 1/n_b.
        let slack = slack(&values) / (1.0 / a.len() as f64 + 1.0 / b.len() as f64);
        let least = centred[..a.len()].iter().sum::<f64>().abs() - slack;
        let (mut arrangements, mut as_large) = (0, 0);
        sums(&centred, a.len(), 0.0, &mut |sum| {
            arrangements += 1;
            as_large += u64::from(sum.abs() >= least);
        });
        let p = as_large as f64 / arrangements as f64;
        return Ok(Permuted { p, arrangements, as_large, seed: None });
    }
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let difference = |labels: &[usize]| {
        let sum: f64 = labels.iter().zip(&centred).filter(|(l, _)| **l == 0).map(|(_, v)| v).sum();
        (sum * (1.0 / na + 1.0 / nb)).abs()
    };
    Ok(design.test(slack(&values), seed, difference))
}

/// Visits the sum, on top of `sum`, of every choice of `size` values.
fn sums(values: &[f64], size: usize, sum: f64, visit: &mut impl FnMut(f64)) {
    if size == 0 {
        return visit(sum);
    }
    for first in 0..=values.len() - size {
        sums(&values[first + 1..], size - 1, sum + values[first], visit);
    }
}

/// Tests the F statistic of several groups.
///
/// # Errors
///
/// As [`mean_difference`].
pub fn f_statistic(samples: &[Vec<f64>], seed: u64) -> Result<Permuted> {
    at_least(samples, 2, 1)?;
    let strata = vec![0; samples.iter().map(Vec::len).sum()];
    let labels = Design::of_samples(samples).labels;
    f_in_strata(&samples.concat(), labels, strata, seed)
}

/// Returns whether all arrangements of these samples are listed.
#[must_use]
pub fn are_listed(samples: &[Vec<f64>]) -> bool {
    Design::of_samples(samples).arrangements() <= MOST_LISTED
}

/// Tests the statistic of Kruskal and Wallis, which grows with the F statistic of ranks; `None` where there are more arrangements than
/// are listed.
///
/// # Errors
///
/// As [`mean_difference`].
pub fn ranks(samples: &[Vec<f64>]) -> Result<Option<Permuted>> {
    at_least(samples, 2, 1)?;
    let design = Design::of_samples(samples);
    if design.arrangements() > MOST_LISTED {
        return Ok(None);
    }
    f_in_strata(&Ranks::pooled(samples).of, design.labels, design.strata, 0).map(Some)
}

/// Tests the F statistic, moving labels within strata only. Strata's means are removed first.
///
/// # Errors
///
/// [`Undefined::TooFew`] unless there is a label and a stratum for each value, [`Undefined::NoVariation`] if values are
/// equal within each stratum.
pub fn f_in_strata(values: &[f64], labels: Vec<usize>, strata: Vec<usize>, seed: u64) -> Result<Permuted> {
    let design = Design::stratified(labels, strata)?;
    let centred = within(values, &design.strata);
    if centred.iter().all(|v| *v == 0.0) || constant(values) {
        return Err(Undefined::NoVariation);
    }
    let observed = between::observed(&design, &centred);
    let least = observed - 1e-9 * observed.max(slack(values).powi(2));
    Ok(between::test(&design, &centred, least, seed))
}

/// Tests the difference of two samples, moving labels within strata only; `None` where there are more arrangements than are
/// listed, or one.
///
/// # Errors
///
/// As [`f_in_strata`].
pub fn pair_in_strata(samples: [&[f64]; 2], strata: [&[usize]; 2]) -> Result<Option<Permuted>> {
    let labels: Vec<usize> = samples.iter().enumerate().flat_map(|(g, s)| vec![g; s.len()]).collect();
    let strata = strata.concat();
    let arrangements = Design::stratified(labels.clone(), strata.clone())?.arrangements();
    if !(2.0..=MOST_LISTED).contains(&arrangements) {
        return Ok(None);
    }
    f_in_strata(&samples.concat(), labels, strata, 0).map(Some)
}

fn within(values: &[f64], strata: &[usize]) -> Vec<f64> {
    let count = strata.iter().max().map_or(0, |m| m + 1);
    let (mut sums, mut sizes) = (vec![0.0; count], vec![0.0; count]);
    for (v, &s) in values.iter().zip(strata) {
        sums[s] += v;
        sizes[s] += 1.0;
    }
    values.iter().zip(strata).map(|(v, &s)| v - sums[s] / sizes[s]).collect()
}

/// Returns the interval of shifts `mean(b) − mean(a)` that the permutation test does not refuse at `alpha`; `None` if the
/// arrangements are too many to list or too few to refuse any.
///
/// # Errors
///
/// As [`mean_difference`].
pub fn shift_interval(a: &[f64], b: &[f64], alpha: f64) -> Result<Option<Interval>> {
    let samples = [a.to_vec(), b.to_vec()];
    at_least(&samples, 2, 1)?;
    if constant(&samples.concat()) {
        return Err(Undefined::NoVariation);
    }
    let design = Design::of_samples(&samples);
    let arrangements = design.arrangements();
    if arrangements > 2e5 || 2.0 / arrangements > alpha {
        return Ok(None);
    }
    let values = samples.concat();
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let observed = mean(b) - mean(a);
    // After b is shifted by −δ, an arrangement's difference is (its own difference) − δ·(its share of true b's).
    let mut lines = Vec::new();
    design.list(&mut |labels| {
        let (mut difference, mut share) = (0.0, 0.0);
        for (i, &label) in labels.iter().enumerate() {
            let weight = if label == 1 { 1.0 / nb } else { -1.0 / na };
            difference += weight * values[i];
            share += if i >= a.len() { weight } else { 0.0 };
        }
        lines.push((difference, share));
    });
    let slack = slack(&values);
    let kept = |shift: f64| {
        let least = (observed - shift).abs() - slack;
        let far = lines.iter().filter(|(d, s)| (d - shift * s).abs() >= least).count();
        far as f64 / lines.len() as f64 > alpha
    };
    let edge = |direction: f64| {
        let (mut inside, mut reach) = (observed, 10.0 * slack / SLACK);
        while kept(observed + direction * reach) && reach.is_finite() {
            reach *= 2.0;
        }
        let mut outside = observed + direction * reach;
        for _ in 0..100 {
            let middle = 0.5 * (inside + outside);
            if kept(middle) { inside = middle } else { outside = middle }
        }
        inside
    };
    Ok(Some(Interval { lo: edge(-1.0), hi: edge(1.0) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrangements_are_listed_once() {
        let design = Design::stratified(vec![0, 1, 0, 1, 1], vec![0, 0, 1, 1, 1]).unwrap();
        assert_eq!(design.arrangements(), 6.0);
        let mut seen = Vec::new();
        design.list(&mut |l| seen.push(l.to_vec()));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6);
        assert!(seen.iter().all(|l| l[0] + l[1] == 1 && l[2] + l[3] + l[4] == 2));
    }

    #[test]
    fn drawn_arrangements_agree_with_the_t_test() {
        let a: Vec<f64> = (0..15).map(|i| f64::from(i * 7 % 11)).collect();
        let b: Vec<f64> = (0..15).map(|i| f64::from(i * 5 % 13) + 2.0).collect();
        let drawn = mean_difference(&a, &b, 1).unwrap();
        assert_eq!((drawn.arrangements, drawn.seed), (DRAWN, Some(1)));
        let expected = crate::stats::welch::student(&a, &b).unwrap().p;
        assert!((drawn.p - expected).abs() < 0.01, "{} {expected}", drawn.p);
        assert_eq!(drawn, mean_difference(&a, &b, 1).unwrap());
    }

    #[test]
    fn strata_hold_batches_apart() {
        // A batch effect hides the group effect unless labels stay within batches.
        let values = [1.0, 1.1, 2.0, 2.1, 11.0, 11.1, 12.0, 12.2];
        let labels = vec![0, 0, 1, 1, 0, 0, 1, 1];
        let strata = vec![0, 0, 0, 0, 1, 1, 1, 1];
        let within = f_in_strata(&values, labels.clone(), strata, 1).unwrap();
        assert_eq!((within.arrangements, within.as_large), (36, 2));
        let across = f_in_strata(&values, labels, vec![0; 8], 1).unwrap();
        assert!(across.p > 0.3);
        let (a, b) = ([1.0, 1.1, 11.0, 11.1], [2.0, 2.1, 12.0, 12.2]);
        let pair = pair_in_strata([&a, &b], [&[0, 0, 1, 1]; 2]).unwrap().unwrap();
        assert_eq!((pair.arrangements, pair.as_large), (36, 2));
        // Labels that cannot move tell nothing.
        assert_eq!(pair_in_strata([&a, &b], [&[0, 0, 1, 1], &[2, 2, 3, 3]]), Ok(None));
    }
}
