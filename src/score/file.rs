//! The rubric file: its fields, and what must hold of them.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};

use super::lesion::Lesion;
use crate::calibrate::Calibration;

/// Value of `schema` that this build reads.
pub(super) const SCHEMA: &str = "he-damage-scoring/1";

/// Everything in a rubric file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RubricFile {
    pub(super) schema: String,
    pub(super) status: String,
    pub(super) species: String,
    /// Field number of the eyepiece, mm.
    pub(super) field_number_mm: f64,
    pub(super) defaults: Defaults,
    pub(super) organs: Named<OrganLesions>,
    /// How a laboratory calibrated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) calibration: Option<Calibration>,
}

/// Rules that hold for every organ.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    /// Least share of the weight that must be scored for an index, 0–1.
    pub(super) min_weight_coverage: f64,
    /// Whether the continuous score is interpolated; otherwise it equals the grade.
    pub(super) interpolate: bool,
    pub(super) z: ZScore,
    /// Severity words, from none to worst.
    pub(super) ordinal_labels: Vec<String>,
}

/// How z-scores against the control group are formed (domain.md §4.1.7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZScore {
    /// What is subtracted: `control_mean`.
    pub centre: String,
    /// What it is divided by: `pooled_within_group_sd`.
    pub spread: String,
    /// Least spread, as a share of the control mean.
    pub min_cv: f64,
    /// Lowest and highest z.
    pub clamp: [f64; 2],
}

/// The lesions of one organ.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganLesions {
    pub(super) lesions: Vec<Lesion>,
}

/// A JSON object with free keys, in file order. A key that occurs twice is refused, not overwritten.
#[derive(Clone, Debug)]
pub(super) struct Named<T>(pub(super) Vec<(String, T)>);

impl<T> Named<T> {
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list: Vec<(String, T)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if list.iter().any(|(n, _)| *n == name) {
                        return Err(serde::de::Error::custom(format!("{name} occurs twice")));
                    }
                    list.push((name, value));
                }
                Ok(Named(list))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}
