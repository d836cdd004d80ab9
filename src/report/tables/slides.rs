//! One row per slide: scored, blank, failed and excluded ones alike.

use std::path::Path;

use super::{organs, sorted, write_csv};
use crate::{
    annotation::Annotations,
    batch::Done,
    error::Result,
    manifest::Sample,
    pipeline::{Summary, corrections},
    report::number::number,
    score::{DamageIndex, Outcome, index_column, published, rubric::Rubric},
};

/// Writes `slides.csv`. Columns: the slide, its sample, its header, indices, features, grade and continuous
/// score of each lesion and published grades, for every tissue in the run. Columns of equal name are shared by the tissues.
///
/// # Errors
///
/// [`crate::Error::Io`] if it cannot be written.
pub fn write_slides(path: &Path, done: &[Done], rubric: &Rubric) -> Result<()> {
    let numbers = Numbers::of(done, rubric);
    let heading = FACTS.iter().map(|(name, _)| (*name).to_owned()).chain(numbers.heading());
    let mut rows = vec![heading.collect()];
    for d in sorted(done) {
        let mut row: Vec<String> = FACTS.iter().map(|(_, cell)| cell(d)).collect();
        numbers.fill(d.outcome.as_ref().ok(), &mut row);
        rows.push(row);
    }
    write_csv(path, rows)
}

