//! What the structure pass measures at every pixel: how pale, how empty.

use super::islet_blood::MIN_GREEN;
use crate::{
    raster::{Mask, Plane},
    segment::{field::Field, morphology, red_cells::Rule, smooth},
    stain::StainProfile,
};

/// Outside islets a pixel is empty below this share of the cytoplasm's optical density: half way to glass.
const EMPTY_SHARE: f64 = 0.5;
/// The same inside islets, whose cytoplasm is hardly denser than that.
const EMPTY_SHARE_OF_ISLETS: f64 = 0.38;
/// A gap holds a place below this share of the cytoplasm's density: the zymogen of acini is as pale as its edge, but never as clear …
const GAP_SHARE: f64 = 0.3;
/// … of at least this radius, in µm, that is no speck of noise …
const GAP_CORE_UM: f64 = 0.25;
/// … and reaches as far beyond it as lens and pixel spread an edge, in µm …
const GAP_EDGE_UM: f64 = 1.5;
/// … or is a cleft so narrow that they blur it: this much paler than what lies on both sides, as a share of the cytoplasm's
/// density, at this distance in µm [expert].
const CLEFT_SHARE: f64 = 0.2;
const CLEFT_UM: f64 = 2.0;
/// Optical density counts between these shares of the cytoplasm's.
const DENSITY_RANGE: (f64, f64) = (0.35, 1.0);
/// Eosin and haematoxylin count between these shares of the cytoplasm's. Blood, which has no
/// haematoxylin, must not hide an islet; granules, which have little, lie among basophilic bases.
const STAIN_RANGE: (f64, f64) = (0.3, 1.0);
/// Denser pixels, as a share of the cytoplasm's density, are mostly nuclei and are left out.
const NUCLEAR_SHARE: f64 = 1.15;
/// Pixels with this many times the cytoplasm's eosin and hardly any haematoxylin (share of the nuclei's)
/// are granules or blood and are left out.
const GRANULES: (f64, f64) = (1.6, 0.3);
/// … unless they are paler than this share of the cytoplasm's density, as islets are.
const DENSE_SHARE: f64 = 0.7;
/// Share of blood around, of 255, from which nothing can be told of what it lies on.
const BLOODY: u8 = 64;
/// Standard deviation of the smoothing that looks over single cells, in µm.
const WIDE_UM: f64 = 8.0;
/// Standard deviation of the smoothing that places borders, in µm.
const FINE_UM: f64 = 4.0;

/// Returns the optical density of the slide's cytoplasm (sum of the three channels), OD × 100.
pub(super) fn cytoplasm_od(profile: &StainProfile) -> f64 {
    let sum = |v: [f64; 3]| v.iter().sum::<f64>();
    let od = f64::from(profile.h_cytoplasm) * sum(profile.matrix.h)
        + f64::from(profile.e_cytoplasm) * sum(profile.matrix.e);
    od.max(1.0)
}

/// Returns the densities below which a pixel is next to unstained, outside and inside islets.
pub(super) fn empty_levels(profile: &StainProfile) -> [u8; 2] {
    [EMPTY_SHARE, EMPTY_SHARE_OF_ISLETS].map(|share| level(profile, share))
}

/// Returns a share of the cytoplasm's density.
pub(super) fn level(profile: &StainProfile, share: f64) -> u8 {
    (share * cytoplasm_od(profile)).round().clamp(1.0, 255.0) as u8
}

/// Returns 1 where a pixel is next to unstained; inside islets (number other than 0) it must be paler.
pub(super) fn empty<T: Copy + Default + PartialEq>(field: &Field<'_>, islets: &Plane<T>) -> Mask {
    let levels = empty_levels(field.profile);
    let mut empty = Mask::filled(field.width(), field.height(), 0);
    let rows = empty.data_mut().iter_mut().zip(field.od.data()).zip(islets.data());
    rows.for_each(|((v, &od), &islet)| *v = u8::from(od < levels[usize::from(islet != T::default())]));
    empty
}

