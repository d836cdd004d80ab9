//! Blood that ran out at the edge of the section: a pool of red cells beside glass.

use super::view::View;
use crate::{
    raster::Mask,
    segment::{
        label::{Connectivity, pieces},
        morphology,
    },
};

/// Densities are averaged over this, in µm [expert].
const SMOOTH_UM: f64 = 12.0;
/// Least sum of the densities, × 100 [expert].
const LEAST_OD: f64 = 55.0;
/// Least blue over green: haemoglobin absorbs more blue than eosin does [expert].
const LEAST_BLUE: f64 = 0.86;
/// Most red over green: there are no nuclei [expert].
const MOST_RED: f64 = 0.36;
/// Least pool, in µm² [expert].
const LEAST_UM2: f64 = 5_000.0;
/// How far from the edge such blood lies, in µm (domain.md §2.1) [expert].
const FROM_EDGE_UM: f64 = 200.0;
/// Empty places larger than this are glass beside the section, in µm² [expert].
const GLASS_UM2: f64 = 200_000.0;
/// Rim that the averaging hides, in µm.
const RIM_UM: f64 = 6.0;

/// Returns 1 in pools of blood at the edge.
pub(super) fn find(view: &View) -> Mask {
    let [red, green, blue] = view.smooth(SMOOTH_UM);
    let mut pool = Mask::filled(red.width(), red.height(), 0);
    let densities = red.data().iter().zip(green.data()).zip(blue.data());
    for ((p, ((&r, &g), &b)), &tissue) in pool.data_mut().iter_mut().zip(densities).zip(view.tissue.data()) {
        let [r, g, b] = [r, g, b].map(f64::from);
        let blood = r + g + b >= LEAST_OD && b >= LEAST_BLUE * g && r <= MOST_RED * g;
        *p = u8::from(tissue != 0 && blood);
    }
    let outside = glass(view, &pool);
    let near = morphology::dilate(&outside, view.mpp.px(FROM_EDGE_UM));
    let touching = morphology::dilate(&outside, view.mpp.px(20.0));
    let found = pieces(&pool, Connectivity::Eight);
    let mut out = Mask::filled(pool.width(), pool.height(), 0);
    for (i, region) in found.regions.iter().enumerate() {
        let runs = found.runs(i);
        let count = |mask: &Mask| -> u64 {
            runs.iter()
                .map(|r| mask.row(r.y())[r.x0()..r.x1()].iter().map(|&v| u64::from(v)).sum::<u64>())
                .sum()
        };
        let large = region.area_px as f64 >= view.px_area(LEAST_UM2);
        if large && count(&touching) > 0 && 2 * count(&near) >= region.area_px {
            found.paint(i, &mut out, 1);
        }
    }
    morphology::dilate(&out, view.mpp.px(RIM_UM))
}

/// Returns 1 on the glass around the section. What only pools cut off from it belongs to it.
fn glass(view: &View, pool: &Mask) -> Mask {
    let mut open = view.tissue.map(|t| 1 - t);
    let empty = open.clone();
    let pool = morphology::dilate(pool, view.mpp.px(2.0 * RIM_UM));
    open.data_mut().iter_mut().zip(pool.data()).for_each(|(o, &p)| *o |= p);
    let mut out = Mask::filled(open.width(), open.height(), 0);
    let found = pieces(&open, Connectivity::Eight);
    for i in 0..found.regions.len() {
        let runs = found.runs(i);
        let clear: u64 = runs
            .iter()
            .map(|r| empty.row(r.y())[r.x0()..r.x1()].iter().map(|&v| u64::from(v)).sum::<u64>())
            .sum();
        if clear as f64 >= view.px_area(GLASS_UM2) {
            found.paint(i, &mut out, 1);
        }
    }
    out.data_mut().iter_mut().zip(empty.data()).for_each(|(o, &e)| *o &= e);
    out
}
