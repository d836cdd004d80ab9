//! Tests along the dose ladder.

use super::{
    analysis::{Role, Test, Trend},
    question::{Kind, Question, Route},
    text::short,
};
use crate::stats::{ancova::Adjusted, contrast, describe::mean, trend};

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
/// model, the contrast of adjusted means answers and the test of ranks, which knows no blocks, checks. Where all groups vary equally,
/// those without a dose tell of the spread too.
pub(super) fn tests(question: &Question, route: Route, blocked: Option<&Adjusted>) -> Vec<Trend> {
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
        let test = Test {
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
        };
        tests.push(Trend { test, slope: None });
    }
    let weights = || weights(question, mean(&doses));
    let linear = match blocked {
        Some(fit) => Some(fit.combination(&weights())),
        None if route == Route::Classic => contrast::pooled(&question.samples(), &weights()).ok(),
        None => trend::linear(&samples, &doses, true).ok(),
    };
    if let Some(linear) = linear.filter(|_| question.kind == Kind::Continuous) {
        let slope = linear.estimate / trend::slope_unit(&doses);
        let test = Test {
            test: "linear_dose_contrast",
            role: of_means,
            statistic: "t",
            value: linear.t,
            df1: Some(linear.df),
            df2: None,
            p: linear.p,
            note: match blocked {
                Some(_) => format!("slope {} {PER_UNIT}, of adjusted means", short(slope)),
                None => format!("slope {} {PER_UNIT}", short(slope)),
            },
        };
        tests.push(Trend { test, slope: Some(slope) });
    }
    tests.sort_by_key(|t| t.test.role != answers);
    tests
}

/// Weights of all groups in the linear contrast: 0 off the ladder, whose mean dose is `centre`.
fn weights(question: &Question, centre: f64) -> Vec<f64> {
    question.arms.iter().map(|a| a.dose.map_or(0.0, |d| d - centre)).collect()
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
