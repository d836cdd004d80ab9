//! Which nuclei between tubules are leukocytes'.

use super::{CORTEX, TUBULE, cells::Scene};
use crate::segment::{field::Field, nuclei::Nucleus, object::Object, structures::StructureMap};

/// Fewest tubules that tell how dark the slide's usual nuclei are.
const FEWEST_TUBULES: usize = 10;

/// Leukocytes are at least this dark, in red optical density over that of nuclei in tubules, …
const LEAST_DARKNESS: f64 = 0.95;
/// … at most this elongated, …
const ROUND: f64 = 1.8;
/// … and this wide, in µm.
const LEUKOCYTE_UM: std::ops::Range<f64> = 4.0..8.0;
/// Distance within which leukocytes speak for each other, in µm. The halo of the fine pass is wider by it.
pub const LEUKOCYTES_NEAR_UM: f64 = 30.0;
/// Least score of a leukocyte, by the number of others within that distance: single ones are rare among the many nuclei
/// of tubules, nearly all are leukocytes' in an infiltrate. Read off phantoms of six lesions, **not validated**.
const LEAST: [f64; 7] = [1.0, 1.0, 0.5, 0.0, 0.0, -1.0, -1.0];
/// Directions in which a nucleus's surroundings are looked at.
const DIRECTIONS: usize = 16;
/// Distance from the centre at which the tubule beside a nucleus is looked up, in µm.
const BESIDE_UM: f64 = 4.5;
/// Weights of what speaks for a leukocyte: logistic regression of painted leukocytes against other dark, round nuclei, on ten
/// phantoms of six lesions and four stains. Working defaults, **not validated**.
const LEUKOCYTE: f64 = -10.5;
/// … inside the outline of a tubule, …
const IN_TUBULE: f64 = -8.4;
/// … per multiple of the darkness of nuclei in tubules, …
const PER_DARKNESS: f64 = 25.2;
/// … per µm of diameter, …
const PER_DIAMETER: f64 = -1.0;
/// … per share of directions in which the same tubule goes on, …
const PER_SAME: f64 = -8.9;
/// … and per density in the palest directions, …
const PER_PALEST: f64 = -1.7;
/// … which is no less beside a lumen or vacuole than in the interstitium.
const PALEST: f64 = 0.5;

impl Scene<'_> {
    /// Returns how much speaks for each nucleus being a leukocyte's; none of those that cannot be one.
    pub(super) fn scores(&self, found: &[Nucleus]) -> Vec<Option<f64>> {
        found.iter().map(|n| self.score(&n.object, n.region.centre())).collect()
    }

    /// Tells which nuclei are leukocytes' by their scores: in the cortex, outside glomeruli and lumens, with more speaking for it
    /// than against it. Leukocytes gather: others nearby speak for one more.
    pub(super) fn leukocytes(&self, found: &[Nucleus], scores: &[Option<f64>]) -> Vec<bool> {
        let places: Vec<(f64, f64)> = found.iter().map(|n| n.region.centre()).collect();
        let reach = self.field.px(LEUKOCYTES_NEAR_UM);
        let near = |(x, y): (f64, f64)| {
            let others = places.iter().zip(scores).filter(|(_, score)| score.is_some_and(|s| s > 0.0));
            others.filter(|(at, _)| (at.0 - x).hypot(at.1 - y) <= reach).count()
        };
        let one = |(&score, &at): (&Option<f64>, &(f64, f64))| {
            let Some(score) = score else { return false };
            let n = near(at) - usize::from(score > 0.0);
            score > LEAST[n.min(LEAST.len() - 1)]
        };
        scores.iter().zip(&places).map(one).collect()
    }

    /// How much speaks for a leukocyte: dark, small, round, and between tubules rather than inside their walls; above 0
    /// more than against it. None of nuclei that cannot be one.
    ///
    /// Tubules' outlines are unsure between crowded nuclei, so that where a nucleus lies is one reason among others, if the strongest.
    fn score(&self, nucleus: &Object, (x, y): (f64, f64)) -> Option<f64> {
        let (column, row) = (x as usize, y as usize);
        let (outer, inner, zone) =
            (self.outer.at(column, row), self.inner.at(column, row), self.zones.at(column, row));
        let apart = outer == 0 || self.class_is(outer, &TUBULE) && inner == 0;
        if !apart || !self.class_is(zone, &CORTEX) {
            return None;
        }
        let value = |name: &str| nucleus.value(name).map_or(0.0, f64::from);
        let matrix = &self.field.profile.matrix;
        let red = value("mean_h_od") * matrix.h[0] + value("mean_e_od") * matrix.e[0];
        let darkness = red / self.usual_red.max(0.01);
        let diameter_um = value("eq_diameter_um");
        if darkness < LEAST_DARKNESS || value("aspect_ratio") > ROUND || !LEUKOCYTE_UM.contains(&diameter_um)
        {
            return None;
        }
        let around = self.around(diameter_um / 2.0, (x, y));
        let score = LEUKOCYTE
            + if outer == 0 { 0.0 } else { IN_TUBULE }
            + PER_DARKNESS * darkness
            + PER_DIAMETER * diameter_um
            + PER_SAME * around.same
            + PER_PALEST * around.palest.max(PALEST);
        Some(score)
    }

    /// Looks around a nucleus of a radius in µm.
    fn around(&self, radius_um: f64, (x, y): (f64, f64)) -> Around {
        let field = self.field;
        let own = self.outer.get(x as i64, y as i64);
        let mut same = 0;
        let mut means = [0.0; DIRECTIONS];
        for (i, mean) in means.iter_mut().enumerate() {
            let (sin, cos) = (i as f64 / DIRECTIONS as f64 * std::f64::consts::TAU).sin_cos();
            let at =
                |um: f64| ((x + field.px(um) * cos).floor() as i64, (y + field.px(um) * sin).floor() as i64);
            let (column, row) = at(BESIDE_UM);
            same += u32::from(self.outer.get(column, row) == own);
            for um in 1..=4 {
                let (column, row) = at(radius_um + f64::from(um));
                let od = f64::from(field.od.get(column, row).unwrap_or(0)) / self.levels.cytoplasm;
                *mean += od / 4.0;
            }
        }
        means.sort_by(f64::total_cmp);
        Around { same: f64::from(same) / DIRECTIONS as f64, palest: means[DIRECTIONS / 4] }
    }
}

/// What lies around a nucleus.
struct Around {
    /// Share of the directions in which the same tubule goes on.
    same: f64,
    /// Optical density in the palest quarter of the directions, over the cytoplasm's.
    palest: f64,
}

/// Returns the median red optical density of nuclei in tubules, or that of the slide's nuclei where there are few.
pub(super) fn usual_red(field: &Field<'_>, structures: &StructureMap<'_>) -> f64 {
    let tubules = structures.all().iter().filter(|o| o.class.is(&TUBULE));
    let mut reds: Vec<f32> = tubules.filter_map(|o| o.value("nuclear_red_od")).filter(|&v| v > 0.0).collect();
    if reds.len() < FEWEST_TUBULES {
        return f64::from(field.profile.h_nuclei) * field.profile.matrix.h[0] / 100.0;
    }
    let middle = reds.len() / 2;
    f64::from(*reds.select_nth_unstable_by(middle, f32::total_cmp).1)
}
