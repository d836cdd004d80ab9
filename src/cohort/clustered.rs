//! The same groups by a mixed model on all rows of an animal: a check of the comparison of animal means, never in its place.
//!
//! Animals stay the unit. A group of one animal has no spread between animals and is left out. Satterthwaite's degrees of
//! freedom count rows where animals are found not to differ beyond their rows, so that they end at animals minus groups.

use nalgebra::{DMatrix, DVector};
use serde::Serialize;

use super::{
    analysis::{Contrast, POINTWISE},
    contrasts::{How, holm},
    question::Question,
};
use crate::stats::{Result, Undefined, mixed};

/// What the mixed model says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clustered {
    /// Rows.
    pub rows: usize,
    /// Animals.
    pub animals: usize,
    /// Variance between animals of one group.
    pub between: f64,
    /// Variance between rows of one animal.
    pub within: f64,
    /// Share of variance that lies between animals.
    pub icc: f64,
    /// Whether the variance between animals was held at 0.
    pub singular: bool,
    /// Groups against each reference, with Satterthwaite's degrees of freedom, at most animals minus groups.
    pub contrasts: Vec<Contrast>,
}

/// Fits groups as fixed and animals as random effects (restricted likelihood); `repeats` holds the rows by group and animal.
///
/// # Errors
///
/// [`Undefined::TooFew`] unless two groups have two animals with rows; else as [`mixed::fit`].
pub fn fit(question: &Question, repeats: &[Vec<Vec<f64>>]) -> Result<Clustered> {
    let (question, repeats) = &testable(question, repeats);
    if repeats.len() < 2 {
        return Err(Undefined::TooFew { groups: 2, each: 2 });
    }
    let (mut values, mut group, mut animal) = (Vec::new(), Vec::new(), Vec::new());
    let mut animals = 0;
    for (g, of_group) in repeats.iter().enumerate() {
        for rows in of_group.iter().copied() {
            values.extend_from_slice(rows);
            group.extend(std::iter::repeat_n(g, rows.len()));
            animal.extend(std::iter::repeat_n(animals, rows.len()));
            animals += 1;
        }
    }
    let x = DMatrix::from_fn(values.len(), repeats.len(), |row, column| {
        f64::from(u8::from(group[row] == column))
    });
    let y = DVector::from_vec(values);
    let found = mixed::fit(&x, &y, &animal)?;
    let how = How { test: "mixed_model_contrast", interval_method: POINTWISE, adjustment: "holm" };
    let most = (animals - repeats.len()) as f64;
    let mut contrasts = Vec::new();
    for reference in &question.references {
        let one = |g: usize| {
            let mut weights = DVector::zeros(repeats.len());
            weights[g] = 1.0;
            weights[reference.arm] = -1.0;
            Some(((g, reference.arm), found.test_at_most(&weights, most)))
        };
        let tests = (0..repeats.len()).filter(|g| *g != reference.arm).map(one).collect();
        contrasts.extend(holm(question, &format!("vs_{}", reference.role), how, tests));
    }
    Ok(Clustered {
        rows: y.len(),
        animals,
        between: found.between,
        within: found.within,
        icc: found.icc(),
        singular: found.singular,
        contrasts,
    })
}

/// Rows by group and animal.
type Rows<'a> = Vec<Vec<&'a Vec<f64>>>;

/// Returns the groups of two animals with rows or more, and the rows of those animals.
fn testable<'a>(question: &Question, repeats: &'a [Vec<Vec<f64>>]) -> (Question, Rows<'a>) {
    let rows: Rows<'a> = repeats.iter().map(|g| g.iter().filter(|r| !r.is_empty()).collect()).collect();
    let kept: Vec<usize> = (0..rows.len()).filter(|&g| rows[g].len() > 1).collect();
    let question = question.of_arms(&kept);
    (question, kept.into_iter().map(|g| rows[g].clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::Arm;

    fn fitted(repeats: &[Vec<Vec<f64>>]) -> Result<Clustered> {
        let arm = |(g, animals): (usize, &Vec<Vec<f64>>)| Arm {
            name: ["control", "treated", "other"][g].into(),
            values: animals.iter().map(|rows| rows[0]).collect(),
            blocks: Vec::new(),
            dose: None,
        };
        let question = Question::controlled(repeats.iter().enumerate().map(arm).collect());
        fit(&question, repeats)
    }

    #[test]
    fn one_animal_is_no_group() {
        let (one, two) = (vec![vec![9.0, 9.1]], |v: f64| vec![vec![v, v + 0.1], vec![v + 1.0, v + 1.3]]);
        assert_eq!(
            fitted(&[one.clone(), one.clone()]).unwrap_err(),
            Undefined::TooFew { groups: 2, each: 2 }
        );
        assert!(fitted(&[two(1.0), one.clone()]).is_err());
        assert_eq!(fitted(&[one.clone(), two(1.0), two(5.0)]).unwrap().contrasts, []);
        let found = fitted(&[two(1.0), one, two(5.0)]).unwrap();
        let names: Vec<_> = found.contrasts.iter().map(|k| (k.a.as_str(), k.n_a, k.n_b)).collect();
        assert_eq!((names.as_slice(), found.animals), ([("other", 2, 2)].as_slice(), 4));
    }

    /// Animals that differ less than their rows leave no variance between animals; the test still counts animals.
    #[test]
    fn rows_never_add_degrees_of_freedom() {
        let group = |v: f64| vec![vec![v - 1.0, v, v + 1.0]; 2];
        let found = fitted(&[group(1.0), group(4.0)]).unwrap();
        assert!(found.singular && found.rows == 12);
        assert_eq!(found.contrasts[0].df, Some(2.0));
        let unequal = vec![vec![0.0], vec![2.1, 0.1, 1.3, 0.4]];
        let found = fitted(&[group(1.0), unequal]).unwrap();
        assert!(found.contrasts[0].df.is_some_and(|df| df <= 2.0), "{found:?}");
    }
}
