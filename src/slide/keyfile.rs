//! Text files of groups `[name]` and lines `key=value`, as MIRAX and Hamamatsu VMS use.

use std::path::Path;

use super::bytes::FileBytes;
use crate::error::{Error, Result};

/// Bytes of such a file at most.
const MAX_BYTES: u64 = 1 << 20;

/// A parsed file; groups and keys in file order.
#[derive(Debug, Default)]
pub(super) struct KeyFile {
    format: &'static str,
    groups: Vec<(String, Vec<(String, String)>)>,
}

impl KeyFile {
    /// Reads and parses a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::Malformed`] when it is too large to be one.
    pub(super) fn open(format: &'static str, path: &Path) -> Result<Self> {
        Self::parse(format, FileBytes::open(path)?.all())
    }

    /// Parses the content of a file. Lines that are neither group nor `key=value` are skipped.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when it is too large to be one.
    pub(super) fn parse(format: &'static str, bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > MAX_BYTES {
            let expected = format!("at most {MAX_BYTES} bytes");
            return Err(Error::malformed(format, "text file", expected, bytes.len()));
        }
        let text = String::from_utf8_lossy(bytes);
        let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
        for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                groups.push((name.into(), Vec::new()));
            } else if let (Some((key, value)), Some(group)) = (line.split_once('='), groups.last_mut())
                && !line.starts_with('#')
            {
                group.1.push((key.trim().into(), value.trim().into()));
            }
        }
        Ok(Self { format, groups })
    }

    /// Returns all `(group, key, value)` in file order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.groups.iter().flat_map(|(group, keys)| {
            keys.iter().map(move |(key, value)| (group.as_str(), key.as_str(), value.as_str()))
        })
    }

    /// Returns a value; the last one, where a key is repeated.
    pub(super) fn find(&self, group: &str, key: &str) -> Option<&str> {
        self.entries().filter(|(g, k, _)| *g == group && *k == key).last().map(|(_, _, value)| value)
    }

    /// Returns a value that must be there.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] naming group and key.
    pub(super) fn text(&self, group: &str, key: &str) -> Result<&str> {
        let missing = || Error::malformed(self.format, format!("{group}.{key}"), "a value", "none");
        self.find(group, key).ok_or_else(missing)
    }

    /// Returns the name of a file in the slide's folder, which must be there and lead nowhere else.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] naming group and key.
    pub(super) fn file_name(&self, group: &str, key: &str) -> Result<&str> {
        let text = self.text(group, key)?;
        if is_file_name(text) {
            return Ok(text);
        }
        Err(Error::malformed(self.format, format!("{group}.{key}"), "the name of a file", text))
    }

    /// Returns a number that must be there.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] naming group and key.
    pub(super) fn real(&self, group: &str, key: &str) -> Result<f64> {
        let text = self.text(group, key)?;
        let value = text.replace(',', ".").parse().ok().filter(|v: &f64| v.is_finite());
        value.ok_or_else(|| Error::malformed(self.format, format!("{group}.{key}"), "a number", text))
    }

    /// Returns a whole number between two bounds that must be there.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] naming group and key.
    pub(super) fn whole(&self, group: &str, key: &str, from: i64, to: i64) -> Result<i64> {
        let text = self.text(group, key)?;
        let value = text.parse().ok().filter(|v| (from..=to).contains(v));
        let expected = format!("a whole number from {from} to {to}");
        value.ok_or_else(|| Error::malformed(self.format, format!("{group}.{key}"), expected, text))
    }
}

/// Returns whether a text names a file without leading to another folder.
pub(super) fn is_file_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_keys() {
        let text = "\u{feff}[A]\r\nx = 1\r\n# no = thing\r\nnonsense\r\n\r\n[B b]\r\nx=0,5\nx=2,5\n";
        let file = KeyFile::parse("test", text.as_bytes()).unwrap();
        assert_eq!(file.entries().count(), 3);
        assert_eq!(file.whole("A", "x", 0, 9).unwrap(), 1);
        assert_eq!(file.real("B b", "x").unwrap(), 2.5);
        let message = |result: Result<i64>| result.unwrap_err().to_string();
        assert_eq!(message(file.whole("A", "y", 0, 9)), "malformed test: A.y, expected a value, got none");
        assert_eq!(
            message(file.whole("A", "x", 2, 9)),
            "malformed test: A.x, expected a whole number from 2 to 9, got 1"
        );
    }
}
