//! The colours of the tissue: is it stained as haematoxylin and eosin are, and strongly enough?

use serde::{Deserialize, Serialize};

use super::view::View;
use crate::raster::Rgb;

/// Means and spreads of the tissue's colours, on the low-power view.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Colours {
    /// Median sum of the optical densities of red, green and blue.
    pub density: f64,
    /// Quantiles (10, 50, 90 %) of red's share of that sum.
    pub red: [f64; 3],
    /// The same of green.
    pub green: [f64; 3],
    /// The same of blue.
    pub blue: [f64; 3],
}

/// How often each colour occurs among stained pixels at about 1 µm: red's share of the density in steps of 1/15, blue's
/// likewise, in pale and in dense pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Chroma {
    /// Counts by density (pale, dense), red (8 steps) and blue (8 steps).
    pub counts: [u64; Chroma::BINS],
}

impl Default for Chroma {
    fn default() -> Self {
        Self { counts: [0; Self::BINS] }
    }
}

impl Chroma {
    /// Number of colours told apart.
    pub const BINS: usize = 128;
    /// Sum of densities, × 1000, from which a pixel counts, and from which it is dense.
    const FROM: (u32, u32) = (150, 600);

    pub(super) fn of(rgb: &Rgb, tables: &[[u16; 256]; 3]) -> Self {
        let mut out = Self::default();
        // A quarter of the pixels says as much.
        let pixels = (0..rgb.height()).step_by(2).flat_map(|y| rgb.row(y).iter().step_by(2));
        for px in pixels {
            let [r, g, b] = std::array::from_fn(|k| u32::from(tables[k][usize::from(px[k])]));
            let sum = r + g + b;
            if sum >= Self::FROM.0 {
                let step = |v: u32| (15 * v / sum).min(7) as usize;
                let dense = usize::from(sum >= Self::FROM.1);
                out.counts[(dense * 8 + step(r)) * 8 + step(b)] += 1;
            }
        }
        out
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(a, b)| *a += b);
    }
}

impl Chroma {
    /// Returns what speaks against haematoxylin and eosin, if much does.
    pub(super) fn doubt(&self) -> Option<String> {
        let all: u64 = self.counts.iter().sum();
        let brown = self.brown() as f64 / all.max(1) as f64;
        if all >= LEAST_PIXELS && brown > MOST_BROWN {
            return Some(format!("{:.0} % of what is stained is brown, as DAB is", 100.0 * brown));
        }
        let odds = self.odds()?;
        (odds > MOST_ODDS)
            .then(|| format!("its colours resemble PAS, trichrome or silver (log odds {odds:.1})"))
    }

    /// Counts brown pixels: blue absorbed most, and more red than haemoglobin absorbs.
    fn brown(&self) -> u64 {
        let steps =
            |dense: usize, red: usize| &self.counts[(dense * 8 + red) * 8 + 6..(dense * 8 + red) * 8 + 8];
        (0..2).flat_map(|dense| (2..6).flat_map(move |red| steps(dense, red))).sum()
    }

    /// Returns the log odds of another stain by a logistic regression on the square roots of the colours' shares; `None`
    /// with too few pixels.
    fn odds(&self) -> Option<f64> {
        let all: u64 = self.counts.iter().sum();
        if all < LEAST_PIXELS {
            return None;
        }
        let mut weights = WEIGHTS.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace);
        let mut next = || weights.next().and_then(|w| w.parse::<f64>().ok());
        let mut sum = next()?;
        for &n in &self.counts {
            sum += next()? * (n as f64 / all as f64).sqrt();
        }
        Some(sum)
    }
}

/// Bias and weights; `models/stain/README.md` says what they were fitted on.
const WEIGHTS: &str = include_str!("../../models/stain/weights.txt");
/// Largest share of brown pixels; H&E images have up to 0.05 [expert].
const MOST_BROWN: f64 = 0.08;
/// Log odds from which the reader is warned.
const MOST_ODDS: f64 = 0.45;
/// Least stained pixels that are judged.
const LEAST_PIXELS: u64 = 500;

/// Least sum of densities of a pixel whose colour is judged, × 100.
const LEAST: u32 = 15;

/// Measures the colours of tissue; `None` without tissue.
pub(super) fn colours(view: &View) -> Option<Colours> {
    let mut density = Vec::new();
    let mut shares: [Vec<f32>; 3] = Default::default();
    let pixels = view.od[0].data().iter().zip(view.od[1].data()).zip(view.od[2].data());
    for (((&r, &g), &b), _) in pixels.zip(view.tissue.data()).filter(|(_, t)| **t != 0) {
        let od = [r, g, b].map(u32::from);
        let sum: u32 = od.iter().sum();
        if sum >= LEAST {
            density.push(sum as f32 / 100.0);
            (0..3).for_each(|k| shares[k].push(od[k] as f32 / sum as f32));
        }
    }
    if density.is_empty() {
        return None;
    }
    let [red, green, blue] = shares.map(|mut list| [0.1, 0.5, 0.9].map(|q| quantile(&mut list, q)));
    Some(Colours { density: quantile(&mut density, 0.5), red, green, blue })
}

fn quantile(list: &mut [f32], q: f64) -> f64 {
    let place = ((list.len() - 1) as f64 * q) as usize;
    let (_, &mut value, _) = list.select_nth_unstable_by(place, f32::total_cmp);
    f64::from(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        phantom::{
            Canvas,
            render::{Appearance, render},
        },
        stain::white::White,
        units::Mpp,
    };

    fn doubt(rgb: &Rgb, white: [u8; 3]) -> bool {
        Chroma::of(rgb, &White { rgb: white.map(f64::from) }.density_tables()).doubt().is_some()
    }

    #[test]
    fn haematoxylin_and_eosin_of_any_strength_are_not_doubted() {
        let mut canvas = Canvas::blank(128, Mpp::square(1.0).unwrap());
        for (i, (h, e)) in canvas.h.data_mut().iter_mut().zip(canvas.e.data_mut()).enumerate() {
            let nucleus = (i / 4 + i / 512).is_multiple_of(5);
            (*h, *e) = if nucleus { (60, 8) } else { (9, 24 + (i % 9) as u8) };
        }
        for name in Appearance::PRESETS {
            let look = Appearance::preset(name).unwrap();
            assert!(!doubt(&render(&canvas, &look, 1), look.white), "{name}");
        }
    }

    #[test]
    fn other_stains_are_doubted() {
        fn t(colours: &[[u8; 3]], expected: bool) {
            let mut rgb = Rgb::filled(90, 90, [0; 3]);
            for (i, px) in rgb.pixels_mut().iter_mut().enumerate() {
                *px = colours[(i / 90 / 3 + i % 90 / 3) % colours.len()];
            }
            assert_eq!(doubt(&rgb, [240; 3]), expected, "{colours:?}");
        }
        // Blue and red as in Masson's trichrome; brown and blue as in DAB. Nothing stained says nothing.
        t(&[[60, 90, 140], [90, 110, 160], [150, 60, 90]], true);
        t(&[[130, 85, 45], [150, 105, 60], [140, 150, 190]], true);
        t(&[[200, 130, 180], [110, 70, 150], [215, 160, 200]], false);
        t(&[[240, 240, 240]], false);
    }
}
