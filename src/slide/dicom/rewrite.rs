//! DICOM instances without what can name a patient: built up from elements that are known to be harmless, as the Basic
//! Application Level Confidentiality Profile (DICOM PS3.15, annex E) asks for and stricter. Identifiers are replaced by others
//! that cannot be traced back without the source, the same in all files of a slide; dates by 1900-01-01 where the standard
//! demands one.

use std::sync::Arc;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags::{self as t};
use sha2::{Digest as _, Sha256};

use super::{
    Dicom, NAME,
    element::{DataSet, Element, Value, Values, items},
    instance::{Header, Instance},
};
use crate::{
    error::{Error, Result},
    slide::{Rewritten, clean},
};

/// Bytes of each file that make the identifiers of the copy unguessable.
const SALTED: usize = 16 << 20;
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";

/// Numbers, and sequences of what is listed here.
pub(super) const KEPT: &[Tag] = &[
    t::INSTANCE_NUMBER,
    t::SERIES_NUMBER,
    t::IN_CONCATENATION_NUMBER,
    t::IN_CONCATENATION_TOTAL_NUMBER,
    t::CONCATENATION_FRAME_OFFSET_NUMBER,
    t::SAMPLES_PER_PIXEL,
    t::PLANAR_CONFIGURATION,
    t::NUMBER_OF_FRAMES,
    t::ROWS,
    t::COLUMNS,
    t::BITS_ALLOCATED,
    t::BITS_STORED,
    t::HIGH_BIT,
    t::PIXEL_REPRESENTATION,
    t::LOSSY_IMAGE_COMPRESSION_RATIO,
    t::IMAGED_VOLUME_WIDTH,
    t::IMAGED_VOLUME_HEIGHT,
    t::IMAGED_VOLUME_DEPTH,
    t::TOTAL_PIXEL_MATRIX_COLUMNS,
    t::TOTAL_PIXEL_MATRIX_ROWS,
    t::TOTAL_PIXEL_MATRIX_FOCAL_PLANES,
    t::TOTAL_PIXEL_MATRIX_ORIGIN_SEQUENCE,
    t::X_OFFSET_IN_SLIDE_COORDINATE_SYSTEM,
    t::Y_OFFSET_IN_SLIDE_COORDINATE_SYSTEM,
    t::Z_OFFSET_IN_SLIDE_COORDINATE_SYSTEM,
    t::IMAGE_ORIENTATION_SLIDE,
    t::NUMBER_OF_OPTICAL_PATHS,
    t::NUMBER_OF_FOCAL_PLANES,
    t::DISTANCE_BETWEEN_FOCAL_PLANES,
    t::OPTICAL_PATH_SEQUENCE,
    t::OPTICAL_PATH_IDENTIFICATION_SEQUENCE,
    t::ILLUMINATION_WAVE_LENGTH,
    t::OBJECTIVE_LENS_POWER,
    t::OBJECTIVE_LENS_NUMERICAL_APERTURE,
    t::CONDENSER_LENS_POWER,
    t::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    t::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    t::PIXEL_MEASURES_SEQUENCE,
    t::PIXEL_SPACING,
    t::SLICE_THICKNESS,
    t::SPACING_BETWEEN_SLICES,
    t::WHOLE_SLIDE_MICROSCOPY_IMAGE_FRAME_TYPE_SEQUENCE,
    t::PLANE_POSITION_SLIDE_SEQUENCE,
    t::COLUMN_POSITION_IN_TOTAL_IMAGE_PIXEL_MATRIX,
    t::ROW_POSITION_IN_TOTAL_IMAGE_PIXEL_MATRIX,
    t::FRAME_CONTENT_SEQUENCE,
    t::DIMENSION_INDEX_VALUES,
    t::DIMENSION_ORGANIZATION_SEQUENCE,
    t::DIMENSION_INDEX_SEQUENCE,
    t::DIMENSION_INDEX_POINTER,
    t::FUNCTIONAL_GROUP_POINTER,
];
/// Words from lists of the standard.
pub(super) const CODED: &[Tag] = &[
    t::IMAGE_TYPE,
    t::FRAME_TYPE,
    t::PHOTOMETRIC_INTERPRETATION,
    t::DIMENSION_ORGANIZATION_TYPE,
    t::BURNED_IN_ANNOTATION,
    t::LOSSY_IMAGE_COMPRESSION,
    t::LOSSY_IMAGE_COMPRESSION_METHOD,
    t::PRESENTATION_LUT_SHAPE,
    t::VOLUMETRIC_PROPERTIES,
    t::SPECIMEN_LABEL_IN_IMAGE,
    t::FOCUS_METHOD,
    t::EXTENDED_DEPTH_OF_FIELD,
    t::COLOR_SPACE,
];
const WORDS: &[&str] = &[
    "ORIGINAL",
    "DERIVED",
    "PRIMARY",
    "VOLUME",
    "NONE",
    "RESAMPLED",
    "RGB",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_PARTIAL_420",
    "YBR_ICT",
    "YBR_RCT",
    "TILED_FULL",
    "TILED_SPARSE",
    "YES",
    "NO",
    "00",
    "01",
    "ISO_10918_1",
    "ISO_14495_1",
    "ISO_15444_1",
    "IDENTITY",
    "SAMPLED",
    "MANUAL",
    "AUTO",
    "SRGB",
    "ADOBERGB",
    "ROMMRGB",
];
/// Identifiers.
const UIDS: &[Tag] = &[
    t::SOP_INSTANCE_UID,
    t::STUDY_INSTANCE_UID,
    t::SERIES_INSTANCE_UID,
    t::FRAME_OF_REFERENCE_UID,
    t::PYRAMID_UID,
    t::CONCATENATION_UID,
    t::SOP_INSTANCE_UID_OF_CONCATENATION_SOURCE,
    t::DIMENSION_ORGANIZATION_UID,
];
/// Codes of the light, with the meaning that the standard gives them.
const CODES: &[[&str; 3]] = &[
    ["111744", "DCM", "Brightfield illumination"],
    ["111741", "DCM", "Transmission illumination"],
    ["414298005", "SCT", "Full Spectrum"],
    ["R-102C0", "SRT", "Full Spectrum"],
];
/// What the standard demands in every instance: empty, or a word that says nothing.
const DEMANDED: &[(Tag, VR, &str)] = &[
    (t::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.77.1.6"),
    (t::STUDY_DATE, VR::DA, ""),
    (t::CONTENT_DATE, VR::DA, "19000101"),
    (t::ACQUISITION_DATE_TIME, VR::DT, "19000101000000"),
    (t::STUDY_TIME, VR::TM, ""),
    (t::CONTENT_TIME, VR::TM, "000000"),
    (t::ACCESSION_NUMBER, VR::SH, ""),
    (t::MODALITY, VR::CS, "SM"),
    (t::MANUFACTURER, VR::LO, "REMOVED"),
    (t::REFERRING_PHYSICIAN_NAME, VR::PN, ""),
    (t::MANUFACTURER_MODEL_NAME, VR::LO, "REMOVED"),
    (t::PATIENT_NAME, VR::PN, ""),
    (t::PATIENT_ID, VR::LO, ""),
    (t::PATIENT_BIRTH_DATE, VR::DA, ""),
    (t::PATIENT_SEX, VR::CS, ""),
    (t::PATIENT_IDENTITY_REMOVED, VR::CS, "YES"),
    (t::DEIDENTIFICATION_METHOD, VR::LO, "Listed attributes only; labels left out"),
    (t::DEVICE_SERIAL_NUMBER, VR::LO, "REMOVED"),
    (t::SOFTWARE_VERSIONS, VR::LO, "REMOVED"),
    (t::STUDY_ID, VR::SH, ""),
    (t::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, VR::CS, "REMOVED"),
    (t::CONTAINER_IDENTIFIER, VR::LO, "REMOVED"),
];

/// Returns what makes the identifiers of a copy: a hash of pixels.
pub(super) fn salt(slide: &Dicom) -> [u8; 32] {
    let mut hash = Sha256::new();
    for instance in parts(slide) {
        let all = instance.bytes().all();
        hash.update((all.len() as u64).to_le_bytes());
        hash.update(&all[..all.len().min(SALTED)]);
    }
    hash.finalize().into()
}

fn parts(slide: &Dicom) -> impl Iterator<Item = &Instance> {
    slide.levels.iter().flat_map(|level| &level.parts)
}

/// Writes the elements of one file.
struct Writer<'a> {
    salt: [u8; 32],
    values: Values<'a>,
    /// Identifiers of the optical paths; their places here are their new ones.
    paths: Vec<String>,
}

