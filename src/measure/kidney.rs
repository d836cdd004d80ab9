//! Features of the kidney (domain.md §3.3).

mod glomeruli;
mod interstitium;
mod profile;
mod tubules;

use super::{
    common,
    feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
    sizes::Sizes,
};

/// Returns the sizes of the slide's glomeruli.
#[must_use]
pub fn sizes(found: &Evidences<'_>) -> Sizes {
    glomeruli::sizes(found)
}

/// Features in report order.
pub const FEATURES: &[&Feature] = &[
    &common::TISSUE_AREA,
    &common::ANALYSED_AREA,
    &common::STAIN_H,
    &common::STAIN_E,
    &interstitium::CORTEX_AREA,
    &interstitium::MEDULLA_AREA,
    &glomeruli::COUNT,
    &glomeruli::WHOLE,
    &glomeruli::DENSITY,
    &glomeruli::TUFT_AREA,
    &glomeruli::CORPUSCLE_AREA,
    &glomeruli::VOLUME,
    &glomeruli::BOWMAN,
    &glomeruli::AREA_CV,
    &glomeruli::NUCLEI,
    &glomeruli::NUCLEAR_DENSITY,
    &glomeruli::MESANGIUM,
    &glomeruli::PATENCY,
    &glomeruli::SCLEROSIS_INDEX,
    &glomeruli::GLOBALLY_SCLEROSED,
    &glomeruli::SHRUNKEN,
    &tubules::LUMEN_AREA,
    &tubules::LUMEN_DIAMETER,
    &tubules::OUTER_DIAMETER,
    &tubules::EPITHELIUM_HEIGHT,
    &tubules::DILATED,
    &tubules::FLATTENED,
    &tubules::VACUOLATED,
    &tubules::CLEAR_CELLS,
    &tubules::CAST_TUBULES,
    &tubules::CAST_AREA,
    &tubules::NECROSIS,
    &tubules::BRUSH_BORDER,
    &tubules::BASOPHILIC,
    &tubules::INJURED,
    &interstitium::AREA,
    &interstitium::LEUKOCYTES,
    &interstitium::INFLAMED,
    &interstitium::RED_CELLS,
    &interstitium::STRAY_RED_CELLS,
    &interstitium::FIBROSIS,
];

/// What is the same for every feature of the kidney.
const fn feature(
    name: &'static str,
    unit: &'static str,
    (direction, max_mpp, evidence): (Direction, f64, Evidence),
    source: &'static str,
    measure: fn(&Evidences<'_>) -> Result<Value, Missing>,
) -> Feature {
    Feature { name, unit, direction, max_mpp, evidence, source, measure }
}

/// Returns the median, the mean of both middle values when their number is even, or `None` of nothing.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(f64::midpoint(values[last / 2], values[values.len() / 2]))
}

/// Returns 100 · `part` / `n` of `what`, or why not.
fn percent(part: usize, n: usize, what: &'static str) -> Result<Value, Missing> {
    if n == 0 {
        return Err(Missing::NoStructure { what });
    }
    Ok(Value { value: 100.0 * part as f64 / n as f64, n: n as u64, denominator: n as f64 })
}

#[cfg(test)]
mod tests;
