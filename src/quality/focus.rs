//! Focus: how much fine detail tissue shows for the coarse detail it has, in squares of a reading at about 1 µm per
//! pixel, whatever the slide's own pixel size.

use super::{chroma::Chroma, view::View};
use crate::{
    error::Result,
    geometry::Rect,
    raster::{Mask, Plane, Rgb},
    segment::{
        label::{Connectivity, pieces},
        morphology,
    },
    slide::Slide,
    tile::{TileSpec, Window, blur::LUMA},
    tissue::TissueMask,
    units::Mpp,
    watch::Watch,
};

use rayon::prelude::*;

/// Pixel size that focus is judged at, in µm.
const READ_UM: f64 = 1.0;
/// A level this close to it is read as it is.
const SNAP: f64 = 0.5;
/// Side of a square, in pixels of the reading.
const SQUARE: usize = 32;
/// Side of the windows that are read, in pixels of the reading.
const WINDOW: u32 = 512;
/// Least mean square of coarse detail in a square that can be judged, in grey levels squared [expert].
const LEAST_DETAIL: f64 = 20.0;
/// Sharpness of tissue in focus at 1 µm per pixel, measured on clear images [expert]; it is 1 on the index' scale.
const SHARP: f64 = 0.62;
/// A square is blurred below this share of the slide's own sharpness (domain.md §3.0) [expert]. How sharp tissue in
/// focus is depends on the tissue, so that a slide without a sharp place is only warned of.
const RELATIVE: f64 = 0.35;
/// A square beside a blurred place is partly blurred below so many times that [expert].
const PARTLY: f64 = 1.35;
/// The edge of a blurred place lies where sharpness, interpolated between squares, is this share of the slide's [expert] …
const HALFWAY: f64 = 0.8;
/// … and at most so far from squares that are blurred, in µm.
const RIM_UM: f64 = 20.0;
/// Most of a square that may be empty for it to count as dull [expert].
const MOST_CLEAR: f64 = 0.35;
/// Least share of tissue in a square that is judged: its edge is coarse detail.
const LEAST_TISSUE: f64 = 0.97;
/// A square without coarse detail has none of any kind where its fine detail is less than this share of the usual: defocus
/// beyond a few µm takes both away [expert] …
const DULL: f64 = 0.03;
/// … and is out of focus where its colour is that of the slide's tissue, each channel's density within these shares of the
/// usual, which smooth things (blood, empty lumens, collagen) are not [expert] …
const USUAL_DENSITY: (f64, f64) = (0.7, 1.35);
/// … beside a blurred square, or with so many together [expert].
const LEAST_DULL: usize = 9;
/// Detail along an axis, and along a diagonal, against that of all directions, which it has in tissue in focus at least: what
/// moved while it was scanned lacks detail in one direction [expert].
const STREAKS: (f64, f64) = (1.5, 1.25);
/// Least squares of a square and its neighbours that must be judged.
const LEAST_JUDGED: usize = 5;
/// Least connected squares that count as a blurred place.
const LEAST_SQUARES: usize = 4;

/// Sharpness of squares all over the slide.
pub(super) struct Focus {
    /// Median of the squares on the index' scale; `None` when there was none to judge.
    pub(super) sharpness: Option<f64>,
    /// Colours of all that is stained.
    pub(super) chroma: Chroma,
    /// Sharpness on the index' scale × 100, one pixel per square; 255 where it cannot be judged.
    squares: Plane<u8>,
    /// 1 where a square of tissue shows no detail, fine or coarse.
    dull: Mask,
    /// Level-0 pixels per square.
    square_px: f64,
    /// Level-0 pixels per pixel of the tissue mask.
    mask_scale: f64,
}

/// Mean squares of the detail of one square, in grey levels squared.
#[derive(Clone, Copy)]
struct Detail {
    fine: f64,
    coarse: f64,
}

impl Detail {
    /// Fine over coarse detail; `None` where there is too little to judge.
    fn sharpness(self) -> Option<f64> {
        (self.coarse >= LEAST_DETAIL).then(|| (self.fine / self.coarse).sqrt() / SHARP)
    }
}

