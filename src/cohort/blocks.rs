//! Comparison adjusted for blocks.

use serde::Serialize;

use super::{
    analysis::{Role, Test},
    question::{Kind, Question},
};
use crate::stats::{
    Interval, Result, Undefined,
    ancova::{Adjusted, Model},
};

/// What the adjusted model says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Blocked {
    /// Number of blocks.
    pub blocks: usize,
    /// Whether every group occurs in every block.
    pub complete: bool,
    /// Test of the blocks.
    pub test: Option<Test>,
    /// Adjusted mean of every group.
    pub means: Vec<Mean>,
}

/// An adjusted mean.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// Group.
    pub group: String,
    /// Mean at the average of the blocks.
    pub mean: f64,
    /// Standard error.
    pub se: f64,
    /// Interval.
    pub interval: Interval,
}

/// Fits groups and blocks.
///
/// # Errors
///
/// [`Undefined::Confounded`] if they cannot be told apart, or what [`Model::fit`] says; grades are not adjusted.
pub(super) fn fit(question: &Question) -> Result<Adjusted> {
    if question.kind == Kind::Ordinal {
        return Err(Undefined::NotConverged);
    }
    model(question).fit()
}

pub(super) fn model(question: &Question) -> Model {
    let arms = question.arms.iter().enumerate();
    Model {
        response: question.samples().concat(),
        group: arms.flat_map(|(g, a)| vec![g; a.values.len()]).collect(),
        batch: question.arms.iter().flat_map(|a| a.blocks.clone()).collect(),
        covariates: Vec::new(),
    }
}

impl Blocked {
    pub(super) fn of(question: &Question, fit: &Adjusted) -> Self {
        let mut blocks: Vec<usize> = question.arms.iter().flat_map(|a| a.blocks.clone()).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let complete = question.arms.iter().all(|a| blocks.iter().all(|b| a.blocks.contains(b)));
        let test = fit.batches.map(|t| Test {
            test: "anova_blocks",
            role: Role::Diagnostic,
            statistic: "F",
            value: t.f,
            df1: Some(t.df1),
            df2: Some(t.df2),
            p: t.p,
            note: "blocks, given groups (type II)".into(),
        });
        let means = fit.means(question.alpha).into_iter().zip(&question.arms).map(|(m, arm)| Mean {
            group: arm.name.clone(),
            mean: m.mean,
            se: m.se,
            interval: m.interval,
        });
        Self { blocks: blocks.len(), complete, test, means: means.collect() }
    }
}
