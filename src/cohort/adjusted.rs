//! Groups compared at equal covariates: body weight, age, baseline.

use serde::Serialize;

use super::{
    analysis::{Contrast, POINTWISE, Role, Test},
    blocks::{self, Mean},
    contrasts::{How, holm},
    question::Question,
};
use crate::stats::{Result, ancova::Model, anova::FTest, permutation};

/// What the adjusted model says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Adjustment {
    /// Tests of groups: F of the model, and by permutation (Freedman and Lane).
    pub groups: Vec<Test>,
    /// Tests of each covariate, and whether its slope differs between groups.
    pub covariates: Vec<Test>,
    /// Mean of every group at the mean of the covariates.
    pub means: Vec<Mean>,
    /// Groups against each reference.
    pub contrasts: Vec<Contrast>,
}

/// Compares groups at equal covariates; `covariates` holds, for each, the values by group and animal. Blocks stay in the
/// model. A group of one animal has no spread and is left out.
///
/// # Errors
///
/// As [`Model::fit`].
pub fn adjust(question: &Question, names: &[String], covariates: &[Vec<Vec<f64>>]) -> Result<Adjustment> {
    let kept: Vec<usize> = (0..question.arms.len()).filter(|&g| question.arms[g].values.len() > 1).collect();
    let question = &question.of_arms(&kept);
    let mut model = blocks::model(question);
    let of_kept = |c: &Vec<Vec<f64>>| kept.iter().flat_map(|&g| c[g].iter().copied()).collect();
    model.covariates = covariates.iter().map(of_kept).collect();
    let fit = model.fit()?;
    let mut groups =
        vec![test("ancova", Role::Primary, &fit.groups, "groups, given covariates (type II)".into())];
    groups.extend(freedman_lane(&model, question.seed));
    let mut tests = Vec::new();
    for (i, (name, found)) in names.iter().zip(&fit.covariates).enumerate() {
        tests.push(test("covariate", Role::Diagnostic, found, format!("{name}, given groups")));
        if let Ok(slopes) = model.slopes(i) {
            let note = format!("whether the slope of {name} differs between groups");
            tests.push(test("equal_slopes", Role::Diagnostic, &slopes, note));
        }
    }
    let means = fit.means(question.alpha).into_iter().zip(&question.arms).map(|(m, arm)| Mean {
        group: arm.name.clone(),
        mean: m.mean,
        se: m.se,
        interval: m.interval,
    });
    let how = How { test: "ancova_contrast", interval_method: POINTWISE, adjustment: "holm" };
    let mut contrasts = Vec::new();
    for reference in &question.references {
        let others = (0..question.arms.len()).filter(|g| *g != reference.arm);
        let tests = others.map(|g| Some(((g, reference.arm), fit.contrast(g, reference.arm)))).collect();
        contrasts.extend(holm(question, &format!("vs_{}", reference.role), how, tests));
    }
    // The differences are at equal covariates, these effects are of the values as they are.
    for effect in contrasts.iter_mut().filter_map(|c| c.effect.as_mut()) {
        effect.name = "hedges_g_unadjusted";
    }
    Ok(Adjustment { groups, covariates: tests, means: means.collect(), contrasts })
}

fn test(name: &'static str, role: Role, of: &FTest, note: String) -> Test {
    Test {
        test: name,
        role,
        statistic: "F",
        value: of.f,
        df1: Some(of.df1),
        df2: Some(of.df2),
        p: of.p,
        note,
    }
}

fn freedman_lane(model: &Model, seed: u64) -> Option<Test> {
    let found = permutation::freedman_lane(model, seed).ok()?;
    Some(Test {
        test: "freedman_lane",
        role: Role::Sensitivity,
        statistic: "as_large",
        value: found.as_large as f64,
        df1: None,
        df2: None,
        p: found.p,
        note: format!("{} permutations of reduced residuals, seed {seed}", found.arrangements),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::Arm;

    #[test]
    fn one_animal_is_no_group() {
        let arm = |name: &str, values: &[f64]| Arm {
            name: name.into(),
            values: values.to_vec(),
            blocks: Vec::new(),
            dose: None,
        };
        let question = |lone: bool| {
            Question::controlled(
                [arm("a", &[1.0, 1.4, 1.9, 1.2]), arm("b", &[2.0, 2.5, 3.1, 2.2])]
                    .into_iter()
                    .chain(lone.then(|| arm("c", &[3.0])))
                    .collect(),
            )
        };
        let weights = vec![vec![5.0, 6.0, 7.0, 5.0], vec![6.0, 7.0, 9.0, 6.0], vec![9.0]];
        let names = ["weight".to_owned()];
        let with = adjust(&question(true), &names, std::slice::from_ref(&weights)).unwrap();
        assert_eq!(with, adjust(&question(false), &names, &[weights[..2].to_vec()]).unwrap());
        assert_eq!(with.contrasts.len(), 1);
    }
}
