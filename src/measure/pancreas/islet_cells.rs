//! What is inside islets: nuclei, vacuoles, blood, lymphocytes.

use super::{
    feature,
    islets::{accepted, median},
};
use crate::{
    measure::{
        feature::{
            Direction::{Down, TwoSided, Up},
            Evidence, Evidences, Feature, Missing, Value,
        },
        pancreas::exocrine,
        tally::{Counter, Tally},
    },
    segment::{
        object::Object,
        pancreas::{counters as count, nuclei_of::SizeAndInk},
    },
};

/// An islet is vacuolated from this share of vacuoles, in percent (domain.md §3.1).
const VACUOLATED_PCT_FROM: f64 = 5.0;

pub(super) const BORDER_CONTRAST: Feature =
    feature("islet_border_contrast", "effect size", Down, 0.5, |found| {
        let contrasts: Vec<f64> = accepted(found).filter_map(|(_, t)| contrast(t)).collect();
        match contrasts.len() as u64 {
            0 => Err(NO_ISLET),
            n => Ok(Value { value: median(&contrasts), n, denominator: n as f64 }),
        }
    });

pub(super) const NUCLEAR_DENSITY: Feature =
    feature("islet_nuclear_density_per_mm2", "1/mm²", TwoSided, 0.5, nuclear_density);

pub(super) const NUCLEAR_DENSITY_RATIO: Feature =
    feature("islet_acinar_nuclear_density_ratio", "ratio", Down, 0.5, |found| {
        let (islet, acinar) = (nuclear_density(found)?, exocrine::nuclear_density(found)?);
        if acinar.value == 0.0 {
            return Err(Missing::NoStructure { what: "acinar nucleus" });
        }
        Ok(Value { value: islet.value / acinar.value, n: islet.n, denominator: acinar.value })
    });

pub(super) const VACUOLE_PCT: Feature =
    feature("islet_vacuole_area_pct", "%", Up, 0.5, |found| share(found, count::ISLET_VACUOLE_PX));

pub(super) const VACUOLATED_PCT: Feature = feature("islet_vacuolated_pct", "%", Up, 0.5, |found| {
    over_islets(found, |t| {
        let share = 100.0 * t.get(count::ISLET_VACUOLE_PX) as f64 / t.get(count::ISLET_PX).max(1) as f64;
        if share >= VACUOLATED_PCT_FROM { 100.0 } else { 0.0 }
    })
});

pub(super) const PYKNOTIC_PCT: Feature = feature("islet_pyknotic_nuclei_pct", "%", Up, 0.35, |found| {
    let tallies: Vec<&Tally> = accepted(found).map(|(_, t)| t).collect();
    pyknotic_pct(&tallies, count::ISLET_NUCLEUS_KINDS, "islet nucleus")
});

pub(super) const HYALINE_PCT: Feature = feature("islet_hyaline_area_pct", "%", Up, 0.5, |_| {
    Err(Missing::NoRule { why: "hyaline patches are not told apart from the even pink cytoplasm of islets" })
});

pub(super) const RBC_PCT: Feature =
    feature("islet_rbc_area_pct", "%", Up, 1.0, |found| share(found, count::ISLET_RBC_PX));

pub(super) const INSULITIS: Feature = Feature {
    evidence: Evidence::Sourced,
    source: "domain.md §3.1 and §4.2: insulitis 0–4",
    ..feature("insulitis_score_mean", "0–4", Up, 0.5, |found| {
        over_islets(found, |t| f64::from(insulitis(t)))
    })
};

pub(super) const LYMPHOCYTES: Feature =
    feature("islet_lymphocytes_per_mm_perimeter", "1/mm", Up, 0.35, |found| {
        let (mut n, mut mm) = (0, 0.0);
        for (islet, tally) in accepted(found) {
            n += tally.get(count::LYMPHOCYTES_INSIDE) + tally.get(count::LYMPHOCYTES_AROUND);
            mm += perimeter_mm(islet);
        }
        if mm > 0.0 { Ok(Value { value: n as f64 / mm, n, denominator: mm }) } else { Err(NO_ISLET) }
    });

