//! Rows of a level, put together from its tiles.

use std::{ops::Range, sync::Arc};

use crate::{
    error::Result,
    raster::Rgb,
    slide::{Level, Slide, TileAt, cache::Part, resample::FUSED_ROWS, spare},
};

const WHITE: [u8; 3] = [255; 3];

/// Copies rows of a level, holding the tiles of one tile row at a time.
pub(super) struct Rows<'a> {
    slide: &'a Slide,
    level: usize,
    facts: &'a Level,
    columns: Range<i64>,
    rows: Range<i64>,
    past_cache: bool,
    tile_row: Option<u64>,
    tiles: Vec<(i64, Arc<Rgb>)>,
}

impl<'a> Rows<'a> {
    /// Prepares to copy `columns` of the level; `rows` are those that will be asked for. `past_cache` when the tiles are
    /// wanted whole and once.
    pub(super) fn new(
        slide: &'a Slide,
        level: usize,
        columns: Range<i64>,
        rows: Range<i64>,
        past_cache: bool,
    ) -> Self {
        let facts = &slide.info().levels[level];
        Self { slide, level, facts, columns, rows, past_cache, tile_row: None, tiles: Vec::new() }
    }

    /// Appends row `y` of the level to `out`; what the level does not hold is white.
    ///
    /// # Errors
    ///
    /// Those of the tiles that are needed first.
    pub(super) fn append(&mut self, y: i64, out: &mut Vec<[u8; 3]>) -> Result<()> {
        let start = out.len();
        let end = start + usize::try_from(self.columns.end - self.columns.start).unwrap_or(0);
        if let Some(y) = u64::try_from(y).ok().filter(|&y| y < self.facts.height) {
            let tile_height = u64::from(self.facts.tile_height);
            self.load(y / tile_height)?;
            let inner = (y % tile_height) as usize;
            let right = self.columns.end.min(self.facts.width as i64);
            for (left, tile) in self.tiles.iter().filter(|(_, tile)| inner < tile.height()) {
                let (first, last) =
                    ((*left).max(self.columns.start), (left + tile.width() as i64).min(right));
                if first < last {
                    out.resize(start + (first - self.columns.start) as usize, WHITE);
                    out.extend_from_slice(&tile.row(inner)[(first - left) as usize..(last - left) as usize]);
                }
            }
        }
        out.resize(end, WHITE);
        Ok(())
    }

    fn load(&mut self, row: u64) -> Result<()> {
        if self.tile_row == Some(row) {
            return Ok(());
        }
        self.release();
        self.tile_row = Some(row);
        let tile_width = u64::from(self.facts.tile_width);
        let [columns, _] = self.facts.tiles_under(&self.columns, &self.rows);
        for col in columns {
            let at = TileAt { level: self.level, col, row };
            let tile = if self.past_cache {
                self.slide.tile_past_cache(at)?
            } else {
                let part = Part::of(self.facts, at, &self.columns, &self.rows);
                self.slide.cache.get(at, part, || self.slide.tile(at))?
            };
            self.tiles.extend(tile.map(|tile| ((col * tile_width) as i64, tile)));
        }
        Ok(())
    }

    /// Lets the tiles go; buffers that nobody else holds serve the next ones.
    fn release(&mut self) {
        let alone = self.tiles.drain(..).filter_map(|(_, tile)| Arc::into_inner(tile));
        alone.for_each(|rgb| spare::give(rgb.into_vec()));
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// The last few rows of a level, so that rows shared by two output rows are copied once.
pub(super) struct RowRing<'a> {
    source: Rows<'a>,
    rows: [(Option<i64>, Vec<[u8; 3]>); FUSED_ROWS],
}

impl<'a> RowRing<'a> {
    /// Makes room for rows of `width` pixels.
    pub(super) fn new(source: Rows<'a>, width: usize) -> Self {
        Self { source, rows: std::array::from_fn(|_| (None, vec![WHITE; width])) }
    }

    fn place(y: i64) -> usize {
        y.rem_euclid(FUSED_ROWS as i64) as usize
    }

    /// Makes rows `first` to `first + count` available; `count` is at most [`FUSED_ROWS`].
    ///
    /// # Errors
    ///
    /// As [`Rows::append`].
    pub(super) fn load(&mut self, first: i64, count: usize) -> Result<()> {
        for y in first..first + count as i64 {
            let (held, pixels) = &mut self.rows[Self::place(y)];
            if *held != Some(y) {
                *held = None;
                pixels.clear();
                self.source.append(y, pixels)?;
                *held = Some(y);
            }
        }
        Ok(())
    }

    /// Returns a row that was loaded; for others, some other row.
    pub(super) fn row(&self, y: i64) -> &[u8] {
        self.rows[Self::place(y)].1.as_flattened()
    }
}
