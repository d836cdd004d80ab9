//! Regular files, told from pipes and devices: some of these wait forever when they are opened or read, and none of
//! them may be replaced by a result.

use std::{
    fs::{self, File, FileType, Metadata},
    io,
    path::Path,
};

use crate::error::{Error, Result};

/// Opens a regular file for reading.
///
/// # Errors
///
/// When it cannot be opened, or is something else: a folder, a pipe, a device.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    check(&fs::metadata(path)?)?;
    File::open(path)
}

/// Refuses a slide that is not there. What else is wrong with it, whoever opens it says.
///
/// # Errors
///
/// [`Error::Missing`].
pub(crate) fn there(slide: &Path) -> Result<()> {
    let gone = |e: &io::Error| matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    match fs::metadata(slide) {
        Err(error) if gone(&error) => Err(Error::Missing { path: slide.to_owned() }),
        _ => Ok(()),
    }
}

/// Refuses what is not a regular file, before it is opened.
///
/// # Errors
///
/// [`io::ErrorKind::IsADirectory`] for folders, [`io::ErrorKind::InvalidInput`] naming what it is for others.
pub fn check(facts: &Metadata) -> io::Result<()> {
    match kind(facts.file_type()) {
        None => Ok(()),
        Some(_) if facts.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Some(kind) => {
            let text =
                format!("it is {kind}, and a file is needed; save what comes out of it to a file first");
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
    }
}

/// Returns what stands at a place if it is anything but a regular file; links are not followed.
pub(crate) fn irregular(path: &Path) -> Option<&'static str> {
    // What cannot be looked at is told of by whoever writes there.
    fs::symlink_metadata(path).ok().and_then(|facts| kind(facts.file_type()))
}

/// Returns the word for a kind of file; `None` for regular ones.
fn kind(of: FileType) -> Option<&'static str> {
    if of.is_file() {
        return None;
    }
    Some(match of {
        of if of.is_dir() => "a folder",
        of if of.is_symlink() => "a link",
        of => special(of),
    })
}

#[cfg(unix)]
fn special(of: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match of {
        of if of.is_fifo() => "a pipe",
        of if of.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "a device"
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "text").unwrap();
        symlink(at("file"), at("link")).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        assert!(open(&at("file")).is_ok() && open(&at("link")).is_ok());
        assert_eq!(open(folder.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        let text = open(&at("socket")).unwrap_err().to_string();
        assert!(text.starts_with("it is a socket, and a file is needed"), "{text}");
        let found = ["file", "link", "socket", "none", ""].map(|name| irregular(&at(name)));
        assert_eq!(found, [None, Some("a link"), Some("a socket"), None, Some("a folder")]);
    }
}
