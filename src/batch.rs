//! A folder or sheet of slides: what is to be done, and what came of it.

pub mod copies;
mod gate;
mod memory;
mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

pub use self::{
    memory::Memory,
    run::{Claim, IO_THREADS, Listener, Options, run},
};
use crate::{
    error::{Error, Result},
    manifest::Sample,
    organ::Organ,
    pipeline::{self, Summary},
    segment::models::Models,
    units::Mpp,
};

/// One slide to score.
#[derive(Clone, Debug)]
pub struct Job {
    /// Unique in the run and usable as a folder name; see [`slide_ids`].
    pub slide_id: String,
    /// The file, as given by the user.
    pub path: PathBuf,
    /// The tissue to score it as.
    pub organ: &'static Organ,
    /// Its row of the sample sheet, when there is one.
    pub sample: Option<Sample>,
    /// Pixel size given by the user (sheet or command line); overrides the file.
    pub mpp: Option<Mpp>,
    /// Largest share of a level's tiles that may be damaged and is left out; see [`MAX_BAD_TILES`].
    pub max_bad_tiles: f64,
    /// Learned models to use.
    pub models: Models,
    /// What is left out and looked at besides.
    pub options: pipeline::Options,
}

/// The default of [`Job::max_bad_tiles`]: one tile in a hundred.
pub const MAX_BAD_TILES: f64 = 0.01;

/// What came of one slide. Every job ends as exactly one of these, and as one row of `slides.csv`.
#[derive(Debug)]
pub struct Done {
    /// What was asked for.
    pub job: Job,
    /// The numbers, or why there are none. [`Error::Excluded`] for a slide that was left out on request.
    pub outcome: Result<Summary, Error>,
    /// What is known of a slide that quality control left out: its facts and how much was spoilt, no numbers to compare.
    pub refused: Option<Box<Summary>>,
    /// Why the slide was left out: by the sample sheet, and then not read, or by quality control.
    pub excluded: Option<String>,
    /// Time spent on it, in seconds. Only `run.json` tells it: data files do not depend on the machine.
    pub seconds: f64,
    /// Whether the outcome is that of an earlier run, which holds.
    pub kept: bool,
}

impl Done {
    /// Returns the outcome of a slide that was read.
    #[must_use]
    pub fn new(job: Job, outcome: Result<Summary, Error>, seconds: f64) -> Self {
        // A slide that quality control refused was read, but has no numbers.
        let (outcome, refused, excluded) = match outcome {
            Ok(summary) => match summary.refused.clone() {
                Some(reason) => {
                    (Err(Error::Spoilt { reason: reason.clone() }), Some(summary.into()), Some(reason))
                }
                None => (Ok(summary), None, None),
            },
            failed => (failed, None, None),
        };
        Self { job, outcome, refused, excluded, seconds, kept: false }
    }

    /// Returns the outcome of a slide that the sample sheet leaves out.
    #[must_use]
    pub fn excluded(job: Job, reason: String) -> Self {
        let outcome = Err(Error::Excluded { reason: reason.clone() });
        Self { job, outcome, refused: None, excluded: Some(reason), seconds: 0.0, kept: false }
    }

    /// Returns what is known of a slide that was read to its end, whether it was scored, blank or left out by quality
    /// control. Only the first two have numbers: see [`Done::outcome`].
    #[must_use]
    pub fn facts(&self) -> Option<&Summary> {
        self.outcome.as_ref().ok().or(self.refused.as_deref())
    }

    /// Returns the word of the `status` column: `scored`, `blank`, `failed` or `excluded`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (&self.excluded, &self.outcome) {
            (Some(_), _) => "excluded",
            (None, Ok(summary)) if summary.is_blank() => "blank",
            (None, Ok(_)) => "scored",
            (None, Err(_)) => "failed",
        }
    }
}

/// Longest part of a file name that goes into a slide id, in characters.
const LONGEST_NAME: usize = 100;

/// Returns one id per path, in the same order: the file's stem, made safe as a folder name.
///
/// Ids differ even when upper and lower case count as equal. Files of one folder that share a stem keep their
/// extension; equal stems of different folders get as many parent folders in front (`liver__a1`) as tell them apart.
/// The result depends only on the paths, not on the order of anything else.
#[must_use]
pub fn slide_ids<P: AsRef<Path>>(paths: &[P]) -> Vec<String> {
    let names = own_names(paths);
    let parents = parents(paths);
    let mut depth = vec![0; paths.len()];
    let mut ids = names.clone();
    loop {
        let mut deeper = false;
        for group in colliding(&ids) {
            // Folders cannot tell the files of one folder apart.
            if group.iter().all(|&i| parents[i] == parents[group[0]]) {
                continue;
            }
            for i in group {
                let step = usize::from(depth[i] < parents[i].len());
                depth[i] += step;
                deeper |= step > 0;
            }
        }
        if !deeper {
            return numbered(paths, ids);
        }
        for (i, id) in ids.iter_mut().enumerate() {
            let from = parents[i].len() - depth[i];
            let mut parts = parents[i][from..].to_vec();
            parts.push(names[i].clone());
            *id = parts.join("__");
        }
    }
}

