//! OME-TIFF: what a directory shows stands in the OME-XML of the first one.
//!
//! The largest image is the slide, its sub-directories are the levels. Images named after a label, macro or thumbnail
//! are associated ones, others are not read. Of several planes, the first one is read.

mod planes;

use std::{cmp::Reverse, collections::BTreeMap};

use roxmltree::Node;

use self::planes::{Planes, directory};
use super::{
    Format, Probe, SlideReader, Tag,
    properties::{Properties, likely_calibration, put},
    tiff::{
        Associated, Directory, Page, Tiff, TiffSlide, is_level_of, is_own_size, is_reduced, text_properties,
    },
    xml,
};
use crate::{
    error::{Error, Result},
    slide::Calibration,
};

const NAME: &str = "ome_tiff";
const WHAT: &str = "OME-XML";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    let tiff = probe.tiff()?;
    let text = tiff.text(tiff.first(), Tag::IMAGE_DESCRIPTION).unwrap_or_default();
    if !text.contains("http://www.openmicroscopy.org/Schemas/")
        || !text.contains("<OME") && !text.contains(":OME")
    {
        return Err("ImageDescription is not OME-XML".into());
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let tiff = probe.into_tiff()?;
    let text = tiff.text(tiff.first(), Tag::IMAGE_DESCRIPTION).unwrap_or_default();
    // Some writers put a second declaration in.
    let start = text.rfind("<?xml").unwrap_or(0);
    let document = xml::parse(NAME, WHAT, &text[start..])?;
    let root = document.root_element();
    let images = xml::children(root, "Image").map(|image| {
        let pixels = xml::find(image, &["Pixels"]);
        Ok((image, pixels.ok_or_else(|| Error::malformed(NAME, WHAT, "Pixels in each image", "none"))?))
    });
    let images = images.collect::<Result<Vec<_>>>()?;
    let Some(&(image, pixels)) = largest(&images) else {
        return Err(Error::malformed(NAME, WHAT, "an image", "none"));
    };
    let (mut associated, mut unread) = (BTreeMap::new(), Vec::new());
    for &(other, pixels) in images.iter().filter(|(other, _)| *other != image) {
        let Some(name) = associated_name(other) else {
            unread.push(described(other, pixels));
            continue;
        };
        // A picture that cannot be read does not keep the slide from being read.
        let directory = directory(pixels, Planes::of(root, pixels), 0);
        let page = directory
            .and_then(|index| tiff.directory_at(NAME, index))
            .and_then(|directory| Page::parse(&tiff, directory, NAME));
        if let Ok(page) = page {
            associated.entry(name.to_owned()).or_insert(Associated::Page(page));
        }
    }
    let at = |channel| directory(pixels, Planes::of(root, pixels), channel);
    let levels = match colours(pixels)? {
        Colours::OneImage => levels(&tiff, pixels, at(0)?, true)?,
        Colours::Planes(channels) => {
            let [red, green, blue] = channels.map(|channel| levels(&tiff, pixels, at(channel)?, false));
            merge(red?, green?, blue?)?
        }
    };
    let base = tiff.directory_at(NAME, at(0)?)?;
    let mut properties = text_properties(&tiff, base);
    properties.remove("tiff.ImageDescription");
    properties.remove("openslide.comment");
    properties.extend(image_properties(image, pixels));
    let (mpp, power) = (pixel_size(pixels), magnification(root, image));
    let maker =
        xml::find(root, &["Instrument", "Microscope"]).and_then(|node| node.attribute("Manufacturer"));
    let maker = maker.map(str::to_owned).or_else(|| properties.get("tiff.Make").cloned());
    let mut slide = TiffSlide::new(NAME, tiff, levels, associated)?;
    let info = slide.info_mut();
    info.unread = unread;
    info.focal_planes = pixels.attribute("SizeZ").and_then(|n| n.parse().ok()).unwrap_or(1).max(1);
    info.describe("ome-tiff", mpp, power, properties);
    info.vendor = maker;
    Ok(Box::new(slide))
}

/// Returns the image with the most pixels that is not named as an associated one; of all, where all are.
fn largest<'a, 'b>(images: &'a [(Node<'b, 'b>, Node<'b, 'b>)]) -> Option<&'a (Node<'b, 'b>, Node<'b, 'b>)> {
    let pixels = |node: &Node<'_, '_>| {
        let side = |name| node.attribute(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        side("SizeX").saturating_mul(side("SizeY"))
    };
    images.iter().min_by_key(|(image, node)| (associated_name(*image).is_some(), Reverse(pixels(node))))
}

/// Returns the name OpenSlide gives an associated image, by the words of its own.
fn associated_name(image: Node<'_, '_>) -> Option<&'static str> {
    const NAMES: [(&str, &str); 4] =
        [("label", "label"), ("macro", "macro"), ("overview", "macro"), ("thumbnail", "thumbnail")];
    let name = image.attribute("Name").unwrap_or_default().to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| NAMES.iter().find(|(known, _)| *known == word)).map(|(_, name)| *name)
}

