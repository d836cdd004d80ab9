//! Features: the named numbers of domain.md §3, each with unit, limits and evidence.

use serde::{Deserialize, Serialize};

use crate::{
    measure::tally::Tally,
    segment::object::{Class, Object},
    stain::StainProfile,
    units::Mpp,
};

/// How well a definition or cut-off is founded (the tags of the domain specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Read in the published text.
    Sourced,
    /// Published, cited from memory, not checked.
    Recalled,
    /// A working default from experience; must be calibrated.
    Expert,
    /// Arithmetic on a sourced number.
    Derived,
}

/// Which change is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Higher is worse.
    Up,
    /// Lower is worse.
    Down,
    /// Both directions can be damage.
    TwoSided,
    /// Descriptive only.
    Info,
}

/// What a measurement could not do without. Never reported as zero.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Missing {
    /// The structure was not found on the slide.
    #[error("no {what} found")]
    NoStructure {
        /// The structure.
        what: &'static str,
    },
    /// The slide has no pixel size.
    #[error("the slide states no pixel size")]
    Calibration,
    /// The slide is coarser than the measurement allows.
    #[error("{mpp:.3} µm/px is coarser than the {max} µm/px this needs")]
    TooCoarse {
        /// The working µm/px.
        mpp: f64,
        /// The coarsest allowed µm/px.
        max: f64,
    },
    /// Too few objects or too little area for a stable number.
    #[error("{}, at least {needed} needed", counted(*found, what))]
    TooFew {
        /// What was counted.
        what: &'static str,
        /// How many there were.
        found: f64,
        /// How many are needed.
        needed: f64,
    },
    /// The lesion is judged against the control group, which is known only after the whole study is scored.
    #[error("needs the study's control group")]
    NeedsControls,
    /// The slide holds no tissue.
    #[error("the slide is blank")]
    Blank,
    /// It is an area: its pieces are no objects.
    #[error("an area, not counted")]
    Area,
    /// What would be measured was left out of this slide.
    #[error("not measured on this slide: {why}")]
    LeftOut {
        /// Why it was left out.
        why: &'static str,
    },
    /// Nothing of the animal or of the study that it is graded by allows a grade.
    #[error("{why}")]
    Ungraded {
        /// Why not.
        why: &'static str,
    },
    /// No rule of this version can measure it honestly.
    #[error("not measured by this version: {why}")]
    NoRule {
        /// Why not.
        why: &'static str,
    },
}

/// Room for µm/px as scanners round it: 0.5022 is good enough for a feature that needs 0.5.
pub(crate) const MPP_TOLERANCE: f64 = 1.05;

impl Missing {
    /// No slide of an animal gives a value.
    pub(crate) const NO_VALUE: Self = Self::Ungraded { why: "no slide gives a value" };

    /// Nothing can be judged in percent of what the controls do not have.
    pub(crate) const NO_BASE: Self = Self::Ungraded { why: "the control group's mean is 0" };

    /// Returns whether no slide could be measured.
    pub(crate) fn is_no_rule(&self) -> bool {
        matches!(self, Self::NoRule { .. })
    }

    /// Returns whether what needs at most `max` µm/px cannot be had at `mpp`.
    pub(crate) fn too_coarse(mpp: f64, max: f64) -> Option<Self> {
        (mpp > max * MPP_TOLERANCE).then_some(Self::TooCoarse { mpp, max })
    }
}

/// A measured number and what it rests on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Value {
    /// The number, in the feature's unit. Finite.
    pub value: f64,
    /// Objects (or observations) it rests on.
    pub n: u64,
    /// Its denominator: an area in mm² or a number of objects, as the feature says.
    pub denominator: f64,
}

/// Cut to thousandths, never up: what is too little must not read as enough.
fn thousandths(v: f64) -> f64 {
    (v * 1000.0).floor() / 1000.0
}

/// Plural and singular of what is counted.
const NUMBERS: [(&str, &str); 7] = [
    ("islets", "islet"),
    ("glomeruli", "glomerulus"),
    ("tubules", "tubule"),
    ("nuclei", "nucleus"),
    ("animals", "animal"),
    ("cages", "cage"),
    ("tracts", "tract"),
];

/// Says how many of something there are, `what` being a plural: `1 islet`, `2 islets`.
pub(crate) fn counted(found: f64, what: &str) -> String {
    let one = |word: &str| NUMBERS.iter().find(|(many, _)| *many == word).map(|(_, one)| *one);
    let mut words: Vec<&str> = what.split(' ').collect();
    // The noun that is counted comes first: nuclei of hepatocytes.
    let noun = words.iter_mut().filter(|_| found == 1.0).find_map(|w| Some((one(w)?, w)));
    if let Some((one, word)) = noun {
        *word = one;
    }
    format!("{} {}", thousandths(found), words.join(" "))
}

