//! The page's figures as files of their own, for papers.

use std::{fs, path::Path};

use super::{
    page::{figured, main_family},
    plots,
};
use crate::{
    batch::safe,
    cohort::{Comparison, compare::Compared},
    error::{Error, Result},
    report::partial::write_whole,
};

/// Writes `<tissue>_<feature>_animals.svg`, `_differences.svg` and `_dose.svg` of every endpoint that has figures, and
/// `<tissue>_heatmap.svg` and `<tissue>_effects.svg`.
pub(super) fn write(folder: &Path, c: &Comparison) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let file = |name: String, svg: Option<String>| match svg {
        Some(svg) => write_whole(&folder.join(safe(&name)), svg.as_bytes()),
        None => Ok(()),
    };
    let family = main_family(c);
    for e in c.endpoints.iter().filter(|e| figured(e)) {
        let name = format!("{}_{}", e.tissue, e.feature);
        let own: Vec<_> = e.family(family).collect();
        file(format!("{name}_animals.svg"), Some(plots::superplot(e, &c.groups)))?;
        file(format!("{name}_differences.svg"), plots::intervals(e, &own, &c.groups))?;
        file(format!("{name}_dose.svg"), plots::dose_response(e, &c.groups, &c.study.doses))?;
    }
    let mut tissues: Vec<&str> = c.endpoints.iter().map(|e| e.tissue.as_str()).collect();
    tissues.sort_unstable();
    tissues.dedup();
    for tissue in tissues {
        let own: Vec<&Compared> = c.endpoints.iter().filter(|e| e.tissue == tissue).collect();
        file(format!("{tissue}_heatmap.svg"), plots::heatmap(&own, &c.groups))?;
        file(format!("{tissue}_effects.svg"), plots::forest(&own, family, &c.groups))?;
    }
    Ok(())
}
