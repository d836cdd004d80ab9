//! Dunnett's comparison of several groups with one control, equal variances.

use super::{
    Interval, Result, Undefined, anova,
    describe::{mean, pooled_variance},
    distribution::{normal_density, normal_lower},
    solve,
    studentized_range::over_sd,
};

/// Which departures from the control count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Either way.
    Two,
    /// Above the control only.
    Greater,
    /// Below the control only.
    Less,
}

/// One group against the control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Against {
    /// Index of the group.
    pub group: usize,
    /// Mean of the group minus mean of the control.
    pub estimate: f64,
    /// Standard error of the estimate.
    pub se: f64,
    /// Estimate over standard error.
    pub t: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// P-value, adjusted for all comparisons with the control.
    pub p: f64,
    /// Simultaneous interval, two-sided.
    pub interval: Interval,
}

/// Largest of several t statistics that share a control and a variance estimate.
#[derive(Clone, Debug)]
pub struct Family {
    /// `sqrt(n_i/(n_i + n_0))` of each comparison: the product of two is their correlation.
    loadings: Vec<f64>,
    df: f64,
}

impl Family {
    /// Describes the comparisons of groups of these sizes with a control.
    #[must_use]
    pub fn new(control: usize, groups: &[usize], df: f64) -> Self {
        let loading = |&n: &usize| (n as f64 / (n as f64 + control as f64)).sqrt();
        Self { loadings: groups.iter().map(loading).collect(), df }
    }

    /// Returns the probability that the largest statistic exceeds `t`.
    #[must_use]
    pub fn upper(&self, t: f64, side: Side) -> f64 {
        let t = match side {
            Side::Two => t.abs(),
            Side::Greater => t,
            Side::Less => -t,
        };
        over_sd(self.df, t.abs(), |s| self.given_sd(t * s, side == Side::Two)).min(1.0)
    }

    /// The same with a known standard deviation: the control's mean is integrated over.
    fn given_sd(&self, width: f64, two_sided: bool) -> f64 {
        let narrowest = self.loadings.iter().map(|l| (1.0 - l * l).sqrt()).fold(1.0, f64::min);
        let step = 0.2_f64.min(0.5 * narrowest);
        let steps = (9.5 / step).ceil() as i64;
        let at = |i: i64| {
            let z = step * i as f64;
            let within = |l: &f64| {
                let own = (1.0 - l * l).sqrt();
                let above = normal_lower((l * z - width) / own);
                let below = if two_sided { normal_lower(-(l * z + width) / own) } else { 0.0 };
                (-(above + below)).max(-1.0).ln_1p()
            };
            let none = self.loadings.iter().map(within).sum::<f64>();
            -none.exp_m1() * normal_density(z)
        };
        step * (-steps..=steps).map(at).sum::<f64>()
    }

    /// Returns the value that the largest absolute statistic exceeds with probability `alpha`.
    #[must_use]
    pub fn critical(&self, alpha: f64) -> f64 {
        solve::falling(alpha, 0.0, 3.0, |t| self.upper(t, Side::Two))
    }
}

/// Returns Dunnett's comparisons of every other group with group `control`.
///
/// # Errors
///
/// As [`anova::classic`]; [`Undefined::TooFew`] also if `control` is not a group.
pub fn dunnett(samples: &[Vec<f64>], control: usize, side: Side, alpha: f64) -> Result<Vec<Against>> {
    let reference = samples.get(control).ok_or(Undefined::TooFew { groups: control + 1, each: 1 })?;
    anova::classic(samples)?;
    let (ms, df) = pooled_variance(samples);
    let others: Vec<usize> = (0..samples.len()).filter(|&g| g != control).collect();
    let sizes: Vec<usize> = others.iter().map(|&g| samples[g].len()).collect();
    let family = Family::new(reference.len(), &sizes, df);
    let critical = family.critical(alpha);
    let of = |&group: &usize| {
        let sample = &samples[group];
        let estimate = mean(sample) - mean(reference);
        let se = (ms * (1.0 / sample.len() as f64 + 1.0 / reference.len() as f64)).sqrt();
        let t = estimate / se;
        let interval = Interval::around(estimate, critical * se);
        Against { group, estimate, se, t, df, p: family.upper(t, side), interval }
    };
    Ok(others.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distribution::{t_two_sided, t_upper};

    #[test]
    fn one_comparison_is_a_t_test() {
        for (control, group) in [(5, 5), (2, 40), (40, 2)] {
            let family = Family::new(control, &[group], 8.0);
            for t in [0.0, 0.5, 2.3, 9.0] {
                let (got, expected) = (family.upper(t, Side::Two), t_two_sided(t, 8.0));
                assert!((got - expected).abs() < 1e-12 * expected, "{t}: {got:e} {expected:e}");
                assert!((family.upper(t, Side::Greater) - t_upper(t, 8.0)).abs() < 1e-12);
                assert!((family.upper(-t, Side::Less) - t_upper(t, 8.0)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn known_sd_and_independent_groups() {
        // With a control so large that its mean is certain, comparisons are independent.
        let family = Family::new(1_000_000_000, &[5, 5, 5], f64::INFINITY);
        let one = crate::stats::distribution::normal_two_sided(2.0);
        assert!((family.upper(2.0, Side::Two) - (1.0 - (1.0 - one).powi(3))).abs() < 1e-7);
    }
}
