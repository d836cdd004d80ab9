//! Where the time of a run goes, by stage of the work.
//!
//! Every thread notes what it is at; the time of a stage within another counts for the inner one alone. Sums are of the
//! whole process, over all threads and slides, and steer nothing.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A stage of the work on slides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Finding the tissue on a small level.
    Tissue,
    /// Quality control.
    Quality,
    /// Decoding stored tiles, whichever stage asked for them.
    Decoding,
    /// Putting tiles together to windows, resampled to the working pixel size.
    Reading,
    /// White point, stain vectors, and separation of the stains.
    Stains,
    /// The network of structures.
    Network,
    /// Nuclei.
    Nuclei,
    /// Fat vacuoles.
    Vacuoles,
    /// All else of the pass that finds large structures.
    Structures,
    /// All else of the pass that finds cells and measures the ground between them.
    Cells,
    /// Features, findings and indices.
    Scoring,
    /// Pictures, outlines and tables.
    Writing,
}

impl Stage {
    /// Every stage, in the order of the work.
    pub const ALL: [Self; 12] = [
        Self::Tissue,
        Self::Quality,
        Self::Decoding,
        Self::Reading,
        Self::Stains,
        Self::Network,
        Self::Nuclei,
        Self::Vacuoles,
        Self::Structures,
        Self::Cells,
        Self::Scoring,
        Self::Writing,
    ];

    /// The name under which `run.json` tells its time.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tissue => "tissue",
            Self::Quality => "quality",
            Self::Decoding => "decoding",
            Self::Reading => "reading",
            Self::Stains => "stains",
            Self::Network => "network",
            Self::Nuclei => "nuclei",
            Self::Vacuoles => "vacuoles",
            Self::Structures => "structures",
            Self::Cells => "cells",
            Self::Scoring => "scoring",
            Self::Writing => "writing",
        }
    }
}

/// Nanoseconds by stage.
static SPENT: [AtomicU64; Stage::ALL.len()] = [const { AtomicU64::new(0) }; Stage::ALL.len()];

thread_local! {
    /// What this thread is at, and since when.
    static AT: Cell<Option<(Stage, Instant)>> = const { Cell::new(None) };
}

/// Does some work and adds its time to a stage.
pub fn during<T>(stage: Stage, work: impl FnOnce() -> T) -> T {
    let _end = End(switch(Some(stage)));
    work()
}

/// Returns how long threads were at each stage so far, added up over all threads.
#[must_use]
pub fn spent() -> [(Stage, Duration); Stage::ALL.len()] {
    Stage::ALL.map(|stage| (stage, Duration::from_nanos(SPENT[stage as usize].load(Ordering::Relaxed))))
}

/// Adds the time since the last switch to what this thread was at, and returns that.
fn switch(to: Option<Stage>) -> Option<Stage> {
    let now = Instant::now();
    let (before, since) = AT.replace(to.map(|stage| (stage, now)))?;
    let nanos = now.duration_since(since).as_nanos();
    SPENT[before as usize].fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    Some(before)
}

/// Goes back to the stage before, also when the work panics.
struct End(Option<Stage>);

impl Drop for End {
    fn drop(&mut self) {
        switch(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works for at least so many milliseconds.
    fn work(ms: u64) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(ms) {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn time_within_a_stage_counts_for_the_inner_one_alone() {
        let of = |stage: Stage| spent()[stage as usize].1;
        // No other test scores or writes in these two stages of this thread; sums of the process only grow.
        let start = Instant::now();
        during(Stage::Scoring, || {
            work(4);
            during(Stage::Tissue, || work(30));
            assert_eq!(AT.get().map(|(stage, _)| stage), Some(Stage::Scoring));
        });
        assert_eq!(AT.get(), None);
        assert!(of(Stage::Scoring) >= Duration::from_millis(4));
        assert!(of(Stage::Tissue) >= Duration::from_millis(30));
        assert!(start.elapsed() >= Duration::from_millis(34));
    }

    #[test]
    fn a_panic_ends_its_stage() {
        let caught = std::panic::catch_unwind(|| during(Stage::Writing, || panic!("on purpose")));
        assert!(caught.is_err());
        assert_eq!(AT.get(), None);
    }

    #[test]
    fn stages_lie_in_their_order() {
        for (i, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, i, "{}", stage.name());
        }
    }
}
