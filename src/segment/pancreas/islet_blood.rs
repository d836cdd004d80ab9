//! Red blood cells inside islets, by colour.
//!
//! The pink half of the general rule ([`crate::segment::red_cells`]) is left out: granules of acini look like that.

use super::compartments::Compartments;
use crate::{
    raster::Mask,
    segment::{field::Field, morphology, red_cells::Rule},
};

/// Green optical density of blood, as a share of the cytoplasm's, at least: half way from the pale cytoplasm of islets.
pub(super) const MIN_GREEN: f64 = 1.05;
/// Radius of the opening that removes specks, in µm.
const SPECK_UM: f64 = 0.5;
/// Smallest patch that is kept, in µm².
const MIN_UM2: f64 = 5.0;

/// Returns 1 where blood lies inside an islet.
pub(super) fn mask(field: &Field<'_>, places: &Compartments) -> Mask {
    let mut out = Mask::filled(field.width(), field.height(), 0);
    if !places.any_islet {
        return out;
    }
    let red = Rule::of(field.profile, MIN_GREEN);
    let pixels = places.islets.data().iter().zip(field.rgb.pixels());
    for (out, (_, &rgb)) in out.data_mut().iter_mut().zip(pixels).filter(|(_, (islet, _))| **islet != 0) {
        *out = red.fits_orange(rgb);
    }
    let opened = morphology::open(&out, field.px(SPECK_UM));
    morphology::remove_small(&opened, field.window.mpp.px_area(MIN_UM2).ceil() as u64)
}
