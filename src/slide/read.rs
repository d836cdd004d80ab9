//! Reading pixels: regions of a level, windows at a working resolution, low-power views.

mod copy;
mod rows;

use std::ops::Range;

use rayon::prelude::*;

use self::rows::{RowRing, Rows};
use super::{
    Level, Slide, TileAt, limits,
    resample::{Axis, Columns, FUSED_ROWS, accumulate, blend, carry},
};
use crate::{
    error::{Error, Result},
    geometry::{Rect, Region},
    raster::Rgb,
    tile::Window,
};

/// Output columns that are resampled together, so that a wide view needs few tiles at a time.
const STRIP_SOURCE_PX: f64 = 4096.0;
/// The largest pixel of a region, in µm: more than any slide.
const MOST_MPP: f64 = 1e6;
/// What a side of a view may be longer than a whole number of pixels by arithmetic alone.
const ROUNDING_PX: f64 = 1e-6;
/// Output rows one thread does at a time in a view of the whole slide, at least.
const BAND_ROWS: usize = 64;
/// The most of them when they make whole rows of tiles, which are then decoded past the cache.
const MOST_BAND_ROWS: usize = 256;

impl Slide {
    /// Reads a rectangle of one level. Pixels outside the level, and stored tiles that are missing,
    /// are white (255). A corner between two pixels of the level goes to the nearer one.
    ///
    /// # Errors
    ///
    /// As [`super::SlideReader::read_tile`]; [`Error::Config`] when the level does not exist.
    pub fn read_region(&self, region: Region) -> Result<Rgb> {
        let levels = &self.info().levels;
        let level = levels
            .get(region.level)
            .ok_or_else(|| Error::config("level", format!("0 to {}", levels.len() - 1), region.level))?;
        let at = |v: i64| (v as f64 / level.downsample).round();
        let axis = |v: i64, length: u64| Axis { origin: at(v), step: 1.0, length };
        self.resample(
            region.level,
            [axis(region.x0, level.width), axis(region.y0, level.height)],
            0..region.width.into(),
            0..region.height.into(),
        )
    }

    /// Reads a window at its working resolution, halo included, by area-averaging the coarsest level
    /// that is not coarser than the window's `source_scale`. Pixels outside the slide are white (255).
    ///
    /// A pixel's value depends on its place and the scale only, not on the window it is read in.
    ///
    /// # Errors
    ///
    /// As [`super::SlideReader::read_tile`].
    pub fn read_window(&self, window: &Window) -> Result<Rgb> {
        let (left, top) = (window.left(), window.top());
        let columns = left..left + window.width() as i64;
        let rows = top..top + window.height() as i64;
        let (level, axes) = self.grid_from([0, 0], [window.scale; 2], [window.source_scale; 2]);
        self.resample(level, axes, columns, rows)
    }

    /// Returns the level that a window is read from, and the columns and rows of it.
    pub(super) fn source_of(&self, window: &Window) -> (usize, Range<i64>, Range<i64>) {
        let (left, top) = (window.left(), window.top());
        let (level, [across, down]) = self.grid_from([0, 0], [window.scale; 2], [window.source_scale; 2]);
        let columns = across.span(&(left..left + window.width() as i64));
        (level, columns, down.span(&(top..top + window.height() as i64)))
    }

    /// Reads a rectangle at any pixel size: `width`×`height` pixels of `mpp` µm, from the corner
    /// (`x0`, `y0`) in level-0 pixels. Pixels outside the slide are white (255).
    ///
    /// # Errors
    ///
    /// [`Error::Uncalibrated`] when the slide states no pixel size; [`Error::Config`] when `mpp` is
    /// not a size, or larger than any slide; as [`super::SlideReader::read_tile`].
    pub fn read_region_at(&self, mpp: f64, x0: i64, y0: i64, width: u32, height: u32) -> Result<Rgb> {
        let native = self.info().calibration.as_ref().ok_or(Error::Uncalibrated)?.mpp;
        if !(mpp > 0.0 && mpp <= MOST_MPP) {
            return Err(Error::config("mpp", format!("µm/px above zero, up to {MOST_MPP}"), mpp));
        }
        let (level, axes) = self.grid([x0, y0], [mpp / native.x(), mpp / native.y()]);
        self.resample(level, axes, 0..width.into(), 0..height.into())
    }

