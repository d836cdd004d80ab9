//! Checks of a primary endpoint under other models: at equal covariates, and by a mixed model on slides. They stand beside
//! the answer, never in its place.

use super::{
    Kind, Question,
    adjusted::adjust,
    analysis::{Analysis, Contrast, Role},
    clustered,
};

/// A covariate by group and animal; `None` where an animal has none.
pub(super) struct Covariate {
    /// Column of the animal table.
    pub name: String,
    /// Values in the order of the question's groups and animals.
    pub values: Vec<Vec<Option<f64>>>,
}

/// End of the name of families at equal covariates.
pub const GIVEN: &str = "_given_covariates";

/// End of the name of families by the mixed model.
pub const MIXED: &str = "_mixed_model";

/// Adds the checks that can be made; says why one cannot. Of grades there is none: both models are of means.
pub(super) fn add(
    analysis: &mut Analysis,
    question: &Question,
    slides: &[Vec<Vec<f64>>],
    covariates: &[Covariate],
) {
    if question.kind != Kind::Continuous {
        if !covariates.is_empty() {
            analysis
                .warnings
                .push(format!("not checked at equal {}: grades have no distances", names(covariates)));
        }
        return;
    }
    if !covariates.is_empty() {
        given(analysis, question, covariates);
    }
    let several = slides.iter().flatten().filter(|s| s.len() > 1).count() > 1;
    if several && question.arms.len() > 1 && question.has_blocks() {
        analysis.warnings.push("no check by a mixed model: blocks are not part of it".into());
    } else if several && question.arms.len() > 1 {
        match clustered::fit(question, slides) {
            Ok(found) => {
                let mark = found.singular.then_some("no_variance_between_animals");
                analysis.contrasts.extend(named(found.contrasts, MIXED, mark));
            }
            Err(why) => analysis.warnings.push(format!("no check by a mixed model: {why}")),
        }
    }
}

fn named(
    contrasts: Vec<Contrast>,
    end: &'static str,
    mark: Option<&'static str>,
) -> impl Iterator<Item = Contrast> {
    contrasts.into_iter().map(move |mut k| {
        k.family += end;
        k.flags.extend(mark);
        k
    })
}

