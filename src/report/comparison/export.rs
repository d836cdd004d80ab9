//! Files for other programs: MultiQC, QuPath-like names, SEND, R and pandas, RO-Crate.

mod crate_file;
mod multiqc;
pub(super) mod provenance;
mod qupath;
mod send;
mod terms;
mod time;

use super::{
    Run,
    evidence::Evidence,
    output::{CRATE, MEASUREMENTS, Output, PROVENANCE},
};
use crate::{cohort::Comparison, error::Result, report::partial::write_whole};

/// Loads every table with pandas.
const PANDAS: &str = include_str!("export/load_tables.py");
/// Loads every table with R.
const R: &str = include_str!("export/load_tables.R");

/// Writes what other programs read.
pub(super) fn write(out: &Output, c: &Comparison, run: &Run<'_>, evidence: &Evidence) -> Result<()> {
    write_whole(&out.file("load_tables.py"), PANDAS.as_bytes())?;
    write_whole(&out.file("load_tables.R"), R.as_bytes())?;
    send::write(out, c, run.rubric)?;
    multiqc::write(out, c, evidence)?;
    if run.qupath_names {
        qupath::write(&out.file(MEASUREMENTS), evidence)?;
    }
    Ok(())
}

/// Writes who made what from what, over all files that were written.
pub(super) fn write_provenance(
    out: &Output,
    c: &Comparison,
    run: &Run<'_>,
    evidence: &Evidence,
) -> Result<()> {
    let now = time::now();
    let files = provenance::files(out)?;
    provenance::write(&out.path(PROVENANCE), c, run, evidence, &files, &now)?;
    crate_file::write(&out.path(CRATE), run, &files, &now)
}
