//! Lossless compressions: bytes in, a known number of bytes out.

use std::io::Read;

use flate2::{Decompress, DecompressError, FlushDecompress, Status};
use weezl::{BitOrder, LzwStatus, decode::Configuration};

use super::Fault;
use crate::slide::limits;

/// Room for what is decompressed but not kept.
const SCRATCH_BYTES: usize = 1 << 16;

/// Decompresses TIFF LZW (most significant bit first) into exactly `len` bytes.
pub(in crate::slide) fn lzw(data: &[u8], len: usize) -> Result<Vec<u8>, Fault> {
    if matches!(data, [0, second, ..] if second & 1 == 1) {
        return Err(Fault::Unsupported("old-style LZW compression".into()));
    }
    let mut decoder = Configuration::with_tiff_size_switch(BitOrder::Msb, 8).build();
    let mut out = vec![0; len];
    let (mut read, mut written) = (0, 0);
    while written < len {
        let step = decoder.decode_bytes(&data[read..], &mut out[written..]);
        (read, written) = (read + step.consumed_in, written + step.consumed_out);
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(Fault::damaged("LZW codes", error)),
        }
    }
    exact(out, written, len)
}

/// Decompresses a zlib stream into exactly `len` bytes, whose checksum is right where the stream has one.
pub(in crate::slide) fn deflate(data: &[u8], len: usize) -> Result<Vec<u8>, Fault> {
    let bad = |error| Fault::damaged("a zlib stream", error);
    let mut decoder = Decompress::new(true);
    // A byte more, so that the decoder reads on to the end of the stream, where the checksum is.
    let mut out = vec![0; len + 1];
    let mut ended = false;
    while !ended && (decoder.total_out() as usize) < out.len() {
        let (read, written) = (decoder.total_in() as usize, decoder.total_out() as usize);
        let status = decoder.decompress(&data[read..], &mut out[written..], FlushDecompress::Finish);
        ended = status.map_err(bad)? == Status::StreamEnd;
        if decoder.total_in() as usize == read && decoder.total_out() as usize == written {
            break;
        }
    }
    let written = decoder.total_out() as usize;
    if written < len {
        return Err(short(written, len));
    }
    if !ended && !ends(data).map_err(bad)? {
        return Err(Fault::damaged("a zlib stream with an end", "one without"));
    }
    exact(out, written, len)
}

