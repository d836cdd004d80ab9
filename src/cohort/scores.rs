//! Lesion scores and published grades of animals: graded on the animal's values, those judged against controls included.

use std::collections::BTreeMap;

use super::{
    base::{Bases, Few},
    resolved::{self, Outcomes},
    subjects::{Cohort, Endpoint, Subject},
};
use serde::Serialize;

use crate::{
    organ::ORGANS,
    score::{
        OrganScore, Outcome, index_column,
        published::grade_column,
        rubric::{Compare, Lesion, Rubric},
        sampling::{Count, LEAST, Least},
        sensitivity::{AS_DEFINED, scenarios},
    },
    stats::describe::mean,
    study::Unit,
};

/// Replaces every subject's lesion scores, indices and published grades by those of its own values. Lesions that compare with the
/// control group are scored in percent of that group's mean; without a control group they stay unscored. Which endpoints rest on few
/// control animals is noted.
pub(super) fn rescore(
    cohort: &mut Cohort,
    rubric: &Rubric,
    control: Option<&str>,
    unit: Unit,
) -> (Vec<Sensitivity>, Few) {
    let (mut sensitivity, mut few) = (Vec::new(), Few::new());
    let mut outcomes = Outcomes::new();
    for organ in ORGANS {
        let endpoint =
            |feature: &str| Endpoint { tissue: organ.name.to_owned(), feature: feature.to_owned() };
        let bases = Bases::of(cohort, rubric, organ, control);
        let measured = cohort.endpoints.iter().any(|(e, _)| e.tissue == organ.name);
        if !measured {
            continue;
        }
        cohort.notes.extend(bases.few(&mut few, unit));
        let mut added: Vec<(Endpoint, String)> = Vec::new();
        let mut indices: Indices = Vec::new();
        let mut animals: BTreeMap<String, usize> = BTreeMap::new();
        for subject in &mut cohort.subjects {
            if !subject.values.keys().any(|e| e.tissue == organ.name) {
                continue;
            }
            let values = subject.values.clone();
            let withheld = withheld(subject, rubric.lesions(organ), organ.name, &cohort.endpoints);
            let mut score = rubric.score_subject(
                organ,
                |feature| values.get(&endpoint(feature)).copied().filter(|_| !withheld.contains(&feature)),
                |feature| bases.mean(feature),
                |feature, by| subject.counted(organ.name, feature, by),
            );
            bases.tell(&mut score.findings, unit);
            *animals.entry(subject.group.clone()).or_default() += 1;
            resolved::note(&mut outcomes, subject, organ.name, &score);
            for (place, scenario) in scenarios(&score.findings, rubric.min_coverage()).into_iter().enumerate()
            {
                if indices.len() == place {
                    indices.push((scenario.name, BTreeMap::new()));
                }
                indices[place].1.entry(subject.group.clone()).or_default().extend(scenario.index);
            }
            added.extend(scored(subject, organ.name, &score));
            for item in &score.published {
                let name = endpoint(&grade_column(item.name));
                if cohort.endpoints.iter().any(|(e, _)| *e == name) {
                    set(&mut subject.values, name, item.grade.clone().ok());
                }
            }
        }
        sensitivity.extend(rows(organ.name, indices, &animals));
        for (name, unit) in added {
            if !cohort.endpoints.iter().any(|(e, _)| *e == name) {
                cohort.endpoints.push((name, unit));
            }
        }
    }
    resolved::update(&mut cohort.exclusions, &outcomes, cohort.by_another_rubric);
    (sensitivity, few)
}

/// Sets a value, or takes away what stands there.
fn set(values: &mut BTreeMap<Endpoint, f64>, name: Endpoint, value: Option<f64>) {
    match value {
        Some(value) => values.insert(name, value),
        None => values.remove(&name),
    };
}

/// Sets a subject's lesion scores, with their severity, and indices, and returns their names and units.
fn scored(subject: &mut Subject, tissue: &str, score: &OrganScore) -> Vec<(Endpoint, String)> {
    let endpoint = |feature: String| Endpoint { tissue: tissue.to_owned(), feature };
    let mut added = Vec::new();
    for finding in &score.findings {
        let name = endpoint(format!("{}_score", finding.lesion));
        let (value, severity) = match &finding.outcome {
            Outcome::Scored { continuous, severity, .. } => (Some(*continuous), Some(severity.clone())),
            Outcome::NotScored { .. } => (None, None),
        };
        set(&mut subject.values, name.clone(), value);
        subject.severities.extend(severity.map(|word| (name.clone(), word)));
        added.push((name, format!("0 to {}", finding.max)));
    }
    for index in std::iter::once(&score.index).chain(&score.sub_indices) {
        let name = endpoint(index_column(&index.name));
        set(&mut subject.values, name.clone(), index.value);
        added.push((name, "0 to 100".to_owned()));
    }
    added
}

