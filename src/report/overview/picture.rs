//! A picture to draw on: blending, smooth lines, boxes.

use image::{Rgb as Px, RgbImage};
use imageproc::{drawing, rect};

use super::resize::resized;
use crate::raster::Rgb;

/// Colour, red green blue.
pub(super) type Colour = [u8; 3];

/// A place in pixels of a picture; (0, 0) is the outer corner of its first pixel.
pub(super) type At = (f32, f32);

/// Pixels that lines and text are drawn on.
pub(super) struct Picture {
    image: RgbImage,
    /// Coverage of one line before it is blended, so that a line never darkens where it crosses itself.
    coverage: Vec<u8>,
}

impl Picture {
    pub(super) fn filled(width: u32, height: u32, colour: Colour) -> Self {
        Self { image: RgbImage::from_pixel(width, height, Px(colour)), coverage: Vec::new() }
    }

    /// Takes pixels over, enlarged or reduced to `width` × `height`.
    pub(super) fn from_rgb(pixels: Rgb, width: u32, height: u32) -> Self {
        let (w, h) = (width as usize, height as usize);
        let same = (pixels.width(), pixels.height()) == (w, h);
        let pixels = if same { pixels } else { resized(&pixels, w, h) };
        let image = RgbImage::from_raw(width, height, pixels.into_vec()).unwrap_or_default();
        Self { image, coverage: Vec::new() }
    }

    pub(super) fn into_rgb(self) -> Rgb {
        let (w, h) = self.image.dimensions();
        Rgb::from_vec(w as usize, h as usize, self.image.into_raw()).unwrap_or_default()
    }

    pub(super) fn width(&self) -> u32 {
        self.image.width()
    }

    pub(super) fn height(&self) -> u32 {
        self.image.height()
    }

    /// Copies another picture onto this one; what reaches beyond is left out.
    pub(super) fn place(&mut self, other: &Self, x: u32, y: u32) {
        let columns = other.width().min(self.width().saturating_sub(x)) as usize;
        let (own, width) = (3 * self.width() as usize, 3 * other.width() as usize);
        if columns == 0 {
            return;
        }
        let rows = self.image.chunks_exact_mut(own).skip(y as usize).zip(other.image.chunks_exact(width));
        let at = 3 * x as usize;
        rows.for_each(|(to, from)| to[at..at + 3 * columns].copy_from_slice(&from[..3 * columns]));
    }

    /// Mixes a colour into one pixel; `share` 255 replaces it. Outside the picture nothing happens.
    pub(super) fn blend(&mut self, x: i64, y: i64, colour: Colour, share: u8) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if let Some(px) = self.image.get_pixel_mut_checked(x, y) {
            let share = u32::from(share);
            for (old, new) in px.0.iter_mut().zip(colour) {
                *old = ((u32::from(*old) * (255 - share) + u32::from(new) * share + 127) / 255) as u8;
            }
        }
    }

    /// Fills a box.
    pub(super) fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        if width > 0 && height > 0 {
            let area = rect::Rect::at(x as i32, y as i32).of_size(width, height);
            drawing::draw_filled_rect_mut(&mut self.image, area, Px(colour));
        }
    }

    /// Mixes a colour into a box.
    pub(super) fn tint(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour, share: u8) {
        for y in y..y + height {
            for x in x..x + width {
                self.blend(x.into(), y.into(), colour, share);
            }
        }
    }

    /// Draws a frame of `thickness` pixels just inside a box.
    pub(super) fn frame(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour, thickness: u32) {
        for i in 0..thickness.min(width / 2).min(height / 2) {
            let area = rect::Rect::at((x + i) as i32, (y + i) as i32).of_size(width - 2 * i, height - 2 * i);
            drawing::draw_hollow_rect_mut(&mut self.image, area, Px(colour));
        }
    }

    /// Draws a closed line of `thickness` pixels with soft edges.
    pub(super) fn outline(&mut self, points: &[At], colour: Colour, thickness: f32, share: u8) {
        let Some(area) = Area::around(points, thickness, self) else { return };
        self.coverage.clear();
        self.coverage.resize((area.width() * area.height()) as usize, 0);
        let ends = points.iter().cycle().skip(1);
        for (&a, &b) in points.iter().zip(ends) {
            area.cover(&mut self.coverage, a, b, thickness);
        }
        let coverage = std::mem::take(&mut self.coverage);
        for (i, &c) in coverage.iter().enumerate().filter(|(_, c)| **c > 0) {
            let (x, y) = (area.left + i as i64 % area.width(), area.top + i as i64 / area.width());
            self.blend(x, y, colour, (u32::from(c) * u32::from(share) / 255) as u8);
        }
        self.coverage = coverage;
    }
}

