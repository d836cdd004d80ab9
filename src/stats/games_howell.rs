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
    let all = pairs(samples.len());
    let errors: Vec<(f64, f64)> = all.iter().map(|&(a, b)| welch_se(&samples[a], &samples[b])).collect();
    let dfs: Vec<f64> = errors.iter().map(|(_, df)| *df).collect();
    let critical = studentized_range::critical_of_all(alpha, samples.len(), &dfs);
    let of = |i: usize| {
        let ((a, b), (se, df)) = (all[i], errors[i]);
        pair((a, b), mean(&samples[a]) - mean(&samples[b]), se, df, samples.len(), critical[i])
    };
    Ok((0..all.len()).map(of).collect())
}
