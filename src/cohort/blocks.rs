//! Comparison adjusted for blocks.

use serde::Serialize;

use super::{
    analysis::{Role, Test},
    question::{Kind, Question, Route},
};
use crate::stats::{
    Interval, Result, Undefined,
    ancova::{Adjusted, Model},
    welch::TTest,
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
    let given: Vec<usize> = question.arms.iter().flat_map(|a| a.blocks.clone()).collect();
    // Blocks of which no animal is left must not become columns of the model.
    let mut present = given.clone();
    present.sort_unstable();
    present.dedup();
    let place = |block: &usize| present.partition_point(|b| b < block);
    Model {
        response: question.samples().concat(),
        group: arms.flat_map(|(g, a)| vec![g; a.values.len()]).collect(),
        batch: given.iter().map(place).collect(),
        covariates: Vec::new(),
    }
}

/// Groups at equal blocks, by name.
pub(super) struct AtEqualBlocks {
    names: Vec<String>,
    fit: Adjusted,
}

impl AtEqualBlocks {
    /// Returns the groups of a question that was answered by the route of blocks.
    pub(super) fn of(question: &Question, route: Route) -> Option<Self> {
        if route != Route::Blocked {
            return None;
        }
        let question = question.testable();
        let names = question.arms.iter().map(|a| a.name.clone()).collect();
        Some(Self { names, fit: fit(&question).ok()? })
    }

    /// Returns whether the model holds a group: one of a single animal it does not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    /// Tests a sum of adjusted means, each with the weight of its group.
    pub(super) fn combination(&self, weight: impl Fn(&str) -> f64) -> TTest {
        self.fit.combination(&self.names.iter().map(|n| weight(n)).collect::<Vec<_>>())
    }

    /// Returns the standard deviation that groups and blocks leave.
    pub(super) fn residual_sd(&self) -> f64 {
        self.fit.fit.variance().sqrt()
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
