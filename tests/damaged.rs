//! Files with one defect each, and the exact message for it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "common/tiff.rs"]
mod tiff;

use std::io::Write;

use histograde::{Error, Slide, geometry::Region};
use jpeg_encoder::{ColorType, Encoder};
use tiff::{Field, Page, Writer};

const JPEG: u16 = 7;
const YCBCR: u16 = 6;
const RGB: u16 = 2;

/// Returns a busy JPEG tile, so that every part of its stream matters.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    jpeg_with(width, height, 0)
}

/// As [`jpeg`], with restart markers after so many coded units.
fn jpeg_with(width: u16, height: u16, restart: u16) -> Vec<u8> {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height) * 3).map(|_| noise()).collect();
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 80);
    if restart > 0 {
        encoder.set_restart_interval(restart);
    }
    encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
    out
}

fn svs(tile: Vec<u8>) -> Page {
    Page::tiled([64, 64], [64, 64], 3, JPEG, YCBCR)
        .set(270, Field::Text("Aperio test\r\n64x64 |AppMag = 20|MPP = 0.5".into()))
        .with_tiles(vec![tile])
}

fn generic(tile: Vec<u8>, compression: u16) -> Page {
    Page::tiled([64, 64], [64, 64], 3, compression, RGB).with_tiles(vec![tile])
}

/// Opens a file of these bytes and reads all of its level 0.
fn read(bytes: &[u8]) -> Result<(), Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let slide = Slide::open(file.path())?;
    let side = |v: u64| v.min(4096) as u32;
    let level = &slide.info().levels[0];
    let region = Region { level: 0, x0: 0, y0: 0, width: side(level.width), height: side(level.height) };
    slide.read_region(region).map(drop)
}

#[track_caller]
fn fails(bytes: &[u8], expected: &str) {
    assert_eq!(read(bytes).unwrap_err().to_string(), expected);
}

#[track_caller]
fn page_fails(page: Page, expected: &str) {
    fails(&Writer::default().write(&[page]), expected);
}

#[test]
fn sound_files_are_read() {
    read(&Writer::default().write(&[svs(jpeg(64, 64))])).unwrap();
    read(&Writer::default().write(&[generic(vec![7; 64 * 64 * 3], 1)])).unwrap();
    read(&jpeg(33, 17)).unwrap();
}

#[test]
fn jpeg_tiles() {
    let whole = jpeg(64, 64);
    let at = "malformed aperio: tile (0, 0) of level 0, expected";
    let with = |tile: Vec<u8>, expected: &str| page_fails(svs(tile), &format!("{at} {expected}"));
    with(jpeg(48, 64), "64x64 px, got 48x64");
    with(jpeg(64, 48), "64x64 px, got 64x48");
    with(jpeg(64, 80), "64x64 px, got 64x80");
    with(whole[2..].to_vec(), "a JPEG stream (ff d8), got ffe0");
    with(whole[..whole.len() - 2].to_vec(), "a JPEG stream with an end marker (ff d9), got a truncated one");
    with(whole[..100].to_vec(), "JPEG headers, got the end of the tile");
    let mut marker = whole.clone();
    let middle = marker.len() / 2;
    marker[middle..middle + 2].copy_from_slice(&[0xFF, 0xC4]);
    with(marker, "image data, got JPEG marker ffc4 inside it");
    let mut lossless = whole.clone();
    let frame = lossless.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    lossless[frame + 1] = 0xC3;
    page_fails(svs(lossless), "aperio file uses lossless JPEG, which is not supported");
}

