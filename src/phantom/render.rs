//! From stain on glass to a scanner's picture: Beer–Lambert, lens blur, sensor noise.

use rayon::prelude::*;

use super::Canvas;
use crate::raster::Rgb;

/// How a laboratory's stain and a scanner make a canvas look.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Appearance {
    /// Multiplies haematoxylin.
    pub h_strength: f64,
    /// Multiplies eosin and red-cell colour.
    pub e_strength: f64,
    /// Turns both stain vectors' hue: positive towards blue, negative towards pink. −30..30 is sensible.
    pub hue_degrees: f64,
    /// Colour of clear glass.
    pub white: [u8; 3],
    /// Standard deviation of the lens blur, in µm.
    pub blur_um: f64,
    /// Standard deviation of sensor noise, in grey levels.
    pub noise: f64,
}

impl Default for Appearance {
    fn default() -> Self {
        Self {
            h_strength: 1.0,
            e_strength: 1.0,
            hue_degrees: 0.0,
            white: [243, 242, 244],
            blur_um: 0.3,
            noise: 1.5,
        }
    }
}

/// Unit stain vectors (red, green, blue OD), the middle of those measured on public H&E slides.
const HAEMATOXYLIN: [f64; 3] = [0.58, 0.72, 0.38];
const EOSIN: [f64; 3] = [0.13, 0.84, 0.53];
const RED_CELL: [f64; 3] = [0.16, 0.67, 0.73];

impl Appearance {
    /// Names of the presets, in help order.
    pub const PRESETS: &'static [&'static str] = &["default", "pale", "dark", "bluish", "pinkish"];

    /// Returns a preset, or `None` for an unknown name.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let base = Self::default();
        Some(match name {
            "default" => base,
            "pale" => Self { h_strength: 0.72, e_strength: 0.68, white: [246, 245, 246], ..base },
            "dark" => Self { h_strength: 1.3, e_strength: 1.35, white: [236, 235, 238], ..base },
            "bluish" => Self { h_strength: 1.15, e_strength: 0.8, hue_degrees: 14.0, ..base },
            "pinkish" => Self { h_strength: 0.88, e_strength: 1.25, hue_degrees: -12.0, ..base },
            _ => return None,
        })
    }

    /// Returns the three dyes' optical density per unit of canvas (red, green, blue).
    #[must_use]
    pub fn vectors(&self) -> [[f64; 3]; 3] {
        let turn = |v: [f64; 3], share: f64, strength: f64| {
            turned(v, self.hue_degrees * share).map(|x| x * strength)
        };
        [
            turn(HAEMATOXYLIN, 1.0, self.h_strength),
            turn(EOSIN, 0.8, self.e_strength),
            turn(RED_CELL, 0.3, self.e_strength),
        ]
    }
}

/// Turns a stain vector about the grey axis: blue light is let through more, red less, for positive
/// degrees. Keeps its length; components stay above zero.
fn turned(v: [f64; 3], degrees: f64) -> [f64; 3] {
    let t = degrees.to_radians();
    let moved = [v[0] + 0.9 * t * v[1], v[1], v[2] - 0.9 * t * v[1]].map(|x| x.max(0.01));
    let scale = norm(v) / norm(moved);
    moved.map(|x| x * scale)
}

