//! One image of a TIFF file: its size, how it is cut into tiles or strips, how they are stored.

use std::sync::Arc;

use super::{Directory, Entry, Tag, Tiff};
use crate::{
    error::{Error, Result},
    geometry::Rect,
    slide::limits,
};

/// How samples are coloured (the tag `PhotometricInterpretation`).
pub(super) mod photometric {
    pub(in crate::slide) const MIN_IS_WHITE: u64 = 0;
    pub(in crate::slide) const MIN_IS_BLACK: u64 = 1;
    pub(in crate::slide) const RGB: u64 = 2;
    pub(in crate::slide) const PALETTE: u64 = 3;
    pub(in crate::slide) const CMYK: u64 = 5;
    pub(in crate::slide) const YCBCR: u64 = 6;
}

/// How tiles are compressed (the tag `Compression`).
pub(super) mod compression {
    pub(in crate::slide) const NONE: u64 = 1;
    pub(in crate::slide) const LZW: u64 = 5;
    const OLD_JPEG: u64 = 6;
    pub(in crate::slide) const JPEG: u64 = 7;
    pub(in crate::slide) const DEFLATE: u64 = 8;
    pub(in crate::slide) const PACK_BITS: u64 = 32_773;
    pub(in crate::slide) const OLD_DEFLATE: u64 = 32_946;
    pub(in crate::slide) const JP2K_YCBCR: u64 = 33_003;
    pub(in crate::slide) const JP2K_RGB: u64 = 33_005;
    pub(in crate::slide) const ZSTD: u64 = 50_000;

    /// Returns the name of a compression, for messages.
    pub(in crate::slide) fn name(code: u64) -> String {
        match code {
            NONE => "no compression",
            2 => "CCITT RLE compression",
            3 => "CCITT group 3 compression",
            4 => "CCITT group 4 compression",
            LZW => "LZW compression",
            OLD_JPEG => "old-style JPEG compression",
            JPEG => "JPEG compression",
            DEFLATE | OLD_DEFLATE => "Deflate compression",
            PACK_BITS => "PackBits compression",
            22_610 | 34_934 => "JPEG XR compression",
            32_766 => "NeXT compression",
            32_809 => "ThunderScan compression",
            JP2K_YCBCR | 33_004 | JP2K_RGB | 34_712 => "JPEG 2000 compression",
            34_676 | 34_677 => "SGI LogLuv compression",
            34_887 => "LERC compression",
            34_925 => "LZMA compression",
            34_933 => "PNG compression",
            ZSTD => "Zstandard compression",
            50_001 => "WebP compression",
            50_002 | 52_546 => "JPEG XL compression",
            other => return format!("compression {other}"),
        }
        .into()
    }
}

/// Bytes of the samples of one tile or strip: eight bits of red, green, blue and opacity of the largest.
const MAX_TILE_BYTES: u64 = 4 * limits::MAX_TILE_PX;

/// One image of a TIFF file.
#[derive(Clone, Debug)]
pub(in crate::slide) struct Page {
    /// Width in pixels.
    pub(in crate::slide) width: u64,
    /// Height in pixels.
    pub(in crate::slide) height: u64,
    /// Width of a tile; strips are as wide as the image.
    pub(in crate::slide) tile_width: u32,
    /// Height of a tile, or rows per strip.
    pub(in crate::slide) tile_height: u32,
    /// Whether the image is cut into tiles, not strips.
    pub(in crate::slide) tiled: bool,
    pub(super) compression: u64,
    pub(super) photometric: u64,
    pub(super) bits: u64,
    pub(super) samples: u64,
    pub(super) planar: bool,
    pub(super) predictor: u64,
    pub(super) sample_format: u64,
    pub(super) fill_order: u64,
    pub(in crate::slide) directory: Directory,
    /// Rows per stored strip, when uncompressed strips were cut into smaller ones.
    pub(super) stored_rows: Option<u64>,
    offsets: Entry,
    counts: Option<Entry>,
    /// Green and blue, where they are images of their own.
    others: Option<Arc<[Self; 2]>>,
}

