//! Dunn's comparisons of mean ranks after a Kruskal–Wallis test.

use super::{
    Result, Undefined, adjust, at_least, distribution::normal_two_sided, ranks::Ranks, tukey::pairs,
};

/// A comparison of mean ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankPair {
    /// Index of the first group.
    pub a: usize,
    /// Index of the second group.
    pub b: usize,
    /// Mean rank of `a` minus mean rank of `b`.
    pub estimate: f64,
    /// Standard normal statistic, corrected for ties.
    pub z: f64,
    /// P-value, two-sided, not adjusted.
    pub p: f64,
    /// P-value adjusted for the comparisons asked for.
    pub p_adjusted: f64,
}

/// Compares mean ranks of all pairs, or of those given.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two groups, [`Undefined::NoVariation`] if all values are equal.
pub fn dunn(
    samples: &[Vec<f64>],
    wanted: Option<&[(usize, usize)]>,
    method: adjust::Method,
) -> Result<Vec<RankPair>> {
    at_least(samples, 2, 1)?;
    let ranks = Ranks::pooled(samples);
    if ranks.ties.len() < 2 {
        return Err(Undefined::NoVariation);
    }
    let n = ranks.of.len() as f64;
    let spread = n * (n + 1.0) / 12.0 - ranks.tie_sum() / (12.0 * (n - 1.0));
    let sums = ranks.sums(samples);
    let size = |g: usize| samples[g].len() as f64;
    let of = |&(a, b): &(usize, usize)| {
        let estimate = sums[a] / size(a) - sums[b] / size(b);
        let z = estimate / (spread * (1.0 / size(a) + 1.0 / size(b))).sqrt();
        let p = normal_two_sided(z);
        RankPair { a, b, estimate, z, p, p_adjusted: p }
    };
    let all = pairs(samples.len());
    let mut result: Vec<RankPair> = wanted.unwrap_or(&all).iter().map(of).collect();
    let raw: Vec<f64> = result.iter().map(|r| r.p).collect();
    for (pair, p) in result.iter_mut().zip(adjust::adjust(&raw, method)) {
        pair.p_adjusted = p;
    }
    Ok(result)
}
