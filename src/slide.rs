//! Whole-slide images: a pyramid of levels, read tile by tile.
//!
//! Level 0 is the full resolution. A driver implements [`SlideReader`]; everything else (regions,
//! caching, resampling to a requested pixel size) is written once, in [`Slide`]. Formats that store
//! overlapping or moved tiles compose them onto a grid of their own in `slide/mosaic.rs`.

mod ahead;
mod aperio;
mod bad_tiles;
mod bytes;
mod cache;
pub(crate) mod clean;
mod codec;
mod czi;
mod dicom;
mod focus;
mod formats;
mod generic_tiff;
mod huron;
mod icc;
pub(crate) mod kept;
mod keyfile;
mod leica;
mod limits;
mod mirax;
mod mosaic;
mod ndpi;
mod ome;
mod parts;
mod philips;
mod plain_image;
mod probe;
mod properties;
mod read;
mod resample;
#[cfg(feature = "sakura")]
mod sakura;
mod spare;
mod stored;
mod tiff;
mod tiles;
mod torn;
mod trestle;
mod ventana;
mod vms;
mod xml;
#[cfg(feature = "zarr")]
mod zarr;

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;

pub use self::{
    ahead::{OnDisk, ReadAhead},
    icc::ToSrgb,
    kept::{Container, KeptImage, KeptPixels, KeptValue, PartAt},
    parts::Parts,
    probe::Probe,
    stored::{JpegCopy, Rewritten, Storage, Stored, Strip},
    tiles::{Place, Placed, Tiles},
};
use self::{bad_tiles::BadTiles, cache::TileCache, tiff::Tag};
use crate::{
    error::{Error, Result, one_line},
    geometry::Rect,
    raster::Rgb,
    units::Mpp,
};

/// Where a pixel size comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Microns per pixel at level 0.
    pub mpp: Mpp,
    /// The field that states it, e.g. `aperio.MPP` or `tiff.XResolution`.
    pub origin: String,
}

/// One resolution of the pyramid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Level {
    /// Width in pixels of this level.
    pub width: u64,
    /// Height in pixels of this level.
    pub height: u64,
    /// Level-0 pixels per pixel of this level (mean of both axes); 1 for level 0.
    pub downsample: f64,
    /// Width of a stored tile, in pixels of this level.
    pub tile_width: u32,
    /// Height of a stored tile, in pixels of this level.
    pub tile_height: u32,
}

impl Level {
    /// Describes a level by its size and that of level 0, width and height, and by the size of its tiles.
    pub(crate) fn of(base: [u64; 2], [width, height]: [u64; 2], tile: [u32; 2]) -> Self {
        let ratio = |a: u64, b: u64| a as f64 / b as f64;
        Self {
            width,
            height,
            downsample: (ratio(base[0], width) + ratio(base[1], height)) / 2.0,
            tile_width: tile[0],
            tile_height: tile[1],
        }
    }

    /// Returns the columns and rows of the tiles under a rectangle of the level.
    pub(crate) fn tiles_under(&self, columns: &Range<i64>, rows: &Range<i64>) -> [Range<u64>; 2] {
        let along = |range: &Range<i64>, tile: u32, side: u64| {
            let inside = |at: i64| u64::try_from(at).unwrap_or(0).min(side);
            let (start, end) = (inside(range.start), inside(range.end));
            if start < end { start / u64::from(tile)..end.div_ceil(tile.into()) } else { 0..0 }
        };
        [along(columns, self.tile_width, self.width), along(rows, self.tile_height, self.height)]
    }
}

/// What a driver states about a slide, read from headers only.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlideInfo {
    /// Pixel size at level 0; `None` when the file does not say. Never guessed.
    pub calibration: Option<Calibration>,
    /// Magnification of the objective, when stated.
    pub objective_power: Option<f64>,
    /// Scanner vendor, when stated.
    pub vendor: Option<String>,
    /// Model of the scanner, when stated.
    pub scanner: Option<String>,
    /// Focal planes the file stores; one of them is read.
    pub focal_planes: u64,
    /// Pyramid levels, largest first. Never empty.
    pub levels: Vec<Level>,
    /// Names of associated images (`label`, `macro`, `thumbnail`), sorted.
    pub associated: Vec<String>,
    /// Images of the file that are neither levels nor associated images, such as other sections; they are not read.
    pub unread: Vec<String>,
    /// Stored tiles of level 0 that are empty (a sparse file); they read as glass.
    pub missing_tiles: u64,
    /// The part of level 0 that was scanned, when the file says that it is not all of it.
    pub bounds: Option<Rect>,
    /// Colour of what was not scanned, when stated. Reading shows it as white all the same.
    pub background: Option<[u8; 3]>,
    /// Size of the embedded ICC profile of level 0, in bytes.
    pub icc_bytes: Option<u64>,
    /// Whether stored tiles overlap or are moved; the tile sizes of the levels are then our own.
    pub moved_tiles: bool,
    /// Whether level 0 says of itself that it was made smaller: the image of full resolution is not among the files.
    pub resampled: bool,
    /// Further header fields as text, sorted by name.
    pub properties: BTreeMap<String, String>,
}