/// Returns the safe stem of each path, with its extension where one folder holds several files of that stem.
fn own_names<P: AsRef<Path>>(paths: &[P]) -> Vec<String> {
    let stem = |p: &Path| safe(p.file_stem().unwrap_or_default().to_string_lossy().as_ref());
    let key = |p: &Path| (p.parent().map(Path::to_owned), stem(p).to_lowercase());
    let mut count: BTreeMap<_, usize> = BTreeMap::new();
    for p in paths {
        *count.entry(key(p.as_ref())).or_default() += 1;
    }
    let name = |p: &Path| {
        if count.get(&key(p)).is_some_and(|&n| n > 1) {
            safe(p.file_name().unwrap_or_default().to_string_lossy().as_ref())
        } else {
            stem(p)
        }
    };
    paths.iter().map(|p| name(p.as_ref())).collect()
}

/// Returns the folders of each path, without those that all have in common: an id must not tell where a study lies.
fn parents<P: AsRef<Path>>(paths: &[P]) -> Vec<Vec<String>> {
    let mut parents: Vec<Vec<String>> = paths.iter().map(|p| folders(p.as_ref())).collect();
    while let Some(outermost) = parents.first().and_then(|p| p.first()).cloned() {
        if parents.iter().any(|p| p.first() != Some(&outermost)) {
            break;
        }
        parents.iter_mut().for_each(|p| drop(p.remove(0)));
    }
    parents
}

/// Returns the safe names of the folders a path lies in, outermost first.
fn folders(path: &Path) -> Vec<String> {
    let parts = path.parent().into_iter().flat_map(Path::components);
    parts
        .filter_map(|c| match c {
            Component::Normal(name) => Some(safe(name.to_string_lossy().as_ref())),
            _ => None,
        })
        .collect()
}

/// Returns, for each id that occurs more than once (case aside), its places.
fn colliding(ids: &[String]) -> Vec<Vec<usize>> {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, id) in ids.iter().enumerate() {
        places.entry(id.to_lowercase()).or_default().push(i);
    }
    places.into_values().filter(|p| p.len() > 1).collect()
}

/// Numbers what folders cannot tell apart, in the order of the paths.
fn numbered<P: AsRef<Path>>(paths: &[P], mut ids: Vec<String>) -> Vec<String> {
    let mut again = colliding(&ids).concat();
    again.sort_by(|&a, &b| paths[a].as_ref().cmp(paths[b].as_ref()).then(a.cmp(&b)));
    let mut taken: BTreeSet<String> = ids.iter().map(|id| id.to_lowercase()).collect();
    let mut first = BTreeSet::new();
    for i in again {
        if first.insert(ids[i].to_lowercase()) {
            continue;
        }
        let mut n = 2;
        while !taken.insert(format!("{}-{n}", ids[i]).to_lowercase()) {
            n += 1;
        }
        ids[i] = format!("{}-{n}", ids[i]);
    }
    ids
}

/// Returns `name` with every character that some file system or shell treats specially replaced by `_`.
pub(crate) fn safe(name: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let text: String = name.chars().take(LONGEST_NAME).map(keep).collect();
    match text.chars().next() {
        Some('.' | '-') => format!("_{text}"),
        Some(_) => text,
        None => "_".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_safe() {
        fn t(paths: &[&str], expected: &[&str]) {
            assert_eq!(slide_ids(paths), expected, "{paths:?}");
        }
        t(&[], &[]);
        t(&["in/a.svs", "in/b.svs"], &["a", "b"]);
        t(&["in/rat 7 (left).svs", "/x/.hidden", "-o.svs"], &["rat_7__left_", "_.hidden", "_-o"]);
        t(&["in/肝-01.svs"], &["肝-01"]);
        t(&["liver/1.svs", "kidney/1.svs", "kidney/2.svs"], &["liver__1", "kidney__1", "2"]);
        t(&["g1/liver/1.svs", "g2/liver/1.svs"], &["g1__liver__1", "g2__liver__1"]);
        t(&["/lab/s/a.svs", "/lab/s/in/a.svs"], &["a", "in__a"]);
        t(&["in/A.svs", "in/a.svs"], &["A.svs", "a.svs-2"]);
        t(&["in/a.svs", "in/a.tif"], &["a.svs", "a.tif"]);
        t(&["a.svs", "in/a.svs"], &["a", "in__a"]);
        t(&["x/a b.svs", "x/a_b.svs"], &["a_b.svs", "a_b.svs-2"]);
        t(&["x/a.svs", "x/a.svs"], &["a.svs", "a.svs-2"]);
    }

    #[test]
    fn order_of_the_list_does_not_change_an_id() {
        let paths = ["g1/1.svs", "g2/1.svs", "g2/1.tif", "g2/2.svs", "x/a b.svs", "x/a_b.svs"];
        let mut back = paths;
        back.reverse();
        let mut ids = slide_ids(&back);
        ids.reverse();
        assert_eq!(ids, slide_ids(&paths));
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let long = "n".repeat(300);
        let ids = slide_ids(&[format!("{long}1.svs"), format!("{long}2.svs")]);
        assert!(ids.iter().all(|id| id.len() <= LONGEST_NAME + 2), "{ids:?}");
        assert_ne!(ids[0], ids[1]);
    }
}