fn norm(v: [f64; 3]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Renders a canvas. The noise depends on `seed` and the pixel only, so any number of threads gives the
/// same picture.
#[must_use]
pub fn render(canvas: &Canvas, look: &Appearance, seed: u64) -> Rgb {
    render_rows(canvas, look, seed, 0, canvas.h.height())
}

/// Renders `rows` rows from `first` on, exactly as [`render`] does for the whole.
#[must_use]
pub fn render_rows(canvas: &Canvas, look: &Appearance, seed: u64, first: usize, rows: usize) -> Rgb {
    const BAND: usize = 32;
    let (width, height) = canvas.size();
    let mut out = Rgb::filled(width, rows.min(height.saturating_sub(first)), look.white);
    if width == 0 {
        return out;
    }
    let tables = Tables::new(look);
    let kernel = Kernel::new(look.blur_um / canvas.mpp.mean());
    let reach = kernel.half.len() - 1;
    out.data_mut().par_chunks_mut(width * 3 * BAND).enumerate().for_each(|(band, rows)| {
        let y0 = first + band * BAND;
        let from = y0.saturating_sub(reach);
        let to = (y0 + rows.len() / (width * 3) + reach).min(height);
        let mut light = vec![0_u8; (to - from) * width * 3];
        for (y, row) in (from..to).zip(light.chunks_mut(width * 3)) {
            tables.row(canvas, y, row);
        }
        let mut sums = vec![0_u16; width * 3];
        for (dy, row) in rows.chunks_mut(width * 3).enumerate() {
            let y = y0 + dy;
            kernel.blur(&light, from, y, width, &mut sums, row);
            if look.noise > 0.0 {
                add_noise(row, look.noise, row_seed(seed, y as u64));
            }
        }
    });
    out
}

/// Light let through by each amount of each dye: `[dye][amount][channel]`.
struct Tables([Vec<[f32; 4]>; 3]);

impl Tables {
    fn new(look: &Appearance) -> Self {
        let vectors = look.vectors();
        let table = |dye: usize| {
            (0..256)
                .map(|amount| {
                    let mut t = [0.0; 4];
                    for c in 0..3 {
                        let start = if dye == 0 { f64::from(look.white[c]) } else { 1.0 };
                        t[c] = (start * 10_f64.powf(-vectors[dye][c] * f64::from(amount) / 100.0)) as f32;
                    }
                    t
                })
                .collect()
        };
        Self([table(0), table(1), table(2)])
    }

    fn row(&self, canvas: &Canvas, y: usize, out: &mut [u8]) {
        let [h, e, r] = &self.0;
        let dyes = canvas.h.row(y).iter().zip(canvas.e.row(y)).zip(canvas.rbc.row(y));
        for (((&a, &b), &c), px) in dyes.zip(out.as_chunks_mut::<3>().0) {
            let (a, b, c) = (&h[usize::from(a)], &e[usize::from(b)], &r[usize::from(c)]);
            for k in 0..3 {
                px[k] = (a[k] * b[k] * c[k] + 0.5) as u8;
            }
        }
    }
}

/// A symmetric blur kernel: weights of distance 0, 1, … in 1/256.
struct Kernel {
    half: Vec<u16>,
}

impl Kernel {
    fn new(sigma_px: f64) -> Self {
        if sigma_px < 0.15 {
            return Self { half: vec![256] };
        }
        let reach = (sigma_px * 2.6).ceil().min(20.0) as usize;
        let weight = |k: usize| (-(k as f64).powi(2) / (2.0 * sigma_px * sigma_px)).exp();
        let total: f64 = weight(0) + 2.0 * (1..=reach).map(weight).sum::<f64>();
        let mut half: Vec<u16> = (0..=reach).map(|k| (weight(k) / total * 256.0).round() as u16).collect();
        half[0] = 256 - 2 * half[1..].iter().sum::<u16>();
        Self { half }
    }

    /// Blurs row `y` out of `light`, whose first row is `from`. Beyond the border the last row or column
    /// repeats.
    fn blur(&self, light: &[u8], from: usize, y: usize, width: usize, sums: &mut [u16], out: &mut [u8]) {
        let stride = width * 3;
        let last = light.len() / stride - 1;
        let line = |y: usize| &light[y.min(last) * stride..][..stride];
        let y = y - from;
        if self.half.len() == 1 {
            out.copy_from_slice(line(y));
            return;
        }
        for (s, &v) in sums.iter_mut().zip(line(y)) {
            *s = u16::from(v) * self.half[0];
        }
        for (k, &w) in self.half.iter().enumerate().skip(1) {
            let pairs = line(y.saturating_sub(k)).iter().zip(line(y + k));
            for (s, (&a, &b)) in sums.iter_mut().zip(pairs) {
                *s += (u16::from(a) + u16::from(b)) * w;
            }
        }
        self.blur_row(sums, width, out);
    }

    /// Blurs along the row; the sums come in 1/256 and are rounded once, here.
    fn blur_row(&self, sums: &[u16], width: usize, out: &mut [u8]) {
        let pad = (self.half.len() - 1) * 3;
        let mut line = vec![0_u16; width * 3 + 2 * pad];
        line[pad..pad + width * 3].copy_from_slice(sums);
        for i in 0..pad {
            line[i] = sums[i % 3];
            line[pad + width * 3 + i] = sums[width * 3 - 3 + i % 3];
        }
        let mut acc: Vec<u32> =
            sums.iter().map(|&v| u32::from(v) * u32::from(self.half[0]) + 32_768).collect();
        for (k, &w) in self.half.iter().enumerate().skip(1) {
            let (left, right) = (&line[pad - 3 * k..], &line[pad + 3 * k..]);
            for (a, (&l, &r)) in acc.iter_mut().zip(left.iter().zip(right)) {
                *a += (u32::from(l) + u32::from(r)) * u32::from(w);
            }
        }
        for (o, a) in out.iter_mut().zip(acc) {
            *o = (a >> 16) as u8;
        }
    }
}

/// Returns the start of a row's noise. Scrambled, so that no row is a shifted copy of another.
fn row_seed(seed: u64, y: u64) -> u64 {
    let mut z = seed ^ y.wrapping_mul(0xd6e8_feb8_6659_fd93);
    z = (z ^ (z >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (z ^ (z >> 29)).wrapping_mul(0xff51_afd7_ed55_8ccd)
}

/// Adds noise: mostly the same in all channels (luma), a little in each (chroma).
fn add_noise(row: &mut [u8], sd: f64, seed: u64) {
    // The sum of four bytes has SD 147.8, of two 104.5; luma carries 0.8 of the SD, chroma 0.6.
    let (luma, chroma) = ((sd * 0.8 / 147.8 * 65_536.0) as i32, (sd * 0.6 / 104.5 * 65_536.0) as i32);
    let mut state = seed;
    for px in row.as_chunks_mut::<3>().0 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let b = (z ^ (z >> 31)).to_le_bytes().map(i32::from);
        let l = (b[0] + b[1] + b[2] + b[3] - 510) * luma;
        let c = [b[4] + b[5] - 255, b[6] + b[7] - 255, ((b[4] - b[6] + b[1] - b[3]) * 181) >> 8];
        for k in 0..3 {
            let v = i32::from(px[k]) + ((l + c[k] * chroma + 32_768) >> 16);
            px[k] = v.clamp(0, 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Mpp;

    fn canvas(h: u8, e: u8) -> Canvas {
        let mut c = Canvas::blank(96, Mpp::square(0.5).unwrap());
        c.h.data_mut().fill(h);
        c.e.data_mut().fill(e);
        c
    }

    fn mean(rgb: &Rgb) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for px in rgb.pixels() {
            for k in 0..3 {
                sums[k] += f64::from(px[k]);
            }
        }
        sums.map(|s| s / rgb.pixels().len() as f64)
    }

    #[test]
    fn colours_follow_beer_lambert() {
        fn t(h: u8, e: u8, name: &str) {
            let look = Appearance::preset(name).unwrap();
            let got = mean(&render(&canvas(h, e), &look, 1));
            let [hv, ev, _] = look.vectors();
            for k in 0..3 {
                let od = hv[k] * f64::from(h) / 100.0 + ev[k] * f64::from(e) / 100.0;
                let want = f64::from(look.white[k]) * 10_f64.powf(-od);
                assert!((got[k] - want).abs() < 0.8, "{name} {h} {e}: {got:?} {want}");
            }
        }
        for name in Appearance::PRESETS {
            t(0, 0, name);
            t(55, 8, name);
            t(8, 30, name);
        }
    }

    #[test]
    fn noise_has_the_size_asked_for() {
        let look = Appearance { noise: 3.0, ..Appearance::default() };
        let rgb = render(&canvas(10, 30), &look, 5);
        let m = mean(&rgb);
        for k in 0..3 {
            let var = rgb.pixels().iter().map(|p| (f64::from(p[k]) - m[k]).powi(2)).sum::<f64>();
            let sd = (var / rgb.pixels().len() as f64).sqrt();
            assert!((sd - 3.0).abs() < 0.5, "{k} {sd}");
        }
    }

    #[test]
    fn blur_spreads_and_keeps_light() {
        let mut c = canvas(0, 0);
        c.h.set(48, 48, 200);
        let sharp = Appearance { noise: 0.0, blur_um: 0.0, ..Appearance::default() };
        let soft = Appearance { blur_um: 0.5, ..sharp.clone() };
        let (a, b) = (render(&c, &sharp, 1), render(&c, &soft, 1));
        assert!(b.row(48)[48][0] > a.row(48)[48][0]);
        assert!(b.row(48)[49][0] < a.row(48)[49][0]);
        assert!((mean(&a)[0] - mean(&b)[0]).abs() < 0.05);
    }

    #[test]
    fn threads_do_not_matter() {
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let draw = || render(&canvas(20, 20), &Appearance::default(), 9);
        assert_eq!(pool(1).install(draw), pool(4).install(draw));
    }
}
