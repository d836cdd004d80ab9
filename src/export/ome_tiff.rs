//! A slide as pyramidal OME-TIFF: tiled, smaller levels as sub-directories, pixel size in OME-XML.
//!
//! <https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/specification.html>. It holds the pixels, their size and the
//! magnification: no label, no macro, no other header field of the source.

use std::{io::Write as _, path::Path};

use flate2::{Compression, write::ZlibEncoder};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType as JpegColour, Encoder, SamplingFactor};
use rayon::prelude::*;

use super::tiff_file::{Entries, Kind, TiffFile, Values, resolution};
use crate::{
    error::{Error, Result},
    raster::Rgb,
    report::partial::Partial,
    slide::{Place, Slide, Stored, ToSrgb},
    units::Mpp,
    watch::Watch,
};

/// Ratio of the sides of neighbouring levels that are made anew.
const STEP: f64 = 4.0;
/// Levels are added until the longer side is at most so many pixels.
const SMALLEST: u64 = 1024;
/// Side of tiles that are made anew.
const SIDE: u32 = 512;
/// Tiles made at a time, per thread.
const CHUNK_PER_THREAD: usize = 8;
/// Pixels of a file that stays below 4 GB however it is stored, with room for its levels.
const CLASSIC_PX: u64 = (u32::MAX / 5) as u64;

/// How tiles are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// JPEG of this quality; stored JPEG tiles are copied where the slide has them.
    Jpeg(u8),
    /// Deflate, lossless.
    Deflate,
    /// Zstandard, lossless.
    Zstd,
}

/// How a slide is converted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How tiles are stored.
    pub codec: Codec,
    /// Copy stored JPEG tiles.
    pub lossless_copy: bool,
    /// Convert colours to sRGB where the slide has a profile.
    pub icc: bool,
    /// Pixel size at full resolution, where the user knows better than the file.
    pub mpp: Option<Mpp>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Levels.
    pub levels: usize,
    /// Tiles.
    pub tiles: u64,
    /// Of these, tiles whose coefficients were copied.
    pub copied: u64,
}

/// One level to write.
struct Level {
    width: u64,
    height: u64,
    tile: [u32; 2],
    scale: [f64; 2],
    /// The level of the source that it is, if it is one.
    source: Option<usize>,
    mode: Mode,
}

/// How the tiles of a level are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Copies of stored JPEG tiles: whether they are YCbCr, and the sampling of luma.
    Copy { ycbcr: bool, sampling: [u8; 2] },
    /// Encoded anew.
    Encode(Codec),
}

/// Writes a slide as OME-TIFF. Memory does not depend on the size of the slide; bytes do not depend on the threads.
///
/// # Errors
///
/// As [`Slide::read_region`]; [`Error::Io`] when the file cannot be written.
pub fn write(slide: &Slide, path: &Path, settings: &Settings, watch: &Watch) -> Result<Written> {
    let to_srgb = if settings.icc { slide.to_srgb()? } else { None };
    let levels = levels(slide, settings, to_srgb.is_some())?;
    let pixels: u64 = levels.iter().map(|level| level.width * level.height).sum();
    let kind = if pixels > CLASSIC_PX { Kind::Big } else { Kind::Classic };
    let mut file = TiffFile::create(Partial::create(path)?, kind)?;
    let (mut directories, mut written) = (Vec::new(), Written { levels: levels.len(), ..Written::default() });
    for level in &levels {
        let maker = Maker { slide, level, to_srgb: to_srgb.as_ref() };
        directories.push(maker.write(&mut file, watch, &mut written)?);
    }
    let mut subs = Vec::new();
    let mut main = Entries::new();
    for (i, mut entries) in directories.into_iter().enumerate() {
        if i == 0 {
            main = entries;
        } else {
            entries.push((254, Values::Long(vec![1])));
            subs.push(file.directory(entries, false)?);
        }
    }
    let mpp = settings.mpp.or(slide.info().calibration.as_ref().map(|c| c.mpp));
    main.push((270, Values::Text(xml(&levels[0], mpp, slide.info().objective_power))));
    main.push((305, Values::Text(concat!("histograde ", env!("CARGO_PKG_VERSION")).into())));
    if let Some(mpp) = mpp {
        main.extend(resolution([mpp.x(), mpp.y()]));
    }
    if let (Some(profile), None) = (slide.icc_profile(), &to_srgb) {
        main.push((34_675, Values::Bytes(profile)));
    }
    if let Some(orientation) = slide.info().turned() {
        main.push((274, Values::Short(vec![orientation as u16])));
    }
    if !subs.is_empty() {
        main.push((330, Values::Place(subs)));
    }
    file.directory(main, true)?;
    file.finish()?;
    Ok(written)
}

