//! `slides/<slide_id>/result.json`: everything measured on one slide, with units, evidence and reasons.
//!
//! It names the slide's file but no folder and no group, so that it can be read blind.

mod sizes;

use std::{collections::BTreeMap, io::Write as _, path::Path};

use serde::Serialize;
use serde_json::Value as Json;

use super::{
    partial::{Partial, write_whole},
    wording,
};
use crate::{
    error::{Error, Result},
    measure::feature::{Direction, Evidence, Missing},
    pipeline::Summary,
    score::{DamageIndex, Finding, Measured, Outcome, field::Fields, published::Published, rubric::Origin},
    segment::models::Method,
    slide::Level,
    stain::StainProfile,
    warning::Warning,
};

/// Version of the layout of this file.
const SCHEMA: &str = "histograde-slide/3";

#[derive(Serialize)]
struct ResultFile<'a> {
    schema: &'static str,
    histograde: &'static str,
    statement: &'static str,
    validation: &'static str,
    slide_id: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude_reason: Option<&'a str>,
    tissue: &'static str,
    settings: Settings<'a>,
    slide: SlideFacts<'a>,
    working_mpp: BTreeMap<&'static str, f64>,
    tissue_mm2: f64,
    quality: QualityFacts,
    stain: Option<&'a StainProfile>,
    methods: &'a [Method],
    features: Vec<FeatureRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sizes: Option<sizes::SizesRow>,
    severity_basis: &'static str,
    findings: Vec<FindingRow<'a>>,
    damage_index: &'a DamageIndex,
    sub_indices: &'a [DamageIndex],
    published_scores: Vec<PublishedRow>,
    objects: Vec<ObjectCount>,
    warnings: Vec<Json>,
    rubric: &'a Origin,
}

/// What was chosen for the slide.
#[derive(Serialize)]
pub(super) struct Settings<'a> {
    species: &'static str,
    max_artefact_pct: f64,
    annotations: Option<Drawn<'a>>,
    fields: Option<&'a Fields>,
}

/// The file of areas that were drawn on the slide.
#[derive(Serialize)]
struct Drawn<'a> {
    file: &'a str,
    sha256: &'a str,
    areas: usize,
}

#[derive(Serialize)]
pub(super) struct SlideFacts<'a> {
    file: String,
    format: &'static str,
    vendor: Option<&'a str>,
    objective_power: Option<f64>,
    mpp_x: f64,
    mpp_y: f64,
    mpp_origin: &'a str,
    levels: &'a [Level],
}

/// What quality control took out.
#[derive(Serialize)]
pub(super) struct QualityFacts {
    artefact_excluded_pct: Option<f64>,
    focus_sharpness_index: Option<f64>,
    artefacts_mm2: BTreeMap<&'static str, f64>,
}

#[derive(Serialize)]
struct FeatureRow {
    name: &'static str,
    value: Option<f64>,
    unit: &'static str,
    n: Option<u64>,
    denominator: Option<f64>,
    direction: Direction,
    evidence: Evidence,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Json>,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    lesion: &'a str,
    label: &'a str,
    feature: &'a str,
    value: Option<f64>,
    status: &'static str,
    grade: Option<u8>,
    continuous: Option<f64>,
    max: u8,
    severity: Option<&'a str>,
    weight: f64,
    provenance: &'a str,
    evidence: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Json>,
}

#[derive(Serialize)]
struct PublishedRow {
    name: &'static str,
    grade: Option<serde_json::Number>,
    max: u8,
    made_for: &'static str,
    feature: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'static str,
    citation: &'static str,
    evidence: Evidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Json>,
}

#[derive(Serialize)]
pub(super) struct ObjectCount {
    class: &'static str,
    /// None where objects of the class are not looked for or not told apart.
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Json>,
}

/// Writes the result of one slide.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written.
pub fn write(path: &Path, slide_id: &str, summary: &Summary, rubric: &Origin) -> Result<()> {
    write_whole(path, &to_json(slide_id, summary, rubric)?)
}

/// Returns the result of one slide as JSON text.
///
/// # Errors
///
/// [`Error::Io`] if a value cannot be expressed, which none of ours is.
pub fn to_json(slide_id: &str, summary: &Summary, rubric: &Origin) -> Result<Vec<u8>> {
    let file = ResultFile {
        schema: SCHEMA,
        histograde: env!("CARGO_PKG_VERSION"),
        statement: wording::STATEMENT,
        validation: wording::validation(summary.organ.name, structures_by(summary)),
        slide_id,
        status: summary.status("scored"),
        exclude_reason: summary.refused.as_deref(),
        tissue: summary.organ.name,
        settings: settings(summary),
        slide: facts(summary),
        working_mpp: working_mpp(summary),
        tissue_mm2: summary.tissue_mm2,
        quality: quality(summary),
        stain: summary.profile.as_ref(),
        methods: &summary.methods,
        features: summary.measured.iter().map(feature).collect(),
        sizes: summary.sizes.as_ref().map(sizes::SizesRow::of),
        severity_basis: wording::SEVERITY_BASIS,
        findings: summary.score.findings.iter().map(finding).collect(),
        damage_index: &summary.score.index,
        sub_indices: &summary.score.sub_indices,
        published_scores: summary.score.published.iter().map(published).collect(),
        objects: objects(summary),
        warnings: warnings(summary),
        rubric,
    };
    pretty(&file)
}

