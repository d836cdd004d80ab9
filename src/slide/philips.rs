//! Philips TIFF: levels are padded to whole tiles, tiles without tissue are not stored, and the pixel
//! size stands in an XML description of DICOM attributes.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::{
    Format, Probe, SlideReader, Tag,
    properties::{Properties, calibration},
    tiff::{Associated, Page, TiffSlide, text_properties},
    xml,
};
use crate::error::{Error, Result};

const NAME: &str = "philips";
const WHAT: &str = "ImageDescription";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    let tiff = probe.tiff()?;
    let text = |tag| tiff.text(tiff.first(), tag).unwrap_or_default();
    if !text(Tag::SOFTWARE).starts_with("Philips") {
        return Err("Software does not start with \"Philips\"".into());
    }
    if !text(Tag::IMAGE_DESCRIPTION).contains("DPUfsImport") {
        return Err("ImageDescription is not Philips' XML".into());
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let tiff = probe.into_tiff()?;
    let text = tiff.text(tiff.first(), Tag::IMAGE_DESCRIPTION).unwrap_or_default();
    let document = xml::parse(NAME, WHAT, &text)?;
    let image = main_image(&document)?;
    let (mut levels, mut associated) = (Vec::new(), BTreeMap::new());
    for (index, directory) in tiff.directories().iter().enumerate() {
        let description = tiff.text(directory, Tag::IMAGE_DESCRIPTION).unwrap_or_default();
        if directory.find(Tag::TILE_WIDTH).is_some() {
            let reduced = tiff.uint(directory, Tag::NEW_SUBFILE_TYPE).is_some_and(|kind| kind & 1 == 1);
            if index > 0 && !reduced {
                let got = format!("directory {index} at full resolution");
                return Err(Error::malformed(NAME, "levels", "one at full resolution", got));
            }
            levels.push(Page::parse(&tiff, directory, NAME)?);
        } else if let Some(name) = ["Label", "Macro"].into_iter().find(|name| description.starts_with(name))
            && let Ok(page) = Page::parse(&tiff, directory, NAME)
        {
            associated.insert(name.to_lowercase(), Associated::Page(page));
        }
    }
    for (kind, name) in [("LABELIMAGE", "label"), ("MACROIMAGE", "macro")] {
        let coded =
            images(&document, kind).into_iter().next().and_then(|node| value(node, "PIM_DP_IMAGE_DATA"));
        if let (false, Some(stream)) = (associated.contains_key(name), coded.and_then(xml::base64_bytes)) {
            associated.insert(name.into(), Associated::Jpeg(stream));
        }
    }
    let spacings = spacings(image)?;
    if spacings.len() != levels.len() {
        let expected = format!("one pixel spacing for each of {} levels", levels.len());
        return Err(Error::malformed(NAME, WHAT, expected, spacings.len()));
    }
    let mut properties = text_properties(&tiff, tiff.first());
    properties.remove("tiff.ImageDescription");
    properties.remove("openslide.comment");
    attributes(document.root_element(), "philips", &mut properties);
    let mut slide = TiffSlide::new(NAME, tiff, levels, associated)?;
    clip(&mut slide, &spacings);
    describe(&mut slide, properties);
    Ok(Box::new(slide))
}

/// Returns the scanned images of a type.
fn images<'a, 'i>(document: &'a Document<'i>, kind: &str) -> Vec<Node<'a, 'i>> {
    let all = children_of(document.root_element(), "PIM_DP_SCANNED_IMAGES");
    all.into_iter().filter(|node| value(*node, "PIM_DP_IMAGE_TYPE") == Some(kind)).collect()
}

fn main_image<'a, 'i>(document: &'a Document<'i>) -> Result<Node<'a, 'i>> {
    match images(document, "WSI")[..] {
        [image] => Ok(image),
        ref other => Err(Error::malformed(NAME, WHAT, "one whole-slide image", other.len())),
    }
}

/// Returns the text of an attribute of a data object.
fn value<'a>(object: Node<'a, '_>, name: &str) -> Option<&'a str> {
    attribute(object, name)?.text().map(str::trim)
}

fn attribute<'a, 'i>(object: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    xml::children(object, "Attribute").find(|node| node.attribute("Name") == Some(name))
}

/// Returns the data objects in the array that an attribute holds.
fn children_of<'a, 'i>(object: Node<'a, 'i>, name: &str) -> Vec<Node<'a, 'i>> {
    let array = attribute(object, name).and_then(|node| xml::find(node, &["Array"]));
    array.map(|array| xml::children(array, "DataObject").collect()).unwrap_or_default()
}

