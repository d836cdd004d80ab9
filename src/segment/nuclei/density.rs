//! Where nuclear stain is dense: the plane that is thresholded and climbed.

use crate::{
    raster::{Mask, Plane},
    segment::{field::Field, morphology, nuclei::Rules, smooth},
};

/// Nuclear density and the pixels dense enough to belong to nuclei.
pub(super) struct Density {
    /// Haematoxylin corrected for eosin, slightly smoothed, OD × 100.
    pub(super) smooth: Plane<u8>,
    /// 1 where a nucleus may be.
    pub(super) mask: Mask,
}

impl Density {
    /// Measures density at working pixels of `um` µm.
    pub(super) fn of(field: &Field<'_>, dense: &Plane<u8>, um: f64, rules: &Rules) -> Self {
        let px = |length_um: f64| length_um / um;
        let smooth = smooth::gaussian(dense, px(rules.smooth_um));
        let around = smooth::box_mean(&smooth, px(rules.around_um).round() as usize);
        let profile = field.profile;
        let slide = i32::from(profile.h_threshold);
        let share = (rules.local_share * 256.0) as i32;
        let least = i32::from(profile.h_cytoplasm)
            + (rules.least_contrast * f64::from(profile.h_nuclei.saturating_sub(profile.h_cytoplasm))) as i32;
        let base = (rules.slide_level * 256.0) as i32;
        let slide = (i32::from(profile.h_cytoplasm) * (256 - base) + slide * base) >> 8;
        let offset =
            (rules.local_offset * f64::from(profile.h_nuclei.saturating_sub(profile.h_cytoplasm))) as i32;
        // Threshold by local mean: one table look-up per pixel.
        let levels: [u8; 256] = std::array::from_fn(|mean| {
            let mixed = ((256 - share) * slide + share * (mean as i32 + offset)) >> 8;
            mixed.max(least).clamp(1, 255) as u8
        });
        let mut mask = Mask::filled(smooth.width(), smooth.height(), 0);
        for ((m, &v), &a) in mask.data_mut().iter_mut().zip(smooth.data()).zip(around.data()) {
            *m = u8::from(v >= levels[usize::from(a)]);
        }
        let opened = morphology::open(&mask, px(rules.thread_um));
        let filled = morphology::fill_holes(&opened, (rules.hole_um2 / (um * um)) as u64);
        Self { smooth, mask: filled }
    }
}

/// Haematoxylin minus a share of the eosin beyond the cytoplasm's, 0 where clear and outside tissue, averaged
/// over blocks of `factor` pixels aligned to the slide. The first block starts at the returned offset.
pub(super) fn corrected(field: &Field<'_>, factor: usize, weight: f64) -> (Plane<u8>, (usize, usize)) {
    let first = |start: i64| (-start).rem_euclid(factor as i64) as usize;
    let (x0, y0) = (first(field.window.left()), first(field.window.top()));
    let blocks = |length: usize, skip: usize| length.saturating_sub(skip) / factor;
    let (w, h) = (blocks(field.width(), x0), blocks(field.height(), y0));
    let mut out = Plane::filled(w, h, 0u8);
    let scale = (weight * 256.0).round() as i32;
    let bias = i32::from(field.profile.e_cytoplasm) * scale;
    let mut sums = vec![0i32; w];
    let mut line = vec![0i32; field.width() - x0.min(field.width())];
    let area = (factor * factor) as i32;
    for y in 0..h {
        sums.fill(0);
        for row in y0 + y * factor..y0 + (y + 1) * factor {
            let stains = field.h.row(row)[x0..].iter().zip(&field.e.row(row)[x0..]);
            let places = field.clear.row(row)[x0..].iter().zip(&field.tissue.row(row)[x0..]);
            for ((v, (&h, &e)), (&clear, &tissue)) in line.iter_mut().zip(stains).zip(places) {
                let mixed = i32::from(h) * 256 - i32::from(e) * scale + bias;
                *v = mixed.clamp(0, 255 * 256) * i32::from(tissue & (clear ^ 1));
            }
            for (sum, block) in sums.iter_mut().zip(line.chunks_exact(factor)) {
                *sum += block.iter().sum::<i32>();
            }
        }
        for (v, &sum) in out.row_mut(y).iter_mut().zip(&sums) {
            *v = ((sum / area) >> 8) as u8;
        }
    }
    (out, (x0, y0))
}
