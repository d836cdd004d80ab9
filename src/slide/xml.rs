//! XML headers: parsed with limits, searched by element names.

use base64::{Engine, engine::general_purpose::STANDARD};
use roxmltree::{Document, Node, ParsingOptions};

use crate::error::{Error, Result};

/// Nodes of one document at most.
const MAX_NODES: u32 = 4_000_000;

/// Parses a document; declarations of own entities are refused.
///
/// # Errors
///
/// [`Error::Malformed`] naming `what`.
pub(super) fn parse<'a>(format: &'static str, what: &str, text: &'a str) -> Result<Document<'a>> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    Document::parse_with_options(text, options)
        .map_err(|error| Error::malformed(format, what, "well-formed XML", error))
}

/// Returns the child elements of a name, whatever their namespace.
pub(super) fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// Returns the first element at the end of a path of names.
pub(super) fn find<'a, 'i>(node: Node<'a, 'i>, path: &[&'static str]) -> Option<Node<'a, 'i>> {
    path.iter().try_fold(node, |node, name| children(node, name).next())
}

/// Returns the trimmed text of the element at the end of a path, unless empty.
pub(super) fn text(node: Node<'_, '_>, path: &[&'static str]) -> Option<String> {
    let text = find(node, path)?.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns an attribute that is a number.
///
/// # Errors
///
/// [`Error::Malformed`] naming element and attribute.
pub(super) fn real(format: &'static str, node: Node<'_, '_>, name: &str) -> Result<f64> {
    let text = node.attribute(name);
    let value = text.and_then(|text| text.trim().parse().ok()).filter(|v: &f64| v.is_finite());
    value.ok_or_else(|| wrong(format, node, name, "a number"))
}

/// Returns an attribute that is a whole number.
///
/// # Errors
///
/// [`Error::Malformed`] naming element and attribute.
pub(super) fn whole(format: &'static str, node: Node<'_, '_>, name: &str) -> Result<i64> {
    let value = node.attribute(name).and_then(|text| text.trim().parse().ok());
    // Positions are multiplied by a few thousand at most.
    let value = value.filter(|v: &i64| v.unsigned_abs() < 1 << 40);
    value.ok_or_else(|| wrong(format, node, name, "a whole number"))
}

/// Decodes base 64; line breaks are skipped. `None` when it is none.
pub(super) fn base64_bytes(coded: &str) -> Option<Vec<u8>> {
    let coded: Vec<u8> = coded.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(coded).ok()
}

/// Decodes a base 64 text up to the first NUL; empty when it is none.
pub(super) fn base64_text(coded: &str) -> String {
    let bytes = base64_bytes(coded).unwrap_or_default();
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn wrong(format: &'static str, node: Node<'_, '_>, name: &str, expected: &str) -> Error {
    let place = format!("attribute {name} of {}", node.tag_name().name());
    Error::malformed(format, place, expected, node.attribute(name).unwrap_or("none"))
}
