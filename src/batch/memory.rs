//! How the memory a run may take is shared among windows, caches and slides in work.

use crate::{
    error::{Error, Result},
    pipeline::Tiling,
    slide::SlideInfo,
};

/// Bytes that a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(u64);

const MIB: u64 = 1 << 20;
/// The program itself, and pages of files that are being read.
const BASE: u64 = 64 * MIB;
/// Most that one slide's cache of decoded tiles takes.
const CACHE: u64 = 32 * MIB;
/// What every slide in work takes besides: thumbnails, masks, pictures being painted.
const SLIDE: u64 = 14 * MIB;
/// What a slide takes besides where networks look far around every place, so that its windows are larger than their share.
/// Measured: two kidneys side by side in 600 MiB.
const FAR: u64 = 100 * MIB;
/// What each thread beyond the second adds to the usual budget: windows would shrink else, and most of their pixels be halo.
const PER_THREAD: u64 = 100 * MIB;
/// Bytes kept per pixel of a slide: objects and their outlines. A slide full of small fat vacuoles takes about so much.
const BYTES_PER_PX: f64 = 0.5;

impl Default for Memory {
    fn default() -> Self {
        Self(300 * MIB)
    }
}

impl Memory {
    /// Least that can be asked for.
    pub const LEAST: Self = Self(128 * MIB);

    /// Returns a budget of so many bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] below [`Memory::LEAST`].
    pub fn new(bytes: u64) -> Result<Self> {
        if bytes < Self::LEAST.0 {
            return Err(Error::config("--memory", "at least 128M", bytes));
        }
        Ok(Self(bytes))
    }

    /// Returns the usual budget of a run: 300 MiB on one or two threads, 100 MiB more for each further one.
    #[must_use]
    pub fn for_threads(threads: usize) -> Self {
        Self(Self::default().0 + PER_THREAD * threads.saturating_sub(2) as u64)
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// Returns how many slides such as this one are in work at once on so many threads.
    #[must_use]
    pub fn side_by_side(self, info: &SlideInfo, far: bool, threads: usize) -> usize {
        let fit = self.slides() / self.of_slide(info, far);
        usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, threads.max(1))
    }

    /// What all windows in work may take together: of 300 MiB the usual 116, of others the same share.
    pub(super) fn windows(self) -> usize {
        let share = (self.0 - BASE) as f64 / (Self::default().0 - BASE) as f64;
        (share * Tiling::WINDOWS_BYTES as f64) as usize
    }

    /// What slides in work may take together besides.
    pub(super) fn slides(self) -> u64 {
        self.0 - BASE - self.windows() as u64
    }

    /// What one slide's cache of decoded tiles may take.
    pub(super) fn cache(self) -> u64 {
        CACHE.min(self.slides() / 3)
    }

    /// What a slide is expected to take besides its share of windows, with networks that look `far` or without. One that takes
    /// more than [`Memory::slides`] runs alone.
    pub(super) fn of_slide(self, info: &SlideInfo, far: bool) -> u64 {
        let px = info.levels.first().map_or(0.0, |l| l.width as f64 * l.height as f64);
        let cache = self.cache().min((3.0 * px) as u64);
        SLIDE + cache + (BYTES_PER_PX * px) as u64 + if far { FAR } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide::Level;

    #[test]
    fn shares_add_up() {
        for mib in [128, 200, 300, 2048, 1 << 20] {
            let memory = Memory::new(mib * MIB).unwrap();
            assert_eq!(BASE + memory.windows() as u64 + memory.slides(), mib * MIB);
            assert!(memory.cache() <= CACHE && memory.windows() > 0);
        }
        assert_eq!(Memory::default().windows(), Tiling::WINDOWS_BYTES);
        assert!(Memory::new(127 * MIB).is_err());
    }

    #[test]
    fn threads_bring_memory_and_networks_take_it() {
        let mib = |threads| Memory::for_threads(threads).bytes() / MIB;
        assert_eq!([0, 1, 2, 3, 8, 64].map(mib), [300, 300, 300, 400, 900, 6500]);
        let level = Level { width: 2048, height: 2048, downsample: 1.0, tile_width: 256, tile_height: 256 };
        let small = SlideInfo::of_levels(vec![level]);
        let side_by_side = |memory: Memory, far| memory.slides() / memory.of_slide(&small, far);
        assert_eq!(side_by_side(Memory::default(), false), 4);
        assert_eq!(side_by_side(Memory::default(), true), 0, "runs alone");
        assert_eq!(side_by_side(Memory::new(600 * MIB).unwrap(), true), 2);
        let on = |far, threads| Memory::default().side_by_side(&small, far, threads);
        assert_eq!([on(false, 8), on(false, 2), on(true, 8), on(true, 0)], [4, 2, 1, 1]);
    }
}
