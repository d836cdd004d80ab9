//! Windows that are kept while a slide is in work.

use std::{fs, path::Path, time::Duration};

use super::{Look, Store, remove, unchanged};
use crate::{
    batch::Job,
    pipeline::checkpoint::{self, Checkpoint},
};

impl Store {
    /// Returns where the windows of a slide in work are kept; nowhere when the slide cannot be read.
    #[must_use]
    pub fn checkpoint<'a>(
        &self,
        job: &'a Job,
        look: &'a Look,
        every: Duration,
        tell: impl Fn(&str) + Sync + 'a,
    ) -> Option<Checkpoint<'a>> {
        let (key, facts) = look.slide.as_ref()?;
        let (name, sound) = (key.name(), move || unchanged(&job.path, facts).is_ok());
        Some(Checkpoint::new(self.folder(&job.slide_id).join(&name), name, every, sound, tell))
    }

    /// Removes the windows that cannot be used: all with `--fresh`, else those of another key. Returns how many files
    /// of windows were removed, and how many are left.
    #[must_use]
    pub fn sweep_windows(&self, job: &Job, look: &Look) -> (usize, usize) {
        let own = look.slide.as_ref().filter(|_| !self.policy.fresh).map(|(key, _)| key.name());
        let folder = self.folder(&job.slide_id);
        let is_own = |name: &String| own.as_ref().is_some_and(|own| name.starts_with(&**own));
        let (left, other): (Vec<_>, Vec<_>) = names(&folder).into_iter().partition(is_own);
        // One that cannot be removed is not used either: its seal is of another key.
        other.iter().for_each(|name| drop(remove(&folder.join(name))));
        (other.len(), left.len())
    }

    /// Removes all windows of a slide.
    pub fn forget_windows(&self, job: &Job) {
        let folder = self.folder(&job.slide_id);
        // They are of no harm: the result, or the failure, is there.
        names(&folder).iter().for_each(|name| drop(remove(&folder.join(name))));
    }
}

/// Returns the names of the files of windows in the folder of a slide.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter_map(|e| e.file_name().into_string().ok());
    names.filter(|name| name.ends_with(checkpoint::ENDING)).collect()
}
