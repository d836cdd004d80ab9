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

/// Radius over which texture is judged, in µm (domain.md §2.0: local SD over 3 µm).
const AROUND_UM: f64 = 3.0;
/// Eosin of a cast over the cytoplasm's, at least.
const MIN_EOSIN: f64 = 0.9;
/// Haematoxylin of a cast over the cytoplasm's, at most: protein without cells takes up little.
const MAX_HAEMATOXYLIN: f64 = 0.45;
/// Mean deviation of eosin in a cast, at most this share of its eosin.
const MAX_TEXTURE: f64 = 0.03;
/// Radius of the narrowest cast, in µm.
const RADIUS_UM: f64 = 3.5;
/// Width of the edge that the rules above take off a cast, in µm.
const EDGE_UM: f64 = 1.5;
/// Areas of a cast, in µm².
const CAST_UM2: std::ops::RangeInclusive<f64> = 90.0..=12_000.0;
/// Least solidity of a cast.
const MIN_SOLIDITY: f64 = 0.85;

/// Returns 1 where smooth, nucleus-free eosin lies in compact patches.
pub(super) fn find(ground: &Ground<'_>) -> Mask {
    let field = ground.field;
    let radius = field.px(AROUND_UM).round().max(1.0) as usize;
    let mean = smooth::box_mean(&field.e, radius);
    let mut deviation = Plane::filled(mean.width(), mean.height(), 0u8);
    for ((d, &e), &m) in deviation.data_mut().iter_mut().zip(field.e.data()).zip(mean.data()) {
        *d = e.abs_diff(m);
    }
    let texture = smooth::box_mean(&deviation, radius);
    let least = (f64::from(field.profile.e_cytoplasm) * MIN_EOSIN).ceil() as u8;
    let basic = smooth::box_mean(&field.h, radius);
    let most_h = (f64::from(field.profile.h_cytoplasm) * MAX_HAEMATOXYLIN).round() as u8;
    let mut mask = Mask::filled(mean.width(), mean.height(), 0);
    let values = mean.data().iter().zip(texture.data()).zip(ground.nuclear.data().iter().zip(basic.data()));
    for (v, ((&e, &t), (&nuclear, &h))) in mask.data_mut().iter_mut().zip(values) {
        let smooth = f64::from(t) <= f64::from(e) * MAX_TEXTURE + 0.5;
        *v = u8::from(e >= least && h <= most_h && nuclear == 0 && smooth);
    }
    // Texture and smoothness are judged over a neighbourhood, so that a cast's edge fails: it is given back.
    let opened = morphology::dilate(&morphology::open(&mask, field.px(RADIUS_UM)), field.px(EDGE_UM));
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
