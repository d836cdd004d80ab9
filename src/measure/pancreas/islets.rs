//! How many islets there are, how large, and of what shape.

use super::{feature, parenchyma_mm2};
use crate::{
    measure::{
        feature::{
            Direction::{Down, Info, TwoSided, Up},
            Evidence, Evidences, Feature, Missing, Value,
        },
        tally::Tally,
    },
    segment::{
        object::Object,
        pancreas::{ISLET, counters},
    },
};

/// Least endocrine nuclei of an accepted islet (domain.md §3.1).
const MIN_NUCLEI: u64 = 8;
/// Coarser than this nuclei cannot be counted, and islets are accepted without.
const NUCLEI_MPP: f64 = 0.75;
/// An islet below this diameter is small, in µm (domain.md §3.1).
const SMALL_UM: f64 = 75.0;
/// An islet above this diameter is large: a flag of hyperplasia, in µm (NTP atlas, domain.md §3.1).
const LARGE_UM: f64 = 300.0;

pub(super) const COUNT: Feature =
    feature("islet_count_n", "n", Info, 2.0, |found| per_parenchyma(found, |n, _, _| n));

pub(super) const DENSITY: Feature = Feature {
    evidence: Evidence::Derived,
    source: "domain.md §3.1; Tomita & Doull 1992",
    ..feature("islet_density_per_mm2", "1/mm²", Down, 2.0, |found| {
        per_parenchyma(found, |n, _, mm2| n / mm2)
    })
};

pub(super) const AREA_PCT: Feature = Feature {
    evidence: Evidence::Sourced,
    source: "domain.md §3.1; Tomita & Doull 1992",
    ..feature("islet_area_pct", "%", TwoSided, 2.0, |found| {
        per_parenchyma(found, |_, um2, mm2| 100.0 * um2 / (mm2 * crate::units::UM2_PER_MM2))
    })
};

pub(super) const AREA_MEAN: Feature = Feature {
    evidence: Evidence::Sourced,
    source: "domain.md §3.1; Tomita & Doull 1992",
    ..feature("islet_area_um2_mean", "µm²", TwoSided, 2.0, |found| {
        over_islets(found, area, |v| v.iter().sum::<f64>() / v.len() as f64)
    })
};

pub(super) const DIAMETER: Feature = feature("islet_eq_diameter_um_median", "µm", TwoSided, 2.0, |found| {
    over_islets(found, diameter, median)
});

pub(super) const AREA_CV: Feature = feature("islet_area_cv", "ratio", Info, 2.0, |found| {
    let n = whole(found).count();
    if n == 1 {
        return Err(Missing::TooFew { what: "islets", found: 1.0, needed: 2.0 });
    }
    over_islets(found, area, variation)
});

pub(super) const SMALL_PCT: Feature = feature("islet_small_pct", "%", Up, 2.0, |found| {
    over_islets(found, diameter, |v| percent(v, |&d| d < SMALL_UM))
});

pub(super) const LARGE_PCT: Feature = Feature {
    evidence: Evidence::Sourced,
    source: "domain.md §3.1; NTP atlas",
    ..feature("islet_large_pct", "%", TwoSided, 2.0, |found| {
        over_islets(found, diameter, |v| percent(v, |&d| d > LARGE_UM))
    })
};

pub(super) const CIRCULARITY: Feature = feature("islet_circularity_median", "0–1", Down, 1.0, |found| {
    over_islets(found, |o| shape(o, "circularity"), median)
});

pub(super) const SOLIDITY: Feature = feature("islet_solidity_median", "0–1", Down, 1.0, |found| {
    over_islets(found, |o| shape(o, "solidity"), median)
});

/// Returns the accepted islets, those cut by the slide's edge included.
pub(super) fn accepted<'a>(found: &Evidences<'a>) -> impl Iterator<Item = (&'a Object, &'a Tally)> {
    let countable = found.mpp.mean() <= NUCLEI_MPP;
    found.structures_of(&ISLET).filter(move |(_, tally)| !countable || endocrine(tally) >= MIN_NUCLEI)
}

/// Nuclei of an islet, shrunken ones included, that are no lymphocytes.
fn endocrine(islet: &Tally) -> u64 {
    let all = islet.observations(counters::ISLET_NUCLEUS_KINDS);
    all.saturating_sub(islet.get(counters::LYMPHOCYTES_INSIDE))
}

/// Returns the accepted islets that are whole.
pub(super) fn whole<'a>(found: &Evidences<'a>) -> impl Iterator<Item = (&'a Object, &'a Tally)> {
    accepted(found).filter(|(o, _)| o.value("cut_by_edge") == Some(0.0))
}

/// Combines the number of whole islets, the area of all islets (µm²) and the parenchyma (mm²).
fn per_parenchyma(found: &Evidences<'_>, of: impl Fn(f64, f64, f64) -> f64) -> Result<Value, Missing> {
    let mm2 = parenchyma_mm2(found)?;
    let n = whole(found).count() as u64;
    let um2 = accepted(found).map(|(o, _)| area(o)).fold(0.0, |sum, um2| sum + um2);
    Ok(Value { value: of(n as f64, um2, mm2), n, denominator: mm2 })
}

/// Measures the whole islets; none is no structure, not zero.
fn over_islets(
    found: &Evidences<'_>,
    each: impl Fn(&Object) -> f64,
    combine: impl Fn(&[f64]) -> f64,
) -> Result<Value, Missing> {
    let values: Vec<f64> = whole(found).map(|(o, _)| each(o)).collect();
    if values.is_empty() {
        return Err(Missing::NoStructure { what: "islet" });
    }
    let n = values.len() as u64;
    Ok(Value { value: combine(&values), n, denominator: n as f64 })
}

fn area(islet: &Object) -> f64 {
    f64::from(islet.area_um2)
}

fn diameter(islet: &Object) -> f64 {
    crate::units::equivalent_diameter(area(islet))
}

fn shape(islet: &Object, name: &str) -> f64 {
    f64::from(islet.value(name).unwrap_or(0.0))
}

/// Median; the mean of the two middle values of an even number.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (n, half) if n % 2 == 1 => sorted[half],
        (_, half) => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// Standard deviation (n − 1) over the mean.
fn variation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (square / (n - 1.0)).sqrt() / mean
}

fn percent(values: &[f64], is: impl Fn(&f64) -> bool) -> f64 {
    100.0 * values.iter().filter(|v| is(v)).count() as f64 / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_variation() {
        fn t(values: &[f64], expected_median: f64, expected_cv: f64) {
            assert_eq!(median(values), expected_median, "{values:?}");
            assert!((variation(values) - expected_cv).abs() < 1e-9, "{values:?}: {}", variation(values));
        }
        t(&[3.0, 1.0], 2.0, 2f64.sqrt() / 2.0);
        t(&[5.0, 1.0, 3.0], 3.0, 2.0 / 3.0);
        t(&[4.0, 4.0, 4.0, 4.0], 4.0, 0.0);
    }

    #[test]
    fn shares_of_islets_by_size() {
        assert_eq!(percent(&[50.0, 74.9, 75.0, 400.0], |&d| (50.0..SMALL_UM).contains(&d)), 50.0);
        assert_eq!(percent(&[300.0, 300.1, 20.0, 400.0], |&d| d > LARGE_UM), 50.0);
    }
}
