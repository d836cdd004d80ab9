//! Which directory holds which plane of an image (`TiffData`).

use roxmltree::Node;

use super::{NAME, WHAT};
use crate::{
    error::{Error, Result},
    slide::xml,
};

/// How the planes of an image follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes<'a> {
    /// Identifier of this file, of which others of its set are told apart.
    file: Option<&'a str>,
    /// Axes from the fastest to the slowest.
    order: [char; 3],
    /// Planes along C, Z and T.
    sizes: [u64; 3],
}

impl<'a> Planes<'a> {
    /// Reads the order and the number of planes of an image.
    pub(super) fn of(root: Node<'a, '_>, pixels: Node<'_, '_>) -> Self {
        let size = |name: &str| pixels.attribute(name).and_then(|text| text.parse().ok()).unwrap_or(1).max(1);
        let samples = xml::children(pixels, "Channel").next();
        let samples = samples.and_then(|node| node.attribute("SamplesPerPixel")?.parse().ok());
        let channels = size("SizeC") / samples.unwrap_or(1).max(1);
        let stated = pixels.attribute("DimensionOrder").and_then(|text| text.strip_prefix("XY"));
        let order: Option<[char; 3]> =
            stated.and_then(|text| text.chars().collect::<Vec<_>>().try_into().ok());
        let sizes = [channels.max(1), size("SizeZ"), size("SizeT")];
        Self { file: root.attribute("UUID"), order: order.unwrap_or(['C', 'Z', 'T']), sizes }
    }

    /// Returns the number of a plane, given by its place along C, Z and T.
    fn number(&self, place: [u64; 3]) -> u64 {
        let (mut number, mut stride) = (0u64, 1u64);
        for axis in self.order {
            let Some(axis) = ['C', 'Z', 'T'].iter().position(|name| *name == axis) else { continue };
            number = number.saturating_add(place[axis].saturating_mul(stride));
            stride = stride.saturating_mul(self.sizes[axis]);
        }
        number
    }
}

/// Returns the directory of a channel of the first plane.
///
/// # Errors
///
/// [`Error::Malformed`] when no directory holds it, [`Error::Unsupported`] when it lies in another file.
pub(super) fn directory(pixels: Node<'_, '_>, planes: Planes<'_>, channel: usize) -> Result<usize> {
    let wanted = planes.number([channel as u64, 0, 0]);
    let mut blocks = xml::children(pixels, "TiffData").peekable();
    // Without any, planes follow each other.
    if blocks.peek().is_none() {
        return index(wanted);
    }
    for block in blocks {
        let number = |name: &str| match block.attribute(name) {
            Some(_) => xml::whole(NAME, block, name).map(|v| u64::try_from(v).unwrap_or(u64::MAX)),
            None => Ok(0),
        };
        let first = planes.number([number("FirstC")?, number("FirstZ")?, number("FirstT")?]);
        let count = match (block.attribute("PlaneCount"), block.attribute("IFD")) {
            (Some(_), _) => number("PlaneCount")?,
            (None, Some(_)) => 1,
            (None, None) => u64::MAX,
        };
        if (first..first.saturating_add(count)).contains(&wanted) {
            elsewhere(pixels, planes, block)?;
            return index(number("IFD")?.saturating_add(wanted - first));
        }
    }
    Err(Error::malformed(NAME, WHAT, format!("TiffData of channel {channel}"), "none"))
}

fn index(directory: u64) -> Result<usize> {
    usize::try_from(directory).map_err(|_| Error::malformed(NAME, "IFD", "a directory", directory))
}

/// Refuses planes of another file: one of another identifier or, where this file states none, one of several names.
fn elsewhere(pixels: Node<'_, '_>, planes: Planes<'_>, block: Node<'_, '_>) -> Result<()> {
    let Some(uuid) = xml::children(block, "UUID").next() else { return Ok(()) };
    let name = |uuid: Node<'_, '_>| uuid.attribute("FileName").unwrap_or_default().to_owned();
    let other = match (planes.file, uuid.text()) {
        (Some(own), Some(text)) => own.trim() != text.trim(),
        _ => {
            let blocks = xml::children(pixels, "TiffData");
            let names = blocks.flat_map(|block| xml::children(block, "UUID")).map(name);
            names.collect::<std::collections::BTreeSet<_>>().len() > 1
        }
    };
    if !other {
        return Ok(());
    }
    let feature = format!("planes that lie in another file ({})", name(uuid));
    Err(Error::unsupported(NAME, feature))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Returns the directories of red, green and blue.
    fn found(attributes: &str, blocks: &str) -> std::result::Result<Vec<usize>, String> {
        let text = format!("<OME UUID='own'><Pixels SizeC='3' {attributes}>{blocks}</Pixels></OME>");
        let document = xml::parse(NAME, WHAT, &text).unwrap();
        let root = document.root_element();
        let pixels = xml::find(root, &["Pixels"]).unwrap();
        let at = |channel| directory(pixels, Planes::of(root, pixels), channel);
        (0..3).map(at).collect::<Result<_>>().map_err(|error| error.to_string())
    }

    #[test]
    fn planes_follow_the_order_of_dimensions() {
        let t = |attributes: &str, blocks: &str, expected: [usize; 3]| {
            assert_eq!(found(attributes, blocks).unwrap(), expected, "{attributes} {blocks}");
        };
        t("", "", [0, 1, 2]);
        t("DimensionOrder='XYCZT' SizeZ='4'", "<TiffData/>", [0, 1, 2]);
        t("DimensionOrder='XYZCT' SizeZ='4'", "<TiffData/>", [0, 4, 8]);
        t("DimensionOrder='XYTZC' SizeZ='4' SizeT='2'", "<TiffData IFD='5' PlaneCount='24'/>", [5, 13, 21]);
        let one = |c: usize, ifd: usize| format!("<TiffData FirstC='{c}' IFD='{ifd}'/>");
        t("", &[one(2, 0), one(0, 1), one(1, 2)].concat(), [1, 2, 0]);
        t("", "<TiffData IFD='7' FirstC='1' PlaneCount='2'/><TiffData IFD='3'/>", [3, 7, 8]);
        let own = "<TiffData IFD='2' PlaneCount='3'><UUID FileName='renamed.tif'>own</UUID></TiffData>";
        t("", own, [2, 3, 4]);
    }

    #[test]
    fn planes_elsewhere_are_refused() {
        let t =
            |blocks: &str, expected: &str| assert_eq!(found("", blocks).unwrap_err(), expected, "{blocks}");
        t("<TiffData IFD='0'/>", "malformed ome_tiff: OME-XML, expected TiffData of channel 1, got none");
        t(
            "<TiffData IFD='0' PlaneCount='3'><UUID FileName='green.tif'>other</UUID></TiffData>",
            "ome_tiff file uses planes that lie in another file (green.tif), which is not supported",
        );
    }
}
