//! Writes a picture as a pyramidal slide in Aperio's layout.
//!
//! Page order and tags follow what scanners write: full resolution, thumbnail, then the levels /4 and
//! /16; tiles are abbreviated JPEG streams whose tables are stored once per page.

use std::path::Path;

use rayon::prelude::*;
use tiff::{
    Directory, TiffResult,
    encoder::{DirectoryEncoder, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard},
    tags::{Tag, Type},
};

use super::jpeg::{Colour, encode};
use crate::{
    error::{Error, Result},
    raster::Rgb,
    report::{label_tiff::tiff_error, partial::Partial},
    units::Mpp,
};

/// Side of a tile, in pixels.
pub const TILE: usize = 256;

/// Smallest side of a slide, in pixels.
const SMALLEST: usize = 16;

/// How a slide is stored.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Width and height of level 0, in pixels.
    pub size: (usize, usize),
    /// Size of a pixel.
    pub mpp: Mpp,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    /// Colour storage.
    pub colour: Colour,
    /// File name without extension, put into the description.
    pub stem: String,
}

/// Writes a slide. `band(y0, rows)` is asked for level 0 from top to bottom, [`TILE`] rows at a time
/// (fewer at the end).
///
/// # Errors
/// [`Error::Io`] if the file cannot be written, [`Error::Config`] for one smaller than 16 px.
pub fn write(path: &Path, layout: &Layout, band: impl FnMut(usize, usize) -> Rgb) -> Result<()> {
    let (width, height) = layout.size;
    if width.min(height) < SMALLEST || u32::try_from(width.max(height)).is_err() {
        let sides = format!("{SMALLEST} to {} px a side", u32::MAX);
        return Err(Error::config("slide size", sides, format!("{width}x{height}")));
    }
    let mut file = Partial::create(path)?;
    // JPEG at any quality stays below two bytes a pixel on stained tissue with noise.
    let result = if width as u64 * height as u64 > 2_000_000_000 {
        pages::<TiffKindBig>(&mut file, layout, band)
    } else {
        pages::<TiffKindStandard>(&mut file, layout, band)
    };
    result.map_err(|e| tiff_error(path, e))?;
    file.commit()
}

fn pages<K: TiffKind>(
    file: &mut Partial,
    layout: &Layout,
    band: impl FnMut(usize, usize) -> Rgb,
) -> TiffResult<()> {
    let (width, height) = layout.size;
    let mut encoder = TiffEncoder::<_, K>::new_generic(file)?;
    let quarter = level_zero(encoder.image_directory()?, layout, band)?;
    let sixteenth = shrink(&quarter, (width / 16, height / 16));
    let long = width.max(height).max(1);
    let side = |v: usize| (v * 1024 / long.max(1024)).max(1);
    let thumbnail = shrink(&quarter, (side(width), side(height)));
    thumbnail_page(encoder.image_directory()?, layout, &thumbnail)?;
    for level in [quarter, sixteenth] {
        if level.width().min(level.height()) >= 16 {
            tiled_page(encoder.image_directory()?, layout, (level.width(), level.height()), |y0, rows| {
                crop(&level, y0, rows)
            })?;
        }
    }
    Ok(())
}

/// Writes the full-resolution page and returns it at a quarter of its size.
fn level_zero<K: TiffKind>(
    page: DirectoryEncoder<'_, &mut Partial, K>,
    layout: &Layout,
    mut band: impl FnMut(usize, usize) -> Rgb,
) -> TiffResult<Rgb> {
    let (width, height) = layout.size;
    let small = (width / 4, height / 4);
    let mut quarter = Vec::with_capacity(small.0 * small.1 * 3);
    tiled_page(page, layout, layout.size, |y0, rows| {
        let rgb = band(y0, rows);
        quarter.extend_from_slice(shrink(&rgb, (small.0, rgb.height() / 4)).data());
        rgb
    })?;
    Ok(Rgb::from_vec(small.0, small.1, quarter).unwrap_or_default())
}

