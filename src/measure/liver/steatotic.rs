//! Hepatocytes that hold fat.

use super::fat;
use crate::{
    measure::{
        feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
        places::Places,
    },
    segment::{
        liver::{
            hepatocytes::{HEPATOCYTE, TERRITORY_UM},
            vacuoles::{MACRO, MICRO},
        },
        object::Object,
    },
    units::equivalent_diameter,
};

/// Hepatocytes with a macrovesicular vacuole, or 15 % microvesicular fat, over all hepatocytes.
pub(super) const STEATOTIC_HEPATOCYTES: Feature = Feature {
    name: "steatotic_hepatocyte_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "NAS/SAF (cut-offs)",
    measure: steatotic,
};

/// Share of microvesicular fat from which a hepatocyte is steatotic (domain.md §3.2) [expert].
const MICRO_SHARE: f64 = 0.15;

/// A vacuole belongs to the hepatocyte nucleus nearest to its rim, within the radius of a territory.
fn steatotic(found: &Evidences<'_>) -> Result<Value, Missing> {
    fat::seen(found)?;
    let nuclei: Vec<&Object> = found.cells_of(&HEPATOCYTE).collect();
    if nuclei.is_empty() {
        return Err(Missing::NoStructure { what: "hepatocyte" });
    }
    let places = Places::of(&nuclei, found, TERRITORY_UM);
    let fat: Vec<&Object> = found.cells.iter().filter(|o| o.class.is(&MACRO) || o.class.is(&MICRO)).collect();
    let centres = Places::of(&fat, found, TERRITORY_UM);
    let mut holds_macro = vec![false; nuclei.len()];
    let mut micro_um2 = vec![0.0f64; nuclei.len()];
    for (i, vacuole) in fat.iter().enumerate() {
        let reach = TERRITORY_UM + equivalent_diameter(f64::from(vacuole.area_um2)) / 2.0;
        let Some(owner) = places.nearest_to(centres.centre(i), reach, |_| true) else { continue };
        if vacuole.class.is(&MACRO) {
            holds_macro[owner] = true;
        } else {
            micro_um2[owner] += f64::from(vacuole.area_um2);
        }
    }
    let territory = |o: &Object| f64::from(o.value("territory_um2").unwrap_or(0.0));
    let is_steatotic =
        |i: usize| holds_macro[i] || micro_um2[i] > 0.0 && micro_um2[i] >= MICRO_SHARE * territory(nuclei[i]);
    let n = (0..nuclei.len()).filter(|&i| is_steatotic(i)).count() as u64;
    let all = nuclei.len() as f64;
    Ok(Value { value: 100.0 * n as f64 / all, n, denominator: all })
}
