//! The record of a result: what tables are made of, and what the slide's files must look like.
//!
//! Records are read back as data of unknown origin: size, checksum, names and numbers are checked, and one that does not
//! fit in every part is not used.

mod summary;

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::summary::SummaryRecord;
pub(super) use self::summary::graded;
use super::{facts::Facts, key::Key, whole::Whole};
use crate::{
    batch::Job,
    error::{Error, Result},
    pipeline::Summary,
    report::run_json::sha256,
    score::rubric::hex,
};

/// A longer record is not ours.
const MAX_BYTES: u64 = 64 << 20;
/// Longest message of a failure that is kept.
const MAX_MESSAGE: usize = 20_000;

/// A result that is done.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Record {
    #[serde(flatten)]
    parts: Parts,
    pub(super) files: Vec<KeptFile>,
    /// The slide that was scored.
    pub(super) whole: Whole,
    summary: SummaryRecord,
}

/// Which record tells of a slide, and of what file it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Name of the record.
    pub record: String,
    /// SHA-256 of what it says.
    pub seal: String,
    /// The slide that was scored, or failed, byte for byte.
    pub whole: Option<Whole>,
}

/// What every record begins with.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Parts {
    pub(super) key: Key,
}

/// One file of a result.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct KeptFile {
    pub(super) name: String,
    bytes: u64,
    sha256: String,
}

/// A failure that would come again.
#[derive(Debug, Deserialize, Serialize)]
struct Failure {
    key: Key,
    kind: String,
    text: String,
    /// Of a slide that took too long: the time it was given, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_s: Option<f64>,
    /// The slide that failed; `None` for one that is missing.
    whole: Option<Whole>,
}

/// A failure as it is read back.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: Error,
    /// Of a slide that took too long: the time it was given, in seconds.
    pub(super) limit_s: Option<f64>,
    /// The slide that failed; `None` for one that is missing.
    pub(super) whole: Option<Whole>,
}

/// A record with the hash of what it says.
#[derive(Deserialize, Serialize)]
struct Sealed {
    sha256: String,
    record: Value,
}

impl Record {
    pub(super) fn new(key: &Key, files: Vec<KeptFile>, whole: &Whole, summary: &Summary) -> Self {
        let parts = Parts { key: key.clone() };
        Self { parts, files, whole: whole.clone(), summary: SummaryRecord::of(summary) }
    }

    /// Returns the bytes of the record, and its seal.
    pub(super) fn to_bytes(&self) -> Result<(Vec<u8>, String)> {
        seal(self)
    }

    /// Reads a record and its seal; `None` when there is none, a clause when it is not what was written.
    pub(super) fn read(path: &Path) -> Result<Option<(Self, String)>, String> {
        let Some(sealed) = open(path)? else { return Ok(None) };
        let record = serde_json::from_value(sealed.record).map_err(|e| e.to_string())?;
        Ok(Some((record, sealed.sha256)))
    }

    /// Returns the numbers, for the slide as it is called in this run.
    pub(super) fn summary(self, job: &Job) -> Option<Summary> {
        self.summary.into_summary(job)
    }
}

impl Parts {
    /// Reads what a record of any kind was made from.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_value(open(path).ok()??.record).ok()
    }
}

impl KeptFile {
    /// Brings a file to disk and returns what it must look like from now on.
    pub(super) fn of(folder: &Path, name: &str) -> Result<(Self, Facts)> {
        let path = folder.join(name);
        let read = || {
            let bring = || File::open(&path)?.sync_all();
            let (brought, sha256) = rayon::join(bring, || File::open(&path).and_then(sha256));
            brought?;
            Ok((sha256?, Facts::of(&path)?))
        };
        let (sha256, facts) = read().map_err(Error::io("read back", &path))?;
        Ok((Self { name: name.into(), bytes: facts.bytes, sha256 }, facts))
    }

    /// Checks a file; returns its facts when it had to be hashed.
    pub(super) fn check(&self, path: &Path, known: Option<&Facts>) -> Result<Option<Facts>, String> {
        let facts = match Facts::of(path) {
            Ok(facts) => facts,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("is missing".into()),
            Err(error) => return Err(error.to_string()),
        };
        if facts.bytes != self.bytes {
            return Err(format!("has {} bytes, expected {}", facts.bytes, self.bytes));
        }
        if known == Some(&facts) {
            return Ok(None);
        }
        let found = File::open(path).and_then(sha256).map_err(|e| e.to_string())?;
        if found == self.sha256 { Ok(Some(facts)) } else { Err("is not what was written (SHA-256)".into()) }
    }
}

/// Returns the bytes of a failure's record, and its seal.
pub(super) fn error_bytes(key: &Key, error: &Error, whole: Option<&Whole>) -> Result<(Vec<u8>, String)> {
    let text = error.to_string().chars().take(MAX_MESSAGE).collect();
    let limit_s = match error {
        Error::TimedOut { limit_s } => Some(*limit_s),
        _ => None,
    };
    seal(&Failure { key: key.clone(), kind: error.kind().into(), text, limit_s, whole: whole.cloned() })
}

