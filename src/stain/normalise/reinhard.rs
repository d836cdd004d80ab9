//! Mean and spread of stained pixels in lαβ colours (Ruderman et al. 1998, JOSA A 15:2036).

use crate::{
    raster::Rgb,
    stain::{CLEAR_TRANSMITTANCE, white::White},
};

/// Least stained pixels that say something [expert].
const MIN_PIXELS: usize = 2_000;

/// Mean and standard deviation of l, α and β.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LabMoments {
    mean: [f64; 3],
    spread: [f64; 3],
}

impl LabMoments {
    /// Measures the pixels that are not clear.
    pub(super) fn of(samples: &[Rgb], white: &White) -> Result<Self, String> {
        let clear = white.rgb.map(|v| v * CLEAR_TRANSMITTANCE);
        let pixels = samples.iter().flat_map(Rgb::pixels);
        let stained = pixels.filter(|px| (0..3).any(|k| f64::from(px[k]) < clear[k]));
        let (mut count, mut sum, mut squares) = (0usize, [0.0; 3], [0.0; 3]);
        for px in stained {
            let lab = to_lab(*px);
            count += 1;
            for k in 0..3 {
                sum[k] += lab[k];
                squares[k] += lab[k] * lab[k];
            }
        }
        if count < MIN_PIXELS {
            return Err(format!("only {count} stained pixels were sampled"));
        }
        let n = count as f64;
        let mean = sum.map(|s| s / n);
        let spread = std::array::from_fn(|k| (squares[k] / n - mean[k] * mean[k]).max(1e-12).sqrt());
        Ok(Self { mean, spread })
    }

    /// Moves a pixel of this look to another.
    pub(super) fn moved_to(&self, to: &Self, px: [u8; 3]) -> [u8; 3] {
        let lab = to_lab(px);
        to_rgb(std::array::from_fn(|k| (lab[k] - self.mean[k]) * to.spread[k] / self.spread[k] + to.mean[k]))
    }
}

fn to_lab(px: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = px.map(|v| (f64::from(v) + 1.0) / 256.0);
    let l = (0.3811 * r + 0.5783 * g + 0.0402 * b).log10();
    let m = (0.1967 * r + 0.7244 * g + 0.0782 * b).log10();
    let s = (0.0241 * r + 0.1288 * g + 0.8444 * b).log10();
    [(l + m + s) / 3f64.sqrt(), (l + m - 2.0 * s) / 6f64.sqrt(), (l - m) / 2f64.sqrt()]
}

fn to_rgb([light, alpha, beta]: [f64; 3]) -> [u8; 3] {
    let (light, alpha, beta) = (light / 3f64.sqrt(), alpha / 6f64.sqrt(), beta / 2f64.sqrt());
    let [l, m, s] = [light + alpha + beta, light + alpha - beta, light - 2.0 * alpha].map(|v| 10f64.powf(v));
    // The exact inverse: the published one is rounded.
    let r = 4.468670 * l - 3.588676 * m + 0.119604 * s;
    let g = -1.219717 * l + 2.383088 * m - 0.162630 * s;
    let b = 0.058508 * l - 0.261078 * m + 1.205666 * s;
    [r, g, b].map(|v| (v * 256.0 - 1.0).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back() {
        for px in [[200, 120, 180], [90, 60, 140], [243, 243, 243], [10, 20, 30]] {
            let back = to_rgb(to_lab(px));
            assert!((0..3).all(|k| back[k].abs_diff(px[k]) <= 1), "{px:?} {back:?}");
        }
    }
}
