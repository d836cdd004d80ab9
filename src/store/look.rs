//! Whether what the store holds of a slide holds still.

use std::path::Path;

use super::{
    Facts, Key, Limit, Policy, Store, Whole, Why, facts, fingerprint, limit, owner,
    record::{self, Kept, Record, graded},
    seen::Seen,
    why,
};
use crate::{
    batch::Job,
    error::{Error, Result},
    file,
    pipeline::Summary,
    score::rubric::Rubric,
};

/// What the store knows of a slide.
#[derive(Debug)]
pub struct Look {
    /// What the slide is now; `None` when it cannot be read.
    pub(super) slide: Option<Now>,
    /// What was found.
    pub found: Found,
    /// The record that says so, of what is kept.
    pub kept: Option<Kept>,
}

/// Whether there is a result that holds.
#[derive(Debug)]
pub enum Found {
    /// A result, or a failure that would come again, and the seconds it took.
    Kept(Box<Result<Summary>>, f64),
    /// Nothing is to be done: the slide is not there, is made of too many files, or its place is another's. What is there
    /// stays.
    Refused(Box<Error>),
    /// None that holds, and why.
    Stale(Why),
}

/// A slide as it is now.
#[derive(Debug)]
pub(super) struct Now {
    pub(super) key: Key,
    pub(super) facts: Vec<Facts>,
    /// Whether its files are, by size and times, those that a result or a failure was last found to be of.
    same: bool,
}

/// What is kept of a slide, the record that says so, and the seconds it took.
type Holds = (Result<Summary>, Kept, f64);

impl Look {
    /// Returns why the slide is to be scored; `None` when it is not.
    #[must_use]
    pub fn why(&self) -> Option<&Why> {
        match &self.found {
            Found::Stale(why) => Some(why),
            Found::Kept(..) | Found::Refused(_) => None,
        }
    }

    fn of(slide: Option<Now>, found: Found) -> Self {
        Self { slide, found, kept: None }
    }
}

impl Now {
    /// Returns whether these are the bytes that a record is of. They are read, unless size and times tell or the fingerprint,
    /// which is part of the key, is of all of them.
    fn is(&self, slide: &Path, whole: &Whole) -> bool {
        self.same || fingerprint::reads_all(&self.facts) || Whole::of(slide).is_ok_and(|now| now == *whole)
    }
}

impl Store {
    /// Says whether the result of a slide holds. Never fails: what cannot be read does not hold.
    #[must_use]
    pub fn look(&self, job: &Job, rubric: &Rubric) -> Look {
        let mut seen = Seen::read(&self.folder(&job.slide_id));
        let known = file::there(&job.path).and_then(|()| {
            let known = self.content(job, &seen);
            let content = known.as_ref().ok().map(|(_, content, _)| content.as_str());
            self.owned(job, &seen, content).map(|()| known)
        });
        let (facts, content, same) = match known {
            Ok(Ok(known)) => known,
            // Scoring could not be kept.
            Ok(Err(error @ Error::Limits { .. })) => return Look::of(None, Found::Refused(error.into())),
            // Scoring will say what is wrong.
            Ok(Err(error)) => return Look::of(None, Found::Stale(Why::Unreadable(error.to_string()))),
            Err(error) => return Look::of(None, Found::Refused(error.into())),
        };
        let now = Now { key: Key::new(job, content, rubric.origin()), facts, same };
        match self.found(job, &now, &mut seen) {
            Ok((outcome, kept, seconds)) => {
                let outcome = Box::new(outcome.map(|summary| graded(summary, rubric)));
                Look { slide: Some(now), found: Found::Kept(outcome, seconds), kept: Some(kept) }
            }
            Err(why) => Look::of(Some(now), Found::Stale(why)),
        }
    }

    /// Returns the facts of a slide's files, the fingerprint of their content, and whether the facts are as they were.
    fn content(&self, job: &Job, seen: &Seen) -> Result<(Vec<Facts>, String, bool)> {
        let facts = facts::of_slide(&job.path)?;
        // Files of one name and size in two folders can have been written in the same instant.
        let is_there = !self.policy.verify && seen.path == owner::real(&job.path);
        let known = seen.content(&facts).filter(|_| is_there).map(ToOwned::to_owned);
        let same = known.is_some();
        let content = known.map_or_else(|| fingerprint(&job.path), Ok)?;
        Ok((facts, content, same))
    }

    fn found(&self, job: &Job, now: &Now, seen: &mut Seen) -> Result<Holds, Why> {
        if self.policy.fresh {
            return Err(Why::Asked);
        }
        let (folder, name) = (self.folder(&job.slide_id), now.key.record());
        let damaged = |what| Why::Damaged { file: name.clone(), what };
        let Some((record, seal)) = Record::read(&folder.join(&name)).map_err(damaged)? else {
            return self.failure(job, now, seen);
        };
        if !now.is(&job.path, &record.whole) {
            return Err(Why::SlideChanged);
        }
        let mut changed =
            seen.note_path(owner::real(&job.path)) | seen.note_slide(&now.facts, now.key.slide());
        for file in &record.files {
            let path = self.files(&job.slide_id).join(&file.name);
            let known = if self.policy.verify { None } else { seen.file(&file.name) };
            let check = file.check(&path, known);
            if let Some(facts) = check.map_err(|what| Why::Damaged { file: file.name.clone(), what })? {
                seen.note_file(&file.name, facts);
                changed = true;
            }
        }
        let kept = Kept { record: name.clone(), seal, whole: Some(record.whole.clone()) };
        let summary = record.summary(job).ok_or_else(|| damaged("not understood by this version".into()))?;
        if changed {
            // Only saves hashing the next time.
            let _ = seen.write(&folder);
        }
        Ok((Ok(Summary { analysed_px: seen.analysed_px, ..summary }), kept, seen.seconds))
    }

    /// Returns the failure that is kept under a key, or why there is nothing.
    fn failure(&self, job: &Job, now: &Now, seen: &mut Seen) -> Result<Holds, Why> {
        let (folder, name) = (self.folder(&job.slide_id), now.key.error_record());
        let read = record::read_error(&folder.join(&name));
        let Some((failed, seal)) = read.map_err(|what| Why::Damaged { file: name.clone(), what })? else {
            return Err(why::of_other_records(&folder, &now.key));
        };
        self.policy.tries_again(&failed)?;
        if failed.whole.as_ref().is_some_and(|whole| !now.is(&job.path, whole)) {
            return Err(Why::SlideChanged);
        }
        if seen.note_slide(&now.facts, now.key.slide()) {
            let _ = seen.write(&folder);
        }
        Ok((Err(failed.error), Kept { record: name, seal, whole: failed.whole }, seen.seconds))
    }
}

impl Policy {
    /// Says, as an error, why a failure is tried again.
    fn tries_again(&self, failed: &record::Failed) -> Result<(), Why> {
        let text = || failed.error.to_string();
        match self.limit {
            _ if self.retry_failed => Err(Why::Failed(text())),
            Limit::Of(now) if failed.limit_s.is_some_and(|before| now != limit(before)) => {
                Err(Why::LimitChanged(text(), now))
            }
            _ => Ok(()),
        }
    }
}
