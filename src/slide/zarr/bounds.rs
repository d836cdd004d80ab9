//! How large a stored chunk becomes, before the array library decompresses it without a limit.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};
use serde_json::Value;

use super::NAME;
use crate::{
    error::{Error, Result},
    slide::limits,
};

/// Bytes that a chunk may become.
const MOST: u64 = 160 << 20;
/// The most that Deflate makes of one byte.
const DEFLATE_RATIO: u64 = 1032;
/// Bytes of a block of Zstandard.
const ZSTD_BLOCK: u64 = 128 << 10;

/// How chunks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compressor {
    None,
    Gzip,
    Zlib,
    Zstd,
    Blosc,
}

impl Compressor {
    fn named(name: &str) -> Option<Self> {
        Some(match name.rsplit('.').next().unwrap_or(name) {
            "gzip" => Self::Gzip,
            "zlib" => Self::Zlib,
            "zstd" => Self::Zstd,
            "blosc" => Self::Blosc,
            _ => return None,
        })
    }

    /// Finds the compressor in the metadata of an array: the codec of version 2, or the only one of version 3.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for several of them, whose sizes nothing tells.
    pub(super) fn of(metadata: &Value) -> Result<Self> {
        let mut found = Vec::new();
        if let Some(id) = metadata.pointer("/compressor/id").and_then(Value::as_str) {
            found.extend(Self::named(id));
        }
        collect(metadata.get("filters"), &mut found);
        collect(metadata.get("codecs"), &mut found);
        match found[..] {
            [] => Ok(Self::None),
            [only] => Ok(only),
            _ => Err(Error::unsupported(NAME, "chunks that are compressed more than once")),
        }
    }

    /// Accepts a stored chunk that does not become too large.
    ///
    /// # Errors
    ///
    /// [`Error::Limits`], or [`Error::Malformed`] for streams that cannot be followed.
    pub(super) fn check(self, what: &str, stored: &[u8]) -> Result<()> {
        let size = match self {
            Self::None => stored.len() as u64,
            Self::Gzip | Self::Zlib if stored.len() as u64 <= MOST / DEFLATE_RATIO => return Ok(()),
            Self::Gzip => inflated(GzDecoder::new(stored)),
            Self::Zlib => inflated(ZlibDecoder::new(stored)),
            Self::Zstd => zstd(stored).unwrap_or(0),
            Self::Blosc => stored
                .get(4..8)
                .map_or(0, |size| u64::from(u32::from_le_bytes([size[0], size[1], size[2], size[3]]))),
        };
        limits::check(&format!("bytes of {what} without compression"), size, MOST)
    }
}

/// Collects the compressors of a list of codecs, and of the shards in it.
fn collect(codecs: Option<&Value>, found: &mut Vec<Compressor>) {
    for codec in codecs.and_then(Value::as_array).into_iter().flatten() {
        let name = codec.as_str().or_else(|| codec.get("name").or(codec.get("id"))?.as_str());
        found.extend(name.and_then(Compressor::named));
        collect(codec.pointer("/configuration/codecs"), found);
        collect(codec.pointer("/configuration/index_codecs"), found);
    }
}

/// Counts what a stream becomes, up to the limit; a damaged one is left to the library to tell.
fn inflated(stream: impl Read) -> u64 {
    let mut rest = stream.take(MOST + 1);
    let (mut buffer, mut size) = (vec![0; 1 << 16], 0);
    while let Ok(read @ 1..) = rest.read(&mut buffer) {
        size += read as u64;
    }
    size
}

/// Returns how large the frames of a Zstandard stream become at most; `None` when they cannot be followed.
fn zstd(mut stream: &[u8]) -> Option<u64> {
    let mut total = 0u64;
    while let Some(rest) = stream.strip_prefix(&[0x28, 0xB5, 0x2F, 0xFD]) {
        let descriptor = *rest.first()?;
        let single = descriptor & 0x20 != 0;
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let size_bytes = match descriptor >> 6 {
            0 => usize::from(single),
            code => 1 << code,
        };
        let mut at = 1 + usize::from(!single) + dictionary;
        let stated = rest.get(at..at + size_bytes)?.iter().rev().fold(0u64, |v, &b| v << 8 | u64::from(b));
        let stated = if size_bytes == 2 { stated + 256 } else { stated };
        at += size_bytes;
        let mut blocks = 0;
        loop {
            let header = rest.get(at..at + 3)?;
            let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
            blocks += 1;
            // A run is stored as one byte.
            let stored = if header >> 1 & 3 == 1 { 1 } else { (header >> 3) as usize };
            at += 3 + stored;
            if header & 1 == 1 {
                break;
            }
        }
        total = total.saturating_add(if size_bytes > 0 { stated } else { blocks * ZSTD_BLOCK });
        stream = rest.get(at + if descriptor & 4 != 0 { 4 } else { 0 }..)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write as _;

    use super::*;

    #[test]
    fn compressors_are_found_in_metadata() {
        let t = |json: &str, expected| {
            assert_eq!(Compressor::of(&serde_json::from_str(json).unwrap()).ok(), expected, "{json}");
        };
        t(r#"{"compressor": null}"#, Some(Compressor::None));
        t(r#"{"compressor": {"id": "zlib", "level": 1}}"#, Some(Compressor::Zlib));
        t(r#"{"codecs": [{"name": "bytes"}, {"name": "numcodecs.zlib"}]}"#, Some(Compressor::Zlib));
        let shard = r#"{"name": "sharding_indexed", "configuration": {"codecs": [{"name": "bytes"}, {"name": "zstd"}]}}"#;
        t(&format!(r#"{{"codecs": [{shard}]}}"#), Some(Compressor::Zstd));
        t(&format!(r#"{{"codecs": [{shard}, {{"name": "gzip"}}]}}"#), None);
    }

    #[test]
    fn bombs_are_refused_and_chunks_are_not() {
        let chunk = vec![7; 3 << 20];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&chunk).unwrap();
        Compressor::Gzip.check("chunk", &gzip.finish().unwrap()).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let noise = vec![0; 1 << 20];
        (0..161).for_each(|_| zlib.write_all(&noise).unwrap());
        assert!(Compressor::Zlib.check("chunk", &zlib.finish().unwrap()).is_err());
        let packed =
            ruzstd::encoding::compress_to_vec(&chunk[..], ruzstd::encoding::CompressionLevel::Fastest);
        assert!(zstd(&packed).unwrap() >= 3 << 20);
        Compressor::Zstd.check("chunk", &packed).unwrap();
        // A frame that states 2^40 bytes, and one of 2 000 runs that states nothing.
        let mut stated = vec![0x28, 0xB5, 0x2F, 0xFD, 0xE0];
        stated.extend((1u64 << 40).to_le_bytes());
        stated.extend([1, 0, 0]);
        assert!(Compressor::Zstd.check("chunk", &stated).is_err());
        let mut runs = vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0x58];
        (0..2000).for_each(|_| runs.extend([0x02, 0, 0x10, 7]));
        runs.extend([1, 0, 0]);
        assert!(Compressor::Zstd.check("chunk", &runs).is_err());
        assert!(Compressor::Blosc.check("chunk", &[2, 1, 1, 1, 255, 255, 255, 255]).is_err());
        Compressor::None.check("chunk", &[]).unwrap();
    }
}
