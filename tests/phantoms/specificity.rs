//! A lesion that is changed alone leaves the grades of all others within one of a healthy slide's.

use std::{collections::BTreeMap, fs, path::Path};

use histograde::{
    calibrate::{Calibration, Range},
    organ::Organ,
    score::{Measured, Outcome, rubric::Rubric},
};

use super::Shot;

/// Healthy slides that are painted per pixel size: as many as a calibration needs.
pub(crate) const HEALTHY: u64 = 4;
/// What was painted of another feature moved with the lesion if it differs by more than this share.
const MOVED: f64 = 0.15;
/// What is painted and the lesion that is the same change under another feature.
const SAME: &[(&str, &str)] = &[("inflammation", "interstitial_inflammation")];

/// What healthy slides measure: the base of lesions judged against controls, and their usual grades.
pub(crate) struct Healthy {
    rubric: Rubric,
    grades: BTreeMap<String, u8>,
    truth: BTreeMap<String, f64>,
}

impl Healthy {
    /// Calibrates the rubric on healthy slides.
    pub(crate) fn of(organ: &'static Organ, folder: &Path, shots: &[Shot]) -> Self {
        let range = |name: &'static str| {
            let values: Vec<f64> = shots.iter().filter_map(|s| s.measured.get(name).copied()).collect();
            let n = values.len();
            let mean = values.iter().sum::<f64>() / n as f64;
            (n > 0).then_some((
                name.to_owned(),
                Range { n, mean, sd: 0.0, lowest: mean, highest: mean, p95: mean },
            ))
        };
        let ranges: BTreeMap<String, Range> = organ.features.iter().filter_map(|f| range(f.name)).collect();
        let calibration = Calibration {
            controls: "healthy".into(),
            animals: shots.len(),
            ranges: [(organ.name.to_owned(), ranges)].into(),
            ..Calibration::default()
        };
        let path = folder.join("calibrated.json");
        fs::write(&path, Rubric::builtin().unwrap().calibrated(&calibration, &[]).unwrap()).unwrap();
        let rubric = Rubric::load(&path).unwrap();
        let mut all: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for shot in shots {
            for (lesion, _, grade) in grades(&rubric, organ, &shot.all) {
                all.entry(lesion).or_default().push(grade);
            }
        }
        let median = |mut grades: Vec<u8>| {
            grades.sort_unstable();
            grades[(grades.len() - 1) / 2]
        };
        let grades = all.into_iter().map(|(lesion, grades)| (lesion, median(grades))).collect();
        Self { rubric, grades, truth: shots[0].truth.clone() }
    }

    /// Returns the grades that lie more than one from a healthy slide's, though nothing of theirs was painted.
    pub(crate) fn astray(&self, organ: &Organ, (lesion, own): (&str, &str), shot: &Shot) -> Vec<String> {
        let painted = |feature: &str| {
            let (now, before) = (shot.truth.get(feature), self.truth.get(feature));
            now.zip(before).is_some_and(|(n, b)| (n - b).abs() > MOVED * n.abs().max(b.abs()))
        };
        let found = grades(&self.rubric, organ, &shot.all).into_iter();
        let is_own = |other: &str, feature: &str| feature == own || SAME.contains(&(lesion, other));
        let others = found.filter(|(other, feature, _)| !is_own(other, feature) && !painted(feature));
        let far = others.filter_map(|(other, _, grade)| {
            let usual = *self.grades.get(&other)?;
            let line =
                format!("{lesion}={:.3} {other}: grade {grade}, {usual} on healthy slides", shot.amount);
            (grade.abs_diff(usual) > 1).then_some(line)
        });
        far.collect()
    }
}

/// Lesions that are scored, their features and grades.
fn grades(rubric: &Rubric, organ: &Organ, measured: &[Measured]) -> Vec<(String, String, u8)> {
    let findings = rubric.score(organ, measured).findings.into_iter();
    let graded = findings.filter_map(|f| match f.outcome {
        Outcome::Scored { grade, .. } => Some((f.lesion, f.feature, grade)),
        Outcome::NotScored { .. } => None,
    });
    graded.collect()
}
