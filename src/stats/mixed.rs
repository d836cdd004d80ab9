//! Linear mixed model with a random intercept per animal, by restricted maximum likelihood. Degrees of freedom are
//! Satterthwaite's, from the observed information.

use nalgebra::{DMatrix, DVector, Matrix2, Vector2};

use super::{Result, Undefined, linear_model, welch::TTest};

/// Newton steps; ten are usual.
const MOST_STEPS: usize = 200;

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Variance between animals.
    pub between: f64,
    /// Variance within animals.
    pub within: f64,
    /// Whether the variance between animals was held at 0.
    pub singular: bool,
    /// −2 log restricted likelihood.
    pub deviance: f64,
    /// Fixed effects.
    pub coefficients: DVector<f64>,
    /// Covariance of the fixed effects.
    pub covariance: DMatrix<f64>,
    /// Covariance of the two variances.
    variances: Matrix2<f64>,
    /// Derivatives of the covariance of the fixed effects by each variance.
    slopes: [DMatrix<f64>; 2],
    df_residual: f64,
}

impl Fit {
    /// Returns the share of variance that lies between animals (intraclass correlation).
    #[must_use]
    pub fn icc(&self) -> f64 {
        self.between / (self.between + self.within)
    }

    /// Returns Satterthwaite's degrees of freedom of a combination of fixed effects.
    #[must_use]
    pub fn df(&self, combination: &DVector<f64>) -> f64 {
        let quadratic = |m: &DMatrix<f64>| combination.dot(&(m * combination));
        let variance = quadratic(&self.covariance);
        if self.singular {
            return self.df_residual;
        }
        let gradient = Vector2::new(quadratic(&self.slopes[0]), quadratic(&self.slopes[1]));
        2.0 * variance * variance / gradient.dot(&(self.variances * gradient))
    }

    /// Tests a combination of fixed effects.
    #[must_use]
    pub fn test(&self, combination: &DVector<f64>) -> TTest {
        self.test_at_most(combination, f64::INFINITY)
    }

    /// Tests a combination of fixed effects with no more than `most` degrees of freedom.
    #[must_use]
    pub fn test_at_most(&self, combination: &DVector<f64>, most: f64) -> TTest {
        let se = combination.dot(&(&self.covariance * combination)).sqrt();
        TTest::new(combination.dot(&self.coefficients), se, self.df(combination).min(most))
    }
}

/// Fits `y` on the columns of `x` with a random intercept for each animal.
///
/// # Errors
///
/// [`Undefined::Confounded`] if the columns of `x` depend on each other, [`Undefined::TooFew`] with fewer than two
/// animals or without repeated values, [`Undefined::NoVariation`] if nothing varies within animals.
pub fn fit(x: &DMatrix<f64>, y: &DVector<f64>, animal: &[usize]) -> Result<Fit> {
    let problem = Problem::new(x, y, animal)?;
    let mut at = problem.start();
    let mut now = problem.at(at);
    for _ in 0..MOST_STEPS {
        let held = at[0] <= 0.0 && now.gradient[0] >= 0.0;
        let step = now.step(held);
        let mut size = 1.0;
        let next = loop {
            let mut there = at + step * size;
            there[0] = there[0].max(0.0);
            if there[1] > 0.0 {
                let next = problem.at(there);
                if next.deviance <= now.deviance + 1e-13 * now.deviance.abs() {
                    break (there, next);
                }
            }
            size /= 2.0;
            if size < 1e-12 {
                return Err(Undefined::NotConverged);
            }
        };
        let moved = (next.0 - at).amax();
        (at, now) = next;
        if moved <= 1e-13 * at.amax() {
            return now.finish(at, problem);
        }
    }
    now.finish(at, problem)
}

struct Problem<'a> {
    x: &'a DMatrix<f64>,
    y: &'a DVector<f64>,
    animal: &'a [usize],
    sizes: Vec<f64>,
}

