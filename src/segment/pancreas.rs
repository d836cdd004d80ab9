//! Structures and cells of the pancreas (domain.md §2.1).
//!
//! The structure pass finds islets, adipocytes, and lumina of ducts and vessels; the cell pass finds
//! nuclei, vacuoles, gaps and red cells, and says where they lie.
//! The rules are working defaults, tried on synthetic tissue and looked at on a few pictures; no
//! labelled pancreas was available to validate them on.

mod compartments;
pub mod counters;
mod ground;
mod inside;
mod islet_blood;
mod islets;
pub mod nuclei_of;
pub mod rims;
mod spaces;
mod split;
mod vacuoles;
mod wide_gaps;

use self::{
    compartments::{Compartments, PerIslet},
    ground::Ground,
};
use super::{
    field::Field,
    focus, nuclei,
    object::{Class, Finds, Object},
    structures::StructureMap,
};
use crate::{
    measure::tally::Tally,
    organ::SlideGeometry,
    stages::{Stage, during},
};

pub use self::islets::DIAMETER_UM as ISLET_DIAMETER_UM;

/// Halo of the structure pass in µm: half of the largest islet, by whose middle a window holds it, and the reach of the filters
/// around it.
pub const STRUCTURE_HALO_UM: f64 = 640.0;

/// An islet of Langerhans.
pub static ISLET: Class = Class {
    name: "islet",
    layer: "islets",
    colour: [255, 200, 0],
    measurements: &[
        "eq_diameter_um",
        "circularity",
        "solidity",
        "aspect_ratio",
        "perimeter_um",
        "cut_by_edge",
    ],
};
/// An adipocyte.
pub static FAT: Class =
    Class { name: "adipocyte", layer: "fat", colour: [0, 200, 200], measurements: &["eq_diameter_um"] };
/// An adipocyte outside the organ: peripancreatic fat.
pub static OUTER_FAT: Class = Class {
    name: "peripancreatic adipocyte",
    layer: "fat",
    colour: [128, 200, 200],
    measurements: &["eq_diameter_um"],
};
/// The lumen of a duct or vessel.
pub static LUMEN: Class = Class {
    name: "duct or vessel lumen",
    layer: "lumina",
    colour: [255, 96, 64],
    measurements: &["eq_diameter_um"],
};
/// A clear vacuole inside an islet.
pub static ISLET_VACUOLE: Class = Class {
    name: "islet vacuole",
    layer: "vacuoles",
    colour: [255, 0, 255],
    measurements: &["eq_diameter_um"],
};
/// A clear vacuole inside an acinus.
pub static ACINAR_VACUOLE: Class = Class {
    name: "acinar vacuole",
    layer: "vacuoles",
    colour: [160, 0, 160],
    measurements: &["eq_diameter_um"],
};

/// A nucleus of endocrine type inside an islet.
pub static ISLET_NUCLEUS: Class = Class {
    name: "islet nucleus",
    layer: "nuclei",
    colour: [96, 160, 255],
    measurements: nuclei::ROUND.measurements,
};
/// A lymphocyte nucleus inside an islet or in the ring around it.
pub static ISLET_LYMPHOCYTE: Class = Class {
    name: "islet lymphocyte nucleus",
    layer: "nuclei",
    colour: [0, 255, 96],
    measurements: nuclei::ROUND.measurements,
};

/// Every class either pass can return, in legend order.
pub const CLASSES: &[&Class] = &[
    &ISLET,
    &FAT,
    &OUTER_FAT,
    &LUMEN,
    &ISLET_VACUOLE,
    &ACINAR_VACUOLE,
    &ISLET_NUCLEUS,
    &ISLET_LYMPHOCYTE,
    &nuclei::ROUND,
    &nuclei::LYMPHOCYTE,
    &nuclei::NEUTROPHIL,
    &nuclei::ELONGATED,
    &nuclei::PYKNOTIC,
    &focus::FOCUS,
];

/// Finds the structures that the core of one window of the coarse pass holds.
#[must_use]
pub fn structures(field: &Field<'_>) -> Finds {
    if field.tissue.data().iter().all(|&t| t == 0) {
        return Finds::default();
    }
    let ground = Ground::of(field);
    let (mut objects, islets) = islets::find(field, &ground);
    let (spaces, held): (Vec<Object>, Vec<bool>) = spaces::find(field, &islets).into_iter().unzip();
    let mut tally = Tally::default();
    tally.add(counters::WIDE_GAP_PX, wide_gaps::count(field, &spaces));
    objects.extend(spaces.into_iter().zip(held).filter(|(_, held)| *held).map(|(space, _)| space));
    objects.sort_by_key(|o| (o.anchor().1, o.anchor().0));
    Finds { objects, tally, ..Finds::default() }
}

/// Marks the islets that the slide's edge cuts.
#[must_use]
pub fn relate(mut found: Vec<Object>, slide: &SlideGeometry) -> Vec<Object> {
    for islet in found.iter_mut().filter(|o| o.class.is(&ISLET)) {
        let (left, top, right, bottom) = islet.outline.bounds();
        let scale = f64::from(islet.outline.scale);
        let at = |v: i32| (f64::from(v) * scale).round() as i64;
        let (x0, y0, x1, y1) = (slide.bounds.x0, slide.bounds.y0, slide.bounds.x1(), slide.bounds.y1());
        let margin = scale.ceil() as i64;
        let cut = at(left) <= x0 + margin
            || at(top) <= y0 + margin
            || at(right) >= x1 - margin
            || at(bottom) >= y1 - margin;
        islet.values[CUT] = f32::from(u8::from(cut));
    }
    found
}

/// Place of `cut_by_edge` among the measurements of an islet.
const CUT: usize = 5;

/// Finds nuclei and other small objects in the core of one window.
#[must_use]
pub fn cells(field: &mut Field<'_>, structures: &StructureMap<'_>) -> Finds {
    if field.tissue.data().iter().all(|&t| t == 0) {
        return Finds::default();
    }
    let found = nuclei::segment(field);
    let places = Compartments::of(field, structures);
    let blood = islet_blood::mask(field, &places);
    let mut finds = Finds::default();
    let mut per_islet = PerIslet::new();
    let holes = during(Stage::Vacuoles, || vacuoles::find(field, &places, &blood, &mut finds));
    places.count(field, &holes, &blood, &found.mask, &mut finds, &mut per_islet);
    rims::count(field, &places, &found.mask, &mut per_islet);
    nuclei_of::count(field, &places, found, &mut finds, &mut per_islet);
    finds.objects.sort_by_key(|o| (o.anchor().1, o.anchor().0));
    finds.per_structure = per_islet.into_iter().collect();
    finds
}
