//! Bytes for the JPEG decoder, with a note of whether it read past the image data.

use std::cell::Cell;

use zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZSeekFrom};

/// A slice that remembers whether the entropy decoder asked for bytes at or after `end`.
pub(super) struct Watched<'a> {
    pub(super) stream: &'a [u8],
    pub(super) position: usize,
    pub(super) end: usize,
    pub(super) overrun: &'a Cell<bool>,
}

impl Watched<'_> {
    fn rest(&self) -> &[u8] {
        self.stream.get(self.position..).unwrap_or_default()
    }
}

impl ZByteReaderTrait for Watched<'_> {
    /// Only the entropy decoder reads in this way; markers are read by the methods below.
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        if self.position >= self.end {
            self.overrun.set(true);
        }
        let byte = self.stream.get(self.position).copied().unwrap_or(0);
        self.position += 1;
        byte
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buf: &mut [u8]) -> Result<(), ZByteIoError> {
        self.peek_exact_bytes(buf)?;
        self.position += buf.len();
        Ok(())
    }

    #[inline(always)]
    fn read_bytes(&mut self, buf: &mut [u8]) -> Result<usize, ZByteIoError> {
        let len = self.peek_bytes(buf)?;
        self.position += len;
        Ok(len)
    }

    #[inline(always)]
    fn peek_bytes(&mut self, buf: &mut [u8]) -> Result<usize, ZByteIoError> {
        let rest = self.rest();
        let len = rest.len().min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    #[inline(always)]
    fn peek_exact_bytes(&mut self, buf: &mut [u8]) -> Result<(), ZByteIoError> {
        let Some(bytes) = self.rest().get(..buf.len()) else {
            return Err(ZByteIoError::NotEnoughBytes(self.rest().len(), buf.len()));
        };
        buf.copy_from_slice(bytes);
        Ok(())
    }

    #[inline(always)]
    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        let (base, offset) = match from {
            ZSeekFrom::Start(n) => (0, i64::try_from(n).unwrap_or(i64::MAX)),
            ZSeekFrom::End(n) => (self.stream.len() as i64, n),
            ZSeekFrom::Current(n) => (self.position as i64, n),
        };
        let position = base.checked_add(offset).and_then(|at| usize::try_from(at).ok());
        self.position = position.ok_or(ZByteIoError::SeekError("outside the stream"))?;
        Ok(self.position as u64)
    }

    #[inline(always)]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        Ok(self.position >= self.stream.len())
    }

    #[inline(always)]
    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        Ok(self.position as u64)
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        let len = self.rest().len();
        sink.extend_from_slice(self.rest());
        self.position += len;
        Ok(len)
    }
}
