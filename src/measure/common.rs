//! Features every organ has (domain.md §3.0), and the arithmetic of ratios.

use super::{
    feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
    tally::Counter,
};
use crate::segment::ground::{ANALYSED_PX, E_OF_CYTOPLASM, H_OF_NUCLEI, TISSUE_PX};

/// Tissue in mm²: the area of the slide's tissue mask, so that it is the one number everywhere. Holes beyond 5 000 µm²
/// are searched for lumen but are not tissue.
pub const TISSUE_AREA: Feature = Feature {
    name: "tissue_area_mm2",
    unit: "mm²",
    direction: Direction::Info,
    max_mpp: 8.0,
    evidence: Evidence::Expert,
    source: "domain.md §3.0",
    measure: |found| match found.tissue_mm2 {
        0.0 => Err(Missing::Blank),
        value => Ok(Value { value, n: found.tally.get(TISSUE_PX), denominator: value }),
    },
};

/// Tissue that belongs to the organ's parenchyma and is no artefact, in mm².
pub const ANALYSED_AREA: Feature = Feature {
    name: "analysed_area_mm2",
    unit: "mm²",
    direction: Direction::Info,
    max_mpp: 8.0,
    evidence: Evidence::Expert,
    source: "domain.md §3.0",
    measure: |found| area_mm2(found, ANALYSED_PX),
};

/// Median haematoxylin inside nuclei.
pub const STAIN_H: Feature = Feature {
    name: "stain_h_od_median",
    unit: "OD",
    direction: Direction::Info,
    max_mpp: 1.0,
    evidence: Evidence::Expert,
    source: "domain.md §3.0",
    measure: |found| median_od(found, H_OF_NUCLEI, "nucleus"),
};

/// Median eosin of the cytoplasm.
pub const STAIN_E: Feature = Feature {
    name: "stain_e_od_median",
    unit: "OD",
    direction: Direction::Info,
    max_mpp: 1.0,
    evidence: Evidence::Expert,
    source: "domain.md §3.0",
    measure: |found| median_od(found, E_OF_CYTOPLASM, "cytoplasm"),
};

fn area_mm2(found: &Evidences<'_>, counter: Counter) -> Result<Value, Missing> {
    let tissue = found.tally.get(TISSUE_PX);
    if tissue == 0 {
        return Err(Missing::Blank);
    }
    let px = found.tally.get(counter);
    Ok(Value { value: found.mpp.area_mm2(px), n: px, denominator: found.mpp.area_mm2(tissue) })
}

fn median_od(found: &Evidences<'_>, counter: Counter, what: &'static str) -> Result<Value, Missing> {
    let n = found.tally.observations(counter);
    let median = found.tally.quantile(counter, 0.5).ok_or(Missing::NoStructure { what })?;
    Ok(Value { value: f64::from(median) / 100.0, n, denominator: found.mpp.area_mm2(n) })
}

/// Returns 100 · `part` / `whole`, both in working pixels of the fine pass; the denominator is `whole` in mm².
///
/// # Errors
///
/// [`Missing::NoStructure`] naming `what` the whole is made of, when there is none of it.
pub fn percent_of(
    found: &Evidences<'_>,
    part: Counter,
    whole: Counter,
    what: &'static str,
    n: u64,
) -> Result<Value, Missing> {
    match (found.tally.get(part), found.tally.get(whole)) {
        (_, 0) => Err(Missing::NoStructure { what }),
        (part, whole) => {
            Ok(Value { value: 100.0 * part as f64 / whole as f64, n, denominator: found.mpp.area_mm2(whole) })
        }
    }
}

/// Returns `n` objects per mm² of the area counted by `whole`, in working pixels of the fine pass.
///
/// # Errors
///
/// [`Missing::NoStructure`] naming `what` the area is made of, when there is none of it.
pub fn per_mm2(found: &Evidences<'_>, n: u64, whole: Counter, what: &'static str) -> Result<Value, Missing> {
    match found.tally.get(whole) {
        0 => Err(Missing::NoStructure { what }),
        px => {
            let area = found.mpp.area_mm2(px);
            Ok(Value { value: n as f64 / area, n, denominator: area })
        }
    }
}

