//! One stored tile or strip to RGB.

use super::{
    Tag, Tiff,
    page::{Page, compression, photometric},
};
use crate::{
    raster::Rgb,
    slide::{
        Storage,
        codec::{
            Fault, bytes,
            colour::{self, Extra},
            jpeg::{self, Colour, copy::Stored},
            jpeg2000,
        },
        limits,
    },
};

/// Decodes tile (`col`, `row`); `None` when nothing is stored there. The last strip may be shorter
/// than the others; tiles always have their full size.
pub(super) fn tile(tiff: &Tiff, page: &Page, col: u64, row: u64) -> Result<Option<Rgb>, Fault> {
    let (width, height) = (page.tile_width as usize, tile_height(page, row) as usize);
    let index = row * page.cols() + col;
    if page.is_planar() {
        return planes(tiff, page, index, row, [width, height]);
    }
    let Some(data) = stored(tiff, page, index, row)? else { return Ok(None) };
    tiff.bytes().done_with(data.len() as u64);
    match page.compression {
        compression::JPEG => jpeg_tile(tiff, page, data, row, [width, height]),
        compression::JP2K_YCBCR => jpeg2000::decode(data, true, width, height),
        compression::JP2K_RGB => jpeg2000::decode(data, false, width, height),
        _ => {
            let per_pixel = page.samples as usize;
            let samples = samples(tiff, page, data, [width, height], per_pixel)?;
            to_rgb(tiff, page, samples, per_pixel, [width, height])
        }
    }
    .map(Some)
}

/// Returns the height of the tiles of a row.
fn tile_height(page: &Page, row: u64) -> u64 {
    let height = u64::from(page.tile_height);
    if page.tiled { height } else { height.min(page.height.saturating_sub(row * height)) }
}

/// Returns where tile `index`, which lies in this row, is stored: offset and length.
pub(super) fn place(tiff: &Tiff, page: &Page, index: u64, row: u64) -> Option<(u64, u64)> {
    // Uncompressed strips, read in pieces.
    let Some(rows) = page.stored_rows else { return page.stored(tiff, index) };
    let plane = index / (page.cols() * page.rows());
    let first = row * u64::from(page.tile_height);
    let (offset, length) = page.stored_of(tiff, plane, first / rows)?;
    let row_bytes = page.row_bytes();
    let end = offset.saturating_add(length);
    let offset = offset.saturating_add(first % rows * row_bytes);
    Some((offset, end.saturating_sub(offset).min(tile_height(page, row) * row_bytes)))
}

/// Returns the stored bytes of a tile.
fn stored<'a>(tiff: &'a Tiff, page: &Page, index: u64, row: u64) -> Result<Option<&'a [u8]>, Fault> {
    let outside = || Fault::damaged("an offset and a length", "none");
    let (offset, length) = place(tiff, page, index, row).ok_or_else(outside)?;
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

/// Returns how the tiles of a page are stored; `None` for strips, planes and what our own path does not read.
pub(super) fn storage(tiff: &Tiff, page: &Page) -> Option<Storage> {
    if !page.is_copied() {
        return None;
    }
    let subsampling = tiff.uints(&page.directory, Tag::YCBCR_SUBSAMPLING).ok().flatten();
    Some(Storage {
        compression: page.compression,
        photometric: page.photometric,
        samples: page.samples,
        predictor: page.predictor,
        extra: tiff.uint(&page.directory, Tag::EXTRA_SAMPLES),
        subsampling: subsampling.and_then(|list| list.try_into().ok()),
        jpeg_tables: tiff.raw(&page.directory, Tag::JPEG_TABLES).map(<[u8]>::to_vec),
        tile_bytes: page.tile_width as usize * page.tile_height as usize * page.samples as usize,
    })
}

/// Returns the stored bytes of a tile; `None` when nothing is stored there.
pub(super) fn tile_bytes<'a>(
    tiff: &'a Tiff,
    page: &Page,
    col: u64,
    row: u64,
) -> Result<Option<&'a [u8]>, Fault> {
    let data = stored(tiff, page, row * page.cols() + col, row)?;
    tiff.bytes().done_with(data.map_or(0, |data| data.len() as u64));
    Ok(data)
}

