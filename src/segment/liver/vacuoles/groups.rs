//! Which small vacuoles lie together: microvesicular fat comes in groups.

use super::{MICRO, Vacuoles};
use crate::{
    segment::{label::Region, object::Object},
    tile::Window,
};

/// Radius of the territory in which micro vacuoles must be grouped, in µm (domain.md §3.2) [expert].
const GROUP_UM: f64 = 12.0;
/// Diameter from which a vacuole counts even if it lies alone, in µm [expert].
const ALONE_FROM_UM: f32 = 4.5;
/// Micro vacuoles that make a group (domain.md §3.2) [expert].
const GROUP_N: usize = 5;

/// Returns for each vacuole whether it is microvesicular and belongs to a group: within [`GROUP_UM`] of it, or of
/// another within that distance, lie enough others.
pub(super) fn grouped(found: &[(Object, Region)], window: &Window) -> Vec<bool> {
    let reach_px = window.mpp.px(GROUP_UM);
    // Sorted by row, so that only a band of rows is looked at.
    let mut micro: Vec<(f64, f64, usize)> = Vec::new();
    for (i, (_, region)) in found.iter().enumerate().filter(|(_, (object, _))| object.class.is(&MICRO)) {
        let (x, y) = region.centre();
        micro.push((y, x, i));
    }
    micro.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
    let mut out = vec![false; found.len()];
    let mut first = 0;
    for &(y, x, _) in &micro {
        while micro[first].0 < y - reach_px {
            first += 1;
        }
        let band = micro[first..].iter().take_while(|other| other.0 <= y + reach_px);
        let near = band.filter(|o| (o.0 - y).powi(2) + (o.1 - x).powi(2) <= reach_px * reach_px);
        if near.clone().nth(GROUP_N - 1).is_some() {
            near.for_each(|o| out[o.2] = true);
        }
    }
    out
}

/// Drops small vacuoles that lie alone: by chance there is always some round pale spot.
pub(super) fn drop_lonely(vacuoles: &mut Vacuoles, window: &Window) {
    let grouped = grouped(&vacuoles.found, window);
    let mut numbers = vec![0u32; vacuoles.found.len() + 1];
    let mut kept = 0;
    for (i, ((object, _), &grouped)) in vacuoles.found.iter().zip(&grouped).enumerate() {
        if grouped || object.values[0] >= ALONE_FROM_UM {
            kept += 1;
            numbers[i + 1] = kept;
        }
    }
    let mut kept = numbers[1..].iter();
    vacuoles.found.retain(|_| kept.next().is_some_and(|&n| n > 0));
    vacuoles.numbers.iter_mut().for_each(|n| *n = numbers[*n as usize]);
}
