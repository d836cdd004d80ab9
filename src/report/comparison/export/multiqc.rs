//! Tables that MultiQC takes up by their name: `*_mqc.json`.

use serde_json::{Map, Value, json};

use crate::{
    cohort::Comparison,
    error::Result,
    report::{
        comparison::{evidence::Evidence, output::Output},
        partial::write_whole,
        slide_json::pretty,
    },
};

/// Most slides in a table: MultiQC pages do not open with more.
const MOST: usize = 2000;

/// Writes `histograde_slides_mqc.json`, `histograde_groups_mqc.json` and `histograde_mqc_versions.yml`.
pub(super) fn write(out: &Output, c: &Comparison, evidence: &Evidence) -> Result<()> {
    if !evidence.slides.is_empty() {
        let rows: Map<String, Value> =
            evidence.slides.iter().take(MOST).map(|s| slide(evidence, s)).collect();
        section(out, "histograde_slides", "Histograde: slides", &about_slides(evidence.slides.len()), rows)?;
    }
    let rows = groups(c);
    if !rows.is_empty() {
        let units = c.study.unit.many();
        let about = format!("Mean of {units} by group, primary endpoints and damage indices.");
        section(out, "histograde_groups", "Histograde: groups", &about, rows)?;
    }
    let versions = format!("histograde:\n  - \"{}\"\n", env!("CARGO_PKG_VERSION"));
    write_whole(&out.file("multiqc/histograde_mqc_versions.yml"), versions.as_bytes())
}

/// Describes the table of so many slides.
fn about_slides(all: usize) -> String {
    let cut = match all > MOST {
        true => format!(" The first {MOST} of {all} slides; slides.csv holds all."),
        false => String::new(),
    };
    format!("Slides as histograde read them. Scores are research surrogates, not diagnoses.{cut}")
}

fn section(out: &Output, id: &str, name: &str, about: &str, data: Map<String, Value>) -> Result<()> {
    let value = json!({
        "id": id,
        "section_name": name,
        "description": about,
        "plot_type": "table",
        "pconfig": { "id": format!("{id}_table"), "title": name },
        "data": data,
    });
    write_whole(&out.file(&format!("multiqc/{id}_mqc.json")), &pretty(&value)?)
}

fn slide(evidence: &Evidence, s: &crate::report::comparison::evidence::SlideRow) -> (String, Value) {
    let mut row = Map::new();
    row.insert("status".into(), s.status.clone().into());
    row.insert("tissue".into(), s.tissue.clone().into());
    for column in ["mpp_x_um", "width_px", "height_px"] {
        if let Some(v) = evidence.number(s, column) {
            row.insert(column.into(), v.into());
        }
    }
    if let Some(v) = evidence.number(s, &format!("{}_damage_index", s.tissue)) {
        row.insert("damage_index".into(), v.into());
    }
    if let Some(warnings) = s.warnings {
        row.insert("warnings".into(), warnings.into());
    }
    (s.slide_id.clone(), Value::Object(row))
}

fn groups(c: &Comparison) -> Map<String, Value> {
    let mut rows = Map::new();
    for group in &c.groups {
        let mut row = Map::new();
        for e in c.endpoints.iter().filter(|e| super::super::page::figured(c, e)) {
            if let Some(found) = e.analysis.groups.iter().find(|g| g.group == *group) {
                row.insert(format!("{}_{}", e.tissue, e.feature), found.summary.mean.into());
            }
        }
        if !row.is_empty() {
            rows.insert(group.clone(), Value::Object(row));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_ends_early_says_so() {
        assert!(about_slides(MOST).ends_with("not diagnoses."));
        assert!(about_slides(MOST + 1).ends_with(" The first 2000 of 2001 slides; slides.csv holds all."));
    }
}