/// Deviance with derivatives by (between, within).
struct Point {
    deviance: f64,
    gradient: Vector2<f64>,
    observed: Matrix2<f64>,
    expected: Matrix2<f64>,
    coefficients: DVector<f64>,
    covariance: DMatrix<f64>,
    slopes: [DMatrix<f64>; 2],
}

impl<'a> Problem<'a> {
    fn new(x: &'a DMatrix<f64>, y: &'a DVector<f64>, animal: &'a [usize]) -> Result<Self> {
        let animals = animal.iter().max().map_or(0, |m| m + 1);
        let mut sizes = vec![0.0; animals];
        animal.iter().for_each(|&a| sizes[a] += 1.0);
        if animals < 2 || y.len() != animal.len() || y.len() <= animals || y.len() <= x.ncols() + 1 {
            return Err(Undefined::TooFew { groups: 2, each: 2 });
        }
        if !linear_model::independent(x) {
            return Err(Undefined::Confounded);
        }
        let problem = Self { x, y, animal, sizes };
        let residual = problem.within(y);
        if residual.norm_squared() <= 1e-24 * y.norm_squared() {
            return Err(Undefined::NoVariation);
        }
        Ok(problem)
    }

    fn sums(&self, v: &DVector<f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.sizes.len()];
        v.iter().zip(self.animal).for_each(|(v, &a)| sums[a] += v);
        sums
    }

    fn within(&self, v: &DVector<f64>) -> DVector<f64> {
        let sums = self.sums(v);
        DVector::from_fn(v.len(), |i, _| v[i] - sums[self.animal[i]] / self.sizes[self.animal[i]])
    }

    /// Applies dV/d(between): every value becomes the sum of its animal.
    fn spread(&self, v: &DVector<f64>) -> DVector<f64> {
        let sums = self.sums(v);
        DVector::from_fn(v.len(), |i, _| sums[self.animal[i]])
    }

    /// Applies V⁻¹.
    fn solve(&self, at: Vector2<f64>, v: &DVector<f64>) -> DVector<f64> {
        let (between, within) = (at[0], at[1]);
        let sums = self.sums(v);
        DVector::from_fn(v.len(), |i, _| {
            let a = self.animal[i];
            (v[i] - between / (within + self.sizes[a] * between) * sums[a]) / within
        })
    }

    fn columns(m: &DMatrix<f64>, f: impl Fn(&DVector<f64>) -> DVector<f64>) -> DMatrix<f64> {
        let columns: Vec<DVector<f64>> = m.column_iter().map(|c| f(&c.into_owned())).collect();
        DMatrix::from_columns(&columns)
    }

    /// Starts from the variances of animal means and within animals.
    fn start(&self) -> Vector2<f64> {
        let residual = match linear_model::fit(self.x, self.y) {
            Ok(fit) => self.y - self.x * fit.coefficients,
            Err(_) => self.y.clone(),
        };
        let n = self.y.len() as f64;
        let animals = self.sizes.len() as f64;
        let within = self.within(&residual).norm_squared() / (n - animals);
        let total = residual.norm_squared() / n;
        Vector2::new((total - within).max(0.1 * total), within.max(0.05 * total))
    }

    fn at(&self, at: Vector2<f64>) -> Point {
        let (n, p) = (self.y.len() as f64, self.x.ncols() as f64);
        let vx = Self::columns(self.x, |c| self.solve(at, c));
        let information = self.x.transpose() * &vx;
        let ln_det = information.clone().lu().determinant().abs().ln();
        let covariance = information.clone().try_inverse().unwrap_or_else(|| DMatrix::zeros(0, 0));
        let coefficients = &covariance * (vx.transpose() * self.y);
        let project = |v: &DVector<f64>| {
            let solved = self.solve(at, v);
            let fixed = &covariance * (self.x.transpose() * &solved);
            &solved - &vx * fixed
        };
        let py = project(self.y);
        // dV of each variance, applied.
        let apply = |k: usize, v: &DVector<f64>| if k == 0 { self.spread(v) } else { v.clone() };
        let dy = [apply(0, &py), apply(1, &py)];
        let dx = [Self::columns(&vx, |c| apply(0, c)), Self::columns(&vx, |c| apply(1, c))];
        let a = [vx.transpose() * &dx[0], vx.transpose() * &dx[1]];
        let solved_dx =
            [Self::columns(&dx[0], |c| self.solve(at, c)), Self::columns(&dx[1], |c| self.solve(at, c))];
        let (mut gradient, mut observed, mut expected) =
            (Vector2::zeros(), Matrix2::zeros(), Matrix2::zeros());
        for k in 0..2 {
            let trace = self.trace(at, &[k]) - (&covariance * &a[k]).trace();
            gradient[k] = trace - py.dot(&dy[k]);
            let pdy = project(&dy[k]);
            for l in 0..2 {
                let cross = dx[k].transpose() * &solved_dx[l];
                let trace = self.trace(at, &[k, l]) - 2.0 * (&covariance * cross).trace()
                    + (&covariance * &a[k] * &covariance * &a[l]).trace();
                expected[(k, l)] = trace;
                observed[(k, l)] = 2.0 * dy[l].dot(&pdy) - trace;
            }
        }
        let ln_v: f64 = self
            .sizes
            .iter()
            .filter(|n| **n > 0.0)
            .map(|n| (n - 1.0) * at[1].ln() + (at[1] + n * at[0]).ln())
            .sum();
        let deviance = ln_v + ln_det + self.y.dot(&py) + (n - p) * (2.0 * std::f64::consts::PI).ln();
        let slopes = [&covariance * &a[0] * &covariance, &covariance * &a[1] * &covariance];
        Point { deviance, gradient, observed, expected, coefficients, covariance, slopes }
    }

    /// Trace of V⁻¹ dV, or of V⁻¹ dV V⁻¹ dV, animal by animal: V of one animal has the eigenvalue within + n·between
    /// once and within n − 1 times, and dV/d(between) acts on the first alone, by n.
    fn trace(&self, at: Vector2<f64>, of: &[usize]) -> f64 {
        let one = |n: &f64| {
            let common: f64 =
                of.iter().map(|&k| if k == 0 { *n } else { 1.0 } / (at[1] + n * at[0])).product();
            let rest: f64 = of.iter().map(|&k| if k == 0 { 0.0 } else { 1.0 } / at[1]).product();
            common + (n - 1.0) * rest
        };
        self.sizes.iter().filter(|n| **n > 0.0).map(one).sum()
    }
}

