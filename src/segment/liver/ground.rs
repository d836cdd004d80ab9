//! What every pixel of the parenchyma is: fat, sinusoid, blood, rarefied or dead cytoplasm.

use super::{coarse::Grid, paleness::Paleness, vacuoles::Vacuoles};
use crate::{
    raster::{Mask, Plane},
    segment::{
        distance,
        field::Field,
        label::{Connectivity, label},
        morphology,
        nuclei::Nuclei,
        shape::Shape,
    },
};

/// Paler than this share of the local cytoplasm is white: lumen, slit or fat.
const WHITE_LEVEL: f64 = 0.45;
/// Wider white than this is no sinusoid: vessel, tear or glass, in µm (domain.md §3.2) [expert].
const SLIT_MAX_UM: f64 = 20.0;
/// Narrower white is not told from blur, in µm (domain.md §3.2) [expert].
const SLIT_MIN_UM2: f64 = 6.0;
/// Least aspect ratio of a short slit (domain.md §2.2.2) [expert].
const SLIT_ASPECT: f64 = 2.0;
/// Cytoplasm with less eosin than this share of the slide's median is rarefied (domain.md §3.2) [expert].
const CLEARING_EOSIN: f64 = 0.6;
/// Narrowest rarefied patch, in µm.
const CLEARING_UM: f64 = 6.0;

/// Masks over one window; 1 where it is so.
pub(super) struct Ground {
    /// Tissue without vessels, portal tracts and tears.
    pub(super) parenchyma: Mask,
    /// Slits between the plates, empty or filled with blood.
    pub(super) sinusoid: Mask,
    /// Red blood cells.
    pub(super) blood: Mask,
    /// White that is not fat, or blood.
    pub(super) empty: Mask,
    /// Blocks of rarefied cytoplasm.
    pub(super) clearing: Mask,
}

/// Describes a window. `excluded` marks structures that are no parenchyma.
pub(super) fn describe(
    field: &Field<'_>,
    grid: &Grid,
    pale: &Paleness,
    fat: &Vacuoles,
    nuclei: &Nuclei,
    blood: Mask,
    excluded: &Plane<u32>,
) -> Ground {
    let mut white = pale.below(field, grid, WHITE_LEVEL);
    for (w, &fat) in white.data_mut().iter_mut().zip(fat.labels.data()) {
        *w &= u8::from(fat == 0);
    }
    let wide = grid.enlarge(&wide_white(grid, &white), field);
    let mut parenchyma = field.tissue.clone();
    let outside = wide.data().iter().zip(white.data()).zip(excluded.data());
    for (p, ((&wide, &white), &structure)) in parenchyma.data_mut().iter_mut().zip(outside) {
        *p &= ((wide & white) ^ 1) & u8::from(structure == 0);
    }
    let sinusoid = slits(field, &white, &blood, &parenchyma);
    let cytoplasm = Cytoplasm::of(field, grid, &blood, fat, nuclei, &parenchyma);
    let clearing = cytoplasm.clearing(field, grid);
    let mut empty = white;
    empty.data_mut().iter_mut().zip(blood.data()).for_each(|(w, &b)| *w |= b);
    Ground { parenchyma, sinusoid, blood, empty, clearing }
}

/// Blocks in or beside white that is wider than a sinusoid.
fn wide_white(grid: &Grid, white: &Mask) -> Mask {
    let mostly = grid.share(white).map(|v| u8::from(v >= 128));
    let radius = grid.px(SLIT_MAX_UM / 2.0);
    let core = morphology::erode(&mostly, radius);
    morphology::dilate(&core, radius + 1.0)
}