/// States another height in the frame of a JPEG stream.
fn of_height(mut stream: Vec<u8>, height: u16) -> Vec<u8> {
    let frame = stream.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    stream[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    stream
}

/// Writers fill the last strip with rows, and no other.
#[test]
fn jpeg_strips_that_are_filled() {
    let of = |rows: u32, heights: [u16; 3]| {
        Page::stripped([64, 40], rows, 3, JPEG, YCBCR)
            .with_tiles(heights.map(|height| jpeg(64, height)).into())
    };
    read(&Writer::default().write(&[of(16, [16, 16, 8])])).unwrap();
    read(&Writer::default().write(&[of(16, [16, 16, 16])])).unwrap();
    let at = "malformed generic_tiff: strip";
    page_fails(of(16, [16, 24, 8]), &format!("{at} (0, 1) of level 0, expected 64x16 px, got 64x24"));
    page_fails(of(16, [16, 16, 24]), &format!("{at} (0, 2) of level 0, expected 64x8 px, got 64x24"));
    page_fails(of(16, [16, 16, 7]), &format!("{at} (0, 2) of level 0, expected 64x8 px, got 64x7"));
    let all = |height| Page::stripped([64, 40], u32::MAX, 3, JPEG, YCBCR).with_tiles(vec![jpeg(64, height)]);
    read(&Writer::default().write(&[all(40)])).unwrap();
    page_fails(all(48), &format!("{at} (0, 0) of level 0, expected 64x40 px, got 64x48"));
}

/// One damaged byte may name a kind of JPEG that is not read.
#[test]
fn few_tiles_of_another_kind_are_damaged() {
    let of = |others: usize| {
        let tile = |i: usize| {
            let mut tile = jpeg(16, 16);
            let frame = tile.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
            tile[frame + 1] = if i < others { 0xC3 } else { 0xC0 };
            tile
        };
        let page = Page::tiled([160, 160], [16, 16], 3, JPEG, YCBCR).with_tiles((0..100).map(tile).collect());
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&Writer::default().write(&[page])).unwrap();
        let slide = Slide::open(file.path()).unwrap();
        slide.tolerate_bad_tiles(0.01);
        let read = slide.read_region(Region { level: 0, x0: 0, y0: 0, width: 160, height: 160 });
        read.map(|rgb| (rgb.row(0)[0], slide.bad_tiles().len())).map_err(|error| error.to_string())
    };
    assert_eq!(of(1).unwrap(), ([255; 3], 1));
    let unsupported = "generic_tiff file uses lossless JPEG, which is not supported";
    assert_eq!(of(100).unwrap_err(), unsupported);
}

/// Decoders start anew at a restart marker, whatever is missing before it.
#[test]
fn jpeg_intervals_that_lack_a_part() {
    let restarts = |tile: &[u8]| -> Vec<usize> {
        let scan = tile.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        let is_marker = |&i: &usize| tile[i] == 0xFF && (0xD0..=0xD7).contains(&tile[i + 1]);
        (scan..tile.len() - 1).filter(is_marker).collect()
    };
    // Sixteen coded units, four in a row.
    for (interval, count) in [(1, 15), (2, 7), (3, 5), (4, 3), (7, 2), (16, 0)] {
        let whole = jpeg_with(64, 64, interval);
        let markers = restarts(&whole);
        assert_eq!(markers.len(), count);
        read(&Writer::default().write(&[svs(whole.clone())])).unwrap();
        let lacking = |at: usize, bytes: usize| {
            let mut tile = whole.clone();
            tile.drain(at - bytes..at);
            let result = read(&Writer::default().write(&[svs(tile)]));
            let message = result.err().map(|error| error.to_string()).unwrap_or_default();
            let start = "malformed aperio: tile (0, 0) of level 0, expected ";
            assert!(message.starts_with(start), "{interval}, {bytes} before {at}: {message}");
        };
        for &at in markers.iter().chain([&(whole.len() - 2)]) {
            [2, 5, 30].into_iter().for_each(|bytes| lacking(at, bytes));
        }
        // An interval that is lost with its marker, so that another comes in its place.
        if let [first, second, third, ..] = markers[..] {
            let mut tile = whole.clone();
            tile.splice(second..third, whole[first..second].to_vec());
            assert!(read(&Writer::default().write(&[svs(tile)])).is_err());
        }
    }
}

/// A few bytes that state a huge frame must not take its memory.
#[test]
fn jpeg_frames_larger_than_their_tiles() {
    let wide = Page::tiled([2048, 16], [2048, 16], 3, JPEG, YCBCR);
    page_fails(
        wide.with_tiles(vec![of_height(jpeg(2048, 16), 65_535)]),
        "malformed generic_tiff: tile (0, 0) of level 0, expected 2048x16 px, got 2048x65535",
    );
    // Bits the other way round: read by the decoder for rare layouts.
    let rare = generic(of_height(jpeg(64, 64), 16_384), JPEG).set(266, Field::Shorts(vec![2]));
    page_fails(
        rare,
        "malformed generic_tiff: tile (0, 0) of level 0, expected at most 64x64 px, got 64x16384",
    );
}

/// Planes of ink are no slide's way, and all are decoded before they are put together.
#[test]
fn planes_that_are_large_together() {
    const CMYK: u16 = 5;
    const PLANAR: u16 = 2;
    let side = 8192;
    let page = Page::tiled([side, side], [side, side], 4, 1, CMYK)
        .set(284, Field::Shorts(vec![PLANAR]))
        .with_tiles(vec![vec![7; 100]; 4]);
    page_fails(
        page,
        "malformed generic_tiff: tile (0, 0) of level 0, expected planes of at most 134217728 bytes together, got 268435456",
    );
}

