//! The low-power view as optical densities, with the slide's own tissue to compare with.

use crate::{
    raster::{Mask, Plane, Rgb},
    segment::smooth,
    stain::white,
    tissue::TissueMask,
    units::Mpp,
};

/// Optical density of a channel below which there is no stain, × 100 [expert].
const CLEAR: u8 = 7;

/// Pixel size that artefacts are looked for at, in µm; a coarser view is taken as it is.
const WORK_UM: f64 = 4.0;

/// Densities of a view, at about 4 µm per pixel.
pub(super) struct View {
    /// Pixels of the tissue mask per pixel, across and down.
    pub(super) step: usize,
    /// 1 where there is tissue.
    pub(super) tissue: Mask,
    /// Size of a pixel.
    pub(super) mpp: Mpp,
    /// Optical density of red, green and blue, × 100, clamped to 0–255.
    pub(super) od: [Plane<u8>; 3],
    /// 1 where no channel is stained.
    pub(super) clear: Mask,
}

impl View {
    /// `mpp` is the size of the pixels of `view`, which are those of the tissue mask.
    pub(super) fn of(view: &Rgb, tissue: &TissueMask, mpp: Mpp) -> Self {
        let step = ((WORK_UM / mpp.mean()).round() as usize).clamp(1, view.width().min(view.height()).max(1));
        let (view, mask) = (shrunk(view, step), thinned(&tissue.mask, step));
        let tables = tissue.white.density_tables();
        let plane = |k: usize| {
            let table: [u8; 256] = std::array::from_fn(|v| ((tables[k][v] + 5) / 10).min(255) as u8);
            let data = view.pixels().iter().map(|px| table[usize::from(px[k])]).collect();
            Plane::from_vec(view.width(), view.height(), data).unwrap_or_default()
        };
        let od = [plane(0), plane(1), plane(2)];
        let mut clear = od[0].map(|v| u8::from(v < CLEAR));
        for channel in &od[1..] {
            clear.data_mut().iter_mut().zip(channel.data()).for_each(|(c, &v)| *c &= u8::from(v < CLEAR));
        }
        Self { step, tissue: mask, mpp: mpp.times(step as f64), od, clear }
    }

    /// Returns the densities averaged over squares of `um`.
    pub(super) fn smooth(&self, um: f64) -> [Plane<u8>; 3] {
        let radius = (self.mpp.px(um) / 2.0).round() as usize;
        std::array::from_fn(|k| smooth::box_mean(&self.od[k], radius))
    }

    /// Returns the mean density of stained tissue pixels in squares of `um`: lumens and gaps do not thin it.
    pub(super) fn solid(&self, um: f64) -> [Plane<u8>; 3] {
        let radius = (self.mpp.px(um) / 2.0).round() as usize;
        let filled = self.clear.map(|c| (1 - c) * 255);
        let share = smooth::box_mean(&filled, radius);
        std::array::from_fn(|k| {
            let mut mean = smooth::box_mean(&self.od[k], radius);
            mean.data_mut().iter_mut().zip(share.data()).for_each(|(m, &s)| {
                *m = if s < 64 { 0 } else { (u32::from(*m) * 255 / u32::from(s)).min(255) as u8 };
            });
            mean
        })
    }

    /// Returns the quantile of a plane over tissue that is not clear.
    pub(super) fn quantile(&self, plane: &Plane<u8>, q: f64) -> f64 {
        let mut histogram = [0u64; 256];
        for ((&v, &t), &c) in plane.data().iter().zip(self.tissue.data()).zip(self.clear.data()) {
            histogram[usize::from(v)] += u64::from(t & (1 - c));
        }
        f64::from(white::quantile(&histogram, q))
    }

    /// Returns the number of pixels that make up an area.
    pub(super) fn px_area(&self, um2: f64) -> f64 {
        self.mpp.px_area(um2)
    }
}

/// Averages squares of `step` pixels; what is left over at the right and lower edge is averaged too.
fn shrunk(view: &Rgb, step: usize) -> Rgb {
    if step == 1 {
        return view.clone();
    }
    let mut out = Rgb::filled(view.width().div_ceil(step), view.height().div_ceil(step), [0; 3]);
    for y in 0..out.height() {
        let mut sums = vec![[0u32; 4]; out.width()];
        for row in y * step..((y + 1) * step).min(view.height()) {
            for (px, sum) in view.row(row).chunks(step).zip(&mut sums) {
                for px in px {
                    (0..3).for_each(|k| sum[k] += u32::from(px[k]));
                    sum[3] += 1;
                }
            }
        }
        for (px, sum) in out.row_mut(y).iter_mut().zip(sums) {
            *px = std::array::from_fn(|k| ((sum[k] + sum[3] / 2) / sum[3].max(1)) as u8);
        }
    }
    out
}

/// Takes the middle pixel of each square of `step` pixels.
fn thinned(mask: &Mask, step: usize) -> Mask {
    let (width, height) = (mask.width().div_ceil(step), mask.height().div_ceil(step));
    let mut out = Mask::filled(width, height, 0);
    let at = |v: usize, most: usize| (v * step + step / 2).min(most - 1);
    for y in 0..height {
        let row = mask.row(at(y, mask.height()));
        for (x, o) in out.row_mut(y).iter_mut().enumerate() {
            *o = row[at(x, mask.width())];
        }
    }
    out
}

/// Enlarges a map made at [`View`]'s pixels to `width` × `height` pixels.
pub(super) fn enlarged(map: &Plane<u8>, step: usize, width: usize, height: usize) -> Plane<u8> {
    let mut out = Plane::filled(width, height, 0u8);
    for y in 0..height {
        let row = map.row((y / step).min(map.height() - 1));
        for (x, o) in out.row_mut(y).iter_mut().enumerate() {
            *o = row[(x / step).min(row.len() - 1)];
        }
    }
    out
}
