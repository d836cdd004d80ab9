//! Shape of one region.

use imageproc::{
    geometry::{contour_area, convex_hull},
    point::Point,
};

use super::{
    contour,
    label::{Region, Run},
    object::Step,
};
use crate::raster::{Mask, Plane};

/// Shape measurements of one region, in pixels. Enclosed holes are not part of its area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Area in px².
    pub area: f64,
    /// Length of the outer boundary, its pixel staircase smoothed away, in px.
    pub perimeter: f64,
    /// 4π · area / perimeter², at most 1: 1 is a disk.
    pub circularity: f64,
    /// Area over the area of the convex hull, at most 1: 1 is convex.
    pub solidity: f64,
    /// Longest over shortest axis of the ellipse with the same second moments, at least 1.
    pub aspect_ratio: f64,
    /// Eccentricity of that ellipse, 0 (circle) to 1.
    pub eccentricity: f64,
    /// Longest full axis of that ellipse, in px.
    pub major_px: f64,
    /// Shortest full axis of that ellipse, in px.
    pub minor_px: f64,
}

impl Shape {
    /// Measures the pixels that carry `number` within the region's box.
    #[must_use]
    pub fn of<T: Copy + PartialEq>(plane: &Plane<T>, region: &Region, number: T) -> Self {
        Self::from_parts(&Sums::of(plane, region, number), &contour::walk(plane, number, region.anchor))
    }

    /// Measures a region whose runs are known and painted as 1 on a mask that is otherwise empty around it.
    #[must_use]
    pub fn of_runs(painted: &Mask, region: &Region, runs: &[Run]) -> Self {
        Self::from_parts(&Sums::of_runs(region, runs), &contour::walk(painted, 1, region.anchor))
    }

    fn from_parts(sums: &Sums, steps: &[Step]) -> Self {
        let area = sums.n as f64;
        let perimeter = smooth_length(steps);
        let (major_px, minor_px) = sums.axes();
        let hull = hull_area(&sums.corners);
        let ratio = if major_px > 0.0 { minor_px / major_px } else { 1.0 };
        Self {
            area,
            perimeter,
            circularity: quotient(4.0 * std::f64::consts::PI * area, perimeter * perimeter),
            solidity: quotient(area, hull),
            aspect_ratio: sums.aspect_ratio(),
            eccentricity: (1.0 - ratio * ratio).max(0.0).sqrt(),
            major_px,
            minor_px,
        }
    }
}

/// A quotient cut at 1; 0 when there is nothing to divide by.
fn quotient(a: f64, b: f64) -> f64 {
    if b > 0.0 { (a / b).min(1.0) } else { 0.0 }
}

/// Whole-number moments about the box's corner, and the outermost corners of each row.
struct Sums {
    n: u64,
    x: u64,
    y: u64,
    xx: u64,
    yy: u64,
    xy: u64,
    corners: Vec<Point<i32>>,
}

impl Sums {
    fn of<T: Copy + PartialEq>(plane: &Plane<T>, region: &Region, number: T) -> Self {
        let corners = Vec::with_capacity(4 * (region.y1 - region.y0));
        let mut s = Self { n: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0, corners };
        for y in region.y0..region.y1 {
            let row = &plane.row(y)[region.x0..region.x1];
            let (mut n, mut sum, mut squares, mut first, mut last) = (0, 0, 0, row.len(), 0);
            for (x, _) in row.iter().enumerate().filter(|&(_, &v)| v == number) {
                n += 1;
                sum += x as u64;
                squares += (x * x) as u64;
                first = first.min(x);
                last = x + 1;
            }
            let dy = (y - region.y0) as u64;
            s.n += n;
            s.x += sum;
            s.xx += squares;
            s.y += n * dy;
            s.yy += n * dy * dy;
            s.xy += sum * dy;
            if n > 0 {
                s.add_row_corners(first as i32, last as i32, dy as i32);
            }
        }
        s
    }

    fn of_runs(region: &Region, runs: &[Run]) -> Self {
        let corners = Vec::with_capacity(4 * (region.y1 - region.y0));
        let mut s = Self { n: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0, corners };
        for row in runs.chunk_by(|a, b| a.y == b.y) {
            let (mut n, mut sum) = (0, 0);
            for run in row {
                let (from, to) = ((run.x0 - region.x0) as u64, (run.x1 - region.x0) as u64);
                n += to - from;
                sum += (to - from) * (from + to - 1) / 2;
                s.xx += squares_below(to) - squares_below(from);
            }
            let (first, last) = (row[0].x0 - region.x0, row[row.len() - 1].x1 - region.x0);
            let dy = (row[0].y - region.y0) as u64;
            s.n += n;
            s.x += sum;
            s.y += n * dy;
            s.yy += n * dy * dy;
            s.xy += sum * dy;
            s.add_row_corners(first as i32, last as i32, dy as i32);
        }
        s
    }

    /// Longest over shortest axis; 1 when there is no area.
    fn aspect_ratio(&self) -> f64 {
        let (major, minor) = self.axes();
        if minor > 0.0 { major / minor } else { 1.0 }
    }

    fn add_row_corners(&mut self, first: i32, last: i32, y: i32) {
        self.corners
            .extend([(first, y), (last, y), (first, y + 1), (last, y + 1)].map(|(x, y)| Point::new(x, y)));
    }

