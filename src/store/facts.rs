//! What tells cheaply that a file is the one it was: size and times.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    slide::{Parts, Slide},
};

/// Most files and folders of one slide that are looked at one by one.
const MOST_FILES: u64 = 10_000_000;
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
///
/// # Errors
///
/// As [`files_of`].
pub(super) fn of_slide(slide: &Path) -> Result<Vec<Facts>> {
    let files = files_of(slide)?;
    let base = slide.parent().unwrap_or(Path::new(""));
    files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned();
            Ok(Facts { name, ..Facts::of(path).map_err(Error::io("read", path))? })
        })
        .collect()
}

/// Returns every file that a slide is made of, the slide's own first, the others in the order of their names.
///
/// # Errors
///
/// [`Error::Io`] where a folder cannot be read, [`Error::Limits`] of more files than any slide has.
pub(super) fn files_of(slide: &Path) -> Result<Vec<PathBuf>> {
    let read = || Error::io("read", slide);
    if fs::metadata(slide).map_err(read())?.is_dir() {
        return walk(slide, MOST_FILES);
    }
    let mut files = vec![slide.to_owned()];
    match Slide::parts_of(slide) {
        Parts::None => {}
        Parts::Folder(folder) => files.extend(walk(&folder, MOST_FILES)?),
        // One that is not there would fail the slide, and counts when it comes.
        Parts::Files(parts) => files.extend(parts.into_iter().filter(|p| p.is_file())),
        Parts::Series(series) => {
            let belongs = |p: &Path| Slide::series_of(p).as_ref() == Some(&series);
            beside(slide, &mut files, belongs).map_err(read())?;
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

/// Returns every file below a folder in the order of their names. A folder that is not there holds none.
fn walk(folder: &Path, most: u64) -> Result<Vec<PathBuf>> {
    let mut open = vec![folder.to_owned()];
    let (mut found, mut seen) = (Vec::new(), 0);
    while let Some(next) = open.pop() {
        for path in inside(&next).map_err(Error::io("read", &next))? {
            match kind(&path).map_err(Error::io("read", &path))? {
                Kind::Folder => open.push(path),
                Kind::File => found.push(path),
                Kind::Nothing => continue,
            }
            seen += 1;
            if seen > most {
                return Err(Error::Limits { what: "files of the slide".into(), got: seen, limit: most });
            }
        }
    }
    found.sort();
    Ok(found)
}

fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

enum Kind {
    Folder,
    File,
    /// A link that leads nowhere, or round in a circle.
    Nothing,
}

/// Says what lies at a place; links are followed, as reading follows them.
fn kind(path: &Path) -> io::Result<Kind> {
    let of = |facts: fs::Metadata| if facts.is_dir() { Kind::Folder } else { Kind::File };
    let facts = fs::symlink_metadata(path)?;
    if !facts.is_symlink() {
        return Ok(of(facts));
    }
    let real = match path.canonicalize() {
        Err(error) if leads_nowhere(&error) => return Ok(Kind::Nothing),
        real => real?,
    };
    if is_within(path, &real)? { Ok(Kind::Nothing) } else { Ok(of(fs::metadata(real)?)) }
}

fn leads_nowhere(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ELOOP)
}

/// Returns whether a path lies in the folder `real`, links followed.
fn is_within(path: &Path, real: &Path) -> io::Result<bool> {
    Ok(path.parent().unwrap_or(Path::new(".")).canonicalize()?.starts_with(real))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let short = |p: &PathBuf| p.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        walk(folder, 1000).unwrap().iter().map(short).collect()
    }

    #[test]
    fn more_files_than_are_looked_at_are_over_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("0")).unwrap();
        for name in ["0/a", "0/b", "c"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        assert_eq!(walk(folder.path(), 4).unwrap().len(), 3);
        let error = walk(folder.path(), 3).unwrap_err();
        assert!(matches!(error, Error::Limits { got: 4, limit: 3, .. }), "{error}");
        assert_eq!(names(&folder.path().join("none")), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        use std::os::unix::fs::symlink;
        let all = tempfile::tempdir().unwrap();
        let at = |name: &str| all.path().join(name);
        fs::create_dir_all(at("elsewhere/0")).unwrap();
        fs::create_dir(at("s.zarr")).unwrap();
        fs::write(at("elsewhere/0/chunk"), "pixels").unwrap();
        symlink(at("elsewhere"), at("s.zarr/level")).unwrap();
        symlink(at("elsewhere/0/chunk"), at("s.zarr/chunk")).unwrap();
        symlink(at("nowhere"), at("s.zarr/gone")).unwrap();
        symlink("..", at("elsewhere/back")).unwrap();
        symlink(".", at("s.zarr/self")).unwrap();
        symlink("../s.zarr", at("elsewhere/round")).unwrap();
        let all = names(&at("s.zarr"));
        assert!(all.starts_with(&["chunk".into(), "level/0/chunk".into()]), "{all:?}");
    }
}
