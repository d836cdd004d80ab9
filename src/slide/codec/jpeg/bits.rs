//! Entropy-coded bits: read, copied, written.

use super::huffman::{AcTable, DcTable};

/// Bits that can be read at once at any position.
const PEEKED: u32 = 57;
/// Bytes after the end, so that eight can be read at any position of the stream.
const AHEAD: usize = 16;

/// Removes the stuffing of an entropy-coded segment up to the end marker, and appends ones to read ahead into.
///
/// `None` when there is another marker, or no end.
pub(super) fn unstuff(segment: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(segment.len() + AHEAD);
    let (marker, _) = unstuff_into(segment, &mut out)?;
    (marker == 0xD9).then_some(out)
}

/// As [`unstuff`] up to any marker, into a buffer that is emptied before. Returns the marker and what follows it.
pub(super) fn unstuff_into<'a>(segment: &'a [u8], out: &mut Vec<u8>) -> Option<(u8, &'a [u8])> {
    out.clear();
    let mut rest = segment;
    let marker = loop {
        let at = memchr::memchr(0xFF, rest)?;
        out.extend_from_slice(&rest[..at]);
        match rest.get(at + 1)? {
            0 => {
                out.push(0xFF);
                rest = &rest[at + 2..];
            }
            0xFF => rest = &rest[at + 1..],
            &marker => {
                rest = &rest[at + 2..];
                break marker;
            }
        }
    };
    out.extend_from_slice(&[0xFF; AHEAD]);
    Some((marker, rest))
}

/// Reads bits, most significant first.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
    end: usize,
}

impl<'a> Bits<'a> {
    /// Reads what [`unstuff`] returned.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, end: bytes.len().saturating_sub(AHEAD) * 8 }
    }

    /// Returns the bits read so far.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Returns the bits read so far; `None` when these are more than there are.
    pub(super) fn end_of_codes(&self) -> Option<usize> {
        (self.position <= self.end).then_some(self.position)
    }

    /// Returns whether everything was read but the filling of the last byte.
    pub(super) fn is_at_end(&self) -> bool {
        self.position <= self.end && self.end - self.position < 8
    }

    /// Returns the next 57 bits or more, left-aligned.
    #[inline(always)]
    fn peek(&self) -> Option<u64> {
        let at = self.position >> 3;
        let bytes: [u8; 8] = self.bytes.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_be_bytes(bytes) << (self.position & 7))
    }

    /// Reads one DC difference.
    #[inline(always)]
    pub(super) fn difference(&mut self, table: &DcTable) -> Option<i32> {
        let bits = self.peek()?;
        let (length, size) = table.find((bits >> 48) as u16)?;
        self.position += usize::from(length) + usize::from(size);
        Some(extend(bits << length, size))
    }

    /// Reads the AC coefficients of a block; `each` gets place (in zigzag order) and value of those that are not 0.
    #[inline(always)]
    pub(super) fn coefficients(&mut self, table: &AcTable, mut each: impl FnMut(usize, i32)) -> Option<()> {
        let mut k = 1;
        let (mut window, mut used) = (self.peek()?, 0u32);
        while k < 64 {
            // A code and its value take at most 31 bits.
            if used > PEEKED - 31 {
                self.position += used as usize;
                (window, used) = (self.peek()?, 0);
            }
            let (value, run, length) = table.find_short(window);
            if length != 0 {
                (window, used) = (window << length, used + u32::from(length));
                k += usize::from(run);
                if k > 63 {
                    return None;
                }
                each(k, value.into());
                k += 1;
                continue;
            }
            let (length, symbol) = table.find((window >> 48) as u16)?;
            let (run, size) = (usize::from(symbol >> 4), symbol & 15);
            let value = extend(window << length, size);
            let taken = length + size;
            (window, used) = (window << taken, used + u32::from(taken));
            if size == 0 {
                match run {
                    0 => {
                        self.position += used as usize;
                        return Some(());
                    }
                    15 => k += 16,
                    _ => return None,
                }
                continue;
            }
            k += run;
            if k > 63 {
                return None;
            }
            each(k, value);
            k += 1;
        }
        self.position += used as usize;
        (k == 64).then_some(())
    }
}

