//! What is fuzzed: the header parser of every format and every way a tile is stored.
//!
//! `fuzz/` runs these targets under libFuzzer, `tests/fuzz_seeds.rs` replays what was found and mutates
//! the sound inputs on a stable compiler. An input is one file of a built slide, or one stored tile.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
};

use histograde::{Slide, geometry::Region, slide::TileAt};

use crate::build::{self, Built};

/// One thing to fuzz.
pub(crate) struct Target {
    /// Name of its folder in `tests/fuzz_seeds`, and of its binary in `fuzz`.
    pub(crate) name: &'static str,
    input: Input,
}

/// What an input is.
enum Input {
    /// A file of a built slide.
    File { slide: &'static str, file: &'static str },
    /// A stored tile: a sound one, and the slide around it.
    Tile { sound: fn() -> Vec<u8>, around: fn(&[u8]) -> Built },
}

macro_rules! targets {
    (files: $($name:literal $slide:literal $file:literal,)* tiles: $($tile:literal $seed:expr, $around:expr;)*) => {
        /// All targets.
        pub(crate) const TARGETS: &[Target] = &[
            $(Target { name: $name, input: Input::File { slide: $slide, file: $file } },)*
            $(Target { name: $tile, input: Input::Tile { sound: || $seed, around: $around } },)*
        ];
    };
}

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.91";
const RLE: &str = "1.2.840.10008.1.2.5";

fn rle() -> Vec<u8> {
    let mut out = 3u32.to_le_bytes().to_vec();
    (0..3u32).for_each(|i| out.extend((64 + 4096 / 128 * 2 * i).to_le_bytes()));
    out.resize(64, 0);
    (0..3u8).for_each(|i| out.extend([129, 40 * i].repeat(4096 / 128)));
    out
}

targets! {
    files:
    "open_aperio" "aperio_jpeg" "slide.svs",
    "open_ndpi" "ndpi" "slide.ndpi",
    "open_vms" "vms" "slide.vms",
    "tile_restart" "vms" "c.jpg",
    "open_leica" "scn" "slide.scn",
    "open_philips" "philips" "slide.tiff",
    "open_ventana" "bif" "slide.bif",
    "open_ventana_tiff" "ventana_tiff" "slide.tif",
    "open_trestle" "trestle" "trestle.tif",
    "open_huron" "huron" "huron.tif",
    "open_mirax_ini" "mirax" "slide/Slidedat.ini",
    "open_mirax_index" "mirax" "slide/Index.dat",
    "open_mirax_data" "mirax" "slide/Data0000.dat",
    "open_sakura" "svslide" "slide.svslide",
    "open_dicom" "dicom_sparse" "slide.dcm",
    "open_dicom_part" "dicom" "1.dcm",
    "open_czi" "czi" "slide.czi",
    "open_zarr_group" "ome_zarr" "slide.zarr/.zattrs",
    "open_zarr_array" "ome_zarr" "slide.zarr/0/.zarray",
    "open_zarr_5" "ome_zarr_5" "slide.zarr/0/zarr.json",
    "open_ome_tiff" "ome_tiff" "slide.ome.tif",
    "open_generic_tiff" "generic_tiff" "slide.tif",
    tiles:
    "open_picture" build::picture_jpeg(90, 60, 3), |input| Built::single("picture", "picture", input.to_vec());
    "tile_raw" build::family::tile(1), |input| build::family::of_tile(1, 2, input);
    "tile_lzw" build::family::tile(5), |input| build::family::of_tile(5, 2, input);
    "tile_jpeg" build::family::tile(7), |input| build::family::of_tile(7, 6, input);
    "tile_deflate" build::family::tile(8), |input| build::family::of_tile(8, 2, input);
    "tile_packbits" build::family::tile(32_773), |input| build::family::of_tile(32_773, 2, input);
    "tile_zstd" build::family::tile(50_000), |input| build::family::of_tile(50_000, 2, input);
    "tile_jpeg2000_ycbcr" build::family::tile(33_003), |input| build::family::of_tile(33_003, 6, input);
    "tile_jpeg2000_rgb" build::family::tile(33_005), |input| build::family::of_tile(33_005, 2, input);
    "tile_dicom_jpeg" build::family::tile(7), |input| build::dicom::of_frame(JPEG, "YBR_FULL_422", input);
    "tile_dicom_jpeg_ls" include_bytes!("../oracle/tile.jls").to_vec(),
        |input| build::dicom::of_frame(JPEG_LS, "RGB", input);
    "tile_dicom_jpeg2000" build::family::tile(33_005), |input| build::dicom::of_frame(JPEG_2000, "YBR_ICT", input);
    "tile_dicom_rle" rle(), |input| build::dicom::of_frame(RLE, "RGB", input);
    "tile_czi_jpeg_xr" build::zeiss::block_data(4), |input| build::zeiss::of_block(4, input);
    "tile_czi_jpeg" build::family::tile(7), |input| build::zeiss::of_block(1, input);
    "tile_czi_zstd" build::zeiss::block_data(5), |input| build::zeiss::of_block(5, input);
    "tile_czi_zstd1" build::zeiss::block_data(6), |input| build::zeiss::of_block(6, input);
    "tile_zarr" build::zarr::chunk(), build::zarr::with_chunk;
}