impl Writer<'_> {
    fn uid(&self, old: &str) -> String {
        let hash: [u8; 32] = Sha256::new_with_prefix(self.salt).chain_update(old).finalize().into();
        let mut number = [0; 16];
        number.copy_from_slice(&hash[..16]);
        format!("2.25.{}", u128::from_be_bytes(number))
    }

    /// Returns the harmless elements of a data set, in order.
    fn set(&self, set: &[Element]) -> Result<Vec<(Tag, Vec<u8>)>> {
        let written = |element| Some(self.element(set, element)?.map(|bytes| (element.tag, bytes)));
        set.iter().filter_map(written).collect()
    }

    /// Writes an element; `None` leaves it out.
    fn element(&self, set: &[Element], element: &Element) -> Option<Result<Vec<u8>>> {
        let tag = element.tag;
        if let Value::Items(list) = &element.value {
            let items: Result<Vec<Vec<u8>>> = match tag {
                t::ILLUMINATION_TYPE_CODE_SEQUENCE | t::ILLUMINATION_COLOR_CODE_SEQUENCE => {
                    list.iter().filter_map(|item| self.code(item)).collect()
                }
                _ if KEPT.contains(&tag) => list.iter().map(|item| self.set(item).map(joined)).collect(),
                _ => return None,
            };
            return Some(items.and_then(|items| sequence(tag, &items)));
        }
        let texts = || self.values.texts(set, tag);
        if UIDS.contains(&tag) {
            let uid = texts().into_iter().next().filter(|uid| !uid.is_empty())?;
            return Some(text(tag, VR::UI, &self.uid(&uid)));
        }
        if CODED.contains(&tag) {
            let known = |word: String| if WORDS.contains(&word.as_str()) { word } else { "NONE".into() };
            return Some(text(tag, VR::CS, &texts().into_iter().map(known).collect::<Vec<_>>().join("\\")));
        }
        if tag == t::OPTICAL_PATH_IDENTIFIER {
            let place = self.paths.iter().position(|path| Some(path) == texts().first())?;
            return Some(text(tag, VR::SH, &(place + 1).to_string()));
        }
        let bytes = self.values.bytes(set, tag)?;
        match element.vr {
            VR::OB | VR::UN if tag == t::ICC_PROFILE => Some(bytes_of(tag, VR::OB, bytes)),
            VR::DS | VR::IS if KEPT.contains(&tag) => {
                let number = |text: &String| text.parse::<f64>().is_ok_and(f64::is_finite);
                let texts = texts();
                texts.iter().all(number).then(|| text(tag, element.vr, &texts.join("\\")))
            }
            VR::US | VR::UL | VR::SS | VR::SL | VR::FL | VR::FD | VR::AT if KEPT.contains(&tag) => {
                Some(bytes_of(tag, element.vr, bytes))
            }
            _ => None,
        }
    }

    fn code(&self, item: &DataSet) -> Option<Result<Vec<u8>>> {
        let value = self.values.text(item, t::CODE_VALUE)?;
        let [value, scheme, meaning] = CODES.iter().find(|code| code[0] == value)?;
        let fields = [
            (t::CODE_VALUE, VR::SH, value),
            (t::CODING_SCHEME_DESIGNATOR, VR::SH, scheme),
            (t::CODE_MEANING, VR::LO, meaning),
        ];
        Some(
            fields
                .into_iter()
                .map(|(tag, vr, word)| text(tag, vr, word))
                .collect::<Result<Vec<_>>>()
                .map(concat),
        )
    }
}

