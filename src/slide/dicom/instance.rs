//! One DICOM file: what its headers say about the image it holds.

use std::{borrow::Cow, ops::Range, path::Path, sync::Arc};

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::{
    NAME,
    decode::{self, Codec},
    element::{DataSet, Reader, Values, items},
    frames::{Extended, Frames},
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
    slide::{OnDisk, bytes::FileBytes, limits},
};

/// VL Whole Slide Microscopy Image Storage.
const WHOLE_SLIDE: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";
/// Brightfield illumination, and transmission illumination, which some writers say of the same, in the coding scheme DCM.
const BRIGHTFIELD: [&str; 2] = ["111744", "111741"];
/// Where the file meta information begins, after the preamble and `DICM`.
const META: usize = 132;

/// What an image shows (the third value of `ImageType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A level of the pyramid.
    Volume,
    /// An associated image, under the name OpenSlide gives it.
    Associated(&'static str),
    /// Anything else.
    Other,
}

/// The parts of the header that tell which slide an instance belongs to.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) series: String,
    pub(super) pyramid: Option<String>,
    /// The image, of which a concatenation holds several parts.
    pub(super) image: String,
    pub(super) instance: String,
    pub(super) number: i64,
    pub(super) kind: Kind,
}

/// One place of a sparse image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) x: i64,
    pub(super) y: i64,
    /// Height of the focal plane, in millionths of the unit it is stated in.
    pub(super) z: i64,
    /// Identifier of the optical path.
    pub(super) path: Option<String>,
}

/// An optical path.
#[derive(Clone, Debug)]
pub(super) struct OpticalPath {
    pub(super) identifier: Option<String>,
    /// Whether it is brightfield; `None` when the file does not say.
    pub(super) brightfield: Option<bool>,
}

/// What tells images of one field apart: focal planes and optical paths.
#[derive(Debug, PartialEq)]
pub(super) struct View {
    paths: Vec<(Option<String>, Option<bool>)>,
    /// Heights of the focal planes in mm, from the lowest, as bits.
    heights: Vec<u64>,
}

impl View {
    /// Returns whether both are taken along the same optical paths, so that only the focal planes differ.
    pub(super) fn has_paths_of(&self, other: &Self) -> bool {
        self.paths == other.paths
    }
}

/// A parsed header, its elements still where they lie in the file.
pub(super) struct Header {
    pub(super) bytes: Arc<FileBytes>,
    pub(super) file: String,
    pub(super) meta: DataSet,
    pub(super) set: DataSet,
    pixels: Option<super::element::PixelData>,
}

/// An image or a part of one, ready to read.
pub(super) struct Instance {
    bytes: Arc<FileBytes>,
    pub(super) file: String,
    codec: Codec,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) tile: [u32; 2],
    pub(super) count: u64,
    /// Number of the first frame within a concatenation.
    pub(super) first: u64,
    pub(super) planes: u64,
    pub(super) paths: Vec<OpticalPath>,
    /// Places of the frames; `None` when they are stored row by row without gaps.
    pub(super) places: Option<Vec<Place>>,
    frames: Frames,
}

/// Says in one clause why these bytes are no whole-slide image.
pub(super) fn detect(bytes: &[u8]) -> std::result::Result<(), String> {
    if bytes.get(META - 4..META) != Some(b"DICM") {
        return Err("not a DICOM file".into());
    }
    let meta = Reader::new(bytes, META, true).meta().map_err(|error| error.to_string())?;
    match Values(bytes).text(&meta, tags::MEDIA_STORAGE_SOP_CLASS_UID) {
        Some(class) if class == WHOLE_SLIDE => Ok(()),
        Some(class) => Err(format!("DICOM of class {class} is no whole slide")),
        None => Err("a DICOM file that does not say its class".into()),
    }
}