/// The middle one of values in rising order, the lower of two; `None` of none.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// Reads the tissue of a slide coarsely and measures the sharpness of its squares.
pub(super) fn measure(slide: &Slide, tissue: &TissueMask, mpp: Mpp, watch: &Watch) -> Result<Focus> {
    let wanted = (READ_UM / mpp.mean()).max(1.0);
    let levels = (0..slide.info().levels.len()).filter_map(|l| slide.level_scale(l).ok()).map(|[x, _]| x);
    let near = levels.filter(|s| (s / wanted).ln().abs() <= SNAP.ln_1p());
    let scale =
        near.min_by(|a, b| (a / wanted).ln().abs().total_cmp(&(b / wanted).ln().abs())).unwrap_or(wanted);
    let base = &slide.info().levels[0];
    let side = |v: u64| ((v as f64 / scale / SQUARE as f64).ceil() as usize).max(1);
    let mut squares = Plane::filled(side(base.width), side(base.height), 255u8);
    let spec = TileSpec { core_px: WINDOW, halo_px: 0, shift_px: 0 };
    let windows = spec.cut(base.width, base.height, scale, mpp.times(scale));
    let windows: Vec<Window> = windows.into_iter().filter(|w| tissue.share(w.core_rect()) > 0.0).collect();
    let tables = tissue.white.density_tables();
    let read = |(i, window): (usize, &Window)| -> Result<_> {
        watch.check()?;
        // A thread takes neighbours one after the other.
        windows.get(i + 1).into_iter().for_each(|next| slide.look_ahead(next));
        let rgb = slide.read_window(window)?;
        Ok((of_window(&rgb, window), Chroma::of(&rgb, &tables)))
    };
    let nothing = || (Vec::new(), Chroma::default());
    let (found, chroma) =
        windows.par_iter().enumerate().with_max_len(1).map(read).try_reduce(nothing, |mut a, b| {
            a.0.extend(b.0);
            a.1.add(&b.1);
            Ok(a)
        })?;
    let (mut index, mut fine, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    let solid = |x: usize, y: usize| {
        let at = |v: usize| (v as f64 * SQUARE as f64 * scale).floor() as i64;
        let side = (SQUARE as f64 * scale).ceil() as u64;
        tissue.share(Rect { x0: at(x), y0: at(y), width: side, height: side }) >= LEAST_TISSUE
    };
    for (x, y, detail) in found {
        if x >= squares.width() || y >= squares.height() || !solid(x, y) {
            continue;
        }
        let Some(sharp) = detail.sharpness() else {
            plain.push((x, y, detail.fine));
            continue;
        };
        squares.set(x, y, (sharp * 100.0).round().min(254.0) as u8);
        index.push(sharp);
        fine.push(detail.fine);
    }
    let mut dull = Mask::filled(squares.width(), squares.height(), 0);
    let least = DULL * median(&mut fine).unwrap_or(0.0);
    plain.into_iter().filter(|p| p.2 < least).for_each(|(x, y, _)| dull.set(x, y, 1));
    let square_px = scale * SQUARE as f64;
    Ok(Focus { sharpness: median(&mut index), chroma, squares, dull, square_px, mask_scale: tissue.scale })
}

/// Measures the squares of one window: column and row on the slide's grid of squares, and detail.
fn of_window(rgb: &Rgb, window: &Window) -> Vec<(usize, usize, Detail)> {
    let (width, height) = (rgb.width(), rgb.height());
    let luma: Vec<f32> =
        rgb.pixels().iter().map(|px| (0..3).map(|k| LUMA[k] * f32::from(px[k])).sum()).collect();
    let mut out = Vec::new();
    for y0 in (0..height).step_by(SQUARE) {
        for x0 in (0..width).step_by(SQUARE) {
            let (x1, y1) = ((x0 + SQUARE).min(width), (y0 + SQUARE).min(height));
            if x1 - x0 < SQUARE / 2 || y1 - y0 < SQUARE / 2 {
                continue;
            }
            let detail = detail(&luma, width, (x0, x1), (y0, y1));
            let place = |v: i64, within: usize| (v as usize + within) / SQUARE;
            out.push((place(window.x0, x0), place(window.y0, y0), detail));
        }
    }
    out
}

/// Detail of a square: fine (a pixel against its neighbours, in the direction that has least) and coarse (means of 4×4 pixels
/// against their surroundings two squares away).
fn detail(luma: &[f32], width: usize, (x0, x1): (usize, usize), (y0, y1): (usize, usize)) -> Detail {
    let n = x1 - x0 - 2;
    // Of all directions, the two axes and the two diagonals, column by column.
    let mut sums = [[0.0f32; SQUARE]; 5];
    for y in y0 + 1..y1 - 1 {
        let [above, row, below] = [y - 1, y, y + 1].map(|y| &luma[y * width + x0..][..n + 2]);
        for i in 0..n {
            let own = row[i + 1];
            let across = own - 0.5 * (row[i] + row[i + 2]);
            let down = own - 0.5 * (above[i + 1] + below[i + 1]);
            let falling = own - 0.5 * (above[i] + below[i + 2]);
            let rising = own - 0.5 * (below[i] + above[i + 2]);
            let all = [0.5 * (across + down), across, down, falling, rising];
            (0..5).for_each(|k| sums[k][i] += all[k] * all[k]);
        }
    }
    let pixels = (n * (y1 - y0 - 2)).max(1) as f64;
    let [all, across, down, falling, rising] =
        sums.map(|columns| columns.iter().map(|&v| f64::from(v)).sum::<f64>() / pixels);
    let fine = all.min(STREAKS.0 * across.min(down)).min(STREAKS.1 * falling.min(rising));
    let block = |x: usize, y: usize| -> f32 {
        (0..4).map(|dy| luma[(y + dy) * width + x..][..4].iter().sum::<f32>()).sum::<f32>() / 16.0
    };
    let (columns, rows) = ((x1 - x0) / 4, (y1 - y0) / 4);
    let blocks: Vec<f32> = (0..rows)
        .flat_map(|j| (0..columns).map(move |i| (x0 + 4 * i, y0 + 4 * j)))
        .map(|(x, y)| block(x, y))
        .collect();
    let mean = blocks.iter().sum::<f32>() / blocks.len().max(1) as f32;
    let coarse =
        blocks.iter().map(|b| f64::from((b - mean) * (b - mean))).sum::<f64>() / blocks.len().max(1) as f64;
    Detail { fine, coarse }
}

impl Focus {
    /// Returns 1 where tissue is out of focus, pixel by pixel of the view.
    pub(super) fn blurred(&self, view: &View) -> Mask {
        let mut out = Mask::filled(view.tissue.width(), view.tissue.height(), 0);
        let Some(usual) = self.sharpness else { return out };
        let per = self.mask_scale * view.step as f64 / self.square_px;
        let least = 100.0 * RELATIVE * usual;
        let judged = self.judged(view, per, least);
        let low = low(&judged, least);
        let at = |v: usize, most: usize| (((v as f64 + 0.5) * per) as usize).min(most - 1);
        for y in 0..out.height() {
            let row = low.row(at(y, low.height()));
            out.row_mut(y).iter_mut().enumerate().for_each(|(x, o)| *o = row[at(x, row.len())]);
        }
        let rim = morphology::dilate(&out, view.mpp.px(RIM_UM));
        for y in 0..out.height() {
            for x in 0..out.width() {
                let [u, v] = [x, y].map(|v| (v as f64 + 0.5) * per);
                if rim.at(x, y) != 0 && between(&judged, u, v) < 100.0 * HALFWAY * usual {
                    out.set(x, y, 1);
                }
            }
        }
        out
    }

    /// Returns the sharpness of squares. Those that are dull for being empty say nothing, for a lumen's edge is coarse detail; nor do
    /// those that hold something foreign, whose edge is detail in one direction.
    fn judged(&self, view: &View, per: f64, least: f64) -> Plane<u8> {
        let mut sums = vec![[0u32; 3]; self.squares.data().len()];
        let at = |v: usize, most: usize| (((v as f64 + 0.5) * per) as usize).min(most - 1);
        for y in 0..view.clear.height() {
            let row = at(y, self.squares.height()) * self.squares.width();
            for (x, (&clear, &tissue)) in view.clear.row(y).iter().zip(view.tissue.row(y)).enumerate() {
                let sum = &mut sums[row + at(x, self.squares.width())];
                *sum = [sum[0] + u32::from(clear), sum[1] + u32::from(tissue), sum[2] + 1];
            }
        }
        let (mut out, mut dull) = (self.squares.clone(), self.dull.clone());
        for ((square, dull), sums) in out.data_mut().iter_mut().zip(dull.data_mut()).zip(sums) {
            let [clear, tissue, all] = sums.map(f64::from);
            let is_foreign = tissue < LEAST_TISSUE * all;
            if is_foreign || f64::from(*square) < PARTLY * least && clear > MOST_CLEAR * all {
                *square = 255;
            }
            *dull &= u8::from(!is_foreign);
        }
        self.place_dull(view, per, least, dull, &mut out);
        out
    }

    /// Counts squares without any detail as blurred where they are tissue that has gone out of focus.
    fn place_dull(&self, view: &View, per: f64, least: f64, mut dull: Mask, squares: &mut Plane<u8>) {
        if dull.count() == 0 {
            return;
        }
        let density = self.densities(view, per);
        let judged = || density.iter().zip(squares.data()).filter(|(_, s)| **s != 255).map(|(d, _)| d);
        let usual = [0, 1, 2].map(|k| median(&mut judged().map(|d| d[k]).collect::<Vec<_>>()).unwrap_or(0.0));
        let (low, high) = USUAL_DENSITY;
        let is_usual = |d: &[f64; 3]| (0..3).all(|k| (low * usual[k]..=high * usual[k]).contains(&d[k]));
        dull.data_mut().iter_mut().zip(&density).for_each(|(m, d)| *m &= u8::from(is_usual(d)));
        let found = pieces(&dull, Connectivity::Eight);
        for i in 0..found.regions.len() {
            let places =
                || found.runs(i).iter().flat_map(|r| (r.x0()..r.x1()).map(|x| (x as i64, r.y() as i64)));
            let around = |(x, y)| (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| (x + dx, y + dy)));
            let is_blurred = |(x, y)| squares.get(x, y).is_some_and(|s| s != 255 && f64::from(s) < least);
            if found.regions[i].area_px as usize >= LEAST_DULL
                || places().any(|at| around(at).any(is_blurred))
            {
                found.paint(i, squares, 0);
            }
        }
    }

    /// Mean densities of squares; nothing where the view shows none of one.
    fn densities(&self, view: &View, per: f64) -> Vec<[f64; 3]> {
        let (width, height) = (self.squares.width(), self.squares.height());
        let mut sums = vec![[0u32; 4]; width * height];
        let at = |v: usize, most: usize| (((v as f64 + 0.5) * per) as usize).min(most - 1);
        for y in 0..view.clear.height() {
            for x in 0..view.clear.width() {
                let sum = &mut sums[at(y, height) * width + at(x, width)];
                (0..3).for_each(|k| sum[k] += u32::from(view.od[k].at(x, y)));
                sum[3] += 1;
            }
        }
        sums.into_iter().map(|s| [0, 1, 2].map(|k| f64::from(s[k]) / f64::from(s[3].max(1)))).collect()
    }
}

