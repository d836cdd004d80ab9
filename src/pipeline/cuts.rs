//! Which structures are cut: by the slide's edge, or by tissue that was left out.

use super::zones::is_zone;
use crate::{
    geometry::{Point, Rect},
    raster::Plane,
    segment::{
        object::{Class, Object},
        structures::fill_polygon,
    },
    tissue::{Bits, TissueMask},
};

/// A structure is cut where this share of its boundary lies at or in what was left out: of a circle the chord then takes off
/// about a hundredth [expert].
const BOUNDARY: f64 = 0.08;
/// So it is where this share of its area was left out [expert].
const AREA: f64 = 0.05;
/// Layers of structures that belong to others, and are kept or go with them.
const OF_OTHERS: [&str; 2] = ["tubules", "lumens"];
/// Name of the measurement that says so, of classes that have it.
const MEASUREMENT: &str = "cut_by_edge";

/// Returns whether structures of a class go where their middle was left out.
pub(super) fn belongs_where_its_middle_is(class: &Class) -> bool {
    !is_zone(class) && !OF_OTHERS.contains(&class.layer)
}

/// Tissue that is not measured: artefacts, and what drawn areas leave out.
pub(super) struct Lost {
    /// Where tissue was left out; `None` where nothing was.
    places: Option<Bits>,
    /// Level-0 pixels per pixel of the mask.
    scale: f64,
}

impl Lost {
    /// Compares the tissue that was found with what is left of it.
    pub(super) fn of(found: &Bits, left: &TissueMask) -> Self {
        let mut places = found.clone();
        places.keep(&left.mask.map(|v| v ^ 1));
        Self { places: (places.count() > 0).then_some(places), scale: left.scale }
    }

    /// Returns of each structure whether it stays: none whose middle was left out is counted where nothing is measured. Those
    /// that a person drew (`drawn`, in the same order) end where tissue was left out and stay.
    pub(super) fn leaves(&self, structures: &[Object], drawn: &[bool]) -> Vec<bool> {
        let Some(places) = &self.places else { return vec![true; structures.len()] };
        let at = |v: f64| (v / self.scale).floor() as i64;
        let is_lost = |o: &Object| is_set(places, at(o.centroid.x), at(o.centroid.y));
        let drawn = drawn.iter().copied().chain(std::iter::repeat(false));
        let stays =
            |(o, is_drawn): (&Object, bool)| is_drawn || !belongs_where_its_middle_is(o.class) || !is_lost(o);
        structures.iter().zip(drawn).map(stays).collect()
    }

    /// Returns of each structure whether it is cut, and marks those whose class has a measurement for it.
    pub(super) fn cut(&self, structures: &mut [Object], slide: Rect) -> Vec<bool> {
        let mut all = Vec::with_capacity(structures.len());
        for object in structures {
            let is_cut = !is_zone(object.class) && (at_edge(object, slide) || self.cuts(object));
            if let Some(place) = object.class.measurements.iter().position(|m| *m == MEASUREMENT)
                && is_cut
                && let Some(value) = object.values.get_mut(place)
            {
                *value = 1.0;
            }
            all.push(is_cut);
        }
        all
    }

    fn cuts(&self, object: &Object) -> bool {
        let Some(places) = &self.places else { return false };
        let points: Vec<(f64, f64)> = object.outline.points().iter().map(|p| self.place(p)).collect();
        boundary(places, &points) >= BOUNDARY || area(places, &points) >= AREA
    }

    fn place(&self, point: &Point) -> (f64, f64) {
        (point.x / self.scale, point.y / self.scale)
    }
}

/// Returns whether the slide's edge cuts a structure.
fn at_edge(object: &Object, slide: Rect) -> bool {
    let (left, top, right, bottom) = object.outline.bounds();
    let scale = f64::from(object.outline.scale);
    let at = |v: i32| (f64::from(v) * scale).round() as i64;
    let margin = scale.ceil() as i64;
    at(left) <= slide.x0 + margin
        || at(top) <= slide.y0 + margin
        || at(right) >= slide.x1() - margin
        || at(bottom) >= slide.y1() - margin
}

/// Returns whether a place is set; none beyond the grid is.
fn is_set(places: &Bits, x: i64, y: i64) -> bool {
    usize::try_from(x).is_ok_and(|x| usize::try_from(y).is_ok_and(|y| places.at(x, y)))
}

/// Share of a polygon's boundary that lies in places that are set, or beside them; corners in pixels of their grid.
fn boundary(places: &Bits, corners: &[(f64, f64)]) -> f64 {
    let (mut near, mut all) = (0usize, 0usize);
    for (a, b) in corners.iter().zip(corners.iter().cycle().skip(1)) {
        let length = (b.0 - a.0).abs() + (b.1 - a.1).abs();
        // Twice a pixel: no pixel on the way is passed by.
        let steps = (2.0 * length).ceil().max(1.0) as usize;
        for i in 0..steps {
            let t = i as f64 / steps as f64;
            let at = |from: f64, to: f64| (from + t * (to - from)).floor() as i64;
            let (x, y) = (at(a.0, b.0), at(a.1, b.1));
            let beside = || (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| (x + dx, y + dy)));
            near += usize::from(beside().any(|(x, y)| is_set(places, x, y)));
            all += 1;
        }
    }
    near as f64 / all.max(1) as f64
}

