//! Red blood cells, by colour.

use super::{field::Field, morphology};
use crate::raster::Mask;

/// Radius of the opening that removes specks, in µm.
const SPECK_UM: f64 = 0.75;
/// Smallest patch that is kept, in µm²: about a quarter of a red cell.
const MIN_UM2: f64 = 6.0;
/// Least saturation, 0–255 (domain.md §2.0: 0.45).
const MIN_SATURATION: i32 = 115;
/// Eosin beyond the cytoplasm's median, in median absolute deviations.
const EOSIN_MADS: u32 = 3;

/// Returns 1 where red blood cells lie: hue 345–20°, saturation above 0.45, much eosin and less
/// haematoxylin than nuclei.
///
/// Reaches 3 µm beyond each pixel and, along one patch, its extent up to [`MIN_UM2`]. The limits are
/// working defaults, judged by eye on liver and kidney; not validated.
#[must_use]
pub fn mask(field: &Field<'_>) -> Mask {
    let profile = field.profile;
    let least_e = u32::from(profile.e_cytoplasm) + EOSIN_MADS * u32::from(profile.e_cytoplasm_mad).max(3);
    let (least_e, most_h) = (least_e.min(255) as u8, profile.h_threshold);
    let (w, h) = (field.width(), field.height());
    let mut out = Mask::filled(w, h, 0);
    for y in 0..h {
        let stains = field.h.row(y).iter().zip(field.e.row(y));
        for ((out, rgb), (&h, &e)) in out.row_mut(y).iter_mut().zip(field.rgb.row(y)).zip(stains) {
            *out = u8::from(e >= least_e) & u8::from(h < most_h) & u8::from(is_blood_red(*rgb));
        }
    }
    let opened = morphology::open(&out, field.px(SPECK_UM));
    morphology::remove_small(&opened, field.window.mpp.px_area(MIN_UM2).ceil() as u64)
}

/// Hue between 345° and 20° and saturation (HSV) above 0.45.
#[inline]
fn is_blood_red([r, g, b]: [u8; 3]) -> bool {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let range = r - g.min(b);
    // Hue is 60° · (g − b) / range while red is the largest.
    let hue = (g - b) * 60;
    (r >= g) & (r >= b) & (range * 255 > MIN_SATURATION * r) & (hue <= 20 * range) & (hue >= -15 * range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blood_is_red_and_saturated() {
        fn t(rgb: [u8; 3], expected: bool) {
            assert_eq!(is_blood_red(rgb), expected, "{rgb:?}");
        }
        t([200, 60, 60], true);
        t([200, 80, 50], true);
        t([190, 40, 70], true);
        t([190, 40, 110], false);
        t([230, 160, 170], false);
        t([90, 50, 140], false);
        t([200, 150, 40], false);
        t([255, 255, 255], false);
        t([0, 0, 0], false);
    }
}
