//! A copy of a slide without what can name a patient: label, macro, thumbnail, barcodes, dates, free text.
//!
//! The copy is built up from what is known to be harmless (pixels, sizes, pixel size, magnification, colour profile); it
//! is not the source with known names removed. SCN, BIF and Trestle, whose header says how tiles lie, keep their format with a
//! header written anew; TIFF slides of other vendors become plain TIFF pyramids. Stored tiles are copied byte by byte, without
//! comments and application segments inside them. The result is read back and checked before it counts.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

mod container;
mod files;
mod ndpi;

use super::tiff_file::{Entries, Kind, TiffFile, Values, resolution};
use crate::{
    error::{Error, Result},
    geometry::Region,
    report::partial::Partial,
    slide::{Level, Slide, SlideInfo, Storage, TileAt, clean},
    watch::Watch,
};

/// Formats whose copy is of the same format.
const SAME: [&str; 7] = ["aperio", "generic_tiff", "ndpi", "dicom", "leica", "trestle", "ventana"];
/// Formats whose stored tiles are copied into a plain TIFF: what makes them their vendor's is what can name a patient.
const PLAIN: [&str; 3] = ["ome_tiff", "philips", "huron"];
/// Bytes of a file that stays below 4 GB.
const CLASSIC_BYTES: u64 = u32::MAX as u64 - (64 << 20);
/// How levels are stored whose tiles are not copied.
const OTHER_TILES: &str = "strips, planes, a palette, inks, or samples of other than 8 bits";
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
/// [`Error::NotCleanable`] for formats and storage that cannot be cleaned; [`Error::Internal`] when the copy does not pass
/// its checks, in which case it is removed; as reading and writing have.
pub fn write(slide: &Slide, path: &Path, watch: &Watch) -> Result<Removed> {
    if let Some(files) = slide.rewritten() {
        return files::write(slide, files, path, watch);
    }
    if let Some(strips) = slide.strips()? {
        let headers = ndpi::write(slide, &strips, path, watch)?;
        return checked(slide, path, headers);
    }
    let bytes = fs::metadata(slide.path()).map_err(Error::io("read", slide.path()))?.len();
    if let Some(container) = slide.container() {
        let headers = container::write(slide, container, bytes, path, watch)?;
        return checked(slide, path, headers);
    }
    let kept = kept_levels(slide)?;
    let stored = slide.stored().ok_or_else(|| refused(slide, "a layout of its own"))?;
    let info = slide.info();
    let kind = if bytes > CLASSIC_BYTES { Kind::Big } else { Kind::Classic };
    let mut file = TiffFile::create(Partial::create(path)?, kind)?;
    let mut directories = Vec::new();
    for (index, storage) in kept {
        let level = &info.levels[index];
        let mut entries =
            level_entries([level.width, level.height], [level.tile_width, level.tile_height], &storage);
        let tiles = |col, row| stored.bytes(TileAt { level: index, col, row });
        let place = |col, row| format!("tile ({col}, {row}) of level {index}");
        let cut = Cut { size: [level.width, level.height], tile: [level.tile_width, level.tile_height] };
        copy_tiles(cut, tiles, place, &storage, &mut file, &mut entries, watch)?;
        entries.extend(facts(slide, index));
        directories.push(entries);
    }
    let headers = file.position();
    for entries in directories {
        file.directory(entries, true)?;
    }
    file.finish()?;
    checked(slide, path, headers)
}

/// Verifies a copy whose directories begin at `headers`; one that does not pass is removed.
fn checked(slide: &Slide, path: &Path, headers: u64) -> Result<Removed> {
    let result = read_from(path, headers).and_then(|headers| verify(slide, path, &headers));
    result.inspect_err(|_| {
        // The error is what matters; a copy that cannot be removed is named in it.
        let _ = fs::remove_file(path);
    })
}

fn refused(slide: &Slide, what: &str) -> Error {
    Error::not_cleanable(slide.format(), what)
}

/// Returns the levels that the copy can hold, and how they are stored.
///
/// # Errors
///
/// [`Error::NotCleanable`] when it can hold none of them.
fn kept_levels(slide: &Slide) -> Result<Vec<(usize, Storage)>> {
    let (format, info) = (slide.format(), slide.info());
    let refused = |what: &str| refused(slide, what);
    if !SAME.contains(&format) && !PLAIN.contains(&format) {
        return Err(refused("a layout of its own"));
    }
    let stored = slide.stored().ok_or_else(|| refused("a layout of its own"))?;
    if info.moved_tiles {
        return Err(refused("tiles that overlap or are moved"));
    }
    let mut kept = Vec::new();
    for (index, level) in info.levels.iter().enumerate() {
        let storage = stored.storage(index).ok_or_else(|| refused(OTHER_TILES))?;
        let base = &info.levels[0];
        let ratio = |a: u64, b: u64| a as f64 / b as f64;
        let plain = (ratio(base.width, level.width) + ratio(base.height, level.height)) / 2.0;
        // Levels that are padded, and lie right by the vendor's header only, are left out.
        if SAME.contains(&format) || (plain - level.downsample).abs() < 1e-9 {
            kept.push((index, storage));
        }
    }
    Ok(kept)
}

