//! `seen.json`: what need not be hashed again. Losing it costs time only.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::{
    error::{Error, Result},
    report::partial::write_whole,
};

/// Its name in the folder of a slide.
pub(super) const NAME: &str = "seen.json";
/// A longer file is not ours.
const MAX_BYTES: u64 = 64 << 20;

/// Sizes and times of files when they were hashed.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Seen {
    /// Time the slide took, in seconds.
    pub(super) seconds: f64,
    /// Level-0 pixels that were analysed: how many depends on threads and memory.
    #[serde(default)]
    pub(super) analysed_px: u64,
    /// Where the slide with a result was last; empty where there is none.
    #[serde(default)]
    pub(super) path: String,
    /// Files of the slide, and the fingerprint of their content.
    slide: Vec<Facts>,
    content: String,
    /// Files of the result.
    files: Vec<Facts>,
}

impl Seen {
    /// Reads what is there; nothing if it is not there or damaged.
    pub(super) fn read(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let small = fs::metadata(&path).is_ok_and(|m| m.len() <= MAX_BYTES);
        let text = small.then(|| fs::read(&path).ok()).flatten();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Returns nothing seen but the time a slide took and how much of it was analysed.
    pub(super) fn of_run(seconds: f64, analysed_px: u64) -> Self {
        Self { seconds, analysed_px, ..Self::default() }
    }

    /// Writes it.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let text = serde_json::to_vec(self).map_err(|e| Error::io("write", &path)(e.into()))?;
        write_whole(&path, &text)
    }

    /// Returns the fingerprint of a slide whose files are as they were.
    pub(super) fn content(&self, slide: &[Facts]) -> Option<&str> {
        (!slide.is_empty() && self.slide == slide).then_some(&self.content)
    }

    /// Notes the fingerprint of a slide, unless its files changed just now; returns whether that was new.
    pub(super) fn note_slide(&mut self, slide: &[Facts], content: &str) -> bool {
        if self.content(slide) == Some(content) || !slide.iter().all(Facts::settled) {
            return false;
        }
        self.slide = slide.to_vec();
        content.clone_into(&mut self.content);
        true
    }

    /// Notes where the slide is; returns whether that was new.
    pub(super) fn note_path(&mut self, path: String) -> bool {
        let new = self.path != path;
        self.path = path;
        new
    }

    /// Returns the facts of a file when it was hashed.
    pub(super) fn file(&self, name: &str) -> Option<&Facts> {
        self.files.iter().find(|f| f.name == name)
    }

    /// Notes the facts of a file that was hashed.
    pub(super) fn note_file(&mut self, name: &str, facts: Facts) {
        self.files.retain(|f| f.name != name);
        self.files.push(facts);
    }
}
