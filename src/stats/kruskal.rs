//! Kruskal–Wallis test with the correction for ties.

use super::{Result, Undefined, at_least, distribution::chi2_upper, ranks::Ranks};

/// A χ² test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chi2Test {
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Probability of a larger statistic by chance.
    pub p: f64,
}

impl Chi2Test {
    /// Returns the test of a statistic.
    #[must_use]
    pub fn new(statistic: f64, df: f64) -> Self {
        Self { statistic, df, p: chi2_upper(statistic, df) }
    }
}

/// Returns the Kruskal–Wallis test.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two groups, [`Undefined::NoVariation`] if all values are equal.
pub fn kruskal_wallis(samples: &[Vec<f64>]) -> Result<Chi2Test> {
    at_least(samples, 2, 1)?;
    let ranks = Ranks::pooled(samples);
    let n = ranks.of.len() as f64;
    let ties = 1.0 - ranks.tie_sum() / (n * n * n - n);
    if ranks.ties.len() < 2 {
        return Err(Undefined::NoVariation);
    }
    let weighted: f64 =
        ranks.sums(samples).iter().zip(samples).map(|(sum, s)| sum * sum / s.len() as f64).sum();
    let h = (12.0 / (n * (n + 1.0)) * weighted - 3.0 * (n + 1.0)) / ties;
    Ok(Chi2Test::new(h.max(0.0), (samples.len() - 1) as f64))
}
