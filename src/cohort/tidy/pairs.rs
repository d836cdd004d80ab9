//! Two columns of a table, row by row.

use std::{collections::BTreeSet, path::Path};

use super::{MOST, names_animals};
use crate::{
    error::{Error, Result},
    sheet::{Table, is_missing},
    spelling::key,
};

/// Pairs of values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// Values of the first column.
    pub a: Vec<f64>,
    /// Values of the second, in the same order.
    pub b: Vec<f64>,
    /// Rows without one of them, by row number.
    pub missing: Vec<u64>,
    /// The column that names animals, where one of them stands in several of the rows: these are not independent.
    pub repeated: Option<String>,
}

/// Reads two columns of numbers.
///
/// # Errors
///
/// [`Error::Io`] if the table cannot be read, [`Error::Config`] or [`Error::Faults`] for columns that are not there and cells
/// that are no numbers.
pub fn read_pairs(path: &Path, a: &str, b: &str) -> Result<Pairs> {
    let table = Table::read(path)?;
    let places = [(table.column(a)?, a), (table.column(b)?, b)];
    let (mut pairs, mut faults) = (Pairs::default(), Vec::new());
    let is_free = |i: &usize| places.iter().all(|(place, _)| place != i);
    let animal = (0..table.heading.len()).filter(is_free).find(|&i| names_animals(&table.heading[i]));
    let mut seen = BTreeSet::new();
    for row in &table.rows {
        let mut both = [None; 2];
        for (value, (place, name)) in both.iter_mut().zip(places) {
            let text = row.cells.get(place).map_or("", String::as_str);
            if is_missing(text) {
                continue;
            }
            match text.parse::<f64>().ok().filter(|v| v.abs() < MOST) {
                Some(v) => *value = Some(v),
                None => faults.push(table.fault(
                    row.number,
                    name,
                    "a number with a decimal point, or an empty cell",
                    format!("{text:?}"),
                )),
            }
        }
        match both {
            [Some(a), Some(b)] => {
                pairs.a.push(a);
                pairs.b.push(b);
                let animal = animal.and_then(|i| Some((i, row.cells.get(i).filter(|a| !is_missing(a))?)));
                if let Some((i, name)) = animal
                    && !seen.insert(key(name))
                {
                    pairs.repeated = Some(table.heading[i].clone());
                }
            }
            _ => pairs.missing.push(row.number),
        }
    }
    Error::all(faults)?;
    Ok(pairs)
}
