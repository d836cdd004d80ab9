//! Colour deconvolution: one table look-up per channel gives both stains, total density and clearness.

use super::{CLEAR_TRANSMITTANCE, StainMatrix, white::White};
use crate::raster::{Mask, Plane, Rgb, wide};

/// Fraction bits of a stain concentration in a table.
const FRACTION: u32 = 5;
/// Bits of each of the three packed sums.
const FIELD: u32 = 20;
/// Added to a concentration so that its packed sum never goes below zero.
const BIAS: i64 = 1 << (FIELD - 2);
/// Concentrations of one channel stay within ± this, so that the sum of three fits its field.
const MOST: f64 = ((1i64 << (FIELD - 2)) / 3 - 1) as f64;

/// Separates colours into stains for one slide.
///
/// The two stain vectors and their cross product span colour space; what lies along the third is
/// dropped (Ruifrok & Johnston 2001).
pub struct Separator {
    /// Per channel and grey level: h, e (both with a third of [`BIAS`] times three, see `packed`), total density, clear.
    tables: Box<[[u64; 256]; 3]>,
}

/// The planes of one window.
pub struct Stains {
    /// Haematoxylin, OD × 100, clamped to 0–255.
    pub h: Plane<u8>,
    /// Eosin, OD × 100, clamped to 0–255.
    pub e: Plane<u8>,
    /// Sum of the three optical densities, × 100, clamped to 0–255.
    pub od: Plane<u8>,
    /// 1 where all channels transmit at least [`CLEAR_TRANSMITTANCE`] of white.
    pub clear: Mask,
}

impl Separator {
    /// Prepares the tables for a white point and stain vectors.
    #[must_use]
    pub fn new(white: &White, matrix: &StainMatrix) -> Self {
        let rows = inverse(matrix);
        let densities = white.density_tables();
        let tables = std::array::from_fn(|channel| {
            let clear_from = white.rgb[channel] * CLEAR_TRANSMITTANCE;
            std::array::from_fn(|level| {
                let od = f64::from(densities[channel][level]) / 10.0;
                // The bias is added once, in the red table.
                let bias = if channel == 0 { BIAS } else { BIAS / 4 };
                packed(
                    rows.map(|row| {
                        (row[channel] * od * f64::from(1 << FRACTION)).round().clamp(-MOST / 4.0, MOST)
                    }),
                    bias,
                    od.round() as u64,
                    level as f64 >= clear_from,
                )
            })
        });
        Self { tables: Box::new(tables) }
    }

    /// Separates an image.
    #[must_use]
    pub fn separate(&self, rgb: &Rgb) -> Stains {
        let plane = || Plane::filled(rgb.width(), rgb.height(), 0u8);
        let mut out = Stains { h: plane(), e: plane(), od: plane(), clear: plane() };
        take_apart(&self.tables, rgb, &mut out);
        out
    }
}

wide! {
    fn take_apart<'a>(tables: &'a [[u64; 256]; 3], rgb: &'a Rgb, out: &'a mut Stains) {
        let stains = out.h.data_mut().chunks_mut(BLOCK).zip(out.e.data_mut().chunks_mut(BLOCK));
        let others = out.od.data_mut().chunks_mut(BLOCK).zip(out.clear.data_mut().chunks_mut(BLOCK));
        // Looked up one by one, taken apart many at a time.
        let mut sums = [0u64; BLOCK];
        for ((pixels, (h, e)), (od, clear)) in rgb.pixels().chunks(BLOCK).zip(stains).zip(others) {
            look_up(tables, pixels, &mut sums);
            h.iter_mut().zip(&sums).for_each(|(h, &sum)| *h = concentration(sum as u32));
            e.iter_mut().zip(&sums).for_each(|(e, &sum)| *e = concentration((sum >> FIELD) as u32));
            let density = |sum: u64| ((sum >> (2 * FIELD)) as u32 & 0xffff).min(255) as u8;
            od.iter_mut().zip(&sums).for_each(|(od, &sum)| *od = density(sum));
            clear.iter_mut().zip(&sums).for_each(|(c, &sum)| *c = u8::from((sum >> 62) as u8 == 3));
        }
    }
}

