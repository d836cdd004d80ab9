//! Tables in CSV and Parquet: names in snake case, a point in numbers, an empty cell where there is nothing.

use std::collections::BTreeMap;

use super::output::Output;
use crate::{
    cohort::{
        Comparison,
        analysis::{Contrast, Test, Trend},
        compare::{Compared, PHYSIOLOGY},
        subjects::Subject,
    },
    error::Result,
    organ,
    report::{
        number::number as digits,
        parquet::{self, Column, number, text},
        tables::write_csv,
    },
    stats::Interval,
    study::Unit,
};

type Row = Vec<String>;

/// One table, written as CSV and as Parquet.
pub(super) fn table(out: &Output, name: &str, columns: &[Column], rows: &[Row]) -> Result<()> {
    in_parts(out, name, columns, || std::iter::once(rows.to_vec()))
}

/// The same for a table that is made part by part, twice: it is never held as a whole.
fn in_parts<P: Iterator<Item = Vec<Row>>>(
    out: &Output,
    name: &str,
    columns: &[Column],
    parts: impl Fn() -> P,
) -> Result<()> {
    let heading = columns.iter().map(|c| c.name.to_string()).collect();
    write_csv(&out.file(&format!("{name}.csv")), std::iter::once(heading).chain(parts().flatten()))?;
    parquet::write(&out.file(&format!("{name}.parquet")), columns, parts())
}

/// Writes all tables.
pub(super) fn write(out: &Output, c: &Comparison) -> Result<()> {
    let table = |name: &str, columns: &[Column], rows: Vec<Row>| table(out, name, columns, &rows);
    let unit = c.study.unit;
    animals(out, c)?;
    let subjects: Subjects = c.subjects.iter().map(|s| ((s.group.as_str(), s.id.as_str()), s)).collect();
    in_parts(out, "animals_long", &columns_long(unit), || c.endpoints.iter().map(|e| long(c, e, &subjects)))?;
    table("stats_omnibus", &OMNIBUS, each(c, omnibus))?;
    table("stats_contrasts", &CONTRASTS, each(c, contrasts))?;
    table("stats_trends", &TRENDS, each(c, trends))?;
    table("assumptions", &TESTS, each(c, |e| tests(e, &e.analysis.assumptions)))?;
    table("groups", &GROUPS, each(c, groups))?;
    table("recovery", &RECOVERY, each(c, recovery))?;
    table("equivalence", &EQUIVALENCE, each(c, equivalence))?;
    table("variance_components", &columns_of_components(unit), each(c, components))?;
    let of_study = c.notes.iter().map(|note| vec![tissue_of(note).to_owned(), String::new(), note.clone()]);
    table("warnings", &WARNINGS, of_study.chain(each(c, warnings)).collect())?;
    table("relations", &RELATIONS, relations(c))?;
    let left = c.exclusions.iter().map(|e| {
        [&e.tissue, &e.slide_id, &e.animal_id, &e.group, &e.feature, &e.reason].map(Clone::clone).to_vec()
    });
    table("exclusions", &EXCLUSIONS, left.collect())?;
    let weights = c.sensitivity.iter().map(|s| {
        let rank = s.rank.map(|r| r.to_string()).unwrap_or_default();
        let head = [s.tissue.to_owned(), s.scenario.clone(), s.group.clone(), s.n.to_string()];
        head.into_iter().chain([cell(s.mean), rank, s.order_changes.to_string()]).collect()
    });
    table("weight_sensitivity", &columns_of_sensitivity(unit), weights.collect())
}

fn columns_long(unit: Unit) -> [Column; 7] {
    let names = [text("tissue"), text("feature"), subject(unit), text("group"), text("block")];
    let [tissue, feature, id, group, block] = names;
    [tissue, feature, id, group, block, number("value"), text("unit")]
}

/// The column of the experimental unit.
fn subject(unit: Unit) -> Column {
    match unit {
        Unit::Animal => text("animal_id"),
        Unit::Cage => text("cage"),
    }
}

const RECOVERY: [Column; 7] = [
    text("tissue"),
    text("feature"),
    text("group"),
    number("recovery_pct"),
    number("ci_lo"),
    number("ci_hi"),
    text("suppressed"),
];

/// Variances between experimental units, and between what was averaged to one.
fn columns_of_components(unit: Unit) -> [Column; 5] {
    let [between, below] = match unit {
        Unit::Animal => ["variance_animal", "variance_slide"],
        Unit::Cage => ["variance_cage", "variance_animal"],
    };
    [text("tissue"), text("feature"), number(between), number(below), number("icc")]
}

fn columns_of_sensitivity(unit: Unit) -> [Column; 7] {
    let [tissue, scenario, group] = [text("tissue"), text("scenario"), text("group")];
    let [n, mean, rank] = [number(unit.many()), number("index_mean"), number("rank")];
    [tissue, scenario, group, n, mean, rank, text("order_changes")]
}

