//! Opens every file of the collection of real and broken slides: no panic, no long wait, and either
//! pixels or one clear line.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
mod common;
#[allow(dead_code)]
#[path = "common/files.rs"]
mod common_files;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use histograde::{Error, Slide, geometry::Region};

/// Reads a piece of every level, every associated image and a view of the whole.
fn read(path: &Path) -> Result<&'static str, Error> {
    let slide = Slide::open(path)?;
    for (level, facts) in slide.info().levels.iter().enumerate() {
        for share in [0.0, 0.5, 0.9] {
            let at = |side: u64| (side as f64 * share * facts.downsample) as i64;
            let (x0, y0) = (at(facts.width), at(facts.height));
            let side = |v: u64| v.min(512) as u32;
            let (width, height) = (side(facts.width), side(facts.height));
            slide.read_region(Region { level, x0, y0, width, height })?;
        }
    }
    for name in &slide.info().associated {
        slide.read_associated(name)?;
    }
    slide.read_overview(256)?;
    Ok(slide.format())
}

#[test]
fn every_file_gives_pixels_or_one_clear_line() {
    let Some(data) = common::data_dir() else { return };
    let folder = data.join("wsi");
    let paths: Vec<PathBuf> = common_files::paths(&folder).iter().map(|path| folder.join(path)).collect();
    assert!(paths.len() > 100, "{} files in {}", paths.len(), data.display());
    for path in &paths {
        let start = Instant::now();
        let result = read(path);
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_secs(2), "{}: {elapsed:?}", path.display());
        if let Err(error) = result {
            let message = error.to_string();
            assert!(!message.contains('\n') && message.len() < 400, "{}: {message}", path.display());
        }
    }
}

#[test]
fn known_files_open_or_fail_as_they_should() {
    let Some(data) = common::data_dir() else { return };
    let good = |path: &str, format: &str| {
        let got = read(&data.join("wsi").join(path));
        assert_eq!(got.map_err(|e| e.to_string()), Ok(format), "{path}");
    };
    good("aperio_svs/CMU-1-Small-Region.svs", "aperio");
    good("aperio_svs/openslide_small.svs", "aperio");
    good("ome_tiff/CMU-1-Small-Region-rgb.ome.tiff", "ome_tiff");
    good("ome_tiff/qupath/cells-2z.ome.tif", "ome_tiff");
    good("hamamatsu_ndpi/test3-DAPI-2-(387).ndpi", "ndpi");
    good("generic_tiff/openslide_boxes.tiff", "generic_tiff");
    good("generic_tiff/large_image/yb10kx5k.zstd.tiff", "generic_tiff");
    good("generic_tiff/pillow/tiff_tiled_planar_16bit_RGB.tiff", "generic_tiff");
    good("generic_tiff/twelvemonkeys/BigTIFFMotorola.tif", "generic_tiff");
    good("plain_tiff/kidney-48-5.tif", "generic_tiff");
    good("codec_tiles/test_tile.png", "plain_image");
    good("codec_tiles/JPEG_Baseline_(Process_1)-YBR-8.jpg", "plain_image");
    let bad = |path: &str, kind: &str, part: &str| {
        let error = read(&data.join("wsi").join(path)).unwrap_err();
        assert_eq!(error.kind(), kind, "{path}: {error}");
        assert!(error.to_string().contains(part), "{path}: {error}");
    };
    bad("bad_input/openslide_unreadable.svs", "malformed", "expected a JPEG marker, got");
    bad("bad_input/openslide_unopenable.tiff", "unsupported", "compression 52479");
    bad("bad_input/libtiff/test_ifd_loop_to_first.tif", "malformed", "a loop back to offset 10");
    bad("bad_input/libtiff/testfax3_bug54_1dnoEOL.tif", "unsupported", "CCITT group 3");
    bad("bad_input/tifftools/bad_ifd_offset.tif", "malformed", "an offset inside the file of 453 bytes");
    bad("generic_tiff/libvips_ojpeg-tile.tif", "unsupported", "old-style JPEG");
    bad("generic_tiff/libtiff/webp_lossless_rgba_alpha_fully_opaque.tif", "unsupported", "WebP");
    bad("generic_tiff/libtiff/quad-lzw-compat.tiff", "unsupported", "old-style LZW");
    bad("stub_multifile/Mirax2-Fluorescence-1.mrxs", "not_a_slide", "only the preview of a MIRAX slide");
    bad("ome_tiff/qupath/cells-2c.ome.tif", "unsupported", "2 channels that are not one RGB image");
    good("zeiss_czi/RGB-8bit.czi", "czi");
    good("dicom_wsi/jcupitt_cmu-1-small-region/level-0-frames-0-30.dcm", "dicom");
    bad("zeiss_czi/RGB-multichannel.czi", "unsupported", "7 channels");
}