/// Returns the stored JPEG stream of a tile; `None` when there is none that shows the tile's colours.
pub(super) fn jpeg_stream<'a>(tiff: &'a Tiff, page: &Page, col: u64, row: u64) -> Option<Stored<'a>> {
    let plain = page.tiled && page.compression == compression::JPEG && page.decodes_here();
    if !plain || page.photometric == photometric::MIN_IS_WHITE || col >= page.cols() || row >= page.rows() {
        return None;
    }
    let data = stored(tiff, page, row * page.cols() + col, row).ok()??;
    tiff.bytes().done_with(data.len() as u64);
    let tables = tiff.raw(&page.directory, Tag::JPEG_TABLES);
    Some(Stored { tables, data, colour: jpeg_colour(tiff, page) })
}

fn jpeg_colour(tiff: &Tiff, page: &Page) -> Colour {
    match page.photometric {
        photometric::RGB if page.samples == 4 => Colour::Rgba(extra(tiff, page)),
        photometric::RGB => Colour::Rgb,
        photometric::YCBCR => Colour::YCbCr,
        _ => Colour::Own,
    }
}

/// Returns what the sample behind the colours of a page's pixels is.
pub(super) fn extra(tiff: &Tiff, page: &Page) -> Extra {
    Extra::of(tiff.uint(&page.directory, Tag::EXTRA_SAMPLES))
}

fn jpeg_tile(
    tiff: &Tiff,
    page: &Page,
    data: &[u8],
    row: u64,
    [width, height]: [usize; 2],
) -> Result<Rgb, Fault> {
    let tables = tiff.raw(&page.directory, Tag::JPEG_TABLES);
    let colour = jpeg_colour(tiff, page);
    let filled = filled_height(tiff, page, row).unwrap_or(height);
    let mut rgb = jpeg::decode_filled(tables, data, colour, [width, height], filled)?;
    if page.photometric == photometric::MIN_IS_WHITE {
        rgb.data_mut().iter_mut().for_each(|v| *v = 255 - *v);
    }
    Ok(rgb)
}

/// Returns how many rows the stream of a strip may have where it is the last one, which writers fill; `None` for others and
/// for tiles, which are as high as the tag says.
fn filled_height(tiff: &Tiff, page: &Page, row: u64) -> Option<usize> {
    let last = !page.tiled && row + 1 == page.rows();
    let rows = tiff.uint(&page.directory, Tag::ROWS_PER_STRIP).filter(|_| last)?;
    // A larger number stands for all rows of the image.
    u16::try_from(rows).ok().map(usize::from)
}

/// Returns whether the planes of a tile are stored; false where none is, which reads as glass.
///
/// # Errors
///
/// [`Fault`] where only some of them are: what is left shows wrong colours.
pub(super) fn has_planes(tiff: &Tiff, page: &Page, index: u64, row: u64, planes: u64) -> Result<bool, Fault> {
    let of_plane = page.cols() * page.rows();
    let mut missing = 0;
    for plane in 0..planes {
        missing += u64::from(stored(tiff, page, index + plane * of_plane, row)?.is_none());
    }
    if missing == 0 || missing == planes {
        return Ok(missing == 0);
    }
    Err(Fault::damaged(format!("{planes} planes"), format!("{}", planes - missing)))
}

/// Checks that a stored JPEG stream states no larger frame than its tile, for a decoder that takes any.
pub(super) fn check_jpeg(tiff: &Tiff, page: &Page, index: u64, row: u64) -> Result<(), Fault> {
    let Some(data) = stored(tiff, page, index, row)? else { return Ok(()) };
    let (width, height) = jpeg::size(data)?;
    let (most_wide, most_high) = (page.tile_width as usize, page.tile_height as usize);
    if width > most_wide || height > most_high {
        return Err(Fault::damaged(
            format!("at most {most_wide}x{most_high} px"),
            format!("{width}x{height}"),
        ));
    }
    Ok(())
}

/// Decompresses the samples of one tile, and brings them to 8 bits.
fn samples(
    tiff: &Tiff,
    page: &Page,
    data: &[u8],
    [width, height]: [usize; 2],
    per_pixel: usize,
) -> Result<Vec<u8>, Fault> {
    let (row, bits) = (width * per_pixel, page.bits as usize);
    let len = (row * bits).div_ceil(8) * height;
    let turned: Vec<u8>;
    let data = if page.fill_order == 2 {
        turned = data.iter().map(|byte| byte.reverse_bits()).collect();
        &turned
    } else {
        data
    };
    let mut samples = match page.compression {
        compression::NONE => bytes::raw(data, len),
        compression::LZW => bytes::lzw(data, len),
        compression::DEFLATE | compression::OLD_DEFLATE => bytes::deflate(data, len),
        compression::ZSTD => bytes::zstd(data, len),
        compression::PACK_BITS => bytes::pack_bits(data, len),
        other => Err(Fault::Unsupported(compression::name(other))),
    }?;
    let differenced = page.is_differenced().then_some(per_pixel);
    match (bits, differenced) {
        (16, _) => samples = bytes::from_16_bits(&samples, tiff.big_endian, row, differenced),
        (1 | 2 | 4, _) => samples = bytes::unpack(&samples, bits, row),
        (_, Some(_)) => bytes::undo_differencing(&mut samples, width, per_pixel),
        _ => {}
    }
    Ok(samples)
}

