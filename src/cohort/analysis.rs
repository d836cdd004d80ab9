//! One endpoint analysed.

use std::cmp::Ordering;

use serde::Serialize;

use super::{
    assumptions, blocks, contrasts, equivalences, omnibus,
    question::{Choice, Kind, Question},
    trends, warnings,
};
use crate::stats::{Interval, describe::Summary, distribution::t_critical};

/// One group as found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Name.
    pub group: String,
    /// Number, mean, spread and quantiles.
    #[serde(flatten)]
    pub summary: Summary,
    /// t interval of the mean; `None` below two animals or without variation.
    pub mean_interval: Option<Interval>,
    /// Dose, for groups on the ladder.
    pub dose: Option<f64>,
}

/// Whether a test answers the question or checks the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The test that the rule chose.
    Primary,
    /// Another test of the same question.
    Sensitivity,
    /// A test of an assumption; it decides nothing.
    Diagnostic,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Test {
    /// Name, e.g. `welch_anova`.
    pub test: &'static str,
    /// Its role.
    pub role: Role,
    /// Name of the statistic: `F`, `H`, `W`, ….
    pub statistic: &'static str,
    /// Its value.
    pub value: f64,
    /// Degrees of freedom, the numerator's if there are two.
    pub df1: Option<f64>,
    /// Denominator degrees of freedom.
    pub df2: Option<f64>,
    /// The p-value.
    pub p: f64,
    /// Anything a reader must know.
    pub note: String,
}

/// A test along the dose ladder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// The test.
    #[serde(flatten)]
    pub test: Test,
    /// Change per unit of dose, of the linear contrast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slope: Option<f64>,
}

/// An effect size with its name.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NamedEffect {
    /// `hedges_g`, `hedges_g_adjusted` (of adjusted means, in residual standard deviations), `hedges_g_unadjusted` (of values as they are, beside differences at equal
    /// covariates) or `cliffs_delta`.
    pub name: &'static str,
    /// Value; positive when the first group is higher.
    pub value: f64,
    /// Interval, where there is one.
    pub interval: Option<Interval>,
}

/// Intervals that hold one by one.
pub(crate) const POINTWISE: &str = "t, each by itself";
/// Intervals that hold for all of a family together.
pub(crate) const SIMULTANEOUS: &str = "simultaneous";

/// A comparison of two groups, first minus second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contrast {
    /// The family it is adjusted in: `vs_disease`, `vs_normal`, `vs_control`, `all_pairs`, `planned`.
    pub family: String,
    /// Name that it was declared by; empty but for planned contrasts.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: String,
    /// Number of comparisons in the family.
    pub family_size: usize,
    /// First group; `mean of` several in planned contrasts.
    pub a: String,
    /// Second group, or groups.
    pub b: String,
    /// Animals of the first.
    pub n_a: usize,
    /// Animals of the second.
    pub n_b: usize,
    /// Difference: of means, or of medians for ranks.
    pub estimate: f64,
    /// Interval of the difference, if the method has one.
    pub interval: Option<Interval>,
    /// How the interval was made.
    pub interval_method: &'static str,
    /// Effect size.
    pub effect: Option<NamedEffect>,
    /// Name of the test.
    pub test: &'static str,
    /// Value of its statistic.
    pub statistic: f64,
    /// Its degrees of freedom.
    pub df: Option<f64>,
    /// p-value before adjustment; `None` where the test only gives adjusted ones.
    pub p: Option<f64>,
    /// p-value adjusted within the family.
    pub p_adjusted: f64,
    /// How it was adjusted.
    pub adjustment: &'static str,
    /// Exact p-value of this comparison alone, all arrangements listed: of means for measurements (within blocks where the
    /// comparison is adjusted for them), of ranks for grades. `None` where there are too many, or but one.
    pub p_permutation: Option<f64>,
    /// Short marks: `separated`, `n_below_3`, `cannot_reach_alpha`, ….
    pub flags: Vec<&'static str>,
}

