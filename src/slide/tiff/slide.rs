//! A slide stored in one TIFF file: what the TIFF drivers share.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::OnceLock,
};

use super::{
    Directory, Page, Tag, Tiff,
    container::Cleaner,
    decode,
    facts::quickhash,
    foreign::Foreign,
    missing::{self, TileSet},
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
    slide::{
        JpegCopy, Level, OnDisk, SlideInfo, SlideReader, Storage, Stored, TileAt,
        codec::{Fault, jpeg},
        kept::Container,
        limits,
        mosaic::{Mosaic, Patch, Room, SIDE, StoredTiles, no_such_tile},
    },
};

/// Bits of a stored tile's number that count tiles; the others count the pages of its level.
const TILE_BITS: u32 = 40;

/// A slide stored in one TIFF file.
pub(in crate::slide) struct TiffSlide {
    pub(super) format: &'static str,
    pub(super) tiff: Tiff,
    info: SlideInfo,
    pub(super) levels: Vec<Source>,
    associated: BTreeMap<String, Associated>,
    stored: StoredTiles,
    /// Tiles of every level to be shown from the next finer one; empty when missing tiles are glass.
    missing: Vec<TileSet>,
    /// Writes the header of a clean copy, where that is of the same format.
    pub(super) cleaner: Option<Cleaner>,
}

/// An image beside the pyramid.
pub(in crate::slide) enum Associated {
    /// A directory of the file.
    Page(Page),
    /// A whole JPEG stream.
    Jpeg(Vec<u8>),
}

/// A level whose stored tiles are moved, from one directory or several.
pub(in crate::slide) struct Composed {
    /// Width in pixels.
    pub(in crate::slide) width: u64,
    /// Height in pixels.
    pub(in crate::slide) height: u64,
    /// The directories.
    pub(in crate::slide) pages: Vec<Page>,
    /// Where their tiles lie, numbered by [`stored_tile`]; later ones cover earlier ones.
    pub(in crate::slide) patches: Vec<Patch>,
}

/// Returns the number of tile (`col`, `row`) of a level's directory `page`.
pub(in crate::slide) fn stored_tile(pages: &[Page], page: usize, col: u64, row: u64) -> u64 {
    (page as u64) << TILE_BITS | (row * pages[page].cols() + col)
}

/// The directories of one level, and how their tiles lie if that is not side by side.
pub(super) struct Source {
    pub(super) parts: Vec<Part>,
    mosaic: Option<Mosaic>,
}

/// A page and, when our own path does not read it, the decoder that does.
pub(super) struct Part {
    pub(super) page: Page,
    foreign: OnceLock<std::result::Result<Foreign, String>>,
}

