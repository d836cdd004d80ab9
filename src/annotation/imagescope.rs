//! XML of Aperio ImageScope: layers (`Annotation`) of `Region`s with vertices.

use roxmltree::{Document, Node, ParsingOptions};

use super::{Area, Corner, Drawn, UNCLASSIFIED, covers_a_pixel};
use crate::error::{Error, Result, one_line};

/// Nodes of one document at most.
const MAX_NODES: u32 = 4_000_000;
/// Corners that an ellipse is drawn with.
const ELLIPSE: u32 = 64;

/// Values of `Type` of a region.
const RECTANGLE: &str = "1";
const ELLIPSE_TYPE: &str = "2";
/// Arrows, rulers and counters are no areas.
const LINES: [&str; 3] = ["3", "4", "5"];

/// Returns the closed regions of a text. A region's class is its text, else the name of its layer; a negative region is
/// one to ignore.
pub(super) fn parse(text: &str) -> Result<Drawn> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|e| Error::config("text", "well-formed XML", e))?;
    let root = document.root_element();
    if root.tag_name().name() != "Annotations" {
        return Err(Error::config("root", "the element Annotations", root.tag_name().name()));
    }
    let mut drawn = Drawn::default();
    let layers = named(root, "Annotation");
    let regions = layers
        .flat_map(|layer| named(layer, "Regions").flat_map(|r| named(r, "Region")).map(move |r| (layer, r)));
    for (number, (layer, region)) in (1usize..).zip(regions) {
        match area(layer, region)? {
            Ok(area) => drawn.areas.push(area),
            Err(what) => drawn.unused.push(format!("region {} ({what})", id(region, number))),
        }
    }
    Ok(drawn)
}

/// What a region is called in its file, else its number there.
fn id(region: Node<'_, '_>, number: usize) -> String {
    region.attribute("Id").map_or_else(|| number.to_string(), |id| one_line(id.to_owned()))
}

fn named<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

/// Returns the area of a region, or what the region is where it encloses nothing.
fn area(layer: Node<'_, '_>, region: Node<'_, '_>) -> Result<Result<Area, String>> {
    let vertices = named(region, "Vertices").flat_map(|v| named(v, "Vertex"));
    let corners =
        vertices.map(|v| Ok([number(v, "X")?, number(v, "Y")?])).collect::<Result<Vec<Corner>>>()?;
    let kind = region.attribute("Type").unwrap_or("0");
    let ring = match (kind, corners.as_slice()) {
        (kind, _) if LINES.contains(&kind) => return Ok(Err("arrow, ruler or counter".into())),
        (RECTANGLE, &[a, b]) => vec![a, [b[0], a[1]], b, [a[0], b[1]]],
        (ELLIPSE_TYPE, &[a, b]) => ellipse(a, b),
        (_, list) if list.len() >= 3 => corners,
        (_, few) => return Ok(Err(format!("{} of 3 corners", few.len()))),
    };
    if !covers_a_pixel(&ring) {
        return Ok(Err("less than a pixel".into()));
    }
    let said = |node: Node<'_, '_>, attribute: &str| {
        node.attribute(attribute).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    let class = if region.attribute("NegativeROA") == Some("1") {
        "Ignore".to_owned()
    } else {
        said(region, "Text").or(said(layer, "Name")).unwrap_or_else(|| UNCLASSIFIED.to_owned())
    };
    Ok(Ok(Area { class, rings: vec![ring] }))
}

fn number(node: Node<'_, '_>, attribute: &str) -> Result<f64> {
    let text = node.attribute(attribute).unwrap_or("");
    let value = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    value.ok_or_else(|| Error::config(format!("Vertex {attribute}"), "a number", format!("{text:?}")))
}

/// The ellipse in the box between two corners.
fn ellipse(a: Corner, b: Corner) -> Vec<Corner> {
    let middle = [0, 1].map(|k| (a[k] + b[k]) / 2.0);
    let half = [0, 1].map(|k| (b[k] - a[k]) / 2.0);
    let turn = |i: u32| f64::from(i) * std::f64::consts::TAU / f64::from(ELLIPSE);
    (0..ELLIPSE).map(|i| [middle[0] + half[0] * turn(i).cos(), middle[1] + half[1] * turn(i).sin()]).collect()
}
