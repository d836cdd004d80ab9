//! Counts that every organ keeps: tissue, analysed area and strength of stain.

use super::field::Field;
use crate::{
    measure::tally::{Counter, Tally},
    raster::{Mask, wide},
};

/// Tissue of the fine pass, enclosed holes included, in working pixels.
pub const TISSUE_PX: Counter = Counter("tissue_px");
/// Tissue that belongs to the organ's parenchyma and is no artefact, in working pixels.
pub const ANALYSED_PX: Counter = Counter("analysed_px");
/// Haematoxylin inside nuclei, OD × 100 (histogram).
pub const H_OF_NUCLEI: Counter = Counter("h_of_nuclei");
/// Eosin of analysed pixels that are neither nuclear nor clear, OD × 100 (histogram).
pub const E_OF_CYTOPLASM: Counter = Counter("e_of_cytoplasm");

/// Adds what the window's core holds. `analysed` is the parenchyma, `nuclei` the pixels of nuclei.
pub fn count(field: &Field<'_>, analysed: &Mask, nuclei: &Mask, tally: &mut Tally) {
    count_nuclei(field, nuclei, tally);
    count_tissue(field, analysed, nuclei, tally);
}

/// Adds the haematoxylin of the nuclei in the window's core.
pub fn count_nuclei(field: &Field<'_>, nuclei: &Mask, tally: &mut Tally) {
    let columns = field.window.core_columns();
    let mut bins = Bins::default();
    let mut fits = vec![0u8; columns.len()];
    for y in field.window.core_rows() {
        let core = |mask| core_row(mask, y, &columns);
        of_nuclei(core(&field.tissue), core(nuclei), &mut fits);
        bins.add(core(&field.h), &fits);
    }
    observe_bins(tally, H_OF_NUCLEI, &bins.sums());
}

/// Adds all else that the window's core holds; needs no haematoxylin.
pub fn count_tissue(field: &Field<'_>, analysed: &Mask, nuclei: &Mask, tally: &mut Tally) {
    let columns = field.window.core_columns();
    let mut bins = Bins::default();
    let mut fits = vec![0u8; columns.len()];
    let (mut tissue_px, mut analysed_px) = (0, 0);
    for y in field.window.core_rows() {
        let core = |mask| core_row(mask, y, &columns);
        let masks = [core(&field.tissue), core(analysed), core(nuclei), core(&field.clear)];
        let px = of_cytoplasm(masks, &mut fits);
        bins.add(core(&field.e), &fits);
        tissue_px += px[0];
        analysed_px += px[1];
    }
    tally.add(TISSUE_PX, tissue_px);
    tally.add(ANALYSED_PX, analysed_px);
    observe_bins(tally, E_OF_CYTOPLASM, &bins.sums());
}

wide! {
    /// 1 in nuclei on tissue.
    fn of_nuclei<'a>(tissue: &'a [u8], nuclei: &'a [u8], out: &'a mut [u8]) {
        for ((out, &t), &n) in out.iter_mut().zip(tissue).zip(nuclei) {
            *out = u8::from((t != 0) & (n != 0));
        }
    }
}

wide! {
    /// 1 in cytoplasm, given tissue, what is analysed, nuclei and what is clear. Returns the pixels of tissue and those of
    /// it that are analysed.
    fn of_cytoplasm<'a>(masks: [&'a [u8]; 4], out: &'a mut [u8]) -> [u64; 2] {
        let [tissue, analysed, nuclei, clear] = masks;
        let (mut tissue_px, mut analysed_px) = (0u32, 0u32);
        let others = nuclei.iter().zip(clear);
        for ((out, (&t, &a)), (&n, &c)) in out.iter_mut().zip(tissue.iter().zip(analysed)).zip(others) {
            let own = (t != 0) & (a != 0);
            *out = u8::from(own & (n == 0) & (c == 0));
            tissue_px += u32::from(t != 0);
            analysed_px += u32::from(own);
        }
        [tissue_px, analysed_px].map(u64::from)
    }
}

