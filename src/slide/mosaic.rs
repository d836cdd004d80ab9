//! Levels whose stored tiles overlap or are moved (MIRAX, BIF, SCN): composed onto a regular grid, so
//! that everything above a driver sees tiles side by side.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    TileAt,
    cache::{Part, TileCache},
    limits,
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

/// Side of the composed tiles, in pixels.
pub(super) const SIDE: u32 = 512;
/// Bytes of decoded stored tiles kept, since each is needed for several composed ones.
const KEPT_BYTES: usize = 16 << 20;

/// A rectangle of a stored tile and where it lies on the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patch {
    /// Left edge on the level; may be negative.
    pub(super) x: i64,
    /// Top edge on the level; may be negative.
    pub(super) y: i64,
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// The stored tile, numbered by the driver.
    pub(super) stored: u64,
    /// Left edge inside the stored tile.
    pub(super) left: u32,
    /// Top edge inside the stored tile.
    pub(super) top: u32,
}

/// The patches of one level, in the order they are laid down: where they overlap, the later one shows.
#[derive(Debug, Default)]
pub(super) struct Mosaic {
    patches: Vec<Patch>,
    cells: BTreeMap<(u64, u64), Vec<u32>>,
}

impl Mosaic {
    /// Sorts patches into the composed tiles they touch; what lies left of or above the level is cut.
    ///
    /// # Errors
    ///
    /// [`Error::Limits`] for more patches than any scanner stores.
    pub(super) fn new(patches: Vec<Patch>) -> Result<Self> {
        limits::check("number of stored tiles", patches.len() as u64, limits::MAX_PATCHES)?;
        let mut cells: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        for (index, patch) in (0u32..).zip(&patches) {
            let cell = |v: i64| u64::try_from(v.max(0)).unwrap_or(0) / u64::from(SIDE);
            let ends = [patch.x + i64::from(patch.width), patch.y + i64::from(patch.height)];
            if patch.width == 0 || patch.height == 0 || ends.iter().any(|&end| end <= 0) {
                continue;
            }
            for row in cell(patch.y)..=cell(ends[1] - 1) {
                for col in cell(patch.x)..=cell(ends[0] - 1) {
                    cells.entry((row, col)).or_default().push(index);
                }
            }
        }
        Ok(Self { patches, cells })
    }

    /// Composes tile (`col`, `row`); `None` where no patch lies. What no patch covers is white.
    ///
    /// # Errors
    ///
    /// Those of `load`, which returns a stored tile or `None` when the file stores nothing.
    pub(super) fn compose(
        &self,
        col: u64,
        row: u64,
        mut load: impl FnMut(u64) -> Result<Option<Arc<Rgb>>>,
    ) -> Result<Option<Rgb>> {
        let Some(cell) = self.cells.get(&(row, col)) else { return Ok(None) };
        let mut canvas = None;
        let origin = [col, row].map(|v| (v * u64::from(SIDE)) as i64);
        for &index in cell {
            let patch = &self.patches[index as usize];
            if let Some(tile) = load(patch.stored)? {
                let side = SIDE as usize;
                let canvas = canvas.get_or_insert_with(|| Rgb::filled(side, side, [255; 3]));
                lay(canvas, &tile, patch, origin);
            }
        }
        Ok(canvas)
    }

    /// Returns left, top, right and bottom of all patches; `None` when there are none.
    pub(super) fn extent(&self) -> Option<[i64; 4]> {
        let mut patches = self.patches.iter();
        let edges = |p: &Patch| [p.x, p.y, p.x + i64::from(p.width), p.y + i64::from(p.height)];
        let first = edges(patches.next()?);
        Some(
            patches
                .map(edges)
                .fold(first, |a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]),
        )
    }
}

