//! Aperio SVS: a TIFF whose first page is tiled and whose description starts with "Aperio".
//!
//! A tiled page that shows the first one smaller, in a size that no page before has, is a level: what repeats a size is of
//! another focal plane or section. The rest are OpenSlide's rules: the second page, if stripped, is the thumbnail; other
//! stripped pages are named in the second line of their description.

use std::collections::BTreeMap;

use super::{
    Format, Probe, SlideReader, Tag, limits,
    properties::{calibration, real},
    tiff::{Associated, Page, Tiff, TiffSlide, is_level_of, is_own_size, text_properties},
};
use crate::error::Result;

const NAME: &str = "aperio";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    let tiff = probe.tiff()?;
    let first = tiff.first();
    if !tiff.text(first, Tag::IMAGE_DESCRIPTION).is_some_and(|text| text.starts_with("Aperio")) {
        return Err("ImageDescription does not start with \"Aperio\"".into());
    }
    if first.find(Tag::TILE_WIDTH).is_none() {
        return Err("first page is not tiled".into());
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let tiff = probe.into_tiff()?;
    let base = Page::parse(&tiff, tiff.first(), NAME)?;
    let (mut levels, mut associated) = (vec![base.clone()], BTreeMap::new());
    for (index, directory) in tiff.directories().iter().enumerate().skip(1) {
        let page = match Page::parse(&tiff, directory, NAME) {
            Ok(page) => page,
            // A label we cannot read must not keep the slide from being read.
            Err(_) if directory.find(Tag::TILE_WIDTH).is_none() => continue,
            Err(error) => return Err(error),
        };
        let name = associated_name(&tiff, index, &page);
        if page.tiled && name.is_none() && is_level_of(&page, &base) && is_own_size(&page, &levels) {
            levels.push(page);
        } else if let Some(name) = name.or_else(|| (!page.tiled && index == 1).then(|| "thumbnail".into())) {
            associated.entry(name).or_insert(Associated::Page(page));
        }
    }
    let mut slide = TiffSlide::new(NAME, tiff, levels, associated)?;
    slide.show_missing_from_finer();
    let unread = slide.unread_pages();
    slide.info_mut().unread = unread;
    describe(&mut slide);
    Ok(Box::new(slide))
}

/// Returns `label` or `macro` when the page says that it is one.
fn associated_name(tiff: &Tiff, index: usize, page: &Page) -> Option<String> {
    let directory = &tiff.directories()[index];
    let text = tiff.text(directory, Tag::IMAGE_DESCRIPTION).unwrap_or_default();
    let word = text.lines().nth(1).and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    let kind = tiff.uint(directory, Tag::NEW_SUBFILE_TYPE);
    match (word, kind) {
        ("label", _) => Some("label".into()),
        ("macro", _) => Some("macro".into()),
        (_, Some(9)) => Some("macro".into()),
        (_, Some(1)) if !page.tiled => Some("label".into()),
        _ => None,
    }
}

/// Fills the header facts from the description: `Aperio …⏎WxH …|Key = Value|…`.
fn describe(slide: &mut TiffSlide) {
    let first = slide.tiff().first();
    let text = slide.tiff().text(first, Tag::IMAGE_DESCRIPTION).unwrap_or_default();
    let mut properties = text_properties(slide.tiff(), first);
    for field in text.split('|').skip(1).take(limits::MAX_FIELDS) {
        if let Some((key, value)) = field.split_once('=') {
            properties.insert(format!("aperio.{}", key.trim()), value.trim().into());
        }
    }
    let mpp = real(&properties, "aperio.MPP").and_then(|v| calibration(v, v, "aperio.MPP"));
    let power = real(&properties, "aperio.AppMag");
    slide.info_mut().describe(NAME, mpp, power, properties);
}
