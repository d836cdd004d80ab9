//! Layouts that are rare in slides (JPEG of inks or in planes), read with the `tiff` crate.

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
            Fault::Unsupported("a sub-directory of JPEG with inks, planes or bits the other way round".into())
        })?;
        if page.bits != 8 {
            return Err(Fault::Unsupported(format!("samples of {} bits in this layout", page.bits)));
        }
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

    /// Decodes tile (`col`, `row`), clipped to the image; `None` when nothing is stored there.
    pub(super) fn tile(&self, tiff: &Tiff, page: &Page, col: u64, row: u64) -> Result<Option<Rgb>, Fault> {
        let index = u32::try_from(row * page.cols() + col).unwrap_or(u32::MAX);
        // What stands behind the colours and is no opacity is not looked at.
        let samples = page.samples.min(self.colours.num_samples().into());
        let planes = if page.planar { samples as u32 } else { 1 };
        if !decode::has_planes(tiff, page, index.into(), row, planes.into())? {
            return Ok(None);
        }
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
            let DecodingResult::U8(samples) = chunk else {
                return Err(Fault::Unsupported(format!("samples of {} bits", page.bits)));
            };
            parts.push(samples);
        }
        drop(decoder);
        let samples = if parts.len() == 1 { parts.swap_remove(0) } else { interleave(&parts) };
        let pixels = self.to_rgb(samples)?;
        let rgb = Rgb::from_vec(width, height, pixels);
        rgb.map(Some)
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
