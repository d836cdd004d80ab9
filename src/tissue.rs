//! Tissue: where on the slide it lies, found on a low-power view before anything is read at full resolution.

mod bits;
mod black;

use std::ops::Range;

use rayon::prelude::*;

pub use self::bits::Bits;

use crate::{
    error::Result,
    geometry::Rect,
    raster::{Mask, Plane, Rgb},
    segment::{
        label::{Connectivity, Pieces, Run, pieces, pieces_of_rows},
        morphology, smooth,
    },
    slide::Slide,
    stain::white::{self, White},
    units::Mpp,
    warning::Warnings,
};

/// Pixel size of the low-power view, in µm; small slides get a finer one, very large ones a coarser one.
const VIEW_UM: f64 = 4.0;
/// Least and most pixels on the longer side of the view, where the slide allows.
const VIEW_SIDE_PX: (f64, f64) = (1024.0, 4096.0);
/// Most pixels of the view: quality control takes some 25 bytes for each.
const VIEW_PX: f64 = 8_000_000.0;
/// Diameter of smoothing, in µm (domain.md §2.0) [expert].
const SMOOTH_UM: f64 = 8.0;
/// Sum of the optical densities of red, green and blue above which there is tissue, × 100 [expert]. domain.md §2.0
/// says 15, which loses pale tissue; what else is that faint is refused by its colour.
const MIN_OD: u8 = 10;
/// The same for the walls of adipocytes, which are thinner than what is smoothed over [expert].
const FAINT_OD: u8 = 4;
/// What only faint walls enclose is an adipocyte from this area on, in µm² [expert].
const MIN_CELL_UM2: f64 = 300.0;
/// Half the width of the widest faint wall, in µm.
const WALL_UM: f64 = 8.0;
/// Share of green in that sum: stained tissue absorbs green most; dust, shadow and ink do not [expert].
const MIN_GREEN_SHARE: f64 = 0.36;
/// Least tissue fragment, in µm²: smaller ones are debris [expert], unless they fill half of a view that is small itself.
pub(crate) const MIN_FRAGMENT_UM2: f64 = 8_000.0;
/// Least tissue of a slide, in µm²: two or three cells; less cannot be told from a speck [expert].
const MIN_TISSUE_UM2: f64 = 1_000.0;
/// Share of a view no larger than a gap that a fragment must fill for it to be tissue: pale stroma and lumens leave little more [expert].
const SMALL_SHARE: f64 = 0.02;
/// Largest difference between grey levels of a view that shows nothing: coding noise on one colour [expert].
const FLAT_LEVELS: u8 = 4;
/// Enclosed holes up to this count as tissue area, in µm² (domain.md §2.0) [expert].
const MAX_HOLE_UM2: f64 = 5_000.0;
/// Enclosed holes up to this are analysed as candidates for lumen, in µm²: vessels up to 500 µm [expert].
const MAX_LUMEN_UM2: f64 = 200_000.0;

/// Pixels that a thread looks up at a time.
const CHUNK_PX: usize = 1 << 18;

/// The tissue of a slide on a low-power grid that starts at the slide's corner.
#[derive(Clone, Debug)]
pub struct TissueMask {
    /// 1 where there is tissue; enclosed holes count as tissue (they may be lumen or fat).
    pub mask: Mask,
    /// The same, but for holes of more than 5 000 µm²: what is counted as area.
    pub solid: Bits,
    /// Level-0 pixels per pixel of the mask.
    pub scale: f64,
    /// Tissue, with enclosed holes of up to 5 000 µm², in mm².
    pub area_mm2: f64,
    /// Colour of clear glass.
    pub white: White,
}

impl TissueMask {
    /// Tissue without holes, ten level-0 pixels to each of the mask's.
    #[cfg(test)]
    pub(crate) fn painted(mask: Mask, area_mm2: f64) -> Self {
        Self { solid: Bits::of(&mask), mask, scale: 10.0, area_mm2, white: White { rgb: [243.0; 3] } }
    }

