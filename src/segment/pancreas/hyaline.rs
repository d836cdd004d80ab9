//! Hyaline patches in islets: even, pink, without nuclei (surrogate of fibrosis and hyalin).

use super::{
    compartments::{Compartments, PerIslet},
    counters::ISLET_HYALINE_PX,
};
use crate::{
    raster::Mask,
    segment::{field::Field, morphology, object::Finds},
};

/// Smallest patch, in µm² (domain.md §3.1).
const MIN_UM2: f64 = 60.0;
/// Eosin of a patch as shares of the cytoplasm's: pale to mid.
const EOSIN_RANGE: (f64, f64) = (0.6, 2.2);
/// Haematoxylin of a patch is at most this share of the cytoplasm's.
const MAX_HAEMATOXYLIN: f64 = 0.6;
/// Narrower parts do not count: radius in µm.
const OPEN_UM: f64 = 1.5;

/// Counts patches per islet, by the pixels in the core.
pub(super) fn count(
    field: &Field<'_>,
    places: &Compartments,
    nuclei: &Mask,
    blood: &Mask,
    finds: &mut Finds,
    per_islet: &mut PerIslet,
) {
    if !places.any_islet {
        return;
    }
    let patches = patches(field, places, nuclei, blood);
    let columns = field.window.core_columns();
    for y in field.window.core_rows() {
        let numbers = &places.islets.row(y)[columns.clone()];
        for (&islet, _) in
            numbers.iter().zip(&patches.row(y)[columns.clone()]).filter(|(i, p)| **i != 0 && **p != 0)
        {
            per_islet.entry(islet - 1).or_default().add(ISLET_HYALINE_PX, 1);
            finds.tally.add(ISLET_HYALINE_PX, 1);
        }
    }
}

fn patches(field: &Field<'_>, places: &Compartments, nuclei: &Mask, blood: &Mask) -> Mask {
    let profile = field.profile;
    let e = f64::from(profile.e_cytoplasm);
    let (least, most) = ((e * EOSIN_RANGE.0) as u8, (e * EOSIN_RANGE.1).min(255.0) as u8);
    let h_most = (f64::from(profile.h_cytoplasm) * MAX_HAEMATOXYLIN) as u8;
    let mut mask = Mask::filled(field.width(), field.height(), 0);
    for (i, out) in mask.data_mut().iter_mut().enumerate().filter(|(i, _)| places.islets.data()[*i] != 0) {
        let (h, e) = (field.h.data()[i], field.e.data()[i]);
        *out = u8::from(
            h <= h_most
                && (least..=most).contains(&e)
                && nuclei.data()[i] | blood.data()[i] | places.empty.data()[i] == 0,
        );
    }
    let opened = morphology::open(&mask, field.px(OPEN_UM));
    morphology::remove_small(&opened, field.window.mpp.px_area(MIN_UM2).ceil() as u64)
}