/// Returns the value of the `size` topmost bits, as JPEG codes it (ITU-T T.81 F.2.2.1).
#[inline(always)]
pub(super) fn extend(bits: u64, size: u8) -> i32 {
    if size == 0 {
        return 0;
    }
    let value = (bits >> (64 - u32::from(size))) as i32;
    if value >> (size - 1) == 0 { value - (1 << size) + 1 } else { value }
}

/// Writes bits, most significant first.
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl BitWriter {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes + 64), held: 0, count: 0 }
    }

    /// Writes the lowest `length` bits of a value; at most 32.
    #[inline(always)]
    fn put(&mut self, value: u64, length: u32) {
        self.held = self.held << length | value;
        self.count += length;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.held >> self.count) as u32;
            self.bytes.extend_from_slice(&word.to_be_bytes());
            self.held &= (1 << self.count) - 1;
        }
    }

    /// Copies bits `from` to `to` of a buffer that [`unstuff`] made.
    pub(super) fn copy(&mut self, bytes: &[u8], mut from: usize, to: usize) {
        while from < to {
            let length = (to - from).min(32) as u32;
            let at = from >> 3;
            let Some(word) = bytes.get(at..at + 8).and_then(|b| b.try_into().ok()) else { return };
            let bits = u64::from_be_bytes(word) << (from & 7);
            self.put(bits >> (64 - length), length);
            from += length as usize;
        }
    }

    /// Writes a DC difference; `None` when the table has no code for it.
    pub(super) fn difference(&mut self, table: &DcTable, difference: i32) -> Option<()> {
        let size = 32 - difference.unsigned_abs().leading_zeros();
        let (code, length) = table.code(u8::try_from(size).ok()?)?;
        self.put(code.into(), length.into());
        let value = if difference < 0 { difference - 1 } else { difference };
        if size > 0 {
            self.put((value as u32 & ((1 << size) - 1)).into(), size);
        }
        Some(())
    }

    /// Writes that the rest of a block is 0; `None` when the table has no code for it.
    pub(super) fn end_block(&mut self, table: &AcTable) -> Option<()> {
        let (code, length) = table.code(0)?;
        self.put(code.into(), length.into());
        Some(())
    }

    /// Fills the last byte with ones and appends everything, stuffed, with the end marker.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        let fill = (8 - self.count % 8) % 8;
        self.put((1 << fill) - 1, fill);
        while self.count > 0 {
            self.count -= 8;
            self.bytes.push((self.held >> self.count) as u8);
        }
        stuff(&self.bytes, out);
        out.extend_from_slice(&[0xFF, 0xD9]);
    }
}

/// Appends entropy-coded bytes with stuffing.
pub(super) fn stuff(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + bytes.len() / 64 + 2);
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(0xFF, rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(0);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_the_standard() {
        fn t(bits: u64, size: u8, expected: i32) {
            assert_eq!(extend(bits << (64 - u32::from(size)), size), expected);
        }
        t(1, 1, 1);
        t(0, 1, -1);
        t(0b00, 2, -3);
        t(0b11, 2, 3);
        t(0b100, 3, 4);
        t(0b011, 3, -4);
    }

    #[test]
    fn stuffing_comes_and_goes() {
        let bytes = [0x12, 0xFF, 0xFF, 0x00, 0xAB];
        let mut source = bytes.to_vec();
        source.extend_from_slice(&[0xFF; AHEAD]);
        let mut writer = BitWriter::with_capacity(8);
        writer.copy(&source, 0, 3);
        writer.copy(&source, 3, 40);
        let mut out = Vec::new();
        writer.finish(&mut out);
        assert_eq!(out, [0x12, 0xFF, 0, 0xFF, 0, 0x00, 0xAB, 0xFF, 0xD9]);
        assert_eq!(&unstuff(&out).unwrap()[..5], &bytes);
        assert!(unstuff(&[1, 2, 3]).is_none());
        assert!(unstuff(&[1, 0xFF, 0xD0, 2, 0xFF, 0xD9]).is_none());
    }
}
