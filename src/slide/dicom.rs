//! DICOM VL Whole Slide Microscopy: a file, a folder, or any file of a series in its folder.
//!
//! Each level is an instance or a concatenation of several; the levels of a slide share a series. The
//! elements are walked here and not with `dicom-object`, because frames are to stay in the file and
//! lengths are to be checked before anything is allocated; dictionary and value representations are those
//! of `dicom-rs`.

mod decode;
mod describe;
mod element;
mod frames;
mod image;
mod instance;
mod pyramid;
mod rewrite;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

pub(super) use self::describe::is_private;
use self::{
    image::Image,
    instance::{Header, Identity, Kind},
    pyramid::{Volume, pyramid},
};
use super::{
    Format, OnDisk, Probe, Rewritten, SlideInfo, SlideReader, TileAt,
    bytes::FileBytes,
    limits,
    mosaic::{StoredTiles, no_such_tile},
    properties::{calibration, real},
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

const NAME: &str = "dicom";
/// Files of a folder that are looked at.
const MAX_FILES: u64 = 65_536;
const SPACING: &str = "dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing";

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

struct Dicom {
    info: SlideInfo,
    levels: Vec<Image>,
    associated: BTreeMap<String, Image>,
    stored: StoredTiles,
    /// What makes the identifiers of a clean copy.
    salt: OnceLock<[u8; 32]>,
}

/// An instance's header with what it belongs to.
struct Found {
    identity: Identity,
    header: Header,
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    if !probe.path.is_dir() {
        return instance::detect(probe.bytes().all());
    }
    let files = files(&probe.path).map_err(|error| error.to_string())?;
    let slides = files
        .iter()
        .filter(|file| FileBytes::open(file).is_ok_and(|bytes| instance::detect(bytes.all()).is_ok()));
    slides.map(drop).next().ok_or_else(|| "a folder without whole-slide DICOM files".into())
}

/// Returns the DICOM files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let is_dicom = || {
            let mut head = [0; 132];
            let file = std::fs::File::open(entry.path()).ok();
            file.is_some_and(|mut file| file.read_exact(&mut head).is_ok() && head.ends_with(b"DICM"))
        };
        if entry.path().is_file() && is_dicom() {
            files.push(entry.path());
            limits::check("number of DICOM files in a folder", files.len() as u64, MAX_FILES)?;
        }
    }
    files.sort();
    Ok(files)
}

/// Returns the series of a whole-slide DICOM file; `None` for any other file.
pub(super) fn series(path: &Path) -> Option<String> {
    let bytes = Arc::new(FileBytes::open(path).ok()?);
    instance::detect(bytes.all()).ok()?;
    Some(Header::read(bytes, path).ok()?.identity().ok()?.series)
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let (slide, named) = collect(&probe)?;
    let mut images: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for found in slide {
        images.entry(found.identity.image.clone()).or_default().push(found);
    }
    let (mut volumes, mut associated) = (Vec::new(), BTreeMap::new());
    for mut parts in images.into_values() {
        // What is told of an image is told by its first part.
        parts.sort_by_key(|found| found.header.first_frame());
        match parts[0].identity.kind {
            Kind::Volume => volumes.push(parts),
            Kind::Associated(name) => {
                // A picture that cannot be read does not keep the slide from being read.
                if let Ok(image) = image(parts.into_iter().map(|found| found.header)) {
                    associated.entry(name.to_owned()).or_insert(image);
                }
            }
            Kind::Other => {}
        }
    }
    let resampled = volumes.iter().all(|parts| parts[0].header.is_resampled());
    // Of images of one size, the named one comes first.
    let is_named =
        |parts: &[Found]| parts.iter().any(|found| Some(&found.identity.instance) == named.as_ref());
    volumes.sort_by_key(|parts| (!is_named(parts), parts[0].identity.number));
    let volumes =
        volumes.into_iter().map(|parts| Volume::of(is_named(&parts), parts)).collect::<Result<_>>()?;
    let (mut levels, unread) = pyramid(volumes)?;
    let Some(base) = levels.first_mut() else {
        return Err(Error::malformed(NAME, "series", "an image of type VOLUME", "none"));
    };
    let (planes, facts) = (base.planes(), std::mem::take(&mut base.facts));
    let base = base.image.size();
    let levels: Vec<Image> = levels.into_iter().map(|volume| volume.image).collect();
    let mut info = SlideInfo::of_levels(levels.iter().map(|level| level.level(base)).collect());
    info.moved_tiles = levels[0].is_moved();
    info.resampled = resampled;
    info.missing_tiles = levels[0].missing();
    info.focal_planes = planes;
    info.associated = associated.keys().cloned().collect();
    info.unread = unread;
    facts.describe(&mut info);
    Ok(Box::new(Dicom { info, levels, associated, stored: StoredTiles::default(), salt: OnceLock::new() }))
}

