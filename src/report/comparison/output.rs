//! The folder of a report: which files this comparison wrote.

mod earlier;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::error::{Error, Result};

/// Tells of every file what it was made from; both are written last and list the others.
pub(super) const PROVENANCE: &str = "provenance.json";
/// The same for other programs.
pub(super) const CRATE: &str = "ro-crate-metadata.json";
/// The page that people read.
pub(super) const PAGE: &str = "report.html";
/// Slide measurements under QuPath's names.
pub(super) const MEASUREMENTS: &str = "measurements.tsv";

/// A folder that a comparison is written into. It knows each file that was named for writing.
#[derive(Debug)]
pub(super) struct Output {
    root: PathBuf,
    named: Mutex<BTreeSet<String>>,
}

impl Output {
    /// Makes the folder and removes what an earlier comparison wrote there. What else is in it stays.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder cannot be made, or an old file cannot be removed.
    pub(super) fn begin(root: &Path) -> Result<Self> {
        fs::create_dir_all(root).map_err(Error::io("create", root))?;
        earlier::remove(root)?;
        Ok(Self { root: root.to_owned(), named: Mutex::default() })
    }

    /// Returns where a file below the folder is to be written, and remembers its name (`prism/a.csv`).
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        self.path(name)
    }

    /// Returns where a file is that describes the others and is not listed among them.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Makes a folder below.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be made.
    pub(super) fn folder(&self, name: &str) -> Result<()> {
        let path = self.root.join(name);
        fs::create_dir_all(&path).map_err(Error::io("create", path))
    }

    /// Returns the names of all files that were written, sorted.
    pub(super) fn written(&self) -> Vec<String> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
