//! How far a run is, and whether it should stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// Shared by reference between whoever works and whoever shows progress or catches Ctrl-C.
#[derive(Debug, Default)]
pub struct Watch {
    stop: AtomicBool,
    done_px: AtomicU64,
    expected_px: AtomicU64,
    /// When this slide began and how long it may take.
    limit: Option<(Instant, Duration)>,
    /// The watch of the whole run, when this is that of one slide.
    run: Option<Arc<Watch>>,
}

impl Watch {
    /// Returns the watch of one slide: it stops with the run, counts for both, and ends after `limit` from now.
    /// Time is that of a steady clock, which setting the machine's clock does not move.
    #[must_use]
    pub fn of_slide(run: &Arc<Self>, limit: Option<Duration>) -> Self {
        let limit = limit.map(|limit| (Instant::now(), limit));
        Self { limit, run: Some(run.clone()), ..Self::default() }
    }

    /// Asks the work to stop at the next window.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Returns whether the work was asked to stop.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.run.as_ref().is_some_and(|run| run.stopped())
    }

    /// Passes while the work may go on.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`] once [`Watch::stop`] was called; [`Error::TimedOut`] once a slide took too long.
    pub fn check(&self) -> Result<()> {
        if self.stopped() {
            return Err(Error::Interrupted);
        }
        match self.limit {
            Some((start, limit)) if start.elapsed() > limit => {
                Err(Error::TimedOut { limit_s: limit.as_secs_f64() })
            }
            _ => Ok(()),
        }
    }

    /// Announces level-0 pixels that will be analysed.
    pub fn expect_px(&self, px: u64) {
        self.expected_px.fetch_add(px, Ordering::Relaxed);
        self.run.iter().for_each(|run| run.expect_px(px));
    }

    /// Returns the level-0 pixels announced so far.
    #[must_use]
    pub fn expected_px(&self) -> u64 {
        self.expected_px.load(Ordering::Relaxed)
    }

    /// Counts level-0 pixels that were analysed.
    pub fn add_px(&self, px: u64) {
        self.done_px.fetch_add(px, Ordering::Relaxed);
        self.run.iter().for_each(|run| run.add_px(px));
    }

    /// Returns the level-0 pixels analysed so far.
    #[must_use]
    pub fn done_px(&self) -> u64 {
        self.done_px.load(Ordering::Relaxed)
    }

    /// Returns the share of the announced pixels that was analysed, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        match self.expected_px() {
            0 => 0.0,
            expected => (self.done_px() as f64 / expected as f64).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slide_stops_with_its_run_or_when_its_time_is_over() {
        let run = Arc::new(Watch::default());
        let slide = Watch::of_slide(&run, None);
        slide.expect_px(10);
        slide.add_px(5);
        assert_eq!((run.done_px(), slide.share()), (5, 0.5));
        assert!(slide.check().is_ok());
        let late = Watch::of_slide(&run, Some(Duration::ZERO));
        std::thread::sleep(Duration::from_millis(2));
        assert!(matches!(late.check(), Err(Error::TimedOut { .. })));
        run.stop();
        assert!(matches!(slide.check(), Err(Error::Interrupted)));
        assert!(matches!(late.check(), Err(Error::Interrupted)));
    }
}
