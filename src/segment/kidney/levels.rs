//! Levels of one slide, derived from its stain so that pale and dark slides are judged alike.

use crate::{
    raster::{Mask, Plane},
    segment::{field::Field, morphology, smooth},
    stain::StainProfile,
};

/// Standard deviation of smoothing before structures are judged, in µm.
const SMOOTH_UM: f64 = 1.0;
/// Optical density of lumen and Bowman's space, at most this share of the cytoplasm's.
const PALE_SHARE: f64 = 0.45;

/// Radius of the narrowest lumen, in µm; capillaries of the tuft are narrower.
const WIDE_UM: f64 = 4.0;

/// Optical densities of one slide, summed over the channels, × 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    /// Median of the cytoplasm.
    pub(super) cytoplasm: f64,
    /// Lumen and Bowman's space lie below.
    pub(super) pale: u8,
    /// Haematoxylin of nuclei in the structure pass lies at or above.
    pub(super) nuclear: u8,
}

impl Levels {
    pub(super) fn of(profile: &StainProfile) -> Self {
        let sum = |v: [f64; 3]| v.iter().map(|c| c.max(0.0)).sum::<f64>();
        let cytoplasm = f64::from(profile.h_cytoplasm) * sum(profile.matrix.h)
            + f64::from(profile.e_cytoplasm) * sum(profile.matrix.e);
        let cytoplasm = cytoplasm.max(8.0);
        let pale = (cytoplasm * PALE_SHARE).round().clamp(4.0, 255.0) as u8;
        Self { cytoplasm, pale, nuclear: profile.h_threshold.max(1) }
    }
}

/// What the structure pass looks at.
pub(super) struct Ground<'a> {
    pub(super) field: &'a Field<'a>,
    pub(super) levels: Levels,
    /// Summed optical density, smoothed.
    pub(super) od: Plane<u8>,
    /// 1 where smoothed density is that of lumen or Bowman's space, and on glass.
    pub(super) pale: Mask,
    /// 1 where pale is wide: lumens, not capillaries.
    pub(super) wide: Mask,
    /// 1 where haematoxylin is that of nuclei.
    pub(super) nuclear: Mask,
}

impl<'a> Ground<'a> {
    pub(super) fn of(field: &'a Field<'a>) -> Self {
        let levels = Levels::of(field.profile);
        let od = smooth::gaussian(&field.od, field.px(SMOOTH_UM));
        let pale = od.map(|v| u8::from(v < levels.pale));
        let nuclear = field.h.map(|v| u8::from(v >= levels.nuclear));
        let wide = morphology::open(&pale, field.px(WIDE_UM));
        Self { field, levels, od, pale, wide, nuclear }
    }
}