impl Header {
    /// Reads the headers of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::Limits`] for headers that cannot be true; [`Error::Unsupported`] for
    /// a transfer syntax that is not read.
    pub(super) fn read(bytes: Arc<FileBytes>, path: &Path) -> Result<Self> {
        let all = bytes.all();
        let mut reader = Reader::new(all, META, true);
        let meta = reader.meta()?;
        let syntax = Values(all).text(&meta, tags::TRANSFER_SYNTAX_UID).unwrap_or_default();
        let explicit = decode::explicit(&syntax)?;
        let (set, pixels) = Reader::new(all, reader.position(), explicit).until_pixels()?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { bytes, file, meta, set, pixels })
    }

    pub(super) fn values(&self) -> Values<'_> {
        Values(self.bytes.all())
    }

    fn text(&self, tag: Tag) -> Option<String> {
        self.values().text(&self.set, tag)
    }

    /// Returns which slide and image the instance belongs to.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when it does not say.
    pub(super) fn identity(&self) -> Result<Identity> {
        let need = |tag: Tag, name: &str| {
            self.text(tag).ok_or_else(|| self.malformed(name, "a unique identifier", "none"))
        };
        let instance = need(tags::SOP_INSTANCE_UID, "SOPInstanceUID")?;
        let image = self.text(tags::SOP_INSTANCE_UID_OF_CONCATENATION_SOURCE);
        let image = image.or_else(|| self.text(tags::CONCATENATION_UID)).unwrap_or_else(|| instance.clone());
        let kind = self.values().texts(&self.set, tags::IMAGE_TYPE);
        let kind = match kind.get(2).map(String::as_str) {
            Some("VOLUME") => Kind::Volume,
            Some("LABEL") => Kind::Associated("label"),
            Some("OVERVIEW") => Kind::Associated("macro"),
            Some("THUMBNAIL") => Kind::Associated("thumbnail"),
            _ => Kind::Other,
        };
        Ok(Identity {
            series: need(tags::SERIES_INSTANCE_UID, "SeriesInstanceUID")?,
            pyramid: self.text(tags::PYRAMID_UID),
            image,
            instance,
            number: self.values().integer(&self.set, tags::INSTANCE_NUMBER).unwrap_or(0),
            kind,
        })
    }

    /// Returns the focal planes and optical paths of the instance, as far as they are stated.
    pub(super) fn view(&self) -> View {
        let paths = self.paths().into_iter().map(|path| (path.identifier, path.brightfield)).collect();
        let groups = [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE];
        let groups = groups.into_iter().flat_map(|tag| items(&self.set, tag));
        let positions = groups.flat_map(|group| items(group, tags::PLANE_POSITION_SLIDE_SEQUENCE));
        let origins = items(&self.set, tags::TOTAL_PIXEL_MATRIX_ORIGIN_SEQUENCE);
        let height = |set: &DataSet| {
            let values = self.values().decimals(set, tags::Z_OFFSET_IN_SLIDE_COORDINATE_SYSTEM)?;
            values.first().copied()
        };
        let mut heights: Vec<f64> = positions.chain(origins).filter_map(height).collect();
        heights.sort_by(f64::total_cmp);
        heights.dedup();
        View { paths, heights: heights.into_iter().map(f64::to_bits).collect() }
    }

    /// Returns whether the image says that it was made from one of higher resolution.
    pub(super) fn is_resampled(&self) -> bool {
        self.values().texts(&self.set, tags::IMAGE_TYPE).get(3).is_some_and(|word| word == "RESAMPLED")
    }

    /// Returns the width of the image in pixels; 0 when it does not say.
    pub(super) fn width(&self) -> i64 {
        self.values().integer(&self.set, tags::TOTAL_PIXEL_MATRIX_COLUMNS).unwrap_or(0)
    }

    /// Returns the number of the first frame within a concatenation.
    pub(super) fn first_frame(&self) -> u64 {
        let first = self.values().integer(&self.set, tags::CONCATENATION_FRAME_OFFSET_NUMBER);
        first.and_then(|first| u64::try_from(first).ok()).unwrap_or(0)
    }

    /// Returns the ICC profile of the first optical path.
    pub(super) fn icc(&self) -> Option<&[u8]> {
        let path = items(&self.set, tags::OPTICAL_PATH_SEQUENCE).first()?;
        self.values().bytes(path, tags::ICC_PROFILE).filter(|profile| !profile.is_empty())
    }

    fn malformed(&self, what: &str, expected: impl ToString, got: impl ToString) -> Error {
        Error::malformed(NAME, format!("{what} of {}", self.file), expected, got)
    }

    /// Returns a required integer within limits.
    fn whole(&self, tag: Tag, name: &str, limit: u64) -> Result<u64> {
        let value = self.values().integer(&self.set, tag);
        let whole = value.and_then(|value| u64::try_from(value).ok()).filter(|&value| value > 0);
        let got = value.map_or_else(|| "none".into(), |value| value.to_string());
        let value = whole.ok_or_else(|| self.malformed(name, "a whole number above zero", got))?;
        limits::check(&format!("{name} of {}", self.file), value, limit)?;
        Ok(value)
    }

    /// Checks how pixels are stored, and finds the frames.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for pixels that are not red, green and blue of 8 bits; [`Error::Malformed`],
    /// [`Error::Limits`] for what cannot be true.
    pub(super) fn into_instance(self) -> Result<Instance> {
        let side = u64::from(u16::MAX);
        let tile = [self.whole(tags::COLUMNS, "Columns", side)?, self.whole(tags::ROWS, "Rows", side)?];
        limits::check("pixels of a frame", tile[0] * tile[1], limits::MAX_TILE_PX)?;
        let width =
            self.whole(tags::TOTAL_PIXEL_MATRIX_COLUMNS, "TotalPixelMatrixColumns", limits::MAX_SIDE)?;
        let height = self.whole(tags::TOTAL_PIXEL_MATRIX_ROWS, "TotalPixelMatrixRows", limits::MAX_SIDE)?;
        let count = match self.values().bytes(&self.set, tags::NUMBER_OF_FRAMES) {
            Some(_) => self.whole(tags::NUMBER_OF_FRAMES, "NumberOfFrames", limits::MAX_PATCHES)?,
            None => 1,
        };
        let bits = self.whole(tags::BITS_ALLOCATED, "BitsAllocated", 64)?;
        let samples = self.whole(tags::SAMPLES_PER_PIXEL, "SamplesPerPixel", 64)?;
        if bits != 8 || samples != 3 {
            let feature = format!("{samples} samples of {bits} bits per pixel ({})", self.file);
            return Err(Error::unsupported(NAME, feature));
        }
        let syntax = self.values().text(&self.meta, tags::TRANSFER_SYNTAX_UID).unwrap_or_default();
        let photometric = self.text(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
        let planar = self.values().integer(&self.set, tags::PLANAR_CONFIGURATION).unwrap_or(0) == 1;
        let codec = Codec::new(&syntax, &photometric, planar)?;
        let pixels = self.pixels.as_ref().ok_or_else(|| self.malformed("pixel data", "some", "none"))?;
        let native = codec.frame_bytes(tile[0] * tile[1]);
        let extended = self.values().bytes(&self.set, tags::EXTENDED_OFFSET_TABLE);
        let extended = extended.map(|offsets| Extended { offsets });
        let frames = Frames::find(self.bytes.all(), pixels, count as usize, native, extended)?;
        let places = self.places(count)?;
        let planes = self.values().integer(&self.set, tags::TOTAL_PIXEL_MATRIX_FOCAL_PLANES);
        let first = self.first_frame();
        Ok(Instance {
            codec,
            width,
            height,
            tile: [tile[0] as u32, tile[1] as u32],
            count,
            first,
            planes: planes.and_then(|planes| u64::try_from(planes).ok()).unwrap_or(1).max(1),
            paths: self.paths(),
            places,
            frames,
            file: self.file,
            bytes: self.bytes,
        })
    }

    fn paths(&self) -> Vec<OpticalPath> {
        let path = |set: &DataSet| {
            let codes = items(set, tags::ILLUMINATION_TYPE_CODE_SEQUENCE);
            let codes: Vec<_> =
                codes.iter().filter_map(|code| self.values().text(code, tags::CODE_VALUE)).collect();
            OpticalPath {
                identifier: self.values().text(set, tags::OPTICAL_PATH_IDENTIFIER),
                brightfield: (!codes.is_empty())
                    .then(|| codes.iter().any(|code| BRIGHTFIELD.contains(&code.as_str()))),
            }
        };
        items(&self.set, tags::OPTICAL_PATH_SEQUENCE).iter().map(path).collect()
    }

    /// Returns the places of the frames, unless the image says that it is stored in full.
    fn places(&self, count: u64) -> Result<Option<Vec<Place>>> {
        if self.text(tags::DIMENSION_ORGANIZATION_TYPE).is_some_and(|text| text == "TILED_FULL") {
            return Ok(None);
        }
        let frames = items(&self.set, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
        let place = |set: &DataSet| {
            let position = items(set, tags::PLANE_POSITION_SLIDE_SEQUENCE).first()?;
            let path = items(set, tags::OPTICAL_PATH_IDENTIFICATION_SEQUENCE).first();
            let z = self.values().decimals(position, tags::Z_OFFSET_IN_SLIDE_COORDINATE_SYSTEM);
            Some(Place {
                x: self.values().integer(position, tags::COLUMN_POSITION_IN_TOTAL_IMAGE_PIXEL_MATRIX)? - 1,
                y: self.values().integer(position, tags::ROW_POSITION_IN_TOTAL_IMAGE_PIXEL_MATRIX)? - 1,
                z: z.and_then(|values| values.first().copied()).map_or(0, |z| (1e6 * z).round() as i64),
                path: path.and_then(|path| self.values().text(path, tags::OPTICAL_PATH_IDENTIFIER)),
            })
        };
        let places: Option<Vec<Place>> = frames.iter().map(place).collect();
        match places {
            // Neither form is stated, but without gaps there is one way to store it.
            Some(places) if places.is_empty() => Ok(None),
            Some(places) if places.len() as u64 == count => Ok(Some(places)),
            Some(places) => Err(self.malformed("frame places", format!("{count} of them"), places.len())),
            None => Err(self.malformed("frame places", "a row and column position for each frame", "none")),
        }
    }
}

impl Instance {
    /// Decodes a frame, counted from 0 within this file.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] naming the frame and the file.
    pub(super) fn frame(&self, frame: u64) -> Result<Rgb> {
        let place = || format!("frame {} of {}", frame + 1, self.file);
        let data = self.frames.get(self.bytes.all(), frame as usize)?;
        limits::check(&format!("bytes of {}", place()), data.len() as u64, limits::MAX_STORED_BYTES)?;
        let [width, height] = self.tile.map(|side| side as usize);
        let rgb = self.codec.decode(&data, width, height).map_err(|fault| fault.at(NAME, place()))?;
        self.bytes.done_with(data.len() as u64);
        Ok(rgb)
    }

    /// Returns where a frame lies.
    pub(super) fn on_disk(&self, frame: u64) -> Option<OnDisk> {
        let range = self.frames.range(usize::try_from(frame).ok()?)?;
        self.bytes.on_disk(range.start as u64, range.len() as u64)
    }

    /// Returns the bytes of a frame as they are stored.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when they lie outside the file.
    pub(super) fn stored(&self, frame: u64) -> Result<Cow<'_, [u8]>> {
        self.frames.get(self.bytes.all(), frame as usize)
    }

    /// Returns the mapped file.
    pub(super) fn bytes(&self) -> &Arc<FileBytes> {
        &self.bytes
    }

    /// Returns whether frames are stored as fragments.
    pub(super) fn encapsulated(&self) -> bool {
        matches!(self.frames, Frames::Fragments { .. })
    }

    /// Returns what kind of stream a frame is.
    pub(super) fn stream(&self) -> decode::Stream {
        self.codec.stream()
    }

    /// Returns the frames of this file within a concatenation.
    pub(super) fn range(&self) -> Range<u64> {
        self.first..self.first.saturating_add(self.count)
    }
}
