//! The sample sheet: one row per slide, CSV or TSV in UTF-8, columns by name in any order.
//!
//! A sheet that could be understood in two ways is refused with its row: a score filed under the wrong animal is worse
//! than no score. `samples/schema_samples.json` describes the columns for other programs.

mod check;
mod columns;

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, Result},
    organ::{Organ, species::Species},
    sheet::Table,
    units::Mpp,
};

pub use columns::{MPP_RANGE, OPTIONAL, REQUIRED};

/// JSON Schema of the sheet, its rows read as objects.
pub const SCHEMA: &str = include_str!("../samples/schema_samples.json");

/// One row of the sheet. Text cells are trimmed; empty optional cells are `None`.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Row in the file; the heading is row 1.
    pub row: u64,
    /// Unique in the sheet and usable as a folder name: the `slide_id` cell, or made from the file name.
    pub slide_id: String,
    /// The file or folder, as written in the sheet, relative paths joined to the sheet's folder.
    pub path: PathBuf,
    /// The animal: the unit of statistics. Empty in a sheet that was read blindly and has no such column.
    pub animal_id: String,
    /// Treatment group; empty likewise.
    pub group: String,
    /// The tissue on the slide.
    pub organ: &'static Organ,
    /// Cage or other block the animal lived in.
    pub cage: Option<String>,
    /// Sex of the animal.
    pub sex: Option<String>,
    /// Processing batch.
    pub batch: Option<String>,
    /// Staining batch.
    pub stain_batch: Option<String>,
    /// Scanner.
    pub scanner: Option<String>,
    /// Pixel size at level 0, in µm; overrides the file.
    pub mpp: Option<Mpp>,
    /// Dose, in `dose_unit`; 0 or more.
    pub dose: Option<f64>,
    /// Unit of the dose.
    pub dose_unit: Option<String>,
    /// Section or level of the block.
    pub section: Option<String>,
    /// Name of the part of the organ on the slide. Recorded only: the whole slide is scored.
    pub roi: Option<String>,
    /// Species of the animal.
    pub species: Option<&'static Species>,
    /// Why the slide is left out; `None` when it is used.
    pub exclude: Option<String>,
}

/// Reads and checks a sheet. Rows keep their order.
///
/// # Errors
///
/// [`crate::Error::Io`] if it cannot be read; [`crate::Error::Faults`] naming file, row and column of everything at
/// fault: an unknown, missing or repeated column, an empty required cell, a slide or id listed twice, one animal in two groups, sexes or
/// cages, a group, animal, cage, batch, scanner or unit of dose that is written in two ways, an unknown tissue, an unusable pixel size or dose; slides that are missing, when none is there.
pub fn read(path: &Path) -> Result<Vec<Sample>> {
    read_sheet(path, true, false)
}

/// Reads a sheet to measure slides by: `animal_id` and `group` need not be there, as whoever measures blindly does not have them.
///
/// # Errors
///
/// As [`read`].
pub fn read_blindly(path: &Path) -> Result<Vec<Sample>> {
    read_sheet(path, true, true)
}

/// Reads a sheet as the key to results that exist already: the slides themselves may be gone.
///
/// # Errors
///
/// As [`read`], without the files.
pub fn read_key(path: &Path) -> Result<Vec<Sample>> {
    read_sheet(path, false, false)
}

fn read_sheet(path: &Path, with_files: bool, blindly: bool) -> Result<Vec<Sample>> {
    let table = Table::read(path)?;
    let columns = columns::Columns::of(&table, blindly)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut samples = Vec::with_capacity(table.rows.len());
    let mut faults = Vec::new();
    for row in &table.rows {
        match columns.sample(&table, row, folder) {
            Ok(sample) => samples.push(sample),
            Err(all) => faults.extend(all),
        }
    }
    faults.extend(check::all(&table, &mut samples, with_files));
    Error::all(faults)?;
    Ok(samples)
}

#[cfg(test)]
mod tests;