/// What is said of JPEG tiles of which it cannot be told where the pixels end.
const UNFOLLOWED: &str =
    "JPEG that is progressive, or whose codes cannot be followed to the last one because they are damaged";
/// What may be done with them. No copy of a damaged tile shows what it lost.
const PROGRESSIVE_OR_DAMAGED: &str = "if it is progressive, `histograde convert` writes an OME-TIFF that holds the pixels alone; a \
                                      slide with damaged tiles must be exported or scanned again";

/// How a level is cut into tiles.
#[derive(Clone, Copy)]
struct Cut {
    size: [u64; 2],
    tile: [u32; 2],
}

impl Cut {
    /// Returns the tiles along an axis.
    fn tiles(self, axis: usize) -> u64 {
        self.size[axis].div_ceil(self.tile[axis].into())
    }

    /// Whitens what an uncompressed tile stores beyond the edges of the level.
    fn blank_beyond(self, tile: &mut [u8], col: u64, row: u64, samples: u64) {
        let left =
            |axis: usize, index: u64| self.size[axis].saturating_sub(index * u64::from(self.tile[axis]));
        let (across, down) = (left(0, col), left(1, row));
        let line = u64::from(self.tile[0]) * samples;
        for (y, bytes) in (0..).zip(tile.chunks_mut(line as usize)) {
            let kept = if y < down { (across * samples).min(bytes.len() as u64) } else { 0 };
            bytes[kept as usize..].fill(255);
        }
    }
}

/// Copies tiles without what their headers say beside the pixels, and enters where they are.
fn copy_tiles<'a>(
    cut: Cut,
    stored: impl Fn(u64, u64) -> Result<Option<&'a [u8]>>,
    place: impl Fn(u64, u64) -> String,
    storage: &Storage,
    file: &mut TiffFile,
    entries: &mut Entries,
    watch: &Watch,
) -> Result<()> {
    let (mut offsets, mut lengths, mut needs) = (Vec::new(), Vec::new(), clean::Needs::default());
    for row in 0..cut.tiles(1) {
        watch.check()?;
        for col in 0..cut.tiles(0) {
            let Some(bytes) = stored(col, row)? else {
                offsets.push(0);
                lengths.push(0);
                continue;
            };
            let (mut bytes, needed) = clean_tile(bytes, storage).ok_or_else(|| {
                let place = place(col, row);
                match storage.compression {
                    7 => Error::NotCleanable {
                        format: "tiff",
                        feature: format!("{place}: {UNFOLLOWED}"),
                        advice: PROGRESSIVE_OR_DAMAGED,
                    },
                    _ => Error::malformed(
                        "tiff",
                        place,
                        "a stream that can be followed to its end",
                        "other bytes",
                    ),
                }
            })?;
            needs.add(needed);
            if storage.compression == 1 {
                cut.blank_beyond(&mut bytes, col, row, storage.samples);
            }
            offsets.push(file.append(&bytes)?);
            lengths.push(bytes.len() as u64);
        }
    }
    entries.push((324, Values::Place(offsets)));
    entries.push((325, Values::Place(lengths)));
    let tables = storage.jpeg_tables.as_deref();
    if let Some(tables) = tables.and_then(|tables| clean::jpeg_tables(tables, needs)) {
        entries.push((347, Values::Bytes(tables)));
    }
    Ok(())
}

pub(super) fn grid(level: &Level) -> (u64, u64) {
    (level.width.div_ceil(level.tile_width.into()), level.height.div_ceil(level.tile_height.into()))
}

