//! Folds: tissue that lies double absorbs twice as much of every colour. What is dense for its nuclei or its blood
//! alone does not.

use super::view::View;
use crate::{
    raster::{Mask, Plane},
    segment::{
        label::{Connectivity, Pieces, Run, pieces},
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
/// Least share of a fold that is sure, and of a part beside another one [expert].
const SURE_SHARE: (f64, f64) = (0.25, 0.5);
/// Least fold, and least part of one beside another part, in µm² [expert].
const LEAST_UM2: (f64, f64) = (4_000.0, 1_500.0);
/// A fold is longer than wide: least ratio of the axes, unless it is large [expert].
const LEAST_ASPECT: f64 = 1.8;
/// From this area on a fold may have any shape, in µm² [expert].
const LARGE_UM2: f64 = 60_000.0;
/// Tissue that is enough to tell what is usual, in mm² [expert].
const LEAST_TISSUE_MM2: f64 = 0.1;
/// Vessels and gaps between lobules cut a fold into parts up to this far apart, in µm [expert].
const APART_UM: f64 = 150.0;
/// Gaps of up to this width inside a fold belong to it, in µm, …
const CLOSE_UM: f64 = 24.0;
/// … and holes of up to this area, in µm².
const HOLE_UM2: f64 = 6_000.0;
/// Rim that is taken out with it, in µm.
const RIM_UM: f64 = 5.0;

/// Returns 1 where tissue lies double.
pub(super) fn find(view: &View) -> Mask {
    if view.mpp.area_mm2(view.tissue.count()) < LEAST_TISSUE_MM2 {
        return Mask::filled(view.tissue.width(), view.tissue.height(), 0);
    }
    let density = Density::of(view);
    let (edge, sure) = (density.from(EDGE, view), density.from(SURE, view));
    let parts = of_folds(view, &pieces(&edge, Connectivity::Eight), &sure);
    let closed = morphology::close(&parts, view.mpp.px(CLOSE_UM) / 2.0);
    let filled = morphology::fill_holes(&closed, view.px_area(HOLE_UM2) as u64);
    morphology::dilate(&filled, view.mpp.px(RIM_UM))
}

/// Density of solid tissue in red and green, and what is usual on the slide.
struct Density {
    red: Plane<u8>,
    green: Plane<u8>,
    usual: [f64; 2],
}

impl Density {
    fn of(view: &View) -> Self {
        let [red, green, _] = view.solid(SMOOTH_UM);
        let usual = [&red, &green].map(|plane| view.quantile(plane, 0.5).max(1.0));
        Self { red, green, usual }
    }

    /// Returns 1 where tissue is so many times as dense as usual in both, and of its hue.
    fn from(&self, times: f64, view: &View) -> Mask {
        let [usual_red, usual_green] = self.usual;
        let hue = usual_red / usual_green;
        let mut mask = Mask::filled(self.red.width(), self.red.height(), 0);
        let places = self.red.data().iter().zip(self.green.data()).zip(view.tissue.data());
        for (m, ((&r, &g), &tissue)) in mask.data_mut().iter_mut().zip(places) {
            let [r, g] = [r, g].map(f64::from);
            let same_hue = (HUE.0..HUE.1).contains(&(r / g.max(1.0) / hue));
            *m = u8::from(tissue != 0 && same_hue && r >= times * usual_red && g >= times * usual_green);
        }
        mask
    }
}

/// Paints the pieces that are folds, and those beside them that are as dense.
fn of_folds(view: &View, found: &Pieces, sure: &Mask) -> Mask {
    let mut out = Mask::filled(sure.width(), sure.height(), 0);
    let mut parts = Vec::new();
    for (i, region) in found.regions.iter().enumerate() {
        let (runs, area) = (found.runs(i), region.area_px as f64);
        let share = count(sure, runs) as f64 / area;
        let shaped = area >= view.px_area(LARGE_UM2) || shape::aspect_ratio(region, runs) >= LEAST_ASPECT;
        if area >= view.px_area(LEAST_UM2.0) && share >= SURE_SHARE.0 && shaped {
            found.paint(i, &mut out, 1);
        } else if area >= view.px_area(LEAST_UM2.1) && share >= SURE_SHARE.1 {
            parts.push(i);
        }
    }
    let near = morphology::dilate(&out, view.mpp.px(APART_UM));
    for i in parts {
        if count(&near, found.runs(i)) > 0 {
            found.paint(i, &mut out, 1);
        }
    }
    out
}

fn count(mask: &Mask, runs: &[Run]) -> usize {
    runs.iter().map(|run| mask.row(run.y())[run.x0()..run.x1()].iter().filter(|&&v| v != 0).count()).sum()
}
