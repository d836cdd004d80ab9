//! Zeiss CZI: rectangles of pixels (subblocks) anywhere on the slide, at several resolutions.

mod decode;
mod describe;
mod segments;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use self::{
    decode::Codec,
    segments::{File, Subblock},
};
use super::{
    Format, Level, Probe, SlideInfo, SlideReader, TileAt,
    bytes::FileBytes,
    codec::jpeg,
    focus::MiddlePlanes,
    limits,
    mosaic::{Mosaic, Patch, Room, SIDE, StoredTiles, no_such_tile},
};
use crate::{
    error::{Error, Result},
    geometry::Rect,
    raster::Rgb,
};

const NAME: &str = "czi";
/// Attachments that are associated images, and OpenSlide's names for them.
const ASSOCIATED: [(&str, &str); 3] =
    [("Label", "label"), ("SlidePreview", "macro"), ("Thumbnail", "thumbnail")];

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

struct Czi {
    info: SlideInfo,
    bytes: Arc<FileBytes>,
    levels: Vec<LevelMosaic>,
    associated: BTreeMap<String, Associated>,
    stored: StoredTiles,
}

struct LevelMosaic {
    mosaic: Mosaic,
    subblocks: Vec<(Subblock, Codec)>,
}

enum Associated {
    Jpeg(Range<usize>),
    /// An embedded CZI of one subblock.
    Czi(Range<usize>, Subblock),
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    if probe.head().starts_with(b"ZISRAWFILE") {
        return Ok(());
    }
    Err("not a CZI file".into())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let bytes = probe.bytes().clone();
    let file = File(bytes.all());
    let (subblocks, planes) = one_plane(file.subblocks()?)?;
    let origin = [min(&subblocks, |block| block.x)?, min(&subblocks, |block| block.y)?].map(i64::from);
    let size = size(&subblocks, origin)?;
    let (mut levels, mut facts, mut room) = (Vec::new(), Vec::new(), Room::default());
    for factor in factors(&subblocks)? {
        let [width, height] = size.map(|side| (side / u64::from(factor)).max(1));
        facts.push(Level { width, height, downsample: factor.into(), tile_width: SIDE, tile_height: SIDE });
        let of_level = subblocks.iter().filter(|block| block.factor == factor);
        levels.push(LevelMosaic::new(of_level, origin, factor, [width, height], &mut room)?);
    }
    let associated = associated(file);
    let mut info = SlideInfo::of_levels(facts);
    info.moved_tiles = true;
    info.focal_planes = planes;
    info.associated = associated.keys().cloned().collect();
    describe::describe(&mut info, file.metadata()?.as_deref())?;
    info.set_regions(&scenes(&subblocks, origin));
    Ok(Box::new(Czi { info, bytes, levels, associated, stored: StoredTiles::default() }))
}

fn min(subblocks: &[Subblock], place: impl Fn(&Subblock) -> i32) -> Result<i32> {
    let least = subblocks.iter().map(place).min();
    least.ok_or_else(|| Error::malformed(NAME, "directory", "subblocks", "none"))
}

/// Keeps one focal plane and one point of all other dimensions at each place, for scenes need not share them; returns also
/// how many focal planes there are.
fn one_plane(mut subblocks: Vec<Subblock>) -> Result<(Vec<Subblock>, u64)> {
    let channels: BTreeSet<i32> = subblocks.iter().map(|block| block.channel).collect();
    if channels.len() > 1 {
        return Err(Error::unsupported(NAME, format!("{} channels", channels.len())));
    }
    let place = |block: &Subblock| (block.scene, block.factor, block.x, block.y);
    let mut first = BTreeMap::new();
    for block in &subblocks {
        let others = first.entry(place(block)).or_insert(block.others);
        *others = block.others.min(*others);
    }
    subblocks.retain(|block| first.get(&place(block)) == Some(&block.others));
    let planes = MiddlePlanes::of(subblocks.iter().map(|block| (place(block), block.focus)));
    subblocks.retain(|block| planes.holds(place(block), block.focus));
    Ok((subblocks, planes.most()))
}

/// Returns the size of the slide at full resolution.
fn size(subblocks: &[Subblock], origin: [i64; 2]) -> Result<[u64; 2]> {
    let end = |place: fn(&Subblock) -> i64, origin: i64| {
        let ends = subblocks.iter().filter(|block| block.factor == 1).map(place);
        ends.max().and_then(|end| u64::try_from(end - origin).ok()).filter(|&side| side > 0)
    };
    let width = end(|block| i64::from(block.x) + i64::from(block.width), origin[0]);
    let height = end(|block| i64::from(block.y) + i64::from(block.height), origin[1]);
    let (Some(width), Some(height)) = (width, height) else {
        return Err(Error::malformed(NAME, "directory", "subblocks of the full resolution", "none"));
    };
    limits::check("width of level 0", width, limits::MAX_SIDE)?;
    limits::check("height of level 0", height, limits::MAX_SIDE)?;
    Ok([width, height])
}