/// Share of lymphocytes among the nuclei inside islets up to which endocrine nuclei are counted: on phantoms with the
/// grade of insulitis that begins there (domain.md §4.2) their density reads a sixth high, with the next twice as high [expert].
const MOST_LYMPHOCYTES: f64 = 0.25;

const NO_ISLET: Missing = Missing::NoStructure { what: "islet" };

fn perimeter_mm(islet: &Object) -> f64 {
    f64::from(islet.value("perimeter_um").unwrap_or(0.0)) / 1000.0
}

/// Sum of a count over the accepted islets.
fn total(found: &Evidences<'_>, counter: Counter) -> u64 {
    accepted(found).map(|(_, t)| t.get(counter)).sum()
}

/// 100 · part / islet area, both summed over islets.
fn share(found: &Evidences<'_>, part: Counter) -> Result<Value, Missing> {
    let n = accepted(found).count() as u64;
    match (total(found, part), total(found, count::ISLET_PX)) {
        (_, 0) => Err(NO_ISLET),
        (part, whole) => {
            Ok(Value { value: 100.0 * part as f64 / whole as f64, n, denominator: found.mpp.area_mm2(whole) })
        }
    }
}

/// Mean over the accepted islets that have pixels.
fn over_islets(found: &Evidences<'_>, each: impl Fn(&Tally) -> f64) -> Result<Value, Missing> {
    let values: Vec<f64> =
        accepted(found).filter(|(_, t)| t.get(count::ISLET_PX) > 0).map(|(_, t)| each(t)).collect();
    match values.len() as u64 {
        0 => Err(NO_ISLET),
        n => Ok(Value { value: values.iter().sum::<f64>() / n as f64, n, denominator: n as f64 }),
    }
}

/// Endocrine nuclei per mm² of islets without vacuoles and blood.
///
/// # Errors
///
/// [`Missing::LeftOut`] where lymphocytes fill the islets: those that are not recognised would count as endocrine.
fn nuclear_density(found: &Evidences<'_>) -> Result<Value, Missing> {
    let [strange, own] = [count::LYMPHOCYTES_INSIDE, count::ISLET_NUCLEI].map(|c| total(found, c) as f64);
    if strange > MOST_LYMPHOCYTES * (strange + own) {
        return Err(Missing::LeftOut {
            why: "more than a quarter of the nuclei in its islets are lymphocytes, of which some would count as endocrine",
        });
    }
    let holes = total(found, count::ISLET_VACUOLE_PX) + total(found, count::ISLET_RBC_PX);
    let tallies: Vec<&Tally> = accepted(found).map(|(_, t)| t).collect();
    let n = living(&tallies, count::ISLET_NUCLEUS_KINDS);
    match total(found, count::ISLET_PX).saturating_sub(holes) {
        0 => Err(NO_ISLET),
        px => {
            let mm2 = found.mpp.area_mm2(px);
            Ok(Value { value: n as f64 / mm2, n, denominator: mm2 })
        }
    }
}

/// Difference of the rims' median basophilia over their pooled spread, or `None` without both rims.
fn contrast(tally: &Tally) -> Option<f64> {
    let [inside, outside] = [count::RIM_INSIDE, count::RIM_OUTSIDE]
        .map(|c| tally.histogram(c).map(|(v, n)| (f64::from(v), n)).collect::<Vec<_>>());
    let (a, b) = (weighted_median(&inside)?, weighted_median(&outside)?);
    let off =
        |values: &[(f64, u64)], m: f64| values.iter().map(|&(v, n)| ((v - m).abs(), n)).collect::<Vec<_>>();
    let apart = [off(&inside, a), off(&outside, b)].concat();
    // Densities are whole hundredths: less spread than half a step cannot be seen.
    let spread = weighted_median(&apart)?.max(0.5) * 1.4826;
    Some((a - b).abs() / spread)
}