fn described(image: Node<'_, '_>, pixels: Node<'_, '_>) -> String {
    // Not by its name, which can be a patient's.
    let name = image.attribute("ID").unwrap_or("an image");
    let side = |name| pixels.attribute(name).unwrap_or("?");
    format!("{name} ({}x{} px)", side("SizeX"), side("SizeY"))
}

/// How colours are stored.
enum Colours {
    /// In one image.
    OneImage,
    /// As three images: the channels that are red, green and blue.
    Planes([usize; 3]),
}

fn colours(pixels: Node<'_, '_>) -> Result<Colours> {
    let channels: Vec<_> = xml::children(pixels, "Channel").collect();
    let samples = |node: &Node<'_, '_>| node.attribute("SamplesPerPixel").unwrap_or("1").parse().unwrap_or(1);
    let count = pixels.attribute("SizeC").and_then(|n| n.parse().ok()).unwrap_or(channels.len().max(1));
    let places = ["red", "green", "blue"].map(|colour| channels.iter().position(|node| is(*node, colour)));
    match (channels.first().map_or(1, samples), places) {
        (1, _) if count == 1 => Ok(Colours::OneImage),
        (3 | 4, _) if channels.len() == 1 => Ok(Colours::OneImage),
        (1, [Some(red), Some(green), Some(blue)]) if count == 3 => Ok(Colours::Planes([red, green, blue])),
        _ => Err(Error::unsupported(NAME, format!("{count} channels that are not one RGB image"))),
    }
}

/// Returns whether a channel has the name of a colour, or is drawn in it.
fn is(channel: Node<'_, '_>, colour: &str) -> bool {
    let name = channel.attribute("Name").map(str::to_lowercase).unwrap_or_default();
    // Red, green, blue and opacity as one signed number.
    let drawn = channel.attribute("Color").and_then(|text| text.parse::<i32>().ok()).map(i32::to_be_bytes);
    let place = ["red", "green", "blue"].iter().position(|other| *other == colour).unwrap_or(0);
    let pure = |[r, g, b, _]: [u8; 4]| (0..3).all(|i| [r, g, b][i] == if i == place { 255 } else { 0 });
    name == colour || name == colour[..1] || drawn.is_some_and(pure)
}

/// Joins the levels of three images of one channel each.
fn merge(red: Vec<Page>, green: Vec<Page>, blue: Vec<Page>) -> Result<Vec<Page>> {
    if [green.len(), blue.len()] != [red.len(); 2] {
        return Err(Error::unsupported(NAME, "channels with different levels"));
    }
    let pages = red.into_iter().zip(green).zip(blue);
    let merged = pages.map(|((red, green), blue)| {
        let feature = || {
            Error::unsupported(
                NAME,
                "channels in images of their own that are not alike, of 8 bits and without JPEG",
            )
        };
        Page::merge_rgb(red, green, blue).ok_or_else(feature)
    });
    merged.collect()
}

/// Returns the base and its smaller copies that can be read: sub-directories and, where `chained`, directories marked as
/// reduced that follow the base.
fn levels(tiff: &Tiff, pixels: Node<'_, '_>, index: usize, chained: bool) -> Result<Vec<Page>> {
    let directory = tiff.directory_at(NAME, index)?;
    let base = Page::parse(tiff, directory, NAME)?;
    let stated = [xml::whole(NAME, pixels, "SizeX")?, xml::whole(NAME, pixels, "SizeY")?];
    if stated != [base.width as i64, base.height as i64] {
        let expected = format!("{}x{} px", stated[0], stated[1]);
        let got = format!("{}x{} px", base.width, base.height);
        return Err(Error::malformed(NAME, "size of the image", expected, got));
    }
    let mut levels = vec![base.clone()];
    let children = tiff.children(directory)?;
    let following = tiff.directories().iter().skip(index + 1).filter(|_| chained);
    let reduced = following.take_while(|directory: &&Directory| is_reduced(tiff, directory));
    for directory in children.iter().chain(reduced) {
        let Ok(page) = Page::parse(tiff, directory, NAME) else { continue };
        let fits = page.same_samples(&base) && page.is_reached() && is_level_of(&page, &base);
        if fits && is_own_size(&page, &levels) {
            levels.push(page);
        }
    }
    Ok(levels)
}

fn image_properties(image: Node<'_, '_>, pixels: Node<'_, '_>) -> Properties {
    let mut properties = Properties::new();
    let mut attribute = |node: Node<'_, '_>, name: &str| {
        put(&mut properties, format!("ome.{name}"), node.attribute(name).unwrap_or_default());
    };
    for name in [
        "Type",
        "SizeC",
        "SizeZ",
        "SizeT",
        "PhysicalSizeX",
        "PhysicalSizeXUnit",
        "PhysicalSizeY",
        "PhysicalSizeYUnit",
    ] {
        attribute(pixels, name);
    }
    attribute(image, "Name");
    put(&mut properties, "ome.AcquisitionDate", xml::text(image, &["AcquisitionDate"]).unwrap_or_default());
    put(&mut properties, "ome.Description", xml::text(image, &["Description"]).unwrap_or_default());
    properties
}

