//! Sentences about results, for the terminal.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use histograde::{
    batch::Done,
    measure::feature::Missing,
    organ,
    pipeline::Summary,
    warning::{Warning, contradicts},
};

/// Slides and reasons that a closing summary names.
const NAMED: usize = 3;

/// What is told of a slide that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Its damage index.
    Index,
    /// How many objects were outlined.
    Objects,
}

/// Says in half a line what came of a slide.
pub(super) fn outcome(summary: &Summary, told: Told) -> String {
    if summary.is_blank() {
        let by_hand = |w: &Warning| matches!(w, Warning::AnnotationsLeaveNothing { .. });
        if let Some(warning) = summary.warnings.iter().find(|w| by_hand(w)) {
            return format!("blank: {warning}");
        }
        return "blank: no tissue found, nothing to score".into();
    }
    let what = match (told, summary.score.index.value) {
        (Told::Objects, _) => outlined(summary),
        (Told::Index, Some(value)) => format!("damage index {value:.0} of 100"),
        (Told::Index, None) => "no damage index".into(),
    };
    format!("{:.2} mm² of tissue, {what}", summary.tissue_mm2)
}

/// Says how many objects were outlined, and of how many the number means nothing on pixels as coarse as the slide's.
fn outlined(summary: &Summary) -> String {
    let all: u64 = summary.counts.iter().map(|(_, n)| n).sum();
    let coarse = |(_, count): &(&str, Result<u64, Missing>)| matches!(count, Err(Missing::TooCoarse { .. }));
    let classes: Vec<&str> = summary.counted().filter(coarse).map(|(class, _)| class).collect();
    let uncounted: u64 =
        summary.counts.iter().filter(|(class, _)| classes.contains(class)).map(|(_, n)| n).sum();
    match uncounted {
        0 => format!("{all} objects outlined"),
        n => format!("{all} objects outlined, {n} of them too coarse to count"),
    }
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

/// Says at the end of a run what came of it: how many of what, why slides failed, which are in doubt, which were slowest; and
/// whether it `is_written`.
pub(super) fn closing(all: &[Done], seconds: f64, out: &Path, is_written: bool) -> String {
    let mut text = totals(all);
    let kept = all.iter().filter(|d| d.kept).count();
    if kept > 0 {
        let _ = write!(text, " ({kept} kept from earlier runs)");
    }
    let what = if is_written { "results" } else { "no tables were written" };
    let _ = write!(text, "; {}; {what} in {}", duration(seconds), out.display());
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for d in all.iter().filter(|d| d.status() == "failed") {
        let kind = d.outcome.as_ref().err().map_or("", |e| e.kind());
        reasons.entry(kind).or_default().push(&d.job.slide_id);
    }
    for (kind, slides) in reasons {
        let _ = write!(text, "\n  failed as {kind}: {}", counted(&slides));
    }
    text += &left_out(all, "exclude_reason in slides.csv");
    let mut doubts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for d in all {
        let warnings = d.facts().into_iter().flat_map(|summary| &summary.warnings);
        for what in warnings.filter_map(doubt).collect::<BTreeSet<_>>() {
            doubts.entry(what).or_default().push(&d.job.slide_id);
        }
    }
    for (what, slides) in doubts {
        let _ = write!(text, "\n  {what}, see its warnings: {}", counted(&slides));
    }
    let mut slow: Vec<&Done> = all.iter().filter(|d| !d.kept && d.seconds > 1.0).collect();
    slow.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    for d in slow.into_iter().take(NAMED) {
        let _ = write!(text, "\n  slowest: {} took {}", d.job.slide_id, duration(d.seconds));
        if let Ok(summary) = &d.outcome {
            let mp = summary.analysed_px as f64 / 1e6;
            let _ = write!(text, ", {mp:.1} MP analysed at {:.1} MP/s", mp / d.seconds);
        }
    }
    text
}

/// Says on a line for each of the first slides that were left out why, and where it stands of the others; nothing where none was.
pub(super) fn left_out(all: &[Done], of_others: &str) -> String {
    let out: Vec<(&Done, &String)> = all.iter().filter_map(|d| Some((d, d.excluded.as_ref()?))).collect();
    let mut text = String::new();
    for (d, reason) in out.iter().take(NAMED) {
        let _ = write!(text, "\n  left out: {}: {reason}", d.job.slide_id);
    }
    if let more @ 1.. = out.len().saturating_sub(NAMED) {
        let _ = write!(text, "\n  left out: {more} more, see {of_others}");
    }
    text
}

/// Says how many slides there are and names the first.
fn counted(slides: &[&str]) -> String {
    let more = slides.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = slides.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    format!("{}: {named}{more}", slides.len())
}

/// Share of a picture that is black from which it is named, in %.
const MUCH_PCT: f64 = 1.0;
/// What is said where something that a person drew changes nothing.
const UNUSED: &str = "drawn areas not used";

/// Whether all of these classes, each with the number of its areas, are of objects that this program finds itself: in
/// `objects.geojson` that is given back they stand beside those that can be corrected.
fn are_given_back(classes: &[String], tissue: &str) -> bool {
    let own = organ::find(tissue).map(|organ| organ.classes).unwrap_or_default();
    let name = |class: &str| class.rsplit_once(" (").map_or(class, |(name, _)| name).to_owned();
    classes.iter().all(|class| own.iter().any(|own| own.name == name(class)))
}

/// Returns what is said of a slide at the end of a run for a warning that puts its numbers in doubt; nothing for others.
fn doubt(warning: &Warning) -> Option<&'static str> {
    Some(match warning {
        Warning::WrongOrgan { .. } => "may be another organ",
        Warning::WrongStain { .. } => "may not be H&E",
        Warning::OutOfFocus { .. } => "out of focus",
        Warning::BadTiles { .. } => "damaged in part",
        Warning::NotFullResolution => "without its full resolution",
        Warning::DropletsUnseen { .. } => "too coarse for its fat",
        Warning::WhitePointFallback { .. } => "without clear glass",
        Warning::Black { pct } if *pct >= MUCH_PCT => "black in part",
        Warning::MppFromUser { mpp, stated: Some(stated) } if contradicts(*mpp, *stated) => {
            "of a pixel size that contradicts its file"
        }
        Warning::PixelsNotSquare { .. } => "of pixels that are not square",
        Warning::OtherControls { .. } => "measured otherwise than the controls of the rubric",
        Warning::AnnotationsUnknown { classes, tissue, .. } if !are_given_back(classes, tissue) => UNUSED,
        Warning::AnnotationsOutside { .. }
        | Warning::AnnotationsOffTissue { .. }
        | Warning::AnnotationsWithoutArea { .. } => UNUSED,
        _ => return None,
    })
}

