//! Vacuoles of tubules: round white places at the base of their cells. Foam, blebs and brush border lie in the other half of the
//! epithelium, next to a lumen that they hide.

use super::{TUBULE, cells::Scene};
use crate::{
    raster::{Mask, Plane},
    segment::{
        distance,
        label::{Connectivity, Region, pieces},
        morphology,
    },
};

/// The base of an epithelium is half of it, and at most so deep, in µm: it holds the nuclei.
const BASE_UM: f64 = 6.0;
/// Vacuoles lie at least this far inside the epithelium, in µm; …
const WITHIN_UM: f64 = 1.5;
/// … they are at most this long, in µm, …
const VACUOLE_UM: f64 = 16.0;
/// … at least this large, in µm²: noise and the stripes of basal cytoplasm are smaller, …
const LEAST_UM2: f64 = 1.5;
/// … and take at least this share of a square as long as they are: gaps between cells are slender;
const ROUND: f64 = 0.4;
/// … they have no blood of a lumen this near, in µm, …
const OFF_BLOOD_UM: f64 = 2.0;
/// … and lie in epithelium by at least this share: gaps between crowded nuclei go on outside the tubule.
const IN_EPITHELIUM: f64 = 0.75;

/// Where a window shows vacuoles, and where it was looked for them.
#[derive(Default)]
pub(super) struct Vacuoles {
    /// 1 at the base of the epithelium of tubules.
    pub(super) base: Mask,
    /// 1 in a vacuole there.
    pub(super) found: Mask,
}

impl Vacuoles {
    /// Looks for vacuoles. Reaches [`BASE_UM`], [`VACUOLE_UM`] and [`OFF_BLOOD_UM`] beyond each pixel.
    pub(super) fn of(scene: &Scene<'_>, stray: &Mask) -> Self {
        let base = base(scene);
        let mut found = pieces_of_epithelium(scene, stray);
        for y in 0..found.height() {
            for (x, v) in found.row_mut(y).iter_mut().enumerate().filter(|(_, v)| **v != 0) {
                *v = u8::from(base.at(x, y) != 0 && is_within(scene, x, y));
            }
        }
        Self { base, found }
    }
}

/// 1 at the base of the epithelium of tubules.
fn base(scene: &Scene<'_>) -> Mask {
    let (width, height) = (scene.outer.width(), scene.outer.height());
    let deepest = scene.field.px(BASE_UM);
    let inside = distance::squared_up_to(&within_outlines(&scene.outer), (deepest * deepest) as u16 + 1);
    let mut base = Mask::filled(width, height, 0);
    for y in 0..height {
        scene.for_each_run(y, 0..width, |run, (outer, inner, _)| {
            if inner != 0 || !scene.class_is(outer, &TUBULE) {
                return;
            }
            let whole_um = scene.object(outer).value("epithelium_height_um").unwrap_or(0.0);
            let depth = scene.field.px(f64::from(whole_um) / 2.0).min(deepest);
            let most = (depth * depth) as u16;
            let pixels = base.row_mut(y)[run.clone()].iter_mut().zip(&inside.row(y)[run]);
            pixels.for_each(|(b, &d)| *b = u8::from(d <= most));
        });
    }
    base
}

/// 0 outside all structures, and where two of them meet.
fn within_outlines(outer: &Plane<u32>) -> Mask {
    let mut within = outer.map(|n| u8::from(n != 0));
    for y in 1..outer.height() {
        let (above, row) = (outer.row(y - 1), outer.row(y));
        let neighbours = row.iter().zip(&row[1..]).zip(&above[1..]);
        let alike = neighbours.map(|((left, own), up)| u8::from(left == own && up == own));
        within.row_mut(y)[1..].iter_mut().zip(alike).for_each(|(w, alike)| *w &= alike);
    }
    within
}

/// 1 where a small, round, white place lies in the epithelium of tubules.
fn pieces_of_epithelium(scene: &Scene<'_>, stray: &Mask) -> Mask {
    let mut white = scene.field.od.map(|od| u8::from(od < scene.levels.pale));
    let others = scene.nuclear.data().iter().zip(scene.red.data());
    white.data_mut().iter_mut().zip(others).for_each(|(w, (&n, &r))| *w &= (1 - n) & (1 - r));
    let blood = morphology::dilate(stray, scene.field.px(OFF_BLOOD_UM));
    let found = pieces(&white, Connectivity::Four);
    let (longest, least) = (scene.field.px(VACUOLE_UM), scene.field.window.mpp.px_area(LEAST_UM2));
    let fits = |region: &Region| {
        let (length, area) = (region.extent() as f64, region.area_px as f64);
        length <= longest && area >= least && area >= ROUND * length * length
    };
    let own = |y: usize, x: usize| scene.inner.at(x, y) == 0 && scene.class_is(scene.outer.at(x, y), &TUBULE);
    let mut vacuoles = Mask::filled(white.width(), white.height(), 0);
    for (i, region) in found.regions.iter().enumerate().filter(|(_, region)| fits(region)) {
        let runs = found.runs(i);
        let inside: usize = runs.iter().map(|r| (r.x0()..r.x1()).filter(|&x| own(r.y(), x)).count()).sum();
        let bloody = runs.iter().any(|r| blood.row(r.y())[r.x0()..r.x1()].contains(&1));
        if !bloody && inside as f64 >= IN_EPITHELIUM * region.area_px as f64 {
            runs.iter().for_each(|r| vacuoles.row_mut(r.y())[r.x0()..r.x1()].fill(1));
        }
    }
    vacuoles
}

/// Whether what lies on all four sides belongs to the same structures: gaps beside a tubule, and its lumen, are no vacuoles.
fn is_within(scene: &Scene<'_>, x: usize, y: usize) -> bool {
    let reach = scene.field.px(WITHIN_UM).round().max(1.0) as i64;
    let own = (scene.outer.at(x, y), scene.inner.at(x, y));
    let (x, y) = (x as i64, y as i64);
    [(reach, 0), (-reach, 0), (0, reach), (0, -reach)].iter().all(|&(dx, dy)| {
        let same = |plane: &Plane<u32>, own| plane.get(x + dx, y + dy).is_none_or(|n| n == own);
        same(&scene.outer, own.0) && same(&scene.inner, own.1)
    })
}
