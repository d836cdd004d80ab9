//! Means over neighbourhoods. At the edge of a plane its outermost pixels are repeated.

use std::ops::Range;

use rayon::prelude::*;

use crate::raster::{Plane, wide};

/// Rows that a thread averages at a time.
const BAND_ROWS: usize = 128;

/// Summed-area table: sums over rectangles in four look-ups.
pub struct Integral {
    width: usize,
    height: usize,
    sums: Vec<u32>,
}

impl Integral {
    /// Builds the table. Sums wrap at 2³², which cancels out for rectangles up to 16 million pixels.
    #[must_use]
    pub fn new(plane: &Plane<u8>) -> Self {
        let (width, height) = (plane.width(), plane.height());
        let stride = width + 1;
        let mut sums = vec![0u32; stride * (height + 1)];
        for y in 0..height {
            let (above, below) = sums.split_at_mut((y + 1) * stride);
            let above = &above[y * stride + 1..];
            let mut run = 0u32;
            for ((sum, &up), &v) in below[1..stride].iter_mut().zip(above).zip(plane.row(y)) {
                run = run.wrapping_add(u32::from(v));
                *sum = up.wrapping_add(run);
            }
        }
        Self { width, height, sums }
    }

    /// Returns the sum over columns `x0..x1` and rows `y0..y1`, cut to the plane.
    #[inline]
    #[must_use]
    pub fn sum(&self, x0: i64, y0: i64, x1: i64, y1: i64) -> u32 {
        let cx = |v: i64| v.clamp(0, self.width as i64) as usize;
        let cy = |v: i64| v.clamp(0, self.height as i64) as usize;
        let (x0, x1, y0, y1) = (cx(x0), cx(x1), cy(y0), cy(y1));
        let at = |x: usize, y: usize| self.sums[y * (self.width + 1) + x];
        at(x1, y1).wrapping_sub(at(x0, y1)).wrapping_sub(at(x1, y0)).wrapping_add(at(x0, y0))
    }
}

/// Sums over the squares around the places of one row after the other. Unlike [`Integral`] it takes a few rows of memory.
pub struct Squares<'a> {
    plane: &'a Plane<u8>,
    radius: usize,
    /// Rows that `columns` holds.
    rows: Range<usize>,
    /// Sum of every column over those rows.
    columns: Vec<u32>,
    /// Sums of the columns before each.
    before: Vec<u32>,
}

impl<'a> Squares<'a> {
    /// Prepares squares of side `2 · radius + 1`, cut to the plane.
    #[must_use]
    pub fn new(plane: &'a Plane<u8>, radius: usize) -> Self {
        let (columns, before) = (vec![0; plane.width()], vec![0; plane.width() + 1]);
        Self { plane, radius, rows: 0..0, columns, before }
    }

    /// Goes to row `y`, which must not lie above the one before.
    pub fn go_to(&mut self, y: usize) {
        let rows = y.saturating_sub(self.radius)..(y + self.radius + 1).min(self.plane.height());
        if rows.start >= self.rows.end {
            self.columns.fill(0);
            self.rows = rows.start..rows.start;
        }
        (self.rows.end..rows.end).for_each(|y| add_row(&mut self.columns, self.plane.row(y)));
        (self.rows.start..rows.start).for_each(|y| take_row(&mut self.columns, self.plane.row(y)));
        self.rows = rows;
        let mut sum = 0u32;
        for (before, &column) in self.before[1..].iter_mut().zip(&self.columns) {
            sum += column;
            *before = sum;
        }
    }

    /// Returns the sum over the square around column `x`.
    #[inline(always)]
    #[must_use]
    pub fn around(&self, x: usize) -> u32 {
        let end = (x + self.radius + 1).min(self.columns.len());
        self.before[end] - self.before[x.saturating_sub(self.radius)]
    }
}

wide! {
    fn add_row<'a>(columns: &'a mut [u32], row: &'a [u8]) {
        columns.iter_mut().zip(row).for_each(|(c, &v)| *c += u32::from(v));
    }
}

wide! {
    fn take_row<'a>(columns: &'a mut [u32], row: &'a [u8]) {
        columns.iter_mut().zip(row).for_each(|(c, &v)| *c -= u32::from(v));
    }
}

/// Returns the mean over a square of side `2 · radius + 1`, rounded to nearest.
#[must_use]
pub fn box_mean(plane: &Plane<u8>, radius: usize) -> Plane<u8> {
    if radius == 0 || plane.data().is_empty() {
        return plane.clone();
    }
    let mut out = Plane::filled(plane.width(), plane.height(), 0u8);
    box_rows(plane, radius, 0, out.data_mut());
    out
}

/// As [`box_mean`], on all threads of the current pool.
#[must_use]
pub(crate) fn box_mean_in_bands(plane: &Plane<u8>, radius: usize) -> Plane<u8> {
    if radius == 0 || plane.data().is_empty() {
        return plane.clone();
    }
    let mut out = Plane::filled(plane.width(), plane.height(), 0u8);
    let bands = out.data_mut().par_chunks_mut(BAND_ROWS * plane.width()).enumerate();
    bands.for_each(|(i, band)| box_rows(plane, radius, i * BAND_ROWS, band));
    out
}

