//! What a comparison writes: tables, Prism columns, the methods paragraph and the page.

mod methods;
mod page;
mod plots;
mod prism;
mod tables;

use std::{fs, path::Path};

pub use methods::methods;

use super::partial::write_whole;
use crate::{
    cohort::Comparison,
    error::{Error, Result},
    score::rubric::Origin,
};

/// Facts about the run that stand in the report.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Title of the page.
    pub title: &'a str,
    /// Which rubric graded the animals.
    pub rubric: &'a Origin,
    /// SHA-256 of the sample sheet, hexadecimal.
    pub sheet_sha256: &'a str,
}

/// Writes everything into a folder.
///
/// # Errors
///
/// [`Error::Io`] if something cannot be written, [`Error::Internal`] if the page's template does not fit, which a test
/// rules out.
pub fn write(folder: &Path, comparison: &Comparison, run: &Run<'_>) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    tables::write(folder, comparison)?;
    prism::write(&folder.join("prism"), comparison)?;
    write_whole(&folder.join("methods.txt"), methods(comparison, run).as_bytes())?;
    write_whole(&folder.join("comparison.json"), &super::slide_json::pretty(comparison)?)?;
    write_whole(&folder.join("report.html"), page::page(comparison, run)?.as_bytes())
}
