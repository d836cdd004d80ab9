//! Proportional odds: `P(score ≤ j) = logistic(θⱼ − x·β)`, by Newton's method.

use nalgebra::{DMatrix, DVector};

use super::{Result, Undefined, kruskal::Chi2Test};

/// Newton steps; ten are usual.
const MOST_STEPS: usize = 100;

/// A coefficient beyond this is on its way to infinity.
const INFINITE: f64 = 25.0;

/// Most different scores: work grows with the cube of their number, and no grading has so many.
const MOST_LEVELS: usize = 50;

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Thresholds between neighbouring scores, rising.
    pub thresholds: Vec<f64>,
    /// Log odds ratios; positive means higher scores.
    pub coefficients: Vec<f64>,
    /// Standard errors of the thresholds, then of the coefficients.
    pub se: Vec<f64>,
    /// Logarithm of the likelihood.
    pub log_likelihood: f64,
}

/// Log likelihood, its gradient and Hessian.
type Point = (f64, DVector<f64>, DMatrix<f64>);

/// Scores and their predictors.
#[derive(Clone, Debug)]
pub struct Ordinal {
    /// Scores as ranks of the values that occur, from 0.
    score: Vec<usize>,
    levels: usize,
    x: Vec<Vec<f64>>,
    nominal: Vec<usize>,
}

impl Ordinal {
    /// Describes scores and, for each animal, its predictors.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFew`] without a row of predictors for each score or without two different scores;
    /// [`Undefined::TooManyLevels`] above 50 different ones.
    pub fn new(scores: &[f64], x: Vec<Vec<f64>>) -> Result<Self> {
        let mut values = scores.to_vec();
        values.sort_by(f64::total_cmp);
        values.dedup();
        if scores.len() != x.len() || values.len() < 2 {
            return Err(Undefined::TooFew { groups: 2, each: 1 });
        }
        if values.len() > MOST_LEVELS {
            return Err(Undefined::TooManyLevels { most: MOST_LEVELS });
        }
        let score = scores.iter().map(|s| values.partition_point(|v| v < s)).collect();
        Ok(Self { score, levels: values.len(), x, nominal: Vec::new() })
    }

    /// Describes the scores of groups; the coefficients are those of every group but the first.
    ///
    /// # Errors
    ///
    /// As [`Ordinal::new`]; [`Undefined::Separated`] if groups overlap so little that estimates are infinite.
    pub fn of_groups(samples: &[Vec<f64>]) -> Result<Self> {
        let row = |group: usize| (1..samples.len()).map(|g| f64::from(u8::from(g == group))).collect();
        let rows = samples.iter().enumerate().flat_map(|(g, s)| vec![row(g); s.len()]).collect();
        let this = Self::new(&samples.concat(), rows)?;
        if separated(samples, &this.score, this.levels) {
            return Err(Undefined::Separated);
        }
        Ok(this)
    }

    /// Row of the design for threshold `j`: θ's, slopes, and slopes' changes at the thresholds after the first.
    fn row(&self, animal: usize, j: usize) -> DVector<f64> {
        let x = &self.x[animal];
        let (cuts, slopes) = (self.levels - 1, x.len());
        let mut row = DVector::zeros(self.parameters());
        row[j] = 1.0;
        for (k, v) in x.iter().enumerate() {
            row[cuts + k] = -v;
        }
        if j > 0 {
            let start = cuts + slopes + (j - 1) * self.nominal.len();
            for (k, &column) in self.nominal.iter().enumerate() {
                row[start + k] = -x[column];
            }
        }
        row
    }

    fn parameters(&self) -> usize {
        let cuts = self.levels - 1;
        cuts + self.x.first().map_or(0, Vec::len) + (cuts - 1) * self.nominal.len()
    }