fn image(headers: impl Iterator<Item = Header>) -> Result<Image> {
    Image::new(headers.map(Header::into_instance).collect::<Result<_>>()?)
}

/// Reads the headers of the files that make up the slide; returns also which instance was named.
fn collect(probe: &Probe) -> Result<(Vec<Found>, Option<String>)> {
    let read = |bytes: Arc<FileBytes>, path: &Path| {
        let header = Header::read(bytes, path)?;
        Ok::<_, Error>(Found { identity: header.identity()?, header })
    };
    let (folder, named) = if probe.path.is_dir() {
        (probe.path.clone(), None)
    } else {
        let folder = probe.path.parent().map(PathBuf::from).unwrap_or_default();
        (folder, Some(read(probe.bytes().clone(), &probe.path)?))
    };
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    let mut slide: Vec<Found> = Vec::new();
    let mut series: BTreeSet<String> = BTreeSet::new();
    for path in files(&folder)? {
        let bytes = Arc::new(FileBytes::open(&path)?);
        if instance::detect(bytes.all()).is_err() {
            continue;
        }
        let found = match (read(bytes, &path), &named) {
            (Ok(found), _) => found,
            // Another slide's file that is damaged does not concern this one.
            (Err(_), Some(_)) => continue,
            (Err(error), None) => return Err(error),
        };
        if named.as_ref().is_none_or(|named| named.identity.series == found.identity.series) {
            series.insert(found.identity.series.clone());
            slide.push(found);
        }
    }
    if series.len() > 1 {
        let got = format!("{} series; name one file of the one to read", series.len());
        return Err(Error::config("folder of DICOM files", "one slide (series)", got));
    }
    // A series may hold several pyramids: the named file's, or the one of the largest image.
    let pyramid = named.as_ref().map(|named| named.identity.pyramid.clone());
    let widest = slide.iter().filter(|found| found.identity.kind == Kind::Volume);
    let widest = widest.max_by_key(|found| (found.header.width(), std::cmp::Reverse(&found.header.file)));
    let pyramid = pyramid.unwrap_or_else(|| widest.and_then(|found| found.identity.pyramid.clone()));
    let instance = named.as_ref().map(|named| named.identity.instance.clone());
    if let Some(named) = named {
        slide.retain(|found| found.identity.instance != named.identity.instance);
        slide.push(named);
    }
    let mut instances = BTreeSet::new();
    slide.retain(|found| {
        let other = found.identity.kind == Kind::Volume && found.identity.pyramid != pyramid;
        !other && instances.insert(found.identity.instance.clone())
    });
    Ok((slide, instance))
}

/// What is told of the slide: the properties of an instance, and the size of its profile.
#[derive(Default)]
struct Facts {
    properties: super::properties::Properties,
    icc_bytes: Option<u64>,
}

impl Facts {
    fn of(header: &Header) -> Self {
        let icc_bytes = header.icc().map(|profile| profile.len() as u64);
        Self { properties: describe::properties(header), icc_bytes }
    }

    /// Returns the size of a pixel in µm, across and down.
    fn mpp(&self) -> Option<[f64; 2]> {
        // Row spacing comes first; in mm.
        let spacing = |i: usize| real(&self.properties, &format!("{SPACING}[{i}]")).map(|mm| 1000.0 * mm);
        Some([spacing(1)?, spacing(0)?])
    }

    fn describe(self, info: &mut SlideInfo) {
        let mpp = self.mpp().and_then(|[x, y]| calibration(x, y, "dicom.PixelSpacing"));
        let power = real(&self.properties, "dicom.OpticalPathSequence[0].ObjectiveLensPower");
        info.icc_bytes = self.icc_bytes;
        info.describe(NAME, mpp, power, self.properties);
    }
}

impl SlideReader for Dicom {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        let level = self.levels.get(at.level).ok_or_else(|| no_such_tile(at))?;
        level.tile(at, &self.stored)
    }

    fn on_disk(&self, at: TileAt) -> Option<OnDisk> {
        self.levels.get(at.level)?.on_disk(at)
    }

    fn rewritten(&self) -> Option<&dyn Rewritten> {
        Some(self)
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        self.associated.get(name).ok_or_else(|| self.info.no_such_image(name))?.whole()
    }
}