/// The core's part of one row.
fn core_row<'a>(mask: &'a Mask, y: usize, columns: &std::ops::Range<usize>) -> &'a [u8] {
    &mask.row(y)[columns.clone()]
}

/// How often each stain occurs, then all that is not asked for. Neighbours are much alike and are counted apart: one place
/// can only be counted up once every few cycles.
struct Bins([[u32; Self::PLACES]; 4]);

impl Default for Bins {
    fn default() -> Self {
        Self([[0; Self::PLACES]; 4])
    }
}

impl Bins {
    /// Place of what is not asked for.
    const REST: u16 = 256;
    const PLACES: usize = 257;

    /// Adds the stain of a row's pixels that fit.
    fn add(&mut self, stain: &[u8], fits: &[u8]) {
        add_row(&mut self.0, stain, fits);
    }

    /// What was counted.
    fn sums(&self) -> [u64; 256] {
        std::array::from_fn(|v| self.0.iter().map(|bins| u64::from(bins[v])).sum())
    }
}

/// Pixels whose places are found together.
const BLOCK: usize = 64;

wide! {
    fn add_row<'a>(bins: &'a mut [[u32; Bins::PLACES]; 4], stain: &'a [u8], fits: &'a [u8]) {
        let mut places = [0u16; BLOCK];
        for (stain, fits) in stain.chunks(BLOCK).zip(fits.chunks(BLOCK)) {
            for ((place, &v), &fits) in places.iter_mut().zip(stain).zip(fits) {
                *place = if fits != 0 { u16::from(v) } else { Bins::REST };
            }
            for (i, &place) in places[..stain.len()].iter().enumerate() {
                bins[i % 4][usize::from(place)] += 1;
            }
        }
    }
}

/// Adds a histogram that was counted in an array: `bins[v]` observations of `v`.
pub fn observe_bins(tally: &mut Tally, counter: Counter, bins: &[u64]) {
    for (value, &n) in bins.iter().enumerate().filter(|(_, n)| **n > 0) {
        tally.observe(counter, value as u32, n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::{Plane, Rgb},
        stain::StainProfile,
        tile::Window,
        units::Mpp,
    };

    #[test]
    fn only_tissue_of_the_core_counts() {
        let profile = StainProfile::TYPICAL;
        let mpp = Mpp::square(0.5).unwrap();
        let window = Window {
            x0: 0,
            y0: 0,
            core_width: 4,
            core_height: 1,
            halo: 1,
            scale: 1.0,
            source_scale: 1.0,
            mpp,
        };
        let (w, h) = (window.width(), window.height());
        // Core columns 1–4 of row 1: nucleus, cytoplasm, clear, off tissue.
        let row = |values: [u8; 4], around: u8| {
            let mut plane = Plane::filled(w, h, around);
            plane.row_mut(1)[1..5].copy_from_slice(&values);
            plane
        };
        let field = Field {
            window,
            rgb: Rgb::filled(w, h, [255; 3]),
            h: row([70, 10, 0, 0], 99),
            e: row([20, 30, 1, 0], 99),
            od: Plane::filled(w, h, 0),
            clear: row([0, 0, 1, 0], 0),
            tissue: row([1, 1, 1, 0], 1),
            profile: &profile,
            views: Default::default(),
            models: &crate::segment::models::CLASSICAL,
        };
        let mut tally = Tally::default();
        count(&field, &row([1, 1, 1, 1], 1), &row([1, 0, 0, 0], 1), &mut tally);
        assert_eq!((tally.get(TISSUE_PX), tally.get(ANALYSED_PX)), (3, 3));
        assert_eq!((tally.observations(H_OF_NUCLEI), tally.quantile(H_OF_NUCLEI, 0.5)), (1, Some(70)));
        assert_eq!((tally.observations(E_OF_CYTOPLASM), tally.quantile(E_OF_CYTOPLASM, 0.5)), (1, Some(30)));
    }
}
