//! One-way analysis of variance, classic and Welch's.

use super::{
    Result, Undefined, at_least,
    describe::{constant, mean, pooled_variance, variance},
    distribution::f_upper,
};

/// An F test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FTest {
    /// The statistic.
    pub f: f64,
    /// Numerator degrees of freedom.
    pub df1: f64,
    /// Denominator degrees of freedom.
    pub df2: f64,
    /// Probability of a larger statistic by chance.
    pub p: f64,
}

impl FTest {
    /// Returns the test of a statistic.
    #[must_use]
    pub fn new(f: f64, df1: f64, df2: f64) -> Self {
        Self { f, df1, df2, p: f_upper(f, df1, df2) }
    }
}

/// Classic analysis of variance with its sums of squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anova {
    /// The test.
    pub test: FTest,
    /// Sum of squares between groups.
    pub between: f64,
    /// Sum of squares within groups.
    pub within: f64,
}

/// Returns the classic analysis of variance; it assumes equal variances.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two groups or any spare value, [`Undefined::NoVariation`] if every group is constant.
pub fn classic(samples: &[Vec<f64>]) -> Result<Anova> {
    at_least(samples, 2, 1)?;
    let (ms_within, df2) = pooled_variance(samples);
    if df2 < 1.0 {
        return Err(Undefined::TooFew { groups: 2, each: 2 });
    }
    if samples.iter().all(|s| constant(s)) {
        return Err(Undefined::NoVariation);
    }
    let grand = mean(&samples.concat());
    let between = samples.iter().map(|s| s.len() as f64 * (mean(s) - grand).powi(2)).sum::<f64>();
    let df1 = (samples.len() - 1) as f64;
    let test = FTest::new(between / df1 / ms_within, df1, df2);
    Ok(Anova { test, between, within: ms_within * df2 })
}

/// Returns Welch's analysis of variance; it does not assume equal variances.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two groups of two values, [`Undefined::ConstantGroup`] if a group does not vary.
pub fn welch(samples: &[Vec<f64>]) -> Result<FTest> {
    at_least(samples, 2, 2)?;
    if samples.iter().any(|s| constant(s)) {
        return Err(Undefined::ConstantGroup);
    }
    let k = samples.len() as f64;
    let weights: Vec<f64> = samples.iter().map(|s| s.len() as f64 / variance(s)).collect();
    let all: f64 = weights.iter().sum();
    let centre = samples.iter().zip(&weights).map(|(s, w)| w * mean(s)).sum::<f64>() / all;
    let between =
        samples.iter().zip(&weights).map(|(s, w)| w * (mean(s) - centre).powi(2)).sum::<f64>() / (k - 1.0);
    let lack: f64 =
        samples.iter().zip(&weights).map(|(s, w)| (1.0 - w / all).powi(2) / (s.len() as f64 - 1.0)).sum();
    let f = between / (1.0 + 2.0 * (k - 2.0) * lack / (k * k - 1.0));
    Ok(FTest::new(f, k - 1.0, (k * k - 1.0) / (3.0 * lack)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degenerate_samples_give_no_number() {
        let flat = vec![vec![1.0, 1.0], vec![2.0, 2.0]];
        assert_eq!(classic(&flat), Err(Undefined::NoVariation));
        let half = vec![vec![0.0, 0.0, 0.0], vec![1.0, 2.0, 4.0]];
        assert_eq!(welch(&half), Err(Undefined::ConstantGroup));
        assert!(classic(&half).is_ok());
        assert_eq!(classic(&[vec![1.0], vec![2.0]]), Err(Undefined::TooFew { groups: 2, each: 2 }));
        assert_eq!(welch(&[vec![1.0, 2.0]]), Err(Undefined::TooFew { groups: 2, each: 2 }));
    }
}
