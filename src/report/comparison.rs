//! What a comparison writes: tables, figures, Prism columns, the methods paragraph, files for other programs and the page.

mod evidence;
mod export;
mod figures;
mod handling;
mod input;
mod methods;
mod page;
mod plots;
mod prism;
mod tables;

use std::{fs, path::Path};

pub use handling::remarks;
pub use input::Input;

use super::partial::write_whole;
use crate::{
    cohort::Comparison,
    error::{Error, Result},
    manifest::Sample,
    score::rubric::Rubric,
};

use self::{evidence::Evidence, methods::methods};

/// Facts about the run that stand in the report.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Title of the page.
    pub title: &'a str,
    /// What graded the animals.
    pub rubric: &'a Rubric,
    /// Files that describe the study, the sample sheet first.
    pub inputs: Vec<Input>,
    /// Folder that `score` wrote; its pictures and tables are shown where they are.
    pub results: &'a Path,
    /// Rows of the sample sheet.
    pub samples: &'a [Sample],
    /// The command line as typed.
    pub arguments: &'a [String],
    /// Whether to write slide measurements under QuPath's names.
    pub qupath_names: bool,
}

impl Run<'_> {
    /// Returns the SHA-256 of the sample sheet.
    fn sheet_sha256(&self) -> &str {
        self.inputs.first().map_or("", |i| &i.sha256)
    }
}

/// Removes the page of an earlier comparison, so that one that fails half-way does not leave it beside new tables.
fn remove_old(page: &Path) -> Result<()> {
    match fs::remove_file(page) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", page)(error)),
        _ => Ok(()),
    }
}

/// Writes everything into a folder, the page last of what people read.
///
/// # Errors
///
/// [`Error::Io`] if something cannot be read or written, [`Error::Config`] if the results folder holds other files than `score`
/// writes, [`Error::Internal`] if the page's template does not fit, which a test rules out.
pub fn write(folder: &Path, comparison: &Comparison, run: &Run<'_>) -> Result<()> {
    let evidence = Evidence::read(run.results)?.of_sheet(run.samples);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    remove_old(&folder.join("report.html"))?;
    tables::write(folder, comparison)?;
    figures::write(&folder.join("figures"), comparison)?;
    prism::write(&folder.join("prism"), comparison)?;
    export::write(folder, comparison, run, &evidence)?;
    write_whole(&folder.join("methods.txt"), methods(comparison, run, &evidence).as_bytes())?;
    write_whole(&folder.join("references.bib"), page::references(run).as_bytes())?;
    super::slide_json::write_pretty(&folder.join("comparison.json"), comparison)?;
    write_whole(&folder.join("report.html"), page::page(comparison, run, &evidence)?.as_bytes())?;
    export::write_provenance(folder, comparison, run, &evidence)
}
