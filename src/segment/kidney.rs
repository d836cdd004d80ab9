//! Structures and cells of the kidney.

use super::{
    field::Field,
    nuclei,
    object::{Class, Finds, Object},
    structures::StructureMap,
};
use crate::organ::SlideGeometry;

/// Every class either pass can return, in legend order.
pub const CLASSES: &[&Class] =
    &[&nuclei::ROUND, &nuclei::LYMPHOCYTE, &nuclei::NEUTROPHIL, &nuclei::ELONGATED, &nuclei::PYKNOTIC];

/// Finds the structures anchored in the core of one window of the coarse pass.
#[must_use]
pub fn structures(_field: &Field<'_>) -> Finds {
    Finds::default()
}

/// Looks at all structures of the slide at once.
#[must_use]
pub fn relate(found: Vec<Object>, _slide: &SlideGeometry) -> Vec<Object> {
    found
}

/// Finds nuclei and other small objects in the core of one window.
#[must_use]
pub fn cells(field: &Field<'_>, _structures: &StructureMap<'_>) -> Finds {
    let found = nuclei::segment(field).found;
    let objects = found.into_iter().filter(|n| n.in_core).map(|n| n.object).collect();
    Finds { objects, ..Finds::default() }
}
