//! What `Slidedat.ini` says.

use std::collections::BTreeMap;

use super::{KeyFile, NAME};
use crate::{
    error::{Error, Result},
    slide::limits,
};

const GENERAL: &str = "GENERAL";
const HIERARCHICAL: &str = "HIERARCHICAL";

/// The header of a slide.
pub(super) struct Header {
    pub(super) slide_id: String,
    pub(super) index_file: String,
    pub(super) data_files: Vec<String>,
    /// Images across and down at level 0.
    pub(super) images: [u64; 2],
    /// Images per photograph along one side.
    pub(super) divisions: u64,
    pub(super) objective: Option<f64>,
    /// µm per pixel of level 0.
    pub(super) mpp: [f64; 2],
    /// Colour of what was not scanned.
    pub(super) fill: [u8; 3],
    pub(super) levels: Vec<LevelHeader>,
    /// Record of the positions of photographs, and whether it is compressed.
    pub(super) positions: Option<(u64, bool)>,
    /// Records of associated images.
    pub(super) associated: BTreeMap<String, u64>,
}

/// One level.
pub(super) struct LevelHeader {
    /// Level-0 images joined to one, along one side.
    pub(super) concat: u64,
    /// Overlap of neighbouring photographs, in pixels of this level.
    pub(super) overlap: [f64; 2],
    pub(super) kind: Kind,
    pub(super) width: u64,
    pub(super) height: u64,
}

/// How images are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Jpeg,
    Png,
    Bmp,
}

impl Header {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] naming the value that is missing or wrong.
    pub(super) fn read(keys: &KeyFile) -> Result<Self> {
        let sections = sections(keys)?;
        let mut header = Self {
            slide_id: keys.text(GENERAL, "SLIDE_ID")?.into(),
            index_file: keys.file_name(HIERARCHICAL, "INDEXFILE")?.into(),
            data_files: data_files(keys)?,
            images: [count(keys, "IMAGENUMBER_X")?, count(keys, "IMAGENUMBER_Y")?],
            divisions: match keys.find(GENERAL, "CameraImageDivisionsPerSide") {
                Some(_) => count(keys, "CameraImageDivisionsPerSide")?,
                None => 1,
            },
            objective: objective(keys),
            mpp: [
                keys.real(sections[0], "MICROMETER_PER_PIXEL_X")?,
                keys.real(sections[0], "MICROMETER_PER_PIXEL_Y")?,
            ],
            fill: fill(keys, sections[0])?,
            levels: levels(keys, &sections)?,
            positions: None,
            associated: BTreeMap::new(),
        };
        limits::check("number of images", header.images[0] * header.images[1], limits::MAX_PATCHES)?;
        let records = records(keys)?;
        header.positions = records
            .position("VIMSLIDE_POSITION_BUFFER", None)
            .map(|record| (record, false))
            .or_else(|| records.position("StitchingIntensityLayer", None).map(|record| (record, true)));
        let images = [
            ("macro", "ScanDataLayer_SlideThumbnail"),
            ("label", "ScanDataLayer_SlideBarcode"),
            ("thumbnail", "ScanDataLayer_SlidePreview"),
        ];
        for (name, value) in images {
            if let Some(record) = records.position("Scan data layer", Some(value)) {
                header.associated.insert(name.into(), record);
            }
        }
        Ok(header)
    }

    /// Returns width and height of every level: images side by side, less the overlaps of photographs.
    pub(super) fn level_sizes(&self) -> Vec<[u64; 2]> {
        let base = &self.levels[0];
        let side = |count: u64, image: u64, overlap: f64| {
            let seams = (count - 1) / self.divisions;
            // The overlap is cut off seam by seam, to a whole pixel each time.
            let cut = (image as f64 - overlap).max(0.0) as u64;
            (count - seams) * image + seams * cut
        };
        let whole = [
            side(self.images[0], base.width, base.overlap[0]),
            side(self.images[1], base.height, base.overlap[1]),
        ];
        self.levels.iter().map(|level| whole.map(|side| (side / level.concat).max(1))).collect()
    }
}