/// Returns a value as indented JSON with a line end.
pub(super) fn pretty(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|e| Error::io("express as JSON", "result")(e.into()))?;
    text.push(b'\n');
    Ok(text)
}

/// Writes a value as [`pretty`] does, without holding the text: a study of thousands of slides has a long one.
pub(super) fn write_pretty(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut file = Partial::create(path)?;
    serde_json::to_writer_pretty(&mut file, value).map_err(|e| Error::io("write", path)(e.into()))?;
    file.write_all(b"\n").map_err(Error::io("write", path))?;
    file.commit()
}

/// Returns by which tested method the slide's glomeruli and tubules were found.
fn structures_by(summary: &Summary) -> Option<&str> {
    let of = |objects: &str| summary.methods.iter().find(|m| m.objects == objects);
    let models = ["structures", "tubules"].map(|o| of(o).and_then(|m| m.model.as_deref()));
    wording::tested(of("structures").map(|m| m.method.as_str()), models)
}

pub(super) fn settings(summary: &Summary) -> Settings<'_> {
    let options = &summary.options;
    let drawn = options.annotations.as_deref();
    Settings {
        species: options.species.name,
        max_artefact_pct: options.max_artefact_pct,
        annotations: drawn.map(|d| Drawn { file: &d.file, sha256: &d.sha256, areas: d.areas.len() }),
        fields: options.fields.as_ref(),
    }
}

pub(super) fn working_mpp(summary: &Summary) -> BTreeMap<&'static str, f64> {
    [("structures", summary.structure_mpp.mean()), ("cells", summary.cell_mpp.mean())].into()
}

pub(super) fn objects(summary: &Summary) -> Vec<ObjectCount> {
    summary.counted().map(|(class, count)| object_count(class, &count)).collect()
}

pub(super) fn warnings(summary: &Summary) -> Vec<Json> {
    summary.warnings.iter().map(warning).collect()
}

pub(super) fn quality(summary: &Summary) -> QualityFacts {
    let facts = &summary.quality;
    QualityFacts {
        artefact_excluded_pct: (!summary.is_blank()).then_some(facts.artefact_excluded_pct),
        focus_sharpness_index: facts.focus_sharpness_index,
        artefacts_mm2: facts.found().into_iter().map(|(kind, area)| (kind.name(), area)).collect(),
    }
}

pub(super) fn facts(summary: &Summary) -> SlideFacts<'_> {
    SlideFacts {
        file: summary.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        format: summary.format,
        vendor: summary.info.vendor.as_deref(),
        objective_power: summary.info.objective_power,
        mpp_x: summary.calibration.mpp.x(),
        mpp_y: summary.calibration.mpp.y(),
        mpp_origin: &summary.calibration.origin,
        levels: &summary.info.levels,
    }
}

fn feature(measured: &Measured) -> FeatureRow {
    let value = measured.value.as_ref().ok();
    FeatureRow {
        name: measured.feature.name,
        value: value.map(|v| plain(v.value)),
        unit: measured.feature.unit,
        n: value.map(|v| v.n),
        denominator: value.map(|v| v.denominator),
        direction: measured.feature.direction,
        evidence: measured.feature.evidence,
        source: measured.feature.source,
        missing: measured.value.as_ref().err().map(missing),
    }
}

fn finding(finding: &Finding) -> FindingRow<'_> {
    let (status, grade, continuous, severity, why) = match &finding.outcome {
        Outcome::Scored { grade, continuous, severity } => {
            ("scored", Some(*grade), Some(*continuous), Some(severity.as_str()), None)
        }
        Outcome::NotScored { missing: why } => ("not_scored", None, None, None, Some(missing(why))),
    };
    FindingRow {
        lesion: &finding.lesion,
        label: &finding.label,
        feature: &finding.feature,
        value: finding.value.map(plain),
        status,
        grade,
        continuous,
        max: finding.max,
        severity,
        weight: finding.weight,
        provenance: &finding.provenance,
        evidence: &finding.evidence,
        missing: why,
    }
}

fn object_count(class: &'static str, count: &std::result::Result<u64, Missing>) -> ObjectCount {
    ObjectCount { class, count: count.as_ref().ok().copied(), missing: count.as_ref().err().map(missing) }
}

fn published(item: &Published) -> PublishedRow {
    PublishedRow {
        name: item.name,
        grade: item.grade.as_ref().ok().and_then(|&g| whole_or_not(g)),
        max: item.max,
        made_for: item.made_for,
        feature: item.feature,
        note: item.note,
        citation: item.citation,
        evidence: item.evidence,
        missing: item.grade.as_ref().err().map(missing),
    }
}

/// Returns a grade without a fraction where it has none.
fn whole_or_not(grade: f64) -> Option<serde_json::Number> {
    if grade.fract() == 0.0 { Some((grade as i64).into()) } else { serde_json::Number::from_f64(grade) }
}

/// Returns zero for minus zero, which a reader would take for a sign of something.
fn plain(v: f64) -> f64 {
    v + 0.0
}

fn missing(missing: &Missing) -> Json {
    with_text(missing, missing.to_string())
}

fn warning(warning: &Warning) -> Json {
    with_text(warning, warning.to_string())
}

/// Returns a tagged value with the sentence a person reads.
fn with_text(value: &impl Serialize, text: String) -> Json {
    let mut json = serde_json::to_value(value).unwrap_or_default();
    if let Json::Object(map) = &mut json {
        map.insert("text".to_owned(), text.into());
    }
    json
}

#[cfg(test)]
mod tests;
