//! What kind of nucleus: rules on shape and stain (domain.md §2.0).
//!
//! The rules are working defaults and **not validated**: no collection of labelled nuclei with classes
//! was available to test them on.

use crate::{
    raster::Plane,
    segment::{
        field::Field,
        label::Region,
        object::{Class, Object},
        shape::Shape,
    },
    units::{Mpp, equivalent_diameter},
};

const MEASUREMENTS: &[&str] = &[
    "eq_diameter_um",
    "circularity",
    "solidity",
    "aspect_ratio",
    "mean_h_od",
    "sd_h_od",
    "mean_e_od",
    "major_axis_um",
];

const fn nucleus(name: &'static str, colour: [u8; 3]) -> Class {
    Class { name, layer: "nuclei", colour, measurements: MEASUREMENTS }
}

/// Round or oval and pale: hepatocyte, acinar, tubular and other epithelial nuclei; also what no other rule claims.
pub static ROUND: Class = nucleus("round nucleus", [64, 96, 224]);
/// Small, dark, round, even: diameter 4.5–7 µm.
pub static LYMPHOCYTE: Class = nucleus("lymphocyte nucleus", [16, 176, 80]);
/// Dark and lobed.
pub static NEUTROPHIL: Class = nucleus("neutrophil nucleus", [224, 144, 0]);
/// Aspect ratio above 2.2: endothelium, fibroblasts.
pub static ELONGATED: Class = nucleus("elongated nucleus", [0, 160, 192]);
/// Very dark, small, round and even: shrunken.
pub static PYKNOTIC: Class = nucleus("pyknotic nucleus", [208, 32, 144]);

/// Every class of nucleus, in legend order.
pub static CLASSES: [&Class; 5] = [&ROUND, &LYMPHOCYTE, &NEUTROPHIL, &ELONGATED, &PYKNOTIC];

/// Stain in one nucleus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StainOf {
    /// Mean haematoxylin, OD.
    pub(super) mean_h: f64,
    /// Standard deviation of haematoxylin, OD.
    pub(super) sd_h: f64,
    /// Mean eosin, OD.
    pub(super) mean_e: f64,
    area_um2: f64,
}

impl StainOf {
    /// Measures the pixels that carry `number`.
    pub(super) fn measure(field: &Field<'_>, labels: &Plane<u32>, region: &Region, number: u32) -> Self {
        let (mut h, mut hh, mut e) = (0u64, 0u64, 0u64);
        let columns = region.x0..region.x1;
        for y in region.y0..region.y1 {
            let stains = field.h.row(y)[columns.clone()].iter().zip(&field.e.row(y)[columns.clone()]);
            for (&label, (&vh, &ve)) in labels.row(y)[columns.clone()].iter().zip(stains) {
                if label == number {
                    h += u64::from(vh);
                    hh += u64::from(vh) * u64::from(vh);
                    e += u64::from(ve);
                }
            }
        }
        let n = region.area_px.max(1) as f64;
        let mean = h as f64 / n;
        Self {
            mean_h: mean / 100.0,
            sd_h: (hh as f64 / n - mean * mean).max(0.0).sqrt() / 100.0,
            mean_e: e as f64 / n / 100.0,
            area_um2: field.window.mpp.area_um2(region.area_px),
        }
    }
}

/// Darkness above the slide's nuclei from which a nucleus is dark, as a share of their contrast to cytoplasm: about the
/// darkest fifth.
const DARK: f64 = 0.15;
/// A lymphocyte is darker than that by this for every µm that its diameter exceeds [`SMALL_UM`]: large nuclei are as
/// dark where they lie flat in the section …
const DARK_BY_UM: f64 = 0.15;
const SMALL_UM: f64 = 5.0;
/// … and by this times what the spread of its haematoxylin, as a share of the mean, exceeds [`EVEN`]: vesicular
/// nuclei have a rim, grains and nucleoli. Fitted on liver phantoms of four stains.
const DARK_BY_SPREAD: f64 = 1.5;
const EVEN: f64 = 0.2;

/// Returns the class by rule; the first that fits.
pub(super) fn of(shape: &Shape, stain: &StainOf, field: &Field<'_>) -> &'static Class {
    let profile = field.profile;
    let nuclei = f64::from(profile.h_nuclei) / 100.0;
    let contrast = nuclei - f64::from(profile.h_cytoplasm) / 100.0;
    let diameter = equivalent_diameter(stain.area_um2);
    // Very dark: beyond nearly all.
    let darker_by = |share: f64| stain.mean_h > nuclei + share * contrast;
    let dark = darker_by(DARK);
    let very_dark = darker_by(0.6);
    let round = shape.circularity > 0.8 && shape.solidity > 0.88 && shape.aspect_ratio < 1.6;
    if very_dark && round && diameter < 5.5 && stain.sd_h < 0.3 * stain.mean_h {
        &PYKNOTIC
    } else if shape.aspect_ratio > 2.2 {
        &ELONGATED
    } else if dark && shape.solidity < 0.85 && (4.0..9.0).contains(&diameter) {
        &NEUTROPHIL
    } else if round && (4.5..=7.0).contains(&diameter) && darker_by(lymphocyte_darkness(diameter, stain)) {
        &LYMPHOCYTE
    } else {
        &ROUND
    }
}

/// How much darker than the slide's nuclei a lymphocyte of this size and evenness is.
fn lymphocyte_darkness(diameter: f64, stain: &StainOf) -> f64 {
    let spread = stain.sd_h / stain.mean_h.max(0.01);
    DARK + DARK_BY_UM * (diameter - SMALL_UM).max(0.0) + DARK_BY_SPREAD * (spread - EVEN).max(0.0)
}

/// Returns the values named by [`MEASUREMENTS`].
pub(super) fn values(shape: &Shape, stain: &StainOf, mpp: Mpp) -> [f32; Object::VALUES] {
    [
        equivalent_diameter(stain.area_um2),
        shape.circularity,
        shape.solidity,
        shape.aspect_ratio,
        stain.mean_h,
        stain.sd_h,
        stain.mean_e,
        shape.major_px * mpp.mean(),
    ]
    .map(|v| v as f32)
}
