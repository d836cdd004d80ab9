//! Hepatocytes and their nuclei.

use std::collections::BTreeMap;

use super::ground::CLEARING;
use crate::{
    measure::{
        common::{per_mm2, quantile},
        feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
        places::Places,
        sizes::{Diameters, Sizes},
    },
    segment::{
        liver::{
            ballooned::{BALLOONED, PALE_CELL},
            counters::{BEYOND_PX, PARENCHYMA_PX},
            hepatocytes::{self, HEPATOCYTE},
        },
        nuclei::PYKNOTIC as PYKNOTIC_NUCLEUS,
        object::Object,
    },
    units::equivalent_diameter,
};

/// Hepatocyte nuclei per parenchyma.
pub(super) const NUCLEAR_DENSITY: Feature = Feature {
    name: "hepatocyte_nuclear_density_per_mm2",
    unit: "1/mm²",
    direction: Direction::Down,
    max_mpp: 0.5,
    evidence: Evidence::Derived,
    source: "published cell counts and volumes",
    measure: |found| per_mm2(found, found.cells_of(&HEPATOCYTE).count() as u64, PARENCHYMA_PX, "parenchyma"),
};

/// Median territory of a hepatocyte nucleus, without sinusoid.
pub(super) const AREA: Feature = Feature {
    name: "hepatocyte_area_um2_median",
    unit: "µm²",
    direction: Direction::TwoSided,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| quantile(values(found, "territory_um2"), 0.5, "hepatocyte"),
};

/// Territories wider than 1.5 times the control group's median.
pub(super) const HYPERTROPHIC: Feature = Feature {
    name: "hypertrophic_hepatocyte_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "Liang 2014; territories within 28 µm, controls' median",
    // The slide keeps its territories; the share follows from the controls' median.
    measure: |found| match found.cells_of(&HEPATOCYTE).next() {
        Some(_) => Err(Missing::NeedsControls),
        None => Err(Missing::NoStructure { what: "hepatocyte" }),
    },
};

/// Median area of hepatocyte nuclei.
pub(super) const NUCLEAR_AREA_MEDIAN: Feature = Feature {
    name: "hepatocyte_nuclear_area_um2_median",
    unit: "µm²",
    direction: Direction::TwoSided,
    max_mpp: 0.35,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| quantile(areas(found), 0.5, "hepatocyte"),
};

/// Coefficient of variation of the area of hepatocyte nuclei: ploidy, anisokaryosis.
pub(super) const NUCLEAR_AREA_CV: Feature = Feature {
    name: "hepatocyte_nuclear_area_um2_cv",
    unit: "ratio",
    direction: Direction::TwoSided,
    max_mpp: 0.35,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: nuclear_area_cv,
};

/// Hepatocytes with two nuclei over all hepatocytes.
pub(super) const BINUCLEATE: Feature = Feature {
    name: "hepatocyte_binucleate_pct",
    unit: "%",
    direction: Direction::Info,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "Gerlyng 1993",
    measure: binucleate,
};

/// Ballooned hepatocytes: round, rarefied cells, 1.5 times as wide as the slide's median hepatocyte.
pub(super) const BALLOONING: Feature = Feature {
    name: "ballooning_candidates_per_mm2",
    unit: "1/mm²",
    direction: Direction::Up,
    max_mpp: 0.35,
    evidence: Evidence::Expert,
    source: "NAS/SAF ballooning, exploratory",
    measure: ballooning,
};

/// Shrunken nuclei in dense cytoplasm over these and hepatocyte nuclei.
pub(super) const PYKNOTIC: Feature = Feature {
    name: "pyknotic_hepatocyte_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.35,
    evidence: Evidence::Expert,
    source: "domain.md §3.2, in dense cytoplasm",
    measure: pyknotic,
};

/// Nuclei of one cell lie nearer than this, in µm (domain.md §3.2) [expert].
const PAIR_UM: f64 = 12.0;
/// Ratio of the areas of two nuclei of one cell (domain.md §3.2) [expert].
const PAIR_RATIO: std::ops::RangeInclusive<f32> = 0.7..=1.0 / 0.7;

fn values(found: &Evidences<'_>, name: &str) -> Vec<f64> {
    found.cells_of(&HEPATOCYTE).filter_map(|o| o.value(name)).map(f64::from).collect()
}

