//! XML of Aperio ImageScope: layers (`Annotation`) of `Region`s with vertices.

use roxmltree::{Document, Node, ParsingOptions};

use super::{Area, Corner, UNCLASSIFIED};
use crate::error::{Error, Result};

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
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Area>> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|e| Error::config(name, "well-formed XML", e))?;
    let root = document.root_element();
    if root.tag_name().name() != "Annotations" {
        return Err(Error::config(name, "the element Annotations", root.tag_name().name()));
    }
    let mut areas = Vec::new();
    for layer in named(root, "Annotation") {
        for region in named(layer, "Regions").flat_map(|r| named(r, "Region")) {
            areas.extend(area(name, layer, region)?);
        }
    }
    Ok(areas)
}

fn named<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

fn area(name: &str, layer: Node<'_, '_>, region: Node<'_, '_>) -> Result<Option<Area>> {
    let vertices = named(region, "Vertices").flat_map(|v| named(v, "Vertex"));
    let corners = vertices
        .map(|v| Ok([number(name, v, "X")?, number(name, v, "Y")?]))
        .collect::<Result<Vec<Corner>>>()?;
    let kind = region.attribute("Type").unwrap_or("0");
    let ring = match (kind, corners.as_slice()) {
        (kind, _) if LINES.contains(&kind) => return Ok(None),
        (RECTANGLE, &[a, b]) => vec![a, [b[0], a[1]], b, [a[0], b[1]]],
        (ELLIPSE_TYPE, &[a, b]) => ellipse(a, b),
        (_, list) if list.len() >= 3 => corners,
        _ => return Ok(None),
    };
    let said = |node: Node<'_, '_>, attribute: &str| {
        node.attribute(attribute).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    let class = if region.attribute("NegativeROA") == Some("1") {
        "Ignore".to_owned()
    } else {
        said(region, "Text").or(said(layer, "Name")).unwrap_or_else(|| UNCLASSIFIED.to_owned())
    };
    Ok(Some(Area { class, rings: vec![ring] }))
}

fn number(name: &str, node: Node<'_, '_>, attribute: &str) -> Result<f64> {
    let text = node.attribute(attribute).unwrap_or("");
    let value = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    value.ok_or_else(|| Error::config(format!("{name}: Vertex {attribute}"), "a number", format!("{text:?}")))
}

/// The ellipse in the box between two corners.
fn ellipse(a: Corner, b: Corner) -> Vec<Corner> {
    let middle = [0, 1].map(|k| (a[k] + b[k]) / 2.0);
    let half = [0, 1].map(|k| (b[k] - a[k]) / 2.0);
    let turn = |i: u32| f64::from(i) * std::f64::consts::TAU / f64::from(ELLIPSE);
    (0..ELLIPSE).map(|i| [middle[0] + half[0] * turn(i).cos(), middle[1] + half[1] * turn(i).sin()]).collect()
}
