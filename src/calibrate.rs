//! Calibration by a laboratory: what its control animals measure, and where its pathologist's grades begin.
//!
//! Control animals give the range of every feature and the base of lesions that are judged in percent of control.
//! Grades of a pathologist, per slide and lesion, give cut-offs: monotone, by isotonic regression, judged by leaving one
//! animal out at a time (domain.md §4.1.8 and 9). The result is a rubric file with its provenance.

pub mod agree;
mod fit;
mod lesion;
mod reads;
mod table;

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

pub use self::fit::{Fitted, fit, isotonic};
use self::table::Long;
pub use crate::score::shares::LEAST_CONTROLS;
use crate::{
    error::{Error, Result},
    organ::ORGANS,
    score::{
        rubric::{Compare, Lesion, Rubric},
        shares::{FromControls, from_controls},
    },
    stats::describe::{mean, quantile, variance},
};

/// Control animals below which a warning is given [expert].
pub const WANTED_CONTROLS: usize = 6;
/// Graded slides below which fitted cut-offs are warned of (domain.md §4.1.9) [expert].
pub const WANTED_READS: usize = 20;
/// Graded slides below which nothing is fitted.
pub const LEAST_READS: usize = 8;

/// What a rubric file says of its calibration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Name of the control group; empty when controls were not used.
    pub controls: String,
    /// Number of control animals.
    pub animals: usize,
    /// What the controls measured, by tissue and feature.
    pub ranges: BTreeMap<String, BTreeMap<String, Range>>,
    /// From where on single objects count as larger or smaller than the controls', by tissue and feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cut_offs: BTreeMap<String, BTreeMap<String, FromControls>>,
    /// What was fitted to a pathologist's grades, by tissue and lesion.
    pub fitted: BTreeMap<String, BTreeMap<String, Fitted>>,
    /// Why the cut-offs of lesions that were read are those from before, by tissue and lesion.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_fitted: BTreeMap<String, BTreeMap<String, String>>,
    /// Version of the program that fitted.
    pub histograde: String,
}

/// What control animals measured of one feature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Animals with a value.
    pub n: usize,
    /// Their mean: the base of percent-of-control lesions.
    pub mean: f64,
    /// Their standard deviation.
    pub sd: f64,
    /// Lowest and highest.
    pub lowest: f64,
    /// Highest.
    pub highest: f64,
    /// Their 95 % quantile.
    pub p95: f64,
}

impl Calibration {
    /// Returns the mean of the controls, if it can be a base.
    #[must_use]
    pub fn base(&self, tissue: &str, feature: &str) -> Option<f64> {
        self.ranges.get(tissue)?.get(feature).map(|r| r.mean).filter(|m| *m > 0.0)
    }
}

