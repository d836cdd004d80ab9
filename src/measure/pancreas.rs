//! Features of the pancreas (domain.md §3.1).

mod exocrine;
mod foci;
mod islet_cells;
mod islets;

use super::{
    common,
    feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
};
use crate::{
    measure::tally::Counter,
    segment::{object::Object, pancreas::counters},
};

/// Returns the slide's foci of inflammation.
#[must_use]
pub fn groups(found: &Evidences<'_>) -> Vec<Object> {
    foci::foci(found)
}

/// Features in report order.
pub const FEATURES: &[&Feature] = &[
    &common::TISSUE_AREA,
    &common::ANALYSED_AREA,
    &common::STAIN_H,
    &common::STAIN_E,
    &islets::COUNT,
    &islets::DENSITY,
    &islets::AREA_PCT,
    &islets::AREA_MEAN,
    &islets::DIAMETER,
    &islets::AREA_CV,
    &islets::SMALL_PCT,
    &islets::LARGE_PCT,
    &islets::CIRCULARITY,
    &islets::SOLIDITY,
    &islet_cells::BORDER_CONTRAST,
    &islet_cells::NUCLEAR_DENSITY,
    &islet_cells::NUCLEAR_DENSITY_RATIO,
    &islet_cells::VACUOLE_PCT,
    &islet_cells::VACUOLATED_PCT,
    &islet_cells::PYKNOTIC_PCT,
    &islet_cells::HYALINE_PCT,
    &islet_cells::RBC_PCT,
    &islet_cells::INSULITIS,
    &islet_cells::LYMPHOCYTES,
    &exocrine::VACUOLE_PCT,
    &exocrine::NUCLEAR_DENSITY,
    &exocrine::ZYMOGEN,
    &exocrine::PYKNOTIC_PCT,
    &exocrine::GAP_PCT,
    &foci::PER_MM2,
    &exocrine::FAT_PCT,
    &exocrine::FIBROSIS_PCT,
    &exocrine::EXTRAVASATED_PCT,
];

const SECTION: &str = "domain.md §3.1";

/// What every feature has in common.
const fn feature(
    name: &'static str,
    unit: &'static str,
    direction: Direction,
    max_mpp: f64,
    measure: fn(&Evidences<'_>) -> Result<Value, Missing>,
) -> Feature {
    Feature { name, unit, direction, max_mpp, evidence: Evidence::Expert, source: SECTION, measure }
}

/// Parenchyma (acini and islets) in mm², or what is missing without any.
fn parenchyma_mm2(found: &Evidences<'_>) -> Result<f64, Missing> {
    match sum(found, &PARENCHYMA) {
        0 => Err(Missing::NoStructure { what: "pancreatic parenchyma" }),
        px => Ok(found.mpp.area_mm2(px)),
    }
}

const PARENCHYMA: [Counter; 2] = [counters::ACINAR_PX, counters::ISLET_PX];

/// Sum of counts of the cell pass.
fn sum(found: &Evidences<'_>, counts: &[Counter]) -> u64 {
    counts.iter().map(|&c| found.tally.get(c)).sum()
}
