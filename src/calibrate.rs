//! Calibration by a laboratory: what its control animals measure, and where its pathologist's grades begin.
//!
//! Control animals give the range of every feature and the base of lesions that are judged in percent of control.
//! Grades of a pathologist, per slide and lesion, give cut-offs: monotone, by isotonic regression, judged by leaving one
//! animal out at a time (domain.md §4.1.8 and 9). The result is a rubric file with its provenance.

pub mod agree;
mod fit;
mod kept;
mod lesion;
mod reads;
mod source;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

pub use self::{
    fit::{Fitted, fit, isotonic},
    source::Source,
};
use self::{kept::kept_cut_offs, lesion::unnamed_animals, table::Long};
pub use crate::score::shares::LEAST_CONTROLS;
use crate::{
    error::{Error, Result},
    organ::ORGANS,
    score::{
        rubric::{Compare, Lesion, Rubric},
        shares::{FromControls, from_controls},
    },
    segment::models::Method,
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
    /// Where ranges and cut-offs come from, by tissue; empty in files of versions that did not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, Source>,
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
    /// Returns the mean of the controls. Nothing is judged in percent of one that is 0.
    #[must_use]
    pub fn base(&self, tissue: &str, feature: &str) -> Option<f64> {
        self.ranges.get(tissue)?.get(feature).map(|r| r.mean)
    }

    /// Says in one clause what it was made from.
    #[must_use]
    pub fn words(&self) -> String {
        let of = |animals: usize, group: &str| format!("{animals} control animals of {group}");
        let by_tissue =
            self.sources.iter().map(|(tissue, s)| format!("{tissue} {}", of(s.animals, &s.controls)));
        let controls = match (self.controls.as_str(), self.sources.len()) {
            ("", _) => None,
            (group, 0 | 1) => Some(of(self.animals, group)),
            _ => Some(by_tissue.collect::<Vec<_>>().join(", ")),
        };
        let lesions: usize = self.fitted.values().map(BTreeMap::len).sum();
        let fitted = (lesions > 0)
            .then(|| format!("fitted to reads of {lesions} lesion{}", if lesions == 1 { "" } else { "s" }));
        controls.into_iter().chain(fitted).collect::<Vec<_>>().join("; ")
    }

    /// Says in what a slide is measured otherwise than the control animals that it is judged against.
    #[must_use]
    pub fn differs(&self, tissue: &str, species: &str, methods: &[Method]) -> Vec<String> {
        self.sources.get(tissue).map(|source| source.differs(species, methods)).unwrap_or_default()
    }
}

