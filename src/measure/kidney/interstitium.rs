//! Zones, interstitium, inflammation and blood.

use std::collections::BTreeMap;

use super::{Direction, Evidence, Evidences, Feature, Missing, Value, feature};
use crate::{
    measure::{common, tally::Counter},
    segment::{
        ground::TISSUE_PX,
        kidney::{
            CORTEX, CORTEX_GLOMERULUS_PX, CORTEX_MISSED_PX, CORTEX_PX, CORTEX_TUBULE_PX, CORTEX_VESSEL_PX,
            GLOMERULUS, INTERSTITIAL_LEUKOCYTE, INTERSTITIAL_LEUKOCYTES, MEDULLA, RED_CELL_PX,
            STRAY_RED_CELL_PX,
        },
        structures::StructureMap,
    },
    tile::Window,
};

/// Side of the squares in which inflammation is judged, in µm (domain.md §3.3).
const SQUARE_UM: f64 = 100.0;
/// Leukocytes of an inflamed square: above 300 per mm², and above nearly all that chance puts into a square of
/// healthy cortex (up to 80 per mm², domain.md §3.3, and as many nuclei again that only look like leukocytes).
/// The controls' 99th percentile is not known here.
const LEAST_LEUKOCYTES: u32 = 5;

use Direction::{Info, Up};
use Evidence::{Expert, Recalled, Sourced};

const WHAT: &str = "glomerulus, and thus no cortex,";

/// Tissue in the belt that holds the glomeruli.
pub(super) const CORTEX_AREA: Feature =
    feature("cortex_area_mm2", "mm²", (Info, 4.0, Sourced), "NTP zone map", |found| {
        let px = cortex(found)?;
        let area = found.mpp.area_mm2(px);
        Ok(Value { value: area, n: px, denominator: area })
    });

/// Tissue outside that belt.
pub(super) const MEDULLA_AREA: Feature =
    feature("medulla_area_mm2", "mm²", (Info, 4.0, Sourced), "NTP zone map", |found| {
        let px = found.tally.get(TISSUE_PX).saturating_sub(cortex(found)?);
        let area = found.mpp.area_mm2(px);
        Ok(Value { value: area, n: px, denominator: area })
    });

/// Cortex that is neither glomerulus nor tubule nor wide vessel, nor as dense and as wide as tubules that were not outlined.
pub(super) const AREA: Feature = feature(
    "interstitial_area_pct",
    "%",
    (Up, 1.0, Expert),
    "domain.md §3.3; without vessels (open for 18 µm) and what is dense and 10 µm wide, so that tubules that were not outlined do not count",
    |found| {
        let cortex = outlined(found)?;
        let others = [CORTEX_GLOMERULUS_PX, CORTEX_TUBULE_PX, CORTEX_MISSED_PX, CORTEX_VESSEL_PX]
            .map(|c| found.tally.get(c));
        let value = 100.0 * cortex.saturating_sub(others.iter().sum()) as f64 / cortex as f64;
        Ok(Value { value, n: glomeruli(found), denominator: found.mpp.area_mm2(cortex) })
    },
);

/// Leukocytes between tubules per mm² of cortex.
pub(super) const LEUKOCYTES: Feature =
    feature("interstitial_leukocytes_per_mm2", "1/mm²", (Up, 0.5, Expert), "domain.md §3.3", |found| {
        outlined(found)?;
        common::per_mm2(found, found.tally.get(INTERSTITIAL_LEUKOCYTES), CORTEX_PX, WHAT)
    });

/// Squares of cortex with many leukocytes.
pub(super) const INFLAMED: Feature = feature(
    "inflamed_cortex_pct",
    "%",
    (Up, 0.5, Recalled),
    "Banff i bands; fixed limit of 500/mm², in part from 400 to 600",
    |found| {
        outlined(found)?;
        let squares = Squares::of(found).cortex;
        if squares.is_empty() {
            return Err(Missing::NoStructure { what: WHAT });
        }
        let inflamed: f64 = squares.iter().map(|&n| inflamed(n)).sum();
        // Squares overlap: as many as would lie side by side count.
        let n = squares.len() as f64 / f64::from(STEPS * STEPS);
        Ok(Value { value: 100.0 * inflamed / squares.len() as f64, n: n.round() as u64, denominator: n })
    },
);

/// Share to which a square with `n` leukocytes counts as inflamed: near the limit in part, so that one nucleus more or
/// less does not decide.
fn inflamed(n: u32) -> f64 {
    ((f64::from(n) + 1.5 - f64::from(LEAST_LEUKOCYTES)) / 2.0).clamp(0.0, 1.0)
}

/// Red blood cells in vessels and tufts over tissue.
pub(super) const RED_CELLS: Feature = feature(
    "kidney_rbc_area_pct",
    "%",
    (Up, 1.0, Recalled),
    "EGTI TI haemorrhage; of tissue area",
    |found| {
        let all = found.tally.get(RED_CELL_PX);
        share(found, all.saturating_sub(found.tally.get(STRAY_RED_CELL_PX)))
    },
);