/// Returns the `q` quantile (0–1) of `values` by linear interpolation between order statistics (type 7 of Hyndman and Fan); the
/// denominator is their number.
///
/// # Errors
///
/// [`Missing::NoStructure`] naming `what` when there are none.
pub fn quantile(mut values: Vec<f64>, q: f64, what: &'static str) -> Result<Value, Missing> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1).ok_or(Missing::NoStructure { what })?;
    let at = last as f64 * q;
    let (below, above) = (values[at.floor() as usize], values[at.ceil() as usize]);
    let value = below + (above - below) * at.fract();
    Ok(Value { value, n: values.len() as u64, denominator: values.len() as f64 })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{measure::tally::Tally, stain::StainProfile, units::Mpp};

    const PART: Counter = Counter("part");

    /// Shows what was counted on a slide of no objects, with pixels of `mpp` µm.
    pub(in crate::measure) fn evidences<T>(tally: &Tally, mpp: f64, look: impl Fn(&Evidences<'_>) -> T) -> T {
        let profile = StainProfile::TYPICAL;
        let mpp = Mpp::square(mpp).unwrap();
        look(&Evidences {
            tissue_mm2: mpp.area_mm2(tally.get(TISSUE_PX)),
            mpp,
            structure_mpp: mpp,
            structures: &[],
            structure_tallies: &[],
            structures_cut: &[],
            cells: &[],
            groups: &[],
            structure_tally: tally,
            tally,
            profile: &profile,
            tubule_least_um: 0.0,
        })
    }

    fn with<T>(tally: &Tally, look: impl Fn(&Evidences<'_>) -> T) -> T {
        evidences(tally, 0.5, look)
    }

    #[test]
    fn zero_of_something_is_zero_and_nothing_is_missing() {
        let mut tally = Tally::default();
        assert_eq!(with(&tally, TISSUE_AREA.measure), Err(Missing::Blank));
        assert_eq!(with(&tally, STAIN_H.measure), Err(Missing::NoStructure { what: "nucleus" }));
        let percent = |found: &Evidences<'_>| percent_of(found, PART, TISSUE_PX, "tissue", 3);
        assert_eq!(with(&tally, percent), Err(Missing::NoStructure { what: "tissue" }));
        tally.add(TISSUE_PX, 4_000_000);
        assert_eq!(with(&tally, percent), Ok(Value { value: 0.0, n: 3, denominator: 1.0 }));
        tally.add(PART, 1_000_000);
        assert_eq!(with(&tally, percent), Ok(Value { value: 25.0, n: 3, denominator: 1.0 }));
        let density = |found: &Evidences<'_>| per_mm2(found, 7, PART, "part");
        assert_eq!(with(&tally, density), Ok(Value { value: 28.0, n: 7, denominator: 0.25 }));
    }

    #[test]
    fn quantiles_of_objects() {
        fn t(values: &[f64], q: f64, expected: Option<f64>) {
            assert_eq!(quantile(values.to_vec(), q, "x").ok().map(|v| v.value), expected, "{values:?}");
        }
        t(&[], 0.5, None);
        t(&[3.0], 0.5, Some(3.0));
        t(&[4.0, 1.0, 2.0, 3.0], 0.5, Some(2.5));
        t(&[4.0, 1.0, 2.0], 0.5, Some(2.0));
        t(&[4.0, 1.0], 0.25, Some(1.75));
        t(&[4.0, 1.0, 2.0, 3.0], 1.0, Some(4.0));
    }

    #[test]
    fn stain_is_printed_in_optical_density() {
        let mut tally = Tally::default();
        tally.observe(H_OF_NUCLEI, 72, 3);
        assert_eq!(with(&tally, STAIN_H.measure).map(|v| (v.value, v.n)), Ok((0.72, 3)));
    }
}
