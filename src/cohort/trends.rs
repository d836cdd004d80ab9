//! Tests along the dose ladder.

use super::{
    analysis::{Role, Test},
    question::{Kind, Question, Route},
};
use crate::stats::trend;

/// What stands before the doses of a ladder.
const DOSES: &str = "doses ";
/// What stands behind a slope while the unit of doses is not known.
const PER_UNIT: &str = "per unit of dose";

/// Returns a note that names the unit of doses.
pub(super) fn in_unit(note: &str, unit: &str) -> String {
    let note = note.replace(PER_UNIT, &format!("per {unit}"));
    if note.contains(DOSES) { format!("{note} {unit}") } else { note }
}

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
            note: format!("{exact}; {DOSES}{list}"),
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
            note: format!("slope {slope:.4} {PER_UNIT}"),
        });
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::in_unit;

    #[test]
    fn notes_name_the_unit_of_doses() {
        assert_eq!(in_unit("exact; doses 0 < 5 < 10", "mg/kg"), "exact; doses 0 < 5 < 10 mg/kg");
        assert_eq!(in_unit("slope 0.1000 per unit of dose", "mg/kg"), "slope 0.1000 per mg/kg");
    }
}
