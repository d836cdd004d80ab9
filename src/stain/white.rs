//! The white point: the colour of clear glass.

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    raster::Rgb,
    warning::{Warning, Warnings},
};

/// Used when a view shows no clear glass [expert].
const DEFAULT: [f64; 3] = [243.0; 3];
/// Glass is this close to the brightest pixels, in grey levels of the mean of the channels [expert].
const BELOW_BRIGHTEST: u32 = 25;
/// Glass is nearly grey: largest difference between channels, in grey levels [expert].
const MAX_TINT: u8 = 26;
/// The darkest white that is believed, in grey levels [expert].
const MIN_WHITE: u32 = 180;
/// The least mean of the channels that can be glass.
const FAINTEST: u32 = MIN_WHITE - BELOW_BRIGHTEST;
/// Least share of the view that must be white [expert].
const MIN_SHARE: f64 = 5e-4;
/// Why a default is used.
const NO_GLASS: &str = "nothing is as bright and as grey as clear glass (a picture of tissue alone, or a tinted or dim lamp: then balance the white)";
/// Pixels that a thread counts at a time.
const CHUNK_PX: usize = 1 << 18;

/// The colour of clear glass, 0–255 per channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct White {
    /// Red, green, blue.
    pub rgb: [f64; 3],
}

impl White {
    /// Returns the optical density of each grey level of each channel, × 1000, at least 0:
    /// `−log10((v + 1) / (white + 1))` (domain.md §2.0).
    #[must_use]
    pub fn density_tables(&self) -> [[u16; 256]; 3] {
        self.rgb.map(|white| {
            std::array::from_fn(|v| {
                (-1000.0 * ((v as f64 + 1.0) / (white + 1.0)).log10()).round().max(0.0) as u16
            })
        })
    }
}

/// Returns the white point of a view: the median of the pixels that are nearly as bright as the brightest and nearly grey.
/// Warns, and returns a default, when there are too few of them.
#[must_use]
pub fn estimate(view: &Rgb, warnings: &Warnings) -> White {
    let Greys { by_light, bright } = greys(view);
    let needed = ((view.pixels().len() as f64 * MIN_SHARE) as u64).max(16);
    let brightest = (0..256u32).rev().scan(0, |seen, level| {
        *seen += by_light[level as usize];
        Some((level, *seen))
    });
    let Some((brightest, _)) =
        brightest.take_while(|&(l, _)| l >= MIN_WHITE).find(|&(_, seen)| seen >= needed)
    else {
        warnings.push(Warning::WhitePointFallback { reason: NO_GLASS.into() });
        return White { rgb: DEFAULT };
    };
    let from = brightest - BELOW_BRIGHTEST - FAINTEST;
    let levels = std::array::from_fn::<_, 3, _>(|channel| {
        std::array::from_fn(|v| bright[from as usize..].iter().map(|b| u64::from(b[channel][v])).sum())
    });
    White { rgb: levels.map(|histogram| median(&histogram) as f64) }
}

/// Returns the mean of the channels.
#[inline(always)]
fn light([r, g, b]: [u8; 3]) -> u8 {
    ((u16::from(r) + u16::from(g) + u16::from(b)) / 3) as u8
}

#[inline(always)]
fn is_grey([r, g, b]: [u8; 3]) -> bool {
    r.max(g).max(b) - r.min(g).min(b) <= MAX_TINT
}

/// The pixels of a view that are nearly grey.
struct Greys {
    /// How many there are of each mean of the channels.
    by_light: [u64; 256],
    /// For each mean from [`FAINTEST`] on, how many have each grey level in each channel.
    bright: Vec<[[u32; 256]; 3]>,
}

impl Greys {
    fn new() -> Self {
        Self { by_light: [0; 256], bright: vec![[[0; 256]; 3]; 256 - FAINTEST as usize] }
    }

