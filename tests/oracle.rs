//! Compares what this library reads with what OpenSlide reads (`tests/oracle/make_openslide.py`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "common/build/mod.rs"]
mod build;
mod common;
#[allow(dead_code)]
#[path = "common/tiff.rs"]
mod tiff;

use std::{fs, path::Path};

use histograde::{Slide, geometry::Region, raster::Rgb, slide::SlideInfo};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Largest difference of one pixel, in grey levels: decoders round differently.
const MAX_PIXEL: i64 = 4;
/// Largest difference of a mean, in grey levels.
const MAX_MEAN: f64 = 0.5;
/// Largest difference of the mean of a sixteenth of a region: decoders round subsampled chroma apart.
const MAX_BLOCK_MEAN: f64 = 1.0;

/// Files and levels that are stored without loss: these must be equal to the last bit.
const LOSSLESS: [(&str, usize); 24] = [
    ("dicom", 1),
    ("dicom_wsi/highdicom/sm_image.dcm", 0),
    ("dicom_wsi/highdicom/sm_image_dots.dcm", 0),
    ("dicom_wsi/google_wsi2dcm/raw.dicom", 0),
    ("czi", 0),
    ("czi", 1),
    ("generic_tiff", 0),
    ("generic_tiff", 1),
    ("generic_tiff", 2),
    ("generic_tiff/pillow/tiff_tiled_planar_16bit_RGB.tiff", 0),
    ("mirax", 1),
    ("mirax", 2),
    ("mirax_no_positions", 1),
    ("mirax_no_positions", 2),
    ("ome_tiff/CMU-1-Small-Region-rgb.ome.tiff", 0),
    ("generic_tiff/openslide_boxes.tiff", 0),
    ("generic_tiff/pathml_small_HE_levels.tiff", 0),
    ("generic_tiff/twelvemonkeys/BigTIFFLong8Tiles.tif", 0),
    ("generic_tiff/pillow/tiff_tiled_planar_lzw.tiff", 0),
    ("generic_tiff/pillow/tiff_tiled_planar_raw.tif", 0),
    ("generic_tiff/pillow/tiff_tiled_raw.tif", 0),
    ("generic_tiff/image-tiff/tiled-rect-rgb-u8.tif", 0),
    ("generic_tiff/image-tiff/tiled-rgb-u8.tif", 0),
    ("generic_tiff/large_image/yb10kx5k.zstd.tiff", 0),
];

/// A file whose smaller levels are sub-directories.
const SUB_DIRECTORIES: &str = "generic_tiff/libtiff/tiff_with_subifd_chain.tif";

/// A slide whose header says RGB; its frames are JFIF, and so luma and chroma. OpenSlide believes the header
/// and shows false colours.
const FALSE_COLOURS: &str = "dicom_wsi/jcupitt_cmu-1-small-region/level-0-frames-0-30.dcm";

