//! `run.json`: how a run was made. The only file that depends on the machine and the time it took.

mod agree;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::agree::{agree, rubric_of};
use super::{partial::write_whole, slide_json::pretty, tables::sorted, wording};
use crate::{
    batch::Done,
    error::{Error, Result},
    measure::sizes,
    score::rubric::{Origin, hex},
    stages,
    store::Kept,
};

/// Largest file that [`fingerprint`] hashes, in bytes; larger ones are known by size and time of change.
const MAX_HASHED_BYTES: u64 = 2_000_000_000;
/// Name of the file.
const NAME: &str = "run.json";
/// The tables that a run writes before it.
const TABLES: [&str; 3] = ["slides.csv", "long.csv", sizes::table::FILE];

/// What a run is described by.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The command line as typed.
    pub arguments: &'a [String],
    /// What the arguments were resolved to.
    pub settings: &'a serde_json::Value,
    /// Cut-offs and weights used.
    pub rubric: &'a Origin,
    /// Worker threads.
    pub threads: usize,
    /// Duration of the whole run, in seconds.
    pub seconds: f64,
    /// What came of each slide.
    pub done: &'a [Done],
    /// The records of slides that are done, by slide id: they tell which file it was.
    pub files: &'a BTreeMap<String, Kept>,
    /// Slides with a result of another command in the same folder: in none of this run's tables.
    pub not_in_tables: &'a [String],
}

#[derive(Serialize)]
struct RunFile<'a> {
    schema: &'static str,
    histograde: &'static str,
    statement: &'static str,
    arguments: &'a [String],
    settings: &'a serde_json::Value,
    rubric: &'a Origin,
    threads: usize,
    seconds: f64,
    /// Seconds that all threads together were at each stage of the work, on the slides worked at in this run.
    stages: BTreeMap<&'static str, f64>,
    counts: Counts,
    not_in_tables: &'a [String],
    /// SHA-256 of the tables beside this file.
    tables: BTreeMap<&'static str, String>,
    slides: Vec<SlideRun<'a>>,
}

#[derive(Default, Serialize)]
struct Counts {
    scored: usize,
    blank: usize,
    failed: usize,
    excluded: usize,
}

#[derive(Serialize)]
struct SlideRun<'a> {
    slide_id: &'a str,
    path: String,
    status: &'static str,
    seconds: f64,
    /// Megapixels of level 0.
    slide_mp: Option<f64>,
    /// Megapixels of level 0 that were analysed.
    analysed_mp: Option<f64>,
    /// Analysed megapixels per second.
    mp_per_s: Option<f64>,
    /// Warnings of the slide, which `slides.csv` joins to one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<usize>,
    /// The slide's own file as it was read.
    file: Option<&'a Fingerprint>,
    /// SHA-256 of all its files.
    content_sha256: Option<&'a str>,
    record: Option<RecordOf<'a>>,
}

/// The record in the store that a row is of.
#[derive(Serialize)]
struct RecordOf<'a> {
    name: &'a str,
    sha256: &'a str,
}

/// What tells one version of a file from another.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Fingerprint {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, hexadecimal; `None` above 2 GB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Time of change in seconds since 1970; only where the content is not hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_s: Option<u64>,
}

/// Writes `run.json` into a folder that holds the run's tables. Written last, it says that they belong together.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written, or a table not be read.
pub fn write(out: &Path, run: &Run<'_>) -> Result<()> {
    let hash = |name| {
        let path = out.join(name);
        let read = File::open(&path).and_then(sha256).map_err(Error::io("read back", &path));
        read.map(|sha256| (name, sha256))
    };
    let mut counts = Counts::default();
    for d in run.done {
        *match d.status() {
            "scored" => &mut counts.scored,
            "blank" => &mut counts.blank,
            "excluded" => &mut counts.excluded,
            _ => &mut counts.failed,
        } += 1;
    }
    let file = RunFile {
        schema: "histograde-run/1",
        histograde: env!("CARGO_PKG_VERSION"),
        statement: wording::STATEMENT,
        arguments: run.arguments,
        settings: run.settings,
        rubric: run.rubric,
        threads: run.threads,
        seconds: milli(run.seconds),
        stages: stages::spent().map(|(stage, time)| (stage.name(), milli(time.as_secs_f64()))).into(),
        counts,
        not_in_tables: run.not_in_tables,
        tables: TABLES.into_iter().map(hash).collect::<Result<_>>()?,
        slides: sorted(run.done).into_iter().map(|d| slide(d, run.files)).collect(),
    };
    write_whole(&out.join(NAME), &pretty(&file)?)
}

