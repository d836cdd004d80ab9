//! What earlier runs left in the folders of a slide: results that no longer hold, and pieces of runs that were killed.

use std::{fs, path::Path};

use super::{Store, Taken, lock, record, remove, seen};
use crate::{
    batch::Job,
    error::{Error, Result},
    report::partial::sweep,
};

impl Store {
    /// Removes what an earlier run left for a slide, record first: a record is never beside files of another result.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a file cannot be removed.
    pub fn clear(&self, job: &Job, names: &[&str]) -> Result<()> {
        let folder = self.folder(&job.slide_id);
        for name in record::names(&folder).map_err(Error::io("read", &folder))? {
            remove(&folder.join(name))?;
        }
        let files = self.files(&job.slide_id);
        names.iter().try_for_each(|name| remove(&files.join(name)))?;
        [&folder, &files].into_iter().for_each(|folder| sweep(folder));
        lock::sweep(&folder);
        Ok(())
    }

    /// Removes what a process left beside a result that holds: one that was killed between its record and its end.
    /// Nothing of a living process is touched, and what cannot be removed is of no harm.
    pub fn tidy(&self, job: &Job) {
        let folder = self.folder(&job.slide_id);
        if holds_only_records(&folder) {
            return;
        }
        // The lock of a dead owner is taken over, and goes when ours does.
        if let Ok(Taken::Ours(_ours)) = self.lock(job) {
            sweep(&folder);
            lock::sweep(&folder);
            self.forget_windows(job);
        }
    }
}

/// Returns whether nothing but records and the facts of files is in the folder of a slide.
fn holds_only_records(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.all(|name| name == seen::NAME || record::is_record(&name))
}
