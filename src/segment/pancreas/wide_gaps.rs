//! Gaps so wide that the tissue mask takes them for glass.

use super::{FAT, LUMEN, OUTER_FAT};
use crate::{
    raster::Mask,
    segment::{field::Field, morphology, object::Object, structures::StructureMap},
    tile::TileSpec,
};

/// Space between parts of the organ is a gap up to twice this width, in µm [expert].
const CLEFT_UM: f64 = 40.0;

/// Counts pixels of the core that are no tissue and no fat or lumen, but lie between tissue.
pub(super) fn count(field: &Field<'_>, structures: &[Object]) -> u64 {
    let between = morphology::close(&field.tissue, field.px(CLEFT_UM));
    let known = near_tissue(field);
    let others = StructureMap::new(structures).paint(&field.window, &[&FAT, &OUTER_FAT, &LUMEN]);
    let columns = field.window.core_columns();
    let mut gaps = 0;
    for y in field.window.core_rows() {
        let masks = between.row(y).iter().zip(known.row(y)).zip(field.tissue.row(y)).zip(others.row(y));
        for (((&between, &known), &tissue), &other) in masks.skip(columns.start).take(columns.len()) {
            gaps += u64::from(between & known & (1 - tissue) & u8::from(other == 0));
        }
    }
    gaps
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
