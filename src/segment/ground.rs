//! Counts that every organ keeps: tissue, analysed area and strength of stain.

use super::field::Field;
use crate::{
    measure::tally::{Counter, Tally},
    raster::Mask,
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
    let (mut tissue_px, mut analysed_px) = (0u64, 0u64);
    let (mut h_bins, mut e_bins) = ([0u64; 256], [0u64; 256]);
    for y in field.window.core_rows() {
        let [tissue, clear, h, e] =
            [&field.tissue, &field.clear, &field.h, &field.e].map(|p| core_row(p, y, &columns));
        let [analysed, nuclei] = [analysed, nuclei].map(|p| core_row(p, y, &columns));
        for x in 0..tissue.len() {
            if tissue[x] == 0 {
                continue;
            }
            tissue_px += 1;
            analysed_px += u64::from(analysed[x] != 0);
            if nuclei[x] != 0 {
                h_bins[usize::from(h[x])] += 1;
            } else if analysed[x] != 0 && clear[x] == 0 {
                e_bins[usize::from(e[x])] += 1;
            }
        }
    }
    tally.add(TISSUE_PX, tissue_px);
    tally.add(ANALYSED_PX, analysed_px);
    observe_bins(tally, H_OF_NUCLEI, &h_bins);
    observe_bins(tally, E_OF_CYTOPLASM, &e_bins);
}

/// The core's part of one row.
fn core_row<'a>(mask: &'a Mask, y: usize, columns: &std::ops::Range<usize>) -> &'a [u8] {
    &mask.row(y)[columns.clone()]
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
