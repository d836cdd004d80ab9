//! A slide stored in one TIFF file: what the TIFF drivers share.

use std::{collections::BTreeMap, sync::OnceLock};

use super::{Directory, Page, Tag, Tiff, decode, foreign::Foreign};
use crate::{
    error::{Error, Result},
    raster::Rgb,
    slide::{Calibration, Level, SlideInfo, SlideReader, TileAt, codec::Fault, limits},
    units::Mpp,
};

/// A slide stored in one TIFF file.
pub(in crate::slide) struct TiffSlide {
    format: &'static str,
    tiff: Tiff,
    info: SlideInfo,
    levels: Vec<Source>,
    associated: BTreeMap<String, Source>,
}

/// A page and, when our own path does not read it, the decoder that does.
struct Source {
    page: Page,
    foreign: OnceLock<std::result::Result<Foreign, String>>,
}

impl Source {
    fn new(page: Page) -> Self {
        Self { page, foreign: OnceLock::new() }
    }

    /// Finds out whether the page can be read at all; `None` when our own path reads it.
    fn prepare(&self, tiff: &Tiff) -> std::result::Result<Option<&Foreign>, Fault> {
        if self.page.decodes_here() {
            return Ok(None);
        }
        if self.foreign.get().is_none() {
            let opened = match Foreign::open(tiff, &self.page) {
                Ok(foreign) => Ok(foreign),
                Err(Fault::Unsupported(feature)) => Err(feature),
                Err(fault) => return Err(fault),
            };
            self.foreign.set(opened).ok();
        }
        match self.foreign.get() {
            Some(Err(feature)) => Err(Fault::Unsupported(feature.clone())),
            Some(Ok(foreign)) => Ok(Some(foreign)),
            None => Ok(None),
        }
    }

    fn tile(&self, tiff: &Tiff, col: u64, row: u64) -> std::result::Result<Option<Rgb>, Fault> {
        match self.prepare(tiff)? {
            Some(foreign) => foreign.tile(&self.page, col, row).map(Some),
            None => decode::tile(tiff, &self.page, col, row),
        }
    }
}

impl TiffSlide {
    /// Builds a slide from its pages; `levels` are sorted here, largest first.
    pub(in crate::slide) fn new(
        format: &'static str,
        tiff: Tiff,
        mut levels: Vec<Page>,
        associated: BTreeMap<String, Page>,
    ) -> Result<Self> {
        levels.sort_by_key(|page| std::cmp::Reverse(page.width * page.height));
        let Some(base) = levels.first() else {
            return Err(Error::malformed(format, "levels", "at least one", "none"));
        };
        for page in &levels {
            page.check_compression(format)?;
        }
        let (width, height) = (base.width, base.height);
        let missing_tiles = base.missing(&tiff);
        let info = SlideInfo {
            calibration: None,
            objective_power: None,
            vendor: None,
            levels: levels.iter().map(|page| level(page, width, height)).collect(),
            associated: associated.keys().cloned().collect(),
            missing_tiles,
            properties: BTreeMap::new(),
        };
        let associated = associated.into_iter().map(|(name, page)| (name, Source::new(page))).collect();
        let levels: Vec<_> = levels.into_iter().map(Source::new).collect();
        levels[0].prepare(&tiff).map_err(|fault| fault.at(format, "level 0"))?;
        Ok(Self { format, tiff, info, levels, associated })
    }

    /// Returns the header facts for the driver to complete.
    pub(in crate::slide) fn info_mut(&mut self) -> &mut SlideInfo {
        &mut self.info
    }

    /// Returns the parsed file.
    pub(in crate::slide) fn tiff(&self) -> &Tiff {
        &self.tiff
    }

    fn page_tile(&self, source: &Source, name: &str, col: u64, row: u64) -> Result<Option<Rgb>> {
        let kind = if source.page.tiled { "tile" } else { "strip" };
        source
            .tile(&self.tiff, col, row)
            .map_err(|fault| fault.at(self.format, format!("{kind} ({col}, {row}) of {name}")))
    }
}