/// A stream that stops early, but ends with an end marker: decoders fill the rest with grey.
#[test]
fn jpeg_tiles_that_end_early() {
    let whole = jpeg(64, 64);
    for cut in [3, 4, 5, 10, 20, 50, 100, 200, 1000, 2000] {
        let mut tile = whole[..whole.len() - cut].to_vec();
        while tile.last() == Some(&0xFF) {
            tile.pop();
        }
        tile.extend_from_slice(&[0xFF, 0xD9]);
        let message = read(&Writer::default().write(&[svs(tile)])).unwrap_err().to_string();
        let start = "malformed aperio: tile (0, 0) of level 0, expected a complete JPEG stream, got ";
        assert!(message.starts_with(start), "{cut} bytes: {message}");
    }
}

#[test]
fn lossless_tiles() {
    let at = "malformed generic_tiff: tile (0, 0) of level 0, expected";
    let with =
        |tile: Vec<u8>, code, expected: &str| page_fails(generic(tile, code), &format!("{at} {expected}"));
    with(vec![7; 1000], 1, "12288 bytes, got 1000");
    with(vec![0x80, 0x01], 5, "12288 bytes, got 0");
    with(vec![1, 2, 3], 32_773, "12288 bytes, got 2");
    with(vec![1, 2, 3], 8, "a zlib stream, got deflate decompression error");
    let mut zlib = Vec::new();
    flate2::write::ZlibEncoder::new(&mut zlib, flate2::Compression::fast()).write_all(&[9; 5000]).unwrap();
    with(zlib, 8, "12288 bytes, got 5000");
    page_fails(
        generic(vec![0, 1, 2, 3], 5),
        "generic_tiff file uses old-style LZW compression, which is not supported",
    );
}

#[test]
fn compressions_are_refused_by_name() {
    fn t(code: u16, name: &str) {
        page_fails(
            generic(vec![0; 99], code),
            &format!("generic_tiff file uses {name}, which is not supported"),
        );
    }
    t(2, "CCITT RLE compression");
    t(3, "CCITT group 3 compression");
    t(4, "CCITT group 4 compression");
    t(6, "old-style JPEG compression");
    t(34_887, "LERC compression");
    t(34_925, "LZMA compression");
    t(50_001, "WebP compression");
    t(22_610, "JPEG XR compression");
    t(50_002, "JPEG XL compression");
    t(34_712, "JPEG 2000 compression");
    t(34_677, "SGI LogLuv compression");
    t(34_933, "PNG compression");
    t(32_766, "NeXT compression");
    t(32_809, "ThunderScan compression");
    t(52_479, "compression 52479");
}

/// What the tags say of samples and colours is refused when the slide is opened, and stands in docs/formats.md.
#[test]
fn samples_are_refused_by_name() {
    fn t(page: Page, name: &str) {
        let page = page.with_tiles(vec![vec![0; 64 * 64 * 3 * 8]]);
        page_fails(page, &format!("generic_tiff file uses {name}, which is not supported"));
    }
    let of = |photometric: u16, samples: u16, bits: u16, format: u16| {
        Page::tiled([64, 64], [64, 64], samples, 1, photometric)
            .set(258, Field::Shorts(vec![bits; samples.into()]))
            .set(339, Field::Shorts(vec![format; samples.into()]))
    };
    for (photometric, samples) in [(1, 1), (RGB, 3)] {
        for bits in [8, 16, 32] {
            t(of(photometric, samples, bits, 2), "signed samples");
        }
        for bits in [16, 32, 64] {
            t(of(photometric, samples, bits, 3), &format!("floating-point samples of {bits} bits"));
        }
        for bits in [12, 24, 32, 64] {
            t(of(photometric, samples, bits, 1), &format!("samples of {bits} bits"));
        }
        t(of(photometric, samples, 64, 6), "samples of complex numbers");
    }
    t(of(0, 2, 16, 1), "gray of 16 bits with an extra sample where 0 is white");
    t(of(3, 1, 4, 1), "a palette of 4 bits");
    t(of(3, 1, 16, 1), "a palette of 16 bits");
    t(of(4, 1, 1, 1), "a transparency mask as its first image");
    t(of(8, 3, 8, 1), "CIELab colours");
    t(of(9, 3, 8, 1), "ICCLab colours");
    t(of(10, 3, 8, 1), "ITULab colours");
    let halved = of(YCBCR, 3, 8, 1).set(530, Field::Shorts(vec![2, 2]));
    t(halved, "YCbCr colours with subsampled chroma that are no JPEG");
    // Halves are meant where nothing is said.
    t(of(YCBCR, 3, 8, 1), "YCbCr colours with subsampled chroma that are no JPEG");
    let packed = |page: Page, predictor| {
        page.set(259, Field::Shorts(vec![5])).set(317, Field::Shorts(vec![predictor]))
    };
    t(packed(of(1, 1, 1, 1), 2), "a predictor with samples of 1 bits");
    t(packed(of(RGB, 3, 16, 1), 3), "predictor 3");
    t(of(5, 5, 8, 1).set(338, Field::Shorts(vec![2])), "inks with opacity");
    t(of(32_803, 1, 8, 1), "a colour filter array");
    t(of(32_845, 3, 16, 1), "LogLuv colours");
    t(of(RGB, 6, 8, 1), "pixels of 6 samples");
    t(of(RGB, 3, 8, 1).set(258, Field::Shorts(vec![8, 8, 16])), "samples of different bit depths");
}

