//! Outlines and how they are filled: wobbly ellipses and polygons with soft, anti-aliased edges.

use super::{Canvas, texture::Stream};
use crate::raster::Plane;

/// An amount of each dye, OD × 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dye {
    /// Haematoxylin.
    pub h: u8,
    /// Eosin.
    pub e: u8,
    /// Red-cell colour.
    pub rbc: u8,
}

impl Dye {
    /// Nothing: clear glass.
    pub const CLEAR: Self = Self { h: 0, e: 0, rbc: 0 };

    /// Returns haematoxylin and eosin without red-cell colour.
    #[must_use]
    pub const fn he(h: u8, e: u8) -> Self {
        Self { h, e, rbc: 0 }
    }
}

/// A closed outline with a signed distance.
pub trait Outline {
    /// Returns the distance of a place from the outline in pixels, negative inside. Exact near the
    /// outline; further away only the sign and the trend are kept.
    fn distance(&self, x: f32, y: f32) -> f32;

    /// Returns the box around the outline: left, top, right, bottom.
    fn bounds(&self) -> [f32; 4];
}

/// An ellipse with a smooth random wobble.
#[derive(Clone, Copy, Debug)]
pub struct Blob {
    /// Centre.
    pub x: f32,
    /// Centre.
    pub y: f32,
    /// First half axis.
    pub rx: f32,
    /// Second half axis.
    pub ry: f32,
    cos: f32,
    sin: f32,
    /// Cosine and sine amplitudes of 2..=5 waves around the outline.
    waves: [(f32, f32); 4],
}

impl Blob {
    /// Returns a circle.
    #[must_use]
    pub fn circle(x: f32, y: f32, r: f32) -> Self {
        Self::ellipse(x, y, r, r, 0.0)
    }

    /// Returns an ellipse whose first axis points to `angle` (radians).
    #[must_use]
    pub fn ellipse(x: f32, y: f32, rx: f32, ry: f32, angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { x, y, rx: rx.max(0.3), ry: ry.max(0.3), cos, sin, waves: [(0.0, 0.0); 4] }
    }

    /// Returns the outline with a random wobble; `amount` is about its standard deviation relative to
    /// the radius (0.03 a nucleus, 0.1 an islet, 0.2 ragged). The area stays within about `amount²`.
    #[must_use]
    pub fn wobbly(mut self, amount: f32, stream: &mut Stream) -> Self {
        for (k, wave) in self.waves.iter_mut().enumerate() {
            let size = amount * [0.8, 0.7, 0.5, 0.35][k];
            let (sin, cos) = stream.angle().sin_cos();
            *wave = (size * cos, size * sin);
        }
        self
    }

    /// Returns the same outline grown by `by` pixels (shrunk if negative).
    #[must_use]
    pub fn grown(mut self, by: f32) -> Self {
        self.rx = (self.rx + by).max(0.3);
        self.ry = (self.ry + by).max(0.3);
        self
    }

    /// Returns the area in square pixels.
    #[must_use]
    pub fn area(&self) -> f32 {
        let waves: f32 = self.waves.iter().map(|(c, s)| c * c + s * s).sum();
        std::f32::consts::PI * self.rx * self.ry * (1.0 + 0.5 * waves)
    }

    /// Returns the place on the outline in direction `angle` of the unturned ellipse.
    #[must_use]
    pub fn edge(&self, angle: f32) -> (f32, f32) {
        let (s, c) = angle.sin_cos();
        let r = self.radius(c, s);
        let (u, v) = (r * c * self.rx, r * s * self.ry);
        (self.x + u * self.cos - v * self.sin, self.y + u * self.sin + v * self.cos)
    }

    /// Relative radius in the direction of the unit vector (c, s).
    #[inline]
    fn radius(&self, c: f32, s: f32) -> f32 {
        let (mut zc, mut zs) = (c, s);
        let mut r = 1.0;
        for (wc, ws) in self.waves {
            (zc, zs) = (zc * c - zs * s, zc * s + zs * c);
            r += wc * zc + ws * zs;
        }
        r
    }
}

impl Outline for Blob {
    #[inline]
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.x, y - self.y);
        let u = (dx * self.cos + dy * self.sin) / self.rx;
        let v = (dy * self.cos - dx * self.sin) / self.ry;
        let rho = (u * u + v * v).sqrt();
        if rho < 1e-4 {
            return -self.rx.min(self.ry);
        }
        let r = self.radius(u / rho, v / rho);
        let slope = ((u / self.rx).powi(2) + (v / self.ry).powi(2)).sqrt() / rho;
        (rho - r) / slope
    }

    fn bounds(&self) -> [f32; 4] {
        let reach = 1.0 + self.waves.iter().map(|(c, s)| c.hypot(*s)).sum::<f32>();
        let half = |a: f32, b: f32| ((self.rx * a).powi(2) + (self.ry * b).powi(2)).sqrt() * reach;
        let (hx, hy) = (half(self.cos, self.sin), half(self.sin, self.cos));
        // A wobble can move the farthest point off the axis of a long ellipse.
        let (hx, hy) = if reach > 1.0 { (hx.max(hy * 0.3), hy.max(hx * 0.3)) } else { (hx, hy) };
        [self.x - hx, self.y - hy, self.x + hx, self.y + hy]
    }
}