    /// Reads a rectangle of an output grid that starts at the slide's corner and has `scale` level-0 pixels per pixel,
    /// across and down. A pixel's value depends on its place and the scale only.
    pub(super) fn read_placed(&self, scale: [f64; 2], columns: Range<i64>, rows: Range<i64>) -> Result<Rgb> {
        let (level, axes) = self.grid([0, 0], scale);
        self.resample(level, axes, columns, rows)
    }

    /// Returns the level that a scale reads as it is, without resampling.
    pub(super) fn level_of(&self, scale: [f64; 2]) -> Option<usize> {
        let (level, axes) = self.grid([0, 0], scale);
        axes.iter().all(|axis| axis.shift().is_some()).then_some(level)
    }

    /// Returns the level-0 pixels per pixel of a level, across and down.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the level does not exist.
    pub fn level_scale(&self, level: usize) -> Result<[f64; 2]> {
        let levels = &self.info().levels;
        let found = levels.get(level);
        let found =
            found.ok_or_else(|| Error::config("level", format!("0 to {}", levels.len() - 1), level))?;
        Ok(steps(&levels[0], found))
    }

    /// Reads the whole slide at `scale` level-0 pixels per pixel (at least 1), in bands on all
    /// threads of the current pool, so that only the result and a few tiles are in memory.
    ///
    /// # Errors
    ///
    /// As [`super::SlideReader::read_tile`]; [`Error::Limits`] when the result would be too large.
    pub fn read_whole(&self, scale: f64) -> Result<Rgb> {
        let scale = if scale.is_finite() { scale.max(1.0) } else { 1.0 };
        let base = &self.info().levels[0];
        let side = |v: u64| ((v as f64 / scale - ROUNDING_PX).ceil() as usize).max(1);
        let (width, height) = (side(base.width), side(base.height));
        limits::check("pixels of a view of the whole slide", (width * height) as u64, 1 << 28)?;
        let (level, axes) = self.grid([0, 0], [scale; 2]);
        let mut view = Rgb::from_vec(width, height, vec![0; width * height * 3]).unwrap_or_default();
        let band_rows = band_rows(f64::from(self.info().levels[level].tile_height) / axes[1].step);
        let bands = view.pixels_mut().par_chunks_mut(width * band_rows).enumerate();
        bands.try_for_each(|(i, band)| {
            let top = (i * band_rows) as i64;
            let rows = top..top + (band.len() / width) as i64;
            self.resample_into(level, axes, 0..width as i64, &rows, band)
        })?;
        Ok(view)
    }

    /// Reads the whole slide so that its longer side is at most `max_side` pixels. Returns the
    /// pixels and the level-0 pixels per pixel.
    ///
    /// # Errors
    ///
    /// As [`Slide::read_whole`].
    pub fn read_overview(&self, max_side: u32) -> Result<(Rgb, f64)> {
        let base = &self.info().levels[0];
        let scale = (base.width.max(base.height) as f64 / f64::from(max_side.max(1))).max(1.0);
        Ok((self.read_whole(scale)?, scale))
    }

    /// Returns where a view of the whole slide at `scale` shows glass because a tile is damaged, in level-0 pixels, and what
    /// is wrong with each tile.
    pub(crate) fn damage_seen_at(&self, scale: f64) -> Vec<(Rect, String)> {
        let levels = &self.info().levels;
        let (read, _) = self.grid([0, 0], [scale; 2]);
        // Where a level lacks a tile, finer ones may be read.
        let seen = self.bad_tiles().into_iter().filter(|(at, _)| at.level <= read);
        let place = |at: TileAt| {
            let (level, scale) = (&levels[at.level], steps(&levels[0], &levels[at.level]));
            let edge = |index: u64, tile: u32, k: usize| (index as f64 * f64::from(tile) * scale[k]) as i64;
            let (x0, y0) = (edge(at.col, level.tile_width, 0), edge(at.row, level.tile_height, 1));
            let (x1, y1) = (edge(at.col + 1, level.tile_width, 0), edge(at.row + 1, level.tile_height, 1));
            Rect { x0, y0, width: x1.abs_diff(x0), height: y1.abs_diff(y0) }
        };
        seen.map(|(at, what)| (place(at), what)).collect()
    }

