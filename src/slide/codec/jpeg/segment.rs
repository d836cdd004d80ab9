//! The marker segments in front of a scan.

use crate::slide::codec::Fault;

/// A segment: what stands between two markers.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    /// What it holds, without its length.
    pub(super) body: &'a [u8],
    /// Where its marker stands.
    pub(super) start: usize,
    /// Where what follows it begins.
    pub(super) end: usize,
}

/// Reads the segments of a stream one by one.
pub(super) struct Segments<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// Begins behind the first marker, which says that this is a JPEG stream.
    pub(super) fn of(stream: &'a [u8]) -> Self {
        Self { stream, at: 2 }
    }

    /// Returns whether nothing but the end marker follows.
    pub(super) fn at_end(&self) -> bool {
        self.stream.get(self.at..).is_none_or(|rest| matches!(rest, [] | [0xFF, 0xD9, ..]))
    }

    /// Goes on to the marker that ends the image data of a scan.
    pub(super) fn skip_image_data(&mut self) {
        let rest = self.stream.get(self.at..).unwrap_or_default();
        let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
        self.at += rest.windows(2).position(ends).unwrap_or(rest.len());
    }

    /// Reads the next segment; behind that of a scan come image data, which are to be skipped first.
    ///
    /// # Errors
    ///
    /// [`Fault`] where the stream ends or something else than a marker stands.
    pub(super) fn read(&mut self) -> Result<Segment<'a>, Fault> {
        let cut = || Fault::damaged("JPEG headers", "the end of the tile");
        let marker = loop {
            let marker = *self.stream.get(self.at + 1).ok_or_else(cut)?;
            let before = self.stream[self.at];
            if before != 0xFF {
                return Err(Fault::damaged("a JPEG marker", format!("{before:02x}")));
            }
            match marker {
                0xFF => self.at += 1,
                0x01 | 0xD0..=0xD8 => self.at += 2,
                0xD9 => return Err(cut()),
                _ => break marker,
            }
        };
        let start = self.at;
        let length =
            self.stream.get(start + 2..start + 4).map(|b| usize::from(b[0]) << 8 | usize::from(b[1]));
        let end = start + 2 + length.filter(|&length| length >= 2).ok_or_else(cut)?;
        let body = self.stream.get(start + 4..end).ok_or_else(cut)?;
        self.at = end;
        Ok(Segment { marker, body, start, end })
    }
}
