//! Contrasts planned in `study.toml`.

use super::{
    Kind, Question,
    analysis::{Contrast, POINTWISE},
    blocks::AtEqualBlocks,
};
use crate::{
    stats::{
        adjust::{Method, adjust},
        contrast,
        welch::TTest,
    },
    study::{Planned, Study},
};

/// Returns the planned contrasts, adjusted together by Holm, and why others were not tested. Where blocks are in the model they are of
/// adjusted means.
pub(super) fn contrasts(
    study: &Study,
    question: &Question,
    blocked: Option<&AtEqualBlocks>,
) -> (Vec<Contrast>, Vec<String>) {
    if question.kind == Kind::Ordinal {
        let told = "planned contrasts were not tested: they are of means, and grades have no distances";
        return (Vec::new(), study.contrasts.first().map(|_| told.to_owned()).into_iter().collect());
    }
    let (mut found, mut untested) = (Vec::new(), Vec::new());
    for planned in &study.contrasts {
        match test(planned, question, blocked) {
            Ok(test) => found.push((planned, test)),
            Err(why) => untested.push(format!("planned contrast {} was not tested: {why}", planned.name)),
        }
    }
    let raw: Vec<f64> = found.iter().map(|(_, test)| test.p).collect();
    let size = found.len();
    let count = |names: &[String]| {
        question.arms.iter().filter(|a| names.contains(&a.name)).map(|a| a.values.len()).sum()
    };
    let row = |((planned, test), p_adjusted): ((&Planned, TTest), f64)| Contrast {
        family: "planned".into(),
        family_size: size,
        name: planned.name.clone(),
        a: side(&planned.plus),
        b: side(&planned.minus),
        n_a: count(&planned.plus),
        n_b: count(&planned.minus),
        estimate: test.estimate,
        interval: Some(test.interval(study.alpha)),
        interval_method: POINTWISE,
        effect: None,
        test: if blocked.is_some() { "adjusted_contrast" } else { "welch_contrast" },
        statistic: test.t,
        df: Some(test.df),
        p: Some(test.p),
        p_adjusted,
        adjustment: "holm",
        p_permutation: None,
        flags: Vec::new(),
    };
    (found.into_iter().zip(adjust(&raw, Method::Holm)).map(row).collect(), untested)
}

/// Names one side: of several groups the mean of their means is compared.
fn side(groups: &[String]) -> String {
    match groups {
        [one] => one.clone(),
        several => format!("mean of {}", several.join(", ")),
    }
}

/// Tests one contrast, or says why that cannot be done.
fn test(planned: &Planned, question: &Question, blocked: Option<&AtEqualBlocks>) -> Result<TTest, String> {
    let values =
        |name: &String| question.arms.iter().find(|a| a.name == *name).map_or(&[][..], |a| &a.values);
    let small: Vec<&str> = planned
        .plus
        .iter()
        .chain(&planned.minus)
        .filter(|n| values(n).len() < 2)
        .map(String::as_str)
        .collect();
    if !small.is_empty() {
        return Err(format!("fewer than two animals in {}", small.join(", ")));
    }
    let share = |names: &[String], group: &str| {
        if names.iter().any(|n| n == group) { 1.0 / names.len() as f64 } else { 0.0 }
    };
    let weight = |group: &str| share(&planned.plus, group) - share(&planned.minus, group);
    if let Some(level) = blocked {
        return Ok(level.combination(weight));
    }
    let part = || question.arms.iter().filter(|a| weight(&a.name) != 0.0);
    let samples: Vec<Vec<f64>> = part().map(|a| a.values.clone()).collect();
    let weights: Vec<f64> = part().map(|a| weight(&a.name)).collect();
    contrast::welch(&samples, &weights).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::{Arm, analyse};

    fn question(kind: Kind, blocks: bool) -> Question {
        let arm = |(g, name): (usize, &str)| Arm {
            name: name.into(),
            // Blocks lie far apart, groups one apart.
            values: (0..4)
                .map(|b| 10.0 * b as f64 + g as f64 + [0.1, -0.1, 0.05, -0.05][(b + g) % 4])
                .collect(),
            blocks: if blocks { (0..4).collect() } else { Vec::new() },
            dose: None,
        };
        let lone = Arm { name: "lone".into(), values: vec![1.0], blocks: vec![0], dose: None };
        let arms = ["normal", "low", "high"].into_iter().enumerate().map(arm).chain([lone]).collect();
        Question { kind, ..Question::plain(arms) }
    }

    fn study() -> Study {
        let planned = |name: &str, plus: &[&str], minus: &[&str]| Planned {
            name: name.into(),
            plus: plus.iter().map(ToString::to_string).collect(),
            minus: minus.iter().map(ToString::to_string).collect(),
        };
        let contrasts =
            vec![planned("dosed", &["low", "high"], &["normal"]), planned("one", &["lone"], &["low"])];
        Study { contrasts, ..Study::default() }
    }

    fn tested(kind: Kind, blocks: bool) -> (Vec<Contrast>, Vec<String>) {
        let question = question(kind, blocks);
        let level = AtEqualBlocks::of(&question, analyse(&question).choice.route);
        contrasts(&study(), &question, level.as_ref())
    }

    #[test]
    fn planned_contrasts_are_made_at_equal_blocks() {
        let (plain, untested) = tested(Kind::Continuous, false);
        assert_eq!(untested, ["planned contrast one was not tested: fewer than two animals in lone"]);
        let (adjusted, _) = tested(Kind::Continuous, true);
        assert_eq!((plain.len(), adjusted.len(), adjusted[0].test), (1, 1, "adjusted_contrast"));
        assert_eq!(plain[0].label(), "dosed: mean of low, high - normal");
        assert!((plain[0].estimate - 1.5).abs() < 0.1 && (adjusted[0].estimate - 1.5).abs() < 0.1);
        assert!(plain[0].p_adjusted > 0.5 && adjusted[0].p_adjusted < 1e-4, "{plain:?} {adjusted:?}");
    }

    #[test]
    fn grades_have_no_planned_contrasts() {
        let (found, untested) = tested(Kind::Ordinal, false);
        assert!(found.is_empty() && untested.len() == 1, "{found:?} {untested:?}");
    }
}