    /// Full axes of the ellipse with the same second moments; a pixel is a unit square.
    fn axes(&self) -> (f64, f64) {
        if self.n == 0 {
            return (0.0, 0.0);
        }
        let n = self.n as f64;
        let (mx, my) = (self.x as f64 / n, self.y as f64 / n);
        let var_x = self.xx as f64 / n - mx * mx + 1.0 / 12.0;
        let var_y = self.yy as f64 / n - my * my + 1.0 / 12.0;
        let cov = self.xy as f64 / n - mx * my;
        let mean = 0.5 * (var_x + var_y);
        let spread = (0.25 * (var_x - var_y).powi(2) + cov * cov).sqrt();
        (4.0 * (mean + spread).sqrt(), 4.0 * (mean - spread).max(0.0).sqrt())
    }
}

/// The sum of the squares of 0 … n − 1.
fn squares_below(n: u64) -> u64 {
    n * n.saturating_sub(1) * (2 * n).saturating_sub(1) / 6
}

/// Returns the longest over the shortest axis of the ellipse with a region's second moments, at least 1.
#[must_use]
pub fn aspect_ratio(region: &Region, runs: &[Run]) -> f64 {
    Sums::of_runs(region, runs).aspect_ratio()
}

fn hull_area(corners: &[Point<i32>]) -> f64 {
    if corners.is_empty() { 0.0 } else { contour_area(&convex_hull(corners)) }
}

/// Corners averaged into one point of the smoothed boundary.
const SPAN: usize = 5;

/// Length of the closed curve through means of [`SPAN`] successive corners of a pixel walk.
fn smooth_length(steps: &[Step]) -> f64 {
    let n = steps.len();
    let span = SPAN.min(n / 3).max(1);
    // Moving the mean by one corner moves it by the sum of `span` steps over `span`.
    let (mut dx, mut dy) = (0, 0);
    for step in steps.iter().take(span) {
        let (x, y) = step.delta();
        (dx, dy) = (dx + x, dy + y);
    }
    let mut length = 0.0;
    for i in 0..n {
        length += f64::from(dx * dx + dy * dy).sqrt();
        let ((ax, ay), (bx, by)) = (steps[(i + span) % n].delta(), steps[i].delta());
        (dx, dy) = (dx + ax - bx, dy + ay - by);
    }
    length / span as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::label::{Connectivity, label, pieces};

    /// Paints the pixels whose centres satisfy `inside`, relative to the middle.
    fn shape(side: usize, inside: impl Fn(f64, f64) -> bool) -> Shape {
        let centre = side as f64 / 2.0;
        let data = (0..side * side)
            .map(|i| {
                let (x, y) = ((i % side) as f64 + 0.5 - centre, (i / side) as f64 + 0.5 - centre);
                u8::from(inside(x, y))
            })
            .collect();
        let mask = Plane::from_vec(side, side, data).unwrap();
        let labels = label(&mask, Connectivity::Eight);
        let shape = Shape::of(&labels.plane, &labels.regions[0], 1);
        let found = pieces(&mask, Connectivity::Eight);
        let (region, runs) = (&found.regions[0], found.runs(0));
        assert_eq!(Shape::of_runs(&mask, region, runs), shape);
        assert_eq!(aspect_ratio(region, runs), shape.aspect_ratio);
        shape
    }

    #[test]
    fn disks_are_round() {
        for r in [4.0, 6.5, 9.0, 15.0, 30.0] {
            let s = shape(70, |x, y| x * x + y * y <= r * r);
            assert!(s.circularity > 0.93, "r {r}: {s:?}");
            assert!((s.perimeter / (2.0 * std::f64::consts::PI * r) - 1.0).abs() < 0.05, "r {r}: {s:?}");
            assert!(s.solidity > 0.9 && s.aspect_ratio < 1.05 && s.eccentricity < 0.3, "r {r}: {s:?}");
            assert!((s.major_px - 2.0 * r).abs() < 0.5, "r {r}: {s:?}");
        }
    }

    #[test]
    fn ellipse_axes_come_back() {
        fn t(a: f64, b: f64, degrees: f64) {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let s = shape(90, |x, y| {
                let (u, v) = (cos * x + sin * y, cos * y - sin * x);
                (u / a).powi(2) + (v / b).powi(2) <= 1.0
            });
            assert!((s.major_px / (2.0 * a) - 1.0).abs() < 0.03, "{a} {b} {degrees}: {s:?}");
            assert!((s.aspect_ratio / (a / b) - 1.0).abs() < 0.05, "{a} {b} {degrees}: {s:?}");
            assert!(s.solidity > 0.92, "{a} {b} {degrees}: {s:?}");
        }
        t(12.0, 6.0, 0.0);
        t(12.0, 6.0, 30.0);
        t(30.0, 8.0, 77.0);
    }

    #[test]
    fn notches_lower_solidity() {
        let square = shape(20, |x, y| x.abs() < 6.0 && y.abs() < 6.0);
        assert_eq!((square.area, square.solidity), (144.0, 1.0));
        let cross = shape(20, |x, y| x.abs() < 6.0 && y.abs() < 2.0 || x.abs() < 2.0 && y.abs() < 6.0);
        assert!((cross.solidity - 80.0 / 112.0).abs() < 1e-9, "{cross:?}");
        assert!(cross.circularity < 0.75, "{cross:?}");
    }

    #[test]
    fn single_pixel_has_finite_shape() {
        let s = shape(3, |x, y| x.abs() < 0.6 && y.abs() < 0.6);
        assert_eq!((s.area, s.solidity), (1.0, 1.0));
        assert!(s.perimeter.is_finite() && s.aspect_ratio == 1.0);
    }
}
