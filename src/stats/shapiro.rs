//! Shapiro–Wilk test of normality (Royston 1995, Applied Statistics algorithm R94).

use super::{
    Result, Undefined,
    describe::{constant, mean},
    distribution::{normal_quantile, normal_upper},
};

/// A Shapiro–Wilk test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shapiro {
    /// The statistic, at most 1.
    pub w: f64,
    /// Probability of a smaller statistic from a normal distribution.
    pub p: f64,
}

/// Returns the test of 3 to 5,000 values.
///
/// # Errors
///
/// [`Undefined::TooFew`] below 3 values, [`Undefined::NotConverged`] above 5,000, for which the approximation was not
/// made, [`Undefined::NoVariation`] if all are equal.
pub fn shapiro_wilk(values: &[f64]) -> Result<Shapiro> {
    let n = values.len();
    if n < 3 {
        return Err(Undefined::TooFew { groups: 1, each: 3 });
    }
    if n > 5000 {
        return Err(Undefined::NotConverged);
    }
    if constant(values) {
        return Err(Undefined::NoVariation);
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let lack = lack_of_fit(&sorted, &weights(n));
    Ok(Shapiro { w: 1.0 - lack, p: p_value(lack, n) })
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// Weights of the lower half of the order statistics, positive, from the smallest value inwards.
fn weights(n: usize) -> Vec<f64> {
    if n == 3 {
        return vec![0.5_f64.sqrt()];
    }
    let count = n as f64;
    let scores: Vec<f64> =
        (1..=n / 2).map(|i| normal_quantile((i as f64 - 0.375) / (count + 0.25))).collect();
    let squares = 2.0 * scores.iter().map(|m| m * m).sum::<f64>();
    let (root, step) = (squares.sqrt(), 1.0 / count.sqrt());
    let first =
        polynomial(&[0.0, 0.221157, -0.147981, -2.071190, 4.434685, -2.706056], step) - scores[0] / root;
    let second = polynomial(&[0.0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633], step)
        - scores.get(1).copied().unwrap_or(0.0) / root;
    let fixed: &[f64] = if n > 5 { &[first, second] } else { &[first] };
    let taken: f64 = scores.iter().zip(fixed).map(|(m, _)| 2.0 * m * m).sum();
    let given: f64 = fixed.iter().map(|a| 2.0 * a * a).sum();
    let scale = ((squares - taken) / (1.0 - given)).sqrt();
    let inner = scores.iter().skip(fixed.len()).map(|m| -m / scale);
    fixed.iter().copied().chain(inner).collect()
}

/// Returns 1 − W, to full relative precision.
fn lack_of_fit(sorted: &[f64], weights: &[f64]) -> f64 {
    let n = sorted.len();
    let weight = |i: usize| match (weights.get(i), weights.get(n - 1 - i)) {
        (Some(a), _) => -a,
        (None, Some(a)) => *a,
        (None, None) => 0.0,
    };
    let all: Vec<f64> = (0..n).map(weight).collect();
    let range = sorted[n - 1] - sorted[0];
    let scaled: Vec<f64> = sorted.iter().map(|v| v / range).collect();
    let (ca, cx) = (mean(&all), mean(&scaled));
    let (mut aa, mut xx, mut ax) = (0.0, 0.0, 0.0);
    for (a, x) in all.iter().zip(&scaled) {
        aa += (a - ca).powi(2);
        xx += (x - cx).powi(2);
        ax += (a - ca) * (x - cx);
    }
    let both = (aa * xx).sqrt();
    (both - ax) * (both + ax) / (aa * xx)
}

fn p_value(lack: f64, n: usize) -> f64 {
    let w = 1.0 - lack;
    if n == 3 {
        let least = 0.75_f64.sqrt().asin();
        return (6.0 / std::f64::consts::PI * (w.sqrt().asin() - least)).clamp(0.0, 1.0);
    }
    let count = n as f64;
    let (mut y, logn) = (lack.ln(), count.ln());
    let (centre, spread) = if n <= 11 {
        let bound = polynomial(&[-2.273, 0.459], count);
        if y >= bound {
            return 0.0;
        }
        y = -(bound - y).ln();
        (
            polynomial(&[0.544, -0.39978, 0.025054, -6.714e-4], count),
            polynomial(&[1.3822, -0.77857, 0.062767, -0.0020322], count).exp(),
        )
    } else {
        (
            polynomial(&[-1.5861, -0.31082, -0.083751, 0.0038915], logn),
            polynomial(&[-0.4803, -0.082676, 0.0030302], logn).exp(),
        )
    };
    normal_upper((y - centre) / spread)
}
