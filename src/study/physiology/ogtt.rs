//! Glucose tolerance: columns `ogtt_<minutes>` and the area under them.

use std::collections::BTreeMap;

use super::{Animals, Column};
use crate::{error::Error, sheet::Table, words::listed};

/// Times that an area needs.
const LEAST_TIMES: usize = 3;

/// Most names that a remark tells.
const NAMED: usize = 8;

/// Ends of names, and the units of the area.
const UNITS: [(&str, &str); 3] = [("", ""), ("_mmol_l", "mmol/L × min"), ("_mg_dl", "mg/dL × min")];

/// The area of each animal.
pub(super) struct Area {
    pub(super) unit: &'static str,
    /// How it was made.
    pub(super) how: String,
    pub(super) values: BTreeMap<String, f64>,
    /// Which animals have none.
    pub(super) left_out: Option<String>,
}

/// Returns minutes and end of a column's name: `ogtt_30`, `ogtt_30min`, `ogtt_30_min`, each with a unit or none.
pub(super) fn parts(name: &str) -> Option<(f64, &'static str)> {
    let rest = name.strip_prefix("ogtt_")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (minutes, end) = rest.split_at(digits);
    let end = end.strip_prefix("_min").or_else(|| end.strip_prefix("min")).unwrap_or(end);
    let (unit, _) = UNITS.iter().find(|(unit, _)| *unit == end)?;
    Some((minutes.parse().ok()?, *unit))
}

/// Minutes, end of the name and column.
type Timed<'a> = (f64, &'static str, &'a Column);

/// Columns by their minutes.
fn times(animals: &Animals) -> Vec<Timed<'_>> {
    let named = animals.columns.iter().map(|c| (parts(&c.name), c));
    let mut times: Vec<_> =
        named.filter_map(|(parts, c)| parts.map(|(minutes, unit)| (minutes, unit, c))).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    times
}

/// Returns that columns are in different units, or of one time.
pub(super) fn units(animals: &Animals, table: &Table) -> Option<Error> {
    let times = times(animals);
    let what = || format!("{} row 1, column", table.name);
    let pair = |is: fn(&Timed<'_>, &Timed<'_>) -> bool| {
        let found = times.windows(2).find(|w| is(&w[0], &w[1]))?;
        Some(format!("{}, {}", found[0].2.name, found[1].2.name))
    };
    if let Some(got) = pair(|a, b| a.1 != b.1) {
        return Some(Error::config(what(), "ogtt columns in one unit", got));
    }
    pair(|a, b| a.0 == b.0).map(|got| Error::config(what(), "each ogtt time once", got))
}

/// Returns the area under the columns, for animals that have all of them; where there is none, what is to be said of it.
pub(super) fn area(animals: &Animals) -> Result<Area, Option<String>> {
    let times = times(animals);
    let is_alike = |c: &&Column| c.name.contains("ogtt") && parts(&c.name).is_none() && c.name != "ogtt_auc";
    let alike: Vec<String> = animals.columns.iter().filter(is_alike).map(|c| c.name.clone()).collect();
    if times.len() < LEAST_TIMES {
        let expected = "columns ogtt_<minutes> (ogtt_0, ogtt_30, …; _mmol_l or _mg_dl may follow)";
        let told = |have: String| {
            format!(
                "no area under the glucose curve (ogtt_auc): it needs {LEAST_TIMES} {expected}; the animal table has {have}"
            )
        };
        let names: Vec<String> = times.iter().map(|(.., c)| c.name.clone()).chain(alike).collect();
        return Err((!names.is_empty()).then(|| told(listed(&names, NAMED))));
    }
    let one = |animal: &String| {
        let values: Option<Vec<f64>> = times.iter().map(|(.., c)| c.values.get(animal).copied()).collect();
        let values = values?;
        let pairs = times.windows(2).zip(values.windows(2));
        let area = pairs.map(|(t, v)| (t[1].0 - t[0].0) * (v[0] + v[1]) / 2.0).sum();
        Some((animal.clone(), area))
    };
    let values: BTreeMap<String, f64> = times[0].2.values.keys().filter_map(one).collect();
    let mut some: Vec<String> = times.iter().flat_map(|(.., c)| c.values.keys().cloned()).collect();
    some.sort_unstable();
    some.dedup();
    some.retain(|animal| !values.contains_key(animal));
    let left_out = (!some.is_empty())
        .then(|| format!("ogtt_auc: none of animals that lack one of the times: {}", listed(&some, NAMED)));
    let minutes = times.iter().map(|(t, ..)| t.to_string()).collect::<Vec<_>>().join(", ");
    let (end, unit) = UNITS.iter().find(|(end, _)| *end == times[0].1).unwrap_or(&UNITS[0]);
    let scale = if end.is_empty() { ", in the unit of the columns × min" } else { "" };
    Ok(Area { unit, how: format!("trapezoid area over {minutes} min{scale}"), values, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_minutes_and_unit() {
        for (name, expected) in [
            ("ogtt_0", Some((0.0, ""))),
            ("ogtt_30min", Some((30.0, ""))),
            ("ogtt_30_min", Some((30.0, ""))),
            ("ogtt_0_mmol_l", Some((0.0, "_mmol_l"))),
            ("ogtt_120_min_mg_dl", Some((120.0, "_mg_dl"))),
            ("ogtt_auc", None),
            ("ogtt_", None),
            ("ogtt_30_mmol", None),
            ("glucose", None),
        ] {
            assert_eq!(parts(name), expected, "{name}");
        }
    }
}
