//! Fat: how much, how large, how widespread.

use crate::{
    measure::{
        common::{percent_of, quantile},
        feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
        tally::Counter,
    },
    segment::liver::{
        counters::{
            FAT_PX, MACRO_PX, MICRO_PX, PARENCHYMA_PX, SQUARE_MACRO, SQUARE_MICRO, SQUARE_PARENCHYMA,
            SQUARE_UM,
        },
        vacuoles::{MACRO, MICRO},
    },
    units::equivalent_diameter,
};

/// Fat over parenchyma: steatosis proportionate area.
pub(super) const FAT_AREA: Feature = Feature {
    name: "fat_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "Munsterman 2019 (SPA); Hall 2013 (FPA)",
    measure: |found| percent_of(found, FAT_PX, PARENCHYMA_PX, "parenchyma", vacuoles(found)),
};

/// Fat in vacuoles of at least 8 µm over parenchyma.
pub(super) const MACRO_FAT_AREA: Feature = Feature {
    name: "macro_fat_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "Liang 2014 (rule); 8 µm expert",
    measure: |found| {
        percent_of(found, MACRO_PX, PARENCHYMA_PX, "parenchyma", found.cells_of(&MACRO).count() as u64)
    },
};

/// Fat in grouped vacuoles below 8 µm over parenchyma. domain.md §3.2 wants 0.35 µm/px for droplets from 1 µm;
/// only those from about 1.6 µm are counted here.
pub(super) const MICRO_FAT_AREA: Feature = Feature {
    name: "micro_fat_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: MICRO_MPP,
    evidence: Evidence::Expert,
    source: "Liang 2014 (rule); 2–8 µm expert",
    measure: |found| {
        percent_of(found, MICRO_PX, PARENCHYMA_PX, "parenchyma", found.cells_of(&MICRO).count() as u64)
    },
};

/// Squares of 48 µm with at least 3 % macrovesicular fat over all squares of parenchyma.
pub(super) const MACRO_AFFECTED: Feature = Feature {
    name: "macro_affected_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "Liang 2014 (% of area affected)",
    measure: |found| affected(found, SQUARE_MACRO, MACRO_SHARE),
};

/// Squares of 48 µm with at least 8 % microvesicular fat over all squares of parenchyma.
/// µm/px as for [`MICRO_FAT_AREA`].
pub(super) const MICRO_AFFECTED: Feature = Feature {
    name: "micro_affected_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: MICRO_MPP,
    evidence: Evidence::Sourced,
    source: "Liang 2014 (% of area affected)",
    measure: |found| affected(found, SQUARE_MICRO, MICRO_SHARE),
};

/// Median equivalent diameter of vacuoles, where [`diameters`] tells of all of them.
pub(super) const VACUOLE_DIAMETER_MEDIAN: Feature = Feature {
    name: "vacuole_eq_diameter_um_median",
    unit: "µm",
    direction: Direction::Info,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| quantile(diameters(found)?, 0.5, "vacuole"),
};

/// Ninth decile of the equivalent diameter of vacuoles, as for [`VACUOLE_DIAMETER_MEDIAN`].
pub(super) const VACUOLE_DIAMETER_P90: Feature = Feature {
    name: "vacuole_eq_diameter_um_p90",
    unit: "µm",
    direction: Direction::Info,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| quantile(diameters(found)?, 0.9, "vacuole"),
};

/// Coarsest µm/px at which droplets are measured.
const MICRO_MPP: f64 = 0.35;
/// Fat over parenchyma, in %, from which sizes of vacuoles are told: phantoms without fat have up to 0.5 % of
/// texture that is taken for it [expert].
const LEAST_FAT_PCT: f64 = 2.0;
/// Share of droplets among vacuoles up to which coarse pixels tell their sizes: on phantoms at 0.5 µm/px the median is then
/// at most a tenth off, and at a third 17 % [expert].
const MOST_DROPLETS: f64 = 0.25;
/// Share of fat from which a square is affected (domain.md §3.2) [expert].
const MACRO_SHARE: f64 = 0.03;
/// See [`MACRO_SHARE`].
const MICRO_SHARE: f64 = 0.08;
/// Share of a square that must be parenchyma for it to count [expert].
const LEAST_PARENCHYMA: f64 = 0.5;

fn vacuoles(found: &Evidences<'_>) -> u64 {
    (found.cells_of(&MACRO).count() + found.cells_of(&MICRO).count()) as u64
}

/// The equivalent diameters of all vacuoles, in µm.
///
/// # Errors
///
/// [`Missing::TooFew`] where hardly any fat was found: most vacuoles are then texture that was taken for droplets.
/// [`Missing::LeftOut`] where pixels are too coarse for many of the vacuoles: the largest droplets alone are then found.
fn diameters(found: &Evidences<'_>) -> Result<Vec<f64>, Missing> {
    let fat = (FAT_AREA.measure)(found)?.value;
    if fat < LEAST_FAT_PCT {
        return Err(Missing::TooFew {
            what: "% of the parenchyma covered by vacuoles",
            found: fat,
            needed: LEAST_FAT_PCT,
        });
    }
    let droplets = found.cells_of(&MICRO).count() as f64;
    if Missing::too_coarse(found.mpp.mean(), MICRO_MPP).is_some()
        && droplets > MOST_DROPLETS * vacuoles(found) as f64
    {
        return Err(Missing::LeftOut {
            why: "more than a quarter of its vacuoles are below 8 µm, and pixels coarser than 0.35 µm show only the largest of those",
        });
    }
    let fat = found.cells.iter().filter(|o| o.class.is(&MACRO) || o.class.is(&MICRO));
    Ok(fat.map(|o| equivalent_diameter(f64::from(o.area_um2))).collect())
}

/// Returns the percentage of squares in which fat covers at least `share` of the parenchyma.
fn affected(found: &Evidences<'_>, fat: Counter, share: f64) -> Result<Value, Missing> {
    let least = found.mpp.px_area(SQUARE_UM * SQUARE_UM) * LEAST_PARENCHYMA;
    let mut fat = found.tally.histogram(fat).peekable();
    let (mut all, mut hit) = (0u64, 0u64);
    for (square, parenchyma) in found.tally.histogram(SQUARE_PARENCHYMA) {
        while fat.next_if(|&(s, _)| s < square).is_some() {}
        let px = fat.next_if(|&(s, _)| s == square).map_or(0, |(_, n)| n);
        if parenchyma as f64 >= least {
            all += 1;
            hit += u64::from(px as f64 >= share * parenchyma as f64);
        }
    }
    if all == 0 {
        return Err(Missing::NoStructure { what: "parenchyma" });
    }
    Ok(Value { value: 100.0 * hit as f64 / all as f64, n: hit, denominator: all as f64 })
}
