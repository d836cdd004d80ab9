//! PNG and JPEG images as slides of one level and one tile.
//!
//! Their resolution fields describe screens and printers, so they never give a pixel size.

use std::{
    collections::BTreeMap,
    io::Cursor,
    sync::{Arc, Mutex},
};

use image::{ImageFormat, ImageReader};

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
    limits::check("pixels of a PNG or JPEG", width as u64 * height as u64, limits::MAX_IMAGE_PX)?;
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

/// Decodes a PNG; transparent pixels become white, as glass is.
fn png(data: &[u8], width: usize, height: usize) -> std::result::Result<Rgb, Fault> {
    let bad = |error: image::ImageError| Fault::damaged("a complete PNG", error);
    let mut reader = ImageReader::with_format(Cursor::new(data), ImageFormat::Png);
    reader.no_limits();
    let image = reader.decode().map_err(bad)?;
    let samples = if image.color().has_alpha() {
        colour::over_white(image.into_rgba8().as_raw(), false)
    } else {
        image.into_rgb8().into_raw()
    };
    Rgb::from_vec(width, height, samples)
        .ok_or_else(|| Fault::damaged(format!("{width}x{height} px"), "another size"))
}
