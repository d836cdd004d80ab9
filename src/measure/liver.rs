//! Features of the liver (domain.md §3.2).

mod fat;
mod foci;
mod ground;
mod hepatocytes;
mod portal;
mod steatotic;
mod vessels;

use super::{
    common,
    feature::{Evidences, Feature},
    sizes::Sizes,
};
use crate::segment::object::Object;

pub use self::portal::DRAW_TRACTS;

/// Returns the sizes of the slide's hepatocytes.
#[must_use]
pub fn sizes(found: &Evidences<'_>) -> Sizes {
    hepatocytes::sizes(found)
}

/// Returns the slide's foci of inflammation and its ballooned hepatocytes.
#[must_use]
pub fn groups(found: &Evidences<'_>) -> Vec<Object> {
    let mut groups = foci::foci(found);
    groups.extend(hepatocytes::ballooned(found));
    groups
}

/// Features in report order.
pub const FEATURES: &[&Feature] = &[
    &common::TISSUE_AREA,
    &common::ANALYSED_AREA,
    &common::STAIN_H,
    &common::STAIN_E,
    &fat::FAT_AREA,
    &fat::MACRO_FAT_AREA,
    &fat::MICRO_FAT_AREA,
    &steatotic::STEATOTIC_HEPATOCYTES,
    &fat::MACRO_AFFECTED,
    &fat::MICRO_AFFECTED,
    &fat::VACUOLE_DIAMETER_MEDIAN,
    &fat::VACUOLE_DIAMETER_P90,
    &ground::CLEARING,
    &hepatocytes::NUCLEAR_DENSITY,
    &hepatocytes::AREA,
    &hepatocytes::HYPERTROPHIC,
    &hepatocytes::NUCLEAR_AREA_MEDIAN,
    &hepatocytes::NUCLEAR_AREA_CV,
    &hepatocytes::BINUCLEATE,
    &hepatocytes::BALLOONING,
    &foci::INFLAMMATORY_FOCI,
    &portal::LEUKOCYTES,
    &ground::NECROSIS,
    &ground::APOPTOTIC,
    &hepatocytes::PYKNOTIC,
    &ground::SINUSOID_AREA,
    &ground::SINUSOID_WIDTH_MEDIAN,
    &ground::BLOOD_AREA,
    &vessels::CENTRAL_VEIN_DIAMETER,
    &portal::ZONAL_FAT,
    &ground::FIBROSIS,
];
