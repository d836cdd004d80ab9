//! Glomeruli: size, cells and sclerosis.

use super::{
    Direction, Evidence, Evidences, Feature, Missing, Value, feature,
    profile::{Glomerulus, glomeruli},
};
use crate::{
    measure::{
        formula::sclerosis_index,
        sizes::{Profiles, Sizes, least_at_equator},
        tally::Counter,
    },
    segment::kidney::{
        CORTEX_PX, GLOMERULUS, MESANGIAL_PARTS, OWN_NUCLEI, OWN_PX, OWN_RED_CELL_PX, OWN_WHITE_PX, PARTS,
        SOLID_PX,
    },
    units::UM2_PER_MM2,
};

use Direction::{Down, Info, TwoSided, Up};
use Evidence::{Derived, Expert, Recalled, Sourced};

const WHAT: &str = "glomerulus";
/// Solid share of the tuft below which it counts as none: what the rule finds in normal tufts.
const NO_SCLEROSIS_PCT: f64 = 5.0;
/// Solid share of the tuft above which its matrix is judged as sclerosis alone.
const SCLEROSED_PCT: f64 = 25.0;
/// Weibel–Gomez: shape factor of a sphere over the size-distribution factor (1.01–1.10, middle taken).
const WEIBEL_GOMEZ: f64 = 1.38 / 1.05;

/// Accepted corpuscle profiles.
pub(super) const COUNT: Feature =
    feature("glom_count_n", "n", (Info, 2.0, Expert), "domain.md §3.3", |found| {
        let n = found.structures_of(&GLOMERULUS).count() as u64;
        Ok(Value { value: n as f64, n, denominator: 1.0 })
    });

/// Corpuscles that nothing cuts and that have a tuft: what sizes and shares rest on.
pub(super) const WHOLE: Feature =
    feature("glom_whole_n", "n", (Info, 2.0, Expert), "domain.md §3.3, §5.1", |found| {
        let n = glomeruli(found).len() as u64;
        Ok(Value { value: n as f64, n, denominator: 1.0 })
    });

/// Corpuscles per mm² of cortex.
pub(super) const DENSITY: Feature =
    feature("glom_density_per_mm2_cortex", "1/mm²", (TwoSided, 2.0, Expert), "domain.md §3.3", |found| {
        let n = found.structures_of(&GLOMERULUS).count() as u64;
        let cortex = found.mpp.area_mm2(found.tally.get(CORTEX_PX));
        if n == 0 || cortex == 0.0 {
            return Err(Missing::NoStructure { what: WHAT });
        }
        Ok(Value { value: n as f64 / cortex, n, denominator: cortex })
    });

/// Mean tuft area of equatorial profiles.
pub(super) const TUFT_AREA: Feature = feature(
    "glom_tuft_area_um2_mean",
    "µm²",
    (TwoSided, 1.0, Derived),
    "domain.md §3.3: equator filter, size from podocyte stereology",
    |found| mean(&equatorial(found)?, |g| g.tuft_um2),
);

/// Mean area inside Bowman's capsule of equatorial profiles.
pub(super) const CORPUSCLE_AREA: Feature =
    feature("glom_corpuscle_area_um2_mean", "µm²", (Info, 1.0, Expert), "domain.md §3.3", |found| {
        mean(&equatorial(found)?, |g| g.corpuscle_um2)
    });

/// Mean glomerular volume.
pub(super) const VOLUME: Feature =
    feature("glom_volume_um3_est", "µm³", (TwoSided, 1.0, Recalled), "Weibel–Gomez", |found| {
        let area = (TUFT_AREA.measure)(found)?;
        Ok(Value { value: WEIBEL_GOMEZ * area.value.powf(1.5), ..area })
    });

/// Bowman's space over corpuscle area, summed over all corpuscles.
pub(super) const BOWMAN: Feature =
    feature("bowman_space_pct", "%", (TwoSided, 1.0, Expert), "domain.md §3.3: EGTI G concept", |found| {
        let all = some(found)?;
        let corpuscles: f64 = all.iter().map(|g| g.corpuscle_um2).sum();
        let tufts: f64 = all.iter().map(|g| g.tuft_um2).sum();
        Ok(Value {
            value: 100.0 * (corpuscles - tufts) / corpuscles,
            n: all.len() as u64,
            denominator: corpuscles / UM2_PER_MM2,
        })
    });

