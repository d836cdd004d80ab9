//! Hamamatsu NDPI: a TIFF whose every level is one JPEG, divided by restart markers.
//!
//! A file larger than 4 GB keeps classic directories, with the upper halves of all offsets behind them
//! (see `slide/tiff.rs`). A level whose sides exceed what a JPEG can state has 0 there. Focal planes
//! are further directories; plane 0 is read.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Format, Level, Probe, SlideInfo, SlideReader, Strip, Tag, TileAt,
    bytes::FileBytes,
    clean,
    codec::{
        Fault,
        jpeg::{
            self,
            restart::{Divided, Parts},
        },
    },
    limits,
    mosaic::no_such_tile,
    properties::{Properties, number, put},
    tiff::{Directory, Entry, Tiff, resolution, text_properties},
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

const NAME: &str = "ndpi";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

struct Ndpi {
    tiff: Tiff,
    bytes: Arc<FileBytes>,
    info: SlideInfo,
    levels: Vec<Plane>,
    /// Offset and length of the macro image.
    overview: Option<(u64, u64)>,
}

/// One level at focal plane 0.
struct Plane {
    stream: Divided,
    /// Where the file lists the starts of the intervals, and their upper halves.
    starts: Option<(Entry, Option<Entry>)>,
    /// Position in the chain of directories.
    directory: usize,
}

impl Plane {
    /// Returns where the file says that an interval's data start.
    fn listed(&self, tiff: &Tiff, i: u64) -> Option<u64> {
        let (low, high) = self.starts?;
        let high = high.map_or(Some(0), |high| tiff.uint_at(high, i))?;
        Some(tiff.uint_at(low, i)? | high << 32)
    }
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    match probe.tiff()?.first().find(Tag::NDPI_FORMAT) {
        Some(_) => Ok(()),
        None => Err("no tag 65420, which Hamamatsu writes".into()),
    }
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let bytes = probe.bytes().clone();
    let tiff = probe.into_tiff()?;
    let (mut levels, mut overview, mut planes) = (Vec::<Plane>::new(), None, BTreeSet::new());
    for (index, directory) in tiff.directories().iter().enumerate() {
        let lens =
            tiff.number(directory, Tag::NDPI_SOURCE_LENS).ok_or_else(|| missing(Tag::NDPI_SOURCE_LENS))?;
        let (start, length) = strip(&tiff, directory)?;
        if lens == -1.0 {
            overview.get_or_insert((start, length));
        } else if lens > 0.0 {
            let focus = tiff.int(directory, Tag::NDPI_FOCAL_PLANE).unwrap_or(0);
            planes.insert(focus);
            if focus == 0 {
                levels.push(plane(&tiff, &bytes, directory, (start, length), index)?);
            }
        }
    }
    if levels.is_empty() {
        let found = format!("{} other focal planes", planes.len());
        return Err(Error::malformed(NAME, "levels", "at least one at focal plane 0", found));
    }
    if !levels.is_sorted_by(|a, b| a.stream.width > b.stream.width) {
        return Err(Error::malformed(NAME, "levels", "each smaller than the one before", "another order"));
    }
    let mut info =
        SlideInfo::of_levels(levels.iter().map(|plane| level(&plane.stream, &levels[0].stream)).collect());
    if overview.is_some() {
        info.associated.push("macro".into());
    }
    info.focal_planes = planes.len() as u64;
    describe(&mut info, &tiff);
    Ok(Box::new(Ndpi { tiff, bytes, info, levels, overview }))
}

/// Returns offset and length of the only strip of a directory.
fn strip(tiff: &Tiff, directory: &Directory) -> Result<(u64, u64)> {
    let count = directory.find(Tag::STRIP_OFFSETS).map_or(0, |entry| entry.count);
    if count != 1 {
        return Err(Error::malformed(NAME, "StripOffsets", "one strip per directory", count));
    }
    let value = |tag| tiff.uint(directory, tag).ok_or_else(|| missing(tag));
    Ok((value(Tag::STRIP_OFFSETS)?, value(Tag::STRIP_BYTE_COUNTS)?))
}

fn missing(tag: Tag) -> Error {
    Error::malformed(NAME, tag.name(), "a number", "none")
}