/// Plans the levels: the slide's own, and smaller ones until they are small enough.
fn levels(slide: &Slide, settings: &Settings, converted: bool) -> Result<Vec<Level>> {
    let info = slide.info();
    let mut levels = Vec::new();
    for (i, own) in info.levels.iter().enumerate() {
        let mode = match settings.codec {
            Codec::Jpeg(_) if settings.lossless_copy && !converted => copy_mode(slide.stored(), i, own),
            _ => None,
        };
        let mode = mode.unwrap_or(Mode::Encode(settings.codec));
        let tile = match mode {
            Mode::Copy { .. } => [own.tile_width, own.tile_height],
            Mode::Encode(_) => [SIDE; 2],
        };
        let scale = slide.level_scale(i)?;
        levels.push(Level { width: own.width, height: own.height, tile, scale, source: Some(i), mode });
    }
    let base = &info.levels[0];
    while let Some(last) = levels.last().filter(|level| level.width.max(level.height) > SMALLEST) {
        let scale = last.scale.map(|v| v * STEP);
        let side = |length: u64, scale: f64| ((length as f64 / scale) as u64).max(1);
        let (width, height) = (side(base.width, scale[0]), side(base.height, scale[1]));
        let mode = Mode::Encode(settings.codec);
        levels.push(Level { width, height, tile: [SIDE; 2], scale, source: None, mode });
    }
    Ok(levels)
}

/// Returns how the tiles of a level can be copied, judged by its first stored one.
fn copy_mode(stored: Option<&dyn Stored>, index: usize, own: &crate::slide::Level) -> Option<Mode> {
    let whole = own.tile_width.is_multiple_of(16) && own.tile_height.is_multiple_of(16);
    let stored = stored.filter(|_| whole)?;
    let (columns, rows) = tiles([own.width, own.height], [own.tile_width, own.tile_height]);
    let copy = (0..columns * rows).find_map(|i| {
        let (col, row) = (i % columns, i / columns);
        stored.copy_jpeg(index, col..col + 1, row..row + 1)
    })?;
    let frame = copy.bytes.windows(2).position(|pair| pair == [0xFF, 0xC0])?;
    let &[components, id, sampling] = copy.bytes.get(frame + 9..frame + 12)? else { return None };
    let (ycbcr, sampling) = (id == 1, [sampling >> 4, sampling & 15]);
    let known = !ycbcr || matches!(sampling, [1 | 2, 1 | 2]) && sampling != [1, 2];
    (components == 3 && known).then_some(Mode::Copy { ycbcr, sampling })
}

fn tiles([width, height]: [u64; 2], tile: [u32; 2]) -> (u64, u64) {
    (width.div_ceil(tile[0].into()), height.div_ceil(tile[1].into()))
}

/// Makes the tiles of one level.
struct Maker<'a> {
    slide: &'a Slide,
    level: &'a Level,
    to_srgb: Option<&'a ToSrgb>,
}

