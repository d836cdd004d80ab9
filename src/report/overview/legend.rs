//! Words around the pictures: title, legend, findings.

use super::{
    map,
    picture::{Colour, Picture},
    text::Font,
};
use crate::{
    pipeline::Summary,
    score::{Finding, Outcome},
};

const INK: Colour = [20, 20, 20];
const FAINT: Colour = [95, 95, 95];
const LINE_PX: u32 = 28;
const SWATCH_PX: u32 = 18;
/// The sentence that must stand on everything a person may take for a verdict.
pub(super) const LIMITS: &str = "Research surrogate, not a diagnosis.";

/// Height of the title, in pixels.
pub(super) const TITLE_PX: u32 = 92;

/// Writes the title across the top.
pub(super) fn title(picture: &mut Picture, x: u32, slide_id: &str, summary: &Summary) {
    let width = picture.width() - 2 * x;
    Font::TITLE.write(picture, x, 14, &Font::TITLE.cut(slide_id, width), INK);
    let tissue = match summary.is_blank() {
        true => "no tissue found: the slide is blank".to_owned(),
        false => format!("{:.2} mm² of tissue", summary.tissue_mm2),
    };
    let facts = format!(
        "{}  ·  {:.4} µm per pixel ({})  ·  {tissue}{}",
        summary.organ.name,
        summary.calibration.mpp.mean(),
        summary.calibration.origin,
        index(summary),
    );
    Font::BODY.write(picture, x, 42, &Font::BODY.cut(&facts, width), INK);
    Font::BODY.write(picture, x, 64, LIMITS, FAINT);
}

fn index(summary: &Summary) -> String {
    let index = &summary.score.index;
    match index.value {
        Some(value) => {
            format!("  ·  damage index {value:.0} of 100 ({:.0} % of weight scored)", index.coverage * 100.0)
        }
        None if index.name.is_empty() => String::new(),
        None => "  ·  no damage index: too little could be scored".into(),
    }
}

/// Returns the lines of the legend: colour, name and how many.
pub(super) fn entries(summary: &Summary) -> Vec<(Colour, String)> {
    let classes = summary.organ.classes.iter().map(|class| {
        let count = summary.counts.iter().find(|(name, _)| *name == class.name).map_or(0, |c| c.1);
        (class.colour, format!("{} ({count})", class.name))
    });
    std::iter::once((map::TISSUE, "edge of tissue".to_owned())).chain(classes).collect()
}

/// Returns a line per lesion: what was found, or that it was not measured.
pub(super) fn findings(summary: &Summary) -> Vec<String> {
    summary.score.findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> String {
    match &finding.outcome {
        Outcome::Scored { grade, severity, .. } => {
            format!("{}: grade {grade} of {} ({severity})", finding.label, finding.max)
        }
        Outcome::NotScored { missing } => format!("{}: not scored, {missing}", finding.label),
    }
}

/// Returns the height that [`write`] needs.
pub(super) fn height(summary: &Summary) -> u32 {
    let rows = entries(summary).len().max(findings(summary).len()) as u32;
    (rows + 1) * LINE_PX + 10
}

/// Writes legend and findings side by side at (`x`, `y`).
pub(super) fn write(picture: &mut Picture, x: u32, y: u32, summary: &Summary, note: &str) {
    let half = (picture.width() - 2 * x) / 2;
    Font::HEAD.write(picture, x, y, &Font::HEAD.cut(&format!("Outlines{note}"), half), INK);
    for (i, (colour, text)) in (1..).zip(entries(summary)) {
        let top = y + i * LINE_PX;
        picture.tint(x, top + 1, SWATCH_PX, SWATCH_PX, colour, 90);
        picture.frame(x, top + 1, SWATCH_PX, SWATCH_PX, colour, 3);
        let left = x + SWATCH_PX + 10;
        Font::BODY.write(picture, left, top, &Font::BODY.cut(&text, half - SWATCH_PX - 20), INK);
    }
    let findings = findings(summary);
    if findings.is_empty() {
        return;
    }
    Font::HEAD.write(picture, x + half, y, "Findings", INK);
    for (i, text) in (1..).zip(findings) {
        Font::BODY.write(picture, x + half, y + i * LINE_PX, &Font::BODY.cut(&text, half), INK);
    }
}
