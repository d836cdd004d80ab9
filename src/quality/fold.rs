//! Folds: tissue that lies double absorbs twice as much of every colour. What is dense for its nuclei or its blood
//! alone does not.

use super::view::View;
use crate::{
    raster::Mask,
    segment::{
        label::{Connectivity, pieces},
        morphology, shape,
    },
};

/// Densities are averaged over this, in µm, so that nuclei are not folds [expert].
const SMOOTH_UM: f64 = 20.0;
/// A fold is somewhere so many times as dense as the slide's median tissue in red and in green [expert] …
const SURE: f64 = 1.62;
/// … and reaches as far as tissue is so many times as dense [expert].
const EDGE: f64 = 1.36;
/// Red over green of a fold, over that of the slide's tissue [expert].
const HUE: (f64, f64) = (0.72, 1.38);
/// Least fold, in µm² [expert].
const LEAST_UM2: f64 = 4_000.0;
/// A fold is longer than wide: least ratio of the axes, unless it is large [expert].
const LEAST_ASPECT: f64 = 1.8;
/// From this area on a fold may have any shape, in µm² [expert].
const LARGE_UM2: f64 = 60_000.0;
/// Tissue that is enough to tell what is usual, in mm² [expert].
const LEAST_TISSUE_MM2: f64 = 0.1;
/// Gaps of up to this width inside a fold belong to it, and a rim of half of it, in µm.
const CLOSE_UM: f64 = 14.0;

/// Returns 1 where tissue lies double.
pub(super) fn find(view: &View) -> Mask {
    let [red, green, _] = view.solid(SMOOTH_UM);
    let (usual_red, usual_green) = (view.quantile(&red, 0.5).max(1.0), view.quantile(&green, 0.5).max(1.0));
    if view.mpp.area_mm2(view.tissue.count()) < LEAST_TISSUE_MM2 {
        return Mask::filled(red.width(), red.height(), 0);
    }
    let hue = usual_red / usual_green;
    let dense = |times: f64| {
        let mut mask = Mask::filled(red.width(), red.height(), 0);
        let places = red.data().iter().zip(green.data()).zip(view.tissue.data());
        for (m, ((&r, &g), &tissue)) in mask.data_mut().iter_mut().zip(places) {
            let [r, g] = [r, g].map(f64::from);
            let same_hue = (HUE.0..HUE.1).contains(&(r / g.max(1.0) / hue));
            *m = u8::from(tissue != 0 && same_hue && r >= times * usual_red && g >= times * usual_green);
        }
        mask
    };
    let (edge, sure) = (dense(EDGE), dense(SURE));
    let found = pieces(&edge, Connectivity::Eight);
    let mut out = Mask::filled(edge.width(), edge.height(), 0);
    for (i, region) in found.regions.iter().enumerate() {
        let runs = found.runs(i);
        let area = region.area_px as f64;
        let seeds: usize =
            runs.iter().map(|run| sure.row(run.y)[run.x0..run.x1].iter().filter(|&&s| s != 0).count()).sum();
        let shaped = area >= view.px_area(LARGE_UM2) || shape::aspect_ratio(region, runs) >= LEAST_ASPECT;
        if area >= view.px_area(LEAST_UM2) && 4 * seeds >= region.area_px as usize && shaped {
            found.paint(i, &mut out, 1);
        }
    }
    let rim = view.mpp.px(CLOSE_UM) / 2.0;
    morphology::dilate(&morphology::close(&out, rim), rim)
}
