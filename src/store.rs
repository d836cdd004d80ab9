//! The result store: which slides of an output folder are done, whether that still holds, and who is at work.
//!
//! `OUT/slides/<slide_id>/` holds what people read. `OUT/store/<slide_id>/` holds, for the same slide,
//! - `<key>.json`, written last: the numbers that tables are made of, and size and SHA-256 of every file of the slide.
//!   The key is made of the slide's content, the settings, algorithm, model and layout ([`Key`]). While it is there and
//!   agrees with the files, the slide is not scored again;
//! - `<key>.error.json`: why the slide failed, when the same file with the same settings would fail again;
//! - `seen.json`: sizes and times of files when they were last hashed, so that they need not be hashed again, and how long
//!   the slide took. The only file here that depends on the machine; it may be lost at any time;
//! - `<key>.structures.windows`, `<key>.cells.windows`: windows of a large slide in work that are done
//!   ([`crate::pipeline::checkpoint`]); they go when the slide is done;
//! - `lock`: who is scoring the slide ([`lock`]).

mod facts;
mod fingerprint;
mod key;
pub mod lock;
mod owner;
mod record;
mod seen;
mod source;
mod state;
mod tidy;
mod why;
mod windows;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

pub use self::{
    facts::Facts,
    fingerprint::fingerprint,
    key::{ALGORITHM, Key},
    lock::{Lock, Locks, Taken},
    source::Source,
    state::{Overview, others, overview},
    why::Why,
};
use self::{
    record::{Record, graded},
    seen::Seen,
};
use crate::{
    batch::Job,
    error::{Error, Result},
    file,
    pipeline::Summary,
    report::{
        partial::write_whole,
        run_json::{self, Fingerprint},
    },
    score::rubric::Rubric,
};

/// Folder of the store inside the output folder.
pub const FOLDER: &str = "store";

/// The longest time for one slide, when it is asked whether a time-out holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// Whatever a slide was given: nothing is to be scored.
    #[default]
    Any,
    /// What each slide is given now; `None` for no limit.
    Of(Option<Duration>),
}

/// How earlier results are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Use none: score everything again.
    pub fresh: bool,
    /// Score again what failed.
    pub retry_failed: bool,
    /// Hash every file, also those whose size and times are as they were.
    pub verify: bool,
    /// A slide that took too long under another limit is scored again.
    pub limit: Limit,
}

/// The store of one output folder.
#[derive(Debug)]
pub struct Store {
    out: PathBuf,
    policy: Policy,
    locks: Locks,
}

/// What the store knows of a slide.
#[derive(Debug)]
pub struct Look {
    /// What the slide is now; `None` when it cannot be read.
    slide: Option<(Key, Vec<Facts>)>,
    /// What was found.
    pub found: Found,
}

/// Whether there is a result that holds.
#[derive(Debug)]
pub enum Found {
    /// A result, or a failure that would come again, and the seconds it took.
    Kept(Box<Result<Summary>>, f64),
    /// Nothing is to be done: the slide is not there, or its place is another's. What is there stays.
    Refused(Box<Error>),
    /// None that holds, and why.
    Stale(Why),
}

impl Store {
    /// Opens the store of an output folder; makes nothing.
    #[must_use]
    pub fn new(out: &Path, policy: Policy) -> Self {
        Self { out: out.to_owned(), policy, locks: Locks::default() }
    }

    /// Returns the folder of a slide's record.
    fn folder(&self, slide_id: &str) -> PathBuf {
        self.out.join(FOLDER).join(slide_id)
    }

    /// Returns the folder of a slide's files.
    fn files(&self, slide_id: &str) -> PathBuf {
        self.out.join("slides").join(slide_id)
    }

