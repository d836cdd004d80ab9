//! Results in plain words, and the ARRIVE checklist.

use minijinja::{Value, context};

use crate::cohort::{
    Comparison,
    analysis::Contrast,
    checks::{GIVEN, MIXED},
    compare::{Compared, Rank},
    text::{of_difference, p_value, short},
};

/// Returns a paragraph for each primary endpoint, or one that says that there is none.
pub(super) fn results(c: &Comparison) -> Vec<Value> {
    let primary: Vec<&Compared> = c.endpoints.iter().filter(|e| e.rank == Rank::Primary).collect();
    let index = |e: &&Compared| e.feature == format!("{}_damage_index", e.tissue);
    let chosen: Vec<&Compared> =
        if primary.is_empty() { c.endpoints.iter().filter(index).collect() } else { primary };
    chosen.iter().map(|e| context! { tissue => e.tissue.as_str(), sentences => sentences(c, e) }).collect()
}

fn sentences(c: &Comparison, e: &Compared) -> Vec<String> {
    let name = e.feature.replace('_', " ");
    let declared = if e.rank == Rank::Primary { "primary endpoint" } else { "not declared beforehand" };
    let mut lines = Vec::new();
    lines.push(match (e.analysis.omnibus.first(), e.p) {
        (Some(t), Some(p)) => format!(
            "{name} ({declared}): groups {} ({}, p = {}).",
            if p < c.study.alpha { "differ" } else { "are not shown to differ" },
            t.test.replace('_', " "),
            p_value(p)
        ),
        _ => format!("{name} ({declared}): no test was made, {}.", e.analysis.choice.reason),
    });
    for family in ["vs_disease", "vs_control", "vs_normal"] {
        // Diseased against normal was told the other way round.
        let repeated = |k: &&Contrast| family == "vs_normal" && Some(&k.a) == c.study.disease.as_ref();
        lines.extend(e.family(family).filter(|k| !repeated(k)).map(|k| comparison(c, e, k)));
    }
    lines.extend(checks(e));
    for r in &e.recovery {
        lines.push(match (r.value, r.interval) {
            (Some(v), Some(i)) => {
                format!("Recovery with {}: {v:.0} % ({:.0} to {:.0} %).", r.group, i.lo, i.hi)
            }
            (Some(v), None) => format!("Recovery with {}: {v:.0} % (no bounded interval).", r.group),
            (None, _) => format!("Recovery with {} is not given: {}.", r.group, r.suppressed),
        });
    }
    for q in &e.analysis.equivalences {
        let verdict = if q.equivalent { "is equivalent to" } else { "is not shown to be equivalent to" };
        let margin = with_unit(q.margin, e);
        lines.push(format!("{} {verdict} {} within ±{margin} (p = {}).", q.a, q.b, p_value(q.p)));
    }
    lines
}

/// A difference with its unit.
fn with_unit(v: f64, e: &Compared) -> String {
    match of_difference(&e.unit) {
        "" => short(v),
        unit => format!("{} {unit}", short(v)),
    }
}

/// One sentence for each check under another model.
fn checks(e: &Compared) -> Vec<String> {
    let told = |c: &Contrast| {
        let interval =
            c.interval.map_or_else(String::new, |i| format!(" ({} to {})", short(i.lo), short(i.hi)));
        let estimate = with_unit(c.estimate, e);
        format!("{} - {} {estimate}{interval}, adjusted p = {}", c.a, c.b, p_value(c.p_adjusted))
    };
    let one = |(end, by): (&str, &str)| {
        let own = |family: &str| e.family(&format!("{family}{end}")).map(told).collect::<Vec<_>>();
        let found = ["vs_disease", "vs_control", "vs_normal"].into_iter().map(own).find(|f| !f.is_empty())?;
        Some(format!("Check {by}: {}.", found.join("; ")))
    };
    let ways = [
        (GIVEN, "at equal covariates (analysis of covariance)"),
        (MIXED, "by a mixed model on what was averaged"),
    ];
    ways.into_iter().filter_map(one).collect()
}

fn comparison(c: &Comparison, e: &Compared, k: &Contrast) -> String {
    let shown = k.p_adjusted < c.study.alpha;
    let verdict = match (shown, k.estimate > 0.0) {
        (false, _) => "not shown to differ from",
        (true, true) => "higher than",
        (true, false) => "lower than",
    };
    let interval = k.interval.map_or_else(String::new, |i| format!(" ({} to {})", short(i.lo), short(i.hi)));
    let effect =
        k.effect.map_or_else(String::new, |f| format!(", {} = {:.2}", f.name.replace('_', " "), f.value));
    format!(
        "{} is {verdict} {}: difference {}{interval}{effect}, adjusted p = {}, n = {} and {}.",
        k.a,
        k.b,
        with_unit(k.estimate, e),
        p_value(k.p_adjusted),
        k.n_a,
        k.n_b
    )
}

/// Items of ARRIVE 2.0 that follow from the files, and those that only the authors can fill in.
pub(super) fn arrive(c: &Comparison) -> Vec<Value> {
    let sizes: Vec<String> = c.groups.iter().zip(&c.sizes).map(|(g, n)| format!("{g}: {n}")).collect();
    let left = c.exclusions.iter().filter(|e| e.feature.is_empty()).count();
    let to_do = "to be filled in by the authors";
    let row = |item: &str, text: String| context! { item, text };
    vec![
        row("1 Study design", format!("{} groups; unit: {:?}", c.groups.len(), c.study.unit).to_lowercase()),
        row("2 Sample size", format!("{}; how it was decided: {to_do}", sizes.join(", "))),
        row(
            "3 Inclusion and exclusion",
            format!("{left} slides left out, listed above (Left out) with reasons"),
        ),
        row("4 Randomisation", to_do.into()),
        row(
            "5 Blinding",
            "measurement knew neither group nor animal; the sheet was joined afterwards".into(),
        ),
        row(
            "6 Outcome measures",
            "listed above (Tables); primary endpoints as declared in the study file".into(),
        ),
        row("7 Statistical methods", "methods paragraph above".into()),
        row("8 Experimental animals", to_do.into()),
        row("9 Experimental procedures", to_do.into()),
        row("10 Results", "descriptive numbers, effects and intervals in the tables".into()),
    ]
}
