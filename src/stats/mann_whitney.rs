//! Mann–Whitney (Wilcoxon rank sum) test, exact also with ties.

use super::{Result, Undefined, at_least, distribution::normal_two_sided, ranks::Ranks, special::ln_choose};

/// Largest product of sizes for which the exact distribution is counted; beyond, the normal one differs in the fourth
/// digit.
const EXACT_PAIRS: usize = 2_500;

/// A Mann–Whitney test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the value of the first sample is the larger, ties counted half.
    pub u: f64,
    /// Two-sided p-value: exact, given the ties, unless `exact` is false.
    pub p: f64,
    /// Whether the p-value is exact.
    pub exact: bool,
    /// Two-sided p-value by the normal approximation, corrected for ties and continuity.
    pub p_normal: f64,
    /// Whether the samples do not overlap at all.
    pub separated: bool,
}

/// Returns the test.
///
/// # Errors
///
/// [`Undefined::TooFew`] if a sample is empty, [`Undefined::NoVariation`] if all values are equal.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Result<MannWhitney> {
    at_least(&[a.to_vec(), b.to_vec()], 2, 1)?;
    let ranks = Ranks::pooled(&[a.to_vec(), b.to_vec()]);
    if ranks.ties.len() < 2 {
        return Err(Undefined::NoVariation);
    }
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let sum: f64 = ranks.of[..a.len()].iter().sum();
    let u = sum - na * (na + 1.0) / 2.0;
    let p_normal = normal_p(u, na, nb, &ranks);
    let exact = a.len() * b.len() <= EXACT_PAIRS;
    let p = if exact { exact_p(&ranks.of, a.len()) } else { p_normal };
    Ok(MannWhitney { u, p, exact, p_normal, separated: u == 0.0 || u == na * nb })
}

fn normal_p(u: f64, na: f64, nb: f64, ranks: &Ranks) -> f64 {
    let n = na + nb;
    let spread = na * nb / 12.0 * (n + 1.0 - ranks.tie_sum() / (n * (n - 1.0)));
    let away = ((u - na * nb / 2.0).abs() - 0.5).max(0.0);
    normal_two_sided(away / spread.sqrt())
}

/// Share of all choices of `chosen` ranks whose sum is at least as far from its mean as that of the first `chosen`.
fn exact_p(ranks: &[f64], chosen: usize) -> f64 {
    // Midranks are multiples of one half.
    let doubled: Vec<usize> = ranks.iter().map(|r| (2.0 * r).round() as usize).collect();
    let observed: usize = doubled[..chosen].iter().sum();
    let counts = subset_sums(&doubled, chosen);
    let total: usize = doubled.iter().sum();
    // Distances from the mean sum, times the number of values: whole numbers, so equality is exact.
    let away = |sum: usize| (sum * ranks.len()).abs_diff(total * chosen);
    let least = away(observed);
    let far: f64 = counts.iter().enumerate().filter(|&(sum, _)| away(sum) >= least).map(|(_, c)| c).sum();
    (far / counts.iter().sum::<f64>()).min(1.0)
}

/// Number of subsets of `size` of the weights for every sum, as exact as 53 bits count.
fn subset_sums(weights: &[usize], size: usize) -> Vec<f64> {
    let most: usize = {
        let mut sorted = weights.to_vec();
        sorted.sort_unstable();
        sorted.iter().rev().take(size).sum()
    };
    let mut counts = vec![vec![0.0; most + 1]; size + 1];
    counts[0][0] = 1.0;
    for (seen, &weight) in weights.iter().enumerate() {
        for taken in (0..size.min(seen + 1)).rev() {
            for sum in weight..=most {
                let more = counts[taken][sum - weight];
                counts[taken + 1][sum] += more;
            }
        }
    }
    counts.swap_remove(size)
}

/// Returns the smallest two-sided p-value that an exact test of ranks can give for samples of these sizes: 2 over the
/// number of arrangements. 3 against 3: 0.1.
#[must_use]
pub fn smallest_p(a: usize, b: usize) -> f64 {
    let arrangements = ln_choose((a + b) as f64, a as f64).exp().round();
    if arrangements < 2.0 {
        return 1.0;
    }
    2.0 / arrangements
}

/// Returns P(W ≤ q) of the rank sum statistic (counted from 0) without ties.
#[must_use]
pub fn lower(q: usize, a: usize, b: usize) -> f64 {
    let ranks: Vec<usize> = (1..=a + b).collect();
    let counts = subset_sums(&ranks, a);
    let least = a * (a + 1) / 2;
    counts.iter().take(least + q + 1).sum::<f64>() / counts.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separated_samples_reach_the_smallest_p() {
        for (a, b) in [(1, 1), (3, 3), (2, 5), (5, 5), (8, 8)] {
            let low: Vec<f64> = (0..a).map(f64::from).collect();
            let high: Vec<f64> = (0..b).map(|v| f64::from(v) + 100.0).collect();
            let test = mann_whitney(&low, &high).unwrap();
            assert!((test.p - smallest_p(a as usize, b as usize)).abs() < 1e-14, "{a} {b}");
            assert!(test.separated && test.exact && test.u == 0.0);
        }
    }

    #[test]
    fn nearly_separated_samples() {
        // U = 1 of 5 against 5: 4 of 252 arrangements.
        let test = mann_whitney(&[1.0, 2.0, 3.0, 4.0, 6.0], &[5.0, 7.0, 8.0, 9.0, 10.0]).unwrap();
        assert_eq!(test.u, 1.0);
        assert!((test.p - 4.0 / 252.0).abs() < 1e-15);
        assert_eq!(mann_whitney(&[1.0, 1.0], &[1.0]), Err(Undefined::NoVariation));
    }
}
