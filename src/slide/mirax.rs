//! MIRAX (3DHISTECH): a preview `name.mrxs` and beside it a folder `name` with `Slidedat.ini`, an index
//! and data files.
//!
//! The camera takes overlapping photographs, each cut into `CameraImageDivisionsPerSide`² images. Smaller
//! levels average and join images, also of different photographs, so that a stored image holds parts
//! that belong to different places (`mirax/layout.rs`).

mod header;
mod index;
mod layout;

use std::path::{Path, PathBuf};

use image::ImageFormat;

use self::{
    header::{Header, Kind},
    index::Index,
};
use super::{
    Format, Level, Probe, SlideInfo, SlideReader, TileAt,
    bytes::FileBytes,
    codec::{
        Fault,
        jpeg::{self, Colour},
    },
    keyfile::KeyFile,
    limits,
    mosaic::{Mosaic, SIDE, StoredTiles, no_such_tile},
    properties::{Properties, calibration},
};
use crate::{
    error::{Error, Result},
    geometry::Rect,
    raster::Rgb,
};

const NAME: &str = "mirax";
const INI: &str = "Slidedat.ini";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

struct Mirax {
    info: SlideInfo,
    header: Header,
    index: Index,
    levels: Vec<Mosaic>,
    files: Vec<FileBytes>,
    stored: StoredTiles,
}

/// Returns the folder that holds the slide of a preview file.
fn folder(probe: &Probe) -> PathBuf {
    probe.path.with_extension("")
}

/// Returns that folder, where it holds a slide.
pub(super) fn data(preview: &Path) -> Option<PathBuf> {
    let folder = preview.with_extension("");
    (preview.extension().is_some() && folder.join(INI).is_file()).then_some(folder)
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    if probe.looks_like_tiff() {
        return Err("a TIFF file".into());
    }
    if data(&probe.path).is_none() {
        return Err(format!("no folder with {INI}"));
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let folder = folder(&probe);
    let keys = KeyFile::open(NAME, &folder.join(INI))?;
    let header = Header::read(&keys)?;
    let index = Index::read(FileBytes::open(&folder.join(&header.index_file))?.all(), &header)?;
    let files = header.data_files.iter().map(|name| FileBytes::open(&folder.join(name)));
    let files = files.collect::<Result<Vec<_>>>()?;
    let positions = layout::positions(&header, &index, &files)?;
    let levels = layout::levels(&header, &index, &positions)?;
    let sizes = header.level_sizes();
    for side in sizes.iter().flatten() {
        limits::check("side of a level", *side, limits::MAX_SIDE)?;
    }
    let concat = header.levels[0].concat;
    let level = |(level, [width, height]): (&header::LevelHeader, [u64; 2])| Level {
        width,
        height,
        downsample: (level.concat / concat) as f64,
        tile_width: SIDE,
        tile_height: SIDE,
    };
    let mut info = SlideInfo::of_levels(header.levels.iter().zip(sizes).map(level).collect());
    info.moved_tiles = true;
    info.associated = header.associated.keys().cloned().collect();
    describe(&mut info, &keys, &header, &levels[0]);
    Ok(Box::new(Mirax { info, header, index, levels, files, stored: StoredTiles::default() }))
}

fn describe(info: &mut SlideInfo, keys: &KeyFile, header: &Header, base: &Mosaic) {
    let mut properties = Properties::new();
    for (group, key, value) in keys.entries() {
        properties.insert(format!("mirax.{group}.{key}"), value.into());
    }
    let level = &info.levels[0];
    info.bounds = base.extent().map(|[left, top, right, bottom]| {
        let length =
            |start: i64, end: i64, side: u64| u64::try_from(end.min(side as i64) - start).unwrap_or(0);
        Rect {
            x0: left,
            y0: top,
            width: length(left, right, level.width),
            height: length(top, bottom, level.height),
        }
    });
    let all = Rect { x0: 0, y0: 0, width: level.width, height: level.height };
    info.bounds = info.bounds.filter(|bounds| *bounds != all);
    info.background = Some(header.fill);
    let [x, y] = header.mpp;
    let mpp = calibration(x, y, "mirax.MICROMETER_PER_PIXEL_X");
    info.describe(NAME, mpp, header.objective, properties);
}

impl Mirax {
    /// Decodes stored image `number` of a level.
    fn image(&self, level: usize, number: u64) -> Result<Option<Rgb>> {
        let header = &self.header.levels[level];
        let place = || format!("image {number} of level {level}");
        let stored = self.index.levels[level].get(number as usize);
        let stored = stored.ok_or_else(|| Error::malformed(NAME, place(), "one of the index", "none"))?;
        let file = self.files.get(stored.file).and_then(|file| file.get(stored.offset, stored.length));
        let outside = || {
            let got = format!("{} bytes at {}", stored.length, stored.offset);
            Error::malformed(NAME, place(), "bytes inside its data file", got)
        };
        let data = file.ok_or_else(outside)?;
        self.files[stored.file].done_with(stored.length);
        let (width, height) = (header.width as usize, header.height as usize);
        let decoded = match header.kind {
            Kind::Jpeg => jpeg::decode(None, data, Colour::Own, width, height),
            Kind::Png => lossless(data, ImageFormat::Png, width, height),
            Kind::Bmp => lossless(data, ImageFormat::Bmp, width, height),
        };
        decoded.map(Some).map_err(|fault| fault.at(NAME, place()))
    }
}

/// Decodes a PNG or BMP of a known size.
fn lossless(
    data: &[u8],
    format: ImageFormat,
    width: usize,
    height: usize,
) -> std::result::Result<Rgb, Fault> {
    let expected = || format!("a {width}x{height} px image");
    let bad = |error: image::ImageError| Fault::damaged(expected(), error);
    let mut reader = image::ImageReader::with_format(std::io::Cursor::new(data), format);
    let mut limits = image::Limits::default();
    let side = |v: usize| u32::try_from(v).ok();
    (limits.max_image_width, limits.max_image_height) = (side(width), side(height));
    reader.limits(limits);
    let image = reader.decode().map_err(bad)?.into_rgb8();
    let got = format!("{}x{} px", image.width(), image.height());
    let fits = (image.width() as usize, image.height() as usize) == (width, height);
    let rgb = Rgb::from_vec(width, height, image.into_raw()).filter(|_| fits);
    rgb.ok_or_else(|| Fault::damaged(expected(), got))
}

impl SlideReader for Mirax {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let mosaic = self.levels.get(at.level).ok_or_else(|| no_such_tile(at))?;
        let load = |number| self.stored.get(at.level, number, || self.image(at.level, number));
        mosaic.compose(at.col, at.row, load)
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        let record = self.header.associated.get(name).ok_or_else(|| self.info.no_such_image(name))?;
        jpeg::image(NAME, name, self.index.record(*record, &self.files)?)
    }
}