/// Median of values that occur several times.
fn weighted_median(values: &[(f64, u64)]) -> Option<f64> {
    weighted_quantile(values, 0.5)
}

/// Quantile (0–1) of values that occur several times.
fn weighted_quantile(values: &[(f64, u64)], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = (sorted.iter().map(|v| v.1).sum::<u64>() as f64 * q).ceil() as u64;
    let mut seen = 0;
    sorted.iter().find_map(|&(v, n)| {
        seen += n;
        (seen >= half && half > 0).then_some(v)
    })
}

/// Area of a shrunken nucleus as a share of the median, at most (domain.md §3.1).
const SHRUNKEN: f64 = 0.6;
/// A nucleus of this quantile of area is alive, unless nearly all are dead.
const LARGE: f64 = 0.8;
/// Its darkness exceeds the median by this many median absolute deviations (domain.md §3.1).
const DARK_MADS: f64 = 2.0;

/// 100 · shrunken dark nuclei / nuclei.
pub(super) fn pyknotic_pct(tallies: &[&Tally], kinds: Counter, what: &'static str) -> Result<Value, Missing> {
    let Census { all, shrunken, .. } = census(tallies, kinds).ok_or(Missing::NoStructure { what })?;
    Ok(Value { value: 100.0 * shrunken as f64 / all as f64, n: all, denominator: all as f64 })
}

/// Nuclei that are no leukocytes or stroma, and are not shrunken.
pub(super) fn living(tallies: &[&Tally], kinds: Counter) -> u64 {
    census(tallies, kinds).map_or(0, |c| c.living)
}

/// Nuclei of one compartment.
struct Census {
    all: u64,
    shrunken: u64,
    living: u64,
}

/// Counts nuclei. Shrunken ones are judged against the medians of those that are not shrunken themselves:
/// with most nuclei dead, the median of all would be that of the dead. `None` without nuclei.
fn census(tallies: &[&Tally], kinds: Counter) -> Option<Census> {
    let nuclei: Vec<(SizeAndInk, u64)> = tallies
        .iter()
        .flat_map(|t| t.histogram(kinds))
        .map(|(code, n)| (SizeAndInk::decode(code), n))
        .collect();
    let areas: Vec<(f64, u64)> = nuclei.iter().map(|&(k, n)| (f64::from(k.quarter_um2), n)).collect();
    let large = weighted_quantile(&areas, LARGE)?;
    let typical = |k: SizeAndInk| f64::from(k.quarter_um2) >= SHRUNKEN * large;
    let of = |value: fn(SizeAndInk) -> u32| {
        let kept = nuclei.iter().filter(|v| typical(v.0));
        kept.map(|&(k, n)| (f64::from(value(k)), n)).collect::<Vec<_>>()
    };
    let (areas, inks) = (of(|k| k.quarter_um2), of(|k| k.ink));
    let (area, ink) = (weighted_median(&areas)?, weighted_median(&inks)?);
    let spread: Vec<(f64, u64)> = inks.iter().map(|&(v, n)| ((v - ink).abs(), n)).collect();
    let dark = ink + DARK_MADS * weighted_median(&spread).unwrap_or(0.0);
    let is = |k: SizeAndInk| {
        k.may_be_pyknotic && f64::from(k.quarter_um2) < SHRUNKEN * area && f64::from(k.ink) > dark
    };
    let sum = |counts: &dyn Fn(SizeAndInk) -> bool| nuclei.iter().filter(|v| counts(v.0)).map(|v| v.1).sum();
    Some(Census { all: sum(&|_| true), shrunken: sum(&is), living: sum(&|k| k.own && !is(k)) })
}

/// Lymphocytes inside an islet and in its ring from which it is inflamed (domain.md §2.1).
const INFLAMED_FROM: u64 = 6;
/// Share of lymphocytes among the nuclei inside: below, only the ring is touched; at the others grades 3
/// and 4 start (domain.md §4.2).
const INFILTRATED: [f64; 3] = [0.05, 0.25, 0.75];

