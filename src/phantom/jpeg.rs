//! JPEG tiles as scanners store them: tables apart from the abbreviated stream.

use jpeg_encoder::{
    ChromaSubsamplingMethod, Encoder, ImageBuffer, JpegColorType, QuantizationTableType, SamplingFactor,
};

use crate::raster::Rgb;

/// How colour is stored in JPEG tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Luma and chroma, chroma at half resolution both ways.
    YCbCr420,
    /// Red, green and blue as they are, no colour transform; only the TIFF photometric tag tells.
    Rgb444,
}

/// One encoded tile.
pub struct Jpeg {
    /// Quantisation and Huffman tables between SOI and EOI; the same for every tile of a slide.
    pub tables: Vec<u8>,
    /// The stream without tables and without application segments.
    pub stream: Vec<u8>,
}

/// Encodes the rectangle of `size` at `corner`. Beyond the picture, its last column and row repeat.
#[must_use]
pub fn encode(
    picture: &Rgb,
    corner: (usize, usize),
    size: (usize, usize),
    quality: u8,
    colour: Colour,
) -> Jpeg {
    let mut bytes = Vec::with_capacity(size.0 * size.1 / 4);
    let mut encoder = Encoder::new(&mut bytes, quality);
    match colour {
        Colour::YCbCr420 => {
            encoder.set_sampling_factor(SamplingFactor::F_2_2);
            encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        }
        Colour::Rgb444 => {
            encoder.set_sampling_factor(SamplingFactor::F_1_1);
            // The same table for all three: green must not be treated as chroma.
            let table = || QuantizationTableType::ImageMagick;
            encoder.set_quantization_tables(table(), table());
        }
    }
    // Writing to memory cannot fail, and sizes are those of a tile or strip.
    let _ = encoder.encode_image(Window { picture, corner, size, colour });
    split(&bytes)
}

/// A rectangle of a picture as the encoder reads it.
struct Window<'a> {
    picture: &'a Rgb,
    corner: (usize, usize),
    size: (usize, usize),
    colour: Colour,
}

impl ImageBuffer for Window<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        // Also for RGB: three components with ids 0, 1, 2 and no Adobe marker.
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.size.0 as u16
    }

    fn height(&self) -> u16 {
        self.size.1 as u16
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let row = self.picture.row((self.corner.1 + usize::from(y)).min(self.picture.height() - 1));
        let inside = &row[self.corner.0.min(row.len() - 1)..(self.corner.0 + self.size.0).min(row.len())];
        let convert = match self.colour {
            Colour::YCbCr420 => ycc,
            Colour::Rgb444 => |px: [u8; 3]| px,
        };
        for &px in inside {
            for (buffer, v) in buffers.iter_mut().zip(convert(px)) {
                buffer.push(v);
            }
        }
        for buffer in &mut buffers[..3] {
            let last = buffer.last().copied().unwrap_or(0);
            buffer.resize(buffer.len() + self.size.0 - inside.len(), last);
        }
    }
}

/// Converts by JFIF's full-range BT.601 formulas, in 1/65536.
#[inline]
fn ycc([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let y = 19_595 * r + 38_470 * g + 7_471 * b + 32_768;
    let cb = -11_059 * r - 21_709 * g + 32_768 * b + (128 << 16) + 32_767;
    let cr = 32_768 * r - 27_439 * g - 5_329 * b + (128 << 16) + 32_767;
    [(y >> 16) as u8, (cb >> 16) as u8, (cr >> 16) as u8]
}

/// Takes a whole JPEG stream apart: tables (DQT, DHT) and everything else but application segments.
fn split(jpeg: &[u8]) -> Jpeg {
    let (mut tables, mut stream) = (vec![0xff, 0xd8], vec![0xff, 0xd8]);
    let mut at = 2;
    while let Some(&[_, marker, high, low]) = jpeg.get(at..at + 4) {
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = jpeg.get(at..end).unwrap_or_default();
        match marker {
            0xdb | 0xc4 => tables.extend_from_slice(segment),
            0xe0..=0xef => {}
            _ => stream.extend_from_slice(segment),
        }
        at = end;
        if marker == 0xda {
            stream.extend_from_slice(jpeg.get(at..).unwrap_or_default());
            break;
        }
    }
    tables.extend_from_slice(&[0xff, 0xd9]);
    Jpeg { tables, stream }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_do_not_depend_on_the_picture() {
        fn t(colour: Colour) {
            let flat = encode(&Rgb::filled(64, 64, [240; 3]), (0, 0), (64, 64), 80, colour);
            let mut busy = Rgb::filled(50, 40, [200, 90, 160]);
            for (i, v) in busy.data_mut().iter_mut().enumerate() {
                *v = v.wrapping_add((i * i % 41) as u8);
            }
            let busy = encode(&busy, (0, 0), (64, 64), 80, colour);
            assert_eq!(flat.tables, busy.tables);
            assert_eq!(&busy.stream[..4], &[0xff, 0xd8, 0xff, 0xc0]);
            assert_eq!(&busy.stream[busy.stream.len() - 2..], &[0xff, 0xd9]);
        }
        t(Colour::YCbCr420);
        t(Colour::Rgb444);
    }

    #[test]
    fn luma_and_chroma_of_known_colours() {
        assert_eq!(ycc([255; 3]), [255, 128, 128]);
        assert_eq!(ycc([0; 3]), [0, 128, 128]);
        assert_eq!(ycc([255, 0, 0]), [76, 85, 255]);
    }
}
