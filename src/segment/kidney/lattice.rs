//! Small squares of a window in which tissue is judged, anchored to the slide, so that windows do not show.

use crate::segment::field::Field;

/// Side of the squares, in µm.
const CELL_UM: f64 = 2.0;

/// The squares of one window, numbered row by row.
pub(super) struct Lattice {
    /// Side of a square, in pixels.
    pub(super) side: usize,
    /// Pixels of the first square of each row and column that lie outside the window.
    pub(super) skip: (usize, usize),
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Lattice {
    pub(super) fn of(field: &Field<'_>) -> Self {
        let side = field.px(CELL_UM).round().max(1.0) as usize;
        let skip = |start: i64| start.rem_euclid(side as i64) as usize;
        let skip = (skip(field.window.left()), skip(field.window.top()));
        let count = |length: usize, skip: usize| (length + skip).div_ceil(side);
        Self { side, skip, columns: count(field.width(), skip.0), rows: count(field.height(), skip.1) }
    }

    /// Returns the number of squares.
    pub(super) fn len(&self) -> usize {
        self.columns * self.rows
    }

    /// Returns the square that a pixel lies in.
    pub(super) fn at(&self, x: usize, y: usize) -> usize {
        (y + self.skip.1) / self.side * self.columns + (x + self.skip.0) / self.side
    }
}
