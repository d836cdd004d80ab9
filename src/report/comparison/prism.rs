//! Column tables for GraphPad Prism: one column per group, one row per animal, blanks where a group has fewer.

use super::output::Output;
use crate::{
    batch::safe,
    cohort::Comparison,
    error::Result,
    report::{number::number, tables::write_csv},
};

/// Writes `<tissue>_<feature>.csv` for every endpoint.
pub(super) fn write(out: &Output, c: &Comparison) -> Result<()> {
    out.folder("prism")?;
    for e in &c.endpoints {
        let rows = e.dots.iter().map(Vec::len).max().unwrap_or(0);
        let row = |i: usize| {
            let cell =
                |g: &Vec<crate::cohort::compare::Dot>| g.get(i).map(|d| number(d.value)).unwrap_or_default();
            e.dots.iter().map(cell).collect::<Vec<String>>()
        };
        let table = std::iter::once(c.groups.clone()).chain((0..rows).map(row));
        let name = safe(&format!("{}_{}", e.tissue, e.feature));
        write_csv(&out.file(&format!("prism/{name}.csv")), table)?;
    }
    Ok(())
}
