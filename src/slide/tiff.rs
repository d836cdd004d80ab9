//! TIFF and BigTIFF: directories, parsed once and checked before anything is believed.

mod container;
mod decode;
mod facts;
mod foreign;
mod missing;
mod page;
mod refused;
mod slide;
mod tag;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub(super) use self::{
    container::{Kept, Tags, resolution_tags},
    facts::{resolution, text_properties},
    page::Page,
    slide::{Associated, Composed, TiffSlide, is_level_of, is_own_size, is_reduced, stored_tile},
    tag::Tag,
};
use super::{bytes::FileBytes, limits};
use crate::error::{Error, Result};

/// The driver name in errors found before a driver accepted the file.
const TIFF: &str = "tiff";

/// A parsed TIFF file: all directories of the main chain, and access to their values.
pub(super) struct Tiff {
    bytes: Arc<FileBytes>,
    big_endian: bool,
    big: bool,
    /// Offsets of 64 bits in a classic file, as Hamamatsu writes them.
    ndpi: bool,
    directories: Vec<Directory>,
}

/// One image file directory.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    /// Position in the main chain; `None` for a sub-directory.
    pub(super) index: Option<usize>,
    entries: BTreeMap<u16, Entry>,
}

/// Where a tag's values are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    kind: u16,
    /// Number of values.
    pub(super) count: u64,
    place: u64,
    /// The upper half of a single value kept in the directory; NDPI only.
    high: u32,
}

impl Entry {
    /// Bytes per value of this entry's type; `None` for a type TIFF does not define.
    fn size(self) -> Option<u64> {
        Some(match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => return None,
        })
    }
}

impl Tiff {
    /// Parses the main chain of directories; `None` when the file does not start like a TIFF.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for directories outside the file or in a loop, [`Error::Limits`] for
    /// more of them than any slide has.
    pub(super) fn parse(bytes: &Arc<FileBytes>) -> Result<Option<Self>> {
        let Some(head) = bytes.get(0, 4) else { return Ok(None) };
        let big_endian = match &head[..2] {
            b"II" => false,
            b"MM" => true,
            _ => return Ok(None),
        };
        let mut tiff =
            Self { bytes: bytes.clone(), big_endian, big: false, ndpi: false, directories: Vec::new() };
        let first = match tiff.u16(2) {
            Some(42) => {
                tiff.ndpi = tiff.is_ndpi();
                if tiff.ndpi { tiff.u64(4) } else { tiff.u32(4).map(u64::from) }
            }
            Some(43) => {
                tiff.big = true;
                if tiff.u16(4) != Some(8) || tiff.u16(6) != Some(0) {
                    return Err(Error::malformed(TIFF, "BigTIFF header", "offsets of 8 bytes", "other"));
                }
                tiff.u64(8)
            }
            _ => return Ok(None),
        };
        let first = first.ok_or_else(|| cut("header"))?;
        tiff.directories = tiff.chain(first)?;
        if tiff.directories.is_empty() {
            return Err(Error::malformed(TIFF, "directories", "at least one", "none"));
        }
        Ok(Some(tiff))
    }

    /// Returns whether a classic file has Hamamatsu's 64-bit offsets: its first directory is found with
    /// one, and holds the tag that only Hamamatsu writes.
    fn is_ndpi(&mut self) -> bool {
        self.ndpi = true;
        let first = self.u64(4).filter(|&at| at != 0);
        first.is_some_and(|at| self.directory(at).is_ok_and(|(d, _)| d.find(Tag::NDPI_FORMAT).is_some()))
    }

    fn chain(&self, first: u64) -> Result<Vec<Directory>> {
        let (mut seen, mut list, mut entries) = (BTreeSet::new(), Vec::new(), 0);
        let mut at = first;
        while at != 0 {
            if !seen.insert(at) {
                let got = format!("a loop back to offset {at}");
                return Err(Error::malformed(TIFF, "directory chain", "an end", got));
            }
            limits::check("number of TIFF directories", seen.len() as u64, limits::MAX_DIRECTORIES)?;
            let (mut directory, next) = self.directory(at)?;
            entries += directory.entries.len() as u64;
            limits::check("number of TIFF tags", entries, limits::MAX_ENTRIES_IN_FILE)?;
            directory.index = Some(list.len());
            list.push(directory);
            at = next;
        }
        Ok(list)
    }