fn level_entries([width, height]: [u64; 2], tile: [u32; 2], storage: &Storage) -> Entries {
    let short = |v: u64| Values::Short(vec![u16::try_from(v).unwrap_or(u16::MAX)]);
    let long = |v: u64| Values::Long(vec![u32::try_from(v).unwrap_or(u32::MAX)]);
    let mut entries = vec![
        (256, long(width)),
        (257, long(height)),
        (258, Values::Short(vec![8; storage.samples as usize])),
        (259, short(storage.compression)),
        (262, short(storage.photometric)),
        (277, short(storage.samples)),
        (284, short(1)),
        (322, Values::Long(vec![tile[0]])),
        (323, Values::Long(vec![tile[1]])),
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
    if let Some(orientation) = info.turned() {
        entries.push((274, Values::Short(vec![orientation as u16])));
    }
    if let Some(profile) = slide.icc_profile().filter(|_| index == 0) {
        entries.push((34_675, Values::Bytes(profile)));
    }
    entries
}

/// Returns a tile's bytes without comments, application data and what lies behind its pixels, and which shared tables they
/// refer to; `None` when it cannot be followed to its end.
fn clean_tile(bytes: &[u8], storage: &Storage) -> Option<(Vec<u8>, clean::Needs)> {
    let cleaned = match storage.compression {
        7 => return clean::jpeg(bytes, storage.jpeg_tables.as_deref()),
        33_003 | 33_005 => clean::jpeg2000(bytes),
        other => clean::lossless(bytes, other, storage.tile_bytes),
    };
    cleaned.map(|bytes| (bytes, clean::Needs::default()))
}

/// Reads the copy back: the same pixels and sizes, nothing else. `headers` is what its files hold besides pixels.
fn verify(source: &Slide, path: &Path, headers: &[u8]) -> Result<Removed> {
    let copy = Slide::open(path)?;
    let failed = |what: &str| Error::Internal { what: format!("the clean copy {what}") };
    let (before, after) = (source.info(), copy.info());
    let same = SAME.contains(&source.format());
    if copy.format() != if same { source.format() } else { "generic_tiff" } {
        return Err(failed("is of another format"));
    }
    let place = |level: &Level| before.levels.iter().position(|other| other == level);
    let places: Option<Vec<usize>> = after.levels.iter().map(place).collect();
    let places =
        places.filter(|places| places.first() == Some(&0) && (!same || after.levels == before.levels));
    let places = places.ok_or_else(|| failed("has other levels"))?;
    let near = |a: &SlideInfo, b: &SlideInfo| match (&a.calibration, &b.calibration) {
        (Some(a), Some(b)) => {
            let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-4;
            near(a.mpp.x(), b.mpp.x()) && near(a.mpp.y(), b.mpp.y())
        }
        (a, b) => a.is_none() && b.is_none(),
    };
    if same && before.bounds != after.bounds {
        return Err(failed("has other bounds"));
    }
    if !near(before, after) || !after.associated.iter().all(|name| is_white(&copy, name)) {
        return Err(failed("has another pixel size, or images beside the pyramid"));
    }
    let removed = before.properties.iter().filter(|(key, value)| after.properties.get(*key) != Some(value));
    for (key, value) in removed.clone() {
        let kept = after.properties.values().any(|other| other.contains(value.as_str()));
        let found = memchr::memmem::find(headers, value.as_bytes()).is_some();
        if value.len() >= LEAST_TEXT && found && !kept {
            return Err(failed(&format!("still holds the text of {key}")));
        }
    }
    for (level, &of) in places.iter().enumerate() {
        compare(source, of, &copy, level)?;
    }
    let fields = removed.map(|(key, _)| key.clone()).collect();
    Ok(Removed { images: before.associated.clone(), fields })
}

/// Returns whether an associated image shows nothing: one that a format's readers insist on.
fn is_white(copy: &Slide, name: &str) -> bool {
    copy.read_associated(name).is_ok_and(|image| image.data().iter().all(|&v| v == 255))
}

/// Compares tiles all over a level with the level of the source that it is a copy of.
fn compare(source: &Slide, of: usize, copy: &Slide, level: usize) -> Result<()> {
    let facts = &copy.info().levels[level];
    let (columns, rows) = grid(facts);
    let every = (columns * rows).div_ceil(COMPARED).max(1);
    for i in (0..columns * rows).step_by(usize::try_from(every).unwrap_or(1)) {
        let place = |level| Region {
            level,
            x0: (i % columns * u64::from(facts.tile_width)) as i64,
            y0: (i / columns * u64::from(facts.tile_height)) as i64,
            width: facts.tile_width,
            height: facts.tile_height,
        };
        match (source.read_region(place(of)), copy.read_region(place(level))) {
            (Ok(a), Ok(b)) if a != b => {
                return Err(Error::Internal { what: "the clean copy shows other pixels".into() });
            }
            (Ok(_), Err(error)) => return Err(error),
            _ => {}
        }
        nothing_left(copy, TileAt { level, col: i % columns, row: i / columns })?;
    }
    Ok(())
}

/// Checks that a tile of the copy has nothing left to be cleaned.
fn nothing_left(copy: &Slide, at: TileAt) -> Result<()> {
    let Some(stored) = copy.stored() else { return Ok(()) };
    let Some(storage) = stored.storage(at.level) else { return Ok(()) };
    let Some(bytes) = stored.bytes(at)? else { return Ok(()) };
    if clean_tile(bytes, &storage).is_some_and(|(clean, _)| clean == bytes) {
        return Ok(());
    }
    let what = format!("the clean copy holds other bytes than pixels in {at:?}");
    Err(Error::Internal { what })
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
