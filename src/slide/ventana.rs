//! Ventana BIF and TIFF: levels are named in ImageDescription. A BIF describes in XML how the scanner's
//! tiles overlap; a TIFF stores them stitched.
//!
//! As in OpenSlide, all tiles of a scan are advanced by the mean overlap, weighted by its confidence.
//! Tiles lie at whole pixels here, where OpenSlide interpolates: nothing is blurred, and nothing is moved
//! by more than half a pixel.

mod stitch;

use std::collections::BTreeMap;

use super::{
    Format, KeptValue, PartAt, Probe, SlideReader, Tag,
    kept::{MOST_POWER, known_model, small_number},
    mosaic::Room,
    properties::{Properties, calibration, put, real},
    tiff::{Associated, Directory, Kept, Page, Tags, Tiff, TiffSlide, text_properties},
    xml,
};
use crate::error::{Error, Result};

const NAME: &str = "ventana";
/// Largest pixel size that a clean copy states, in µm.
const MOST_UM: f64 = 100.0;

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

/// A directory that is a level, and its magnification.
struct Stored {
    directory: Directory,
    page: Page,
    magnification: f64,
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    let tiff = probe.tiff()?;
    let packet = tiff.text(tiff.first(), Tag::XML_PACKET).ok_or("no XMLPacket")?;
    if !packet.contains("iScan") {
        return Err("XMLPacket without iScan".into());
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let tiff = probe.into_tiff()?;
    let scan = scan_properties(&tiff)?;
    let (mut levels, mut associated) = (Vec::<Stored>::new(), BTreeMap::new());
    for directory in tiff.directories() {
        let Some(text) = tiff.text(directory, Tag::IMAGE_DESCRIPTION) else { continue };
        if text.contains("level=") {
            let magnification = magnification(&text, levels.len())?;
            let page = Page::parse(&tiff, directory, NAME)?;
            levels.push(Stored { directory: directory.clone(), page, magnification });
        } else if let Some(name) = associated_name(&text) {
            // A macro image that does not parse must not keep the slide from being read.
            if let Ok(page) = Page::parse(&tiff, directory, NAME) {
                associated.insert(name.into(), Associated::Page(page));
            }
        }
    }
    check(&levels)?;
    let mut properties = text_properties(&tiff, &levels[0].directory);
    properties.extend(scan);
    let stitching = tiff.text(&levels[0].directory, Tag::XML_PACKET);
    let downsamples: Vec<f64> =
        levels.iter().map(|level| levels[0].magnification / level.magnification).collect();
    let mut slide = match stitching {
        None => {
            let pages = levels.into_iter().map(|level| level.page).collect();
            TiffSlide::new(NAME, tiff, pages, associated)?
        }
        Some(text) => {
            let areas = stitch::read(&text, &levels[0].page)?;
            let pages = levels.into_iter().map(|level| level.page);
            let mut room = Room::default();
            let composed =
                pages.zip(&downsamples).map(|(page, &factor)| areas.level(page, factor, &mut room));
            let composed = composed.collect::<Result<_>>()?;
            let mut slide = TiffSlide::composed(NAME, tiff, composed, associated, room)?;
            slide.info_mut().set_regions(&areas.regions());
            slide
        }
    };
    slide.clean_by(kept);
    let stated = slide.info_mut().levels.iter_mut().zip(downsamples);
    stated.for_each(|(level, factor)| level.downsample = factor);
    let mpp = real(&properties, "ventana.ScanRes").and_then(|v| calibration(v, v, "ventana.ScanRes"));
    let power = real(&properties, "ventana.Magnification");
    slide.info_mut().describe(NAME, mpp, power, properties);
    Ok(Box::new(slide))
}

/// Writes the header of a clean copy: pixel size and magnification, on a directory that shows nothing because readers look
/// for them in the first one, and how the tiles of the scan overlap.
fn kept(slide: &TiffSlide) -> Result<Kept> {
    let properties = scan_properties(slide.tiff())?;
    let of = |name: &str| properties.get(&format!("ventana.{name}")).map_or("", String::as_str);
    let mut scan = String::from("<iScan");
    for (name, most) in [("Magnification", MOST_POWER), ("ScanRes", MOST_UM)] {
        if let Some(value) = small_number(of(name), most) {
            scan += &format!(" {name}=\"{value}\"");
        }
    }
    if let Some(model) = known_model(of("ScannerModel")) {
        scan += &format!(" ScannerModel=\"{model}\"");
    }
    scan += "/>";
    let mut out = vec![(None, vec![(Tag::XML_PACKET, KeptValue::Packet(scan))])];
    for level in 0..slide.info().levels.len() {
        let at = PartAt { level, part: 0 };
        let directory = slide.directory_of(at)?;
        let text = slide.tiff().text(directory, Tag::IMAGE_DESCRIPTION).unwrap_or_default();
        let text = format!("level={level} mag={}", magnification(&text, level)?);
        let mut tags: Tags = vec![(Tag::IMAGE_DESCRIPTION, KeptValue::Text(text))];
        let stitching = slide.tiff().text(directory, Tag::XML_PACKET).filter(|_| level == 0);
        if let Some(text) = stitching {
            tags.push((Tag::XML_PACKET, KeptValue::Packet(stitch::cleaned(&text)?)));
        }
        out.push((Some(at), tags));
    }
    Ok(out)
}

fn associated_name(description: &str) -> Option<&'static str> {
    match description {
        "Label Image" | "Label_Image" => Some("macro"),
        "Thumbnail" => Some("thumbnail"),
        _ => None,
    }
}

/// Reads the attributes of the element `iScan`.
fn scan_properties(tiff: &Tiff) -> Result<Properties> {
    let text = tiff.text(tiff.first(), Tag::XML_PACKET).unwrap_or_default();
    let document = xml::parse(NAME, "XMLPacket", &text)?;
    let root = document.root_element();
    let scan = if root.tag_name().name() == "iScan" { Some(root) } else { xml::find(root, &["iScan"]) };
    let scan = scan.ok_or_else(|| Error::malformed(NAME, "XMLPacket", "an element iScan", "none"))?;
    let mut properties = Properties::new();
    for attribute in scan.attributes() {
        put(&mut properties, format!("ventana.{}", attribute.name()), attribute.value());
    }
    Ok(properties)
}

/// Reads `level=N mag=M …` of the `expected`-th level.
fn magnification(text: &str, expected: usize) -> Result<f64> {
    let field = |key: &str| text.split(' ').filter_map(|pair| pair.split_once('=')).find(|(k, _)| *k == key);
    let value = |key: &str| field(key).map_or("none", |(_, value)| value);
    if value("level").parse() != Ok(expected) {
        return Err(Error::malformed(NAME, "level", expected, value("level")));
    }
    let magnification = value("mag").parse().ok().filter(|v: &f64| v.is_finite() && *v > 0.0);
    magnification.ok_or_else(|| Error::malformed(NAME, "mag", "a magnification", value("mag")))
}

fn check(levels: &[Stored]) -> Result<()> {
    let Some(base) = levels.first() else {
        return Err(Error::malformed(NAME, "levels", "at least one", "none"));
    };
    if !levels.is_sorted_by(|a, b| a.magnification > b.magnification) {
        return Err(Error::malformed(NAME, "mag", "less with every level", "another order"));
    }
    let tile = |level: &Stored| (level.page.tiled, level.page.tile_width, level.page.tile_height);
    if !base.page.tiled || levels.iter().any(|level| tile(level) != tile(base)) {
        return Err(Error::malformed(NAME, "tiles", "one size for all levels", "several, or strips"));
    }
    Ok(())
}
