//! Shares of the parenchyma: sinusoids, blood, rarefied and dead cytoplasm.

use crate::{
    measure::{
        common::percent_of,
        feature::{Direction, Evidence, Feature, Missing, Value},
    },
    segment::liver::counters::{BLOOD_PX, CLEARING_PX, PARENCHYMA_PX, SINUSOID_PX, SINUSOID_WIDTH},
};

/// Rarefied cytoplasm over parenchyma: eosin below 0.6 times the slide's median, no vacuole.
pub(super) const CLEARING: Feature = Feature {
    name: "cytoplasm_clearing_pct",
    unit: "%",
    direction: Direction::TwoSided,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "INHAND glycogen/hydropic",
    measure: |found| {
        percent_of(found, CLEARING_PX, PARENCHYMA_PX, "parenchyma", found.tally.get(CLEARING_PX))
    },
};

/// Hypereosinophilic patches almost without nuclei over parenchyma.
pub(super) const NECROSIS: Feature = Feature {
    name: "necrosis_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "Suzuki necrosis %",
    measure: |_| {
        Err(Missing::NoRule {
            why: "patches of dead cells are not told dependably from other eosin-rich tissue by rules",
        })
    },
};

/// Apoptotic bodies.
pub(super) const APOPTOTIC: Feature = Feature {
    name: "apoptotic_bodies_per_mm2",
    unit: "1/mm²",
    direction: Direction::Up,
    max_mpp: 0.35,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |_| Err(Missing::NoRule { why: "apoptotic bodies are not told from blood and debris by rules" }),
};

/// White or blood-filled slits of 2–20 µm over parenchyma.
pub(super) const SINUSOID_AREA: Feature = Feature {
    name: "sinusoid_area_pct",
    unit: "%",
    direction: Direction::TwoSided,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| {
        percent_of(found, SINUSOID_PX, PARENCHYMA_PX, "parenchyma", found.tally.get(SINUSOID_PX))
    },
};

/// Median width of sinusoids along their middle.
pub(super) const SINUSOID_WIDTH_MEDIAN: Feature = Feature {
    name: "sinusoid_width_um_median",
    unit: "µm",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| {
        let n = found.tally.observations(SINUSOID_WIDTH);
        let width =
            found.tally.quantile(SINUSOID_WIDTH, 0.5).ok_or(Missing::NoStructure { what: "sinusoid" })?;
        Ok(Value { value: f64::from(width) / 10.0, n, denominator: n as f64 })
    },
};

/// Red cells in sinusoids and veins over parenchyma.
pub(super) const BLOOD_AREA: Feature = Feature {
    name: "rbc_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 1.0,
    evidence: Evidence::Expert,
    source: "Suzuki congestion (scheme)",
    measure: |found| percent_of(found, BLOOD_PX, PARENCHYMA_PX, "parenchyma", found.tally.get(BLOOD_PX)),
};

/// Stroma outside portal tracts.
pub(super) const FIBROSIS: Feature = Feature {
    name: "fibrosis_he_surrogate_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2; not a Kleiner or Ishak stage",
    measure: |_| Err(Missing::NoRule { why: "stroma is not told from pale parenchyma by rules" }),
};
