//! What a reader of one analysis should know.

use super::{
    analysis::{Contrast, Test},
    question::{Arm, Choice, Kind, Question, Route},
    trends,
};
use crate::stats::{Undefined, mann_whitney::smallest_p, ordinal::Ordinal};

/// Returns the warnings, the gravest first.
pub(super) fn all(
    question: &Question,
    arms: &[Arm],
    choice: &Choice,
    blocks: Option<Undefined>,
    omnibus: &[Test],
    contrasts: &[Contrast],
) -> Vec<String> {
    let mut warnings = Vec::new();
    match blocks {
        Some(Undefined::Confounded) => warnings.push(
            "groups and blocks are confounded: no analysis can tell them apart, so nothing was adjusted and \
             differences between groups may be differences between blocks"
                .to_owned(),
        ),
        Some(_) if question.kind == Kind::Ordinal => {
            warnings.push("grades were not adjusted for blocks".to_owned());
        }
        Some(why) => warnings.push(format!("not adjusted for blocks: {why}")),
        None => {}
    }
    warnings.extend(sizes(arms));
    warnings.extend(ladder(arms, question));
    if choice.route == Route::Ranks {
        warnings.extend(reach(question, contrasts));
    }
    let separated: Vec<String> = contrasts
        .iter()
        .filter(|c| c.family == "all_pairs" && c.flags.contains(&"separated"))
        .map(|c| format!("{} and {}", c.a, c.b))
        .collect();
    if !separated.is_empty() {
        warnings.push(format!("no overlap between {}", separated.join(", ")));
    }
    if question.kind == Kind::Ordinal {
        warnings.extend(match Ordinal::of_groups(&question.samples()) {
            Err(Undefined::Separated) => Some(
                "proportional odds have no finite estimate: a group lies wholly at one end or groups do not overlap; \
                 exact Mann-Whitney p-values are in p_permutation"
                    .to_owned(),
            ),
            Err(why @ Undefined::TooManyLevels { .. }) => Some(format!("no proportional odds: {why}")),
            _ => None,
        });
    }
    if omnibus.is_empty() {
        warnings.push(format!("no test was made: {}", choice.reason));
    }
    warnings
}

/// Doses that are too few for a trend.
fn ladder(arms: &[Arm], question: &Question) -> Option<String> {
    let dosed = |arms: &[Arm]| arms.iter().filter(|a| a.dose.is_some()).count();
    let (all, tested) = (dosed(arms), dosed(&question.arms));
    (all > 0 && tested < trends::LEAST).then(|| {
        format!(
            "no trend along doses was tested: it needs {} groups with a dose and two animals or more, there are {tested}",
            trends::LEAST
        )
    })
}

fn sizes(arms: &[Arm]) -> Vec<String> {
    let of = |n: usize| {
        let names = arms.iter().filter(|a| a.values.len() == n).map(|a| a.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let mut warnings = Vec::new();
    for (n, text) in [(1, "one animal, described only"), (2, "two animals, too few to judge their spread")] {
        let names = of(n);
        if !names.is_empty() {
            warnings.push(format!("{text}: {names}"));
        }
    }
    warnings
}

/// Families in which exact rank tests cannot reach the level, however the values fall.
fn reach(question: &Question, contrasts: &[Contrast]) -> Vec<String> {
    let mut families: Vec<&str> = contrasts.iter().map(|c| c.family.as_str()).collect();
    families.dedup();
    let told = |family: &&str| {
        let own = || contrasts.iter().filter(|c| c.family == *family);
        let best = own().map(|c| smallest_p(c.n_a, c.n_b)).fold(1.0, f64::min);
        let size = own().count();
        (best * size as f64 > question.alpha).then(|| {
            format!(
                "{family}: the smallest p an exact rank test of two of these groups can give is {}; adjusted \
                 for {} none can fall below {}",
                super::text::p_value(best),
                super::text::counted(size),
                question.alpha
            )
        })
    };
    families.iter().filter_map(told).collect()
}
