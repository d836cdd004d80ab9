//! The XML metadata as properties, under the names OpenSlide gives them.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::NAME;
use crate::{
    error::Result,
    slide::{
        SlideInfo,
        properties::{Properties, calibration, real},
        xml,
    },
};

/// The parts of the metadata that are told.
const PARTS: [&str; 4] = ["AttachmentInfos", "DisplaySetting", "Information", "Scaling"];
/// Nesting of elements.
const MAX_DEPTH: usize = 64;

/// Completes the facts from the metadata.
///
/// # Errors
///
/// [`crate::Error::Malformed`] for XML that is not well-formed.
pub(super) fn describe(info: &mut SlideInfo, text: Option<&str>) -> Result<()> {
    let mut properties = Properties::new();
    if let Some(text) = text {
        let document = xml::parse(NAME, "metadata", text)?;
        for part in PARTS {
            if let Some(node) = xml::find(document.root_element(), &["Metadata", part]) {
                add(&mut properties, &mut vec!["zeiss".into()], node);
            }
        }
    }
    // In metres per pixel.
    let size = |axis: &str| real(&properties, &format!("zeiss.Scaling.Items.{axis}.Value")).map(|m| m * 1e6);
    let mpp = size("X").zip(size("Y")).and_then(|(x, y)| calibration(x, y, "zeiss.Scaling.Items.X.Value"));
    let objective = properties.get("zeiss.Information.Image.ObjectiveSettings.ObjectiveRef.Id");
    let power = objective.and_then(|id| {
        real(&properties, &format!("zeiss.Information.Instrument.Objectives.{id}.NominalMagnification"))
    });
    info.describe("zeiss", mpp, power, properties);
    Ok(())
}

/// Returns the name of an element below a parent; items of a list are named by their `Id` or `Name`, and
/// left out when they have none.
fn name(parent: &str, node: Node<'_, '_>) -> Option<String> {
    let name = node.tag_name().name();
    let item = parent.strip_suffix('s') == Some(name) || parent == "Items" && name == "Distance";
    if !item {
        return Some(name.into());
    }
    node.attribute("Id").or_else(|| node.attribute("Name")).map(str::to_owned)
}

fn add(properties: &mut Properties, path: &mut Vec<String>, node: Node<'_, '_>) {
    let Some(name_here) = path.last().and_then(|parent| name(parent, node)) else { return };
    if path.len() > MAX_DEPTH {
        return;
    }
    path.push(name_here.clone());
    let here = path.join(".");
    for attribute in node.attributes() {
        if !attribute.value().trim().is_empty() {
            properties.insert(format!("{here}.{}", attribute.name()), attribute.value().into());
        }
    }
    // Elements of one name would overwrite one another.
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    let named = |child: Node<'_, '_>| name(&name_here, child);
    for child in node.children().filter(Node::is_element).filter_map(named) {
        if !seen.insert(child.clone()) {
            twice.insert(child);
        }
    }
    for child in node.children() {
        if child.is_text() {
            if let Some(text) = child.text().filter(|text| !text.trim().is_empty()) {
                properties.insert(here.clone(), text.into());
            }
        } else if child.is_element() && named(child).is_some_and(|name| !twice.contains(&name)) {
            add(properties, path, child);
        }
    }
    path.pop();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide::Level;

    #[test]
    fn items_are_named_by_what_identifies_them() {
        let level = Level { width: 1, height: 1, downsample: 1.0, tile_width: 1, tile_height: 1 };
        let mut info = SlideInfo::of_levels(vec![level]);
        let text = "<ImageDocument><Metadata><Scaling><Items><Distance Id=\"X\"><Value>2.5e-07</Value></Distance>\
                    <Distance Id=\"Y\"><Value>5e-07</Value></Distance></Items></Scaling><Information><Image>\
                    <SizeX>7</SizeX><Twice>1</Twice><Twice>2</Twice></Image></Information></Metadata></ImageDocument>";
        describe(&mut info, Some(text)).unwrap();
        let mpp = info.calibration.clone().unwrap().mpp;
        assert_eq!([mpp.x(), mpp.y()], [0.25, 0.5]);
        assert_eq!(info.properties["zeiss.Information.Image.SizeX"], "7");
        assert!(!info.properties.contains_key("zeiss.Information.Image.Twice"));
        assert!(describe(&mut info, Some("<ImageDocument>")).is_err());
    }
}
