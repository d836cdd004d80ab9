//! Regions of a level as they are, without resampling.

use std::{ops::Range, sync::Arc};

use super::rows::Rows;
use crate::{
    error::Result,
    raster::Rgb,
    slide::{Slide, TileAt, cache::Tile},
};

impl Slide {
    /// Copies a rectangle of a level, which is not empty. What the level does not hold is white.
    ///
    /// Whoever reads by whole tiles does not come back for their neighbours: such tiles are decoded past the cache, and a
    /// single one is not even copied.
    pub(super) fn copy(&self, level: usize, columns: Range<i64>, rows: Range<i64>) -> Result<Rgb> {
        let facts = &self.info().levels[level];
        let (width, height) = (side(&columns), side(&rows));
        let cols = whole_tiles(&columns, facts.tile_width, facts.width);
        let tile_rows = whole_tiles(&rows, facts.tile_height, facts.height);
        let past_cache = cols.is_some() && tile_rows.is_some();
        if (width, height) == (facts.tile_width as usize, facts.tile_height as usize)
            && let (Some(col), Some(row)) = (cols, tile_rows)
            && let Some(tile) = self.tile_past_cache(TileAt { level, col: col.start, row: row.start })?
            && (tile.width(), tile.height()) == (width, height)
        {
            return Ok(Arc::unwrap_or_clone(tile));
        }
        let mut source = Rows::new(self, level, columns, rows.clone(), past_cache);
        let mut out = Vec::with_capacity(width * height);
        for y in rows {
            source.append(y, &mut out)?;
        }
        Ok(Rgb::from_vec(width, height, out.into_flattened()).unwrap_or_default())
    }

    /// Returns whether a rectangle of a level is made of whole tiles.
    pub(super) fn are_whole_tiles(&self, level: usize, columns: &Range<i64>, rows: &Range<i64>) -> bool {
        let facts = &self.info().levels[level];
        whole_tiles(columns, facts.tile_width, facts.width).is_some()
            && whole_tiles(rows, facts.tile_height, facts.height).is_some()
    }

    /// Returns a tile that the cache happens to hold, or decodes it.
    pub(super) fn tile_past_cache(&self, at: TileAt) -> Result<Tile> {
        match self.cache.held(at) {
            Some(tile) => Ok(tile),
            None => Ok(self.tile(at)?.map(Arc::new)),
        }
    }
}

fn side(range: &Range<i64>) -> usize {
    usize::try_from(range.end - range.start).unwrap_or(0)
}

/// Returns the tiles that a range of pixels is, if it begins and ends where tiles do.
fn whole_tiles(range: &Range<i64>, tile: u32, level: u64) -> Option<Range<u64>> {
    let (start, end) = (u64::try_from(range.start).ok()?, u64::try_from(range.end).ok()?);
    let tile = u64::from(tile);
    let ends = end % tile == 0 || end == level;
    (start % tile == 0 && start < end && end <= level && ends).then(|| start / tile..end.div_ceil(tile))
}
