//! Stain normalisation: the colours of one slide made like those of another.
//!
//! Both slides are measured once, from samples of their tissue, never tile by tile: a tile of glass or of one dye alone
//! says nothing about the stain.

mod reinhard;
mod vahadane;

use self::reinhard::{LabMoments, Shift};
use super::{
    CLEAR_TRANSMITTANCE, StainMatrix, estimate, macenko,
    separate::{dot, inverse},
    white::White,
};
use crate::raster::Rgb;

/// Concentrations are matched at this quantile (Macenko 2009).
const MATCHED: f64 = 0.99;
/// Steps per optical density in the table of transmittances.
const STEPS: f32 = 512.0;
/// Densities above this are black.
const MOST_DENSITY: usize = 4;

/// How colours are made alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Stain vectors from the fan of colours (Macenko et al. 2009, ISBI, p. 1107).
    Macenko,
    /// Mean and spread in lαβ colours (Reinhard et al. 2001, IEEE CG&A 21:34), of stained pixels only.
    Reinhard,
    /// Stain vectors from sparse non-negative factors (Vahadane et al. 2016, IEEE TMI 35:1962).
    Vahadane,
}

impl Method {
    /// Names as typed.
    pub const NAMES: [&str; 3] = ["macenko", "reinhard", "vahadane"];

    /// Finds a method by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "macenko" => Some(Self::Macenko),
            "reinhard" => Some(Self::Reinhard),
            "vahadane" => Some(Self::Vahadane),
            _ => None,
        }
    }
}

/// How a slide is stained, as a method sees it.
#[derive(Clone, Debug)]
pub struct Look(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Dyes { white: White, matrix: StainMatrix, most: [f64; 2] },
    Lab { white: White, moments: LabMoments },
}

impl Look {
    /// Measures the samples of a target: as [`Look::measure`], and whatever the method, they must show haematoxylin and
    /// eosin. Any colours have a mean and a spread, and slides would be brought to them.
    ///
    /// # Errors
    ///
    /// As [`Look::measure`].
    pub fn of_target(method: Method, samples: &[Rgb], white: White) -> Result<Self, String> {
        macenko::estimate(&estimate::stained(samples, &white))?;
        Self::measure(method, samples, white)
    }

    /// Measures samples of a slide's tissue.
    ///
    /// # Errors
    ///
    /// Says in one clause why the samples do not tell: too little stain, or colours that no haematoxylin and eosin have.
    pub fn measure(method: Method, samples: &[Rgb], white: White) -> Result<Self, String> {
        let densities = estimate::stained(samples, &white);
        if method == Method::Reinhard {
            let moments = LabMoments::of(samples, &white)?;
            return Ok(Self(Kind::Lab { white, moments }));
        }
        let start = macenko::estimate(&densities)?;
        let matrix = match method {
            // Where sparse factors are no such dyes, the vectors that they came from are.
            Method::Vahadane => vahadane::check(vahadane::factor(&densities, start)).unwrap_or(start),
            _ => start,
        };
        let rows = inverse(&matrix);
        let most = rows.map(|row| {
            let mut values: Vec<f64> = densities.iter().map(|&d| dot(row, d)).collect();
            values.sort_unstable_by(f64::total_cmp);
            let at = ((values.len() - 1) as f64 * MATCHED) as usize;
            values.get(at).copied().unwrap_or(0.0)
        });
        if most.iter().any(|&v| v <= 0.0) {
            return Err("one of the stains is absent".into());
        }
        Ok(Self(Kind::Dyes { white, matrix, most }))
    }
}

/// Makes the colours of one slide like another's.
pub struct Normaliser(Plan);

enum Plan {
    Dyes(Box<DyePlan>),
    Lab { white: White, shift: Shift },
}

struct DyePlan {
    /// Optical densities by channel and grey level.
    densities: [[f32; 256]; 3],
    /// From densities to concentrations, scaled to the target's.
    rows: [[f32; 3]; 2],
    /// From concentrations to densities.
    dyes: [[f32; 3]; 2],
    /// Grey levels by density, per channel.
    levels: [Vec<u8>; 3],
}

impl Normaliser {
    /// Prepares the conversion; `None` when the looks were measured with different methods.
    #[must_use]
    pub fn new(from: &Look, to: &Look) -> Option<Self> {
        match (&from.0, &to.0) {
            (Kind::Lab { white, moments }, Kind::Lab { moments: target, .. }) => {
                Some(Self(Plan::Lab { white: *white, shift: Shift::between(moments, target) }))
            }
            (
                Kind::Dyes { white, matrix, most },
                Kind::Dyes { white: to_white, matrix: to_matrix, most: to_most },
            ) => {
                let rows = inverse(matrix);
                let scaled = |i: usize| std::array::from_fn(|k| (rows[i][k] * to_most[i] / most[i]) as f32);
                let density = white.density_tables();
                let levels = to_white.rgb.map(|white| {
                    let level = |i: usize| (white + 1.0) * 10f64.powf(-(i as f64) / f64::from(STEPS)) - 1.0;
                    (0..MOST_DENSITY * STEPS as usize)
                        .map(|i| level(i).round().clamp(0.0, 255.0) as u8)
                        .collect()
                });
                Some(Self(Plan::Dyes(Box::new(DyePlan {
                    densities: density.map(|t| t.map(|v| f32::from(v) / 1000.0)),
                    rows: [scaled(0), scaled(1)],
                    dyes: [to_matrix.h, to_matrix.e].map(|v| v.map(|x| x as f32)),
                    levels,
                }))))
            }
            _ => None,
        }
    }

