//! The folder of a report: which files this comparison wrote.

mod earlier;

use std::{
    collections::BTreeMap,
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

/// The tables, each as CSV and as Parquet.
const TABLES: [&str; 14] = [
    "animals",
    "animals_long",
    "stats_omnibus",
    "stats_contrasts",
    "stats_trends",
    "assumptions",
    "groups",
    "recovery",
    "equivalence",
    "variance_components",
    "warnings",
    "relations",
    "exclusions",
    "weight_sensitivity",
];
/// What else lies in the folder itself.
const OTHERS: [&str; 8] = [
    PAGE,
    PROVENANCE,
    CRATE,
    "load_tables.py",
    "load_tables.R",
    "methods.txt",
    "references.bib",
    "comparison.json",
];

/// Returns every name that a comparison may give in the folder itself, but for [`MEASUREMENTS`].
fn fixed() -> impl Iterator<Item = String> {
    let tables = TABLES.iter().flat_map(|name| [format!("{name}.csv"), format!("{name}.parquet")]);
    tables.chain(OTHERS.map(str::to_owned))
}

/// Returns the files below a folder that a comparison would write or remove, after a look at what is there.
///
/// # Errors
///
/// [`Error::Config`] when one of them is none of an earlier comparison, [`Error::Io`] when a folder cannot be read, or a link, a
/// pipe or a device has such a name.
pub fn claimed(root: &Path, qupath_names: bool) -> Result<Vec<PathBuf>> {
    earlier::claimed(root, qupath_names)
}

/// A folder that a comparison is written into. It knows each file that was named for writing.
#[derive(Debug)]
pub(super) struct Output {
    root: PathBuf,
    /// Names by how they look where case makes no difference.
    named: Mutex<BTreeMap<String, String>>,
}

impl Output {
    /// Makes the folder and removes what an earlier comparison wrote there. What else is in it stays.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder cannot be made, or an old file cannot be removed.
    pub(super) fn begin(root: &Path) -> Result<Self> {
        fs::create_dir_all(root).map_err(Error::io("create", root))?;
        earlier::begin(root)?;
        earlier::remove(root)?;
        Ok(Self { root: root.to_owned(), named: Mutex::default() })
    }

    /// Returns where a file below the folder is to be written, and remembers its name (`prism/a.csv`). A file that is named a
    /// second time, for names can be made alike, is another one (`prism/a-2.csv`).
    pub(super) fn file(&self, name: &str) -> PathBuf {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let others = (2..).map(|i| format!("{stem}-{i}.{ending}"));
        let mut free =
            std::iter::once(name.to_owned()).chain(others).filter(|n| !named.contains_key(&n.to_lowercase()));
        let own = free.next().unwrap_or_default();
        drop(free);
        named.insert(own.to_lowercase(), own.clone());
        self.path(&own)
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

    /// Notes that all files are there.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the note that they are not cannot be removed.
    pub(super) fn end(&self) -> Result<()> {
        earlier::end(&self.root)
    }

    /// Returns the names of all files that were written, sorted.
    pub(super) fn written(&self) -> Vec<String> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_are_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let out = Output::begin(folder.path()).unwrap();
        let names = ["prism/a_b.csv", "prism/A_b.csv", "prism/a_b.csv", "prism/a_b.parquet"]
            .map(|name| out.file(name));
        let expected = ["prism/a_b.csv", "prism/A_b-2.csv", "prism/a_b-3.csv", "prism/a_b.parquet"];
        assert_eq!(names, expected.map(|name| folder.path().join(name)));
        assert_eq!(out.written().len(), 4);
    }
}
