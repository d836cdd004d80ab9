//! Aperio, OME-TIFF and generic TIFF in small.

use std::io::Write as _;

use jpeg_encoder::SamplingFactor::{R_4_2_0, R_4_4_4};

use super::{Built, cut, jpeg_tiles, picture, picture_jpeg};
use crate::tiff::{Field, Page, Writer};

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// LZW as TIFF writes it: most significant bit first, early change.
pub(super) fn lzw(bytes: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(bytes).unwrap()
}

/// Replaces samples by differences to the pixel before, as `Predictor` 2 says.
fn differences(pixels: &mut [u8], width: usize) {
    for row in pixels.chunks_exact_mut(3 * width) {
        for i in (3..row.len()).rev() {
            row[i] = row[i].wrapping_sub(row[i - 3]);
        }
    }
}

/// Two levels of JPEG tiles with chroma at half size, thumbnail, label and macro.
pub(super) fn aperio() -> Built {
    let text = |width: u32, height: u32, more: &str| {
        let text = format!(
            "Aperio Image Library v12.0.15\r\n300x200 [0,0 {width}x{height}] (64x64) JPEG/RGB Q=70{more}"
        );
        Field::Text(text)
    };
    let level = |width: u32, height: u32, seed| {
        let tiles = jpeg_tiles(&picture(width as usize, height as usize, seed), 64, R_4_2_0);
        Page::tiled([width, height], [64, 64], 3, 7, 6)
            .set(530, Field::Shorts(vec![2, 2]))
            .set(270, text(width, height, "|AppMag = 20|MPP = 0.4990|Barcode = SECRET|Date = 01/02/20"))
            .with_tiles(tiles)
    };
    let strip = |name: &str, width: u32, height: u32, seed, kind: u32| {
        let rgb = picture(width as usize, height as usize, seed);
        Page::stripped([width, height], height, 3, 5, 2)
            .set(254, Field::Longs(vec![kind]))
            .set(317, Field::Shorts(vec![2]))
            .set(270, Field::Text(format!("Aperio Image Library v12.0.15\r\n{name} {width}x{height}")))
            .with_tiles(vec![{
                let mut pixels = rgb.data().to_vec();
                differences(&mut pixels, width as usize);
                lzw(&pixels)
            }])
    };
    let thumbnail = Page::stripped([60, 40], 40, 3, 7, 6)
        .set(270, text(60, 40, ""))
        .with_tiles(vec![picture_jpeg(60, 40, 7)]);
    let pages = [
        level(300, 200, 1),
        thumbnail,
        level(75, 50, 2),
        strip("label", 40, 44, 4, 1),
        strip("macro", 80, 30, 5, 9),
    ];
    Built::single("aperio_jpeg", "slide.svs", Writer::default().write(&pages))
}

/// Planes in Deflate, a smaller level in a sub-directory, a second image that is a label.
pub(super) fn ome_tiff() -> Built {
    let level = |width: u32, height: u32, seed| {
        let rgb = picture(width as usize, height as usize, seed);
        let mut tiles = Vec::new();
        for plane in 0..3 {
            for (y, x) in
                (0..rgb.height()).step_by(64).flat_map(|y| (0..rgb.width()).step_by(64).map(move |x| (y, x)))
            {
                let samples: Vec<u8> = cut(&rgb, x, y, 64, 64).into_iter().skip(plane).step_by(3).collect();
                tiles.push(zlib(&samples));
            }
        }
        Page::tiled([width, height], [64, 64], 3, 8, 2).set(284, Field::Shorts(vec![2])).with_tiles(tiles)
    };
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">\
        <Image ID=\"Image:0\" Name=\"slide\"><AcquisitionDate>2020-01-02T03:04:05</AcquisitionDate>\
        <Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"uint8\" SizeX=\"200\" SizeY=\"150\" SizeC=\"3\" SizeZ=\"1\" \
        SizeT=\"1\" PhysicalSizeX=\"500\" PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\"0.5\"><Channel ID=\"Channel:0:0\" \
        SamplesPerPixel=\"3\"/><TiffData IFD=\"0\" PlaneCount=\"1\"/></Pixels></Image><Image ID=\"Image:1\" Name=\"label\">\
        <Pixels ID=\"Pixels:1\" DimensionOrder=\"XYCZT\" Type=\"uint8\" SizeX=\"40\" SizeY=\"30\" SizeC=\"3\" SizeZ=\"1\" \
        SizeT=\"1\"><Channel ID=\"Channel:1:0\" SamplesPerPixel=\"3\"/><TiffData IFD=\"1\" PlaneCount=\"1\"/></Pixels></Image></OME>";
    let first = level(200, 150, 1).set(270, Field::Text(text.into())).with_sub(level(100, 75, 2));
    let label = Page::stripped([40, 30], 30, 3, 1, 2).with_tiles(vec![picture(40, 30, 6).data().to_vec()]);
    Built {
        stable: false,
        ..Built::single("ome_tiff", "slide.ome.tif", Writer::default().write(&[first, label]))
    }
}

