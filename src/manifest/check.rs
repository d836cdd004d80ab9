//! What one row cannot tell: ids, animals and files of the whole sheet.

use std::{collections::BTreeMap, fs};

use super::Sample;
use crate::{batch::slide_ids, error::Error, sheet::Table, spelling::Spellings};

/// Completes the ids and checks the rows against each other. Returns everything at fault.
pub(super) fn all(table: &Table, samples: &mut [Sample], with_files: bool) -> Vec<Error> {
    let mut faults = Vec::new();
    if with_files {
        files(table, samples, &mut faults);
    }
    ids(table, samples, &mut faults);
    for (column, of) in FACTS_OF_AN_ANIMAL {
        animals(table, samples, column, *of, &mut faults);
    }
    spelling(table, samples, &mut faults);
    faults
}

/// A fact of a sample, when stated.
type Fact = fn(&Sample) -> Option<&str>;

/// Columns that say something about the animal, not about the slide.
const FACTS_OF_AN_ANIMAL: &[(&str, Fact)] = &[
    ("group", |s| Some(&s.group)),
    ("sex", |s| s.sex.as_deref()),
    ("cage", |s| s.cage.as_deref()),
    ("species", |s| s.species.map(|s| s.name)),
];

/// Every slide is listed once, and one of them is there. A slide that is not, is a failure of its own: the others go on.
fn files(table: &Table, samples: &[Sample], faults: &mut Vec<Error>) {
    let wanted = || samples.iter().filter(|s| s.exclude.is_none());
    if !wanted().any(|s| s.path.is_file() || s.path.is_dir()) {
        faults.extend(wanted().map(|s| absent(table, s)));
    }
    let mut seen = BTreeMap::new();
    for s in samples {
        let path = s.path.display();
        // `a.svs` and `../in/a.svs` can be one file.
        let real = fs::canonicalize(&s.path).unwrap_or_else(|_| s.path.clone());
        if let Some(row) = seen.insert(real, s.row) {
            faults.push(table.fault(s.row, "slide", "each slide once", format!("{path}, also in row {row}")));
        }
    }
}

fn absent(table: &Table, s: &Sample) -> Error {
    let why = if s.path.exists() { "is neither" } else { "does not exist" };
    table.fault(s.row, "slide", "a file or a folder", format!("{}, which {why}", s.path.display()))
}

fn ids(table: &Table, samples: &mut [Sample], faults: &mut Vec<Error>) {
    let mut without: Vec<&mut Sample> = samples.iter_mut().filter(|s| s.slide_id.is_empty()).collect();
    let paths: Vec<_> = without.iter().map(|s| s.path.clone()).collect();
    for (sample, id) in without.iter_mut().zip(slide_ids(&paths)) {
        sample.slide_id = id;
    }
    let mut seen = BTreeMap::new();
    for s in samples.iter() {
        if let Some(row) = seen.insert(s.slide_id.to_lowercase(), s.row) {
            let got = format!("{}, also in row {row}", s.slide_id);
            faults.push(table.fault(s.row, "slide_id", "each id once", got));
        }
    }
}

/// One animal has one value of `column` wherever it is stated.
fn animals(table: &Table, samples: &[Sample], column: &str, of: Fact, faults: &mut Vec<Error>) {
    let mut first: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for s in samples.iter().filter(|s| !s.animal_id.is_empty()) {
        let Some(now) = of(s) else { continue };
        let (then, row) = *first.entry(&s.animal_id).or_insert((now, s.row));
        if then != now {
            let expected = format!("{then} for animal {} as in row {row}", s.animal_id);
            faults.push(table.fault(s.row, column, expected, now));
        }
    }
}

/// Columns of names that are compared with each other.
const NAMES: &[(&str, Fact)] = &[
    ("group", |s| Some(&s.group)),
    ("animal_id", |s| Some(&s.animal_id)),
    ("cage", |s| s.cage.as_deref()),
    ("batch", |s| s.batch.as_deref()),
    ("stain_batch", |s| s.stain_batch.as_deref()),
    ("scanner", |s| s.scanner.as_deref()),
    ("dose_unit", |s| s.dose_unit.as_deref()),
];

/// Names are written the same way everywhere: `Control` and `control` are not two groups, `c1` and `C1` not two cages.
fn spelling(table: &Table, samples: &[Sample], faults: &mut Vec<Error>) {
    for (column, of) in NAMES {
        let mut names = Spellings::default();
        for s in samples {
            if let Some((expected, got)) = of(s).and_then(|name| names.otherwise(name, s.row)) {
                faults.push(table.fault(s.row, column, expected, got));
            }
        }
    }
}
