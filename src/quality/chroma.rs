//! Which colours the tissue has at about 1 µm per pixel, and whether they are those of haematoxylin and eosin.

use crate::raster::Rgb;

/// How often each colour occurs among stained pixels at about 1 µm: red's share of the density in steps of 1/15 and blue's
/// likewise, at each level of density.
#[derive(Clone, Debug, PartialEq)]
pub struct Chroma {
    /// Counts by level, red's step and blue's step.
    counts: Vec<u64>,
}

impl Default for Chroma {
    fn default() -> Self {
        Self { counts: vec![0; LEVELS * COLOURS] }
    }
}

/// Sum of densities, × 1000, from which a pixel counts.
const FROM: u32 = 150;
/// Levels of density: eight to each doubling of [`FROM`], the last one without end.
const LEVELS: usize = 40;
/// Level from which a pixel is dense: at four times [`FROM`].
const DENSE: usize = 16;
/// Colours told apart: steps of red times steps of blue.
const COLOURS: usize = STEPS * STEPS;
const STEPS: usize = 8;
/// Pixels up to these shares of an image's own, from pale to dense, are told apart too: in H&E nuclei are densest, in PAS
/// and trichrome membranes and fibres.
const RANKS: [f64; 3] = [0.4, 0.75, 0.95];

/// Bias and weights; `models/stain/README.md` says what they were fitted on.
const WEIGHTS: &str = include_str!("../../models/stain/weights.txt");
/// Largest share of brown pixels; H&E images have up to 0.05 [expert].
const MOST_BROWN: f64 = 0.08;
/// Log odds from which the reader is warned.
const MOST_ODDS: f64 = 1.0;
/// Least stained pixels that are judged.
const LEAST_PIXELS: u64 = 500;

impl Chroma {
    pub(super) fn of(rgb: &Rgb, tables: &[[u16; 256]; 3]) -> Self {
        let mut out = Self::default();
        // A quarter of the pixels says as much.
        let pixels = (0..rgb.height()).step_by(2).flat_map(|y| rgb.row(y).iter().step_by(2));
        for px in pixels {
            let [r, g, b] = std::array::from_fn(|k| u32::from(tables[k][usize::from(px[k])]));
            let sum = r + g + b;
            if sum >= FROM {
                let step = |v: u32| (15 * v / sum).min(STEPS as u32 - 1) as usize;
                out.counts[level(sum) * COLOURS + step(r) * STEPS + step(b)] += 1;
            }
        }
        out
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    /// Returns what speaks against haematoxylin and eosin, if much does.
    pub(super) fn doubt(&self) -> Option<String> {
        let all: u64 = self.counts.iter().sum();
        if all < LEAST_PIXELS {
            return None;
        }
        let brown = self.brown() as f64 / all as f64;
        if brown > MOST_BROWN {
            return Some(format!("{:.0} % of what is stained is brown, as DAB is", 100.0 * brown));
        }
        let odds = self.odds()?;
        (odds > MOST_ODDS)
            .then(|| format!("its colours resemble PAS, trichrome or silver (log odds {odds:.1})"))
    }

    /// Counts brown pixels: blue absorbed most, and more red than haemoglobin absorbs.
    fn brown(&self) -> u64 {
        let colours = self.counts.chunks_exact(COLOURS);
        colours.flat_map(|level| level.chunks_exact(STEPS).take(6).skip(2)).flat_map(|row| &row[6..]).sum()
    }

    /// Returns the log odds of another stain by a logistic regression on [`Self::shares`].
    fn odds(&self) -> Option<f64> {
        let mut weights = WEIGHTS.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace);
        let mut next = || weights.next().and_then(|w| w.parse::<f64>().ok());
        let mut sum = next()?;
        for share in self.shares() {
            sum += next()? * share;
        }
        Some(sum)
    }

    /// Returns the square roots of the colours' shares: of pale and of dense pixels in all, then of each rank in its own.
    fn shares(&self) -> Vec<f64> {
        let all: u64 = self.counts.iter().sum();
        let (mut by_density, mut by_rank) = ([[0u64; COLOURS]; 2], [[0u64; COLOURS]; RANKS.len() + 1]);
        let mut below = 0;
        for (i, level) in self.counts.chunks_exact(COLOURS).enumerate() {
            let own: u64 = level.iter().sum();
            let middle = (below as f64 + own as f64 / 2.0) / all.max(1) as f64;
            below += own;
            let rank = RANKS.iter().filter(|&&r| middle >= r).count();
            add(&mut by_density[usize::from(i >= DENSE)], level);
            add(&mut by_rank[rank], level);
        }
        let of_all = by_density.iter().map(|counts| (counts, all));
        let of_own = by_rank.iter().map(|counts| (counts, counts.iter().sum()));
        let each = of_all.chain(of_own);
        each.flat_map(|(counts, n)| smoothed(counts).map(|c| (c / n.max(1) as f64).sqrt())).collect()
    }
}

/// Shares each colour's count with those beside it, so that a small shift of hue moves little: 1, 4, 1 sixths both ways.
fn smoothed(counts: &[u64; COLOURS]) -> [f64; COLOURS] {
    const PARTS: [u64; 3] = [1, 4, 1];
    let beside = |v: usize, i: usize| (v + i).clamp(1, STEPS) - 1;
    std::array::from_fn(|at| {
        let (red, blue) = (at / STEPS, at % STEPS);
        let row = |r: usize| -> u64 { (0..3).map(|i| PARTS[i] * counts[r * STEPS + beside(blue, i)]).sum() };
        let sum: u64 = (0..3).map(|i| PARTS[i] * row(beside(red, i))).sum();
        sum as f64 / 36.0
    })
}

fn add(sums: &mut [u64; COLOURS], counts: &[u64]) {
    sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
}

/// Returns the level of a sum of densities of at least [`FROM`].
fn level(sum: u32) -> usize {
    let doublings = (sum / FROM).ilog2();
    let start = FROM << doublings;
    (8 * doublings as usize + (8 * (sum - start) / start) as usize).min(LEVELS - 1)
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

    #[test]
    fn levels_rise_by_an_eighth_of_a_doubling() {
        for (sum, expected) in
            [(150, 0), (168, 0), (169, 1), (299, 7), (300, 8), (600, DENSE), (4_500, 39), (7_500, 39)]
        {
            assert_eq!(level(sum), expected, "{sum}");
        }
    }

    #[test]
    fn smoothing_keeps_the_sum() {
        let mut counts = [0; COLOURS];
        (counts[0], counts[27]) = (36, 72);
        let out = smoothed(&counts);
        assert_eq!((out[0], out[1], out[9], out[27], out[28], out[36]), (25.0, 5.0, 1.0, 32.0, 8.0, 2.0));
        assert_eq!(out.iter().sum::<f64>(), 108.0);
    }

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
