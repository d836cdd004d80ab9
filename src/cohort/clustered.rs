//! The same groups by a mixed model on all rows of an animal: a check of the comparison of animal means, never in its place.

use nalgebra::{DMatrix, DVector};
use serde::Serialize;

use super::{
    analysis::Contrast,
    contrasts::{How, POINTWISE, holm},
    question::Question,
};
use crate::stats::{Result, mixed};

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
    /// Groups against each reference, with Satterthwaite's degrees of freedom.
    pub contrasts: Vec<Contrast>,
}

/// Fits groups as fixed and animals as random effects (restricted likelihood); `repeats` holds the rows by group and animal.
///
/// # Errors
///
/// As [`mixed::fit`].
pub fn fit(question: &Question, repeats: &[Vec<Vec<f64>>]) -> Result<Clustered> {
    let (mut values, mut group, mut animal) = (Vec::new(), Vec::new(), Vec::new());
    let mut animals = 0;
    for (g, of_group) in repeats.iter().enumerate() {
        for rows in of_group {
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
    let mut contrasts = Vec::new();
    for reference in &question.references {
        let one = |g: usize| {
            let mut weights = DVector::zeros(repeats.len());
            weights[g] = 1.0;
            weights[reference.arm] = -1.0;
            Some(((g, reference.arm), found.test(&weights)))
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
