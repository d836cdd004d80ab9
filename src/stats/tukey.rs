//! Tukey–Kramer comparison of all pairs of groups, equal variances.

use super::{
    Interval, Result, anova,
    describe::{mean, pooled_variance},
    studentized_range,
};

/// A comparison of two groups within a family of all pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Index of the first group.
    pub a: usize,
    /// Index of the second group.
    pub b: usize,
    /// Mean of `a` minus mean of `b`.
    pub estimate: f64,
    /// Standard error of the estimate.
    pub se: f64,
    /// Estimate over standard error.
    pub t: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// P-value, adjusted for all pairs.
    pub p: f64,
    /// Simultaneous interval; `None` where it would be wider than tells anything, as with one degree of freedom.
    pub interval: Option<Interval>,
}

/// Returns every pair (a, b) with a < b, in order.
#[must_use]
pub fn pairs(groups: usize) -> Vec<(usize, usize)> {
    (0..groups).flat_map(|a| (a + 1..groups).map(move |b| (a, b))).collect()
}

/// Builds a pair whose error is known.
pub(crate) fn pair(
    at: (usize, usize),
    estimate: f64,
    se: f64,
    df: f64,
    groups: usize,
    critical: f64,
) -> Pair {
    let root = std::f64::consts::SQRT_2;
    let t = estimate / se;
    let p = studentized_range::upper(t.abs() * root, groups, df);
    let interval = critical.is_finite().then(|| Interval::around(estimate, critical / root * se));
    Pair { a: at.0, b: at.1, estimate, se, t, df, p, interval }
}

/// Returns the Tukey–Kramer comparisons.
///
/// # Errors
///
/// As [`anova::classic`].
pub fn tukey_kramer(samples: &[Vec<f64>], alpha: f64) -> Result<Vec<Pair>> {
    anova::classic(samples)?;
    let (ms, df) = pooled_variance(samples);
    let critical = studentized_range::critical(alpha, samples.len(), df);
    let of = |(a, b): (usize, usize)| {
        let (x, y) = (&samples[a], &samples[b]);
        let se = (ms * (1.0 / x.len() as f64 + 1.0 / y.len() as f64)).sqrt();
        pair((a, b), mean(x) - mean(y), se, df, samples.len(), critical)
    };
    Ok(pairs(samples.len()).into_iter().map(of).collect())
}