    /// Evaluates the likelihood; `None` where thresholds are out of order.
    fn at(&self, b: &DVector<f64>) -> Option<Point> {
        let p = self.parameters();
        let (mut sum, mut gradient, mut hessian) = (0.0, DVector::zeros(p), DMatrix::zeros(p, p));
        for (animal, &score) in self.score.iter().enumerate() {
            let upper = (score + 1 < self.levels).then(|| Edge::new(self.row(animal, score), b));
            let lower = (score > 0).then(|| Edge::new(self.row(animal, score - 1), b));
            let share =
                upper.as_ref().map_or(1.0, |e| e.probability) - lower.as_ref().map_or(0.0, |e| e.probability);
            // Beyond the last threshold the complement keeps the digits.
            let share = match (&upper, &lower) {
                (None, Some(e)) => e.complement,
                _ => share,
            };
            if share <= 0.0 {
                return None;
            }
            sum += share.ln();
            let mut slope = DVector::zeros(p);
            for (edge, sign) in [(&upper, 1.0), (&lower, -1.0)] {
                if let Some(e) = edge {
                    slope += &e.row * (sign * e.density / share);
                    hessian += &e.row * e.row.transpose() * (sign * e.curvature / share);
                }
            }
            hessian -= &slope * slope.transpose();
            gradient += slope;
        }
        Some((sum, gradient, hessian))
    }

    fn start(&self) -> DVector<f64> {
        let mut b = DVector::zeros(self.parameters());
        let n = self.score.len() as f64;
        for j in 0..self.levels - 1 {
            let below = self.score.iter().filter(|&&s| s <= j).count() as f64;
            b[j] = (below / (n - below)).ln();
        }
        b
    }

    /// Fits the model.
    ///
    /// # Errors
    ///
    /// [`Undefined::Separated`] if a coefficient grows without bound, [`Undefined::NotConverged`] otherwise.
    pub fn fit(&self) -> Result<Fit> {
        let (b, (log_likelihood, _, hessian)) = self.climb(false)?;
        self.finish(&b, log_likelihood, &hessian)
    }

    /// Climbs to the largest likelihood. With `likelihood_only` it is enough that the likelihood has settled, whether or
    /// not the coefficients have.
    fn climb(&self, likelihood_only: bool) -> Result<(DVector<f64>, Point)> {
        let mut b = self.start();
        let mut now = self.at(&b).ok_or(Undefined::NotConverged)?;
        for _ in 0..MOST_STEPS {
            let step = ascent(&now.1, &now.2)?;
            let mut size = 1.0;
            let next = loop {
                let there = &b + &step * size;
                match self.at(&there) {
                    Some(next) if next.0 >= now.0 - 1e-12 * now.0.abs() => break (there, next),
                    _ if size < 1e-10 => return Err(Undefined::NotConverged),
                    _ => size /= 2.0,
                }
            };
            let settled = step.amax() * size <= 1e-11 * (1.0 + b.amax());
            let level = likelihood_only && (next.1.0 - now.0).abs() <= 1e-13 * now.0.abs();
            (b, now) = next;
            if settled || level {
                return Ok((b, now));
            }
            if b.amax() > INFINITE && !likelihood_only {
                return Err(Undefined::Separated);
            }
        }
        Err(Undefined::NotConverged)
    }

    fn finish(&self, b: &DVector<f64>, log_likelihood: f64, hessian: &DMatrix<f64>) -> Result<Fit> {
        let covariance = (-hessian).cholesky().ok_or(Undefined::Separated)?.inverse();
        let cuts = self.levels - 1;
        let slopes = self.x.first().map_or(0, Vec::len);
        Ok(Fit {
            thresholds: b.iter().take(cuts).copied().collect(),
            coefficients: b.iter().skip(cuts).take(slopes).copied().collect(),
            se: covariance.diagonal().iter().map(|v| v.sqrt()).collect(),
            log_likelihood,
        })
    }

    /// Tests by likelihood ratio whether the effects of `columns` are the same at every threshold, as the model says.
    ///
    /// # Errors
    ///
    /// As [`Ordinal::fit`].
    pub fn proportional(&self, columns: &[usize]) -> Result<Chi2Test> {
        let free = Self { nominal: columns.to_vec(), ..self.clone() };
        Ok(free.ratio(free.climb(true)?.1.0, self, self.climb(true)?.1.0))
    }

    /// Tests by likelihood ratio whether the predictors have any effect.
    ///
    /// # Errors
    ///
    /// As [`Ordinal::fit`].
    pub fn any_effect(&self) -> Result<Chi2Test> {
        let none = Self { x: vec![Vec::new(); self.score.len()], ..self.clone() };
        Ok(self.ratio(self.fit()?.log_likelihood, &none, none.climb(true)?.1.0))
    }

    /// Likelihood ratio test of this model against a smaller one.
    fn ratio(&self, own: f64, small: &Self, its: f64) -> Chi2Test {
        let df = self.parameters() - small.parameters();
        Chi2Test::new((2.0 * (own - its)).max(0.0), df as f64)
    }
}

