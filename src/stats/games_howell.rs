//! Games–Howell comparison of all pairs of groups, unequal variances.

use super::{
    Result, Undefined, at_least,
    describe::{constant, mean},
    studentized_range,
    tukey::{Pair, pair, pairs},
    welch::welch_se,
};

/// Returns the Games–Howell comparisons.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two groups of two values, [`Undefined::ConstantGroup`] if a group does not vary.
pub fn games_howell(samples: &[Vec<f64>], alpha: f64) -> Result<Vec<Pair>> {
    at_least(samples, 2, 2)?;
    if samples.iter().any(|s| constant(s)) {
        return Err(Undefined::ConstantGroup);
    }
    let of = |(a, b): (usize, usize)| {
        let (x, y) = (&samples[a], &samples[b]);
        let (se, df) = welch_se(x, y);
        let critical = studentized_range::critical(alpha, samples.len(), df);
        pair((a, b), mean(x) - mean(y), se, df, samples.len(), critical)
    };
    Ok(pairs(samples.len()).into_iter().map(of).collect())
}
