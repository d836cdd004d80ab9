//! Colours by the slide's ICC profile, applied on request only.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformExecutor, TransformOptions};

use super::Slide;
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

/// Turns a slide's colours into sRGB.
#[derive(Clone)]
pub struct ToSrgb {
    transform: Arc<dyn TransformExecutor<u8> + Send + Sync>,
}

impl Slide {
    /// Returns the embedded ICC profile of level 0, if there is one.
    #[must_use]
    pub fn icc_profile(&self) -> Option<Vec<u8>> {
        self.reader.icc_profile()
    }

    /// Prepares the conversion of the slide's colours to sRGB; `None` when the slide has no ICC profile.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the profile cannot be used for red, green and blue.
    pub fn to_srgb(&self) -> Result<Option<ToSrgb>> {
        let Some(bytes) = self.icc_profile() else { return Ok(None) };
        let wrong = |got: String| Error::malformed(self.format(), "ICC profile", "one of an RGB device", got);
        let profile = ColorProfile::new_from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        if profile.color_space != DataColorSpace::Rgb {
            return Err(wrong(format!("{:?}", profile.color_space)));
        }
        let srgb = ColorProfile::new_srgb();
        let transform =
            profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, TransformOptions::default());
        Ok(Some(ToSrgb { transform: transform.map_err(|e| wrong(e.to_string()))? }))
    }
}

impl ToSrgb {
    /// Converts pixels in place.
    pub fn apply(&self, rgb: &mut Rgb) {
        let source = rgb.data().to_vec();
        // Both sides have the same number of whole pixels, which is all that can fail.
        let converted = self.transform.transform(&source, rgb.data_mut());
        debug_assert!(converted.is_ok());
    }
}
