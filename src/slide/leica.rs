//! Leica SCN: a BigTIFF whose first directory describes a collection of images in XML.
//!
//! As in OpenSlide, the brightfield images that are not the overview are regions of one slide, laid out
//! by their offsets; the overview is the macro image; the first focal plane is read.

use std::collections::BTreeMap;

use roxmltree::Node;

use super::{
    Format, KeptValue, PartAt, Probe, SlideReader, Tag,
    kept::{BLANK_SIDE, MOST_POWER, known_model, small_number},
    mosaic::{Patch, Room},
    properties::{Properties, put, real},
    tiff::{
        Associated, Composed, Kept, Page, Tiff, TiffSlide, resolution, resolution_tags, stored_tile,
        text_properties,
    },
    xml,
};
use crate::{
    error::{Error, Result},
    geometry::Rect,
};

const NAME: &str = "leica";
const SCHEMA: &str = "http://www.leica-microsystems.com/scn/2010/";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

/// One image of the collection. Lengths in nm.
struct Image {
    across: i64,
    down: i64,
    offset: [i64; 2],
    /// Focal planes.
    planes: u64,
    overview: bool,
    brightfield: bool,
    objective: String,
    /// Directories, largest first.
    dimensions: Vec<Dimension>,
}

#[derive(Clone, Copy)]
struct Dimension {
    directory: usize,
    width: i64,
    /// As stated; the directory says how high it is.
    height: i64,
}

/// What the first directory says about all of them.
struct Collection {
    size: [i64; 2],
    images: Vec<Image>,
    properties: Properties,
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    let tiff = probe.tiff()?;
    let text = tiff.text(tiff.first(), Tag::IMAGE_DESCRIPTION).unwrap_or_default();
    if !text.contains(SCHEMA) {
        return Err("ImageDescription is not Leica's XML".into());
    }
    Ok(())
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let tiff = probe.into_tiff()?;
    let text = tiff.text(tiff.first(), Tag::IMAGE_DESCRIPTION).unwrap_or_default();
    let collection = read(&text)?;
    let mains = collection.mains();
    let Some(first) = mains.first() else {
        return Err(Error::unsupported(NAME, "a collection without a brightfield image"));
    };
    let alike = |image: &&Image| {
        image.objective == first.objective && image.dimensions.len() == first.dimensions.len()
    };
    if !mains.iter().all(alike) {
        return Err(Error::unsupported(NAME, "regions scanned with different objectives or levels"));
    }
    let mut room = Room::default();
    let levels = (0..first.dimensions.len()).map(|i| level(&tiff, &collection, &mains, i, &mut room));
    let (levels, mut regions): (Vec<_>, Vec<_>) = levels.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let base = tiff.directory_at(NAME, first.dimensions[0].directory)?.clone();
    let planes = first.planes;
    let mut associated = BTreeMap::new();
    if let Some(overview) = collection.images.iter().find(|i| i.overview && i.brightfield) {
        let directory = tiff.directory_at(NAME, overview.dimensions[0].directory)?;
        if let Ok(page) = Page::parse(&tiff, directory, NAME) {
            associated.insert("macro".into(), Associated::Page(page));
        }
    }
    let mut properties = text_properties(&tiff, &base);
    properties.remove("tiff.ImageDescription");
    properties.remove("openslide.comment");
    properties.extend(collection.properties);
    let (mpp, power) = (resolution(&tiff, &base), real(&properties, "leica.objective"));
    let mut slide = TiffSlide::composed(NAME, tiff, levels, associated, room)?;
    slide.clean_by(kept);
    let info = slide.info_mut();
    info.focal_planes = planes;
    let regions = regions.swap_remove(0);
    info.set_regions(&regions);
    info.bounds = regions.into_iter().reduce(|a, b| {
        let (x0, y0) = (a.x0.min(b.x0), a.y0.min(b.y0));
        let size = |end: i64, start: i64| u64::try_from(end - start).unwrap_or(0);
        Rect { x0, y0, width: size(a.x1().max(b.x1()), x0), height: size(a.y1().max(b.y1()), y0) }
    });
    info.describe(NAME, mpp, power, properties);
    Ok(Box::new(slide))
}

impl Collection {
    /// Returns the images that are regions of the slide.
    fn mains(&self) -> Vec<&Image> {
        self.images.iter().filter(|image| !image.overview && image.brightfield).collect()
    }
}

