//! Writes the files of each slide, through the result store.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use histograde::{
    Error, Result, Slide,
    batch::{Claim, Done, Job, Listener},
    pipeline::{SlideResult, Summary, checkpoint::Checkpoint},
    report::{fields, geojson, overview, slide_json},
    score::rubric::Rubric,
    store::{self, Found, Kept, Lock, Look, Store, Taken, Why},
    watch::Watch,
};

use super::{super::progress::Progress, log::Log};
use crate::cli::console::Console;

/// The files of one slide.
pub(super) const FILES: [&str; 8] = [
    "objects.geojson",
    "overview.png",
    "result.json",
    overview::REPORT_PICTURES[0],
    overview::REPORT_PICTURES[1],
    overview::REPORT_PICTURES[2],
    "quality.png",
    "fields.csv",
];

pub(super) struct Writer<'a> {
    pub(super) out: PathBuf,
    pub(super) rubric: &'a Rubric,
    pub(super) store: &'a Store,
    /// Only what is there counts.
    pub(super) gather: bool,
    pub(super) explain: bool,
    /// Time between checkpoints of a slide; `None` for none.
    pub(super) checkpoint_every: Option<Duration>,
    pub(super) watch: Arc<Watch>,
    pub(super) progress: Progress<'a>,
    pub(super) console: &'a Console,
    pub(super) log: &'a Log<'a>,
    /// The record of each slide that is done, by slide id.
    pub(super) records: Mutex<BTreeMap<String, Kept>>,
}

/// What is held while a slide is in work.
pub(super) struct Held {
    lock: Lock,
    look: Look,
    start: Instant,
    /// Whether the result was kept; a failure after that is not the slide's.
    kept: AtomicBool,
}

impl Writer<'_> {
    fn folder(&self, job: &Job) -> PathBuf {
        self.out.join("slides").join(&job.slide_id)
    }

    fn explained(&self, job: &Job, why: &str) {
        if self.explain {
            self.console.explain(format!("{}: {why}", job.slide_id));
        }
    }

    fn note(&self, job: &Job, kept: Option<Kept>) {
        if let Some(kept) = kept {
            self.records.lock().unwrap_or_else(|e| e.into_inner()).insert(job.slide_id.clone(), kept);
        }
    }

    /// Returns the records of slides that are done.
    pub(super) fn into_records(self) -> BTreeMap<String, Kept> {
        self.records.into_inner().unwrap_or_else(|e| e.into_inner())
    }

    /// Tells what became of a checkpoint.
    fn noted(&self, job: &Job, text: &str) {
        self.log.checkpoint(job, text);
        if self.explain {
            self.console.explain(format!("{}: {text}", job.slide_id));
        } else {
            self.console.detail(format!("{}: {text}", job.slide_id));
        }
    }

    /// Notes for `status` that a slide is missing.
    fn refused(&self, job: &Job, error: Error) -> Error {
        if matches!(error, Error::Missing { .. }) && !self.gather {
            let noted = self.store.keep_missing(job, self.rubric, &error);
            // The table tells as well.
            let _ = noted.inspect_err(|error| self.stop_if_full(error));
        }
        error
    }

    fn kept(
        &self,
        job: &Job,
        outcome: Box<Result<Summary>>,
        seconds: f64,
        record: Option<Kept>,
    ) -> Claim<Held> {
        self.note(job, record);
        self.store.tidy(job);
        match outcome.as_ref() {
            Ok(_) => self.explained(job, "kept: slide, settings, program and files are as they were"),
            Err(_) => self.explained(job, "kept as failed: it would fail again; --retry-failed tries"),
        }
        Claim::Kept(outcome, seconds)
    }
}