/// Everything found on one slide, ready to be measured.
pub struct Evidences<'a> {
    /// Tissue, with enclosed holes of up to 5 000 µm², in mm².
    pub tissue_mm2: f64,
    /// Size of a working pixel of the fine pass.
    pub mpp: Mpp,
    /// Size of a working pixel of the structure pass.
    pub structure_mpp: Mpp,
    /// Large structures, in reading order.
    pub structures: &'a [Object],
    /// Counts per structure, same order and length as `structures`.
    pub structure_tallies: &'a [Tally],
    /// Whether a structure is cut, by the slide's edge or by what was left out, same order as `structures`.
    pub structures_cut: &'a [bool],
    /// Nuclei, vacuoles and other small objects, in reading order.
    pub cells: &'a [Object],
    /// Groups of cells, such as foci of inflammation; none while they are looked for.
    pub groups: &'a [Object],
    /// Counts of the structure pass, in structure-pass pixels.
    pub structure_tally: &'a Tally,
    /// Counts of the fine pass, in working pixels.
    pub tally: &'a Tally,
    /// The slide's stain facts.
    pub profile: &'a StainProfile,
    /// Equivalent diameter from which a tubule of the species counts, in µm (domain.md §2.0).
    pub tubule_least_um: f64,
}

impl<'a> Evidences<'a> {
    /// Returns the structures of one class with their tallies, in reading order.
    pub fn structures_of(&self, class: &'static Class) -> impl Iterator<Item = (&'a Object, &'a Tally)> {
        self.structures.iter().zip(self.structure_tallies).filter(|(o, _)| o.class.is(class))
    }

    /// Returns the structures of one class that nothing cuts, with their tallies, in reading order.
    pub fn whole_structures_of(
        &self,
        class: &'static Class,
    ) -> impl Iterator<Item = (&'a Object, &'a Tally)> {
        let all = self.structures.iter().zip(self.structure_tallies).zip(self.structures_cut);
        all.filter(|((o, _), cut)| o.class.is(class) && !**cut).map(|(pair, _)| pair)
    }

    /// Returns the size of a level-0 pixel: outlines know how many of them a working pixel spans.
    #[must_use]
    pub fn level0(&self) -> Mpp {
        let scale = self.cells.first().map_or(1.0, |o| f64::from(o.outline.scale));
        self.mpp.times(1.0 / scale)
    }

    /// Returns how many groups of a class there are.
    #[must_use]
    pub fn groups_of(&self, class: &'static Class) -> u64 {
        self.groups.iter().filter(|o| o.class.is(class)).count() as u64
    }

    /// Returns the small objects of one class, in reading order.
    pub fn cells_of(&self, class: &'static Class) -> impl Iterator<Item = &'a Object> {
        self.cells.iter().filter(|o| o.class.is(class))
    }
}

/// One named measurement.
#[derive(Debug)]
pub struct Feature {
    /// Name with unit suffix, as in the domain specification: `fat_area_pct`.
    pub name: &'static str,
    /// Unit as printed: `%`, `µm`, `1/mm²`.
    pub unit: &'static str,
    /// Which change is worse.
    pub direction: Direction,
    /// Coarsest working µm/px at which it may be reported.
    pub max_mpp: f64,
    /// How well the definition is founded.
    pub evidence: Evidence,
    /// Where the definition comes from.
    pub source: &'static str,
    /// Measures it, or says what was missing. The caller checks `max_mpp`.
    pub measure: fn(&Evidences<'_>) -> Result<Value, Missing>,
}

/// Column of `long.csv` with what a share, rate or mean is of: an animal's slides are summed up by it.
pub const DENOMINATOR: &str = "denominator";

/// Units of shares and rates, and of means of grades.
const RATIOS: [&str; 4] = ["%", "1/mm²", "1/mm", "0–4"];

/// Rounding of sums of areas.
const ROUNDING: f64 = 1e-6;

impl Feature {
    /// Returns whether its value is something summed up over its denominator, so that slides of an animal make one value by their sums
    /// (domain.md §4.1.1): shares, rates and means; not medians, numbers and what follows from other values.
    #[must_use]
    pub fn is_ratio(&self) -> bool {
        RATIOS.contains(&self.unit) || self.name.ends_with("_mean")
    }

    /// Returns a value of it unless that is a share of more than all there is, as where one structure is drawn over others of another
    /// class.
    ///
    /// # Errors
    ///
    /// [`Missing::LeftOut`] for more than 100 %.
    pub(crate) fn at_most_all(&self, value: Value) -> Result<Value, Missing> {
        if self.unit == "%" && value.value > 100.0 * (1.0 + ROUNDING) {
            let why = "structures lie over each other, so that it would be more than 100 %";
            return Err(Missing::LeftOut { why });
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_share_is_more_than_all() {
        let t = |unit: &'static str, value: f64, holds: bool| {
            let feature = Feature {
                name: "x",
                unit,
                direction: Direction::Up,
                max_mpp: 1.0,
                evidence: Evidence::Expert,
                source: "",
                measure: |_| Err(Missing::Blank),
            };
            let found = feature.at_most_all(Value { value, n: 1, denominator: 1.0 });
            assert_eq!(found.is_ok(), holds, "{value} {unit}");
        };
        t("%", 0.0, true);
        t("%", 100.0, true);
        t("%", 100.01, false);
        t("1/mm²", 395.0, true);
    }
}
