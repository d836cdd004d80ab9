//! Dividing what touches: islets that meet at a neck.

use crate::{
    raster::Mask,
    segment::{
        distance,
        label::{Connectivity, Labels, label},
        watershed::watershed,
    },
};

/// A neck is at most this share as wide as the narrower part it joins.
const NECK_SHARE: f64 = 0.7;
/// Parts are at least this wide, as radius in µm.
const MIN_RADIUS_UM: f64 = 18.0;
/// Step in which necks are looked for, in µm of half width.
const STEP_UM: f64 = 4.0;

/// Labels the parts of a mask that does not touch the edge of its plane: connected regions, divided at necks.
pub(super) fn parts(mask: &Mask, um: f64) -> Labels {
    let whole = label(mask, Connectivity::Four);
    let squared = distance::squared(mask).map(|d| d.min(1 << 24));
    let widest = squared.data().iter().copied().max().unwrap_or(0);
    let steps = (f64::from(widest).sqrt() * um / STEP_UM) as u32;
    for step in 1..=steps {
        let half = f64::from(step) * STEP_UM / um;
        let wide = squared.map(|d| u8::from(f64::from(d) > half * half));
        let mut seeds = label(&wide, Connectivity::Four);
        let mut widths = vec![0u32; seeds.regions.len()];
        for (&n, &d) in seeds.plane.data().iter().zip(squared.data()).filter(|(n, _)| **n != 0) {
            widths[n as usize - 1] = widths[n as usize - 1].max(d);
        }
        let least = (half / NECK_SHARE).max(MIN_RADIUS_UM / um);
        let keep = |n: u32| f64::from(widths[n as usize - 1]) >= least * least;
        if (1..=widths.len() as u32).filter(|&n| keep(n)).count() > whole.regions.len() {
            seeds.plane.data_mut().iter_mut().filter(|n| **n != 0 && !keep(**n)).for_each(|n| *n = 0);
            let height = squared.map(|d| 255 - (f64::from(d).sqrt() as u32).min(255) as u8);
            return relabel(&watershed(&seeds.plane, &height, mask), widths.len());
        }
    }
    whole
}

/// Collects the regions of numbers 1 to `count`; those without a pixel stay empty.
fn relabel(plane: &crate::raster::Plane<u32>, count: usize) -> Labels {
    let mut out = Labels { plane: plane.map(|_| 0), regions: Vec::new() };
    for number in 1..=count as u32 {
        let found = label(&plane.map(|v| u8::from(v == number)), Connectivity::Four);
        if let Some(best) = (0..found.regions.len()).max_by_key(|&i| found.regions[i].area_px) {
            out.regions.push(found.regions[best].clone());
            let number = out.regions.len() as u32;
            let pixels = out.plane.data_mut().iter_mut().zip(found.plane.data());
            pixels.filter(|(_, n)| **n == best as u32 + 1).for_each(|(o, _)| *o = number);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two discs of the given radii (µm) and distance on pixels of 2 µm; returns the areas of the parts.
    fn areas(r1: f64, r2: f64, apart: f64) -> Vec<u64> {
        let (w, h) = (160, 100);
        let inside = |x: f64, y: f64| {
            let d = |cx: f64| ((x - cx).powi(2) + (y - 50.0).powi(2)).sqrt() * 2.0;
            d(50.0) <= r1 || d(50.0 + apart / 2.0) <= r2
        };
        let data = (0..w * h).map(|i| u8::from(inside((i % w) as f64, (i / w) as f64))).collect();
        parts(&Mask::from_vec(w, h, data).unwrap(), 2.0).regions.iter().map(|r| r.area_px).collect()
    }

    #[test]
    fn touching_discs_are_divided_and_lobes_are_not() {
        fn t(r1: f64, r2: f64, apart: f64, expected: usize) {
            let found = areas(r1, r2, apart);
            assert_eq!(found.len(), expected, "{r1} {r2} {apart}: {found:?}");
        }
        t(60.0, 40.0, 96.0, 2);
        t(60.0, 30.0, 86.0, 2);
        t(60.0, 60.0, 60.0, 1);
        t(60.0, 12.0, 68.0, 1);
        t(40.0, 40.0, 120.0, 2);
    }
}
