//! Words around the pictures: title, legend, findings.

use super::{
    map,
    picture::{Colour, Picture},
    text::Font,
};
use crate::{measure::feature::Missing, pipeline::Summary, score::Outcome, warning::Warning};

const INK: Colour = [20, 20, 20];
const FAINT: Colour = [105, 105, 105];
const LINE_PX: u32 = 34;
const SWATCH_PX: u32 = 22;
/// Room for the boxes of a grade, in pixels.
const GRADE_PX: u32 = 130;
/// Colours of the boxes of a grade, from the first to the fourth.
const GRADES: [Colour; 4] = [[247, 206, 70], [240, 148, 50], [219, 84, 42], [160, 26, 60]];
const EMPTY: Colour = [222, 222, 226];
/// The sentence that must stand on everything a person may take for a verdict.
pub(super) const LIMITS: &str = "Research surrogate, not a diagnosis.";

/// Height of the title, in pixels.
pub(super) const TITLE_PX: u32 = 120;

/// Writes the title across the top.
pub(super) fn title(picture: &mut Picture, x: u32, slide_id: &str, summary: &Summary) {
    let width = picture.width() - 2 * x;
    Font::TITLE.write(picture, x, 16, &Font::TITLE.cut_name(slide_id, width), INK);
    let tissue = match summary.is_blank() {
        true if summary.warnings.iter().any(|w| matches!(w, Warning::AnnotationsLeaveNothing { .. })) => {
            "the drawn areas leave no tissue".to_owned()
        }
        true => "no tissue found: the slide is blank".to_owned(),
        false if summary.refused.is_some() => {
            format!("{:.2} mm² of tissue, not scored", summary.tissue_mm2)
        }
        false => format!(
            "{:.2} mm² of tissue, {:.1} % left out",
            summary.tissue_mm2, summary.quality.artefact_excluded_pct
        ),
    };
    let facts = format!(
        "{}  ·  {:.4} µm per pixel ({})  ·  {tissue}{}",
        summary.organ.name,
        summary.calibration.mpp.mean(),
        summary.calibration.origin,
        index(summary),
    );
    Font::BODY.write(picture, x, 54, &Font::BODY.cut(&facts, width), INK);
    Font::BODY.write(picture, x, 84, LIMITS, FAINT);
}

fn index(summary: &Summary) -> String {
    let index = &summary.score.index;
    match index.value {
        Some(value) => {
            format!("  ·  damage index {value:.0} of 100 ({:.0} % of weight scored)", index.coverage * 100.0)
        }
        None if index.name.is_empty() => String::new(),
        None => {
            format!("  ·  no damage index: only {} % of weight could be scored", index.coverage_pct())
        }
    }
}

/// Returns the lines of the legend: colour, name and how many.
pub(super) fn entries(summary: &Summary) -> Vec<(Colour, String)> {
    let classes = summary.organ.classes.iter().map(|class| {
        let count = summary.counted().find(|(name, _)| *name == class.name);
        // A class that was not looked for is not one of which none was found. On coarse pixels the outlines are drawn, to be judged.
        let count = match count.map(|(_, count)| count) {
            Some(Ok(count)) => grouped(count),
            Some(Err(Missing::TooCoarse { .. })) => "too coarse to count".to_owned(),
            Some(Err(Missing::Area)) => "an area".to_owned(),
            _ => "not counted".to_owned(),
        };
        (class.colour, format!("{} ({count})", class.name))
    });
    std::iter::once((map::TISSUE, "edge of tissue".to_owned())).chain(classes).collect()
}

/// Writes a count with a comma between thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the height that [`write`] needs.
pub(super) fn height(summary: &Summary) -> u32 {
    let rows = entries(summary).len().max(summary.score.findings.len()) as u32;
    (rows + 1) * LINE_PX + 10
}

/// Writes legend and findings side by side at (`x`, `y`).
pub(super) fn write(picture: &mut Picture, x: u32, y: u32, summary: &Summary, note: &str) {
    let left = (picture.width() - 2 * x) * 2 / 5;
    Font::HEAD.write(picture, x, y, &Font::HEAD.cut(&format!("Outlines{note}"), left), INK);
    for (i, (colour, text)) in (1..).zip(entries(summary)) {
        let top = y + i * LINE_PX;
        picture.tint(x, top + 1, SWATCH_PX, SWATCH_PX, colour, 90);
        picture.frame(x, top + 1, SWATCH_PX, SWATCH_PX, colour, 3);
        let room = left - SWATCH_PX - 30;
        Font::BODY.write(picture, x + SWATCH_PX + 12, top, &Font::BODY.cut(&text, room), INK);
    }
    if summary.score.findings.is_empty() {
        return;
    }
    let start = x + left;
    let room = picture.width() - start - x - GRADE_PX;
    Font::HEAD.write(picture, start, y, "Findings (grade, severity)", INK);
    for (i, finding) in (1..).zip(&summary.score.findings) {
        let top = y + i * LINE_PX;
        let (text, colour) = match &finding.outcome {
            Outcome::Scored { grade, severity, .. } => {
                boxes(picture, start, top, *grade, finding.max);
                (format!("{}: {grade} of {}, {severity}", finding.label, finding.max), INK)
            }
            Outcome::NotScored { missing } => (format!("{}: not scored, {missing}", finding.label), FAINT),
        };
        Font::BODY.write(picture, start + GRADE_PX, top, &Font::BODY.cut(&text, room), colour);
    }
}

/// Draws a grade as filled boxes out of the most there can be.
fn boxes(picture: &mut Picture, x: u32, y: u32, grade: u8, max: u8) {
    for i in 0..max {
        let filled = GRADES.get(usize::from(i)).or(GRADES.last()).copied().unwrap_or(INK);
        let colour = if i < grade { filled } else { EMPTY };
        picture.fill(x + u32::from(i) * 28, y + 2, 24, SWATCH_PX, colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_number_is_not_one_of_which_none_was_found() {
        let lines = |blank| -> Vec<String> {
            entries(&crate::report::test_slide::summary(blank)).into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(lines(false), ["edge of tissue", "vein \"central\" (1)", "nucleus (too coarse to count)"]);
        assert_eq!(lines(true)[1], "vein \"central\" (not counted)");
    }

    #[test]
    fn counts_are_grouped() {
        fn t(count: u64, expected: &str) {
            assert_eq!(grouped(count), expected);
        }
        t(0, "0");
        t(999, "999");
        t(1000, "1,000");
        t(1_234_567, "1,234,567");
    }
}
