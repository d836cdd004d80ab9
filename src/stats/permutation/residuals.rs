//! Permutation of residuals, for groups beside covariates (Freedman and Lane 1983).

use nalgebra::{DMatrix, DVector};
use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{DRAWN, Permuted, SLACK};
use crate::stats::{Result, Undefined, ancova::Model};

/// Tests groups by the F statistic of the whole model. Residuals of the model without groups are permuted within batches and
/// added back to its fit; arrangements are drawn.
///
/// # Errors
///
/// As [`Model::fit`].
pub fn freedman_lane(model: &Model, seed: u64) -> Result<Permuted> {
    model.fit()?;
    let (reduced, full) = model.designs();
    let y = DVector::from_column_slice(&model.response);
    // Columns of the full model follow those of the reduced one, so that one basis serves both.
    let basis = full.qr().q();
    let few = reduced.ncols();
    let (nuisance, groups) =
        (basis.columns(0, few).into_owned(), basis.columns(few, basis.ncols() - few).into_owned());
    let residuals = &y - &nuisance * nuisance.tr_mul(&y);
    if residuals.norm_squared() <= 1e-20 * y.norm_squared() {
        return Err(Undefined::NoVariation);
    }
    let statistic = Statistic { nuisance, groups };
    let mut moved = residuals.clone();
    let least = statistic.of(&moved) - SLACK;
    let mut strata: Vec<Vec<usize>> = vec![Vec::new(); model.batch.iter().max().map_or(1, |m| m + 1)];
    for unit in 0..moved.len() {
        strata[model.batch.get(unit).copied().unwrap_or(0)].push(unit);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut as_large = 0;
    for _ in 0..DRAWN {
        for units in &strata {
            for i in (1..units.len()).rev() {
                let other = (u64::from(random.next_u32()) * (i as u64 + 1)) >> 32;
                moved.swap_rows(units[i], units[other as usize]);
            }
        }
        as_large += u64::from(statistic.of(&moved) >= least);
    }
    let p = (as_large + 1) as f64 / (DRAWN + 1) as f64;
    Ok(Permuted { p, arrangements: DRAWN, as_large, seed: Some(seed) })
}

struct Statistic {
    /// Orthonormal columns of what is adjusted for.
    nuisance: DMatrix<f64>,
    /// Orthonormal columns of the groups beside it.
    groups: DMatrix<f64>,
}

impl Statistic {
    /// Share of what the groups explain of that which the rest of the model does not. F grows with it.
    fn of(&self, residuals: &DVector<f64>) -> f64 {
        let explained = self.groups.tr_mul(residuals).norm_squared();
        explained / (residuals.norm_squared() - self.nuisance.tr_mul(residuals).norm_squared())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::permutation::f_statistic;

    #[test]
    fn without_covariates_labels_and_residuals_say_the_same() {
        let samples = [vec![1.0, 2.0, 4.0, 3.5], vec![2.0, 5.0, 6.0, 4.5], vec![1.5, 3.0, 2.0, 2.5]];
        let group = vec![0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        let model = Model { response: samples.concat(), group, ..Model::default() };
        let exact = f_statistic(&samples, 1).unwrap().p;
        let drawn = freedman_lane(&model, 1).unwrap().p;
        // Three standard errors of the draw.
        let error = 3.0 * (exact * (1.0 - exact) / DRAWN as f64).sqrt();
        assert!((drawn - exact).abs() < error, "{drawn} {exact}");
    }

    #[test]
    fn a_covariate_that_explains_the_groups_takes_the_effect_away() {
        let covariate: Vec<f64> = (0..16).map(|i| f64::from(i) + f64::from(i * 7 % 5) * 0.3).collect();
        let response: Vec<f64> =
            covariate.iter().enumerate().map(|(i, c)| 2.0 * c + [0.5, -0.4, 0.1, -0.3, 0.2][i % 5]).collect();
        let group: Vec<usize> = (0..16).map(|i| i / 8).collect();
        let alone = Model { response, group, ..Model::default() };
        let with = Model { covariates: vec![covariate], ..alone.clone() };
        assert!(freedman_lane(&alone, 1).unwrap().p < 0.001);
        let (found, f) = (freedman_lane(&with, 1).unwrap().p, with.fit().unwrap().groups.p);
        assert!((found - f).abs() < 0.05 && f > 0.1, "{found} {f}");
    }
}