/// Returns the empty pixels that can be gaps: truly clear ones, the pale edge around them, and narrow clefts.
pub(super) fn gaps(field: &Field<'_>, empty: &Mask) -> Mask {
    let clear = level(field.profile, GAP_SHARE);
    let mut core = empty.clone();
    core.data_mut().iter_mut().zip(field.od.data()).for_each(|(c, &od)| *c &= u8::from(od < clear));
    let mut gaps = morphology::dilate(&morphology::open(&core, field.px(GAP_CORE_UM)), field.px(GAP_EDGE_UM));
    gaps.data_mut().iter_mut().zip(empty.data()).for_each(|(g, &empty)| *g &= empty);
    add_clefts(field, empty, &mut gaps);
    gaps
}

/// Adds the empty pixels that are paler than both sides of them.
fn add_clefts(field: &Field<'_>, empty: &Mask, gaps: &mut Mask) {
    let rise = level(field.profile, CLEFT_SHARE);
    let reach = field.px(CLEFT_UM).round().max(1.0) as i64;
    let across = (reach as f64 * std::f64::consts::FRAC_1_SQRT_2).round().max(1.0) as i64;
    let sides = [(reach, 0), (0, reach), (across, across), (across, -across)];
    let od = |x: i64, y: i64| field.od.get(x, y).unwrap_or(0);
    for y in 0..empty.height() {
        for x in 0..empty.width() {
            if empty.at(x, y) == 0 || gaps.at(x, y) != 0 {
                continue;
            }
            let (least, x0, y0) = (field.od.at(x, y).saturating_add(rise), x as i64, y as i64);
            let cleft = |&(dx, dy): &(i64, i64)| od(x0 + dx, y0 + dy).min(od(x0 - dx, y0 - dy)) >= least;
            if sides.iter().any(cleft) {
                gaps.set(x, y, 1);
            }
        }
    }
}

/// Per-pixel evidence of one window.
pub(super) struct Ground {
    /// Strength of stain of the cytoplasm around, 100 is the slide's cytoplasm; 255 where there is no tissue.
    pub(super) wide: Plane<u8>,
    /// The same over a smaller neighbourhood.
    pub(super) fine: Plane<u8>,
    /// 1 where much blood lies around: what is under it cannot be told.
    pub(super) bloody: Mask,
    /// 1 where cytoplasm could be judged: tissue away from voids, nuclei and blood.
    pub(super) solid: Mask,
}

impl Ground {
    pub(super) fn of(field: &Field<'_>) -> Self {
        let (blood, solid) = divide(field);
        let bloody =
            smooth::gaussian(&blood.map(|v| v * 255), field.px(WIDE_UM)).map(|v| u8::from(v >= BLOODY));
        let strength = strength(field, &solid);
        let weight = solid.map(|v| v * 255);
        let blur = |um: f64| {
            let sigma = field.px(um);
            quotient(&smooth::gaussian(&strength, sigma), &smooth::gaussian(&weight, sigma))
        };
        Self { wide: blur(WIDE_UM), fine: blur(FINE_UM), bloody, solid }
    }
}

/// Returns 1 on blood, and 1 where cytoplasm can be judged.
fn divide(field: &Field<'_>) -> (Mask, Mask) {
    let profile = field.profile;
    let densest = (NUCLEAR_SHARE * cytoplasm_od(profile)).min(255.0) as u8;
    let granular_e = (GRANULES.0 * f64::from(profile.e_cytoplasm)).min(255.0) as u8;
    let granular_h = (GRANULES.1 * f64::from(profile.h_nuclei)) as u8;
    let dense = (DENSE_SHARE * cytoplasm_od(profile)).min(255.0) as u8;
    let red = Rule::of(profile, MIN_GREEN);
    let mut blood = Mask::filled(field.width(), field.height(), 0);
    let mut unclear = field.clear.clone();
    let stains = field.od.data().iter().zip(field.e.data()).zip(field.h.data());
    let masks = blood.data_mut().iter_mut().zip(unclear.data_mut());
    for ((blood, unclear), &rgb) in masks.zip(field.rgb.pixels()) {
        *blood = red.fits_orange(rgb);
        *unclear |= *blood;
    }
    let mut solid = morphology::dilate(&unclear, 1.0);
    for ((s, &t), ((&od, &e), &h)) in solid.data_mut().iter_mut().zip(field.tissue.data()).zip(stains) {
        let granules = e >= granular_e && h <= granular_h && od >= dense;
        *s = u8::from(*s == 0 && t != 0 && od <= densest && !granules);
    }
    (blood, solid)
}

