//! JPEG 2000 tiles (Aperio's compressions 33003 and 33005).

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::{Fault, colour};
use crate::raster::Rgb;

/// Decodes one JPEG 2000 tile of a known size. `ycbcr` says that the components are luma and chroma,
/// which a bare codestream cannot say itself.
pub(in crate::slide) fn decode(data: &[u8], ycbcr: bool, width: usize, height: usize) -> Result<Rgb, Fault> {
    let bad = |error: &dyn std::fmt::Display| Fault::damaged("a JPEG 2000 codestream", error);
    if !data.ends_with(&[0xFF, 0xD9]) && data.starts_with(&[0xFF, 0x4F]) {
        return Err(Fault::damaged("a JPEG 2000 codestream with an end marker (ff d9)", "a truncated one"));
    }
    let settings = DecodeSettings { strict: true, ..DecodeSettings::default() };
    let image = Image::new(data, &settings).map_err(|e| bad(&e))?;
    let (got_width, got_height) = (image.width() as usize, image.height() as usize);
    if (got_width, got_height) != (width, height) {
        return Err(Fault::damaged(format!("{width}x{height} px"), format!("{got_width}x{got_height}")));
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|e| bad(&e))?;
    let components = decoded.components().len();
    if decoded.components().iter().any(|c| c.samples().len() != width * height) {
        return Err(Fault::Unsupported("JPEG 2000 with components of unequal size".into()));
    }
    let samples = decoded.data_u8();
    let rgb = match components {
        1 => colour::gray_to_rgb(&samples, false),
        3 => samples,
        4 => colour::drop_fourth(&samples),
        n => return Err(Fault::Unsupported(format!("JPEG 2000 with {n} components"))),
    };
    let mut rgb = Rgb::from_vec(width, height, rgb)
        .ok_or_else(|| Fault::damaged(format!("{width}x{height} px"), "another number of samples"))?;
    // The decoder has already converted streams with smaller chroma planes.
    if ycbcr && components == 3 && !subsampled_chroma(data) {
        colour::ycbcr_to_rgb(rgb.pixels_mut());
    }
    Ok(rgb)
}

/// Returns whether a bare codestream stores chroma at a lower resolution than luma (its SIZ segment).
fn subsampled_chroma(data: &[u8]) -> bool {
    const SAMPLING: usize = 43;
    let step = |component: usize| data.get(SAMPLING + 3 * component..SAMPLING + 3 * component + 2);
    data.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) && (step(1) != step(0) || step(2) != step(0))
}
