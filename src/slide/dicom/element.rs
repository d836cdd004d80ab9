//! DICOM data elements: where each value lies in the file, read without copying a byte of it.
//!
//! Only headers are walked. Declared lengths are held to the bytes that are there and the number of
//! elements to a limit, so that no header makes this allocate more than it shows.

use std::ops::Range;

use dicom_core::{
    Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::StandardDataDictionary;

use super::NAME;
use crate::{
    error::{Error, Result},
    slide::limits,
};

/// Nesting of sequences.
const MAX_DEPTH: usize = 24;
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
const UNDEFINED: u32 = u32::MAX;

/// A data set: elements in the order stored.
pub(super) type DataSet = Vec<Element>;

/// One data element.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) vr: VR,
    pub(super) value: Value,
}

/// What an element holds.
#[derive(Debug)]
pub(super) enum Value {
    /// Bytes of the file.
    Bytes(Range<usize>),
    /// The items of a sequence.
    Items(Vec<DataSet>),
}

/// Where the pixel data lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PixelData {
    /// Frame after frame.
    Native(Range<usize>),
    /// Fragments, from the item that holds the offset table.
    Fragments(usize),
}

/// An element's header.
struct Header {
    tag: Tag,
    vr: VR,
    length: u32,
}

/// Walks the elements of a file.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    explicit: bool,
    elements: u64,
}

impl<'a> Reader<'a> {
    /// Starts at a place of the file; `explicit` says that value representations are stored.
    pub(super) fn new(bytes: &'a [u8], at: usize, explicit: bool) -> Self {
        Self { bytes, at, explicit, elements: 0 }
    }

    /// Returns where the next element begins.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Reads the file meta information: the elements of group 2.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for headers that do not fit into the file.
    pub(super) fn meta(&mut self) -> Result<DataSet> {
        let mut set = DataSet::new();
        while self.bytes.get(self.at..self.at + 2) == Some(&[2, 0]) {
            let header = self.header()?;
            set.push(self.element(&header, self.bytes.len(), 0)?);
        }
        Ok(set)
    }

    /// Reads the elements up to the pixel data, and where these lie; `None` when there are none.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for headers that do not fit into the file, [`Error::Limits`] for too many.
    pub(super) fn until_pixels(&mut self) -> Result<(DataSet, Option<PixelData>)> {
        let mut set = DataSet::new();
        while self.at < self.bytes.len() {
            let header = self.header()?;
            if header.tag == PIXEL_DATA {
                let pixels = match header.length {
                    UNDEFINED => PixelData::Fragments(self.at),
                    length => PixelData::Native(self.take(length, self.bytes.len(), header.tag)?),
                };
                return Ok((set, Some(pixels)));
            }
            set.push(self.element(&header, self.bytes.len(), 0)?);
        }
        Ok((set, None))
    }

    /// Reads the header of the next item of encapsulated pixel data: where its bytes lie, or `None`
    /// at the end of the sequence.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for anything else, or bytes past the end of the file.
    pub(super) fn fragment(&mut self) -> Result<Option<Range<usize>>> {
        let at = self.at;
        let (tag, length) = (self.tag()?, self.u32()?);
        match tag {
            ITEM => self.take(length, self.bytes.len(), tag).map(Some),
            SEQUENCE_END => Ok(None),
            other => Err(Error::malformed(
                NAME,
                format!("pixel data at byte {at}"),
                "an item (fffe,e000) or the end of the sequence (fffe,e0dd)",
                other.to_string().to_lowercase(),
            )),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.at.checked_add(N).and_then(|end| self.bytes.get(self.at..end));
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
            Error::malformed(NAME, "data elements", "the rest of a header", "the end of the file")
        })?;
        self.at += N;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn tag(&mut self) -> Result<Tag> {
        let [g0, g1, e0, e1] = self.array()?;
        Ok(Tag(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1])))
    }

    fn header(&mut self) -> Result<Header> {
        let tag = self.tag()?;
        if tag.0 == 0xFFFE {
            return Ok(Header { tag, vr: VR::UN, length: self.u32()? });
        }
        if !self.explicit {
            let entry = StandardDataDictionary.by_tag(tag);
            let vr = entry.map_or(VR::UN, |entry| entry.vr().relaxed());
            return Ok(Header { tag, vr, length: self.u32()? });
        }
        let stored: [u8; 2] = self.array()?;
        let vr = VR::from_binary(stored).ok_or_else(|| {
            let got = String::from_utf8_lossy(&stored).escape_default().to_string();
            Error::malformed(NAME, format!("element {tag}"), "a value representation", got)
        })?;
        let long = matches!(
            vr,
            VR::OB
                | VR::OD
                | VR::OF
                | VR::OL
                | VR::OV
                | VR::OW
                | VR::SQ
                | VR::SV
                | VR::UC
                | VR::UN
                | VR::UR
                | VR::UT
                | VR::UV
        );
        let length = if long {
            self.array::<2>()?;
            self.u32()?
        } else {
            u16::from_le_bytes(self.array()?).into()
        };
        Ok(Header { tag, vr, length })
    }

    fn take(&mut self, length: u32, end: usize, tag: Tag) -> Result<Range<usize>> {
        let stop = self.at.checked_add(length as usize).filter(|&stop| stop <= end).ok_or_else(|| {
            let rest = end.saturating_sub(self.at);
            Error::malformed(NAME, format!("element {tag}"), format!("at most {rest} bytes"), length)
        })?;
        let range = self.at..stop;
        self.at = stop;
        Ok(range)
    }

    fn element(&mut self, header: &Header, end: usize, depth: usize) -> Result<Element> {
        self.elements += 1;
        limits::check("number of data elements", self.elements, limits::MAX_ELEMENTS)?;
        let undefined = header.length == UNDEFINED;
        let value = if header.vr == VR::SQ || undefined {
            // Of unknown representation and length: a sequence without value representations inside.
            let explicit = self.explicit;
            self.explicit &= header.vr != VR::UN;
            let items = self.items(header, end, depth + 1)?;
            self.explicit = explicit;
            Value::Items(items)
        } else {
            Value::Bytes(self.take(header.length, end, header.tag)?)
        };
        Ok(Element { tag: header.tag, vr: header.vr, value })
    }

    fn items(&mut self, header: &Header, end: usize, depth: usize) -> Result<Vec<DataSet>> {
        limits::check("nesting of sequences", depth as u64, MAX_DEPTH as u64)?;
        let stop = match header.length {
            UNDEFINED => None,
            length => {
                let range = self.take(length, end, header.tag)?;
                self.at = range.start;
                Some(range.end)
            }
        };
        let mut items = Vec::new();
        while stop.is_none_or(|stop| self.at < stop) {
            let (tag, length) = (self.tag()?, self.u32()?);
            match tag {
                SEQUENCE_END if stop.is_none() => break,
                ITEM => {
                    self.elements += 1;
                    limits::check("number of data elements", self.elements, limits::MAX_ELEMENTS)?;
                    items.push(self.item(length, stop.unwrap_or(end), depth)?);
                }
                other => {
                    let what = format!("sequence {}", header.tag);
                    return Err(Error::malformed(NAME, what, "an item", other));
                }
            }
        }
        Ok(items)
    }

    fn item(&mut self, length: u32, end: usize, depth: usize) -> Result<DataSet> {
        let stop = match length {
            UNDEFINED => None,
            length => {
                let range = self.take(length, end, ITEM)?;
                self.at = range.start;
                Some(range.end)
            }
        };
        let mut set = DataSet::new();
        while stop.is_none_or(|stop| self.at < stop) {
            let header = self.header()?;
            if header.tag == ITEM_END && stop.is_none() {
                break;
            }
            set.push(self.element(&header, stop.unwrap_or(end), depth)?);
        }
        Ok(set)
    }
}