/// Returns the pixel sizes of all levels, across and down, in mm.
fn spacings(image: Node<'_, '_>) -> Result<Vec<[f64; 2]>> {
    let levels = children_of(image, "PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE");
    let text = levels.into_iter().filter_map(|level| value(level, "DICOM_PIXEL_SPACING"));
    let parse = |text| {
        spacing(text)
            .ok_or_else(|| Error::malformed(NAME, "DICOM_PIXEL_SPACING", "two sizes above zero", text))
    };
    text.map(parse).collect()
}

/// Reads `"down" "across"`.
fn spacing(text: &str) -> Option<[f64; 2]> {
    let size = |text: &str| text.trim_matches('"').parse().ok().filter(|v: &f64| v.is_finite() && *v > 0.0);
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [down, across] => Some([size(across)?, size(down)?]),
        _ => None,
    }
}

/// Cuts the padding off the smaller levels: their true size follows from the pixel sizes.
fn clip(slide: &mut TiffSlide, spacings: &[[f64; 2]]) {
    let levels = &mut slide.info_mut().levels;
    let (width, height) = (levels[0].width, levels[0].height);
    for (level, size) in levels.iter_mut().zip(spacings).skip(1) {
        let factor = ((size[0] / spacings[0][0] + size[1] / spacings[0][1]) / 2.0).round().max(1.0);
        level.downsample = factor;
        level.width = level.width.min((width as f64 / factor) as u64).max(1);
        level.height = level.height.min((height as f64 / factor) as u64).max(1);
    }
}

fn describe(slide: &mut TiffSlide, mut properties: Properties) {
    let size = properties.get("philips.DICOM_PIXEL_SPACING").and_then(|text| spacing(text));
    let mpp = size.and_then(|[x, y]| calibration(1e3 * x, 1e3 * y, "philips.DICOM_PIXEL_SPACING"));
    let power = properties.get("philips.DICOM_DERIVATION_DESCRIPTION").and_then(|text| objective(text));
    if let Some(barcode) = properties.get("philips.PIM_DP_UFS_BARCODE") {
        let barcode = xml::base64_text(barcode);
        properties.insert("openslide.barcode".into(), barcode);
    }
    slide.info_mut().describe(NAME, mpp, power, properties);
}

/// Reads the objective from `…-levels=10003,…-…`: the first entry, where it is a magnification.
fn objective(derivation: &str) -> Option<f64> {
    let fields = derivation.split('-').take_while(|field| !field.starts_with("sourceFilename="));
    let levels = fields.filter_map(|field| field.strip_prefix("levels=")).next()?;
    let first: u32 = levels.split(',').next()?.parse().ok()?;
    (1..=200).contains(&first).then(|| first.into())
}

/// Collects attributes as properties: those of the file, of its whole-slide image, and of every level.
fn attributes(object: Node<'_, '_>, prefix: &str, properties: &mut Properties) {
    for node in xml::children(object, "Attribute") {
        match node.attribute("Name") {
            Some(name @ "PIM_DP_SCANNED_IMAGES") => {
                let images = children_of(object, name);
                let main = images.into_iter().find(|image| value(*image, "PIM_DP_IMAGE_TYPE") == Some("WSI"));
                if let Some(main) = main {
                    attributes(main, prefix, properties);
                }
            }
            Some(name @ "PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE") => {
                for (i, level) in children_of(object, name).into_iter().enumerate() {
                    attributes(level, &format!("{prefix}.{name}[{i}]"), properties);
                }
            }
            Some(name) if !node.children().any(|child| child.is_element()) => {
                properties.insert(format!("{prefix}.{name}"), node.text().unwrap_or_default().into());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacings_name_rows_first() {
        assert_eq!(spacing("\"0.00023\" \"0.00025\""), Some([0.000_25, 0.000_23]));
        assert_eq!(spacing("0.5"), None);
        assert_eq!(spacing("\"0\" \"1\""), None);
    }

    #[test]
    fn objectives_are_plausible_first_levels() {
        fn t(text: &str, power: Option<f64>) {
            assert_eq!(objective(text), power, "{text}");
        }
        t("tiff-useBigTIFF=1-levels=40,20,5-quality=80", Some(40.0));
        t("tiff-levels=10003,10002-quality=80", None);
        t("sourceFilename=\"a-levels=40\"", None);
    }
}
