//! What `study.toml` declares of which the results hold no number.

use super::{
    checks::GIVEN,
    compare::{Compared, Rank},
};
use crate::{organ::ORGANS, study::Study};

/// Returns the primary endpoints that were declared of tissues with results, and that no animal has.
#[must_use]
pub fn missing_primaries<'s>(study: &'s Study, endpoints: &[Compared]) -> Vec<(&'s str, &'s str)> {
    let present = |tissue: &str| endpoints.iter().any(|e| e.tissue == tissue);
    let found = |tissue: &str| endpoints.iter().any(|e| e.tissue == tissue && e.rank == Rank::Primary);
    let lacking = study.primary.iter().filter(|(tissue, _)| present(tissue) && !found(tissue));
    lacking.map(|(tissue, feature)| (tissue.as_str(), feature.as_str())).collect()
}

/// Says which primary endpoints, margins of equivalence and covariates were declared for nothing.
#[must_use]
pub fn notes(study: &Study, endpoints: &[Compared]) -> Vec<String> {
    let primary = |(tissue, feature): (&str, &str)| {
        format!(
            "{tissue}: the primary endpoint {feature} was declared but not measured: no endpoint of {tissue} is primary"
        )
    };
    let mut notes: Vec<String> = missing_primaries(study, endpoints).into_iter().map(primary).collect();
    // One description serves a study's parts: what belongs to another tissue is not missed.
    let elsewhere = |feature: &str| {
        let absent = ORGANS.iter().filter(|o| !endpoints.iter().any(|e| e.tissue == o.name));
        absent
            .into_iter()
            .any(|o| feature.starts_with(o.name) || o.features.iter().any(|f| f.name == feature))
    };
    let untested = study.margins.keys().filter(|f| !endpoints.iter().any(|e| e.feature == **f));
    notes.extend(untested.filter(|f| !elsewhere(f)).map(|feature| {
        format!("{feature} has a margin of equivalence but was not measured: nothing was tested with it")
    }));
    let given = |e: &Compared| e.analysis.contrasts.iter().any(|k| k.family.ends_with(GIVEN));
    if !study.covariates.is_empty() && !endpoints.iter().any(given) {
        let why = match endpoints.iter().any(|e| e.rank == Rank::Primary) {
            true => "warnings.csv says of the primary endpoints why",
            false => "that is done with primary endpoints, and none is declared that was measured",
        };
        notes.push(format!(
            "covariates ({}) were declared, but nothing was compared at equal values of them: {why}",
            study.covariates.join(", ")
        ));
    }
    notes
}
