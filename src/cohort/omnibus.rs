//! Tests of all groups at once.

use super::{
    analysis::{NamedEffect, Role, Test},
    blocks,
    question::{Kind, Question, Route},
};
use crate::stats::{
    ancova::Adjusted,
    anova::{self, Anova, FTest},
    effect,
    kruskal::{self, Chi2Test},
    ordinal::Ordinal,
    permutation::{self, Permuted},
};

/// Returns the tests, the primary one first, and effect sizes.
pub(super) fn tests(
    question: &Question,
    route: Route,
    blocked: Option<&Adjusted>,
) -> (Vec<Test>, Vec<NamedEffect>) {
    if route == Route::Descriptive {
        return (Vec::new(), Vec::new());
    }
    let samples = question.samples();
    let role = |own: Route| if own == route { Role::Primary } else { Role::Sensitivity };
    let mut tests = Vec::new();
    let mut effects = Vec::new();
    let unadjusted = if blocked.is_some() { "not adjusted for blocks" } else { "" };
    if let Some(fit) = blocked {
        tests.push(f("anova_with_blocks", role(Route::Blocked), &fit.groups, "type II"));
        effects.push(partial_eta2(&fit.groups, question.alpha));
    }
    if question.kind == Kind::Continuous {
        if let Ok(test) = anova::welch(&samples) {
            tests.push(f("welch_anova", role(Route::Welch), &test, unadjusted));
        }
        if let Ok(classic) = anova::classic(&samples) {
            tests.push(f("anova", role(Route::Classic), &classic.test, unadjusted));
            if blocked.is_none() {
                effects.extend(shares(&classic, question.alpha));
            }
        }
        tests.extend(permuted(question, blocked.is_some()));
    }
    if let Ok(test) = kruskal::kruskal_wallis(&samples) {
        tests.extend(of_ranks(&samples, &test, route, unadjusted));
        if blocked.is_none() {
            let n = samples.iter().map(Vec::len).sum();
            let value = effect::rank_epsilon2(&test, n);
            effects.push(NamedEffect { name: "rank_epsilon2", value, interval: None });
        }
    }
    if question.kind == Kind::Ordinal {
        tests.extend(proportional_odds(&samples));
    }
    tests.sort_by_key(|t| t.role != Role::Primary);
    (tests, effects)
}

/// The test of ranks. Where ranks answer and all arrangements can be listed, its p is exact, and that of the χ² distribution, which small
/// groups reach beyond what they can show, stands beside it.
fn of_ranks(samples: &[Vec<f64>], test: &Chi2Test, route: Route, unadjusted: &str) -> Vec<Test> {
    let chi2 = |name, role| Test {
        test: name,
        role,
        statistic: "H",
        value: test.statistic,
        df1: Some(test.df),
        df2: None,
        p: test.p,
        note: unadjusted.into(),
    };
    if route != Route::Ranks {
        return vec![chi2("kruskal_wallis", Role::Sensitivity)];
    }
    let Ok(Some(exact)) = permutation::ranks(samples) else {
        return vec![chi2("kruskal_wallis", Role::Primary)];
    };
    let primary = Test { df1: None, p: exact.p, note: how(&exact), ..chi2("kruskal_wallis", Role::Primary) };
    vec![primary, chi2("kruskal_wallis_chi2", Role::Sensitivity)]
}

/// Shares of variance that the groups explain.
fn shares(classic: &Anova, alpha: f64) -> [NamedEffect; 2] {
    let interval = Some(effect::eta2_interval(&classic.test, alpha));
    [
        NamedEffect { name: "eta2", value: effect::eta2(classic), interval },
        NamedEffect { name: "omega2", value: effect::omega2(classic), interval: None },
    ]
}

/// Share that the groups explain of what the blocks leave.
fn partial_eta2(groups: &FTest, alpha: f64) -> NamedEffect {
    let value = groups.f * groups.df1 / (groups.f * groups.df1 + groups.df2);
    NamedEffect { name: "partial_eta2", value, interval: Some(effect::eta2_interval(groups, alpha)) }
}

/// Most animals whose labels are permuted: with more, the F distribution says the same.
const MOST_PERMUTED: usize = 100;

fn f(test: &'static str, role: Role, of: &FTest, note: &str) -> Test {
    Test {
        test,
        role,
        statistic: "F",
        value: of.f,
        df1: Some(of.df1),
        df2: Some(of.df2),
        p: of.p,
        note: note.into(),
    }
}

fn permuted(question: &Question, within_blocks: bool) -> Option<Test> {
    let samples = question.samples();
    if samples.iter().map(Vec::len).sum::<usize>() > MOST_PERMUTED {
        return None;
    }
    let result = if within_blocks {
        let model = blocks::model(question);
        permutation::f_in_strata(&model.response, model.group, model.batch, question.seed)
    } else {
        permutation::f_statistic(&samples, question.seed)
    };
    let permuted = result.ok()?;
    let scope = if within_blocks { " within blocks" } else { "" };
    Some(Test {
        test: "permutation_f",
        role: Role::Sensitivity,
        statistic: "as_large",
        value: permuted.as_large as f64,
        df1: None,
        df2: None,
        p: permuted.p,
        note: format!("{}{scope}", how(&permuted)),
    })
}

/// Says how arrangements were gone through.
pub(super) fn how(permuted: &Permuted) -> String {
    match permuted.seed {
        None => format!("exact: all {} arrangements", permuted.arrangements),
        Some(seed) => format!("{} arrangements drawn, seed {seed}", permuted.arrangements),
    }
}

fn proportional_odds(samples: &[Vec<f64>]) -> Option<Test> {
    let model = Ordinal::of_groups(samples).ok()?;
    let test = model.any_effect().ok()?;
    let columns: Vec<usize> = (0..samples.len() - 1).collect();
    let note = match model.proportional(&columns) {
        Ok(odds) => format!("test of proportionality: p = {:.3}", odds.p),
        Err(_) => "proportionality could not be tested".into(),
    };
    Some(Test {
        test: "proportional_odds",
        role: Role::Sensitivity,
        statistic: "likelihood_ratio_chi2",
        value: test.statistic,
        df1: Some(test.df),
        df2: None,
        p: test.p,
        note,
    })
}