impl Part {
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
            Some(foreign) => foreign.tile(tiff, &self.page, col, row),
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
        associated: BTreeMap<String, Associated>,
    ) -> Result<Self> {
        levels.sort_by_key(|page| std::cmp::Reverse(page.width * page.height));
        let Some(base) = levels.first() else { return Err(no_levels(format)) };
        let sides = levels
            .iter()
            .map(|page| [page.width, page.height, page.tile_width.into(), page.tile_height.into()]);
        let mut info = SlideInfo::of_levels(pyramid(sides));
        info.missing_tiles = base.missing(&tiff);
        let levels = levels.into_iter().map(|page| Source { parts: vec![Part::new(page)], mosaic: None });
        Self::build(format, tiff, info, levels.collect(), associated)
    }

    /// Builds a slide from levels whose tiles are moved, largest first; `room` is what their patches left.
    pub(in crate::slide) fn composed(
        format: &'static str,
        tiff: Tiff,
        levels: Vec<Composed>,
        associated: BTreeMap<String, Associated>,
        mut room: Room,
    ) -> Result<Self> {
        for level in &levels {
            limits::check("width of a level", level.width, limits::MAX_SIDE)?;
            limits::check("height of a level", level.height, limits::MAX_SIDE)?;
            if level.width == 0 || level.height == 0 || level.pages.is_empty() {
                return Err(Error::malformed(format, "levels", "at least one pixel each", "none"));
            }
        }
        let sides = levels.iter().map(|level| [level.width, level.height, SIDE.into(), SIDE.into()]);
        let mut info = SlideInfo::of_levels(pyramid(sides));
        info.moved_tiles = true;
        let source = |level: Composed| {
            let parts = level.pages.into_iter().map(Part::new).collect();
            let mosaic = Mosaic::new(level.patches, [level.width, level.height], &mut room)?;
            Ok(Source { parts, mosaic: Some(mosaic) })
        };
        let levels = levels.into_iter().map(source).collect::<Result<Vec<_>>>()?;
        Self::build(format, tiff, info, levels, associated)
    }

    fn build(
        format: &'static str,
        tiff: Tiff,
        mut info: SlideInfo,
        levels: Vec<Source>,
        associated: BTreeMap<String, Associated>,
    ) -> Result<Self> {
        for part in levels.iter().flat_map(|level| &level.parts) {
            part.page.check_storage(&tiff, format)?;
        }
        let Some(base) = levels.first().and_then(|level| level.parts.first()) else {
            return Err(no_levels(format));
        };
        base.prepare(&tiff).map_err(|fault| fault.at(format, "level 0"))?;
        info.icc_bytes = tiff.byte_count(&base.page.directory, Tag::ICC_PROFILE);
        info.associated = associated.keys().cloned().collect();
        Ok(Self {
            format,
            tiff,
            info,
            levels,
            associated,
            stored: StoredTiles::default(),
            missing: Vec::new(),
            cleaner: None,
        })
    }

    /// Returns the header facts for the driver to complete.
    pub(in crate::slide) fn info_mut(&mut self) -> &mut SlideInfo {
        &mut self.info
    }

    /// Makes tiles that smaller levels lack show the next finer level, and with them those that were made
    /// of missing tiles: writers leave anything in there.
    pub(in crate::slide) fn show_missing_from_finer(&mut self) {
        let pages: Vec<&Page> =
            self.levels.iter().filter_map(|level| Some(&level.parts.first()?.page)).collect();
        self.missing = missing::shown_from_finer(&self.tiff, &pages);
    }

    /// Names the pages of the main chain that are neither levels nor associated images.
    pub(in crate::slide) fn unread_pages(&self) -> Vec<String> {
        let levels = self.levels.iter().flat_map(|level| &level.parts).map(|part| &part.page);
        let images = self.associated.values().filter_map(|image| match image {
            Associated::Page(page) => Some(page),
            Associated::Jpeg(_) => None,
        });
        let read: BTreeSet<usize> = levels.chain(images).filter_map(|page| page.directory.index).collect();
        let name = |index: usize| {
            let side = |tag| self.tiff.uint(&self.tiff.directories()[index], tag).unwrap_or(0);
            format!("page {} ({}x{} px)", index + 1, side(Tag::IMAGE_WIDTH), side(Tag::IMAGE_LENGTH))
        };
        (0..self.tiff.directories().len()).filter(|index| !read.contains(index)).map(name).collect()
    }

    /// Returns the parsed file.
    pub(in crate::slide) fn tiff(&self) -> &Tiff {
        &self.tiff
    }

    fn part_tile(&self, part: &Part, name: &str, col: u64, row: u64) -> Result<Option<Rgb>> {
        let kind = if part.page.tiled { "tile" } else { "strip" };
        part.tile(&self.tiff, col, row)
            .map_err(|fault| fault.at(self.format, format!("{kind} ({col}, {row}) of {name}")))
    }

    /// Decodes a tile by the number [`stored_tile`] gave it.
    fn stored_tile(&self, level: usize, number: u64) -> Result<Option<Rgb>> {
        let part = self.levels[level].parts.get((number >> TILE_BITS) as usize);
        let part = part.ok_or_else(|| no_such_tile(TileAt { level, col: number, row: 0 }))?;
        let (index, cols) = (number & ((1 << TILE_BITS) - 1), part.page.cols());
        self.part_tile(part, &format!("level {level}"), index % cols, index / cols)
    }

    fn page_image(&self, page: &Page, name: &str) -> Result<Rgb> {
        limits::check("pixels of an associated image", page.width * page.height, limits::MAX_ASSOCIATED_PX)?;
        let part = Part::new(page.clone());
        let mut image = Rgb::filled(page.width as usize, page.height as usize, [255; 3]);
        for row in 0..page.rows() {
            for col in 0..page.cols() {
                if let Some(tile) = self.part_tile(&part, name, col, row)? {
                    let (x, y) = (col * u64::from(page.tile_width), row * u64::from(page.tile_height));
                    paste(&mut image, &tile, x as usize, y as usize);
                }
            }
        }
        Ok(image)
    }
}

