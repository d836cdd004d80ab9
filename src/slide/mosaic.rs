//! Levels whose stored tiles overlap or are moved (MIRAX, BIF, SCN): composed onto a regular grid, so
//! that everything above a driver sees tiles side by side.

use std::{ops::Range, sync::Arc};

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

/// What the mosaics of a slide may still hold. A small file can tell of many patches, and of patches on many composed tiles.
#[derive(Default)]
pub(super) struct Room {
    taken: u64,
}

impl Room {
    /// Bytes of a patch, and of its place in a list being sorted, by those of one that a composed tile lists.
    const PATCH: u64 = 12;

    /// Makes room for patches, before they are listed.
    ///
    /// # Errors
    ///
    /// [`Error::Limits`] for more than any scanner stores.
    pub(super) fn take_patches(&mut self, count: u64) -> Result<()> {
        self.take(count.saturating_mul(Self::PATCH))
    }

    fn take(&mut self, parts: u64) -> Result<()> {
        self.taken = self.taken.saturating_add(parts);
        limits::check("room that stored tiles and their places take", self.taken, limits::MAX_MOSAIC)
    }
}

/// The patches of one level, in the order they are laid down: where they overlap, the later one shows.
#[derive(Debug, Default)]
pub(super) struct Mosaic {
    patches: Vec<Patch>,
    /// Row and column of a composed tile, and a patch that touches it; sorted.
    cells: Vec<(u16, u16, u32)>,
}

impl Mosaic {
    /// Sorts patches into the composed tiles they touch; what lies beside the level, of this width and height, is cut.
    ///
    /// # Errors
    ///
    /// [`Error::Limits`] for a level or patches larger than any scanner stores.
    pub(super) fn new(patches: Vec<Patch>, size: [u64; 2], room: &mut Room) -> Result<Self> {
        limits::check("number of stored tiles", patches.len() as u64, limits::MAX_PATCHES)?;
        for side in size {
            limits::check("side of a level", side, limits::MAX_SIDE)?;
        }
        let touched = |p: &Patch| [touched(p.y, p.height, size[1]), touched(p.x, p.width, size[0])];
        let count = patches
            .iter()
            .map(|patch| touched(patch).map(|range| range.len() as u64).iter().product::<u64>());
        let count = count.sum();
        room.take(count)?;
        let mut cells = Vec::with_capacity(count as usize);
        for (index, patch) in (0u32..).zip(&patches) {
            let [rows, columns] = touched(patch);
            cells.extend(rows.flat_map(|row| columns.clone().map(move |col| (row, col, index))));
        }
        cells.sort_unstable();
        Ok(Self { patches, cells })
    }

    /// Returns the patches that touch a composed tile, in the order they are laid down.
    fn at(&self, col: u64, row: u64) -> &[(u16, u16, u32)] {
        let (Ok(row), Ok(col)) = (u16::try_from(row), u16::try_from(col)) else { return &[] };
        let start = self.cells.partition_point(|cell| (cell.0, cell.1) < (row, col));
        let length = self.cells[start..].partition_point(|cell| (cell.0, cell.1) == (row, col));
        &self.cells[start..start + length]
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
        let mut canvas = None;
        let origin = [col, row].map(|v| (v * u64::from(SIDE)) as i64);
        for &(.., index) in self.at(col, row) {
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

/// Returns the composed tiles along one side of a level that a patch touches.
fn touched(start: i64, length: u32, side: u64) -> Range<u16> {
    let inside = |at: i64| u64::try_from(at).unwrap_or(0).min(side);
    let (start, end) = (inside(start), inside(start.saturating_add(length.into())));
    if start >= end {
        return 0..0;
    }
    let tile = |v: u64| u16::try_from(v).unwrap_or(u16::MAX);
    tile(start / u64::from(SIDE))..tile(end.div_ceil(SIDE.into()))
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

    fn mosaic(patches: Vec<Patch>, size: [u64; 2]) -> Result<Mosaic> {
        Mosaic::new(patches, size, &mut Room::default())
    }

    fn load(stored: u64) -> Result<Option<Arc<Rgb>>> {
        Ok((stored != 9).then(|| Arc::new(Rgb::filled(20, 10, [stored as u8; 3]))))
    }

    #[test]
    fn later_patches_cover_earlier_ones() {
        let mosaic = mosaic(vec![patch(-5, 0, 1), patch(10, 5, 2), patch(505, 0, 3)], [525, 15]).unwrap();
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
        let mosaic = mosaic(vec![wide, patch(100, 0, 9)], [120, 10]).unwrap();
        let tile = mosaic.compose(0, 0, load).unwrap().unwrap();
        assert_eq!([tile.row(0)[4][0], tile.row(0)[5][0], tile.row(0)[100][0]], [4, 255, 255]);
    }

    #[test]
    fn patches_are_cut_to_their_level() {
        let wide = Patch { width: 1 << 26, height: 1, ..patch(-7, 3, 1) };
        let cut = mosaic(vec![wide; 500], [1000, 600]).unwrap();
        assert_eq!((cut.cells.len(), cut.at(1, 0).len(), cut.at(2, 0).len()), (1000, 500, 0));
        let beside = [patch(1000, 0, 1), patch(-20, 0, 1), patch(0, 600, 1), patch(0, -10, 1)];
        assert!(mosaic(beside.to_vec(), [1000, 600]).unwrap().cells.is_empty());
        let error = mosaic(vec![wide; 5000], [limits::MAX_SIDE, 600]).unwrap_err().to_string();
        let expected =
            "room that stored tiles and their places take is 40960000, more than the limit of 33554432";
        assert_eq!(error, expected);
        assert!(Room::default().take_patches(u64::MAX).is_err());
    }
}
