//! Group comparison adjusted for batches and covariates.

use nalgebra::{DMatrix, DVector};

use super::{
    Interval, Result, Undefined,
    anova::FTest,
    describe::mean,
    distribution::t_critical,
    linear_model::{self, Fit},
    studentized_range,
    tukey::{Pair, pair, pairs},
    welch::TTest,
};

/// What is compared, and what it is adjusted for. One entry per animal in every list.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The response.
    pub response: Vec<f64>,
    /// Index of the group.
    pub group: Vec<usize>,
    /// Index of the batch; empty without batches.
    pub batch: Vec<usize>,
    /// Covariates.
    pub covariates: Vec<Vec<f64>>,
}

/// An adjusted comparison.
#[derive(Clone, Debug)]
pub struct Adjusted {
    /// Test of the groups, given everything else (type II).
    pub groups: FTest,
    /// Test of the batches, given everything else; `None` without batches.
    pub batches: Option<FTest>,
    /// Test of each covariate, given everything else.
    pub covariates: Vec<FTest>,
    /// The fitted model.
    pub fit: Fit,
    /// For each group, the combination of coefficients that is its adjusted mean.
    means: Vec<DVector<f64>>,
}

/// An adjusted group mean: at the mean of every covariate and the average of the batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdjustedMean {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub se: f64,
    /// Its interval.
    pub interval: Interval,
}

#[derive(Clone, Copy, PartialEq)]
enum Leave {
    Nothing,
    Groups,
    Batches,
    Covariate(usize),
}

impl Model {
    fn levels(of: &[usize]) -> usize {
        of.iter().max().map_or(0, |m| m + 1)
    }

    /// Columns: 1, groups but the first, batches but the first, covariates.
    fn design(&self, leave: Leave) -> DMatrix<f64> {
        let n = self.response.len();
        let mut columns = vec![DVector::from_element(n, 1.0)];
        let mut factor = |of: &[usize]| {
            for level in 1..Self::levels(of) {
                columns.push(DVector::from_fn(n, |i, _| f64::from(u8::from(of[i] == level))));
            }
        };
        if leave != Leave::Groups {
            factor(&self.group);
        }
        if leave != Leave::Batches {
            factor(&self.batch);
        }
        for (i, covariate) in self.covariates.iter().enumerate() {
            if leave != Leave::Covariate(i) {
                columns.push(DVector::from_column_slice(covariate));
            }
        }
        DMatrix::from_columns(&columns)
    }

    /// Returns the design without the groups, and the same columns followed by those of the groups.
    pub(super) fn designs(&self) -> (DMatrix<f64>, DMatrix<f64>) {
        let reduced = self.design(Leave::Groups);
        let mut columns: Vec<DVector<f64>> = reduced.column_iter().map(|c| c.into_owned()).collect();
        for group in 1..Self::levels(&self.group) {
            let of = |i: usize, _| f64::from(u8::from(self.group[i] == group));
            columns.push(DVector::from_fn(self.response.len(), of));
        }
        (reduced, DMatrix::from_columns(&columns))
    }

    fn check(&self) -> Result<()> {
        let n = self.response.len();
        let lengths = std::iter::once(self.group.len()).chain(self.covariates.iter().map(Vec::len));
        let fits = lengths.chain((!self.batch.is_empty()).then_some(self.batch.len())).all(|l| l == n);
        if !fits || Self::levels(&self.group) < 2 {
            return Err(Undefined::TooFew { groups: 2, each: 2 });
        }
        Ok(())
    }

    /// Fits the model.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFew`] without two groups and spare animals, [`Undefined::Confounded`] if groups, batches and
    /// covariates cannot be told apart, [`Undefined::NoVariation`] if nothing is left to vary.
    pub fn fit(&self) -> Result<Adjusted> {
        self.check()?;
        let y = DVector::from_column_slice(&self.response);
        let full = linear_model::fit(&self.design(Leave::Nothing), &y)?;
        if full.rss <= 1e-24 * y.norm_squared() {
            return Err(Undefined::NoVariation);
        }
        let term = |leave: Leave| -> Result<FTest> {
            let without = linear_model::fit(&self.design(leave), &y)?;
            let df = without.df - full.df;
            Ok(FTest::new((without.rss - full.rss) / df / full.variance(), df, full.df))
        };
        let batches = if Self::levels(&self.batch) > 1 { Some(term(Leave::Batches)?) } else { None };
        let covariates =
            (0..self.covariates.len()).map(|i| term(Leave::Covariate(i))).collect::<Result<_>>()?;
        Ok(Adjusted { groups: term(Leave::Groups)?, batches, covariates, means: self.means(), fit: full })
    }