impl Maker<'_> {
    /// Writes all tiles and returns the level's directory, but for what only the first has.
    fn write(&self, file: &mut TiffFile, watch: &Watch, written: &mut Written) -> Result<Entries> {
        let (columns, rows) = tiles([self.level.width, self.level.height], self.level.tile);
        let all: Vec<u64> = (0..columns * rows).collect();
        let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
        for chunk in all.chunks(rayon::current_num_threads() * CHUNK_PER_THREAD) {
            watch.check()?;
            let made: Vec<Result<(Vec<u8>, bool)>> =
                chunk.par_iter().map(|i| self.tile(i % columns, i / columns)).collect();
            for tile in made {
                let (bytes, copied) = tile?;
                offsets.push(file.append(&bytes)?);
                lengths.push(bytes.len() as u64);
                written.tiles += 1;
                written.copied += u64::from(copied);
            }
        }
        Ok(self.entries(offsets, lengths))
    }

    fn entries(&self, offsets: Vec<u64>, lengths: Vec<u64>) -> Entries {
        let level = self.level;
        let side = |v: u64| Values::Long(vec![u32::try_from(v).unwrap_or(u32::MAX)]);
        let mut entries = vec![
            (256, side(level.width)),
            (257, side(level.height)),
            (258, Values::Short(vec![8; 3])),
            (277, Values::Short(vec![3])),
            (284, Values::Short(vec![1])),
            (322, side(level.tile[0].into())),
            (323, side(level.tile[1].into())),
            (324, Values::Place(offsets)),
            (325, Values::Place(lengths)),
        ];
        let (compression, photometric, sampling) = match level.mode {
            Mode::Copy { ycbcr: true, sampling } => (7, 6, Some(sampling)),
            Mode::Copy { ycbcr: false, .. } => (7, 2, None),
            Mode::Encode(Codec::Jpeg(_)) => (7, 6, Some([2, 2])),
            Mode::Encode(Codec::Deflate) => (8, 2, None),
            Mode::Encode(Codec::Zstd) => (50_000, 2, None),
        };
        entries.push((259, Values::Short(vec![compression])));
        entries.push((262, Values::Short(vec![photometric])));
        if let Some(sampling) = sampling {
            entries.push((530, Values::Short(sampling.map(u16::from).into())));
        }
        if compression != 7 {
            entries.push((317, Values::Short(vec![2])));
        }
        entries
    }

    /// Makes one tile; also whether it is a copy.
    fn tile(&self, col: u64, row: u64) -> Result<(Vec<u8>, bool)> {
        if let (Mode::Copy { .. }, Some(index)) = (self.level.mode, self.level.source) {
            let stored = self.slide.stored();
            let copy = stored.and_then(|stored| stored.copy_jpeg(index, col..col + 1, row..row + 1));
            if let Some(copy) = copy.filter(|copy| self.fits(&copy.bytes)) {
                return Ok((copy.bytes, true));
            }
        }
        let [width, height] = self.level.tile;
        let at = |i: u64, side: u32| i64::try_from(i * u64::from(side)).unwrap_or(i64::MAX);
        let (x, y) = (at(col, width), at(row, height));
        let mut pixels = self.slide.read_place(&Place { x, y, width, height, scale: self.level.scale })?;
        if let Some(to_srgb) = self.to_srgb {
            to_srgb.apply(&mut pixels);
        }
        Ok((encode(pixels, self.level.mode)?, false))
    }

    /// Returns whether a copied tile has the components that the level's directory states.
    fn fits(&self, jpeg: &[u8]) -> bool {
        let Mode::Copy { ycbcr, sampling } = self.level.mode else { return false };
        let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]);
        let facts = frame.and_then(|at| jpeg.get(at + 9..at + 12));
        let id = if ycbcr { 1 } else { b'R' };
        facts.is_some_and(|facts| facts == [3, id, sampling[0] << 4 | sampling[1]])
    }
}

