//! How far a run is, and whether it should stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Shared by reference between whoever works and whoever shows progress or catches Ctrl-C.
#[derive(Debug, Default)]
pub struct Watch {
    stop: AtomicBool,
    done_px: AtomicU64,
    expected_px: AtomicU64,
}

impl Watch {
    /// Asks the work to stop at the next window.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Returns whether the work was asked to stop.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Passes while the work may go on.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`] once [`Watch::stop`] was called.
    pub fn check(&self) -> Result<()> {
        if self.stopped() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Announces level-0 pixels that will be analysed.
    pub fn expect_px(&self, px: u64) {
        self.expected_px.fetch_add(px, Ordering::Relaxed);
    }

    /// Returns the level-0 pixels announced so far, over all slides.
    #[must_use]
    pub fn expected_px(&self) -> u64 {
        self.expected_px.load(Ordering::Relaxed)
    }

    /// Counts level-0 pixels that were analysed.
    pub fn add_px(&self, px: u64) {
        self.done_px.fetch_add(px, Ordering::Relaxed);
    }

    /// Returns the level-0 pixels analysed so far, over all slides.
    #[must_use]
    pub fn done_px(&self) -> u64 {
        self.done_px.load(Ordering::Relaxed)
    }
}