/// White or blood in the parenchyma that is long, or at least longer than wide.
fn slits(field: &Field<'_>, white: &Mask, blood: &Mask, parenchyma: &Mask) -> Mask {
    let mut mask = white.clone();
    for ((m, &b), &p) in mask.data_mut().iter_mut().zip(blood.data()).zip(parenchyma.data()) {
        *m = (*m | b) & p;
    }
    let labels = label(&mask, Connectivity::Eight);
    let least = field.window.mpp.px_area(SLIT_MIN_UM2).ceil() as u64;
    let long = field.px(SLIT_MAX_UM) as usize;
    let keep: Vec<u8> = std::iter::once(0)
        .chain(labels.regions.iter().enumerate().map(|(i, region)| {
            let slit = region.extent() > long
                || region.area_px >= least
                    && Shape::of(&labels.plane, region, i as u32 + 1).aspect_ratio >= SLIT_ASPECT;
            u8::from(slit)
        }))
        .collect();
    labels.plane.map(|number| keep[number as usize])
}

/// Width, in tenths of µm, along the middle of slits: how often each occurs in the window's core.
pub(super) fn widths(field: &Field<'_>, sinusoid: &Mask) -> Vec<u64> {
    let squared = distance::squared(sinusoid);
    let tenths = 10.0 * field.window.mpp.mean();
    let mut bins = vec![0u64; (SLIT_MAX_UM * 10.0) as usize + 1];
    for y in field.window.core_rows() {
        for x in field.window.core_columns() {
            let d = squared.at(x, y);
            if d == 0 || !is_ridge(&squared, x, y, d) {
                continue;
            }
            // A slit of n pixels has its middle (n + 1) / 2 from the nearest pixel outside.
            let width = (2.0 * f64::from(d).sqrt() - 1.0) * tenths;
            if let Some(bin) = bins.get_mut(width.round() as usize) {
                *bin += 1;
            }
        }
    }
    bins
}

fn is_ridge(squared: &Plane<u32>, x: usize, y: usize, d: u32) -> bool {
    let (columns, rows) = (x.saturating_sub(1)..=x + 1, y.saturating_sub(1)..=y + 1);
    rows.flat_map(|y| columns.clone().map(move |x| (x as i64, y as i64)))
        .filter_map(|(x, y)| squared.get(x, y))
        .all(|near| near <= d)
}

/// Cytoplasm by block of the coarse grid: neither clear, blood, fat nor nucleus.
struct Cytoplasm {
    /// Mean eosin, OD × 100; 0 where less than half a block is cytoplasm.
    eosin: Plane<u8>,
    /// 1 where at least half a block is cytoplasm.
    there: Mask,
}

impl Cytoplasm {
    fn of(
        field: &Field<'_>,
        grid: &Grid,
        blood: &Mask,
        fat: &Vacuoles,
        nuclei: &Nuclei,
        parenchyma: &Mask,
    ) -> Self {
        let (white, blood, nuclei) = (field.clear.data(), blood.data(), nuclei.mask.data());
        let (fat, parenchyma, eosin) = (fat.labels.data(), parenchyma.data(), field.e.data());
        let is = |i: usize| {
            u32::from(parenchyma[i])
                & u32::from((white[i] | blood[i] | nuclei[i]) ^ 1)
                & u32::from(fat[i] == 0)
        };
        let count = grid.sums(field.width(), is);
        let sum = grid.sums(field.width(), |i| is(i) * u32::from(eosin[i]));
        let half = (grid.factor * grid.factor).div_ceil(2) as u32;
        let there = count.map(|n| u8::from(n >= half));
        let mut mean = grid.plane(0u8);
        for ((m, &n), &s) in mean.data_mut().iter_mut().zip(count.data()).zip(sum.data()) {
            *m = if n >= half { (s / n) as u8 } else { 0 };
        }
        Self { eosin: mean, there }
    }

    fn clearing(&self, field: &Field<'_>, grid: &Grid) -> Mask {
        let limit = (f64::from(field.profile.e_cytoplasm) * CLEARING_EOSIN) as u8;
        let mut mask = self.there.clone();
        mask.data_mut().iter_mut().zip(self.eosin.data()).for_each(|(m, &e)| *m &= u8::from(e < limit));
        morphology::open(&mask, grid.px(CLEARING_UM / 2.0))
    }
}
