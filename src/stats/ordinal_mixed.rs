//! Proportional odds with a random effect of the rater or animal: `P(score ≤ j | u) = logistic(θⱼ − x·β − σu)` with standard normal u,
//! by adaptive Gauss–Hermite quadrature (Pinheiro and Bates 1995).

use nalgebra::{DMatrix, DVector};

use super::{Result, Undefined, ordinal::Ordinal};

/// Points of the quadrature.
const POINTS: usize = 10;

/// Newton steps.
const MOST_STEPS: usize = 100;

/// A logarithm of σ below this is a σ of 0.
const SMALLEST_LN_SD: f64 = -12.0;

/// A coefficient beyond this is on its way to infinity.
const INFINITE: f64 = 30.0;

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedOrdinal {
    /// Thresholds between neighbouring scores, rising.
    pub thresholds: Vec<f64>,
    /// Log odds ratios within a rater; positive means higher scores.
    pub coefficients: Vec<f64>,
    /// Standard deviation of the random effect.
    pub sd: f64,
    /// Logarithm of the likelihood.
    pub log_likelihood: f64,
}

/// Fits scores with their predictors and the index of the rater (or animal) of each.
///
/// # Errors
///
/// As [`Ordinal::fit`] of the model without random effect, where the fit starts; [`Undefined::TooFew`] with fewer than two
/// raters; [`Undefined::NotConverged`] if the likelihood finds no top.
pub fn fit(scores: &[f64], x: &[Vec<f64>], rater: &[usize]) -> Result<MixedOrdinal> {
    let raters = rater.iter().max().map_or(0, |m| m + 1);
    if rater.len() != scores.len() || raters < 2 {
        return Err(Undefined::TooFew { groups: 2, each: 1 });
    }
    let start = Ordinal::new(scores, x.to_vec())?.fit()?;
    let mut values = scores.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let mut of_rater = vec![Vec::new(); raters];
    for (i, &r) in rater.iter().enumerate() {
        of_rater[r].push((values.partition_point(|v| *v < scores[i]), x[i].as_slice()));
    }
    let model = Model { of_rater, cuts: values.len() - 1, rule: hermite(POINTS) };
    let mut b = DVector::from_iterator(
        start.thresholds.len() + start.coefficients.len() + 1,
        start.thresholds.iter().chain(&start.coefficients).copied().chain([0.0]),
    );
    let log_likelihood = model.climb(&mut b)?;
    let slopes = start.coefficients.len();
    Ok(MixedOrdinal {
        thresholds: b.iter().take(model.cuts).copied().collect(),
        coefficients: b.iter().skip(model.cuts).take(slopes).copied().collect(),
        sd: b[model.cuts + slopes].exp(),
        log_likelihood,
    })
}

/// Score and predictors.
type Rating<'a> = (usize, &'a [f64]);

struct Model<'a> {
    of_rater: Vec<Vec<Rating<'a>>>,
    /// Number of thresholds.
    cuts: usize,
    /// Points and weights.
    rule: Vec<(f64, f64)>,
}

/// A logarithm of a density with its first two derivatives.
type Bend = (f64, f64, f64);

