//! Decoded tiles, kept for reuse by neighbouring windows.
//!
//! A tile of which every part was read goes before one of which parts are still to come: a sweep by rows of windows then
//! decodes each tile once, with room for one row of tiles and not for three.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Level, TileAt, spare};
use crate::{
    error::Result,
    raster::Rgb,
    stages::{Stage, during},
};

const SHARDS: usize = 8;
const DEFAULT_BUDGET: usize = 32 << 20;
/// A tile that was among the last so many of its shard may be needed for a margin, even if all of it was read.
const RECENT: u64 = 4;
/// Tiles of a shard that are remembered as read in part after they had to go.
const REMEMBERED: usize = 4096;
/// Parts of a tile, along each side.
const PARTS: usize = 8;

/// The parts of a tile that were read: one bit for each of 8 × 8 places spread evenly over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part(u64);

impl Part {
    const WHOLE: Self = Self(u64::MAX);
    /// For tiles that are read by no rectangle of their own.
    pub(super) const UNKNOWN: Self = Self(0);

    /// Returns which parts of a tile lie in a rectangle of its level. What lies outside the level counts as read.
    pub(super) fn of(level: &Level, at: TileAt, columns: &Range<i64>, rows: &Range<i64>) -> Self {
        let along = |range: &Range<i64>, index: u64, tile: u32, side: u64| {
            let corner = (index * u64::from(tile)) as i64;
            let places =
                (0..PARTS as i64).map(|i| corner + (2 * i + 1) * i64::from(tile) / (2 * PARTS as i64));
            let read = places.map(|place| u64::from(place >= side as i64 || range.contains(&place)));
            read.enumerate().fold(0, |bits, (i, read)| bits | read << i)
        };
        let across = along(columns, at.col, level.tile_width, level.width);
        let down = along(rows, at.row, level.tile_height, level.height);
        Self((0..PARTS).filter(|i| down >> i & 1 == 1).fold(0, |bits, i| bits | across << (PARTS * i)))
    }
}

/// A decoded tile; `None` when the file stores nothing there.
pub(super) type Tile = Option<Arc<Rgb>>;

/// A tile being decoded or decoded: whoever locks it first decodes, the others wait and share.
type Slot = Arc<Mutex<Option<Tile>>>;

/// Keeps the most recently used tiles up to a number of bytes, shared by all threads.
pub(super) struct TileCache {
    shards: [Mutex<Shard>; SHARDS],
    budget: AtomicUsize,
}

#[derive(Default)]
struct Shard {
    slots: BTreeMap<TileAt, Entry>,
    /// What was read of tiles that are no longer here.
    gone: BTreeMap<TileAt, Part>,
    bytes: usize,
    clock: u64,
}

struct Entry {
    slot: Slot,
    bytes: usize,
    used: u64,
    read: Part,
}

impl Default for TileCache {
    fn default() -> Self {
        Self { shards: Default::default(), budget: AtomicUsize::new(DEFAULT_BUDGET) }
    }
}

impl TileCache {
    /// Sets how many bytes are kept. Every shard always keeps the tile it was last asked for.
    pub(super) fn set_budget(&self, bytes: usize) {
        self.budget.store(bytes, Ordering::Relaxed);
    }

    /// Returns a tile from the cache, or decodes it once, however many threads ask. `part` is what of it will be read.
    ///
    /// # Errors
    ///
    /// Those of `decode`; they are not kept.
    pub(super) fn get(
        &self,
        at: TileAt,
        part: Part,
        decode: impl FnOnce() -> Result<Option<Rgb>>,
    ) -> Result<Tile> {
        let shard = &self.shards[shard_of(at)];
        let slot = lock(shard).touch(at, part);
        let mut content = lock(&slot);
        if let Some(tile) = content.as_ref() {
            return Ok(tile.clone());
        }
        let tile = during(Stage::Decoding, decode)?.map(Arc::new);
        *content = Some(tile.clone());
        drop(content);
        let bytes = tile.as_ref().map_or(0, |rgb| rgb.data().len());
        lock(shard).keep(at, bytes, self.budget.load(Ordering::Relaxed) / SHARDS);
        Ok(tile)
    }

    /// Returns a tile if it is here, as after a [`TileCache::get`].
    pub(super) fn held(&self, at: TileAt) -> Option<Tile> {
        let slot = lock(&self.shards[shard_of(at)]).slots.get(&at)?.slot.clone();
        let content = lock(&slot);
        content.clone()
    }
}

impl Shard {
    fn touch(&mut self, at: TileAt, part: Part) -> Slot {
        self.clock += 1;
        let new = || {
            let read = self.gone.remove(&at).unwrap_or(Part::UNKNOWN);
            Entry { slot: Slot::default(), bytes: 0, used: 0, read }
        };
        let entry = self.slots.entry(at).or_insert_with(new);
        entry.used = self.clock;
        entry.read.0 |= part.0;
        entry.slot.clone()
    }