impl Page {
    /// Reads the layout of one directory.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when a field is missing or contradicts another, [`Error::Limits`] when
    /// the declared sizes are beyond anything a scanner writes.
    pub(in crate::slide) fn parse(tiff: &Tiff, directory: &Directory, format: &'static str) -> Result<Self> {
        let uint = |tag| tiff.uint(directory, tag);
        let side = |tag: Tag| {
            let value = uint(tag).ok_or_else(|| Error::malformed(format, tag.name(), "a number", "none"))?;
            if value == 0 {
                return Err(Error::malformed(format, tag.name(), "at least 1", 0));
            }
            limits::check(tag.name(), value, limits::MAX_SIDE).map(|()| value)
        };
        let (width, height) = (side(Tag::IMAGE_WIDTH)?, side(Tag::IMAGE_LENGTH)?);
        let tiled = directory.find(Tag::TILE_WIDTH).is_some() || directory.find(Tag::TILE_OFFSETS).is_some();
        let (tile_width, tile_height) = if tiled {
            (side(Tag::TILE_WIDTH)?, side(Tag::TILE_LENGTH)?)
        } else {
            let rows = uint(Tag::ROWS_PER_STRIP).filter(|&r| r > 0).unwrap_or(height);
            (width, rows.min(height))
        };
        let (offset_tag, count_tag) = if tiled {
            (Tag::TILE_OFFSETS, Tag::TILE_BYTE_COUNTS)
        } else {
            (Tag::STRIP_OFFSETS, Tag::STRIP_BYTE_COUNTS)
        };
        let offsets = directory
            .find(offset_tag)
            .ok_or_else(|| Error::malformed(format, offset_tag.name(), "a list of offsets", "none"))?;
        let bits = tiff.uints(directory, Tag::BITS_PER_SAMPLE)?.unwrap_or_else(|| vec![1]);
        if bits.iter().any(|b| Some(b) != bits.first()) {
            return Err(Error::unsupported(format, "samples of different bit depths"));
        }
        let mut page = Self {
            width,
            height,
            tile_width: u32::try_from(tile_width).unwrap_or(u32::MAX),
            tile_height: u32::try_from(tile_height).unwrap_or(u32::MAX),
            tiled,
            compression: uint(Tag::COMPRESSION).unwrap_or(compression::NONE),
            photometric: uint(Tag::PHOTOMETRIC).unwrap_or(photometric::MIN_IS_BLACK),
            bits: bits.first().copied().unwrap_or(1),
            samples: uint(Tag::SAMPLES_PER_PIXEL).unwrap_or(1),
            planar: uint(Tag::PLANAR_CONFIG) == Some(2),
            predictor: uint(Tag::PREDICTOR).unwrap_or(1),
            sample_format: uint(Tag::SAMPLE_FORMAT).unwrap_or(1),
            fill_order: uint(Tag::FILL_ORDER).unwrap_or(1),
            directory: directory.clone(),
            stored_rows: None,
            offsets,
            counts: directory.find(count_tag),
            others: None,
        };
        page.check(tiff, format, offset_tag, count_tag)?;
        Ok(page)
    }

    fn check(&mut self, tiff: &Tiff, format: &'static str, offsets: Tag, counts: Tag) -> Result<()> {
        tiff.check_inside(self.offsets, offsets)?;
        let planes = if self.planar { self.samples } else { 1 };
        let needed = self.cols().saturating_mul(self.rows()).saturating_mul(planes);
        limits::check("number of stored tiles", needed, limits::MAX_PATCHES)?;
        if self.offsets.count < needed {
            return Err(Error::malformed(format, offsets.name(), needed, self.offsets.count));
        }
        match self.counts {
            Some(entry) => {
                tiff.check_inside(entry, counts)?;
                if entry.count < needed {
                    return Err(Error::malformed(format, counts.name(), needed, entry.count));
                }
            }
            None if self.compression == compression::NONE => {}
            None => return Err(Error::malformed(format, counts.name(), "a list of lengths", "none")),
        }
        self.split_raw_strips();
        let of = if self.tiled {
            "one tile"
        } else {
            "one strip (`vips tiffsave IN OUT --tile --pyramid` writes a TIFF of tiles)"
        };
        let height = u64::from(self.tile_height);
        let pixels = u64::from(self.tile_width).saturating_mul(height);
        limits::check(&format!("pixels of {of}"), pixels, limits::MAX_TILE_PX)?;
        if self.is_lossless() && self.decodes_here() {
            let bytes = self.row_bytes().saturating_mul(height);
            limits::check(&format!("bytes of {of}"), bytes, MAX_TILE_BYTES)?;
        }
        Ok(())
    }

