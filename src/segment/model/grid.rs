//! Between the pixels of a window and those a model eats. Both are counted from the slide's corner, so windows agree.

use std::ops::Range;

use crate::{
    raster::{Plane, Rgb},
    tile::Window,
};

/// Pixels this close to a whole share of the model's are averaged in whole numbers: less than half of the scales the
/// models were trained over.
const SNAP: f64 = 0.15;
/// The sum of the weights of one model pixel, per axis.
const ONE: u32 = 1 << 12;
/// Steps of an output per unit of log odds.
pub(in crate::segment) const STEPS: f32 = 1000.0;

/// Returns window pixels per model pixel, for pixels of `mpp` and a model of `um` µm.
pub(in crate::segment) fn step(mpp: f64, um: f64) -> f64 {
    let wanted = um / mpp;
    let whole = wanted.round().max(1.0);
    if (wanted / whole - 1.0).abs() <= SNAP { whole } else { wanted }
}

/// How a model's pixels lie on a window.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::segment) struct Grid {
    step: f64,
    columns: Range<i64>,
    rows: Range<i64>,
}

impl Grid {
    /// Lays squares of `align` model pixels over the window's core and `margin` window pixels around it; `None` if not
    /// one lies within.
    pub(in crate::segment) fn over(window: &Window, margin: u32, step: f64, align: usize) -> Option<Self> {
        let margin = i64::from(margin.min(window.halo));
        let span = |start: i64, length: u32| {
            let square = step * align as f64;
            let first = ((start - margin) as f64 / square).ceil() as i64;
            let last = ((start + i64::from(length) + margin) as f64 / square).floor() as i64;
            first * align as i64..last * align as i64
        };
        let (columns, rows) = (span(window.x0, window.core_width), span(window.y0, window.core_height));
        (!columns.is_empty() && !rows.is_empty()).then_some(Self { step, columns, rows })
    }

    /// Leaves out what lies outside a slide of `size` window pixels. A network counts everything beyond its grid as zero in
    /// each of its steps, as it did beyond the squares that it was trained on.
    pub(super) fn within(mut self, size: (i64, i64)) -> Option<Self> {
        let end = |px: i64| (px as f64 / self.step).ceil() as i64;
        let cut = |range: &Range<i64>, px: i64| range.start.max(0)..range.end.min(end(px));
        (self.columns, self.rows) = (cut(&self.columns, size.0), cut(&self.rows, size.1));
        (!self.columns.is_empty() && !self.rows.is_empty()).then_some(self)
    }

    /// Averages the window's pixels to model pixels.
    pub(in crate::segment) fn shrink(&self, rgb: &Rgb, window: &Window) -> Rgb {
        let columns = self.taps(&self.columns, window.left(), rgb.width());
        let rows = self.taps(&self.rows, window.top(), rgb.height());
        let mut out = Rgb::filled(columns.len(), rows.len(), [0; 3]);
        let mut sums = vec![[0u32; 3]; rgb.width()];
        for (y, tap) in rows.iter().enumerate() {
            if self.step == 1.0 {
                let first = columns[0].first;
                out.row_mut(y).copy_from_slice(&rgb.row(tap.first)[first..first + columns.len()]);
                continue;
            }
            sums.fill([0; 3]);
            for (i, &weight) in tap.weights.iter().enumerate() {
                let pixels = rgb.row((tap.first + i).min(rgb.height() - 1));
                for (sum, pixel) in sums.iter_mut().zip(pixels) {
                    (0..3).for_each(|c| sum[c] += weight * u32::from(pixel[c]));
                }
            }
            // Four bits less, so that the sums of sums fit.
            sums.iter_mut().flatten().for_each(|v| *v = (*v + 8) >> 4);
            for (to, tap) in out.row_mut(y).iter_mut().zip(&columns) {
                *to = tap.mean(&sums);
            }
        }
        out
    }

