//! Pixels of a tile to the bytes of a file.

use image::{ColorType, ImageEncoder as _, codecs};
use jpeg_encoder::{ColorType as JpegColour, Encoder, SamplingFactor};

use super::{
    Output, Settings,
    choose::{Chosen, Spot, rounded},
    stain,
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
    slide::{Slide, ToSrgb},
    stain::normalise::Normaliser,
    tile::Detail,
};

/// How tiles are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG, chroma at half resolution.
    Jpeg {
        /// 1 to 100.
        quality: u8,
    },
    /// PNG, lossless.
    Png,
    /// WebP, lossless.
    WebP,
}

impl Format {
    /// Returns the ending of its files.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// Encodes pixels.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a size that the format cannot hold.
    pub fn encode(self, rgb: &Rgb) -> Result<Vec<u8>> {
        let (width, height) = (rgb.width() as u32, rgb.height() as u32);
        let mut bytes = Vec::with_capacity(rgb.data().len() / 8);
        let fault = |e: &dyn std::fmt::Display| {
            Error::config("size of a tile", "one that the format can hold", format!("{width}x{height} ({e})"))
        };
        match self {
            Self::Jpeg { quality } => {
                let mut encoder = Encoder::new(&mut bytes, quality);
                encoder.set_sampling_factor(SamplingFactor::F_2_2);
                let side = |v: u32| u16::try_from(v).map_err(|e| fault(&e));
                encoder
                    .encode(rgb.data(), side(width)?, side(height)?, JpegColour::Rgb)
                    .map_err(|e| fault(&e))?;
            }
            Self::Png => {
                let (level, filter) = (codecs::png::CompressionType::Fast, codecs::png::FilterType::Adaptive);
                codecs::png::PngEncoder::new_with_quality(&mut bytes, level, filter)
                    .write_image(rgb.data(), width, height, ColorType::Rgb8.into())
                    .map_err(|e| fault(&e))?;
            }
            Self::WebP => codecs::webp::WebPEncoder::new_lossless(&mut bytes)
                .write_image(rgb.data(), width, height, ColorType::Rgb8.into())
                .map_err(|e| fault(&e))?,
        }
        Ok(bytes)
    }
}

/// A tile as it is to be stored.
pub(super) struct Made {
    /// The file; empty when only coordinates are wanted.
    pub(super) bytes: Vec<u8>,
    pub(super) blur: Option<f64>,
    /// Whether the stored bytes were passed on.
    pub(super) copied: bool,
}

/// Makes the tiles of one slide.
pub(super) struct Maker<'a> {
    slide: &'a Slide,
    settings: &'a Settings,
    to_srgb: Option<ToSrgb>,
    normaliser: Option<Normaliser>,
}

impl<'a> Maker<'a> {
    /// Prepares colours.
    ///
    /// # Errors
    ///
    /// As [`Slide::to_srgb`]; [`Error::Config`] when the slide's stain cannot be measured.
    pub(super) fn new(slide: &'a Slide, chosen: &Chosen, settings: &'a Settings) -> Result<Self> {
        let to_srgb = if settings.icc { slide.to_srgb()? } else { None };
        let normaliser = match &settings.target {
            Some(target) if !chosen.spots.is_empty() => {
                Some(stain::normaliser(slide, chosen, target, to_srgb.as_ref())?)
            }
            _ => None,
        };
        Ok(Self { slide, settings, to_srgb, normaliser })
    }

    /// Makes one tile; `None` when it is too blurred.
    ///
    /// # Errors
    ///
    /// As [`Slide::read_place`].
    pub(super) fn make(&self, spot: &Spot) -> Result<Option<Made>> {
        let settings = self.settings;
        let stored = settings.output != Output::Coordinates;
        if !stored && settings.limits.blur.is_none() {
            return Ok(Some(Made { bytes: Vec::new(), blur: None, copied: false }));
        }
        let plain = self.to_srgb.is_none() && self.normaliser.is_none();
        let copies = plain && settings.lossless_copy && matches!(settings.format, Format::Jpeg { .. });
        if copies
            && stored
            && let Some(copy) = self.slide.copy_jpeg(&spot.place)
        {
            let blur = copy.detail.blur().map(rounded);
            return Ok(self.is_sharp(blur).then_some(Made { bytes: copy.bytes, blur, copied: true }));
        }
        let mut pixels = self.slide.read_place(&spot.place)?;
        let blur = Detail::of(&pixels).blur().map(rounded);
        if !self.is_sharp(blur) {
            return Ok(None);
        }
        if let Some(to_srgb) = &self.to_srgb {
            to_srgb.apply(&mut pixels);
        }
        if let Some(normaliser) = &self.normaliser {
            normaliser.apply(&mut pixels);
        }
        let bytes = if stored { settings.format.encode(&pixels)? } else { Vec::new() };
        Ok(Some(Made { bytes, blur, copied: false }))
    }

    /// A tile without detail is not blurred.
    fn is_sharp(&self, blur: Option<f64>) -> bool {
        blur.zip(self.settings.limits.blur).is_none_or(|(blur, most)| blur <= most)
    }
}
