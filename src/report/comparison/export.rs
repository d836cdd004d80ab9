//! Files for other programs: MultiQC, QuPath-like names, SEND, R and pandas, RO-Crate.

mod crate_file;
mod multiqc;
mod provenance;
mod qupath;
mod send;
mod terms;
mod time;

use std::path::Path;

use super::{Run, evidence::Evidence};
use crate::{cohort::Comparison, error::Result, report::partial::write_whole};

/// Loads every table with pandas.
const PANDAS: &str = include_str!("export/load_tables.py");
/// Loads every table with R.
const R: &str = include_str!("export/load_tables.R");

/// Writes what other programs read.
pub(super) fn write(folder: &Path, c: &Comparison, run: &Run<'_>, evidence: &Evidence) -> Result<()> {
    write_whole(&folder.join("load_tables.py"), PANDAS.as_bytes())?;
    write_whole(&folder.join("load_tables.R"), R.as_bytes())?;
    send::write(&folder.join("send"), c, run.rubric)?;
    multiqc::write(&folder.join("multiqc"), c, evidence)?;
    if run.qupath_names {
        qupath::write(&folder.join("measurements.tsv"), evidence)?;
    }
    Ok(())
}

/// Writes who made what from what, over all files that are in the folder already.
pub(super) fn write_provenance(
    folder: &Path,
    c: &Comparison,
    run: &Run<'_>,
    evidence: &Evidence,
) -> Result<()> {
    let now = time::now();
    let files = provenance::files(folder)?;
    provenance::write(&folder.join("provenance.json"), c, run, evidence, &files, &now)?;
    crate_file::write(&folder.join("ro-crate-metadata.json"), run, &files, &now)
}
