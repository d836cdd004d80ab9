//! Calibration by a laboratory: what its control animals measure, and where its pathologist's grades begin.
//!
//! Control animals give the range of every feature and the base of lesions that are judged in percent of control.
//! Grades of a pathologist, per slide and lesion, give cut-offs: monotone, by isotonic regression, judged by leaving one
//! animal out at a time (domain.md §4.1.8 and 9). The result is a rubric file with its provenance.

pub mod agree;
mod fit;
mod table;

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

pub use self::fit::{Fitted, fit, isotonic};
use self::table::{Long, Read};
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

/// Calibrates a rubric on scored slides. `manifest` names animals and groups where the results do not.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be read; [`Error::Config`] for too few control animals, an unknown group, lesion or slide,
/// or grades outside their range.
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
        calibration.ranges = ranges(&long, group);
    }
    let mut changed: Vec<(&'static str, Lesion)> = Vec::new();
    if let Some(path) = reads {
        for read in table::reads(path, rubric)? {
            if let Some((tissue, lesion, fitted)) =
                one_lesion(&long, rubric, &calibration, &read, &mut warnings)?
            {
                calibration.fitted.entry(tissue.to_owned()).or_default().insert(lesion.id.clone(), fitted);
                changed.push((tissue, lesion));
            }
        }
        if changed.is_empty() {
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

fn ranges(long: &Long, group: &str) -> BTreeMap<String, BTreeMap<String, Range>> {
    let mut out: BTreeMap<String, BTreeMap<String, Range>> = BTreeMap::new();
    for organ in ORGANS {
        for feature in organ.features {
            let mut values = long.of_animals(group, organ.name, feature.name);
            if values.len() < LEAST_CONTROLS {
                continue;
            }
            values.sort_by(f64::total_cmp);
            let range = Range {
                n: values.len(),
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

/// Fits the cut-offs of one lesion; `None`, with a warning, where its grades do not allow it.
fn one_lesion(
    long: &Long,
    rubric: &Rubric,
    calibration: &Calibration,
    read: &Read,
    warnings: &mut Vec<String>,
) -> Result<Option<(&'static str, Lesion, Fitted)>> {
    let Some((organ, lesion)) = ORGANS
        .iter()
        .filter(|o| o.name == read.tissue)
        .find_map(|o| Some((o.name, rubric.lesions(o).iter().find(|l| l.id == read.lesion)?)))
    else {
        return Ok(None);
    };
    let name = format!("{organ}, {}", lesion.id);
    let base = match lesion.compare {
        Compare::Abs => 1.0,
        Compare::PctCtrl => match calibration.base(organ, &lesion.feature) {
            Some(mean) => mean / 100.0,
            None => {
                warnings
                    .push(format!("{name}: judged against controls, of which there is no mean; not fitted"));
                return Ok(None);
            }
        },
    };
    let mut points = Vec::new();
    for (slide, grade) in &read.grades {
        if *grade > f64::from(lesion.max) {
            return Err(Error::config(
                format!("grade of {name}, slide {slide}"),
                format!("0 to {}", lesion.max),
                grade,
            ));
        }
        let animal = long.animal(slide).ok_or_else(|| {
            Error::config("slide of the reads", "a slide_id of the results", format!("{slide:?}"))
        })?;
        if let Some(value) = long.of_slide(slide, organ, &lesion.feature) {
            points.push((value / base, *grade, animal));
        }
    }
    if points.len() < LEAST_READS {
        warnings.push(format!(
            "{name}: {} graded slides with a value, {LEAST_READS} needed; not fitted",
            points.len()
        ));
        return Ok(None);
    }
    if points.len() < WANTED_READS {
        warnings.push(format!(
            "{name}: {} graded slides; {WANTED_READS} or more over all grades are wanted",
            points.len()
        ));
    }
    let Some(fitted) = fit(lesion, &points) else {
        warnings.push(format!("{name}: the grades do not follow the measurement; not fitted"));
        return Ok(None);
    };
    let mut lesion = lesion.clone();
    lesion.cuts.clone_from(&fitted.cuts);
    lesion.inclusive = vec![false; lesion.cuts.len()];
    lesion.per_field = None;
    lesion.provenance = format!("fitted to {} grades of {} animals", fitted.slides, fitted.animals);
    lesion.evidence = "calibrated by the laboratory".into();
    Ok(Some((organ, lesion, fitted)))
}

#[cfg(test)]
mod tests;
