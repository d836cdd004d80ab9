//! How much of a rectangle a map covers.

use crate::{geometry::Rect, raster::Mask};

/// The pixels of maps at which rectangles have their corners: sums are kept there and nowhere else.
pub(super) struct Corners {
    /// Level-0 pixels per pixel of the maps, which start at the slide's corner.
    scale: f64,
    columns: Marks,
    rows: Marks,
}

/// Places along one side of a map.
struct Marks {
    /// The places, in order.
    places: Vec<usize>,
    /// Where each place is in that list; anything for the others.
    index: Vec<u32>,
}

impl Marks {
    /// Marks the pixels beside these positions on a side of `length` pixels.
    fn new(length: usize, positions: impl Iterator<Item = f64>) -> Self {
        let mut marked = vec![false; length + 2];
        for position in positions {
            let first = before(position, length);
            marked[first..first + 2].fill(true);
        }
        let places: Vec<usize> = (0..marked.len()).filter(|&place| marked[place]).collect();
        let mut index = vec![0; marked.len()];
        (0..).zip(&places).for_each(|(i, &place)| index[place] = i);
        Self { places, index }
    }
}

/// Returns the pixel before a position on a side of `length` pixels.
fn before(position: f64, length: usize) -> usize {
    (position.clamp(0.0, length as f64) as usize).min(length.saturating_sub(1))
}

/// The covered area above and left of every corner; empty for a map of nothing.
pub(super) struct Sums(Vec<u32>);

impl Corners {
    /// Prepares to sum maps of `width` × `height` pixels for some rectangles of a slide.
    pub(super) fn new((width, height): (usize, usize), scale: f64, rects: &[Rect]) -> Self {
        let positions =
            |ends: fn(&Rect) -> [i64; 2]| rects.iter().flat_map(ends).map(move |v| v as f64 / scale);
        let columns = Marks::new(width, positions(|rect| [rect.x0, rect.x1()]));
        Self { scale, columns, rows: Marks::new(height, positions(|rect| [rect.y0, rect.y1()])) }
    }

    /// Sums a map.
    pub(super) fn sums(&self, mask: &Mask) -> Sums {
        if mask.data().iter().all(|&v| v == 0) {
            return Sums(Vec::new());
        }
        let mut line = vec![0u32; self.columns.places.len()];
        let mut sums = Vec::with_capacity(line.len() * self.rows.places.len());
        let mut done = 0;
        for &row in &self.rows.places {
            for y in done..row.min(mask.height()) {
                self.add(mask.row(y), &mut line);
            }
            done = row;
            sums.extend_from_slice(&line);
        }
        Sums(sums)
    }

    /// Adds what of a row is covered left of every corner.
    fn add(&self, row: &[u8], line: &mut [u32]) {
        let (mut from, mut covered) = (0, 0);
        for (sum, &place) in line.iter_mut().zip(&self.columns.places) {
            let end = place.min(row.len());
            covered += row[from..end].iter().map(|&v| u32::from(v != 0)).sum::<u32>();
            *sum += covered;
            from = end;
        }
    }

    /// Returns the covered share of one of the rectangles, 0–1. What lies beyond the map is not covered.
    pub(super) fn share(&self, sums: &Sums, rect: Rect) -> f64 {
        let [left, top, right, bottom] =
            [rect.x0, rect.y0, rect.x1(), rect.y1()].map(|v| v as f64 / self.scale);
        let at = |x: f64, y: f64| self.covered(sums, x, y);
        let covered = at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top);
        let area = (right - left) * (bottom - top);
        if area > 0.0 { (covered / area).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Returns the covered area above and left of a corner, between pixels by their parts.
    fn covered(&self, sums: &Sums, x: f64, y: f64) -> f64 {
        let [width, height] = [&self.columns, &self.rows].map(|marks| marks.index.len() - 2);
        let (column, row) = (before(x, width), before(y, height));
        let (dx, dy) = (x.clamp(0.0, width as f64) - column as f64, y.clamp(0.0, height as f64) - row as f64);
        let sum = |column: usize, row: usize| {
            let (i, j) = (self.columns.index[column] as usize, self.rows.index[row] as usize);
            f64::from(sums.0.get(j * self.columns.places.len() + i).copied().unwrap_or(0))
        };
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
        fn t(mask: &Mask, x0: i64, y0: i64, width: u64, height: u64, expected: f64) {
            let (rect, other) = (Rect { x0, y0, width, height }, Rect { x0: 3, y0: 7, width: 21, height: 9 });
            for rects in [&[rect][..], &[other, rect]] {
                let corners = Corners::new((mask.width(), mask.height()), 10.0, rects);
                let got = corners.share(&corners.sums(mask), rect);
                assert!((got - expected).abs() < 1e-9, "{x0} {y0} {width}x{height}: {got}");
            }
        }
        t(&mask, 10, 10, 10, 10, 1.0);
        t(&mask, 0, 0, 40, 30, 2.0 / 12.0);
        t(&mask, 15, 10, 10, 10, 0.5);
        t(&mask, 15, 15, 10, 10, 0.25);
        t(&mask, 30, 20, 20, 20, 0.25);
        t(&mask, -20, -20, 10, 10, 0.0);
        t(&mask, 0, 0, 0, 0, 0.0);
        t(&Mask::filled(4, 3, 0), 10, 10, 20, 20, 0.0);
    }
}
