//! The methods paragraph, filled in from what was done: each clause stands only where a table holds such rows.

mod tests_made;

use std::collections::BTreeMap;

use super::{Run, evidence::Evidence, finding, handling};
use crate::{
    cohort::{
        Comparison,
        checks::{GIVEN, MIXED},
        compare::{Compared, Rank},
        declared::missing_primaries,
        question::Route,
        subjects::Subject,
        text::confidence_pct,
    },
    measure::feature::Direction,
    organ::ORGANS,
    study::Unit,
};

pub(super) use tests_made::Made;

/// Features that count objects beyond cut-offs of control animals, and what they count.
const COUNTED: [(&str, &str); 2] = [
    ("hypertrophic_hepatocyte_pct", "hypertrophic hepatocytes"),
    ("glom_shrunken_pct", "shrunken glomeruli"),
];

/// How slides become an animal's value.
const BY_SUMS: &str = "Of shares, rates and means an animal's value is the ratio of the sums over its slides, of other numbers the plain mean \
                       of its slides; lesions and published scores were graded on these values. ";

/// Returns the paragraph.
pub(super) fn methods(c: &Comparison, run: &Run<'_>, evidence: &Evidence) -> String {
    let made = Made::of(c);
    [
        measured(c, run),
        by_tissue(c),
        finding::sentences(evidence, run.samples, &tissues(c)),
        handling::sentences(evidence, run.samples),
        scored(c, run),
        made.sentences(c),
        checks(c),
        endpoints(c, &made),
        effects(c, &made),
        beside(c),
        " Missing values were not imputed. Scores are research surrogates, not diagnoses.\n".to_owned(),
    ]
    .concat()
}

fn measured(c: &Comparison, run: &Run<'_>) -> String {
    format!(
        "Haematoxylin and eosin stained slides were measured with histograde {} ({} rubric, SHA-256 {}). Measurement knew \
         neither group nor animal; the sample sheet (SHA-256 {}) was joined afterwards. The experimental unit was the \
         {}: values of {} slides were {} per animal{} before any test, and no test took slides or tiles as its unit. \
         {}Groups: {}.",
        env!("CARGO_PKG_VERSION"),
        run.rubric.origin().name,
        short(&run.rubric.origin().sha256),
        short(run.sheet_sha256()),
        c.study.unit.one(),
        c.slides,
        if c.by_sums { "brought together" } else { "averaged" },
        if c.study.unit == Unit::Cage { " and animals per cage" } else { "" },
        if c.by_sums { BY_SUMS } else { "" },
        sizes(c, &c.sizes),
    )
}

/// Tissues of slides that were compared.
pub(super) fn tissues(c: &Comparison) -> Vec<&str> {
    let of = |name: &str| c.endpoints.iter().any(|e| e.tissue == name);
    ORGANS.iter().map(|o| o.name).filter(|name| of(name)).collect()
}

fn scored(c: &Comparison, run: &Run<'_>) -> String {
    let mut text = match run.rubric.origin().changed.len() {
        0 => String::new(),
        1 => " Scoring was not the default: one value of the rubric differs from the built-in one.".into(),
        n => format!(" Scoring was not the default: {n} values of the rubric differ from the built-in ones."),
    };
    let is_endpoint = |feature: &str| c.endpoints.iter().any(|e| e.feature == feature);
    let counted: Vec<&str> =
        COUNTED.into_iter().filter(|(feature, _)| is_endpoint(feature)).map(|(_, what)| what).collect();
    if !counted.is_empty() {
        text += &format!(
            " Of control animals, each of which weighed alike, cut-offs were taken beyond which {} were counted, a rule tried \
             on synthetic tissue only.",
            counted.join(" and ")
        );
    }
    text
}

fn checks(c: &Comparison) -> String {
    let study = &c.study;
    let checked =
        |end: &str| c.endpoints.iter().any(|e| e.analysis.contrasts.iter().any(|k| k.family.ends_with(end)));
    let mut text = String::new();
    if checked(GIVEN) {
        text += &format!(
            " As a check, primary endpoints were compared at equal {} by analysis of covariance (type II; groups also by \
             permutation after Freedman and Lane).",
            study.covariates.join(", ")
        );
    }
    if checked(MIXED) {
        let below = if study.unit == Unit::Cage { "animals" } else { "slides" };
        let unit = study.unit.one();
        text += &format!(
            " As a check, primary endpoints were compared by a linear mixed model on {below} ({unit} as random effect, \
             restricted likelihood, the same variances in all groups, Satterthwaite's degrees of freedom, at most {unit}s \
             minus groups)."
        );
    }
    text
}