/// Reads samples from separate tiles (`PlanarConfiguration` 2), and puts them side by side; `None` when none is stored.
fn planes(
    tiff: &Tiff,
    page: &Page,
    index: u64,
    row: u64,
    [width, height]: [usize; 2],
) -> Result<Option<Rgb>, Fault> {
    let of_plane = page.cols() * page.rows();
    let colours = page.colours();
    let opacity = extra(tiff, page).is_seen() && page.samples as usize > colours;
    let per_pixel = if opacity { colours + 1 } else { colours };
    if !has_planes(tiff, page, index, row, per_pixel as u64)? {
        return Ok(None);
    }
    let bytes = width * height * per_pixel;
    if page.photometric == photometric::CMYK && bytes as u64 > limits::MAX_INK_BYTES {
        let expected = format!("planes of at most {} bytes together", limits::MAX_INK_BYTES);
        return Err(Fault::damaged(expected, bytes));
    }
    let mut pixels = vec![0; bytes];
    for channel in 0..per_pixel {
        let data = stored(tiff, page, index + channel as u64 * of_plane, row)?.unwrap_or_default();
        tiff.bytes().done_with(data.len() as u64);
        let plane = samples(tiff, page, data, [width, height], 1)?;
        for (px, value) in pixels.chunks_exact_mut(per_pixel).zip(plane) {
            px[channel] = value;
        }
    }
    to_rgb(tiff, page, pixels, per_pixel, [width, height]).map(Some)
}

/// Turns pixels of `per_pixel` samples to red, green and blue.
fn to_rgb(
    tiff: &Tiff,
    page: &Page,
    mut samples: Vec<u8>,
    per_pixel: usize,
    [width, height]: [usize; 2],
) -> Result<Rgb, Fault> {
    let invert = page.photometric == photometric::MIN_IS_WHITE;
    let rgb = match (page.photometric, per_pixel) {
        (photometric::RGB, 3) => samples,
        (photometric::RGB, 4) => extra(tiff, page).taken_off(&samples),
        (photometric::RGB, _) => {
            let four: Vec<u8> = samples.chunks_exact(per_pixel).flat_map(|px| &px[..4]).copied().collect();
            extra(tiff, page).taken_off(&four)
        }
        (photometric::PALETTE, _) => {
            let palette = palette(tiff, page)?;
            samples.iter().flat_map(|&i| palette[usize::from(i)]).collect()
        }
        (photometric::CMYK, _) => {
            let inks = samples.chunks_exact(per_pixel);
            inks.flat_map(|px| colour::cmyk_to_rgb([px[0], px[1], px[2], px[3]])).collect()
        }
        (photometric::YCBCR, _) => {
            colour::ycbcr_to_rgb(samples.as_chunks_mut::<3>().0);
            samples
        }
        (_, 2) => extra(tiff, page).taken_off_gray(&samples, invert),
        _ => colour::gray_to_rgb(&samples, invert),
    };
    Rgb::from_vec(width, height, rgb)
        .ok_or_else(|| Fault::damaged(format!("{width}x{height} px"), "another number of samples"))
}

/// Reads the colour map: 256 reds, then greens, then blues, 16 bits each. Some writers put 8 bits in, which is told as
/// libtiff tells it: no value is larger.
fn palette(tiff: &Tiff, page: &Page) -> Result<Vec<[u8; 3]>, Fault> {
    let map = tiff.uints(&page.directory, Tag::COLOR_MAP).ok().flatten().unwrap_or_default();
    if map.len() != 3 * 256 {
        return Err(Fault::damaged("a ColorMap of 768 values", map.len()));
    }
    let shift = if map.iter().all(|&v| v < 256) { 0 } else { 8 };
    Ok((0..256).map(|i| [map[i], map[256 + i], map[512 + i]].map(|v| (v >> shift) as u8)).collect())
}
