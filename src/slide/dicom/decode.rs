//! One frame to RGB. Where the stream itself says what its components are, it is believed over
//! `PhotometricInterpretation`, which converters copy from the source without re-encoding it.

use super::NAME;
use crate::{
    error::{Error, Result},
    raster::Rgb,
    slide::codec::{
        Fault, bytes, colour,
        jpeg::{self, Colour},
        jpeg2000, jpegls,
    },
};

/// How frames are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
}

/// Transfer syntaxes that are read, and whether elements state their representation.
const SYNTAXES: [(&str, Compression, bool); 9] = [
    ("1.2.840.10008.1.2", Compression::None, false),
    ("1.2.840.10008.1.2.1", Compression::None, true),
    ("1.2.840.10008.1.2.5", Compression::Rle, true),
    ("1.2.840.10008.1.2.4.50", Compression::Jpeg, true),
    ("1.2.840.10008.1.2.4.51", Compression::Jpeg, true),
    ("1.2.840.10008.1.2.4.80", Compression::JpegLs, true),
    ("1.2.840.10008.1.2.4.81", Compression::JpegLs, true),
    ("1.2.840.10008.1.2.4.90", Compression::Jpeg2000, true),
    ("1.2.840.10008.1.2.4.91", Compression::Jpeg2000, true),
];
/// Names of others, for messages.
const OTHERS: [(&str, &str); 7] = [
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian"),
    ("1.2.840.10008.1.2.4.57", "lossless JPEG"),
    ("1.2.840.10008.1.2.4.70", "lossless JPEG"),
    ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000"),
    ("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000"),
    ("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"),
];

fn syntax(uid: &str) -> Result<(Compression, bool)> {
    let known = SYNTAXES.iter().find(|(other, ..)| *other == uid);
    known.map(|&(_, compression, explicit)| (compression, explicit)).ok_or_else(|| {
        let name = OTHERS.iter().find(|(other, _)| *other == uid).map_or("", |(_, name)| name);
        Error::unsupported(NAME, format!("transfer syntax {uid} {name}").trim_end().to_owned())
    })
}

/// Returns whether elements of a transfer syntax state their value representation.
///
/// # Errors
///
/// [`Error::Unsupported`] naming a transfer syntax that is not read.
pub(super) fn explicit(uid: &str) -> Result<bool> {
    syntax(uid).map(|(_, explicit)| explicit)
}

/// What the samples are, as the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Samples {
    Rgb,
    /// Luma and chroma, three samples a pixel.
    YCbCr,
    /// Luma and chroma, chroma for two pixels.
    YCbCr422,
    /// What JPEG 2000 decodes to RGB by itself.
    OfCodec,
}

/// What can hold other things than pixels within a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Jpeg,
    JpegLs,
    Jpeg2000,
    /// Run lengths, between which other bytes may lie.
    Rle,
    /// Pixels, which hold nothing else.
    Native,
}

/// Decodes frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codec {
    compression: Compression,
    samples: Samples,
    planar: bool,
}

impl Codec {
    /// Chooses the decoder.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for pixels that are not colour.
    pub(super) fn new(uid: &str, photometric: &str, planar: bool) -> Result<Self> {
        let (compression, _) = syntax(uid)?;
        let samples = match photometric {
            "RGB" => Samples::Rgb,
            "YBR_FULL" => Samples::YCbCr,
            "YBR_FULL_422" if compression == Compression::None => Samples::YCbCr422,
            "YBR_FULL_422" | "YBR_PARTIAL_420" => Samples::YCbCr,
            "YBR_ICT" | "YBR_RCT" => Samples::OfCodec,
            other => return Err(Error::unsupported(NAME, format!("pixels that are {other}"))),
        };
        Ok(Self { compression, samples, planar })
    }

    /// Returns what kind of stream a frame is.
    pub(super) fn stream(self) -> Stream {
        match self.compression {
            Compression::Jpeg => Stream::Jpeg,
            Compression::JpegLs => Stream::JpegLs,
            Compression::Jpeg2000 => Stream::Jpeg2000,
            Compression::Rle => Stream::Rle,
            Compression::None => Stream::Native,
        }
    }

    /// Returns the bytes of an uncompressed frame.
    pub(super) fn frame_bytes(self, pixels: u64) -> u64 {
        if self.samples == Samples::YCbCr422 { 2 * pixels.next_multiple_of(2) } else { 3 * pixels }
    }

    /// Decodes one frame of a known size.
    pub(super) fn decode(self, data: &[u8], width: usize, height: usize) -> Result<Rgb, Fault> {
        // Fragments are padded to an even length.
        let stream = data.strip_suffix(&[0]).unwrap_or(data);
        let ycbcr = matches!(self.samples, Samples::YCbCr | Samples::YCbCr422);
        let (samples, ycbcr) = match self.compression {
            Compression::Jpeg => {
                let colour = match (says_colour(data), ycbcr) {
                    (true, _) => Colour::Own,
                    (false, true) => Colour::YCbCr,
                    (false, false) => Colour::Rgb,
                };
                return jpeg::decode(None, data, colour, width, height);
            }
            Compression::Jpeg2000 => {
                return jpeg2000::decode(stream, ycbcr && !transforms(stream), width, height);
            }
            Compression::JpegLs => return jpegls::decode(data, ycbcr, width, height),
            Compression::Rle => (rle(data, width * height)?, ycbcr),
            Compression::None if self.samples == Samples::YCbCr422 => (pairs(data, width * height), true),
            Compression::None if self.planar => (interleave(data, width * height), ycbcr),
            Compression::None => (data.to_vec(), ycbcr),
        };
        let got = samples.len();
        let mut rgb = Rgb::from_vec(width, height, samples)
            .ok_or_else(|| Fault::damaged(format!("{} bytes", 3 * width * height), got))?;
        if ycbcr {
            colour::ycbcr_to_rgb(rgb.pixels_mut());
        }
        Ok(rgb)
    }
}

