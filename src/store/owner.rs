//! Whose results lie under a slide's id: those of another slide are not written over.

use std::path::Path;

use super::{
    Store,
    key::Key,
    record::{self, Parts},
    seen::Seen,
};
use crate::{
    batch::Job,
    error::{Error, Result},
    report::partial::write_whole,
    score::rubric::Rubric,
};

/// Stands for the content of a slide that is not there.
const NO_CONTENT: &str = "missing";

/// Returns a path as every command on this machine would name it.
pub(super) fn real(slide: &Path) -> String {
    let path = slide.canonicalize().or_else(|_| std::path::absolute(slide));
    path.unwrap_or_else(|_| slide.to_owned()).to_string_lossy().into_owned()
}

/// Returns whether a key is that of a slide that was not there.
pub(super) fn is_missing(key: &Key) -> bool {
    key.slide == NO_CONTENT
}

impl Store {
    /// Refuses a slide whose id another slide has: one of another place with a result of other content. The same slide
    /// moved, and one that was scanned again in its place, are no others. `content` is `None` when it cannot be read.
    pub(super) fn owned(&self, job: &Job, seen: &Seen, content: Option<&str>) -> Result<()> {
        if seen.path.is_empty() || seen.path == real(&job.path) {
            return Ok(());
        }
        let folder = self.folder(&job.slide_id);
        let names = record::names(&folder).map_err(Error::io("read", &folder))?;
        let results = names.into_iter().filter(|name| record::is_result(name));
        let mut slides =
            results.filter_map(|name| Parts::read(&folder.join(name))).map(|parts| parts.key.slide);
        if slides.any(|slide| Some(slide.as_str()) != content) {
            return Err(Error::Occupied { folder: self.files(&job.slide_id), owner: seen.path.clone() });
        }
        Ok(())
    }

    /// Notes that a slide is not there, for [`super::overview`]; nothing where more is known of it, or a link leads nowhere,
    /// which a folder of slides can hold and lose without a trace.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it cannot be written.
    pub fn keep_missing(&self, job: &Job, rubric: &Rubric, error: &Error) -> Result<()> {
        let folder = self.folder(&job.slide_id);
        if !record::names(&folder).map_err(Error::io("read", &folder))?.is_empty() || job.path.is_symlink() {
            return Ok(());
        }
        let key = Key::new(job, NO_CONTENT.into(), rubric.origin());
        write_whole(&folder.join(key.error_record()), &record::error_bytes(&key, error, None)?.0)
    }
}
