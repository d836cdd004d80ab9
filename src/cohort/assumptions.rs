//! Diagnostics of normality and of equal variances.

use super::{
    analysis::{Role, Test},
    question::{Kind, Question},
};
use crate::stats::{describe::residuals, shapiro, spread};

/// Returns the diagnostics of a measurement; none for grades.
pub(super) fn tests(question: &Question) -> Vec<Test> {
    if question.kind == Kind::Ordinal {
        return Vec::new();
    }
    let samples = question.samples();
    let mut tests = Vec::new();
    if let Ok(normal) = shapiro::shapiro_wilk(&residuals(&samples)) {
        tests.push(Test {
            test: "shapiro_wilk",
            role: Role::Diagnostic,
            statistic: "W",
            value: normal.w,
            df1: None,
            df2: None,
            p: normal.p,
            note: "pooled residuals".into(),
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
            note: "distances from group medians".into(),
        });
    }
    tests
}
