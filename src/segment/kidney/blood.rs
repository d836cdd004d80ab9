//! Blood where none belongs: in the lumens of tubules and in Bowman's spaces.

use super::{GLOMERULUS, LUMEN, TUFT, cells::Scene};
use crate::raster::Mask;

/// Blood this far inside the outline of a tubule, in µm, lies in its lumen: one that is full of blood is not found as a lumen.
const BLOOD_WITHIN_UM: f64 = 6.0;
/// Blood that goes on from a lumen this far, in µm, is the lumen's: epithelium lies between it and the capillaries.
const GOES_ON_UM: f64 = 8.0;

/// Returns 1 where red blood cells lie in a lumen or in Bowman's space, or hang together with those that do. Reaches
/// [`BLOOD_WITHIN_UM`] and [`GOES_ON_UM`] beyond each pixel.
pub(super) fn stray(scene: &Scene<'_>) -> Mask {
    let (width, height) = (scene.red.width(), scene.red.height());
    let mut stray = Mask::filled(width, height, 0);
    let mut edge = Vec::new();
    for y in 0..height {
        let red = scene.red.row(y);
        scene.for_each_run(y, 0..width, |run, (outer, inner, _)| {
            if outer == 0 || scene.class_is(inner, &TUFT) {
                return;
            }
            let open = scene.class_is(outer, &GLOMERULUS) || scene.class_is(inner, &LUMEN);
            for x in run.filter(|&x| red[x] != 0).filter(|&x| open || is_deep(scene, x, y)) {
                stray.set(x, y, 1);
                edge.push((x, y));
            }
        });
    }
    for _ in 0..scene.field.px(GOES_ON_UM).round() as usize {
        edge =
            edge.iter().flat_map(|&at| beside(at, &stray)).filter(|&(x, y)| goes_on(scene, x, y)).collect();
        edge.iter().for_each(|&(x, y)| stray.set(x, y, 1));
    }
    stray
}

/// The places beside one that are not on a mask yet.
fn beside((x, y): (usize, usize), mask: &Mask) -> impl Iterator<Item = (usize, usize)> + use<'_> {
    let around = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
    around.into_iter().filter(|&(x, y)| mask.get(x as i64, y as i64) == Some(0))
}

/// Whether a place beside blood of a lumen holds more of it.
fn goes_on(scene: &Scene<'_>, x: usize, y: usize) -> bool {
    scene.red.at(x, y) != 0 && !scene.class_is(scene.inner.at(x, y), &TUFT)
}

/// Whether what lies on all four sides belongs to the same tubule or glomerulus.
fn is_deep(scene: &Scene<'_>, x: usize, y: usize) -> bool {
    let reach = scene.field.px(BLOOD_WITHIN_UM).round().max(1.0) as i64;
    let (own, x, y) = (scene.outer.at(x, y), x as i64, y as i64);
    let around = [(reach, 0), (-reach, 0), (0, reach), (0, -reach)];
    around.iter().all(|&(dx, dy)| scene.outer.get(x + dx, y + dy).is_none_or(|n| n == own))
}
