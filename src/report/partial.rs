//! Files that appear only when they are whole.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use crate::{
    error::{Error, Result},
    file, machine,
};

/// Ending of files that are being written.
const ENDING: &str = ".partial";

/// What tells this process from others, also on other machines that write to the same folder.
static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{:x}-{:x}", host_mark(), process::id(), now.as_nanos())
});

/// A file being written under its name plus something that is this process's own and `.partial`.
/// [`Partial::commit`] gives it its name; dropping it before that removes it.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Partial {
    /// Creates the temporary file, and the folder it is in.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder or file cannot be created, or what has the name is not a regular file: a link, a
    /// pipe or a device would be lost when the file takes its name.
    pub fn create(path: &Path) -> Result<Self> {
        replaceable(path)?;
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let temporary = temporary(path);
        let file = File::create(&temporary).map_err(Error::io("create", &temporary))?;
        Ok(Self { path: path.to_owned(), temporary, file: Some(BufWriter::with_capacity(1 << 18, file)) })
    }

    /// Returns the final path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Flushes and gives the file its name, replacing what was there.
    ///
    /// # Errors
    /// [`Error::Io`] if writing or renaming fails; the temporary file is then removed.
    pub fn commit(mut self) -> Result<()> {
        let result = match self.file.take() {
            Some(mut file) => file.flush().and_then(|()| fs::rename(&self.temporary, &self.path)),
            None => Ok(()),
        };
        result.map_err(|source| {
            // The first error is the one to tell; a left-over file is named `.partial`.
            let _ = fs::remove_file(&self.temporary);
            Error::Io { action: "write", path: self.path.clone(), source }
        })
    }

    fn inner(&mut self) -> io::Result<&mut BufWriter<File>> {
        self.file.as_mut().ok_or_else(|| io::Error::other("file already closed"))
    }
}

/// Refuses a name that a link, a folder, a pipe or a device has. Opens nothing.
///
/// # Errors
/// [`Error::Io`] saying what has the name.
pub fn replaceable(path: &Path) -> Result<()> {
    let Some(kind) = file::irregular(path) else { return Ok(()) };
    let text = format!("{kind} has this name, and only regular files are replaced; name another file");
    Err(Error::io("write", path)(io::Error::new(io::ErrorKind::AlreadyExists, text)))
}

/// Returns a name for a file while it is being written, which no other process and no other call gives.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{:x}{ENDING}", *TOKEN, COUNT.fetch_add(1, Ordering::Relaxed)));
    name.into()
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner()?.flush()
    }
}

impl Seek for Partial {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner()?.seek(to)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Nothing more can be done about a file that cannot be removed.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Writes a whole small file at once, so that readers never see half of it.
///
/// # Errors
/// [`Error::Io`] if it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = Partial::create(path)?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.commit()
}

/// Returns a mark for names of files of what counts processes: this machine, this boot of it, this container.
fn host_mark() -> String {
    let sum = |h: u32, b: u8| (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    let (boot, space) = machine::boot().unwrap_or_default();
    let place = format!("{} {boot} {space}", machine::host());
    format!("{:08x}", place.bytes().fold(0x811c_9dc5, sum))
}

/// A file that nothing was written to for so long is left half-written for good.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

fn is_abandoned(path: &Path) -> bool {
    let age = fs::metadata(path).and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
    age.is_some_and(|age| age > ABANDONED)
}

/// Removes what processes left half-written in a folder: of this boot of this machine those that are no longer there, of
/// others what is a day old.
pub fn sweep_dead(folder: &Path) {
    let ours = host_mark();
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((mark, process)) = writer_of(&name) else { continue };
        let is_dead = if mark == ours { machine::has_ended(process) } else { is_abandoned(&entry.path()) };
        if is_dead {
            // One that cannot be removed is never taken for a whole file.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Returns the mark and the number of the process that gave a half-written file its name; `None` of any other file.
fn writer_of(name: &str) -> Option<(&str, u32)> {
    let (_, token) = name.strip_suffix(ENDING)?.rsplit_once('.')?;
    let parts: Vec<&str> = token.split('-').collect();
    let [mark, process, _, _] = parts[..] else { return None };
    let is_hex = parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_hexdigit()));
    (is_hex && mark.len() == 8).then_some(())?;
    Some((mark, u32::from_str_radix(process, 16).ok()?))
}

/// Removes what processes left half-written in a folder that this one has for itself.
pub(crate) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|e| e.file_name().to_string_lossy().ends_with(ENDING)) {
        // One that cannot be removed is never taken for a whole file.
        let _ = fs::remove_file(entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_files_get_their_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/a.txt");
        let mut file = Partial::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
        write_whole(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_dead_left_is_swept_and_what_others_write_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mark = host_mark();
        let left = |token: &str, age: Duration| {
            let path = folder.path().join(format!("a.csv.{token}-1-0{ENDING}"));
            fs::write(&path, "half").unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
            path
        };
        let now = Duration::ZERO;
        let stay = [
            left(&format!("{mark}-{:x}", process::id()), 2 * ABANDONED),
            left(&format!("{mark}-1"), 2 * ABANDONED),
            left("0badbad0-ffffffff", now),
        ];
        let go = [left(&format!("{mark}-ffffffff"), now), left("0badbad0-1", 2 * ABANDONED)];
        let mine = left("mine", 2 * ABANDONED);
        sweep_dead(folder.path());
        assert!(stay.iter().all(|path| path.exists()) && mine.exists());
        assert!(!go.iter().any(|path| path.exists()));
    }

    #[cfg(unix)]
    #[test]
    fn links_and_folders_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.txt"), folder.path().join("link"));
        fs::write(&file, "kept").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let t = |path: &Path, kind: &str| {
            let text = write_whole(path, b"new").unwrap_err().to_string();
            let expected = format!("cannot write {}: {kind} has this name, and only", path.display());
            assert!(text.starts_with(&expected), "{text}");
        };
        t(&link, "a link");
        t(folder.path(), "a folder");
        assert!(link.is_symlink() && fs::read(&file).unwrap() == b"kept");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