/// Names the primary endpoints, and how p-values of the others were adjusted.
fn endpoints(c: &Comparison, made: &Made) -> String {
    let primary: Vec<String> = c
        .endpoints
        .iter()
        .filter(|e| e.rank == Rank::Primary)
        .map(|e| format!("{} in {}", e.feature, e.tissue))
        .collect();
    let missing: Vec<String> = missing_primaries(&c.study, &c.endpoints)
        .into_iter()
        .map(|(tissue, feature)| format!("{feature} in {tissue}"))
        .collect();
    let mut text = match (primary.is_empty(), missing.is_empty()) {
        (true, true) => " No primary endpoint was declared, so every result is exploratory.".to_owned(),
        (true, false) => " No primary endpoint was measured, so every result is exploratory.".to_owned(),
        (false, _) => format!(" Primary endpoints, declared beforehand: {}.", primary.join(", ")),
    };
    if !missing.is_empty() {
        text += &format!(" Declared beforehand as primary but not measured: {}.", missing.join(", "));
    }
    let others = if primary.is_empty() { "the endpoints" } else { "the other endpoints" };
    let describing = describing(c);
    text += &match (made.adjusted, describing.is_empty()) {
        (false, true) => String::new(),
        (false, false) => {
            format!(" p-values of endpoints that describe and are no damage are not adjusted ({describing}).")
        }
        (true, true) => {
            format!(" p-values of {others} of a tissue were adjusted together (Benjamini-Hochberg).")
        }
        (true, false) => format!(
            " p-values of {others} of a tissue were adjusted together (Benjamini-Hochberg), but for those that describe \
             and are no damage, whose p-values are not adjusted ({describing})."
        ),
    };
    text
}

/// Names the endpoints that join no family, by tissue.
fn describing(c: &Comparison) -> String {
    let outside =
        |e: &&Compared| e.rank == Rank::Secondary && e.direction == Direction::Info && e.p.is_some();
    let mut tissues: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for e in c.endpoints.iter().filter(outside) {
        tissues.entry(&e.tissue).or_default().push(&e.feature);
    }
    let one = |(tissue, features): (&&str, &Vec<&str>)| format!("{tissue}: {}", features.join(", "));
    tissues.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn effects(c: &Comparison, made: &Made) -> String {
    let differences = match (made.intervals, made.differences) {
        (true, _) => format!("differences with {} % intervals", confidence_pct(c.study.alpha)),
        (false, true) => "differences".to_owned(),
        (false, false) => return String::new(),
    };
    let sizes: Vec<&str> = [
        (made.hedges, "Hedges' g (noncentral t)"),
        (made.adjusted_hedges, "Hedges' g of adjusted means in residual standard deviations (noncentral t)"),
        (made.cliff, "Cliff's delta (logit interval of Brunner and Munzel)"),
    ]
    .into_iter()
    .filter_map(|(is, name)| is.then_some(name))
    .collect();
    let medians = if made.ranks { ", of medians where ranks were compared" } else { "" };
    match sizes.is_empty() {
        true => format!(" Effects are given as {differences}{medians}."),
        false => format!(" Effects are given as {differences}{medians}, and as {}.", sizes.join(" or ")),
    }
}

/// What was computed beside the tests: recovery, equivalence, relations.
fn beside(c: &Comparison) -> String {
    let mut text = String::new();
    let recoveries = || c.endpoints.iter().flat_map(|e| &e.recovery);
    if recoveries().next().is_some() {
        text += " Recovery is 100 (D - T)/(D - C) with D diseased, C normal and T treated mean; ";
        if recoveries().any(|r| r.interval.is_some()) {
            text += "its interval inverts the Welch contrast test; ";
        }
        text += &format!(
            "it is withheld where D and C differ by less than two pooled standard deviations, or where the {} % Welch interval \
             of their difference, which is not adjusted, holds 0.",
            confidence_pct(c.study.alpha)
        );
        if blocked(c) {
            text += " Where blocks were adjusted for, these are adjusted means, the residual standard deviation and the contrast of \
                     adjusted means.";
        }
    }
    if let Some(first) = c.endpoints.iter().find_map(|e| e.analysis.equivalences.first()) {
        let adjusted = if blocked(c) { ", of adjusted means where blocks were adjusted for" } else { "" };
        text += &format!(
            " Equivalence with {} within margins declared beforehand was tested by two one-sided Welch tests{adjusted}.",
            first.b
        );
    }
    if !c.derived.is_empty() {
        text += &format!(" Derived from the animal table: {}.", c.derived.join("; "));
    }
    if !c.relations.is_empty() {
        text += " Tissue and the animal table were related by Spearman's rank correlation, p-values adjusted together \
                 (Benjamini-Hochberg).";
    }
    text
}

/// Whether blocks are in the model of some endpoint.
fn blocked(c: &Comparison) -> bool {
    c.endpoints.iter().any(|e| e.analysis.choice.route == Route::Blocked)
}

fn sizes(c: &Comparison, sizes: &[usize]) -> String {
    let each: Vec<String> = c.groups.iter().zip(sizes).map(|(g, n)| format!("{g} (n = {n})")).collect();
    each.join(", ")
}

/// Numbers of a tissue that some subjects have no result of.
fn by_tissue(c: &Comparison) -> String {
    let mut text = String::new();
    for organ in ORGANS {
        let has = |s: &Subject| s.values.keys().any(|e| e.tissue == organ.name);
        let of = |g: &String| c.subjects.iter().filter(|s| s.group == *g && has(s)).count();
        let own: Vec<usize> = c.groups.iter().map(of).collect();
        if own.iter().any(|n| *n > 0) && own != c.sizes {
            text += &format!(" Of {}: {}.", organ.name, sizes(c, &own));
        }
    }
    text
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
