//! The methods paragraph, filled in from what was done.

use super::{Run, evidence::Evidence, handling};
use crate::{
    cohort::{
        Comparison,
        checks::{GIVEN, MIXED},
        compare::{Compared, Rank},
        question::Route,
        subjects::Subject,
    },
    measure::feature::Direction,
    organ::ORGANS,
    study::{Block, Unit},
};

/// Features that count objects beyond cut-offs of control animals.
const COUNTED: [&str; 2] = ["hypertrophic_hepatocyte_pct", "glom_shrunken_pct"];

/// Returns the paragraph.
pub(super) fn methods(c: &Comparison, run: &Run<'_>, evidence: &Evidence) -> String {
    let study = &c.study;
    let routes = |route: Route| c.endpoints.iter().any(|e| e.analysis.choice.route == route);
    let unit = study.unit.one();
    let mut text = format!(
        "Haematoxylin and eosin stained slides were measured with histograde {} ({} rubric, SHA-256 {}). Measurement knew \
         neither group nor animal; the sample sheet (SHA-256 {}) was joined afterwards. The experimental unit was the \
         {unit}: values of {} slides were averaged per animal{} before any test, and no test took slides or tiles as its unit. \
         Groups: {}.",
        env!("CARGO_PKG_VERSION"),
        run.rubric.origin().name,
        short(&run.rubric.origin().sha256),
        short(run.sheet_sha256()),
        c.slides,
        if study.unit == Unit::Cage { " and animals per cage" } else { "" },
        sizes(c, &c.sizes),
    );
    text += &by_tissue(c);
    text += &handling::sentences(evidence, run.samples);
    match run.rubric.origin().changed.len() {
        0 => {}
        1 => text += " Scoring was not the default: one value of the rubric differs from the built-in one.",
        n => {
            text += &format!(
                " Scoring was not the default: {n} values of the rubric differ from the built-in ones."
            );
        }
    }
    if c.endpoints.iter().any(|e| COUNTED.contains(&e.feature.as_str())) {
        text += " Hypertrophic hepatocytes and shrunken glomeruli were counted beyond cut-offs of control animals, each of which \
                 weighed alike, a rule tried on synthetic tissue only.";
    }
    text += " The tests followed from a rule fixed beforehand.";
    if routes(Route::Welch) {
        text += " Measurements were compared by Welch's analysis of variance, groups with each control by Welch's t test \
                 with Holm's adjustment within each control, all pairs by Games-Howell.";
    }
    if routes(Route::Classic) {
        text += " Equal variances having been declared, measurements were compared by analysis of variance, groups with \
                 each control by Dunnett's test (numerical quadrature), all pairs by Tukey-Kramer.";
    }
    if routes(Route::Blocked) {
        let block = match study.block {
            Some(Block::Batch) | None => "batch",
            Some(Block::StainBatch) => "staining batch",
            Some(Block::Cage) => "cage",
        };
        text += &format!(
            " Measurements were compared by analysis of variance with {block} as a fixed block, groups with each control by \
             contrasts of adjusted means with Holm's adjustment, all pairs by Tukey's test of adjusted means."
        );
    }
    if routes(Route::Ranks) {
        text += " Grades, and measurements of which a group did not vary, were compared by Kruskal-Wallis and Dunn's test \
                 with Holm's adjustment.";
    }
    let checked =
        |end: &str| c.endpoints.iter().any(|e| e.analysis.contrasts.iter().any(|k| k.family.ends_with(end)));
    if checked(GIVEN) {
        text += &format!(
            " As a check, primary endpoints were compared at equal {} by analysis of covariance (type II; groups also by \
             permutation after Freedman and Lane).",
            study.covariates.join(", ")
        );
    }
    if checked(MIXED) {
        let below = if study.unit == Unit::Cage { "animals" } else { "slides" };
        text += &format!(
            " As a check, primary endpoints were compared by a linear mixed model on {below} ({unit} as random effect, \
             restricted likelihood, the same variances in all groups, Satterthwaite's degrees of freedom, at most {unit}s \
             minus groups)."
        );
    }
    if study.doses.len() > 2 {
        text += " Dose trends were tested by Jonckheere-Terpstra along the dose ladder.";
    }
    let primary: Vec<String> = c
        .endpoints
        .iter()
        .filter(|e| e.rank == Rank::Primary)
        .map(|e| format!("{} in {}", e.feature, e.tissue))
        .collect();
    text += &match primary.is_empty() {
        true => " No primary endpoint was declared, so every result is exploratory.".to_owned(),
        false => format!(" Primary endpoints, declared beforehand: {}.", primary.join(", ")),
    };
    text += &format!(
        " p-values of the other endpoints of a tissue were adjusted together (Benjamini-Hochberg){}. Effects are given as \
         differences with {} % intervals and as Hedges' g (noncentral t) or Cliff's delta (logit interval of Brunner and \
         Munzel).",
        describing(c),
        100.0 * (1.0 - study.alpha)
    );
    if c.endpoints.iter().any(|e| !e.recovery.is_empty()) {
        text += " Recovery is 100 (D - T)/(D - C) with D diseased, C normal and T treated mean; its interval inverts the \
                 Welch contrast test; it is withheld where D and C differ by less than two pooled standard deviations or \
                 not significantly.";
    }
    if !study.margins.is_empty() {
        text += " Equivalence with the normal group was tested by two one-sided Welch tests.";
    }
    text + " Missing values were not imputed. Scores are research surrogates, not diagnoses.\n"
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

/// Names the endpoints that join no family.
fn describing(c: &Comparison) -> String {
    let outside =
        |e: &&Compared| e.rank == Rank::Secondary && e.direction == Direction::Info && e.p.is_some();
    let names: Vec<&str> = c.endpoints.iter().filter(outside).map(|e| e.feature.as_str()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            ", but for those that describe and are no damage, whose p-values are not adjusted: {}",
            names.join(", ")
        ),
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
