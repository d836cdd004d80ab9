//! One stored tile or strip to RGB.

use super::{
    Tag, Tiff,
    page::{Page, compression, photometric},
};
use crate::{
    raster::Rgb,
    slide::{
        codec::{
            Fault, bytes, colour,
            jpeg::{self, Colour},
            jpeg2000,
        },
        limits,
    },
};

/// Decodes tile (`col`, `row`); `None` when nothing is stored there. The last strip may be shorter
/// than the others; tiles always have their full size.
pub(super) fn tile(tiff: &Tiff, page: &Page, col: u64, row: u64) -> Result<Option<Rgb>, Fault> {
    let height = if page.tiled {
        u64::from(page.tile_height)
    } else {
        u64::from(page.tile_height).min(page.height - row * u64::from(page.tile_height))
    };
    let (width, height) = (page.tile_width as usize, height as usize);
    let Some(data) = stored(tiff, page, col, row, height)? else { return Ok(None) };
    let rgb = match page.compression {
        compression::JPEG => jpeg_tile(tiff, page, data, width, height),
        compression::JP2K_YCBCR => jpeg2000::decode(data, true, width, height),
        compression::JP2K_RGB => jpeg2000::decode(data, false, width, height),
        _ => samples(page, data, width, height),
    };
    tiff.bytes().done_with(data.len() as u64);
    rgb.map(Some)
}

/// Returns the stored bytes of a tile.
fn stored<'a>(
    tiff: &'a Tiff,
    page: &Page,
    col: u64,
    row: u64,
    height: usize,
) -> Result<Option<&'a [u8]>, Fault> {
    let outside = || Fault::damaged("an offset and a length", "none");
    let (offset, length) = match page.stored_rows {
        // Uncompressed strips, read in pieces.
        Some(rows) => {
            let first = row * u64::from(page.tile_height);
            let (offset, length) = page.stored(tiff, first / rows).ok_or_else(outside)?;
            let row_bytes = page.width * page.samples;
            let end = offset.saturating_add(length);
            let offset = offset.saturating_add(first % rows * row_bytes);
            (offset, end.saturating_sub(offset).min(height as u64 * row_bytes))
        }
        None => page.stored(tiff, row * page.cols() + col).ok_or_else(outside)?,
    };
    if length == 0 {
        return Ok(None);
    }
    if length > limits::MAX_STORED_BYTES {
        return Err(Fault::damaged(format!("at most {} bytes", limits::MAX_STORED_BYTES), length));
    }
    let inside = tiff.bytes().get(offset, length);
    let end = tiff.bytes().len();
    inside.map(Some).ok_or_else(|| {
        Fault::damaged(
            format!("bytes inside the file of {end}"),
            format!("{length} bytes at {offset}, past its end"),
        )
    })
}

fn jpeg_tile(tiff: &Tiff, page: &Page, data: &[u8], width: usize, height: usize) -> Result<Rgb, Fault> {
    let tables = tiff.raw(&page.directory, Tag::JPEG_TABLES);
    let colour = match page.photometric {
        photometric::RGB => Colour::Rgb,
        photometric::YCBCR => Colour::YCbCr,
        _ => Colour::Own,
    };
    let mut rgb = jpeg::decode(tables, data, colour, width, height)?;
    if page.photometric == photometric::MIN_IS_WHITE {
        rgb.data_mut().iter_mut().for_each(|v| *v = 255 - *v);
    }
    Ok(rgb)
}

fn samples(page: &Page, data: &[u8], width: usize, height: usize) -> Result<Rgb, Fault> {
    let per_pixel = page.samples as usize;
    let len = width * height * per_pixel;
    let mut samples = match page.compression {
        compression::NONE => bytes::raw(data, len),
        compression::LZW => bytes::lzw(data, len),
        compression::DEFLATE | compression::OLD_DEFLATE => bytes::deflate(data, len),
        compression::ZSTD => bytes::zstd(data, len),
        compression::PACK_BITS => bytes::pack_bits(data, len),
        other => Err(Fault::Unsupported(compression::name(other))),
    }?;
    if page.predictor == 2 && page.compression != compression::NONE {
        bytes::undo_differencing(&mut samples, width, per_pixel);
    }
    let rgb = match page.photometric {
        photometric::RGB if per_pixel == 4 => colour::drop_fourth(&samples),
        photometric::RGB => samples,
        other => colour::gray_to_rgb(&samples, other == photometric::MIN_IS_WHITE),
    };
    Rgb::from_vec(width, height, rgb).ok_or_else(|| Fault::damaged(len, "another number of samples"))
}
