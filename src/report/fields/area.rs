//! Areas of objects, cut to fields and to tissue.

use crate::{
    geometry::{Point, Rect},
    pipeline::{SlideResult, zones},
    raster::Plane,
    segment::{
        object::{Class, Object},
        structures::fill_polygon,
    },
    tissue::TissueMask,
    units::UM2_PER_MM2,
};

/// Objects of fewer pixels of the tissue mask lie on tissue, where they were found.
const SMALL_PX: f64 = 64.0;

/// What areas are measured on.
pub(super) struct Areas<'a> {
    tissue: &'a TissueMask,
    /// Number of the structure whose zone a pixel of the mask lies in, 0 for none.
    zones: Plane<u32>,
    /// Classes by number less one.
    classes: Vec<&'static Class>,
    /// Area of a level-0 pixel.
    px_mm2: f64,
    /// Area of a pixel of the mask.
    mask_um2: f64,
}

/// The outline of an object in level-0 pixels.
pub(super) struct Shape<'a> {
    object: &'a Object,
    /// Left, top, right, bottom.
    bounds: [f64; 4],
}

impl Shape<'_> {
    /// Returns whether its box and a rectangle have an area in common.
    pub(super) fn meets(&self, rect: Rect) -> bool {
        let [left, top, right, bottom] = self.bounds;
        let [x0, y0, x1, y1] = edges(rect);
        left < x1 && x0 < right && top < y1 && y0 < bottom
    }

    fn lies_in(&self, rect: Rect) -> bool {
        let [left, top, right, bottom] = self.bounds;
        let [x0, y0, x1, y1] = edges(rect);
        x0 <= left && right <= x1 && y0 <= top && bottom <= y1
    }
}

impl<'a> Areas<'a> {
    pub(super) fn of(result: &'a SlideResult) -> Self {
        let mpp = result.summary.calibration.mpp;
        let tissue = &result.tissue;
        let (mut zones, window) = zones::map(result.structures.iter(), tissue, mpp);
        for y in 0..zones.height() {
            let row = zones.row_mut(y).iter_mut().enumerate();
            row.filter(|(x, _)| !tissue.solid.at(*x, y)).for_each(|(_, zone)| *zone = 0);
        }
        let classes = result.structures.iter().map(|o| o.class).collect();
        Self { tissue, zones, classes, px_mm2: mpp.area_mm2(1), mask_um2: window.mpp.area_um2(1) }
    }

    /// Returns the tissue in a rectangle, in mm².
    pub(super) fn tissue_mm2(&self, rect: Rect) -> f64 {
        self.tissue.solid_share(rect) * rect.area_px() as f64 * self.px_mm2
    }

    /// Returns all tissue, in mm².
    pub(super) fn section_mm2(&self) -> f64 {
        self.tissue.solid.count() as f64 * self.tissue.scale.powi(2) * self.px_mm2
    }

    /// Returns the area of a zone in a rectangle, or on the whole section, in µm².
    pub(super) fn zone_um2(&self, class: &Class, rect: Option<Rect>) -> f64 {
        let is_own = |&&number: &&u32| {
            let place = (number as usize).checked_sub(1);
            place.and_then(|i| self.classes.get(i)).is_some_and(|c| c.is(class))
        };
        let Some(rect) = rect else {
            let px = self.zones.data().iter().filter(is_own).count();
            return px as f64 * self.tissue.scale.powi(2) * self.px_mm2 * UM2_PER_MM2;
        };
        // As the tissue of a rectangle is measured, so that no zone is larger than it.
        let (columns, rows) = self.tissue.span(rect);
        let all = columns.len() * rows.len();
        let px: usize = rows.map(|y| self.zones.row(y)[columns.clone()].iter().filter(is_own).count()).sum();
        px as f64 / all.max(1) as f64 * rect.area_px() as f64 * self.px_mm2 * UM2_PER_MM2
    }

    /// Returns an object's outline.
    pub(super) fn shape<'o>(&self, object: &'o Object) -> Shape<'o> {
        let scale = f64::from(object.outline.scale);
        let (left, top, right, bottom) = object.outline.bounds();
        Shape { object, bounds: [left, top, right, bottom].map(|v| f64::from(v) * scale) }
    }

    /// Returns an object's area in a rectangle, or all of it, as far as it lies on tissue, in µm².
    pub(super) fn um2(&self, shape: &Shape<'_>, rect: Option<Rect>) -> f64 {
        let whole = f64::from(shape.object.area_um2);
        let is_small = whole < SMALL_PX * self.mask_um2;
        match rect {
            Some(rect) if !shape.meets(rect) => 0.0,
            Some(rect) if !shape.lies_in(rect) => {
                let points = shape.object.outline.points();
                let inside = clipped(&points, edges(rect));
                let share = polygon_area(&inside) / polygon_area(&points).max(f64::MIN_POSITIVE);
                whole * share.min(1.0) * if is_small { 1.0 } else { self.on_tissue(&inside) }
            }
            _ if is_small => whole,
            _ => whole * self.on_tissue(&shape.object.outline.points()),
        }
    }

    /// Returns the share of a polygon that is tissue.
    fn on_tissue(&self, points: &[Point]) -> f64 {
        let ends = |of: fn(&Point) -> f64| {
            let values = points.iter().map(|p| of(p) / self.tissue.scale);
            let low = values.clone().fold(f64::INFINITY, f64::min).floor().max(0.0);
            (low as usize, values.fold(0.0, f64::max).ceil() as usize)
        };
        let mask = &self.tissue.mask;
        let ((x0, x1), (y0, y1)) = (ends(|p| p.x), ends(|p| p.y));
        let (x1, y1) = (x1.min(mask.width()), y1.min(mask.height()));
        if x0 >= x1 || y0 >= y1 {
            return 1.0;
        }
        let mut inside = Plane::filled(x1 - x0, y1 - y0, 0u8);
        let at = |p: &Point| (p.x / self.tissue.scale - x0 as f64, p.y / self.tissue.scale - y0 as f64);
        fill_polygon(&mut inside, &points.iter().map(at).collect::<Vec<_>>(), 1);
        let (mut all, mut tissue) = (0u64, 0u64);
        for y in y0..y1 {
            for (&inside, &mask) in inside.row(y - y0).iter().zip(&mask.row(y)[x0..x1]) {
                all += u64::from(inside);
                tissue += u64::from(inside != 0 && mask != 0);
            }
        }
        if all == 0 { 1.0 } else { tissue as f64 / all as f64 }
    }
}