/// Where this library knows better, and why.
fn differs(slide: &str, property: &str) -> bool {
    match property {
        // 72, 100 or 300 dots per inch are not the pixel size of a microscope.
        "openslide.mpp-x" | "openslide.mpp-y" if slide.starts_with("generic_tiff") => true,
        // OpenSlide has no driver for OME-TIFF: it reads its first image and takes the pixel size from
        // tags that round it.
        _ if slide.starts_with("ome_tiff") => {
            property.starts_with("openslide") || property == "tiff.ImageDescription"
        }
        // Levels in sub-directories, which OpenSlide does not look for.
        _ if slide == SUB_DIRECTORIES && property.starts_with("openslide.level") => true,
        // OpenSlide lists further levels that it scales down while decoding; they are not stored.
        "openslide.level-count" => slide.contains("ndpi") || slide == "vms",
        // Tiles of one interval of 8 or 16 rows are joined to larger ones here.
        _ if property.starts_with("openslide.level[") => slide.contains("ndpi") || slide == "vms",
        _ => false,
    }
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// Returns the mean colour of a rectangle of an image.
fn mean(rgb: &Rgb, x: [usize; 2], y: [usize; 2]) -> [f64; 3] {
    let mut sums = [0u64; 3];
    for row in y[0]..y[1] {
        for px in &rgb.row(row)[x[0]..x[1]] {
            for c in 0..3 {
                sums[c] += u64::from(px[c]);
            }
        }
    }
    sums.map(|sum| sum as f64 / ((x[1] - x[0]) * (y[1] - y[0])) as f64)
}

/// Compares mean colours: the mean difference of the three channels may be `limit`.
fn assert_near(got: [f64; 3], expected: &Value, limit: f64, what: &str) {
    let off = |c: usize| (got[c] - expected[c].as_f64().unwrap()).abs();
    let mean = (off(0) + off(1) + off(2)) / 3.0;
    assert!(mean <= limit, "{what}: {got:?}, OpenSlide {expected}");
}

fn compare_region(slide: &Slide, name: &str, level: usize, oracle: &Value) {
    let side = |name: &str| u32::try_from(number(&oracle[name])).unwrap();
    let region = Region {
        level,
        x0: number(&oracle["x"]),
        y0: number(&oracle["y"]),
        width: side("width"),
        height: side("height"),
    };
    let what = format!("{name}, {region:?}");
    let rgb = slide.read_region(region).unwrap();
    let hash: String = Sha256::digest(rgb.data()).iter().map(|b| format!("{b:02x}")).collect();
    if hash == oracle["sha256"].as_str().unwrap() {
        return;
    }
    assert!(!LOSSLESS.contains(&(name, level)), "{what}: pixels of a lossless level differ");
    let (width, height) = (rgb.width(), rgb.height());
    for px in oracle["pixels"].as_array().unwrap() {
        let (x, y) = (number(&px[0]) as usize, number(&px[1]) as usize);
        for c in 0..3 {
            let (got, expected) = (i64::from(rgb.row(y)[x][c]), number(&px[2 + c]));
            assert!((got - expected).abs() <= MAX_PIXEL, "{what}: {got} at ({x}, {y}), OpenSlide {expected}");
        }
    }
    assert_near(mean(&rgb, [0, width], [0, height]), &oracle["mean"], MAX_MEAN, &what);
    for (i, block) in oracle["blocks"].as_array().unwrap().iter().enumerate() {
        let cut = |side: usize, i: usize| [side * i / 4, side * (i + 1) / 4];
        let got = mean(&rgb, cut(width, i % 4), cut(height, i / 4));
        assert_near(got, block, MAX_BLOCK_MEAN, &format!("block {i} of {what}"));
    }
}

/// Compares levels of equal size; every one of ours must be one of OpenSlide's.
fn compare_levels(slide: &Slide, name: &str, oracle: &Value) {
    let theirs = oracle["levels"].as_array().unwrap();
    for (i, level) in slide.info().levels.iter().enumerate() {
        let size = |other: &&Value| [number(&other["size"][0]), number(&other["size"][1])];
        let own = [level.width as i64, level.height as i64];
        let Some(other) = theirs.iter().find(|other| size(other) == own) else {
            // A smaller copy in a sub-directory, which OpenSlide does not look for.
            assert!(
                name.starts_with("ome_tiff") || name == SUB_DIRECTORIES,
                "{name}: level {i} of {own:?} px is not one of OpenSlide's"
            );
            continue;
        };
        let factor = other["downsample"].as_f64().unwrap();
        assert!((level.downsample - factor).abs() < 1e-9, "{name}: {} and {factor}", level.downsample);
        for region in other["regions"].as_array().unwrap().iter().filter(|_| name != FALSE_COLOURS) {
            compare_region(slide, name, i, region);
        }
    }
}

fn compare_header(info: &SlideInfo, name: &str, oracle: &Value) {
    let ours = info.all_properties();
    for (property, value) in oracle["properties"].as_object().unwrap() {
        if !differs(name, property) {
            let expected = value.as_str().unwrap().trim();
            assert_eq!(ours.get(property).map(|v| v.trim()), Some(expected), "{name}: {property}");
        }
    }
}

fn compare(slide: &Slide, name: &str, oracle: &Value) {
    compare_header(slide.info(), name, oracle);
    compare_levels(slide, name, oracle);
    for (image, expected) in oracle["associated"].as_object().unwrap() {
        let got = slide.read_associated(image).unwrap();
        let size = [number(&expected[0]), number(&expected[1])];
        assert_eq!([got.width() as i64, got.height() as i64], size, "{name}: {image}");
        let all = mean(&got, [0, got.width()], [0, got.height()]);
        assert_near(all, &expected[2], MAX_MEAN, &format!("{name}: {image}"));
    }
}

fn oracle(file: &str) -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(file);
    let oracle: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    oracle["slides"].as_array().unwrap().clone()
}

#[test]
fn real_slides_read_like_openslide() {
    let Some(data) = common::data_dir() else { return };
    for oracle in oracle("real.json") {
        let name = oracle["slide"].as_str().unwrap();
        let slide = Slide::open(data.join("wsi").join(name)).unwrap();
        compare(&slide, name, &oracle);
    }
}

/// As above, for DICOM.
#[test]
fn dicom_slides_read_like_openslide() {
    let Some(data) = common::data_dir() else { return };
    for oracle in oracle("dicom.json") {
        let name = oracle["slide"].as_str().unwrap();
        let slide = Slide::open(data.join("wsi").join(name)).unwrap();
        compare(&slide, name, &oracle);
    }
}

