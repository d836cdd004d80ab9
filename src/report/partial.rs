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
    time::SystemTime,
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
        if let Some(kind) = file::irregular(path) {
            let text =
                format!("{kind} has this name, and only regular files are replaced; name another file");
            return Err(Error::io("write", path)(io::Error::new(io::ErrorKind::AlreadyExists, text)));
        }
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}-{:x}{ENDING}", *TOKEN, COUNT.fetch_add(1, Ordering::Relaxed)));
        let temporary = PathBuf::from(name);
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

/// Returns a mark of this machine for names of files.
fn host_mark() -> String {
    let sum = |h: u32, b: u8| (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    format!("{:08x}", machine::host().bytes().fold(0x811c_9dc5, sum))
}

/// Removes what processes of this machine that are no longer there left half-written in a folder.
pub fn sweep_dead(folder: &Path) {
    let ours = format!("{}-", host_mark());
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let token = name.strip_suffix(ENDING).and_then(|n| n.rsplit_once('.')).map(|(_, token)| token);
        let process = token.and_then(|t| t.strip_prefix(&ours)).and_then(|t| t.split('-').next());
        let process = process.and_then(|p| u32::from_str_radix(p, 16).ok());
        if process.is_some_and(|p| p != process::id() && machine::began(p).is_none()) {
            // One that cannot be removed is never taken for a whole file.
            let _ = fs::remove_file(entry.path());
        }
    }
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