fn edges(rect: Rect) -> [f64; 4] {
    [rect.x0, rect.y0, rect.x1(), rect.y1()].map(|v| v as f64)
}

/// Cuts a polygon to a rectangle, one side after the other (Sutherland and Hodgman 1974). Of a polygon in several parts the
/// parts are joined along the rectangle's sides, which changes no area.
fn clipped(points: &[Point], [left, top, right, bottom]: [f64; 4]) -> Vec<Point> {
    type Coordinate = fn(&Point) -> f64;
    let (x, y): (Coordinate, Coordinate) = (|p| p.x, |p| p.y);
    let mut inside = points.to_vec();
    for (of, limit, sign) in [(x, left, 1.0), (x, right, -1.0), (y, top, 1.0), (y, bottom, -1.0)] {
        // Positive inside.
        let depth = |p: &Point| sign * (of(p) - limit);
        let mut kept = Vec::with_capacity(inside.len());
        for (a, b) in inside.iter().zip(inside.iter().cycle().skip(1)) {
            let (from, to) = (depth(a), depth(b));
            if from >= 0.0 {
                kept.push(*a);
            }
            if (from > 0.0 && to < 0.0) || (from < 0.0 && to > 0.0) {
                let t = from / (from - to);
                kept.push(Point { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) });
            }
        }
        inside = kept;
    }
    inside
}

/// Area of a polygon, in square level-0 pixels.
fn polygon_area(points: &[Point]) -> f64 {
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>().abs() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::Mask,
        report::test_slide,
        segment::{
            kidney::{CORTEX, GLOMERULUS},
            object::{Outline, Step},
        },
    };

    /// A square of level-0 pixels, 0.25 µm each.
    fn square(class: &'static Class, (x, y): (i32, i32), side: usize) -> Object {
        let steps = [Step::Right, Step::Down, Step::Left, Step::Up].map(|step| vec![step; side]).concat();
        let mut object = test_slide::object(class, (0, 0), 1.0, &[]);
        object.outline = Outline::new((x, y), 1.0, &steps);
        object.area_um2 = (side * side) as f32 / 16.0;
        object
    }

    /// A slide of 4000 × 2000 px, its left half tissue.
    fn slide(structures: Vec<Object>) -> SlideResult {
        let mut mask = Mask::filled(400, 200, 0);
        (0..200).for_each(|y| mask.row_mut(y)[..200].fill(1));
        let tissue = TissueMask::painted(mask, 0.25);
        let (summary, artefacts) = (test_slide::summary(false), Plane::filled(400, 200, 0));
        SlideResult { summary, tissue, artefacts, structures, cells: Vec::new() }
    }

    #[test]
    fn areas_end_at_the_field_and_the_tissue() {
        // A zone beyond the slide on three sides, and a structure of which 600 of 1000 columns are on tissue.
        let result = slide(vec![square(&CORTEX, (-500, -500), 3000), square(&GLOMERULUS, (1400, 100), 1000)]);
        let areas = Areas::of(&result);
        let tissue_um2 = areas.section_mm2() * UM2_PER_MM2;
        assert_eq!(areas.zone_um2(&CORTEX, None), tissue_um2);
        let field = |x0: i64| Rect { x0, y0: 0, width: 1000, height: 1000 };
        for rect in [field(0), field(1000), field(1500)] {
            let zone = areas.zone_um2(&CORTEX, Some(rect));
            assert!((zone - areas.tissue_mm2(rect) * UM2_PER_MM2).abs() < 1e-6, "{rect:?} {zone}");
        }
        let shape = areas.shape(&result.structures[1]);
        let um2 = |rect: Option<Rect>| areas.um2(&shape, rect) * 16.0;
        let near = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-3, "{got} {expected}");
        near(um2(None), 600.0 * 1000.0);
        near(um2(Some(field(0))), 0.0);
        near(um2(Some(field(1000))), 600.0 * 900.0);
        near(um2(Some(field(1500))), 500.0 * 900.0);
    }

    #[test]
    fn polygons_of_several_parts_are_cut_to_their_area() {
        // A U: two arms of 2 × 4 on a foot of 6 × 1.
        let corners =
            [(0.0, 0.0), (2.0, 0.0), (2.0, 4.0), (4.0, 4.0), (4.0, 0.0), (6.0, 0.0), (6.0, 5.0), (0.0, 5.0)];
        let u = corners.map(|(x, y)| Point { x, y });
        assert_eq!(polygon_area(&u), 22.0);
        assert_eq!(polygon_area(&clipped(&u, [-1.0, 0.0, 9.0, 3.0])), 12.0);
        assert_eq!(polygon_area(&clipped(&u, [1.0, 1.0, 5.0, 5.0])), 10.0);
        assert_eq!(polygon_area(&clipped(&u, [7.0, 0.0, 9.0, 3.0])), 0.0);
    }
}