/// Standard deviation of tuft area over its mean, equatorial profiles.
pub(super) const AREA_CV: Feature = feature(
    "glom_area_cv",
    "ratio",
    (Up, 1.0, Sourced),
    "Toyota 2004: heterogeneity of glomerular size",
    |found| {
        let profiles = equatorial(found)?;
        let mean = mean(&profiles, |g| g.tuft_um2)?;
        if profiles.len() < 2 {
            return Err(Missing::TooFew {
                what: "equatorial glomeruli",
                found: profiles.len() as f64,
                needed: 2.0,
            });
        }
        let squares: f64 = profiles.iter().map(|g| (g.tuft_um2 - mean.value).powi(2)).sum();
        Ok(Value { value: (squares / (profiles.len() - 1) as f64).sqrt() / mean.value, ..mean })
    },
);

/// Mean number of nuclei in the tuft of equatorial profiles.
pub(super) const NUCLEI: Feature = feature(
    "glom_nuclei_per_tuft",
    "n",
    (TwoSided, 0.5, Derived),
    "domain.md §3.3: 2 227 µm³ of tuft per cell",
    |found| mean(&equatorial(found)?, |g| g.tuft.get(OWN_NUCLEI) as f64),
);

/// Nuclei per mm² of tuft.
pub(super) const NUCLEAR_DENSITY: Feature =
    feature("glom_nuclear_density_per_mm2", "1/mm²", (TwoSided, 0.5, Derived), "domain.md §3.3", |found| {
        let (nuclei, px, _) = sums(found, &[OWN_NUCLEI])?;
        let area = found.mpp.area_mm2(px);
        Ok(Value { value: nuclei as f64 / area, n: nuclei, denominator: area })
    });

/// Matrix between nuclei and capillaries over tuft area; a proxy of the mesangium. Tufts of which more than a quarter is
/// solid are left out: their matrix is sclerosis, and counted there.
pub(super) const MESANGIUM: Feature = feature(
    "mesangial_proxy_pct",
    "%",
    (Up, 0.5, Sourced),
    "Wehner & Petri 1983 (direction; PAS is the proper stain)",
    |found| {
        let mut tufts = some(found)?;
        let all = tufts.len();
        tufts.retain(|g| g.share(SOLID_PX).is_none_or(|s| 100.0 * s <= SCLEROSED_PCT));
        let (part, px) = tufts
            .iter()
            .fold((0, 0), |(part, px), g| (part + g.tuft.get(MESANGIAL_PARTS), px + g.tuft.get(OWN_PX)));
        match px {
            0 if tufts.len() < all => {
                Err(Missing::TooFew { what: "glomeruli that are not sclerosed", found: 0.0, needed: 1.0 })
            }
            0 => Err(Missing::NoStructure { what: "tuft" }),
            _ => Ok(Value {
                value: 100.0 * part as f64 / (px * PARTS) as f64,
                n: tufts.len() as u64,
                denominator: found.mpp.area_mm2(px),
            }),
        }
    },
);

/// White and blood inside tufts over tuft area.
pub(super) const PATENCY: Feature =
    feature("capillary_patency_pct", "%", (Down, 0.5, Expert), "domain.md §3.3", |found| {
        share(found, &[OWN_WHITE_PX, OWN_RED_CELL_PX])
    });

/// Mean grade 0–4 by the solid share of the tuft.
pub(super) const SCLEROSIS_INDEX: Feature = feature(
    "glom_sclerosis_index",
    "0–4",
    (Up, 0.5, Sourced),
    "Glomerulosclerosis index (H&E rule for what is solid)",
    |found| {
        let solid = solid_pct(found)?;
        let value = sclerosis_index(grade_counts(&solid)).ok_or(Missing::NoStructure { what: "tuft" })?;
        Ok(Value { value, n: solid.len() as u64, denominator: solid.len() as f64 })
    },
);

/// Glomeruli of which more than 75 % are solid. A tuft shrunken below half the controls' is judged with them.
pub(super) const GLOBALLY_SCLEROSED: Feature = feature(
    "glom_globally_sclerosed_pct",
    "%",
    (Up, 0.5, Expert),
    "domain.md §3.3, solid part only",
    |found| {
        let solid = solid_pct(found)?;
        super::percent(solid.iter().filter(|&&pct| pct > 75.0).count(), solid.len(), WHAT)
    },
);