/// A closed polygon.
#[derive(Clone, Debug)]
pub struct Polygon {
    corners: Vec<(f32, f32)>,
    bounds: [f32; 4],
}

impl Polygon {
    /// Closes a ring of corners.
    #[must_use]
    pub fn new(corners: Vec<(f32, f32)>) -> Self {
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for &(x, y) in &corners {
            bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
        }
        Self { corners, bounds }
    }

    /// Returns the area in square pixels.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.edges().map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f32>().abs() / 2.0
    }

    fn edges(&self) -> impl Iterator<Item = ((f32, f32), (f32, f32))> + '_ {
        self.corners.iter().copied().zip(self.corners.iter().copied().cycle().skip(1))
    }
}

impl Outline for Polygon {
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (mut best, mut inside) = (f32::MAX, false);
        for (a, b) in self.edges() {
            best = best.min(segment_squared((x, y), a, b));
            if (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0 {
                inside = !inside;
            }
        }
        if inside { -best.sqrt() } else { best.sqrt() }
    }

    fn bounds(&self) -> [f32; 4] {
        self.bounds
    }
}

/// Returns the squared distance of `p` from the segment `a`–`b`.
pub(super) fn segment_squared(p: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = (dx * dx + dy * dy).max(1e-9);
    let t = (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length).clamp(0.0, 1.0);
    (p.0 - a.0 - t * dx).powi(2) + (p.1 - a.1 - t * dy).powi(2)
}

/// Calls `f(x, y, distance)` for every pixel of a `width` × `height` plane in the outline's box grown by
/// `margin`, in reading order. Distances are taken at pixel centres.
#[inline]
pub fn scan(
    outline: &impl Outline,
    (width, height): (usize, usize),
    margin: f32,
    mut f: impl FnMut(usize, usize, f32),
) {
    let [x0, y0, x1, y1] = outline.bounds();
    let clip = |v: f32, n: usize| (v.max(0.0) as usize).min(n);
    for y in clip(y0 - margin, height)..clip(y1 + margin + 1.0, height) {
        for x in clip(x0 - margin, width)..clip(x1 + margin + 1.0, width) {
            f(x, y, outline.distance(x as f32 + 0.5, y as f32 + 0.5));
        }
    }
}

/// Returns whether `is` holds for any pixel of a `width` × `height` plane whose centre lies inside the
/// outline.
#[inline]
pub fn any_inside(
    outline: &impl Outline,
    (width, height): (usize, usize),
    is: impl Fn(usize, usize) -> bool,
) -> bool {
    let [x0, y0, x1, y1] = outline.bounds();
    let clip = |v: f32, n: usize| (v.max(0.0) as usize).min(n);
    let (left, right) = (clip(x0, width), clip(x1 + 1.0, width));
    (clip(y0, height)..clip(y1 + 1.0, height)).any(|y| {
        let inside = |x: usize| outline.distance(x as f32 + 0.5, y as f32 + 0.5) < 0.0;
        (left..right).any(|x| is(x, y) && inside(x))
    })
}

/// Returns how much of a pixel is covered at `distance` from an edge `soft` pixels wide, 0..=256.
#[inline]
#[must_use]
pub fn coverage(distance: f32, soft: f32) -> i32 {
    ((0.5 - distance / soft.max(0.5)).clamp(0.0, 1.0) * 256.0) as i32
}

#[inline]
fn mix(old: u8, new: u8, share: i32) -> u8 {
    (i32::from(old) + (((i32::from(new) - i32::from(old)) * share + 128) >> 8)) as u8
}

