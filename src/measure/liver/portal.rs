//! Portal tracts that were drawn: what lies in them and around.

use crate::{
    measure::{
        common::per_mm2,
        feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
        tally::Counter,
    },
    segment::liver::{
        counters::{CENTRAL_ZONE, FAT_PX, PARENCHYMA_PX, PORTAL_ZONE, TRACT_LEUKOCYTES, TRACT_PX},
        vessels::{CENTRAL_VEIN, PORTAL_TRACT},
    },
};

/// Why portal tracts are not counted, and what to do.
pub const DRAW_TRACTS: &str = "portal tracts are not found dependably by rules; draw them (--annotations)";

/// Leukocytes per area of the portal tracts that were drawn, without white and blood.
pub(super) const LEUKOCYTES: Feature = Feature {
    name: "portal_leukocyte_density_per_mm2",
    unit: "1/mm²",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "Ishak D (concept)",
    measure: |found| match found.structures_of(&PORTAL_TRACT).count() {
        0 => Err(Missing::NoRule { why: DRAW_TRACTS }),
        n if n < LEAST_TRACTS => {
            Err(Missing::TooFew { what: "drawn portal tracts", found: n as f64, needed: LEAST_TRACTS as f64 })
        }
        _ => per_mm2(found, found.tally.get(TRACT_LEUKOCYTES), TRACT_PX, "portal tract"),
    },
};

/// Fewest portal tracts whose leukocytes say something about a slide [expert]: a healthy one of a phantom holds about three.
const LEAST_TRACTS: usize = 3;

/// Macrovesicular fat of the parenchyma around central veins over that around the portal tracts that were drawn.
pub(super) const ZONAL_FAT: Feature = Feature {
    name: "zonal_fat_ratio",
    unit: "ratio",
    direction: Direction::Info,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: zonal_fat,
};

/// With less fat, in % of the parenchyma, zones are not compared (domain.md §3.2) [expert].
const LEAST_FAT_PCT: f64 = 0.5;

fn zonal_fat(found: &Evidences<'_>) -> Result<Value, Missing> {
    if found.structures_of(&PORTAL_TRACT).next().is_none() {
        return Err(Missing::NoRule { why: DRAW_TRACTS });
    }
    if found.structures_of(&CENTRAL_VEIN).next().is_none() {
        return Err(Missing::NoStructure { what: "central vein" });
    }
    let share = |[whole, part]: [Counter; 2]| match found.tally.get(whole) {
        0 => None,
        px => Some(found.tally.get(part) as f64 / px as f64),
    };
    let fat_pct = 100.0 * share([PARENCHYMA_PX, FAT_PX]).unwrap_or(0.0);
    let few = |fat_pct| Missing::TooFew { what: "% of fat", found: fat_pct, needed: LEAST_FAT_PCT };
    if fat_pct < LEAST_FAT_PCT {
        return Err(few(fat_pct));
    }
    match (share(CENTRAL_ZONE), share(PORTAL_ZONE)) {
        (Some(central), Some(portal)) if portal > 0.0 => {
            let n = found.tally.get(CENTRAL_ZONE[1]) + found.tally.get(PORTAL_ZONE[1]);
            let denominator = found.mpp.area_mm2(found.tally.get(PORTAL_ZONE[0]));
            Ok(Value { value: central / portal, n, denominator })
        }
        (None, _) => Err(Missing::NoStructure { what: "parenchyma around central veins" }),
        (_, Some(_)) => Err(Missing::NoStructure { what: "fat around portal tracts" }),
        _ => Err(Missing::NoStructure { what: "parenchyma around portal tracts" }),
    }
}
