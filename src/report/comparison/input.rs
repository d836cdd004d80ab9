//! The files that describe a study.

use std::path::Path;

use serde::Serialize;

use crate::{error::Result, report::run_json::fingerprint};

/// A file that went into the comparison. Its folder is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// What it is, e.g. `sample sheet`.
    pub role: &'static str,
    /// Name without folder.
    pub name: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

impl Input {
    /// Reads a file's name and hash.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Io`] if it cannot be read.
    pub fn read(role: &'static str, path: &Path) -> Result<Self> {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { role, name, sha256: fingerprint(path)?.sha256.unwrap_or_default() })
    }
}