    /// Returns whether there is no tissue at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.mask.data().iter().all(|&v| v == 0)
    }

    /// Returns the smallest rectangle that holds all tissue of a rectangle; `None` where there is none. It is made of
    /// whole pixels of the mask and can reach beyond the rectangle by a part of one.
    #[must_use]
    pub fn bounds_in(&self, rect: Rect) -> Option<Rect> {
        let (columns, rows) = self.span(rect);
        let (mut x0, mut x1, mut y0, mut y1) = (usize::MAX, 0, usize::MAX, 0);
        for y in rows {
            let row = &self.mask.row(y)[columns.clone()];
            let Some(first) = row.iter().position(|&v| v != 0) else { continue };
            let last = row.iter().rposition(|&v| v != 0).unwrap_or(first);
            (x0, x1) = (x0.min(columns.start + first), x1.max(columns.start + last + 1));
            (y0, y1) = (y0.min(y), y + 1);
        }
        let low = |v: usize| (v as f64 * self.scale).floor() as i64;
        let high = |v: usize| (v as f64 * self.scale).ceil() as i64;
        (x0 < x1).then(|| Rect {
            x0: low(x0),
            y0: low(y0),
            width: high(x1).abs_diff(low(x0)),
            height: high(y1).abs_diff(low(y0)),
        })
    }

    /// Returns the share of a rectangle's part on the slide that is tissue, enclosed holes included, 0–1.
    #[must_use]
    pub fn share(&self, rect: Rect) -> f64 {
        self.share_of(rect, |columns, y| self.mask.row(y)[columns].iter().filter(|&&v| v != 0).count())
    }

    /// Returns the share of a rectangle's part on the slide that counts as area of tissue, 0–1.
    #[must_use]
    pub fn solid_share(&self, rect: Rect) -> f64 {
        self.share_of(rect, |columns, y| self.solid.count_in(columns, y))
    }

    fn share_of(&self, rect: Rect, count: impl Fn(Range<usize>, usize) -> usize) -> f64 {
        let (columns, rows) = self.span(rect);
        let all = columns.len() * rows.len();
        let tissue: usize = rows.map(|y| count(columns.clone(), y)).sum();
        tissue as f64 / all.max(1) as f64
    }

    /// Returns the tissue together with what else is set on a mask of its size.
    pub(crate) fn beside(&self, other: &Mask) -> Bits {
        let mut both = self.mask.clone();
        both.data_mut().iter_mut().zip(other.data()).for_each(|(v, &o)| *v |= o);
        Bits::of(&both)
    }

    /// Leaves only what is not 0 on a map of its size, and its area with it.
    #[must_use]
    pub fn restricted(mut self, keep: &Plane<u8>) -> Self {
        let before = self.solid.count();
        self.mask.data_mut().iter_mut().zip(keep.data()).for_each(|(m, &k)| *m &= u8::from(k != 0));
        self.solid.keep(keep);
        self.area_mm2 *= self.solid.count() as f64 / before.max(1) as f64;
        self
    }

    /// The mask's columns and rows that a rectangle touches.
    pub(crate) fn span(&self, rect: Rect) -> (Range<usize>, Range<usize>) {
        let [left, top, right, bottom] = [rect.x0, rect.y0, rect.x1(), rect.y1()].map(|v| v as f64);
        let cut = |v: f64, most: usize| (v / self.scale).clamp(0.0, most as f64);
        let (width, height) = (self.mask.width(), self.mask.height());
        let columns = cut(left, width).floor() as usize..cut(right, width).ceil() as usize;
        (columns, cut(top, height).floor() as usize..cut(bottom, height).ceil() as usize)
    }
}

/// Finds the tissue of a slide whose level-0 pixels measure `mpp`.
///
/// # Errors
///
/// As [`Slide::read_whole`].
pub fn find(slide: &Slide, mpp: Mpp, warnings: &Warnings) -> Result<TissueMask> {
    View::read(slide, mpp, warnings).map(|view| view.tissue())
}

/// A low-power view of a whole slide.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// What is seen; white where the slide shows nothing but black.
    pub(crate) pixels: Rgb,
    /// 1 where it shows nothing but black; `None` where it does so nowhere.
    pub(crate) black: Option<Mask>,
    /// Level-0 pixels per pixel.
    pub(crate) scale: f64,
    /// Size of a pixel.
    pub(crate) mpp: Mpp,
    /// Colour of clear glass.
    pub(crate) white: White,
}

impl View {
    /// Reads the view of a slide whose level-0 pixels measure `mpp`.
    ///
    /// # Errors
    ///
    /// As [`Slide::read_whole`].
    pub(crate) fn read(slide: &Slide, mpp: Mpp, warnings: &Warnings) -> Result<Self> {
        let base = &slide.info().levels[0];
        let longer = base.width.max(base.height) as f64;
        let least = (longer / VIEW_SIDE_PX.1).max((base.width as f64 * base.height as f64 / VIEW_PX).sqrt());
        let scale = (VIEW_UM / mpp.mean()).min(longer / VIEW_SIDE_PX.0).max(least).max(1.0);
        let mut pixels = slide.read_whole(scale)?;
        let (white, mpp) = (white::estimate(&pixels, warnings), mpp.times(scale));
        let black = black::find(&pixels, mpp);
        black.iter().for_each(|black| black::whiten(&mut pixels, black, &white));
        Ok(Self { pixels, black, scale, mpp, white })
    }

