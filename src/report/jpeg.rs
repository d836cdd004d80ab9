//! JPEG files that appear only when they are whole: small pictures for pages.

use std::path::Path;

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder};

use super::partial::write_whole;
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

/// Quality of 1 to 100.
const QUALITY: u8 = 82;

/// Writes an image as JPEG.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written, or if a side is longer than JPEG allows.
pub(super) fn write(path: &Path, image: &Rgb) -> Result<()> {
    let failed = |why: String| Error::Io {
        action: "write",
        path: path.to_owned(),
        source: std::io::Error::other(why),
    };
    let side = |v: usize| u16::try_from(v).map_err(|e| failed(e.to_string()));
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder
        .encode(image.data(), side(image.width())?, side(image.height())?, ColorType::Rgb)
        .map_err(|e| failed(e.to_string()))?;
    write_whole(path, &bytes)
}
