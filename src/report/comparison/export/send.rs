//! Microscopic findings in the manner of the SEND MI domain: one row per animal and lesion.
//!
//! Variable names follow SEND; the controlled vocabulary could not be checked against the published lists, which every
//! row says. It is a start for a submission, not one.

use std::path::Path;

use crate::{
    cohort::{Comparison, subjects::Endpoint},
    error::Result,
    organ::ORGANS,
    report::{
        comparison::tables::table,
        number::number as digits,
        parquet::{Column, number, text},
    },
    score::rubric::Rubric,
};

/// What the column `VOCABULARY` says.
const UNVERIFIED: &str = "unverified";

const COLUMNS: [Column; 15] = [
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
    text("MISTAT"),
    text("MIREASND"),
    text("SETCD"),
    text("MIEVAL"),
    text("VOCABULARY"),
];

/// Writes `mi.csv` and `mi.parquet`.
pub(super) fn write(folder: &Path, c: &Comparison, rubric: &Rubric) -> Result<()> {
    let mut rows = Vec::new();
    for subject in &c.subjects {
        let mut number_of_row = 0.0;
        for organ in ORGANS.iter().filter(|o| subject.values.keys().any(|e| e.tissue == o.name)) {
            for lesion in rubric.lesions(organ) {
                number_of_row += 1.0;
                let endpoint =
                    Endpoint { tissue: organ.name.to_owned(), feature: format!("{}_score", lesion.id) };
                let score = subject.values.get(&endpoint).copied();
                let severity = score.map(|s| rubric.severity(s, lesion.max).to_uppercase());
                let term = lesion.label.to_uppercase();
                let result = match severity.as_deref() {
                    None => String::new(),
                    Some("NONE" | "") => "UNREMARKABLE".to_owned(),
                    Some(_) => term,
                };
                let shown = severity.filter(|s| s != "NONE").unwrap_or_default();
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
                    shown,
                    organ.name.to_uppercase(),
                    if score.is_none() { "NOT DONE".into() } else { String::new() },
                    // The only place of a row without result that can name the lesion.
                    match score {
                        None => format!("{} not measured, see exclusions.csv", lesion.label),
                        Some(_) => String::new(),
                    },
                    subject.group.clone(),
                    "AUTOMATED".into(),
                    UNVERIFIED.into(),
                ]);
            }
        }
    }
    table(folder, "mi", &COLUMNS, &rows)
}
