//! Randomness and noise for painters: seeded streams and multi-octave value noise.
//!
//! # The painters' toolkit at a glance
//!
//! All geometry is in **pixels** (`f32`); multiply micrometres by `mpp.px(1.0)`. Dye amounts are
//! OD × 100 of a unit stain vector: cytoplasm is about `e 30 h 9`, a vesicular nucleus `h 55`, a
//! lymphocyte `h 90`, collagen `e 22`, glass 0.
//!
//! | for | use |
//! |---|---|
//! | random numbers | [`Stream::new`]`(request.seed, "hepatocytes")`, `.range(a, b)`, `.normal(mean, sd)`, `.chance(p)`, `.index(n)` |
//! | cytoplasm texture | [`noise`]`(w, h, period_px, octaves, &mut stream)` → `Plane<u8>` around 128; [`noise_at`] for one pixel |
//! | where cells are | [`points::jittered`](super::points::jittered), [`points::poisson`](super::points::poisson) |
//! | cells, plates, acini | [`points::Voronoi`](super::points::Voronoi): index of the nearest point and distance to the border, per pixel |
//! | any outline | [`Blob`](super::blob::Blob): wobbly ellipse, or [`Polygon`](super::blob::Polygon); both are an [`Outline`](super::blob::Outline) |
//! | paint it | `canvas.fill(&outline, Dye, soft)`, `.shade`, `.rim`, `.label(&outline, "nuclei", id)`; each returns pixels |
//! | ready things | [`Stamp`](super::stamp::Stamp): `.nucleus`, `.vacuole`, `.red_cell`, `.fibre`, `.adipocyte`, `.hyalin` |
//!
//! Everything is deterministic: a stream depends on the seed and its name only, and planes computed in
//! parallel never draw random numbers in parallel.

use std::f32::consts::TAU;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::raster::Plane;

