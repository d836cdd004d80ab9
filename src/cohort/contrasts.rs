//! Comparisons of two groups, in families.

use std::collections::BTreeMap;

use super::{
    Arm,
    analysis::{Contrast, NamedEffect, POINTWISE, SIMULTANEOUS},
    question::{Kind, Question, Route},
    ranked,
};
use crate::stats::{
    Interval,
    adjust::{Method, adjust},
    ancova::Adjusted,
    dunnett::{self, Side},
    effect, games_howell, mann_whitney,
    permutation::{self, MOST_LISTED},
    special::ln_choose,
    tukey::{self, Pair},
    welch,
};

/// Returns the families: every group against each reference, then all pairs.
pub(super) fn all(question: &Question, route: Route, blocked: Option<&Adjusted>) -> Vec<Contrast> {
    if route == Route::Descriptive {
        return Vec::new();
    }
    let mut contrasts = Vec::new();
    for reference in &question.references {
        let others = (0..question.arms.len()).filter(|&g| g != reference.arm);
        let pairs: Vec<(usize, usize)> = others.map(|g| (g, reference.arm)).collect();
        let family = format!("vs_{}", reference.role);
        contrasts.extend(against(question, route, &family, &pairs, blocked));
    }
    contrasts.extend(every_pair(question, route, blocked));
    if let Some(fit) = blocked {
        at_equal_blocks(question, fit, &mut contrasts);
    }
    permute(question, blocked.is_some(), &mut contrasts);
    contrasts
}

/// Gives the effects of what was compared at equal blocks: the spread between blocks is not that of animals.
fn at_equal_blocks(question: &Question, fit: &Adjusted, contrasts: &mut [Contrast]) {
    let place = |name: &str| question.arms.iter().position(|a| a.name == name);
    let sd = fit.fit.variance().sqrt();
    for c in contrasts {
        let (Some(a), Some(b)) = (place(&c.a), place(&c.b)) else { continue };
        let found = effect::hedges_g_adjusted(&fit.contrast(a, b), sd, question.alpha);
        let name = "hedges_g_adjusted";
        c.effect = Some(NamedEffect { name, value: found.value, interval: found.interval });
    }
}

/// Adds the exact p-value of every pair alone, once for a pair that is in several families.
fn permute(question: &Question, within_blocks: bool, contrasts: &mut [Contrast]) {
    let mut known: BTreeMap<(String, String), Option<f64>> = BTreeMap::new();
    let arm = |name: &str| question.arms.iter().find(|a| a.name == name);
    for c in contrasts {
        let (first, second) = if c.a < c.b { (&c.a, &c.b) } else { (&c.b, &c.a) };
        let p = known.entry((first.clone(), second.clone())).or_insert_with(|| {
            let (a, b) = (arm(first)?, arm(second)?);
            if within_blocks { in_blocks(a, b) } else { alone(question, &a.values, &b.values) }
        });
        c.p_permutation = *p;
    }
}

/// What a method says of one pair.
pub(super) struct Said {
    pub(super) pair: (usize, usize),
    pub(super) estimate: f64,
    pub(super) interval: Option<Interval>,
    pub(super) statistic: f64,
    pub(super) df: Option<f64>,
    pub(super) p: Option<f64>,
    pub(super) p_adjusted: f64,
}

/// The method of a family.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) test: &'static str,
    pub(super) interval_method: &'static str,
    pub(super) adjustment: &'static str,
}

fn against(
    question: &Question,
    route: Route,
    family: &str,
    pairs: &[(usize, usize)],
    blocked: Option<&Adjusted>,
) -> Vec<Contrast> {
    match (route, blocked) {
        (Route::Ranks | Route::Descriptive, _) => ranked::family(question, family, pairs),
        (Route::Blocked, Some(fit)) => {
            let how = How { test: "adjusted_contrast", interval_method: POINTWISE, adjustment: "holm" };
            let tests = pairs.iter().map(|&(a, b)| Some(((a, b), fit.contrast(a, b)))).collect();
            holm(question, family, how, tests)
        }
        (Route::Classic, _) => dunnett_family(question, family, pairs),
        (Route::Welch | Route::Blocked, _) => {
            let how = How { test: "welch_t", interval_method: POINTWISE, adjustment: "holm" };
            let one = |&(a, b): &(usize, usize)| {
                let test = welch::welch(&question.arms[a].values, &question.arms[b].values).ok()?;
                Some(((a, b), test))
            };
            holm(question, family, how, pairs.iter().map(one).collect())
        }
    }
}

pub(super) fn holm(
    question: &Question,
    family: &str,
    how: How,
    tests: Vec<Option<((usize, usize), welch::TTest)>>,
) -> Vec<Contrast> {
    let tests: Vec<_> = tests.into_iter().flatten().collect();
    let raw: Vec<f64> = tests.iter().map(|(_, t)| t.p).collect();
    let said = tests.iter().zip(adjust(&raw, Method::Holm)).map(|(&(pair, t), p_adjusted)| Said {
        pair,
        estimate: t.estimate,
        interval: Some(t.interval(question.alpha)),
        statistic: t.t,
        df: Some(t.df),
        p: Some(t.p),
        p_adjusted,
    });
    finish(question, family, how, said.collect())
}