/// Glomeruli with a tuft smaller, and a Bowman's space wider, than the controls'.
pub(super) const SHRUNKEN: Feature = feature(
    "glom_shrunken_pct",
    "%",
    (Up, 1.0, Expert),
    "domain.md §3.3: equator filter, controls' median, 95 % of share and area",
    |found| {
        some(found)?;
        // The slide keeps its glomeruli; the share follows from the controls'.
        Err(Missing::NeedsControls)
    },
);

/// Returns the areas of all glomeruli.
pub(super) fn sizes(found: &Evidences<'_>) -> Sizes {
    let areas: Vec<(f64, f64)> = glomeruli(found).iter().map(|g| (g.tuft_um2, g.corpuscle_um2)).collect();
    Sizes::Glomeruli(Profiles::of(&areas))
}

fn some<'a>(found: &Evidences<'a>) -> Result<Vec<Glomerulus<'a>>, Missing> {
    let all = glomeruli(found);
    if all.is_empty() { Err(none(found)) } else { Ok(all) }
}

/// Says that there are no glomeruli, or none that is whole.
fn none(found: &Evidences<'_>) -> Missing {
    match found.structures_of(&GLOMERULUS).next() {
        Some(_) => Missing::TooFew { what: "whole glomeruli with a tuft", found: 0.0, needed: 1.0 },
        None => Missing::NoStructure { what: WHAT },
    }
}

/// Profiles near the equator.
fn equatorial<'a>(found: &Evidences<'a>) -> Result<Vec<Glomerulus<'a>>, Missing> {
    let mut all = some(found)?;
    let least = least_at_equator(all.iter().map(|g| g.corpuscle_um2).collect());
    all.retain(|g| g.corpuscle_um2 >= least);
    Ok(all)
}

fn mean(profiles: &[Glomerulus<'_>], of: impl Fn(&Glomerulus<'_>) -> f64) -> Result<Value, Missing> {
    if profiles.is_empty() {
        return Err(Missing::NoStructure { what: WHAT });
    }
    let n = profiles.len();
    let value = profiles.iter().map(of).sum::<f64>() / n as f64;
    Ok(Value { value, n: n as u64, denominator: n as f64 })
}

/// Sum of counters and of pixels over all tufts, and the number of tufts.
fn sums(found: &Evidences<'_>, counters: &[Counter]) -> Result<(u64, u64, u64), Missing> {
    let all = some(found)?;
    let part = all.iter().flat_map(|g| counters.iter().map(|&c| g.tuft.get(c))).sum();
    let px: u64 = all.iter().map(|g| g.tuft.get(OWN_PX)).sum();
    if px == 0 { Err(Missing::NoStructure { what: "tuft" }) } else { Ok((part, px, all.len() as u64)) }
}

fn share(found: &Evidences<'_>, counters: &[Counter]) -> Result<Value, Missing> {
    let (part, px, n) = sums(found, counters)?;
    Ok(Value { value: 100.0 * part as f64 / px as f64, n, denominator: found.mpp.area_mm2(px) })
}

/// Solid share of each tuft, %.
fn solid_pct(found: &Evidences<'_>) -> Result<Vec<f64>, Missing> {
    let pct: Vec<f64> = some(found)?.iter().filter_map(|g| g.share(SOLID_PX)).map(|s| 100.0 * s).collect();
    if pct.is_empty() { Err(Missing::NoStructure { what: "tuft" }) } else { Ok(pct) }
}

/// Glomeruli by grade: 0 none, 1 up to 25 %, 2 up to 50, 3 up to 75, 4 above (domain.md §2.3.3).
pub(super) fn grade_counts(solid_pct: &[f64]) -> [u64; 5] {
    let mut counts = [0; 5];
    for &pct in solid_pct {
        let grade = match pct {
            p if p < NO_SCLEROSIS_PCT => 0,
            p if p <= 25.0 => 1,
            p if p <= 50.0 => 2,
            p if p <= 75.0 => 3,
            _ => 4,
        };
        counts[grade] += 1;
    }
    counts
}
