//! Equivalence: are two means closer than a margin? Two one-sided tests. A large p-value of a difference never says so.

use super::{
    Interval, Result, Undefined,
    distribution::{t_critical, t_lower, t_upper},
    welch::{self, TTest},
};

/// Two one-sided Welch t tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equivalence {
    /// `mean(a) − mean(b)`.
    pub estimate: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// p of "the difference is at or below the lower margin".
    pub p_lower: f64,
    /// p of "the difference is at or above the upper margin".
    pub p_upper: f64,
    /// The larger of both: below α, the means are equivalent within the margins.
    pub p: f64,
    /// The interval that lies within the margins exactly when `p` is below α: 1 − 2α.
    pub interval: Interval,
}

/// Tests whether `mean(a) − mean(b)` lies between `margins`.
///
/// # Errors
///
/// As [`welch::welch`]; [`Undefined::Confounded`] if the margins are not in order.
pub fn tost(a: &[f64], b: &[f64], margins: Interval, alpha: f64) -> Result<Equivalence> {
    of_test(&welch::welch(a, b)?, margins, alpha)
}

/// Tests whether a difference whose error is known lies between `margins`.
///
/// # Errors
///
/// [`Undefined::Confounded`] if the margins are not in order.
pub fn of_test(test: &TTest, margins: Interval, alpha: f64) -> Result<Equivalence> {
    if margins.lo.is_nan() || margins.hi.is_nan() || margins.lo >= margins.hi {
        return Err(Undefined::Confounded);
    }
    let p_lower = t_upper((test.estimate - margins.lo) / test.se, test.df);
    let p_upper = t_lower((test.estimate - margins.hi) / test.se, test.df);
    let interval = Interval::around(test.estimate, t_critical(2.0 * alpha, test.df) * test.se);
    Ok(Equivalence {
        estimate: test.estimate,
        df: test.df,
        p_lower,
        p_upper,
        p: p_lower.max(p_upper),
        interval,
    })
}
