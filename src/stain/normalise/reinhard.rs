//! Mean and spread of stained pixels in lαβ colours (Ruderman et al. 1998, JOSA A 15:2036).

use crate::{
    raster::{Rgb, wide},
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
}

/// The way from one look to another. Lαβ colours are logarithms of what the eye's cones answer, turned; so both turns and
/// the matching between them are one map of logarithms.
pub(super) struct Shift {
    /// From logarithms of one look to those of the other.
    rows: [[f32; 3]; 3],
    /// Added to them, as powers of two.
    added: [f32; 3],
}

impl Shift {
    pub(super) fn between(from: &LabMoments, to: &LabMoments) -> Self {
        let scale: [f64; 3] = std::array::from_fn(|k| to.spread[k] / from.spread[k]);
        // The turn's inverse is its transpose.
        let back = |i: usize, lab: [f64; 3]| (0..3).map(|k| turn()[k][i] * lab[k]).sum::<f64>();
        let row = |i: usize, j: usize| back(i, std::array::from_fn(|k| scale[k] * turn()[k][j]));
        let moved: [f64; 3] = std::array::from_fn(|k| to.mean[k] - scale[k] * from.mean[k]);
        Self {
            rows: std::array::from_fn(|i| std::array::from_fn(|j| row(i, j) as f32)),
            added: std::array::from_fn(|i| (back(i, moved) * std::f64::consts::LOG2_10) as f32),
        }
    }

    /// Moves pixels to the other look but those that are at least as bright as `clear` in all channels.
    pub(super) fn apply(&self, pixels: &mut [[u8; 3]], clear: [f64; 3]) {
        // The darkest level that is clear; above all levels where none is.
        shift(pixels, self, clear.map(|v| v.ceil().clamp(0.0, 256.0) as u16));
    }
}

/// Pixels that are worked together.
const BLOCK: usize = 64;

wide! {
    fn shift<'a>(pixels: &'a mut [[u8; 3]], by: &'a Shift, clear: [u16; 3]) {
        let mut planes = [[0u8; BLOCK]; 3];
        for pixels in pixels.chunks_mut(BLOCK) {
            for (i, px) in pixels.iter().enumerate() {
                (0..3).for_each(|k| planes[k][i] = px[k]);
            }
            let [red, green, blue] = &mut planes;
            for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
                let moved = by.moved([*r, *g, *b]);
                let stained = (u16::from(*r) < clear[0]) | (u16::from(*g) < clear[1]) | (u16::from(*b) < clear[2]);
                *r = if stained { moved[0] } else { *r };
                *g = if stained { moved[1] } else { *g };
                *b = if stained { moved[2] } else { *b };
            }
            for (i, px) in pixels.iter_mut().enumerate() {
                *px = [planes[0][i], planes[1][i], planes[2][i]];
            }
        }
    }
}

impl Shift {
    #[inline(always)]
    fn moved(&self, px: [u8; 3]) -> [u8; 3] {
        let [r, g, b] = px.map(|v| (f32::from(v) + 1.0) * (1.0 / 256.0));
        let [l, m, s] = CONES.map(|c| log2(c[0] as f32 * r + c[1] as f32 * g + c[2] as f32 * b));
        let to = |k: usize| {
            let row = &self.rows[k];
            exp2(row[0] * l + row[1] * m + row[2] * s + self.added[k])
        };
        let [l, m, s] = [to(0), to(1), to(2)];
        // Casts end at 0 and 255.
        COLOURS.map(|c| ((c[0] as f32 * l + c[1] as f32 * m + c[2] as f32 * s) * 256.0 - 0.5) as u8)
    }
}

/// Logarithm to base 2 of a number above 0; exact to a millionth.
#[inline(always)]
fn log2(v: f32) -> f32 {
    let bits = v.to_bits() as i32;
    // Between √½ and √2 the series is short.
    let exponent = (bits - 0x3f35_04f3) >> 23;
    let rest = f32::from_bits((bits - (exponent << 23)) as u32);
    let t = (rest - 1.0) / (rest + 1.0);
    let square = t * t;
    exponent as f32 + t * (2.885_39 + square * (0.961_796_7 + square * (0.577_078 + square * 0.412_198_6)))
}