/// Sharpness × 100 at a place in squares, interpolated between the middles of those that were judged; as sharp as can
/// be where there are none.
fn between(squares: &Plane<u8>, u: f64, v: f64) -> f64 {
    let (u, v) = (u - 0.5, v - 0.5);
    let (x, y) = (u.floor(), v.floor());
    let (mut sum, mut weights) = (0.0, 0.0);
    for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let (at_x, at_y) = (x + dx, y + dy);
        let judged = squares.get(at_x as i64, at_y as i64).filter(|&s| s != 255);
        let weight = (1.0 - (u - at_x).abs()) * (1.0 - (v - at_y).abs());
        if let Some(sharp) = judged {
            sum += weight * f64::from(sharp);
            weights += weight;
        }
    }
    if weights > 0.0 { sum / weights } else { f64::INFINITY }
}

/// Returns 1 in squares of blurred places: judged by the mean of a square and its neighbours, so that one smooth
/// structure is none; grown by what those neighbours hide.
fn low(squares: &Plane<u8>, least: f64) -> Mask {
    let (width, height) = (squares.width(), squares.height());
    let around = |x: usize, y: usize| {
        let mut values = Vec::with_capacity(9);
        for dy in -1i64..=1 {
            for dx in -1i64..=1 {
                let v = squares.get(x as i64 + dx, y as i64 + dy).filter(|&v| v != 255);
                values.extend(v);
            }
        }
        values.sort_unstable();
        (values.len() >= LEAST_JUDGED).then(|| f64::from(values[values.len() / 2]))
    };
    let mut core = Mask::filled(width, height, 0);
    for y in 0..height {
        for x in 0..width {
            core.set(x, y, u8::from(around(x, y).is_some_and(|v| v < least)));
        }
    }
    let large = morphology::remove_small(&core, LEAST_SQUARES as u64);
    let mut out = large.clone();
    for y in 0..height {
        for x in 0..width {
            let own = squares.at(x, y);
            let beside = (-1i64..=1)
                .any(|dy| (-1i64..=1).any(|dx| large.get(x as i64 + dx, y as i64 + dy) == Some(1)));
            if beside && (own == 255 || f64::from(own) < PARTLY * least) {
                out.set(x, y, 1);
            }
        }
    }
    out
}