/// Returns the equivalent diameters of all territories, clipped at [`WIDE_UM`](hepatocytes::WIDE_UM).
pub(super) fn sizes(found: &Evidences<'_>) -> Sizes {
    let mut beyond: BTreeMap<u32, u64> = found.tally.histogram(BEYOND_PX).collect();
    let mut diameters = Diameters::default();
    for nucleus in found.cells_of(&HEPATOCYTE) {
        let near = f64::from(nucleus.value("territory_um2").unwrap_or(0.0));
        // Taken out, so that it counts once should two nuclei share a place.
        let far = beyond.remove(&hepatocytes::place_of(nucleus.anchor(), found.mpp)).unwrap_or(0);
        diameters.add(equivalent_diameter(near + found.mpp.area_um2(far)), 1);
    }
    Sizes::Hepatocytes(diameters)
}

/// A ballooned cell is at least so many times as wide as the slide's median hepatocyte (domain.md §3.2) [expert].
const BALLOONED_TIMES: f64 = 1.5;
/// Where more of the parenchyma is rarefied, in %, ballooned cells merge with their neighbours: on phantoms with a quarter
/// of it up to all are missed.
const MOST_RAREFIED_PCT: f64 = 15.0;

fn ballooning(found: &Evidences<'_>) -> Result<Value, Missing> {
    if found.cells_of(&HEPATOCYTE).next().is_none() {
        return Err(Missing::NoStructure { what: "hepatocyte" });
    }
    if (CLEARING.measure)(found)?.value > MOST_RAREFIED_PCT {
        let why = "more than 15 % of the parenchyma is rarefied, and ballooned cells are not told from the rest of it";
        return Err(Missing::LeftOut { why });
    }
    per_mm2(found, found.groups_of(&BALLOONED), PARENCHYMA_PX, "parenchyma")
}

/// Returns the pale cells that are wide enough to be ballooned ones.
pub(super) fn ballooned(found: &Evidences<'_>) -> Vec<Object> {
    let too_coarse = Missing::too_coarse(found.mpp.mean(), BALLOONING.max_mpp).is_some();
    let mut pale = found.cells_of(&PALE_CELL).filter(|_| !too_coarse).peekable();
    let median = pale.peek().and_then(|_| quantile(values(found, "territory_um2"), 0.5, "hepatocyte").ok());
    let least = median.map(|um2| BALLOONED_TIMES * equivalent_diameter(um2.value));
    let Some(least) = least else { return Vec::new() };
    let wide = pale.filter(|o| o.value("eq_diameter_um").is_some_and(|um| f64::from(um) >= least));
    wide.map(|o| Object { class: &BALLOONED, ..o.clone() }).collect()
}

fn areas(found: &Evidences<'_>) -> Vec<f64> {
    found.cells_of(&HEPATOCYTE).map(|o| f64::from(o.area_um2)).collect()
}

fn nuclear_area_cv(found: &Evidences<'_>) -> Result<Value, Missing> {
    let areas = areas(found);
    let n = areas.len() as f64;
    if areas.len() < 2 {
        return Err(Missing::TooFew { what: "hepatocyte nuclei", found: n, needed: 2.0 });
    }
    let mean = areas.iter().sum::<f64>() / n;
    let variance = areas.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Ok(Value { value: variance.sqrt() / mean, n: areas.len() as u64, denominator: n })
}

/// Pairs of nuclei that are each other's nearest and of like size.
fn binucleate(found: &Evidences<'_>) -> Result<Value, Missing> {
    let nuclei: Vec<&Object> = found.cells_of(&HEPATOCYTE).collect();
    let places = Places::of(&nuclei, found, PAIR_UM);
    let nearest: Vec<Option<usize>> = (0..nuclei.len()).map(|i| places.nearest(i, PAIR_UM)).collect();
    let paired = |i: usize| {
        nearest[i].is_some_and(|j| {
            i < j && nearest[j] == Some(i) && PAIR_RATIO.contains(&(nuclei[i].area_um2 / nuclei[j].area_um2))
        })
    };
    let pairs = (0..nuclei.len()).filter(|&i| paired(i)).count() as u64;
    let cells = nuclei.len() as u64 - pairs;
    if cells == 0 {
        return Err(Missing::NoStructure { what: "hepatocyte" });
    }
    Ok(Value { value: 100.0 * pairs as f64 / cells as f64, n: pairs, denominator: cells as f64 })
}

fn pyknotic(found: &Evidences<'_>) -> Result<Value, Missing> {
    let dead = found.cells_of(&PYKNOTIC_NUCLEUS).count() as u64;
    let all = found.cells_of(&HEPATOCYTE).count() as u64 + dead;
    if all == 0 {
        return Err(Missing::NoStructure { what: "hepatocyte" });
    }
    Ok(Value { value: 100.0 * dead as f64 / all as f64, n: dead, denominator: all as f64 })
}
