//! Hamamatsu VMS: a text file that names a grid of JPEG files, divided by restart markers, and a
//! smaller one of the whole slide.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    Format, Level, Probe, SlideInfo, SlideReader, TileAt,
    bytes::FileBytes,
    codec::jpeg::{self, restart::Divided},
    keyfile::{KeyFile, is_file_name},
    mosaic::no_such_tile,
    properties::{Properties, calibration, put, real},
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

const NAME: &str = "vms";
const GROUP: &str = "Virtual Microscope Specimen";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

struct Vms {
    info: SlideInfo,
    levels: Vec<Grid>,
    overview: Option<PathBuf>,
}

/// The JPEG files of one level.
struct Grid {
    parts: Vec<(FileBytes, Divided)>,
    across: usize,
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    let text = probe.bytes().get(0, probe.bytes().len().min(1024)).unwrap_or_default();
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    if has(b"[Uncompressed Virtual Microscope Specimen]") {
        return Err("Hamamatsu VMU (uncompressed) slides are not read".into());
    }
    if !has(b"[Virtual Microscope Specimen]") {
        return Err("not a VMS index".into());
    }
    Ok(())
}

/// Returns the files that an index names, sorted; `None` when `head`, the first bytes of the file, is not of one.
pub(super) fn files(index: &Path, head: &[u8]) -> Option<Vec<PathBuf>> {
    let title = format!("[{GROUP}]");
    head.windows(title.len()).any(|part| part == title.as_bytes()).then_some(())?;
    let keys = KeyFile::open(NAME, index).ok()?;
    let names = |key: &str| key.starts_with("ImageFile") || matches!(key, "MapFile" | "MacroImage");
    let named =
        keys.entries().filter(|(group, key, name)| *group == GROUP && names(key) && is_file_name(name));
    let mut files: Vec<PathBuf> = named.map(|(.., name)| index.with_file_name(name)).collect();
    files.sort();
    files.dedup();
    Some(files)
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let keys = KeyFile::parse(NAME, probe.bytes().all())?;
    let folder = probe.path.parent().map(PathBuf::from).unwrap_or_default();
    let across = keys.whole(GROUP, "NoJpegColumns", 1, 64)? as usize;
    let down = keys.whole(GROUP, "NoJpegRows", 1, 64)? as usize;
    let (mut names, mut layers) = (vec![None; across * down], BTreeSet::new());
    for (_, key, value) in
        keys.entries().filter(|(group, key, _)| *group == GROUP && key.starts_with("ImageFile"))
    {
        let wrong = |expected: &str| Error::malformed(NAME, key, expected, value);
        let [layer, col, row] = place(key).ok_or_else(|| wrong("ImageFile(x,y) or ImageFile(z,x,y)"))?;
        layers.insert(layer);
        if layer != 0 {
            continue;
        }
        if !is_file_name(value) {
            return Err(wrong("the name of a file"));
        }
        if col >= across || row >= down {
            return Err(wrong(&format!("a place in a grid of {across}x{down}")));
        }
        if names[row * across + col].replace(value).is_some() {
            return Err(wrong("one file for each place"));
        }
    }
    let name = |i: usize| {
        let place = format!("ImageFile({},{})", i % across, i / across);
        names[i].ok_or_else(|| Error::malformed(NAME, place, "a file name", "none"))
    };
    let mut parts = (0..names.len()).map(|i| part(folder.join(name(i)?))).collect::<Result<Vec<_>>>()?;
    if let ([first, rest @ ..], true) = (&mut parts[..], down > 1) {
        first.1.fill_with_tiles();
        rest.iter_mut().for_each(|(_, part)| part.tile_like(&first.1));
    }
    let map = part(folder.join(keys.file_name(GROUP, "MapFile")?))?;
    let levels = vec![Grid { parts, across }, Grid { parts: vec![map], across: 1 }];
    let sizes = levels.iter().map(Grid::size).collect::<Result<Vec<_>>>()?;
    let facts = levels.iter().zip(&sizes).map(|(grid, size)| grid.level(*size, sizes[0]));
    let mut info = SlideInfo::of_levels(facts.collect());
    info.focal_planes = layers.len() as u64;
    let overview =
        keys.find(GROUP, "MacroImage").filter(|name| is_file_name(name)).map(|name| folder.join(name));
    if overview.is_some() {
        info.associated.push("macro".into());
    }
    describe(&mut info, &keys, levels[0].parts[0].1.comment.clone());
    Ok(Box::new(Vms { info, levels, overview }))
}

