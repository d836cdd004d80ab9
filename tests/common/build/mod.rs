//! Builds small slides of every vendor, byte by byte, as their formats are described and as OpenSlide
//! reads them. The same bytes every time: what OpenSlide read from them is committed in `tests/oracle`.

pub(crate) mod dicom;
pub(crate) mod family;
mod hamamatsu;
mod leica;
mod mirax;
mod philips;
#[cfg(feature = "sakura")]
mod sakura;
mod simple;
mod ventana;
#[cfg(feature = "zarr")]
pub(crate) mod zarr;
pub(crate) mod zeiss;

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use histograde::raster::Rgb;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use sha2::{Digest, Sha256};

/// A slide of one or several files.
pub(crate) struct Built {
    /// Name of the case.
    pub(crate) name: &'static str,
    /// The file to open.
    pub(crate) main: &'static str,
    pub(crate) files: Vec<Piece>,
    /// Whether the bytes are the same with every version of what writes them.
    pub(crate) stable: bool,
}

/// Bytes at a place of a file.
pub(crate) struct Piece {
    pub(crate) file: String,
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Built {
    /// Describes a slide of one file.
    pub(crate) fn single(name: &'static str, main: &'static str, bytes: Vec<u8>) -> Self {
        Self { name, main, files: vec![Piece { file: main.into(), offset: 0, bytes }], stable: true }
    }

    /// Writes the files into a folder, and returns the one to open.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        for piece in &self.files {
            let path = folder.join(&piece.file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut file =
                File::options().create(true).append(false).truncate(false).write(true).open(path).unwrap();
            file.seek(SeekFrom::Start(piece.offset)).unwrap();
            file.write_all(&piece.bytes).unwrap();
        }
        folder.join(self.main)
    }

    /// Returns the SHA-256 of all pieces.
    pub(crate) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for piece in &self.files {
            hash.update(piece.file.as_bytes());
            hash.update(piece.offset.to_le_bytes());
            hash.update(&piece.bytes);
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Returns the bytes of a file, for tests that damage them.
    pub(crate) fn bytes_mut(&mut self, file: &str) -> &mut Vec<u8> {
        &mut self.files.iter_mut().find(|piece| piece.file == file).unwrap().bytes
    }
}

/// What makes a slide.
type Builder = fn() -> Built;

/// All slides by name.
const ALL: &[(&str, Builder)] = &[
    ("ndpi", hamamatsu::ndpi),
    ("ndpi_without_starts", hamamatsu::ndpi_without_starts),
    ("ndpi_beyond_4_gb", hamamatsu::ndpi_beyond_4_gb),
    ("ndpi_wide", hamamatsu::ndpi_wide),
    ("vms", hamamatsu::vms),
    ("aperio_33003", simple::aperio_ycbcr),
    ("aperio_33005", simple::aperio_rgb),
    ("scn", leica::scn),
    ("philips", philips::tiff),
    ("bif", ventana::bif),
    ("ventana_tiff", ventana::tiff),
    ("trestle", simple::trestle),
    ("huron", simple::huron),
    ("mirax", mirax::photographs),
    ("mirax_no_positions", mirax::no_positions),
    #[cfg(feature = "sakura")]
    ("svslide", sakura::svslide),
    ("dicom", dicom::series),
    ("dicom_sparse", dicom::sparse),
    ("dicom_jpeg_2000", dicom::jpeg_2000),
    ("czi", zeiss::czi),
    ("aperio_jpeg", family::aperio),
    ("generic_tiff", family::generic),
];

/// Slides that OpenSlide does not read.
const OTHERS: &[(&str, Builder)] = &[
    ("dicom_rle", dicom::rle),
    ("dicom_jpeg_ls", dicom::jpeg_ls),
    ("czi_jpeg", zeiss::czi_jpeg),
    ("czi_jpeg_xr", zeiss::czi_jpeg_xr),
    ("ome_tiff", family::ome_tiff),
    #[cfg(feature = "zarr")]
    ("ome_zarr", zarr::version_4),
    #[cfg(feature = "zarr")]
    ("ome_zarr_5", zarr::version_5),
];

/// Returns all slides with an oracle.
pub(crate) fn all() -> Vec<Built> {
    ALL.iter().map(|(_, build)| build()).collect()
}

/// Returns all slides, with an oracle or without.
pub(crate) fn everything() -> Vec<Built> {
    ALL.iter().chain(OTHERS).map(|(_, build)| build()).collect()
}

/// Returns the slide of a name.
pub(crate) fn named(name: &str) -> Built {
    ALL.iter().chain(OTHERS).find(|(other, _)| *other == name).unwrap().1()
}

/// Returns a picture in which every place looks different: waves of colour with a grid of steps.
pub(crate) fn picture(width: usize, height: usize, seed: usize) -> Rgb {
    let mut rgb = Rgb::filled(width, height, [0; 3]);
    for y in 0..height {
        for (x, px) in rgb.row_mut(y).iter_mut().enumerate() {
            let wave = |period: usize, at: usize| {
                let at = at % (2 * period);
                (if at < period { at } else { 2 * period - at }) * 160 / period
            };
            let step = (x / 16 + 2 * (y / 16) + seed) % 5 * 10;
            *px = [
                (40 + wave(97 + seed, x) + step) as u8,
                (40 + wave(61 + seed, y) + step) as u8,
                (40 + wave(149 + seed, x + y) + step) as u8,
            ];
        }
    }
    rgb
}

/// Cuts a rectangle out; beyond the picture its last pixels are repeated.
pub(crate) fn cut(rgb: &Rgb, x: usize, y: usize, width: usize, height: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(width * height * 3);
    for dy in 0..height {
        let row = rgb.row((y + dy).min(rgb.height() - 1));
        (0..width).for_each(|dx| out.extend_from_slice(&row[(x + dx).min(rgb.width() - 1)]));
    }
    out
}

/// Encodes pixels as JPEG.
pub(crate) fn jpeg(
    pixels: &[u8],
    width: usize,
    height: usize,
    sampling: SamplingFactor,
    restart: u16,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 90);
    encoder.set_sampling_factor(sampling);
    if restart > 0 {
        encoder.set_restart_interval(restart);
    }
    encoder.encode(pixels, width as u16, height as u16, ColorType::Rgb).unwrap();
    out
}

/// Encodes a whole picture as JPEG, 4:4:4.
pub(crate) fn picture_jpeg(width: usize, height: usize, seed: usize) -> Vec<u8> {
    jpeg(picture(width, height, seed).data(), width, height, SamplingFactor::R_4_4_4, 0)
}

/// Cuts a picture into JPEG tiles, row by row.
pub(crate) fn jpeg_tiles(rgb: &Rgb, tile: usize, sampling: SamplingFactor) -> Vec<Vec<u8>> {
    let mut tiles = Vec::new();
    for y in (0..rgb.height()).step_by(tile) {
        for x in (0..rgb.width()).step_by(tile) {
            tiles.push(jpeg(&cut(rgb, x, y, tile, tile), tile, tile, sampling, 0));
        }
    }
    tiles
}
