//! Reasons of scores that slides lacked, after animals were scored: what only the study knows replaces what a slide said.

use std::collections::BTreeMap;

use super::subjects::{Endpoint, Exclusion, Subject};
use crate::{
    measure::feature::Missing,
    score::{OrganScore, Outcome, index_column},
};

/// By animal and endpoint, why there is no score or index; `None` where there is one.
pub(super) type Outcomes = BTreeMap<(String, Endpoint), Option<String>>;

/// Notes what became of every score and index of a subject.
pub(super) fn note(outcomes: &mut Outcomes, subject: &Subject, tissue: &str, score: &OrganScore) {
    let finding = |f: &crate::score::Finding| match &f.outcome {
        Outcome::Scored { .. } => None,
        Outcome::NotScored { missing } => Some(missing.to_string()),
    };
    let findings = score.findings.iter().map(|f| (format!("{}_score", f.lesion), finding(f)));
    let indices = std::iter::once(&score.index).chain(&score.sub_indices);
    let indices = indices.map(|i| (index_column(&i.name), i.value.is_none().then(|| i.why())));
    for (feature, outcome) in findings.chain(indices) {
        let endpoint = Endpoint { tissue: tissue.to_owned(), feature };
        for animal in &subject.animals {
            outcomes.insert((animal.clone(), endpoint.clone()), outcome.clone());
        }
    }
}

/// Drops rows of scores that waited for controls and of indices where the animal has them now, and gives the others the animal's reason.
/// Other reasons are of the slide and stay, unless slides were scored by another rubric than animals are.
pub(super) fn update(exclusions: &mut Vec<Exclusion>, outcomes: &Outcomes, by_another_rubric: bool) {
    let waited = [Missing::NeedsControls, Missing::NO_BASE].map(|missing| missing.to_string());
    exclusions.retain_mut(|e| {
        if !by_another_rubric && !waited.contains(&e.reason) && !e.feature.ends_with("_index") {
            return true;
        }
        let endpoint = Endpoint { tissue: e.tissue.clone(), feature: e.feature.clone() };
        match outcomes.get(&(e.animal_id.clone(), endpoint)) {
            Some(None) => false,
            Some(Some(why)) => {
                e.reason.clone_from(why);
                true
            }
            None => true,
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_those_of_the_animal() {
        let waited = Missing::NeedsControls.to_string();
        let row = |feature: &str, reason: &str| Exclusion {
            tissue: "liver".into(),
            slide_id: "a".into(),
            animal_id: "1".into(),
            group: String::new(),
            feature: feature.into(),
            reason: reason.into(),
        };
        let outcome = |feature: &str, why: Option<&str>| {
            let endpoint = Endpoint { tissue: "liver".into(), feature: feature.into() };
            (("1".to_owned(), endpoint), why.map(str::to_owned))
        };
        let mut rows = vec![
            row("congestion_score", &waited),
            row("hypertrophy_score", &waited),
            row("ballooning_score", "too coarse"),
            row("liver_damage_index", "only 65 % of the weight scored; missing congestion"),
            row("steatosis_index", "only 57 % of the weight scored; missing hypertrophy"),
            row("hypertrophic_hepatocyte_pct", &waited),
        ];
        let outcomes = Outcomes::from([
            outcome("congestion_score", None),
            outcome("hypertrophy_score", Some("no slide gives a value")),
            outcome("ballooning_score", None),
            outcome("liver_damage_index", None),
            outcome("steatosis_index", Some("only 60 % of the weight scored; missing hypertrophy")),
        ]);
        let all = rows.clone();
        update(&mut rows, &outcomes, false);
        let told = |rows: &[Exclusion]| -> Vec<(String, String)> {
            rows.iter().map(|e| (e.feature.clone(), e.reason.clone())).collect()
        };
        let expected = |rows: &[(&str, &str)]| -> Vec<(String, String)> {
            rows.iter().map(|(feature, reason)| ((*feature).to_owned(), (*reason).to_owned())).collect()
        };
        assert_eq!(
            told(&rows),
            expected(&[
                ("hypertrophy_score", "no slide gives a value"),
                ("ballooning_score", "too coarse"),
                ("steatosis_index", "only 60 % of the weight scored; missing hypertrophy"),
                ("hypertrophic_hepatocyte_pct", waited.as_str()),
            ])
        );
        // What the slide lacked by another rubric says nothing of the animal.
        let mut rows = all;
        update(&mut rows, &outcomes, true);
        assert!(rows.iter().all(|e| e.feature != "ballooning_score") && rows.len() == 3, "{rows:?}");
    }
}
