//! Which files are those of an earlier phantom: others are not replaced.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    error::{Error, Result},
    report::partial::replaceable,
};

/// Refuses to write a slide, its truth and its label images over what is not of an earlier phantom: its truth says which files
/// it had. Nothing was written yet. Empty files are nobody's loss.
///
/// # Errors
///
/// [`Error::Config`] naming the first such file; [`Error::Io`] for links, folders, pipes and devices.
pub(super) fn check(slide: &Path, truth: &Path, labels: impl Iterator<Item = PathBuf>) -> Result<()> {
    let earlier = earlier(truth);
    let listed: BTreeSet<&str> = earlier.iter().flat_map(files).collect();
    refuse(truth, earlier.is_some())?;
    refuse(slide, earlier.is_some())?;
    let is_listed =
        |path: &Path| path.file_name().and_then(|n| n.to_str()).is_some_and(|n| listed.contains(n));
    { labels }.try_for_each(|path| refuse(&path, is_listed(&path)))
}

fn refuse(path: &Path, is_ours: bool) -> Result<()> {
    replaceable(path)?;
    if is_ours || !fs::symlink_metadata(path).is_ok_and(|facts| facts.len() > 0) {
        return Ok(());
    }
    let got = format!(
        "{}, which is there and is kept, for no truth file beside it says that it is of a phantom; choose another name, or move \
         it away",
        path.display()
    );
    Err(Error::config("phantom", "names of new files, or of an earlier phantom", got))
}

/// Returns the truth of an earlier phantom.
fn earlier(truth: &Path) -> Option<Value> {
    // A pipe is not opened.
    replaceable(truth).ok()?;
    let value: Value = serde_json::from_slice(&fs::read(truth).ok()?).ok()?;
    ["histograde", "organ", "seed"].iter().all(|name| value.get(name).is_some()).then_some(value)
}

/// Returns the names of its label images.
fn files(truth: &Value) -> impl Iterator<Item = &str> {
    truth["labels"].as_object().into_iter().flatten().filter_map(|(_, label)| label["file"].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_phantom_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let said = || {
            let labels = ["a.nuclei.tif", "a.fat.tif"].map(at).into_iter();
            check(&at("a.svs"), &at("a.truth.json"), labels).map_err(|e| e.to_string())
        };
        assert_eq!(said(), Ok(()));
        fs::write(at("a.svs"), "a slide").unwrap();
        assert!(said().unwrap_err().contains("a.svs, which is there and is kept"));
        let truth =
            r#"{"histograde": "1", "organ": "liver", "seed": 1, "labels": {"fat": {"file": "a.fat.tif"}}}"#;
        fs::write(at("a.truth.json"), truth).unwrap();
        fs::write(at("a.fat.tif"), "ours").unwrap();
        assert_eq!(said(), Ok(()));
        fs::write(at("a.nuclei.tif"), "mine").unwrap();
        assert!(said().unwrap_err().contains("a.nuclei.tif, which"));
        fs::remove_file(at("a.nuclei.tif")).unwrap();
        fs::write(at("a.truth.json"), "{}").unwrap();
        assert!(said().unwrap_err().contains("a.truth.json, which"));
    }
}
