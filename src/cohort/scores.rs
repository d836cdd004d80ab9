//! Lesion scores of animals: graded on the animal's value, those judged against controls included.

use std::collections::BTreeMap;

use super::subjects::{Cohort, Endpoint};
use crate::{
    organ::ORGANS,
    score::{Outcome, index_column, rubric::Rubric},
    stats::describe::mean,
};

/// Replaces every subject's lesion scores and indices by those of its own values. Lesions that compare with the control
/// group are scored in percent of that group's mean; without a control group they stay unscored.
pub(super) fn rescore(cohort: &mut Cohort, rubric: &Rubric, control: Option<&str>) {
    for organ in ORGANS {
        let endpoint =
            |feature: &str| Endpoint { tissue: organ.name.to_owned(), feature: feature.to_owned() };
        let mut means: BTreeMap<String, f64> = BTreeMap::new();
        for lesion in rubric.lesions(organ) {
            let own = endpoint(&lesion.feature);
            let of_control = |s: &&super::subjects::Subject| Some(s.group.as_str()) == control;
            let values: Vec<f64> = cohort
                .subjects
                .iter()
                .filter(of_control)
                .filter_map(|s| s.values.get(&own).copied())
                .collect();
            if !values.is_empty() {
                means.insert(lesion.feature.clone(), mean(&values));
            }
        }
        let measured = cohort.endpoints.iter().any(|(e, _)| e.tissue == organ.name);
        if !measured {
            continue;
        }
        let mut added: Vec<(Endpoint, String)> = Vec::new();
        for subject in &mut cohort.subjects {
            if !subject.values.keys().any(|e| e.tissue == organ.name) {
                continue;
            }
            let values = subject.values.clone();
            let score = rubric.score_subject(
                organ,
                |feature| values.get(&endpoint(feature)).copied(),
                |feature| means.get(feature).copied(),
            );
            for finding in &score.findings {
                let name = endpoint(&format!("{}_score", finding.lesion));
                subject.values.remove(&name);
                if let Outcome::Scored { continuous, .. } = finding.outcome {
                    subject.values.insert(name.clone(), continuous);
                }
                added.push((name, format!("0 to {}", finding.max)));
            }
            for index in std::iter::once(&score.index).chain(&score.sub_indices) {
                let name = endpoint(&index_column(&index.name));
                subject.values.remove(&name);
                if let Some(value) = index.value {
                    subject.values.insert(name.clone(), value);
                }
                added.push((name, "0 to 100".to_owned()));
            }
        }
        for (name, unit) in added {
            if !cohort.endpoints.iter().any(|(e, _)| *e == name) {
                cohort.endpoints.push((name, unit));
            }
        }
    }
}
