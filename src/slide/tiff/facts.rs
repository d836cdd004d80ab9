//! What the tags of a directory say about a slide: texts and pixel size.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::{Directory, Page, Tag, Tiff};
use crate::{
    slide::{Calibration, properties::number},
    units::Mpp,
};

/// Reads the text tags as properties named `tiff.<Tag>`.
pub(in crate::slide) fn text_properties(tiff: &Tiff, directory: &Directory) -> BTreeMap<String, String> {
    const TEXTS: [Tag; 9] = [
        Tag::IMAGE_DESCRIPTION,
        Tag::DOCUMENT_NAME,
        Tag::MAKE,
        Tag::MODEL,
        Tag::SOFTWARE,
        Tag::DATE_TIME,
        Tag::ARTIST,
        Tag::HOST_COMPUTER,
        Tag::COPYRIGHT,
    ];
    let mut properties = BTreeMap::new();
    for tag in TEXTS {
        if let Some(text) = tiff.text(directory, tag).filter(|text| !text.is_empty()) {
            properties.insert(format!("tiff.{}", tag.name()), text);
        }
    }
    if let Some(text) = properties.get("tiff.ImageDescription").cloned() {
        properties.insert("openslide.comment".into(), text);
    }
    for tag in [Tag::X_RESOLUTION, Tag::Y_RESOLUTION, Tag::X_POSITION, Tag::Y_POSITION] {
        if let Some(value) = tiff.number(directory, tag) {
            properties.insert(format!("tiff.{}", tag.name()), number(value));
        }
    }
    let unit = match tiff.uint(directory, Tag::RESOLUTION_UNIT).unwrap_or(2) {
        2 => "inch",
        3 => "centimeter",
        1 => "none",
        _ => "unknown",
    };
    properties.insert("tiff.ResolutionUnit".into(), unit.into());
    if let Some(value) = tiff.uint(directory, Tag::ORIENTATION).filter(|&v| v != 1) {
        properties.insert("tiff.Orientation".into(), value.to_string());
    }
    properties
}

/// Stored bytes of a level above which OpenSlide makes no hash.
const MOST_HASHED_BYTES: u64 = 5 << 20;

/// Returns OpenSlide's `quickhash-1`: SHA-256 of the stored tiles of a level, then of the text tags of the first directory,
/// each name and each text (empty when absent) with its NUL.
pub(super) fn quickhash(tiff: &Tiff, page: &Page) -> Option<String> {
    const TEXTS: [Tag; 9] = [
        Tag::IMAGE_DESCRIPTION,
        Tag::MAKE,
        Tag::MODEL,
        Tag::SOFTWARE,
        Tag::DATE_TIME,
        Tag::ARTIST,
        Tag::HOST_COMPUTER,
        Tag::COPYRIGHT,
        Tag::DOCUMENT_NAME,
    ];
    let planes = if page.is_planar() { page.samples } else { 1 };
    // Uncompressed strips that are read in pieces are one strip in the file.
    let of_plane = if page.stored_rows.is_some() { 1 } else { page.cols() * page.rows() };
    let (mut hash, mut total) = (Sha256::new(), 0u64);
    for (plane, i) in (0..planes).flat_map(|plane| (0..of_plane).map(move |i| (plane, i))) {
        let (offset, length) = page.stored_of(tiff, plane, i)?;
        total = total.saturating_add(length);
        if total > MOST_HASHED_BYTES {
            return None;
        }
        hash.update(tiff.bytes().get(offset, length)?);
    }
    for tag in TEXTS {
        let bytes = tiff.raw(tiff.first(), tag).unwrap_or_default();
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        hash.update(format!("tiff.{}\0", tag.name()));
        hash.update(&bytes[..end]);
        hash.update([0]);
    }
    Some(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Reads the pixel size from the resolution tags.
///
/// Only what a microscope can have written is believed (0.05–20 µm/px): screens, cameras and image
/// editors fill the same tags with 72, 96 or 300 dots per inch.
pub(in crate::slide) fn resolution(tiff: &Tiff, directory: &Directory) -> Option<Calibration> {
    let um_per_unit = match tiff.uint(directory, Tag::RESOLUTION_UNIT).unwrap_or(2) {
        2 => 25_400.0,
        3 => 10_000.0,
        _ => return None,
    };
    let size = |tag| {
        let um = um_per_unit / tiff.number(directory, tag)?;
        (0.05..=20.0).contains(&um).then_some(um)
    };
    let mpp = Mpp::new(size(Tag::X_RESOLUTION)?, size(Tag::Y_RESOLUTION)?)?;
    Some(Calibration { mpp, origin: "tiff.XResolution".into() })
}
