//! XML of Aperio ImageScope: layers (`Annotation`) of `Region`s with vertices.

use roxmltree::{Document, Node, ParsingOptions};

use super::{Area, Corner, Drawn, UNCLASSIFIED, covers_a_pixel, encloses};
use crate::{
    error::{Error, Result, one_line},
    geometry::Point,
};

/// Nodes of one document at most.
const MAX_NODES: u32 = 4_000_000;
/// Corners that an ellipse is drawn with.
const ELLIPSE: u32 = 64;

/// Class of a negative region that is no hole of another.
const IGNORE: &str = "Ignore";
/// Values of `Type` of a region.
const RECTANGLE: &str = "1";
const ELLIPSE_TYPE: &str = "2";
/// Arrows, rulers and counters are no areas.
const LINES: [&str; 3] = ["3", "4", "5"];

/// Returns the closed regions of a text. A region's class is its text, else the name of its layer; a negative region is a hole
/// in those of its layer that it meets, and one to ignore where there is none.
pub(super) fn parse(text: &str) -> Result<Drawn> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|e| Error::config("text", "well-formed XML", e))?;
    let root = document.root_element();
    if root.tag_name().name() != "Annotations" {
        return Err(Error::config("root", "the element Annotations", root.tag_name().name()));
    }
    let mut drawn = Drawn::default();
    let mut number = 0;
    for layer in named(root, "Annotation") {
        let (mut areas, mut holes) = (Vec::new(), Vec::new());
        for region in named(layer, "Regions").flat_map(|r| named(r, "Region")) {
            number += 1;
            match area(layer, region)? {
                Ok(area) if is_negative(region) => holes.extend(area.rings),
                Ok(area) => areas.push(area),
                Err(what) => drawn.unused.push(format!("region {} ({what})", id(region, number))),
            }
        }
        let alone = cut(&mut areas, holes);
        drawn.areas.extend(areas);
        drawn.areas.extend(alone.into_iter().map(|ring| Area { class: IGNORE.into(), rings: vec![ring] }));
    }
    Ok(drawn)
}

fn is_negative(region: Node<'_, '_>) -> bool {
    region.attribute("NegativeROA").is_some_and(|v| v == "1" || v.eq_ignore_ascii_case("true"))
}

/// Makes rings holes of the areas that they meet, and returns those that meet none.
fn cut(areas: &mut [Area], holes: Vec<Vec<Corner>>) -> Vec<Vec<Corner>> {
    let outer: Vec<Vec<Corner>> = areas.iter().filter_map(|area| area.rings.first().cloned()).collect();
    let mut alone = Vec::new();
    for hole in holes {
        let met: Vec<usize> = (0..outer.len()).filter(|&i| meet(&outer[i], &hole)).collect();
        met.iter().for_each(|&i| areas[i].rings.push(hole.clone()));
        if met.is_empty() {
            alone.push(hole);
        }
    }
    alone
}

/// Returns whether two rings have a place in common: one lies in the other, or their sides cross.
fn meet(a: &[Corner], b: &[Corner]) -> bool {
    let holds = |ring: &[Corner], other: &[Corner]| {
        other.first().is_some_and(|c| encloses(ring, Point { x: c[0], y: c[1] }))
    };
    holds(a, b) || holds(b, a) || sides(a).any(|own| sides(b).any(|other| cross(own, other)))
}

fn sides(ring: &[Corner]) -> impl Iterator<Item = (Corner, Corner)> {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

/// Returns whether two lines cross: each has the ends of the other on both sides.
fn cross(a: (Corner, Corner), b: (Corner, Corner)) -> bool {
    let side = |line: (Corner, Corner), p: Corner| {
        let [dx, dy] = [0, 1].map(|k| line.1[k] - line.0[k]);
        dx * (p[1] - line.0[1]) - dy * (p[0] - line.0[0]) > 0.0
    };
    side(a, b.0) != side(a, b.1) && side(b, a.0) != side(b, a.1)
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
    let class = said(region, "Text").or(said(layer, "Name")).unwrap_or_else(|| UNCLASSIFIED.to_owned());
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
