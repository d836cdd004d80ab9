//! The rubric: cut-offs, weights and provenance of every lesion, as data.

use std::{fs, path::Path};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    DamageIndex, Finding, Measured, OrganScore, Outcome,
    changes::changes,
    field,
    file::RubricFile,
    index::damage_index,
    published::{self, grade_column},
    sampling::{self, Count},
    valid,
};
pub use super::{
    changes::Change,
    file::ZScore,
    lesion::{Compare, Lesion, PerField, Worse},
};
use crate::{
    calibrate::Calibration,
    error::{Error, Result},
    measure::feature::{Missing, Value},
    organ::Organ,
    segment::models::Method,
    warning::Warning,
};

/// The built-in rubric, generated from the same list as the tables of domain.md §4.3.
const BUILTIN: &str = include_str!("../../models/rubric/rubric.json");

/// Name of the built-in rubric in results.
const BUILTIN_NAME: &str = "built-in";

/// Grade of the worst severity word; lesions with fewer grades are stretched to it (domain.md §6).
const WORST_WORD: f64 = 4.0;

/// Cut-offs and weights of all organs, with their origin.
#[derive(Clone, Debug)]
pub struct Rubric {
    file: RubricFile,
    origin: Origin,
}

/// Which rubric was used and how it differs from the built-in one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Origin {
    /// `built-in`, or the name of the file.
    pub name: String,
    /// SHA-256 of the file's bytes, hexadecimal.
    pub sha256: String,
    /// Every value that differs from the built-in rubric, cut-offs recomputed for another field number included.
    pub changed: Vec<Change>,
}

impl Rubric {
    /// Returns the rubric in `models/rubric`, which is part of the binary.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if it does not parse, which a test rules out.
    pub fn builtin() -> Result<Self> {
        Self::parse(BUILTIN_NAME, BUILTIN.as_bytes())
    }