/// Share of a polygon's area that is set.
fn area(places: &Bits, corners: &[(f64, f64)]) -> f64 {
    let ends = |of: fn(&(f64, f64)) -> f64| {
        let low = corners.iter().map(of).fold(f64::INFINITY, f64::min).floor().max(0.0);
        let high = corners.iter().map(of).fold(0.0, f64::max).ceil();
        (low as usize, high as usize)
    };
    let ((x0, x1), (y0, y1)) = (ends(|p| p.0), ends(|p| p.1));
    if x0 >= x1 || y0 >= y1 {
        return 0.0;
    }
    let mut inside = Plane::filled(x1 - x0, y1 - y0, 0u8);
    let own: Vec<(f64, f64)> = corners.iter().map(|c| (c.0 - x0 as f64, c.1 - y0 as f64)).collect();
    fill_polygon(&mut inside, &own, 1);
    let (mut lost, mut all) = (0usize, 0usize);
    for y in y0..y1 {
        for (x, _) in (x0..x1).zip(inside.row(y - y0)).filter(|(_, inside)| **inside != 0) {
            all += 1;
            lost += usize::from(places.at(x, y));
        }
    }
    lost as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::Mask,
        report::test_slide,
        segment::{
            kidney::{CORTEX, GLOMERULUS, TUBULE},
            object::{Outline, Step},
            pancreas::ISLET,
        },
        stain::white::White,
    };

    /// A square of level-0 pixels.
    fn square(class: &'static Class, (x, y): (i32, i32), side: usize) -> Object {
        let steps = [Step::Right, Step::Down, Step::Left, Step::Up].map(|step| vec![step; side]).concat();
        let mut object = test_slide::object(class, (0, 0), 1.0, &[]);
        object.outline = Outline::new((x, y), 1.0, &steps);
        let middle = |v: i32| f64::from(v) + side as f64 / 2.0;
        object.centroid = Point { x: middle(x), y: middle(y) };
        object
    }

    /// A slide of 1000 × 1000 px of tissue without what lies right of 500.
    fn lost() -> Lost {
        let found = Mask::filled(100, 100, 1);
        let mut mask = found.clone();
        (0..100).for_each(|y| mask.row_mut(y)[50..].fill(0));
        let white = White { rgb: [243.0; 3] };
        Lost::of(
            &Bits::of(&found),
            &TissueMask { solid: Bits::of(&mask), mask, scale: 10.0, area_mm2: 0.25, white },
        )
    }

    const SLIDE: Rect = Rect { x0: 0, y0: 0, width: 1000, height: 1000 };

    #[test]
    fn structures_are_cut_by_edges_and_by_what_was_left_out() {
        fn t(class: &'static Class, x: i32, expected: bool) {
            let mut all = [square(class, (x, 300), 100)];
            assert_eq!(lost().cut(&mut all, SLIDE), [expected], "{} at {x}", class.name);
            let marked = all[0].value("cut_by_edge").unwrap_or(f32::from(u8::from(expected)));
            assert_eq!(marked, f32::from(u8::from(expected)), "{} at {x}", class.name);
        }
        for class in [&GLOMERULUS, &ISLET] {
            t(class, 200, false);
            // Across the border, beside it, in the middle of what is gone.
            t(class, 440, true);
            t(class, 400, true);
            t(class, 380, false);
            t(class, 700, true);
            t(class, 0, true);
            t(class, 900, true);
        }
        t(&CORTEX, 440, false);
    }

    #[test]
    fn what_lies_in_the_middle_of_a_structure_counts_by_its_area() {
        fn t(side: usize, expected: bool) {
            let found = Mask::filled(100, 100, 1);
            let mut mask = found.clone();
            (40..40 + side).for_each(|y| mask.row_mut(y)[40..40 + side].fill(0));
            let white = White { rgb: [243.0; 3] };
            let left = TissueMask { solid: Bits::of(&mask), mask, scale: 10.0, area_mm2: 1.0, white };
            let mut all = [square(&GLOMERULUS, (300, 300), 300)];
            assert_eq!(Lost::of(&Bits::of(&found), &left).cut(&mut all, SLIDE), [expected], "{side}");
        }
        t(0, false);
        t(6, false);
        t(7, true);
    }

    #[test]
    fn structures_belong_where_their_middle_lies() {
        let at = |class, x| square(class, (x, 300), 100);
        let all = vec![at(&GLOMERULUS, 440), at(&GLOMERULUS, 460), at(&TUBULE, 700), at(&CORTEX, 700)];
        assert_eq!(lost().leaves(&all, &[]), [true, false, true, true]);
        // One that was drawn ends at the border, whichever its middle is.
        assert_eq!(lost().leaves(&all, &[false, true, false, false]), [true; 4]);
        let nothing = Mask::filled(100, 100, 1);
        let white = White { rgb: [243.0; 3] };
        let left = TissueMask {
            solid: Bits::of(&nothing),
            mask: nothing.clone(),
            scale: 10.0,
            area_mm2: 1.0,
            white,
        };
        assert_eq!(Lost::of(&Bits::of(&nothing), &left).leaves(&all, &[]), [true; 4]);
    }
}
