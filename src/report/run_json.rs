//! `run.json`: how a run was made. The only file that depends on the machine and the time it took.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{partial::write_whole, slide_json::pretty, tables::sorted, wording};
use crate::{
    batch::Done,
    error::{Error, Result},
    score::rubric::{Origin, hex},
    stages,
};

/// Largest file whose content is hashed, in bytes; larger ones are known by size and time of change.
const MAX_HASHED_BYTES: u64 = 2_000_000_000;

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
    /// Size and hash of the slides' files, by slide id.
    pub files: &'a BTreeMap<String, Fingerprint>,
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
    file: Option<Fingerprint>,
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

/// Writes `run.json`.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written.
pub fn write(path: &Path, run: &Run<'_>) -> Result<()> {
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
        slides: sorted(run.done).into_iter().map(|d| slide(d, run.files)).collect(),
    };
    write_whole(path, &pretty(&file)?)
}

fn slide<'a>(d: &'a Done, files: &BTreeMap<String, Fingerprint>) -> SlideRun<'a> {
    let summary = d.facts();
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
        file: files.get(&d.job.slide_id).cloned(),
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
    use crate::report::test_slide;

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
        let path = folder.path().join("run.json");
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
                Fingerprint { bytes: 9, sha256: None, modified_s: Some(7) },
            )]),
            not_in_tables: &["old".into()],
        };
        write(&path, &run).unwrap();
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
        assert_eq!(slide["file"], serde_json::json!({"bytes": 9, "modified_s": 7}));
        assert_eq!(json["slides"][1]["file"], serde_json::Value::Null);
    }
}