/// Returns whether a JPEG stream has a marker (JFIF or Adobe) that says what its components are.
fn says_colour(data: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker, hi, lo]) = data.get(at..at + 4) {
        let body = data.get(at + 4..).unwrap_or_default();
        match marker {
            0xE0 if body.starts_with(b"JFIF\0") => return true,
            0xEE if body.starts_with(b"Adobe") => return true,
            0xC0..=0xC2 | 0xDA => return false,
            _ => at += 2 + (usize::from(hi) << 8 | usize::from(lo)),
        }
    }
    false
}

/// Returns whether a JPEG 2000 codestream transforms its components by itself (its COD segment).
fn transforms(data: &[u8]) -> bool {
    let Some(start) = data.windows(4).position(|four| four == [0xFF, 0x4F, 0xFF, 0x51]) else { return false };
    let mut at = start + 2;
    while let Some(&[0xFF, marker, hi, lo]) = data.get(at..at + 4) {
        match marker {
            0x52 => return data.get(at + 8) == Some(&1),
            0x90 => return false,
            _ => at += 2 + (usize::from(hi) << 8 | usize::from(lo)),
        }
    }
    false
}

/// Decompresses DICOM's run lengths (PS3.5, annex G): one PackBits segment for each sample.
fn rle(data: &[u8], pixels: usize) -> Result<Vec<u8>, Fault> {
    let word = |i: usize| data.get(4 * i..4 * i + 4)?.try_into().ok().map(|b| u32::from_le_bytes(b) as usize);
    let count = word(0).unwrap_or(0);
    if count != 3 {
        return Err(Fault::damaged("three segments of run lengths", count));
    }
    let mut out = vec![0; 3 * pixels];
    for channel in 0..3 {
        let start = word(1 + channel).unwrap_or(0);
        let end = if channel == 2 { data.len() } else { word(2 + channel).unwrap_or(0) };
        let segment = data.get(start..end).filter(|_| start >= 64);
        let segment = segment.ok_or_else(|| {
            Fault::damaged(
                format!("a segment inside {} bytes", data.len()),
                format!("bytes {start} to {end}"),
            )
        })?;
        let plane = bytes::pack_bits(segment, pixels)?;
        out.iter_mut().skip(channel).step_by(3).zip(plane).for_each(|(out, value)| *out = value);
    }
    Ok(out)
}

/// Turns three planes into pixels.
fn interleave(data: &[u8], pixels: usize) -> Vec<u8> {
    let planes =
        data.split_at_checked(pixels).and_then(|(r, rest)| Some((r, rest.split_at_checked(pixels)?)));
    let Some((red, (green, blue))) = planes else { return Vec::new() };
    red.iter().zip(green).zip(blue).flat_map(|((&r, &g), &b)| [r, g, b]).collect()
}

/// Gives each of two pixels the chroma they share.
fn pairs(data: &[u8], pixels: usize) -> Vec<u8> {
    let mut out: Vec<u8> =
        data.as_chunks::<4>().0.iter().flat_map(|&[a, b, cb, cr]| [a, cb, cr, b, cb, cr]).collect();
    out.truncate(3 * pixels);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_lengths_are_three_planes() {
        let mut data = vec![0; 64];
        for (i, word) in [3u32, 64, 66, 69].iter().enumerate() {
            data[4 * i..4 * i + 4].copy_from_slice(&word.to_le_bytes());
        }
        data.extend([0xFF, 10, 1, 20, 21, 0xFF, 30]);
        assert_eq!(rle(&data, 2).unwrap(), [10, 20, 30, 10, 21, 30]);
        assert!(rle(&data, 3).is_err());
        assert!(rle(&data[..70], 2).is_err());
        assert!(rle(&[], 2).is_err());
    }

    #[test]
    fn shared_chroma_and_planes() {
        assert_eq!(pairs(&[1, 2, 8, 9, 3, 4, 6, 7], 3), [1, 8, 9, 2, 8, 9, 3, 6, 7]);
        assert_eq!(interleave(&[1, 2, 3, 4, 5, 6], 2), [1, 3, 5, 2, 4, 6]);
    }

    #[test]
    fn other_syntaxes_are_named() {
        let message = explicit("1.2.840.10008.1.2.4.202").unwrap_err().to_string();
        assert!(message.contains("1.2.840.10008.1.2.4.202 High-Throughput JPEG 2000"), "{message}");
        assert!(Codec::new("1.2.840.10008.1.2.1", "MONOCHROME2", false).is_err());
    }
}