    /// Cuts large uncompressed strips into smaller ones: their rows can be addressed one by one.
    fn split_raw_strips(&mut self) {
        const ROWS_PX: u64 = 1 << 20;
        let rows = (ROWS_PX / self.width).max(1);
        let raw = self.compression == compression::NONE;
        let splits = !self.tiled && raw && self.decodes_here();
        if splits && rows < u64::from(self.tile_height) && u64::from(self.tile_height) == self.height {
            self.stored_rows = Some(self.tile_height.into());
            self.tile_height = u32::try_from(rows).unwrap_or(u32::MAX);
        }
    }

    /// Joins three gray images to one of red, green and blue; `None` when they are not stored alike or this
    /// build cannot read them so.
    pub(in crate::slide) fn merge_rgb(red: Self, green: Self, blue: Self) -> Option<Self> {
        let layout = |page: &Self| {
            let size = [page.width, page.height, page.tile_width.into(), page.tile_height.into()];
            let storage = [page.compression, page.bits, page.sample_format, page.predictor, page.fill_order];
            (size, storage, page.photometric, page.samples, page.tiled)
        };
        let gray = red.samples == 1 && red.bits == 8 && red.photometric == photometric::MIN_IS_BLACK;
        if !gray || [&green, &blue].iter().any(|page| layout(page) != layout(&red)) {
            return None;
        }
        let mut page = red;
        (page.photometric, page.samples, page.planar) = (photometric::RGB, 3, true);
        page.others = Some(Arc::new([green, blue]));
        page.decodes_here().then_some(page)
    }

    /// Returns whether our own path reads this image; otherwise the `tiff` crate's decoder does.
    pub(super) fn decodes_here(&self) -> bool {
        if matches!(self.compression, compression::JP2K_YCBCR | compression::JP2K_RGB) {
            return !self.planar;
        }
        let here = if self.compression == compression::JPEG { self.jpeg_here() } else { self.samples_here() };
        here && self.sample_format == 1
    }

    fn jpeg_here(&self) -> bool {
        let colours = match self.photometric {
            photometric::RGB => matches!(self.samples, 3 | 4),
            photometric::YCBCR => self.samples == 3,
            photometric::MIN_IS_WHITE | photometric::MIN_IS_BLACK | photometric::PALETTE => self.samples == 1,
            _ => false,
        };
        colours && self.bits == 8 && self.fill_order == 1 && !self.is_planar()
    }

    fn samples_here(&self) -> bool {
        let colours = match self.photometric {
            photometric::RGB => matches!(self.samples, 3..=5),
            photometric::MIN_IS_WHITE | photometric::MIN_IS_BLACK => matches!(self.samples, 1 | 2),
            photometric::PALETTE => self.samples == 1 && self.bits == 8,
            photometric::CMYK => matches!(self.samples, 4 | 5),
            photometric::YCBCR => self.samples == 3 && self.bits >= 8,
            _ => false,
        };
        let bits = match self.bits {
            8 | 16 => !self.is_differenced() || self.predictor == 2,
            1 | 2 | 4 => !self.is_differenced(),
            _ => false,
        };
        colours && bits && matches!(self.fill_order, 1 | 2)
    }

    /// Returns whether tiles hold samples, compressed without loss or not at all.
    pub(super) fn is_lossless(&self) -> bool {
        !matches!(self.compression, compression::JPEG | compression::JP2K_YCBCR | compression::JP2K_RGB)
    }

    /// Returns whether samples are stored as differences: the tag `Predictor` says so, of compressions that have it.
    pub(super) fn is_differenced(&self) -> bool {
        let has_none = matches!(self.compression, compression::NONE | compression::PACK_BITS);
        self.predictor != 1 && self.is_lossless() && !has_none
    }

    /// Returns whether stored tiles can be copied as they are into a file of 8-bit samples.
    pub(super) fn is_copied(&self) -> bool {
        let samples = match self.photometric {
            photometric::RGB => self.samples <= 4,
            photometric::YCBCR => self.compression == compression::JPEG,
            photometric::MIN_IS_WHITE | photometric::MIN_IS_BLACK => true,
            _ => false,
        };
        let plain = !self.is_lossless() || self.bits == 8 && self.fill_order == 1 && samples;
        self.tiled && self.decodes_here() && !self.is_planar() && plain
    }

    /// Returns whether this build can decode this image where it stands: the `tiff` crate's decoder goes to directories of the
    /// main chain only, not to sub-directories.
    pub(in crate::slide) fn is_reached(&self) -> bool {
        self.decodes_here() || self.directory.index.is_some()
    }

    /// Returns whether red, green and blue are stored as separate images.
    pub(super) fn is_planar(&self) -> bool {
        self.planar && self.samples > 1
    }