const WARNINGS: [Column; 3] = [text("tissue"), text("feature"), text("warning")];

const EXCLUSIONS: [Column; 6] =
    [text("tissue"), text("slide_id"), text("animal_id"), text("group"), text("feature"), text("reason")];

fn each(c: &Comparison, of: impl Fn(&Compared) -> Vec<Row>) -> Vec<Row> {
    c.endpoints.iter().flat_map(of).collect()
}

fn cell(v: Option<f64>) -> String {
    v.map(digits).unwrap_or_default()
}

fn limits(i: Option<Interval>) -> [String; 2] {
    [cell(i.map(|i| i.lo)), cell(i.map(|i| i.hi))]
}

fn keys(e: &Compared) -> Row {
    vec![e.tissue.clone(), e.feature.clone()]
}

/// One row per subject, one column per endpoint.
fn animals(out: &Output, c: &Comparison) -> Result<()> {
    let mut columns = vec![subject(c.study.unit), text("group"), text("block")];
    columns.extend(
        c.endpoints.iter().map(|e| Column {
            name: format!("{}_{}", e.tissue, e.feature).into(),
            kind: parquet::Kind::Number,
        }),
    );
    let row = |s: &Subject| {
        let mut row = vec![s.id.clone(), s.group.clone(), blocks(s)];
        row.extend(c.endpoints.iter().map(|e| {
            let group = c.groups.iter().position(|g| *g == s.group);
            let dot = group.and_then(|g| e.dots[g].iter().find(|d| d.id == s.id));
            cell(dot.map(|d| d.value))
        }));
        row
    };
    let rows: Vec<Row> = c.subjects.iter().map(row).collect();
    table(out, "animals", &columns, &rows)
}

/// The block of a subject, or that of each tissue where they differ.
fn blocks(s: &Subject) -> String {
    match s.block(PHYSIOLOGY) {
        Some(one) => one.to_owned(),
        None => s.blocks.iter().map(|(tissue, b)| format!("{tissue}: {b}")).collect::<Vec<_>>().join("; "),
    }
}

/// Subjects by group and id: cages may be numbered anew in each group.
type Subjects<'c> = BTreeMap<(&'c str, &'c str), &'c Subject>;

fn long(c: &Comparison, e: &Compared, subjects: &Subjects<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (group, dots) in c.groups.iter().zip(&e.dots) {
        for dot in dots {
            let subject = subjects.get(&(group.as_str(), dot.id.as_str()));
            let block = subject.and_then(|s| s.block(&e.tissue)).unwrap_or_default();
            let mut row = keys(e);
            row.extend([dot.id.clone(), group.clone(), block.to_owned(), digits(dot.value), e.unit.clone()]);
            rows.push(row);
        }
    }
    rows
}

