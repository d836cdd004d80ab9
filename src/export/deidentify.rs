//! A copy of a slide without what can name a patient: label, macro, thumbnail, barcodes, dates, free text.
//!
//! The copy is built up from what is known to be harmless (pixels, sizes, pixel size, magnification, colour profile); it
//! is not the source with known names removed. Stored tiles are copied byte by byte, without comments and application
//! segments inside them. The result is read back and checked before it counts.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use super::tiff_file::{Entries, TiffFile, Values, resolution};
use crate::{
    error::{Error, Result},
    report::partial::Partial,
    slide::{Level, Slide, SlideInfo, Storage, Stored, TileAt},
    watch::Watch,
};

/// Formats that can be written again.
const FORMATS: [&str; 2] = ["aperio", "generic_tiff"];
/// Bytes of a file that stays below 4 GB.
const CLASSIC_BYTES: u64 = u32::MAX as u64 - (64 << 20);
/// Tiles whose pixels are compared at the end, per level.
const COMPARED: u64 = 64;
/// Shorter texts are not looked for: they occur by chance.
const LEAST_TEXT: usize = 5;

/// What was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Associated images.
    pub images: Vec<String>,
    /// Header fields.
    pub fields: Vec<String>,
}

/// Writes a clean copy and verifies it.
///
/// # Errors
///
/// [`Error::Unsupported`] for formats and storage that cannot be cleaned; [`Error::Internal`] when the copy does not pass
/// its checks, in which case it is removed; as reading and writing have.
pub fn write(slide: &Slide, path: &Path, watch: &Watch) -> Result<Removed> {
    let format = slide.format();
    let hint = "which cannot be cleaned in place; `histograde convert` writes an OME-TIFF that holds the pixels alone";
    if !FORMATS.contains(&format) {
        return Err(Error::unsupported(format, format!("a layout {hint}")));
    }
    let stored = slide.stored().ok_or_else(|| Error::unsupported(format, format!("a layout {hint}")))?;
    let info = slide.info();
    let storages = (0..info.levels.len()).map(|i| stored.storage(i)).collect::<Option<Vec<_>>>();
    let storages = storages.ok_or_else(|| Error::unsupported(format, format!("strips or planes, {hint}")))?;
    let bytes = fs::metadata(slide.path()).map_err(Error::io("read", slide.path()))?.len();
    let mut file = TiffFile::create(Partial::create(path)?, bytes > CLASSIC_BYTES)?;
    let mut directories = Vec::new();
    for (index, (level, storage)) in info.levels.iter().zip(storages).enumerate() {
        let mut entries = level_entries(level, &storage);
        copy_tiles(stored, index, level, &storage, &mut file, &mut entries, watch)?;
        entries.extend(facts(slide, index));
        directories.push(entries);
    }
    let headers = file.position();
    for entries in directories {
        file.directory(entries, true)?;
    }
    file.finish()?;
    verify(slide, path, headers).inspect_err(|_| {
        // The error is what matters; a copy that cannot be removed is named in it.
        let _ = fs::remove_file(path);
    })
}

fn copy_tiles(
    stored: &dyn Stored,
    index: usize,
    level: &Level,
    storage: &Storage,
    file: &mut TiffFile,
    entries: &mut Entries,
    watch: &Watch,
) -> Result<()> {
    let (columns, rows) = grid(level);
    let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
    for row in 0..rows {
        watch.check()?;
        for col in 0..columns {
            let at = TileAt { level: index, col, row };
            let Some(bytes) = stored.bytes(at)? else {
                offsets.push(0);
                lengths.push(0);
                continue;
            };
            let bytes = clean_tile(bytes, storage).ok_or_else(|| {
                let place = format!("tile ({col}, {row}) of level {index}");
                Error::malformed("tiff", place, "headers that can be followed", "other bytes")
            })?;
            offsets.push(file.append(&bytes)?);
            lengths.push(bytes.len() as u64);
        }
    }
    entries.push((324, Values::Place(offsets)));
    entries.push((325, Values::Place(lengths)));
    Ok(())
}

fn grid(level: &Level) -> (u64, u64) {
    (level.width.div_ceil(level.tile_width.into()), level.height.div_ceil(level.tile_height.into()))
}