/// Reads the record of a failure and its seal; `None` when there is none.
pub(super) fn read_error(path: &Path) -> Result<Option<(Failed, String)>, String> {
    let Some(sealed) = open(path)? else { return Ok(None) };
    let failure: Failure = serde_json::from_value(sealed.record).map_err(|e| e.to_string())?;
    let kind = Error::kept_kind(&failure.kind).ok_or("names an unknown kind of failure")?;
    let error = Error::Earlier { kind, text: failure.text };
    let failed = Failed { error, limit_s: failure.limit_s, whole: failure.whole };
    Ok(Some((failed, sealed.sha256)))
}

/// Returns the seal of a record; `None` when there is none that is sound.
pub(crate) fn seal_of(path: &Path) -> Option<String> {
    open(path).ok()?.map(|sealed| sealed.sha256)
}

/// Returns the names of all records in a folder, sorted; none where there is no such folder.
///
/// # Errors
///
/// When the folder cannot be read.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    Ok(listed(folder)?.into_iter().filter(|name| is_record(name)).collect())
}

/// Returns the names of what is in a folder, sorted; nothing where there is no such folder.
///
/// # Errors
///
/// When the folder cannot be read.
pub(super) fn listed(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Returns whether a record of this name is of a result, and not of a failure.
pub(super) fn is_result(name: &str) -> bool {
    !name.ends_with(".error.json")
}

/// Returns whether this is called like a record: 32 hexadecimal digits, `.json` or `.error.json`.
pub(super) fn is_record(name: &str) -> bool {
    let stem = name.strip_suffix(".json").map(|n| n.strip_suffix(".error").unwrap_or(n));
    stem.is_some_and(|s| s.len() == 32 && s.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Returns the bytes of a record with its seal, and the seal.
fn seal(record: &impl Serialize) -> Result<(Vec<u8>, String)> {
    let fail = |e: serde_json::Error| Error::io("express as JSON", "record")(e.into());
    let record = serde_json::to_value(record).map_err(fail)?;
    let sha256 = hash(&record);
    let sealed = Sealed { sha256: sha256.clone(), record };
    let mut bytes = serde_json::to_vec_pretty(&sealed).map_err(fail)?;
    bytes.push(b'\n');
    Ok((bytes, sha256))
}

/// Reads what was sealed; `None` when there is no such file, a clause when it is damaged.
fn open(path: &Path) -> Result<Option<Sealed>, String> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
        Ok(facts) if facts.len() > MAX_BYTES => return Err("is far too long".into()),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|e| e.to_string())?;
    let sealed: Sealed = serde_json::from_slice(&bytes).map_err(|e| format!("is damaged ({e})"))?;
    if hash(&sealed.record) != sealed.sha256 {
        return Err("is not what was written (SHA-256)".into());
    }
    Ok(Some(sealed))
}

fn hash(record: &Value) -> String {
    hex(&Sha256::digest(record.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let open = |path: &Path| open(path).map(|sealed| sealed.map(|s| s.record));
        let (bytes, sealed) =
            seal(&serde_json::json!({"a": 0.1 + 0.2, "b": [1e-300, "ü"], "c": null})).unwrap();
        fs::write(&path, &bytes).unwrap();
        let whole = open(&path).unwrap();
        assert_eq!(seal_of(&path), Some(sealed));
        assert_eq!(whole.as_ref().unwrap()["a"], 0.1 + 0.2);
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            fs::write(&path, &changed).unwrap();
            // What is read is either refused or, where only white space changed, the same.
            assert!(open(&path).is_err() || open(&path).unwrap() == whole, "{place}");
            fs::write(&path, &bytes[..place]).unwrap();
            assert!(open(&path).is_err() || open(&path).unwrap() == whole, "{place}");
        }
        assert_eq!(open(&folder.path().join("none")), Ok(None));
    }

    /// What else is built may ask for it as well; without it every tenth number or so comes back a digit off, and no record
    /// would be what was sealed.
    #[test]
    fn numbers_come_back_to_the_last_digit() {
        let asked =
            include_str!("../../Cargo.toml").lines().find(|line| line.starts_with("serde_json")).unwrap();
        assert!(asked.contains("\"float_roundtrip\""), "{asked}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let numbers: Vec<f64> = (1..2000).map(|i| f64::from(i).sqrt() * 1e-9 + f64::from(i).ln()).collect();
        fs::write(&path, seal(&numbers).unwrap().0).unwrap();
        let back: Vec<f64> = serde_json::from_value(open(&path).unwrap().unwrap().record).unwrap();
        assert_eq!(back, numbers);
    }

    #[test]
    fn records_are_known_by_their_name() {
        fn t(name: &str, expected: bool) {
            assert_eq!(is_record(name), expected, "{name}");
        }
        t("0123456789abcdef0123456789abcdef.json", true);
        t("0123456789abcdef0123456789abcdef.error.json", true);
        t("seen.json", false);
        t("0123456789abcdef0123456789abcdef.csv", false);
        t("0123456789abcdeg0123456789abcdef.json", false);
        t("lock", false);
    }
}
