//! The pixels of a subblock.

use super::NAME;
use crate::{
    error::Error,
    raster::Rgb,
    slide::codec::{
        Fault, bytes, colour,
        jpeg::{self, Colour},
        jpegxr,
    },
};

/// Pixel types by number.
const PIXEL_TYPES: [(i32, &str); 11] = [
    (0, "Gray8"),
    (1, "Gray16"),
    (2, "Gray32Float"),
    (3, "Bgr24"),
    (4, "Bgr48"),
    (8, "Bgr96Float"),
    (9, "Bgra32"),
    (10, "Gray64ComplexFloat"),
    (11, "Bgr192ComplexFloat"),
    (12, "Gray32"),
    (13, "Gray64"),
];

/// How pixels are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Jpeg,
    JpegXr,
    /// Zstandard, without a header of its own.
    Zstd0,
    /// Zstandard behind a small header.
    Zstd1,
}

/// Decodes subblocks of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Codec {
    compression: Compression,
    samples: usize,
}

impl Codec {
    /// Chooses the decoder.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] naming the pixel type or the compression.
    pub(super) fn new(pixel_type: i32, compression: i32) -> Result<Self, Error> {
        let samples = match pixel_type {
            3 => 3,
            9 => 4,
            other => {
                let name = PIXEL_TYPES.iter().find(|(number, _)| *number == other);
                let name = name.map_or_else(|| format!("number {other}"), |(_, name)| (*name).into());
                return Err(Error::unsupported(NAME, format!("pixels of type {name}")));
            }
        };
        let compression = match compression {
            0 => Compression::None,
            1 => Compression::Jpeg,
            4 => Compression::JpegXr,
            5 => Compression::Zstd0,
            6 => Compression::Zstd1,
            2 => return Err(Error::unsupported(NAME, "LZW compression")),
            other => return Err(Error::unsupported(NAME, format!("compression number {other}"))),
        };
        Ok(Self { compression, samples })
    }

    /// Decodes one subblock of a known size.
    pub(super) fn decode(self, data: &[u8], width: usize, height: usize) -> Result<Rgb, Fault> {
        let len = width * height * self.samples;
        let samples = match self.compression {
            Compression::Jpeg => return jpeg::decode(None, data, Colour::Own, width, height),
            Compression::JpegXr => return jpegxr::decode(data, width, height),
            Compression::None => bytes::raw(data, len)?,
            Compression::Zstd0 => bytes::zstd(data, len)?,
            Compression::Zstd1 => bytes::zstd(behind_header(data)?, len)?,
        };
        let mut samples = if self.samples == 4 { colour::drop_fourth(&samples) } else { samples };
        samples.as_chunks_mut::<3>().0.iter_mut().for_each(|[b, _, r]| std::mem::swap(b, r));
        Rgb::from_vec(width, height, samples)
            .ok_or_else(|| Fault::damaged(format!("{width}x{height} px"), "another number of samples"))
    }
}

/// Skips the header of the second Zstandard scheme.
fn behind_header(data: &[u8]) -> Result<&[u8], Fault> {
    match data {
        [1, rest @ ..] => Ok(rest),
        [3, 1, packing, rest @ ..] if packing & 1 == 0 => Ok(rest),
        [3, 1, ..] => Err(Fault::Unsupported("8-bit pixels split into high and low bytes".into())),
        _ => {
            let got = format!("{:02x?}", data.get(..3.min(data.len())).unwrap_or_default());
            Err(Fault::damaged("a header of a Zstandard subblock", got))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blue_comes_first() {
        let codec = Codec::new(3, 0).unwrap();
        let rgb = codec.decode(&[1, 2, 3, 4, 5, 6], 2, 1).unwrap();
        assert_eq!(rgb.data(), [3, 2, 1, 6, 5, 4]);
        assert!(codec.decode(&[1, 2, 3, 4, 5], 2, 1).is_err());
        let rgb = Codec::new(9, 0).unwrap().decode(&[1, 2, 3, 255], 1, 1).unwrap();
        assert_eq!(rgb.data(), [3, 2, 1]);
    }

    #[test]
    fn headers_of_zstandard() {
        assert_eq!(behind_header(&[1, 9, 8]).unwrap(), [9, 8]);
        assert_eq!(behind_header(&[3, 1, 0, 9]).unwrap(), [9]);
        assert!(behind_header(&[3, 1, 1, 9]).is_err());
        assert!(behind_header(&[]).is_err());
    }

    #[test]
    fn what_is_not_read_is_named() {
        let message = Codec::new(1, 0).unwrap_err().to_string();
        assert_eq!(message, "czi file uses pixels of type Gray16, which is not supported");
    }
}
