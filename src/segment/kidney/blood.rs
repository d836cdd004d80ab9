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
    // Not into tufts, whose blood is where it belongs.
    let goes_on =
        |x: usize, y: usize| scene.red.at(x, y) != 0 && !scene.class_is(scene.inner.at(x, y), &TUFT);
    grow(&mut stray, edge, scene.field.px(GOES_ON_UM).round() as usize, goes_on);
    stray
}

/// Grows what is set on a mask, of which `edge` are the outermost pixels, by some steps into pixels beside it that fit. Each
/// pixel is met once.
fn grow(mask: &mut Mask, mut edge: Vec<(usize, usize)>, steps: usize, fits: impl Fn(usize, usize) -> bool) {
    for _ in 0..steps {
        let mut next = Vec::new();
        for (x, y) in edge {
            for (x, y) in [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)] {
                if mask.get(x as i64, y as i64) == Some(0) && fits(x, y) {
                    mask.set(x, y, 1);
                    next.push((x, y));
                }
            }
        }
        edge = next;
    }
}

/// Whether what lies on all four sides belongs to the same tubule.
fn is_deep(scene: &Scene<'_>, x: usize, y: usize) -> bool {
    let reach = scene.field.px(BLOOD_WITHIN_UM).round().max(1.0) as i64;
    let (own, x, y) = (scene.outer.at(x, y), x as i64, y as i64);
    let around = [(reach, 0), (-reach, 0), (0, reach), (0, -reach)];
    around.iter().all(|&(dx, dy)| scene.outer.get(x + dx, y + dy).is_none_or(|n| n == own))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn growth_meets_every_pixel_once() {
        let (mut mask, asked) = (Mask::filled(9, 9, 0), Cell::new(0));
        mask.set(0, 4, 1);
        let fits = |x: usize, _: usize| {
            asked.set(asked.get() + 1);
            x < 3
        };
        grow(&mut mask, vec![(0, 4)], 4, fits);
        let set: Vec<usize> = (0..9).map(|y| mask.row(y).iter().map(|&v| usize::from(v)).sum()).collect();
        assert_eq!(set, [1, 2, 3, 3, 3, 3, 3, 2, 1]);
        // Those that were joined, and the places beside them in the column that does not fit.
        assert!(asked.get() <= 20 + 5, "{}", asked.get());
    }
}
