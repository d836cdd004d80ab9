//! Shares of the parenchyma: sinusoids, blood, rarefied and dead cytoplasm.

use crate::{
    measure::{
        common::{per_mm2, percent_of},
        feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
    },
    segment::liver::counters::{
        APOPTOTIC_BODIES, BLOOD_PX, CYTOPLASM_EOSIN, NECROSIS_PX, PARENCHYMA_PX, SINUSOID_PX, SINUSOID_WIDTH,
    },
};

/// Rarefied cytoplasm over parenchyma: eosin below 0.6 times that of the slide's full cytoplasm, no vacuole.
pub(super) const CLEARING: Feature = Feature {
    name: "cytoplasm_clearing_pct",
    unit: "%",
    direction: Direction::TwoSided,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "INHAND glycogen/hydropic",
    measure: clearing,
};

/// Confluent hypereosinophilic zones almost without nuclei, of at least 2 000 µm², over parenchyma.
pub(super) const NECROSIS: Feature = Feature {
    name: "necrosis_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "Suzuki necrosis %",
    measure: necrosis,
};

/// Apoptotic bodies, of those that hold a shrunken nucleus; others are not told from blood.
pub(super) const APOPTOTIC: Feature = Feature {
    name: "apoptotic_bodies_per_mm2",
    unit: "1/mm²",
    direction: Direction::Up,
    max_mpp: 0.35,
    evidence: Evidence::Expert,
    source: "domain.md §3.2, bodies with a pyknotic fragment",
    measure: |found| per_mm2(found, found.tally.get(APOPTOTIC_BODIES), PARENCHYMA_PX, "parenchyma"),
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

/// Cytoplasm with less eosin than this share of the slide's full cytoplasm is rarefied (domain.md §3.2) [expert].
const CLEARING_EOSIN: f64 = 0.6;
/// Quantile of eosin that stands for full cytoplasm: still among it where half of a slide is rarefied.
const FULL: f64 = 0.75;

fn clearing(found: &Evidences<'_>) -> Result<Value, Missing> {
    let parenchyma = found.tally.get(PARENCHYMA_PX);
    let full = found.tally.quantile(CYTOPLASM_EOSIN, FULL);
    let full = full.filter(|_| parenchyma > 0).ok_or(Missing::NoStructure { what: "parenchyma" })?;
    let limit = CLEARING_EOSIN * f64::from(full);
    let pale = found.tally.histogram(CYTOPLASM_EOSIN).take_while(|&(eosin, _)| f64::from(eosin) < limit);
    let px: u64 = pale.map(|(_, n)| n).sum();
    let value = 100.0 * px as f64 / parenchyma as f64;
    Ok(Value { value, n: px, denominator: found.mpp.area_mm2(parenchyma) })
}

fn necrosis(found: &Evidences<'_>) -> Result<Value, Missing> {
    let parenchyma = found.mpp.area_mm2(found.tally.get(PARENCHYMA_PX));
    if parenchyma == 0.0 {
        return Err(Missing::NoStructure { what: "parenchyma" });
    }
    let px = found.structure_tally.get(NECROSIS_PX);
    let value = (100.0 * found.structure_mpp.area_mm2(px) / parenchyma).min(100.0);
    Ok(Value { value, n: px, denominator: parenchyma })
}