fn count(keys: &KeyFile, key: &str) -> Result<u64> {
    // The bounds keep products of two counts and a side of an image far from overflow.
    keys.whole(GENERAL, key, 1, 1 << 20).map(i64::unsigned_abs)
}

fn objective(keys: &KeyFile) -> Option<f64> {
    keys.find(GENERAL, "OBJECTIVE_MAGNIFICATION")?.trim_end_matches('x').parse::<u32>().ok().map(f64::from)
}

fn data_files(keys: &KeyFile) -> Result<Vec<String>> {
    let count = keys.whole("DATAFILE", "FILE_COUNT", 1, 10_000)?;
    (0..count).map(|i| keys.file_name("DATAFILE", &format!("FILE_{i}")).map(str::to_owned)).collect()
}

/// Returns the names of the groups that describe the levels.
fn sections(keys: &KeyFile) -> Result<Vec<&str>> {
    let name = keys.text(HIERARCHICAL, "HIER_0_NAME")?;
    if name != "Slide zoom level" {
        return Err(Error::malformed(NAME, "HIERARCHICAL.HIER_0_NAME", "Slide zoom level", name));
    }
    let count = keys.whole(HIERARCHICAL, "HIER_0_COUNT", 1, 30)?;
    (0..count).map(|i| keys.text(HIERARCHICAL, &format!("HIER_0_VAL_{i}_SECTION"))).collect()
}

fn levels(keys: &KeyFile, sections: &[&str]) -> Result<Vec<LevelHeader>> {
    let mut exponent = 0;
    let mut level = |(i, group): (usize, &&str)| {
        exponent += keys.whole(group, "IMAGE_CONCAT_FACTOR", i64::from(i > 0), 20)?;
        if exponent > 30 {
            return Err(Error::malformed(NAME, "IMAGE_CONCAT_FACTOR", "at most 30 in all", exponent));
        }
        let side = |key| keys.whole(group, key, 1, 1 << 13).map(i64::unsigned_abs);
        let format = keys.text(group, "IMAGE_FORMAT")?;
        let kind = match format {
            "JPEG" => Kind::Jpeg,
            "PNG" => Kind::Png,
            "BMP24" => Kind::Bmp,
            other => return Err(Error::unsupported(NAME, format!("images of format {other}"))),
        };
        Ok(LevelHeader {
            concat: 1 << exponent,
            overlap: [keys.real(group, "OVERLAP_X")?, keys.real(group, "OVERLAP_Y")?],
            kind,
            width: side("DIGITIZER_WIDTH")?,
            height: side("DIGITIZER_HEIGHT")?,
        })
    };
    sections.iter().enumerate().map(&mut level).collect()
}

fn fill(keys: &KeyFile, group: &str) -> Result<[u8; 3]> {
    let bgr = keys.whole(group, "IMAGE_FILL_COLOR_BGR", i32::MIN.into(), u32::MAX.into())?;
    Ok([0, 8, 16].map(|shift| (bgr >> shift) as u8))
}

/// The records beside the levels: names and the values of each, numbered through.
struct Records(Vec<(String, Vec<String>)>);

fn records(keys: &KeyFile) -> Result<Records> {
    let count = keys.whole(HIERARCHICAL, "NONHIER_COUNT", 0, 10_000)?;
    let record = |i| {
        let name = keys.text(HIERARCHICAL, &format!("NONHIER_{i}_NAME"))?;
        let values = keys.whole(HIERARCHICAL, &format!("NONHIER_{i}_COUNT"), 1, 10_000)?;
        let value =
            |j| keys.find(HIERARCHICAL, &format!("NONHIER_{i}_VAL_{j}")).unwrap_or_default().to_owned();
        Ok((name.to_owned(), (0..values).map(value).collect()))
    };
    (0..count).map(record).collect::<Result<Vec<_>>>().map(Records)
}

impl Records {
    /// Returns the number of a record: the first of a name, or the one of a value.
    fn position(&self, name: &str, value: Option<&str>) -> Option<u64> {
        let mut number = 0;
        for (other, values) in &self.0 {
            if other == name {
                let inside = value.map_or(Some(0), |value| values.iter().position(|v| v == value))?;
                return Some(number + inside as u64);
            }
            number += values.len() as u64;
        }
        None
    }
}