/// Red blood cells in tubule lumens and Bowman's spaces over tissue.
pub(super) const STRAY_RED_CELLS: Feature = feature(
    "extravasated_rbc_pct",
    "%",
    (Up, 1.0, Recalled),
    "EGTI TI haemorrhage; blood in lumens and Bowman's spaces, of tissue area",
    |found| share(found, found.tally.get(STRAY_RED_CELL_PX)),
);

/// Pale fibrillar interstitium.
pub(super) const FIBROSIS: Feature =
    feature("fibrosis_he_surrogate_pct", "%", (Up, 0.5, Expert), "domain.md §3.3", |_| {
        Err(Missing::NoRule { why: "fibres need a trichrome or picrosirius red stain" })
    });

/// Least share of the cortex that is outlined [expert]: phantoms have 74 % where the interstitium is widest and 85 % usually, pictures
/// of normal kidneys whose tubules are not recognised 24 to 40 %.
const OUTLINED: f64 = 0.5;

/// Says whether what lies between outlines is interstitium: not where most tubules have none.
///
/// # Errors
///
/// [`Missing::LeftOut`] where less than half of the cortex is outlined.
fn outlined(found: &Evidences<'_>) -> Result<u64, Missing> {
    let cortex = cortex(found)?;
    let known = [CORTEX_GLOMERULUS_PX, CORTEX_TUBULE_PX, CORTEX_VESSEL_PX].map(|c| found.tally.get(c));
    if (known.iter().sum::<u64>() as f64) < OUTLINED * cortex as f64 {
        return Err(Missing::LeftOut {
            why: "less than half of the cortex is outlined as tubule, glomerulus or vessel, so that what lies between is not known to be interstitium",
        });
    }
    Ok(cortex)
}

fn glomeruli(found: &Evidences<'_>) -> u64 {
    found.structures_of(&GLOMERULUS).count() as u64
}

fn cortex(found: &Evidences<'_>) -> Result<u64, Missing> {
    match found.tally.get(CORTEX_PX) {
        0 => Err(Missing::NoStructure { what: WHAT }),
        px => Ok(px),
    }
}

fn share(found: &Evidences<'_>, px: u64) -> Result<Value, Missing> {
    const PX: Counter = TISSUE_PX;
    match found.tally.get(PX) {
        0 => Err(Missing::Blank),
        all => {
            Ok(Value { value: 100.0 * px as f64 / all as f64, n: px, denominator: found.mpp.area_mm2(all) })
        }
    }
}

/// Leukocytes in the squares of cortex that hold at least one nucleus.
///
/// Squares overlap by three quarters, on lattices anchored to the slide, so that where a lattice happens to lie
/// matters little.
struct Squares {
    cortex: Vec<u32>,
}

/// Steps of the lattice along a square's side.
const STEPS: i32 = 4;

impl Squares {
    fn of(found: &Evidences<'_>) -> Self {
        let Some(first) = found.cells.first() else { return Self { cortex: Vec::new() } };
        let level0_um = found.mpp.mean() / f64::from(first.outline.scale);
        let step = SQUARE_UM / f64::from(STEPS) / level0_um;
        // Nuclei and leukocytes by part of a square.
        let mut parts: BTreeMap<(i64, i64), u32> = BTreeMap::new();
        for cell in found.cells {
            let at = ((cell.centroid.y / step).floor() as i64, (cell.centroid.x / step).floor() as i64);
            *parts.entry(at).or_default() += u32::from(cell.class.is(&INTERSTITIAL_LEUKOCYTE));
        }
        let mut squares: BTreeMap<(i64, i64), u32> = BTreeMap::new();
        for (&(row, column), &n) in &parts {
            for shift in 0..i64::from(STEPS * STEPS) {
                let (dy, dx) = (shift / i64::from(STEPS), shift % i64::from(STEPS));
                *squares.entry((row - dy, column - dx)).or_default() += n;
            }
        }
        let last = squares.keys().fold((0, 0), |m, k| (m.0.max(k.0), m.1.max(k.1)));
        let half = i64::from(STEPS / 2);
        let window = Window {
            x0: 0,
            y0: 0,
            core_width: (last.1 + half) as u32 + 1,
            core_height: (last.0 + half) as u32 + 1,
            halo: 0,
            scale: step,
            source_scale: step,
            mpp: found.mpp.times(SQUARE_UM / f64::from(STEPS) / found.mpp.mean()),
        };
        let zones = StructureMap::new(found.structures).paint(&window, &[&CORTEX, &MEDULLA]);
        // The middle of a square is the corner of its middle parts.
        let in_cortex = |&(row, column): &(i64, i64)| {
            let zone = zones.get(column + half, row + half).unwrap_or(0);
            zone != 0 && found.structures[zone as usize - 1].class.is(&CORTEX)
        };
        Self { cortex: squares.iter().filter(|(at, _)| in_cortex(at)).map(|(_, &n)| n).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_cortex_reads_as_a_sentence() {
        let missing = Missing::NoStructure { what: WHAT };
        assert_eq!(missing.to_string(), "no glomerulus, and thus no cortex, found");
    }
}
