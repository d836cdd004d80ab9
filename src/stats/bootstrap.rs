//! Bias-corrected accelerated bootstrap intervals over animals. At ten animals per group or fewer they are too narrow;
//! use intervals of t or of permutations there.

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    Interval, Result, Undefined, at_least,
    describe::{mean, quantile},
    distribution::{normal_lower, normal_quantile},
};

/// Most resamples that are all listed.
const LISTED: f64 = 50_000.0;

/// Differences below this share are ties with the estimate.
const TIE: f64 = 1e-12;

/// Fewest animals per group at which coverage was found to hold.
pub const LEAST: usize = 11;

/// A bootstrap interval with its corrections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bca {
    /// The statistic of the sample.
    pub estimate: f64,
    /// The interval.
    pub interval: Interval,
    /// Bias correction.
    pub bias: f64,
    /// Acceleration.
    pub acceleration: f64,
    /// Number of resamples.
    pub resamples: usize,
    /// `None` when all resamples were listed.
    pub seed: Option<u64>,
}

/// Returns the interval of a statistic of several samples; animals are resampled within their sample.
///
/// # Errors
///
/// [`Undefined::TooFew`] below two values in a sample, [`Undefined::NoVariation`] if the statistic never changes or has no
/// value.
pub fn bca(
    samples: &[Vec<f64>],
    alpha: f64,
    draws: usize,
    seed: u64,
    statistic: impl Fn(&[Vec<f64>]) -> f64,
) -> Result<Bca> {
    at_least(samples, 1, 2)?;
    let estimate = statistic(samples);
    let (values, seed) = resample(samples, draws, seed, &statistic);
    let slack = TIE * estimate.abs().max(1e-300);
    let below = values.iter().filter(|v| **v < estimate - slack).count() as f64;
    let same = values.iter().filter(|v| (**v - estimate).abs() <= slack).count() as f64;
    let bias = normal_quantile((below + 0.5 * same) / values.len() as f64);
    let acceleration = acceleration(samples, &statistic);
    if !bias.is_finite() || !acceleration.is_finite() {
        return Err(Undefined::NoVariation);
    }
    let at = |tail: f64| {
        let z = bias + normal_quantile(tail);
        quantile(&values, normal_lower(bias + z / (1.0 - acceleration * z)))
    };
    let interval = Interval { lo: at(alpha / 2.0), hi: at(1.0 - alpha / 2.0) };
    Ok(Bca { estimate, interval, bias, acceleration, resamples: values.len(), seed })
}

/// Skewness of the statistic's dependence on single animals.
fn acceleration(samples: &[Vec<f64>], statistic: &impl Fn(&[Vec<f64>]) -> f64) -> f64 {
    let (mut cubes, mut squares) = (0.0, 0.0);
    for (g, sample) in samples.iter().enumerate() {
        let without = |i: usize| {
            let mut left = samples.to_vec();
            left[g].remove(i);
            statistic(&left)
        };
        let values: Vec<f64> = (0..sample.len()).map(without).collect();
        let (centre, n) = (mean(&values), sample.len() as f64);
        for v in values {
            let influence = (n - 1.0) * (centre - v);
            cubes += influence.powi(3) / n.powi(3);
            squares += influence.powi(2) / n.powi(2);
        }
    }
    cubes / (6.0 * squares.powf(1.5))
}

fn resample(
    samples: &[Vec<f64>],
    draws: usize,
    seed: u64,
    statistic: &impl Fn(&[Vec<f64>]) -> f64,
) -> (Vec<f64>, Option<u64>) {
    let sizes: Vec<usize> = samples.iter().flat_map(|s| vec![s.len(); s.len()]).collect();
    let all: f64 = sizes.iter().map(|&n| n as f64).product();
    let take = |choice: &[usize]| {
        let mut rest = choice;
        let mut taken = Vec::with_capacity(samples.len());
        for sample in samples {
            let (own, others) = rest.split_at(sample.len());
            taken.push(own.iter().map(|&i| sample[i]).collect::<Vec<f64>>());
            rest = others;
        }
        statistic(&taken)
    };
    if all <= LISTED {
        let of = |mut number: usize| {
            let mut digit = |&n: &usize| {
                let digit = number % n;
                number /= n;
                digit
            };
            take(&sizes.iter().map(&mut digit).collect::<Vec<_>>())
        };
        return ((0..all as usize).map(of).collect(), None);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || take(&sizes.iter().map(|&n| random.random_range(0..n)).collect::<Vec<_>>());
    ((0..draws).map(|_| draw()).collect(), Some(seed))
}