/// Copies the part of a patch that lies on the canvas, whose first pixel is at `origin` on the level.
fn lay(canvas: &mut Rgb, tile: &Rgb, patch: &Patch, origin: [i64; 2]) {
    // Start on the canvas, start in the stored tile, length; along one axis.
    let cut = |at: i64, length: u32, inside: u32, stored: usize, origin: i64, side: usize| {
        let length = i64::from(length).min(stored as i64 - i64::from(inside));
        let start = at.max(origin);
        let end = (at + length).min(origin + side as i64);
        let from = i64::from(inside) + start - at;
        (start < end).then(|| ((start - origin) as usize, from as usize, (end - start) as usize))
    };
    let across = cut(patch.x, patch.width, patch.left, tile.width(), origin[0], canvas.width());
    let down = cut(patch.y, patch.height, patch.top, tile.height(), origin[1], canvas.height());
    let (Some((x, left, width)), Some((y, top, height))) = (across, down) else { return };
    for dy in 0..height {
        let from = &tile.row(top + dy)[left..left + width];
        canvas.row_mut(y + dy)[x..x + width].copy_from_slice(from);
    }
}

/// Decoded stored tiles of a slide whose levels are mosaics, kept for the neighbours that need them too.
pub(super) struct StoredTiles(TileCache);

impl Default for StoredTiles {
    fn default() -> Self {
        let cache = TileCache::default();
        cache.set_budget(KEPT_BYTES);
        Self(cache)
    }
}

impl StoredTiles {
    /// Returns a stored tile, decoded once however many threads ask.
    ///
    /// # Errors
    ///
    /// Those of `decode`.
    pub(super) fn get(
        &self,
        level: usize,
        stored: u64,
        decode: impl FnOnce() -> Result<Option<Rgb>>,
    ) -> Result<Option<Arc<Rgb>>> {
        self.0.get(TileAt { level, col: stored, row: 0 }, Part::UNKNOWN, decode)
    }
}

/// Returns the error for a composed tile that is not on the level.
pub(super) fn no_such_tile(at: TileAt) -> Error {
    Error::config("tile", "one of the slide", format!("{at:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(x: i64, y: i64, stored: u64) -> Patch {
        Patch { x, y, width: 20, height: 10, stored, left: 0, top: 0 }
    }

    fn load(stored: u64) -> Result<Option<Arc<Rgb>>> {
        Ok((stored != 9).then(|| Arc::new(Rgb::filled(20, 10, [stored as u8; 3]))))
    }

    #[test]
    fn later_patches_cover_earlier_ones() {
        let mosaic = Mosaic::new(vec![patch(-5, 0, 1), patch(10, 5, 2), patch(505, 0, 3)]).unwrap();
        assert_eq!(mosaic.extent(), Some([-5, 0, 525, 15]));
        let tile = mosaic.compose(0, 0, load).unwrap().unwrap();
        let at = |x: usize, y: usize| tile.row(y)[x][0];
        assert_eq!([at(0, 0), at(14, 0), at(15, 0)], [1, 1, 255]);
        assert_eq!([at(9, 5), at(10, 5), at(14, 9), at(29, 14), at(30, 14)], [1, 2, 2, 2, 255]);
        assert_eq!([at(504, 0), at(505, 0), at(511, 9)], [255, 3, 3]);
        let next = mosaic.compose(1, 0, load).unwrap().unwrap();
        assert_eq!([next.row(9)[12][0], next.row(9)[13][0]], [3, 255]);
        assert!(mosaic.compose(0, 1, load).unwrap().is_none());
    }

    #[test]
    fn patches_are_cut_to_what_is_stored() {
        let wide = Patch { width: 30, left: 15, ..patch(0, 0, 4) };
        let mosaic = Mosaic::new(vec![wide, patch(100, 0, 9)]).unwrap();
        let tile = mosaic.compose(0, 0, load).unwrap().unwrap();
        assert_eq!([tile.row(0)[4][0], tile.row(0)[5][0], tile.row(0)[100][0]], [4, 255, 255]);
    }
}