impl Canvas {
    /// Returns width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.h.width(), self.h.height())
    }

    /// Moves one pixel's dyes towards `dye` by `share` (0..=256).
    #[inline]
    pub fn blend(&mut self, x: usize, y: usize, dye: Dye, share: i32) {
        let i = y * self.h.width() + x;
        let put = |plane: &mut Plane<u8>, new: u8| {
            let v = &mut plane.data_mut()[i];
            *v = mix(*v, new, share);
        };
        put(&mut self.h, dye.h);
        put(&mut self.e, dye.e);
        put(&mut self.rbc, dye.rbc);
    }

    /// Sets the pixels inside an outline to `dye`, with an edge `soft` pixels wide. Returns the number of
    /// pixels whose centre is inside.
    pub fn fill(&mut self, outline: &impl Outline, dye: Dye, soft: f32) -> u64 {
        self.shade(outline, soft, |_, _, _, _| dye)
    }

    /// Like [`Canvas::fill`] with a dye per pixel: `f(x, y, distance, old)`.
    pub fn shade(
        &mut self,
        outline: &impl Outline,
        soft: f32,
        mut f: impl FnMut(usize, usize, f32, Dye) -> Dye,
    ) -> u64 {
        let mut inside = 0;
        scan(outline, self.size(), soft, |x, y, d| {
            let share = coverage(d, soft);
            inside += u64::from(d < 0.0);
            if share > 0 {
                let old = Dye { h: self.h.at(x, y), e: self.e.at(x, y), rbc: self.rbc.at(x, y) };
                self.blend(x, y, f(x, y, d, old), share);
            }
        });
        inside
    }

    /// Draws a line `width` pixels wide along an outline, centred on it.
    pub fn rim(&mut self, outline: &impl Outline, width: f32, dye: Dye) {
        scan(outline, self.size(), width, |x, y, d| {
            let share = coverage(d.abs() - width / 2.0, 1.0);
            if share > 0 {
                self.blend(x, y, dye, share);
            }
        });
    }

    /// Adds an empty label layer, or keeps the one that is there.
    pub fn add_layer(&mut self, layer: &'static str) {
        let (width, height) = self.size();
        self.labels.entry(layer).or_insert_with(|| Plane::filled(width, height, 0));
    }

    /// Writes `id` into the pixels inside an outline, over whatever label was there. Returns the number
    /// of pixels.
    pub fn label(&mut self, outline: &impl Outline, layer: &'static str, id: u32) -> u64 {
        self.label_where(outline, layer, id, |_| true)
    }

    /// Like [`Canvas::label`], only where the layer is still 0.
    pub fn label_free(&mut self, outline: &impl Outline, layer: &'static str, id: u32) -> u64 {
        self.label_where(outline, layer, id, |old| old == 0)
    }

    fn label_where(
        &mut self,
        outline: &impl Outline,
        layer: &'static str,
        id: u32,
        may: impl Fn(u32) -> bool,
    ) -> u64 {
        self.add_layer(layer);
        let size = self.size();
        let Some(plane) = self.labels.get_mut(layer) else { return 0 };
        let mut count = 0;
        scan(outline, size, 0.0, |x, y, d| {
            if d < 0.0 && may(plane.at(x, y)) {
                plane.set(x, y, id);
                count += 1;
            }
        });
        count
    }

    /// Returns whether no pixel inside the outline carries a label of the layer (an absent layer is free).
    #[must_use]
    pub fn is_free(&self, outline: &impl Outline, layer: &str) -> bool {
        let Some(plane) = self.labels.get(layer) else { return true };
        !any_inside(outline, self.size(), |x, y| plane.at(x, y) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Mpp;

    fn glass() -> Canvas {
        Canvas::blank(120, Mpp::square(0.5).unwrap())
    }

    #[test]
    fn filled_area_is_the_outline_area() {
        fn t(blob: Blob) {
            let counted = glass().fill(&blob, Dye::he(50, 20), 1.0) as f32;
            assert!((counted / blob.area() - 1.0).abs() < 0.03, "{counted} {}", blob.area());
        }
        let mut s = Stream::new(5, "b");
        t(Blob::circle(60.0, 60.0, 20.0));
        t(Blob::ellipse(60.2, 59.7, 40.0, 12.0, 0.7));
        t(Blob::ellipse(60.0, 60.0, 30.0, 25.0, 0.3).wobbly(0.1, &mut s));
    }

    #[test]
    fn wobbly_blobs_stay_in_their_box() {
        let mut s = Stream::new(6, "w");
        for _ in 0..200 {
            let blob = Blob::ellipse(0.0, 0.0, s.range(5.0, 30.0), 12.0, s.angle()).wobbly(0.15, &mut s);
            let [x0, y0, x1, y1] = blob.bounds();
            for k in 0..64 {
                let (x, y) = blob.edge(k as f32 * 0.1);
                assert!(x >= x0 - 0.5 && x <= x1 + 0.5 && y >= y0 - 0.5 && y <= y1 + 0.5);
            }
        }
    }

    #[test]
    fn polygon_knows_inside_and_area() {
        let square = Polygon::new(vec![(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)]);
        assert_eq!(glass().fill(&square, Dye::he(0, 40), 1.0), 400);
        assert_eq!(square.area(), 400.0);
        assert_eq!(square.distance(20.0, 12.0), -2.0);
    }

    #[test]
    fn labels_count_what_they_write() {
        let mut canvas = glass();
        let (a, b) = (Blob::circle(50.0, 50.0, 10.0), Blob::circle(58.0, 50.0, 10.0));
        assert!(canvas.is_free(&a, "nuclei"));
        let first = canvas.label(&a, "nuclei", 1);
        let second = canvas.label_free(&b, "nuclei", 2);
        assert!(!canvas.is_free(&b, "nuclei"));
        let count = |id| canvas.labels["nuclei"].data().iter().filter(|&&v| v == id).count() as u64;
        assert_eq!((count(1), count(2)), (first, second));
        assert!(second < first);
    }
}
