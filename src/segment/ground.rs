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
    let columns = field.window.core_columns();
    let mut bins = Bins([[0; Bins::PLACES]; 4]);
    let (mut tissue_px, mut analysed_px) = (0, 0);
    for y in field.window.core_rows() {
        let core = |mask| core_row(mask, y, &columns);
        let px = bins.add(
            [core(&field.tissue), core(&field.clear), core(analysed), core(nuclei)],
            [core(&field.h), core(&field.e)],
        );
        tissue_px += px[0];
        analysed_px += px[1];
    }
    tally.add(TISSUE_PX, tissue_px);
    tally.add(ANALYSED_PX, analysed_px);
    observe_bins(tally, H_OF_NUCLEI, &bins.sums(Bins::OF_NUCLEI));
    observe_bins(tally, E_OF_CYTOPLASM, &bins.sums(0));
}

/// The core's part of one row.
fn core_row<'a>(mask: &'a Mask, y: usize, columns: &std::ops::Range<usize>) -> &'a [u8] {
    &mask.row(y)[columns.clone()]
}

/// Eosin of the cytoplasm, then haematoxylin of nuclei, then all else. Neighbours are much alike and are counted apart:
/// one place can only be counted up once every few cycles.
struct Bins([[u32; Self::PLACES]; 4]);

impl Bins {
    /// First place of haematoxylin.
    const OF_NUCLEI: usize = 256;
    /// Place of what is not asked for.
    const REST: u16 = 512;
    const PLACES: usize = 513;

    /// Adds a row: tissue, clear, analysed, nuclei; haematoxylin and eosin. Returns the pixels of tissue and those of it
    /// that are analysed.
    fn add(&mut self, masks: [&[u8]; 4], stains: [&[u8]; 2]) -> [u64; 2] {
        add_row(&mut self.0, masks, stains)
    }

    /// What was counted at 256 places.
    fn sums(&self, first: usize) -> [u64; 256] {
        std::array::from_fn(|v| self.0.iter().map(|bins| u64::from(bins[first + v])).sum())
    }
}

/// Pixels whose places are found together.
const BLOCK: usize = 64;

wide! {
    fn add_row<'a>(
        bins: &'a mut [[u32; Bins::PLACES]; 4],
        masks: [&'a [u8]; 4],
        stains: [&'a [u8]; 2],
    ) -> [u64; 2] {
        let ([tissue, clear, analysed, nuclei], [h, e]) = (masks, stains);
        let (mut tissue_px, mut analysed_px) = (0u32, 0u32);
        let mut places = [0u16; BLOCK];
        let blocks = tissue.chunks(BLOCK).zip(clear.chunks(BLOCK)).zip(analysed.chunks(BLOCK));
        let stains = nuclei.chunks(BLOCK).zip(h.chunks(BLOCK)).zip(e.chunks(BLOCK));
        for (((tissue, clear), analysed), ((nuclei, h), e)) in blocks.zip(stains) {
            let masks = tissue.iter().zip(clear).zip(analysed.iter().zip(nuclei));
            for ((place, ((&t, &c), (&a, &n))), (&h, &e)) in places.iter_mut().zip(masks).zip(h.iter().zip(e)) {
                let of_nuclei = (t != 0) & (n != 0);
                let of_cytoplasm = (t != 0) & (n == 0) & (a != 0) & (c == 0);
                let other = if of_cytoplasm { u16::from(e) } else { Bins::REST };
                *place = if of_nuclei { Bins::OF_NUCLEI as u16 + u16::from(h) } else { other };
            }
            tissue_px += tissue.iter().map(|&t| u32::from(t != 0)).sum::<u32>();
            analysed_px += tissue.iter().zip(analysed).map(|(&t, &a)| u32::from((t != 0) & (a != 0))).sum::<u32>();
            for (i, &place) in places[..tissue.len()].iter().enumerate() {
                bins[i % 4][usize::from(place)] += 1;
            }
        }
        [tissue_px, analysed_px].map(u64::from)
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
        stain::{CytoplasmHue, StainMatrix, StainProfile},
        tile::Window,
        units::Mpp,
    };

    #[test]
    fn only_tissue_of_the_core_counts() {
        let profile = StainProfile {
            white: [245.0; 3],
            matrix: StainMatrix::RUIFROK,
            origin: "published",
            h_threshold: 40,
            h_nuclei: 65,
            h_cytoplasm: 15,
            e_cytoplasm: 25,
            e_cytoplasm_mad: 4,
            hue: CytoplasmHue::TYPICAL,
        };
        let mpp = Mpp::square(0.5).unwrap();
        let window = Window { x0: 0, y0: 0, core_width: 4, core_height: 1, halo: 1, scale: 1.0, mpp };
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
            models: &crate::segment::models::CLASSICAL,
        };
        let mut tally = Tally::default();
        count(&field, &row([1, 1, 1, 1], 1), &row([1, 0, 0, 0], 1), &mut tally);
        assert_eq!((tally.get(TISSUE_PX), tally.get(ANALYSED_PX)), (3, 3));
        assert_eq!((tally.observations(H_OF_NUCLEI), tally.quantile(H_OF_NUCLEI, 0.5)), (1, Some(70)));
        assert_eq!((tally.observations(E_OF_CYTOPLASM), tally.quantile(E_OF_CYTOPLASM, 0.5)), (1, Some(30)));
    }
}
