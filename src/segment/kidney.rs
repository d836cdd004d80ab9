//! Structures and cells of the kidney.

mod capsule;
mod glomeruli;
mod levels;
mod relate;
mod seeds;

use self::levels::Ground;
pub use self::relate::relate;
use super::{
    field::Field,
    nuclei,
    object::{Class, Finds},
    structures::StructureMap,
};

/// Renal corpuscle: everything inside Bowman's capsule.
pub static GLOMERULUS: Class = Class {
    name: "glomerulus",
    layer: "glomeruli",
    colour: [0, 128, 0],
    measurements: &[
        "eq_diameter_um",
        "tuft_area_um2",
        "bowman_space_pct",
        "circularity",
        "nuclear_share",
        "edge_contrast",
        "score",
    ],
};

/// Capillary tuft of a glomerulus.
pub static TUFT: Class =
    Class { name: "tuft", layer: "tufts", colour: [0, 200, 120], measurements: &["eq_diameter_um"] };

/// Zone that holds glomeruli.
pub static CORTEX: Class = Class { name: "cortex", layer: "zones", colour: [120, 120, 120], measurements: &[] };

/// Every class either pass can return, in legend order.
pub const CLASSES: &[&Class] = &[
    &CORTEX,
    &GLOMERULUS,
    &TUFT,
    &nuclei::ROUND,
    &nuclei::LYMPHOCYTE,
    &nuclei::NEUTROPHIL,
    &nuclei::ELONGATED,
    &nuclei::PYKNOTIC,
];

/// Finds the structures anchored in the core of one window of the coarse pass.
#[must_use]
pub fn structures(field: &Field<'_>) -> Finds {
    let ground = Ground::of(field);
    let mut objects = glomeruli::find(&ground);
    objects.sort_by_key(|o| (o.anchor().1, o.anchor().0));
    Finds { objects, ..Finds::default() }
}

/// Finds nuclei and other small objects in the core of one window.
#[must_use]
pub fn cells(field: &Field<'_>, _structures: &StructureMap<'_>) -> Finds {
    let found = nuclei::segment(field).found;
    let objects = found.into_iter().filter(|n| n.in_core).map(|n| n.object).collect();
    Finds { objects, ..Finds::default() }
}
