//! Zones, interstitium, inflammation and blood.

use std::collections::BTreeMap;

use super::{Direction, Evidence, Evidences, Feature, Missing, Value, feature};
use crate::{
    measure::{common, tally::Counter},
    segment::{
        ground::TISSUE_PX,
        kidney::{
            CORTEX, CORTEX_GLOMERULUS_PX, CORTEX_MISSED_PX, CORTEX_PX, CORTEX_ROUND_BETWEEN,
            CORTEX_ROUND_IN_TUBULES, CORTEX_TUBULE_PX, CORTEX_VESSEL_PX, GLOMERULUS, INTERSTITIAL_LEUKOCYTE,
            INTERSTITIAL_LEUKOCYTES, MEDULLA, RED_CELL_PX, STRAY_RED_CELL_PX,
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

/// Least share of the cortex that is outlined [expert]: pictures of normal kidneys whose tubules are not recognised have 16 to 40 %.
const OUTLINED: f64 = 0.5;
/// Where less than this share is, nuclei tell whether what lies between is interstitium [expert]: phantoms have 72 % where the interstitium is
/// widest, and 85 % usually.
const WELL_OUTLINED: f64 = 0.75;
/// Round nuclei between outlines, per area, over those in tubules: from here on they are of tubules that were not outlined [expert]. On
/// phantoms of nine lesions there are 0.05 to 0.34, on 30 pictures of real kidneys with tubules that were not recognised 0.8 and more.
const AS_EPITHELIUM: f64 = 0.6;

/// Says whether what lies between outlines is interstitium: not where tubules have none.
///
/// # Errors
///
/// [`Missing::LeftOut`] where less than half of the cortex is outlined, or less than three quarters and nuclei between outlines are
/// those of tubules.
fn outlined(found: &Evidences<'_>) -> Result<u64, Missing> {
    let cortex = cortex(found)?;
    let count = |c: Counter| found.tally.get(c) as f64;
    let tubules = count(CORTEX_TUBULE_PX);
    let known = count(CORTEX_GLOMERULUS_PX) + tubules + count(CORTEX_VESSEL_PX);
    let (share, between) = (known / cortex as f64, (cortex as f64 - known).max(0.0));
    if share < OUTLINED {
        return Err(Missing::LeftOut {
            why: "less than half of the cortex is outlined as tubule, glomerulus or vessel, so that what lies between is not known to be interstitium",
        });
    }
    // Both sides times both areas, for either can be nothing.
    let in_tubules = count(CORTEX_ROUND_IN_TUBULES) * between;
    if share < WELL_OUTLINED && count(CORTEX_ROUND_BETWEEN) * tubules > AS_EPITHELIUM * in_tubules {
        return Err(Missing::LeftOut {
            why: "between the outlines of tubules, glomeruli and vessels lie about as many round nuclei as in tubules: tubules were not recognised there, and what lies between is not known to be interstitium",
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
    use crate::measure::{common::tests::evidences, tally::Tally};

    #[test]
    fn what_lies_between_outlines_is_interstitium_unless_nuclei_say_that_it_is_tubules() {
        fn t(outlined_pct: u64, [in_tubules, between]: [u64; 2], measured: bool) {
            let mut tally = Tally::default();
            tally.add(CORTEX_PX, 1000);
            tally.add(CORTEX_TUBULE_PX, 10 * outlined_pct);
            tally.add(CORTEX_ROUND_IN_TUBULES, in_tubules);
            tally.add(CORTEX_ROUND_BETWEEN, between);
            let value = evidences(&tally, 0.5, AREA.measure);
            assert_eq!(value.is_ok(), measured, "{outlined_pct} {in_tubules} {between}: {value:?}");
            assert!(measured || matches!(value, Err(Missing::LeftOut { .. })));
        }
        // As in healthy and widened interstitium, and as wide as it gets: hardly a round nucleus between.
        t(85, [2000, 60], true);
        t(72, [2000, 200], true);
        t(55, [2000, 400], true);
        // Tubules that were not recognised.
        t(61, [330, 390], false);
        t(55, [260, 450], false);
        t(40, [300, 0], false);
        // Few of them, and a slide without round nuclei.
        t(83, [75, 53], true);
        t(60, [0, 0], true);
    }

    #[test]
    fn a_missing_cortex_reads_as_a_sentence() {
        let missing = Missing::NoStructure { what: WHAT };
        assert_eq!(missing.to_string(), "no glomerulus, and thus no cortex, found");
    }
}
