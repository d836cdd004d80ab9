//! Two columns of a table, row by row.

use std::path::Path;

use super::{MOST, is_missing};
use crate::{
    error::{Error, Result},
    sheet::Table,
    words::did_you_mean,
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
    let names = || table.heading.iter().map(String::as_str);
    let place = |name: &str| {
        table.heading.iter().position(|h| h.eq_ignore_ascii_case(name.trim())).ok_or_else(|| {
            let expected = format!("one of {}", names().collect::<Vec<_>>().join(", "));
            Error::config(format!("{} row 1, column", table.name), expected, did_you_mean(name, names()))
        })
    };
    let places = [(place(a)?, a), (place(b)?, b)];
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
