//! Layouts that are rare in slides (16 bit, CMYK, bilevel), read with the `tiff` crate.

use std::{
    io::Cursor,
    sync::{Arc, Mutex},
};

use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, Limits},
};

use super::{
    Tiff, decode,
    page::{Page, compression},
};
use crate::{
    raster::Rgb,
    slide::{
        bytes::FileBytes,
        codec::{
            Fault,
            colour::{self, Extra},
        },
        limits,
    },
};

/// Bytes of one decoded tile: less than four per pixel of the largest, because its conversion takes half as many besides.
const MAX_BYTES: usize = 4 * limits::MAX_TILE_PX as usize;

struct Handle(Arc<FileBytes>);

impl AsRef<[u8]> for Handle {
    fn as_ref(&self) -> &[u8] {
        self.0.all()
    }
}

/// A decoder for one page, shared by all threads, one tile at a time.
pub(super) struct Foreign {
    decoder: Mutex<Decoder<Cursor<Handle>>>,
    colours: ColorType,
    extra: Extra,
    chunks: u32,
}

impl Foreign {
    /// Prepares a page for reading.
    pub(super) fn open(tiff: &Tiff, page: &Page) -> Result<Self, Fault> {
        let index = page.directory.index.ok_or_else(|| {
            Fault::Unsupported("a sub-directory with samples other than 8-bit RGB or gray".into())
        })?;
        if page.samples > 5 {
            return Err(Fault::Unsupported(format!("pixels of {} samples", page.samples)));
        }
        let fault = |error| fault(error, page);
        let cursor = Cursor::new(Handle(tiff.bytes().clone()));
        let mut limits = Limits::default();
        limits.decoding_buffer_size = MAX_BYTES;
        limits.intermediate_buffer_size = limits.decoding_buffer_size;
        let mut decoder = Decoder::new(cursor).map_err(fault)?.with_limits(limits);
        decoder.seek_to_image(index).map_err(fault)?;
        let colours = decoder.colortype().map_err(fault)?;
        let chunks = u32::try_from(page.cols() * page.rows()).unwrap_or(u32::MAX);
        Ok(Self { decoder: Mutex::new(decoder), colours, extra: decode::extra(tiff, page), chunks })
    }

    /// Decodes tile (`col`, `row`), clipped to the image.
    pub(super) fn tile(&self, tiff: &Tiff, page: &Page, col: u64, row: u64) -> Result<Rgb, Fault> {
        let index = u32::try_from(row * page.cols() + col).unwrap_or(u32::MAX);
        let planes = if page.planar { page.samples as u32 } else { 1 };
        if page.compression == compression::JPEG {
            // The crate believes any size that a stream states.
            (0..planes).try_for_each(|plane| {
                decode::check_jpeg(tiff, page, (plane * self.chunks + index).into(), row)
            })?;
        }
        let mut decoder = self.decoder.lock().unwrap_or_else(|e| e.into_inner());
        let (width, height) = decoder.chunk_data_dimensions(index);
        let (width, height) = (width as usize, height as usize);
        // Planes are decoded one by one, then put together: twice as many bytes.
        let bytes = width.saturating_mul(height).saturating_mul(planes as usize);
        if planes > 1 && bytes > MAX_BYTES / 2 {
            return Err(Fault::damaged(format!("planes of at most {} bytes together", MAX_BYTES / 2), bytes));
        }
        let mut parts = Vec::new();
        for plane in 0..planes {
            let chunk = decoder.read_chunk(plane * self.chunks + index).map_err(|e| fault(e, page))?;
            let per_pixel = if page.planar { 1 } else { self.colours.num_samples().into() };
            let bits = self.colours.bit_depth();
            parts.push(eight_bits(chunk, bits, width * per_pixel, height)?);
        }
        drop(decoder);
        let samples = if parts.len() == 1 { parts.swap_remove(0) } else { interleave(&parts) };
        let pixels = self.to_rgb(samples)?;
        Rgb::from_vec(width, height, pixels)
            .ok_or_else(|| Fault::damaged(format!("{width}x{height} px"), "another number of samples"))
    }

    fn to_rgb(&self, mut samples: Vec<u8>) -> Result<Vec<u8>, Fault> {
        Ok(match self.colours {
            ColorType::Gray(_) => colour::gray_to_rgb(&samples, false),
            ColorType::GrayA(_) | ColorType::Multiband { num_samples: 2, .. } => {
                self.extra.taken_off_gray(&samples, false)
            }
            ColorType::RGB(_) => samples,
            ColorType::RGBA(_) => self.extra.taken_off(&samples),
            ColorType::CMYK(_) => {
                samples.as_chunks::<4>().0.iter().flat_map(|&ink| colour::cmyk_to_rgb(ink)).collect()
            }
            ColorType::YCbCr(_) => {
                colour::ycbcr_to_rgb(samples.as_chunks_mut::<3>().0);
                samples
            }
            other => return Err(Fault::Unsupported(format!("pixels of {} samples", other.num_samples()))),
        })
    }
}

/// Scales unsigned samples of any depth to 8 bits.
fn eight_bits(chunk: DecodingResult, bits: u8, row_samples: usize, rows: usize) -> Result<Vec<u8>, Fault> {
    match chunk {
        DecodingResult::U8(data) if bits == 8 => Ok(data),
        DecodingResult::U8(data) if matches!(bits, 1 | 2 | 4) => {
            let packed = data.len() == (row_samples * usize::from(bits)).div_ceil(8) * rows;
            Ok(if packed { unpack(&data, bits, row_samples) } else { data })
        }
        DecodingResult::U16(data) => {
            Ok(data.into_iter().map(|v| ((u32::from(v) + 128) / 257) as u8).collect())
        }
        DecodingResult::I8(_) | DecodingResult::I16(_) | DecodingResult::I32(_) | DecodingResult::I64(_) => {
            Err(Fault::Unsupported("signed samples".into()))
        }
        _ => Err(Fault::Unsupported(format!("samples of {bits} bits"))),
    }
}

/// Spreads rows of 1, 2 or 4 bit samples, each row starting on a byte.
fn unpack(data: &[u8], bits: u8, row_samples: usize) -> Vec<u8> {
    let bits = usize::from(bits);
    let max = (1u16 << bits) - 1;
    let scale = 255 / max;
    let row_bytes = (row_samples * bits).div_ceil(8);
    let sample = |row: &[u8], i: usize| {
        let shift = 8 - bits - (i * bits) % 8;
        ((u16::from(row[i * bits / 8] >> shift) & max) * scale) as u8
    };
    data.chunks_exact(row_bytes).flat_map(|row| (0..row_samples).map(move |i| sample(row, i))).collect()
}

fn interleave(planes: &[Vec<u8>]) -> Vec<u8> {
    let len = planes.iter().map(Vec::len).min().unwrap_or(0);
    (0..len).flat_map(|i| planes.iter().map(move |plane| plane[i])).collect()
}

fn fault(error: TiffError, page: &Page) -> Fault {
    match error {
        TiffError::UnsupportedError(what) => Fault::Unsupported(format!(
            "{}, {} bits, photometric {} ({what})",
            compression::name(page.compression),
            page.bits,
            page.photometric
        )),
        TiffError::LimitsExceeded => Fault::damaged("a tile within the limits", "a larger one"),
        other => Fault::damaged("image data the TIFF decoder accepts", other),
    }
}