    /// Chooses the level to read for a scale, and places the output grid on it.
    fn grid(&self, corner: [i64; 2], scale: [f64; 2]) -> (usize, [Axis; 2]) {
        self.grid_from(corner, scale, scale)
    }

    /// As [`Slide::grid`], from a level of no larger scale than `source` where there is one.
    fn grid_from(&self, corner: [i64; 2], scale: [f64; 2], source: [f64; 2]) -> (usize, [Axis; 2]) {
        let levels = &self.info().levels;
        let steps = |level: &Level| steps(&levels[0], level);
        let wanted = source.map(|scale| scale * (1.0 + 1e-3));
        let fine = |level: &Level| steps(level).iter().zip(wanted).all(|(step, wanted)| *step <= wanted);
        let index = levels.iter().rposition(fine).unwrap_or(0);
        let steps = steps(&levels[index]);
        let sides = [levels[index].width, levels[index].height];
        let axis = |i: usize| Axis {
            origin: corner[i] as f64 / steps[i],
            step: scale[i] / steps[i],
            length: sides[i],
        };
        (index, [axis(0), axis(1)])
    }

    /// Returns a tile of the driver; where a level lacks it, what the driver says that it shows.
    fn tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let stored = match self.reader.read_tile(at) {
            Ok(stored) => stored,
            Err(error) => {
                self.bad_tiles.note(at, &self.info().levels[at.level], error)?;
                return Ok(None);
            }
        };
        if stored.is_some() || at.level == 0 || !self.reader.missing_shows_finer() {
            return Ok(stored);
        }
        let levels = &self.info().levels;
        let (level, finer) = (&levels[at.level], &levels[at.level - 1]);
        let (coarse, fine) = (steps(&levels[0], level), steps(&levels[0], finer));
        let sides = [finer.width, finer.height];
        let axis = |i: usize| Axis { origin: 0.0, step: coarse[i] / fine[i], length: sides[i] };
        let range = |index: u64, side: u32| {
            let start = (index * u64::from(side)) as i64;
            start..start + i64::from(side)
        };
        let (columns, rows) = (range(at.col, level.tile_width), range(at.row, level.tile_height));
        self.resample(at.level - 1, [axis(0), axis(1)], columns, rows).map(Some)
    }

    /// Area-averages `columns` × `rows` of an output grid placed on a level.
    fn resample(&self, level: usize, axes: [Axis; 2], columns: Range<i64>, rows: Range<i64>) -> Result<Rgb> {
        let side = |range: &Range<i64>| usize::try_from(range.end - range.start).unwrap_or(0);
        let (width, height) = (side(&columns), side(&rows));
        limits::check("pixels of a region", width as u64 * height as u64, limits::MAX_IMAGE_PX)?;
        if width == 0 || height == 0 {
            return Ok(Rgb::filled(width, height, [255; 3]));
        }
        if let [Some(dx), Some(dy)] = axes.map(Axis::shift) {
            let (columns, rows) = (columns.start + dx..columns.end + dx, rows.start + dy..rows.end + dy);
            return self.copy(level, columns, rows);
        }
        let mut out = Rgb::from_vec(width, height, vec![0; width * height * 3]).unwrap_or_default();
        self.resample_into(level, axes, columns, &rows, out.pixels_mut())?;
        Ok(out)
    }

    /// As [`Slide::resample`], into rows of as many pixels as there are columns.
    fn resample_into(
        &self,
        level: usize,
        axes: [Axis; 2],
        columns: Range<i64>,
        rows: &Range<i64>,
        out: &mut [[u8; 3]],
    ) -> Result<()> {
        if axes.iter().all(|axis| axis.shift().is_some()) {
            out.copy_from_slice(self.resample(level, axes, columns, rows.clone())?.pixels());
            return Ok(());
        }
        let width = usize::try_from(columns.end - columns.start).unwrap_or(0).max(1);
        let strip = ((STRIP_SOURCE_PX / axes[0].step) as i64).max(1);
        let (across, down) = (axes[0].inside(&columns), axes[1].inside(rows));
        if (&across, &down) != (&columns, rows) {
            out.fill([255; 3]);
        }
        let above = (down.start - rows.start) as usize;
        let mut start = across.start;
        while start < across.end {
            let end = (start + strip).min(across.end);
            let part = (start - columns.start) as usize..(end - columns.start) as usize;
            let rows_out = out.chunks_mut(width).skip(above).map(|row| &mut row[part.clone()]);
            self.resample_strip(level, axes, start..end, &down, rows_out)?;
            start = end;
        }
        Ok(())
    }

    /// Returns whether no tile of a part of a level is stored, so that it need not be read to be white.
    fn is_glass(&self, level: usize, columns: &Range<i64>, rows: &Range<i64>) -> bool {
        if level > 0 && self.reader.missing_shows_finer() {
            return false;
        }
        let [columns, mut rows] = self.info().levels[level].tiles_under(columns, rows);
        rows.all(|row| columns.clone().all(|col| self.reader.is_missing(TileAt { level, col, row })))
    }

    fn resample_strip<'a>(
        &self,
        level: usize,
        [across, down]: [Axis; 2],
        columns: Range<i64>,
        rows: &Range<i64>,
        out: impl Iterator<Item = &'a mut [[u8; 3]]>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let span = across.span(&columns);
        if self.is_glass(level, &span, &down.span(rows)) {
            out.take(usize::try_from(rows.end - rows.start).unwrap_or(0)).for_each(|row| row.fill([255; 3]));
            return Ok(());
        }
        let averager = Columns::new(across, columns, span.start);
        let needed = (span.end - span.start) as usize;
        let mut means = vec![0; 3 * (needed + averager.slack()) + 1];
        let mut sums = Vec::new();
        let rows_read = down.span(rows);
        let past_cache = self.are_whole_tiles(level, &span, &rows_read);
        let mut source = RowRing::new(Rows::new(self, level, span, rows_read, past_cache), needed);
        for (y, out) in rows.clone().zip(out) {
            let taps = down.taps(y);
            let count = taps.weights.len();
            if count <= FUSED_ROWS {
                source.load(taps.first, count)?;
                let held: [&[u8]; FUSED_ROWS] = std::array::from_fn(|k| source.row(taps.first + k as i64));
                blend(&held[..count], &taps.weights, &mut means);
            } else {
                sums.resize(3 * needed, 0);
                for (row, &weight) in (taps.first..).zip(&taps.weights) {
                    source.load(row, 1)?;
                    accumulate(&mut sums, source.row(row), weight);
                }
                carry(&mut sums, &mut means);
            }
            averager.average(&means, out);
        }
        Ok(())
    }
}

