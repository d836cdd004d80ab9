//! `agree`: the program and a pathologist, or two readers or methods on the same things.

mod reads;

use std::fmt::Write as _;

use histograde::{
    Error, Result,
    cohort::tidy,
    stats::{
        Interval, Undefined,
        agreement::{self, Icc, IccTable, Weights},
    },
};
use serde_json::{Map, Value, json};

use super::{Exit, Failure, args};

/// What agreed, how well, and who says so.
type Published = (&'static str, f64, &'static str);

/// Agreement between pathologists, as published: what can be expected of a method (domain.md §7.1).
const YARDSTICK_GRADES: [Published; 4] = [
    ("steatosis grade, weighted kappa", 0.79, "Kleiner 2005"),
    ("ballooning, weighted kappa", 0.56, "Kleiner 2005"),
    ("lobular inflammation, weighted kappa", 0.45, "Kleiner 2005"),
    ("fibrosis stage, weighted kappa", 0.84, "Kleiner 2005"),
];
const YARDSTICK_MEASURES: [Published; 6] = [
    ("rodent macrosteatosis, intraclass correlation", 0.784, "Liang 2014"),
    ("rodent microsteatosis, intraclass correlation", 0.776, "Liang 2014"),
    ("rodent hypertrophy, intraclass correlation", 0.685, "Liang 2014"),
    ("rodent lobular inflammation, intraclass correlation", 0.65, "Liang 2014"),
    ("total steatosis in %, intraclass correlation", 0.57, "El-Badry 2009"),
    ("lupus nephritis activity, intraclass correlation", 0.716, "NDT 2008;23:223"),
];

/// Most different grades; more are measurements.
const MOST_GRADES: usize = 50;

pub(super) fn run(args: &args::Agree) -> Result<Exit, Failure> {
    if let (Some(reads), Some(output)) = (&args.reads, &args.output) {
        return reads::run(args, reads, output);
    }
    // The parser lets it pass: what it needs excludes --a and --b.
    if args.output.is_some() {
        let asked =
            "--reads, whose tables and figures it is for; of two columns the numbers are printed (--json)";
        return Err(Error::config("-o of agree", asked, "--a and --b").into());
    }
    let (Some(a), Some(b)) = (args.a.as_deref(), args.b.as_deref()) else {
        let asked = "--reads FILE -o OUT (a pathologist's grades against a folder of results), or --a COL and --b COL (two columns of a \
                     table)";
        return Err(Error::config("agree", asked, "neither").into());
    };
    let columns = [a, b];
    let read = tidy::read_pairs(&args.table, a, b)?;
    let mut rows = if args.grades { kappas(&read, args, columns)? } else { measures(&read, args, columns)? };
    let no_intervals = read.repeated.as_deref().map(not_independent);
    if no_intervals.is_some() {
        rows.iter_mut()
            .filter_map(|(_, found)| found.as_mut().ok())
            .for_each(|(_, interval)| *interval = None);
    }
    let yardstick: &[_] = if args.grades { &YARDSTICK_GRADES } else { &YARDSTICK_MEASURES };
    if args.json {
        let mut map = Map::new();
        let published =
            |(what, value, source): &Published| json!({ "what": what, "value": value, "source": source });
        map.insert("between_pathologists".into(), yardstick.iter().map(published).collect());
        map.insert("pairs".into(), read.a.len().into());
        map.insert("rows_left_out".into(), json!(read.missing));
        map.insert("no_intervals".into(), json!(no_intervals));
        for (name, found) in &rows {
            let told = match found {
                Ok((value, i)) => json!({ "value": value, "interval": i.map(|i| json!([i.lo, i.hi])) }),
                Err(why) => json!({ "value": null, "missing": why.to_string() }),
            };
            map.insert(name.replace([' ', '-'], "_"), told);
        }
        super::print(&format!("{:#}\n", Value::Object(map)))?;
        return Ok(Exit::AllDone);
    }
    let mut text = format!("{a} and {b}: {} pairs", read.a.len());
    if !read.missing.is_empty() {
        let _ = write!(text, ", {} rows without both values left out", read.missing.len());
    }
    text.push('\n');
    if let Some(why) = no_intervals {
        let _ = writeln!(text, "  {why}");
    }
    for (name, found) in rows {
        let _ = match found {
            Ok((value, Some(i))) => writeln!(text, "  {name}: {value:.4} [{:.4}, {:.4}]", i.lo, i.hi),
            Ok((value, None)) => writeln!(text, "  {name}: {value:.4}"),
            Err(why) => writeln!(text, "  {name}: not measured, {why}"),
        };
    }
    tell_yardstick(&mut text, yardstick);
    super::print(&text)?;
    Ok(Exit::AllDone)
}

