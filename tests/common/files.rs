//! Files of an output folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Every file below a folder, by its path from there; none below one that is not there.
pub(crate) fn paths(folder: &Path) -> BTreeSet<PathBuf> {
    let (mut found, mut open) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found
}

/// Every file below a folder, with its bytes.
pub(crate) fn all(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| {
        let bytes = fs::read(folder.join(&path)).unwrap();
        (path, bytes)
    };
    paths(folder).into_iter().map(read).collect()
}

/// Every file below a folder but `run.json` and `seen.json`, which tell times, with its bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = all(folder);
    found.retain(|path, _| !path.ends_with("run.json") && !path.ends_with("seen.json"));
    found
}
