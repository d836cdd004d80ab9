//! Where the frames of an instance lie in its file.

use std::{borrow::Cow, ops::Range};

use super::{
    NAME,
    element::{PixelData, Reader},
};
use crate::{
    error::{Error, Result},
    slide::limits,
};

/// Where the frames lie.
#[derive(Debug)]
pub(super) enum Frames {
    /// Side by side, each of this many bytes.
    Native {
        /// Where the first begins.
        start: usize,
        /// Bytes of a frame.
        length: usize,
    },
    /// As fragments: where the first item of each begins.
    Fragments {
        /// One place a frame.
        starts: Vec<usize>,
        /// Where the last frame's items end at the latest.
        end: usize,
    },
}

/// The two parts of the extended offset table.
pub(super) struct Extended<'a> {
    pub(super) offsets: &'a [u8],
}

impl Frames {
    /// Finds `count` frames of `native` bytes each when they are not compressed.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when there are fewer.
    pub(super) fn find(
        bytes: &[u8],
        pixels: &PixelData,
        count: usize,
        native: u64,
        extended: Option<Extended<'_>>,
    ) -> Result<Self> {
        match pixels {
            PixelData::Native(range) => {
                let expected = native.saturating_mul(count as u64);
                if (range.len() as u64) < expected {
                    let expected = format!("{expected} bytes for {count} frames");
                    return Err(Error::malformed(NAME, "pixel data", expected, range.len()));
                }
                Ok(Self::Native { start: range.start, length: native as usize })
            }
            PixelData::Fragments(at) => fragments(bytes, *at, count, extended),
        }
    }

    /// Returns the bytes of a frame.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when its items do not lie in the file.
    pub(super) fn get<'a>(&self, bytes: &'a [u8], frame: usize) -> Result<Cow<'a, [u8]>> {
        let what = || format!("frame {}", frame + 1);
        match self {
            Self::Native { start, length } => {
                let start = start + frame * length;
                let found = bytes.get(start..start + length);
                let found = found.ok_or_else(|| {
                    Error::malformed(NAME, what(), format!("{length} bytes"), "the end of the file")
                })?;
                Ok(found.into())
            }
            Self::Fragments { starts, end } => {
                let start = starts.get(frame).copied();
                let start = start.ok_or_else(|| Error::malformed(NAME, what(), "an offset", "none"))?;
                let stop = starts.get(frame + 1).copied().unwrap_or(*end);
                join(bytes, start, stop)
            }
        }
    }
}

impl Frames {
    /// Returns where a frame lies in the file, with the headers of its items.
    pub(super) fn range(&self, frame: usize) -> Option<Range<usize>> {
        match self {
            Self::Native { start, length } => {
                let start = start.checked_add(frame.checked_mul(*length)?)?;
                Some(start..start.checked_add(*length)?)
            }
            Self::Fragments { starts, end } => {
                Some(*starts.get(frame)?..starts.get(frame + 1).copied().unwrap_or(*end))
            }
        }
    }
}

/// Joins the items from `start` to `stop`; a frame is nearly always one.
fn join(bytes: &[u8], start: usize, stop: usize) -> Result<Cow<'_, [u8]>> {
    let mut reader = Reader::new(bytes, start, true);
    let mut joined = Cow::Borrowed(&[][..]);
    while reader.position() < stop {
        let Some(range) = reader.fragment()? else { break };
        let part = bytes.get(range).unwrap_or_default();
        if joined.is_empty() {
            joined = Cow::Borrowed(part);
        } else {
            let total = (joined.len() + part.len()) as u64;
            limits::check("bytes of a frame", total, limits::MAX_STORED_BYTES)?;
            joined.to_mut().extend_from_slice(part);
        }
    }
    Ok(joined)
}

fn fragments(bytes: &[u8], at: usize, count: usize, extended: Option<Extended<'_>>) -> Result<Frames> {
    let mut reader = Reader::new(bytes, at, true);
    let table = reader.fragment()?.and_then(|range| bytes.get(range)).unwrap_or_default();
    let first = reader.position();
    let basic = |b: &[u8; 4]| u64::from(u32::from_le_bytes(*b));
    let stored: Vec<u64> = match extended {
        Some(table) => table.offsets.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b)).collect(),
        None => table.as_chunks().0.iter().map(basic).collect(),
    };
    let starts = stored.iter().map(|&offset| first.checked_add(usize::try_from(offset).ok()?));
    let starts: Vec<usize> = starts.collect::<Option<_>>().unwrap_or_default();
    // A table that cannot be true (it wraps at 4 GB, for instance) is left aside.
    let plausible = starts.len() == count
        && starts.first() == Some(&first)
        && starts.windows(2).all(|pair| pair[0] < pair[1])
        && starts.last().is_some_and(|&last| last < bytes.len());
    if plausible {
        return Ok(Frames::Fragments { starts, end: bytes.len() });
    }
    scan(bytes, reader, count)
}

/// Finds the frames by walking over all items.
fn scan(bytes: &[u8], mut reader: Reader<'_>, count: usize) -> Result<Frames> {
    let mut items: Vec<(usize, Range<usize>)> = Vec::new();
    let mut end = reader.position();
    while let Some(range) = reader.fragment()? {
        items.push((range.start - 8, range));
        limits::check("number of stored tiles", items.len() as u64, limits::MAX_ELEMENTS)?;
        end = reader.position();
    }
    let starts = |items: &[(usize, Range<usize>)]| items.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    if items.len() == count {
        return Ok(Frames::Fragments { starts: starts(&items), end });
    }
    // Several items a frame: a frame begins where a stream does.
    let total = items.len();
    if count > 1 {
        let begins = |range: &Range<usize>| {
            let head = bytes.get(range.start..range.start + 4).unwrap_or_default();
            matches!(head, [0xFF, 0xD8, ..] | [0xFF, 0x4F, 0xFF, 0x51])
        };
        items.retain(|(_, range)| begins(range));
    } else {
        items.truncate(1);
    }
    if items.len() != count {
        let got = format!("{total} fragments that begin {} frames", items.len());
        return Err(Error::malformed(NAME, "pixel data", format!("{count} frames"), got));
    }
    Ok(Frames::Fragments { starts: starts(&items), end })
}
