//! Diagnostics of normality and of equal variances.

use super::{
    analysis::{Role, Test},
    question::{Kind, Question},
};
use crate::stats::{ancova::Adjusted, describe::residuals, shapiro, spread};

/// Returns the diagnostics of a measurement, of what groups (and blocks, where they are in the model) leave; none for grades.
pub(super) fn tests(question: &Question, blocked: Option<&Adjusted>) -> Vec<Test> {
    if question.kind == Kind::Ordinal {
        return Vec::new();
    }
    let (samples, left) = match blocked {
        Some(fit) => (by_group(question, fit.fit.residuals()), fit.fit.residuals().to_vec()),
        None => (question.samples(), residuals(&question.samples())),
    };
    let mut tests = Vec::new();
    if let Ok(normal) = shapiro::shapiro_wilk(&left) {
        tests.push(Test {
            test: "shapiro_wilk",
            role: Role::Diagnostic,
            statistic: "W",
            value: normal.w,
            df1: None,
            df2: None,
            p: normal.p,
            note: if blocked.is_some() { "residuals of groups and blocks" } else { "pooled residuals" }
                .into(),
        });
    }
    if let Ok(equal) = spread::brown_forsythe(&samples) {
        tests.push(Test {
            test: "brown_forsythe",
            role: Role::Diagnostic,
            statistic: "F",
            value: equal.f,
            df1: Some(equal.df1),
            df2: Some(equal.df2),
            p: equal.p,
            note: match blocked {
                Some(_) => "distances of residuals from group medians",
                None => "distances from group medians",
            }
            .into(),
        });
    }
    tests
}

/// Residuals follow the groups.
fn by_group(question: &Question, residuals: &[f64]) -> Vec<Vec<f64>> {
    let mut rest = residuals;
    let mut take = |n: usize| {
        let (own, others) = rest.split_at(n.min(rest.len()));
        rest = others;
        own.to_vec()
    };
    question.arms.iter().map(|a| take(a.values.len())).collect()
}