fn plane(
    tiff: &Tiff,
    bytes: &FileBytes,
    directory: &Directory,
    (start, length): (u64, u64),
    index: usize,
) -> Result<Plane> {
    let side = |tag| {
        let side = tiff.uint(directory, tag).ok_or_else(|| missing(tag))?;
        limits::check(tag.name(), side, limits::MAX_SIDE).map(|()| side)
    };
    let size = [side(Tag::IMAGE_WIDTH)?, side(Tag::IMAGE_LENGTH)?];
    let stream = Divided::parse(bytes, start, length, Some(size))
        .map_err(|fault| fault.at(NAME, format!("JPEG of directory {index}")))?;
    let listed = |tag| directory.find(tag).filter(|entry| entry.count == stream.intervals());
    let low = listed(Tag::NDPI_MCU_STARTS);
    let has_high = directory.find(Tag::NDPI_MCU_STARTS_HIGH).is_some();
    let high = listed(Tag::NDPI_MCU_STARTS_HIGH);
    // Lower halves whose upper halves are unusable would point anywhere.
    let starts = low.filter(|_| high.is_some() || !has_high).map(|low| (low, high));
    Ok(Plane { stream, starts, directory: index })
}

fn level(stream: &Divided, base: &Divided) -> Level {
    let size = |stream: &Divided| [stream.width, stream.height];
    Level::of(size(base), size(stream), [stream.tile_width, stream.tile_height])
}

fn describe(info: &mut SlideInfo, tiff: &Tiff) {
    let first = tiff.first();
    let mut properties = text_properties(tiff, first);
    let lens = tiff.number(first, Tag::NDPI_SOURCE_LENS);
    if let Some(lens) = lens {
        put(&mut properties, "hamamatsu.SourceLens", number(lens));
    }
    for (tag, name) in [(Tag::NDPI_X_OFFSET, "X"), (Tag::NDPI_Y_OFFSET, "Y")] {
        if let Some(value) = tiff.int(first, tag) {
            put(&mut properties, format!("hamamatsu.{name}OffsetFromSlideCentre"), value.to_string());
        }
    }
    if let Some(reference) = tiff.text(first, Tag::NDPI_REFERENCE) {
        put(&mut properties, "hamamatsu.Reference", reference);
    }
    let map = tiff.text(first, Tag::NDPI_PROPERTY_MAP).unwrap_or_default();
    map_properties(&map, &mut properties);
    info.describe("hamamatsu", resolution(tiff, first), lens, properties);
}

/// Reads lines `key=value`.
fn map_properties(map: &str, properties: &mut Properties) {
    for (key, value) in map.split("\r\n").filter_map(|line| line.split_once('=')) {
        if !key.is_empty() {
            put(properties, format!("hamamatsu.{key}"), value);
        }
    }
}

impl SlideReader for Ndpi {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let level = self.info.levels.get(at.level).filter(|level| {
            at.col * u64::from(level.tile_width) < level.width
                && at.row * u64::from(level.tile_height) < level.height
        });
        let (Some(_), Some(plane)) = (level, self.levels.get(at.level)) else { return Err(no_such_tile(at)) };
        let listed = |i| plane.listed(&self.tiff, i);
        let tile = plane.stream.tile(&self.bytes, at.col, at.row, &listed);
        tile.map(Some)
            .map_err(|fault| fault.at(NAME, format!("tile ({}, {}) of level {}", at.col, at.row, at.level)))
    }

    fn strips(&self) -> Result<Option<Vec<Strip<'_>>>> {
        let strip = |(level, plane): (usize, &Plane)| {
            let fault = |fault: Fault| fault.at(NAME, format!("JPEG of level {level}"));
            let listed = |i| plane.listed(&self.tiff, i);
            let Parts { head, data, starts } = plane.stream.parts(&self.bytes, &listed).map_err(fault)?;
            let clean = clean::jpeg_head(head)
                .ok_or_else(|| fault(Fault::damaged("headers that can be followed", "other bytes")))?;
            let shorter = (head.len() - clean.len().min(head.len())) as u64;
            let directory = self.tiff.directory_at(NAME, plane.directory)?;
            Ok(Strip {
                head: clean,
                data,
                starts: starts.into_iter().map(|start| start.saturating_sub(shorter)).collect(),
                lens: self.tiff.number(directory, Tag::NDPI_SOURCE_LENS).unwrap_or(0.0),
                offset: [Tag::NDPI_X_OFFSET, Tag::NDPI_Y_OFFSET].map(|tag| self.tiff.int(directory, tag)),
            })
        };
        self.levels.iter().enumerate().map(strip).collect::<Result<Vec<_>>>().map(Some)
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        let (offset, length) =
            self.overview.filter(|_| name == "macro").ok_or_else(|| self.info.no_such_image(name))?;
        let outside = || Error::malformed(NAME, "macro image", "bytes inside the file", "an offset outside");
        jpeg::image(NAME, name, self.bytes.get(offset, length).ok_or_else(outside)?)
    }
}
