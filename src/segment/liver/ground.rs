//! What every pixel of the parenchyma is: fat, sinusoid, blood.

use super::{coarse::Grid, paleness::Paleness};
use crate::{
    raster::{Mask, Plane},
    segment::{
        distance,
        field::Field,
        label::{Connectivity, pieces},
        morphology, shape,
    },
};

/// Paler than this share of the local cytoplasm is white: lumen, slit or fat. Rarefied cytoplasm is denser [expert].
const WHITE_LEVEL: f64 = 0.18;
/// White reaches up to this level …
const WHITE_RIM: f64 = 0.6;
/// … as far as this from it, in µm: the blur of a scanner.
const WHITE_RIM_UM: f64 = 1.0;
/// Wider white than this is no sinusoid: vessel, tear or glass, in µm (domain.md §3.2) [expert].
const SLIT_MAX_UM: f64 = 20.0;
/// Gaps between blood, white and the nuclei in a slit, in µm.
const CELL_GAP_UM: f64 = 2.0;
/// How far a flat nucleus reaches into a slit, in µm: half its thickness and the wall's blur.
const LINING_UM: f64 = 1.5;
/// What a slit encloses up to this area lies in it, in µm²: nuclei of its lining.
const LINING_UM2: f64 = 40.0;
/// How much wider a slit may be within half a width of a place in its middle [expert].
const WIDENING: f64 = 1.35;
/// Narrower white is not told from blur, in µm (domain.md §3.2) [expert].
const SLIT_MIN_UM: f64 = 2.0;
/// Smallest slit, in µm² [expert].
const SLIT_MIN_UM2: f64 = 6.0;
/// Least aspect ratio of a short slit (domain.md §2.2.2) [expert].
const SLIT_ASPECT: f64 = 2.0;
/// The rims of slits reach up to this share of the local cytoplasm …
const SLIT_RIM: f64 = 0.78;
/// … as far as this from what is white, in µm. Both were set on phantoms of five stains at 0.25 and 0.5 µm/px.
const SLIT_RIM_UM: f64 = 1.0;
/// From this area on a slit may be cut across, in µm²; droplets of that size are found as fat …
const CROSS_UM2: f64 = 25.0;
/// … and need not be longer than this aspect ratio.
const CROSS_ASPECT: f64 = 1.15;
/// Masks over one window; 1 where it is so.
pub(super) struct Ground {
    /// Tissue without vessels, portal tracts and tears.
    pub(super) parenchyma: Mask,
    /// Slits between the plates, empty or filled with blood.
    pub(super) sinusoid: Mask,
    /// Their blurred rims, which belong to their area.
    pub(super) rims: Mask,
    /// Red blood cells.
    pub(super) blood: Mask,
    /// White that is not fat, or blood.
    pub(super) empty: Mask,
}

/// Describes a window. `fat` is 0 outside vacuoles, `excluded` marks structures that are no parenchyma.
pub(super) fn describe(
    field: &Field<'_>,
    grid: &Grid,
    pale: &Paleness,
    fat: &Mask,
    blood: Mask,
    excluded: &Mask,
) -> Ground {
    let mut white = white(field, grid, pale, &blood);
    for (w, &fat) in white.data_mut().iter_mut().zip(fat.data()) {
        *w &= u8::from(fat == 0);
    }
    let wide = grid.enlarge(&wide_white(grid, &white, &field.tissue), field);
    let mut parenchyma = field.tissue.clone();
    let outside = wide.data().iter().zip(white.data()).zip(excluded.data());
    for (p, ((&wide, &white), &structure)) in parenchyma.data_mut().iter_mut().zip(outside) {
        *p &= ((wide & white) | structure) ^ 1;
    }
    let sinusoid = slits(field, &white, &blood, &parenchyma);
    let rims = rims(field, grid, pale, &sinusoid, fat, &parenchyma);
    let mut empty = white;
    empty.data_mut().iter_mut().zip(blood.data()).for_each(|(w, &b)| *w |= b);
    Ground { parenchyma, sinusoid, rims, blood, empty }
}

/// White places with their blurred rims; beside blood there may be nothing but rim.
fn white(field: &Field<'_>, grid: &Grid, pale: &Paleness, blood: &Mask) -> Mask {
    let mut core = pale.below(field, grid, WHITE_LEVEL);
    core.data_mut().iter_mut().zip(blood.data()).for_each(|(c, &b)| *c |= b);
    let mut white = pale.below(field, grid, WHITE_RIM);
    let near = morphology::dilate(&core, field.px(WHITE_RIM_UM));
    white.data_mut().iter_mut().zip(near.data()).for_each(|(w, &n)| *w &= n);
    white
}

