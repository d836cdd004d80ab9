//! Removes what an earlier comparison left in a folder: nobody must take its numbers for those of this one.
//!
//! Removed are the files that its `provenance.json` lists, and those that are called as ours in the folders that we make: a
//! comparison that failed half-way listed none. Links are neither followed nor removed.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use super::{CRATE, MEASUREMENTS, PAGE, PROVENANCE, fixed};
use crate::{
    cohort::compare::PHYSIOLOGY,
    error::{Error, Result},
    file,
    organ::{self, ORGANS},
    report::{
        comparison::export::provenance::SCHEMA,
        partial::{replaceable, write_whole},
    },
};

/// Largest `provenance.json` that is read, in bytes.
const MOST: u64 = 64 << 20;

/// What the first line of [`MEASUREMENTS`] begins with; files that QuPath itself exports have other columns.
const MEASURED: &[u8] = b"Image\tStatus\tClassification\t";

/// Lies in the folder while a comparison is written: what is called as ours is then ours, though nothing lists it.
const UNFINISHED: &str = "UNFINISHED.txt";
const NOTE: &str =
    "histograde compare did not finish here, or is at work. Do not use the files of this folder.\n";

/// Tells names of a folder that are ours.
type Ours = fn(&str) -> bool;

/// Folders that we make, with the names that we give.
const FOLDERS: [(&str, Ours); 4] = [
    ("figures", is_figure),
    ("prism", is_columns),
    ("send", |name| matches!(name, "mi.csv" | "mi.parquet")),
    ("multiqc", |name| {
        name.starts_with("histograde_") && (name.ends_with("_mqc.json") || name.ends_with(".yml"))
    }),
];

/// Notes that the files of a folder are not whole yet.
pub(super) fn begin(root: &Path) -> Result<()> {
    write_whole(&root.join(UNFINISHED), NOTE.as_bytes())
}

/// Removes the note.
pub(super) fn end(root: &Path) -> Result<()> {
    remove_plain(root, UNFINISHED)
}

/// As [`super::claimed`].
pub(super) fn claimed(root: &Path, qupath_names: bool) -> Result<Vec<PathBuf>> {
    let note = root.join(UNFINISHED);
    let (listed, called) = (listed(root), called(root)?);
    let is_begun = is_plain(&note) && fs::read(&note).is_ok_and(|text| text == NOTE.as_bytes());
    // The first layout listed files of others too.
    let is_first = listed.is_empty() && schema(&provenance(root)).starts_with("histograde-provenance/");
    let own = |name: &str| {
        is_begun
            || is_first
            || listed.iter().any(|l| l == name)
            || !listed.is_empty() && [PROVENANCE, CRATE].contains(&name)
    };
    let refused = |name: &str| refused(&root.join(name));
    for name in fixed() {
        replaceable(&root.join(&name))?;
        if !own(&name) && root.join(&name).exists() {
            return Err(refused(&name));
        }
    }
    if !is_begun && note.exists() {
        return Err(refused(UNFINISHED));
    }
    let measured = root.join(MEASUREMENTS);
    if qupath_names {
        replaceable(&measured)?;
        if measured.exists() && !are_measurements(&measured) {
            return Err(refused(MEASUREMENTS));
        }
    }
    let is_ours = is_begun || is_first || !listed.is_empty();
    if let Some(name) = called.first().filter(|_| !is_ours) {
        return Err(refused(name));
    }
    let all = fixed().chain([UNFINISHED, MEASUREMENTS].map(str::to_owned)).chain(listed).chain(called);
    Ok(all.map(|name| root.join(name)).collect())
}

fn refused(path: &Path) -> Error {
    let got = format!("{}, which is there and is kept; choose another, or move it away", path.display());
    Error::config("folder of the report (-o)", "one with files of `compare` alone under its names", got)
}

fn is_plain(path: &Path) -> bool {
    file::irregular(path).is_none() && path.is_file()
}

/// Removes it, the page first: a report must not stand beside half of its tables.
pub(super) fn remove(root: &Path) -> Result<()> {
    let listed = listed(root);
    let fixed = [PAGE, PROVENANCE, CRATE].map(str::to_owned);
    fixed.into_iter().chain(listed).chain(called(root)?).try_for_each(|name| remove_plain(root, &name))
}

/// Returns what the provenance of a comparison lists. Earlier layouts listed all that lay in the folder, the user's own files
/// too, and are not trusted.
fn listed(root: &Path) -> Vec<String> {
    let value = provenance(root);
    let outputs = value["outputs"].as_array().filter(|_| schema(&value) == SCHEMA);
    let names = outputs.into_iter().flatten().filter_map(|o| o["path"].as_str());
    names.map(str::to_owned).collect()
}

fn provenance(root: &Path) -> serde_json::Value {
    let path = root.join(PROVENANCE);
    let small = fs::symlink_metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= MOST);
    let text = small.then(|| fs::read(&path).ok()).flatten().unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn schema(provenance: &serde_json::Value) -> &str {
    provenance["schema"].as_str().unwrap_or_default()
}

/// Returns the files that are called as ours.
fn called(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (folder, ours) in FOLDERS {
        let path = root.join(folder);
        if !fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir()) {
            continue;
        }
        for entry in fs::read_dir(&path).map_err(Error::io("read", &path))? {
            let name = entry.map_err(Error::io("read", &path))?.file_name();
            names.extend(name.to_str().filter(|n| ours(n)).map(|n| format!("{folder}/{n}")));
        }
    }
    names.extend(are_measurements(&root.join(MEASUREMENTS)).then(|| MEASUREMENTS.to_owned()));
    Ok(names)
}

