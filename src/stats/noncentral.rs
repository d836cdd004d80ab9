//! Noncentral t and F distributions, for power and for intervals of effect sizes.

use super::{
    Interval,
    distribution::normal_lower,
    solve,
    special::{self, ln_gamma},
    studentized_range::over_sd,
};

/// Returns the probability of a noncentral t variable up to `t`.
#[must_use]
pub fn t_lower(t: f64, df: f64, shift: f64) -> f64 {
    over_sd(df, t.abs(), |s| normal_lower(t * s - shift))
}

/// Returns the probability of a noncentral t variable beyond `t`.
#[must_use]
pub fn t_upper(t: f64, df: f64, shift: f64) -> f64 {
    over_sd(df, t.abs(), |s| normal_lower(shift - t * s))
}

/// Returns the noncentralities that do not make a statistic of `t` improbable: `alpha`/2 on each side.
#[must_use]
pub fn t_shift_interval(t: f64, df: f64, alpha: f64) -> Interval {
    let width = 10.0 + t.abs();
    let lower = |shift: f64| t_upper(t, df, shift) - alpha / 2.0;
    let upper = |shift: f64| t_lower(t, df, shift) - alpha / 2.0;
    Interval { lo: bracketed(t, -width, lower), hi: bracketed(t, width, upper) }
}

/// Root between `from` and where `f` first changes its sign, going on by `step`.
fn bracketed(from: f64, step: f64, f: impl Fn(f64) -> f64) -> f64 {
    let start = f(from);
    let mut reach = step;
    for _ in 0..60 {
        if (f(from + reach) < 0.0) != (start < 0.0) {
            return solve::root(from, from + reach, f);
        }
        reach *= 2.0;
    }
    f64::NAN
}

/// Returns the probability of a noncentral F variable beyond `f`: central ones in a Poisson mixture.
#[must_use]
pub fn f_upper(f: f64, df1: f64, df2: f64, noncentrality: f64) -> f64 {
    mixture(f, df1, df2, noncentrality, |tails| tails.upper)
}

/// Returns the probability of a noncentral F variable up to `f`.
#[must_use]
pub fn f_lower(f: f64, df1: f64, df2: f64, noncentrality: f64) -> f64 {
    mixture(f, df1, df2, noncentrality, |tails| tails.lower)
}

fn mixture(f: f64, df1: f64, df2: f64, noncentrality: f64, of: fn(special::Tails) -> f64) -> f64 {
    let half = 0.5 * noncentrality;
    let all = df2 + df1 * f;
    let term = |j: f64| {
        let log_weight = if half > 0.0 { j * half.ln() - half - ln_gamma(j + 1.0) } else { 0.0 };
        log_weight.exp() * of(special::beta(0.5 * df1 + j, 0.5 * df2, df1 * f / all, df2 / all))
    };
    if half <= 0.0 {
        return term(0.0);
    }
    // Poisson weights beyond 12 standard deviations are nothing.
    let reach = 12.0 * half.sqrt() + 40.0;
    let (first, last) = ((half - reach).max(0.0).floor() as u64, (half + reach).ceil() as u64);
    (first..=last).map(|j| term(j as f64)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distribution;

    #[test]
    fn without_shift_they_are_central() {
        for t in [-3.0, 0.0, 1.7] {
            assert!((t_upper(t, 9.0, 0.0) - distribution::t_upper(t, 9.0)).abs() < 1e-14);
        }
        assert_eq!(f_upper(2.5, 3.0, 20.0, 0.0), distribution::f_upper(2.5, 3.0, 20.0));
        // The square of a noncentral t is a noncentral F.
        let two_sided = t_upper(2.0, 9.0, 1.5) + t_lower(-2.0, 9.0, 1.5);
        assert!((f_upper(4.0, 1.0, 9.0, 2.25) - two_sided).abs() < 1e-14);
    }
}
