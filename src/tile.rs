//! Windows: the pieces a slide is analysed in.
//!
//! A window has a *core*, which no other window shares, and a *halo* around it, which is context.
//! An object is counted by the window whose core holds one pixel that stands for it (its first in reading order, or the
//! middle of its box), so that objects on borders are whole and counted once, whatever the grid.

pub(crate) mod blur;

pub use self::blur::Detail;
use crate::{geometry::Rect, units::Mpp};

/// How to cut a slide into windows, in pixels of the working resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileSpec {
    /// Side of the core. A multiple of [`TileSpec::ALIGN`].
    pub core_px: u32,
    /// Width of the halo on each side.
    pub halo_px: u32,
    /// Shift of the grid to the left and up, for tests of invariance. A multiple of [`TileSpec::ALIGN`].
    pub shift_px: u32,
}

impl TileSpec {
    /// Cores start on multiples of this many working pixels.
    pub const ALIGN: u32 = 64;
}

/// One piece of a slide at a working resolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Left edge of the core, in working pixels from the slide's left edge.
    pub x0: i64,
    /// Top edge of the core, in working pixels from the slide's top edge.
    pub y0: i64,
    /// Width of the core, in working pixels.
    pub core_width: u32,
    /// Height of the core, in working pixels.
    pub core_height: u32,
    /// Width of the halo on each side, in working pixels.
    pub halo: u32,
    /// Level-0 pixels per working pixel, at least 1.
    pub scale: f64,
    /// Level-0 pixels per pixel of the level it is read from, at most, unless the slide has no finer one.
    pub source_scale: f64,
    /// Size of a working pixel.
    pub mpp: Mpp,
}

impl Window {
    /// Returns the width with halo, in working pixels: the width of the pixels that are read.
    #[must_use]
    pub fn width(&self) -> usize {
        (self.core_width + 2 * self.halo) as usize
    }

    /// Returns the height with halo, in working pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        (self.core_height + 2 * self.halo) as usize
    }

    /// Returns the left edge of the halo, in working pixels from the slide's left edge.
    #[must_use]
    pub fn left(&self) -> i64 {
        self.x0 - i64::from(self.halo)
    }

    /// Returns the top edge of the halo, in working pixels from the slide's top edge.
    #[must_use]
    pub fn top(&self) -> i64 {
        self.y0 - i64::from(self.halo)
    }

    /// Returns whether pixel (x, y) of the window, halo included, lies in the core.
    #[must_use]
    pub fn in_core(&self, x: usize, y: usize) -> bool {
        let (h, w, t) = (self.halo as usize, self.core_width as usize, self.core_height as usize);
        x >= h && x < h + w && y >= h && y < h + t
    }

    /// Returns the columns of the core, in pixels of the window.
    #[must_use]
    pub fn core_columns(&self) -> std::ops::Range<usize> {
        self.halo as usize..(self.halo + self.core_width) as usize
    }

    /// Returns the rows of the core, in pixels of the window.
    #[must_use]
    pub fn core_rows(&self) -> std::ops::Range<usize> {
        self.halo as usize..(self.halo + self.core_height) as usize
    }

    /// Returns the core in level-0 pixels, rounded outwards.
    #[must_use]
    pub fn core_rect(&self) -> Rect {
        let lo = |v: i64| (v as f64 * self.scale).floor() as i64;
        let hi = |v: i64| (v as f64 * self.scale).ceil() as i64;
        let (x0, y0) = (lo(self.x0), lo(self.y0));
        let x1 = hi(self.x0 + i64::from(self.core_width));
        let y1 = hi(self.y0 + i64::from(self.core_height));
        Rect { x0, y0, width: x1.abs_diff(x0), height: y1.abs_diff(y0) }
    }
}

impl Window {
    /// Returns a window without halo over a box of pixels (left, top, right, bottom) of `scale` level-0 pixels each; `mpp` is the
    /// size of those pixels.
    #[must_use]
    pub fn over((left, top, right, bottom): (i32, i32, i32, i32), scale: f64, mpp: Mpp) -> Self {
        let side = |low: i32, high: i32| high.saturating_sub(low).max(1) as u32;
        Self {
            x0: i64::from(left),
            y0: i64::from(top),
            core_width: side(left, right),
            core_height: side(top, bottom),
            halo: 0,
            scale,
            source_scale: scale,
            mpp,
        }
    }