fn names(covariates: &[Covariate]) -> String {
    covariates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn given(analysis: &mut Analysis, question: &Question, covariates: &[Covariate]) {
    let told = names(covariates);
    let names: Vec<String> = covariates.iter().map(|c| c.name.clone()).collect();
    let (question, values, left_out) = complete(question, covariates);
    if left_out > 0 {
        analysis.warnings.push(format!("check at equal {told}: {left_out} animals without it are left out"));
    }
    match adjust(&question, &names, &values) {
        Ok(found) => {
            analysis.omnibus.extend(found.groups.into_iter().map(|mut t| {
                t.role = Role::Sensitivity;
                t
            }));
            analysis.assumptions.extend(found.covariates);
            analysis.contrasts.extend(named(found.contrasts, GIVEN, None));
        }
        Err(why) => analysis.warnings.push(format!("no check at equal {told}: {why}")),
    }
}

/// Keeps animals that have every covariate, and groups that have two such animals or more.
fn complete(question: &Question, covariates: &[Covariate]) -> (Question, Vec<Vec<Vec<f64>>>, usize) {
    let has = |g: usize, i: usize| covariates.iter().all(|c| c.values[g][i].is_some());
    let kept: Vec<Vec<usize>> = question
        .arms
        .iter()
        .enumerate()
        .map(|(g, arm)| (0..arm.values.len()).filter(|&i| has(g, i)).collect())
        .collect();
    let left_out = question.arms.iter().map(|a| a.values.len()).sum::<usize>()
        - kept.iter().map(Vec::len).sum::<usize>();
    let groups: Vec<usize> = (0..kept.len()).filter(|&g| kept[g].len() > 1).collect();
    let mut own = question.of_arms(&groups);
    for (arm, &g) in own.arms.iter_mut().zip(&groups) {
        arm.values = kept[g].iter().map(|&i| question.arms[g].values[i]).collect();
        arm.blocks = kept[g].iter().filter_map(|&i| question.arms[g].blocks.get(i).copied()).collect();
    }
    let of = |c: &Covariate| {
        groups.iter().map(|&g| kept[g].iter().filter_map(|&i| c.values[g][i]).collect()).collect()
    };
    (own, covariates.iter().map(of).collect(), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::{Arm, analyse};

    /// Two groups that differ by 2 at equal weight, and whose weights differ by 10 (slope 0.3).
    fn question() -> (Question, Covariate) {
        let weights = [[20.0, 22.0, 24.0, 26.0, 28.0], [30.0, 32.0, 34.0, 36.0, 38.0]];
        let noise = [[0.02, -0.03, 0.01, 0.02, -0.02], [-0.01, 0.03, -0.02, 0.01, -0.01]];
        let arm = |g: usize| Arm {
            name: ["control", "treated"][g].into(),
            values: (0..5).map(|i| 2.0 * g as f64 + 0.3 * weights[g][i] + noise[g][i]).collect(),
            blocks: Vec::new(),
            dose: None,
        };
        let question = Question::controlled(vec![arm(0), arm(1)]);
        let values = weights.map(|w| w.map(Some).to_vec()).to_vec();
        (question, Covariate { name: "body_weight_g".into(), values })
    }

    fn estimate(analysis: &Analysis, family: &str) -> f64 {
        analysis.contrasts.iter().find(|k| k.family == family).unwrap().estimate
    }

    #[test]
    fn equal_weight_takes_the_weight_out() {
        let (question, weight) = question();
        let mut analysis = analyse(&question);
        assert!((estimate(&analysis, "vs_control") - 5.0).abs() < 0.1);
        add(&mut analysis, &question, &[], &[weight]);
        assert!((estimate(&analysis, "vs_control_given_covariates") - 2.0).abs() < 0.1);
        let roles: Vec<_> = analysis.omnibus.iter().filter(|t| t.test == "ancova").map(|t| t.role).collect();
        assert_eq!(roles, [Role::Sensitivity]);
        assert!(analysis.assumptions.iter().any(|t| t.test == "equal_slopes"));
    }

    #[test]
    fn animals_without_a_weight_are_left_out_and_told() {
        let (question, mut weight) = question();
        weight.values[1][0] = None;
        let mut analysis = analyse(&question);
        add(&mut analysis, &question, &[], &[weight]);
        let given = analysis.contrasts.iter().find(|k| k.family.ends_with(GIVEN)).unwrap();
        assert_eq!((given.n_a, given.n_b), (4, 5));
        assert!(
            analysis
                .warnings
                .iter()
                .any(|w| w == "check at equal body_weight_g: 1 animals without it are left out")
        );
    }

    /// With the same number of slides on every animal the mixed model gives the difference of the animals' means.
    #[test]
    fn slides_by_a_mixed_model() {
        let (question, _) = question();
        let slides = |a: &Arm| a.values.iter().map(|v| vec![v - 0.4, v + 0.4]).collect::<Vec<_>>();
        let slides: Vec<_> = question.arms.iter().map(slides).collect();
        let mut analysis = analyse(&question);
        add(&mut analysis, &question, &slides, &[]);
        let mixed = estimate(&analysis, "vs_control_mixed_model");
        assert!((mixed - estimate(&analysis, "vs_control")).abs() < 1e-9);
        let single: Vec<_> =
            question.arms.iter().map(|a| a.values.iter().map(|v| vec![*v]).collect()).collect();
        let mut analysis = analyse(&question);
        add(&mut analysis, &question, &single, &[]);
        assert!(analysis.contrasts.iter().all(|k| !k.family.ends_with(MIXED)));
    }

    #[test]
    fn groups_of_one_animal_are_not_checked() {
        let (mut question, mut weight) = question();
        let slides: Vec<_> =
            question.arms.iter().map(|a| vec![vec![a.values[0] - 0.4, a.values[0] + 0.4]]).collect();
        for (arm, weights) in question.arms.iter_mut().zip(&mut weight.values) {
            arm.values.truncate(1);
            weights.truncate(1);
        }
        let mut analysis = analyse(&question);
        add(&mut analysis, &question, &slides, &[weight]);
        assert!(analysis.contrasts.is_empty() && analysis.omnibus.is_empty(), "{analysis:?}");
        let why = "too few values: at least 2 groups of 2 are needed";
        assert!(analysis.warnings.contains(&format!("no check by a mixed model: {why}")));
    }

    #[test]
    fn grades_have_no_checks_which_is_told() {
        let (mut question, weight) = question();
        question.kind = Kind::Ordinal;
        let mut analysis = analyse(&question);
        let mut expected = analysis.clone();
        add(&mut analysis, &question, &[], &[]);
        assert_eq!(analysis, expected);
        add(&mut analysis, &question, &[], &[weight]);
        expected.warnings.push("not checked at equal body_weight_g: grades have no distances".into());
        assert_eq!(analysis, expected);
    }
}
