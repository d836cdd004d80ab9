//! `slides.csv` (a row per slide), `long.csv` (a row per slide and number) and `sizes.csv` (a row per object, or bin of
//! objects, of shares that a control group decides).
//!
//! UTF-8, comma, `.` decimal, snake_case columns that end in their unit. An empty cell is "not measured"; its reason
//! stands in `long.csv`. Rows are sorted by slide id.

mod long;
mod sizes;
mod slides;

pub use long::write_long;
pub use sizes::write_sizes;
pub use slides::write_slides;

use std::{io::Write, path::Path};

use super::partial::Partial;
use crate::{
    batch::Done,
    error::{Error, Result},
    organ::{ORGANS, Organ},
};

/// Returns the slides sorted by id.
pub(super) fn sorted(done: &[Done]) -> Vec<&Done> {
    let mut sorted: Vec<&Done> = done.iter().collect();
    sorted.sort_by(|a, b| a.job.slide_id.cmp(&b.job.slide_id));
    sorted
}

/// Returns the organs that occur among the slides, in the order of [`ORGANS`].
fn organs(done: &[Done]) -> Vec<&'static Organ> {
    let mut organs: Vec<&'static Organ> = Vec::new();
    for d in done {
        if !organs.iter().any(|o| o.name == d.job.organ.name) {
            organs.push(d.job.organ);
        }
    }
    organs.sort_by_key(|o| ORGANS.iter().position(|k| k.name == o.name));
    organs
}

/// Writes rows of text cells as a CSV file.
pub(crate) fn write_csv(path: &Path, rows: impl IntoIterator<Item = Vec<String>>) -> Result<()> {
    let mut file = Partial::create(path)?;
    {
        let mut csv = csv::Writer::from_writer(&mut file as &mut dyn Write);
        for row in rows {
            csv.write_record(&row).map_err(|e| Error::io("write", path)(e.into()))?;
        }
        csv.flush().map_err(Error::io("write", path))?;
    }
    file.commit()
}

#[cfg(test)]
mod tests;
