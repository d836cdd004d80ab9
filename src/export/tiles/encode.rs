//! Pixels of a tile to the bytes of a file.

use image::{ColorType, ImageEncoder as _, codecs};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType as JpegColour, Encoder, SamplingFactor};

use super::{
    Output, Settings,
    choose::{Chosen, Spot, rounded},
    stain,
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
    slide::{Slide, ToSrgb, extend_jpeg},
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
                let part = without_margin(rgb);
                let part = part.as_ref().unwrap_or(rgb);
                let mut encoder = Encoder::new(&mut bytes, quality);
                encoder.set_sampling_factor(SamplingFactor::F_2_2);
                // Else the chroma of one pixel stands for that of four.
                encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
                let side = |v: usize| u16::try_from(v).map_err(|e| fault(&e));
                encoder
                    .encode(part.data(), side(part.width())?, side(part.height())?, JpegColour::Rgb)
                    .map_err(|e| fault(&e))?;
                if (part.width(), part.height()) != (rgb.width(), rgb.height()) {
                    let whole = extend_jpeg(&bytes, [rgb.width(), rgb.height()]);
                    return whole.ok_or_else(|| fault(&"a part of it cannot be extended"));
                }
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

/// Side of a coded unit with chroma at half resolution, in pixels.
const UNIT: usize = 16;

/// Returns the part of a picture that is left of and above a white margin, with one unit of the margin; `None` when that is
/// all of it. Tiles at the edge of a slide are little else than margin.
fn without_margin(rgb: &Rgb) -> Option<Rgb> {
    let (width, height) = (rgb.width(), rgb.height());
    if !width.is_multiple_of(UNIT) || !height.is_multiple_of(UNIT) {
        return None;
    }
    let shown = |row: &[[u8; 3]]| row.iter().rposition(|px| *px != [255; 3]).map_or(0, |last| last + 1);
    let rows = (0..height).rev().find(|&y| shown(rgb.row(y)) > 0).map_or(0, |last| last + 1);
    let mut columns = 0;
    for y in 0..rows {
        columns = columns.max(shown(rgb.row(y)));
        if columns + UNIT > width {
            break;
        }
    }
    let with_margin = |length: usize, most: usize| (length.next_multiple_of(UNIT) + UNIT).min(most);
    let (wide, high) = (with_margin(columns, width), with_margin(rows, height));
    if (wide, high) == (width, height) {
        return None;
    }
    let data = (0..high).flat_map(|y| rgb.row(y)[..wide].as_flattened()).copied().collect();
    Rgb::from_vec(wide, high, data)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_coded_as_the_encoder_does() {
        let t = |size: [usize; 2], shown: [usize; 2], coded: Option<[usize; 2]>| {
            let mut rgb = Rgb::filled(size[0], size[1], [255; 3]);
            for y in 0..shown[1] {
                for (x, px) in rgb.row_mut(y)[..shown[0]].iter_mut().enumerate() {
                    *px = [(x * 7 % 250) as u8, (y * 5 % 250) as u8, (x * y % 250) as u8];
                }
            }
            let part = without_margin(&rgb).map(|part| [part.width(), part.height()]);
            assert_eq!(part, coded, "{size:?} {shown:?}");
            let mut plain = Vec::new();
            let mut encoder = Encoder::new(&mut plain, 75);
            encoder.set_sampling_factor(SamplingFactor::F_2_2);
            encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
            encoder.encode(rgb.data(), size[0] as u16, size[1] as u16, JpegColour::Rgb).unwrap();
            assert!(Format::Jpeg { quality: 75 }.encode(&rgb).unwrap() == plain, "{size:?} {shown:?}");
        };
        t([128, 96], [128, 96], None);
        t([128, 96], [113, 96], None);
        t([128, 96], [112, 96], None);
        t([128, 96], [90, 96], Some([112, 96]));
        t([128, 96], [128, 33], Some([128, 64]));
        t([128, 96], [32, 17], Some([48, 48]));
        t([128, 96], [0, 0], Some([16, 16]));
        t([100, 96], [30, 30], None);
    }

    #[test]
    fn stripes_keep_their_mean_colour() {
        let mut rgb = Rgb::filled(64, 64, [230, 60, 120]);
        for y in 0..64 {
            rgb.row_mut(y).iter_mut().step_by(2).for_each(|px| *px = [90, 60, 200]);
        }
        let jpeg = Format::Jpeg { quality: 95 }.encode(&rgb).unwrap();
        let got = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        for (channel, expected) in [160.0, 60.0, 160.0].into_iter().enumerate() {
            let mean = got.pixels().map(|px| f64::from(px.0[channel])).sum::<f64>() / 4096.0;
            assert!((mean - expected).abs() < 3.0, "channel {channel}: {mean}, expected {expected}");
        }
    }
}
