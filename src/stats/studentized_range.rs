//! Distribution of the studentised range, and the integral over an estimated standard deviation that it shares with
//! other simultaneous tests.
//!
//! Both integrals are taken by the trapezoid rule on a scale where the integrand falls off smoothly on both sides,
//! where that rule converges faster than any power of the step.

use super::{
    distribution::{normal_density, normal_lower},
    solve,
    special::ln_gamma,
};

/// Natural logarithm below which a part of an integral is nothing, whatever the rest.
const NOTHING: f64 = -80.0;

/// Returns `∫ f(s) g(s) ds`, f being the density of `sqrt(χ²/df)`: what a probability `g` known for one standard
/// deviation becomes when that is estimated with `df` degrees of freedom. `df` may be infinite or fractional; `g` may
/// rise or fall within a distance of 1/`sharpness`, not faster.
pub(crate) fn over_sd(df: f64, sharpness: f64, g: impl Fn(f64) -> f64) -> f64 {
    if df > 1e7 {
        return g(1.0);
    }
    // Density of u = ln s: 2 (df/2)^(df/2) / Γ(df/2) · exp(df·u − df·exp(2u)/2).
    let front = 2.0_f64.ln() + 0.5 * df * (0.5 * df).ln() - ln_gamma(0.5 * df);
    let log_density = |u: f64| front + df * (u - 0.5 * (2.0 * u).exp());
    // The integrand is about as wide as a normal curve of variance 1/(2·df + sharpness²): its step must be finer.
    let step = 0.1_f64.min(0.6 / (2.0 * df + sharpness * sharpness).sqrt());
    let (mut sum, mut total) = (0.0, 0.0);
    for direction in [1.0, -1.0] {
        let mut i = if direction > 0.0 { 0.0 } else { 1.0 };
        loop {
            let u = direction * i * step;
            let log = log_density(u);
            if log < NOTHING {
                break;
            }
            let weight = log.exp();
            total += weight;
            sum += weight * g(u.exp());
            i += 1.0;
        }
    }
    // The rule gives the density's own integral as 1 but for rounding: dividing by it removes that too.
    sum / total
}

/// Returns the probability that the range of `groups` standard normal values exceeds `width`.
fn range_upper(width: f64, groups: f64) -> f64 {
    if width <= 0.0 {
        return 1.0;
    }
    let (step, lowest) = (0.2, -9.0);
    let highest = 9.0 + 0.5 * width;
    let steps = ((highest - lowest) / step) as usize;
    let at = |i: usize| {
        let z = lowest + step * i as f64;
        let below = normal_lower(z);
        let share = (normal_lower(z - width) / below).min(1.0);
        let some_beyond = -((groups - 1.0) * (-share).ln_1p()).exp_m1();
        normal_density(z) * below.powf(groups - 1.0) * some_beyond
    };
    groups * step * (0..=steps).map(at).sum::<f64>()
}

/// Returns the probability that the studentised range of `groups` means exceeds `q`.
#[must_use]
pub fn upper(q: f64, groups: usize, df: f64) -> f64 {
    over_sd(df, q.abs(), |s| range_upper(q * s, groups as f64)).min(1.0)
}

/// Returns the value that the studentised range exceeds with probability `alpha`.
#[must_use]
pub fn critical(alpha: f64, groups: usize, df: f64) -> f64 {
    solve::falling(alpha, 0.0, 4.0, |q| upper(q, groups, df))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distribution::t_two_sided;

    #[test]
    fn two_groups_are_a_t_test() {
        // The range of two means is √2 times the absolute t statistic.
        for df in [1.0, 2.0, 3.7, 10.0, 60.0, 500.0] {
            for t in [0.1, 1.0, 2.0, 5.0, 12.0] {
                let (got, expected) = (upper(t * 2.0_f64.sqrt(), 2, df), t_two_sided(t, df));
                assert!((got - expected).abs() <= 1e-12 * expected + 1e-25, "{df} {t}: {got:e} {expected:e}");
            }
        }
    }
}