/// A slide on disk, of which inputs replace one file.
struct Laid {
    folder: tempfile::TempDir,
    target: &'static str,
    main: PathBuf,
}

thread_local! {
    /// The slide around the inputs of this thread's target.
    static LAID: RefCell<Option<Laid>> = const { RefCell::new(None) };
}

/// Makes a folder in memory where there is one.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

impl Target {
    /// Returns the target of a name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Returns a sound input.
    pub(crate) fn sound(&self) -> Vec<u8> {
        match self.input {
            Input::File { slide, file } => build::named(slide).bytes_mut(file).clone(),
            Input::Tile { sound, .. } => sound(),
        }
    }

    /// Lays the slide around an input, and returns the file to open.
    pub(crate) fn lay(&self, input: &[u8]) -> PathBuf {
        LAID.with_borrow_mut(|held| {
            if held.as_ref().is_none_or(|laid| laid.target != self.name) {
                let folder = folder();
                let main = match self.input {
                    Input::File { slide, .. } => build::named(slide).write(folder.path()),
                    Input::Tile { .. } => PathBuf::new(),
                };
                *held = Some(Laid { folder, target: self.name, main });
            }
            let laid = held.as_ref().unwrap();
            match self.input {
                Input::File { file, .. } => {
                    fs::write(laid.folder.path().join(file), input).unwrap();
                    laid.main.clone()
                }
                Input::Tile { around, .. } => around(input).write(laid.folder.path()),
            }
        })
    }
}

/// Opens a slide and reads the corners and the middle of every level, and whatever else it can be asked
/// for. Returns what came of it: the pixels read, or the message. Only a panic, time and memory are failures.
pub(crate) fn survive(path: &Path) -> Result<usize, String> {
    let slide = Slide::open(path).map_err(|error| error.to_string())?;
    let (mut read, mut failed) = (0, None);
    let info = slide.info();
    std::hint::black_box((info.all_properties(), slide.quickhash(), Slide::series_of(path)));
    slide.to_srgb().ok();
    for (level, facts) in info.levels.iter().enumerate().take(12) {
        let side = |length: u64| (length.min(100) as u32, length as i64 - length.min(100) as i64);
        let ((width, right), (height, bottom)) = (side(facts.width), side(facts.height));
        for (x0, y0) in [(0, 0), (right / 2, bottom / 2), (right, bottom)] {
            match slide.read_region(Region { level, x0, y0, width, height }) {
                Ok(rgb) => read += rgb.width() * rgb.height(),
                Err(error) => failed = Some(error.to_string()),
            }
        }
        if let Some(stored) = slide.stored() {
            std::hint::black_box((stored.storage(level), stored.copy_jpeg(level, 0..2, 0..2)));
            stored.bytes(TileAt { level, col: 0, row: 0 }).ok();
        }
    }
    for name in &info.associated {
        slide.read_associated(name).ok();
    }
    let coarse = info.levels[0].width.max(info.levels[0].height);
    if coarse <= 2000 {
        slide.read_overview(64).ok();
    }
    match failed {
        Some(message) => Err(message),
        None => Ok(read),
    }
}
