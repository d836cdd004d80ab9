//! Lossless tiles as far as their pixels go: what lies behind them is left out.

use std::io::{Read as _, Write as _};

use flate2::{Compression, Decompress, FlushDecompress, Status, write::ZlibEncoder};
use ruzstd::{
    decoding::StreamingDecoder,
    encoding::{CompressionLevel, compress_to_vec},
};
use weezl::BitOrder;

use super::super::codec::bytes;

/// Returns a tile of `len` bytes of samples in a compression of TIFF, cut where they end. What cannot be cut (LZW, whose
/// end need not be marked, and streams that hold more than the tile) is compressed again. `None` when it does not decode.
pub(crate) fn lossless(data: &[u8], compression: u64, len: usize) -> Option<Vec<u8>> {
    match compression {
        1 => data.get(..len).map(<[u8]>::to_vec),
        5 => weezl::encode::Configuration::with_tiff_size_switch(BitOrder::Msb, 8)
            .build()
            .encode(&bytes::lzw(data, len).ok()?)
            .ok(),
        8 | 32_946 => deflate(data, len),
        32_773 => pack_bits(data, len),
        50_000 => zstd(data, len),
        _ => None,
    }
}

fn deflate(data: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut decoder = Decompress::new(true);
    // One byte more than there should be.
    let mut out = vec![0; len + 1];
    loop {
        let (read, written) = (decoder.total_in() as usize, decoder.total_out() as usize);
        match decoder.decompress(&data[read..], &mut out[written..], FlushDecompress::Finish) {
            Ok(Status::StreamEnd) if decoder.total_out() == len as u64 => {
                return data.get(..decoder.total_in() as usize).map(<[u8]>::to_vec);
            }
            Ok(Status::Ok)
                if (decoder.total_in() as usize, decoder.total_out() as usize) != (read, written) => {}
            _ => break,
        }
    }
    if decoder.total_out() < len as u64 {
        return None;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&out[..len]).ok()?;
    encoder.finish().ok()
}

fn zstd(data: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut rest = data;
    let mut out = Vec::new();
    let decoder = StreamingDecoder::new(&mut rest).ok()?;
    decoder.take(len as u64 + 1).read_to_end(&mut out).ok()?;
    if out.len() == len {
        return data.get(..data.len() - rest.len()).map(<[u8]>::to_vec);
    }
    Some(compress_to_vec(out.get(..len)?, CompressionLevel::Fastest))
}

/// Copies runs until they have given `len` bytes; the last is shortened.
fn pack_bits(data: &[u8], len: usize) -> Option<Vec<u8>> {
    let (mut out, mut rest, mut left) = (Vec::new(), data, len);
    while left > 0 {
        let (&head, tail) = rest.split_first()?;
        let head = head as i8;
        rest = tail;
        if head == i8::MIN {
            continue;
        }
        let given = (usize::from(head.unsigned_abs()) + 1).min(left);
        let stored = if head < 0 { 1 } else { given };
        let count = (given - 1) as i8;
        out.push(if head < 0 { -count } else { count } as u8);
        out.extend_from_slice(rest.get(..stored)?);
        rest = &rest[stored..];
        left -= given;
    }
    Some(out)
}