/// Names results of a folder that other commands made: tables are of the slides of one command.
pub(super) fn not_in_tables(others: &[String], out: &Path) -> String {
    let (all, named) = (others.len(), others.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "));
    let more = if all > NAMED { format!(" and {} more", all - NAMED) } else { String::new() };
    format!(
        "{} also holds results of other commands, which are in none of these tables: {named}{more}. Give one command all \
         slides (a sample sheet may mix tissues), or each command a folder of its own",
        out.display()
    )
}

/// Writes a time as people say it.
pub(super) fn duration(seconds: f64) -> String {
    let s = seconds.max(0.0).round() as u64;
    match s {
        0..60 => format!("{:.1} s", seconds.max(0.0)),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_areas_that_change_nothing_are_told_at_the_end() {
        let unknown = |classes: &[&str]| Warning::AnnotationsUnknown {
            classes: classes.iter().map(ToString::to_string).collect(),
            n: 1,
            tissue: "kidney".into(),
            known: Vec::new(),
        };
        assert_eq!(doubt(&unknown(&["Glomerulos (1)"])), Some(UNUSED));
        assert_eq!(doubt(&unknown(&["tubule lumen (190)", "unclassified (1)"])), Some(UNUSED));
        // What was found and is given back unedited is nothing to look at.
        assert_eq!(doubt(&unknown(&["tubule lumen (190)"])), None);
        assert_eq!(doubt(&Warning::AnnotationsEmpty { file: "a.geojson".into() }), None);
        let line = Warning::AnnotationsWithoutArea { n: 1, named: vec!["feature 1 (LineString)".into()] };
        assert_eq!(doubt(&line), Some(UNUSED));
    }
}