/// Writes whole rows of means from row `first` on; `radius` is above 0 and the plane not empty.
fn box_rows(plane: &Plane<u8>, radius: usize, first: usize, out: &mut [u8]) {
    let (w, h) = (plane.width(), plane.height());
    let side = 2 * radius as u64 + 1;
    let area = side * side;
    // Rounded quotient by multiplication; exact enough to land on the nearest whole number.
    let (half, reciprocal) = (area / 2, (1u64 << 40) / area + 1);
    let row_at = |i: usize| plane.row((i.saturating_sub(radius)).min(h - 1));
    let mut columns = vec![0u32; w];
    for i in first..first + 2 * radius {
        columns.iter_mut().zip(row_at(i)).for_each(|(c, &v)| *c += u32::from(v));
    }
    let mut padded = vec![0u32; w + 2 * radius];
    for (y, out) in (first..).zip(out.chunks_exact_mut(w)) {
        columns.iter_mut().zip(row_at(y + 2 * radius)).for_each(|(c, &v)| *c += u32::from(v));
        padded[..radius].fill(columns[0]);
        padded[radius..radius + w].copy_from_slice(&columns);
        padded[radius + w..].fill(columns[w - 1]);
        let mut sum: u64 = padded[..2 * radius].iter().map(|&v| u64::from(v)).sum();
        let ends = padded[2 * radius..].iter().zip(&padded);
        for (out, (&entering, &leaving)) in out.iter_mut().zip(ends) {
            sum += u64::from(entering);
            *out = (((sum + half) * reciprocal) >> 40).min(255) as u8;
            sum -= u64::from(leaving);
        }
        columns.iter_mut().zip(row_at(y)).for_each(|(c, &v)| *c -= u32::from(v));
    }
}

/// Largest half-width of a kernel that is applied directly.
const MAX_KERNEL: usize = 12;

/// Returns the Gaussian mean of standard deviation `sigma_px`, in steps of 1/256 per weight, cut at 3 σ.
/// Beyond σ = 4 px three box means of the same total variance stand in for it.
#[must_use]
pub fn gaussian(plane: &Plane<u8>, sigma_px: f64) -> Plane<u8> {
    if sigma_px <= 0.2 || plane.data().is_empty() {
        return plane.clone();
    }
    let reach = (3.0 * sigma_px).ceil() as usize;
    if reach > MAX_KERNEL {
        return box_radii(sigma_px).iter().fold(plane.clone(), |p, &r| box_mean(&p, r));
    }
    convolve(plane, kernel(sigma_px, reach))
}

/// Centre and one-sided weights; centre plus twice the others is 256.
fn kernel(sigma: f64, reach: usize) -> Vec<u16> {
    let weight = |i: usize| (-0.5 * (i as f64 / sigma).powi(2)).exp();
    let total = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
    let mut half: Vec<u16> = (0..=reach).map(|i| (256.0 * weight(i) / total).round() as u16).collect();
    let sides: u16 = half[1..].iter().sum();
    half[0] = 256 - 2 * sides;
    while half.len() > 1 && half.last() == Some(&0) {
        half.pop();
    }
    half
}

wide! {
    /// Applies a symmetric kernel down columns, then along rows.
    fn convolve<'a>(plane: &'a Plane<u8>, half: Vec<u16>) -> Plane<u8> {
        let (w, h) = (plane.width(), plane.height());
        let reach = half.len() - 1;
        let mut out = Plane::filled(w, h, 0u8);
        let mut sums = vec![0u16; w];
        let mut padded = vec![0u8; w + 2 * reach];
        for y in 0..h {
            let row = plane.row(y);
            sums.iter_mut().zip(row).for_each(|(s, &v)| *s = 128 + half[0] * u16::from(v));
            for (d, &weight) in half.iter().enumerate().skip(1) {
                let (above, below) = (plane.row(y.saturating_sub(d)), plane.row((y + d).min(h - 1)));
                add_pair(&mut sums, above, below, weight);
            }
            let middle = &mut padded[reach..reach + w];
            middle.iter_mut().zip(&sums).for_each(|(p, &s)| *p = (s >> 8) as u8);
            let (first, last) = (padded[reach], padded[reach + w - 1]);
            padded[..reach].fill(first);
            padded[reach + w..].fill(last);
            sums.iter_mut().zip(&padded[reach..]).for_each(|(s, &v)| *s = 128 + half[0] * u16::from(v));
            for (d, &weight) in half.iter().enumerate().skip(1) {
                add_pair(&mut sums, &padded[reach - d..], &padded[reach + d..], weight);
            }
            out.row_mut(y).iter_mut().zip(&sums).for_each(|(o, &s)| *o = (s >> 8) as u8);
        }
        out
    }
}