/// A finished calibration.
#[derive(Debug)]
pub struct Calibrated {
    /// The rubric file.
    pub rubric: Vec<u8>,
    /// What it says of itself.
    pub calibration: Calibration,
    /// What of it was there before.
    pub kept: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Says why a rubric would be as it was before.
fn nothing(reads: &Path, warnings: &[String]) -> Error {
    let name = reads.file_name().unwrap_or_default().to_string_lossy();
    let why = warnings.join("; ");
    Error::config(name, "a lesion whose cut-offs can be fitted (or --controls)", format!("none: {why}"))
}

/// Calibrates a rubric on scored slides. What the rubric was calibrated to before stays where nothing new is found. `manifest` names
/// animals and groups where the results do not.
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
    let before = rubric.calibration().cloned().unwrap_or_default();
    let mut calibration = Calibration { histograde: env!("CARGO_PKG_VERSION").to_owned(), ..before.clone() };
    let mut renewed = BTreeSet::new();
    match controls {
        Some(group) => renewed = calibration.judge_by(group, rubric, results, &mut long, &mut warnings)?,
        None => calibration.measure_shares(&mut long),
    }
    let mut changed: Vec<(&'static str, Lesion)> = Vec::new();
    if let Some(path) = reads {
        let reads = reads::read(path, rubric, &long.tissues())?;
        warnings.extend(unnamed(&long, &reads));
        for read in reads {
            let (tissue, id) = (read.tissue, read.lesion.id.as_str());
            match lesion::fitted(&long, &calibration, &read, &mut warnings)? {
                Ok((lesion, fitted)) => {
                    calibration.fitted.entry(tissue.to_owned()).or_default().insert(id.to_owned(), fitted);
                    calibration.not_fitted.get_mut(tissue).and_then(|lesions| lesions.remove(id));
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
    calibration.not_fitted.retain(|_, lesions| !lesions.is_empty());
    let mut kept = kept_cut_offs(rubric, (&before, &calibration), &changed, &mut warnings);
    let controls = before.ranges.keys().filter(|tissue| !renewed.contains(tissue.as_str()));
    kept.extend(controls.map(|tissue| format!("controls of {tissue}")));
    let rubric = rubric.calibrated(&calibration, &changed)?;
    Ok(Calibrated { rubric, calibration, kept, warnings })
}

/// Warns of slides that were read and name no animal.
fn unnamed(long: &Long, reads: &[reads::Read<'_>]) -> Option<String> {
    let slides = reads.iter().flat_map(|read| &read.grades).map(|(slide, _)| slide.as_str());
    let known: BTreeSet<&str> = slides.filter(|slide| long.animal(slide).is_some()).collect();
    unnamed_animals(known.iter().filter(|slide| !long.is_named(slide)).count(), known.len())
}

impl Calibration {
    /// Takes a group of animals for the controls of the tissues that enough of them have slides of, which are returned.
    fn judge_by(
        &mut self,
        group: &str,
        rubric: &Rubric,
        results: &Path,
        long: &mut Long,
        warnings: &mut Vec<String>,
    ) -> Result<BTreeSet<&'static str>> {
        self.animals = control_animals(long, group, warnings)?;
        self.controls = group.to_owned();
        let mut renewed = BTreeSet::new();
        let mut cut_offs = cut_offs(long, group, warnings);
        for organ in ORGANS {
            let tissue = organ.name;
            let slides = long.slides(group, tissue);
            let animals = slides.iter().filter_map(|slide| long.animal(slide)).collect::<BTreeSet<_>>().len();
            if animals < LEAST_CONTROLS {
                if animals > 0 && self.ranges.contains_key(tissue) {
                    warnings.push(format!("{tissue}: {animals} control animals; those before are kept"));
                }
                continue;
            }
            let source = Source::read(results, group, animals, &slides)?;
            warnings.extend(source.is_mixed().map(|how| format!("{tissue}: {how}")));
            self.sources.insert(tissue.to_owned(), source);
            renewed.insert(tissue);
            self.ranges.remove(tissue);
            self.cut_offs.remove(tissue);
            self.cut_offs.extend(cut_offs.remove_entry(tissue));
        }
        self.measure_shares(long);
        let is_base = |tissue: &str, feature: &str| {
            let organ = ORGANS.iter().find(|o| o.name == tissue);
            let mut lesions = organ.into_iter().flat_map(|o| rubric.lesions(o));
            lesions.any(|l| l.feature == feature && l.compare == Compare::PctCtrl)
        };
        for (tissue, found) in ranges(long, group, is_base, warnings) {
            self.ranges.entry(tissue).or_insert(found);
        }
        Ok(renewed)
    }

    /// Measures the shares beyond the controls' cut-offs on all slides.
    fn measure_shares(&self, long: &mut Long) {
        for (tissue, features) in &self.cut_offs {
            features.iter().for_each(|(feature, found)| long.measure(tissue, feature, &found.cut_off));
        }
    }
}

fn control_animals(long: &Long, group: &str, warnings: &mut Vec<String>) -> Result<usize> {
    let groups = long.groups();
    if !groups.contains(group) {
        let known = groups.into_iter().collect::<Vec<_>>().join(", ");
        if known.is_empty() {
            let expected = "results that name groups, or --manifest with the sample sheet that does";
            return Err(Error::config(format!("--controls {group}"), expected, "results without groups"));
        }
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

/// Makes cut-offs of the controls' objects.
fn cut_offs(
    long: &Long,
    group: &str,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, BTreeMap<String, FromControls>> {
    let mut out: BTreeMap<String, BTreeMap<String, FromControls>> = BTreeMap::new();
    for (tissue, feature) in long.sized() {
        match from_controls(&long.sizes_of_animals(group, tissue)) {
            Ok(found) => {
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
            if range.mean <= 0.0 && is_base(organ.name, feature.name) {
                warnings.push(format!(
                    "{}, {}: the mean of {n} control animals is 0; no base",
                    organ.name, feature.name
                ));
            }
            out.entry(organ.name.to_owned()).or_default().insert(feature.name.to_owned(), range);
        }
    }
    out
}

#[cfg(test)]
mod tests;