/// Reads values of elements out of the file's bytes.
#[derive(Clone, Copy)]
pub(super) struct Values<'a>(pub(super) &'a [u8]);

impl<'a> Values<'a> {
    /// Returns the bytes of an element; `None` when it is not there or a sequence.
    pub(super) fn bytes(self, set: &[Element], tag: Tag) -> Option<&'a [u8]> {
        match &set.iter().find(|element| element.tag == tag)?.value {
            Value::Bytes(range) => self.0.get(range.clone()),
            Value::Items(_) => None,
        }
    }

    /// Returns the values of a text element.
    pub(super) fn texts(self, set: &[Element], tag: Tag) -> Vec<String> {
        self.bytes(set, tag).map_or_else(Vec::new, |bytes| {
            text(bytes).split('\\').map(|part| part.trim().to_owned()).collect()
        })
    }

    /// Returns the first value of a text element, if it is not empty.
    pub(super) fn text(self, set: &[Element], tag: Tag) -> Option<String> {
        self.texts(set, tag).into_iter().next().filter(|text| !text.is_empty())
    }

    /// Returns the first value of an integer element, stored as a number or as text.
    pub(super) fn integer(self, set: &[Element], tag: Tag) -> Option<i64> {
        let element = set.iter().find(|element| element.tag == tag)?;
        let bytes = self.bytes(set, tag)?;
        if element.vr == VR::IS {
            return text(bytes).split('\\').next()?.trim().parse().ok();
        }
        integers(element.vr, bytes).first().copied()
    }

    /// Returns the values of a decimal text element.
    pub(super) fn decimals(self, set: &[Element], tag: Tag) -> Option<Vec<f64>> {
        let values = self.texts(set, tag).iter().map(|text| text.parse().ok()).collect::<Option<Vec<f64>>>();
        values.filter(|values| values.iter().all(|value| value.is_finite()))
    }
}

/// Returns the items of a sequence; none when it is not there.
pub(super) fn items(set: &[Element], tag: Tag) -> &[DataSet] {
    match set.iter().find(|element| element.tag == tag).map(|element| &element.value) {
        Some(Value::Items(items)) => items,
        _ => &[],
    }
}

/// Returns text without its padding; bytes that are not UTF-8 are read as Latin-1.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
    };
    text.trim_end_matches(['\0', ' ']).to_owned()
}

/// Returns the values of a binary integer element; none for other representations.
pub(super) fn integers(vr: VR, bytes: &[u8]) -> Vec<i64> {
    match vr {
        VR::US | VR::AT => bytes.as_chunks().0.iter().map(|&b| u16::from_le_bytes(b).into()).collect(),
        VR::SS => bytes.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b).into()).collect(),
        VR::UL => bytes.as_chunks().0.iter().map(|&b| u32::from_le_bytes(b).into()).collect(),
        VR::SL => bytes.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b).into()).collect(),
        VR::SV | VR::UV => bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect(),
        _ => Vec::new(),
    }
}