    fn taps(&self, models: &Range<i64>, start: i64, length: usize) -> Vec<Tap> {
        models.clone().map(|i| Tap::of(i, self.step, start, length)).collect()
    }

    /// Gives every window pixel the log odds × [`STEPS`] between the middles of the model pixels around it, and where
    /// there are none `outside`.
    pub(in crate::segment) fn enlarge(
        &self,
        coarse: &Plane<f32>,
        window: &Window,
        outside: i16,
    ) -> Plane<i16> {
        let mut out = Plane::filled(window.width(), window.height(), outside);
        let columns = self.ways(&self.columns, window.left(), window.width());
        let rows = self.ways(&self.rows, window.top(), window.height());
        let Some(first) = columns.iter().position(Option::is_some) else { return out };
        let columns: Vec<Way> = columns.into_iter().flatten().collect();
        let mut line = vec![0f32; coarse.width()];
        for (y, way) in rows.into_iter().enumerate() {
            let Some(Way { low, high, share }) = way else { continue };
            let pairs = coarse.row(low).iter().zip(coarse.row(high));
            line.iter_mut().zip(pairs).for_each(|(v, (a, b))| *v = (a + (b - a) * share) * STEPS);
            for (to, way) in out.row_mut(y)[first..].iter_mut().zip(&columns) {
                let (a, b) = (line[way.low], line[way.high]);
                *to = (a + (b - a) * way.share).clamp(-30_000.0, 30_000.0) as i16;
            }
        }
        out
    }

    /// For every window pixel along an axis, the model pixels before and after it.
    fn ways(&self, models: &Range<i64>, start: i64, length: usize) -> Vec<Option<Way>> {
        let last = (models.end - models.start - 1) as f64;
        let way = |i: usize| {
            let at = ((start + i as i64) as f64 + 0.5) / self.step - 0.5 - models.start as f64;
            if !(-0.5..=last + 0.5).contains(&at) {
                return None;
            }
            let at = at.clamp(0.0, last);
            let low = at.floor();
            Some(Way { low: low as usize, high: (low + 1.0).min(last) as usize, share: (at - low) as f32 })
        };
        (0..length).map(way).collect()
    }
}

/// The model pixels around a window pixel, and the share of the second.
struct Way {
    low: usize,
    high: usize,
    share: f32,
}

/// The window pixels under one model pixel.
struct Tap {
    first: usize,
    weights: Vec<u32>,
}

impl Tap {
    fn of(index: i64, step: f64, start: i64, length: usize) -> Self {
        let (low, high) = (index as f64 * step, (index + 1) as f64 * step);
        let first = low.floor();
        let count = ((high - 1e-6).ceil() - first).max(1.0) as usize;
        let upto = |k: usize| (((first + k as f64).clamp(low, high) - low) / step * f64::from(ONE)).round();
        let mut weights: Vec<u32> = (0..count).map(|k| (upto(k + 1) - upto(k)) as u32).collect();
        let sum: u32 = weights.iter().sum();
        weights[0] += ONE - sum.min(ONE);
        let first = (first as i64 - start).clamp(0, length as i64 - 1) as usize;
        Self { first, weights }
    }