    /// Says whether the result of a slide holds. Never fails: what cannot be read does not hold.
    #[must_use]
    pub fn look(&self, job: &Job, rubric: &Rubric) -> Look {
        let mut seen = Seen::read(&self.folder(&job.slide_id));
        let known = file::there(&job.path).and_then(|()| {
            let known = self.content(job, &seen);
            let content = known.as_ref().ok().map(|(_, content)| content.as_str());
            self.owned(job, &seen, content).map(|()| known)
        });
        let (facts, content) = match known {
            Ok(Ok(known)) => known,
            // Scoring will say what is wrong.
            Ok(Err(error)) => {
                return Look { slide: None, found: Found::Stale(Why::Unreadable(error.to_string())) };
            }
            Err(error) => return Look { slide: None, found: Found::Refused(error.into()) },
        };
        let key = Key::new(job, content, rubric.origin());
        let found = match self.found(job, &key, &facts, &mut seen) {
            Found::Kept(outcome, seconds) => {
                Found::Kept(Box::new(outcome.map(|summary| graded(summary, rubric))), seconds)
            }
            stale => stale,
        };
        Look { slide: Some((key, facts)), found }
    }

    /// Returns the facts of a slide's files and the fingerprint of their content.
    fn content(&self, job: &Job, seen: &Seen) -> Result<(Vec<Facts>, String)> {
        let facts = facts::of_slide(&job.path).map_err(Error::io("read", &job.path))?;
        let content = match seen.content(&facts).filter(|_| !self.policy.verify) {
            Some(content) => content.to_owned(),
            None => fingerprint(&job.path)?,
        };
        Ok((facts, content))
    }

    fn found(&self, job: &Job, key: &Key, facts: &[Facts], seen: &mut Seen) -> Found {
        if self.policy.fresh {
            return Found::Stale(Why::Asked);
        }
        let folder = self.folder(&job.slide_id);
        let seconds = seen.seconds;
        let record = match Record::read(&folder.join(key.record())) {
            Ok(Some(record)) => record,
            Ok(None) => return self.failure(&folder, key, seconds),
            Err(what) => return Found::Stale(Why::Damaged { file: key.record(), what }),
        };
        let mut changed = seen.note_path(owner::real(&job.path)) | seen.note_slide(facts, key.slide());
        for file in &record.files {
            let path = self.files(&job.slide_id).join(&file.name);
            let known = if self.policy.verify { None } else { seen.file(&file.name) };
            match file.check(&path, known) {
                Ok(None) => {}
                Ok(Some(facts)) => {
                    seen.note_file(&file.name, facts);
                    changed = true;
                }
                Err(what) => return Found::Stale(Why::Damaged { file: file.name.clone(), what }),
            }
        }
        let Some(summary) = record.summary(job) else {
            let what = "not understood by this version".into();
            return Found::Stale(Why::Damaged { file: key.record(), what });
        };
        if changed {
            // Only saves hashing the next time.
            let _ = seen.write(&folder);
        }
        let analysed_px = seen.analysed_px;
        Found::Kept(Box::new(Ok(Summary { analysed_px, ..summary })), seconds)
    }

    /// Returns the failure that is kept under a key, or why there is nothing.
    fn failure(&self, folder: &Path, key: &Key, seconds: f64) -> Found {
        match record::read_error(&folder.join(key.error_record())) {
            Ok(Some(failed)) if self.policy.retry_failed => {
                Found::Stale(Why::Failed(failed.error.to_string()))
            }
            Ok(Some(failed)) => match self.policy.limit {
                Limit::Of(now) if failed.limit_s.is_some_and(|before| now != limit(before)) => {
                    Found::Stale(Why::LimitChanged(failed.error.to_string(), now))
                }
                _ => Found::Kept(Box::new(Err(failed.error)), seconds),
            },
            Ok(None) => Found::Stale(why::of_other_records(folder, key)),
            Err(what) => Found::Stale(Why::Damaged { file: key.error_record(), what }),
        }
    }

    /// Returns the seconds that an earlier result of a slide took, whether or not it still holds.
    #[must_use]
    pub fn took(&self, slide_id: &str) -> Option<f64> {
        let seen = Seen::read(&self.folder(slide_id));
        (seen.seconds > 0.0 && seen.analysed_px > 0).then_some(seen.seconds)
    }

    /// Takes the lock of a slide, or says who has it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be written.
    pub fn lock(&self, job: &Job) -> Result<Taken> {
        self.locks.take(&self.folder(&job.slide_id))
    }

