//! What an output folder holds at this moment, for whoever asks while others work.

use std::{collections::BTreeSet, path::Path};

use super::{
    FOLDER,
    lock::{self, Owner},
    record, windows,
};
use crate::error::{Error, Result};

/// The state of every slide that the store knows.
#[derive(Debug, Default)]
pub struct Overview {
    /// Slides with a result.
    pub done: usize,
    /// Slides that failed, and why.
    pub failed: Vec<(String, String)>,
    /// Slides in work, and by whom.
    pub working: Vec<(String, Owner)>,
    /// Slides that were begun by a process that is dead; the next run takes them.
    pub abandoned: Vec<String>,
    /// Slides not done of which windows are kept: they will not begin anew.
    pub begun: Vec<String>,
}

/// Returns the slides that have a result in an output folder and are not among `slides`, sorted.
///
/// # Errors
///
/// [`Error::Io`] when the store cannot be read: what it holds is not known then.
pub fn others(out: &Path, slides: &BTreeSet<&str>) -> Result<Vec<String>> {
    let mut others = names(out)?;
    others.retain(|id| !slides.contains(id.as_str()));
    let mut kept = Vec::new();
    for id in others {
        let folder = out.join(FOLDER).join(&id);
        let records = record::names(&folder).map_err(Error::io("read", &folder))?;
        if records.iter().any(|name| record::is_result(name)) {
            kept.push(id);
        }
    }
    Ok(kept)
}

/// Returns the ids of all slides that the store of an output folder knows, sorted.
fn names(out: &Path) -> Result<Vec<String>> {
    let store = out.join(FOLDER);
    let mut names = record::listed(&store).map_err(Error::io("read", &store))?;
    // What other programs leave in any folder is no slide.
    names.retain(|name| !store.join(name).is_file());
    Ok(names)
}

/// Looks at the store of an output folder. Files are not hashed.
///
/// # Errors
///
/// [`Error::Io`] when the store, or the folder of a slide in it, cannot be read: what it holds is not known then.
pub fn overview(out: &Path) -> Result<Overview> {
    let mut all = Overview::default();
    for slide_id in names(out)? {
        let folder = out.join(FOLDER).join(&slide_id);
        let unread = || Error::io("read", &folder);
        match lock::holder(&folder).map_err(unread())? {
            Some(owner) if owner.is_dead() => all.abandoned.push(slide_id.clone()),
            Some(owner) => all.working.push((slide_id.clone(), owner)),
            None => {}
        }
        let records = record::names(&folder).map_err(unread())?;
        let has_result = records.iter().any(|name| record::is_result(name));
        if !has_result && !windows::names(&folder).map_err(unread())?.is_empty() {
            all.begun.push(slide_id.clone());
        }
        for name in records {
            if record::is_result(&name) {
                all.done += 1;
                continue;
            }
            let told = match record::read_error(&folder.join(&name)) {
                Ok(Some((failed, _))) => failed.error.to_string(),
                // Its slide was begun anew in between.
                Ok(None) => continue,
                Err(what) => format!("{name}: {what}"),
            };
            all.failed.push((slide_id.clone(), told));
        }
    }
    Ok(all)
}