/// Encodes a tile as its level's directory says.
fn encode(mut pixels: Rgb, mode: Mode) -> Result<Vec<u8>> {
    let size = [pixels.width(), pixels.height()];
    match mode {
        Mode::Encode(Codec::Jpeg(quality)) => jpeg(&pixels, quality, SamplingFactor::F_2_2),
        Mode::Copy { ycbcr: true, sampling } => {
            let factor = match sampling {
                [2, 2] => SamplingFactor::F_2_2,
                [2, 1] => SamplingFactor::F_2_1,
                _ => SamplingFactor::F_1_1,
            };
            jpeg(&pixels, COPIED_QUALITY, factor)
        }
        Mode::Copy { ycbcr: false, .. } => {
            let colour = crate::phantom::jpeg::Colour::Rgb444;
            let parts =
                crate::phantom::jpeg::encode(&pixels, (0, 0), (size[0], size[1]), COPIED_QUALITY, colour);
            let tables = parts.tables.len().saturating_sub(2);
            Ok([&parts.tables[..tables], parts.stream.get(2..).unwrap_or_default()].concat())
        }
        Mode::Encode(Codec::Deflate) => {
            difference(&mut pixels);
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            let bytes = encoder.write_all(pixels.data()).and_then(|()| encoder.finish());
            bytes.map_err(Error::io("compress", "a tile"))
        }
        Mode::Encode(Codec::Zstd) => {
            difference(&mut pixels);
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            Ok(ruzstd::encoding::compress_to_vec(pixels.data(), level))
        }
    }
}

/// Quality of the few tiles of a copied level that cannot be copied: empty ones, and such.
const COPIED_QUALITY: u8 = 90;

fn jpeg(pixels: &Rgb, quality: u8, sampling: SamplingFactor) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(sampling);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder
        .encode(pixels.data(), pixels.width() as u16, pixels.height() as u16, JpegColour::Rgb)
        .map_err(|e| Error::io("encode", "a tile")(std::io::Error::other(e.to_string())))?;
    Ok(bytes)
}

/// Replaces each pixel by its difference from the one before (TIFF's predictor 2).
fn difference(pixels: &mut Rgb) {
    for y in 0..pixels.height() {
        let row = pixels.row_mut(y);
        for x in (1..row.len()).rev() {
            let before = row[x - 1];
            (0..3).for_each(|k| row[x][k] = row[x][k].wrapping_sub(before[k]));
        }
    }
}

/// Returns the OME-XML of an image of this size.
fn xml(level: &Level, mpp: Option<Mpp>, power: Option<f64>) -> String {
    let size = mpp.map_or(String::new(), |mpp| {
        let unit = "&#181;m";
        format!(
            " PhysicalSizeX=\"{}\" PhysicalSizeXUnit=\"{unit}\" PhysicalSizeY=\"{}\" PhysicalSizeYUnit=\"{unit}\"",
            mpp.x(),
            mpp.y()
        )
    });
    let (instrument, used) = power.map_or((String::new(), ""), |power| {
        let objective = format!("<Objective ID=\"Objective:0\" NominalMagnification=\"{power}\"/>");
        (
            format!("<Instrument ID=\"Instrument:0\">{objective}</Instrument>"),
            "<InstrumentRef ID=\"Instrument:0\"/><ObjectiveSettings ID=\"Objective:0\"/>",
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.openmicroscopy.org/Schemas/OME/2016-06 \
         http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd\">{instrument}\
         <Image ID=\"Image:0\" Name=\"slide\">{used}\
         <Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"uint8\" BigEndian=\"false\" Interleaved=\"true\" \
         SizeX=\"{}\" SizeY=\"{}\" SizeC=\"3\" SizeZ=\"1\" SizeT=\"1\"{size}>\
         <Channel ID=\"Channel:0:0\" SamplesPerPixel=\"3\"/>\
         <TiffData IFD=\"0\" PlaneCount=\"1\"/></Pixels></Image></OME>",
        level.width, level.height
    )
}
