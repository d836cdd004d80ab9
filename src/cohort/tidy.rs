//! Reads a table with one row per animal.

mod pairs;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

pub use pairs::{Pairs, read_pairs};

use super::Arm;
use crate::{
    error::{Error, Result},
    sheet::{Row, Table, is_missing, quoted},
    spelling::{Spellings, key},
    stats::describe::mean,
};

/// Which columns hold what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The numbers to compare.
    pub value: String,
    /// The group of the row.
    pub group: String,
    /// Dose of the group.
    pub dose: Option<String>,
    /// Block of the row.
    pub block: Option<String>,
    /// The animal: rows of one animal are averaged.
    pub animal: Option<String>,
    /// Numbers that comparisons are adjusted for.
    pub covariates: Vec<String>,
}

/// Headings of columns that say which animal a row is about, as they are and with one of these ends: `Mouse ID`, `animal_no.`.
const ANIMAL: [&str; 4] = ["animal", "subject", "mouse", "rat"];
const ENDS: [&str; 5] = ["id", "no", "nr", "number", "#"];

/// Headings that say so where a value of the column stands in several rows; else they may number the rows.
const BARE: [&str; 4] = ["id", "no", "nr", "#"];

/// Numbers this large are mistakes; their squares have no number.
const MOST: f64 = 1e100;

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Tidy {
    /// Groups in order of appearance.
    pub arms: Vec<Arm>,
    /// Names of the blocks, by index.
    pub blocks: Vec<String>,
    /// Rows without a value, by row number.
    pub missing: Vec<u64>,
    /// Groups of which no row has a value.
    pub empty: Vec<String>,
    /// Rows read.
    pub rows: usize,
    /// Animals with several rows, which were averaged.
    pub averaged: usize,
    /// Values of each covariate by group and animal, in the order of the arms.
    pub covariates: Vec<Vec<Vec<f64>>>,
    /// Rows of every animal before they were averaged, in the order of the arms.
    pub repeats: Vec<Vec<Vec<f64>>>,
}

