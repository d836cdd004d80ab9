//! The page's figures as files of their own, for papers: SVG, and PNG at 300 dpi.

use rayon::prelude::*;

use super::{
    output::Output,
    page::{figured, main_family},
    plots,
};
use crate::{
    batch::safe,
    cohort::{Comparison, compare::Compared},
    error::Result,
    report::{partial::write_whole, print::Printer},
};

/// Writes `<tissue>_<feature>_animals`, `_differences` and `_dose` of every endpoint that has figures, and
/// `<tissue>_heatmap` and `<tissue>_effects`.
pub(super) fn write(out: &Output, c: &Comparison) -> Result<()> {
    out.folder("figures")?;
    let family = main_family(c);
    let mut figures: Vec<(String, Option<String>)> = Vec::new();
    for e in c.endpoints.iter().filter(|e| figured(c, e)) {
        let name = format!("{}_{}", e.tissue, e.feature);
        let own: Vec<_> = e.family(family).collect();
        figures.push((format!("{name}_animals"), Some(plots::superplot(e, &c.groups))));
        figures.push((format!("{name}_differences"), plots::differences(e, &own, &c.groups)));
        figures.push((format!("{name}_dose"), plots::dose_response(e, &c.groups, &c.study)));
    }
    let mut tissues: Vec<&str> = c.endpoints.iter().map(|e| e.tissue.as_str()).collect();
    tissues.sort_unstable();
    tissues.dedup();
    for tissue in tissues {
        let own: Vec<&Compared> = c.endpoints.iter().filter(|e| e.tissue == tissue).collect();
        figures.push((format!("{tissue}_heatmap"), plots::heatmap(&own, &c.groups, c.colour_ends)));
        figures.push((format!("{tissue}_effects"), plots::effects(&own, family, &c.groups)));
    }
    let printer = Printer::new();
    // Names are given one after the other, so that they do not depend on threads.
    let drawn = figures.into_iter().filter_map(|(name, svg)| {
        let path = |ending: &str| out.file(&format!("figures/{}", safe(&format!("{name}.{ending}"))));
        svg.map(|svg| (path("svg"), path("png"), svg))
    });
    drawn.collect::<Vec<_>>().par_iter().try_for_each(|(as_svg, as_png, svg)| {
        write_whole(as_svg, svg.as_bytes())?;
        printer.write(as_png, svg)
    })
}
