//! Two columns of a table, row by row.

use std::path::Path;

use super::MOST;
use crate::{
    error::{Error, Result},
    sheet::{Table, is_missing},
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
            }
            _ => pairs.missing.push(row.number),
        }
    }
    Error::all(faults)?;
    Ok(pairs)
}