/// Says why nothing has an interval, given the column of the animals.
fn not_independent(column: &str) -> String {
    format!(
        "no intervals and no limits: an animal stands in several rows ({column}), which do not count as several; give one row per \
         animal, or compare slides with --reads"
    )
}

fn tell_yardstick<'a>(text: &mut String, yardstick: impl IntoIterator<Item = &'a Published>) {
    text.push_str("published agreement between pathologists, as a yardstick:\n");
    for (what, value, source) in yardstick {
        let _ = writeln!(text, "  {what}: {value} ({source})");
    }
}

/// A measure of agreement with its interval, or why it has no value.
type Row = (&'static str, Result<(f64, Option<Interval>), Undefined>);

/// Refuses a table in which nothing can agree.
fn pairs(read: &tidy::Pairs, columns: [&str; 2], least: usize) -> Result<()> {
    let found = read.a.len();
    if found < least {
        let expected = format!("{least} or more rows with both values");
        return Err(Error::config(columns.join(", "), expected, found));
    }
    Ok(())
}

fn kappas(read: &tidy::Pairs, args: &args::Agree, columns: [&str; 2]) -> Result<Vec<Row>> {
    pairs(read, columns, 1)?;
    let mut grades: Vec<f64> = read.a.iter().chain(&read.b).copied().collect();
    grades.sort_by(f64::total_cmp);
    grades.dedup();
    if let (Some(low), Some(high)) = (grades.first(), grades.last()) {
        let whole = grades.iter().all(|g| g.fract() == 0.0) && high - low < MOST_GRADES as f64;
        if !whole {
            let expected = "grades: whole numbers, at most 50 apart (leave out --grades for measurements)";
            return Err(Error::config(columns.join(", "), expected, format!("{low} to {high}")));
        }
        // A grade that neither reader gave still lies between its neighbours.
        let steps = (high - low) as usize;
        grades = (0..=steps).map(|i| low + i as f64).collect();
    }
    let mut table = vec![vec![0.0; grades.len()]; grades.len()];
    let place = |v: f64| grades.iter().position(|g| *g == v).unwrap_or(0);
    for (a, b) in read.a.iter().zip(&read.b) {
        table[place(*a)][place(*b)] += 1.0;
    }
    let mut rows = Vec::new();
    for (name, weights) in [
        ("kappa", Weights::None),
        ("kappa with linear weights", Weights::Linear),
        ("kappa with quadratic weights", Weights::Quadratic),
    ] {
        let found = agreement::kappa(&table, weights, args.alpha);
        rows.push((name, found.map(|k| (k.value, k.interval))));
    }
    let same = read.a.iter().zip(&read.b).filter(|(a, b)| a == b).count();
    rows.push(("share of equal grades", Ok((same as f64 / read.a.len().max(1) as f64, None))));
    Ok(rows)
}

fn measures(read: &tidy::Pairs, args: &args::Agree, columns: [&str; 2]) -> Result<Vec<Row>> {
    pairs(read, columns, 2)?;
    let limits = agreement::limits(&read.a, &read.b);
    let both: Vec<Vec<f64>> = read.a.iter().zip(&read.b).map(|(a, b)| vec![*a, *b]).collect();
    let icc = agreement::icc(&both, args.alpha);
    let of = |one: fn(&IccTable) -> Icc| icc.map(|table| (one(&table).value, one(&table).interval));
    let concordance = limits.and_then(|l| Ok((l.concordance.ok_or(Undefined::NoVariation)?, None)));
    Ok(vec![
        ("concordance correlation", concordance),
        ("intraclass correlation, two-way, absolute agreement", of(|t| t.icc2)),
        ("intraclass correlation, two-way, consistency", of(|t| t.icc3)),
        ("bias with limits of agreement", limits.map(|l| (l.bias, Some(l.limits)))),
        ("standard error of one measurement", limits.map(|l| (l.sem, None))),
    ])
}