fn joined(mut elements: Vec<(Tag, Vec<u8>)>) -> Vec<u8> {
    elements.sort_by_key(|(tag, _)| *tag);
    elements.into_iter().flat_map(|(_, bytes)| bytes).collect()
}

fn concat(elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.concat()
}

fn text(tag: Tag, vr: VR, value: &str) -> Result<Vec<u8>> {
    let mut bytes = value.as_bytes().to_vec();
    if bytes.len() % 2 == 1 {
        bytes.push(if vr == VR::UI { 0 } else { b' ' });
    }
    bytes_of(tag, vr, &bytes)
}

/// Writes an element with its representation stated. A source with implicit ones has room for longer values.
fn bytes_of(tag: Tag, vr: VR, value: &[u8]) -> Result<Vec<u8>> {
    let mut out = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    out.extend(vr.to_bytes());
    let length = value.len().next_multiple_of(2);
    let too_long = |most: usize| {
        let place = format!("element ({:04x},{:04x}) in a copy", tag.0, tag.1);
        let expected = format!("at most {most} bytes, which is what {} can hold", vr.to_string());
        Error::malformed(NAME, place, expected, value.len())
    };
    if matches!(vr, VR::OB | VR::SQ) {
        let length = u32::try_from(length).ok().filter(|&length| length < u32::MAX);
        out.extend([0; 2]);
        out.extend(length.ok_or_else(|| too_long(u32::MAX as usize - 1))?.to_le_bytes());
    } else {
        out.extend(u16::try_from(length).map_err(|_| too_long(usize::from(u16::MAX) - 1))?.to_le_bytes());
    }
    out.extend(value);
    out.resize(out.len() + value.len() % 2, 0);
    Ok(out)
}

fn sequence(tag: Tag, items: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for item in items {
        all.extend([0xFE, 0xFF, 0x00, 0xE0]);
        all.extend((item.len() as u32).to_le_bytes());
        all.extend(item);
    }
    bytes_of(tag, VR::SQ, &all)
}

