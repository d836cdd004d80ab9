//! What an output folder holds at this moment, for whoever asks while others work.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    FOLDER,
    lock::{self, Owner},
    record, windows,
};

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
#[must_use]
pub fn others(out: &Path, slides: &BTreeSet<&str>) -> Vec<String> {
    let kept = |id: &String| {
        let records = record::names(&out.join(FOLDER).join(id));
        records.iter().any(|name| record::is_result(name))
    };
    names(out).into_iter().filter(|id| !slides.contains(id.as_str()) && kept(id)).collect()
}

/// Returns the ids of all slides that the store of an output folder knows, sorted.
fn names(out: &Path) -> Vec<String> {
    let entries = fs::read_dir(out.join(FOLDER)).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<_> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Looks at the store of an output folder. Files are not hashed.
#[must_use]
pub fn overview(out: &Path) -> Overview {
    let mut all = Overview::default();
    for slide_id in names(out) {
        let folder = out.join(FOLDER).join(&slide_id);
        match lock::holder(&folder) {
            Some(owner) if owner.is_dead() => all.abandoned.push(slide_id.clone()),
            Some(owner) => all.working.push((slide_id.clone(), owner)),
            None => {}
        }
        let records = record::names(&folder);
        let has_result = records.iter().any(|name| record::is_result(name));
        if !has_result && !windows::names(&folder).is_empty() {
            all.begun.push(slide_id.clone());
        }
        for name in records {
            if record::is_result(&name) {
                all.done += 1;
            } else if let Ok(Some(failed)) = record::read_error(&folder.join(&name)) {
                all.failed.push((slide_id.clone(), failed.error.to_string()));
            }
        }
    }
    all
}