/// Returns how many output rows to read at a time when a row of tiles makes `per_tile` of them.
fn band_rows(per_tile: f64) -> usize {
    let whole = per_tile.round().max(1.0) as usize;
    let band = whole * BAND_ROWS.div_ceil(whole);
    if (per_tile - whole as f64).abs() < 1e-9 && band <= MOST_BAND_ROWS { band } else { BAND_ROWS }
}

/// Returns the level-0 pixels per pixel of a level, across and down.
fn steps(base: &Level, level: &Level) -> [f64; 2] {
    match level.downsample.fract() {
        // Levels padded to whole tiles are larger than this says, their pixels are not.
        0.0 => [level.downsample; 2],
        _ => [step(base.width, level.width), step(base.height, level.height)],
    }
}

/// Returns the level-0 pixels per pixel of a level along one axis. Writers round the size of a level
/// down; the pixels are still whole multiples of the base's.
pub(super) fn step(base: u64, level: u64) -> f64 {
    let ratio = base as f64 / level as f64;
    let whole = ratio.round();
    let rounds_to = base as f64 / whole;
    if (rounds_to - level as f64).abs() < 1.0 { whole } else { ratio }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_whole_rows_of_tiles_where_these_fit() {
        fn t(per_tile: f64, expected: usize) {
            assert_eq!(band_rows(per_tile), expected, "{per_tile}");
        }
        t(128.0, 128);
        t(256.0, 256);
        t(32.0, 64);
        t(24.0, 72);
        t(512.0, BAND_ROWS);
        t(245.76, BAND_ROWS);
        t(0.5, BAND_ROWS);
    }
}
