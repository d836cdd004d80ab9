//! The result store: which slides of an output folder are done, whether that still holds, and who is at work.
//!
//! `OUT/slides/<slide_id>/` holds what people read. `OUT/store/<slide_id>/` holds, for the same slide,
//! - `<key>.json`, written last: the numbers that tables are made of, size and SHA-256 of every file of the result, and the
//!   SHA-256 of the whole slide ([`Whole`]).
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
mod keep;
mod key;
pub mod lock;
mod look;
mod owner;
mod record;
mod seen;
mod source;
mod state;
mod tidy;
mod whole;
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
    look::{Found, Look},
    record::Kept,
    source::Source,
    state::{Overview, others, overview},
    whole::Whole,
    why::Why,
};
use crate::{
    batch::Job,
    error::{Error, Result},
    pipeline::Summary,
    report::partial::write_whole,
};
pub(crate) use record::seal_of;

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

    /// Returns the seconds that an earlier result of a slide took, whether or not it still holds.
    #[must_use]
    pub fn took(&self, slide_id: &str) -> Option<f64> {
        let seen = seen::Seen::read(&self.folder(slide_id));
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
    /// The slide, byte for byte.
    pub whole: &'a Whole,
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
