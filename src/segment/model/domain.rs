//! Whether a slide looks like the images a model was trained on.

use std::collections::BTreeMap;

use super::{
    Model,
    grid::{Grid, step},
};
use crate::{
    error::Result,
    raster::{Plane, Rgb},
    tile::Window,
    units::Mpp,
};

/// Sum of the optical densities of red, green and blue from which a pixel counts as tissue, × 1000.
const TISSUE: u16 = 300;
/// Most places the network itself is run on.
const RUNS: usize = 12;
/// Log odds below which the network is not sure.
const SURE: f32 = 1.0;

/// What is compared: stain, sharpness and what the network says, at the pixel size it was trained at.
///
/// `models/train/domain.py` measures the training images in the same way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts(
    /// Values by name: `od_median` (mean optical density of tissue), `red_share_dark`, `blue_share_dark`,
    /// `red_share_light`, `blue_share_light` (shares of optical density in the darkest tenth and the lighter half of
    /// tissue: where haematoxylin and eosin point), `sharpness` (mean second difference of density over its median),
    /// `foreground_pct`, `unsure_pct` (pixels the network takes for objects, and those with log odds within ±1).
    pub BTreeMap<&'static str, f64>,
);

/// Densities of places, one after the other.
#[derive(Default)]
struct Pixels {
    /// Optical densities × 1000 of tissue.
    tissue: Vec<[u16; 3]>,
    roughness: u64,
    counted: u64,
}

impl Model {
    /// Measures places of a slide as the training images were measured; pixels have `mpp`. `None` without tissue.
    ///
    /// # Errors
    /// [`Error::Malformed`](crate::Error::Malformed) if the network computes what is no number.
    pub fn facts(&self, places: &[Rgb], mpp: Mpp) -> Result<Option<Facts>> {
        let mut pixels = Pixels::default();
        let (mut all, mut inside, mut unsure) = (0u64, 0u64, 0u64);
        let every = places.len().div_ceil(RUNS).max(1);
        for (i, place) in places.iter().enumerate() {
            let Some(rgb) = self.resampled(place, mpp) else { continue };
            pixels.add(&rgb);
            if i % every != 0 {
                continue;
            }
            let maps = self.maps(&rgb);
            self.check_odds(&maps, "a slide's tissue")?;
            let odds = maps.first().map(Plane::data).unwrap_or_default();
            all += odds.len() as u64;
            inside += odds.iter().filter(|v| **v >= 0.0).count() as u64;
            unsure += odds.iter().filter(|v| v.abs() < SURE).count() as u64;
        }
        let Some(mut facts) = pixels.facts() else { return Ok(None) };
        let percent = |n: u64| 100.0 * n as f64 / all.max(1) as f64;
        facts.insert("foreground_pct", percent(inside));
        facts.insert("unsure_pct", percent(unsure));
        Ok(Some(Facts(facts)))
    }

    /// Returns in words what of `facts` lies outside the training images' range.
    #[must_use]
    pub fn differs(&self, facts: &Facts) -> Vec<String> {
        let ranges = self.card.domain.iter();
        let outside = ranges.filter_map(|(name, &[low, high])| {
            let value = *facts.0.get(name.as_str())?;
            let strange = !(low..=high).contains(&value);
            strange.then(|| format!("{name} {value:.3} ({low:.3} to {high:.3})"))
        });
        outside.collect()
    }

    fn resampled(&self, rgb: &Rgb, mpp: Mpp) -> Option<Rgb> {
        let (core_width, core_height) = (rgb.width() as u32, rgb.height() as u32);
        let window =
            Window { x0: 0, y0: 0, core_width, core_height, halo: 0, scale: 1.0, source_scale: 1.0, mpp };
        let grid = Grid::over(&window, 0, step(mpp.mean(), self.card.input.mpp), self.align())?;
        Some(grid.shrink(rgb, &window))
    }
}

impl Pixels {
    fn add(&mut self, rgb: &Rgb) {
        let table: Vec<u16> = (0..256)
            .map(|v| (-1000.0 * libm::log10((f64::from(v) + 1.0) / 256.0)).round().max(0.0) as u16)
            .collect();
        let densities = |p: &[u8; 3]| p.map(|v| table[usize::from(v)]);
        let (w, h) = (rgb.width(), rgb.height());
        let mut sums = Plane::filled(w, h, 0u16);
        for (sum, p) in sums.data_mut().iter_mut().zip(rgb.pixels()) {
            let od = densities(p);
            *sum = od.iter().sum();
            if *sum >= TISSUE {
                self.tissue.push(od);
            }
        }
        for y in 1..h.saturating_sub(1) {
            for x in 1..w.saturating_sub(1) {
                let own = sums.at(x, y);
                if own < TISSUE {
                    continue;
                }
                let near = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
                let around: i32 = near.into_iter().map(|(x, y)| i32::from(sums.at(x, y))).sum();
                self.roughness += u64::from((4 * i32::from(own) - around).unsigned_abs());
                self.counted += 1;
            }
        }
    }

    fn facts(&self) -> Option<BTreeMap<&'static str, f64>> {
        let mut sums: Vec<u16> = self.tissue.iter().map(|od| od.iter().sum()).collect();
        sums.sort_unstable();
        let median = *sums.get(sums.len() / 2)?;
        let dark = *sums.get(sums.len() * 9 / 10)?;
        let shares = |taken: &dyn Fn(u16) -> bool| {
            let mut all = [0u64; 3];
            for od in self.tissue.iter().filter(|od| taken(od.iter().sum())) {
                (0..3).for_each(|c| all[c] += u64::from(od[c]));
            }
            let total = all.iter().sum::<u64>().max(1) as f64;
            (all[0] as f64 / total, all[2] as f64 / total)
        };
        let (darkest, lighter) = (shares(&|v| v >= dark), shares(&|v| v <= median));
        let rough = self.roughness as f64 / self.counted.max(1) as f64;
        Some(BTreeMap::from([
            ("od_median", f64::from(median) / 3000.0),
            ("red_share_dark", darkest.0),
            ("blue_share_dark", darkest.1),
            ("red_share_light", lighter.0),
            ("blue_share_light", lighter.1),
            ("sharpness", rough / f64::from(median)),
        ]))
    }
}