/// Reads layer, column and row from `ImageFile`, `ImageFile(z)`, `ImageFile(x,y)` or `ImageFile(z,x,y)`.
fn place(key: &str) -> Option<[usize; 3]> {
    let inside = key.strip_prefix("ImageFile")?;
    if inside.is_empty() {
        return Some([0; 3]);
    }
    let inside = inside.strip_prefix('(')?.strip_suffix(')')?;
    let numbers = inside.split(',').map(|n| n.trim().parse().ok()).collect::<Option<Vec<usize>>>()?;
    match numbers[..] {
        [z] => Some([z, 0, 0]),
        [x, y] => Some([0, x, y]),
        [z, x, y] => Some([z, x, y]),
        _ => None,
    }
}

fn part(path: PathBuf) -> Result<(FileBytes, Divided)> {
    let bytes = FileBytes::open(&path)?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stream = Divided::parse(&bytes, 0, bytes.len(), None).map_err(|fault| fault.at(NAME, file))?;
    Ok((bytes, stream))
}

impl Grid {
    /// Adds up the sizes of the files, which must continue one grid of tiles.
    fn size(&self) -> Result<[u64; 2]> {
        let first = &self.parts[0].1;
        let whole = |length: u64, tile: u32| length.is_multiple_of(tile.into());
        let last_row = self.parts.len() - self.across;
        for (i, (_, part)) in self.parts.iter().enumerate() {
            let (last_col, bottom) = ((i + 1) % self.across == 0, i >= last_row);
            let same =
                part.tile_width == first.tile_width && part.interval_height() == first.interval_height();
            let across = last_col || (part.width == first.width && whole(part.width, first.tile_width));
            let down = bottom || (part.height == first.height && whole(part.height, part.tile_height));
            if !(same && across && down) {
                let expected = format!("tiles that continue those of {}x{} px", first.width, first.height);
                let got = format!("{}x{} px", part.width, part.height);
                return Err(Error::malformed(NAME, format!("JPEG file {i}"), expected, got));
            }
        }
        let row = self.parts[..self.across].iter().map(|(_, part)| part.width);
        let column = self.parts.iter().step_by(self.across).map(|(_, part)| part.height);
        Ok([row.sum(), column.sum()])
    }

    fn level(&self, size: [u64; 2], base: [u64; 2]) -> Level {
        let first = &self.parts[0].1;
        Level::of(base, size, [first.tile_width, first.tile_height])
    }
}

fn describe(info: &mut SlideInfo, keys: &KeyFile, comment: Option<String>) {
    let mut properties = Properties::new();
    for (_, key, value) in keys.entries().filter(|(group, ..)| *group == GROUP) {
        properties.insert(format!("hamamatsu.{key}"), value.into());
    }
    put(&mut properties, "openslide.comment", comment.unwrap_or_default());
    let base = &info.levels[0];
    let size =
        |key: &str, px: u64| Some(real(&properties, &format!("hamamatsu.{key}"))? / (1000.0 * px as f64));
    let mpp = size("PhysicalWidth", base.width).zip(size("PhysicalHeight", base.height));
    let mpp = mpp.and_then(|(x, y)| calibration(x, y, "hamamatsu.PhysicalWidth"));
    let power = real(&properties, "hamamatsu.SourceLens");
    info.describe("hamamatsu", mpp, power, properties);
}

impl SlideReader for Vms {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let grid = self.levels.get(at.level).ok_or_else(|| no_such_tile(at))?;
        let first = &grid.parts[0].1;
        let tiles = |length: u64, tile: u32| length.div_ceil(tile.into());
        let (across, down) = (tiles(first.width, first.tile_width), tiles(first.height, first.tile_height));
        // Only the last file of a row or column may have another size than the first.
        let part_col = (at.col / across).min(grid.across as u64 - 1);
        let part_row = (at.row / down).min((grid.parts.len() / grid.across) as u64 - 1);
        let (bytes, part) = &grid.parts[part_row as usize * grid.across + part_col as usize];
        let (col, row) = (at.col - part_col * across, at.row - part_row * down);
        if col >= tiles(part.width, part.tile_width) || row >= tiles(part.height, part.tile_height) {
            return Err(no_such_tile(at));
        }
        let tile = part.tile(bytes, col, row, &|_| None);
        tile.map(Some)
            .map_err(|fault| fault.at(NAME, format!("tile ({}, {}) of level {}", at.col, at.row, at.level)))
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        let path = self.overview.as_ref().filter(|_| name == "macro");
        let path = path.ok_or_else(|| self.info.no_such_image(name))?;
        jpeg::image(NAME, name, FileBytes::open(path)?.all())
    }
}