/// Mean of relative density, eosin and haematoxylin, 100 for cytoplasm; 0 where not solid.
fn strength(field: &Field<'_>, solid: &Mask) -> Plane<u8> {
    let density = table(cytoplasm_od(field.profile), DENSITY_RANGE);
    let eosin = table(f64::from(field.profile.e_cytoplasm.max(1)), STAIN_RANGE);
    let haematoxylin = table(f64::from(field.profile.h_cytoplasm.max(1)), STAIN_RANGE);
    let mut out = Plane::filled(field.width(), field.height(), 0u8);
    let stains = field.od.data().iter().zip(field.e.data()).zip(field.h.data());
    for ((out, &solid), ((&od, &e), &h)) in out.data_mut().iter_mut().zip(solid.data()).zip(stains) {
        *out = (density[usize::from(od)] + eosin[usize::from(e)] + haematoxylin[usize::from(h)]) * solid;
    }
    out
}

/// A third of the relative strength, in percent, for every stored value.
fn table(reference: f64, range: (f64, f64)) -> [u8; 256] {
    std::array::from_fn(|v| (100.0 / 3.0 * (v as f64 / reference).clamp(range.0, range.1)).round() as u8)
}

/// Least share of solid pixels, of 255, where a mean is trusted.
const LEAST_WEIGHT: u8 = 26;

fn quotient(sum: &Plane<u8>, weight: &Plane<u8>) -> Plane<u8> {
    let mut out = sum.clone();
    for (out, &w) in out.data_mut().iter_mut().zip(weight.data()) {
        *out = if w < LEAST_WEIGHT { 255 } else { (u32::from(*out) * 255 / u32::from(w)).min(254) as u8 };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{raster::Rgb, tile::Window, units::Mpp};

    /// Returns which pixels of a middle row are gaps, on pixels of 0.5 µm; the densities of columns are shares of the cytoplasm's.
    fn gaps_of(columns: &[f64]) -> Vec<u8> {
        let profile = StainProfile::TYPICAL;
        let mpp = Mpp::square(0.5).unwrap();
        let (width, height) = (columns.len(), 9);
        let window = Window {
            x0: 0,
            y0: 0,
            core_width: width as u32,
            core_height: height as u32,
            halo: 0,
            scale: 1.0,
            source_scale: 1.0,
            mpp,
        };
        let mut od = Plane::filled(width, height, 0u8);
        for y in 0..height {
            od.row_mut(y).iter_mut().zip(columns).for_each(|(od, &share)| *od = level(&profile, share));
        }
        let plane = || Plane::filled(width, height, 0u8);
        let field = Field {
            window,
            rgb: Rgb::filled(width, height, [255; 3]),
            h: plane(),
            e: plane(),
            od,
            clear: plane(),
            tissue: Plane::filled(width, height, 1),
            profile: &profile,
            views: Default::default(),
            models: &crate::segment::models::CLASSICAL,
        };
        let empty = empty(&field, &plane());
        gaps(&field, &empty).row(4).to_vec()
    }

    #[test]
    fn gaps_are_clear_and_zymogen_is_pale() {
        fn t(what: &str, columns: [f64; 12], expected: [u8; 12]) {
            assert_eq!(gaps_of(&columns), expected, "{what}");
        }
        t("acini", [1.0; 12], [0; 12]);
        t("zymogen", [1.0, 1.0, 0.45, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.45, 1.0], [0; 12]);
        t(
            "clear with a pale edge",
            [1.0, 1.0, 0.7, 0.45, 0.2, 0.0, 0.0, 0.2, 0.45, 0.7, 1.0, 1.0],
            [0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        );
        t(
            "zymogen beside a gap",
            [1.0, 1.0, 0.0, 0.0, 0.45, 0.45, 0.45, 0.45, 0.45, 0.45, 0.45, 0.45],
            [0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        );
        t(
            "narrow cleft that the lens blurs",
            [1.0, 1.0, 1.0, 1.0, 0.8, 0.42, 0.42, 0.8, 1.0, 1.0, 1.0, 1.0],
            [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
        );
    }
}