/// Lays out level `index` of all regions. Returns it and where the regions lie on it.
fn level(
    tiff: &Tiff,
    collection: &Collection,
    mains: &[&Image],
    index: usize,
    room: &mut Room,
) -> Result<(Composed, Vec<Rect>)> {
    let scale = |image: &Image| image.across as f64 / image.dimensions[index].width as f64;
    let first = scale(mains[0]);
    if mains.iter().any(|image| ((scale(image) - first) / first).abs() > 0.02) {
        return Err(Error::unsupported(NAME, "regions of different pixel sizes"));
    }
    let nm = mains.iter().map(|image| scale(image)).fold(first, f64::min);
    let side = |length: i64| (length as f64 / nm).ceil() as u64;
    let mut composed = Composed {
        width: side(collection.size[0]),
        height: side(collection.size[1]),
        pages: Vec::new(),
        patches: Vec::new(),
    };
    let mut regions = Vec::new();
    for image in mains {
        let directory = tiff.directory_at(NAME, image.dimensions[index].directory)?;
        let page = Page::parse(tiff, directory, NAME)?;
        if !page.tiled {
            return Err(Error::malformed(NAME, "levels", "tiles", "strips"));
        }
        let [x0, y0] = image.offset.map(|offset| (offset as f64 / nm) as i64);
        room.take_patches(page.cols() * page.rows())?;
        regions.push(Rect { x0, y0, width: page.width, height: page.height });
        composed.pages.push(page);
    }
    // Where regions overlap the first one shows, so it is laid down last.
    for (i, region) in regions.iter().enumerate().rev() {
        composed.patches.extend(patches(&composed.pages, i, region));
    }
    Ok((composed, regions))
}

fn patches(pages: &[Page], index: usize, region: &Rect) -> Vec<Patch> {
    let page = &pages[index];
    let (tile_width, tile_height) = (u64::from(page.tile_width), u64::from(page.tile_height));
    let part = |length: u64, tile: u64, at: u64| u32::try_from(tile.min(length - at)).unwrap_or(0);
    let tiles = (0..page.rows()).flat_map(|row| (0..page.cols()).map(move |col| (col, row)));
    let patch = |(col, row)| {
        let (x, y) = (col * tile_width, row * tile_height);
        Patch {
            x: region.x0 + x as i64,
            y: region.y0 + y as i64,
            width: part(page.width, tile_width, x),
            height: part(page.height, tile_height, y),
            stored: stored_tile(pages, index, col, row),
            left: 0,
            top: 0,
        }
    };
    tiles.map(patch).collect()
}

fn read(text: &str) -> Result<Collection> {
    let document = xml::parse(NAME, "ImageDescription", text)?;
    let none = |what: &str| Error::malformed(NAME, what, "one in the ImageDescription", "none");
    let root = document.root_element();
    let node = xml::find(root, &["collection"]).ok_or_else(|| none("collection"))?;
    let size = [xml::whole(NAME, node, "sizeX")?, xml::whole(NAME, node, "sizeY")?];
    let mut collection = Collection { size, images: Vec::new(), properties: Properties::new() };
    // The newer schema stores the barcode in base 64, the older one as it is.
    let barcode = match xml::text(node, &["barcode"]) {
        Some(coded) => Some(xml::base64_text(&coded)),
        None => node.attribute("barcode").map(str::to_owned),
    };
    if let Some(barcode) = barcode {
        put(&mut collection.properties, "leica.barcode", barcode.clone());
        put(&mut collection.properties, "openslide.barcode", barcode);
    }
    for node in xml::children(node, "image") {
        let image = image(node, size)?;
        if !image.overview && image.brightfield && !collection.properties.contains_key("leica.objective") {
            collection.properties.append(&mut image_properties(node));
        }
        collection.images.push(image);
    }
    Ok(collection)
}

fn image(node: Node<'_, '_>, size: [i64; 2]) -> Result<Image> {
    let none = |what: &str| Error::malformed(NAME, what, "one in each image", "none");
    let view = xml::find(node, &["view"]).ok_or_else(|| none("view"))?;
    let attribute = |name| xml::whole(NAME, view, name);
    let (across, down) = (attribute("sizeX")?, attribute("sizeY")?);
    let offset = [attribute("offsetX")?, attribute("offsetY")?];
    let (mut dimensions, mut planes) = (Vec::new(), 1);
    let pixels = xml::find(node, &["pixels"]).ok_or_else(|| none("pixels"))?;
    for node in xml::children(pixels, "dimension") {
        let plane = node.attribute("z").and_then(|z| z.parse().ok()).unwrap_or(0u64);
        planes = planes.max(plane.saturating_add(1));
        if plane != 0 || node.attribute("c").is_some_and(|c| c != "0") {
            continue;
        }
        let directory = xml::whole(NAME, node, "ifd")?;
        let width = xml::whole(NAME, node, "sizeX")?;
        let directory = usize::try_from(directory).ok().filter(|_| width > 0);
        let bad = || Error::malformed(NAME, "dimension", "a directory and a size", "none");
        let height = xml::whole(NAME, node, "sizeY").unwrap_or(width);
        dimensions.push(Dimension { directory: directory.ok_or_else(bad)?, width, height });
    }
    if dimensions.is_empty() || across <= 0 {
        return Err(none("dimension"));
    }
    dimensions.sort_by_key(|d| std::cmp::Reverse(d.width));
    let source = ["scanSettings", "illuminationSettings", "illuminationSource"];
    Ok(Image {
        across,
        down,
        offset,
        planes,
        overview: offset == [0, 0] && [across, down] == size,
        brightfield: xml::text(node, &source).as_deref() == Some("brightfield"),
        objective: xml::text(node, &["scanSettings", "objectiveSettings", "objective"]).unwrap_or_default(),
        dimensions,
    })
}