    /// Keeps a result whose files were written. From here on the slide is done.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] when the slide is no longer the file that was looked at; [`Error::Io`] when the record
    /// cannot be written, or another process took the slide over because this one seemed dead.
    pub fn keep(&self, job: &Job, look: &Look, lock: &Lock, names: &[&str], done: &Done<'_>) -> Result<()> {
        let Some((key, facts)) = &look.slide else { return Err(Error::Changed { how: "changed" }) };
        unchanged(&job.path, facts)?;
        let (folder, files) = (self.folder(&job.slide_id), self.files(&job.slide_id));
        let mut seen = Seen::of_run(done.seconds, done.summary.analysed_px);
        seen.note_slide(facts, key.slide());
        seen.note_path(owner::real(&job.path));
        let mut kept = Vec::new();
        for name in names {
            let (file, facts) = record::KeptFile::of(&files, name)?;
            seen.note_file(name, facts);
            kept.push(file);
        }
        sync(&files);
        if !lock.is_ours() {
            let lost = std::io::Error::other("another process took this slide over");
            return Err(Error::io("keep the result in", &folder)(lost));
        }
        write_synced(&folder.join(key.record()), &Record::new(key, kept, done.summary).to_bytes()?)?;
        self.forget_windows(job);
        seen.write(&folder)
    }

    /// Returns size and SHA-256 of a slide's own file. It is read once, and again when its size or times change.
    #[must_use]
    pub fn whole(&self, job: &Job) -> Option<Fingerprint> {
        let facts = facts::of_slide(&job.path).ok()?;
        let folder = self.folder(&job.slide_id);
        let mut seen = Seen::read(&folder);
        if let Some(whole) = seen.whole(&facts) {
            return Some(whole.clone());
        }
        let whole = run_json::fingerprint(&job.path).ok()?;
        if seen.note_whole(&facts, &whole) {
            // Only saves hashing the next time.
            let _ = seen.write(&folder);
        }
        Some(whole)
    }

    /// Keeps a failure that would come again. Others leave nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it cannot be written.
    pub fn keep_failure(&self, job: &Job, look: &Look, error: &Error, seconds: f64) -> Result<()> {
        let Some((key, facts)) = look.slide.as_ref().filter(|_| error.lasts()) else { return Ok(()) };
        if unchanged(&job.path, facts).is_err() {
            return Ok(());
        }
        let folder = self.folder(&job.slide_id);
        write_synced(&folder.join(key.error_record()), &record::error_bytes(key, error)?)?;
        let mut seen = Seen::of_run(seconds, 0);
        seen.note_slide(facts, key.slide());
        seen.write(&folder)
    }
}

impl Look {
    /// Returns why the slide is to be scored; `None` when it is not.
    #[must_use]
    pub fn why(&self) -> Option<&Why> {
        match &self.found {
            Found::Stale(why) => Some(why),
            Found::Kept(..) | Found::Refused(_) => None,
        }
    }
}

/// Returns a limit of so many seconds; `None` for what is none.
fn limit(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// A result to keep.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// The numbers.
    pub summary: &'a Summary,
    /// Time it took.
    pub seconds: f64,
}

/// Checks that a slide is still the file it was.
///
/// # Errors
///
/// [`Error::Changed`] when it is not.
pub(crate) fn unchanged(slide: &Path, facts: &[Facts]) -> Result<()> {
    match facts::of_slide(slide) {
        Ok(now) if now == facts => Ok(()),
        Ok(_) => Err(Error::Changed { how: "changed" }),
        Err(_) => Err(Error::Changed { how: "removed" }),
    }
}

/// Returns what identifies the files of a slide now; nothing when they cannot be read.
pub(crate) fn facts_of(slide: &Path) -> Option<Vec<Facts>> {
    facts::of_slide(slide).ok()
}

/// Writes a file that must outlive a power cut.
fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, bytes)?;
    path.parent().into_iter().for_each(sync);
    Ok(())
}

/// Brings the names in a folder to disk. A file system that cannot is no reason to stop: checksums tell.
fn sync(folder: &Path) {
    let _ = File::open(folder).and_then(|f| f.sync_all());
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
