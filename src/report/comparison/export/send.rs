//! Microscopic findings in the manner of the SEND MI domain: one row per animal and lesion.
//!
//! Variable names follow SEND; the controlled vocabulary could not be checked against the published lists, which every
//! row says. It is a start for a submission, not one.

use super::terms;
use crate::{
    cohort::{Comparison, subjects::Endpoint},
    error::Result,
    organ::ORGANS,
    report::{
        comparison::{output::Output, tables::table},
        number::number as digits,
        parquet::{Column, number, text},
    },
    score::rubric::Rubric,
    study::Unit,
};

/// What the column `VOCABULARY` says.
const UNVERIFIED: &str = "unverified";

/// What the column `SEVERITY_BASIS` says (domain.md §6).
const BASIS: &str = "automated, extent only";

const COLUMNS: [Column; 17] = [
    text("STUDYID"),
    text("DOMAIN"),
    text("USUBJID"),
    number("MISEQ"),
    text("MITESTCD"),
    text("MITEST"),
    text("MIORRES"),
    text("MISTRESC"),
    text("MISEV"),
    text("MISPEC"),
    text("MIANTREG"),
    text("MISTAT"),
    text("MIREASND"),
    text("SETCD"),
    text("MIEVAL"),
    text("VOCABULARY"),
    text("SEVERITY_BASIS"),
];

/// Writes `mi.csv` and `mi.parquet`; nothing where the units are cages, for a row is of an animal.
pub(super) fn write(out: &Output, c: &Comparison, rubric: &Rubric) -> Result<()> {
    if c.study.unit == Unit::Cage {
        return Ok(());
    }
    let mut rows = Vec::new();
    for subject in &c.subjects {
        let mut number_of_row = 0.0;
        for organ in ORGANS.iter().filter(|o| subject.values.keys().any(|e| e.tissue == o.name)) {
            for lesion in rubric.lesions(organ) {
                let Some((term, subsite)) = terms::of(&lesion.id, &lesion.label) else { continue };
                number_of_row += 1.0;
                let endpoint =
                    Endpoint { tissue: organ.name.to_owned(), feature: format!("{}_score", lesion.id) };
                let score = subject.values.get(&endpoint).copied();
                let severity = subject.severities.get(&endpoint).map(String::as_str);
                // Within normal limits is no severity, and no finding.
                let normal = rubric.severity(0.0, lesion.max);
                let grade = severity.filter(|s| !s.is_empty() && *s != normal).map(str::to_uppercase);
                let result = match (&grade, score) {
                    (Some(_), _) => term,
                    (None, Some(_)) => "UNREMARKABLE".to_owned(),
                    (None, None) => String::new(),
                };
                rows.push(vec![
                    String::new(),
                    "MI".into(),
                    subject.id.clone(),
                    digits(number_of_row),
                    "MIEXAM".into(),
                    "Microscopic Examination".into(),
                    score
                        .map(|s| format!("{}, score {s:.2} of {}", lesion.label, lesion.max))
                        .unwrap_or_default(),
                    result,
                    grade.unwrap_or_default(),
                    organ.name.to_uppercase(),
                    subsite.into(),
                    if score.is_none() { "NOT DONE".into() } else { String::new() },
                    // The only place of a row without result that can name the lesion.
                    match score {
                        None => format!("{} not measured, see exclusions.csv", lesion.label),
                        Some(_) => String::new(),
                    },
                    subject.group.clone(),
                    "AUTOMATED".into(),
                    UNVERIFIED.into(),
                    BASIS.into(),
                ]);
            }
        }
    }
    table(out, "send/mi", &COLUMNS, &rows)
}
