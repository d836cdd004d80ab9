//! Tests along the dose ladder.

use super::{
    analysis::{Role, Test},
    question::{Kind, Question, Route},
};
use crate::stats::trend;

/// Returns the tests of the groups that have a dose, in order of dose; none below three such groups.
pub(super) fn tests(question: &Question, route: Route) -> Vec<Test> {
    let mut ladder: Vec<(f64, Vec<f64>)> =
        question.arms.iter().filter_map(|a| Some((a.dose?, a.values.clone()))).collect();
    ladder.sort_by(|a, b| a.0.total_cmp(&b.0));
    if ladder.len() < 3 || route == Route::Descriptive {
        return Vec::new();
    }
    let (doses, samples): (Vec<f64>, Vec<Vec<f64>>) = ladder.into_iter().unzip();
    let list = doses.iter().map(f64::to_string).collect::<Vec<_>>().join(" < ");
    let mut tests = Vec::new();
    if let Ok(ordered) = trend::jonckheere(&samples) {
        let exact = if ordered.p_exact.is_some() { "exact" } else { "normal approximation" };
        tests.push(Test {
            test: "jonckheere_terpstra",
            role: Role::Primary,
            statistic: "z",
            value: ordered.z,
            df1: None,
            df2: None,
            p: ordered.best_p(),
            note: format!("{exact}; doses {list}"),
        });
    }
    let equal = matches!(route, Route::Classic | Route::Blocked);
    if question.kind == Kind::Continuous
        && let Ok(linear) = trend::linear(&samples, &doses, !equal)
    {
        let slope = linear.estimate / trend::slope_unit(&doses);
        tests.push(Test {
            test: "linear_dose_contrast",
            role: Role::Sensitivity,
            statistic: "t",
            value: linear.t,
            df1: Some(linear.df),
            df2: None,
            p: linear.p,
            note: format!("slope {slope:.4} per unit of dose"),
        });
    }
    tests
}
