//! How much of a rectangle a map covers.

use crate::{geometry::Rect, raster::Mask};

/// Sums over all upper left corners of a map.
pub(super) struct Shares {
    sums: Vec<u32>,
    width: usize,
    height: usize,
    scale: f64,
}

impl Shares {
    /// Prepares a map of `scale` level-0 pixels per pixel, which starts at the slide's corner.
    pub(super) fn new(mask: &Mask, scale: f64) -> Self {
        // Most slides have no ink and no folds: sums of nothing need no memory.
        if mask.data().iter().all(|&v| v == 0) {
            return Self { sums: Vec::new(), width: 0, height: 0, scale };
        }
        let (width, height) = (mask.width(), mask.height());
        let mut sums = vec![0u32; (width + 1) * (height + 1)];
        for y in 0..height {
            let (above, below) = sums.split_at_mut((y + 1) * (width + 1));
            let above = &above[y * (width + 1)..];
            let mut row = 0;
            for (x, &v) in mask.row(y).iter().enumerate() {
                row += u32::from(v != 0);
                below[x + 1] = above[x + 1] + row;
            }
        }
        Self { sums, width, height, scale }
    }

    /// Returns the covered share of a rectangle, 0–1. What lies beyond the map is not covered.
    pub(super) fn of(&self, rect: Rect) -> f64 {
        let [left, top, right, bottom] =
            [rect.x0, rect.y0, rect.x1(), rect.y1()].map(|v| v as f64 / self.scale);
        let covered =
            self.at(right, bottom) - self.at(left, bottom) - self.at(right, top) + self.at(left, top);
        let area = (right - left) * (bottom - top);
        if area > 0.0 { (covered / area).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Returns the covered area above and left of a point, between pixels by their parts.
    fn at(&self, x: f64, y: f64) -> f64 {
        let (x, y) = (x.clamp(0.0, self.width as f64), y.clamp(0.0, self.height as f64));
        let (column, row) =
            ((x as usize).min(self.width.saturating_sub(1)), (y as usize).min(self.height.saturating_sub(1)));
        let (dx, dy) = (x - column as f64, y - row as f64);
        let sum =
            |x: usize, y: usize| f64::from(self.sums.get(y * (self.width + 1) + x).copied().unwrap_or(0));
        let upper = sum(column, row) * (1.0 - dx) + sum(column + 1, row) * dx;
        let lower = sum(column, row + 1) * (1.0 - dx) + sum(column + 1, row + 1) * dx;
        upper * (1.0 - dy) + lower * dy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_pixels_count() {
        let mut mask = Mask::filled(4, 3, 0);
        mask.set(1, 1, 1);
        mask.set(3, 2, 1);
        let shares = Shares::new(&mask, 10.0);
        fn t(shares: &Shares, x0: i64, y0: i64, width: u64, height: u64, expected: f64) {
            let got = shares.of(Rect { x0, y0, width, height });
            assert!((got - expected).abs() < 1e-9, "{x0} {y0} {width}x{height}: {got}");
        }
        t(&shares, 10, 10, 10, 10, 1.0);
        t(&shares, 0, 0, 40, 30, 2.0 / 12.0);
        t(&shares, 15, 10, 10, 10, 0.5);
        t(&shares, 15, 15, 10, 10, 0.25);
        t(&shares, 30, 20, 20, 20, 0.25);
        t(&shares, -20, -20, 10, 10, 0.0);
        t(&shares, 0, 0, 0, 0, 0.0);
        t(&Shares::new(&Mask::filled(4, 3, 0), 10.0), 10, 10, 20, 20, 0.0);
    }
}
