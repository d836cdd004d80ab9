//! How far a batch is: a bar on a terminal, a line per slide otherwise.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use histograde::{
    Error,
    batch::{Done, Job},
    slide::Slide,
    watch::Watch,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::console::Console;

const REFRESH: Duration = Duration::from_millis(250);
const PX_PER_MP: f64 = 1e6;

/// Shows progress of one batch.
pub(super) struct Progress<'a> {
    console: &'a Console,
    slides: usize,
    /// Level-0 pixels of each slide; 0 for one that does not open.
    sizes: Vec<u64>,
    bar: Option<Bar>,
}

/// A bar whose length is the pixels of all slides, moved by a thread of its own.
struct Bar {
    bar: ProgressBar,
    shared: Arc<Shared>,
    mover: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    /// Pixels of the slides that are done.
    before: AtomicU64,
    /// Pixels analysed when the slide at hand began.
    start: AtomicU64,
    /// Pixels of the slide at hand, glass included.
    size: AtomicU64,
}

impl<'a> Progress<'a> {
    pub(super) fn new(console: &'a Console, jobs: &[Job], watch: &Arc<Watch>) -> Self {
        // Headers only; sizes are wanted for the remaining time, so not without a bar.
        let size = |job: &Job| {
            let slide = Slide::open(&job.path).ok()?;
            slide.info().levels.first().map(|l| l.width * l.height)
        };
        let shown = console.shows_bar();
        let sizes: Vec<u64> = jobs.iter().map(|job| if shown { size(job).unwrap_or(0) } else { 0 }).collect();
        let bar = shown.then(|| Bar::start(sizes.iter().sum(), watch.clone()));
        console.set_bar(bar.as_ref().map(|b| b.bar.clone()));
        Self { console, slides: jobs.len(), sizes, bar }
    }

    pub(super) fn started(&self, index: usize, job: &Job, watch: &Watch) {
        let place = format!("{}/{} {}", index + 1, self.slides, job.slide_id);
        match &self.bar {
            Some(bar) => {
                bar.shared.start.store(watch.done_px(), Ordering::Relaxed);
                bar.shared.size.store(self.sizes[index], Ordering::Relaxed);
                bar.bar.set_prefix(place);
            }
            None => self.console.detail(format!("{place}: reading {}", job.path.display())),
        }
    }

    pub(super) fn finished(&self, index: usize, done: &Done) {
        if let Some(bar) = &self.bar {
            bar.shared.size.store(0, Ordering::Relaxed);
            bar.shared.before.fetch_add(self.sizes[index], Ordering::Relaxed);
        }
        let place = format!("{}/{} {}", index + 1, self.slides, done.job.slide_id);
        match &done.outcome {
            // Told once, when the run was stopped; the table names every slide.
            Err(Error::Interrupted) => self.console.detail(format!("{place}: not finished")),
            Err(error) => self.console.error(format!("{place}: {}", super::about(&done.job.path, error))),
            Ok(summary) => {
                let mp = summary.analysed_px as f64 / PX_PER_MP;
                let rate = mp / done.seconds.max(1e-3);
                let came = super::words::outcome(summary);
                self.console
                    .say(format!("{place}: {came}; {mp:.1} MP in {:.1} s ({rate:.1} MP/s)", done.seconds));
                for warning in &summary.warnings {
                    self.console.detail(format!("  warning: {warning}"));
                }
            }
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.console.set_bar(None);
    }
}

impl Shared {
    /// Returns how much of the slide at hand is done, in its pixels: as large a share as of its tissue.
    fn part(&self, watch: &Watch) -> u64 {
        let start = self.start.load(Ordering::Relaxed);
        let done = watch.done_px().saturating_sub(start);
        let expected = watch.expected_px().saturating_sub(start).max(1);
        let share = (done as f64 / expected as f64).min(1.0);
        (self.size.load(Ordering::Relaxed) as f64 * share) as u64
    }
}

impl Bar {
    fn start(pixels: u64, watch: Arc<Watch>) -> Self {
        let bar = ProgressBar::new(pixels.max(1));
        let style = "{prefix}  {bar:30} {percent:>3} %  {msg}  {eta} left";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let shared = Arc::new(Shared::default());
        let mover = {
            let (bar, shared) = (bar.clone(), shared.clone());
            thread::spawn(move || {
                let began = Instant::now();
                while !shared.ended.load(Ordering::Relaxed) {
                    let done = watch.done_px();
                    bar.set_position(shared.before.load(Ordering::Relaxed) + shared.part(&watch));
                    let rate = done as f64 / PX_PER_MP / began.elapsed().as_secs_f64().max(0.1);
                    bar.set_message(format!("{rate:.1} MP/s"));
                    thread::sleep(REFRESH);
                }
            })
        };
        Self { bar, shared, mover: Some(mover) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(mover) = self.mover.take() {
            // It only draws; a failure of it changes nothing.
            let _ = mover.join();
        }
        self.bar.finish_and_clear();
    }
}