/// Reads a table in CSV or TSV.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be read, [`Error::Config`] or [`Error::Faults`] naming all rows at fault: unknown columns,
/// values that are no numbers, an empty group, two doses in one group, a group, block or animal written in two ways, an animal
/// listed twice where rows are animals, or in two groups.
pub fn read(path: &Path, columns: &Columns) -> Result<Tidy> {
    let table = Table::read(path)?;
    let places = Places::of(&table, columns)?;
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    let mut missing = Vec::new();
    for row in &table.rows {
        match places.entry(&table, row) {
            Ok(Some(entry)) => rows.push(entry),
            Ok(None) => missing.push(row),
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(places.spelling(&table, &rows));
    if let Some(animal) = places.animal.filter(|_| columns.animal.is_none()) {
        faults.extend(repeated(&table, &table.heading[animal], &rows));
    }
    let (entries, averaged) = by_animal(&table, &rows, &mut faults);
    let doses = doses(&table, &rows, &mut faults);
    Error::all(faults)?;
    if entries.is_empty() {
        return Err(Error::config(
            format!("{}, {}", table.name, columns.value),
            "numbers",
            "no row with one",
        ));
    }
    let (arms, blocks) = arms(&entries, &doses);
    let mut empty: Vec<String> = missing.iter().map(|row| row.cells[places.group].clone()).collect();
    empty.retain(|group| !arms.iter().any(|a| a.name == *group));
    empty.dedup();
    let missing = missing.iter().map(|row| row.number).collect();
    let by_group = |of: &dyn Fn(&Entry) -> Vec<f64>| -> Vec<Vec<Vec<f64>>> {
        let own = |a: &Arm| entries.iter().filter(|e| e.group == a.name).map(of).collect();
        arms.iter().map(own).collect()
    };
    let repeats = by_group(&|e| e.repeats.clone());
    let one = |c: usize| by_group(&|e| vec![e.covariates[c]]).into_iter().map(|g| g.concat()).collect();
    let covariates = (0..columns.covariates.len()).map(one).collect();
    Ok(Tidy { arms, blocks, missing, empty, rows: table.rows.len(), averaged, covariates, repeats })
}

/// One row, or one animal.
#[derive(Clone, Debug)]
struct Entry {
    row: u64,
    value: f64,
    group: String,
    dose: Option<f64>,
    block: Option<String>,
    animal: Option<String>,
    covariates: Vec<f64>,
    /// Values of all rows of the animal.
    repeats: Vec<f64>,
}

/// Where the columns stand.
struct Places {
    value: usize,
    group: usize,
    dose: Option<usize>,
    block: Option<usize>,
    animal: Option<usize>,
    covariates: Vec<usize>,
    names: Columns,
}

impl Places {
    fn of(table: &Table, columns: &Columns) -> Result<Self> {
        let mut faults = Vec::new();
        let mut place = |name: &str| {
            table.column(name).unwrap_or_else(|fault| {
                faults.push(fault);
                0
            })
        };
        let value = place(&columns.value);
        let group = place(&columns.group);
        let dose = columns.dose.as_deref().map(&mut place);
        let block = columns.block.as_deref().map(&mut place);
        let named = columns.animal.as_deref().map(&mut place);
        let covariates: Vec<usize> = columns.covariates.iter().map(|c| place(c)).collect();
        Error::all(faults)?;
        // Without being told, an animal column is used only to notice that rows are not animals. One that is asked for as
        // something else is none.
        let asked =
            |i: &usize| [Some(value), Some(group), dose, block].contains(&Some(*i)) || covariates.contains(i);
        let others = || (0..table.heading.len()).filter(|i| !asked(i));
        let animal = named
            .or_else(|| others().find(|&i| names_animals(&table.heading[i])))
            .or_else(|| others().find(|&i| is_bare(&table.heading[i]) && repeats(table, i)));
        Ok(Self { value, group, dose, block, animal, covariates, names: columns.clone() })
    }

    /// Reads one row; `None` without a value.
    fn entry(&self, table: &Table, row: &Row) -> Result<Option<Entry>> {
        let cell = |place: usize| row.cells.get(place).map_or("", String::as_str);
        let fault =
            |column: &str, expected: &str, got: &str| table.fault(row.number, column, expected, quoted(got));
        let group = cell(self.group).to_owned();
        if is_missing(&group) {
            return Err(fault(&self.names.group, "a group", &group));
        }
        let text = cell(self.value);
        if is_missing(text) {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<f64>().ok().filter(|v| v.abs() < MOST);
        let value = number(text).ok_or_else(|| {
            fault(&self.names.value, "a number with a decimal point, or an empty cell", text)
        })?;
        let dose = match self.dose.map(cell) {
            Some(text) if !is_missing(text) => Some(number(text).filter(|d| *d >= 0.0).ok_or_else(|| {
                fault(self.names.dose.as_deref().unwrap_or(""), "a number, 0 or more", text)
            })?),
            _ => None,
        };
        let block = self.block.map(|b| cell(b).to_owned());
        if let Some(missing) = block.as_deref().filter(|b| is_missing(b)) {
            return Err(fault(self.names.block.as_deref().unwrap_or(""), "a block", missing));
        }
        let written = self.animal.map_or("", cell);
        let animal = (!is_missing(written)).then(|| written.to_owned());
        if animal.is_none()
            && let Some(name) = &self.names.animal
        {
            return Err(fault(name, "an animal", written));
        }
        let covariate = |(&place, name): (&usize, &String)| {
            number(cell(place)).ok_or_else(|| {
                fault(name, "a number (a covariate is needed where there is a value)", cell(place))
            })
        };
        let covariates =
            self.covariates.iter().zip(&self.names.covariates).map(covariate).collect::<Result<_>>()?;
        Ok(Some(Entry {
            row: row.number,
            value,
            group,
            dose,
            block,
            animal,
            covariates,
            repeats: vec![value],
        }))
    }

    /// Groups, blocks and animals are written the same way everywhere: `Control` and `control` are not two groups.
    fn spelling(&self, table: &Table, rows: &[Entry]) -> Vec<Error> {
        type Name = fn(&Entry) -> Option<&str>;
        let columns: [(Option<usize>, Name); 3] = [
            (Some(self.group), |e| Some(&e.group)),
            (self.block, |e| e.block.as_deref()),
            (self.animal, |e| e.animal.as_deref()),
        ];
        let mut faults = Vec::new();
        for (place, of) in columns {
            let Some(column) = place.and_then(|p| table.heading.get(p)) else { continue };
            let mut names = Spellings::default();
            for entry in rows {
                if let Some((expected, got)) = of(entry).and_then(|name| names.otherwise(name, entry.row)) {
                    faults.push(table.fault(entry.row, column, expected, got));
                }
            }
        }
        faults
    }
}

/// A heading in small letters and digits only.
fn plain(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric() || *c == '#').flat_map(char::to_lowercase).collect()
}

fn names_animals(heading: &str) -> bool {
    let heading = plain(heading);
    let end = ANIMAL.iter().find_map(|animal| heading.strip_prefix(animal));
    end.is_some_and(|end| end.is_empty() || ENDS.contains(&end))
}

fn is_bare(heading: &str) -> bool {
    BARE.contains(&plain(heading).as_str())
}

/// Whether a value of a column stands in several rows.
fn repeats(table: &Table, place: usize) -> bool {
    let mut seen = BTreeSet::new();
    let cells = table.rows.iter().filter_map(|row| row.cells.get(place));
    cells.filter(|cell| !is_missing(cell)).any(|cell| !seen.insert(key(cell)))
}

/// Rows of an animal that was listed before, when rows are taken for animals; `column` names them.
fn repeated(table: &Table, column: &str, rows: &[Entry]) -> Vec<Error> {
    let mut first = BTreeMap::new();
    let mut faults = Vec::new();
    let expected = if is_bare(column) {
        "each animal once (rows are not animals: --animal COLUMN averages them; what is no animal needs another heading)"
    } else {
        "each animal once (rows are not animals: --animal COLUMN averages them)"
    };
    for entry in rows {
        let Some(animal) = &entry.animal else { continue };
        let earlier = *first.entry(animal).or_insert(entry.row);
        if earlier != entry.row {
            faults.push(table.fault(entry.row, column, expected, format!("{animal}, also in row {earlier}")));
        }
    }
    faults
}

/// Averages the rows of each animal; rows without one stay as they are.
fn by_animal(table: &Table, rows: &[Entry], faults: &mut Vec<Error>) -> (Vec<Entry>, usize) {
    let mut animals: Vec<(Entry, Vec<Vec<f64>>)> = Vec::new();
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let known = row.animal.as_deref().and_then(|a| place.get(a).copied());
        let Some(known) = known else {
            if let Some(animal) = &row.animal {
                place.insert(animal, animals.len());
            }
            animals.push((row.clone(), vec![row.covariates.clone()]));
            continue;
        };
        let (entry, covariates) = &mut animals[known];
        let animal = row.animal.as_deref().unwrap_or_default();
        for (column, then, now) in [
            ("group", Some(&entry.group), Some(&row.group)),
            ("block", entry.block.as_ref(), row.block.as_ref()),
        ] {
            if then != now {
                let expected =
                    format!("{} for {animal} as in row {}", then.map_or("", String::as_str), entry.row);
                faults.push(table.fault(row.row, column, expected, now.map_or("", String::as_str)));
            }
        }
        entry.repeats.push(row.value);
        covariates.push(row.covariates.clone());
    }
    let averaged = animals.iter().filter(|(e, _)| e.repeats.len() > 1).count();
    let one = |(entry, rows): (Entry, Vec<Vec<f64>>)| {
        let of = |c: usize| mean(&rows.iter().map(|r| r[c]).collect::<Vec<_>>());
        let covariates = (0..entry.covariates.len()).map(of).collect();
        Entry { value: mean(&entry.repeats), covariates, ..entry }
    };
    (animals.into_iter().map(one).collect(), averaged)
}

/// Dose of each group; one group has one dose, and no two groups the same.
fn doses(table: &Table, entries: &[Entry], faults: &mut Vec<Error>) -> BTreeMap<String, f64> {
    let mut doses: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    for entry in entries {
        let Some(dose) = entry.dose else { continue };
        let (then, row) = *doses.entry(entry.group.clone()).or_insert((dose, entry.row));
        if then != dose {
            let expected = format!("{then} for group {} as in row {row}", entry.group);
            faults.push(table.fault(entry.row, "dose", expected, dose));
        }
    }
    let all: Vec<(&String, &(f64, u64))> = doses.iter().collect();
    for (i, (group, (dose, row))) in all.iter().enumerate() {
        if let Some((other, _)) = all[..i].iter().find(|(_, (d, _))| d == dose) {
            let expected =
                format!("another dose than that of group {other} (leave it empty for groups off the ladder)");
            faults.push(table.fault(*row, "dose", expected, format!("{dose} for group {group}")));
        }
    }
    doses.into_iter().map(|(group, (dose, _))| (group, dose)).collect()
}

fn arms(entries: &[Entry], doses: &BTreeMap<String, f64>) -> (Vec<Arm>, Vec<String>) {
    let mut arms: Vec<Arm> = Vec::new();
    let mut blocks: Vec<String> = Vec::new();
    for entry in entries {
        let place = arms.iter().position(|a| a.name == entry.group).unwrap_or_else(|| {
            let dose = doses.get(&entry.group).copied();
            arms.push(Arm { name: entry.group.clone(), values: Vec::new(), blocks: Vec::new(), dose });
            arms.len() - 1
        });
        arms[place].values.push(entry.value);
        if let Some(block) = &entry.block {
            let index = blocks.iter().position(|b| b == block).unwrap_or_else(|| {
                blocks.push(block.clone());
                blocks.len() - 1
            });
            arms[place].blocks.push(index);
        }
    }
    (arms, blocks)
}

#[cfg(test)]
mod tests;