/// A BigTIFF of three levels: LZW with differences, Zstandard, PackBits; one tile is not stored.
pub(super) fn generic() -> Built {
    let pixels = |width: u32, height: u32, seed| {
        let rgb = picture(width as usize, height as usize, seed);
        let places =
            (0..rgb.height()).step_by(64).flat_map(|y| (0..width as usize).step_by(64).map(move |x| (y, x)));
        places.map(|(y, x)| cut(&rgb, x, y, 64, 64)).collect::<Vec<_>>()
    };
    let page = |width, height, code| {
        Page::tiled([width, height], [64, 64], 3, code, 2)
            .set(282, Field::Rationals(vec![[20_000, 1]]))
            .set(283, Field::Rationals(vec![[20_000, 1]]))
            .set(296, Field::Shorts(vec![3]))
    };
    let mut base: Vec<Vec<u8>> = pixels(200, 150, 1)
        .into_iter()
        .map(|mut tile| {
            differences(&mut tile, 64);
            lzw(&tile)
        })
        .collect();
    base[5].clear();
    let zstd = |tile: Vec<u8>| {
        ruzstd::encoding::compress_to_vec(&tile[..], ruzstd::encoding::CompressionLevel::Fastest)
    };
    let packed = |tile: Vec<u8>| {
        tile.chunks(128).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect::<Vec<u8>>()
    };
    let pages = [
        page(200, 150, 5)
            .set(317, Field::Shorts(vec![2]))
            .set(270, Field::Text("scanned for Ann Doe".into()))
            .set(306, Field::Text("2020:01:02 03:04:05".into()))
            .with_tiles(base),
        page(100, 75, 50_000)
            .set(254, Field::Longs(vec![1]))
            .with_tiles(pixels(100, 75, 2).into_iter().map(zstd).collect()),
        page(50, 37, 32_773)
            .set(254, Field::Longs(vec![1]))
            .with_tiles(pixels(50, 37, 3).into_iter().map(packed).collect()),
    ];
    let bytes = Writer { big: true, ..Writer::default() }.write(&pages);
    Built { stable: false, ..Built::single("generic_tiff", "slide.tif", bytes) }
}

/// A tiled TIFF of 2×2 tiles that are all these bytes.
pub(crate) fn of_tile(compression: u16, photometric: u16, stream: &[u8]) -> Built {
    let page =
        Page::tiled([128, 100], [64, 64], 3, compression, photometric).with_tiles(vec![stream.to_vec(); 4]);
    let page = if compression == 33_003 || compression == 33_005 {
        page.set(270, Field::Text("Aperio Image Library\r\n128x100|AppMag = 20|MPP = 0.5".into()))
    } else {
        page
    };
    Built::single("of_tile", "slide.tif", Writer::default().write(&[page]))
}

/// Tiles for [`of_tile`] in a compression of TIFF.
pub(crate) fn tile(compression: u16) -> Vec<u8> {
    let pixels = cut(&picture(64, 64, 2), 0, 0, 64, 64);
    match compression {
        5 => lzw(&pixels),
        7 => super::jpeg(&pixels, 64, 64, R_4_4_4, 0),
        8 => zlib(&pixels),
        32_773 => pixels.chunks(128).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect(),
        50_000 => ruzstd::encoding::compress_to_vec(&pixels[..], ruzstd::encoding::CompressionLevel::Fastest),
        33_003 => include_bytes!("../../oracle/ycbcr.j2k").to_vec(),
        33_005 => include_bytes!("../../oracle/rgb.j2k").to_vec(),
        _ => pixels,
    }
}
