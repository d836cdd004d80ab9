//! Brunner–Munzel test: is a value of one group likely to exceed one of the other? Neither normality nor equal
//! variances are assumed.

use super::{
    Interval, Result, Undefined, at_least,
    describe::mean,
    distribution::{t_critical, t_two_sided},
    ranks::Ranks,
};

/// A Brunner–Munzel test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrunnerMunzel {
    /// Probability that a value of the second sample exceeds one of the first, ties counted half.
    pub exceeds: f64,
    /// Standard error of `exceeds`; 0 when the samples do not overlap.
    pub se: f64,
    /// The statistic.
    pub t: f64,
    /// Satterthwaite degrees of freedom.
    pub df: f64,
    /// Two-sided p-value.
    pub p: f64,
    sizes: (usize, usize),
}

/// Returns the test.
///
/// # Errors
///
/// [`Undefined::TooFew`] below two values in a sample; [`Undefined::Separated`] if the samples do not overlap, where
/// the statistic is infinite and the exact Mann–Whitney test is the one to use.
pub fn brunner_munzel(a: &[f64], b: &[f64]) -> Result<BrunnerMunzel> {
    let placed = placements(a, b)?;
    if placed.se == 0.0 {
        return Err(Undefined::Separated);
    }
    Ok(placed)
}

/// The estimate and its error, whether or not the samples overlap.
fn placements(a: &[f64], b: &[f64]) -> Result<BrunnerMunzel> {
    at_least(&[a.to_vec(), b.to_vec()], 2, 2)?;
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let pooled = Ranks::pooled(&[a.to_vec(), b.to_vec()]).of;
    let (in_a, in_b) = pooled.split_at(a.len());
    let spread = |joint: &[f64], own: &[f64]| {
        let own = Ranks::new(own).of;
        let (mj, mo) = (mean(joint), mean(&own));
        let terms = joint.iter().zip(&own).map(|(j, o)| (j - o - mj + mo).powi(2));
        terms.sum::<f64>() / (joint.len() as f64 - 1.0)
    };
    let (va, vb) = (spread(in_a, a), spread(in_b, b));
    let exceeds = (mean(in_b) - (nb + 1.0) / 2.0) / na;
    let all = na * va + nb * vb;
    let df = all * all / ((na * va).powi(2) / (na - 1.0) + (nb * vb).powi(2) / (nb - 1.0));
    let t = na * nb * (mean(in_b) - mean(in_a)) / ((na + nb) * all.sqrt());
    let se = (all / (na * na * nb * nb)).sqrt();
    let p = if se == 0.0 { 0.0 } else { t_two_sided(t, df) };
    Ok(BrunnerMunzel { exceeds, se, t, df, p, sizes: (a.len(), b.len()) })
}

impl BrunnerMunzel {
    /// Returns the interval of `exceeds` on the logit scale, which keeps it within 0 and 1. Estimates at the ends are
    /// moved by half of what one pair of values can change.
    #[must_use]
    pub fn logit_interval(&self, alpha: f64) -> Interval {
        let pairs = (self.sizes.0 * self.sizes.1) as f64;
        let least = 1.0 / (2.0 * pairs);
        let p = self.exceeds.clamp(least, 1.0 - least);
        let (logit, half) = ((p / (1.0 - p)).ln(), t_critical(alpha, self.df) * self.se / (p * (1.0 - p)));
        let back = |v: f64| 1.0 / (1.0 + (-v).exp());
        Interval { lo: back(logit - half), hi: back(logit + half) }
    }
}
