//! Results in plain words, and the ARRIVE checklist.

use std::{cmp::Ordering, collections::BTreeSet};

use minijinja::{Value, context};

use super::stands_in;

use crate::cohort::{
    Comparison, absent,
    analysis::{Contrast, POINTWISE, Role, SIMULTANEOUS, Trend},
    base::warning,
    checks::{GIVEN, MIXED},
    compare::{Compared, Rank},
    text::{confidence_pct, degrees, of_difference, p_value, short},
};

/// Returns a paragraph for each primary endpoint; without one, of the damage index of each tissue or what stands in for it.
pub(super) fn results(c: &Comparison) -> Vec<Value> {
    let primary: Vec<&Compared> = c.endpoints.iter().filter(|e| e.rank == Rank::Primary).collect();
    let index = |e: &&Compared| e.feature == format!("{}_damage_index", e.tissue) || stands_in(c, e);
    let chosen: Vec<&Compared> =
        if primary.is_empty() { c.endpoints.iter().filter(index).collect() } else { primary };
    chosen.iter().map(|e| context! { tissue => e.tissue.as_str(), sentences => sentences(c, e) }).collect()
}

/// Said of an endpoint that nobody chose.
const STANDS_IN: &str = "No primary endpoint was declared and no damage index could be compared. Groups, controls and a primary endpoint of each \
                         tissue are declared in study.toml, which histograde init proposes; without it this endpoint stands here.";

