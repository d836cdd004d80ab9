//! Focus: how much fine detail tissue shows for the coarse detail it has, in squares of a reading at about 1 µm per
//! pixel, whatever the slide's own pixel size.

use super::{chroma::Chroma, view::View};
use crate::{
    error::Result,
    geometry::Rect,
    raster::{Mask, Plane, Rgb},
    segment::morphology,
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
    /// Level-0 pixels per square.
    square_px: f64,
    /// Level-0 pixels per pixel of the tissue mask.
    mask_scale: f64,
}

/// Fine over coarse detail of one square; `None` where there is too little to judge.
fn sharpness(fine: f64, coarse: f64) -> Option<f64> {
    (coarse >= LEAST_DETAIL).then(|| (fine / coarse).sqrt() / SHARP)
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
    let mut index = Vec::new();
    let solid = |x: usize, y: usize| {
        let at = |v: usize| (v as f64 * SQUARE as f64 * scale).floor() as i64;
        let side = (SQUARE as f64 * scale).ceil() as u64;
        tissue.share(Rect { x0: at(x), y0: at(y), width: side, height: side }) >= LEAST_TISSUE
    };
    for (x, y, sharp) in found {
        let inside = x < squares.width() && y < squares.height() && solid(x, y);
        let Some(sharp) = sharp.filter(|_| inside) else { continue };
        squares.set(x, y, (sharp * 100.0).round().min(254.0) as u8);
        index.push(sharp);
    }
    index.sort_by(f64::total_cmp);
    let sharpness = (!index.is_empty()).then(|| index[(index.len() - 1) / 2]);
    Ok(Focus { sharpness, chroma, squares, square_px: scale * SQUARE as f64, mask_scale: tissue.scale })
}

/// Measures the squares of one window: column and row on the slide's grid of squares, and sharpness.
fn of_window(rgb: &Rgb, window: &Window) -> Vec<(usize, usize, Option<f64>)> {
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
            let (fine, coarse) = detail(&luma, width, (x0, x1), (y0, y1));
            let place = |v: i64, within: usize| (v as usize + within) / SQUARE;
            out.push((place(window.x0, x0), place(window.y0, y0), sharpness(fine, coarse)));
        }
    }
    out
}

/// Mean squares of the fine detail (a pixel against its four neighbours) and of the coarse one (means of 4×4 pixels
/// against their surroundings two squares away) of a square.
fn detail(luma: &[f32], width: usize, (x0, x1): (usize, usize), (y0, y1): (usize, usize)) -> (f64, f64) {
    let (mut fine, mut n) = (0.0f64, 0u32);
    for y in y0 + 1..y1 - 1 {
        let (above, row, below) = (&luma[(y - 1) * width..], &luma[y * width..], &luma[(y + 1) * width..]);
        let mut sum = 0.0f32;
        for x in x0 + 1..x1 - 1 {
            let value = row[x] - 0.25 * (row[x - 1] + row[x + 1] + above[x] + below[x]);
            sum += value * value;
        }
        fine += f64::from(sum);
        n += (x1 - x0 - 2) as u32;
    }
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
    (fine / f64::from(n.max(1)), coarse)
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

    /// Returns the sharpness of squares. Those that are dull for being empty say nothing: a lumen's edge is coarse detail.
    fn judged(&self, view: &View, per: f64, least: f64) -> Plane<u8> {
        let mut sums = vec![(0u32, 0u32); self.squares.data().len()];
        let at = |v: usize, most: usize| (((v as f64 + 0.5) * per) as usize).min(most - 1);
        for y in 0..view.clear.height() {
            let row = at(y, self.squares.height()) * self.squares.width();
            for (x, &clear) in view.clear.row(y).iter().enumerate() {
                let sum = &mut sums[row + at(x, self.squares.width())];
                *sum = (sum.0 + u32::from(clear), sum.1 + 1);
            }
        }
        let mut out = self.squares.clone();
        for (square, (clear, all)) in out.data_mut().iter_mut().zip(sums) {
            if f64::from(*square) < PARTLY * least && f64::from(clear) > MOST_CLEAR * f64::from(all) {
                *square = 255;
            }
        }
        out
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
