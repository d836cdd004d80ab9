//! Sentences about results, for the terminal.

use histograde::{batch::Done, pipeline::Summary};

/// Says in half a line what came of a slide.
pub(super) fn outcome(summary: &Summary) -> String {
    if summary.is_blank() {
        return "blank: no tissue found, nothing to score".into();
    }
    let index = match summary.score.index.value {
        Some(value) => format!("damage index {value:.0} of 100"),
        None => "no damage index".into(),
    };
    format!("{:.2} mm² of {}, {index}", summary.tissue_mm2, summary.organ.name)
}

/// Says how many slides came out how.
pub(super) fn totals(all: &[Done]) -> String {
    let with = |status: &str| all.iter().filter(|d| d.status() == status).count();
    let mut parts = vec![format!("{} scored", with("scored"))];
    for (status, word) in [("blank", "blank"), ("excluded", "left out"), ("failed", "failed")] {
        match with(status) {
            0 => {}
            n => parts.push(format!("{n} {word}")),
        }
    }
    parts.join(", ")
}