impl SlideReader for TiffSlide {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let source = self.levels.get(at.level).ok_or_else(|| no_such_tile(at))?;
        if let Some(mosaic) = &source.mosaic {
            let load = |stored| self.stored.get(at.level, stored, || self.stored_tile(at.level, stored));
            return mosaic.compose(at.col, at.row, load);
        }
        let part = source.parts.first();
        let part = part
            .filter(|part| at.col < part.page.cols() && at.row < part.page.rows())
            .ok_or_else(|| no_such_tile(at))?;
        let number = at.row * part.page.cols() + at.col;
        if self.missing.get(at.level).is_some_and(|missing| missing.contains(number)) {
            return Ok(None);
        }
        self.part_tile(part, &format!("level {}", at.level), at.col, at.row)
    }

    fn on_disk(&self, at: TileAt) -> Option<OnDisk> {
        let page = self.plain_page(at.level)?;
        let (offset, length) = decode::place(&self.tiff, page, at.row * page.cols() + at.col, at.row)?;
        self.tiff.bytes().on_disk(offset, length)
    }

    fn is_missing(&self, at: TileAt) -> bool {
        let page = self.plain_page(at.level).filter(|page| at.col < page.cols() && at.row < page.rows());
        page.is_some_and(|page| page.tiled && page.is_empty(&self.tiff, at.row * page.cols() + at.col))
    }

    fn missing_shows_finer(&self) -> bool {
        !self.missing.is_empty()
    }

    fn stored(&self) -> Option<&dyn Stored> {
        Some(self)
    }

    fn container(&self) -> Option<&dyn Container> {
        self.cleaner.map(|_| self as &dyn Container)
    }

    fn quickhash(&self) -> Option<String> {
        let known = matches!(self.format, "aperio" | "generic_tiff");
        quickhash(&self.tiff, self.plain_page(self.levels.len() - 1).filter(|_| known)?)
    }

    fn icc_profile(&self) -> Option<Vec<u8>> {
        let base = self.levels.first()?.parts.first()?;
        self.tiff.raw(&base.page.directory, Tag::ICC_PROFILE).map(<[u8]>::to_vec)
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        match self.associated.get(name) {
            Some(Associated::Page(page)) => self.page_image(page, name),
            Some(Associated::Jpeg(stream)) => jpeg::image(self.format, name, stream),
            None => Err(self.info.no_such_image(name)),
        }
    }
}

impl TiffSlide {
    /// Returns the page of a level whose tiles lie side by side.
    fn plain_page(&self, level: usize) -> Option<&Page> {
        let source = self.levels.get(level).filter(|source| source.mosaic.is_none())?;
        Some(&source.parts.first()?.page)
    }
}

impl Stored for TiffSlide {
    fn copy_jpeg(&self, level: usize, columns: Range<u64>, rows: Range<u64>) -> Option<JpegCopy> {
        let page = self.plain_page(level)?;
        let across = usize::try_from(columns.end.checked_sub(columns.start)?).ok()?;
        let missing = self.missing.get(level);
        let mut tiles = Vec::new();
        for row in rows {
            for col in columns.clone() {
                if missing.is_some_and(|missing| missing.contains(row * page.cols() + col)) {
                    return None;
                }
                tiles.push(decode::jpeg_stream(&self.tiff, page, col, row)?);
            }
        }
        jpeg::copy::join_tiles(&tiles, across)
    }

    fn storage(&self, level: usize) -> Option<Storage> {
        decode::storage(&self.tiff, self.plain_page(level)?)
    }

    fn bytes(&self, at: TileAt) -> Result<Option<&[u8]>> {
        let page = self.plain_page(at.level).filter(|page| at.col < page.cols() && at.row < page.rows());
        let page = page.ok_or_else(|| no_such_tile(at))?;
        let place = || format!("tile ({}, {}) of level {}", at.col, at.row, at.level);
        decode::tile_bytes(&self.tiff, page, at.col, at.row).map_err(|fault| fault.at(self.format, place()))
    }
}

fn no_levels(format: &'static str) -> Error {
    Error::malformed(format, "levels", "at least one", "none")
}

fn paste(image: &mut Rgb, tile: &Rgb, x: usize, y: usize) {
    let width = tile.width().min(image.width() - x);
    for dy in 0..tile.height().min(image.height() - y) {
        image.row_mut(y + dy)[x..x + width].copy_from_slice(&tile.row(dy)[..width]);
    }
}

/// Returns levels of these widths, heights, tile widths and tile heights, the first being level 0.
fn pyramid(sides: impl Iterator<Item = [u64; 4]>) -> Vec<Level> {
    let mut base = None;
    let level = |[width, height, tile_width, tile_height]: [u64; 4]| {
        let tile = [tile_width, tile_height].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        Level::of(*base.get_or_insert([width, height]), [width, height], tile)
    };
    sides.map(level).collect()
}

/// Returns whether `page` is clearly of another size than all of `others`, as the levels of a pyramid are.
pub(in crate::slide) fn is_own_size(page: &Page, others: &[Page]) -> bool {
    others.iter().all(|other| 10 * page.width.min(other.width) <= 9 * page.width.max(other.width))
}

/// Returns whether a directory says that it is a smaller copy of another image, and no mask.
pub(in crate::slide) fn is_reduced(tiff: &Tiff, directory: &Directory) -> bool {
    const REDUCED: u64 = 1;
    const MASK: u64 = 4;
    let kind = tiff.uint(directory, Tag::NEW_SUBFILE_TYPE);
    kind.is_some_and(|kind| kind & (REDUCED | MASK) == REDUCED)
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
