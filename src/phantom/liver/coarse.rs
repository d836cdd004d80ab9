//! Slowly changing quantities, sampled on a coarse grid and interpolated.

use rayon::prelude::*;

/// `N` values per place, sampled every `step` pixels.
#[derive(Clone, Debug)]
pub(super) struct Coarse<const N: usize> {
    step: f32,
    columns: usize,
    rows: usize,
    data: Vec<[f32; N]>,
}

impl<const N: usize> Coarse<N> {
    /// Samples a plane of `size` pixels; `fill(y_px, row)` sets the samples of one row, of which sample
    /// `i` lies at `i · step` pixels.
    pub(super) fn by_row(
        size: (usize, usize),
        step: f32,
        fill: impl Fn(f32, &mut [[f32; N]]) + Sync,
    ) -> Self {
        let count = |n: usize| (n as f32 / step).ceil() as usize + 2;
        let (columns, rows) = (count(size.0), count(size.1));
        let mut data = vec![[0.0; N]; columns * rows];
        data.par_chunks_mut(columns).enumerate().for_each(|(j, row)| fill(j as f32 * step, row));
        Self { step, columns, rows, data }
    }

    /// Returns the values at a place in pixels; beyond the grid those of its border.
    #[inline]
    pub(super) fn at(&self, x: f32, y: f32) -> [f32; N] {
        let cell = |v: f32, n: usize| {
            let v = (v / self.step).clamp(0.0, (n - 1) as f32);
            let i = (v as usize).min(n - 2);
            (i, v - i as f32)
        };
        let ((i, u), (j, v)) = (cell(x, self.columns), cell(y, self.rows));
        let at = j * self.columns + i;
        let (a, b) = (&self.data[at], &self.data[at + 1]);
        let (c, d) = (&self.data[at + self.columns], &self.data[at + self.columns + 1]);
        std::array::from_fn(|k| {
            let upper = a[k] + (b[k] - a[k]) * u;
            let lower = c[k] + (d[k] - c[k]) * u;
            upper + (lower - upper) * v
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolation_is_exact_on_planes() {
        let field = Coarse::by_row((100, 60), 3.0, |y, row| {
            for (i, v) in row.iter_mut().enumerate() {
                *v = [i as f32 * 3.0 + 2.0 * y, y];
            }
        });
        for (x, y) in [(0.0, 0.0), (33.3, 41.2), (99.0, 59.0), (100.0, 60.0)] {
            let [a, b] = field.at(x, y);
            assert!((a - x - 2.0 * y).abs() < 1e-3 && (b - y).abs() < 1e-4, "{x} {y}");
        }
    }
}
