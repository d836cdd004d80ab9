//! Trestle: a tiled TIFF whose neighbouring tiles overlap by a fixed number of pixels per level.
//!
//! The pixel size stands in the resolution tags, in µm and not per inch.

use std::collections::BTreeMap;

use super::{
    Format, KeptValue, PartAt, Probe, SlideReader, Tag,
    kept::{MOST_POWER, small_number},
    mosaic::{Patch, Room},
    properties::{Properties, calibration, real},
    tiff::{
        Associated, Composed, Kept, Page, Tiff, TiffSlide, resolution_tags, stored_tile, text_properties,
    },
};
use crate::error::{Error, Result};

const NAME: &str = "trestle";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    let tiff = probe.tiff()?;
    if !tiff.text(tiff.first(), Tag::SOFTWARE).is_some_and(|text| text.starts_with("MedScan")) {
        return Err("Software does not start with \"MedScan\"".into());
    }
    if tiff.first().find(Tag::IMAGE_DESCRIPTION).is_none() {
        return Err("no ImageDescription".into());
    }
    if tiff.directories().iter().any(|directory| directory.find(Tag::TILE_WIDTH).is_none()) {
        return Err("not all pages are tiled".into());
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let mut associated = BTreeMap::new();
    // The macro image lies beside the slide.
    let beside = probe.path.with_extension("Full");
    if let (true, Ok(stream)) = (beside.is_file(), std::fs::read(&beside)) {
        associated.insert("macro".into(), Associated::Jpeg(stream));
    }
    let tiff = probe.into_tiff()?;
    let properties = properties(&tiff);
    let overlaps = overlaps(&properties)?;
    let pages = tiff.directories().iter().map(|directory| Page::parse(&tiff, directory, NAME));
    let pages = pages.collect::<Result<Vec<_>>>()?;
    let mut slide = if overlaps.iter().all(|&overlap| overlap == 0) {
        TiffSlide::new(NAME, tiff, pages, associated)?
    } else {
        let overlap = |i: usize| overlaps.get(i).copied().unwrap_or(0);
        let levels = pages.into_iter().enumerate();
        let mut room = Room::default();
        let levels = levels.map(|(i, page)| level(page, [overlap(2 * i), overlap(2 * i + 1)], &mut room));
        let levels = levels.collect::<Result<Vec<_>>>()?;
        TiffSlide::composed(NAME, tiff, levels, associated, room)?
    };
    let mpp = real(&properties, "tiff.XResolution").zip(real(&properties, "tiff.YResolution"));
    let mpp = mpp.and_then(|(x, y)| calibration(x, y, "tiff.XResolution"));
    let power = real(&properties, "trestle.Objective Power");
    let colour =
        properties.get("trestle.Background Color").and_then(|text| u32::from_str_radix(text, 16).ok());
    slide.clean_by(kept);
    let info = slide.info_mut();
    info.background = colour.map(|colour| [16, 8, 0].map(|shift| (colour >> shift) as u8));
    info.describe(NAME, mpp, power, properties);
    Ok(Box::new(slide))
}

/// Writes the header of a clean copy: overlaps, magnification, background and pixel size.
fn kept(slide: &TiffSlide) -> Result<Kept> {
    let properties = properties(slide.tiff());
    let overlaps: Vec<String> = overlaps(&properties)?.iter().map(u32::to_string).collect();
    let mut text = format!("OverlapsXY={}", overlaps.join(" "));
    let of = |key: &str| properties.get(&format!("trestle.{key}")).map_or("", String::as_str);
    if let Some(power) = small_number(of("Objective Power"), MOST_POWER) {
        text += &format!(";Objective Power={power}");
    }
    if let Some(colour) = u32::from_str_radix(of("Background Color"), 16).ok().filter(|&c| c < 1 << 24) {
        text += &format!(";Background Color={colour:06X}");
    }
    let image = |level: usize| {
        let at = PartAt { level, part: 0 };
        let mut tags = resolution_tags(slide.tiff(), slide.directory_of(at)?);
        if level == 0 {
            tags.push((Tag::IMAGE_DESCRIPTION, KeptValue::Text(text.clone())));
            tags.push((Tag::SOFTWARE, KeptValue::Text("MedScan".into())));
        }
        Ok((Some(at), tags))
    };
    (0..slide.info().levels.len()).map(image).collect()
}

/// Reads `Key=Value;Key=Value` of the description.
fn properties(tiff: &Tiff) -> Properties {
    let mut properties = text_properties(tiff, tiff.first());
    let text = properties.get("tiff.ImageDescription").cloned().unwrap_or_default();
    for (key, value) in text.split(';').filter_map(|field| field.split_once('=')) {
        properties.insert(format!("trestle.{}", key.trim()), value.trim().into());
    }
    properties
}

/// Returns the overlaps across and down, level by level.
fn overlaps(properties: &Properties) -> Result<Vec<u32>> {
    let text = properties.get("trestle.OverlapsXY").map_or("", String::as_str);
    let numbers = text.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<u32>, _>>();
    numbers.map_err(|_| Error::malformed(NAME, "OverlapsXY", "whole numbers", text))
}

/// Lays the tiles of a level out; each covers the overlap with those left of and above it.
fn level(page: Page, [across, down]: [u32; 2], room: &mut Room) -> Result<Composed> {
    room.take_patches(page.cols() * page.rows())?;
    if across >= page.tile_width || down >= page.tile_height {
        let expected = format!("less than a tile of {}x{} px", page.tile_width, page.tile_height);
        return Err(Error::malformed(NAME, "OverlapsXY", expected, format!("{across}x{down}")));
    }
    let (tile_width, tile_height) = (u64::from(page.tile_width), u64::from(page.tile_height));
    let cut = |length: u64, tile: u64, tiles: u64, overlap: u32| {
        // An overlap is less than a tile, so this is above zero.
        if length >= tile { length - (tiles - 1) * u64::from(overlap) } else { length }
    };
    let width = cut(page.width, tile_width, page.cols(), across);
    let height = cut(page.height, tile_height, page.rows(), down);
    let pages = vec![page];
    let page = &pages[0];
    let part = |length: u64, tile: u64, at: u64| u32::try_from(tile.min(length - at)).unwrap_or(0);
    let mut patches = Vec::new();
    for row in 0..page.rows() {
        for col in 0..page.cols() {
            patches.push(Patch {
                x: (col * (tile_width - u64::from(across))) as i64,
                y: (row * (tile_height - u64::from(down))) as i64,
                width: part(page.width, tile_width, col * tile_width),
                height: part(page.height, tile_height, row * tile_height),
                stored: stored_tile(&pages, 0, col, row),
                left: 0,
                top: 0,
            });
        }
    }
    Ok(Composed { width, height, pages, patches })
}
