//! The segments of a CZI file (ZISRAW): header, directory of subblocks, metadata, attachments.

use std::ops::Range;

use super::NAME;
use crate::{
    error::{Error, Result},
    slide::limits,
};

/// Bytes of a segment's header: its name, and the sizes allocated and used.
const HEADER: u64 = 32;
/// Bytes of a directory entry before its dimensions.
const ENTRY: u64 = 32;
/// Bytes of a dimension.
const DIMENSION: u64 = 20;

/// A file, or an embedded one: all places count from its start.
#[derive(Clone, Copy)]
pub(super) struct File<'a>(pub(super) &'a [u8]);

/// A stored rectangle of pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subblock {
    pub(super) pixel_type: i32,
    pub(super) compression: i32,
    at: u64,
    entry: u64,
    /// Place at full resolution.
    pub(super) x: i32,
    pub(super) y: i32,
    /// Pixels stored.
    pub(super) width: u32,
    pub(super) height: u32,
    /// Pixels of full resolution per pixel stored.
    pub(super) factor: u32,
    pub(super) channel: i32,
    pub(super) scene: i32,
    pub(super) focus: i32,
    /// Where it lies in the stack of overlapping ones; the highest is in front.
    pub(super) order: i32,
    /// Places along all other dimensions (time, rotation, …).
    pub(super) others: i64,
}

/// An attached file.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) bytes: Range<usize>,
}

impl<'a> File<'a> {
    fn get(self, at: u64, length: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(at).ok()?;
        let end = usize::try_from(at.checked_add(length)?).ok()?;
        self.0.get(start..end)
    }

