//! Tests along the dose ladder.

use super::{
    analysis::{Role, Test},
    question::{Kind, Question, Route},
};
use crate::stats::{ancova::Adjusted, describe::mean, trend, welch::TTest};

/// What stands before the doses of a ladder.
const DOSES: &str = "doses ";
/// What stands behind a slope while the unit of doses is not known.
const PER_UNIT: &str = "per unit of dose";

/// Returns a note that names the unit of doses.
pub(super) fn in_unit(note: &str, unit: &str) -> String {
    let note = note.replace(PER_UNIT, &format!("per {unit}"));
    if note.contains(DOSES) { format!("{note} {unit}") } else { note }
}

/// Groups that a trend needs.
pub(super) const LEAST: usize = 3;

/// Returns the tests of the groups that have a dose, in order of dose; none below three such groups. Where blocks are in the
/// model, the contrast of adjusted means answers and the test of ranks, which knows no blocks, checks.
pub(super) fn tests(question: &Question, route: Route, blocked: Option<&Adjusted>) -> Vec<Test> {
    let mut ladder: Vec<(f64, Vec<f64>)> =
        question.arms.iter().filter_map(|a| Some((a.dose?, a.values.clone()))).collect();
    ladder.sort_by(|a, b| a.0.total_cmp(&b.0));
    if ladder.len() < LEAST || route == Route::Descriptive {
        return Vec::new();
    }
    let (doses, samples): (Vec<f64>, Vec<Vec<f64>>) = ladder.into_iter().unzip();
    let (answers, checks) = (Role::Primary, Role::Sensitivity);
    let (of_ranks, of_means) = if blocked.is_some() { (checks, answers) } else { (answers, checks) };
    let list = doses.iter().map(f64::to_string).collect::<Vec<_>>().join(" < ");
    let mut tests = Vec::new();
    if let Ok(ordered) = trend::jonckheere(&samples) {
        let exact = if ordered.p_exact.is_some() { "exact" } else { "normal approximation" };
        tests.push(Test {
            test: "jonckheere_terpstra",
            role: of_ranks,
            statistic: "z",
            value: ordered.z,
            df1: None,
            df2: None,
            p: ordered.best_p(),
            note: match blocked {
                Some(_) => format!("not adjusted for blocks; {exact}; {DOSES}{list}"),
                None => format!("{exact}; {DOSES}{list}"),
            },
        });
    }
    let linear = match blocked {
        Some(fit) => Some(at_equal_blocks(question, fit, mean(&doses))),
        None => trend::linear(&samples, &doses, route != Route::Classic).ok(),
    };
    if let Some(linear) = linear.filter(|_| question.kind == Kind::Continuous) {
        let slope = linear.estimate / trend::slope_unit(&doses);
        tests.push(Test {
            test: "linear_dose_contrast",
            role: of_means,
            statistic: "t",
            value: linear.t,
            df1: Some(linear.df),
            df2: None,
            p: linear.p,
            note: match blocked {
                Some(_) => format!("slope {slope:.4} {PER_UNIT}, of adjusted means"),
                None => format!("slope {slope:.4} {PER_UNIT}"),
            },
        });
    }
    tests.sort_by_key(|t| t.role != answers);
    tests
}

/// The linear contrast of adjusted means; `centre` is the mean dose of the ladder.
fn at_equal_blocks(question: &Question, fit: &Adjusted, centre: f64) -> TTest {
    let weight = |a: &super::Arm| a.dose.map_or(0.0, |d| d - centre);
    fit.combination(&question.arms.iter().map(weight).collect::<Vec<_>>())
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