    /// Returns the share of the view that shows nothing but black, 0–1.
    pub(crate) fn black_share(&self) -> f64 {
        let black = self.black.as_ref().map_or(0, Mask::count);
        black as f64 / self.pixels.pixels().len().max(1) as f64
    }

    /// Finds the tissue.
    pub(crate) fn tissue(&self) -> TissueMask {
        let mut found = mask_of(&self.pixels, self.white, self.scale, self.mpp);
        if let Some(black) = &self.black {
            // Holes that it fills.
            found = found.restricted(&black.map(|v| v ^ 1));
        }
        found
    }
}

/// Finds the tissue on a view whose pixels measure `mpp`.
fn mask_of(view: &Rgb, white: White, scale: f64, mpp: Mpp) -> TissueMask {
    let (od, green) = densities(view, &white);
    let radius = (mpp.px(SMOOTH_UM) / 2.0).round() as usize;
    let smooth = smooth::box_mean_in_bands(&od, radius);
    let dense = smooth.map(|v| u8::from(v > MIN_OD));
    let faint = smooth.map(|v| u8::from(v > FAINT_OD));
    drop(smooth);
    let view_px = view.pixels().len() as f64;
    // A view that is no larger than a gap would be taken for one.
    let small = view_px <= mpp.px_area(MAX_HOLE_UM2);
    let fragment =
        if small { view_px * SMALL_SHARE } else { mpp.px_area(MIN_FRAGMENT_UM2).min(view_px / 2.0) };
    let stained = keep_stained(dense, &od, &green, fragment);
    drop((od, green));
    let empty = small && stained.count() == 0;
    let mut solid = if empty { stained } else { fill_gaps(stained, faint, &mpp) };
    if is_flat(view) || (solid.count() as f64) < mpp.px_area(MIN_TISSUE_UM2) {
        solid.data_mut().fill(0);
    }
    let mask = morphology::fill_holes(&solid, mpp.px_area(MAX_LUMEN_UM2) as u64);
    TissueMask { area_mm2: mpp.area_mm2(solid.count()), mask, solid: Bits::of(&solid), scale, white }
}

/// Returns whether a view is of one colour: tissue is not, whatever the colour.
fn is_flat(view: &Rgb) -> bool {
    let Some(first) = view.pixels().first() else { return true };
    let (mut low, mut high) = (*first, *first);
    view.pixels().iter().all(|px| {
        (0..3).all(|c| {
            (low[c], high[c]) = (low[c].min(px[c]), high[c].max(px[c]));
            high[c] - low[c] <= FLAT_LEVELS
        })
    })
}

/// Fills small gaps, also those that only faint walls enclose. Those cut by the view's edge count too: on an image of
/// a part of a section they are lumen or fat, and glass is never that small.
fn fill_gaps(stained: Mask, mut walls: Mask, mpp: &Mpp) -> Mask {
    let (most, least) = (mpp.px_area(MAX_HOLE_UM2) as u64, mpp.px_area(MIN_CELL_UM2) as u64);
    walls.data_mut().iter_mut().zip(stained.data()).for_each(|(w, &s)| *w |= s);
    let (small, enclosed) = rayon::join(|| gaps(&stained), || gaps(&walls));
    let mut cells = stained;
    for (gaps, sizes) in [(small, 0..=most), (enclosed, least..=most)] {
        let fits = gaps.regions.iter().enumerate().filter(|(_, gap)| sizes.contains(&gap.area_px));
        fits.for_each(|(i, _)| gaps.paint(i, &mut cells, 1));
    }
    // The walls between what was filled, but not the faint rim of the tissue.
    let mut out = morphology::close(&cells, mpp.px(WALL_UM));
    let pixels = out.data_mut().iter_mut().zip(cells.data()).zip(walls.data());
    pixels.for_each(|((closed, &cell), &wall)| *closed = cell | (*closed & wall));
    out
}