/// Reads the pixel size; lengths in units that are none, such as `pixel`, are not one.
fn pixel_size(pixels: Node<'_, '_>) -> Option<Calibration> {
    let size = |name: &str, unit: &str| {
        let value: f64 = pixels.attribute(name)?.trim().parse().ok()?;
        let um = um_per(pixels.attribute(unit).unwrap_or("µm"))?;
        Some(value * um)
    };
    let x = size("PhysicalSizeX", "PhysicalSizeXUnit")?;
    let y = size("PhysicalSizeY", "PhysicalSizeYUnit")?;
    likely_calibration(x, y, "ome.PhysicalSizeX")
}

/// Prefixes of the metre, and the power of ten that each stands for.
const PREFIXES: [(&str, i32); 23] = [
    ("Y", 24),
    ("Z", 21),
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("h", 2),
    ("da", 1),
    ("", 0),
    ("d", -1),
    ("c", -2),
    ("m", -3),
    ("µ", -6),
    ("μ", -6),
    ("u", -6),
    ("n", -9),
    ("p", -12),
    ("f", -15),
    ("a", -18),
    ("z", -21),
    ("y", -24),
];

/// Returns the micrometres in a unit of length: all units of the OME schema but `pixel` and `reference frame`, which are
/// none, and those of astronomy.
pub(super) fn um_per(unit: &str) -> Option<f64> {
    const INCH: f64 = 25_400.0;
    let unit = unit.trim();
    let prefix = unit.strip_suffix('m').and_then(|prefix| PREFIXES.iter().find(|(name, _)| *name == prefix));
    if let Some((_, power)) = prefix {
        // Powers below zero divide, so that 250 nm are 0.25 µm to the last digit.
        let power = power + 6;
        let size = 10f64.powi(power.abs());
        return Some(if power < 0 { 1.0 / size } else { size });
    }
    Some(match unit {
        "Å" => 1e-4,
        "thou" | "mil" => INCH / 1e3,
        "li" => INCH / 12.0,
        "in" => INCH,
        "ft" => 12.0 * INCH,
        "yd" => 36.0 * INCH,
        "mi" => 63_360.0 * INCH,
        "pt" => INCH / 72.0,
        _ => return None,
    })
}

/// Returns the nominal magnification of the objective that the image refers to.
fn magnification(root: Node<'_, '_>, image: Node<'_, '_>) -> Option<f64> {
    let used = xml::find(image, &["ObjectiveSettings"]).and_then(|node| node.attribute("ID"))?;
    let objectives = xml::children(root, "Instrument").flat_map(|node| xml::children(node, "Objective"));
    let mut objectives = objectives.filter(|node| node.attribute("ID") == Some(used));
    objectives.next()?.attribute("NominalMagnification")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_sizes_follow_their_units() {
        fn t(attributes: &str, mpp: Option<f64>) {
            let text = format!("<Pixels {attributes}/>");
            let document = xml::parse(NAME, WHAT, &text).unwrap();
            let got = pixel_size(document.root_element()).map(|c| c.mpp.x());
            assert!((got.unwrap_or(0.0) - mpp.unwrap_or(0.0)).abs() < 1e-12, "{attributes}: {got:?}");
            assert_eq!(got.is_some(), mpp.is_some(), "{attributes}");
        }
        t("PhysicalSizeX='0.25' PhysicalSizeY='0.25'", Some(0.25));
        t(
            "PhysicalSizeX='250' PhysicalSizeXUnit='nm' PhysicalSizeY='250' PhysicalSizeYUnit='nm'",
            Some(0.25),
        );
        t(
            "PhysicalSizeX='0.0005' PhysicalSizeXUnit='mm' PhysicalSizeY='0.5' PhysicalSizeYUnit='µm'",
            Some(0.5),
        );
        let both = |size: &str, unit: &str| {
            format!(
                "PhysicalSizeX='{size}' PhysicalSizeXUnit='{unit}' PhysicalSizeY='{size}' PhysicalSizeYUnit='{unit}'"
            )
        };
        for (size, unit) in [
            ("5e-7", "m"),
            ("5e-6", "dm"),
            ("5e-8", "dam"),
            ("5e-10", "km"),
            ("5e8", "fm"),
            ("5e-31", "Ym"),
            ("5000", "Å"),
            ("0.01968503937007874", "mil"),
            ("0.00023622047244094488", "li"),
            ("1.968503937007874e-5", "in"),
            ("1.6404199475065617e-6", "ft"),
            ("5.468066491688539e-7", "yd"),
            ("3.106855961186669e-10", "mi"),
            ("0.0014173228346456693", "pt"),
        ] {
            t(&both(size, unit), Some(0.5));
        }
        for unit in ["pixel", "reference frame", "parsec", "xm", ""] {
            t(&both("0.5", unit), None);
        }
        t("PhysicalSizeX='1' PhysicalSizeXUnit='pixel' PhysicalSizeY='1' PhysicalSizeYUnit='pixel'", None);
        t("PhysicalSizeX='0' PhysicalSizeY='0'", None);
        t("PhysicalSizeX='1e9' PhysicalSizeY='1e9'", None);
        t("PhysicalSizeX='0.25'", None);
    }
}
