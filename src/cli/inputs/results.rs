//! Folders that this program wrote: their pictures are not slides.

use std::path::Path;

/// Returns whether a folder holds what an earlier run wrote. A folder that merely has results beside its slides does
/// not; the folders of the results in it do.
pub(super) fn is_result(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    // Two names each: one alone may be another program's.
    let pairs = [
        ("result.json", "overview.png"),
        ("tiles.geojson", "contact_sheet.png"),
        ("agreement.csv", "pairs.csv"),
    ];
    pairs.iter().any(|(one, other)| has(one) && has(other)) || is_part(folder)
}

/// Returns whether a file is a figure that `agree` wrote, as its tables beside it tell: it may lie among slides.
pub(super) fn is_figure(path: &Path) -> bool {
    let stem = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("_bland_altman"));
    stem && ["agreement.csv", "pairs.csv"].iter().all(|table| path.with_file_name(table).is_file())
}

/// Returns whether a folder is one of those that a folder of results is made of, as what stands beside it tells.
fn is_part(folder: &Path) -> bool {
    let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else { return false };
    let beside = |name: &str| above.join(name);
    let is_file = |name: &str| beside(name).is_file();
    match name.to_str() {
        // Of `score`; the tables are written last.
        Some("store") => is_file("run.json") || beside("slides").is_dir(),
        // Of `tile`.
        Some("tiles" | "shards") => is_file("tiles.csv") && is_file("slides.csv"),
        // Of `compare`.
        Some("figures") => is_file("report.html") && is_file("provenance.json"),
        // Of a slide that is being scored, or was when the run was stopped.
        _ => above.ends_with("slides") && above.with_file_name("store").join(name).is_dir(),
    }
}