/// Writes the header of a clean copy: where the regions lie, how large they are, and with what they were seen.
fn kept(slide: &TiffSlide) -> Result<Kept> {
    let tiff = slide.tiff();
    let text = tiff.text(tiff.first(), Tag::IMAGE_DESCRIPTION).unwrap_or_default();
    let collection = read(&text)?;
    let [width, height] = collection.size;
    // OpenSlide opens no collection without an overview: a white one stands for it.
    let overview = dimension_elements(
        &[Dimension { directory: 0, width: BLANK_SIDE.into(), height: BLANK_SIDE.into() }],
        0,
    );
    let overview = image_element([width, height, 0, 0], &overview, "", "", "");
    let (mut out, mut images) = (vec![(None, Vec::new())], overview);
    for (part, image) in collection.mains().into_iter().enumerate() {
        images += &region_element(image, &collection.properties, out.len());
        for level in 0..image.dimensions.len() {
            let at = PartAt { level, part };
            out.push((Some(at), resolution_tags(tiff, slide.directory_of(at)?)));
        }
    }
    let text = format!(
        "<?xml version=\"1.0\"?><scn xmlns=\"{SCHEMA}10/01\"><collection sizeX=\"{width}\" sizeY=\"{height}\">\
         {images}</collection></scn>"
    );
    out[0].1.push((Tag::IMAGE_DESCRIPTION, KeptValue::Text(text)));
    Ok(out)
}

/// Returns the element of a region whose directories begin with `first`: numbers, and a model that is nobody's.
fn region_element(image: &Image, properties: &Properties, first: usize) -> String {
    let of = |name: &str| properties.get(name).map_or("", String::as_str);
    let element = |name: &str, value: Option<f64>| {
        value.map(|value| format!("<{name}>{value}</{name}>")).unwrap_or_default()
    };
    let model = known_model(of("leica.device-model"));
    let model = model.map(|model| format!("<device model=\"{model}\"/>")).unwrap_or_default();
    let objective = element("objective", small_number(&image.objective, MOST_POWER));
    let aperture = element("numericalAperture", small_number(of("leica.aperture"), 2.0));
    let dimensions = dimension_elements(&image.dimensions, first);
    let Image { across, down, offset: [x, y], .. } = *image;
    image_element([across, down, x, y], &dimensions, &model, &objective, &aperture)
}

fn dimension_elements(dimensions: &[Dimension], first: usize) -> String {
    let one = |(r, Dimension { width, height, .. }): (usize, &Dimension)| {
        let directory = first + r;
        format!("<dimension sizeX=\"{width}\" sizeY=\"{height}\" r=\"{r}\" ifd=\"{directory}\"/>")
    };
    dimensions.iter().enumerate().map(one).collect()
}

/// Returns the element of an image that covers `view` of the collection: size, then offset.
fn image_element(view: [i64; 4], dimensions: &str, model: &str, objective: &str, aperture: &str) -> String {
    let [across, down, x, y] = view;
    format!(
        "<image>{model}<pixels>{dimensions}</pixels>\
         <view sizeX=\"{across}\" sizeY=\"{down}\" offsetX=\"{x}\" offsetY=\"{y}\"/><scanSettings>\
         <objectiveSettings>{objective}</objectiveSettings><illuminationSettings>{aperture}\
         <illuminationSource>brightfield</illuminationSource></illuminationSettings></scanSettings></image>"
    )
}

fn image_properties(node: Node<'_, '_>) -> Properties {
    let mut properties = Properties::new();
    let mut set = |name: &str, value: Option<String>| {
        put(&mut properties, format!("leica.{name}"), value.unwrap_or_default());
    };
    let illumination = |name| xml::text(node, &["scanSettings", "illuminationSettings", name]);
    let device = xml::find(node, &["device"]);
    let device = |name: &str| device.and_then(|node| node.attribute(name)).map(str::to_owned);
    set("aperture", illumination("numericalAperture"));
    set("illumination-source", illumination("illuminationSource"));
    set("objective", xml::text(node, &["scanSettings", "objectiveSettings", "objective"]));
    set("creation-date", xml::text(node, &["creationDate"]));
    set("device-model", device("model"));
    set("device-version", device("version"));
    properties
}