fn tiled_page<K: TiffKind>(
    mut page: DirectoryEncoder<'_, &mut Partial, K>,
    layout: &Layout,
    (width, height): (usize, usize),
    mut band: impl FnMut(usize, usize) -> Rgb,
) -> TiffResult<()> {
    let (mut offsets, mut counts, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    for y0 in (0..height).step_by(TILE) {
        let rows = band(y0, TILE.min(height - y0));
        let starts: Vec<usize> = (0..width).step_by(TILE).collect();
        let tiles: Vec<_> = starts
            .into_par_iter()
            .map(|x0| encode(&rows, (x0, 0), (TILE, TILE), layout.quality, layout.colour))
            .collect();
        for tile in tiles {
            offsets.push(K::convert_offset(page.write_data(&tile.stream[..])?)?);
            counts.push(K::convert_offset(tile.stream.len() as u64)?);
            tables = tile.tables;
        }
    }
    common_tags(&mut page, layout, (width, height), &tables)?;
    page.write_tag(Tag::TileWidth, TILE as u32)?;
    page.write_tag(Tag::TileLength, TILE as u32)?;
    page.write_tag(Tag::TileOffsets, K::convert_slice(&offsets))?;
    page.write_tag(Tag::TileByteCounts, K::convert_slice(&counts))?;
    page.finish()
}

fn thumbnail_page<K: TiffKind>(
    mut page: DirectoryEncoder<'_, &mut Partial, K>,
    layout: &Layout,
    picture: &Rgb,
) -> TiffResult<()> {
    const STRIP: usize = 16;
    let (width, height) = (picture.width(), picture.height());
    let (mut offsets, mut counts, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    for y0 in (0..height).step_by(STRIP) {
        let size = (width, STRIP.min(height - y0));
        let strip = encode(picture, (0, y0), size, layout.quality, layout.colour);
        offsets.push(K::convert_offset(page.write_data(&strip.stream[..])?)?);
        counts.push(K::convert_offset(strip.stream.len() as u64)?);
        tables = strip.tables;
    }
    common_tags(&mut page, layout, (width, height), &tables)?;
    page.write_tag(Tag::RowsPerStrip, STRIP as u32)?;
    page.write_tag(Tag::StripOffsets, K::convert_slice(&offsets))?;
    page.write_tag(Tag::StripByteCounts, K::convert_slice(&counts))?;
    page.finish()
}

fn common_tags<K: TiffKind>(
    page: &mut DirectoryEncoder<'_, &mut Partial, K>,
    layout: &Layout,
    (width, height): (usize, usize),
    tables: &[u8],
) -> TiffResult<()> {
    const JPEG: u16 = 7;
    let (photometric, sampling) = match layout.colour {
        Colour::YCbCr420 => (6_u16, 2_u16),
        Colour::Rgb444 => (2, 1),
    };
    page.write_tag(Tag::NewSubfileType, 0_u32)?;
    page.write_tag(Tag::ImageWidth, width as u32)?;
    page.write_tag(Tag::ImageLength, height as u32)?;
    page.write_tag(Tag::BitsPerSample, &[8_u16; 3][..])?;
    page.write_tag(Tag::Compression, JPEG)?;
    page.write_tag(Tag::PhotometricInterpretation, photometric)?;
    page.write_tag(Tag::ImageDescription, description(layout, width, height).as_str())?;
    page.write_tag(Tag::SamplesPerPixel, 3_u16)?;
    page.write_tag(Tag::PlanarConfiguration, 1_u16)?;
    if layout.colour == Colour::YCbCr420 {
        page.write_tag(Tag::ChromaSubsampling, &[sampling; 2][..])?;
    }
    let mut extra = Directory::empty();
    extra.extend([(Tag::JPEGTables, page.write_entry_bytes(Type::UNDEFINED, tables)?)]);
    page.extend_from(&extra);
    Ok(())
}

/// Returns the description of a page in Aperio's grammar, in ASCII.
fn description(layout: &Layout, width: usize, height: usize) -> String {
    let (w0, h0) = layout.size;
    let space = match layout.colour {
        Colour::YCbCr420 => "YCC",
        Colour::Rgb444 => "RGB",
    };
    let mpp = layout.mpp.mean();
    let stem: String = layout
        .stem
        .chars()
        .map(|c| if c.is_ascii_graphic() && c != '|' || c == ' ' { c } else { '_' })
        .collect();
    format!(
        "Aperio Image Library layout by histograde {}\r\n{w0}x{h0} [0,0 {width}x{height}] ({TILE}x{TILE}) \
         JPEG/{space} Q={}|AppMag = {}|Filename = {stem}|Title = histograde phantom|MPP = {mpp:.4}\
         |Left = 0.0|Top = 0.0",
        env!("CARGO_PKG_VERSION"),
        layout.quality,
        (10.0 / mpp).round().max(1.0),
    )
}

fn crop(picture: &Rgb, y0: usize, rows: usize) -> Rgb {
    let stride = picture.width() * 3;
    let bytes = picture.data()[y0 * stride..(y0 + rows) * stride].to_vec();
    Rgb::from_vec(picture.width(), rows, bytes).unwrap_or_default()
}

/// Returns the picture at a smaller size; every pixel is the mean of those it covers.
fn shrink(picture: &Rgb, (width, height): (usize, usize)) -> Rgb {
    let mut out = Rgb::filled(width, height, [0; 3]);
    if width == 0 || height == 0 {
        return out;
    }
    let (full_w, full_h) = (picture.width(), picture.height());
    // A whole factor keeps level pixels exactly under level-0 pixels, even if a rest is cut off.
    let span = |i: usize, full: usize, n: usize| match full / n {
        f if full - f * n < f => (i * f, (i + 1) * f),
        _ => (i * full / n, ((i + 1) * full / n).max(i * full / n + 1)),
    };
    out.data_mut().par_chunks_mut(width * 3).enumerate().for_each(|(y, row)| {
        let (y0, y1) = span(y, full_h, height);
        for (x, px) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x0, x1) = span(x, full_w, width);
            let mut sums = [0_u32; 3];
            for line in (y0..y1).map(|y| &picture.row(y)[x0..x1]) {
                for p in line {
                    for k in 0..3 {
                        sums[k] += u32::from(p[k]);
                    }
                }
            }
            let n = ((x1 - x0) * (y1 - y0)) as u32;
            *px = sums.map(|s| ((s + n / 2) / n) as u8);
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize) -> Rgb {
        let mut rgb = Rgb::filled(width, height, [240; 3]);
        for y in 0..height {
            for (x, px) in rgb.row_mut(y).iter_mut().enumerate() {
                *px = [200 - (x % 256 / 4) as u8, 120 + (y % 256 / 4) as u8, 180];
            }
        }
        rgb
    }

    #[test]
    fn writes_any_size_in_both_colour_spaces() {
        fn t(width: usize, height: usize, colour: Colour, pages: usize) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.svs");
            let rgb = picture(width, height);
            let layout = Layout {
                size: (width, height),
                mpp: Mpp::square(0.5).unwrap(),
                quality: 80,
                colour,
                stem: "a|ü".into(),
            };
            write(&path, &layout, |y0, rows| crop(&rgb, y0, rows)).unwrap();
            let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(&path).unwrap()).unwrap();
            let (w, h) = decoder.dimensions().unwrap();
            assert_eq!((w as usize, h as usize), (width, height));
            let text = decoder.get_tag_ascii_string(Tag::ImageDescription).unwrap();
            assert!(text.starts_with("Aperio") && text.contains("|MPP = 0.5000|"), "{text}");
            assert!(text.contains("|AppMag = 20|Filename = a__|"), "{text}");
            let mut found = 1;
            while decoder.more_images() {
                decoder.next_image().unwrap();
                found += 1;
            }
            assert_eq!(found, pages);
        }
        t(700, 300, Colour::YCbCr420, 4);
        t(256, 256, Colour::Rgb444, 4);
        t(65, 70, Colour::Rgb444, 3);
        t(16, 19, Colour::YCbCr420, 2);
    }

    #[test]
    fn shrinking_takes_means() {
        let rgb = picture(64, 64);
        let small = shrink(&rgb, (16, 16));
        assert_eq!(small.row(1)[2], [198, 121, 180]);
        assert_eq!((shrink(&rgb, (5, 3)).width(), shrink(&rgb, (5, 3)).height()), (5, 3));
    }
}
