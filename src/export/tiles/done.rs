//! What an earlier run finished, and whether it was asked the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde_json::{Value, json};

use super::{
    Settings, SlideTiles, Target,
    annotation::Annotations,
    own, remove_file, sheet,
    table::{self, Row, SlideRow},
};
use crate::{
    error::{Error, Result},
    report::partial::{sweep_dead, write_whole},
    store::Source,
};

/// The file of a slide that says it is finished, written last.
pub(super) const MARK: &str = "done.json";
/// The slide's own rows.
const ROWS: &str = "tiles.csv";

/// A finished slide's row, and those of its tiles.
pub(super) type Finished = (SlideRow, Vec<Row>);

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
        let (summary, rows) = finished(out, &folder, &mark)?;
        Some(SlideTiles { rows, summary, resumed: true, remark: None })
    }

    /// Removes what an earlier run with other settings, or one that was interrupted, left of this slide, and nothing else;
    /// what was made of another slide, or by another command, stays and is an error.
    pub(super) fn clear(&self, out: &Path) -> Result<()> {
        let folder = self.folder(out);
        let there: Option<Source> =
            read(&folder).and_then(|mark| serde_json::from_value(mark.get("source")?.clone()).ok());
        self.source.may_replace(there.as_ref(), &folder)?;
        own::refuse_result(&folder)?;
        let names = [MARK, ROWS, sheet::RECTANGLES, sheet::SHEET];
        if there.is_none() {
            own::refuse_strangers(out, &self.slide_id, &names)?;
        }
        names.into_iter().try_for_each(|name| remove_file(&folder.join(name)))?;
        sweep_dead(&folder);
        own::remove_tiles(&out.join("tiles").join(&self.slide_id), &self.slide_id)?;
        (0..)
            .map(|i| out.join(format!("shards/{}-{i:06}.tar", self.slide_id)))
            .take_while(|p| p.is_file())
            .try_for_each(|path| remove_file(&path))
    }

    /// Notes that the slide is finished.
    pub(super) fn keep(&self, out: &Path, done: &SlideTiles) -> Result<()> {
        let folder = self.folder(out);
        table::write_csv(&folder.join(ROWS), &done.rows)?;
        let bytes = stored(out, &done.rows);
        let mark =
            json!({ "asked": self.asked, "source": self.source, "slide": done.summary, "bytes": bytes });
        let text = serde_json::to_vec_pretty(&mark).unwrap_or_default();
        write_whole(&folder.join(MARK), &text)
    }
}

/// Slides that earlier runs finished with other settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Otherwise {
    /// How many.
    pub slides: usize,
    /// What differs, by the names of the options: `stain-norm`, `resolution`.
    pub settings: BTreeSet<String>,
}

/// Returns which finished slides of a folder, besides those of this run, were tiled with other settings than these.
///
/// # Errors
///
/// [`Error::Io`] when the folder cannot be read.
pub fn otherwise(out: &Path, own: &BTreeSet<&str>, settings: &Settings) -> Result<Otherwise> {
    let mut found = Otherwise::default();
    for name in names(out)?.iter().filter(|name| !own.contains(name.as_str())) {
        let Some(mark) = read(&out.join("slides").join(name)) else { continue };
        let differ = differing(&mark["asked"], settings);
        found.slides += usize::from(!differ.is_empty());
        found.settings.extend(differ);
    }
    Ok(found)
}

/// Names the settings in which what was asked for differs from these. Areas are of each slide, and so is a pixel size that a sample sheet
/// gives: of areas only whether there are any is compared, of such sizes nothing.
fn differing(asked: &Value, settings: &Settings) -> Vec<String> {
    let own = settings.fingerprint.as_object();
    let differs = |key: &str, value: &Value| {
        let earlier = &asked["settings"][key];
        earlier != value && !(key == "slide_mpp" && earlier.is_array())
    };
    let keys = own.into_iter().flatten().filter(|(key, value)| differs(key, value));
    let mut differ: Vec<String> = keys.map(|(key, _)| key.replace('_', "-")).collect();
    if asked["target"] != json!(settings.target.as_ref().map(Target::fingerprint)) {
        differ.push("stain-norm".to_owned());
    }
    if asked["within"].is_null() != settings.within.is_none() {
        differ.push("within".to_owned());
    }
    differ
}

/// Returns the rows of every slide of a folder that is finished, one after another, by name: `None` for one whose files are
/// not what they were.
///
/// # Errors
///
/// [`Error::Io`] when the folder cannot be read.
pub(super) fn all(out: &Path) -> Result<impl Iterator<Item = (String, Option<Finished>)>> {
    let out = out.to_owned();
    Ok(names(&out)?.into_iter().filter_map(move |name| {
        let folder = out.join("slides").join(&name);
        let mark = read(&folder)?;
        Some((name, finished(&out, &folder, &mark)))
    }))
}

/// Returns the names in the folder of slides, sorted; none where it is not there.
fn names(out: &Path) -> Result<Vec<String>> {
    let slides = out.join("slides");
    let entries = match fs::read_dir(&slides) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        other => {
            let entries = other.map_err(Error::io("read", &slides))?;
            entries.collect::<std::io::Result<Vec<_>>>().map_err(Error::io("read", &slides))?
        }
    };
    let mut names: Vec<String> = entries.iter().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Returns what is noted of a slide, if all of its files are there and as long as they were.
fn finished(out: &Path, folder: &Path, mark: &Value) -> Option<Finished> {
    let summary: SlideRow = serde_json::from_value(mark.get("slide")?.clone()).ok()?;
    let mut reader = csv::Reader::from_path(folder.join(ROWS)).ok()?;
    let rows = reader.deserialize().collect::<Result<Vec<Row>, _>>().ok()?;
    let whole = rows.len() as u64 == summary.tiles && mark.get("bytes") == Some(&stored(out, &rows)?);
    whole.then_some((summary, rows))
}

/// Returns the bytes of all tiles together and of each shard; `None` when one is not there.
fn stored(out: &Path, rows: &[Row]) -> Option<Value> {
    let length =
        |file: &str| fs::metadata(out.join(file)).ok().filter(fs::Metadata::is_file).map(|m| m.len());
    let (mut tiles, mut shards) = (0, BTreeMap::new());
    for file in rows.iter().filter_map(|row| row.file.as_deref()) {
        match file.rsplit_once('/').filter(|(shard, _)| shard.starts_with("shards/")) {
            None => tiles += length(file)?,
            Some((shard, _)) if shards.contains_key(shard) => {}
            Some((shard, _)) => drop(shards.insert(shard, length(shard)?)),
        }
    }
    Some(json!({ "tiles": tiles, "shards": shards }))
}

/// Returns what an earlier run noted of the slide it finished.
fn read(folder: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(folder.join(MARK)).ok()?).ok()
}
