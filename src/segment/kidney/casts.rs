//! Casts: lumens filled with smooth eosin.

use super::levels::Ground;
use crate::{
    raster::{Mask, Plane},
    segment::{
        label::{Connectivity, label},
        morphology,
        shape::Shape,
        smooth,
    },
};

/// Radius over which texture is judged, in µm (domain.md §2.0: local SD over 3 µm). Eosin is compared with its mean
/// over half of it, so that no pixel is judged by what lies further than 3 µm away: casts of narrow tubules are
/// 10 µm wide.
const AROUND_UM: f64 = 2.0;
/// Eosin of a cast over the cytoplasm's, at least, …
const MIN_EOSIN: f64 = 0.9;
/// … and at most; epithelium is more eosinophilic only where it is dead.
const MAX_EOSIN: f64 = 1.45;
/// Or at most this many median deviations above the cytoplasm's: among much pale epithelium the usual eosin is low and
/// varies widely, and casts stay what they are.
const MAX_DEVIATIONS: f64 = 3.0;
/// Haematoxylin of a cast over the cytoplasm's, at most: protein without cells takes up little …
const MAX_HAEMATOXYLIN: f64 = 0.35;
/// … and beside its edge.
const MAX_HAEMATOXYLIN_OF_EDGE: f64 = 0.6;
/// Mean deviation of eosin in a cast, at most this share of its eosin.
const MAX_TEXTURE: f64 = 0.027;
/// Steps of eosin in which deviation is kept.
const STEPS: u32 = 8;
/// Radius of the narrowest smooth middle of a cast, in µm.
const RADIUS_UM: f64 = 2.0;
/// Width of the edge that texture takes off a cast, in µm.
const EDGE_UM: f64 = 4.0;
/// Areas of a cast, in µm².
const CAST_UM2: std::ops::RangeInclusive<f64> = 60.0..=12_000.0;
/// Least solidity of a cast.
const MIN_SOLIDITY: f64 = 0.8;

/// Returns 1 where smooth, nucleus-free eosin lies in compact patches.
pub(super) fn find(ground: &Ground<'_>) -> Mask {
    let field = ground.field;
    let radius = field.px(AROUND_UM).round().max(1.0) as usize;
    let mean = smooth::box_mean(&field.e, radius.div_ceil(2));
    let mut deviation = Plane::filled(mean.width(), mean.height(), 0u8);
    for ((d, &e), &m) in deviation.data_mut().iter_mut().zip(field.e.data()).zip(mean.data()) {
        *d = (u32::from(e.abs_diff(m)) * STEPS).min(255) as u8;
    }
    let texture = smooth::box_mean(&deviation, radius);
    let least = (f64::from(field.profile.e_cytoplasm) * MIN_EOSIN).ceil() as u8;
    let usual = f64::from(field.profile.e_cytoplasm);
    let widely = usual + f64::from(field.profile.e_cytoplasm_mad) * MAX_DEVIATIONS;
    let most = (usual * MAX_EOSIN).max(widely).round().min(255.0) as u8;
    let basic = smooth::box_mean(&field.h, radius.div_ceil(2));
    let [most_h, most_h_of_edge] = [MAX_HAEMATOXYLIN, MAX_HAEMATOXYLIN_OF_EDGE]
        .map(|share| (f64::from(field.profile.h_cytoplasm) * share).round() as u8);
    let [mut smooth, mut like] = std::array::from_fn(|_| Mask::filled(mean.width(), mean.height(), 0));
    let values = mean.data().iter().zip(texture.data()).zip(ground.nuclear.data().iter().zip(basic.data()));
    let masks = smooth.data_mut().iter_mut().zip(like.data_mut());
    for ((s, l), ((&e, &t), (&nuclear, &h))) in masks.zip(values) {
        let even = f64::from(t) <= f64::from(e) * MAX_TEXTURE * f64::from(STEPS);
        *l = u8::from((least..=most).contains(&e) && h <= most_h_of_edge && nuclear == 0);
        *s = *l & u8::from(even && h <= most_h);
    }
    // Texture is judged over a neighbourhood, so that a cast's edge fails: it is given back.
    let middle = morphology::open(&smooth, field.px(RADIUS_UM));
    let mut grown = morphology::dilate(&middle, field.px(EDGE_UM));
    grown.data_mut().iter_mut().zip(like.data()).for_each(|(g, &l)| *g &= l);
    let opened = morphology::open(&grown, field.px(RADIUS_UM));
    let labels = label(&opened, Connectivity::Four);
    let keep: Vec<u8> = labels
        .regions
        .iter()
        .enumerate()
        .map(|(i, r)| {
            let area = field.window.mpp.area_um2(r.area_px);
            let fits = CAST_UM2.contains(&area);
            u8::from(fits && Shape::of(&labels.plane, r, i as u32 + 1).solidity >= MIN_SOLIDITY)
        })
        .collect();
    labels.plane.map(|n| if n == 0 { 0 } else { keep[n as usize - 1] })
}
