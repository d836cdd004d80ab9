//! OME-Zarr 0.4 and 0.5: a folder of arrays, one for each level, in chunks. Arrays and their codecs are
//! read by the crate `zarrs`.
//!
//! The colours are three planes along the axis `c`; which is which the channels' labels or colours say, if they are stated. Of several points in time the first is read, of
//! several focal planes the middle one. What a chunk that is not stored shows is stated by the array.

mod bounds;
mod describe;

use std::{
    cmp::Reverse,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use zarrs::{
    array::{
        Array, ArrayShardedExt, ArrayShardedReadableExt, ArrayShardedReadableExtCache, ArraySubset,
        data_type::UInt8DataType,
    },
    filesystem::FilesystemStore,
};

use self::{bounds::Compressor, describe::describe};
use super::{Format, Level, Probe, SlideInfo, SlideReader, TileAt, focus, limits, mosaic::no_such_tile};
use crate::{
    error::{Error, Result},
    file,
    raster::Rgb,
};

const NAME: &str = "ome_zarr";
/// Bytes of a metadata file.
const MAX_JSON: u64 = 16 << 20;
/// Largest side of a tile of ours; larger chunks are read in parts.
const MAX_TILE: u64 = 4096;

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

struct Zarr {
    info: SlideInfo,
    levels: Vec<Stack>,
    axes: Axes,
    /// What each channel is: 0 red, 1 green, 2 blue.
    colours: [usize; 3],
}

/// The array of a level, and what is needed to look at its chunks before they are decompressed.
struct Stack {
    array: Array<FilesystemStore>,
    compressor: Compressor,
    /// Sides of what is compressed as one.
    chunk: Vec<u64>,
    /// Where the parts of shards lie; `None` without shards.
    shards: Option<ArrayShardedReadableExtCache>,
}

impl Stack {
    fn new(array: Array<FilesystemStore>) -> Result<Self> {
        let metadata = serde_json::to_value(array.metadata())
            .map_err(|error| Error::malformed(NAME, "array", "metadata", error))?;
        let compressor = Compressor::of(&metadata)?;
        let origin = vec![0; array.shape().len()];
        let chunk = guarded("chunks", || {
            let whole = array.chunk_shape(&origin).map_err(|error| error.to_string())?;
            Ok(array.effective_subchunk_shape().unwrap_or(whole))
        })?;
        let shards = array.is_sharded().then(|| ArrayShardedReadableExtCache::new(&array));
        if shards.as_ref().is_some_and(|shards| !shards.array_is_exclusively_sharded()) {
            return Err(Error::unsupported(NAME, "shards inside other codecs"));
        }
        Ok(Self { compressor, chunk: chunk.iter().map(|side| side.get()).collect(), shards, array })
    }

    /// Refuses chunks that would become too large, of those that hold these ranges.
    fn check(&self, what: &str, ranges: &[Range<u64>]) -> Result<()> {
        let mut places = vec![Vec::new()];
        for (range, side) in ranges.iter().zip(&self.chunk) {
            let indices = range.start / side..range.end.div_ceil(*side);
            limits::check(
                "chunks of a tile",
                (places.len() as u64) * (indices.end - indices.start),
                1 << 16,
            )?;
            places = places
                .into_iter()
                .flat_map(|place: Vec<u64>| indices.clone().map(move |i| [&place[..], &[i]].concat()))
                .collect();
        }
        for place in places {
            let stored = guarded(what, || match &self.shards {
                Some(shards) => {
                    self.array.retrieve_encoded_subchunk(shards, &place).map_err(|error| error.to_string())
                }
                None => self.array.retrieve_encoded_chunk(&place).map_err(|error| error.to_string()),
            })?;
            self.compressor.check(&format!("a chunk of {what}"), &stored.unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Where the axes are.
#[derive(Clone, Debug, PartialEq)]
struct Axes {
    names: Vec<String>,
    /// Index read along the axes that are neither colour nor place.
    fixed: Vec<u64>,
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    if !probe.path.is_dir() {
        return Err("not a folder".into());
    }
    match image(&probe.path) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("a folder without OME-Zarr metadata (.zattrs or zarr.json)".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns whether a folder is an OME-Zarr image.
pub(super) fn is_image(folder: &Path) -> bool {
    image(folder).is_ok_and(|image| image.is_some())
}

/// Returns the first entry `multiscales` of attributes.
fn scales(attributes: &Value) -> Option<&Value> {
    attributes.get("multiscales")?.get(0)
}

/// Returns the folder of the image and its attributes, which have `multiscales`; `None` when this is no OME-Zarr.
fn image(folder: &Path) -> Result<Option<(PathBuf, Value)>> {
    let Some(attributes) = attributes(folder)? else { return Ok(None) };
    if scales(&attributes).is_some() {
        return Ok(Some((folder.into(), attributes)));
    }
    // Several images in one folder, as bioformats2raw writes them: the first is the slide.
    if attributes.get("bioformats2raw.layout").is_some() {
        let first = folder.join("0");
        let attributes = self::attributes(&first)?.filter(|attributes| scales(attributes).is_some());
        return Ok(attributes.map(|attributes| (first, attributes)));
    }
    Ok(None)
}

/// Reads the attributes of a group of version 3, else of version 2.
fn attributes(folder: &Path) -> Result<Option<Value>> {
    if let Some(mut json) = json(&folder.join("zarr.json"))? {
        return Ok(json.pointer_mut("/attributes/ome").map(Value::take));
    }
    json(&folder.join(".zattrs"))
}

fn json(path: &Path) -> Result<Option<Value>> {
    let Ok(facts) = std::fs::metadata(path) else { return Ok(None) };
    limits::check("bytes of a metadata file", facts.len(), MAX_JSON)?;
    file::check(&facts).map_err(Error::io("read", path))?;
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::malformed(NAME, name, "JSON", error))
}

/// Runs a call of the array library; should it panic on what a file holds, that is an error as well.
fn guarded<T>(what: &str, call: impl FnOnce() -> std::result::Result<T, String>) -> Result<T> {
    let result = catch_unwind(AssertUnwindSafe(call));
    let result = result.unwrap_or_else(|_| Err("something the array reader does not expect".into()));
    result.map_err(|got| match got.trim_end_matches('.').strip_suffix("is not supported") {
        Some(feature) => Error::unsupported(NAME, feature.trim_end().replace('\n', " ")),
        None => Error::malformed(NAME, what, "a readable array", got.replace('\n', " ")),
    })
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let found = image(&probe.path)?;
    let none = || Error::malformed(NAME, "folder", "multiscales", "none");
    let (folder, attributes) = found.ok_or_else(none)?;
    let scales = scales(&attributes).ok_or_else(none)?;
    let store = FilesystemStore::new(&folder)
        .map_err(|error| Error::malformed(NAME, "folder", "a store of arrays", error))?;
    let store = Arc::new(store);
    let names = axes(scales)?;
    let datasets = scales.get("datasets").and_then(Value::as_array).cloned().unwrap_or_default();
    limits::check("number of levels", datasets.len() as u64, 64)?;
    let mut levels = Vec::new();
    for dataset in &datasets {
        let path = dataset.get("path").and_then(Value::as_str).unwrap_or_default();
        let inside = !path.is_empty() && path.split('/').all(|part| !part.is_empty() && part != "..");
        if !inside {
            return Err(Error::malformed(NAME, "datasets", "the path of an array in the folder", path));
        }
        let place = format!("/{path}");
        levels.push(guarded(path, || Array::open(store.clone(), &place).map_err(|e| e.to_string()))?);
    }
    let mut levels: Vec<_> = levels.into_iter().zip(&datasets).collect();
    // Largest first, which some writers do not keep to.
    levels.sort_by_key(|(array, _)| Reverse(area(array)));
    let Some((base, first)) = levels.first().map(|(array, dataset)| (array, *dataset)) else {
        return Err(Error::malformed(NAME, "datasets", "an array", "none"));
    };
    let axes = Axes::new(names, base.shape())?;
    let planes = axes.index("z").map_or(1, |z| base.shape()[z]);
    let base = axes.size(base.shape())?;
    let (mut facts, mut stacks, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for (array, dataset) in levels {
        let level = level(&array, &axes, base)?;
        let again = facts.iter().any(|other: &Level| other.width == level.width);
        if !again && describe::is_level(dataset, first, &axes, base, [level.width, level.height]) {
            facts.push(level);
            stacks.push(Stack::new(array)?);
        } else {
            let path = dataset.get("path").and_then(Value::as_str).unwrap_or_default();
            unread.push(format!("array {path} ({}x{} px)", level.width, level.height));
        }
    }
    let levels = stacks;
    let mut info = SlideInfo::of_levels(facts);
    info.focal_planes = planes;
    info.unread = unread;
    describe(&mut info, scales, first, &axes);
    let colours = describe::colours(&attributes)?;
    Ok(Box::new(Zarr { info, levels, axes, colours }))
}

/// Returns the names of the axes; version 0.4 and later state them.
fn axes(scales: &Value) -> Result<Vec<String>> {
    let list = scales.get("axes").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |axis: &Value| axis.get("name").and_then(Value::as_str).map(str::to_owned);
    let names = list.iter().map(name).collect::<Option<Vec<_>>>().unwrap_or_default();
    match &names[..] {
        [.., y, x] if y == "y" && x == "x" => Ok(names),
        other => Err(Error::malformed(NAME, "axes", "names that end with y and x", other.join(", "))),
    }
}

impl Axes {
    fn new(names: Vec<String>, shape: &[u64]) -> Result<Self> {
        if names.len() != shape.len() {
            let got = format!("{} for {} dimensions", names.len(), shape.len());
            return Err(Error::malformed(NAME, "axes", "one for each dimension", got));
        }
        let colours = names.iter().position(|name| name == "c").map_or(1, |c| shape[c]);
        if colours != 3 {
            let feature = format!("{colours} channels where red, green and blue are read");
            return Err(Error::unsupported(NAME, feature));
        }
        let fixed = names.iter().zip(shape);
        let fixed = fixed.map(|(name, length)| if name == "z" { focus::middle(*length) } else { 0 });
        Ok(Self { fixed: fixed.collect(), names })
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    /// Returns width and height of an array.
    fn size(&self, shape: &[u64]) -> Result<[u64; 2]> {
        match shape {
            [.., height, width] if shape.len() == self.names.len() && *height > 0 && *width > 0 => {
                limits::check("width of a level", *width, limits::MAX_SIDE)?;
                limits::check("height of a level", *height, limits::MAX_SIDE)?;
                let colours = self.index("c").map_or(0, |c| shape[c]);
                let outside = self.fixed.iter().zip(shape).any(|(at, length)| at >= length);
                if colours == 3 && !outside {
                    return Ok([*width, *height]);
                }
                Err(Error::malformed(NAME, "array", "the axes of level 0", format!("{shape:?}")))
            }
            other => Err(Error::malformed(NAME, "array", "dimensions above zero", format!("{other:?}"))),
        }
    }
}

/// Returns the pixels of an array, height times width.
fn area(array: &Array<FilesystemStore>) -> u64 {
    array.shape().iter().rev().take(2).fold(1, |area, side| area.saturating_mul(*side))
}

fn level(array: &Array<FilesystemStore>, axes: &Axes, base: [u64; 2]) -> Result<Level> {
    if !array.data_type().is::<UInt8DataType>() {
        return Err(Error::unsupported(NAME, "pixels other than 8-bit numbers"));
    }
    let [width, height] = axes.size(array.shape())?;
    let origin = vec![0; array.shape().len()];
    let chunk = guarded("chunks", || {
        let whole = array.chunk_shape(&origin).map_err(|error| error.to_string())?;
        Ok((whole.clone(), array.effective_subchunk_shape().unwrap_or(whole)))
    });
    let (whole, part) = chunk?;
    let bytes = whole.iter().try_fold(1u64, |bytes, side| bytes.checked_mul(side.get()));
    let sharded = whole != part;
    let limit = if sharded { u64::MAX } else { 1 << 28 };
    limits::check("bytes of a chunk", bytes.unwrap_or(u64::MAX), limit)?;
    let bytes = part.iter().try_fold(1u64, |bytes, side| bytes.checked_mul(side.get()));
    limits::check("bytes of a chunk", bytes.unwrap_or(u64::MAX), 1 << 28)?;
    let side = |i: usize| part.get(part.len().saturating_sub(i)).map_or(1, |side| side.get()).min(MAX_TILE);
    Ok(Level::of(base, [width, height], [side(1) as u32, side(2) as u32]))
}

impl SlideReader for Zarr {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let (stack, level) = match (self.levels.get(at.level), self.info.levels.get(at.level)) {
            (Some(stack), Some(level)) => (stack, level),
            _ => return Err(no_such_tile(at)),
        };
        let range = |index: u64, tile: u32, length: u64| {
            let start = index.saturating_mul(tile.into());
            start..start.saturating_add(tile.into()).min(length)
        };
        let columns = range(at.col, level.tile_width, level.width);
        let rows = range(at.row, level.tile_height, level.height);
        if columns.is_empty() || rows.is_empty() {
            return Err(no_such_tile(at));
        }
        let size = [columns.end - columns.start, rows.end - rows.start].map(|side| side as usize);
        let mut ranges: Vec<_> = self.axes.fixed.iter().map(|&index| index..index + 1).collect();
        let dimensions = ranges.len();
        if let Some(c) = self.axes.index("c") {
            ranges[c] = 0..3;
        }
        (ranges[dimensions - 2], ranges[dimensions - 1]) = (rows, columns);
        let what = format!("tile ({}, {}) of level {}", at.col, at.row, at.level);
        stack.check(&what, &ranges)?;
        let samples = guarded(&what, || {
            let subset = ArraySubset::new_with_ranges(&ranges);
            stack.array.retrieve_array_subset::<Vec<u8>>(&subset).map_err(|error| error.to_string())
        })?;
        let pixels = size[0] * size[1];
        if samples.len() != 3 * pixels {
            return Err(Error::malformed(NAME, what, format!("{} samples", 3 * pixels), samples.len()));
        }
        let (tile_width, tile_height) = (level.tile_width as usize, level.tile_height as usize);
        let mut rgb = Rgb::filled(tile_width, tile_height, [255; 3]);
        for (c, plane) in self.colours.into_iter().zip(samples.chunks_exact(pixels)) {
            for (y, row) in plane.chunks_exact(size[0]).enumerate() {
                rgb.row_mut(y).iter_mut().zip(row).for_each(|(px, value)| px[c] = *value);
            }
        }
        Ok(Some(rgb))
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        Err(self.info.no_such_image(name))
    }
}