/// Returns whether a zlib stream comes to its end, where its checksum is: the last strip of an image may hold rows that are not
/// in it.
fn ends(data: &[u8]) -> Result<bool, DecompressError> {
    let mut decoder = Decompress::new(true);
    let mut scratch = vec![0; SCRATCH_BYTES];
    while decoder.total_out() < limits::MAX_STORED_BYTES {
        let (read, written) = (decoder.total_in(), decoder.total_out());
        let status = decoder.decompress(&data[read as usize..], &mut scratch, FlushDecompress::None)?;
        if status == Status::StreamEnd {
            return Ok(true);
        }
        if (decoder.total_in(), decoder.total_out()) == (read, written) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Decompresses a Zstandard frame into exactly `len` bytes, whose checksum is right where the frame has one.
pub(in crate::slide) fn zstd(data: &[u8], len: usize) -> Result<Vec<u8>, Fault> {
    let bad = |error: &dyn std::fmt::Display| Fault::damaged("a Zstandard frame", error);
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(data).map_err(|e| bad(&e))?;
    let mut out = vec![0; len];
    let mut written = 0;
    while written < len {
        match decoder.read(&mut out[written..]).map_err(|e| bad(&e))? {
            0 => break,
            n => written += n,
        }
    }
    let mut scratch = vec![0; SCRATCH_BYTES];
    let mut longer = 0;
    while longer < limits::MAX_STORED_BYTES {
        match decoder.read(&mut scratch).map_err(|e| bad(&e))? {
            0 => break,
            n => longer += n as u64,
        }
    }
    let frame = &decoder.decoder;
    match (frame.get_checksum_from_data(), frame.get_calculated_checksum()) {
        (Some(stated), Some(found)) if stated != found && longer < limits::MAX_STORED_BYTES => Err(
            Fault::damaged(format!("a Zstandard frame with checksum {stated:08x}"), format!("{found:08x}")),
        ),
        _ => exact(out, written, len),
    }
}

/// Decompresses PackBits into exactly `len` bytes.
pub(in crate::slide) fn pack_bits(data: &[u8], len: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(len);
    let mut rest = data;
    while out.len() < len {
        let Some((&head, tail)) = rest.split_first() else { break };
        let head = head as i8;
        if head >= 0 {
            let n = (head as usize + 1).min(tail.len());
            out.extend_from_slice(&tail[..n]);
            rest = &tail[n..];
        } else if head == i8::MIN {
            rest = tail;
        } else {
            let Some((&value, tail)) = tail.split_first() else { break };
            out.resize(out.len() + (1 - isize::from(head)) as usize, value);
            rest = tail;
        }
    }
    let written = out.len();
    exact(out, written.min(len), len)
}

/// Takes the first `len` bytes of uncompressed data.
pub(in crate::slide) fn raw(data: &[u8], len: usize) -> Result<Vec<u8>, Fault> {
    data.get(..len).map(<[u8]>::to_vec).ok_or_else(|| short(data.len(), len))
}

/// Undoes horizontal differencing of 8-bit samples (predictor 2).
pub(in crate::slide) fn undo_differencing(data: &mut [u8], width: usize, samples: usize) {
    for row in data.chunks_exact_mut(width * samples) {
        for i in samples..row.len() {
            row[i] = row[i].wrapping_add(row[i - samples]);
        }
    }
}

/// Scales samples of 16 bits to 8, in rows of `row` of them; of `per_pixel` samples per pixel where they are differences
/// (predictor 2).
pub(in crate::slide) fn from_16_bits(
    data: &[u8],
    big_endian: bool,
    row: usize,
    per_pixel: Option<usize>,
) -> Vec<u8> {
    let read = if big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
    let (mut values, mut out) = (vec![0; row], Vec::with_capacity(data.len() / 2));
    for line in data.chunks_exact(2 * row) {
        values.iter_mut().zip(line.as_chunks::<2>().0).for_each(|(value, bytes)| *value = read(*bytes));
        if let Some(samples) = per_pixel {
            for i in samples..row {
                values[i] = values[i - samples].wrapping_add(values[i]);
            }
        }
        out.extend(values.iter().map(|&v| ((u32::from(v) + 128) / 257) as u8));
    }
    out
}

/// Spreads rows of samples of 1, 2 or 4 bits and scales them to 8, each row starting on a byte.
pub(in crate::slide) fn unpack(data: &[u8], bits: usize, row: usize) -> Vec<u8> {
    let max = (1u16 << bits) - 1;
    let sample = |line: &[u8], i: usize| {
        let shift = 8 - bits - (i * bits) % 8;
        ((u16::from(line[i * bits / 8] >> shift) & max) * (255 / max)) as u8
    };
    let lines = data.chunks_exact((row * bits).div_ceil(8));
    lines.flat_map(|line| (0..row).map(move |i| sample(line, i))).collect()
}

fn exact(mut out: Vec<u8>, written: usize, len: usize) -> Result<Vec<u8>, Fault> {
    if written < len {
        return Err(short(written, len));
    }
    out.truncate(len);
    Ok(out)
}

fn short(got: usize, expected: usize) -> Fault {
    Fault::damaged(format!("{expected} bytes"), got)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pack_bits_follows_the_specification() {
        // The example of TIFF 6.0, section 9.
        let packed =
            [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA];
        let plain = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22, 0xAA, 0xAA,
            0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
        ];
        assert_eq!(pack_bits(&packed, 24).unwrap(), plain);
    }

    #[test]
    fn short_streams_are_damage() {
        fn t(result: Result<Vec<u8>, Fault>) {
            assert!(matches!(result, Err(Fault::Damaged { .. })), "{result:?}");
        }
        t(pack_bits(&[0xFE], 3));
        t(pack_bits(&[5, 1, 2], 6));
        t(lzw(&[], 4));
        t(lzw(&[0x80], 4));
        t(deflate(&[], 4));
        t(deflate(&[0x78, 0x9c, 0x4b], 4));
        t(zstd(&[0x28, 0xB5], 4));
        t(raw(&[1, 2, 3], 4));
    }

    /// Decompresses with each bit of the content flipped, and without the last bytes: damage, or the same bytes.
    fn never_other_bytes(data: &[u8], len: usize, decode: fn(&[u8], usize) -> Result<Vec<u8>, Fault>) {
        let whole = decode(data, len).unwrap();
        for bit in 0..data.len() * 8 {
            let mut flipped = data.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                decode(&flipped, len).is_ok_and(|bytes| bytes == whole) || decode(&flipped, len).is_err()
            );
        }
    }

    fn grain(len: usize) -> Vec<u8> {
        (0..len).map(|i| ((i * i / 3 + i) % 31 + 100) as u8).collect()
    }

    #[test]
    fn a_wrong_checksum_is_damage() {
        let plain = grain(700);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut zlib, &plain).unwrap();
        let zlib = zlib.finish().unwrap();
        never_other_bytes(&zlib, 700, deflate);
        // The last strip may be longer than what is left of the image.
        assert_eq!(deflate(&zlib, 500).unwrap(), plain[..500]);
        let mut wrong = zlib;
        *wrong.last_mut().unwrap() ^= 1;
        assert!(deflate(&wrong, 500).is_err() && deflate(&wrong, 700).is_err());
        let frame =
            ruzstd::encoding::compress_to_vec(&plain[..], ruzstd::encoding::CompressionLevel::Fastest);
        assert_eq!(zstd(&frame, 700).unwrap(), plain);
        if frame[4] & 4 != 0 {
            let mut wrong = frame;
            *wrong.last_mut().unwrap() ^= 1;
            let text = format!("{:?}", zstd(&wrong, 700).unwrap_err());
            assert!(text.contains("with checksum"), "{text}");
        }
    }

    #[test]
    fn deep_and_shallow_samples_become_8_bits() {
        let t = |values: [u16; 4], big_endian: bool, per_pixel, expected: [u8; 4]| {
            let bytes = values.map(|v| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() });
            assert_eq!(from_16_bits(bytes.as_flattened(), big_endian, 2, per_pixel), expected);
        };
        t([0, 257, 65_535, 128], false, None, [0, 1, 255, 0]);
        t([0, 257, 65_535, 129], true, None, [0, 1, 255, 1]);
        t([257, 257, 65_535, 258], false, Some(1), [1, 2, 255, 1]);
        t([257, 257, 65_535, 258], true, Some(2), [1, 1, 255, 1]);
        assert_eq!(unpack(&[0b1010_0000, 0b0100_0000], 1, 3), [255, 0, 255, 0, 255, 0]);
        assert_eq!(unpack(&[0b0001_1011], 2, 4), [0, 85, 170, 255]);
        assert_eq!(unpack(&[0x0F, 0x30], 4, 3), [0, 255, 51]);
    }

    #[test]
    fn differencing_runs_along_rows() {
        let mut rows = [10, 20, 30, 1, 1, 1, 5, 5, 5, 255, 0, 1];
        undo_differencing(&mut rows, 2, 3);
        assert_eq!(rows, [10, 20, 30, 11, 21, 31, 5, 5, 5, 4, 5, 6]);
    }
}
