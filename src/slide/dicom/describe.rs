//! Header elements as properties, under the names OpenSlide gives them.

use dicom_core::{
    Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use super::{
    element::{Element, Value, integers, text},
    instance::Header,
    rewrite::{CODED, KEPT},
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

/// Elements that are told besides those a clean copy keeps: kinds of file and pixels, makers of scanner and software, light.
const HARMLESS: [Tag; 16] = [
    tags::MEDIA_STORAGE_SOP_CLASS_UID,
    tags::TRANSFER_SYNTAX_UID,
    tags::IMPLEMENTATION_CLASS_UID,
    tags::IMPLEMENTATION_VERSION_NAME,
    tags::SOP_CLASS_UID,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::SOFTWARE_VERSIONS,
    tags::PATIENT_IDENTITY_REMOVED,
    tags::OPTICAL_PATH_IDENTIFIER,
    tags::ILLUMINATION_TYPE_CODE_SEQUENCE,
    tags::ILLUMINATION_COLOR_CODE_SEQUENCE,
    tags::CODE_VALUE,
    tags::CODING_SCHEME_DESIGNATOR,
    tags::CODE_MEANING,
];

/// Returns whether a property of a slide in DICOM, named without `dicom.`, can name a patient or a case: all that is not
/// known to be technical can.
pub(in crate::slide) fn is_private(name: &str) -> bool {
    let known = |part: &str| {
        let keyword = part.split('[').next().unwrap_or_default();
        StandardDataDictionary.by_name(keyword).is_some_and(|entry| {
            let tag = entry.tag();
            HARMLESS.contains(&tag) || KEPT.contains(&tag) || CODED.contains(&tag)
        })
    };
    !name.split('.').all(known)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_technical_is_private() {
        let t = |name: &str, expected: bool| assert_eq!(is_private(name), expected, "{name}");
        for name in [
            "PatientName",
            "PatientID",
            "PatientBirthDate",
            "AccessionNumber",
            "ReferringPhysicianName",
            "InstitutionName",
            "ImageComments",
            "ContainerIdentifier",
            "StudyDate",
            "DeviceSerialNumber",
            "StudyInstanceUID",
            "SpecimenDescriptionSequence[0].SpecimenIdentifier",
            "SpecimenDescriptionSequence[0].Manufacturer",
            "PrivateCreator",
            "NoSuchKeyword",
        ] {
            t(name, true);
        }
        for name in [
            "Rows",
            "ImageType[2]",
            "TransferSyntaxUID",
            "Manufacturer",
            "OpticalPathSequence[0].ObjectiveLensPower",
            "OpticalPathSequence[0].IlluminationTypeCodeSequence[0].CodeMeaning",
            "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing[1]",
        ] {
            t(name, false);
        }
    }
}
