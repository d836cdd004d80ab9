//! Effect sizes with intervals.

use super::{
    Interval, Result,
    anova::{self, Anova, FTest},
    at_least,
    brunner_munzel::{BrunnerMunzel, brunner_munzel},
    describe::{mean, pooled_variance},
    distribution::{chi2_upper, normal_quantile},
    kruskal::Chi2Test,
    noncentral,
    ranks::count_below,
    solve,
    special::ln_gamma,
    welch::TTest,
};

/// A standardised effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The estimate.
    pub value: f64,
    /// Its interval; `None` where it has none.
    pub interval: Option<Interval>,
}

/// Returns Hedges' g of `mean(a) − mean(b)`: the difference in pooled standard deviations, corrected for small samples,
/// with the interval of the noncentral t distribution.
///
/// # Errors
///
/// As [`anova::classic`].
pub fn hedges_g(a: &[f64], b: &[f64], alpha: f64) -> Result<Effect> {
    let samples = [a.to_vec(), b.to_vec()];
    at_least(&samples, 2, 2)?;
    anova::classic(&samples)?;
    let (variance, df) = pooled_variance(&samples);
    let d = (mean(a) - mean(b)) / variance.sqrt();
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let scale = (na * nb / (na + nb)).sqrt();
    let correction = small_sample(df);
    let shift = noncentral::t_shift_interval(d * scale, df, alpha);
    let back = |v: f64| correction * v / scale;
    Ok(Effect { value: correction * d, interval: Some(Interval { lo: back(shift.lo), hi: back(shift.hi) }) })
}

/// Returns Hedges' g of a difference of adjusted means: the difference in residual standard deviations `sd` of the model that it is
/// tested in, corrected for small samples, with the interval of the noncentral t distribution.
#[must_use]
pub fn hedges_g_adjusted(test: &TTest, sd: f64, alpha: f64) -> Effect {
    let correction = small_sample(test.df);
    let shift = noncentral::t_shift_interval(test.t, test.df, alpha);
    let back = |v: f64| correction * v * test.se / sd;
    Effect {
        value: correction * test.estimate / sd,
        interval: Some(Interval { lo: back(shift.lo), hi: back(shift.hi) }),
    }
}

/// Returns the exact factor that removes the bias of a standardised difference with `df` degrees of freedom.
#[must_use]
pub fn small_sample(df: f64) -> f64 {
    (ln_gamma(0.5 * df) - ln_gamma(0.5 * (df - 1.0))).exp() / (0.5 * df).sqrt()
}

/// Returns Cliff's delta: the chance that a value of `a` exceeds one of `b`, minus the reverse.
///
/// # Errors
///
/// [`Undefined::TooFew`] if a sample is empty.
pub fn cliffs_delta(a: &[f64], b: &[f64]) -> Result<f64> {
    at_least(&[a.to_vec(), b.to_vec()], 2, 1)?;
    Ok(2.0 * count_below(b, a) / (a.len() * b.len()) as f64 - 1.0)
}

/// Returns Cliff's delta with the logit interval of Brunner and Munzel, conservative at small n. There is no interval
/// when the samples do not overlap or are too small.
///
/// # Errors
///
/// As [`cliffs_delta`].
pub fn cliffs_delta_interval(a: &[f64], b: &[f64], alpha: f64) -> Result<Effect> {
    let value = cliffs_delta(a, b)?;
    let of = |test: BrunnerMunzel| {
        // The test's probability is that of b exceeding a.
        let p = test.logit_interval(alpha);
        Interval { lo: 1.0 - 2.0 * p.hi, hi: 1.0 - 2.0 * p.lo }
    };
    Ok(Effect { value, interval: brunner_munzel(a, b).ok().map(of) })
}

/// Returns the interval of Cliff's delta on the inverse hyperbolic tangent scale. Too narrow at n ≤ 10: use
/// [`cliffs_delta_interval`] there.
#[must_use]
pub fn cliffs_delta_fisher(delta: f64, a: usize, b: usize, alpha: f64) -> Interval {
    let (na, nb) = (a as f64, b as f64);
    let half = normal_quantile(1.0 - alpha / 2.0) * ((na + nb + 1.0) / (3.0 * na * nb)).sqrt();
    let centre = delta.atanh();
    Interval { lo: (centre - half).tanh(), hi: (centre + half).tanh() }
}

/// Returns η²: the share of all variation that lies between groups.
#[must_use]
pub fn eta2(anova: &Anova) -> f64 {
    anova.between / (anova.between + anova.within)
}

/// Sum of squares between groups, in variances within, from which the noncentral F is approximated; η² is then within
/// 10⁻⁶ of its exact limits.
const FAR: f64 = 1e5;

/// Returns the interval of η² of an F test, by the noncentral F distribution.
#[must_use]
pub fn eta2_interval(test: &FTest, alpha: f64) -> Interval {
    let FTest { f, df1, df2, .. } = *test;
    let share = |noncentrality: f64| noncentrality / (noncentrality + df2);
    let limit = |tail: f64| {
        // Far from 0 only the denominator's χ² still varies.
        if f * df1 > FAR {
            return share(f * df1 / df2 * solve::falling(tail, 0.0, df2, |x| chi2_upper(x, df2)));
        }
        if noncentral::f_lower(f, df1, df2, 0.0) <= tail {
            return 0.0;
        }
        share(solve::falling(tail, 0.0, 4.0, |nc| noncentral::f_lower(f, df1, df2, nc)))
    };
    Interval { lo: limit(1.0 - alpha / 2.0), hi: limit(alpha / 2.0) }
}

/// Returns ω²: η² without its bias.
#[must_use]
pub fn omega2(anova: &Anova) -> f64 {
    let ms = anova.within / anova.test.df2;
    (anova.between - anova.test.df1 * ms) / (anova.between + anova.within + ms)
}

/// Returns the rank ε² of a Kruskal–Wallis test of `n` values.
#[must_use]
pub fn rank_epsilon2(test: &Chi2Test, n: usize) -> f64 {
    test.statistic / (n as f64 - 1.0)
}