impl Model<'_> {
    /// Climbs to the largest likelihood by Newton's method with numerical derivatives.
    fn climb(&self, b: &mut DVector<f64>) -> Result<f64> {
        let mut now = self.at(b);
        for _ in 0..MOST_STEPS {
            let gradient = self.gradient(b);
            let step = self.curvature(b).cholesky().map_or_else(|| &gradient * 0.1, |c| c.solve(&gradient));
            let mut size = 1.0;
            let next = loop {
                let there = &*b + &step * size;
                let value = self.at(&there);
                if value.is_finite() && value >= now - 1e-11 * now.abs() {
                    break (there, value);
                }
                size /= 2.0;
                if size < 1e-9 {
                    return Err(Undefined::NotConverged);
                }
            };
            let settled = step.amax() * size < 1e-8;
            (*b, now) = next;
            if settled {
                return Ok(now);
            }
            let ln_sd = b[b.len() - 1];
            if ln_sd < SMALLEST_LN_SD {
                return Ok(now);
            }
            if b.amax() > INFINITE {
                return Err(Undefined::Separated);
            }
        }
        Err(Undefined::NotConverged)
    }

    fn gradient(&self, b: &DVector<f64>) -> DVector<f64> {
        const STEP: f64 = 1e-5;
        let slope = |i: usize, _| {
            let mut moved = b.clone();
            let mut side = |step: f64| {
                moved[i] = b[i] + step;
                self.at(&moved)
            };
            // Five points: the error goes with the fourth power of the step.
            let (near, far) = (side(STEP) - side(-STEP), side(2.0 * STEP) - side(-2.0 * STEP));
            (8.0 * near - far) / (12.0 * STEP)
        };
        DVector::from_fn(b.len(), slope)
    }

    /// Minus the matrix of second derivatives.
    fn curvature(&self, b: &DVector<f64>) -> DMatrix<f64> {
        const STEP: f64 = 1e-4;
        let column = |i: usize| {
            let mut moved = b.clone();
            moved[i] = b[i] + STEP;
            let up = self.gradient(&moved);
            moved[i] = b[i] - STEP;
            (self.gradient(&moved) - up) / (2.0 * STEP)
        };
        let full = DMatrix::from_columns(&(0..b.len()).map(column).collect::<Vec<_>>());
        (&full + full.transpose()) * 0.5
    }

    /// Logarithm of the likelihood; minus infinity where thresholds are out of order.
    fn at(&self, b: &DVector<f64>) -> f64 {
        let b = b.as_slice();
        if b[..self.cuts].windows(2).any(|w| w[0] >= w[1]) {
            return f64::NEG_INFINITY;
        }
        self.of_rater.iter().map(|ratings| self.of_one(b, ratings)).sum()
    }

    fn of_one(&self, b: &[f64], ratings: &[Rating<'_>]) -> f64 {
        let sd = b[b.len() - 1].exp();
        let mut mode = 0.0;
        for _ in 0..100 {
            let (_, slope, bend) = self.joint(b, sd, ratings, mode);
            let step = -slope / bend;
            mode += step.clamp(-2.0, 2.0);
            if step.abs() < 1e-12 {
                break;
            }
        }
        let (top, _, bend) = self.joint(b, sd, ratings, mode);
        let width = std::f64::consts::SQRT_2 / (-bend).sqrt();
        let point = |&(x, weight): &(f64, f64)| {
            let (value, ..) = self.joint(b, sd, ratings, mode + width * x);
            weight * (value - top + x * x).exp()
        };
        let sum: f64 = self.rule.iter().map(point).sum();
        top + (width * sum / (2.0 * std::f64::consts::PI).sqrt()).ln()
    }

    /// Logarithm of the density of the ratings and of `u` but for its constant; it is concave in `u`.
    fn joint(&self, b: &[f64], sd: f64, ratings: &[Rating<'_>], u: f64) -> Bend {
        let (mut value, mut slope, mut bend) = (-0.5 * u * u, -u, -1.0);
        for &(score, x) in ratings {
            let shift: f64 = x.iter().zip(&b[self.cuts..]).map(|(x, b)| x * b).sum::<f64>() + sd * u;
            let edge = |j: usize| {
                let probability = 1.0 / (1.0 + (shift - b[j]).exp());
                let density = probability * (1.0 - probability);
                (probability, density, density * (1.0 - 2.0 * probability))
            };
            let upper = if score < self.cuts { edge(score) } else { (1.0, 0.0, 0.0) };
            let lower = if score > 0 { edge(score - 1) } else { (0.0, 0.0, 0.0) };
            let share = (upper.0 - lower.0).max(f64::MIN_POSITIVE);
            let first = -sd * (upper.1 - lower.1) / share;
            value += share.ln();
            slope += first;
            bend += sd * sd * (upper.2 - lower.2) / share - first * first;
        }
        (value, slope, bend.min(-1e-8))
    }
}

/// Points and weights for the weight `exp(−x²)`: eigenvalues of the recurrence (Golub and Welsch 1969).
fn hermite(points: usize) -> Vec<(f64, f64)> {
    let beside = |i: usize, j: usize| if i.abs_diff(j) == 1 { (i.max(j) as f64 / 2.0).sqrt() } else { 0.0 };
    let eigen = DMatrix::from_fn(points, points, beside).symmetric_eigen();
    let weight = |i: usize| std::f64::consts::PI.sqrt() * eigen.eigenvectors[(0, i)].powi(2);
    (0..points).map(|i| (eigen.eigenvalues[i], weight(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrature_is_exact_for_polynomials() {
        let integral = |power: i32| hermite(POINTS).iter().map(|(x, w)| w * x.powi(power)).sum::<f64>();
        let root = std::f64::consts::PI.sqrt();
        for (power, expected) in [(0, root), (1, 0.0), (2, root / 2.0), (4, 0.75 * root), (8, 6.5625 * root)]
        {
            assert!((integral(power) - expected).abs() < 1e-11, "{power}");
        }
    }

    #[test]
    fn too_few_raters_are_told() {
        let x = vec![vec![0.0], vec![1.0], vec![0.0], vec![1.0]];
        assert!(matches!(fit(&[0.0, 1.0, 1.0, 0.0], &x, &[0; 4]), Err(Undefined::TooFew { .. })));
    }
}
