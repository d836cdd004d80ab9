//! Any TIFF: one image, tiled or stripped, with smaller pages of the same aspect as its levels.

use std::collections::BTreeMap;

use super::{
    Format, Probe, SlideReader,
    tiff::{Page, Tiff, TiffSlide, is_level_of, resolution, text_properties},
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
    let mut levels = vec![base.clone()];
    levels.extend(smaller(&tiff, &base)?);
    let missing = base.tiled && base.missing(&tiff) > 0;
    let bounds = missing.then(|| base.stored_bounds(&tiff)).flatten();
    let mut slide = TiffSlide::new(NAME, tiff, levels, BTreeMap::new())?;
    let first = slide.tiff().first();
    let properties = text_properties(slide.tiff(), first);
    let calibration = resolution(slide.tiff(), first);
    let make = properties.get("tiff.Make").cloned();
    let info = slide.info_mut();
    info.bounds = bounds;
    info.describe("generic-tiff", calibration, None, properties);
    info.vendor = make;
    Ok(Box::new(slide))
}

/// Returns the pages that are levels of `base`: further directories, or its sub-directories. Pages
/// that do not parse, or are stored unlike the base, are other images and no concern of ours.
fn smaller(tiff: &Tiff, base: &Page) -> Result<Vec<Page>> {
    let children = tiff.children(tiff.first())?;
    let mut levels: Vec<Page> = Vec::new();
    for directory in tiff.directories().iter().skip(1).chain(&children) {
        let Ok(page) = Page::parse(tiff, directory, NAME) else { continue };
        let like = page.tiled == base.tiled && page.same_samples(base) && page.is_reached();
        let fits = like && is_level_of(&page, base);
        if fits && levels.iter().all(|other| other.width != page.width) {
            levels.push(page);
        }
    }
    Ok(levels)
}