    fn count(mut self, pixels: &[[u8; 3]]) -> Self {
        for px in pixels.iter().filter(|px| is_grey(**px)) {
            let light = usize::from(light(*px));
            self.by_light[light] += 1;
            if let Some(levels) = light.checked_sub(FAINTEST as usize).and_then(|i| self.bright.get_mut(i)) {
                levels.iter_mut().zip(px).for_each(|(levels, &v)| levels[usize::from(v)] += 1);
            }
        }
        self
    }

    fn add(mut self, other: &Self) -> Self {
        self.by_light.iter_mut().zip(other.by_light).for_each(|(sum, n)| *sum += n);
        let bright = self.bright.as_flattened_mut().as_flattened_mut().iter_mut();
        bright.zip(other.bright.as_flattened().as_flattened()).for_each(|(sum, n)| *sum += n);
        self
    }
}

/// Counts over all pixels, on all threads of the current pool.
fn greys(view: &Rgb) -> Greys {
    let chunks = view.pixels().par_chunks(CHUNK_PX);
    chunks.fold(Greys::new, Greys::count).reduce(Greys::new, |sum, other| sum.add(&other))
}

/// Returns the lower median of a histogram; 0 when it is empty.
pub(crate) fn median(histogram: &[u64; 256]) -> u8 {
    quantile(histogram, 0.5)
}

/// Returns the median between whole levels: each level's pixels are spread evenly over half a level to both sides of it. 0
/// when the histogram is empty.
pub(crate) fn median_between(histogram: &[u64; 256]) -> f64 {
    let half = histogram.iter().sum::<u64>() as f64 / 2.0;
    let mut below = 0.0;
    for (level, n) in histogram.iter().enumerate().map(|(level, &n)| (level as f64, n as f64)) {
        if n > 0.0 && below + n >= half {
            return (level - 0.5 + (half - below) / n).max(0.0);
        }
        below += n;
    }
    0.0
}

/// Returns the `q` quantile of a histogram; 0 when it is empty.
pub(crate) fn quantile(histogram: &[u64; 256], q: f64) -> u8 {
    let total: u64 = histogram.iter().sum();
    let rank = (total.saturating_sub(1) as f64 * q) as u64;
    let mut seen = 0;
    let level = histogram.iter().position(|&n| {
        seen += n;
        seen > rank
    });
    level.unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_lie_between_levels() {
        fn t(levels: &[(usize, u64)], expected: f64) {
            let mut histogram = [0u64; 256];
            levels.iter().for_each(|&(level, n)| histogram[level] = n);
            assert!((median_between(&histogram) - expected).abs() < 1e-9, "{levels:?}");
        }
        t(&[], 0.0);
        t(&[(23, 10)], 23.0);
        t(&[(23, 50), (24, 50)], 23.5);
        t(&[(22, 40), (23, 40), (24, 20)], 22.75);
    }

    #[test]
    fn white_is_the_glass() {
        fn t(glass: [u8; 3], share_percent: usize, expected: [f64; 3]) {
            let mut view = Rgb::filled(100, 100, [200, 130, 190]);
            view.pixels_mut()[..share_percent * 100].fill(glass);
            assert_eq!(estimate(&view, &Warnings::default()).rgb, expected, "{glass:?} {share_percent}");
        }
        t([241, 240, 244], 60, [241.0, 240.0, 244.0]);
        t([241, 240, 244], 2, [241.0, 240.0, 244.0]);
        t([225, 222, 215], 30, [225.0, 222.0, 215.0]);
        t([241, 240, 244], 0, DEFAULT);
        // A pink view is not white, however bright.
        t([250, 215, 230], 90, DEFAULT);
    }

    #[test]
    fn fallback_is_said() {
        let warnings = Warnings::default();
        let _ = estimate(&Rgb::filled(50, 50, [200, 130, 190]), &warnings);
        assert!(matches!(warnings.into_vec()[..], [Warning::WhitePointFallback { .. }]));
    }
}
