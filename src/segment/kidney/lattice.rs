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

    /// Returns the squares that blocks of set ones hold, `reach` squares to each side of their middles.
    pub(super) fn opened(&self, squares: &[bool], reach: usize) -> Vec<bool> {
        let unset: Vec<bool> = squares.iter().map(|set| !set).collect();
        let middles: Vec<bool> = self.widened(&unset, reach).into_iter().map(|near| !near).collect();
        self.widened(&middles, reach)
    }

    /// Returns the squares that have set ones up to `reach` squares away, along rows and columns.
    pub(super) fn widened(&self, squares: &[bool], reach: usize) -> Vec<bool> {
        let set: Vec<u32> = squares.iter().map(|&set| u32::from(set)).collect();
        self.summed(&set, reach).into_iter().map(|n| n > 0).collect()
    }

    /// Returns for every square the sum over those up to `reach` squares away, along rows and columns.
    pub(super) fn summed(&self, squares: &[u32], reach: usize) -> Vec<u32> {
        let (columns, rows) = (self.columns, self.rows);
        let near = |at: usize, n: usize| at.saturating_sub(reach)..(at + reach + 1).min(n);
        let along = |i: usize| squares[i - i % columns..][near(i % columns, columns)].iter().sum();
        let along: Vec<u32> = (0..squares.len()).map(along).collect();
        let across = |i: usize| near(i / columns, rows).map(|row| along[row * columns + i % columns]).sum();
        (0..squares.len()).map(across).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens squares drawn as `#`.
    fn opened(rows: &[&str], reach: usize) -> Vec<String> {
        let (columns, n) = (rows[0].len(), rows.len());
        let squares: Vec<bool> = rows.concat().chars().map(|c| c == '#').collect();
        let lattice = Lattice { side: 4, skip: (0, 0), columns, rows: n };
        let wide = lattice.opened(&squares, reach);
        wide.chunks(columns).map(|row| row.iter().map(|&w| if w { '#' } else { '.' }).collect()).collect()
    }

    #[test]
    fn what_is_narrower_than_a_block_is_opened_away() {
        let rows = [
            "..........#...",
            ".#####....#...",
            ".#####....#...",
            ".########.#...",
            ".#####....#...",
            ".#####....####",
            "..........####",
            "..........####",
            "..............",
        ];
        let wide = [
            "..............",
            ".#####........",
            ".#####........",
            ".#####........",
            ".#####........",
            ".#####........",
            "..............",
            "..............",
            "..............",
        ];
        assert_eq!(opened(&rows, 2), wide);
        assert_eq!(opened(&rows, 0), rows);
    }
}