fn level_entries(level: &Level, storage: &Storage) -> Entries {
    let short = |v: u64| Values::Short(vec![u16::try_from(v).unwrap_or(u16::MAX)]);
    let long = |v: u64| Values::Long(vec![u32::try_from(v).unwrap_or(u32::MAX)]);
    let mut entries = vec![
        (256, long(level.width)),
        (257, long(level.height)),
        (258, Values::Short(vec![8; storage.samples as usize])),
        (259, short(storage.compression)),
        (262, short(storage.photometric)),
        (277, short(storage.samples)),
        (284, short(1)),
        (322, long(level.tile_width.into())),
        (323, long(level.tile_height.into())),
    ];
    if storage.predictor != 1 {
        entries.push((317, short(storage.predictor)));
    }
    if let Some(extra) = storage.extra {
        entries.push((338, short(extra)));
    }
    if let Some(sampling) = storage.subsampling {
        entries.push((530, Values::Short(sampling.map(|v| v as u16).into())));
    }
    if let Some(tables) = storage.jpeg_tables.as_deref().and_then(clean_jpeg) {
        entries.push((347, Values::Bytes(tables)));
    }
    entries
}

/// Returns the harmless facts of a level: pixel size, magnification, colour profile.
fn facts(slide: &Slide, index: usize) -> Entries {
    let (info, mut entries) = (slide.info(), Entries::new());
    let level = &info.levels[index];
    let mpp = info.calibration.as_ref().map(|c| c.mpp);
    if slide.format() == "aperio" {
        let base = &info.levels[0];
        let mut text = format!(
            "Aperio Image Library\r\n{}x{} [0,0 {}x{}] ({}x{})",
            base.width, base.height, level.width, level.height, level.tile_width, level.tile_height
        );
        for key in ["AppMag", "MPP"] {
            let value = info.properties.get(&format!("aperio.{key}"));
            if let Some(number) = value.filter(|value| value.parse::<f64>().is_ok()) {
                text += &format!("|{key} = {number}");
            }
        }
        entries.push((270, Values::Text(text)));
    } else if let Some(mpp) = mpp.filter(|_| index == 0) {
        entries.extend(resolution([mpp.x(), mpp.y()]));
    }
    if index > 0 && slide.format() != "aperio" {
        entries.push((254, Values::Long(vec![1])));
    }
    if let Some(profile) = slide.icc_profile().filter(|_| index == 0) {
        entries.push((34_675, Values::Bytes(profile)));
    }
    entries
}

/// Returns a tile's bytes without comments and application data; `None` when its headers cannot be followed.
fn clean_tile(bytes: &[u8], storage: &Storage) -> Option<Vec<u8>> {
    match storage.compression {
        7 => clean_jpeg(bytes),
        33_003 | 33_005 => clean_jpeg2000(bytes),
        _ => Some(bytes.to_vec()),
    }
}

/// Drops comments and application segments of a JPEG stream, but for those that say what its colours are, and whatever
/// follows its end.
fn clean_jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.strip_prefix(&[0xFF, 0xD8]).map(|_| vec![0xFF, 0xD8])?;
    let mut at = 2;
    loop {
        let marker = *bytes.get(at + 1).filter(|_| bytes[at] == 0xFF)?;
        if marker == 0xFF {
            at += 1;
            continue;
        }
        if marker == 0xD9 {
            out.extend_from_slice(&[0xFF, 0xD9]);
            return Some(out);
        }
        let length = usize::from(*bytes.get(at + 2)?) << 8 | usize::from(*bytes.get(at + 3)?);
        let segment = bytes.get(at..at + 2 + length)?;
        match (marker, segment.get(4..)?) {
            // Of JFIF and Adobe segments, the standard's own bytes only: thumbnails and texts can follow.
            (0xE0, body) if body.starts_with(b"JFIF\0") => {
                out.extend_from_slice(&[0xFF, 0xE0, 0, 16]);
                out.extend_from_slice(b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
            }
            (0xEE, body) if body.starts_with(b"Adobe") && body.len() >= 12 => {
                out.extend_from_slice(&[0xFF, 0xEE, 0, 14]);
                out.extend_from_slice(&body[..12]);
            }
            (0xE0..=0xEF | 0xFE, _) => {}
            _ => out.extend_from_slice(segment),
        }
        at += 2 + length;
        if marker == 0xDA {
            let rest = &bytes[at..];
            // A second scan of a progressive stream may have segments of its own.
            let end = rest
                .windows(2)
                .position(|pair| pair[0] == 0xFF && matches!(pair[1], 0x01..=0xCF | 0xD8..=0xFE))?;
            out.extend_from_slice(&rest[..end]);
            at += end;
        }
    }
}