    /// Returns the window with its core cut to what lies within `margin` working pixels of a rectangle, on the grid of
    /// [`TileSpec::ALIGN`].
    #[must_use]
    pub fn cut_to(&self, rect: Rect, margin: i64) -> Self {
        let align = i64::from(TileSpec::ALIGN);
        let cut = |start: i64, length: u32, low: i64, high: i64| {
            let low = ((low as f64 / self.scale).floor() as i64 - margin).div_euclid(align) * align;
            let high =
                ((high as f64 / self.scale).ceil() as i64 + margin + align - 1).div_euclid(align) * align;
            let end = start + i64::from(length);
            let (low, high) = (low.clamp(start, end), high.clamp(start, end));
            (low, (high - low) as u32)
        };
        let (x0, core_width) = cut(self.x0, self.core_width, rect.x0, rect.x1());
        let (y0, core_height) = cut(self.y0, self.core_height, rect.y0, rect.y1());
        Self { x0, y0, core_width, core_height, ..*self }
    }
}

impl TileSpec {
    /// Cuts a slide of `width`×`height` level-0 pixels into windows of `scale` level-0 pixels per working
    /// pixel, in reading order. Cores cover the slide exactly once.
    #[must_use]
    pub fn cut(&self, width: u64, height: u64, scale: f64, mpp: Mpp) -> Vec<Window> {
        let side = |length: u64| (length as f64 / scale).ceil() as i64;
        let spans = |length: i64| -> Vec<(i64, u32)> {
            let core = i64::from(self.core_px.max(Self::ALIGN));
            let starts = (0..).map(|i| i * core - i64::from(self.shift_px)).take_while(|&s| s < length);
            starts
                .map(|s| (s.max(0), (s + core).min(length)))
                .filter(|(a, b)| a < b)
                .map(|(a, b)| (a, (b - a) as u32))
                .collect()
        };
        let (columns, rows) = (spans(side(width)), spans(side(height)));
        let window = |(x0, core_width): (i64, u32), (y0, core_height): (i64, u32)| Window {
            x0,
            y0,
            core_width,
            core_height,
            halo: self.halo_px,
            scale,
            source_scale: scale,
            mpp,
        };
        rows.iter().flat_map(|&row| columns.iter().map(move |&column| window(column, row))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_cover_the_slide_once() {
        fn t(width: u64, height: u64, scale: f64, core_px: u32, shift_px: u32) {
            let spec = TileSpec { core_px, halo_px: 10, shift_px };
            let windows = spec.cut(width, height, scale, Mpp::square(0.5).unwrap());
            let (w, h) = ((width as f64 / scale).ceil() as usize, (height as f64 / scale).ceil() as usize);
            let mut covered = vec![0u8; w * h];
            for window in &windows {
                for y in window.y0..window.y0 + i64::from(window.core_height) {
                    for x in window.x0..window.x0 + i64::from(window.core_width) {
                        covered[y as usize * w + x as usize] += 1;
                    }
                }
            }
            assert!(covered.iter().all(|&n| n == 1), "{width}×{height} {scale} {core_px} {shift_px}");
        }
        t(1000, 700, 1.0, 256, 0);
        t(1000, 700, 1.0, 256, 128);
        t(1001, 703, 2.0, 128, 64);
        t(300, 200, 1.7, 1024, 512);
        t(1, 1, 1.0, 64, 0);
    }

    #[test]
    fn cores_are_cut_to_tissue_on_the_grid() {
        let mpp = Mpp::square(0.5).unwrap();
        let window = Window {
            x0: 256,
            y0: 0,
            core_width: 256,
            core_height: 200,
            halo: 9,
            scale: 2.0,
            source_scale: 2.0,
            mpp,
        };
        let t = |rect: Rect, margin: i64, expected: (i64, i64, u32, u32)| {
            let cut = window.cut_to(rect, margin);
            assert_eq!((cut.x0, cut.y0, cut.core_width, cut.core_height), expected, "{rect:?} {margin}");
            assert_eq!(cut.halo, window.halo);
        };
        let tissue = Rect { x0: 700, y0: 200, width: 60, height: 20 };
        t(tissue, 0, (320, 64, 64, 64));
        t(tissue, 50, (256, 0, 192, 192));
        t(tissue, 1000, (256, 0, 256, 200));
    }
}
