//! Places on a slide. Everything here is in **level-0 pixels** unless a name says otherwise.

use serde::{Deserialize, Serialize};

/// A position in level-0 pixels; (0, 0) is the outer corner of the first pixel.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Point {
    /// Distance from the left edge, in level-0 pixels.
    pub x: f64,
    /// Distance from the top edge, in level-0 pixels.
    pub y: f64,
}

/// An axis-parallel rectangle in level-0 pixels. May reach beyond the slide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rect {
    /// Left edge, inclusive.
    pub x0: i64,
    /// Top edge, inclusive.
    pub y0: i64,
    /// Width in level-0 pixels.
    pub width: u64,
    /// Height in level-0 pixels.
    pub height: u64,
}

impl Rect {
    /// Returns the right edge, exclusive.
    #[must_use]
    pub fn x1(self) -> i64 {
        self.x0.saturating_add_unsigned(self.width)
    }

    /// Returns the bottom edge, exclusive.
    #[must_use]
    pub fn y1(self) -> i64 {
        self.y0.saturating_add_unsigned(self.height)
    }

    /// Returns the area in level-0 pixels.
    #[must_use]
    pub fn area_px(self) -> u64 {
        self.width.saturating_mul(self.height)
    }

    /// Returns whether both rectangles share at least one pixel.
    #[must_use]
    pub fn intersects(self, other: Self) -> bool {
        self.x0 < other.x1() && other.x0 < self.x1() && self.y0 < other.y1() && other.y0 < self.y1()
    }
}

/// A rectangle to read: its corner in level-0 pixels, its size in pixels of a level.
///
/// The mixed frame is the field's habit (OpenSlide's `read_region`); the names carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Level index; 0 is the full resolution.
    pub level: usize,
    /// Left edge, in **level-0** pixels. May be negative.
    pub x0: i64,
    /// Top edge, in **level-0** pixels. May be negative.
    pub y0: i64,
    /// Width, in pixels of `level`.
    pub width: u32,
    /// Height, in pixels of `level`.
    pub height: u32,
}