impl Listener for Writer<'_> {
    type Held = Held;

    fn claim(&self, _index: usize, job: &Job) -> Result<Claim<Held>> {
        let look = self.store.look(job, self.rubric);
        match look.found {
            Found::Kept(outcome, seconds) => return Ok(self.kept(job, outcome, seconds, look.kept)),
            Found::Refused(error) => return Err(self.refused(job, *error)),
            Found::Stale(why) if self.gather => {
                let why = if matches!(why, Why::New) { String::new() } else { why.to_string() };
                return Err(Error::NotScored { why });
            }
            Found::Stale(_) => {}
        }
        let lock = match self.store.lock(job).inspect_err(|error| self.stop_if_full(error))? {
            Taken::Ours(lock) => lock,
            Taken::Busy(owner) => {
                self.progress.waiting(job, owner.as_ref());
                return Ok(Claim::Busy);
            }
        };
        // Somebody else may have finished it in between.
        let look = self.store.look(job, self.rubric);
        let why = match look.found {
            Found::Kept(outcome, seconds) => return Ok(self.kept(job, outcome, seconds, look.kept)),
            Found::Refused(error) => return Err(self.refused(job, *error)),
            Found::Stale(ref why) => why.to_string(),
        };
        self.explained(job, &format!("scored: {why}"));
        self.log.claimed(job, &why);
        if !lock.is_ours() {
            self.stood_still(job);
            return Ok(Claim::Busy);
        }
        self.store.clear(job, &FILES)?;
        match self.store.sweep_windows(job, &look) {
            (0, _) => {}
            _ => self
                .noted(job, "checkpoint ignored: made with other settings, another slide or another program"),
        }
        Ok(Claim::Score(Held { lock, look, start: Instant::now(), kept: AtomicBool::new(false) }))
    }

    fn held(&self, job: &Job) -> Result<Option<(Result<Summary>, f64)>> {
        let look = self.store.look(job, self.rubric);
        match look.found {
            Found::Kept(outcome, seconds) => {
                self.note(job, look.kept);
                Ok(Some((*outcome, seconds)))
            }
            Found::Refused(error) => Err(*error),
            Found::Stale(_) => Ok(None),
        }
    }

    fn keep(&self, job: &Job, held: &Held, slide: &Slide, result: &SlideResult, watch: &Watch) -> Result<()> {
        let folder = self.folder(job);
        let ours = || held.lock.check();
        let write = || {
            let objects = || {
                ours()?;
                geojson::write(&folder.join(FILES[0]), &job.slide_id, result)?;
                // Now the slide is still in memory.
                self.store.whole(job)
            };
            let overview = || {
                ours()?;
                overview::write(slide, result, &job.slide_id, &folder.join(FILES[1]))
            };
            let others = || {
                ours()?;
                overview::write_report_pictures(slide, result, &folder)?;
                ours()?;
                overview::write_quality(slide, result, &job.slide_id, &folder.join(FILES[6]))
            };
            let (objects, (overview, others)) = rayon::join(objects, || rayon::join(overview, others));
            let whole = objects.and_then(|whole| overview.and(others).map(|()| whole))?;
            watch.check()?;
            ours()?;
            if let Some(wanted) = &job.options.fields {
                let remark = fields::write(&folder.join(FILES[7]), wanted, &job.slide_id, result)?;
                remark.into_iter().for_each(|r| self.console.say(format!("{}: fields: {r}", job.slide_id)));
            }
            slide_json::write(&folder.join(FILES[2]), &job.slide_id, &result.summary, self.rubric.origin())?;
            // Only a slide that was done in time counts, and none that was stopped.
            watch.check()?;
            let seconds = held.start.elapsed().as_secs_f64();
            let done = store::Done { summary: &result.summary, seconds, whole: &whole };
            let written: Vec<&str> = FILES.into_iter().filter(|name| folder.join(name).is_file()).collect();
            self.store.keep(job, &held.look, &held.lock, &written, &done)
        };
        let kept = write().inspect_err(|e| self.stop_if_full(e))?;
        held.kept.store(true, Ordering::Relaxed);
        self.note(job, Some(kept));
        Ok(())
    }

    fn checkpoint<'a>(&'a self, job: &'a Job, held: &'a Held) -> Option<Checkpoint<'a>> {
        let every = self.checkpoint_every?;
        self.store.checkpoint(job, &held.look, &held.lock, every, |text| self.noted(job, text))
    }

    fn lost(&self, job: &Job, held: &Held) -> bool {
        let lost = !held.kept.load(Ordering::Relaxed) && !held.lock.is_ours();
        if lost {
            self.stood_still(job);
        }
        lost
    }

    fn failed(&self, job: &Job, held: &Held, error: &Error, seconds: f64) {
        // What lies there is the slide's result, or another process's.
        if held.kept.load(Ordering::Relaxed) || !held.lock.is_ours() {
            return;
        }
        // Only what stopped from outside is worth going on with.
        if !matches!(error, Error::Interrupted | Error::TimedOut { .. }) {
            self.store.forget_windows(job);
        }
        // Files without a record would be taken for a result by people.
        let cleared = self.store.clear(job, &FILES);
        let keep = || self.store.keep_failure(job, &held.look, &held.lock, error, seconds);
        match cleared.and_then(|()| keep()) {
            Ok(kept) => self.note(job, kept),
            Err(error) => {
                self.console.error(format!("{}: the failure itself could not be kept: {error}", job.slide_id))
            }
        }
    }

    fn started(&self, index: usize, job: &Job, watch: &Arc<Watch>) {
        self.progress.started(index, job, watch);
    }

    fn finished(&self, index: usize, done: &Done) {
        self.progress.finished(index, done);
        self.log.finished(done);
    }
}

impl Writer<'_> {
    fn stood_still(&self, job: &Job) {
        self.console.say(format!(
            "{}: this process stood still and another took the slide over; its result is waited for",
            job.slide_id
        ));
    }

    /// Stops the run when nothing can be written any more: every further slide would be scored in vain.
    fn stop_if_full(&self, error: &Error) {
        static TOLD: Mutex<bool> = Mutex::new(false);
        let Error::Io { source, .. } = error else { return };
        let full =
            [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::ReadOnlyFilesystem];
        let mut told = TOLD.lock().unwrap_or_else(|e| e.into_inner());
        if full.contains(&source.kind()) && !*told {
            *told = true;
            self.console.error(format!("stopping, because nothing can be written any more: {error}"));
            self.watch.stop();
        }
    }
}