/// Returns the gaps between `walls`.
fn gaps(walls: &Mask) -> Pieces {
    pieces_of_rows((walls.width(), walls.height()), Connectivity::Four, |y, row| {
        row.iter_mut().zip(walls.row(y)).for_each(|(gap, &wall)| *gap = wall ^ 1);
    })
}

/// Returns the sum of the three optical densities, × 100, clamped to 0–255, and green's part of it.
fn densities(view: &Rgb, white: &White) -> (Plane<u8>, Plane<u8>) {
    let tables = white.density_tables();
    // Not cloned: reading fresh zeros maps pages that the first write has to map again.
    let plane = || Plane::filled(view.width(), view.height(), 0u8);
    let (mut od, mut green) = (plane(), plane());
    let outputs = od.data_mut().par_chunks_mut(CHUNK_PX).zip(green.data_mut().par_chunks_mut(CHUNK_PX));
    outputs.zip(view.pixels().par_chunks(CHUNK_PX)).for_each(|((od, green), pixels)| {
        for ((od, green), px) in od.iter_mut().zip(green).zip(pixels) {
            let [r, g, b] = std::array::from_fn(|k| tables[k][usize::from(px[k])]);
            let sum = u32::from(r + g + b).max(1);
            let clamped = (sum / 10).min(255);
            *od = clamped as u8;
            *green = (clamped * u32::from(g) / sum) as u8;
        }
    });
    (od, green)
}

/// Keeps the fragments that are large enough and coloured like stained tissue.
fn keep_stained(dense: Mask, od: &Plane<u8>, green: &Plane<u8>, min_px: f64) -> Mask {
    let fragments = pieces(&dense, Connectivity::Eight);
    let sum = |plane: &Plane<u8>, fragment: usize| -> u64 {
        let runs = fragments.runs(fragment).iter();
        runs.map(|run| u64::from(total(&plane.row(run.y())[run.x0()..run.x1()]))).sum()
    };
    let mut kept = dense;
    for (i, fragment) in fragments.regions.iter().enumerate() {
        let large = fragment.area_px as f64 >= min_px;
        let is_stained = || sum(green, i) as f64 >= MIN_GREEN_SHARE * sum(od, i) as f64;
        if !large || !(is_stained() || holds_tissue(fragments.runs(i), od, green, min_px)) {
            fragments.paint(i, &mut kept, 0);
        }
    }
    kept
}

/// Share of a fragment that is coloured like stained tissue from which it is tissue, whatever else touches it: quality control
/// takes ink out later [expert].
const STAINED_SHARE: f64 = 0.2;
/// Pixels side by side whose colour is judged together: one alone is noise.
const BLOCK_PX: usize = 8;
/// Share of green in a block of stained tissue: more than what separates a whole fragment from ink, because there are many blocks [expert].
const BLOCK_GREEN_SHARE: f64 = 0.38;

/// Returns whether a fragment, which is not coloured like tissue on the whole, holds tissue beside ink.
fn holds_tissue(runs: &[Run], od: &Plane<u8>, green: &Plane<u8>, min_px: f64) -> bool {
    let (mut stained, mut all) = (0usize, 0usize);
    for run in runs {
        let columns = run.x0()..run.x1();
        let blocks = od.row(run.y())[columns.clone()].chunks(BLOCK_PX);
        for (od, green) in blocks.zip(green.row(run.y())[columns].chunks(BLOCK_PX)) {
            let is_stained = f64::from(total(green)) >= BLOCK_GREEN_SHARE * f64::from(total(od));
            stained += if is_stained { od.len() } else { 0 };
            all += od.len();
        }
    }
    stained as f64 >= min_px && stained as f64 >= STAINED_SHARE * all as f64
}