    fn mean(&self, sums: &[[u32; 3]]) -> [u8; 3] {
        let mut all = [0u32; 3];
        for (i, &weight) in self.weights.iter().enumerate() {
            let sum = sums[(self.first + i).min(sums.len() - 1)];
            (0..3).for_each(|c| all[c] += weight * sum[c]);
        }
        all.map(|v| ((v + (1 << 19)) >> 20).min(255) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Mpp;

    fn window(x0: i64, core: u32, halo: u32) -> Window {
        let mpp = Mpp::square(0.3).unwrap();
        Window { x0, y0: x0, core_width: core, core_height: core, halo, scale: 1.0, source_scale: 1.0, mpp }
    }

    fn picture(window: &Window) -> Rgb {
        let mut rgb = Rgb::filled(window.width(), window.height(), [0; 3]);
        for y in 0..rgb.height() {
            let at = window.top() + y as i64;
            for (x, p) in rgb.row_mut(y).iter_mut().enumerate() {
                let (x, y) = (window.left() + x as i64, at);
                *p = [x * 7 + y * 3, x * y, x * 13 - y].map(|v| v.rem_euclid(256) as u8);
            }
        }
        rgb
    }

    #[test]
    fn steps_are_whole_where_the_sizes_nearly_fit() {
        for (mpp, expected) in [(0.5, 1.0), (0.2505, 2.0), (0.45, 1.0), (0.12, 4.0), (0.23, 2.0)] {
            assert_eq!(step(mpp, 0.5), expected, "{mpp}");
        }
        assert!((step(0.36, 0.5) - 0.5 / 0.36).abs() < 1e-12 && step(0.7, 0.5) < 1.0);
    }

    #[test]
    fn flat_colour_stays_and_means_are_means() {
        for step in [1.0, 2.0, 1.39, 0.8, 3.0] {
            let window = window(128, 64, 40);
            let grid = Grid::over(&window, 1000, step, 8).unwrap();
            let flat = grid.shrink(&Rgb::filled(window.width(), window.height(), [200, 3, 255]), &window);
            assert!(flat.pixels().iter().all(|p| *p == [200, 3, 255]), "{step}");
        }
        let window = window(0, 16, 0);
        let grid = Grid::over(&window, 0, 2.0, 8).unwrap();
        let mut rgb = Rgb::filled(16, 16, [0; 3]);
        rgb.row_mut(0)[0] = [101, 4, 0];
        assert_eq!(grid.shrink(&rgb, &window).row(0)[0], [25, 1, 0]);
    }

    #[test]
    fn a_grid_ends_where_the_slide_does() {
        fn t(step: f64, size: (i64, i64), expected: Option<(Range<i64>, Range<i64>)>) {
            let grid = Grid::over(&window(0, 64, 40), 1000, step, 8).unwrap().within(size);
            assert_eq!(grid.map(|g| (g.columns, g.rows)), expected, "{step} {size:?}");
        }
        t(1.0, (1000, 1000), Some((0..104, 0..104)));
        t(1.0, (51, 1000), Some((0..51, 0..104)));
        t(2.0, (51, 20), Some((0..26, 0..10)));
        let beyond = Grid::over(&window(640, 64, 40), 1000, 1.0, 8).unwrap();
        assert_eq!(beyond.within((500, 1000)), None);
    }

    #[test]
    fn windows_agree_where_they_overlap() {
        for step in [1.0, 2.0, 1.39, 0.8] {
            let (large, small) = (window(0, 256, 64), window(64, 64, 51));
            let (a, b) = [&large, &small].map(|w| Grid::over(w, 1000, step, 8).unwrap()).into();
            let (one, two) = (a.shrink(&picture(&large), &large), b.shrink(&picture(&small), &small));
            let (dx, dy) =
                ((b.columns.start - a.columns.start) as usize, (b.rows.start - a.rows.start) as usize);
            for y in 0..two.height() {
                assert_eq!(two.row(y), &one.row(y + dy)[dx..dx + two.width()], "{step} {y}");
            }
            let odds = |rgb: &Rgb| {
                let data = rgb.pixels().iter().map(|p| f32::from(p[0]) / 100.0).collect();
                Plane::from_vec(rgb.width(), rgb.height(), data).unwrap()
            };
            let (one, two) = (a.enlarge(&odds(&one), &large, -1), b.enlarge(&odds(&two), &small, -1));
            for y in small.core_rows() {
                let core = &two.row(y)[small.core_columns()];
                let dy = (small.top() - large.top()) as usize;
                let dx = (small.x0 - large.left()) as usize;
                assert_eq!(core, &one.row(y + dy)[dx..dx + core.len()], "{step} {y}");
                assert!(core.iter().all(|&v| v >= 0), "{step}");
            }
        }
    }
}