/// A finished calibration.
#[derive(Debug)]
pub struct Calibrated {
    /// The rubric file.
    pub rubric: Vec<u8>,
    /// What it says of itself.
    pub calibration: Calibration,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Says why a rubric would be as it was before.
fn nothing(reads: &Path, warnings: &[String]) -> Error {
    let name = reads.file_name().unwrap_or_default().to_string_lossy();
    let why = warnings.join("; ");
    Error::config(name, "a lesion whose cut-offs can be fitted (or --controls)", format!("none: {why}"))
}

/// Calibrates a rubric on scored slides. `manifest` names animals and groups where the results do not.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be read; [`Error::Config`] for too few control animals, an unknown group, lesion or slide,
/// a slide that was read twice, grades outside their range, or reads that fit nothing where there are no controls.
pub fn calibrate(
    results: &Path,
    rubric: &Rubric,
    controls: Option<&str>,
    reads: Option<&Path>,
    manifest: Option<&Path>,
) -> Result<Calibrated> {
    let mut long = Long::read(results, manifest)?;
    let mut warnings = Vec::new();
    let mut calibration =
        Calibration { histograde: env!("CARGO_PKG_VERSION").to_owned(), ..Calibration::default() };
    if let Some(group) = controls {
        calibration.animals = control_animals(&long, group, &mut warnings)?;
        calibration.controls = group.to_owned();
        calibration.cut_offs = cut_offs(&mut long, group, &mut warnings);
        let is_base = |tissue: &str, feature: &str| {
            let organ = ORGANS.iter().find(|o| o.name == tissue);
            let mut lesions = organ.into_iter().flat_map(|o| rubric.lesions(o));
            lesions.any(|l| l.feature == feature && l.compare == Compare::PctCtrl)
        };
        calibration.ranges = ranges(&long, group, is_base, &mut warnings);
    }
    let mut changed: Vec<(&'static str, Lesion)> = Vec::new();
    if let Some(path) = reads {
        for read in reads::read(path, rubric, &long.tissues())? {
            let (tissue, id) = (read.tissue, read.lesion.id.as_str());
            match lesion::fitted(&long, &calibration, &read, &mut warnings)? {
                Ok((lesion, fitted)) => {
                    calibration.fitted.entry(tissue.to_owned()).or_default().insert(id.to_owned(), fitted);
                    changed.push((tissue, lesion));
                }
                Err(why) => {
                    warnings.push(format!("{tissue}, {id}: {why}"));
                    calibration.not_fitted.entry(tissue.to_owned()).or_default().insert(id.to_owned(), why);
                }
            }
        }
        if changed.is_empty() {
            if controls.is_none() {
                return Err(nothing(path, &warnings));
            }
            warnings.push("no cut-off was fitted".into());
        }
    }
    let rubric = rubric.calibrated(&calibration, &changed)?;
    Ok(Calibrated { rubric, calibration, warnings })
}

fn control_animals(long: &Long, group: &str, warnings: &mut Vec<String>) -> Result<usize> {
    let groups = long.groups();
    if !groups.contains(group) {
        let known = groups.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::config("--controls", format!("a group of the results ({known})"), group));
    }
    let n = long.animals(group).len();
    if n < LEAST_CONTROLS {
        let expected = format!("at least {LEAST_CONTROLS} control animals");
        return Err(Error::config("--controls", expected, n));
    }
    if n < WANTED_CONTROLS {
        warnings.push(format!("{n} control animals: {WANTED_CONTROLS} or more give steadier bases"));
    }
    Ok(n)
}

/// Makes cut-offs of the controls' objects, and with them measures the shares of all slides.
fn cut_offs(
    long: &mut Long,
    group: &str,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, BTreeMap<String, FromControls>> {
    let mut out: BTreeMap<String, BTreeMap<String, FromControls>> = BTreeMap::new();
    for (tissue, feature) in long.sized() {
        match from_controls(&long.sizes_of_animals(group, tissue)) {
            Ok(found) => {
                long.measure(tissue, feature, &found.cut_off);
                out.entry(tissue.to_owned()).or_default().insert(feature.to_owned(), found);
            }
            Err(missing) => warnings.push(format!("{tissue}, {feature}: no cut-off; {missing}")),
        }
    }
    out
}

/// Ranges of the features that enough controls have, of animals with enough to be graded by them.
fn ranges(
    long: &Long,
    group: &str,
    is_base: impl Fn(&str, &str) -> bool,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, BTreeMap<String, Range>> {
    let mut out: BTreeMap<String, BTreeMap<String, Range>> = BTreeMap::new();
    for organ in ORGANS {
        for feature in organ.features {
            let (mut values, few) = long.of_animals(group, organ.name, feature.name);
            if few > 0 && is_base(organ.name, feature.name) {
                warnings.push(format!(
                    "{}, {}: {few} control animal{} with too few objects or too little area left out of the base",
                    organ.name,
                    feature.name,
                    if few == 1 { "" } else { "s" }
                ));
            }
            let n = values.len();
            if n < LEAST_CONTROLS {
                if n > 0 && is_base(organ.name, feature.name) {
                    warnings.push(format!(
                        "{}, {}: {n} control animals with a value, {LEAST_CONTROLS} needed; no base",
                        organ.name, feature.name
                    ));
                }
                continue;
            }
            values.sort_by(f64::total_cmp);
            let range = Range {
                n,
                mean: mean(&values),
                sd: variance(&values).sqrt(),
                lowest: values[0],
                highest: values[values.len() - 1],
                p95: quantile(&values, 0.95),
            };
            out.entry(organ.name.to_owned()).or_default().insert(feature.name.to_owned(), range);
        }
    }
    out
}

#[cfg(test)]
mod tests;