    /// Reads the directory at an offset, and the offset of the next one.
    fn directory(&self, at: u64) -> Result<(Directory, u64)> {
        let outside = || {
            let expected = format!("an offset inside the file of {} bytes", self.bytes.len());
            Error::malformed(TIFF, "directory", expected, at)
        };
        let (count, head, size) = if self.big {
            (self.u64(at).ok_or_else(outside)?, 8, 20)
        } else {
            (u64::from(self.u16(at).ok_or_else(outside)?), 2, 12)
        };
        limits::check("number of tags in a TIFF directory", count, limits::MAX_ENTRIES)?;
        let start = at.checked_add(head).ok_or_else(outside)?;
        let end = start.checked_add(count * size).ok_or_else(outside)?;
        let mut entries = BTreeMap::new();
        for i in 0..count {
            // Hamamatsu appends the upper halves of all value fields after the link to the next directory.
            let high = if self.ndpi { self.u32(end + 8 + 4 * i) } else { Some(0) };
            let entry = high.and_then(|high| self.entry(start + i * size, high));
            let (tag, entry) = entry.ok_or_else(|| cut("directory"))?;
            if entry.kind == 2 {
                limits::check("number of bytes of a TIFF text", entry.count, limits::MAX_TEXT_BYTES)?;
            }
            entries.entry(tag).or_insert(entry);
        }
        let next = if self.big || self.ndpi { self.u64(end) } else { self.u32(end).map(u64::from) };
        Ok((Directory { index: None, entries }, next.ok_or_else(|| cut("directory"))?))
    }

    fn entry(&self, at: u64, high: u32) -> Option<(u16, Entry)> {
        let (tag, kind) = (self.u16(at)?, self.u16(at + 2)?);
        let (count, field, inline) =
            if self.big { (self.u64(at + 4)?, at + 12, 8) } else { (self.u32(at + 4)?.into(), at + 8, 4) };
        let mut entry = Entry { kind, count, place: field, high };
        let bytes = entry.size().unwrap_or(1).saturating_mul(count);
        if bytes > inline || (self.ndpi && kind == 2) {
            entry.place = if self.big { self.u64(field)? } else { self.u32(field)?.into() };
            entry.place |= u64::from(high) << 32;
            entry.high = 0;
        }
        Some((tag, entry))
    }

    /// Returns the directories of the main chain, in file order. Never empty.
    pub(super) fn directories(&self) -> &[Directory] {
        &self.directories
    }

    /// Returns the first directory.
    pub(super) fn first(&self) -> &Directory {
        // `parse` refuses a file without directories.
        &self.directories[0]
    }

    /// Returns a directory by its place in the main chain.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the chain is shorter.
    pub(super) fn directory_at(&self, format: &'static str, index: usize) -> Result<&Directory> {
        let expected = || format!("one of the file's {} directories", self.directories.len());
        self.directories.get(index).ok_or_else(|| Error::malformed(format, "directory", expected(), index))
    }

    /// Reads the sub-directories a directory points to.
    ///
    /// # Errors
    ///
    /// As [`Tiff::parse`].
    pub(super) fn children(&self, of: &Directory) -> Result<Vec<Directory>> {
        let offsets = self.uints(of, Tag::SUB_IFDS)?.unwrap_or_default();
        limits::check("number of TIFF sub-directories", offsets.len() as u64, 256)?;
        offsets.iter().filter(|&&at| at != 0).map(|&at| Ok(self.directory(at)?.0)).collect()
    }

    /// Returns the mapped file.
    pub(super) fn bytes(&self) -> &Arc<FileBytes> {
        &self.bytes
    }

    /// Returns a tag's first value; `None` when the tag is absent or not an unsigned number.
    pub(super) fn uint(&self, directory: &Directory, tag: Tag) -> Option<u64> {
        self.uint_at(directory.find(tag)?, 0)
    }

    /// Returns value `i` of an entry of unsigned numbers.
    pub(super) fn uint_at(&self, entry: Entry, i: u64) -> Option<u64> {
        if i >= entry.count {
            return None;
        }
        let at = entry.place.checked_add(i.checked_mul(entry.size()?)?)?;
        match entry.kind {
            1 | 7 => self.bytes.get(at, 1).map(|b| b[0].into()),
            3 => self.u16(at).map(u64::from),
            4 | 13 => self.u32(at).map(|low| u64::from(low) | u64::from(entry.high) << 32),
            16 | 18 => self.u64(at),
            _ => None,
        }
    }

