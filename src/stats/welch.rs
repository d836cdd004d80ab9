//! t tests of two samples, Welch's and Student's, with intervals.

use super::{
    Interval, Result, Undefined, at_least,
    describe::{constant, mean, variance},
    distribution::{t_critical, t_two_sided},
};

/// A t test of a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TTest {
    /// The difference tested, in the unit of the values.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Estimate over standard error.
    pub t: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Two-sided p-value.
    pub p: f64,
}

impl TTest {
    /// Returns the test of an estimate.
    #[must_use]
    pub fn new(estimate: f64, se: f64, df: f64) -> Self {
        let t = estimate / se;
        Self { estimate, se, t, df, p: t_two_sided(t, df) }
    }

    /// Returns the interval that holds the true difference with probability 1 − `alpha`.
    #[must_use]
    pub fn interval(&self, alpha: f64) -> Interval {
        Interval::around(self.estimate, t_critical(alpha, self.df) * self.se)
    }
}

/// Returns the standard error of the mean difference and its Satterthwaite degrees of freedom.
pub(crate) fn welch_se(a: &[f64], b: &[f64]) -> (f64, f64) {
    let part = |s: &[f64]| (variance(s) / s.len() as f64, s.len() as f64 - 1.0);
    let ((va, da), (vb, db)) = (part(a), part(b));
    let all = va + vb;
    (all.sqrt(), all * all / (va * va / da + vb * vb / db))
}

/// Tests `mean(a) − mean(b)` without assuming equal variances.
///
/// # Errors
///
/// [`Undefined::TooFew`] below two values in a sample, [`Undefined::NoVariation`] if neither sample varies.
pub fn welch(a: &[f64], b: &[f64]) -> Result<TTest> {
    check(a, b)?;
    let (se, df) = welch_se(a, b);
    Ok(TTest::new(mean(a) - mean(b), se, df))
}

/// Tests `mean(a) − mean(b)` assuming equal variances.
///
/// # Errors
///
/// As [`welch`].
pub fn student(a: &[f64], b: &[f64]) -> Result<TTest> {
    check(a, b)?;
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let df = na + nb - 2.0;
    let pooled = ((na - 1.0) * variance(a) + (nb - 1.0) * variance(b)) / df;
    Ok(TTest::new(mean(a) - mean(b), (pooled * (1.0 / na + 1.0 / nb)).sqrt(), df))
}

fn check(a: &[f64], b: &[f64]) -> Result<()> {
    at_least(&[a.to_vec(), b.to_vec()], 2, 2)?;
    if constant(a) && constant(b) {
        return Err(Undefined::NoVariation);
    }
    Ok(())
}
