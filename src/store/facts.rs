//! What tells cheaply that a file is the one it was: size and times.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::slide::{Parts, Slide};

/// Most files of one slide that are looked at one by one.
const MOST_FILES: usize = 100_000;
/// A file changed so shortly ago could change again without its times telling.
const SETTLED: Duration = Duration::from_secs(2);

/// Size and times of one file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Facts {
    /// Name of the file, relative to the folder of the slide.
    pub(super) name: String,
    /// Size in bytes.
    pub(super) bytes: u64,
    /// Time of the last change of the content, in nanoseconds since 1970.
    pub(super) modified_ns: i128,
    /// Time of the last change of anything, which no program can set, in nanoseconds since 1970; 0 where the system
    /// does not tell.
    pub(super) changed_ns: i128,
}

impl Facts {
    /// Returns the facts of one file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let facts = fs::metadata(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let modified = facts.modified()?;
        Ok(Self { name, bytes: facts.len(), modified_ns: nanos(modified), changed_ns: changed(&facts) })
    }

    /// Returns whether the file was left alone long enough for its times to tell of a change.
    pub(super) fn settled(&self) -> bool {
        let now = nanos(SystemTime::now());
        let latest = self.modified_ns.max(self.changed_ns);
        now - latest > SETTLED.as_nanos() as i128
    }
}

fn nanos(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(unix)]
fn changed(facts: &fs::Metadata) -> i128 {
    use std::os::unix::fs::MetadataExt;
    i128::from(facts.ctime()) * 1_000_000_000 + i128::from(facts.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_facts: &fs::Metadata) -> i128 {
    0
}

/// Returns the facts of every file that a slide is made of, the slide's own first.
pub(super) fn of_slide(slide: &Path) -> io::Result<Vec<Facts>> {
    let files = files_of(slide)?;
    let base = slide.parent().unwrap_or(Path::new(""));
    files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned();
            Ok(Facts { name, ..Facts::of(path)? })
        })
        .collect()
}

/// Returns every file that a slide is made of, the slide's own first, the others in the order of their names.
pub(super) fn files_of(slide: &Path) -> io::Result<Vec<PathBuf>> {
    if fs::metadata(slide)?.is_dir() {
        let mut files = Vec::new();
        walk(slide, &mut files)?;
        return Ok(files);
    }
    let mut files = vec![slide.to_owned()];
    match Slide::parts_of(slide) {
        Parts::None => {}
        Parts::Folder(folder) => walk(&folder, &mut files)?,
        // One that is not there would fail the slide, and counts when it comes.
        Parts::Files(parts) => files.extend(parts.into_iter().filter(|p| p.is_file())),
        Parts::Series(series) => {
            beside(slide, &mut files, |p| Slide::series_of(p).as_ref() == Some(&series))?;
        }
    }
    Ok(files)
}

/// Returns what a file of a slide is called, whatever the slide itself is called and wherever it lies; empty for its own.
pub(super) fn name_in(slide: &Path, file: &Path) -> String {
    if file == slide {
        return String::new();
    }
    let inside = file.strip_prefix(slide).or_else(|_| file.strip_prefix(slide.with_extension("")));
    let inside = inside.unwrap_or_else(|_| file.file_name().map_or(file, Path::new));
    let parts = inside.components().map(|c| c.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

/// Adds the files beside a slide that belong to it.
fn beside(slide: &Path, files: &mut Vec<PathBuf>, belongs: impl Fn(&Path) -> bool) -> io::Result<()> {
    let folder = slide.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = folder.join(entry?.file_name());
        if path.file_name() != slide.file_name() && path.is_file() && belongs(&path) {
            found.push(path);
        }
    }
    found.sort();
    files.extend(found);
    Ok(())
}

/// Adds every file below a folder. A folder that is not there holds none.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(next) = open.pop() {
        let entries = match fs::read_dir(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() { open.push(entry.path()) } else { found.push(entry.path()) }
        }
        if found.len() > MOST_FILES {
            return Err(io::Error::other(format!("a slide of more than {MOST_FILES} files")));
        }
    }
    found.sort();
    files.extend(found);
    Ok(())
}