/// A reproducible stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Opens the stream called `name` of a seed. Streams of different names are independent, so a new
    /// kind of object does not move the others.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self(ChaCha8Rng::seed_from_u64(seed ^ hash.rotate_left(17)))
    }

    /// Returns a uniform number in 0..1.
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Returns a uniform number in `low..high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Returns a normal number, cut at three standard deviations.
    pub fn normal(&mut self, mean: f32, sd: f32) -> f32 {
        let sum: f32 = (0..6).map(|_| self.unit()).sum();
        mean + sd * (sum - 3.0) * std::f32::consts::SQRT_2
    }

    /// Returns true with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Returns an index below `n`, or 0 if `n` is 0.
    pub fn index(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// Returns an angle in 0..2π, in radians.
    pub fn angle(&mut self) -> f32 {
        self.range(0.0, TAU)
    }

    /// Puts a slice in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }

    /// Returns 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// Returns multi-octave value noise around 128 (SD about 35), with features of `period_px` and, per
/// further octave, half that size and 0.6 of the amplitude. Smooth; never repeats within the plane.
#[must_use]
pub fn noise(width: usize, height: usize, period_px: f32, octaves: u32, stream: &mut Stream) -> Plane<u8> {
    let layers = Lattice::octaves(width, height, period_px, octaves, stream);
    let mut plane = Plane::filled(width, height, 128_u8);
    if width == 0 || height == 0 {
        return plane;
    }
    plane.data_mut().par_chunks_mut(width).enumerate().for_each_init(
        || (vec![0_i32; width], Vec::new()),
        |(sum, line), (y, row)| {
            sum.fill(128 << 8);
            for layer in &layers {
                layer.add_row(y, sum, line);
            }
            for (out, &v) in row.iter_mut().zip(sum.iter()) {
                *out = (v >> 8).clamp(0, 255) as u8;
            }
        },
    );
    plane
}

/// Returns noise around 0 in −128..128 scaled to −1..1 at one pixel of a noise plane.
#[must_use]
pub fn noise_at(plane: &Plane<u8>, x: usize, y: usize) -> f32 {
    (f32::from(plane.at(x.min(plane.width() - 1), y.min(plane.height() - 1))) - 128.0) * (1.0 / 128.0)
}

/// One octave: random values on a square lattice of whole pixels, smoothly interpolated.
struct Lattice {
    period: usize,
    offset: (usize, usize),
    columns: usize,
    values: Vec<i16>,
    /// Smooth weight 0..256 of the next lattice point, for each pixel of a cell.
    ramp: Vec<i32>,
}

impl Lattice {
    fn octaves(width: usize, height: usize, period: f32, octaves: u32, stream: &mut Stream) -> Vec<Self> {
        let total = (0..octaves).map(|k| 0.36_f32.powi(k as i32)).sum::<f32>().sqrt();
        (0..octaves)
            .map(|k| {
                let size = (period * 0.5_f32.powi(k as i32)).round().max(1.0) as usize;
                Self::new(width, height, size, 0.6_f32.powi(k as i32) / total, stream)
            })
            .collect()
    }

    fn new(width: usize, height: usize, period: usize, weight: f32, stream: &mut Stream) -> Self {
        let offset = (stream.index(period), stream.index(period));
        let columns = width / period + 3;
        let rows = height / period + 3;
        // A uniform ±84, smoothly interpolated, has an SD of about 36; octaves add in quadrature.
        let amplitude = 84.0 * weight;
        let values = (0..columns * rows).map(|_| stream.range(-amplitude, amplitude) as i16).collect();
        let ramp = (0..period)
            .map(|i| {
                let t = (i as f32 + 0.5) / period as f32;
                (t * t * (3.0 - 2.0 * t) * 256.0) as i32
            })
            .collect();
        Self { period, offset, columns, values, ramp }
    }

    /// Adds this octave to a row of sums, in 1/256 grey levels.
    fn add_row(&self, y: usize, sum: &mut [i32], line: &mut Vec<i32>) {
        let (cell, t) = ((y + self.offset.1) / self.period, (y + self.offset.1) % self.period);
        let (upper, lower) = (&self.values[cell * self.columns..], &self.values[(cell + 1) * self.columns..]);
        let w = self.ramp[t];
        line.clear();
        line.extend(
            upper[..self.columns]
                .iter()
                .zip(&lower[..self.columns])
                .map(|(&a, &b)| i32::from(a) * 256 + (i32::from(b) - i32::from(a)) * w),
        );
        let first = self.period - self.offset.0;
        let (head, rest) = sum.split_at_mut(first.min(sum.len()));
        ramp_cell(head, line[0], line[1], &self.ramp[self.offset.0..]);
        for (i, cell) in rest.chunks_mut(self.period).enumerate() {
            ramp_cell(cell, line[i + 1], line[i + 2], &self.ramp);
        }
    }
}

#[inline]
fn ramp_cell(out: &mut [i32], a: i32, b: i32, ramp: &[i32]) {
    let step = (b - a) >> 8;
    for (o, &w) in out.iter_mut().zip(ramp) {
        *o += a + step * w;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_depend_on_seed_and_name() {
        let first = |seed, name| Stream::new(seed, name).bits();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
        assert_ne!(first(1, "a"), first(2, "a"));
    }

    #[test]
    fn normal_has_its_moments() {
        let mut s = Stream::new(3, "n");
        let v: Vec<f32> = (0..20_000).map(|_| s.normal(5.0, 2.0)).collect();
        let mean = v.iter().sum::<f32>() / v.len() as f32;
        let sd = (v.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / v.len() as f32).sqrt();
        assert!((mean - 5.0).abs() < 0.05 && (sd - 2.0).abs() < 0.05, "{mean} {sd}");
    }

    #[test]
    fn noise_is_centred_smooth_and_spreads() {
        fn t(period: f32, octaves: u32) {
            let p = noise(701, 300, period, octaves, &mut Stream::new(9, "x"));
            let n = p.data().len() as f64;
            let mean = p.data().iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            let sd = (p.data().iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt();
            assert!((mean - 128.0).abs() < 12.0, "{period} {octaves} mean {mean}");
            assert!((18.0..70.0).contains(&sd), "{period} {octaves} sd {sd}");
            if octaves == 1 && period > 16.0 {
                let worst = p.data().windows(2).enumerate().filter(|(i, _)| i % 701 != 700);
                let worst = worst.map(|(_, w)| w[0].abs_diff(w[1])).max();
                assert!(worst < Some(40), "{period} {worst:?}");
            }
        }
        t(3.0, 1);
        t(24.0, 1);
        t(40.0, 4);
        t(90.0, 2);
    }
}
