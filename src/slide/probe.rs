//! A file opened once and shown to every driver.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{bytes::FileBytes, tiff::Tiff};
use crate::error::{Error, Result};

/// A file opened once and shown to every driver: mapped, and its TIFF directories parsed.
pub struct Probe {
    /// The file.
    pub path: PathBuf,
    bytes: Arc<FileBytes>,
    tiff: Option<Result<Tiff>>,
}

impl Probe {
    /// Opens a file or a folder and reads its headers.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file or folder cannot be opened. What is wrong *inside* the file is left for the
    /// driver that accepts it.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = if path.is_dir() {
            // A folder that may not be read is not one that holds no slide.
            fs::read_dir(path).map_err(Error::io("read", path))?;
            FileBytes::none()
        } else {
            FileBytes::open(path)?
        };
        let bytes = Arc::new(bytes);
        let tiff = Tiff::parse(&bytes).transpose();
        Ok(Self { path: path.into(), bytes, tiff })
    }

    /// Returns the first bytes of the file, at most 16.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        let all = self.bytes.all();
        &all[..all.len().min(16)]
    }

    /// Returns the parsed directories, or in one clause why there are none.
    pub(super) fn tiff(&self) -> std::result::Result<&Tiff, String> {
        match &self.tiff {
            Some(Ok(tiff)) => Ok(tiff),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("not a TIFF file".into()),
        }
    }

    /// Returns whether the file starts like a TIFF, even if the rest is damaged.
    pub(super) fn looks_like_tiff(&self) -> bool {
        self.tiff.is_some()
    }

    /// Takes the parsed directories out.
    ///
    /// # Errors
    ///
    /// What the parser found wrong.
    pub(super) fn into_tiff(self) -> Result<Tiff> {
        self.tiff.unwrap_or_else(|| Err(Error::malformed("tiff", "signature", "II or MM", "other bytes")))
    }

    /// Returns the mapped file.
    pub(super) fn bytes(&self) -> &Arc<FileBytes> {
        &self.bytes
    }
}