/// Insulitis grade of one islet, 0–4 (domain.md §4.2). The share is that of what lies well inside: at the outline nuclei of
/// both sides count for either.
fn insulitis(tally: &Tally) -> u8 {
    if tally.get(count::LYMPHOCYTES_INSIDE) + tally.get(count::LYMPHOCYTES_AROUND) < INFLAMED_FROM {
        return 0;
    }
    let [strange, own] = [count::LYMPHOCYTES_WITHIN, count::ISLET_NUCLEI_WITHIN].map(|c| tally.get(c));
    let share = strange as f64 / (strange + own).max(1) as f64;
    1 + INFILTRATED.iter().map(|&from| u8::from(share >= from)).sum::<u8>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insulitis_grades() {
        fn t(inside: u64, around: u64, endocrine: u64, expected: u8) {
            let mut tally = Tally::default();
            tally.add(count::LYMPHOCYTES_INSIDE, inside);
            tally.add(count::LYMPHOCYTES_WITHIN, inside);
            tally.add(count::LYMPHOCYTES_AROUND, around);
            tally.add(count::ISLET_NUCLEI_WITHIN, endocrine);
            assert_eq!(
                insulitis(&tally),
                expected,
                "{inside} inside, {around} around, {endocrine} endocrine"
            );
        }
        t(0, 0, 50, 0);
        t(3, 2, 50, 0);
        t(0, 6, 50, 1);
        t(2, 6, 50, 1);
        t(6, 0, 50, 2);
        t(20, 9, 60, 3);
        t(90, 9, 30, 4);
        t(9, 0, 0, 4);
        // Those at the outline may be of either side.
        let mut touched = Tally::default();
        touched.add(count::LYMPHOCYTES_INSIDE, 9);
        touched.add(count::ISLET_NUCLEI_WITHIN, 50);
        assert_eq!(insulitis(&touched), 1);
    }

    #[test]
    fn shrunken_nuclei_are_small_dark_and_alone() {
        fn t(extra: &[(f64, u32, bool)], expected: f64) {
            let mut tally = Tally::default();
            let mut add = |um2: f64, ink: u32, alone: bool| {
                let kind =
                    SizeAndInk { quarter_um2: (um2 * 4.0) as u32, ink, may_be_pyknotic: alone, own: true };
                tally.observe(count::ISLET_NUCLEUS_KINDS, kind.code(), 1);
            };
            (0..98).for_each(|i| add(28.0 + f64::from(i % 5), 50 + i % 7, true));
            extra.iter().for_each(|&(um2, ink, alone)| add(um2, ink, alone));
            let found = pyknotic_pct(&[&tally], count::ISLET_NUCLEUS_KINDS, "islet nucleus").unwrap();
            assert_eq!(found.value, expected, "{extra:?}");
            let living = living(&[&tally], count::ISLET_NUCLEUS_KINDS);
            assert_eq!(living as f64, 98.0 + extra.len() as f64 - expected, "{extra:?}");
        }
        t(&[(30.0, 53, true), (30.0, 53, true)], 0.0);
        t(&[(12.0, 90, true), (12.0, 90, true)], 2.0);
        t(&[(12.0, 90, true), (12.0, 90, false)], 1.0);
        t(&[(12.0, 55, true), (25.0, 90, true)], 0.0);
    }

    #[test]
    fn contrast_is_an_effect_size() {
        let mut tally = Tally::default();
        assert_eq!(contrast(&tally), None);
        for (value, n) in [(188, 5), (190, 10), (192, 5)] {
            tally.observe(count::RIM_INSIDE, value, n);
            tally.observe(count::RIM_OUTSIDE, value + 20, n);
        }
        let found = contrast(&tally).unwrap();
        assert!((found - 20.0 / (0.5 * 1.4826)).abs() < 1e-9, "{found}");
    }
}
