//! What an earlier run finished, and whether it was asked the same.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde_json::{Value, json};

use super::{Settings, SlideTiles, Target, annotation::Annotations, table};
use crate::{
    error::{Error, Result},
    report::partial::write_whole,
    store::Source,
};

/// The file of a slide that says it is finished, written last.
const MARK: &str = "done.json";
/// The slide's own rows.
const ROWS: &str = "tiles.csv";

/// What a slide's tiles depend on.
pub(super) struct Mark {
    slide_id: String,
    source: Source,
    asked: Value,
}

impl Mark {
    pub(super) fn new(
        slide_id: &str,
        path: &Path,
        settings: &Settings,
        within: Option<&Annotations>,
    ) -> Result<Self> {
        let facts = fs::metadata(path).map_err(Error::io("read", path))?;
        let changed = facts.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let source = Source::of(path);
        let asked = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "bytes": facts.len(),
            "changed": changed.map(|t| t.as_millis() as u64),
            "settings": settings.fingerprint,
            // Areas and target themselves count, not the names of their files.
            "within": within.map(|areas| &areas.sha256),
            "target": settings.target.as_ref().map(Target::fingerprint),
            "content": source.content(),
        });
        Ok(Self { slide_id: slide_id.to_owned(), source, asked })
    }

    fn folder(&self, out: &Path) -> PathBuf {
        out.join("slides").join(&self.slide_id)
    }

    /// Returns what an earlier run wrote, if it was asked the same and its files are there.
    pub(super) fn find(&self, out: &Path) -> Option<SlideTiles> {
        let folder = self.folder(out);
        let mark = read(&folder)?;
        if mark.get("asked") != Some(&self.asked) {
            return None;
        }
        let summary: table::SlideRow = serde_json::from_value(mark.get("slide")?.clone()).ok()?;
        let mut reader = csv::Reader::from_path(folder.join(ROWS)).ok()?;
        let rows = reader.deserialize().collect::<Result<Vec<table::Row>, _>>().ok()?;
        let is_there = |file: &str| {
            let path = out.join(file);
            path.is_file() || path.parent().is_some_and(Path::is_file)
        };
        let whole = rows.len() as u64 == summary.tiles
            && rows.iter().filter_map(|row| row.file.as_deref()).all(is_there);
        whole.then_some(SlideTiles { rows, summary, resumed: true, remark: None })
    }

    /// Removes what an earlier run with other settings, or one that was interrupted, left of this slide; what was made of
    /// another slide stays and is an error.
    pub(super) fn clear(&self, out: &Path) -> Result<()> {
        let there =
            read(&self.folder(out)).and_then(|mark| serde_json::from_value(mark.get("source")?.clone()).ok());
        self.source.may_replace(there.as_ref(), &self.folder(out))?;
        remove_file(&self.folder(out).join(MARK))?;
        remove_folder(&self.folder(out))?;
        remove_folder(&out.join("tiles").join(&self.slide_id))?;
        (0..)
            .map(|i| out.join(format!("shards/{}-{i:06}.tar", self.slide_id)))
            .take_while(|p| p.is_file())
            .try_for_each(|path| remove_file(&path))
    }

    /// Notes that the slide is finished.
    pub(super) fn keep(&self, out: &Path, done: &SlideTiles) -> Result<()> {
        let folder = self.folder(out);
        table::write_csv(&folder.join(ROWS), &done.rows)?;
        let mark = json!({ "asked": self.asked, "source": self.source, "slide": done.summary });
        let text = serde_json::to_vec_pretty(&mark).unwrap_or_default();
        write_whole(&folder.join(MARK), &text)
    }
}

/// Returns what an earlier run noted of the slide it finished.
fn read(folder: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(folder.join(MARK)).ok()?).ok()
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}