/// Returns the downsampling factors that every scene has.
fn factors(subblocks: &[Subblock]) -> Result<Vec<u32>> {
    let mut coarsest: BTreeMap<i32, u32> = BTreeMap::new();
    for block in subblocks {
        let factor = coarsest.entry(block.scene).or_default();
        *factor = block.factor.max(*factor);
    }
    let most = coarsest.into_values().min().unwrap_or(1);
    let factors: BTreeSet<u32> =
        subblocks.iter().map(|block| block.factor).filter(|&factor| factor <= most).collect();
    limits::check("number of levels", factors.len() as u64, 64)?;
    Ok(factors.into_iter().collect())
}

/// Returns the scanned rectangles.
fn scenes(subblocks: &[Subblock], origin: [i64; 2]) -> Vec<Rect> {
    let mut scenes: BTreeMap<i32, [i64; 4]> = BTreeMap::new();
    for block in subblocks.iter().filter(|block| block.factor == 1) {
        let (x, y) = (i64::from(block.x) - origin[0], i64::from(block.y) - origin[1]);
        let edges = [x, y, x + i64::from(block.width), y + i64::from(block.height)];
        let scene = scenes.entry(block.scene).or_insert(edges);
        for i in 0..2 {
            scene[i] = scene[i].min(edges[i]);
            scene[i + 2] = scene[i + 2].max(edges[i + 2]);
        }
    }
    let length = |from: i64, to: i64| u64::try_from(to - from).unwrap_or(0);
    let rect = |[x0, y0, x1, y1]: [i64; 4]| Rect { x0, y0, width: length(x0, x1), height: length(y0, y1) };
    scenes.into_values().map(rect).collect()
}

/// Finds the associated images; those that cannot be read are left out.
fn associated(file: File<'_>) -> BTreeMap<String, Associated> {
    let mut images = BTreeMap::new();
    for attachment in file.attachments().unwrap_or_default() {
        let Some((_, name)) = ASSOCIATED.iter().find(|(name, _)| *name == attachment.name) else { continue };
        let bytes = &file.0[attachment.bytes.clone()];
        let image = match attachment.kind.as_str() {
            "JPG" if jpeg::size(bytes).is_ok() => Associated::Jpeg(attachment.bytes),
            "CZI" => match File(bytes).subblocks().as_deref() {
                Ok([only]) => Associated::Czi(attachment.bytes, only.clone()),
                _ => continue,
            },
            _ => continue,
        };
        images.insert((*name).to_owned(), image);
    }
    images
}

impl LevelMosaic {
    fn new<'a>(
        subblocks: impl Iterator<Item = &'a Subblock>,
        origin: [i64; 2],
        factor: u32,
        size: [u64; 2],
        room: &mut Room,
    ) -> Result<Self> {
        let mut subblocks: Vec<Subblock> = subblocks.cloned().collect();
        subblocks.sort_by_key(|block| block.order);
        let place = |v: i32, origin: i64| (i64::from(v) - origin).div_euclid(factor.into());
        let patch = |(stored, block): (u64, &Subblock)| Patch {
            x: place(block.x, origin[0]),
            y: place(block.y, origin[1]),
            width: block.width,
            height: block.height,
            stored,
            left: 0,
            top: 0,
        };
        room.take_patches(subblocks.len() as u64)?;
        let mosaic = Mosaic::new((0..).zip(&subblocks).map(patch).collect(), size, room)?;
        let with_codec = |block: Subblock| {
            let codec = Codec::new(block.pixel_type, block.compression)?;
            Ok((block, codec))
        };
        Ok(Self { mosaic, subblocks: subblocks.into_iter().map(with_codec).collect::<Result<_>>()? })
    }
}

impl Czi {
    fn subblock(&self, level: usize, number: u64) -> Result<Option<Rgb>> {
        let (block, codec) = &self.levels[level].subblocks[number as usize];
        let data = File(self.bytes.all()).pixels(block)?;
        let rgb = codec.decode(data, block.width as usize, block.height as usize).map_err(|fault| {
            fault.at(NAME, format!("subblock at ({}, {}) of level {level}", block.x, block.y))
        })?;
        self.bytes.done_with(data.len() as u64);
        Ok(Some(rgb))
    }
}

impl SlideReader for Czi {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let level = self.levels.get(at.level).ok_or_else(|| no_such_tile(at))?;
        let load = |number| self.stored.get(at.level, number, || self.subblock(at.level, number));
        level.mosaic.compose(at.col, at.row, load)
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        match self.associated.get(name).ok_or_else(|| self.info.no_such_image(name))? {
            Associated::Jpeg(bytes) => jpeg::image(NAME, name, &self.bytes.all()[bytes.clone()]),
            Associated::Czi(bytes, block) => {
                let data = File(&self.bytes.all()[bytes.clone()]).pixels(block)?;
                let codec = Codec::new(block.pixel_type, block.compression)?;
                let rgb = codec.decode(data, block.width as usize, block.height as usize);
                rgb.map_err(|fault| fault.at(NAME, format!("{name} image")))
            }
        }
    }
}