    /// Returns how many samples of a pixel are its colours; others stand behind them.
    pub(super) fn colours(&self) -> usize {
        match self.photometric {
            photometric::RGB | photometric::YCBCR => 3,
            photometric::CMYK => 4,
            _ => 1,
        }
    }

    /// Returns whether both images store the same kind of samples.
    pub(in crate::slide) fn same_samples(&self, other: &Self) -> bool {
        (self.bits, self.samples, self.sample_format) == (other.bits, other.samples, other.sample_format)
    }

    /// Returns the number of tile columns.
    pub(in crate::slide) fn cols(&self) -> u64 {
        self.width.div_ceil(self.tile_width.into())
    }

    /// Returns the number of tile rows.
    pub(in crate::slide) fn rows(&self) -> u64 {
        self.height.div_ceil(self.tile_height.into())
    }

    /// Returns offset and length of stored tile `index`; a length of 0 means nothing is stored. That is so at offset 0 as
    /// well, where the file's header lies.
    pub(super) fn stored(&self, tiff: &Tiff, index: u64) -> Option<(u64, u64)> {
        let tiles = self.cols() * self.rows();
        self.stored_of(tiff, index / tiles, index % tiles)
    }

    /// As [`Page::stored`] for a tile, or a strip as it is in the file, of a plane.
    pub(super) fn stored_of(&self, tiff: &Tiff, plane: u64, index: u64) -> Option<(u64, u64)> {
        if let (Some(others), 1..) = (&self.others, plane) {
            return others.get(usize::try_from(plane).ok()? - 1)?.stored_of(tiff, 0, index);
        }
        let of_plane = match self.stored_rows {
            Some(rows) => self.height.div_ceil(rows),
            None => self.cols() * self.rows(),
        };
        let index = plane * of_plane + index;
        let offset = tiff.uint_at(self.offsets, index)?;
        let length = match self.counts {
            _ if offset == 0 => 0,
            Some(entry) => tiff.uint_at(entry, index)?,
            None => self.raw_bytes(),
        };
        Some((offset, length))
    }

    /// Returns the bytes of a whole uncompressed tile or strip.
    fn raw_bytes(&self) -> u64 {
        self.row_bytes().saturating_mul(self.stored_rows.unwrap_or(self.tile_height.into()))
    }

    /// Returns the bytes of a row of a tile or strip, of one plane.
    pub(super) fn row_bytes(&self) -> u64 {
        let samples = if self.planar { 1 } else { self.samples };
        let bits = u64::from(self.tile_width).saturating_mul(samples).saturating_mul(self.bits);
        bits.div_ceil(8)
    }

    /// Returns how many tiles store nothing.
    pub(in crate::slide) fn missing(&self, tiff: &Tiff) -> u64 {
        if self.stored_rows.is_some() {
            return 0;
        }
        (0..self.cols() * self.rows()).filter(|&i| self.is_empty(tiff, i)).count() as u64
    }

    /// Returns the rectangle around all tiles that store something; `None` when that is the whole image
    /// or nothing.
    pub(in crate::slide) fn stored_bounds(&self, tiff: &Tiff) -> Option<Rect> {
        let (mut from, mut to) = ([u64::MAX; 2], [0; 2]);
        for row in 0..self.rows() {
            for col in (0..self.cols()).filter(|col| !self.is_empty(tiff, row * self.cols() + col)) {
                from = [from[0].min(col), from[1].min(row)];
                to = [to[0].max(col + 1), to[1].max(row + 1)];
            }
        }
        let (tile, size) = ([self.tile_width, self.tile_height].map(u64::from), [self.width, self.height]);
        let start = |i: usize| from[i].saturating_mul(tile[i]);
        let length = |i: usize| (to[i] * tile[i]).min(size[i]).saturating_sub(start(i));
        let bounds = [start(0), start(1), length(0), length(1)];
        let all = bounds == [0, 0, self.width, self.height] || bounds[2] == 0;
        let place = |v: u64| i64::try_from(v).unwrap_or(i64::MAX);
        let rect = Rect { x0: place(start(0)), y0: place(start(1)), width: length(0), height: length(1) };
        (!all).then_some(rect)
    }

    /// Returns whether nothing is stored of a tile, in no plane.
    pub(super) fn is_empty(&self, tiff: &Tiff, index: u64) -> bool {
        let planes = if self.is_planar() { self.samples } else { 1 };
        let empty = |plane| self.stored_of(tiff, plane, index).is_some_and(|(_, length)| length == 0);
        self.stored_rows.is_none() && (0..planes).all(empty)
    }
}
