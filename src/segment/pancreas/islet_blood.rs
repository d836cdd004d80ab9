//! Red blood cells inside islets, by colour.
//!
//! Islet cytoplasm is so pale that half the eosin of blood already stands out from it; the general rule
//! ([`crate::segment::red_cells`]) must keep off the granules of acini and misses the edges of single cells.

use super::compartments::Compartments;
use crate::{
    raster::Mask,
    segment::{field::Field, morphology},
};

/// Eosin of blood is at least this many times the median cytoplasm's.
const MIN_EOSIN: f64 = 1.25;
/// Haematoxylin is at most this share of the way from glass to nuclei.
const MAX_HAEMATOXYLIN: f64 = 0.3;
/// Blue over green optical density: blood is orange-red, eosin alone pink.
const MIN_BLUE_TO_GREEN: f64 = 0.68;
/// Radius of the opening that removes specks, in µm.
const SPECK_UM: f64 = 0.5;
/// Smallest patch that is kept, in µm².
const MIN_UM2: f64 = 5.0;

/// The colour of blood on one slide.
pub(super) struct Red {
    least_e: u8,
    most_h: u8,
    green: [f32; 256],
    blue: [f32; 256],
}

impl Red {
    pub(super) fn of(field: &Field<'_>) -> Self {
        let profile = field.profile;
        let table = |white: f64| -> [f32; 256] {
            std::array::from_fn(|v| -((v as f64 + 1.0) / (white + 1.0)).log10().min(0.0) as f32)
        };
        Self {
            least_e: (MIN_EOSIN * f64::from(profile.e_cytoplasm)).ceil().min(255.0) as u8,
            most_h: (MAX_HAEMATOXYLIN * f64::from(profile.h_nuclei)) as u8,
            green: table(profile.white[1]),
            blue: table(profile.white[2]),
        }
    }

    /// Whether a pixel is as red as blood.
    #[inline]
    pub(super) fn fits(&self, [_, g, b]: [u8; 3], e: u8, h: u8) -> bool {
        e >= self.least_e
            && h <= self.most_h
            && self.blue[usize::from(b)] >= MIN_BLUE_TO_GREEN as f32 * self.green[usize::from(g)]
    }
}

/// Returns 1 where blood lies inside an islet.
pub(super) fn mask(field: &Field<'_>, places: &Compartments) -> Mask {
    let mut out = Mask::filled(field.width(), field.height(), 0);
    if !places.any_islet {
        return out;
    }
    let red = Red::of(field);
    for (i, out) in out.data_mut().iter_mut().enumerate().filter(|(i, _)| places.islets.data()[*i] != 0) {
        *out = u8::from(red.fits(field.rgb.pixels()[i], field.e.data()[i], field.h.data()[i]));
    }
    let opened = morphology::open(&out, field.px(SPECK_UM));
    morphology::remove_small(&opened, field.window.mpp.px_area(MIN_UM2).ceil() as u64)
}
