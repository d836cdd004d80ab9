//! The slide's structures, looked up from windows of the fine pass.

use crate::{
    raster::{Mask, Plane},
    segment::object::{Class, Object},
    tile::Window,
};

/// All structures of a slide, indexed by place.
pub struct StructureMap<'a> {
    structures: &'a [Object],
    /// (left, top, right, bottom) of each structure in level-0 pixels.
    bounds: Vec<[f64; 4]>,
}

impl<'a> StructureMap<'a> {
    /// Indexes the structures.
    #[must_use]
    pub fn new(structures: &'a [Object]) -> Self {
        let bounds = structures
            .iter()
            .map(|o| {
                let (l, t, r, b) = o.outline.bounds();
                [l, t, r, b].map(|v| f64::from(v) * f64::from(o.outline.scale))
            })
            .collect();
        Self { structures, bounds }
    }

    /// Returns all structures; the numbers painted by [`StructureMap::paint`] index this list, plus one.
    #[must_use]
    pub fn all(&self) -> &'a [Object] {
        self.structures
    }

    /// Paints the structures of the given classes into a window (halo included): 0 is none,
    /// otherwise the structure's index plus one. A pixel belongs to a structure when its centre
    /// lies inside the outline; later structures win where several overlap.
    #[must_use]
    pub fn paint(&self, window: &Window, classes: &[&'static Class]) -> Plane<u32> {
        let mut plane = Plane::filled(window.width(), window.height(), 0u32);
        self.for_each_in(window, classes, |i, object| fill(&mut plane, object, window, i as u32 + 1));
        plane
    }

    /// Returns 1 where a window (halo included) lies in a structure of the given classes.
    #[must_use]
    pub fn mask(&self, window: &Window, classes: &[&'static Class]) -> Mask {
        let mut mask = Mask::filled(window.width(), window.height(), 0);
        self.for_each_in(window, classes, |_, object| fill(&mut mask, object, window, 1));
        mask
    }

    /// Calls `each` with index and structure for those of the given classes whose box meets the window.
    fn for_each_in(&self, window: &Window, classes: &[&'static Class], mut each: impl FnMut(usize, &Object)) {
        let (x0, y0) = (window.left() as f64 * window.scale, window.top() as f64 * window.scale);
        let x1 = x0 + window.width() as f64 * window.scale;
        let y1 = y0 + window.height() as f64 * window.scale;
        for (i, (object, b)) in self.structures.iter().zip(&self.bounds).enumerate() {
            let apart = b[0] >= x1 || b[2] <= x0 || b[1] >= y1 || b[3] <= y0;
            if !apart && classes.iter().any(|c| c.is(object.class)) {
                each(i, object);
            }
        }
    }
}

/// Fills the pixels of `window` whose centres lie inside the object's outline with `value`.
pub fn fill<T: Copy>(plane: &mut Plane<T>, object: &Object, window: &Window, value: T) {
    let scale = f64::from(object.outline.scale) / window.scale;
    let (left, top) = (window.left() as f64, window.top() as f64);
    let corners: Vec<(f64, f64)> = object
        .outline
        .corners()
        .iter()
        .map(|&(x, y)| (f64::from(x) * scale - left, f64::from(y) * scale - top))
        .collect();
    fill_polygon(plane, &corners, value);
}

/// Fills the pixels whose centres lie inside a closed polygon (even–odd rule), corners in pixels of `plane`.
pub fn fill_polygon<T: Copy>(plane: &mut Plane<T>, corners: &[(f64, f64)], value: T) {
    let (w, h) = (plane.width(), plane.height());
    let edges = || corners.iter().zip(corners.iter().cycle().skip(1));
    let lowest = corners.iter().map(|c| c.1).fold(f64::INFINITY, f64::min);
    let highest = corners.iter().map(|c| c.1).fold(f64::NEG_INFINITY, f64::max);
    let first = (lowest - 0.5).ceil().clamp(0.0, h as f64) as usize;
    let last = (highest - 0.5).ceil().clamp(0.0, h as f64) as usize;
    if first >= last {
        return;
    }
    let mut crossings = vec![Vec::new(); last - first];
    for (&(ax, ay), &(bx, by)) in edges() {
        if ay == by {
            continue;
        }
        let (lo, hi) = if ay < by { (ay, by) } else { (by, ay) };
        let from = ((lo - 0.5).ceil().max(first as f64)) as usize;
        let to = ((hi - 0.5).ceil().clamp(0.0, last as f64)) as usize;
        for y in from..to {
            let t = (y as f64 + 0.5 - ay) / (by - ay);
            crossings[y - first].push(ax + t * (bx - ax));
        }
    }
    for (row, xs) in crossings.iter_mut().enumerate() {
        xs.sort_by(f64::total_cmp);
        for pair in xs.chunks_exact(2) {
            let from = (pair[0] - 0.5).ceil().clamp(0.0, w as f64) as usize;
            let to = (pair[1] - 0.5).ceil().clamp(0.0, w as f64) as usize;
            if from < to {
                plane.row_mut(first + row)[from..to].fill(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygon_fills_pixels_by_their_centres() {
        let mut plane = Plane::filled(5, 4, 0);
        fill_polygon(&mut plane, &[(1.0, 1.0), (4.0, 1.0), (4.0, 3.0), (1.0, 3.0)], 7);
        assert_eq!(plane.data(), [0, 0, 0, 0, 0, 0, 7, 7, 7, 0, 0, 7, 7, 7, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn polygon_reaching_outside_is_cut() {
        let mut plane = Plane::filled(3, 2, 0);
        fill_polygon(&mut plane, &[(-5.0, -5.0), (1.0, -5.0), (1.0, 9.0), (-5.0, 9.0)], 1);
        assert_eq!(plane.data(), [1, 0, 0, 1, 0, 0]);
    }
}