/// Drops the comments in the main header of a JPEG 2000 codestream.
fn clean_jpeg2000(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.strip_prefix(&[0xFF, 0x4F]).map(|_| vec![0xFF, 0x4F])?;
    let mut at = 2;
    while bytes.get(at..at + 2)? != [0xFF, 0x90] {
        let length = usize::from(*bytes.get(at + 2)?) << 8 | usize::from(*bytes.get(at + 3)?);
        let segment = bytes.get(at..at + 2 + length).filter(|s| s[0] == 0xFF)?;
        if segment[1] != 0x64 {
            out.extend_from_slice(segment);
        }
        at += 2 + length;
    }
    out.extend_from_slice(&bytes[at..]);
    Some(out)
}

/// Reads the copy back: the same pixels and sizes, nothing else.
fn verify(source: &Slide, path: &Path, headers: u64) -> Result<Removed> {
    let copy = Slide::open(path)?;
    let failed = |what: &str| Error::Internal { what: format!("the clean copy {what}") };
    let (before, after) = (source.info(), copy.info());
    if copy.format() != source.format() || after.levels != before.levels {
        return Err(failed("has other levels"));
    }
    let near = |a: &SlideInfo, b: &SlideInfo| match (&a.calibration, &b.calibration) {
        (Some(a), Some(b)) => (a.mpp.mean() / b.mpp.mean() - 1.0).abs() < 1e-4,
        (a, b) => a.is_none() && b.is_none(),
    };
    if !near(before, after) || !after.associated.is_empty() {
        return Err(failed("has another pixel size, or images beside the pyramid"));
    }
    let headers = read_from(path, headers)?;
    let removed = before.properties.iter().filter(|(key, value)| after.properties.get(*key) != Some(value));
    for (key, value) in removed.clone() {
        let kept = after.properties.values().any(|other| other.contains(value.as_str()));
        let found = headers.windows(value.len().max(1)).any(|window| window == value.as_bytes());
        if value.len() >= LEAST_TEXT && found && !kept {
            return Err(failed(&format!("still holds the text of {key}")));
        }
    }
    for (level, facts) in before.levels.iter().enumerate() {
        let (columns, rows) = grid(facts);
        let every = (columns * rows).div_ceil(COMPARED).max(1);
        for i in (0..columns * rows).step_by(usize::try_from(every).unwrap_or(1)) {
            let (x, y) =
                (i % columns * u64::from(facts.tile_width), i / columns * u64::from(facts.tile_height));
            let place = crate::slide::Place {
                x: x as i64,
                y: y as i64,
                width: facts.tile_width,
                height: facts.tile_height,
                scale: source.level_scale(level)?,
            };
            match (source.read_place(&place), copy.read_place(&place)) {
                (Ok(a), Ok(b)) if a != b => return Err(failed("shows other pixels")),
                (Ok(_), Err(error)) => return Err(error),
                _ => {}
            }
        }
    }
    let fields = removed.map(|(key, _)| key.clone()).collect();
    Ok(Removed { images: before.associated.clone(), fields })
}

/// Reads a file from a place to its end.
fn read_from(path: &Path, start: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut bytes)
    });
    read.map_err(Error::io("read", path))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_lose_comments_and_keep_pixels() {
        let mut rgb = crate::raster::Rgb::filled(32, 32, [200, 90, 160]);
        rgb.data_mut().iter_mut().enumerate().for_each(|(i, v)| *v = v.wrapping_add((i % 37) as u8));
        let plain = super::super::tiles::Format::Jpeg { quality: 90 }.encode(&rgb).unwrap();
        let mut named = plain[..2].to_vec();
        named.extend_from_slice(b"\xff\xfe\0\x0aDoe, Ann\xff\xe1\0\x09Exif\0\0x");
        named.extend_from_slice(&plain[2..]);
        named.extend_from_slice(b"Doe, Ann");
        let clean = clean_jpeg(&named).unwrap();
        assert!(!clean.windows(8).any(|w| w == b"Doe, Ann") && !clean.windows(4).any(|w| w == b"Exif"));
        let decode = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgb8().into_raw();
        assert_eq!(decode(&clean), decode(&plain));
        assert_eq!(clean_jpeg(&named[..named.len() / 2]), None);
        assert_eq!(clean_jpeg(b""), None);
    }

    #[test]
    fn codestreams_lose_comments() {
        let stream = b"\xff\x4f\xff\x51\0\x04ab\xff\x64\0\x0a\0\x01Doe, A\xff\x90rest";
        assert_eq!(clean_jpeg2000(stream).unwrap(), b"\xff\x4f\xff\x51\0\x04ab\xff\x90rest");
        assert_eq!(clean_jpeg2000(b"\xff\x4f\xff\x64\xff"), None);
    }
}