    /// Returns a tag's first value; `None` when the tag is absent or not a whole number.
    pub(super) fn int(&self, directory: &Directory, tag: Tag) -> Option<i64> {
        let entry = directory.find(tag).filter(|entry| entry.count > 0)?;
        match entry.kind {
            6 => self.bytes.get(entry.place, 1).map(|b| (b[0] as i8).into()),
            8 => self.u16(entry.place).map(|v| (v as i16).into()),
            9 => self.u32(entry.place).map(|v| (v as i32).into()),
            17 => self.u64(entry.place).map(|v| v as i64),
            _ => self.uint_at(entry, 0).and_then(|v| v.try_into().ok()),
        }
    }

    /// Returns how many bytes a tag's values take; `None` when it is absent.
    pub(super) fn byte_count(&self, directory: &Directory, tag: Tag) -> Option<u64> {
        let entry = directory.find(tag)?;
        entry.size()?.checked_mul(entry.count)
    }

    /// Returns all values of a tag; `None` when it is absent.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the values are outside the file or not unsigned numbers.
    pub(super) fn uints(&self, directory: &Directory, tag: Tag) -> Result<Option<Vec<u64>>> {
        let Some(entry) = directory.find(tag) else { return Ok(None) };
        self.check_inside(entry, tag)?;
        let values = (0..entry.count).map(|i| self.uint_at(entry, i)).collect::<Option<Vec<_>>>();
        values.map(Some).ok_or_else(|| Error::malformed(TIFF, tag.name(), "unsigned numbers", "another type"))
    }

    /// Accepts an entry whose values lie inside the file.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] otherwise, before anything is allocated for the values.
    pub(super) fn check_inside(&self, entry: Entry, tag: Tag) -> Result<()> {
        let bytes = entry.size().unwrap_or(1).saturating_mul(entry.count);
        if self.bytes.get(entry.place, bytes).is_none() {
            let expected = format!("values inside the file of {} bytes", self.bytes.len());
            return Err(Error::malformed(TIFF, tag.name(), expected, format!("{} values", entry.count)));
        }
        Ok(())
    }

    /// Returns a tag's first value as a number; `None` when absent, not a number or divided by zero.
    pub(super) fn number(&self, directory: &Directory, tag: Tag) -> Option<f64> {
        let entry = directory.find(tag)?;
        let value = match entry.kind {
            5 => f64::from(self.u32(entry.place)?) / f64::from(self.u32(entry.place.checked_add(4)?)?),
            11 => f64::from(f32::from_bits(self.u32(entry.place)?)),
            12 => f64::from_bits(self.u64(entry.place)?),
            _ => self.uint_at(entry, 0)? as f64,
        };
        value.is_finite().then_some(value)
    }

    /// Returns a tag's text up to the first NUL; bytes that are not UTF-8 are replaced.
    pub(super) fn text(&self, directory: &Directory, tag: Tag) -> Option<String> {
        let entry = directory
            .find(tag)
            .filter(|e| matches!(e.kind, 1 | 2 | 7) && e.count <= limits::MAX_TEXT_BYTES)?;
        let bytes = self.bytes.get(entry.place, entry.count)?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        Some(String::from_utf8_lossy(&bytes[..end]).trim().to_owned())
    }

    /// Returns a tag's raw bytes.
    pub(super) fn raw(&self, directory: &Directory, tag: Tag) -> Option<&[u8]> {
        let entry = directory.find(tag)?;
        self.bytes.get(entry.place, entry.size()?.checked_mul(entry.count)?)
    }

    fn array<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut array: [u8; N] = self.bytes.get(at, N as u64)?.try_into().ok()?;
        if self.big_endian {
            array.reverse();
        }
        Some(array)
    }

    fn u16(&self, at: u64) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: u64) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: u64) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }
}

impl Directory {
    /// Returns where a tag's values are; `None` when the tag is absent.
    pub(super) fn find(&self, tag: Tag) -> Option<Entry> {
        self.entries.get(&tag.0).copied()
    }
}

fn cut(what: &str) -> Error {
    Error::malformed(TIFF, what, "more bytes", "the end of the file")
}
