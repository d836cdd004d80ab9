//! Does the response follow the dose? Jonckheere–Terpstra, a linear contrast, and linear-by-linear association.

use super::{
    Result, Undefined, at_least, contrast,
    correlation::pearson,
    describe::mean,
    distribution::{normal_two_sided, normal_upper},
    permutation,
    ranks::{Ranks, count_below, tied},
    welch::TTest,
};

/// A Jonckheere–Terpstra test; the groups are ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jonckheere {
    /// Pairs of groups' values in rising order, ties counted half.
    pub j: f64,
    /// Its mean without a trend.
    pub expected: f64,
    /// Its variance without a trend, given the ties.
    pub variance: f64,
    /// Standard normal statistic; positive for a rising trend.
    pub z: f64,
    /// Two-sided p-value by the normal approximation.
    pub p: f64,
    /// One-sided p-value of a rising trend by the normal approximation.
    pub p_rising: f64,
    /// Two-sided exact p-value (twice the smaller tail), where all arrangements can be listed.
    pub p_exact: Option<f64>,
}

impl Jonckheere {
    /// Returns the exact p-value where there is one, else the approximate one.
    #[must_use]
    pub fn best_p(&self) -> f64 {
        self.p_exact.unwrap_or(self.p)
    }
}

/// Returns the statistic of labelled values.
pub(crate) fn jonckheere_of(values: &[f64], labels: &[usize]) -> f64 {
    let mut sum = 0.0;
    for (i, (&x, &g)) in values.iter().zip(labels).enumerate() {
        for (&y, &h) in values[..i].iter().zip(labels) {
            if g != h {
                let rises = (x > y) == (g > h);
                sum += if tied(x, y) { 0.5 } else { f64::from(u8::from(rises)) };
            }
        }
    }
    sum
}

/// Returns the test of samples in dose order.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two samples, [`Undefined::NoVariation`] if all values are equal.
pub fn jonckheere(samples: &[Vec<f64>]) -> Result<Jonckheere> {
    at_least(samples, 2, 1)?;
    let mut j = 0.0;
    for (i, low) in samples.iter().enumerate() {
        j += samples[i + 1..].iter().map(|high| count_below(low, high)).sum::<f64>();
    }
    let ties: Vec<f64> = Ranks::pooled(samples).ties.iter().map(|&t| t as f64).collect();
    let sizes: Vec<f64> = samples.iter().map(|s| s.len() as f64).collect();
    let n: f64 = sizes.iter().sum();
    let expected = (n * n - sizes.iter().map(|s| s * s).sum::<f64>()) / 4.0;
    let variance = variance(n, &sizes, &ties);
    if ties.len() < 2 || variance <= 0.0 {
        return Err(Undefined::NoVariation);
    }
    let z = (j - expected) / variance.sqrt();
    let exact = permutation::jonckheere(samples)?;
    let p_exact = exact.map(|(up, down)| (2.0 * up.p.min(down.p)).min(1.0));
    Ok(Jonckheere { j, expected, variance, z, p: normal_two_sided(z), p_rising: normal_upper(z), p_exact })
}

fn variance(n: f64, sizes: &[f64], ties: &[f64]) -> f64 {
    let first = |v: f64| v * (v - 1.0) * (2.0 * v + 5.0);
    let second = |v: f64| v * (v - 1.0) * (v - 2.0);
    let third = |v: f64| v * (v - 1.0);
    let sum = |of: &dyn Fn(f64) -> f64, values: &[f64]| values.iter().map(|&v| of(v)).sum::<f64>();
    let mut all = (first(n) - sum(&first, sizes) - sum(&first, ties)) / 72.0;
    if n > 2.0 {
        all += sum(&second, sizes) * sum(&second, ties) / (36.0 * second(n));
    }
    all + sum(&third, sizes) * sum(&third, ties) / (8.0 * third(n))
}

/// Tests the linear contrast of group means in the dose, with each group's own variance if `welch`. The estimate is the
/// contrast `Σ (dᵢ − d̄)·meanᵢ`; over [`slope_unit`] it is a slope per unit of dose.
///
/// # Errors
///
/// As [`contrast::pooled`] or [`contrast::welch`]; [`Undefined::NoVariation`] if all doses are equal.
pub fn linear(samples: &[Vec<f64>], doses: &[f64], welch: bool) -> Result<TTest> {
    let centre = mean(doses);
    let coefficients: Vec<f64> = doses.iter().map(|d| d - centre).collect();
    if coefficients.iter().all(|c| *c == 0.0) {
        return Err(Undefined::NoVariation);
    }
    if welch { contrast::welch(samples, &coefficients) } else { contrast::pooled(samples, &coefficients) }
}

/// Returns what a linear contrast is divided by to become a slope: `Σ (dᵢ − d̄)²`.
#[must_use]
pub fn slope_unit(doses: &[f64]) -> f64 {
    super::describe::sum_of_squares(doses)
}

/// Returns z and p of linear-by-linear association of dose and response (Mantel): the correlation times √(N − 1).
///
/// # Errors
///
/// As [`pearson`].
pub fn linear_by_linear(doses: &[f64], responses: &[f64]) -> Result<(f64, f64)> {
    let r = pearson(doses, responses)?;
    let z = r * (doses.len() as f64 - 1.0).sqrt();
    Ok((z, normal_two_sided(z)))
}
