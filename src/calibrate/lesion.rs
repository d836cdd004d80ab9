//! Fits the cut-offs of one lesion, or says why they stay.

use super::{
    Calibration, LEAST_READS, WANTED_READS,
    fit::{Fitted, fit},
    reads::Read,
    table::Long,
};
use crate::{
    error::Result,
    score::{
        rubric::{Compare, Lesion},
        sampling::too_few,
    },
};

/// Slides that are named.
const MOST_NAMED: usize = 5;

/// Value, grade and animal of a slide.
type Point<'a> = (f64, f64, &'a str);

/// What cut-offs are fitted to.
#[derive(Default)]
struct Points<'a> {
    /// One per slide.
    all: Vec<Point<'a>>,
    /// Those of them whose animal is not named.
    unnamed: usize,
    /// Slides left out because they hold too little to be graded.
    little: usize,
    /// Slides left out because the sample sheet excludes them.
    excluded: usize,
}

/// Says that slides stand for animals, of which `unnamed` of `all` slides name none.
pub(super) fn unnamed_animals(unnamed: usize, all: usize) -> Option<String> {
    let taken = "each slide is taken for one (--manifest with a sample sheet says whose they are)";
    match unnamed {
        0 => None,
        n if n == all => Some(format!("animals are not named: {taken}")),
        n => Some(format!("animals of {n} of {all} slides are not named: {taken}")),
    }
}

/// Returns a lesion with cut-offs fitted to grades, or why its cut-offs stay as they were.
pub(super) fn fitted(
    long: &Long,
    calibration: &Calibration,
    read: &Read<'_>,
    warnings: &mut Vec<String>,
) -> Result<Result<(Lesion, Fitted), String>> {
    let lesion = read.lesion;
    let mut warn = |text: String| warnings.push(format!("{}, {}: {text}", read.tissue, lesion.id));
    if let Some(text) = elsewhere(long, read) {
        warn(text);
    }
    if let (n, true) = (read.between(), read.between() > 0) {
        warn(format!(
            "{n} of the grades lie between two; weighted kappa takes the nearer, or the higher of two"
        ));
    }
    let base = match (lesion.compare, calibration.base(read.tissue, &lesion.feature)) {
        (Compare::Abs, _) => 1.0,
        (Compare::PctCtrl, Some(mean)) if mean > 0.0 => mean / 100.0,
        (Compare::PctCtrl, Some(_)) => {
            let why = "judged against controls, whose mean is 0; not fitted";
            return Ok(Err(why.into()));
        }
        (Compare::PctCtrl, None) => {
            let why = "judged against controls, of which there is no mean (--controls); not fitted";
            return Ok(Err(why.into()));
        }
    };
    let Points { all: points, unnamed, little, excluded } = points(long, read, base)?;
    if little > 0 {
        warn(format!("{} with too few objects or too little area to be graded left out", slides(little)));
    }
    if excluded > 0 {
        warn(format!("{} left out, as the sample sheet says", slides(excluded)));
    }
    if (LEAST_READS..WANTED_READS).contains(&points.len()) {
        warn(format!("{} graded slides; {WANTED_READS} or more over all grades are wanted", points.len()));
    }
    let found = match judged(lesion, &points) {
        Ok(found) => Fitted { unnamed, ..found },
        Err(why) => return Ok(Err(why)),
    };
    remarks(&found).into_iter().for_each(warn);
    let lesion = with(lesion, &found);
    Ok(Ok((lesion, found)))
}

/// Names slides of the reads that were scored as another tissue than the lesion's.
fn elsewhere(long: &Long, read: &Read<'_>) -> Option<String> {
    let other = |slide: &&str| long.animal(slide).is_some() && !long.is_of(slide, read.tissue);
    let slides: Vec<&str> = read.grades.iter().map(|(slide, _)| slide.as_str()).filter(other).collect();
    (!slides.is_empty()).then(|| format!("{}, not as {}", scored_otherwise(&slides), read.tissue))
}

/// Says how many slides were scored as another tissue, and names the first.
pub(super) fn scored_otherwise(slides: &[&str]) -> String {
    let more = if slides.len() > MOST_NAMED { ", …" } else { "" };
    let named = slides.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    format!("slides scored as another tissue ({}: {named}{more})", slides.len())
}

fn slides(n: usize) -> String {
    format!("{n} slide{}", if n == 1 { "" } else { "s" })
}

/// Value, in the unit the lesion compares, grade and animal of each slide that has a value to be graded by.
fn points<'a>(long: &'a Long, read: &'a Read<'_>, base: f64) -> Result<Points<'a>> {
    let feature = read.lesion.feature.as_str();
    let mut out = Points::default();
    for (slide, grade) in &read.grades {
        if long.is_excluded(slide) {
            out.excluded += 1;
            continue;
        }
        let unknown = || read.fault(slide, "a slide_id of the results", "one that they do not hold");
        let animal = long.animal(slide).ok_or_else(unknown)?;
        let Some(value) = long.of_slide(slide, read.tissue, feature) else { continue };
        if too_few(read.tissue, feature, |name, by| long.counted(slide, read.tissue, name, by)).is_some() {
            out.little += 1;
            continue;
        }
        out.all.push((value / base, *grade, animal));
        out.unnamed += usize::from(!long.is_named(slide));
    }
    Ok(out)
}

/// Fits, and says no to what does not grade animals that were left out at least as well as before.
fn judged(lesion: &Lesion, points: &[Point<'_>]) -> Result<Fitted, String> {
    if points.len() < LEAST_READS {
        return Err(format!("{} graded slides with a value, {LEAST_READS} needed; not fitted", points.len()));
    }
    let found = fit(lesion, points).ok_or("the grades do not follow the measurement, or leave no room for the grades that were not read; not fitted")?;
    if !found.is_no_gain() {
        return Ok(found);
    }
    let cuts: Vec<String> = found.cuts.iter().map(|v| format!("{v:.3}")).collect();
    let kappa = |k: Option<f64>| k.map_or_else(|| "not defined".into(), |k| format!("{k:.2}"));
    Err(format!(
        "the cut-offs before are kept: on animals left out their weighted kappa is {}, that of fitted ones ({}) {}",
        kappa(found.kappa_before),
        cuts.join(", "),
        kappa(found.kappa)
    ))
}

/// Says which grades the reads tell nothing or little about.
fn remarks(found: &Fitted) -> Vec<String> {
    let list = |grades: &[u8]| grades.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let mut out = Vec::new();
    if !found.unread.is_empty() {
        out.push(format!(
            "no slide was read as grade {}: the cut-offs around it follow from other grades and the cut-offs before",
            list(&found.unread)
        ));
    }
    if !found.ungiven.is_empty() {
        out.push(format!(
            "no slide reaches grade {} with these cut-offs, though read so",
            list(&found.ungiven)
        ));
    }
    out
}

fn with(lesion: &Lesion, found: &Fitted) -> Lesion {
    let mut provenance = format!("fitted to {} grades of {}", found.slides, found.whose());
    for remark in remarks(found) {
        provenance += &format!("; {remark}");
    }
    Lesion {
        cuts: found.cuts.clone(),
        inclusive: vec![false; found.cuts.len()],
        per_field: None,
        provenance,
        evidence: "calibrated by the laboratory".into(),
        ..lesion.clone()
    }
}