impl Point {
    /// Newton's step where the deviance curves upwards, else the scoring step.
    fn step(&self, held: bool) -> Vector2<f64> {
        let curved = self.observed.determinant() > 0.0 && self.observed[(0, 0)] > 0.0;
        let matrix = if curved { self.observed } else { self.expected };
        if held {
            return Vector2::new(0.0, -self.gradient[1] / matrix[(1, 1)].abs());
        }
        let fall = -self.gradient;
        matrix.try_inverse().map_or(fall, |inverse| inverse * fall)
    }

    fn finish(self, at: Vector2<f64>, problem: Problem<'_>) -> Result<Fit> {
        let singular = at[0] <= 1e-12 * at[1];
        let variances = 2.0 * self.observed.try_inverse().ok_or(Undefined::NotConverged)?;
        Ok(Fit {
            between: at[0],
            within: at[1],
            singular,
            deviance: self.deviance,
            coefficients: self.coefficients,
            covariance: self.covariance,
            variances,
            slopes: self.slopes,
            df_residual: (problem.y.len() - problem.x.ncols()) as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn animals_that_do_not_differ_are_singular() {
        let y = DVector::from_vec(vec![1.0, 3.0, 2.0, 2.0, 3.0, 1.0, 1.5, 2.5]);
        let x = DMatrix::from_element(8, 1, 1.0);
        let fit = fit(&x, &y, &[0, 0, 1, 1, 2, 2, 3, 3]).unwrap();
        assert!(fit.singular && fit.between == 0.0, "{fit:?}");
        assert!((fit.within - y.variance() * 8.0 / 7.0).abs() < 1e-12);
        assert_eq!(fit.df(&DVector::from_element(1, 1.0)), 7.0);
    }
}
