//! From labelled pixels to outlines and objects.

mod holes;

pub(crate) use self::holes::walk_with_holes;
use super::label::Region;
use crate::{
    geometry::Point,
    raster::Plane,
    segment::object::{Class, Object, Outline, Step},
    tile::Window,
};

/// Traces the outer boundary of the region that holds `anchor`, its first pixel in reading order.
///
/// Pixels that share only a corner belong together. The walk keeps the region on its right and starts
/// at the anchor's outer corner; it is empty when the anchor does not carry `label`.
#[must_use]
pub fn outline(plane: &Plane<u32>, label: u32, anchor: (usize, usize), window: &Window) -> Outline {
    along(&walk(plane, label, anchor), anchor, window)
}

/// Packs a walk that starts at a pixel of a window.
fn along(steps: &[Step], anchor: (usize, usize), window: &Window) -> Outline {
    let start = (window.left() + anchor.0 as i64, window.top() + anchor.1 as i64);
    Outline::new((start.0 as i32, start.1 as i32), window.scale, steps)
}

/// Returns the steps of the boundary walk described at [`outline`].
#[must_use]
pub fn walk<T: Copy + PartialEq>(plane: &Plane<T>, label: T, anchor: (usize, usize)) -> Vec<Step> {
    let start = (anchor.0 as i64, anchor.1 as i64);
    match plane.get(start.0, start.1) == Some(label) {
        true => walk_from(plane, label, start, Step::Right),
        false => Vec::new(),
    }
}

/// Walks a boundary from a corner of pixels along `first`, which has the region on its right, until it is there again.
fn walk_from<T: Copy + PartialEq>(plane: &Plane<T>, label: T, start: (i64, i64), first: Step) -> Vec<Step> {
    let inside = |x: i64, y: i64| plane.get(x, y) == Some(label);
    let mut steps = Vec::new();
    let ((mut x, mut y), mut step) = (start, first);
    loop {
        steps.push(step);
        let (dx, dy) = step.delta();
        (x, y) = (x + i64::from(dx), y + i64::from(dy));
        if (x, y) == start {
            return steps;
        }
        let (left, right) = ahead(step);
        if inside(x + left.0, y + left.1) {
            step = turned(step, 3);
        } else if !inside(x + right.0, y + right.1) {
            step = turned(step, 1);
        }
    }
}

/// The pixels ahead to the left and to the right, from the corner the walker stands on.
fn ahead(step: Step) -> ((i64, i64), (i64, i64)) {
    match step {
        Step::Right => ((0, -1), (0, 0)),
        Step::Down => ((0, 0), (-1, 0)),
        Step::Left => ((-1, 0), (-1, -1)),
        Step::Up => ((-1, -1), (0, -1)),
    }
}

/// Turns clockwise by `quarters` right angles.
fn turned(step: Step, quarters: u8) -> Step {
    [Step::Right, Step::Down, Step::Left, Step::Up][usize::from((step as u8 + quarters) % 4)]
}

/// Builds the object made of a region's pixels: outline, area and centre in the slide's frame.
#[must_use]
pub fn object(
    class: &'static Class,
    plane: &Plane<u32>,
    region: &Region,
    number: u32,
    window: &Window,
    values: [f32; Object::VALUES],
) -> Object {
    object_along(class, &walk(plane, number, region.anchor), region, window, values)
}

/// As [`object`] for a region whose boundary was walked already.
#[must_use]
pub fn object_along(
    class: &'static Class,
    steps: &[Step],
    region: &Region,
    window: &Window,
    values: [f32; Object::VALUES],
) -> Object {
    // Whole-number sums in the slide's frame: the window must not show in the last digit.
    let n = region.area_px as i64;
    let mean = |start: i64, sum: u64| {
        ((start * n).saturating_add_unsigned(sum) as f64 / n as f64 + 0.5) * window.scale
    };
    Object {
        class,
        outline: along(steps, region.anchor, window),
        area_um2: window.mpp.area_um2(region.area_px) as f32,
        centroid: Point { x: mean(window.left(), region.sum_x), y: mean(window.top(), region.sum_y) },
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::Mask,
        segment::{
            label::{Connectivity, label},
            morphology::fill_holes,
            structures::fill_polygon,
        },
        units::Mpp,
    };

    fn window(width: u32, height: u32) -> Window {
        let mpp = Mpp::square(0.5).unwrap();
        Window {
            x0: 100,
            y0: 200,
            core_width: width,
            core_height: height,
            halo: 0,
            scale: 2.0,
            source_scale: 2.0,
            mpp,
        }
    }

    #[test]
    fn single_pixel_is_a_square() {
        let mut plane = Plane::filled(3, 3, 0);
        plane.set(1, 1, 5);
        let o = outline(&plane, 5, (1, 1), &window(3, 3));
        assert_eq!(o.corners(), [(101, 201), (102, 201), (102, 202), (101, 202)]);
        assert!(walk(&plane, 5, (0, 0)).is_empty());
    }

    #[test]
    fn pixels_at_corners_are_walked_together() {
        let plane = Plane::from_vec(2, 2, vec![1, 0, 0, 1]).unwrap();
        assert_eq!(walk(&plane, 1, (0, 0)).len(), 8);
    }

    #[test]
    fn filling_outlines_gives_the_pixels_back() {
        let mut state = 5u32;
        for share in [60, 110, 150, 220] {
            let mut mask = Mask::filled(31, 27, 0);
            for v in mask.data_mut() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *v = u8::from(state >> 24 < share);
            }
            let labels = label(&mask, Connectivity::Eight);
            for (i, region) in labels.regions.iter().enumerate() {
                let number = i as u32 + 1;
                let own = labels.plane.map(|v| u8::from(v == number));
                let o = outline(&labels.plane, number, region.anchor, &window(31, 27));
                let corners: Vec<(f64, f64)> =
                    o.corners().iter().map(|&(x, y)| (f64::from(x) - 100.0, f64::from(y) - 200.0)).collect();
                let mut painted = Plane::filled(31, 27, 0);
                fill_polygon(&mut painted, &corners, 1);
                // Padding makes gaps beside the edge reach around the region.
                assert_eq!(
                    painted.map(|v| v as u8),
                    filled_apart_from_edge(&own),
                    "share {share} region {number}"
                );
            }
        }
    }

    fn filled_apart_from_edge(mask: &Mask) -> Mask {
        let (w, h) = (mask.width(), mask.height());
        let mut padded = Mask::filled(w + 2, h + 2, 0);
        (0..h).for_each(|y| padded.row_mut(y + 1)[1..=w].copy_from_slice(mask.row(y)));
        let filled = fill_holes(&padded, u64::MAX);
        let data = (0..h).flat_map(|y| filled.row(y + 1)[1..=w].to_vec()).collect();
        Mask::from_vec(w, h, data).unwrap()
    }

    #[test]
    fn objects_lie_in_the_slide_frame() {
        static CLASS: Class = Class { name: "test", layer: "test", colour: [0; 3], measurements: &[] };
        let mask = Mask::from_vec(3, 2, vec![0, 1, 1, 0, 1, 1]).unwrap();
        let labels = label(&mask, Connectivity::Four);
        let o = object(&CLASS, &labels.plane, &labels.regions[0], 1, &window(3, 2), [0.0; 8]);
        assert_eq!((o.anchor(), o.area_um2), ((101, 200), 1.0));
        assert_eq!(o.centroid, Point { x: 204.0, y: 402.0 });
    }
}
