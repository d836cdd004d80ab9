//! One row per glomerulus, or per bin of hepatocytes of one size: what shares beyond a control group's are made of.

use std::path::Path;

use super::{sorted, write_csv};
use crate::{batch::Done, error::Result, measure::sizes::table};

/// Writes `sizes.csv`: the sizes of single objects of every slide that has them.
///
/// # Errors
///
/// [`crate::Error::Io`] if it cannot be written.
pub fn write_sizes(path: &Path, done: &[Done]) -> Result<()> {
    let heading = table::HEADING.map(str::to_owned).to_vec();
    let rows = sorted(done).into_iter().flat_map(slide);
    write_csv(path, std::iter::once(heading).chain(rows))
}

fn slide(d: &Done) -> Vec<Vec<String>> {
    let Some(sizes) = d.outcome.as_ref().ok().and_then(|summary| summary.sizes.as_ref()) else {
        return Vec::new();
    };
    let (tissue, feature) = sizes.of();
    let sample = d.job.sample.as_ref();
    let facts = [
        tissue.to_owned(),
        feature.to_owned(),
        sample.map(|s| s.animal_id.clone()).unwrap_or_default(),
        sample.map(|s| s.group.clone()).unwrap_or_default(),
        sample.and_then(|s| s.batch.clone()).unwrap_or_default(),
        d.job.slide_id.clone(),
    ];
    table::cells(sizes).into_iter().map(|cells| facts.iter().cloned().chain(cells).collect()).collect()
}
