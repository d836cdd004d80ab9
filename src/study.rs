//! `study.toml`: what was decided before the slides were scored. Group order, controls, dose ladder, primary endpoints,
//! margins and planned contrasts; and whether they fit the sample sheet.

mod aliased;
mod check;
mod doses;
mod physiology;
mod read;
mod template;

use std::collections::BTreeMap;

use crate::manifest::Sample;

pub use aliased::remarks;
pub use check::check;
pub use doses::unit as dose_unit;
pub use physiology::{Animals, Column, read as read_animals};
pub use read::read;
pub use template::{proposed, template};

/// JSON Schema of `study.toml`.
pub const SCHEMA: &str = include_str!("../samples/schema_study.json");

/// JSON Schema of `animals.csv`, its rows read as objects.
pub const ANIMALS_SCHEMA: &str = include_str!("../samples/schema_animals.json");

/// The experimental unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Treatment was given to animals one by one.
    Animal,
    /// Treatment was given to cages: animals of a cage are averaged.
    Cage,
}

impl Unit {
    /// Returns the word for one.
    #[must_use]
    pub fn one(self) -> &'static str {
        match self {
            Self::Animal => "animal",
            Self::Cage => "cage",
        }
    }

    /// Returns the word for several.
    #[must_use]
    pub fn many(self) -> &'static str {
        match self {
            Self::Animal => "animals",
            Self::Cage => "cages",
        }
    }

    /// Returns what an analysis says of animals, for it knows no other unit, as said of this one. Names of groups stay.
    pub(crate) fn told(self, text: &str) -> String {
        let said = ["one animal", "two animals", "animals without"];
        let of_unit = |words: &str| words.replace("animal", self.one());
        said.iter().fold(text.to_owned(), |text, words| text.replace(words, &of_unit(words)))
    }
}

/// What comparisons are adjusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Processing batch.
    Batch,
    /// Staining batch.
    StainBatch,
    /// Cage.
    Cage,
}

impl Block {
    /// Returns the block of a slide, where the sheet states it.
    #[must_use]
    pub fn of(self, sample: &Sample) -> Option<&str> {
        match self {
            Self::Batch => sample.batch.as_deref(),
            Self::StainBatch => sample.stain_batch.as_deref(),
            Self::Cage => sample.cage.as_deref(),
        }
    }

    /// Returns the column of the sample sheet.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::StainBatch => "stain_batch",
            Self::Cage => "cage",
        }
    }
}

/// A planned contrast: the mean of some groups minus the mean of others.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Planned {
    /// Name in tables.
    pub name: String,
    /// Groups whose mean is taken.
    pub plus: Vec<String>,
    /// Groups whose mean is subtracted.
    pub minus: Vec<String>,
}

/// A study description.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Study {
    /// Groups in the order of tables and figures; empty: as in the sample sheet.
    pub groups: Vec<String>,
    /// Healthy group.
    pub normal: Option<String>,
    /// Diseased, untreated group.
    pub disease: Option<String>,
    /// The only control, in studies without disease.
    pub control: Option<String>,
    /// Experimental unit.
    pub unit: Unit,
    /// Significance level.
    pub alpha: f64,
    /// Block to adjust for.
    pub block: Option<Block>,
    /// Whether equal variances were declared.
    pub equal_variances: bool,
    /// Seed of permutations that cannot all be listed.
    pub seed: u64,
    /// Primary endpoint of each tissue.
    pub primary: BTreeMap<String, String>,
    /// Dose ladder: groups with their dose.
    pub doses: Vec<(String, f64)>,
    /// Unit of these doses, where the sample sheet states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dose_unit: Option<String>,
    /// Half-width of equivalence to the normal group, by feature, in its unit.
    pub margins: BTreeMap<String, f64>,
    /// Columns of the animal table that primary endpoints are also compared at equal values of.
    pub covariates: Vec<String>,
    /// Planned contrasts.
    pub contrasts: Vec<Planned>,
    /// Lines of the file that named something, for messages: `(what, line)`.
    #[serde(skip)]
    pub(crate) lines: BTreeMap<String, usize>,
    /// Name of the file, for messages.
    #[serde(skip)]
    pub(crate) file: String,
}

impl Default for Study {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            normal: None,
            disease: None,
            control: None,
            unit: Unit::Animal,
            alpha: 0.05,
            block: None,
            equal_variances: false,
            seed: 1,
            primary: BTreeMap::new(),
            doses: Vec::new(),
            dose_unit: None,
            margins: BTreeMap::new(),
            covariates: Vec::new(),
            contrasts: Vec::new(),
            lines: BTreeMap::new(),
            file: String::new(),
        }
    }
}

impl Study {
    /// Returns whether no control is declared, so that only pairs can be compared.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.normal.is_none() && self.disease.is_none() && self.control.is_none()
    }

    /// Returns the group that lesions are judged against: the normal one, or the only control.
    #[must_use]
    pub fn judged_against(&self) -> Option<&str> {
        self.normal.as_deref().or(self.control.as_deref())
    }

    /// Returns where something was written, for messages: `study.toml line 3, groups`.
    pub(crate) fn place(&self, what: &str) -> String {
        match self.lines.get(what) {
            Some(line) => format!("{} line {line}, {what}", self.file),
            None => format!("{}, {what}", self.file),
        }
    }
}

#[cfg(test)]
mod tests;
