//! Tears: long empty places inside the section that are neither round nor thin enough to be lumens or sinusoids.

use super::view::View;
use crate::{
    raster::{Mask, Plane},
    segment::{
        label::{Connectivity, label},
        morphology,
        shape::Shape,
    },
};

/// A tear is somewhere at least this wide, in µm [expert].
const WIDE_UM: f64 = 16.0;
/// Least length and area, in µm and µm² [expert].
const LEAST: (f64, f64) = (250.0, 6_000.0);
/// Least ratio of its axes [expert].
const ASPECT: f64 = 4.5;
/// Least solidity: gaps between lobules branch, a tear does not [expert].
const SOLID: f64 = 0.5;
/// What the view makes of the edge of a tear, in µm.
const RIM_UM: f64 = 5.0;

/// Returns 1 in tears of a section whose tissue, artefacts included, is `tissue`.
pub(super) fn find(view: &View, tissue: &Mask) -> Mask {
    let inside = morphology::fill_holes(tissue, u64::MAX);
    let mut empty = view.clear.clone();
    empty.data_mut().iter_mut().zip(inside.data()).for_each(|(e, &i)| *e &= i);
    let wide = morphology::open(&empty, view.mpp.px(WIDE_UM) / 2.0);
    let labels = label(&wide, Connectivity::Eight);
    let mut out: Mask = Plane::filled(wide.width(), wide.height(), 0);
    for (number, region) in (1u32..).zip(&labels.regions) {
        let px = view.mpp.px(1.0);
        if (region.area_px as f64) < view.px_area(LEAST.1) || (region.extent() as f64) < LEAST.0 * px / 1.5 {
            continue;
        }
        let shape = Shape::of(&labels.plane, region, number);
        if shape.major_px < LEAST.0 * px || shape.aspect_ratio < ASPECT || shape.solidity < SOLID {
            continue;
        }
        for y in region.y0..region.y1 {
            let row = &labels.plane.row(y)[region.x0..region.x1];
            let target = &mut out.row_mut(y)[region.x0..region.x1];
            target.iter_mut().zip(row).for_each(|(o, &v)| *o |= u8::from(v == number));
        }
    }
    morphology::dilate(&out, view.mpp.px(RIM_UM))
}