    /// Reads a rubric file and notes its SHA-256 and every value that differs from the built-in one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be read; [`Error::Config`] naming the field at fault.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        Self::parse(&path.file_name().unwrap_or_default().to_string_lossy(), &bytes)
    }

    /// Grades what was measured on one slide. Lesions judged against controls are scored only if the rubric was calibrated
    /// on controls.
    #[must_use]
    pub fn score(&self, organ: &Organ, measured: &[Measured]) -> OrganScore {
        let findings: Vec<_> = self.lesions(organ).iter().map(|l| self.finding(organ, l, measured)).collect();
        let index = self.index(format!("{}_damage_index", organ.name), findings.iter());
        let of = |ids: &'static [&str]| findings.iter().filter(|f| ids.contains(&f.lesion.as_str()));
        let sub_indices = organ.sub_indices.iter().map(|(name, ids)| self.index(*name, of(ids))).collect();
        let published = published::of_slide(organ.name, measured, self.field_number_mm());
        OrganScore { index, sub_indices, findings, published }
    }

    /// Grades the values of one animal. Lesions judged against controls are graded in percent of the control group's
    /// mean; without one, or where it is 0, they are not scored. `counted` tells how much of something was found over all
    /// its slides, where that is known. Published items are graded on the same values; the grade that `value` gives for one
    /// (`nas_grade`) stands where no slide gives what it is read from.
    #[must_use]
    pub fn score_subject(
        &self,
        organ: &Organ,
        value: impl Fn(&str) -> Option<f64>,
        control_mean: impl Fn(&str) -> Option<f64>,
        counted: impl Fn(&'static str, Count) -> Option<f64>,
    ) -> OrganScore {
        let one = |lesion: &Lesion| {
            let value = value(&lesion.feature);
            // The study's own controls before those of the calibration.
            let base = control_mean(&lesion.feature).or_else(|| self.base(organ, &lesion.feature));
            let too_few = value.and_then(|_| sampling::too_few(organ.name, &lesion.feature, &counted));
            let outcome = match (value, lesion.compare, base) {
                (None, ..) => Outcome::NotScored { missing: Missing::NO_VALUE },
                (Some(v), Compare::Abs, _) => self.grade(lesion, v),
                (Some(v), Compare::PctCtrl, Some(mean)) if mean > 0.0 => self.grade(lesion, 100.0 * v / mean),
                (Some(_), Compare::PctCtrl, Some(_)) => Outcome::NotScored { missing: Missing::NO_BASE },
                (Some(_), Compare::PctCtrl, None) => Outcome::NotScored { missing: Missing::NeedsControls },
            };
            let outcome = too_few.map_or(outcome, |missing| Outcome::NotScored { missing });
            Self::found(lesion, value, outcome)
        };
        let findings: Vec<_> = self.lesions(organ).iter().map(one).collect();
        let index = self.index(format!("{}_damage_index", organ.name), findings.iter());
        let of = |ids: &'static [&str]| findings.iter().filter(|f| ids.contains(&f.lesion.as_str()));
        let sub_indices = organ.sub_indices.iter().map(|(name, ids)| self.index(*name, of(ids))).collect();
        let look = |feature: &str| {
            let value = value(feature).ok_or(Missing::NO_VALUE)?;
            sampling::too_few(organ.name, feature, &counted).map_or(Ok(value), Err)
        };
        let kept = |item: &str| value(&grade_column(item));
        let published = published::all(organ.name, &look, self.field_number_mm(), kept);
        OrganScore { index, sub_indices, findings, published }
    }

    /// Returns which rubric this is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the remark that scores made with this rubric need, when it differs from the built-in one.
    #[must_use]
    pub fn warning(&self) -> Option<Warning> {
        let (name, changed) = (self.origin.name.clone(), self.origin.changed.len());
        (changed > 0).then_some(Warning::NonDefaultScoring { name, changed })
    }

    /// Returns the remark that a slide needs which was measured otherwise than the control animals it is judged against.
    #[must_use]
    pub fn other_controls(&self, organ: &Organ, species: &str, methods: &[Method]) -> Option<Warning> {
        let differs = self.calibration()?.differs(organ.name, species, methods);
        let rubric = self.origin.name.clone();
        (!differs.is_empty()).then_some(Warning::OtherControls { rubric, differs })
    }

    /// Returns the lesions of an organ in report order.
    #[must_use]
    pub fn lesions(&self, organ: &Organ) -> &[Lesion] {
        self.file.organs.get(organ.name).map_or(&[], |o| &o.lesions)
    }

    /// Returns the field number of the eyepiece that counts per field refer to, in mm.
    #[must_use]
    pub fn field_number_mm(&self) -> f64 {
        self.file.field_number_mm
    }

    /// Returns the least share of the weight that must be scored for an index, 0–1.
    #[must_use]
    pub fn min_coverage(&self) -> f64 {
        self.file.defaults.min_weight_coverage
    }

    /// Returns how z-scores against controls are formed.
    #[must_use]
    pub fn z(&self) -> &ZScore {
        &self.file.defaults.z
    }

    /// Returns the grade, continuous score and severity word of `value`, in the units `lesion` compares:
    /// its feature's own, or % of the control mean.
    #[must_use]
    pub fn grade(&self, lesion: &Lesion, value: f64) -> Outcome {
        let grade = lesion.grade(value);
        let continuous =
            if self.file.defaults.interpolate { lesion.continuous(value) } else { f64::from(grade) };
        // Exactly on a cut-off that equality does not pass the score is that of the next grade.
        let severity = self.severity(if grade == 0 { 0.0 } else { continuous }, lesion.max).to_owned();
        Outcome::Scored { grade, continuous, severity }
    }

    /// Returns the severity word of a continuous score of 0 to `max` (domain.md §6). Grade 0 is within normal limits (domain.md §4.2),
    /// also where a score of fewer grades is stretched.
    #[must_use]
    pub fn severity(&self, continuous: f64, max: u8) -> &str {
        let words = &self.file.defaults.ordinal_labels;
        let stretched = if continuous < 0.5 { 0.0 } else { continuous * WORST_WORD / f64::from(max.max(1)) };
        let place = (stretched + 0.5).floor().clamp(0.0, WORST_WORD) as usize;
        words.get(place).map_or("", String::as_str)
    }

    fn index<'a>(&self, name: impl Into<String>, findings: impl Iterator<Item = &'a Finding>) -> DamageIndex {
        damage_index(name, findings, self.file.defaults.min_weight_coverage)
    }

    /// Returns what the laboratory's control animals measure, if the rubric was calibrated.
    #[must_use]
    pub fn base(&self, organ: &Organ, feature: &str) -> Option<f64> {
        self.calibration()?.base(organ.name, feature)
    }

    /// Returns how a laboratory calibrated the rubric, if it did.
    #[must_use]
    pub fn calibration(&self) -> Option<&Calibration> {
        self.file.calibration.as_ref()
    }

    /// Returns the text of a rubric file with these lesions in place of its own and a calibration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the lesions do not make a rubric.
    pub fn calibrated(&self, calibration: &Calibration, lesions: &[(&str, Lesion)]) -> Result<Vec<u8>> {
        let mut file = self.file.clone();
        file.calibration = Some(calibration.clone());
        for (organ, lesion) in lesions {
            let own =
                file.organs.0.iter_mut().filter(|(name, _)| name == organ).flat_map(|(_, o)| &mut o.lesions);
            own.filter(|l| l.id == lesion.id).for_each(|l| *l = lesion.clone());
        }
        let mut text =
            serde_json::to_vec_pretty(&file).map_err(|e| Error::config("calibrated rubric", "JSON", e))?;
        text.push(b'\n');
        Self::parse("calibrated", &text)?;
        Ok(text)
    }

    fn finding(&self, organ: &Organ, lesion: &Lesion, measured: &[Measured]) -> Finding {
        let value = value_of(&lesion.feature, measured);
        let outcome = match (&value, lesion.compare) {
            (Ok(value), Compare::Abs) => self.grade(lesion, value.value),
            (Ok(v), Compare::PctCtrl) => match self.base(organ, &lesion.feature) {
                Some(mean) if mean > 0.0 => self.grade(lesion, 100.0 * v.value / mean),
                Some(_) => Outcome::NotScored { missing: Missing::NO_BASE },
                None => Outcome::NotScored { missing: Missing::NeedsControls },
            },
            (Err(missing), _) => Outcome::NotScored { missing: missing.clone() },
        };
        let outcome = match sampling::gradable(organ.name, &lesion.feature, measured) {
            Ok(_) => outcome,
            Err(missing) => Outcome::NotScored { missing },
        };
        Self::found(lesion, value.ok().map(|v| v.value), outcome)
    }

    fn found(lesion: &Lesion, value: Option<f64>, outcome: Outcome) -> Finding {
        Finding {
            lesion: lesion.id.clone(),
            label: lesion.label.clone(),
            feature: lesion.feature.clone(),
            value,
            max: lesion.max,
            weight: lesion.weight,
            provenance: lesion.provenance.clone(),
            evidence: lesion.evidence.clone(),
            outcome,
        }
    }

    fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let read = |bytes| serde_json::from_slice::<RubricFile>(bytes);
        let builtin =
            read(BUILTIN.as_bytes()).map_err(|e| Error::config("built-in rubric", "a rubric", e))?;
        let mut file =
            read(bytes).map_err(|e| Error::config(format!("rubric {name}"), "the fields of a rubric", e))?;
        valid::check(name, &file, &builtin)?;
        follow_field_number(name, &mut file, &builtin)?;
        let json = |file: &RubricFile| {
            let plain = RubricFile { calibration: None, ..file.clone() };
            serde_json::to_value(plain).map_err(|e| Error::config("rubric", "JSON", e))
        };
        let mut changed = changes(&json(&builtin)?, &json(&file)?);
        if let Some(c) = &file.calibration {
            let (path, default) = ("calibration".into(), serde_json::Value::Null);
            changed.push(Change { path, default, now: c.words().into() });
        }
        Ok(Self {
            file,
            origin: Origin { name: name.to_owned(), sha256: hex(&Sha256::digest(bytes)), changed },
        })
    }
}

