//! One row per slide and number, for statistics programs.

use std::path::Path;

use super::{
    slides::{all_indices, grade_column},
    sorted, write_csv,
};
use crate::{
    batch::Done,
    error::Result,
    measure::feature::DENOMINATOR,
    pipeline::Summary,
    report::number::number,
    score::{
        DamageIndex, Finding, Measured, Outcome, index_column,
        published::{self, Published},
        rubric::Rubric,
    },
};

/// Columns of `long.csv`.
const HEADING: [&str; 10] =
    ["tissue", "feature", "animal_id", "group", "batch", "value", "unit", "slide_id", "missing", DENOMINATOR];

/// Unit of a damage index.
const INDEX_UNIT: &str = "0 to 100";

/// One number of one slide.
struct Row {
    feature: String,
    value: Option<f64>,
    unit: String,
    /// Why there is no value.
    missing: String,
    /// Of a ratio.
    denominator: Option<f64>,
}

/// Writes `long.csv`: every feature, the continuous score of every lesion, every index, every published grade. A number that is
/// not there has an empty value and its reason in `missing`; so have all numbers of failed and excluded slides.
///
/// # Errors
///
/// [`crate::Error::Io`] if it cannot be written.
pub fn write_long(path: &Path, done: &[Done], rubric: &Rubric) -> Result<()> {
    let heading = HEADING.map(str::to_owned).to_vec();
    let slides = sorted(done);
    let rows = slides.into_iter().flat_map(|d| {
        let rows = match &d.outcome {
            Ok(summary) => measured(summary),
            Err(error) => absent(d, rubric, &error.to_string()),
        };
        rows.into_iter().map(|row| cells(d, row))
    });
    write_csv(path, std::iter::once(heading).chain(rows))
}

fn cells(d: &Done, row: Row) -> Vec<String> {
    let sample = d.job.sample.as_ref();
    vec![
        d.job.organ.name.to_owned(),
        row.feature,
        sample.map(|s| s.animal_id.clone()).unwrap_or_default(),
        sample.map(|s| s.group.clone()).unwrap_or_default(),
        sample.and_then(|s| s.batch.clone()).unwrap_or_default(),
        row.value.map(number).unwrap_or_default(),
        row.unit,
        d.job.slide_id.clone(),
        row.missing,
        row.denominator.map(number).unwrap_or_default(),
    ]
}

fn measured(summary: &Summary) -> Vec<Row> {
    let features = summary.measured.iter().map(feature);
    let lesions = summary.score.findings.iter().map(lesion);
    let published = summary.score.published.iter().map(published);
    features.chain(lesions).chain(all_indices(summary).map(index)).chain(published).collect()
}

fn feature(m: &Measured) -> Row {
    Row {
        feature: m.feature.name.to_owned(),
        value: m.value.as_ref().ok().map(|v| v.value),
        unit: m.feature.unit.to_owned(),
        missing: m.value.as_ref().err().map(ToString::to_string).unwrap_or_default(),
        denominator: m.value.as_ref().ok().filter(|_| m.feature.is_ratio()).map(|v| v.denominator),
    }
}

fn lesion(f: &Finding) -> Row {
    let (value, missing) = match &f.outcome {
        Outcome::Scored { continuous, .. } => (Some(*continuous), String::new()),
        Outcome::NotScored { missing } => (None, missing.to_string()),
    };
    Row { feature: score_name(&f.lesion), value, unit: score_unit(f.max), missing, denominator: None }
}

fn index(i: &DamageIndex) -> Row {
    let missing = if i.value.is_some() { String::new() } else { i.why() };
    let unit = INDEX_UNIT.to_owned();
    Row { feature: index_column(&i.name), value: i.value, unit, missing, denominator: None }
}

fn published(item: &Published) -> Row {
    Row {
        feature: grade_column(item.name),
        value: item.grade.as_ref().ok().copied(),
        unit: score_unit(item.max),
        missing: item.grade.as_ref().err().map(ToString::to_string).unwrap_or_default(),
        denominator: None,
    }
}

fn score_name(lesion: &str) -> String {
    format!("{lesion}_score")
}

fn score_unit(max: u8) -> String {
    format!("0 to {max}")
}

/// Returns the numbers a slide without result would have had, each with the reason.
fn absent(d: &Done, rubric: &Rubric, why: &str) -> Vec<Row> {
    let organ = d.job.organ;
    let features = organ.features.iter().map(|f| (f.name.to_owned(), f.unit.to_owned()));
    let lesions = rubric.lesions(organ).iter().map(|l| (score_name(&l.id), score_unit(l.max)));
    let names = std::iter::once(format!("{}_damage_index", organ.name));
    let names = names.chain(organ.sub_indices.iter().map(|(name, _)| index_column(name)));
    let indices = names.map(|name| (name, INDEX_UNIT.to_owned()));
    let row =
        |(feature, unit)| Row { feature, value: None, unit, missing: why.to_owned(), denominator: None };
    let published = published::items(organ.name).map(|(name, max)| (grade_column(name), score_unit(max)));
    features.chain(lesions).chain(indices).chain(published).map(row).collect()
}
