//! Tiles that are not stored and show the next finer level.

use std::ops::Range;

use super::{Page, Tiff};
use crate::slide::read::step;

/// Some of the tiles of a level, by their numbers: one bit each, and none while there is no tile.
#[derive(Clone, Debug, Default)]
pub(super) struct TileSet(Vec<u64>);

impl TileSet {
    /// Adds a tile; `tiles` is how many the level has.
    fn insert(&mut self, tile: u64, tiles: u64) {
        if self.0.is_empty() {
            self.0.resize(tiles.div_ceil(64) as usize, 0);
        }
        if let Some(word) = self.0.get_mut((tile / 64) as usize) {
            *word |= 1 << (tile % 64);
        }
    }

    /// Returns whether a tile is one of them.
    pub(super) fn contains(&self, tile: u64) -> bool {
        self.0.get((tile / 64) as usize).is_some_and(|word| word >> (tile % 64) & 1 == 1)
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        let words = (0..).zip(&self.0).filter(|(_, word)| **word != 0);
        words.flat_map(|(i, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| 64 * i + bit)
        })
    }
}

/// Returns the tiles of each level that store nothing, and those made of such tiles of the level before.
pub(super) fn shown_from_finer(tiff: &Tiff, pages: &[&Page]) -> Vec<TileSet> {
    let mut levels: Vec<TileSet> = Vec::with_capacity(pages.len());
    for (i, page) in pages.iter().enumerate() {
        let tiles = page.cols() * page.rows();
        let mut set = TileSet::default();
        (0..tiles).filter(|&tile| page.is_empty(tiff, tile)).for_each(|tile| set.insert(tile, tiles));
        if let (Some(missing), Some(finer)) = (levels.last(), i.checked_sub(1).and_then(|i| pages.get(i))) {
            missing.iter().for_each(|tile| add_made_of(&mut set, page, finer, tile));
        }
        levels.push(set);
    }
    levels
}

/// Adds the tiles of a level that were made of a tile of the finer one.
fn add_made_of(set: &mut TileSet, page: &Page, finer: &Page, tile: u64) {
    let widths = ([finer.width, page.width], [finer.tile_width, page.tile_width]);
    let heights = ([finer.height, page.height], [finer.tile_height, page.tile_height]);
    let columns = below(widths, tile % finer.cols());
    for row in below(heights, tile / finer.cols()) {
        columns.clone().for_each(|col| set.insert(row * page.cols() + col, page.cols() * page.rows()));
    }
}

/// Returns the tiles of a level that show tile `index` of the finer one, along one side of both. What they show less than half
/// a pixel of is rounding.
fn below(([fine, coarse], [fine_tile, coarse_tile]): ([u64; 2], [u32; 2]), index: u64) -> Range<u64> {
    let (step, tile, tiles) =
        (step(fine, coarse), f64::from(coarse_tile), coarse.div_ceil(coarse_tile.into()));
    let at = |index: u64| (index * u64::from(fine_tile)).min(fine) as f64 / step;
    let (start, end) = (at(index), at(index + 1));
    let rounding = ((end - start) / 4.0).min(0.5);
    let first = (((start + rounding) / tile) as u64).min(tiles - 1);
    first..(((end - rounding) / tile).ceil() as u64).clamp(first + 1, tiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_found_by_their_pixels() {
        fn t(sides: [u64; 2], tiles: [u32; 2], expected: &[Range<u64>]) {
            let count = sides[0].div_ceil(tiles[0].into());
            let got: Vec<_> = (0..count).map(|index| below((sides, tiles), index)).collect();
            assert_eq!(got, expected, "{sides:?} {tiles:?}");
        }
        t([1280, 320], [256; 2], &[0..1, 0..1, 0..1, 0..1, 1..2]);
        t([1285, 321], [256; 2], &[0..1, 0..1, 0..1, 0..1, 1..2, 1..2]);
        t([64, 32], [16; 2], &[0..1, 0..1, 1..2, 1..2]);
        t([64, 32], [32, 8], &[0..2, 2..4]);
        t([96, 40], [32, 16], &[0..1, 0..2, 1..3]);
        t([64, 2], [16, 2], &[0..1, 0..1, 0..1, 0..1]);
        t([64, 2], [16, 1], &[0..1, 0..1, 1..2, 1..2]);
    }

    #[test]
    fn sets_hold_what_was_added() {
        let mut set = TileSet::default();
        assert!(!set.contains(0) && set.0.is_empty());
        [0, 63, 64, 129].into_iter().for_each(|tile| set.insert(tile, 130));
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert!(set.contains(64) && !set.contains(65) && !set.contains(9999));
    }
}
