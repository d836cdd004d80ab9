//! From measurements to grades, continuous scores and the organ damage index (domain.md §4.1).
//!
//! Cut-offs, weights and provenance are data: the built-in rubric in `models/rubric`, or `--rubric FILE`.

mod changes;
pub mod field;
mod file;
mod index;
mod lesion;
pub mod published;
pub mod recovery;
pub mod rubric;
pub mod sampling;
pub mod sensitivity;
pub mod shares;
mod valid;

pub use index::index_column;

use serde::Serialize;

use crate::measure::feature::{Feature, Missing, Value};

/// One feature as measured on one slide.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Which feature.
    pub feature: &'static Feature,
    /// Its value, or what was missing.
    pub value: Result<Value, Missing>,
}

/// What can be said of one lesion on one slide. Grade 0 means looked for and absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// Measured and graded.
    Scored {
        /// Cut-offs passed: 0 to the lesion's maximum.
        grade: u8,
        /// Piecewise-linear score, 0 to the lesion's maximum.
        continuous: f64,
        /// Severity word of the continuous score, e.g. `mild`.
        severity: String,
    },
    /// Not graded, and why. Never reported as zero.
    NotScored {
        /// Why not.
        missing: Missing,
    },
}

/// A lesion with its outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Lesion id of the rubric, e.g. `macrosteatosis`.
    pub lesion: String,
    /// Lesion name for people.
    pub label: String,
    /// Name of the feature that drives it.
    pub feature: String,
    /// The feature's value, when measured.
    pub value: Option<f64>,
    /// Highest grade.
    pub max: u8,
    /// Weight in the damage index.
    pub weight: f64,
    /// Where the cut-offs come from.
    pub provenance: String,
    /// How well they are founded, as the rubric words it.
    pub evidence: String,
    /// The outcome.
    pub outcome: Outcome,
}

/// A weighted mean of scores on 0–100, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DamageIndex {
    /// `liver_damage_index`, `steatosis`, ….
    pub name: String,
    /// 0–100; `None` when too little of the weight could be scored.
    pub value: Option<f64>,
    /// Share of the total weight that could be scored, 0–1.
    pub coverage: f64,
    /// Ids of the lesions that could not be scored.
    pub missing: Vec<String>,
}

impl DamageIndex {
    /// Returns why there is no value.
    #[must_use]
    pub fn why(&self) -> String {
        if self.missing.is_empty() {
            return "the rubric has no lesion of it that has a weight".to_owned();
        }
        format!("only {} % of the weight scored; missing {}", self.coverage_pct(), self.missing.join(" "))
    }

    /// Returns the share of the weight that could be scored in whole %, cut and never rounded up: what is too little must not read as
    /// enough.
    #[must_use]
    pub fn coverage_pct(&self) -> f64 {
        (100.0 * self.coverage + index::ROUNDING).floor()
    }
}

/// All findings of one organ on one slide, and their indices.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OrganScore {
    /// Lesions in rubric order.
    pub findings: Vec<Finding>,
    /// The organ's damage index.
    pub index: DamageIndex,
    /// Its sub-indices, same rules over fewer lesions.
    pub sub_indices: Vec<DamageIndex>,
    /// Published scores, beside the index and not part of it.
    pub published: Vec<published::Published>,
}