/// Returns the features that stay ungraded on a subject: those that rest on objects whose number the results do not tell, as those of
/// earlier versions, and of which no slide was graded on its own.
fn withheld<'l>(
    subject: &Subject,
    lesions: &'l [Lesion],
    tissue: &str,
    known: &[(Endpoint, String)],
) -> Vec<&'l str> {
    let rests = |feature: &str| {
        let untold = |l: &&Least| {
            let counted = || subject.counted(tissue, l.counted, l.by);
            l.organ == tissue && l.by == Count::Objects && counted().is_none()
        };
        LEAST.iter().filter(untold).any(|l| l.features.contains(&feature))
    };
    let ungraded = |lesion: &Lesion| {
        let score = Endpoint { tissue: tissue.to_owned(), feature: format!("{}_score", lesion.id) };
        known.iter().any(|(e, _)| *e == score) && !subject.values.contains_key(&score)
    };
    let here = |l: &&Lesion| l.compare == Compare::Abs && rests(&l.feature) && ungraded(l);
    lesions.iter().filter(here).map(|l| l.feature.as_str()).collect()
}

/// The mean index of each group under one set of weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sensitivity {
    /// Tissue.
    pub tissue: &'static str,
    /// Which weights.
    pub scenario: String,
    /// Group.
    pub group: String,
    /// Animals with an index.
    pub n: usize,
    /// Animals with a result of the tissue, with an index or without.
    pub of: usize,
    /// Mean of the indices, 0–100.
    pub mean: Option<f64>,
    /// Place of the group from the most damaged, 1 first.
    pub rank: Option<usize>,
    /// Whether the order of the groups differs from that with the weights as defined.
    pub order_changes: bool,
}

/// Indices of animals by group, for each set of weights.
type Indices = Vec<(String, BTreeMap<String, Vec<f64>>)>;

/// Ranks the groups under each set of weights; `measured` holds the animals of each with a result.
fn rows(tissue: &'static str, indices: Indices, measured: &BTreeMap<String, usize>) -> Vec<Sensitivity> {
    let order = |groups: &BTreeMap<String, Vec<f64>>| -> Vec<String> {
        let mut list: Vec<(f64, &String)> =
            groups.iter().filter(|(_, v)| !v.is_empty()).map(|(g, v)| (mean(v), g)).collect();
        list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        list.into_iter().map(|(_, g)| g.clone()).collect()
    };
    // Other weights may give an index to groups that have none with the weights as defined, or take it away.
    let among = |list: &[String], others: &[String]| -> Vec<String> {
        list.iter().filter(|g| others.contains(g)).cloned().collect()
    };
    let usual = indices.first().map(|(_, groups)| order(groups)).unwrap_or_default();
    let mut out = Vec::new();
    for (scenario, groups) in &indices {
        let own = order(groups);
        let order_changes = among(&own, &usual) != among(&usual, &own);
        for (group, values) in groups {
            out.push(Sensitivity {
                tissue,
                scenario: scenario.clone(),
                group: group.clone(),
                n: values.len(),
                of: measured.get(group).copied().unwrap_or(values.len()),
                mean: (!values.is_empty()).then(|| mean(values)),
                rank: own.iter().position(|g| g == group).map(|i| i + 1),
                order_changes,
            });
        }
    }
    out
}

/// Says, by tissue, which order the groups have by damage index, under how many sets of weights it changes, and of which groups animals
/// lack an index. Without two groups that have one there is no order to speak of.
pub(super) fn order_notes(all: &[Sensitivity], unit: Unit) -> Vec<String> {
    let mut tissues: Vec<&str> = all.iter().map(|s| s.tissue).collect();
    tissues.dedup();
    let ranked = |s: &&Sensitivity| s.scenario == AS_DEFINED && s.rank.is_some();
    tissues.retain(|t| all.iter().filter(|s| s.tissue == *t).filter(ranked).count() > 1);
    let one = |tissue: &str| {
        let mut scenarios: Vec<(&str, bool)> = all
            .iter()
            .filter(|s| s.tissue == tissue)
            .map(|s| (s.scenario.as_str(), s.order_changes))
            .collect();
        scenarios.dedup();
        let changed: Vec<&str> = scenarios.iter().filter(|(_, c)| *c).map(|(name, _)| *name).collect();
        let usual = || all.iter().filter(|s| s.tissue == tissue && s.scenario == AS_DEFINED);
        let mut order: Vec<(usize, &str)> =
            usual().filter_map(|s| Some((s.rank?, s.group.as_str()))).collect();
        order.sort_unstable();
        let order = order.iter().map(|(_, group)| *group).collect::<Vec<_>>().join(", ");
        let lacking = |s: &&Sensitivity| s.n < s.of;
        let lacking: Vec<String> =
            usual().filter(lacking).map(|s| format!("{} of {} in {}", s.n, s.of, s.group)).collect();
        let lacking = match lacking.is_empty() {
            true => String::new(),
            false => format!("; not all {} have an index: {}", unit.many(), lacking.join(", ")),
        };
        let start =
            format!("{tissue}: the order of the groups by damage index ({order}; the most damaged first)");
        match changed.len() {
            0 => format!("{start} is the same under all {} sets of weights{lacking}", scenarios.len()),
            n => format!(
                "{start} changes under {n} of {} sets of weights ({}){lacking}",
                scenarios.len(),
                changed.join(", ")
            ),
        }
    };
    tissues.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests;
