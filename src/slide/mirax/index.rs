//! `Index.dat`: where the images of every level and the records beside them are stored.

use super::{FileBytes, Header, NAME};
use crate::{
    error::{Error, Result},
    slide::limits,
};

const VERSION: &[u8] = b"01.02";
/// What a page holds of one image: four numbers.
const BYTES_OF_IMAGE: u64 = 16;

/// Where everything is.
pub(super) struct Index {
    /// Images of every level, in file order.
    pub(super) levels: Vec<Vec<Stored>>,
    /// The index itself, for records.
    bytes: Vec<u8>,
    records: u64,
}

/// Bytes in a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// Number of the image, row by row, in images of level 0; of a record, 0.
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) file: usize,
}

/// A place in the index, read forward.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Cursor<'_> {
    /// Reads a number that is not negative.
    fn next(&mut self) -> Result<u64> {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let word = at.checked_add(4).and_then(|end| self.bytes.get(at..end)).and_then(|b| b.try_into().ok());
        let word = word.map(i32::from_le_bytes);
        let value = word.and_then(|v| u64::try_from(v).ok());
        self.at += 4;
        value.ok_or_else(|| {
            let expected = format!("a number that is not negative at byte {at}");
            let got = word.map_or("the end of the file".into(), |v| v.to_string());
            Error::malformed(NAME, "Index.dat", expected, got)
        })
    }

    fn expect_zero(&mut self) -> Result<()> {
        let at = self.at;
        match self.next()? {
            0 => Ok(()),
            other => Err(Error::malformed(NAME, "Index.dat", format!("0 at byte {at}"), other)),
        }
    }
}

impl Index {
    /// Reads the pages of all levels.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for another slide's index, numbers that lead outside, or pages in a loop.
    pub(super) fn read(bytes: &[u8], header: &Header) -> Result<Self> {
        let start = [VERSION, header.slide_id.as_bytes()].concat();
        if !bytes.starts_with(&start) {
            let expected = "version 01.02 and the SLIDE_ID of Slidedat.ini";
            return Err(Error::malformed(NAME, "Index.dat", expected, "another start"));
        }
        limits::check("bytes of Index.dat", bytes.len() as u64, 1 << 30)?;
        let root = start.len() as u64;
        let table = Cursor { bytes, at: root }.next()?;
        let levels = (0..header.levels.len() as u64).map(|i| level(bytes, table + 4 * i, header));
        Ok(Self { levels: levels.collect::<Result<_>>()?, bytes: bytes.to_vec(), records: root + 4 })
    }

    /// Returns the bytes of a record.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for a record that is not where the index says.
    pub(super) fn record<'a>(&self, number: u64, files: &'a [FileBytes]) -> Result<&'a [u8]> {
        let bytes = &self.bytes;
        let table = Cursor { bytes, at: self.records }.next()?;
        let mut cursor = Cursor { bytes, at: table + 4 * number };
        cursor = Cursor { bytes, at: cursor.next()? };
        cursor.expect_zero()?;
        let mut page = Cursor { bytes, at: cursor.next()? };
        if page.next()? == 0 {
            return Err(Error::malformed(NAME, format!("record {number}"), "at least one item", 0));
        }
        page.next()?;
        page.expect_zero()?;
        page.expect_zero()?;
        let (offset, length, file) = (page.next()?, page.next()?, page.next()?);
        let data = files.get(file as usize).and_then(|file| file.get(offset, length));
        let got = format!("{length} bytes at {offset} of file {file}");
        data.ok_or_else(|| {
            Error::malformed(NAME, format!("record {number}"), "bytes inside a data file", got)
        })
    }
}

fn level(bytes: &[u8], pointer: u64, header: &Header) -> Result<Vec<Stored>> {
    let mut cursor = Cursor { bytes, at: pointer };
    cursor = Cursor { bytes, at: cursor.next()? };
    cursor.expect_zero()?;
    let (mut next, mut stored, mut pages) = (cursor.next()?, Vec::new(), 0);
    loop {
        pages += 1;
        limits::check("number of pages of Index.dat", pages, limits::MAX_PATCHES)?;
        let mut page = Cursor { bytes, at: next };
        let count = page.next()?;
        let images = stored.len() as u64 + count;
        limits::check("number of images of a level", images, limits::MAX_PATCHES)?;
        // No two pages share bytes; those in a loop would hold more than the file does.
        let most = bytes.len() as u64 / BYTES_OF_IMAGE;
        if images > most {
            let expected = format!("at most {most} images of a level, as many as its bytes hold");
            return Err(Error::malformed(NAME, "Index.dat", expected, images));
        }
        next = page.next()?;
        for _ in 0..count {
            let item = Stored {
                number: page.next()?,
                offset: page.next()?,
                length: page.next()?,
                file: page.next()? as usize,
            };
            if item.file >= header.data_files.len() {
                let expected = format!("one of {} data files", header.data_files.len());
                return Err(Error::malformed(NAME, "Index.dat", expected, item.file));
            }
            stored.push(item);
        }
        if next == 0 {
            return Ok(stored);
        }
    }
}
