//! Gaps so wide that the tissue mask takes them for glass.

use super::{FAT, LUMEN, OUTER_FAT, ground};
use crate::{
    raster::{Mask, Plane},
    segment::{field::Field, morphology, object::Object, structures::StructureMap},
    tile::TileSpec,
};

/// The tissue mask reaches this far beyond tissue, in µm: it is smoothed.
pub(super) const MASK_REACH_UM: f64 = 4.0;
/// Space between parts of the organ is a gap up to twice this width, in µm [expert].
const CLEFT_UM: f64 = 50.0;
/// A notch of the organ's outline that is nowhere further from the outside is no gap, in µm [expert].
const NOTCH_UM: f64 = 30.0;

/// Counts empty pixels of the core that are no tissue and no fat or lumen, but lie between tissue.
pub(super) fn count(field: &Field<'_>, structures: &[Object]) -> u64 {
    let tissue = morphology::erode(&field.tissue, field.px(MASK_REACH_UM));
    let between = between(field, &tissue);
    let empty = ground::empty(field, &Plane::filled(field.width(), field.height(), 0u8));
    let known = near_tissue(field);
    let others = StructureMap::new(structures).paint(&field.window, &[&FAT, &OUTER_FAT, &LUMEN]);
    let columns = field.window.core_columns();
    let mut gaps = 0;
    for y in field.window.core_rows() {
        let masks = between.row(y).iter().zip(known.row(y)).zip(empty.row(y)).zip(others.row(y));
        for (((&between, &known), &empty), &other) in masks.skip(columns.start).take(columns.len()) {
            gaps += u64::from(between & known & empty & u8::from(other == 0));
        }
    }
    gaps
}

/// Returns 1 between parts of the organ: narrow enough, and no mere notch of its outline.
fn between(field: &Field<'_>, tissue: &Mask) -> Mask {
    let closed = morphology::close(tissue, field.px(CLEFT_UM));
    let mut gap = closed.clone();
    gap.data_mut().iter_mut().zip(tissue.data()).for_each(|(g, &t)| *g &= 1 - t);
    let notch = field.px(NOTCH_UM);
    let mut deep = morphology::erode(&closed, notch);
    deep.data_mut().iter_mut().zip(gap.data()).for_each(|(d, &g)| *d &= g);
    let around = morphology::dilate(&deep, notch);
    gap.data_mut().iter_mut().zip(around.data()).for_each(|(g, &a)| *g &= a);
    gap
}

/// 1 in the core's squares of [`TileSpec::ALIGN`] pixels that hold tissue: whatever the grid, a window
/// that has them is looked at.
fn near_tissue(field: &Field<'_>) -> Mask {
    let side = TileSpec::ALIGN as usize;
    let mut out = Mask::filled(field.width(), field.height(), 0);
    let (columns, rows) = (field.window.core_columns(), field.window.core_rows());
    for y0 in rows.clone().step_by(side) {
        for x0 in columns.clone().step_by(side) {
            let (x1, y1) = ((x0 + side).min(columns.end), (y0 + side).min(rows.end));
            if (y0..y1).any(|y| field.tissue.row(y)[x0..x1].contains(&1)) {
                (y0..y1).for_each(|y| out.row_mut(y)[x0..x1].fill(1));
            }
        }
    }
    out
}