/// Blocks in or beside white that is wider than a sinusoid. So is glass, of which the mask of tissue holds a strip along
/// its edge.
fn wide_white(grid: &Grid, white: &Mask, tissue: &Mask) -> Mask {
    let mut mostly = grid.share(white);
    for (share, &tissue) in mostly.data_mut().iter_mut().zip(grid.share(tissue).data()) {
        *share = u8::from(u16::from(*share) + u16::from(255 - tissue) >= 128);
    }
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
    let found = pieces(&mask, Connectivity::Eight);
    let least = field.window.mpp.px_area(SLIT_MIN_UM2).ceil() as u64;
    let cross = field.window.mpp.px_area(CROSS_UM2).ceil() as u64;
    let long = field.px(SLIT_MAX_UM) as usize;
    mask.data_mut().fill(0);
    for (i, region) in found.regions.iter().enumerate() {
        let aspect = if region.area_px >= cross { CROSS_ASPECT } else { SLIT_ASPECT };
        let slit = region.extent() > long
            || region.area_px >= least && shape::aspect_ratio(region, found.runs(i)) >= aspect;
        if slit {
            found.paint(i, &mut mask, 1);
        }
    }
    mask
}

/// What lies beside slits and is at least a quarter open: with it their area is as large as before the blur of lens and
/// pixel. Cytoplasm beside them that is rarefied keeps it as its own.
fn rims(
    field: &Field<'_>,
    grid: &Grid,
    pale: &Paleness,
    slits: &Mask,
    fat: &Mask,
    parenchyma: &Mask,
) -> Mask {
    let mut rims = pale.below(field, grid, SLIT_RIM);
    let near = morphology::dilate(slits, field.px(SLIT_RIM_UM));
    let places = near.data().iter().zip(slits.data()).zip(fat.data()).zip(parenchyma.data());
    for (rim, (((&near, &slit), &fat), &parenchyma)) in rims.data_mut().iter_mut().zip(places) {
        *rim &= near & parenchyma & (slit ^ 1) & u8::from(fat == 0);
    }
    rims
}

/// Width, in tenths of µm, along the middle of slits: how often each occurs in the window's core.
///
/// A place is in the middle when no disk within the slit around a place in its own disk is much wider: corners and
/// the ragged rim of a slit have ridges of their own, which are not counted.
/// Flat nuclei of the lining, which lie in a slit, do not narrow it.
pub(super) fn widths(field: &Field<'_>, sinusoid: &Mask, nuclei: &Mask) -> Vec<u64> {
    let mut lined = morphology::dilate(sinusoid, field.px(LINING_UM));
    let own = sinusoid.data().iter().zip(nuclei.data());
    lined.data_mut().iter_mut().zip(own).for_each(|(l, (&s, &n))| *l = s | (*l & n));
    let whole = {
        let closed = morphology::close(&lined, field.px(CELL_GAP_UM / 2.0));
        drop(lined);
        morphology::fill_holes(&closed, field.window.mpp.px_area(LINING_UM2) as u64)
    };
    let tenths = 10.0 * field.window.mpp.mean();
    let most = (field.px(SLIT_MAX_UM) / 2.0).powi(2) as u16;
    // Beyond the largest that a place is compared with.
    let squared = distance::squared_up_to(&whole, widest_beside(most) + 1);
    let mut bins = vec![0u64; (SLIT_MAX_UM * 10.0) as usize + 1];
    let columns = field.window.core_columns();
    for y in field.window.core_rows() {
        let blocks = squared.row(y)[columns.clone()].chunks(BLOCK).zip(columns.clone().step_by(BLOCK));
        // Most are empty.
        for (block, start) in blocks.filter(|(block, _)| block.iter().fold(0, |any, &d| any | d) != 0) {
            for (x, &d) in (start..).zip(block) {
                if d == 0 || d > most || !is_ridge(&squared, x, y, d) || !is_middle(&squared, x, y, d) {
                    continue;
                }
                // A slit of n pixels has its middle (n + 1) / 2 from the nearest pixel outside.
                let width = (2.0 * f64::from(d).sqrt() - 1.0) * tenths;
                if width >= 10.0 * SLIT_MIN_UM && (width.round() as usize) < bins.len() {
                    bins[width.round() as usize] += 1;
                }
            }
        }
    }
    bins
}

/// Pixels that are passed over at once.
const BLOCK: usize = 64;

/// The largest squared distance in the disk around a place in the middle of a slit.
fn widest_beside(d: u16) -> u16 {
    (f64::from(d) * WIDENING * WIDENING).max(f64::from(d) + 1.0) as u16
}

/// Whether no place of the disk around a ridge lies further inside than [`WIDENING`] allows.
fn is_middle(squared: &Plane<u16>, x: usize, y: usize, d: u16) -> bool {
    let reach = f64::from(d).sqrt().ceil() as usize + 1;
    let limit = widest_beside(d);
    let columns = x.saturating_sub(reach)..(x + reach + 1).min(squared.width());
    let mut rows = y.saturating_sub(reach)..(y + reach + 1).min(squared.height());
    rows.all(|y| squared.row(y)[columns.clone()].iter().all(|&near| near <= limit))
}

fn is_ridge(squared: &Plane<u16>, x: usize, y: usize, d: u16) -> bool {
    let columns = x.saturating_sub(1)..(x + 2).min(squared.width());
    let mut rows = y.saturating_sub(1)..(y + 2).min(squared.height());
    rows.all(|y| squared.row(y)[columns.clone()].iter().all(|&near| near <= d))
}