/// Returns what was measured of a feature, or why there is nothing to grade.
pub(super) fn value_of(feature: &str, measured: &[Measured]) -> Result<Value, Missing> {
    let Some(found) = measured.iter().find(|m| m.feature.name == feature) else {
        return Err(Missing::NoRule { why: "the feature is not computed" });
    };
    let value = found.value.clone()?;
    if value.value.is_finite() { Ok(value) } else { Err(Missing::NoRule { why: "the value is not finite" }) }
}

/// Recomputes cut-offs published per field where field number, counts or objective are not the built-in ones.
fn follow_field_number(name: &str, file: &mut RubricFile, builtin: &RubricFile) -> Result<()> {
    let field_number = file.field_number_mm;
    for (organ, lesions) in &mut file.organs.0 {
        let builtins = builtin.organs.get(organ).map_or(&[][..], |o| &o.lesions);
        for lesion in &mut lesions.lesions {
            let Some(per_field) = &lesion.per_field else { continue };
            let default = builtins.iter().find(|l| l.id == lesion.id);
            let published = |p: &PerField| (p.counts.clone(), p.objective);
            if field_number == builtin.field_number_mm
                && default.and_then(|l| l.per_field.as_ref()).map(published) == Some(published(per_field))
            {
                continue;
            }
            let recomputed = field::per_mm2(&per_field.counts, field_number, per_field.objective);
            if lesion.cuts == recomputed {
                continue;
            }
            if default.is_none_or(|l| l.cuts != lesion.cuts) {
                return Err(Error::config(
                    format!("rubric {name}: organs.{organ}.lesions[{}].cuts", lesion.id),
                    "the built-in cuts, as they are recomputed from per_field, or no per_field",
                    "other cuts",
                ));
            }
            lesion.cuts = recomputed;
        }
    }
    Ok(())
}

/// Returns bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
pub(crate) mod tests;
