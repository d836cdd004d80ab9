//! Tables in CSV: names in snake case, a point in numbers, an empty cell where there is nothing.

use std::path::Path;

use crate::{
    cohort::{
        Comparison,
        analysis::{Contrast, Test},
        compare::Compared,
    },
    error::Result,
    report::{number::number, tables::write_csv},
    stats::Interval,
};

type Row = Vec<String>;

/// Writes all tables.
pub(super) fn write(folder: &Path, c: &Comparison) -> Result<()> {
    let table = |name: &str, heading: &[&str], rows: Vec<Row>| {
        let heading = heading.iter().map(|h| (*h).to_owned()).collect();
        write_csv(&folder.join(name), std::iter::once(heading).chain(rows))
    };
    animals(folder, c)?;
    table(
        "animals_long.csv",
        &["tissue", "feature", "animal_id", "group", "block", "value", "unit"],
        long(c),
    )?;
    table("stats_omnibus.csv", &OMNIBUS, each(c, omnibus))?;
    table("stats_contrasts.csv", &CONTRASTS, each(c, contrasts))?;
    table("stats_trends.csv", &TESTS, each(c, |e| tests(e, &e.analysis.trends)))?;
    table("assumptions.csv", &TESTS, each(c, |e| tests(e, &e.analysis.assumptions)))?;
    table("groups.csv", &GROUPS, each(c, groups))?;
    table(
        "recovery.csv",
        &["tissue", "feature", "group", "recovery_pct", "ci_lo", "ci_hi", "suppressed"],
        each(c, recovery),
    )?;
    table("equivalence.csv", &EQUIVALENCE, each(c, equivalence))?;
    table(
        "variance_components.csv",
        &["tissue", "feature", "variance_animal", "variance_slide", "icc"],
        each(c, components),
    )?;
    table("warnings.csv", &["tissue", "feature", "warning"], each(c, warnings))?;
    table("relations.csv", &RELATIONS, relations(c))?;
    let left = c.exclusions.iter().map(|e| {
        [&e.tissue, &e.slide_id, &e.animal_id, &e.group, &e.feature, &e.reason].map(Clone::clone).to_vec()
    });
    table(
        "exclusions.csv",
        &["tissue", "slide_id", "animal_id", "group", "feature", "reason"],
        left.collect(),
    )
}

fn each(c: &Comparison, of: impl Fn(&Compared) -> Vec<Row>) -> Vec<Row> {
    c.endpoints.iter().flat_map(of).collect()
}

fn cell(v: Option<f64>) -> String {
    v.map(number).unwrap_or_default()
}

fn limits(i: Option<Interval>) -> [String; 2] {
    [cell(i.map(|i| i.lo)), cell(i.map(|i| i.hi))]
}

fn keys(e: &Compared) -> Row {
    vec![e.tissue.clone(), e.feature.clone()]
}

/// One row per subject, one column per endpoint.
fn animals(folder: &Path, c: &Comparison) -> Result<()> {
    let mut heading = vec!["animal_id".to_owned(), "group".to_owned(), "block".to_owned()];
    heading.extend(c.endpoints.iter().map(|e| format!("{}_{}", e.tissue, e.feature)));
    let row = |s: &crate::cohort::subjects::Subject| {
        let mut row = vec![s.id.clone(), s.group.clone(), s.block.clone().unwrap_or_default()];
        row.extend(c.endpoints.iter().map(|e| {
            let group = c.groups.iter().position(|g| *g == s.group);
            let dot = group.and_then(|g| e.dots[g].iter().find(|d| d.id == s.id));
            cell(dot.map(|d| d.value))
        }));
        row
    };
    let rows: Vec<Row> = c.subjects.iter().map(row).collect();
    write_csv(&folder.join("animals.csv"), std::iter::once(heading).chain(rows))
}

fn long(c: &Comparison) -> Vec<Row> {
    let mut rows = Vec::new();
    for e in &c.endpoints {
        for (group, dots) in c.groups.iter().zip(&e.dots) {
            for dot in dots {
                let block = c.subjects.iter().find(|s| s.id == dot.id).and_then(|s| s.block.clone());
                let mut row = keys(e);
                row.extend([
                    dot.id.clone(),
                    group.clone(),
                    block.unwrap_or_default(),
                    number(dot.value),
                    e.unit.clone(),
                ]);
                rows.push(row);
            }
        }
    }
    rows
}

const OMNIBUS: [&str; 14] = [
    "tissue",
    "feature",
    "unit",
    "rank",
    "route",
    "reason",
    "test",
    "role",
    "statistic",
    "value",
    "df1",
    "df2",
    "p",
    "p_family",
];

fn omnibus(e: &Compared) -> Vec<Row> {
    let row = |t: &Test| {
        let mut row = keys(e);
        let primary = t.role == crate::cohort::analysis::Role::Primary;
        row.extend([
            e.unit.clone(),
            word(&e.rank),
            word(&e.analysis.choice.route),
            e.analysis.choice.reason.clone(),
            t.test.to_owned(),
            word(&t.role),
            t.statistic.to_owned(),
            number(t.value),
            cell(t.df1),
            cell(t.df2),
            number(t.p),
            if primary { cell(e.p_family) } else { String::new() },
        ]);
        row
    };
    e.analysis.omnibus.iter().map(row).collect()
}

/// Returns the name that a plain enum has in JSON.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