/// Two to the power of a number; exact to a millionth of it. The power ends at −30 and 30.
#[inline(always)]
fn exp2(v: f32) -> f32 {
    // Adding and taking away this rounds to whole numbers.
    const WHOLE: f32 = 12_582_912.0;
    let v = v.clamp(-30.0, 30.0);
    let whole = (v + WHOLE) - WHOLE;
    let x = (v - whole) * std::f32::consts::LN_2;
    let series = 1.0
        + x * (1.0
            + x * (0.5 + x * (0.166_666_67 + x * (0.041_666_668 + x * (0.008_333_334 + x * 0.001_388_889)))));
    series * f32::from_bits(((whole as i32 + 127) << 23) as u32)
}

/// What the eye's long, middle and short cones answer to red, green and blue.
const CONES: [[f64; 3]; 3] = [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]];
/// The exact inverse: the published one is rounded.
const COLOURS: [[f64; 3]; 3] =
    [[4.468670, -3.588676, 0.119604], [-1.219717, 2.383088, -0.162630], [0.058508, -0.261078, 1.205666]];

/// From logarithms of what cones answer to l, α and β.
fn turn() -> [[f64; 3]; 3] {
    let [light, alpha, beta] = [3.0, 6.0, 2.0].map(|v: f64| 1.0 / v.sqrt());
    [[light; 3], [alpha, alpha, -2.0 * alpha], [beta, -beta, 0.0]]
}

fn to_lab(px: [u8; 3]) -> [f64; 3] {
    let rgb = px.map(|v| (f64::from(v) + 1.0) / 256.0);
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let logs = CONES.map(|c| dot(c, rgb).log10());
    turn().map(|t| dot(t, logs))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the book, one step after the other.
    fn exact(from: &LabMoments, to: &LabMoments, px: [u8; 3]) -> [u8; 3] {
        let lab = to_lab(px);
        let lab: [f64; 3] =
            std::array::from_fn(|k| (lab[k] - from.mean[k]) * to.spread[k] / from.spread[k] + to.mean[k]);
        let (light, alpha, beta) = (lab[0] / 3f64.sqrt(), lab[1] / 6f64.sqrt(), lab[2] / 2f64.sqrt());
        let cones = [light + alpha + beta, light + alpha - beta, light - 2.0 * alpha].map(|v| 10f64.powf(v));
        COLOURS.map(|c| {
            let v = c[0] * cones[0] + c[1] * cones[1] + c[2] * cones[2];
            (v * 256.0 - 1.0).round().clamp(0.0, 255.0) as u8
        })
    }

    #[test]
    fn every_colour_moves_as_by_the_book() {
        let usual = LabMoments { mean: [-0.35, -0.02, 0.03], spread: [0.21, 0.04, 0.02] };
        for to in [
            usual,
            LabMoments { mean: [-0.5, 0.01, 0.05], spread: [0.3, 0.03, 0.025] },
            LabMoments { mean: [-0.1, -0.05, 0.0], spread: [0.1, 0.08, 0.01] },
        ] {
            let by = Shift::between(&usual, &to);
            let levels = || (0..=255u8).step_by(5);
            let mut colours: Vec<[u8; 3]> =
                levels().flat_map(|r| levels().flat_map(move |g| levels().map(move |b| [r, g, b]))).collect();
            let before = colours.clone();
            by.apply(&mut colours, [256.0; 3]);
            let (mut apart, mut most) = (0usize, 0u8);
            for (px, got) in before.iter().zip(&colours) {
                let exact = exact(&usual, &to, *px);
                let off = (0..3).map(|k| exact[k].abs_diff(got[k])).max().unwrap_or(0);
                (apart, most) = (apart + usize::from(off > 0), most.max(off));
            }
            assert!(most <= 1 && apart * 1000 <= before.len(), "{apart} of {}, at most {most}", before.len());
        }
    }

    #[test]
    fn clear_pixels_stay() {
        let usual = LabMoments { mean: [-0.35, -0.02, 0.03], spread: [0.21, 0.04, 0.02] };
        let to = LabMoments { mean: [-0.5, 0.01, 0.05], ..usual };
        let mut pixels = vec![[240, 240, 240], [239, 240, 240], [255, 255, 10]];
        Shift::between(&usual, &to).apply(&mut pixels, [239.5, 240.0, 240.0]);
        assert_eq!(pixels[0], [240; 3]);
        assert!(pixels[1] != [239, 240, 240] && pixels[2] != [255, 255, 10], "{pixels:?}");
    }
}
