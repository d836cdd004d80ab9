//! PNG and JPEG images as slides of one level and one tile.
//!
//! Their resolution fields describe screens and printers, so they never give a pixel size.

use std::{
    collections::BTreeMap,
    io::Cursor,
    sync::{Arc, Mutex},
};

use super::{
    Format, Level, Probe, SlideInfo, SlideReader, TileAt,
    bytes::FileBytes,
    codec::{
        Fault, colour,
        jpeg::{self, Colour},
    },
    limits,
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

const NAME: &str = "plain_image";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
}

struct PlainImage {
    bytes: Arc<FileBytes>,
    kind: Kind,
    info: SlideInfo,
    /// Held while decoding: whole images are large, and one at a time is enough.
    decoding: Mutex<()>,
}

fn kind(head: &[u8]) -> Option<Kind> {
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Kind::Png);
    }
    head.starts_with(&[0xFF, 0xD8, 0xFF]).then_some(Kind::Jpeg)
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    // The file of a MIRAX slide is a valid JPEG, but only a preview; scoring it would be a silent mistake.
    if probe.path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("mrxs")) {
        return Err("only the preview of a MIRAX slide, which lies in a folder beside it".into());
    }
    kind(probe.head()).map(drop).ok_or_else(|| "neither PNG nor JPEG".into())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let kind = kind(probe.head()).ok_or_else(|| Error::unsupported(NAME, "this kind of image"))?;
    let bytes = probe.bytes().clone();
    let (width, height) = match kind {
        Kind::Png => png_size(bytes.all()),
        Kind::Jpeg => jpeg::size(bytes.all()),
    }
    .map_err(|fault| fault.at(NAME, "header"))?;
    check_size(kind, bytes.all(), width as u64 * height as u64)?;
    let side = |v: usize| u32::try_from(v).unwrap_or(u32::MAX);
    let level = Level {
        width: width as u64,
        height: height as u64,
        downsample: 1.0,
        tile_width: side(width),
        tile_height: side(height),
    };
    let encoding = if kind == Kind::Png { "png" } else { "jpeg" };
    let mut info = SlideInfo::of_levels(vec![level]);
    info.properties = BTreeMap::from([("image.encoding".into(), encoding.into())]);
    Ok(Box::new(PlainImage { bytes, kind, info, decoding: Mutex::new(()) }))
}

impl SlideReader for PlainImage {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, _at: TileAt) -> Result<Option<Rgb>> {
        let _one = self.decoding.lock().unwrap_or_else(|e| e.into_inner());
        let level = &self.info.levels[0];
        let (width, height) = (level.width as usize, level.height as usize);
        let rgb = match self.kind {
            Kind::Png => png(self.bytes.all(), width, height),
            Kind::Jpeg => jpeg::decode(None, self.bytes.all(), Colour::Own, width, height),
        }
        .map_err(|fault| fault.at(NAME, "image"))?;
        self.bytes.done_with(self.bytes.len());
        Ok(Some(rgb))
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        Err(self.info.no_such_image(name))
    }
}

fn png_size(data: &[u8]) -> std::result::Result<(usize, usize), Fault> {
    let side = |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?) as usize);
    match (side(16), side(20)) {
        (Some(width), Some(height)) if width > 0 && height > 0 => Ok((width, height)),
        _ => Err(Fault::damaged("a PNG header with a size", "none")),
    }
}

/// Refuses images that would take more memory than a slide may: they are decoded as a whole.
fn check_size(kind: Kind, data: &[u8], pixels: u64) -> Result<()> {
    const WAY_OUT: &str = "decoded as a whole (a larger image must be a tiled TIFF)";
    limits::check(&format!("number of pixels of a PNG or JPEG, {WAY_OUT},"), pixels, limits::MAX_PLAIN_PX)?;
    let in_scans =
        kind == Kind::Jpeg && !jpeg::is_one_scan(data).map_err(|fault| fault.at(NAME, "header"))?;
    if in_scans {
        limits::check(
            &format!("number of pixels of a JPEG in several scans, {WAY_OUT},"),
            pixels,
            limits::MAX_SCANS_PX,
        )?;
    }
    Ok(())
}

/// Decodes a PNG row by row; transparent pixels become white, as glass is.
fn png(data: &[u8], width: usize, height: usize) -> std::result::Result<Rgb, Fault> {
    let bad = |error: png::DecodingError| Fault::damaged("a complete PNG", error);
    let mut decoder = png::Decoder::new(Cursor::new(data));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(bad)?;
    let (colours, depth) = reader.output_color_type();
    let mut rgb = Rgb::from_vec(width, height, vec![0; 3 * width * height]).unwrap_or_default();
    let mut row_of_rgb = Vec::with_capacity(3 * width);
    let mut y = 0;
    while let Some(row) = reader.next_interlaced_row().map_err(bad)? {
        row_of_rgb.clear();
        to_rgb(row.data(), colours, depth, &mut row_of_rgb);
        match row.interlace() {
            png::InterlaceInfo::Adam7(place) => {
                png::expand_interlaced_row(rgb.data_mut(), 3 * width, &row_of_rgb, place, 24);
            }
            png::InterlaceInfo::Null(_) => rgb.row_mut(y).as_flattened_mut().copy_from_slice(&row_of_rgb),
        }
        y += 1;
    }
    Ok(rgb)
}

/// Appends a row of a PNG as red, green and blue of 8 bits.
fn to_rgb(row: &[u8], colours: png::ColorType, depth: png::BitDepth, out: &mut Vec<u8>) {
    let narrow = |pair: &[u8; 2]| ((u32::from(u16::from_be_bytes(*pair)) + 128) / 257) as u8;
    let narrowed: Vec<u8>;
    let samples = match depth {
        png::BitDepth::Sixteen => {
            narrowed = row.as_chunks().0.iter().map(narrow).collect();
            &narrowed
        }
        _ => row,
    };
    match colours {
        png::ColorType::Grayscale => out.extend(colour::gray_to_rgb(samples, false)),
        png::ColorType::GrayscaleAlpha => {
            let spread: Vec<u8> = samples.as_chunks().0.iter().flat_map(|&[v, a]| [v, v, v, a]).collect();
            out.extend(colour::over_white(&spread, false));
        }
        png::ColorType::Rgba => out.extend(colour::over_white(samples, false)),
        // A palette was expanded.
        png::ColorType::Rgb | png::ColorType::Indexed => out.extend_from_slice(samples),
    }
}