impl Contrast {
    /// Returns which is compared with which, after the name of a planned contrast: `dosed: mean of low, high - normal`.
    #[must_use]
    pub fn label(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!("{}: ", self.name) };
        format!("{name}{} - {}", self.a, self.b)
    }

    /// Returns whether ranks were compared. The estimate is a difference of medians then, which need not go the way of the ranks.
    #[must_use]
    pub fn is_of_ranks(&self) -> bool {
        ["dunn", "mann_whitney"].contains(&self.test)
    }

    /// Returns how the first group lies to the second by what was tested: by its ranks where ranks were.
    #[must_use]
    pub fn direction(&self) -> Ordering {
        let by = match self.test {
            "dunn" => self.statistic,
            // Pairs in which the first is the larger, over half of all.
            "mann_whitney" => self.statistic - 0.5 * (self.n_a * self.n_b) as f64,
            _ => self.estimate,
        };
        by.partial_cmp(&0.0).unwrap_or(Ordering::Equal)
    }
}

/// A test of equivalence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Equivalence {
    /// Group.
    pub a: String,
    /// Reference.
    pub b: String,
    /// Half-width of the margin.
    pub margin: f64,
    /// Difference of means.
    pub estimate: f64,
    /// Interval that must lie within the margin: 1 − 2α.
    pub interval: Interval,
    /// Degrees of freedom.
    pub df: f64,
    /// Larger of both one-sided p-values.
    pub p: f64,
    /// Whether equivalence is shown.
    pub equivalent: bool,
}

/// Everything found for one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// Kind of number.
    pub kind: Kind,
    /// Significance level.
    pub alpha: f64,
    /// The route taken and why.
    pub choice: Choice,
    /// Groups in their order.
    pub groups: Vec<Group>,
    /// Tests of all groups at once, the primary one first.
    pub omnibus: Vec<Test>,
    /// Effect sizes of all groups at once.
    pub omnibus_effects: Vec<NamedEffect>,
    /// Tests of assumptions; printed, never used to choose.
    pub assumptions: Vec<Test>,
    /// Comparisons.
    pub contrasts: Vec<Contrast>,
    /// Tests along the dose ladder.
    pub trends: Vec<Trend>,
    /// Tests of equivalence with the normal or only control.
    pub equivalences: Vec<Equivalence>,
    /// Adjusted comparison, where blocks were given.
    pub blocks: Option<blocks::Blocked>,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

/// Analyses one endpoint.
#[must_use]
pub fn analyse(question: &Question) -> Analysis {
    let all = &question.arms;
    let question = &question.testable();
    let blocked = question.has_blocks().then(|| blocks::fit(question));
    let refused = blocked.as_ref().and_then(|b| b.as_ref().err().copied());
    let choice = question.choose(refused);
    let blocked = blocked.and_then(Result::ok);
    let contrasts = contrasts::all(question, choice.route, blocked.as_ref());
    let (omnibus, omnibus_effects) = omnibus::tests(question, choice.route, blocked.as_ref());
    let (equivalences, untested) = equivalences::all(question, blocked.as_ref());
    let mut warnings = warnings::all(question, all, &choice, refused, &omnibus, &contrasts);
    warnings.extend(untested);
    Analysis {
        kind: question.kind,
        alpha: question.alpha,
        groups: all.iter().map(|a| group(a, question.alpha)).collect(),
        omnibus,
        omnibus_effects,
        assumptions: assumptions::tests(question, blocked.as_ref()),
        trends: trends::tests(question, choice.route, blocked.as_ref()),
        equivalences,
        blocks: blocked.map(|b| blocks::Blocked::of(question, &b)),
        contrasts,
        choice,
        warnings,
    }
}

fn group(arm: &super::Arm, alpha: f64) -> Group {
    let summary = Summary::of(&arm.values);
    let n = summary.n as f64;
    let varies = summary.n > 1 && summary.sd > 0.0;
    let half = || t_critical(alpha, n - 1.0) * summary.sd / n.sqrt();
    let mean_interval = varies.then(|| Interval::around(summary.mean, half()));
    Group { group: arm.name.clone(), summary, mean_interval, dose: arm.dose }
}

#[cfg(test)]
mod tests;