/// The part of a picture that a line can touch.
struct Area {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Area {
    /// `None` when no part of the line is on the picture.
    fn around(points: &[At], thickness: f32, picture: &Picture) -> Option<Self> {
        let reach = thickness / 2.0 + 1.0;
        let span = |pick: fn(&At) -> f32, most: u32| {
            let (low, high) = points
                .iter()
                .map(pick)
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
            let cut = |v: f32| (v as i64).clamp(0, i64::from(most));
            (cut((low - reach).floor()), cut((high + reach).ceil()))
        };
        let (left, right) = span(|p| p.0, picture.width());
        let (top, bottom) = span(|p| p.1, picture.height());
        (left < right && top < bottom).then_some(Self { left, top, right, bottom })
    }

    fn width(&self) -> i64 {
        self.right - self.left
    }

    fn height(&self) -> i64 {
        self.bottom - self.top
    }

    /// Raises the coverage of the pixels near the piece of line from `a` to `b`.
    fn cover(&self, coverage: &mut [u8], a: At, b: At, thickness: f32) {
        let reach = thickness / 2.0 + 1.0;
        let cut = |v: f32, low: i64, high: i64| (v as i64).clamp(low, high);
        let columns = cut((a.0.min(b.0) - reach).floor(), self.left, self.right)
            ..cut((a.0.max(b.0) + reach).ceil(), self.left, self.right);
        let rows = cut((a.1.min(b.1) - reach).floor(), self.top, self.bottom)
            ..cut((a.1.max(b.1) + reach).ceil(), self.top, self.bottom);
        for y in rows {
            for x in columns.clone() {
                let apart = distance((x as f32 + 0.5, y as f32 + 0.5), a, b);
                let covered = ((thickness / 2.0 + 0.5 - apart).clamp(0.0, 1.0) * 255.0) as u8;
                let at = &mut coverage[((y - self.top) * self.width() + x - self.left) as usize];
                *at = covered.max(*at);
            }
        }
    }
}

/// Returns the distance of `p` from the piece of line from `a` to `b`.
fn distance(p: At, a: At, b: At) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length } else { 0.0 };
    let t = along.clamp(0.0, 1.0);
    let (x, y) = (p.0 - a.0 - t * dx, p.1 - a.1 - t * dy);
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_enlarged_and_reduced_again_are_the_same() {
        let data: Vec<u8> = (0..6 * 4 * 3).map(|i| (i * 3) as u8).collect();
        let pixels = Rgb::from_vec(6, 4, data).unwrap();
        let large = Picture::from_rgb(pixels.clone(), 60, 40);
        assert_eq!((large.width(), large.height()), (60, 40));
        let small = Picture::from_rgb(large.into_rgb(), 6, 4).into_rgb();
        let apart = |(a, b): (&u8, &u8)| a.abs_diff(*b);
        assert!(small.data().iter().zip(pixels.data()).map(apart).max() <= Some(6));
        assert_eq!(Picture::from_rgb(pixels.clone(), 6, 4).into_rgb().data(), pixels.data());
    }

    #[test]
    fn a_picture_is_placed_where_it_fits() {
        let dark = Picture::filled(4, 3, [0; 3]);
        for ((x, y), expected) in
            [((0, 0), 12), ((5, 6), 12), ((8, 0), 6), ((0, 9), 4), ((10, 0), 0), ((0, 10), 0)]
        {
            let mut picture = Picture::filled(10, 10, [255; 3]);
            picture.place(&dark, x, y);
            let placed = picture.image.pixels().filter(|p| p.0 == [0; 3]).count();
            assert_eq!(placed, expected, "{x}, {y}");
        }
    }

    #[test]
    fn lines_cover_their_thickness_and_stay_inside() {
        fn t(points: &[At], thickness: f32, expected: f64) {
            let mut picture = Picture::filled(20, 20, [255; 3]);
            picture.outline(points, [0; 3], thickness, 255);
            let ink: f64 = picture.image.pixels().map(|p| f64::from(255 - p.0[0]) / 255.0).sum();
            assert!((ink - expected).abs() <= expected * 0.06, "{points:?}: {ink}, expected {expected}");
        }
        t(&[(2.0, 10.0), (18.0, 10.0)], 2.0, 16.0 * 2.0 + 3.6);
        t(&[(5.0, 5.0), (15.0, 5.0), (15.0, 15.0), (5.0, 15.0)], 1.0, 40.0);
        t(&[(-50.0, 10.0), (50.0, 10.0)], 1.0, 20.0);
        t(&[(-5.0, -5.0), (-9.0, -5.0)], 1.0, 0.0);
    }
}