/// The frames of a DICOM file with false colours were made from this Aperio slide.
#[test]
fn colours_are_those_of_the_frames() {
    let Some(data) = common::data_dir() else { return };
    let open = |name: &str| Slide::open(data.join("wsi").join(name)).unwrap();
    let (dicom, source) = (open(FALSE_COLOURS), open("aperio_svs/CMU-1-Small-Region.svs"));
    for (x0, y0) in [(0, 0), (700, 1200), (1500, 2000)] {
        let region = Region { level: 0, x0, y0, width: 600, height: 500 };
        let [got, expected] = [&dicom, &source].map(|slide| {
            let rgb = slide.read_region(region).unwrap();
            mean(&rgb, [0, rgb.width()], [0, rgb.height()])
        });
        for c in 0..3 {
            assert!((got[c] - expected[c]).abs() < 2.0, "{region:?}: {got:?}, source {expected:?}");
        }
    }
}

/// What OpenSlide does not read, against the same pixels in a form that it does or that is known.
#[test]
fn jpeg_ls_run_lengths_and_jpeg_in_czi() {
    if let Some(data) = common::data_dir() {
        let folder = data.join("wsi/dicom_wsi/highdicom");
        let all = Region { level: 0, x0: 0, y0: 0, width: 50, height: 50 };
        let read = |name: &str| Slide::open(folder.join(name)).unwrap().read_region(all).unwrap();
        let raw = read("sm_image.dcm");
        assert_eq!(read("sm_image_jpegls.dcm"), raw);
        assert_eq!(read("sm_image_jpegls_nobot.dcm"), raw);
    }
    let folder = tempfile::tempdir().unwrap();
    let slide = Slide::open(build::named("dicom_rle").write(folder.path())).unwrap();
    let all = Region { level: 0, x0: 0, y0: 0, width: 100, height: 75 };
    assert_eq!(slide.read_region(all).unwrap(), build::picture(100, 75, 9));
    let folder = tempfile::tempdir().unwrap();
    let slide = Slide::open(build::named("czi_jpeg").write(folder.path())).unwrap();
    let whole = build::zeiss::whole();
    let all = Region { level: 0, x0: 0, y0: 0, width: whole.width() as u32, height: whole.height() as u32 };
    let off = |(a, b): (&u8, &u8)| i64::from(a.abs_diff(*b));
    let worst = slide.read_region(all).unwrap().data().iter().zip(whole.data()).map(off).max();
    assert!(worst.unwrap() < 24, "{worst:?}");
}

/// The tile that `make_openslide.py` compressed, as JPEG-LS without loss and as JPEG XR with little.
#[test]
fn jpeg_ls_and_jpeg_xr_show_what_was_compressed() {
    let most = |name: &str, side: usize| {
        let folder = tempfile::tempdir().unwrap();
        let slide = Slide::open(build::named(name).write(folder.path())).unwrap();
        let region = Region { level: 0, x0: 0, y0: 0, width: side as u32, height: side as u32 };
        let rgb = slide.read_region(region).unwrap();
        let off = |i: usize| {
            let (x, y) = (i % side, i / side);
            let known = [3 * x + 20, 2 * y + 60, x + y + 70];
            (0..3).map(|c| i64::from(rgb.row(y)[x][c]).abs_diff(known[c] as i64)).max().unwrap()
        };
        (0..side * side).map(off).max().unwrap()
    };
    assert_eq!(most("dicom_jpeg_ls", 60), 0);
    assert!(most("czi_jpeg_xr", 64) <= 8, "{}", most("czi_jpeg_xr", 64));
}

/// Slides of vendors without a real file: OpenSlide opened these very bytes as that vendor's.
#[test]
fn built_slides_read_like_openslide() {
    let oracles = oracle("built.json");
    for built in build::all() {
        let oracle = oracles.iter().find(|oracle| oracle["slide"] == built.name);
        let oracle = oracle.unwrap_or_else(|| panic!("no oracle for {}", built.name));
        if built.stable {
            assert_eq!(oracle["sha256"], built.sha256(), "{}: other bytes than OpenSlide read", built.name);
        }
        let folder = tempfile::tempdir().unwrap();
        let slide = Slide::open(built.write(folder.path())).unwrap();
        compare(&slide, built.name, oracle);
        // What OpenSlide calls generic-tiff has no vendor.
        let vendor = oracle["vendor"].as_str().filter(|vendor| *vendor != "generic-tiff");
        assert_eq!(slide.info().vendor.as_deref(), vendor, "{}", built.name);
    }
}

/// Writes the built slides for `make_openslide.py`, into the folder `HISTOGRADE_WRITE_SLIDES`.
#[test]
fn write_slides() {
    let Some(folder) = std::env::var_os("HISTOGRADE_WRITE_SLIDES") else { return };
    for built in build::everything() {
        let folder = Path::new(&folder).join(built.name);
        fs::create_dir_all(&folder).unwrap();
        built.write(&folder);
        fs::write(folder.join("built.txt"), format!("{} {}\n", built.main, built.sha256())).unwrap();
    }
}