    fn keep(&mut self, at: TileAt, bytes: usize, budget: usize) {
        let Some(entry) = self.slots.get_mut(&at) else { return };
        self.bytes += bytes - entry.bytes.min(bytes);
        entry.bytes = bytes;
        while self.bytes > budget {
            let others = self.slots.iter().filter(|(key, entry)| **key != at && entry.bytes > 0);
            let needed = |entry: &Entry| entry.read != Part::WHOLE || entry.used + RECENT > self.clock;
            let least = others.min_by_key(|(_, entry)| (needed(entry), entry.used)).map(|(key, _)| *key);
            let Some((at, entry)) = least.and_then(|least| self.slots.remove_entry(&least)) else { break };
            self.bytes -= entry.bytes;
            if entry.read != Part::WHOLE && entry.read != Part::UNKNOWN {
                self.remember(at, entry.read);
            }
            // Whoever still reads the tile keeps it alive; otherwise its buffer serves the next one.
            let tile =
                Arc::into_inner(entry.slot).and_then(|slot| slot.into_inner().ok()).flatten().flatten();
            if let Some(rgb) = tile.and_then(Arc::into_inner) {
                spare::give(rgb.into_vec());
            }
        }
    }

    /// Should a tile come back for its other parts, it is known when all of it was read.
    fn remember(&mut self, at: TileAt, read: Part) {
        if self.gone.len() >= REMEMBERED {
            self.gone.clear();
        }
        self.gone.insert(at, read);
    }
}

/// Spreads neighbouring tiles over the shards.
fn shard_of(at: TileAt) -> usize {
    ((at.col + 5 * at.row + 11 * at.level as u64) % SHARDS as u64) as usize
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::Error;

    fn at(col: u64) -> TileAt {
        TileAt { level: 0, col, row: 0 }
    }

    #[test]
    fn a_tile_is_decoded_once_by_many_threads() {
        let (cache, decoded) = (TileCache::default(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    cache.get(at(1), Part::WHOLE, || {
                        decoded.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        Ok(Some(Rgb::filled(4, 4, [1; 3])))
                    })
                });
            }
        });
        assert_eq!(decoded.into_inner(), 1);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = TileCache::default();
        cache.set_budget(SHARDS * 100);
        let tile = || Ok(Some(Rgb::filled(4, 4, [0; 3])));
        let again = || Err(Error::Interrupted);
        let same_shard = |i: u64| at(i * SHARDS as u64);
        for i in 0..3 {
            cache.get(same_shard(i), Part::UNKNOWN, tile).unwrap();
            cache.get(same_shard(0), Part::UNKNOWN, tile).unwrap();
        }
        assert!(cache.get(same_shard(0), Part::UNKNOWN, again).is_ok());
        assert!(cache.get(same_shard(1), Part::UNKNOWN, again).is_err());
        assert!(cache.get(same_shard(2), Part::UNKNOWN, again).is_ok());
    }

    #[test]
    fn errors_are_not_kept() {
        let cache = TileCache::default();
        assert!(cache.get(at(0), Part::WHOLE, || Err(Error::Interrupted)).is_err());
        assert!(cache.get(at(0), Part::WHOLE, || Ok(None)).unwrap().is_none());
    }

    #[test]
    fn tiles_with_parts_to_come_outlast_those_that_were_read() {
        let cache = TileCache::default();
        cache.set_budget(SHARDS * 400);
        let tile = || Ok(Some(Rgb::filled(4, 4, [0; 3])));
        let again = || Err(Error::Interrupted);
        let same_shard = |i: u64| at(i * SHARDS as u64);
        cache.get(same_shard(0), Part(1), tile).unwrap();
        for i in 1..20 {
            cache.get(same_shard(i), Part::WHOLE, tile).unwrap();
        }
        assert!(cache.get(same_shard(0), Part(2), again).is_ok());
        assert!(cache.get(same_shard(19), Part::WHOLE, again).is_ok());
        assert!(cache.get(same_shard(1), Part::WHOLE, again).is_err());
    }

    #[test]
    fn rectangles_side_by_side_read_all_of_a_tile() {
        let level = Level { width: 300, height: 300, downsample: 1.0, tile_width: 256, tile_height: 256 };
        let t = |col: u64, row: u64, rectangles: &[[Range<i64>; 2]], whole: bool| {
            let parts = rectangles
                .iter()
                .map(|[columns, rows]| Part::of(&level, TileAt { level: 0, col, row }, columns, rows));
            let all = parts.reduce(|a, b| {
                assert_eq!(
                    a.0 & b.0 & !Part::of(&level, TileAt { level: 0, col, row }, &(0..0), &(0..0)).0,
                    0
                );
                Part(a.0 | b.0)
            });
            assert_eq!(all == Some(Part::WHOLE), whole, "{rectangles:?}");
        };
        t(0, 0, &[[0..256, 0..256]], true);
        t(0, 0, &[[-50..300, -3..1000]], true);
        t(0, 0, &[[0..100, 0..300], [100..400, 0..300]], true);
        t(0, 0, &[[0..100, 0..77], [100..256, 0..77], [0..100, 77..256]], false);
        t(1, 0, &[[256..300, 0..256]], true);
        t(1, 1, &[[256..300, 256..300]], true);
        t(1, 1, &[[256..260, 256..300]], false);
    }
}