fn dunnett_family(question: &Question, family: &str, pairs: &[(usize, usize)]) -> Vec<Contrast> {
    let Some(&(_, control)) = pairs.first() else { return Vec::new() };
    let how = How { test: "dunnett", interval_method: SIMULTANEOUS, adjustment: "dunnett" };
    let all = dunnett::dunnett(&question.samples(), control, Side::Two, question.alpha).unwrap_or_default();
    let said = all.iter().map(|d| Said {
        pair: (d.group, control),
        estimate: d.estimate,
        interval: Some(d.interval),
        statistic: d.t,
        df: Some(d.df),
        p: None,
        p_adjusted: d.p,
    });
    finish(question, family, how, said.collect())
}

fn every_pair(question: &Question, route: Route, blocked: Option<&Adjusted>) -> Vec<Contrast> {
    let samples = question.samples();
    let tukey = How { test: "tukey_kramer", interval_method: SIMULTANEOUS, adjustment: "tukey" };
    let (how, pairs) = match (route, blocked) {
        (Route::Ranks | Route::Descriptive, _) => {
            return ranked::family(question, "all_pairs", &tukey::pairs(samples.len()));
        }
        (Route::Blocked, Some(fit)) => {
            (How { test: "tukey_adjusted_means", ..tukey }, fit.pairs(question.alpha))
        }
        (Route::Classic, _) => (tukey, tukey::tukey_kramer(&samples, question.alpha).unwrap_or_default()),
        (Route::Welch | Route::Blocked, _) => (
            How { test: "games_howell", interval_method: SIMULTANEOUS, adjustment: "games_howell" },
            games_howell::games_howell(&samples, question.alpha).unwrap_or_default(),
        ),
    };
    let said = |p: &Pair| Said {
        pair: (p.a, p.b),
        estimate: p.estimate,
        interval: p.interval,
        statistic: p.t,
        df: Some(p.df),
        p: None,
        p_adjusted: p.p,
    };
    finish(question, "all_pairs", how, pairs.iter().map(said).collect())
}

/// Adds what does not depend on the method: names, numbers, effect size, permutation and marks.
pub(super) fn finish(question: &Question, family: &str, how: How, said: Vec<Said>) -> Vec<Contrast> {
    let family_size = said.len();
    let sizes = |s: &Said| (question.arms[s.pair.0].values.len(), question.arms[s.pair.1].values.len());
    let attainable = ranked::attainable(&said.iter().map(sizes).collect::<Vec<_>>());
    let one = |(said, attainable): (Said, f64)| {
        let (a, b) = (&question.arms[said.pair.0], &question.arms[said.pair.1]);
        Contrast {
            family: family.to_owned(),
            name: String::new(),
            family_size,
            a: a.name.clone(),
            b: b.name.clone(),
            n_a: a.values.len(),
            n_b: b.values.len(),
            estimate: said.estimate,
            interval: said.interval,
            interval_method: if said.interval.is_some() { how.interval_method } else { "" },
            effect: effect_of(question, &a.values, &b.values),
            test: how.test,
            statistic: said.statistic,
            df: said.df,
            p: said.p,
            p_adjusted: said.p_adjusted,
            adjustment: how.adjustment,
            p_permutation: None,
            flags: flags(how.test, &a.values, &b.values, attainable > question.alpha),
        }
    };
    said.into_iter().zip(attainable).map(one).collect()
}

fn effect_of(question: &Question, a: &[f64], b: &[f64]) -> Option<NamedEffect> {
    let (name, effect) = match question.kind {
        Kind::Continuous => ("hedges_g", effect::hedges_g(a, b, question.alpha).ok()?),
        Kind::Ordinal => ("cliffs_delta", effect::cliffs_delta_interval(a, b, question.alpha).ok()?),
    };
    Some(NamedEffect { name, value: effect.value, interval: effect.interval })
}

/// Blocks hold their animals together: labels change places within them only.
fn in_blocks(a: &Arm, b: &Arm) -> Option<f64> {
    let found = permutation::pair_in_strata([&a.values, &b.values], [&a.blocks, &b.blocks]);
    found.ok().flatten().map(|p| p.p)
}

fn alone(question: &Question, a: &[f64], b: &[f64]) -> Option<f64> {
    match question.kind {
        Kind::Continuous if ln_choose((a.len() + b.len()) as f64, a.len() as f64).exp() > MOST_LISTED => None,
        Kind::Continuous => permutation::mean_difference(a, b, question.seed).ok().map(|p| p.p),
        Kind::Ordinal => mann_whitney::mann_whitney(a, b).ok().filter(|m| m.exact).map(|m| m.p),
    }
}

fn flags(test: &str, a: &[f64], b: &[f64], out_of_reach: bool) -> Vec<&'static str> {
    let mut flags = Vec::new();
    if a.len().min(b.len()) < 3 {
        flags.push("n_below_3");
    }
    if effect::cliffs_delta(a, b).is_ok_and(|d| d.abs() == 1.0) {
        flags.push("separated");
    }
    if ["dunn", "mann_whitney"].contains(&test) && out_of_reach {
        flags.push("rank_test_cannot_reach_alpha");
    }
    flags
}
