//! How far a batch is: a bar on a terminal, a line per slide otherwise.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use histograde::{
    Error,
    batch::{Done, Job},
    store::lock::Owner,
    watch::Watch,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    console::Console,
    words::{self, Told},
};

const REFRESH: Duration = Duration::from_millis(250);
const PX_PER_MP: f64 = 1e6;

/// Shows progress of one batch.
pub(super) struct Progress<'a> {
    console: &'a Console,
    slides: usize,
    state: Arc<Mutex<State>>,
    bar: Option<Bar>,
    told: Told,
}

/// Where the batch is. Files stand for the work in them: their headers are not read for this.
struct State {
    /// Bytes of each slide's file.
    sizes: Vec<u64>,
    total: u64,
    done: usize,
    failed: usize,
    /// Bytes of slides that are done, and of those that were scored in this run.
    done_bytes: u64,
    scored_bytes: u64,
    working: BTreeMap<usize, Arc<Watch>>,
}

/// A bar whose length is the bytes of all slides, moved by a thread of its own.
struct Bar {
    bar: ProgressBar,
    ended: Arc<AtomicBool>,
    mover: Option<JoinHandle<()>>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(console: &'a Console, jobs: &[Job], watch: &Arc<Watch>, told: Told) -> Self {
        let shown = console.shows_bar();
        let size = |job: &Job| if shown { fs::metadata(&job.path).map_or(0, |m| m.len()) } else { 0 };
        let sizes: Vec<u64> = jobs.iter().map(size).collect();
        let state = Arc::new(Mutex::new(State {
            total: sizes.iter().sum::<u64>().max(1),
            sizes,
            done: 0,
            failed: 0,
            done_bytes: 0,
            scored_bytes: 0,
            working: BTreeMap::new(),
        }));
        let bar = shown.then(|| Bar::start(state.clone(), jobs.len(), watch.clone()));
        console.set_bar(bar.as_ref().map(|b| b.bar.clone()));
        Self { console, slides: jobs.len(), state, bar, told }
    }

    pub(super) fn started(&self, index: usize, job: &Job, watch: &Arc<Watch>) {
        lock(&self.state).working.insert(index, watch.clone());
        if self.bar.is_none() {
            let place = format!("{}/{} {}", index + 1, self.slides, job.slide_id);
            self.console.detail(format!("{place}: reading {}", job.path.display()));
        }
    }

    /// Another process has the slide.
    pub(super) fn waiting(&self, job: &Job, owner: Option<&Owner>) {
        let whose = owner.map_or_else(String::new, |o| format!(" (process {} on {})", o.pid, o.host));
        self.console.detail(format!("{}: in work elsewhere{whose}; looked at again later", job.slide_id));
    }

    pub(super) fn finished(&self, index: usize, done: &Done) {
        self.count(index, done);
        let place = format!("{}/{} {}", index + 1, self.slides, done.job.slide_id);
        match &done.outcome {
            // Told once, when the run was stopped; the table names every slide.
            Err(Error::Interrupted) => self.console.detail(format!("{place}: not finished")),
            Err(error) if done.excluded.is_some() => {
                self.console.detail(format!("{place}: {error}"));
                self.warnings(done);
            }
            Err(error) => self.console.error(format!("{place}: {}", super::about(&done.job.path, error))),
            Ok(_) if done.kept => self.console.detail(format!("{place}: kept from an earlier run")),
            Ok(summary) => {
                let mp = summary.analysed_px as f64 / PX_PER_MP;
                let rate = mp / done.seconds.max(1e-3);
                let came = words::outcome(summary, self.told);
                let warnings = match summary.warnings.len() {
                    0 => String::new(),
                    1 => "; 1 warning".to_owned(),
                    n => format!("; {n} warnings"),
                };
                let time = format!("{mp:.1} MP in {:.1} s ({rate:.1} MP/s)", done.seconds);
                self.console.say(format!("{place}: {came}; {time}{warnings}"));
                self.warnings(done);
            }
        }
    }

    fn warnings(&self, done: &Done) {
        for warning in done.facts().iter().flat_map(|summary| &summary.warnings) {
            self.console.detail(format!("  warning: {warning}"));
        }
    }

    fn count(&self, index: usize, done: &Done) {
        let mut state = lock(&self.state);
        state.working.remove(&index);
        let bytes = state.sizes.get(index).copied().unwrap_or(0);
        state.done += 1;
        state.failed += usize::from(done.status() == "failed");
        state.done_bytes += bytes;
        if !done.kept && done.excluded.is_none() {
            state.scored_bytes += bytes;
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.console.set_bar(None);
    }
}

impl State {
    /// Bytes of slides in work that are done: as large a share as of their tissue.
    fn part(&self) -> u64 {
        let one = |(index, watch): (&usize, &Arc<Watch>)| {
            (self.sizes.get(*index).copied().unwrap_or(0) as f64 * watch.share()) as u64
        };
        self.working.iter().map(one).sum()
    }

    /// Seconds that are left if the rest goes as what was scored in this run.
    fn left_s(&self, elapsed_s: f64) -> Option<f64> {
        let part = self.part();
        let scored = (self.scored_bytes + part) as f64;
        let rest = self.total.saturating_sub(self.done_bytes + part) as f64;
        (scored > 0.0).then(|| elapsed_s * rest / scored)
    }
}

impl Bar {
    fn start(state: Arc<Mutex<State>>, slides: usize, watch: Arc<Watch>) -> Self {
        let bar = ProgressBar::new(lock(&state).total);
        let style = "{prefix}  {bar:30} {percent:>3} %  {msg}";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let ended = Arc::new(AtomicBool::new(false));
        let mover = {
            let (bar, ended) = (bar.clone(), ended.clone());
            thread::spawn(move || {
                let began = Instant::now();
                while !ended.load(Ordering::Relaxed) {
                    let elapsed_s = began.elapsed().as_secs_f64().max(0.1);
                    let rate = watch.done_px() as f64 / PX_PER_MP / elapsed_s;
                    let (position, prefix, left) = {
                        let state = lock(&state);
                        let failed = match state.failed {
                            0 => String::new(),
                            n => format!(", {n} failed"),
                        };
                        let prefix = format!("{}/{slides} slides{failed}", state.done);
                        (state.done_bytes + state.part(), prefix, state.left_s(elapsed_s))
                    };
                    bar.set_position(position);
                    bar.set_prefix(prefix);
                    let left = left.map_or_else(String::new, |s| format!("  {} left", words::duration(s)));
                    bar.set_message(format!("{rate:.1} MP/s{left}"));
                    thread::sleep(REFRESH);
                }
            })
        };
        Self { bar, ended, mover: Some(mover) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(mover) = self.mover.take() {
            // It only draws; a failure of it changes nothing.
            let _ = mover.join();
        }
        self.bar.finish_and_clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}