/// Sums up the entries of each pixel. A function of its own, because wide instructions look up more slowly.
#[inline(never)]
fn look_up([red, green, blue]: &[[u64; 256]; 3], pixels: &[[u8; 3]], sums: &mut [u64; BLOCK]) {
    for (sum, &[r, g, b]) in sums.iter_mut().zip(pixels) {
        *sum = red[usize::from(r)] + green[usize::from(g)] + blue[usize::from(b)];
    }
}

/// Pixels that are taken apart together.
const BLOCK: usize = 64;

/// Packs h, e, total density and clearness of one channel and grey level.
fn packed([h, e]: [f64; 2], bias: i64, od: u64, clear: bool) -> u64 {
    let field = |v: f64| (v as i64 + bias) as u64;
    field(h) | field(e) << FIELD | od << (2 * FIELD) | u64::from(clear) << 62
}

/// Takes one concentration out of the packed sum.
#[inline(always)]
fn concentration(sum: u32) -> u8 {
    const TOTAL_BIAS: i32 = (BIAS + 2 * (BIAS / 4)) as i32;
    let v = (sum & ((1 << FIELD) - 1)) as i32 - TOTAL_BIAS;
    ((v + (1 << (FRACTION - 1))) >> FRACTION).clamp(0, 255) as u8
}

/// Returns the rows that turn a density vector into concentrations of haematoxylin and eosin.
pub(super) fn inverse(matrix: &StainMatrix) -> [[f64; 3]; 2] {
    let [h, e] = [unit(matrix.h), unit(matrix.e)];
    let residual = unit(cross(h, e));
    let (eh, he) = (cross(e, residual), cross(residual, h));
    let det = dot(h, eh);
    [eh.map(|v| v / det), he.map(|v| v / det)]
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn unit(v: [f64; 3]) -> [f64; 3] {
    let length = dot(v, v).sqrt();
    v.map(|x| x / length)
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concentrations_come_back() {
        let white = White { rgb: [243.0, 241.0, 244.0] };
        fn t(white: &White, matrix: &StainMatrix, h: f64, e: f64) {
            let [hv, ev] = [unit(matrix.h), unit(matrix.e)];
            let px = std::array::from_fn(|k| {
                let od = (hv[k] * h + ev[k] * e) / 100.0;
                ((white.rgb[k] + 1.0) * 10f64.powf(-od) - 1.0).round() as u8
            });
            let out = Separator::new(white, matrix).separate(&Rgb::filled(3, 2, px));
            let (got_h, got_e) = (f64::from(out.h.at(2, 1)), f64::from(out.e.at(2, 1)));
            assert!((got_h - h).abs() <= 1.5 && (got_e - e).abs() <= 1.5, "{h} {e}: {got_h} {got_e}");
        }
        let measured = StainMatrix { h: [0.58, 0.72, 0.38], e: [0.13, 0.84, 0.53] };
        for matrix in [StainMatrix::RUIFROK, measured] {
            for (h, e) in [(0.0, 0.0), (10.0, 30.0), (60.0, 10.0), (90.0, 0.0), (0.0, 70.0)] {
                t(&white, &matrix, h, e);
            }
        }
    }

    #[test]
    fn extremes_neither_wrap_nor_leak() {
        let separator = Separator::new(&White { rgb: [255.0; 3] }, &StainMatrix::RUIFROK);
        for px in
            [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255], [255, 0, 255]]
        {
            let out = separator.separate(&Rgb::filled(1, 1, px));
            let rows = inverse(&StainMatrix::RUIFROK);
            let od = px.map(|v| -100.0 * ((f64::from(v) + 1.0) / 256.0).log10());
            let expected = rows.map(|row| dot(row, od).round().clamp(0.0, 255.0));
            let got = [out.h.at(0, 0), out.e.at(0, 0)].map(f64::from);
            for k in 0..2 {
                assert!((got[k] - expected[k]).abs() <= 2.0, "{px:?}: {got:?} {expected:?}");
            }
            assert_eq!(out.clear.at(0, 0), 0, "{px:?}");
        }
    }

    #[test]
    fn clear_needs_all_channels() {
        fn t(px: [u8; 3], expected: u8) {
            let separator = Separator::new(&White { rgb: [240.0; 3] }, &StainMatrix::RUIFROK);
            assert_eq!(separator.separate(&Rgb::filled(1, 1, px)).clear.at(0, 0), expected, "{px:?}");
        }
        t([240, 240, 240], 1);
        t([204, 204, 204], 1);
        t([240, 203, 240], 0);
        t([255, 255, 255], 1);
    }
}
