//! P-values adjusted for a family of tests.

/// How a family is adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Bonferroni: holds the family-wise error.
    Bonferroni,
    /// Holm's step-down: holds the family-wise error, never worse than Bonferroni.
    Holm,
    /// Hochberg's step-up: family-wise error, if tests depend positively on each other.
    Hochberg,
    /// Hommel: family-wise error under the same condition, stronger than Hochberg.
    Hommel,
    /// Benjamini–Hochberg: holds the false discovery rate.
    BenjaminiHochberg,
    /// Benjamini–Yekutieli: false discovery rate under any dependence.
    BenjaminiYekutieli,
}

impl Method {
    /// Returns the name used in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bonferroni => "bonferroni",
            Self::Holm => "holm",
            Self::Hochberg => "hochberg",
            Self::Hommel => "hommel",
            Self::BenjaminiHochberg => "bh",
            Self::BenjaminiYekutieli => "by",
        }
    }
}

/// Returns the adjusted p-values in the order of `p`.
#[must_use]
pub fn adjust(p: &[f64], method: Method) -> Vec<f64> {
    let n = p.len() as f64;
    let harmonic: f64 = (1..=p.len()).map(|i| 1.0 / i as f64).sum();
    match method {
        Method::Bonferroni => p.iter().map(|p| (p * n).min(1.0)).collect(),
        Method::Holm => step_down(p, |rank| n - rank),
        Method::Hochberg => step_up(p, |rank| n - rank),
        Method::BenjaminiHochberg => step_up(p, |rank| n / (rank + 1.0)),
        Method::BenjaminiYekutieli => step_up(p, |rank| harmonic * n / (rank + 1.0)),
        Method::Hommel => hommel(p),
    }
}

fn order(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    order
}

/// Multiplies from the smallest upwards; no value may fall below the one before. `rank` counts from 0.
fn step_down(p: &[f64], factor: impl Fn(f64) -> f64) -> Vec<f64> {
    let (mut adjusted, mut most) = (vec![0.0; p.len()], 0.0_f64);
    for (rank, i) in order(p).into_iter().enumerate() {
        most = most.max(p[i] * factor(rank as f64));
        adjusted[i] = most.min(1.0);
    }
    adjusted
}

/// Multiplies from the largest downwards; no value may rise above the one before.
fn step_up(p: &[f64], factor: impl Fn(f64) -> f64) -> Vec<f64> {
    let (mut adjusted, mut least) = (vec![0.0; p.len()], 1.0_f64);
    for (rank, i) in order(p).into_iter().enumerate().rev() {
        least = least.min(p[i] * factor(rank as f64));
        adjusted[i] = least;
    }
    adjusted
}

/// Hommel's procedure as closed testing with Simes' test (Wright 1992).
fn hommel(p: &[f64]) -> Vec<f64> {
    let order = order(p);
    let sorted: Vec<f64> = order.iter().map(|&i| p[i]).collect();
    let n = sorted.len();
    let simes = |from: usize, count: usize| {
        let of = |j: usize| count as f64 * sorted[from + j] / (j as f64 + 1.0);
        (0..count).map(of).fold(f64::INFINITY, f64::min)
    };
    let mut adjusted = vec![simes(0, n); n];
    for m in (2..n).rev() {
        let rest = n - m + 1;
        let tail = (2..=m).map(|j| m as f64 * sorted[n - m + j - 1] / j as f64).fold(f64::INFINITY, f64::min);
        for i in 0..n {
            let at = if i < rest {
                (m as f64 * sorted[i]).min(tail)
            } else {
                adjusted_tail(&sorted, m, rest, tail)
            };
            adjusted[i] = adjusted[i].max(at);
        }
    }
    let mut result = vec![0.0; n];
    for (rank, &i) in order.iter().enumerate() {
        result[i] = adjusted[rank].max(sorted[rank]).min(1.0);
    }
    result
}

/// Value of all tests beyond the first `rest` when `m` hypotheses are taken: that of the last of the first.
fn adjusted_tail(sorted: &[f64], m: usize, rest: usize, tail: f64) -> f64 {
    (m as f64 * sorted[rest - 1]).min(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_of_none_one_and_equal() {
        for m in [
            Method::Bonferroni,
            Method::Holm,
            Method::Hochberg,
            Method::Hommel,
            Method::BenjaminiHochberg,
            Method::BenjaminiYekutieli,
        ] {
            assert_eq!(adjust(&[], m), Vec::<f64>::new());
            assert_eq!(adjust(&[0.03], m), [0.03]);
            assert!(adjust(&[0.9, 0.8, 1.0], m).iter().all(|&p| p <= 1.0), "{m:?}");
        }
        assert_eq!(adjust(&[0.02, 0.01, 0.5], Method::Holm), [0.04, 0.03, 0.5]);
        assert_eq!(adjust(&[0.04, 0.04], Method::Hommel), [0.04, 0.04]);
    }
}
