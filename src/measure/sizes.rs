//! Sizes of single objects, kept with their slide: what is too small or too large among them is known only when a control
//! group is, which may be long after the slide was measured.
//!
//! Whole numbers and areas of single objects only, so that they do not depend on threads or windows.

mod cut_off;
mod diameters;
mod profiles;
pub mod table;

use serde::{Deserialize, Serialize};

pub(in crate::measure) use self::profiles::least_at_equator;
pub use self::{
    cut_off::{CutOff, HYPERTROPHIC_SHARE, SHRUNKEN_SHARE, SPACE_QUANTILE},
    diameters::Diameters,
    profiles::{MOST_PROFILES, Profile, Profiles},
};

/// Sizes of the objects of one slide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sizes {
    /// Glomeruli, for `glom_shrunken_pct`.
    Glomeruli(Profiles),
    /// Territories of hepatocytes, for `hypertrophic_hepatocyte_pct`.
    Hepatocytes(Diameters),
}

impl Sizes {
    /// Returns the tissue and the feature that they are kept for.
    #[must_use]
    pub fn of(&self) -> (&'static str, &'static str) {
        match self {
            Self::Glomeruli(_) => ("kidney", "glom_shrunken_pct"),
            Self::Hepatocytes(_) => ("liver", "hypertrophic_hepatocyte_pct"),
        }
    }

    /// Returns the number of objects that were found, also where not all are kept.
    #[must_use]
    pub fn objects(&self) -> u64 {
        match self {
            Self::Glomeruli(profiles) => profiles.found,
            Self::Hepatocytes(diameters) => diameters.total(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_back_from_records() {
        let mut diameters = Diameters::default();
        [(3.0, 2), (21.3, 400), (35.9, 7)].iter().for_each(|&(d, n)| diameters.add(d, n));
        let profiles = Profiles::of(&[(8123.46, 9999.0), (4000.0, 8000.0)]);
        for sizes in [Sizes::Hepatocytes(diameters), Sizes::Glomeruli(profiles)] {
            // Records pass through a value, as their hash is of one.
            let value = serde_json::to_value(Some(&sizes)).unwrap();
            assert_eq!(serde_json::from_value::<Option<Sizes>>(value).unwrap(), Some(sizes));
        }
    }
}
