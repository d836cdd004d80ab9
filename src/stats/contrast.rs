//! Planned contrasts of group means.

use super::{
    Result, Undefined, anova, at_least,
    describe::{constant, mean, pooled_variance, variance},
    welch::TTest,
};

/// Tests `Σ cᵢ·meanᵢ` with the pooled variance.
///
/// # Errors
///
/// As [`anova::classic`]; [`Undefined::TooFew`] also unless there is a coefficient for each group.
pub fn pooled(samples: &[Vec<f64>], coefficients: &[f64]) -> Result<TTest> {
    check(samples, coefficients)?;
    anova::classic(samples)?;
    let (ms, df) = pooled_variance(samples);
    let spread: f64 = samples.iter().zip(coefficients).map(|(s, c)| c * c / s.len() as f64).sum();
    Ok(TTest::new(estimate(samples, coefficients), (ms * spread).sqrt(), df))
}

/// Tests `Σ cᵢ·meanᵢ` with each group's own variance and Satterthwaite degrees of freedom.
///
/// # Errors
///
/// [`Undefined::TooFew`] below two values in a group that takes part, [`Undefined::NoVariation`] if none of those vary.
pub fn welch(samples: &[Vec<f64>], coefficients: &[f64]) -> Result<TTest> {
    check(samples, coefficients)?;
    let part: Vec<(&Vec<f64>, f64)> =
        samples.iter().zip(coefficients.iter().copied()).filter(|(_, c)| *c != 0.0).collect();
    if part.iter().any(|(s, _)| s.len() < 2) {
        return Err(Undefined::TooFew { groups: 2, each: 2 });
    }
    if part.iter().all(|(s, _)| constant(s)) {
        return Err(Undefined::NoVariation);
    }
    let share = |(s, c): &(&Vec<f64>, f64)| c * c * variance(s) / s.len() as f64;
    let all: f64 = part.iter().map(share).sum();
    let lack: f64 = part.iter().map(|p| share(p).powi(2) / (p.0.len() as f64 - 1.0)).sum();
    Ok(TTest::new(estimate(samples, coefficients), all.sqrt(), all * all / lack))
}

fn check(samples: &[Vec<f64>], coefficients: &[f64]) -> Result<()> {
    at_least(samples, 2, 1)?;
    if coefficients.len() != samples.len() {
        return Err(Undefined::TooFew { groups: coefficients.len(), each: 1 });
    }
    Ok(())
}

fn estimate(samples: &[Vec<f64>], coefficients: &[f64]) -> f64 {
    samples.iter().zip(coefficients).map(|(s, c)| c * mean(s)).sum()
}