const OMNIBUS: [Column; 14] = [
    text("tissue"),
    text("feature"),
    text("unit"),
    text("rank"),
    text("route"),
    text("reason"),
    text("test"),
    text("role"),
    text("statistic"),
    number("value"),
    number("df1"),
    number("df2"),
    number("p"),
    number("p_family"),
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
            digits(t.value),
            cell(t.df1),
            cell(t.df2),
            digits(t.p),
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

const CONTRASTS: [Column; 25] = [
    text("tissue"),
    text("feature"),
    text("family_id"),
    number("family_size"),
    text("contrast"),
    text("group_a"),
    text("group_b"),
    number("n_a"),
    number("n_b"),
    number("estimate"),
    number("ci_lo"),
    number("ci_hi"),
    text("ci_method"),
    text("effect"),
    number("effect_size"),
    number("es_lo"),
    number("es_hi"),
    text("test"),
    number("statistic"),
    number("df"),
    number("p"),
    number("p_adj"),
    text("adj_method"),
    number("p_permutation"),
    text("flags"),
];

fn contrasts(e: &Compared) -> Vec<Row> {
    let row = |k: &Contrast| {
        let mut row = keys(e);
        let [lo, hi] = limits(k.interval);
        let [es_lo, es_hi] = limits(k.effect.and_then(|f| f.interval));
        row.extend([
            k.family.clone(),
            k.family_size.to_string(),
            k.label(),
            k.a.clone(),
            k.b.clone(),
            k.n_a.to_string(),
            k.n_b.to_string(),
            digits(k.estimate),
            lo,
            hi,
            k.interval_method.to_owned(),
            k.effect.map_or("", |f| f.name).to_owned(),
            cell(k.effect.map(|f| f.value)),
            es_lo,
            es_hi,
            k.test.to_owned(),
            digits(k.statistic),
            cell(k.df),
            cell(k.p),
            digits(k.p_adjusted),
            k.adjustment.to_owned(),
            cell(k.p_permutation),
            k.flags.join(" "),
        ]);
        row
    };
    e.analysis.contrasts.iter().map(row).collect()
}

const TESTS: [Column; 8] = [
    text("tissue"),
    text("feature"),
    text("test"),
    number("value"),
    number("df1"),
    number("df2"),
    number("p"),
    text("note"),
];

fn tests(e: &Compared, of: &[Test]) -> Vec<Row> {
    let row = |t: &Test| {
        let mut row = keys(e);
        row.extend([
            t.test.to_owned(),
            digits(t.value),
            cell(t.df1),
            cell(t.df2),
            digits(t.p),
            t.note.clone(),
        ]);
        row
    };
    of.iter().map(row).collect()
}

const TRENDS: [Column; 10] = [
    text("tissue"),
    text("feature"),
    text("test"),
    text("role"),
    number("value"),
    number("df1"),
    number("df2"),
    number("p"),
    number("slope"),
    text("note"),
];

fn trends(e: &Compared) -> Vec<Row> {
    let row = |Trend { test: t, slope }: &Trend| {
        let mut row = keys(e);
        row.extend([
            t.test.to_owned(),
            word(&t.role),
            digits(t.value),
            cell(t.df1),
            cell(t.df2),
            digits(t.p),
        ]);
        row.extend([cell(*slope), t.note.clone()]);
        row
    };
    e.analysis.trends.iter().map(row).collect()
}

const GROUPS: [Column; 13] = [
    text("tissue"),
    text("feature"),
    text("unit"),
    text("group"),
    number("n"),
    number("mean"),
    number("sd"),
    number("median"),
    number("q1"),
    number("q3"),
    number("mean_lo"),
    number("mean_hi"),
    number("pct_of_control"),
];

fn groups(e: &Compared) -> Vec<Row> {
    let present: Vec<usize> = (0..e.dots.len()).filter(|&g| !e.dots[g].is_empty()).collect();
    let row = |(g, &place): (&crate::cohort::analysis::Group, &usize)| {
        let mut row = keys(e);
        let [lo, hi] = limits(g.mean_interval);
        let s = &g.summary;
        row.extend([e.unit.clone(), g.group.clone(), s.n.to_string()]);
        row.extend([s.mean, s.sd, s.median, s.q1, s.q3].map(digits));
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

const EQUIVALENCE: [Column; 9] = [
    text("tissue"),
    text("feature"),
    text("contrast"),
    number("margin"),
    number("estimate"),
    number("ci_lo"),
    number("ci_hi"),
    number("p"),
    text("equivalent"),
];

fn equivalence(e: &Compared) -> Vec<Row> {
    let row = |q: &crate::cohort::analysis::Equivalence| {
        let mut row = keys(e);
        let [lo, hi] = limits(Some(q.interval));
        row.extend([format!("{} - {}", q.a, q.b), digits(q.margin), digits(q.estimate), lo, hi, digits(q.p)]);
        row.push(if q.equivalent { "yes" } else { "not shown" }.to_owned());
        row
    };
    e.analysis.equivalences.iter().map(row).collect()
}

fn components(e: &Compared) -> Vec<Row> {
    let row = |s: crate::cohort::compare::Shares| {
        let mut row = keys(e);
        row.extend([s.subject, s.slide, s.icc].map(digits));
        row
    };
    e.components.map(row).into_iter().collect()
}

/// Returns the tissue that a remark on the study begins with; empty where it is on all of it.
fn tissue_of(note: &str) -> &str {
    let start = note.split([':', ',']).next().unwrap_or_default();
    organ::find(start).map_or("", |organ| organ.name)
}

fn warnings(e: &Compared) -> Vec<Row> {
    let row = |w: &String| [keys(e), vec![w.clone()]].concat();
    e.analysis.warnings.iter().map(row).collect()
}

const RELATIONS: [Column; 13] = [
    text("tissue"),
    text("feature"),
    text("physiology"),
    number("n"),
    number("spearman_rho"),
    number("ci_lo"),
    number("ci_hi"),
    number("p"),
    number("p_adj"),
    number("within_groups_rho"),
    number("within_lo"),
    number("within_hi"),
    number("within_p"),
];

fn relations(c: &Comparison) -> Vec<Row> {
    let row = |r: &crate::cohort::relate::Relation| {
        let ([lo, hi], [wlo, whi]) = (limits(r.interval), limits(r.within_interval));
        vec![
            r.tissue.clone(),
            r.feature.clone(),
            r.physiology.clone(),
            r.n.to_string(),
            digits(r.rho),
            lo,
            hi,
            digits(r.p),
            digits(r.p_adjusted),
            cell(r.within_rho),
            wlo,
            whi,
            cell(r.within_p),
        ]
    };
    c.relations.iter().map(row).collect()
}

#[cfg(test)]
mod tests;