    /// Converts pixels in place. With Reinhard's method clear pixels stay as they are; with the others they become the
    /// target's glass.
    pub fn apply(&self, rgb: &mut Rgb) {
        match &self.0 {
            Plan::Dyes(plan) => rgb.pixels_mut().iter_mut().for_each(|px| *px = plan.convert(*px)),
            Plan::Lab { white, shift } => {
                shift.apply(rgb.pixels_mut(), white.rgb.map(|v| v * CLEAR_TRANSMITTANCE));
            }
        }
    }
}

impl DyePlan {
    fn convert(&self, px: [u8; 3]) -> [u8; 3] {
        let d: [f32; 3] = std::array::from_fn(|k| self.densities[k][usize::from(px[k])]);
        let amount = |row: &[f32; 3]| (row[0] * d[0] + row[1] * d[1] + row[2] * d[2]).max(0.0);
        let [h, e] = [amount(&self.rows[0]), amount(&self.rows[1])];
        std::array::from_fn(|k| {
            let step = ((self.dyes[0][k] * h + self.dyes[1][k] * e) * STEPS + 0.5) as usize;
            self.levels[k].get(step).copied().unwrap_or(0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: [f64; 3] = [0.65, 0.70, 0.29];
    const E: [f64; 3] = [0.07, 0.99, 0.11];

    /// Tissue dyed with these vectors, `strength` times as much as usual.
    fn tissue(h: [f64; 3], e: [f64; 3], strength: f64) -> Rgb {
        let mut state = 1u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1u32 << 24)
        };
        let mut rgb = Rgb::filled(200, 200, [243; 3]);
        for (i, px) in rgb.pixels_mut().iter_mut().enumerate() {
            let nuclear = i % 8 == 0;
            let a = strength * if nuclear { 0.5 + 0.5 * random() } else { 0.12 * random() };
            let b = strength * if nuclear { 0.05 * random() } else { 0.2 + 0.4 * random() };
            let unit = |v: [f64; 3]| v.map(|x| x / dot(v, v).sqrt());
            let (h, e) = (unit(h), unit(e));
            *px = std::array::from_fn(|k| (244.0 * 10f64.powf(-(h[k] * a + e[k] * b)) - 1.0).round() as u8);
        }
        rgb
    }

    fn mean(rgb: &Rgb) -> [f64; 3] {
        let n = rgb.pixels().len() as f64;
        std::array::from_fn(|k| rgb.pixels().iter().map(|px| f64::from(px[k])).sum::<f64>() / n)
    }

    #[test]
    fn colours_come_to_the_target() {
        fn t(method: Method, tolerance: f64) {
            let white = White { rgb: [243.0; 3] };
            let (mut source, target) =
                (tissue([0.58, 0.72, 0.38], [0.13, 0.84, 0.53], 0.7), tissue(H, E, 1.0));
            let look = |rgb: &Rgb| Look::measure(method, std::slice::from_ref(rgb), white).unwrap();
            let (from, to) = (look(&source), look(&target));
            let apart =
                |a: &Rgb, b: &Rgb| (0..3).map(|k| (mean(a)[k] - mean(b)[k]).abs()).fold(0.0, f64::max);
            let before = apart(&source, &target);
            Normaliser::new(&from, &to).unwrap().apply(&mut source);
            let after = apart(&source, &target);
            assert!(after < tolerance && before > 3.0 * after, "{method:?}: {before} → {after}");
            let mut glass = Rgb::filled(2, 2, [243; 3]);
            Normaliser::new(&from, &to).unwrap().apply(&mut glass);
            assert!(glass.data().iter().all(|v| v.abs_diff(243) <= 1), "{method:?} {glass:?}");
        }
        t(Method::Macenko, 6.0);
        t(Method::Vahadane, 8.0);
        t(Method::Reinhard, 4.0);
    }

    #[test]
    fn a_slide_is_like_itself() {
        for name in Method::NAMES {
            let method = Method::find(name).unwrap();
            let white = White { rgb: [243.0; 3] };
            let slide = tissue([0.58, 0.72, 0.38], [0.13, 0.84, 0.53], 0.8);
            let look = Look::measure(method, std::slice::from_ref(&slide), white).unwrap();
            let mut same = slide.clone();
            Normaliser::new(&look, &look).unwrap().apply(&mut same);
            let apart = slide.data().iter().zip(same.data()).map(|(a, b)| f64::from(a.abs_diff(*b)));
            let mean = apart.sum::<f64>() / slide.data().len() as f64;
            assert!(mean < 2.0, "{name}: {mean} grey levels");
        }
    }

    #[test]
    fn glass_alone_says_nothing() {
        let glass = [Rgb::filled(100, 100, [243; 3])];
        for name in Method::NAMES {
            let method = Method::find(name).unwrap();
            assert!(Look::measure(method, &glass, White { rgb: [243.0; 3] }).is_err(), "{name}");
        }
    }

    #[test]
    fn targets_are_haematoxylin_and_eosin() {
        let white = White { rgb: [243.0; 3] };
        let t = |h: [f64; 3], e: [f64; 3]| {
            let target = [tissue(h, e, 1.0)];
            Method::NAMES.map(|name| Look::of_target(Method::find(name).unwrap(), &target, white).is_ok())
        };
        assert_eq!(t(H, E), [true; 3]);
        assert_eq!(t([0.58, 0.58, 0.57], [0.13, 0.84, 0.53]), [false; 3], "grey");
        assert_eq!(t([0.9, 0.4, 0.1], [0.8, 0.55, 0.2]), [false; 3], "blue");
    }
}