#[test]
fn sizes() {
    let malformed = |page, expected: &str| page_fails(page, &format!("malformed generic_tiff: {expected}"));
    let tile = || vec![7; 64 * 64 * 3];
    let set = |tag, value: u32| generic(tile(), 1).set(tag, Field::Longs(vec![value]));
    malformed(set(256, 0), "ImageWidth, expected at least 1, got 0");
    malformed(set(257, 0), "ImageLength, expected at least 1, got 0");
    malformed(set(322, 0), "TileWidth, expected at least 1, got 0");
    malformed(set(257, 300), "TileOffsets, expected 5, got 1");
    malformed(
        set(324, 1_000_000),
        "tile (0, 0) of level 0, expected bytes inside the file of 12428, got 12288 bytes at 1000000, past its end",
    );
    let limits = |page, expected: &str| page_fails(page, expected);
    limits(set(256, u32::MAX), "ImageWidth is 4294967295, more than the limit of 4194304");
    let strip = Page::stripped([20_000, 20_000], 20_000, 3, 5, RGB).with_tiles(vec![tile()]);
    let of = "one strip (`vips tiffsave IN OUT --tile --pyramid` writes a TIFF of tiles)";
    limits(strip, &format!("pixels of {of} is 400000000, more than the limit of 67108864"));
    let deep = Page::tiled([8192, 8192], [8192, 8192], 3, 5, RGB)
        .set(258, Field::Shorts(vec![16; 3]))
        .with_tiles(vec![tile()]);
    limits(deep, "bytes of one tile is 402653184, more than the limit of 268435456");
    let huge = set(322, 1 << 20).set(323, Field::Longs(vec![1 << 20]));
    limits(huge, "pixels of one tile is 1099511627776, more than the limit of 67108864");
}

/// Directories that share one list of missing tiles cost no more than their number.
#[test]
fn directories_that_share_a_list_of_missing_tiles() {
    let (side, tiles) = (8192, 512 * 512);
    let of = |tile: Vec<Vec<u8>>| {
        Page::tiled([side; 2], [16; 2], 3, 1, RGB)
            .set(324, Field::Lie(1, tiles, 8))
            .set(325, Field::Lie(1, tiles, 8))
            .with_tiles(tile)
    };
    let first = of(vec![vec![0; tiles as usize]]).set(270, Field::Text("Aperio\r\n".into()));
    let pages: Vec<Page> = std::iter::once(first).chain(vec![of(Vec::new()); 40]).collect();
    let start = std::time::Instant::now();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&Writer::default().write(&pages)).unwrap();
    let slide = Slide::open(file.path()).unwrap();
    assert_eq!((slide.info().levels.len(), slide.info().unread.len()), (1, 40));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    let many = generic(vec![7; 99], 1).set(322, Field::Longs(vec![1])).set(323, Field::Longs(vec![1]));
    let many = many.set(256, Field::Longs(vec![5000])).set(257, Field::Longs(vec![5000]));
    page_fails(many, "number of stored tiles is 25000000, more than the limit of 16777216");
}

