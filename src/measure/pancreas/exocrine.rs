//! Acini, gaps and fat.

use super::{
    feature,
    islet_cells::{living, pyknotic_pct},
    parenchyma_mm2, sum,
};
use crate::{
    measure::{
        common,
        feature::{
            Direction::{Down, Up},
            Evidence, Evidences, Feature, Missing, Value,
        },
        tally::Counter,
    },
    segment::pancreas::{ACINAR_VACUOLE, FAT, counters as count},
    units::UM2_PER_MM2,
};

const ACINI: &str = "acinar tissue";
/// Lobules and lumina: everything inside the organ's outline but gaps and fat.
const SOLID: [Counter; 3] = [count::ACINAR_PX, count::ISLET_PX, count::LUMEN_PX];

/// Area of gaps, narrow and wide, in mm².
fn gap_mm2(found: &Evidences<'_>) -> f64 {
    found.mpp.area_mm2(found.tally.get(count::GAP_PX))
        + found.structure_mpp.area_mm2(found.structure_tally.get(count::WIDE_GAP_PX))
}

pub(super) const VACUOLE_PCT: Feature = feature("acinar_vacuole_area_pct", "%", Up, 0.5, |found| {
    let n = found.cells_of(&ACINAR_VACUOLE).count() as u64;
    common::percent_of(found, count::ACINAR_VACUOLE_PX, count::ACINAR_PX, ACINI, n)
});

pub(super) const NUCLEAR_DENSITY: Feature =
    feature("acinar_nuclear_density_per_mm2", "1/mm²", Up, 0.5, nuclear_density);

pub(super) const ZYMOGEN: Feature = feature("acinar_zymogen_index", "ratio", Down, 0.5, |_| {
    Err(Missing::NoRule { why: "single acini, with their base and tip, are not told apart" })
});

pub(super) const PYKNOTIC_PCT: Feature = feature("acinar_pyknotic_pct", "%", Up, 0.35, |found| {
    pyknotic_pct(&[found.tally], count::ACINAR_NUCLEUS_KINDS, "acinar nucleus")
});

pub(super) const GAP_PCT: Feature = Feature {
    source: "domain.md §3.1; pancreatitis oedema 0–3",
    ..feature("pancreas_gap_pct", "%", Up, 2.0, |found| {
        let gap = gap_mm2(found);
        let lobules = parenchyma_mm2(found)?;
        let n = found.tally.get(count::GAP_PX);
        Ok(Value { value: 100.0 * gap / (lobules + gap), n, denominator: lobules + gap })
    })
};

pub(super) const FAT_PCT: Feature = Feature {
    source: "domain.md §3.1; INHAND fatty infiltration",
    evidence: Evidence::Expert,
    ..feature("pancreas_fat_pct", "%", Up, 2.0, |found| {
        let (mut n, mut fat) = (0, 0.0);
        for (adipocyte, _) in found.structures_of(&FAT) {
            n += 1;
            fat += f64::from(adipocyte.area_um2) / UM2_PER_MM2;
        }
        let organ = fat + gap_mm2(found) + found.mpp.area_mm2(sum(found, &SOLID));
        if organ == 0.0 {
            return Err(Missing::NoStructure { what: "organ" });
        }
        Ok(Value { value: 100.0 * fat / organ, n, denominator: organ })
    })
};

pub(super) const FIBROSIS_PCT: Feature = feature("pancreas_fibrosis_he_pct", "%", Up, 1.0, |_| {
    Err(Missing::NoRule { why: "without a connective-tissue stain pale collagen and pale acini look alike" })
});

pub(super) const EXTRAVASATED_PCT: Feature = feature("pancreas_extravasated_rbc_pct", "%", Up, 1.0, |_| {
    Err(Missing::NoRule { why: "vessels filled with blood are not told apart from bleeding" })
});

pub(super) fn nuclear_density(found: &Evidences<'_>) -> Result<Value, Missing> {
    let n = living(&[found.tally], count::ACINAR_NUCLEUS_KINDS);
    common::per_mm2(found, n, count::ACINAR_PX, ACINI)
}
