//! Vessels on the coarse pass: lumina that are too large or too bloody for fat.

use crate::{
    raster::Mask,
    segment::{
        contour,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        morphology,
        object::{Class, Finds, Object, anchored_in},
        red_cells,
        shape::Shape,
    },
};

const MEASUREMENTS: &[&str] = &["minor_axis_um", "major_axis_um", "circularity", "solidity", "blood_pct"];

const fn structure(name: &'static str, colour: [u8; 3]) -> Class {
    Class { name, layer: "structures", colour, measurements: MEASUREMENTS }
}

/// Lumen of a central vein: 30–200 µm wide, without a cuff of collagen.
pub static CENTRAL_VEIN: Class = structure("central vein", [0, 112, 255]);
/// Any other vessel's lumen.
pub static VESSEL: Class = structure("vessel", [0, 192, 255]);
/// Portal tract.
pub static PORTAL_TRACT: Class = structure("portal tract", [160, 64, 224]);

/// What is no parenchyma.
pub const CLASSES: &[&Class] = &[&CENTRAL_VEIN, &VESSEL, &PORTAL_TRACT];

/// Narrowest lumen, in µm: wider than sinusoids.
const LUMEN_UM: f64 = 20.0;
/// Smallest lumen, in µm².
const MIN_UM2: f64 = 700.0;
/// Longest lumen, in µm: the halo, so that none is cut by a window's edge.
const MAX_EXTENT_UM: f64 = 380.0;
/// Lumina up to this area may be fat instead, in µm² …
const FAT_UP_TO_UM2: f64 = 2_500.0;
/// … if they are this round …
const FAT_CIRCULARITY: f64 = 0.75;
/// … and hold less blood than this share.
const FAT_MAX_BLOOD: f64 = 0.03;
/// Tears are less solid than this.
const MIN_SOLIDITY: f64 = 0.75;
/// A lumen this near to what is no tissue is a tear, in µm.
const FROM_OUTSIDE_UM: f64 = 6.0;
/// Shortest axis of a central vein, in µm (domain.md §2.2.1: 40–150) [expert].
const CENTRAL_UM: std::ops::RangeInclusive<f64> = 30.0..=200.0;

/// Finds the vessels anchored in the core of one window.
pub(super) fn find(field: &Field<'_>) -> Finds {
    let blood = red_cells::mask(field);
    let mut lumen = blood.clone();
    for ((l, &c), &t) in lumen.data_mut().iter_mut().zip(field.clear.data()).zip(field.tissue.data()) {
        *l = (*l | c) & t;
    }
    let closed = morphology::close(&lumen, field.px(2.0));
    let opened = morphology::open(&closed, field.px(LUMEN_UM / 2.0));
    let outside = morphology::dilate(&field.tissue.map(|v| v ^ 1), field.px(FROM_OUTSIDE_UM));
    let labels = label(&opened, Connectivity::Four);
    let objects = (0..labels.regions.len())
        .filter_map(|i| vessel(field, &labels, i, &blood, &outside))
        .filter(|o| anchored_in(&field.window, o.anchor()))
        .collect();
    Finds { objects, ..Finds::default() }
}

fn vessel(field: &Field<'_>, labels: &Labels, index: usize, blood: &Mask, outside: &Mask) -> Option<Object> {
    let (region, number) = (&labels.regions[index], index as u32 + 1);
    let mpp = field.window.mpp;
    let area = mpp.area_um2(region.area_px);
    if area < MIN_UM2 || region.extent() as f64 > field.px(MAX_EXTENT_UM) || region.touches_edge {
        return None;
    }
    if count_in(labels, region, number, outside) > 0 {
        return None;
    }
    let shape = Shape::of(&labels.plane, region, number);
    let bloody = count_in(labels, region, number, blood) as f64 / region.area_px as f64;
    let may_be_fat = area <= FAT_UP_TO_UM2 && shape.circularity >= FAT_CIRCULARITY && bloody < FAT_MAX_BLOOD;
    if may_be_fat || shape.solidity < MIN_SOLIDITY {
        return None;
    }
    let (minor, major) = (shape.minor_px * mpp.mean(), shape.major_px * mpp.mean());
    let class = if CENTRAL_UM.contains(&minor) { &CENTRAL_VEIN } else { &VESSEL };
    let values = [minor, major, shape.circularity, shape.solidity, 100.0 * bloody, 0.0, 0.0, 0.0];
    let values = values.map(|v| v as f32);
    Some(contour::object(class, &labels.plane, region, number, &field.window, values))
}

/// Pixels of a region that are set in a mask.
fn count_in(labels: &Labels, region: &Region, number: u32, mask: &Mask) -> u64 {
    let columns = region.x0..region.x1;
    (region.y0..region.y1)
        .map(|y| {
            let row = labels.plane.row(y)[columns.clone()].iter().zip(&mask.row(y)[columns.clone()]);
            row.filter(|(n, m)| **n == number && **m != 0).count() as u64
        })
        .sum()
}