fn meta(instance: &str, syntax: &str) -> Result<Vec<u8>> {
    let elements = [
        bytes_of(Tag(2, 1), VR::OB, &[0, 1])?,
        text(Tag(2, 2), VR::UI, "1.2.840.10008.5.1.4.1.1.77.1.6")?,
        text(Tag(2, 3), VR::UI, instance)?,
        text(Tag(2, 0x10), VR::UI, syntax)?,
        text(Tag(2, 0x12), VR::UI, "2.25.305828488182831875890203105390285383140")?,
    ];
    let elements = elements.concat();
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    out.extend(bytes_of(Tag(2, 0), VR::UL, &(elements.len() as u32).to_le_bytes())?);
    out.extend(elements);
    Ok(out)
}

impl Dicom {
    fn part(&self, file: usize) -> Result<&Instance> {
        let found = parts(self).nth(file);
        found.ok_or_else(|| Error::malformed(NAME, "files", format!("number {file}"), "fewer"))
    }
}

impl Rewritten for Dicom {
    fn files(&self) -> usize {
        parts(self).count()
    }

    fn head(&self, file: usize) -> Result<Vec<u8>> {
        let instance = self.part(file)?;
        let header = Header::read(Arc::clone(instance.bytes()), std::path::Path::new(&instance.file))?;
        let values = header.values();
        for (tag, name) in [
            (t::SPECIMEN_LABEL_IN_IMAGE, "SpecimenLabelInImage"),
            (t::BURNED_IN_ANNOTATION, "BurnedInAnnotation"),
        ] {
            if values.text(&header.set, tag).is_some_and(|text| text != "NO") {
                let feature = format!("pixels that show more than tissue ({name} of {})", instance.file);
                return Err(Error::unsupported(NAME, feature));
            }
        }
        let paths = items(&header.set, t::OPTICAL_PATH_SEQUENCE);
        let path = |set: &DataSet| values.text(set, t::OPTICAL_PATH_IDENTIFIER).unwrap_or_default();
        let salt = *self.salt.get_or_init(|| salt(self));
        let writer = Writer { salt, values, paths: paths.iter().map(path).collect() };
        let mut elements = writer.set(&header.set)?;
        for &(tag, vr, value) in DEMANDED {
            elements.push((tag, text(tag, vr, value)?));
        }
        let syntax = values.text(&header.meta, t::TRANSFER_SYNTAX_UID).unwrap_or_default();
        let syntax = if syntax == IMPLICIT { EXPLICIT } else { &syntax };
        let identity = header.identity()?;
        Ok([meta(&writer.uid(&identity.instance), syntax)?, joined(elements)].concat())
    }

    fn encapsulated(&self, file: usize) -> bool {
        self.part(file).is_ok_and(Instance::encapsulated)
    }

    fn frames(&self, file: usize) -> u64 {
        self.part(file).map_or(0, |part| part.count)
    }

    fn frame(&self, file: usize, frame: u64) -> Result<Vec<u8>> {
        let instance = self.part(file)?;
        let stored = instance.stored(frame)?;
        let cleaned = match instance.stream() {
            super::decode::Stream::Jpeg => clean::jpeg(&stored, None).map(|(bytes, _)| bytes),
            super::decode::Stream::JpegLs => clean::jpeg_ls(&stored),
            super::decode::Stream::Jpeg2000 => clean::jpeg2000(&stored),
            super::decode::Stream::Rle => {
                let [width, height] = instance.tile.map(|side| side as usize);
                clean::run_lengths(&stored, width * height)
            }
            super::decode::Stream::Native => Some(stored.into_owned()),
        };
        cleaned.ok_or_else(|| {
            let place = format!("frame {} of {}", frame + 1, instance.file);
            Error::malformed(NAME, place, "a stream that can be followed to its end", "other bytes")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_longer_than_their_length_can_say_are_refused() {
        let t = |vr: VR, bytes: usize, head: Option<&[u8]>| {
            let written = bytes_of(Tag(0x28, 0x10), vr, &vec![7; bytes]);
            match head {
                Some(head) => {
                    let written = written.unwrap();
                    assert_eq!(&written[4..4 + head.len()], head, "{vr:?} {bytes}");
                    assert_eq!(written.len(), 4 + head.len() + bytes.next_multiple_of(2));
                }
                None => {
                    let message = written.unwrap_err().to_string();
                    assert!(
                        message.contains("(0028,0010)") && message.contains(&bytes.to_string()),
                        "{message}"
                    );
                }
            }
        };
        t(VR::US, 2, Some(b"US\x02\x00"));
        t(VR::DS, 65_533, Some(b"DS\xFE\xFF"));
        t(VR::DS, 65_534, Some(b"DS\xFE\xFF"));
        t(VR::DS, 65_535, None);
        t(VR::UL, 65_540, None);
        t(VR::OB, 65_540, Some(b"OB\x00\x00\x04\x00\x01\x00"));
    }
}
