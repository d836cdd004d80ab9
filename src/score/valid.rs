//! What must hold of a rubric before anything is scored with it.

use super::{
    file::{RubricFile, SCHEMA},
    lesion::{Compare, Lesion, Worse},
};
use crate::{
    error::{Error, Result},
    organ::{ORGANS, Organ},
    words::did_you_mean,
};

/// Names the place at fault, as a path into the file.
struct At<'a> {
    rubric: &'a str,
    path: String,
}

impl At<'_> {
    fn fault(&self, field: &str, expected: impl ToString, got: impl ToString) -> Error {
        let dot = if self.path.is_empty() || field.is_empty() { "" } else { "." };
        Error::config(format!("rubric {}: {}{dot}{field}", self.rubric, self.path), expected, got)
    }

    fn require(&self, holds: bool, field: &str, expected: impl ToString, got: impl ToString) -> Result<()> {
        if holds { Ok(()) } else { Err(self.fault(field, expected, got)) }
    }
}

/// Checks `file`, called `rubric` in messages. Lesions and features must be known: to the built-in rubric, or as a
/// feature of the organ.
pub(super) fn check(rubric: &str, file: &RubricFile, builtin: &RubricFile) -> Result<()> {
    head(rubric, file)?;
    let at = At { rubric, path: "organs".into() };
    let known = || ORGANS.iter().map(|o| o.name);
    for (name, _) in &file.organs.0 {
        if !known().any(|k| k == name) {
            let all = known().collect::<Vec<_>>().join(", ");
            return Err(at.fault("", format!("only {all}"), did_you_mean(name, known())));
        }
    }
    for organ in ORGANS {
        let Some(lesions) = file.organs.get(organ.name).map(|o| &o.lesions) else {
            return Err(at.fault(organ.name, "its lesions", "nothing"));
        };
        let builtin = builtin.organs.get(organ.name).map_or(&[][..], |o| &o.lesions);
        all_lesions(rubric, organ, lesions, builtin)?;
    }
    cut_offs(rubric, file)
}

/// Cut-offs of controls must be of a feature that needs them, and above 0.
fn cut_offs(rubric: &str, file: &RubricFile) -> Result<()> {
    for (tissue, features) in file.calibration.iter().flat_map(|c| &c.cut_offs) {
        for (feature, found) in features {
            let at = At { rubric, path: format!("calibration.cut_offs.{tissue}.{feature}") };
            let expected = "cut-offs above 0 as calibrate writes them for this feature";
            at.require(found.cut_off.fits(tissue, feature), "cut_off", expected, found.cut_off)?;
        }
    }
    Ok(())
}

fn head(rubric: &str, file: &RubricFile) -> Result<()> {
    let at = At { rubric, path: String::new() };
    at.require(file.schema == SCHEMA, "schema", SCHEMA, &file.schema)?;
    // The sizes objects are recognised by are those of the rat; another word here would promise what is not done.
    at.require(
        file.species == "rat",
        "species",
        "rat (the species this version is made for)",
        &file.species,
    )?;
    let n = file.field_number_mm;
    at.require(n.is_finite() && (5.0..=30.0).contains(&n), "field_number_mm", "5 to 30 mm", n)?;
    let at = At { rubric, path: "defaults".into() };
    let d = &file.defaults;
    let c = d.min_weight_coverage;
    at.require((0.0..=1.0).contains(&c), "min_weight_coverage", "0 to 1", c)?;
    at.require(d.ordinal_labels.len() == 5, "ordinal_labels", "5 words", d.ordinal_labels.len())?;
    let at = At { rubric, path: "defaults.z".into() };
    at.require(d.z.centre == "control_mean", "centre", "control_mean", &d.z.centre)?;
    at.require(d.z.spread == "pooled_within_group_sd", "spread", "pooled_within_group_sd", &d.z.spread)?;
    at.require((0.0..=1.0).contains(&d.z.min_cv), "min_cv", "0 to 1", d.z.min_cv)?;
    let [low, high] = d.z.clamp;
    at.require(low < 0.0 && high > 0.0, "clamp", "one value below and one above 0", format!("{low}, {high}"))
}

fn all_lesions(rubric: &str, organ: &Organ, lesions: &[Lesion], builtin: &[Lesion]) -> Result<()> {
    let path = format!("organs.{}.lesions", organ.name);
    let at = At { rubric, path: path.clone() };
    let features = || builtin.iter().map(|l| l.feature.as_str()).chain(organ.features.iter().map(|f| f.name));
    for (i, lesion) in lesions.iter().enumerate() {
        let ids = || builtin.iter().map(|l| l.id.as_str());
        if !ids().any(|id| id == lesion.id) {
            let expected =
                format!("only lesions of the {} ({})", organ.name, ids().collect::<Vec<_>>().join(", "));
            return Err(at.fault("", expected, did_you_mean(&lesion.id, ids())));
        }
        at.require(!lesions[..i].iter().any(|l| l.id == lesion.id), "", "each lesion once", &lesion.id)?;
        let at = At { rubric, path: format!("{path}[{}]", lesion.id) };
        if !features().any(|f| f == lesion.feature) {
            let expected = format!("a feature of the {}", organ.name);
            return Err(at.fault("feature", expected, did_you_mean(&lesion.feature, features())));
        }
        one_lesion(&at, lesion)?;
    }
    Ok(())
}

fn one_lesion(at: &At<'_>, lesion: &Lesion) -> Result<()> {
    let n = lesion.cuts.len();
    let w = lesion.weight;
    at.require(w.is_finite() && w >= 0.0, "weight", "0 or more", w)?;
    at.require((1..=4).contains(&lesion.max), "max", "1 to 4", lesion.max)?;
    at.require(usize::from(lesion.max) == n, "max", format!("{n}, the number of cuts"), lesion.max)?;
    at.require(
        lesion.inclusive.len() == n,
        "inclusive",
        format!("{n} flags, one per cut"),
        lesion.inclusive.len(),
    )?;
    at.require(
        (lesion.compare, lesion.worse) != (Compare::Abs, Worse::Down),
        "worse",
        "up, as compare is abs (a falling value needs controls: pct_ctrl)",
        "down",
    )?;
    cuts(at, lesion)?;
    let Some(p) = &lesion.per_field else { return Ok(()) };
    at.require(lesion.compare == Compare::Abs, "per_field", "compare abs", "pct_ctrl")?;
    at.require(p.counts.len() == n, "per_field.counts", format!("{n} counts, one per cut"), p.counts.len())?;
    let rising = p.counts.is_sorted_by(|a, b| a < b) && p.counts.iter().all(|c| c.is_finite() && *c > 0.0);
    at.require(rising, "per_field.counts", "rising numbers above 0", list(&p.counts))?;
    let o = p.objective;
    at.require((1.0..=100.0).contains(&o), "per_field.objective", "1 to 100", o)
}

/// Cut-offs run from the background outwards, each further than the one before.
fn cuts(at: &At<'_>, lesion: &Lesion) -> Result<()> {
    let mut from = lesion.background();
    let outwards = lesion.cuts.iter().all(|&cut| {
        let further = match lesion.worse {
            Worse::Up => cut > from,
            Worse::Down => cut < from && cut > 0.0,
        };
        from = cut;
        further && cut.is_finite()
    });
    let background = lesion.background();
    let expected = match lesion.worse {
        Worse::Up => format!("rising numbers above {background}"),
        Worse::Down => format!("falling numbers between {background} and 0"),
    };
    at.require(outwards, "cuts", expected, list(&lesion.cuts))
}

fn list(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}
