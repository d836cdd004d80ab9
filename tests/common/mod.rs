//! What several test files need.

use std::path::PathBuf;

/// Returns the folder of real slides, from `HISTOGRADE_DATA` or beside the repository; `None` when
/// there is none, and the test should return early.
///
/// With `HISTOGRADE_REQUIRE_DATA=1` a missing folder is a failure.
pub(crate) fn data_dir() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("HISTOGRADE_DATA").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var("HISTOGRADE_REQUIRE_DATA").is_ok_and(|v| v == "1");
    assert!(!required, "no test data in {}", folder.display());
    eprintln!("skipped: no test data in {}; set HISTOGRADE_DATA", folder.display());
    None
}