/// Returns the sum of a part of a row.
fn total(samples: &[u8]) -> u32 {
    samples.iter().map(|&v| u32::from(v)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A view of glass with one disk of a colour, 4 µm per pixel.
    fn found(colour: [u8; 3], radius: i64) -> TissueMask {
        let mut view = Rgb::filled(200, 200, [242, 241, 243]);
        for y in 0..200 {
            for x in 0..200 {
                if (x as i64 - 100).pow(2) + (y as i64 - 100).pow(2) <= radius * radius {
                    view.row_mut(y)[x] = colour;
                }
            }
        }
        let white = White { rgb: [242.0, 241.0, 243.0] };
        mask_of(&view, white, 8.0, Mpp::square(4.0).unwrap())
    }

    #[test]
    fn tissue_is_what_is_stained_and_large_enough() {
        fn t(colour: [u8; 3], radius: i64, expected: bool) {
            assert_eq!(!found(colour, radius).is_blank(), expected, "{colour:?} {radius}");
        }
        t([200, 140, 190], 40, true);
        t([90, 60, 140], 40, true);
        // Pale tissue counts; a shadow, ink and a speck do not.
        t([226, 206, 228], 40, true);
        t([180, 180, 181], 40, false);
        t([20, 20, 20], 40, false);
        t([200, 140, 190], 8, false);
        t([242, 241, 243], 40, false);
    }

    #[test]
    fn ink_that_touches_a_section_does_not_take_it_along() {
        /// Pixels found where a disk of tissue has a band of `colour` of this width across.
        fn t(colour: [u8; 3], width: usize, expected: bool) {
            let mut view = Rgb::filled(200, 200, [242, 241, 243]);
            for y in 0..200usize {
                for x in 0..200usize {
                    if (x as i64 - 100).pow(2) + (y as i64 - 100).pow(2) <= 60 * 60 {
                        view.row_mut(y)[x] = [200, 140, 190];
                    }
                    if (100..100 + width).contains(&x) {
                        view.row_mut(y)[x] = colour;
                    }
                }
            }
            let white = White { rgb: [242.0, 241.0, 243.0] };
            let found = mask_of(&view, white, 8.0, Mpp::square(4.0).unwrap());
            assert_eq!(found.mask.get(70, 100) == Some(1), expected, "{colour:?} {width}");
        }
        for ink in [[20, 20, 20], [20, 110, 40], [60, 60, 62]] {
            t(ink, 10, true);
            t(ink, 60, true);
        }
        // No tissue at all.
        for ink in [[20, 20, 20], [20, 110, 40], [60, 60, 62]] {
            assert!(found(ink, 60).is_blank(), "{ink:?}");
        }
    }

    #[test]
    fn small_views_hold_tissue_or_none() {
        /// Whether tissue is found on a view of `side` pixels of 0.5 µm, each a little off `colour`.
        fn t(side: usize, colour: [u8; 3], noise: usize, expected: bool) {
            let mut view = Rgb::filled(side, side, colour);
            for (i, px) in view.pixels_mut().iter_mut().enumerate() {
                *px = px.map(|v| v - (i * 7919 % (noise + 1)) as u8);
            }
            let white = White { rgb: [243.0; 3] };
            let found = mask_of(&view, white, 1.0, Mpp::square(0.5).unwrap());
            assert_eq!(!found.is_blank(), expected, "{side} {colour:?} {noise}");
            assert_eq!(found.area_mm2 > 0.0, expected, "{side} {colour:?} {noise}");
        }
        for side in [1, 8, 30, 64, 100, 141, 200] {
            t(side, [240; 3], 0, false);
            t(side, [240; 3], 12, false);
        }
        let stained = [200, 140, 190];
        for side in [64, 100, 128, 256] {
            t(side, stained, 40, true);
            t(side, stained, 3, false);
        }
        // Mostly a lumen: a stained corner is enough.
        let mut lumen = Rgb::filled(128, 128, [240; 3]);
        for y in 0..40 {
            lumen.row_mut(y)[..40].fill(stained);
        }
        let found = mask_of(&lumen, White { rgb: [243.0; 3] }, 1.0, Mpp::square(0.5).unwrap());
        assert!(!found.is_blank());
        t(1, stained, 0, false);
        t(30, stained, 40, false);
    }

    #[test]
    fn area_and_touch() {
        let tissue = found([200, 140, 190], 50);
        let expected = std::f64::consts::PI * (50.0f64 * 4e-3).powi(2);
        assert!((tissue.area_mm2 / expected - 1.0).abs() < 0.05, "{}", tissue.area_mm2);
        let rect = |x0, y0, side| Rect { x0, y0, width: side, height: side };
        assert_eq!(tissue.bounds_in(rect(800, 800, 1)), Some(rect(800, 800, 8)));
        assert_eq!(tissue.bounds_in(rect(0, 0, 300)), None);
        assert_eq!(tissue.bounds_in(rect(-500, -500, 499)), None);
        let all = tissue.bounds_in(rect(0, 0, 1600));
        assert!(all.is_some_and(|b| b.x0.abs_diff(400) <= 16 && b.width.abs_diff(808) <= 24), "{all:?}");
        assert_eq!(tissue.share(rect(760, 760, 80)), 1.0);
        assert!((tissue.share(rect(0, 0, 1600)) - 0.2).abs() < 0.02);
    }
}
