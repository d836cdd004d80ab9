//! Where tiles are written: one file each, or tar files of many.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{Format, Output, SHARD_TILES, table::Row};
use crate::{
    error::{Error, Result},
    report::partial::{self, Partial},
};

/// Writes the tiles of one slide.
pub(super) struct Sink {
    out: PathBuf,
    slide_id: String,
    output: Output,
    shard: Option<Shard>,
    shards: usize,
}

struct Shard {
    tar: tar::Builder<Partial>,
    path: PathBuf,
    tiles: usize,
}

impl Sink {
    pub(super) fn new(out: &Path, slide_id: &str, output: Output) -> Self {
        Self { out: out.to_owned(), slide_id: slide_id.to_owned(), output, shard: None, shards: 0 }
    }

    /// Writes a tile and returns its file, relative to the folder; for a shard, `shard.tar/member`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written.
    pub(super) fn write(&mut self, row: &Row, format: Format, bytes: &[u8]) -> Result<Option<String>> {
        match self.output {
            Output::Coordinates => Ok(None),
            Output::Files => {
                let name = format!("{}.{}", row.name(), format.ending());
                let file = format!("tiles/{}/{name}", self.slide_id);
                write_file(&self.out.join(&file), bytes)?;
                Ok(Some(file))
            }
            Output::Shards => self.append(row, format.ending(), bytes).map(Some),
        }
    }

    fn append(&mut self, row: &Row, ending: &str, bytes: &[u8]) -> Result<String> {
        if self.shard.as_ref().is_some_and(|shard| shard.tiles == SHARD_TILES) {
            self.close()?;
        }
        let shard_name = format!("shards/{}-{:06}.tar", self.slide_id, self.shards);
        if self.shard.is_none() {
            let path = self.out.join(&shard_name);
            let tar = tar::Builder::new(Partial::create(&path)?);
            self.shard = Some(Shard { tar, path, tiles: 0 });
        }
        let Some(shard) = &mut self.shard else { return Ok(shard_name) };
        let facts = serde_json::to_vec(row).unwrap_or_default();
        let key = sample_key(row);
        let name = format!("{key}.{ending}");
        shard.member(&name, bytes)?;
        shard.member(&format!("{key}.json"), &facts)?;
        shard.tiles += 1;
        Ok(format!("{shard_name}/{name}"))
    }

    fn close(&mut self) -> Result<()> {
        if let Some(shard) = self.shard.take() {
            self.shards += 1;
            let path = shard.path;
            shard.tar.into_inner().map_err(Error::io("write", path))?.commit()?;
        }
        Ok(())
    }

    /// Closes the last shard.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written.
    pub(super) fn finish(mut self) -> Result<()> {
        self.close()
    }
}

/// Returns the name of a tile in a shard, up to its ending. WebDataset takes all members whose names are equal up to the
/// first dot for one sample, so that there are no dots in it.
fn sample_key(row: &Row) -> String {
    row.name().replace('%', "%25").replace('.', "%2E")
}

impl Shard {
    /// Adds a file whose header holds nothing that changes from run to run.
    fn member(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        self.tar.append_data(&mut header, name, bytes).map_err(Error::io("write", &self.path))
    }
}

/// Writes a small file under another name first.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = partial::temporary(path);
    let written = fs::File::create(&temporary).and_then(|mut file| file.write_all(bytes));
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path);
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
            fs::write(&temporary, bytes).map_err(Error::io("write", path))?;
        }
        other => other.map_err(Error::io("write", path))?,
    }
    fs::rename(&temporary, path).map_err(Error::io("write", path))
}
