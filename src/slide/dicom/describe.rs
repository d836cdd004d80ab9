//! Header elements as properties, under the names OpenSlide gives them.

use dicom_core::{
    Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use super::{
    element::{Element, Value, integers, text},
    instance::Header,
};
use crate::slide::properties::{Properties, number};

/// Returns all elements that have a keyword and a value that can be printed, except [`UNTOLD`] ones.
pub(super) fn properties(header: &Header) -> Properties {
    let mut properties = Properties::new();
    let writer = Writer { bytes: header.values().0 };
    writer.set(&mut properties, "dicom", &header.meta);
    writer.set(&mut properties, "dicom", &header.set);
    if let Some(barcode) = properties.get("dicom.BarcodeValue").cloned() {
        properties.insert("openslide.barcode".into(), barcode);
    }
    properties
}

/// Elements that are not told: places of frames, and a length that says nothing of the slide (OpenSlide skips both).
const UNTOLD: [Tag; 2] =
    [tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, tags::FILE_META_INFORMATION_GROUP_LENGTH];

struct Writer<'a> {
    bytes: &'a [u8],
}

impl Writer<'_> {
    fn set(&self, properties: &mut Properties, prefix: &str, set: &[Element]) {
        for element in set.iter().filter(|e| !UNTOLD.contains(&e.tag)) {
            let Some(entry) = StandardDataDictionary.by_tag(element.tag) else { continue };
            let name = format!("{prefix}.{}", entry.alias());
            match &element.value {
                Value::Items(items) => {
                    for (i, item) in items.iter().enumerate() {
                        self.set(properties, &format!("{name}[{i}]"), item);
                    }
                }
                Value::Bytes(range) => {
                    let bytes = self.bytes.get(range.clone()).unwrap_or_default();
                    match &values(element.vr, bytes)[..] {
                        [] => {}
                        [only] => drop(properties.insert(name, only.clone())),
                        several => properties.extend(
                            several
                                .iter()
                                .enumerate()
                                .map(|(i, value)| (format!("{name}[{i}]"), value.clone())),
                        ),
                    }
                }
            }
        }
    }
}

/// Returns the values of an element as text; none for bytes without a meaning of their own.
fn values(vr: VR, bytes: &[u8]) -> Vec<String> {
    match vr {
        VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT => vec![text(bytes)],
        VR::AE | VR::AS | VR::CS | VR::DA | VR::DS | VR::DT | VR::IS | VR::TM | VR::UI => {
            text(bytes).split('\\').map(|part| part.trim().to_owned()).collect()
        }
        VR::FL => bytes.as_chunks().0.iter().map(|&b| number(f32::from_le_bytes(b).into())).collect(),
        VR::FD => bytes.as_chunks().0.iter().map(|&b| number(f64::from_le_bytes(b))).collect(),
        other => integers(other, bytes).iter().map(i64::to_string).collect(),
    }
}
