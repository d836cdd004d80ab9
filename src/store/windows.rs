//! Windows that are kept while a slide is in work.

use std::{io, path::Path, time::Duration};

use super::{Lock, Look, Store, fingerprint, record::listed, remove, unchanged};
use crate::{
    batch::Job,
    pipeline::checkpoint::{self, Checkpoint},
};

impl Store {
    /// Returns where the windows of a slide in work are kept while it is ours; nowhere when the slide cannot be read.
    #[must_use]
    pub fn checkpoint<'a>(
        &self,
        job: &'a Job,
        look: &'a Look,
        lock: &'a Lock,
        every: Duration,
        tell: impl Fn(&str) + Sync + 'a,
    ) -> Option<Checkpoint<'a>> {
        let now = look.slide.as_ref()?;
        let sound = move || lock.is_ours() && unchanged(&job.path, &now.facts).is_ok();
        let name = now.key.name();
        // A large slide of which other bytes are the same has the same key.
        let key = match fingerprint::reads_all(&now.facts) {
            true => name.clone(),
            false => format!("{name} {:?}", now.facts),
        };
        Some(Checkpoint::new(self.folder(&job.slide_id).join(&name), key, every, sound, tell))
    }

    /// Removes the windows that cannot be used: all with `--fresh`, else those of another key. Returns how many files
    /// of windows were removed, and how many are left.
    #[must_use]
    pub fn sweep_windows(&self, job: &Job, look: &Look) -> (usize, usize) {
        let own = look.slide.as_ref().filter(|_| !self.policy.fresh).map(|now| now.key.name());
        let folder = self.folder(&job.slide_id);
        let is_own = |name: &String| own.as_ref().is_some_and(|own| name.starts_with(&**own));
        let (left, other): (Vec<_>, Vec<_>) =
            names(&folder).unwrap_or_default().into_iter().partition(is_own);
        // One that cannot be removed is not used either: its seal is of another key.
        other.iter().for_each(|name| drop(remove(&folder.join(name))));
        (other.len(), left.len())
    }

    /// Removes all windows of a slide.
    pub fn forget_windows(&self, job: &Job) {
        let folder = self.folder(&job.slide_id);
        // They are of no harm: the result, or the failure, is there.
        names(&folder).iter().flatten().for_each(|name| drop(remove(&folder.join(name))));
    }
}

/// Returns the names of the files of windows in the folder of a slide.
///
/// # Errors
///
/// When the folder cannot be read.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    Ok(listed(folder)?.into_iter().filter(|name| name.ends_with(checkpoint::ENDING)).collect())
}