/// Newton's step; where the likelihood does not curve downwards in every direction, one damped until it does.
fn ascent(gradient: &DVector<f64>, hessian: &DMatrix<f64>) -> Result<DVector<f64>> {
    let mut damping = 0.0;
    for _ in 0..60 {
        let identity = DMatrix::<f64>::identity(gradient.len(), gradient.len());
        if let Some(cholesky) = (identity * damping - hessian).cholesky() {
            return Ok(cholesky.solve(gradient));
        }
        damping = f64::max(1e-6 * hessian.amax(), 4.0 * damping);
    }
    Err(Undefined::NotConverged)
}

/// One threshold as one animal sees it.
struct Edge {
    row: DVector<f64>,
    probability: f64,
    complement: f64,
    density: f64,
    curvature: f64,
}

impl Edge {
    fn new(row: DVector<f64>, b: &DVector<f64>) -> Self {
        let eta = row.dot(b);
        let (probability, complement) = (1.0 / (1.0 + (-eta).exp()), 1.0 / (1.0 + eta.exp()));
        let density = probability * complement;
        Self { row, probability, complement, density, curvature: density * (complement - probability) }
    }
}

/// Returns whether group effects have no finite estimate. A group that spans several scores ties its own position to all
/// thresholds between them; estimates are finite exactly when those ties connect every threshold, and no group lies
/// wholly at the lowest or the highest score.
fn separated(samples: &[Vec<f64>], scores: &[usize], levels: usize) -> bool {
    let mut linked = vec![false; levels.saturating_sub(2)];
    let mut touched = vec![false; levels - 1];
    let mut rest = scores;
    for sample in samples {
        let (own, others) = rest.split_at(sample.len());
        rest = others;
        let (Some(&lo), Some(&hi)) = (own.iter().min(), own.iter().max()) else { continue };
        if lo == hi && (lo == 0 || hi == levels - 1) {
            return true;
        }
        touched[lo..hi].iter_mut().for_each(|t| *t = true);
        if hi > lo {
            linked[lo..hi - 1].iter_mut().for_each(|l| *l = true);
        }
    }
    !(linked.iter().all(|l| *l) && touched.iter().all(|t| *t))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_no_grades() {
        let scores = |levels: usize| (0..2 * levels).map(|i| (i % levels) as f64).collect::<Vec<_>>();
        let model = |levels: usize| Ordinal::of_groups(&[scores(levels), scores(levels)]);
        assert!(model(MOST_LEVELS).is_ok());
        assert_eq!(model(MOST_LEVELS + 1).err(), Some(Undefined::TooManyLevels { most: MOST_LEVELS }));
    }

    #[test]
    fn separation_is_seen_before_fitting() {
        fn t(samples: &[&[f64]], expected: bool) {
            let samples: Vec<Vec<f64>> = samples.iter().map(|s| s.to_vec()).collect();
            let got = Ordinal::of_groups(&samples);
            assert_eq!(matches!(got, Err(Undefined::Separated)), expected, "{samples:?}");
            if let Ok(model) = got {
                assert!(model.fit().is_ok(), "{samples:?}");
            }
        }
        t(&[&[0.0, 0.0, 1.0], &[0.0, 1.0, 1.0]], false);
        t(&[&[0.0, 0.0, 0.0], &[0.0, 1.0, 1.0]], true);
        t(&[&[0.0, 0.0, 1.0], &[2.0, 3.0, 3.0]], true);
        t(&[&[0.0, 1.0, 1.0], &[1.0, 2.0, 2.0]], true);
        t(&[&[0.0, 1.0, 2.0], &[1.0, 2.0, 2.0]], false);
        t(&[&[0.0, 1.0, 2.0], &[1.0, 1.0, 1.0]], false);
        t(&[&[0.0, 1.0], &[0.0, 1.0], &[2.0, 3.0], &[2.0, 3.0]], true);
    }

    #[test]
    fn two_by_two_is_the_log_odds_ratio() {
        let samples = [vec![0.0, 0.0, 0.0, 1.0], vec![0.0, 1.0, 1.0, 1.0, 1.0]];
        let fit = Ordinal::of_groups(&samples).unwrap().fit().unwrap();
        assert!((fit.coefficients[0] - (3.0_f64 * 4.0).ln()).abs() < 1e-10);
        assert!((fit.se[1] - (1.0 / 3.0 + 1.0 + 1.0 + 0.25_f64).sqrt()).abs() < 1e-9);
    }
}
