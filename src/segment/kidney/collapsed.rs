//! Epithelium of tubules that have no lumen and so no outline: how much there is, and where it has no nuclei.

use super::{
    CORTEX,
    cells::{INTERSTITIUM_SHARE, Scene},
    counts::{COLLAPSED_PX, E_OF_BARE},
};
use crate::{
    measure::tally::Tally,
    segment::{ground::observe_bins, smooth, smooth::Integral},
};

/// Half of the square in which nuclei are looked for, in µm: it holds most of a tubule and little of the next.
const HALF_UM: f64 = 16.0;
/// Radius over which eosin is averaged, in µm.
const EOSIN_UM: f64 = 4.0;
/// Share of nuclear pixels of normal epithelium (about 2 500 nuclei of 40 µm² per mm²) [expert] …
const USUAL_NUCLEAR: f64 = 0.1;
/// … and the share of it below which epithelium has lost its nuclei (domain.md §3.3, necrosis).
const FEW_NUCLEI: f64 = 0.4;

/// Counts dense cytoplasm of the cortex outside every structure, and the eosin of what has lost its nuclei.
pub(super) fn count(scene: &Scene<'_>, tally: &mut Tally) {
    let field = scene.field;
    let nuclear = Integral::new(scene.nuclear);
    let eosin = smooth::box_mean(&field.e, field.px(EOSIN_UM).round().max(1.0) as usize);
    let half = field.px(HALF_UM).round().max(1.0) as i64;
    let few = (USUAL_NUCLEAR * FEW_NUCLEI * (4 * half * half) as f64) as u32;
    let least = (scene.levels.cytoplasm * INTERSTITIUM_SHARE) as u8;
    let (mut dense_px, mut bins) = (0u64, [0u64; 256]);
    for y in field.window.core_rows() {
        for x in field.window.core_columns() {
            let is_dense = scene.outer.at(x, y) == 0
                && field.od.at(x, y) >= least
                && scene.nuclear.at(x, y) == 0
                && scene.red.at(x, y) == 0
                && field.tissue.at(x, y) != 0
                && scene.class_is(scene.zones.at(x, y), &CORTEX);
            if !is_dense {
                continue;
            }
            dense_px += 1;
            let (cx, cy) = (x as i64, y as i64);
            if nuclear.sum(cx - half, cy - half, cx + half, cy + half) < few {
                bins[usize::from(eosin.at(x, y))] += 1;
            }
        }
    }
    tally.add(COLLAPSED_PX, dense_px);
    observe_bins(tally, E_OF_BARE, &bins);
}
