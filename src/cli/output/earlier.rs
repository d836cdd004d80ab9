//! What stands where a file is to be written: an earlier one of this program is replaced, anything else is not.

use std::{
    fs::{self, File},
    io::{BufReader, Read as _},
    path::Path,
};

use histograde::{Error, Result, report::partial::replaceable};
use serde_json::Value;
use tiff::{decoder::Decoder, tags::Tag};

/// Bytes at the start of a file that tell what it is.
const START: u64 = 4096;
/// Largest JSON file that is read whole, in bytes.
const MOST_JSON: u64 = 16 << 20;

/// How a file of this program is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Kind<'a> {
    /// Its text begins so.
    Begins(&'a str),
    /// It holds exactly this text.
    Text(&'a str),
    /// It is JSON with an object of this name.
    Json(&'a str),
    /// Its first bytes hold this.
    Holds(&'a [u8]),
    /// It is a TIFF whose field `Software` names this program.
    Tiff,
    /// It cannot be known: none is replaced.
    New,
}

/// Refuses to write over what is not an earlier file of the same kind. Empty files are nobody's loss.
///
/// # Errors
///
/// [`Error::Io`] for links, folders, pipes and devices, which are not opened; [`Error::Config`] for files of others, naming
/// the option.
pub(in crate::cli) fn may_replace(option: &str, path: &Path, kind: Kind<'_>) -> Result<()> {
    replaceable(path)?;
    // What cannot be looked at cannot be written either, which is told then.
    let Ok(facts) = fs::symlink_metadata(path) else { return Ok(()) };
    if facts.len() == 0 || is_ours(path, facts.len(), kind) {
        return Ok(());
    }
    let what = match kind {
        Kind::New => "a name that no file has yet",
        _ => "a new file, or an earlier one of this command",
    };
    let got = format!("{}, which is there and is kept; choose another name, or move it away", path.display());
    Err(Error::config(option, what, got))
}

fn is_ours(path: &Path, bytes: u64, kind: Kind<'_>) -> bool {
    match kind {
        Kind::Begins(text) => {
            let (start, text) = (start(path), text.as_bytes());
            // Of a line that a full disk cut off, too.
            start.starts_with(text) || !start.is_empty() && text.starts_with(&start)
        }
        Kind::Text(text) => bytes == text.len() as u64 && fs::read(path).is_ok_and(|t| t == text.as_bytes()),
        Kind::Json(name) => bytes <= MOST_JSON && json(path).is_some_and(|value| value[name].is_object()),
        Kind::Holds(mark) => start(path).windows(mark.len()).any(|part| part == mark),
        Kind::Tiff => software(path).is_some_and(|text| text.starts_with("histograde ")),
        Kind::New => false,
    }
}

/// Returns the first bytes of a file; none of what cannot be read.
fn start(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START).read_to_end(&mut bytes));
    if read.is_ok() { bytes } else { Vec::new() }
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Returns what wrote a TIFF, as it says itself.
fn software(path: &Path) -> Option<String> {
    let mut tiff = Decoder::new(BufReader::new(File::open(path).ok()?)).ok()?;
    tiff.get_tag_ascii_string(Tag::Software).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_earlier_files_of_the_kind_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let t = |content: &[u8], kind: Kind<'_>, expected: bool| {
            fs::write(&path, content).unwrap();
            let said = may_replace("--outcome", &path, kind).map_err(|error| error.to_string());
            assert_eq!(said.is_ok(), expected, "{said:?}");
            assert_eq!(fs::read(&path).unwrap(), content);
            let told = |text: String| text.starts_with("--outcome, expected a n") && text.contains("is kept");
            assert!(said.err().is_none_or(told));
        };
        t(b"a,b\n1,2\n", Kind::Begins("a,b\n"), true);
        t(b"a,bc\n1,2\n", Kind::Begins("a,b\n"), false);
        t(b"same", Kind::Text("same"), true);
        t(b"same and more", Kind::Text("same"), false);
        t(br#"{"calibration": {}}"#, Kind::Json("calibration"), true);
        t(br#"{"calibration": null}"#, Kind::Json("calibration"), false);
        t(b"\x89PNG mark", Kind::Holds(b"mark"), true);
        t(b"\x89PNG", Kind::Holds(b"mark"), false);
        t(b"II*\0", Kind::Tiff, false);
        t(b"anything", Kind::New, false);
        t(b"", Kind::New, true);
        fs::remove_file(&path).unwrap();
        assert!(may_replace("--outcome", &path, Kind::New).is_ok());
        let text = may_replace("--outcome", folder.path(), Kind::New).unwrap_err().to_string();
        assert!(text.contains("a folder has this name"), "{text}");
    }
}
