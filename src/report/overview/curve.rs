//! From pixel outlines to smooth curves on a picture.

use super::picture::At;
use crate::segment::object::Outline;

/// Where a picture lies on the slide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Left edge in level-0 pixels.
    pub(super) x0: f64,
    /// Top edge in level-0 pixels.
    pub(super) y0: f64,
    /// Level-0 pixels per pixel of the picture.
    pub(super) scale: f64,
}

/// Weights of the corners around a corner. Takes the stairs out of a line without moving it.
const SMOOTH: [f64; 5] = [1.0, 2.0, 3.0, 2.0, 1.0];
/// Points of a curve are at least this far apart, in pixels of the picture.
const APART_PX: f32 = 0.8;

impl Frame {
    /// Returns the place of a level-0 position on the picture.
    pub(super) fn at(self, x: f64, y: f64) -> At {
        (((x - self.x0) / self.scale) as f32, ((y - self.y0) / self.scale) as f32)
    }

    /// Returns an object's outline as a smooth closed curve on the picture.
    pub(super) fn curve(self, outline: &Outline) -> Vec<At> {
        let (mut x, mut y) = outline.start;
        let corners: Vec<(f64, f64)> = outline
            .steps()
            .map(|step| {
                let here = (f64::from(x), f64::from(y));
                let (dx, dy) = step.delta();
                (x, y) = (x + dx, y + dy);
                here
            })
            .collect();
        self.smooth(&corners, f64::from(outline.scale))
    }

    /// Smooths a closed walk of unit steps whose positions are in units of `unit` level-0 pixels.
    pub(super) fn smooth(self, walk: &[(f64, f64)], unit: f64) -> Vec<At> {
        let n = walk.len();
        let sum: f64 = SMOOTH.iter().sum();
        let mut curve: Vec<At> = Vec::new();
        for i in 0..n {
            let (mut x, mut y) = (0.0, 0.0);
            for (k, weight) in SMOOTH.iter().enumerate() {
                let near = walk[(i + n * SMOOTH.len() + k - SMOOTH.len() / 2) % n];
                (x, y) = (x + near.0 * weight, y + near.1 * weight);
            }
            let at = self.at(x / sum * unit, y / sum * unit);
            if curve.last().is_none_or(|last| (last.0 - at.0).hypot(last.1 - at.1) >= APART_PX) {
                curve.push(at);
            }
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::object::Step;

    #[test]
    fn curves_keep_place_and_size() {
        let side = |step| std::iter::repeat_n(step, 40);
        let steps: Vec<Step> =
            [Step::Right, Step::Down, Step::Left, Step::Up].into_iter().flat_map(side).collect();
        let outline = Outline::new((10, 20), 2.0, &steps);
        let curve = Frame { x0: 20.0, y0: 0.0, scale: 4.0 }.curve(&outline);
        let span = |pick: fn(&At) -> f32| {
            curve.iter().map(pick).fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v)))
        };
        assert_eq!((span(|p| p.0), span(|p| p.1)), ((0.0, 20.0), (10.0, 30.0)));
        assert!(curve.len() <= 110, "{}", curve.len());
    }
}