impl SlideInfo {
    /// Returns facts with these levels and nothing else.
    pub(crate) fn of_levels(levels: Vec<Level>) -> Self {
        Self {
            calibration: None,
            objective_power: None,
            vendor: None,
            scanner: None,
            focal_planes: 1,
            levels,
            associated: Vec::new(),
            unread: Vec::new(),
            missing_tiles: 0,
            bounds: None,
            background: None,
            icc_bytes: None,
            moved_tiles: false,
            resampled: false,
            properties: BTreeMap::new(),
        }
    }
}

/// The position of a stored tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileAt {
    /// Level index; 0 is the full resolution.
    pub level: usize,
    /// Column, 0-based.
    pub col: u64,
    /// Row, 0-based.
    pub row: u64,
}

/// An opened slide, as a driver sees it.
pub trait SlideReader: Send + Sync {
    /// Returns the header facts.
    fn info(&self) -> &SlideInfo;

    /// Decodes one stored tile; `None` when the file stores nothing there (sparse), which reads as glass.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if the stored tile does not decode to the size its level declares.
    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>>;

    /// Returns where the bytes of a tile lie, so that they can be read ahead; `None` where that is not known, or they do not
    /// lie together.
    fn on_disk(&self, _at: TileAt) -> Option<OnDisk> {
        None
    }

    /// Returns whether it is known, without decoding, that [`SlideReader::read_tile`] gives `None`.
    fn is_missing(&self, _at: TileAt) -> bool {
        false
    }

    /// Returns whether a tile that a smaller level does not store shows what the next finer level does,
    /// and not glass.
    fn missing_shows_finer(&self) -> bool {
        false
    }

    /// Returns the stored tiles as bytes, where the format keeps each tile on its own. Copying without decoding is not
    /// possible above the driver, which alone knows the bytes.
    fn stored(&self) -> Option<&dyn Stored> {
        None
    }

    /// Returns the slide's files without what can name a patient, where the format is written element by element.
    fn rewritten(&self) -> Option<&dyn Rewritten> {
        None
    }

    /// Returns the slide's file without what can name a patient, where its header says how the stored tiles lie.
    fn container(&self) -> Option<&dyn Container> {
        None
    }

    /// Returns each level as one stream without comments, where the format stores it so (NDPI).
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when a stream cannot be followed to its end.
    fn strips(&self) -> Result<Option<Vec<Strip<'_>>>> {
        Ok(None)
    }

    /// Returns OpenSlide's `quickhash-1`, where this driver knows how OpenSlide makes it.
    fn quickhash(&self) -> Option<String> {
        None
    }

    /// Returns the embedded ICC profile of level 0.
    fn icc_profile(&self) -> Option<Vec<u8>> {
        None
    }

    /// Decodes an associated image (`label`, `macro`, `thumbnail`). Label images can show a
    /// patient's name: they are read on request only and never written to a report.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the slide has no image of that name.
    fn read_associated(&self, name: &str) -> Result<Rgb>;
}

/// Makes a JPEG file as large as asked by repeating the last coded unit of each row, which must be of one colour, and then
/// the last row of units, which must be as well. `None` for files that are not baseline or sizes of no whole units.
pub(crate) fn extend_jpeg(jpeg: &[u8], size: [usize; 2]) -> Option<Vec<u8>> {
    codec::jpeg::copy::extend(jpeg, size)
}

/// A slide format: its name, how to recognise it, how to open it.
pub struct Format {
    /// Stable identifier, e.g. `aperio`; appears in results.
    pub name: &'static str,
    /// Accepts the file, or says in one clause why it is not this format.
    pub detect: fn(&Probe) -> std::result::Result<(), String>,
    /// Opens a file `detect` accepted.
    pub open: fn(Probe) -> Result<Box<dyn SlideReader>>,
}

/// A whole-slide image, ready to read from any thread.
///
/// Reading lives in `slide/read.rs`: regions of a level, windows at a working resolution, and
/// low-power views of the whole slide.
pub struct Slide {
    path: PathBuf,
    format: &'static str,
    reader: Box<dyn SlideReader>,
    cache: TileCache,
    bad_tiles: BadTiles,
    ahead: Option<Arc<ReadAhead>>,
}

