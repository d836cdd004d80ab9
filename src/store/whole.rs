//! What a slide is byte for byte: the fingerprint does not read all of a large one.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::facts::{files_of, name_in};
use crate::{
    error::{Error, Result},
    file,
    report::run_json::{Fingerprint, sha256},
    score::rubric::hex,
};

/// SHA-256 of every byte of a slide's files.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Whole {
    /// Hexadecimal: of the slide's file; where it is made of several, of a line `<SHA-256> <bytes> <name>` for each.
    pub sha256: String,
    /// Size and hash of the slide's own file; `None` for a folder.
    pub file: Option<Fingerprint>,
}

impl Whole {
    /// Reads all files of a slide.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a file cannot be read.
    pub(super) fn of(slide: &Path) -> Result<Self> {
        let (mut own, mut lines) = (None, Vec::new());
        for path in files_of(slide)? {
            let read = || {
                let file = file::open(&path)?;
                Ok((file.metadata()?.len(), sha256(file)?))
            };
            let (bytes, sha256) = read().map_err(Error::io("read", &path))?;
            lines.push(format!("{sha256} {bytes} {}\n", name_in(slide, &path)));
            if path == slide {
                own = Some(Fingerprint { bytes, sha256: Some(sha256), modified_s: None });
            }
        }
        let alone = own.as_ref().filter(|_| lines.len() == 1).and_then(|own| own.sha256.clone());
        Ok(Self { sha256: alone.unwrap_or_else(|| hex(&Sha256::digest(lines.concat()))), file: own })
    }
}
