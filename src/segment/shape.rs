//! Shape of one region.

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

    /// As [`Shape::of`] for a region whose boundary was walked already.
    #[must_use]
    pub fn along<T: Copy + PartialEq>(plane: &Plane<T>, region: &Region, number: T, steps: &[Step]) -> Self {
        Self::from_parts(&Sums::of(plane, region, number), steps)
    }

    /// Measures a region whose runs are known and painted as 1 on a mask that is otherwise empty around it.
    #[must_use]
    pub fn of_runs(painted: &Mask, region: &Region, runs: &[Run]) -> Self {
        Self::from_parts(&Sums::of_runs(region, runs), &contour::walk(painted, 1, region.anchor))
    }

    /// As [`Shape::of_runs`]; `None` when it is less solid or more elongated than these limits. What costs little is
    /// measured first.
    #[must_use]
    pub fn of_runs_within(
        painted: &Mask,
        region: &Region,
        runs: &[Run],
        least_solidity: f64,
        most_aspect: f64,
    ) -> Option<Self> {
        let sums = Sums::of_runs(region, runs);
        if sums.aspect_ratio() > most_aspect {
            return None;
        }
        let hull = sums.hull_area();
        let solid = quotient(sums.n as f64, hull) >= least_solidity;
        solid.then(|| Self::from_hull(&sums, hull, &contour::walk(painted, 1, region.anchor)))
    }

    fn from_parts(sums: &Sums, steps: &[Step]) -> Self {
        Self::from_hull(sums, sums.hull_area(), steps)
    }

    fn from_hull(sums: &Sums, hull: f64, steps: &[Step]) -> Self {
        let area = sums.n as f64;
        let perimeter = smooth_length(steps);
        let (major_px, minor_px) = sums.axes();
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

/// Whole-number moments about the box's corner, and where each row starts and ends.
struct Sums {
    n: u64,
    x: u64,
    y: u64,
    xx: u64,
    yy: u64,
    xy: u64,
    /// First column of each row of the box, and the one behind the last; the first lies behind where there is none.
    ends: Vec<(i32, i32)>,
}

/// A row without pixels.
const NO_ROW: (i32, i32) = (i32::MAX, i32::MIN);

impl Sums {
    fn empty(region: &Region) -> Self {
        let ends = vec![NO_ROW; region.y1.saturating_sub(region.y0)];
        Self { n: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0, ends }
    }

    fn of<T: Copy + PartialEq>(plane: &Plane<T>, region: &Region, number: T) -> Self {
        let mut s = Self::empty(region);
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
                s.ends[dy as usize] = (first as i32, last as i32);
            }
        }
        s
    }

    fn of_runs(region: &Region, runs: &[Run]) -> Self {
        let mut s = Self::empty(region);
        for row in runs.chunk_by(|a, b| a.y() == b.y()) {
            let (mut n, mut sum) = (0, 0);
            for run in row {
                let (from, to) = ((run.x0() - region.x0) as u64, (run.x1() - region.x0) as u64);
                n += to - from;
                sum += (to - from) * (from + to - 1) / 2;
                s.xx += squares_below(to) - squares_below(from);
            }
            let (first, last) = (row[0].x0() - region.x0, row[row.len() - 1].x1() - region.x0);
            let dy = (row[0].y() - region.y0) as u64;
            s.n += n;
            s.x += sum;
            s.y += n * dy;
            s.yy += n * dy * dy;
            s.xy += sum * dy;
            s.ends[dy as usize] = (first as i32, last as i32);
        }
        s
    }

    /// Longest over shortest axis; 1 when there is no area.
    fn aspect_ratio(&self) -> f64 {
        let (major, minor) = self.axes();
        if minor > 0.0 { major / minor } else { 1.0 }
    }

    /// Area of the convex hull of the pixels: between the bulges of the left ends and those of the right ends.
    fn hull_area(&self) -> f64 {
        let line = |y: usize| self.ends.get(y).copied().unwrap_or(NO_ROW);
        let (mut left, mut right) = (Vec::with_capacity(16), Vec::with_capacity(16));
        for y in 0..=self.ends.len() {
            let above = y.checked_sub(1).map_or(NO_ROW, line);
            let (first, last) = (above.0.min(line(y).0), above.1.max(line(y).1));
            if first < last {
                bulge(&mut left, (-i64::from(first), y as i64));
                bulge(&mut right, (i64::from(last), y as i64));
            }
        }
        (area_below(&left) + area_below(&right)) as f64 / 2.0
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

/// Adds the next point (distance to the right, row) to a chain that bulges to the right.
fn bulge(chain: &mut Vec<(i64, i64)>, point: (i64, i64)) {
    while let [.., a, b] = chain[..] {
        if (b.0 - a.0) * (point.1 - a.1) > (point.0 - a.0) * (b.1 - a.1) {
            break;
        }
        chain.pop();
    }
    chain.push(point);
}

/// Twice the area between a chain and distance 0.
fn area_below(chain: &[(i64, i64)]) -> i64 {
    chain.windows(2).map(|pair| (pair[0].0 + pair[1].0) * (pair[1].1 - pair[0].1)).sum()
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
    fn hulls_equal_the_general_algorithm() {
        use imageproc::{
            geometry::{contour_area, convex_hull},
            point::Point,
        };
        let mut state = 7u32;
        for share in [20, 60, 110, 180, 255] {
            let mut mask = Mask::filled(23, 17, 0);
            for v in mask.data_mut() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *v = u8::from(state >> 24 < share);
            }
            let found = pieces(&mask, Connectivity::Eight);
            for (i, region) in found.regions.iter().enumerate() {
                let corners: Vec<Point<i32>> = found
                    .runs(i)
                    .iter()
                    .flat_map(|r| {
                        [(r.x0(), r.y()), (r.x1(), r.y()), (r.x0(), r.y() + 1), (r.x1(), r.y() + 1)]
                    })
                    .map(|(x, y)| Point::new(x as i32, y as i32))
                    .collect();
                let hull = Sums::of_runs(region, found.runs(i)).hull_area();
                assert_eq!(hull, contour_area(&convex_hull(corners)), "share {share} region {i}");
            }
        }
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
