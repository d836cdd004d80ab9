//! Huron TIFF: tiled directories are levels, stripped ones the thumbnail, label and macro images.

use std::collections::BTreeMap;

use super::{
    Format, Probe, SlideReader, Tag,
    tiff::{Associated, Page, TiffSlide, resolution, text_properties},
};
use crate::error::Result;

const NAME: &str = "huron";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    let tiff = probe.tiff()?;
    if !tiff.text(tiff.first(), Tag::MAKE).is_some_and(|make| make.starts_with("Huron")) {
        return Err("Make does not start with \"Huron\"".into());
    }
    if tiff.first().find(Tag::TILE_WIDTH).is_none() {
        return Err("first page is not tiled".into());
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let tiff = probe.into_tiff()?;
    let (mut levels, mut associated) = (Vec::new(), BTreeMap::new());
    for (index, directory) in tiff.directories().iter().enumerate() {
        if directory.find(Tag::TILE_WIDTH).is_some() {
            levels.push(Page::parse(&tiff, directory, NAME)?);
            continue;
        }
        let name = match (index, tiff.uint(directory, Tag::NEW_SUBFILE_TYPE)) {
            (1, _) => "thumbnail",
            (_, Some(1)) => "label",
            (_, Some(9)) => "macro",
            _ => continue,
        };
        // A label that does not parse must not keep the slide from being read.
        if let Ok(page) = Page::parse(&tiff, directory, NAME) {
            associated.insert(name.into(), Associated::Page(page));
        }
    }
    let mut properties = text_properties(&tiff, tiff.first());
    properties.remove("openslide.comment");
    let text = properties.remove("tiff.ImageDescription").unwrap_or_default();
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        properties.insert(format!("huron.{}", key.trim()), value.trim().into());
    }
    let mpp = resolution(&tiff, tiff.first());
    let mut slide = TiffSlide::new(NAME, tiff, levels, associated)?;
    slide.info_mut().describe(NAME, mpp, None, properties);
    Ok(Box::new(slide))
}