fn slide<'a>(d: &'a Done, files: &'a BTreeMap<String, Kept>) -> SlideRun<'a> {
    let summary = d.facts();
    let kept = files.get(&d.job.slide_id);
    let whole = kept.and_then(|kept| kept.whole.as_ref());
    let analysed_mp = summary.map(|s| s.analysed_px as f64 / 1e6);
    SlideRun {
        slide_id: &d.job.slide_id,
        path: d.job.path.display().to_string(),
        status: d.status(),
        seconds: milli(d.seconds),
        slide_mp: summary.and_then(|s| s.info.levels.first()).map(|l| l.width as f64 * l.height as f64 / 1e6),
        analysed_mp,
        mp_per_s: analysed_mp.filter(|_| d.seconds > 0.0).map(|mp| milli(mp / d.seconds)),
        warnings: summary.map(|s| s.warnings.len()),
        file: whole.and_then(|whole| whole.file.as_ref()),
        content_sha256: whole.map(|whole| whole.sha256.as_str()),
        record: kept.map(|kept| RecordOf { name: &kept.record, sha256: &kept.seal }),
    }
}

/// Rounds to thousandths: times are not more exact than that.
fn milli(v: f64) -> f64 {
    (v * 1000.0).round() / 1000.0
}

/// Returns size and SHA-256 of a file; for one above 2 GB its size and time of change.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be read.
pub fn fingerprint(path: &Path) -> Result<Fingerprint> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let facts = file.metadata().map_err(Error::io("read", path))?;
    let bytes = facts.len();
    if bytes < MAX_HASHED_BYTES {
        let sha256 = sha256(file).map_err(Error::io("read", path))?;
        return Ok(Fingerprint { bytes, sha256: Some(sha256), modified_s: None });
    }
    let modified = facts.modified().map_err(Error::io("read", path))?;
    let modified_s = modified.duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs());
    Ok(Fingerprint { bytes, sha256: None, modified_s })
}

/// Returns the SHA-256 of everything a source gives, hexadecimal.
pub(crate) fn sha256(mut source: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::test_slide, store::Whole};

    #[test]
    fn fingerprints_are_sha256() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        std::fs::write(&path, b"abc").unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = Fingerprint { bytes: 3, sha256: Some(sha256.into()), modified_s: None };
        assert_eq!(fingerprint(&path).unwrap(), expected);
        assert!(fingerprint(&folder.path().join("none")).is_err());
    }

    #[test]
    fn run_tells_counts_times_and_hashes() {
        let folder = tempfile::tempdir().unwrap();
        TABLES.iter().for_each(|name| std::fs::write(folder.path().join(name), "abc").unwrap());
        let done = test_slide::study();
        let rubric = test_slide::rubric();
        let run = Run {
            arguments: &["histograde".into(), "score".into()],
            settings: &serde_json::json!({"tissue": "liver"}),
            rubric: rubric.origin(),
            threads: 2,
            seconds: 4.56789,
            done: &done,
            files: &BTreeMap::from([(
                "a1".to_owned(),
                Kept {
                    record: "k.json".into(),
                    seal: "5ea1".into(),
                    whole: Some(Whole {
                        sha256: "c0".into(),
                        file: Some(Fingerprint { bytes: 9, sha256: Some("c0".into()), modified_s: None }),
                    }),
                },
            )]),
            not_in_tables: &["old".into()],
        };
        write(folder.path(), &run).unwrap();
        let path = folder.path().join(NAME);
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(json["counts"], serde_json::json!({"scored": 1, "blank": 1, "failed": 1, "excluded": 1}));
        assert_eq!(json["seconds"], 4.568);
        assert_eq!(json["not_in_tables"], serde_json::json!(["old"]));
        assert_eq!(json["settings"]["tissue"], "liver");
        assert_eq!(json["rubric"]["name"], "built-in");
        let slide = &json["slides"][0];
        assert_eq!((slide["slide_id"].as_str(), slide["status"].as_str()), (Some("a1"), Some("scored")));
        assert_eq!(
            (&slide["slide_mp"], &slide["analysed_mp"], &slide["mp_per_s"]),
            (&8.0.into(), &6.0.into(), &3.0.into())
        );
        let warnings =
            done.iter().find(|d| d.job.slide_id == "a1").and_then(Done::facts).unwrap().warnings.len();
        assert_eq!(slide["warnings"].as_u64(), Some(warnings as u64));
        assert_eq!(slide["file"], serde_json::json!({"bytes": 9, "sha256": "c0"}));
        assert_eq!(slide["content_sha256"], "c0");
        assert_eq!(slide["record"], serde_json::json!({"name": "k.json", "sha256": "5ea1"}));
        assert!(json["tables"]["sizes.csv"].as_str().unwrap().starts_with("ba7816bf"), "{}", json["tables"]);
        assert_eq!(json["slides"][1]["file"], serde_json::Value::Null);
    }
}