    fn bytes(self, at: u64, length: u64, what: &str) -> Result<&'a [u8]> {
        self.get(at, length).ok_or_else(|| {
            let expected = format!("{length} bytes at {at}");
            Error::malformed(NAME, what, expected, format!("the end of the file at {}", self.0.len()))
        })
    }

    fn array<const N: usize>(self, at: u64, what: &str) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(at, N as u64, what)?);
        Ok(array)
    }

    fn i32(self, at: u64, what: &str) -> Result<i32> {
        self.array(at, what).map(i32::from_le_bytes)
    }

    fn place(self, at: u64, what: &str) -> Result<u64> {
        let place = i64::from_le_bytes(self.array(at, what)?);
        u64::try_from(place).map_err(|_| Error::malformed(NAME, what, "a place in the file", place))
    }

    /// Checks the name of a segment, and returns where its data begin.
    fn segment(self, at: u64, name: &str) -> Result<u64> {
        let stored = self.bytes(at, HEADER, name)?;
        let end = stored[..16].iter().position(|&b| b == 0).unwrap_or(16);
        if &stored[..end] != name.as_bytes() {
            let got = stored[..end].escape_ascii().to_string();
            return Err(Error::malformed(NAME, format!("segment at byte {at}"), name, got));
        }
        Ok(at + HEADER)
    }

    /// Returns the subblocks of all levels.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::Limits`] for a directory that cannot be true.
    pub(super) fn subblocks(self) -> Result<Vec<Subblock>> {
        let file = self.segment(0, "ZISRAWFILE")?;
        if self.i32(file + 68, "UpdatePending")? != 0 {
            return Err(Error::malformed(
                NAME,
                "UpdatePending",
                "a file that was closed",
                "one being written",
            ));
        }
        let directory = self.segment(self.place(file + 52, "DirectoryPosition")?, "ZISRAWDIRECTORY")?;
        let count = self.i32(directory, "EntryCount")?;
        let count = u64::try_from(count)
            .map_err(|_| Error::malformed(NAME, "EntryCount", "a number that is not negative", count))?;
        limits::check("number of subblocks", count, limits::MAX_PATCHES)?;
        let mut at = directory + 128;
        let mut subblocks = Vec::new();
        for _ in 0..count {
            let subblock = self.entry(at)?;
            at += subblock.entry;
            subblocks.push(subblock);
        }
        Ok(subblocks)
    }

    fn entry(self, at: u64) -> Result<Subblock> {
        let what = "directory entry";
        let schema: [u8; 2] = self.array(at, what)?;
        if &schema != b"DV" {
            return Err(Error::malformed(NAME, what, "schema DV", schema.escape_ascii()));
        }
        let dimensions = self.i32(at + 28, what)?;
        let dimensions = u64::try_from(dimensions)
            .ok()
            .filter(|&count| count <= 64)
            .ok_or_else(|| Error::malformed(NAME, what, "0 to 64 dimensions", dimensions))?;
        let mut subblock = Subblock {
            pixel_type: self.i32(at + 2, what)?,
            at: self.place(at + 6, what)?,
            compression: self.i32(at + 18, what)?,
            entry: ENTRY + DIMENSION * dimensions,
            x: 0,
            y: 0,
            width: 0,
            height: 0,
            factor: 0,
            channel: 0,
            scene: 0,
            focus: 0,
            order: 0,
            others: 0,
        };
        if self.i32(at + 14, what)? != 0 {
            return Err(Error::unsupported(NAME, "subblocks in several files"));
        }
        let mut size = [0; 2];
        for i in 0..dimensions {
            let at = at + ENTRY + DIMENSION * i;
            let name: [u8; 4] = self.array(at, what)?;
            let (start, length) = (self.i32(at + 4, what)?, self.i32(at + 8, what)?);
            let stored = u32::try_from(self.i32(at + 16, what)?).unwrap_or(0);
            match &name {
                b"X\0\0\0" => (subblock.x, size[0], subblock.width) = (start, length, stored),
                b"Y\0\0\0" => (subblock.y, size[1], subblock.height) = (start, length, stored),
                b"C\0\0\0" => subblock.channel = start,
                b"S\0\0\0" => subblock.scene = start,
                b"Z\0\0\0" => subblock.focus = start,
                b"M\0\0\0" => subblock.order = start,
                _ => subblock.others += i64::from(start),
            }
        }
        subblock.factor = factor(size, [subblock.width, subblock.height]).ok_or_else(|| {
            let got = format!("{}x{} for {}x{}", subblock.width, subblock.height, size[0], size[1]);
            Error::malformed(NAME, what, "pixels along X and Y", got)
        })?;
        let pixels = u64::from(subblock.width) * u64::from(subblock.height);
        limits::check("pixels of a subblock", pixels, limits::MAX_TILE_PX)?;
        Ok(subblock)
    }

    /// Returns the stored bytes of a subblock.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when they do not lie in the file.
    pub(super) fn pixels(self, subblock: &Subblock) -> Result<&'a [u8]> {
        let what = format!("subblock at byte {}", subblock.at);
        let data = self.segment(subblock.at, "ZISRAWSUBBLOCK")?;
        let metadata = self.i32(data, &what)?;
        let metadata = u64::try_from(metadata)
            .map_err(|_| Error::malformed(NAME, &what, "a size of metadata", metadata))?;
        let length = self.place(data + 8, &what)?;
        limits::check("bytes of a subblock", length, limits::MAX_STORED_BYTES)?;
        let fixed = (16 + subblock.entry).max(256);
        self.bytes(data + fixed + metadata, length, &what)
    }

    /// Returns the XML metadata; `None` when there are none.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when they do not lie in the file.
    pub(super) fn metadata(self) -> Result<Option<String>> {
        let at = self.place(HEADER + 60, "MetadataPosition")?;
        if at == 0 {
            return Ok(None);
        }
        let data = self.segment(at, "ZISRAWMETADATA")?;
        let length = u64::try_from(self.i32(data, "metadata")?).unwrap_or(0);
        let xml = self.bytes(data + 256, length, "metadata")?;
        Ok(Some(String::from_utf8_lossy(xml).trim_end_matches('\0').to_owned()))
    }

    /// Returns the attached files.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the list or a file does not lie in the file.
    pub(super) fn attachments(self) -> Result<Vec<Attachment>> {
        let at = self.place(HEADER + 72, "AttachmentDirectoryPosition")?;
        if at == 0 {
            return Ok(Vec::new());
        }
        let directory = self.segment(at, "ZISRAWATTDIR")?;
        let count = self.i32(directory, "EntryCount of attachments")?;
        let count = u64::try_from(count).unwrap_or(0);
        limits::check("number of attachments", count, 1 << 16)?;
        (0..count).map(|i| self.attachment(directory + 256 + 128 * i)).collect()
    }

    fn attachment(self, entry: u64) -> Result<Attachment> {
        let what = "attachment";
        let text = |at: u64, length: u64| -> Result<String> {
            let bytes = self.bytes(entry + at, length, what)?;
            Ok(String::from_utf8_lossy(bytes).split('\0').next().unwrap_or_default().to_owned())
        };
        let (kind, name) = (text(40, 8)?, text(48, 80)?);
        let data = self.segment(self.place(entry + 12, what)?, "ZISRAWATTACH")?;
        let length = u64::try_from(self.i32(data, what)?).unwrap_or(0);
        let start = data + 256;
        self.bytes(start, length, what)?;
        Ok(Attachment { name, kind, bytes: start as usize..(start + length) as usize })
    }
}

/// Returns the downsampling factor of a subblock: the nearest whole number along its longer side.
fn factor(size: [i32; 2], stored: [u32; 2]) -> Option<u32> {
    let axis = usize::from(stored[1] > stored[0]);
    let (size, stored) = (u32::try_from(size[axis]).ok()?, stored[axis]);
    if size == 0 || stored == 0 {
        return None;
    }
    Some(((u64::from(size) + u64::from(stored) / 2) / u64::from(stored)).max(1) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_of_the_longer_side() {
        assert_eq!(factor([2048, 2048], [1024, 1024]), Some(2));
        assert_eq!(factor([100, 2048], [13, 256]), Some(8));
        assert_eq!(factor([100, 100], [0, 100]), Some(1));
        assert_eq!(factor([-1, 5], [5, 5]), None);
        assert_eq!(factor([0, 0], [0, 0]), None);
    }
}
