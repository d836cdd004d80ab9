//! JPEG XR, as Zeiss writes it.

use openreadout_jpegxr::{Error, SampleType};

use super::Fault;
use crate::raster::Rgb;

/// Memory one tile may take while it is decoded.
const MAX_BYTES: usize = 384 << 20;

/// Decodes one JPEG XR tile of a known size to red, green, blue.
pub(in crate::slide) fn decode(data: &[u8], width: usize, height: usize) -> Result<Rgb, Fault> {
    let fault = |error: Error| match error {
        Error::Unsupported(what) => Fault::Unsupported(format!("JPEG XR with {what}")),
        other => Fault::damaged("a JPEG XR stream", other),
    };
    let info = openreadout_jpegxr::probe(data).map_err(fault)?;
    if (info.width as usize, info.height as usize) != (width, height) {
        return Err(Fault::damaged(
            format!("{width}x{height} px"),
            format!("{}x{}", info.width, info.height),
        ));
    }
    let image = openreadout_jpegxr::decode(data, MAX_BYTES).map_err(fault)?;
    if image.sample != SampleType::U8 || image.channels != 3 {
        let feature = format!("JPEG XR with {} samples of type {:?}", image.channels, image.sample);
        return Err(Fault::Unsupported(feature));
    }
    let got = image.data.len();
    Rgb::from_vec(width, height, image.data)
        .ok_or_else(|| Fault::damaged(format!("{} bytes", 3 * width * height), got))
}