#[inline(always)]
fn add_pair(sums: &mut [u16], a: &[u8], b: &[u8], weight: u16) {
    for ((s, &a), &b) in sums.iter_mut().zip(a).zip(b) {
        *s += weight * (u16::from(a) + u16::from(b));
    }
}

/// Radii of three boxes that together have the wanted variance (Kovesi 2010).
fn box_radii(sigma: f64) -> [usize; 3] {
    let ideal = (4.0 * sigma * sigma + 1.0).sqrt();
    let low = (((ideal - 1.0) / 2.0).floor().max(0.0)) as usize;
    let variance = |r: usize| ((2 * r + 1).pow(2) - 1) as f64 / 12.0;
    let gap = |n: usize| {
        let sum = (3 - n) as f64 * variance(low) + n as f64 * variance(low + 1);
        (sum - sigma * sigma).abs()
    };
    let larger = (0..=3).min_by(|&a, &b| gap(a).total_cmp(&gap(b))).unwrap_or(0);
    std::array::from_fn(|i| if i < larger { low + 1 } else { low })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(w: usize, h: usize) -> Plane<u8> {
        let mut state = 3u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        Plane::from_vec(w, h, (0..w * h).map(|_| next()).collect()).unwrap()
    }

    fn clamped(plane: &Plane<u8>, x: i64, y: i64) -> u32 {
        let (w, h) = (plane.width() as i64, plane.height() as i64);
        u32::from(plane.at(x.clamp(0, w - 1) as usize, y.clamp(0, h - 1) as usize))
    }

    #[test]
    fn box_mean_equals_the_definition() {
        for (w, h, r) in [(9, 7, 2), (1, 5, 3), (20, 12, 1), (6, 6, 9), (31, 17, 5), (3, 300, 4)] {
            let plane = noise(w, h);
            let mean = box_mean(&plane, r as usize);
            assert_eq!(box_mean_in_bands(&plane, r as usize), mean);
            for (x, y) in (0..h as i64).flat_map(|y| (0..w as i64).map(move |x| (x, y))) {
                let near = (-r..=r).flat_map(|dy| (-r..=r).map(move |dx| (x + dx, y + dy)));
                let sum: u32 = near.map(|(x, y)| clamped(&plane, x, y)).sum();
                let area = ((2 * r + 1) * (2 * r + 1)) as u32;
                assert_eq!(
                    u32::from(mean.at(x as usize, y as usize)),
                    (sum + area / 2) / area,
                    "{w}×{h} r{r}"
                );
            }
        }
    }

    #[test]
    fn gaussian_is_within_two_levels_of_the_definition() {
        for sigma in [0.6, 1.0, 2.0, 3.7] {
            let plane = noise(24, 15);
            let found = gaussian(&plane, sigma);
            for (x, y) in (0..15).flat_map(|y| (0..24).map(move |x| (x, y))) {
                let (mut sum, mut total) = (0.0, 0.0);
                for (dx, dy) in (-12..=12i64).flat_map(|dy| (-12..=12i64).map(move |dx| (dx, dy))) {
                    let weight = (-((dx * dx + dy * dy) as f64) / (2.0 * sigma * sigma)).exp();
                    sum += weight * f64::from(clamped(&plane, x + dx, y + dy));
                    total += weight;
                }
                let gap = f64::from(found.at(x as usize, y as usize)) - sum / total;
                assert!(gap.abs() <= 3.0, "σ {sigma} ({x}, {y}): {gap}");
            }
        }
    }

    #[test]
    fn flat_planes_stay_flat() {
        for value in [0, 77, 255] {
            let plane = Plane::filled(20, 10, value);
            for sigma in [0.1, 0.5, 2.3, 6.0] {
                assert!(gaussian(&plane, sigma).data().iter().all(|&v| v == value), "{value} σ {sigma}");
            }
        }
    }

    #[test]
    fn integral_cuts_rectangles_to_the_plane() {
        let sums = Integral::new(&Plane::from_vec(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap());
        assert_eq!(sums.sum(0, 0, 3, 2), 21);
        assert_eq!(sums.sum(1, 1, 9, 9), 11);
        assert_eq!(sums.sum(-5, -5, 1, 1), 1);
        assert_eq!(sums.sum(2, 0, 2, 2), 0);
    }

    #[test]
    fn squares_sum_what_tables_sum() {
        let data = (0..17u32 * 13).map(|i| (i * 7919 % 251) as u8).collect();
        let plane = Plane::from_vec(17, 13, data).unwrap();
        let table = Integral::new(&plane);
        for (radius, rows) in [(0, 0..13), (2, 0..13), (5, 3..9), (40, 0..13)] {
            let mut squares = Squares::new(&plane, radius);
            // Also where rows are passed over, further than a square reaches.
            for y in rows.step_by(if radius == 0 { 3 } else { 1 }) {
                squares.go_to(y);
                for x in 0..17 {
                    let (r, i, j) = (radius as i64, x as i64, y as i64);
                    let expected = table.sum(i - r, j - r, i + r + 1, j + r + 1);
                    assert_eq!(squares.around(x), expected, "{radius} ({x}, {y})");
                }
            }
        }
    }
}
