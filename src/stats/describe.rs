//! Means, variances, medians and quantiles.

/// Returns the mean; NaN of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the ratio of sums of ratios with these denominators: their mean, each weighed by its denominator. The plain mean where the
/// denominators are not those of all ratios, or all 0.
#[must_use]
pub fn ratio_of_sums(ratios: &[f64], denominators: &[f64]) -> f64 {
    let whole: f64 = denominators.iter().sum();
    match ratios {
        [one] => *one,
        _ if denominators.len() != ratios.len() || whole <= 0.0 => mean(ratios),
        _ => ratios.iter().zip(denominators).map(|(r, d)| r * d).sum::<f64>() / whole,
    }
}

/// Returns the sum of squared distances from the mean.
#[must_use]
pub fn sum_of_squares(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|v| (v - centre).powi(2)).sum()
}

/// Returns the variance with n − 1; NaN of fewer than two values.
#[must_use]
pub fn variance(values: &[f64]) -> f64 {
    match values.len() {
        0 | 1 => f64::NAN,
        n => sum_of_squares(values) / (n - 1) as f64,
    }
}

/// Returns the standard deviation with n − 1.
#[must_use]
pub fn sd(values: &[f64]) -> f64 {
    variance(values).sqrt()
}

/// Returns the median: the mean of both middle values when their number is even; NaN of nothing.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Returns the quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan).
#[must_use]
pub fn quantile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = p * (sorted.len().max(1) - 1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    match (sorted.get(below), sorted.get(above)) {
        (Some(low), Some(high)) => low + (high - low) * at.fract(),
        _ => f64::NAN,
    }
}

/// Returns whether all values are equal, but for rounding.
#[must_use]
pub fn constant(values: &[f64]) -> bool {
    let size = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    // Squares of smaller numbers are 0.
    let slack = (1e-12 * size).max(1e-140);
    let first = values.first().copied().unwrap_or(0.0);
    values.iter().all(|v| (v - first).abs() <= slack)
}

/// What a group looks like before any test.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Number of values.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with n − 1; NaN below two values.
    pub sd: f64,
    /// Median.
    pub median: f64,
    /// First quartile (type 7).
    pub q1: f64,
    /// Third quartile (type 7).
    pub q3: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

impl Summary {
    /// Describes the values.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        Self {
            n: values.len(),
            mean: mean(values),
            sd: sd(values),
            median: median(values),
            q1: quantile(values, 0.25),
            q3: quantile(values, 0.75),
            min: quantile(values, 0.0),
            max: quantile(values, 1.0),
        }
    }
}

/// Returns the values minus their group's mean, group after group.
#[must_use]
pub fn residuals(samples: &[Vec<f64>]) -> Vec<f64> {
    let of = |group: &Vec<f64>| {
        let centre = mean(group);
        group.iter().map(|v| v - centre).collect::<Vec<_>>()
    };
    samples.iter().flat_map(of).collect()
}

/// Returns the pooled within-group variance and its degrees of freedom.
#[must_use]
pub fn pooled_variance(samples: &[Vec<f64>]) -> (f64, f64) {
    let all: usize = samples.iter().map(Vec::len).sum();
    let df = all.saturating_sub(samples.len()) as f64;
    (samples.iter().map(|s| sum_of_squares(s)).sum::<f64>() / df, df)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_summed_up_by_what_they_are_of() {
        let t = |ratios: &[f64], of: &[f64], expected: f64| assert_eq!(ratio_of_sums(ratios, of), expected);
        t(&[1.0, 3.0], &[3.0, 1.0], 1.5);
        t(&[0.1], &[0.0], 0.1);
        t(&[1.0, 3.0], &[0.0, 0.0], 2.0);
        t(&[1.0, 3.0], &[3.0], 2.0);
        assert!(ratio_of_sums(&[], &[]).is_nan());
    }

    #[test]
    fn quantiles_interpolate() {
        fn t(p: f64, expected: f64) {
            assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], p), expected, "{p}");
        }
        t(0.0, 1.0);
        t(0.25, 1.75);
        t(0.5, 2.5);
        t(1.0, 4.0);
        assert!(median(&[]).is_nan());
        assert_eq!(median(&[7.0]), 7.0);
    }

    #[test]
    fn constancy_allows_for_rounding() {
        assert!(constant(&[0.1 + 0.2, 0.3]));
        assert!(constant(&[0.0, 0.0]));
        assert!(!constant(&[0.0, 1e-13]));
    }
}
