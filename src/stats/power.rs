//! Power and sample size of the next study. Power of the study at hand is not computed: it only restates its p-value.

use super::{
    distribution::{f_critical, t_critical},
    noncentral, solve,
};

/// Largest group size considered.
const MOST: f64 = 1e6;

/// Returns the power of an analysis of variance of `groups` groups of `n` animals for effect size f (standard deviation
/// of group means over that within groups).
#[must_use]
pub fn anova(groups: usize, n: f64, f: f64, alpha: f64) -> f64 {
    let k = groups as f64;
    let (df1, df2) = (k - 1.0, k * (n - 1.0));
    noncentral::f_upper(f_critical(alpha, df1, df2), df1, df2, k * n * f * f)
}

/// Returns the power of a two-sided t test of two groups of `n` animals whose means differ by `d` standard deviations.
#[must_use]
pub fn t_test(n: f64, d: f64, alpha: f64) -> f64 {
    let df = 2.0 * n - 2.0;
    let (critical, shift) = (t_critical(alpha, df), d.abs() * (n / 2.0).sqrt());
    noncentral::t_upper(critical, df, shift) + noncentral::t_lower(-critical, df, shift)
}

/// Returns the group size, as a real number, at which [`anova`] has `power`; infinite beyond a million.
#[must_use]
pub fn anova_n(groups: usize, f: f64, alpha: f64, power: f64) -> f64 {
    size(power, |n| anova(groups, n, f, alpha))
}

/// Returns the group size, as a real number, at which [`t_test`] has `power`; infinite beyond a million.
#[must_use]
pub fn t_test_n(d: f64, alpha: f64, power: f64) -> f64 {
    size(power, |n| t_test(n, d, alpha))
}

fn size(power: f64, of: impl Fn(f64) -> f64) -> f64 {
    let least = 2.0;
    if of(least) >= power {
        return least;
    }
    let mut hi = 4.0;
    while of(hi) < power {
        hi *= 2.0;
        if hi > MOST {
            return f64::INFINITY;
        }
    }
    solve::root(least, hi, |n| of(n) - power)
}