impl Slide {
    /// Opens a slide with the first driver that recognises its content. The extension is not consulted.
    ///
    /// # Errors
    ///
    /// [`Error::NotASlide`] with every driver's reason when none accepts the file; otherwise what
    /// the accepting driver found wrong.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let probe = Probe::open(path)?;
        let mut rejections = Vec::new();
        if fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() == 0) {
            rejections
                .push(("every format", "the file is empty (0 bytes); is it still being copied?".to_owned()));
            return Err(Error::NotASlide { path: path.into(), rejections });
        }
        for format in formats::FORMATS {
            match (format.detect)(&probe) {
                Ok(()) => {
                    let reader = (format.open)(probe)?;
                    let cache = TileCache::default();
                    return Ok(Self {
                        path: path.into(),
                        format: format.name,
                        reader,
                        cache,
                        bad_tiles: BadTiles::default(),
                        ahead: None,
                    });
                }
                Err(reason) => rejections.push((format.name, one_line(reason))),
            }
        }
        Err(Error::NotASlide { path: path.into(), rejections })
    }

    /// Asks every format about a file, in the order tried: its name, and why it would not take the file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be read.
    pub fn explain(path: impl AsRef<Path>) -> Result<Vec<(&'static str, Option<String>)>> {
        let probe = Probe::open(path.as_ref())?;
        Ok(formats::FORMATS
            .iter()
            .map(|format| (format.name, (format.detect)(&probe).err().map(one_line)))
            .collect())
    }

    /// Returns whether a folder is a slide by itself (OME-Zarr), and not a folder of slides.
    #[must_use]
    pub fn is_folder(path: impl AsRef<Path>) -> bool {
        #[cfg(feature = "zarr")]
        return zarr::is_image(path.as_ref());
        #[cfg(not(feature = "zarr"))]
        return path.as_ref().join(".zattrs").is_file() || path.as_ref().join("zarr.json").is_file();
    }

    /// Returns what names the slide that a file is one part of (a DICOM series); `None` for any file that
    /// is a slide by itself.
    #[must_use]
    pub fn series_of(path: impl AsRef<Path>) -> Option<String> {
        dicom::series(path.as_ref())
    }

    /// Returns the file the slide was opened from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the driver's name, e.g. `aperio`.
    #[must_use]
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// Returns the header facts.
    #[must_use]
    pub fn info(&self) -> &SlideInfo {
        self.reader.info()
    }

    /// Returns the identifier that OpenSlide calls `quickhash-1`: SHA-256 of the smallest level's stored tiles and of text
    /// tags. Aperio and generic TIFF only; `None` also where OpenSlide gives none, because the level is large.
    #[must_use]
    pub fn quickhash(&self) -> Option<String> {
        self.reader.quickhash()
    }

    /// Returns the tiles as they are stored, where the format allows.
    #[must_use]
    pub fn stored(&self) -> Option<&dyn Stored> {
        self.reader.stored()
    }

    /// Returns the slide's files without what can name a patient, where the format is written element by element.
    #[must_use]
    pub fn rewritten(&self) -> Option<&dyn Rewritten> {
        self.reader.rewritten()
    }

    /// Returns the slide's file without what can name a patient, where its header says how the stored tiles lie.
    #[must_use]
    pub fn container(&self) -> Option<&dyn Container> {
        self.reader.container()
    }

    /// Returns each level as one stream without comments, where the format stores it so.
    ///
    /// # Errors
    ///
    /// As [`SlideReader::strips`].
    pub fn strips(&self) -> Result<Option<Vec<Strip<'_>>>> {
        self.reader.strips()
    }

    /// Sets how many bytes of decoded tiles are kept for reuse. The default is 32 MiB. Regions that are whole stored tiles are
    /// decoded without being kept.
    pub fn set_cache_budget(&self, bytes: usize) {
        self.cache.set_budget(bytes);
    }

    /// Reads damaged tiles as glass from now on and counts them, up to a share of each level's tiles; a
    /// further one is an error, as every one is without this. Windows read before are not affected.
    pub fn tolerate_bad_tiles(&self, share: f64) {
        self.bad_tiles.tolerate(share);
    }

    /// Makes every damaged tile an error again.
    pub(crate) fn refuse_bad_tiles(&self) {
        self.bad_tiles.refuse();
    }

    /// Returns the damaged tiles that were read as glass, and what is wrong with each, in order of place.
    #[must_use]
    pub fn bad_tiles(&self) -> Vec<(TileAt, String)> {
        self.bad_tiles.list()
    }

    /// Decodes an associated image on request.
    ///
    /// # Errors
    ///
    /// As [`SlideReader::read_associated`].
    pub fn read_associated(&self, name: &str) -> Result<Rgb> {
        self.reader.read_associated(name)
    }
}