#[test]
fn images_that_are_decoded_as_a_whole() {
    let of = |name: &str| {
        format!("number of pixels of a {name}, decoded as a whole (a larger image must be a tiled TIFF),")
    };
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([15_000u32.to_be_bytes(), 15_000u32.to_be_bytes()].concat());
    png.extend([8, 2, 0, 0, 0]);
    fails(&png, &format!("{} is 225000000, more than the limit of 134217728", of("PNG or JPEG")));
    let mut stream = jpeg(64, 64);
    let frame = stream.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    stream[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    // Sound in size, but its data end early.
    assert!(read(&stream).unwrap_err().to_string().starts_with("malformed plain_image"));
    stream[frame + 1] = 0xC2;
    fails(&stream, &format!("{} is 100000000, more than the limit of 50000000", of("JPEG in several scans")));
}

#[test]
fn counts_that_lie() {
    let tile = || vec![7; 64 * 64 * 3];
    page_fails(
        generic(tile(), 1).set(324, Field::Lie(4, u32::MAX, 8)),
        "malformed tiff: TileOffsets, expected values inside the file of 12428 bytes, got 4294967295 values",
    );
    page_fails(
        generic(tile(), 1).set(258, Field::Lie(3, 900_000, 8)),
        "malformed tiff: BitsPerSample, expected values inside the file of 12422 bytes, got 900000 values",
    );
    // A private tag that lies is nobody's concern.
    read(&Writer::default().write(&[generic(tile(), 1).set(65_000, Field::Lie(4, u32::MAX, 8))])).unwrap();
}

#[test]
fn directories() {
    let page = generic(vec![7; 64 * 64 * 3], 1);
    let looped = Writer { looped: true, ..Writer::default() };
    fails(
        &looped.write(&[page.clone(), page.clone()]),
        "malformed tiff: directory chain, expected an end, got a loop back to offset 12302",
    );
    let bytes = Writer::default().write(std::slice::from_ref(&page));
    let mut outside = bytes.clone();
    outside[4..8].copy_from_slice(&999_999u32.to_le_bytes());
    fails(
        &outside,
        &format!(
            "malformed tiff: directory, expected an offset inside the file of {} bytes, got 999999",
            bytes.len()
        ),
    );
    fails(
        &bytes[..bytes.len() - 20],
        "malformed tiff: directory, expected more bytes, got the end of the file",
    );
    let mut none = bytes.clone();
    none[4..8].fill(0);
    fails(&none, "malformed tiff: directories, expected at least one, got none");
}

#[test]
fn other_files() {
    let sakura = if cfg!(feature = "sakura") { "sakura: not an SQLite database; " } else { "" };
    let zarr = if cfg!(feature = "zarr") { "ome_zarr: not a folder; " } else { "" };
    let message = format!(
        "not a slide or image this build can read (aperio, ndpi, leica, philips, ventana, ome_tiff, trestle, huron, \
         generic_tiff: not a TIFF file; vms: not a VMS index; \
         mirax: no folder with Slidedat.ini; dicom: not a DICOM file; czi: not a CZI file; \
         {zarr}{sakura}plain_image: neither PNG nor JPEG)"
    );
    let empty = "every format: the file is empty (0 bytes); is it still being copied?";
    fails(b"", &format!("not a slide or image this build can read ({empty})"));
    fails(b"II", &message);
    fails(b"a text file, not a slide", &message);
    fails(b"\x89PNG\r\n\x1a\n", "malformed plain_image: header, expected a PNG header with a size, got none");
    let whole = jpeg(64, 64);
    fails(
        &whole[..whole.len() / 2],
        "malformed plain_image: image, expected a JPEG stream with an end marker (ff d9), got a truncated one",
    );
}

/// Every byte of a small slide flipped in turn, and every prefix of it: an error or pixels, no panic.
#[test]
fn any_single_defect_is_survived() {
    let page = Page::tiled([40, 40], [16, 16], 3, 1, RGB).with_tiles(vec![vec![9; 16 * 16 * 3]; 9]);
    let small = svs(jpeg(64, 64)).set(347, Field::Bytes(vec![0xFF, 0xD8, 0xFF, 0xD9]));
    for bytes in [Writer::default().write(&[page]), Writer::default().write(&[small])] {
        let directory = bytes.len().saturating_sub(500);
        for i in (0..16).chain(directory..bytes.len()) {
            for flip in [0x01, 0x80, 0xFF] {
                let mut copy = bytes.clone();
                copy[i] ^= flip;
                read(&copy).ok();
            }
        }
        for end in (0..bytes.len()).step_by(97) {
            read(&bytes[..end]).ok();
        }
    }
}