/// A column with the function that fills it.
type Fact = (&'static str, fn(&Done) -> String);

/// Columns that every slide has, whatever its tissue.
const FACTS: &[Fact] = &[
    ("slide_id", |d| d.job.slide_id.clone()),
    ("path", |d| d.job.path.display().to_string()),
    ("status", |d| d.status().to_owned()),
    ("error_kind", |d| error(d, |e| e.kind().to_owned())),
    ("error", |d| error(d, crate::Error::to_string)),
    ("exclude_reason", |d| d.excluded.clone().unwrap_or_default()),
    ("tissue", |d| d.job.organ.name.to_owned()),
    ("animal_id", |d| sample(d, |s| Some(s.animal_id.clone()))),
    ("group", |d| sample(d, |s| Some(s.group.clone()))),
    ("cage", |d| sample(d, |s| s.cage.clone())),
    ("sex", |d| sample(d, |s| s.sex.clone())),
    ("batch", |d| sample(d, |s| s.batch.clone())),
    ("stain_batch", |d| sample(d, |s| s.stain_batch.clone())),
    ("scanner", |d| sample(d, |s| s.scanner.clone())),
    ("dose", |d| sample(d, |s| s.dose.map(number))),
    ("dose_unit", |d| sample(d, |s| s.dose_unit.clone())),
    ("section", |d| sample(d, |s| s.section.clone())),
    ("roi", |d| sample(d, |s| s.roi.clone())),
    ("species", |d| d.job.options.species.name.to_owned()),
    ("annotations", |d| annotations(d, |a| a.file.clone())),
    ("annotations_sha256", |d| annotations(d, |a| a.sha256.clone())),
    ("annotations_used", annotations_used),
    ("format", |d| summary(d, |s| s.format.to_owned())),
    ("width_px", |d| summary(d, |s| s.info.levels.first().map(|l| l.width.to_string()).unwrap_or_default())),
    ("height_px", |d| {
        summary(d, |s| s.info.levels.first().map(|l| l.height.to_string()).unwrap_or_default())
    }),
    ("mpp_x_um", |d| summary(d, |s| number(s.calibration.mpp.x()))),
    ("mpp_y_um", |d| summary(d, |s| number(s.calibration.mpp.y()))),
    ("mpp_origin", |d| summary(d, |s| s.calibration.origin.clone())),
    ("artefact_excluded_pct", |d| measured(d, |s| Some(s.quality.artefact_excluded_pct))),
    ("focus_sharpness_index", |d| measured(d, |s| s.quality.focus_sharpness_index)),
    ("artefacts", |d| summary(d, |s| s.quality.words())),
    ("warnings", |d| summary(d, warnings)),
];

/// Returns the error of a slide that failed; an excluded slide did not.
fn error(d: &Done, text: fn(&crate::Error) -> String) -> String {
    match (&d.outcome, &d.excluded) {
        (Err(e), None) => text(e),
        _ => String::new(),
    }
}

fn sample(d: &Done, cell: fn(&Sample) -> Option<String>) -> String {
    d.job.sample.as_ref().and_then(cell).unwrap_or_default()
}

fn annotations(d: &Done, cell: fn(&Annotations) -> String) -> String {
    d.job.options.annotations.as_deref().map(cell).unwrap_or_default()
}

/// Returns how many drawn areas took part in what was measured; nothing for a slide without, or of which nothing was.
fn annotations_used(d: &Done) -> String {
    let drawn = d.job.options.annotations.as_deref().filter(|_| matches!(d.status(), "scored" | "blank"));
    let used = drawn.zip(d.facts()).map(|(drawn, s)| corrections::used(drawn, &s.warnings));
    used.map(|n| n.to_string()).unwrap_or_default()
}

fn summary(d: &Done, cell: fn(&Summary) -> String) -> String {
    d.facts().map(cell).unwrap_or_default()
}

/// Returns a number of a slide that holds tissue.
fn measured(d: &Done, cell: fn(&Summary) -> Option<f64>) -> String {
    let summary = d.facts().filter(|s| !s.is_blank());
    summary.and_then(cell).map(number).unwrap_or_default()
}

fn warnings(s: &Summary) -> String {
    s.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The columns that hold what was measured.
struct Numbers {
    /// Damage index and sub-indices.
    indices: Vec<String>,
    features: Vec<&'static str>,
    lesions: Vec<String>,
    published: Vec<&'static str>,
}

impl Numbers {
    fn of(done: &[Done], rubric: &Rubric) -> Self {
        let (mut indices, mut features, mut lesions) = (Vec::new(), Vec::new(), Vec::new());
        let mut published = Vec::new();
        for organ in organs(done) {
            indices.push(format!("{}_damage_index", organ.name));
            indices.extend(organ.sub_indices.iter().map(|(name, _)| (*name).to_owned()));
            features.extend(organ.features.iter().map(|f| f.name));
            published.extend(published::items(organ.name).map(|(name, _)| name));
            lesions.extend(rubric.lesions(organ).iter().map(|l| l.id.clone()));
        }
        Self {
            indices: once_each(indices),
            features: once_each(features),
            lesions: once_each(lesions),
            published,
        }
    }

    fn heading(&self) -> impl Iterator<Item = String> {
        let indices =
            self.indices.iter().flat_map(|i| [index_column(i), format!("{}_coverage", index_column(i))]);
        let features = self.features.iter().map(|f| (*f).to_owned());
        let lesions = self.lesions.iter().flat_map(|l| [grade_column(l), format!("{l}_score")]);
        let published = self.published.iter().map(|p| grade_column(p));
        indices.chain(features).chain(lesions).chain(published)
    }

    /// Appends the cells of one slide; all empty when it has no summary.
    fn fill(&self, summary: Option<&Summary>, row: &mut Vec<String>) {
        let cell = |v: Option<f64>| v.map(number).unwrap_or_default();
        for name in &self.indices {
            let found = summary.and_then(|s| all_indices(s).find(|i| i.name == *name));
            row.push(cell(found.and_then(|i| i.value)));
            row.push(cell(found.map(|i| i.coverage)));
        }
        for name in &self.features {
            let found = summary.and_then(|s| s.measured.iter().find(|m| m.feature.name == *name));
            row.push(cell(found.and_then(|m| m.value.as_ref().ok()).map(|v| v.value)));
        }
        for name in &self.lesions {
            let found = summary.and_then(|s| s.score.findings.iter().find(|f| f.lesion == *name));
            let (grade, score) = match found.map(|f| &f.outcome) {
                Some(Outcome::Scored { grade, continuous, .. }) => (grade.to_string(), number(*continuous)),
                _ => Default::default(),
            };
            row.extend([grade, score]);
        }
        for name in &self.published {
            let found = summary.and_then(|s| s.score.published.iter().find(|p| p.name == *name));
            row.push(cell(found.and_then(|p| p.grade.as_ref().ok()).copied()));
        }
    }
}

/// Returns the damage index and the sub-indices of a slide.
pub(super) fn all_indices(summary: &Summary) -> impl Iterator<Item = &DamageIndex> {
    std::iter::once(&summary.score.index).chain(&summary.score.sub_indices)
}

/// Returns the column of a grade.
pub(super) fn grade_column(name: &str) -> String {
    format!("{name}_grade")
}

/// Drops repeats, keeping the first of each.
fn once_each<T: PartialEq>(list: Vec<T>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for item in list {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}
