//! Structures and cells of the kidney.

mod bare;
mod blood;
mod capsule;
mod casts;
mod cells;
mod cortex;
mod counts;
mod glomeruli;
mod lattice;
mod learned;
mod leukocytes;
mod levels;
mod lumens;
mod marks;
mod missed;
mod mixed;
mod ramps;
mod relate;
mod seeds;
mod single;
mod tubules;
mod tuft;
mod vacuoles;
mod vessels;

pub(super) use self::learned::NECK_UM;
pub use self::{cells::cells, counts::*, leukocytes::LEUKOCYTES_NEAR_UM, relate::relate};
use self::{learned::Sight, levels::Ground};
use super::{
    field::Field,
    models::Trust,
    nuclei,
    object::{Class, Finds},
};
use crate::stages::{Stage, during};

/// Renal corpuscle: everything inside Bowman's capsule.
pub static GLOMERULUS: Class = Class {
    name: "glomerulus",
    layer: "glomeruli",
    colour: [0, 128, 0],
    measurements: &[
        "eq_diameter_um",
        "tuft_area_um2",
        "bowman_space_pct",
        "tuft_solidity",
        "nuclear_share",
        "edge_contrast",
        "score",
        "rank",
    ],
};

/// Capillary tuft of a glomerulus.
pub static TUFT: Class =
    Class { name: "tuft", layer: "tufts", colour: [0, 200, 120], measurements: &["eq_diameter_um"] };

/// Tubule with a lumen, open or filled: lumen and epithelium.
pub static TUBULE: Class = Class {
    name: "tubule",
    layer: "tubules",
    colour: [240, 160, 0],
    measurements: &[
        "lumen_area_um2",
        "lumen_eq_diameter_um",
        "lumen_aspect_ratio",
        "outer_diameter_um",
        "aspect_ratio",
        "epithelium_height_um",
        "cast_pct",
        "nuclear_red_od",
    ],
};

/// Lumen of a tubule.
pub static LUMEN: Class = Class {
    name: "tubule lumen",
    layer: "lumens",
    colour: [0, 112, 255],
    measurements: &["eq_diameter_um", "aspect_ratio", "cast_pct"],
};

/// Lymphocyte or neutrophil in the cortex, outside glomeruli and outlined tubules.
pub static INTERSTITIAL_LEUKOCYTE: Class = Class {
    name: "interstitial leukocyte",
    layer: "nuclei",
    colour: [255, 0, 0],
    measurements: nuclei::LYMPHOCYTE.measurements,
};

/// Zone that holds glomeruli.
pub static CORTEX: Class =
    Class { name: "cortex", layer: "zones", colour: [120, 120, 120], measurements: &[] };

/// Island without glomeruli that the cortex encloses.
pub static MEDULLA: Class =
    Class { name: "medulla", layer: "zones", colour: [160, 160, 60], measurements: &[] };

/// Every class either pass can return, in legend order.
pub const CLASSES: &[&Class] = &[
    &CORTEX,
    &MEDULLA,
    &GLOMERULUS,
    &TUFT,
    &TUBULE,
    &LUMEN,
    &nuclei::ROUND,
    &nuclei::LYMPHOCYTE,
    &nuclei::NEUTROPHIL,
    &nuclei::ELONGATED,
    &nuclei::PYKNOTIC,
    &INTERSTITIAL_LEUKOCYTE,
];

/// Finds the structures that the core of one window of the coarse pass holds: corpuscles with their tufts, tubules with their
/// lumens.
#[must_use]
pub fn structures(field: &mut Field<'_>) -> Finds {
    // Nothing below looks at colours but the networks, which have their own.
    (field.rgb, field.clear) = Default::default();
    let field = &*field;
    let ground = Ground::of(field);
    let sight =
        field.models.structures.as_ref().map(|model| during(Stage::Network, || Sight::of(&ground, model)));
    let corpuscles = || match (&sight, field.models.trust) {
        (None, _) => glomeruli::find(&ground, None),
        (Some(None), _) => Vec::new(),
        (Some(Some(sight)), Trust::Alone) => sight.glomeruli(&ground, |_| f64::NEG_INFINITY),
        (Some(Some(sight)), Trust::WithRules) => mixed::find(&ground, sight),
    };
    let tubules = || match &field.models.tubules {
        None => tubules::find(&ground),
        Some(model) => single::find(&ground, model, sight.as_ref().and_then(Option::as_ref)),
    };
    let (mut objects, tubules) = rayon::join(corpuscles, tubules);
    objects.extend(tubules);
    objects.sort_by_key(|o| (o.anchor().1, o.anchor().0));
    Finds { objects, ..Finds::default() }
}

#[cfg(test)]
mod tests;
