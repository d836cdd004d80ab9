//! PNG files that appear only when they are whole.

use std::{io, path::Path};

use image::{
    ColorType, ImageEncoder as _,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::partial::write_whole;
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

/// Writes an image as 8-bit RGB PNG.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written.
pub fn write_png(path: &Path, image: &Rgb) -> Result<()> {
    write_whole(path, &encode(image).map_err(Error::io("write", path))?)
}

/// Returns an image as 8-bit RGB PNG.
///
/// # Errors
///
/// What the encoder says of an image without pixels.
pub fn encode(image: &Rgb) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let side = |v: usize| u32::try_from(v).unwrap_or(u32::MAX);
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(image.data(), side(image.width()), side(image.height()), ColorType::Rgb8.into())
        .map_err(io::Error::other)?;
    Ok(bytes)
}
