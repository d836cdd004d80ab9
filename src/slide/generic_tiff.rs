//! Any TIFF: the first image, tiled or stripped. Smaller ones of the same aspect are its levels where they are
//! sub-directories or say that they are reduced (`NewSubfileType`); other pages are other images, and not read.

use std::collections::BTreeMap;

use super::{
    Format, Probe, SlideReader,
    tiff::{Page, Tiff, TiffSlide, is_level_of, is_own_size, is_reduced, resolution, text_properties},
};
use crate::error::Result;

const NAME: &str = "generic_tiff";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    if !probe.looks_like_tiff() {
        return Err("not a TIFF file".into());
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let tiff = probe.into_tiff()?;
    let base = Page::parse(&tiff, tiff.first(), NAME)?;
    let levels = smaller(&tiff, &base)?;
    let missing = base.tiled && base.missing(&tiff) > 0;
    let bounds = missing.then(|| base.stored_bounds(&tiff)).flatten();
    let mut slide = TiffSlide::new(NAME, tiff, levels, BTreeMap::new())?;
    let first = slide.tiff().first();
    let properties = text_properties(slide.tiff(), first);
    let calibration = resolution(slide.tiff(), first);
    let make = properties.get("tiff.Make").cloned();
    let unread = slide.unread_pages();
    let info = slide.info_mut();
    info.bounds = bounds;
    info.unread = unread;
    info.describe("generic-tiff", calibration, None, properties);
    info.vendor = make;
    Ok(Box::new(slide))
}

/// Returns the pages that are levels of `base`: sub-directories, or further directories that say so. Pages
/// that do not parse, or are stored unlike the base, are other images and no concern of ours.
fn smaller(tiff: &Tiff, base: &Page) -> Result<Vec<Page>> {
    let children = tiff.children(tiff.first())?;
    let chain = tiff.directories().iter().skip(1).filter(|directory| is_reduced(tiff, directory));
    let mut levels: Vec<Page> = vec![base.clone()];
    for directory in chain.chain(&children) {
        let Ok(page) = Page::parse(tiff, directory, NAME) else { continue };
        let like = page.tiled == base.tiled && page.same_samples(base) && page.is_reached();
        if like && is_level_of(&page, base) && is_own_size(&page, &levels) {
            levels.push(page);
        }
    }
    Ok(levels)
}