impl SlideReader for TiffSlide {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let source = self
            .levels
            .get(at.level)
            .filter(|source| at.col < source.page.cols() && at.row < source.page.rows())
            .ok_or_else(|| Error::config("tile", "one of the slide", format!("{at:?}")))?;
        self.page_tile(source, &format!("level {}", at.level), at.col, at.row)
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        let source = self.associated.get(name).ok_or_else(|| {
            let names = self.info.associated.join(", ");
            Error::config("associated image", if names.is_empty() { "none" } else { &names }, name)
        })?;
        let page = &source.page;
        limits::check("pixels of an associated image", page.width * page.height, 1 << 28)?;
        let mut image = Rgb::filled(page.width as usize, page.height as usize, [255; 3]);
        for row in 0..page.rows() {
            for col in 0..page.cols() {
                if let Some(tile) = self.page_tile(source, name, col, row)? {
                    let (x, y) = (col * u64::from(page.tile_width), row * u64::from(page.tile_height));
                    paste(&mut image, &tile, x as usize, y as usize);
                }
            }
        }
        Ok(image)
    }
}

fn paste(image: &mut Rgb, tile: &Rgb, x: usize, y: usize) {
    let width = tile.width().min(image.width() - x);
    for dy in 0..tile.height().min(image.height() - y) {
        image.row_mut(y + dy)[x..x + width].copy_from_slice(&tile.row(dy)[..width]);
    }
}

fn level(page: &Page, width: u64, height: u64) -> Level {
    let ratio = |a: u64, b: u64| a as f64 / b as f64;
    Level {
        width: page.width,
        height: page.height,
        downsample: (ratio(width, page.width) + ratio(height, page.height)) / 2.0,
        tile_width: page.tile_width,
        tile_height: page.tile_height,
    }
}

/// Returns whether `page` shows the same field as `base`, smaller: equal aspect to within 1 % or the
/// rounding of one pixel.
pub(in crate::slide) fn is_level_of(page: &Page, base: &Page) -> bool {
    let (w, h) = (page.width as f64, page.height as f64);
    let (bw, bh) = (base.width as f64, base.height as f64);
    let scale = (bw / w + bh / h) / 2.0;
    let near = |side: f64, full: f64| {
        let expected = full / scale;
        (side - expected).abs() <= (0.005 * expected).max(1.0)
    };
    page.width < base.width && page.height < base.height && near(w, bw) && near(h, bh)
}

/// Reads the text tags as properties named `tiff.<Tag>`.
pub(in crate::slide) fn text_properties(tiff: &Tiff, directory: &Directory) -> BTreeMap<String, String> {
    const TEXTS: [Tag; 8] = [
        Tag::IMAGE_DESCRIPTION,
        Tag::DOCUMENT_NAME,
        Tag::MAKE,
        Tag::MODEL,
        Tag::SOFTWARE,
        Tag::DATE_TIME,
        Tag::ARTIST,
        Tag::COPYRIGHT,
    ];
    let mut properties = BTreeMap::new();
    for tag in TEXTS {
        if let Some(text) = tiff.text(directory, tag).filter(|text| !text.is_empty()) {
            properties.insert(format!("tiff.{}", tag.name()), text);
        }
    }
    for tag in [Tag::X_RESOLUTION, Tag::Y_RESOLUTION] {
        if let Some(value) = tiff.number(directory, tag) {
            properties.insert(format!("tiff.{}", tag.name()), value.to_string());
        }
    }
    let unit = match tiff.uint(directory, Tag::RESOLUTION_UNIT).unwrap_or(2) {
        2 => "inch",
        3 => "centimeter",
        _ => "none",
    };
    properties.insert("tiff.ResolutionUnit".into(), unit.into());
    if let Some(value) = tiff.uint(directory, Tag::ORIENTATION).filter(|&v| v != 1) {
        properties.insert("tiff.Orientation".into(), value.to_string());
    }
    properties
}

/// Reads the pixel size from the resolution tags.
///
/// Only what a microscope can have written is believed (0.05–20 µm/px): screens, cameras and image
/// editors fill the same tags with 72, 96 or 300 dots per inch.
pub(in crate::slide) fn resolution(tiff: &Tiff, directory: &Directory) -> Option<Calibration> {
    let um_per_unit = match tiff.uint(directory, Tag::RESOLUTION_UNIT).unwrap_or(2) {
        2 => 25_400.0,
        3 => 10_000.0,
        _ => return None,
    };
    let size = |tag| {
        let um = um_per_unit / tiff.number(directory, tag)?;
        (0.05..=20.0).contains(&um).then_some(um)
    };
    let mpp = Mpp::new(size(Tag::X_RESOLUTION)?, size(Tag::Y_RESOLUTION)?)?;
    Some(Calibration { mpp, origin: "tiff.XResolution".into() })
}