/// As [`lossless`] for the run lengths of DICOM (PS3.5, annex G): three segments of `pixels` bytes, each of an even length.
pub(crate) fn run_lengths(data: &[u8], pixels: usize) -> Option<Vec<u8>> {
    let word = |i: usize| data.get(4 * i..4 * i + 4)?.try_into().ok().map(|b| u32::from_le_bytes(b) as usize);
    let mut out = vec![0; 64];
    out[0] = 3;
    for channel in 1..=3 {
        let end = if channel == 3 { data.len() } else { word(channel + 1)? };
        let segment = pack_bits(data.get(word(channel)?..end)?, pixels)?;
        let start = u32::try_from(out.len()).ok()?;
        out[4 * channel..4 * channel + 4].copy_from_slice(&start.to_le_bytes());
        out.extend(segment);
        out.resize(out.len().next_multiple_of(2), 0);
    }
    (word(0) == Some(3)).then_some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LEN: usize = 3000;

    fn samples() -> Vec<u8> {
        (0..LEN + 500).map(|i| (i * i / 700) as u8).collect()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_lies_behind_the_pixels_is_left_out() {
        fn t(compression: u64, stream: &[u8], same: bool) {
            let named = [stream, b"Doe, Ann"].concat();
            let clean = lossless(&named, compression, LEN).unwrap();
            assert!(!clean.windows(8).any(|w| w == b"Doe, Ann"), "{compression}");
            let decoded = match compression {
                1 => bytes::raw(&clean, LEN),
                5 => bytes::lzw(&clean, LEN),
                8 => bytes::deflate(&clean, LEN),
                32_773 => bytes::pack_bits(&clean, LEN),
                _ => bytes::zstd(&clean, LEN),
            };
            assert_eq!(decoded.unwrap(), samples()[..LEN], "{compression}");
            assert_eq!(clean == stream, same, "{compression}");
            assert_eq!(lossless(&clean, compression, LEN).unwrap(), clean, "{compression}");
            assert_eq!(lossless(&named[..20], compression, LEN), None, "{compression}");
        }
        let (tile, more) = (&samples()[..LEN], &samples()[..]);
        let lzw = |bytes: &[u8]| {
            weezl::encode::Configuration::with_tiff_size_switch(BitOrder::Msb, 8)
                .build()
                .encode(bytes)
                .unwrap()
        };
        let zstd = |bytes: &[u8]| compress_to_vec(bytes, CompressionLevel::Fastest);
        t(1, tile, true);
        t(1, more, false);
        t(5, &lzw(tile), true);
        t(5, &lzw(more), false);
        t(8, &zlib(tile), true);
        t(8, &zlib(more), false);
        t(50_000, &zstd(tile), true);
        t(50_000, &zstd(more), false);
        let packed = |bytes: &[u8]| -> Vec<u8> {
            bytes.chunks(100).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect()
        };
        t(32_773, &packed(tile), true);
        t(32_773, &packed(more), false);
    }

    #[test]
    fn run_lengths_of_dicom_lose_what_lies_between_them() {
        let mut data = vec![0; 64];
        for (i, word) in [3u32, 70, 72, 74].iter().enumerate() {
            data[4 * i..4 * i + 4].copy_from_slice(&word.to_le_bytes());
        }
        data.extend(b"Ann D.\xFF\x0A\xFF\x14\x01\x1E\x1FDoe");
        let clean = run_lengths(&data, 2).unwrap();
        assert_eq!(clean[64..], *b"\xFF\x0A\xFF\x14\x01\x1E\x1F\0");
        assert_eq!((clean[4], clean[8], clean[12]), (64, 66, 68));
        assert_eq!(run_lengths(&clean, 2).unwrap(), clean);
        assert_eq!(run_lengths(&data, 3), None);
        assert_eq!(run_lengths(&data[..10], 2), None);
    }

    #[test]
    fn the_last_run_is_shortened() {
        let t = |data: &[u8], len: usize, expected: Option<&[u8]>| {
            assert_eq!(pack_bits(data, len).as_deref(), expected, "{data:?} {len}");
        };
        t(&[0xFE, 7, 0x80, 2, 1, 2, 3], 6, Some(&[0xFE, 7, 2, 1, 2, 3]));
        t(&[0xFE, 7, 0x80, 2, 1, 2, 3], 4, Some(&[0xFE, 7, 0, 1]));
        t(&[0x81, 7, 9], 128, Some(&[0x81, 7]));
        t(&[0x81, 7, 9], 2, Some(&[0xFF, 7]));
        t(&[0x81, 7], 129, None);
        t(&[3, 1, 2], 4, None);
    }
}
