//! What a comparison writes: tables, figures, Prism columns, the methods paragraph, files for other programs and the page.

mod beyond;
mod captions;
mod evidence;
mod export;
mod figures;
mod finding;
mod handling;
mod input;
mod methods;
mod output;
mod page;
mod pixels;
mod plots;
mod prism;
mod references;
mod tables;

use std::path::Path;

pub use beyond::{beyond_sheet, named as named_beyond_sheet};
pub use handling::{other_controls, remarks, shortcomings};
pub use input::Input;
pub use output::claimed;

use super::partial::write_whole;
use crate::{cohort::Comparison, error::Result, manifest::Sample, score::rubric::Rubric};

use self::{
    evidence::Evidence,
    methods::methods,
    output::{Output, PAGE},
    references::references,
};

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

/// Writes everything into a folder, the page last of what people read. What an earlier comparison left there is removed first;
/// files that are not ours stay.
///
/// # Errors
///
/// [`crate::Error::Io`] if something cannot be read or written, [`crate::Error::Config`] if the results folder holds other files than `score`
/// writes, [`crate::Error::Internal`] if the page's template does not fit, which a test rules out.
pub fn write(folder: &Path, comparison: &Comparison, run: &Run<'_>) -> Result<()> {
    let evidence = Evidence::read(run.results)?.of_sheet(run.samples);
    let out = &Output::begin(folder)?;
    tables::write(out, comparison)?;
    figures::write(out, comparison)?;
    prism::write(out, comparison)?;
    export::write(out, comparison, run, &evidence)?;
    write_whole(&out.file("methods.txt"), methods(comparison, run, &evidence).as_bytes())?;
    write_whole(&out.file("references.bib"), references(comparison, run).as_bytes())?;
    super::slide_json::write_pretty(&out.file("comparison.json"), comparison)?;
    write_whole(&out.file(PAGE), page::page(comparison, run, &evidence)?.as_bytes())?;
    export::write_provenance(out, comparison, run, &evidence)?;
    out.end()
}
