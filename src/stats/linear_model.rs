//! Ordinary least squares.

use nalgebra::{DMatrix, DVector};

use super::{Result, Undefined};

/// A pivot smaller than this share of its column's length means that the column follows from the others.
const DEPENDENT: f64 = 1e-9;

/// A fitted linear model.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Coefficients, one per column of the design.
    pub coefficients: DVector<f64>,
    /// `(X'X)⁻¹`; times [`Fit::variance`] the covariance of the coefficients.
    pub unscaled: DMatrix<f64>,
    /// Residual sum of squares.
    pub rss: f64,
    /// Residual degrees of freedom.
    pub df: f64,
    residuals: DVector<f64>,
    design: DMatrix<f64>,
}

/// Fits `y` on the columns of `x`.
///
/// # Errors
///
/// [`Undefined::Confounded`] if a column follows from the others, [`Undefined::TooFew`] without a spare value.
pub fn fit(x: &DMatrix<f64>, y: &DVector<f64>) -> Result<Fit> {
    if x.nrows() != y.len() || x.nrows() <= x.ncols() {
        return Err(Undefined::TooFew { groups: x.ncols(), each: 2 });
    }
    if !independent(x) {
        return Err(Undefined::Confounded);
    }
    let qr = x.clone().qr();
    let inverse = qr.r().try_inverse().ok_or(Undefined::Confounded)?;
    let coefficients = &inverse * (qr.q().transpose() * y);
    let residuals = y - x * &coefficients;
    Ok(Fit {
        unscaled: &inverse * inverse.transpose(),
        rss: residuals.norm_squared(),
        df: (x.nrows() - x.ncols()) as f64,
        coefficients,
        residuals,
        design: x.clone(),
    })
}

/// Returns whether no column of `x` is a combination of the others.
#[must_use]
pub fn independent(x: &DMatrix<f64>) -> bool {
    let r = x.clone().qr().r();
    (0..x.ncols()).all(|j| {
        let length = x.column(j).norm();
        length > 0.0 && r.get((j, j)).is_some_and(|pivot| pivot.abs() > DEPENDENT * length)
    })
}

impl Fit {
    /// Returns what the model leaves of each value.
    #[must_use]
    pub fn residuals(&self) -> &[f64] {
        self.residuals.as_slice()
    }

    /// Returns the residual variance.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.rss / self.df
    }

    /// Returns the standard error of a combination of coefficients.
    #[must_use]
    pub fn se(&self, combination: &DVector<f64>) -> f64 {
        (self.variance() * combination.dot(&(&self.unscaled * combination))).sqrt()
    }

    /// Returns standard errors of the coefficients that allow unequal variances (HC3).
    #[must_use]
    pub fn hc3(&self) -> DVector<f64> {
        let p = self.design.ncols();
        let mut meat = DMatrix::zeros(p, p);
        for (row, residual) in self.design.row_iter().zip(self.residuals.iter()) {
            let x = row.transpose();
            let leverage = x.dot(&(&self.unscaled * &x));
            let scaled = residual / (1.0 - leverage);
            meat += &x * x.transpose() * (scaled * scaled);
        }
        (&self.unscaled * meat * &self.unscaled).diagonal().map(f64::sqrt)
    }
}