fn sentences(c: &Comparison, e: &Compared) -> Vec<String> {
    let name = e.feature.replace('_', " ");
    let declared = if e.rank == Rank::Primary { "primary endpoint" } else { "not declared beforehand" };
    let mut lines = Vec::new();
    if stands_in(c, e) {
        lines.push(STANDS_IN.to_owned());
    }
    lines.push(match (e.analysis.omnibus.first(), e.p) {
        (Some(t), Some(p)) => format!(
            "{name} ({declared}): groups {} ({}, p = {}{}).",
            // An endpoint that was not declared counts with its family.
            if e.p_family.unwrap_or(p) < c.study.alpha { "differ" } else { "are not shown to differ" },
            t.test.replace('_', " "),
            p_value(p),
            in_family(e)
        ),
        _ => format!("{name} ({declared}): no test was made, {}.", e.analysis.choice.reason),
    });
    let lacking = absent::lacking(&c.groups, &c.listed, &e.dots, c.study.unit);
    lines.extend(
        [lacking.groups, lacking.subjects].into_iter().flatten().map(|told| format!("{name}: {told}.")),
    );
    lines.extend(e.few_controls.map(|n| format!("{name} {}.", warning(n, c.study.unit))));
    for family in ["vs_disease", "vs_control", "vs_normal"] {
        // Diseased against normal was told the other way round.
        let repeated = |k: &&Contrast| family == "vs_normal" && Some(&k.a) == c.study.disease.as_ref();
        lines.extend(e.family(family).filter(|k| !repeated(k)).map(|k| comparison(c, e, k)));
    }
    lines.extend(e.family("planned").map(|k| comparison(c, e, k)));
    lines.extend(checks(c, e));
    if e.rank == Rank::Primary {
        lines.extend(e.analysis.trends.iter().map(|t| trend(c, &name, t)));
    }
    for r in &e.recovery {
        lines.push(match (r.value, r.interval) {
            (Some(v), Some(i)) => {
                let level = confidence_pct(c.study.alpha);
                format!(
                    "Recovery with {}: {v:.0} % ({level} % interval {:.0} to {:.0} %).",
                    r.group, i.lo, i.hi
                )
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

/// One sentence for a test along the doses.
fn trend(c: &Comparison, name: &str, Trend { test: t, .. }: &Trend) -> String {
    let check = if t.role == Role::Primary { "" } else { "Check of the trend: " };
    let verdict = match t.value.partial_cmp(&0.0).filter(|_| t.p < c.study.alpha) {
        Some(Ordering::Greater) => "rises with dose",
        Some(Ordering::Less) => "falls with dose",
        _ => "is not shown to follow the dose",
    };
    let df = t.df1.map_or_else(String::new, |df| format!("({})", degrees(df)));
    let (test, value) = (t.test.replace('_', " "), short(t.value));
    format!(
        "{check}{name} {verdict} ({test}: {}{df} = {value}, p = {}; {}).",
        t.statistic,
        p_value(t.p),
        t.note
    )
}

/// Returns p adjusted within the family of endpoints, where there are others in it.
fn in_family(e: &Compared) -> String {
    e.p_family.filter(|_| e.family_size > 1).map_or_else(String::new, |p| {
        format!(
            "; p = {} adjusted over the {} endpoints of the tissue that were not declared",
            p_value(p),
            e.family_size
        )
    })
}

/// A difference with its unit.
fn with_unit(v: f64, e: &Compared) -> String {
    match of_difference(&e.unit) {
        "" => short(v),
        unit => format!("{} {unit}", short(v)),
    }
}

/// Says what the intervals of the page's comparisons hold for; nothing where there is none.
pub(super) fn intervals(c: &Comparison) -> String {
    let told = |k: &&Contrast| k.family != "all_pairs" || c.study.is_bare();
    let shown = c.endpoints.iter().flat_map(|e| &e.analysis.contrasts).filter(told);
    let methods: BTreeSet<&str> =
        shown.map(|k| k.interval_method).filter(|method| !method.is_empty()).collect();
    let by_itself = format!(
        "t intervals are each by itself, so that one can leave out 0 where the adjusted p does not fall below {}",
        c.study.alpha
    );
    match (methods.contains(SIMULTANEOUS), methods.contains(POINTWISE)) {
        (true, true) => {
            format!("; simultaneous intervals hold for all of their family together; {by_itself}")
        }
        (true, false) => "; intervals are simultaneous: they hold for all of their family together".into(),
        (false, true) => format!("; {by_itself}"),
        (false, false) => String::new(),
    }
}

/// One sentence for each check under another model.
fn checks(c: &Comparison, e: &Compared) -> Vec<String> {
    let told = |k: &Contrast| {
        let (estimate, interval) = (with_unit(k.estimate, e), interval(c, k));
        format!("{} - {} {estimate}{interval}, adjusted p = {}", k.a, k.b, p_value(k.p_adjusted))
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

/// The interval of a difference with its level; nothing where there is none.
fn interval(c: &Comparison, k: &Contrast) -> String {
    let level = confidence_pct(c.study.alpha);
    k.interval
        .map_or_else(String::new, |i| format!(" ({level} % interval {} to {})", short(i.lo), short(i.hi)))
}

fn comparison(c: &Comparison, e: &Compared, k: &Contrast) -> String {
    let shown = k.p_adjusted < c.study.alpha;
    let alone = if shown { only_in_family(c, e) } else { None };
    let [ranks, of] = if k.is_of_ranks() { [" in rank", " of medians"] } else { [""; 2] };
    let verdict = match k.direction() {
        _ if !shown || alone.is_some() => "is not shown to differ from".to_owned(),
        Ordering::Greater => format!("is higher{ranks} than"),
        Ordering::Less => format!("is lower{ranks} than"),
        Ordering::Equal => "differs from".to_owned(),
    };
    let interval = interval(c, k);
    let name = if k.name.is_empty() { String::new() } else { format!("{} (planned): ", k.name) };
    let effect =
        k.effect.map_or_else(String::new, |f| format!(", {} = {:.2}", f.name.replace('_', " "), f.value));
    let p = match alone {
        Some(why) => format!("p = {} within its family only ({why})", p_value(k.p_adjusted)),
        None => format!("adjusted p = {}", p_value(k.p_adjusted)),
    };
    format!(
        "{name}{} {verdict} {}: difference{of} {}{interval}{effect}, {p}, n = {} and {}.",
        k.a,
        k.b,
        with_unit(k.estimate, e),
        k.n_a,
        k.n_b
    )
}

/// Returns why comparisons of an endpoint that nobody declared show nothing: its groups are not shown to differ.
fn only_in_family(c: &Comparison, e: &Compared) -> Option<String> {
    let p = e.p_family.filter(|p| e.rank == Rank::Secondary && *p >= c.study.alpha)?;
    let of = match e.family_size {
        1 => "of all groups".to_owned(),
        n => format!("adjusted over the {n} endpoints of the tissue that were not declared"),
    };
    Some(format!("p = {} {of}", p_value(p)))
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

#[cfg(test)]
mod tests;
