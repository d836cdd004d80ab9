//! Distribution of the studentised range, and the integral over an estimated standard deviation that it shares with
//! other simultaneous tests.
//!
//! Both integrals are taken by the trapezoid rule on a scale where the integrand falls off smoothly on both sides,
//! where that rule converges faster than any power of the step.

use super::{
    distribution::{normal_density, normal_lower, t_two_sided},
    solve,
    special::ln_gamma,
};

/// Sharper integrands are taken as this sharp: their steps then lie between two nodes, and the error stays below 10⁻³.
const SHARPEST: f64 = 2000.0;

/// Natural logarithm below which a part of an integral is nothing, whatever the rest.
const NOTHING: f64 = -60.0;

/// Weight of a node below which a probability above [`COMMON`] keeps all its digits without it.
const LIGHT: f64 = 1e-23;

/// See [`LIGHT`].
const COMMON: f64 = 1e-6;

/// Returns `∫ f(s) g(s) ds`, f being the density of `sqrt(χ²/df)`: what a probability `g` known for one standard
/// deviation becomes when that is estimated with `df` degrees of freedom. `df` may be infinite or fractional; `g` may
/// rise or fall within a distance of 1/`sharpness`, not faster.
pub(crate) fn over_sd(df: f64, sharpness: f64, g: impl Fn(f64) -> f64) -> f64 {
    if df.is_nan() || df <= 0.0 || sharpness.is_nan() {
        return f64::NAN;
    }
    if df > 1e7 {
        return g(1.0);
    }
    // Density of u = ln s: 2 (df/2)^(df/2) / Γ(df/2) · exp(df·u − df·exp(2u)/2).
    let front = 2.0_f64.ln() + 0.5 * df * (0.5 * df).ln() - ln_gamma(0.5 * df);
    let log_density = |u: f64| front + df * (u - 0.5 * (2.0 * u).exp());
    // The integrand is about as wide as a normal curve of variance 1/(2·df + sharpness²): its step must be finer.
    let sharpness = sharpness.abs().min(SHARPEST);
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

/// What does not depend on the width when the range of some standard normal values is integrated over the largest.
struct Largest {
    spare: f64,
    /// `(z, Φ(z), weight)`; the weight is the density that z is the largest.
    nodes: Vec<(f64, f64, f64)>,
}

impl Largest {
    /// Prepares widths up to `widest`.
    fn new(groups: usize, widest: f64) -> Self {
        let spare = groups as f64 - 1.0;
        // Powers of Φ are steeper than Φ.
        let step = if groups <= 8 { 0.25 } else { 0.25 * (8.0 / groups as f64).sqrt() };
        let lowest = -9.0;
        let highest = 9.0 + 0.5 * widest.min(60.0);
        let steps = ((highest - lowest) / step) as usize;
        let node = |i: usize| {
            let z = lowest + step * i as f64;
            let below = normal_lower(z);
            (z, below, groups as f64 * step * normal_density(z) * below.powf(spare))
        };
        Self { spare, nodes: (0..=steps).map(node).collect() }
    }

    /// Returns the probability that the range exceeds `width`.
    fn upper(&self, width: f64) -> f64 {
        if width <= 0.0 {
            return 1.0;
        }
        let at = |&(z, below, weight): &(f64, f64, f64)| {
            let share = (normal_lower(z - width) / below).min(1.0);
            -weight * (self.spare * (-share).ln_1p()).exp_m1()
        };
        self.nodes.iter().map(at).sum()
    }
}

/// Returns the probability that the studentised range of `groups` means exceeds `q`.
#[must_use]
pub fn upper(q: f64, groups: usize, df: f64) -> f64 {
    // Standard deviations beyond this have no weight, whatever the degrees of freedom.
    let largest = Largest::new(groups, 15.0 * q);
    // Most nodes only matter to probabilities far smaller than usual.
    let heavy = largest.nodes.iter().filter(|node| node.2 > LIGHT).copied().collect();
    let few = Largest { spare: largest.spare, nodes: heavy };
    let p = over_sd(df, q, |s| few.upper(q * s));
    if p > COMMON { p.min(1.0) } else { over_sd(df, q, |s| largest.upper(q * s)).min(1.0) }
}

/// Largest critical value that is looked for: an interval of 70 standard errors to either side tells nothing, and finding its ends
/// takes the longer the wider it is.
const WIDEST: f64 = 100.0;

/// Degrees of freedom from which on critical values stay below [`WIDEST`] at every level in use.
const ENOUGH: f64 = 3.0;

/// Returns whether the critical value lies beyond [`WIDEST`].
fn too_wide(alpha: f64, groups: usize, df: f64) -> bool {
    if !(0.0..ENOUGH).contains(&df) {
        return false;
    }
    // The range of two means, and the sum of those of all pairs, lie below and above that of all.
    let pair = t_two_sided(WIDEST / std::f64::consts::SQRT_2, df);
    let pairs = 0.5 * groups as f64 * (groups as f64 - 1.0);
    pair > alpha || pairs * pair > alpha && upper(WIDEST, groups, df) > alpha
}

/// Returns the value that the studentised range exceeds with probability `alpha`; infinite beyond 100 below 3 degrees of freedom.
#[must_use]
pub fn critical(alpha: f64, groups: usize, df: f64) -> f64 {
    if too_wide(alpha, groups, df) {
        return f64::INFINITY;
    }
    solve::falling(alpha, 0.0, 4.0, |q| upper(q, groups, df))
}

/// Returns [`critical`] for each of the degrees of freedom. Neighbours start from each other's value, which saves most of the
/// work where there are many.
#[must_use]
pub(crate) fn critical_of_all(alpha: f64, groups: usize, dfs: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..dfs.len()).collect();
    order.sort_by(|&a, &b| dfs[a].total_cmp(&dfs[b]));
    let mut found = vec![f64::NAN; dfs.len()];
    // The last two, as (1/df, value): values are almost straight in 1/df.
    let mut known: Vec<(f64, f64)> = Vec::new();
    for i in order {
        let x = 1.0 / dfs[i];
        let guess = match known.as_slice() {
            [.., (x0, y0), (x1, y1)] if x0 != x1 => y1 + (y1 - y0) * (x - x1) / (x1 - x0),
            [.., (_, y)] => *y,
            [] => f64::NAN,
        };
        let height = |q: f64| (upper(q, groups, dfs[i]) / alpha).ln();
        found[i] = match known.last() {
            Some((x1, y1)) if *x1 == x => *y1,
            _ => solve::near(guess, height).unwrap_or_else(|| critical(alpha, groups, dfs[i])),
        };
        if found[i].is_finite() {
            known.push((x, found[i]));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_do_not_move_a_value() {
        let dfs = [12.0, 3.1, 9.99, 10.0, 4.4, 10.0, 55.0, 3.2, 5.0];
        for (groups, alpha) in [(3, 0.05), (6, 0.05), (40, 0.01)] {
            for (df, got) in dfs.iter().zip(critical_of_all(alpha, groups, &dfs)) {
                let expected = critical(alpha, groups, *df);
                assert!((got - expected).abs() <= 1e-11 * expected, "{groups} {df}: {got} {expected}");
            }
        }
    }

    #[test]
    fn values_that_tell_nothing_are_not_looked_for() {
        for (alpha, groups, df, finite) in [
            (0.05, 6, 1.0, true),
            (0.05, 20, 1.0, true),
            (0.001, 6, 1.2, false),
            (1e-4, 3, 1.0, false),
            (1e-4, 6, 3.0, true),
        ] {
            let found = critical(alpha, groups, df);
            assert_eq!(found.is_finite(), finite, "{alpha} {groups} {df}: {found}");
            assert!(!finite || found < WIDEST, "{found}");
        }
        let all = critical_of_all(0.001, 6, &[1.1, 8.0, 1.0, 9.0]);
        assert!(all[0].is_infinite() && all[2].is_infinite());
        assert!(
            (all[1] - critical(0.001, 6, 8.0)).abs() < 1e-10
                && (all[3] - critical(0.001, 6, 9.0)).abs() < 1e-10
        );
    }

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