const CONTRASTS: [&str; 25] = [
    "tissue",
    "feature",
    "family_id",
    "family_size",
    "contrast",
    "group_a",
    "group_b",
    "n_a",
    "n_b",
    "estimate",
    "ci_lo",
    "ci_hi",
    "ci_method",
    "effect",
    "effect_size",
    "es_lo",
    "es_hi",
    "test",
    "statistic",
    "df",
    "p",
    "p_adj",
    "adj_method",
    "p_permutation",
    "flags",
];

fn contrasts(e: &Compared) -> Vec<Row> {
    let row = |k: &Contrast| {
        let mut row = keys(e);
        let [lo, hi] = limits(k.interval);
        let [es_lo, es_hi] = limits(k.effect.and_then(|f| f.interval));
        row.extend([
            k.family.clone(),
            k.family_size.to_string(),
            format!("{} - {}", k.a, k.b),
            k.a.clone(),
            k.b.clone(),
            k.n_a.to_string(),
            k.n_b.to_string(),
            number(k.estimate),
            lo,
            hi,
            k.interval_method.to_owned(),
            k.effect.map_or("", |f| f.name).to_owned(),
            cell(k.effect.map(|f| f.value)),
            es_lo,
            es_hi,
            k.test.to_owned(),
            number(k.statistic),
            cell(k.df),
            cell(k.p),
            number(k.p_adjusted),
            k.adjustment.to_owned(),
            cell(k.p_permutation),
            k.flags.join(" "),
        ]);
        row
    };
    e.analysis.contrasts.iter().map(row).collect()
}

const TESTS: [&str; 8] = ["tissue", "feature", "test", "value", "df1", "df2", "p", "note"];

fn tests(e: &Compared, of: &[Test]) -> Vec<Row> {
    let row = |t: &Test| {
        let mut row = keys(e);
        row.extend([
            t.test.to_owned(),
            number(t.value),
            cell(t.df1),
            cell(t.df2),
            number(t.p),
            t.note.clone(),
        ]);
        row
    };
    of.iter().map(row).collect()
}

const GROUPS: [&str; 13] = [
    "tissue",
    "feature",
    "unit",
    "group",
    "n",
    "mean",
    "sd",
    "median",
    "q1",
    "q3",
    "mean_lo",
    "mean_hi",
    "pct_of_control",
];

fn groups(e: &Compared) -> Vec<Row> {
    let present: Vec<usize> = (0..e.dots.len()).filter(|&g| !e.dots[g].is_empty()).collect();
    let row = |(g, &place): (&crate::cohort::analysis::Group, &usize)| {
        let mut row = keys(e);
        let [lo, hi] = limits(g.mean_interval);
        let s = &g.summary;
        row.extend([e.unit.clone(), g.group.clone(), s.n.to_string()]);
        row.extend([s.mean, s.sd, s.median, s.q1, s.q3].map(number));
        row.extend([lo, hi, cell(e.percent_of_control[place])]);
        row
    };
    e.analysis.groups.iter().zip(&present).map(row).collect()
}

fn recovery(e: &Compared) -> Vec<Row> {
    let row = |r: &crate::cohort::recovery::Recovery| {
        let mut row = keys(e);
        let [lo, hi] = limits(r.interval);
        row.extend([r.group.clone(), cell(r.value), lo, hi, r.suppressed.clone()]);
        row
    };
    e.recovery.iter().map(row).collect()
}

const EQUIVALENCE: [&str; 9] =
    ["tissue", "feature", "contrast", "margin", "estimate", "ci_lo", "ci_hi", "p", "equivalent"];

fn equivalence(e: &Compared) -> Vec<Row> {
    let row = |q: &crate::cohort::analysis::Equivalence| {
        let mut row = keys(e);
        let [lo, hi] = limits(Some(q.interval));
        row.extend([format!("{} - {}", q.a, q.b), number(q.margin), number(q.estimate), lo, hi, number(q.p)]);
        row.push(if q.equivalent { "yes" } else { "not shown" }.to_owned());
        row
    };
    e.analysis.equivalences.iter().map(row).collect()
}

fn components(e: &Compared) -> Vec<Row> {
    let row = |s: crate::cohort::compare::Shares| {
        let mut row = keys(e);
        row.extend([s.subject, s.slide, s.icc].map(number));
        row
    };
    e.components.map(row).into_iter().collect()
}

fn warnings(e: &Compared) -> Vec<Row> {
    let row = |w: &String| [keys(e), vec![w.clone()]].concat();
    e.analysis.warnings.iter().map(row).collect()
}

const RELATIONS: [&str; 13] = [
    "tissue",
    "feature",
    "physiology",
    "n",
    "spearman_rho",
    "ci_lo",
    "ci_hi",
    "p",
    "p_adj",
    "within_groups_rho",
    "within_lo",
    "within_hi",
    "within_p",
];

fn relations(c: &Comparison) -> Vec<Row> {
    let row = |r: &crate::cohort::relate::Relation| {
        let ([lo, hi], [wlo, whi]) = (limits(r.interval), limits(r.within_interval));
        vec![
            r.tissue.clone(),
            r.feature.clone(),
            r.physiology.clone(),
            r.n.to_string(),
            number(r.rho),
            lo,
            hi,
            number(r.p),
            number(r.p_adjusted),
            cell(r.within_rho),
            wlo,
            whi,
            cell(r.within_p),
        ]
    };
    c.relations.iter().map(row).collect()
}