/// Whether a figure is called so: `<tissue>_<feature>_animals.svg`, `<tissue>_heatmap.png`.
fn is_figure(name: &str) -> bool {
    let stem = name.strip_suffix(".svg").or_else(|| name.strip_suffix(".png"));
    stem.and_then(of_tissue).is_some_and(|(_, rest)| {
        matches!(rest, "heatmap" | "effects")
            || ["_animals", "_differences", "_dose"].iter().any(|end| rest.ends_with(end))
    })
}

/// Whether columns for Prism are called so: `<tissue>_<feature>.csv`.
fn is_columns(name: &str) -> bool {
    name.strip_suffix(".csv").and_then(of_tissue).is_some_and(|(tissue, feature)| match organ::find(tissue) {
        Some(organ) => {
            organ.features.iter().any(|f| f.name == feature)
                || ["_score", "_grade", "_index"].iter().any(|end| feature.ends_with(end))
        }
        None => true,
    })
}

/// Divides a name into its tissue and the rest.
fn of_tissue(stem: &str) -> Option<(&'static str, &str)> {
    let tissues = ORGANS.iter().map(|o| o.name).chain([PHYSIOLOGY]);
    let mut found = tissues.filter_map(|t| Some((t, stem.strip_prefix(t)?.strip_prefix('_')?)));
    found.next()
}

fn are_measurements(path: &Path) -> bool {
    let plain = fs::symlink_metadata(path).is_ok_and(|m| m.is_file());
    let mut start = [0; MEASURED.len()];
    plain && File::open(path).and_then(|mut f| f.read_exact(&mut start)).is_ok() && start == MEASURED
}

/// Removes a file below a folder if the name is a plain one and leads through no link.
fn remove_plain(root: &Path, name: &str) -> Result<()> {
    if name.is_empty() {
        return Ok(());
    }
    let mut path = PathBuf::from(root);
    let mut parts = Path::new(name).components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(part) = part else { return Ok(()) };
        path.push(part);
        let last = parts.peek().is_none();
        match fs::symlink_metadata(&path) {
            Ok(facts) if last && facts.is_file() => break,
            Ok(facts) if !last && facts.is_dir() => {}
            _ => return Ok(()),
        }
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", &path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_ours() {
        fn t(ours: Ours, name: &str, expected: bool) {
            assert_eq!(ours(name), expected, "{name}");
        }
        t(is_figure, "liver_fat_area_pct_animals.svg", true);
        t(is_figure, "kidney_heatmap.png", true);
        t(is_figure, "physiology_glucose_dose.png", true);
        t(is_figure, "liver_fat_area_pct_animals.ai", false);
        t(is_figure, "figure1_animals.svg", false);
        t(is_figure, "liver_overview.png", false);
        t(is_columns, "liver_fat_area_pct.csv", true);
        t(is_columns, "liver_damage_index.csv", true);
        t(is_columns, "physiology_homa_ir.csv", true);
        t(is_columns, "liver_mine.csv", false);
        t(is_columns, "mine.csv", false);
    }

    #[test]
    fn files_of_others_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let put = |name: &str, text: &str| fs::write(root.join(name), text).unwrap();
        let said = |qupath: bool| claimed(root, qupath).map(|_| ()).map_err(|e| e.to_string());
        let kept =
            |name: &str| said(true).unwrap_err().contains(&format!("{name}, which is there and is kept"));
        put("notes.txt", "mine");
        assert_eq!(said(true), Ok(()));
        assert!(claimed(root, false).unwrap().contains(&root.join("animals.csv")));
        for name in ["animals.csv", "report.html", "provenance.json", "UNFINISHED.txt"] {
            put(name, "mine");
            assert!(kept(name), "{name}: {:?}", said(true));
            fs::remove_file(root.join(name)).unwrap();
        }
        put("measurements.tsv", "Image\tName\n");
        assert!(kept("measurements.tsv") && said(false).is_ok());
        fs::create_dir(root.join("figures")).unwrap();
        put("figures/liver_heatmap.png", "mine");
        fs::remove_file(root.join("measurements.tsv")).unwrap();
        assert!(kept("figures/liver_heatmap.png"));
        // A comparison that did not finish, and one that did.
        put("animals.csv", "half");
        begin(root).unwrap();
        assert_eq!(said(true), Ok(()));
        end(root).unwrap();
        let list = r#"{"schema": "histograde-provenance/2", "outputs": [{"path": "animals.csv"}]}"#;
        put("provenance.json", list);
        assert_eq!(said(true), Ok(()));
        put("groups.csv", "mine");
        assert!(kept("groups.csv"));
    }

    #[test]
    fn only_plain_names_below_the_folder_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("report");
        fs::create_dir_all(root.join("a/b")).unwrap();
        for name in ["a/b/x.csv", "a/kept.csv", "../outside.csv"] {
            fs::write(root.join(name), "").unwrap();
        }
        let outside = folder.path().join("outside.csv");
        let absolute = outside.display().to_string();
        for name in
            ["../outside.csv", "a/../../outside.csv", absolute.as_str(), "", "a", "a/b", "none", "./a"]
        {
            remove_plain(&root, name).unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path(), root.join("link")).unwrap();
            std::os::unix::fs::symlink(&outside, root.join("linked.csv")).unwrap();
            remove_plain(&root, "link/outside.csv").unwrap();
            remove_plain(&root, "linked.csv").unwrap();
            assert!(root.join("linked.csv").is_symlink());
        }
        assert!(outside.is_file() && root.join("a/kept.csv").is_file());
        remove_plain(&root, "a/b/x.csv").unwrap();
        assert!(!root.join("a/b/x.csv").exists());
    }
}