    fn means(&self) -> Vec<DVector<f64>> {
        let (groups, batches) = (Self::levels(&self.group), Self::levels(&self.batch));
        let of = |group: usize| {
            let mut combination = vec![1.0];
            combination.extend((1..groups).map(|g| f64::from(u8::from(g == group))));
            combination.extend((1..batches).map(|_| 1.0 / batches as f64));
            combination.extend(self.covariates.iter().map(|c| mean(c)));
            DVector::from_vec(combination)
        };
        (0..groups).map(of).collect()
    }

    /// Tests whether the slope of covariate `index` differs between groups; where it does, adjusted means depend on
    /// where they are compared.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn slopes(&self, index: usize) -> Result<FTest> {
        self.check()?;
        let covariate = self.covariates.get(index).ok_or(Undefined::TooFew { groups: 2, each: 2 })?;
        let y = DVector::from_column_slice(&self.response);
        let parallel = self.design(Leave::Nothing);
        let n = self.response.len();
        let mut columns: Vec<DVector<f64>> = parallel.column_iter().map(|c| c.into_owned()).collect();
        for group in 1..Self::levels(&self.group) {
            let of = |i: usize, _| if self.group[i] == group { covariate[i] } else { 0.0 };
            columns.push(DVector::from_fn(n, of));
        }
        let (parallel, free) =
            (linear_model::fit(&parallel, &y)?, linear_model::fit(&DMatrix::from_columns(&columns), &y)?);
        let df = parallel.df - free.df;
        Ok(FTest::new((parallel.rss - free.rss) / df / free.variance(), df, free.df))
    }
}

impl Adjusted {
    /// Returns the adjusted mean of every group.
    #[must_use]
    pub fn means(&self, alpha: f64) -> Vec<AdjustedMean> {
        let critical = t_critical(alpha, self.fit.df);
        let of = |combination: &DVector<f64>| {
            let (mean, se) = (combination.dot(&self.fit.coefficients), self.fit.se(combination));
            AdjustedMean { mean, se, interval: Interval::around(mean, critical * se) }
        };
        self.means.iter().map(of).collect()
    }

    /// Tests the adjusted mean of group `a` minus that of group `b`, without adjustment for several tests.
    #[must_use]
    pub fn contrast(&self, a: usize, b: usize) -> TTest {
        let mut weights = vec![0.0; self.means.len()];
        (weights[a], weights[b]) = (1.0, -1.0);
        self.combination(&weights)
    }

    /// Tests `Σ wᵢ·(adjusted mean)ᵢ`; the weights follow the groups.
    #[must_use]
    pub fn combination(&self, weights: &[f64]) -> TTest {
        let mut of_coefficients = DVector::zeros(self.fit.coefficients.len());
        for (mean, weight) in self.means.iter().zip(weights) {
            of_coefficients += mean * *weight;
        }
        let estimate = of_coefficients.dot(&self.fit.coefficients);
        TTest::new(estimate, self.fit.se(&of_coefficients), self.fit.df)
    }

    /// Compares all pairs of adjusted means, adjusted as Tukey does.
    #[must_use]
    pub fn pairs(&self, alpha: f64) -> Vec<Pair> {
        let groups = self.means.len();
        let critical = studentized_range::critical(alpha, groups, self.fit.df);
        let of = |(a, b): (usize, usize)| {
            let test = self.contrast(a, b);
            pair((a, b), test.estimate, test.se, test.df, groups, critical)
        };
        pairs(groups).into_iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_aliased_with_group_is_refused() {
        let model = Model {
            response: vec![1.0, 2.0, 3.0, 4.5, 5.0, 6.5],
            group: vec![0, 0, 1, 1, 2, 2],
            batch: vec![0, 0, 1, 1, 1, 1],
            covariates: Vec::new(),
        };
        assert_eq!(model.fit().unwrap_err(), Undefined::Confounded);
        let crossed = Model { batch: vec![0, 1, 0, 1, 0, 1], ..model };
        assert!(crossed.fit().is_ok());
    }
}
