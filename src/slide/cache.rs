//! Decoded tiles, kept for reuse by neighbouring windows.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{TileAt, spare};
use crate::{error::Result, raster::Rgb};

const SHARDS: usize = 16;
const DEFAULT_BUDGET: usize = 32 << 20;

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
    bytes: usize,
    clock: u64,
}

struct Entry {
    slot: Slot,
    bytes: usize,
    used: u64,
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

    /// Returns a tile from the cache, or decodes it once, however many threads ask.
    ///
    /// # Errors
    ///
    /// Those of `decode`; they are not kept.
    pub(super) fn get(&self, at: TileAt, decode: impl FnOnce() -> Result<Option<Rgb>>) -> Result<Tile> {
        let shard = &self.shards[shard_of(at)];
        let slot = lock(shard).touch(at);
        let mut content = lock(&slot);
        if let Some(tile) = content.as_ref() {
            return Ok(tile.clone());
        }
        let tile = decode()?.map(Arc::new);
        *content = Some(tile.clone());
        drop(content);
        let bytes = tile.as_ref().map_or(0, |rgb| rgb.data().len());
        lock(shard).keep(at, bytes, self.budget.load(Ordering::Relaxed) / SHARDS);
        Ok(tile)
    }
}

impl Shard {
    fn touch(&mut self, at: TileAt) -> Slot {
        self.clock += 1;
        let entry =
            self.slots.entry(at).or_insert_with(|| Entry { slot: Slot::default(), bytes: 0, used: 0 });
        entry.used = self.clock;
        entry.slot.clone()
    }

    fn keep(&mut self, at: TileAt, bytes: usize, budget: usize) {
        let Some(entry) = self.slots.get_mut(&at) else { return };
        self.bytes += bytes - entry.bytes.min(bytes);
        entry.bytes = bytes;
        while self.bytes > budget {
            let others = self.slots.iter().filter(|(key, entry)| **key != at && entry.bytes > 0);
            let Some(oldest) = others.min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key) else { break };
            let Some(entry) = self.slots.remove(&oldest) else { break };
            self.bytes -= entry.bytes;
            // Whoever still reads the tile keeps it alive; otherwise its buffer serves the next one.
            let tile =
                Arc::into_inner(entry.slot).and_then(|slot| slot.into_inner().ok()).flatten().flatten();
            if let Some(rgb) = tile.and_then(Arc::into_inner) {
                spare::give(rgb.into_vec());
            }
        }
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
                    cache.get(at(1), || {
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
            cache.get(same_shard(i), tile).unwrap();
            cache.get(same_shard(0), tile).unwrap();
        }
        assert!(cache.get(same_shard(0), again).is_ok());
        assert!(cache.get(same_shard(1), again).is_err());
        assert!(cache.get(same_shard(2), again).is_ok());
    }

    #[test]
    fn errors_are_not_kept() {
        let cache = TileCache::default();
        assert!(cache.get(at(0), || Err(Error::Interrupted)).is_err());
        assert!(cache.get(at(0), || Ok(None)).unwrap().is_none());
    }
}
