//! Are the groups equally variable? Brown–Forsythe, Levene, Bartlett and Fligner–Killeen.

use super::{
    Result, Undefined,
    anova::{self, FTest},
    at_least,
    describe::{constant, mean, median, pooled_variance, variance},
    distribution::normal_quantile,
    kruskal::Chi2Test,
    ranks::Ranks,
};

fn distances(samples: &[Vec<f64>], centre: fn(&[f64]) -> f64) -> Vec<Vec<f64>> {
    let of = |s: &Vec<f64>| {
        let c = centre(s);
        s.iter().map(|v| (v - c).abs()).collect()
    };
    samples.iter().map(of).collect()
}

/// Returns the Brown–Forsythe test: analysis of variance of distances from the group median.
///
/// # Errors
///
/// As [`anova::classic`].
pub fn brown_forsythe(samples: &[Vec<f64>]) -> Result<FTest> {
    at_least(samples, 2, 2)?;
    Ok(anova::classic(&distances(samples, median))?.test)
}

/// Returns Levene's test: the same with distances from the group mean.
///
/// # Errors
///
/// As [`anova::classic`].
pub fn levene(samples: &[Vec<f64>]) -> Result<FTest> {
    at_least(samples, 2, 2)?;
    Ok(anova::classic(&distances(samples, mean))?.test)
}

/// Returns Bartlett's test; it takes long tails for unequal variances.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two groups of two values, [`Undefined::ConstantGroup`] if one does not vary.
pub fn bartlett(samples: &[Vec<f64>]) -> Result<Chi2Test> {
    at_least(samples, 2, 2)?;
    if samples.iter().any(|s| constant(s)) {
        return Err(Undefined::ConstantGroup);
    }
    let (pooled, df) = pooled_variance(samples);
    let spare = |s: &Vec<f64>| s.len() as f64 - 1.0;
    let k = samples.len() as f64;
    let logs: f64 = samples.iter().map(|s| spare(s) * variance(s).ln()).sum();
    let inverse: f64 = samples.iter().map(|s| 1.0 / spare(s)).sum();
    let scale = 1.0 + (inverse - 1.0 / df) / (3.0 * (k - 1.0));
    Ok(Chi2Test::new((df * pooled.ln() - logs) / scale, k - 1.0))
}

/// Returns the Fligner–Killeen test: normal scores of ranked distances from the group median.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two groups, [`Undefined::NoVariation`] if all distances are equal.
pub fn fligner_killeen(samples: &[Vec<f64>]) -> Result<Chi2Test> {
    at_least(samples, 2, 2)?;
    let ranks = Ranks::pooled(&distances(samples, median));
    let n = ranks.of.len() as f64;
    let scores: Vec<f64> = ranks.of.iter().map(|r| normal_quantile((1.0 + r / (n + 1.0)) / 2.0)).collect();
    let spread = variance(&scores);
    if constant(&scores) {
        return Err(Undefined::NoVariation);
    }
    let grand = mean(&scores);
    let (mut rest, mut sum) = (scores.as_slice(), 0.0);
    for sample in samples {
        let (own, others) = rest.split_at(sample.len());
        sum += own.len() as f64 * (mean(own) - grand).powi(2);
        rest = others;
    }
    Ok(Chi2Test::new(sum / spread, samples.len() as f64 - 1.0))
}
