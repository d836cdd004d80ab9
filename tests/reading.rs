//! What is read from small files written here: every layout, and every way of reading.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "common/build/mod.rs"]
mod build;
#[allow(dead_code)]
#[path = "common/tiff.rs"]
mod tiff;

#[path = "reading/layouts.rs"]
mod layouts;
#[path = "reading/opacity.rs"]
mod opacity;
#[path = "reading/pages.rs"]
mod pages;
#[path = "reading/plain.rs"]
mod plain;
#[path = "reading/series.rs"]
mod series;

use std::io::Write;

use histograde::{Error, Mpp, Slide, geometry::Region, raster::Rgb, tile::Window};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use tiff::{Field, Page, Writer};

const SIDE: usize = 50;
const TILE: usize = 16;

/// Returns a smooth picture, so that lossy coding changes little.
fn picture(width: usize, height: usize) -> Rgb {
    let mut rgb = Rgb::filled(width, height, [0; 3]);
    for y in 0..height {
        for (x, px) in rgb.row_mut(y).iter_mut().enumerate() {
            *px = [(4 * x % 256) as u8, (3 * y % 256) as u8, (255 - (x + y) % 256) as u8];
        }
    }
    rgb
}

/// Cuts a picture into tiles of RGB samples, the last ones filled with 0.
fn tiles(rgb: &Rgb) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for row in 0..rgb.height().div_ceil(TILE) {
        for col in 0..rgb.width().div_ceil(TILE) {
            let mut tile = Vec::new();
            for (y, x) in (0..TILE * TILE).map(|i| (row * TILE + i / TILE, col * TILE + i % TILE)) {
                let inside = x < rgb.width() && y < rgb.height();
                tile.extend(if inside { rgb.row(y)[x] } else { [0; 3] });
            }
            out.push(tile);
        }
    }
    out
}

fn open(bytes: &[u8]) -> Slide {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Slide::open(file.path()).unwrap()
}

fn whole(slide: &Slide, level: usize) -> Rgb {
    let facts = &slide.info().levels[level];
    let (width, height) = (facts.width as u32, facts.height as u32);
    slide.read_region(Region { level, x0: 0, y0: 0, width, height }).unwrap()
}

fn page(compression: u16, photometric: u16, samples: u16, tiles: Vec<Vec<u8>>) -> Page {
    let tile = [TILE as u32; 2];
    Page::tiled([SIDE as u32; 2], tile, samples, compression, photometric).with_tiles(tiles)
}

fn differencing(tile: &[u8]) -> Vec<u8> {
    let mut out = tile.to_vec();
    for row in out.chunks_exact_mut(TILE * 3) {
        for i in (3..row.len()).rev() {
            row[i] = row[i].wrapping_sub(row[i - 3]);
        }
    }
    out
}

fn lzw(data: &[u8]) -> Vec<u8> {
    weezl::encode::Configuration::with_tiff_size_switch(weezl::BitOrder::Msb, 8).build().encode(data).unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

fn pack_bits(data: &[u8]) -> Vec<u8> {
    data.chunks(128).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect()
}

#[test]
fn lossless_layouts() {
    let rgb = picture(SIDE, SIDE);
    let t = |name: &str, page: Page| {
        for (big, big_endian) in [(false, false), (true, false), (false, true), (true, true)] {
            let bytes = Writer { big, big_endian, ..Writer::default() }.write(std::slice::from_ref(&page));
            assert_eq!(whole(&open(&bytes), 0), rgb, "{name}, BigTIFF {big}, big endian {big_endian}");
        }
    };
    let all = |f: fn(&[u8]) -> Vec<u8>| tiles(&rgb).iter().map(|tile| f(tile)).collect::<Vec<_>>();
    let predicted =
        |f: fn(&[u8]) -> Vec<u8>| tiles(&rgb).iter().map(|tile| f(&differencing(tile))).collect::<Vec<_>>();
    let predictor = |page: Page| page.set(317, Field::Shorts(vec![2]));
    t("none", page(1, 2, 3, tiles(&rgb)));
    t("LZW", page(5, 2, 3, all(lzw)));
    t("Deflate", page(8, 2, 3, all(zlib)));
    t("old Deflate", page(32_946, 2, 3, all(zlib)));
    t("Zstandard", page(50_000, 2, 3, all(zstd)));
    t("PackBits", page(32_773, 2, 3, all(pack_bits)));
    t("LZW, predictor", predictor(page(5, 2, 3, predicted(lzw))));
    t("Deflate, predictor", predictor(page(8, 2, 3, predicted(zlib))));
    let planes: Vec<Vec<u8>> = (0..3)
        .flat_map(|c| tiles(&rgb).into_iter().map(move |t| t.iter().copied().skip(c).step_by(3).collect()))
        .collect();
    t("planar", page(1, 2, 3, planes).set(284, Field::Shorts(vec![2])));
    let strips: Vec<Vec<u8>> = rgb.data().chunks(7 * SIDE * 3).map(lzw).collect();
    t("strips", Page::stripped([SIDE as u32; 2], 7, 3, 5, 2).with_tiles(strips));
    let raw = Page::stripped([SIDE as u32; 2], SIDE as u32, 3, 1, 2).with_tiles(vec![rgb.data().to_vec()]);
    t("one raw strip", raw);
}

#[test]
fn other_photometrics() {
    let first = |tile: &Vec<u8>| tile.iter().copied().step_by(3).collect::<Vec<u8>>();
    let rgb = picture(SIDE, SIDE);
    let gray: Vec<Vec<u8>> = tiles(&rgb).iter().map(first).collect();
    let t = |page: Page, expected: fn([u8; 3]) -> [u8; 3]| {
        let got = whole(&open(&Writer::default().write(&[page])), 0);
        for (got, px) in got.pixels().iter().zip(rgb.pixels()) {
            assert_eq!(*got, expected(*px));
        }
    };
    t(page(1, 1, 1, gray.clone()), |[r, ..]| [r; 3]);
    t(page(1, 0, 1, gray.clone()), |[r, ..]| [255 - r; 3]);
    let map = (0..768u16).map(|i| (if i < 256 { i } else { 255 - i % 256 }) << 8).collect();
    t(page(1, 3, 1, gray.clone()).set(320, Field::Shorts(map)), |[r, ..]| [r, 255 - r, 255 - r]);
    // Some writers put 8 bits in.
    let map = (0..768u16).map(|i| if i < 256 { i } else { 255 - i % 256 }).collect();
    t(page(1, 3, 1, gray).set(320, Field::Shorts(map)), |[r, ..]| [r, 255 - r, 255 - r]);
    let wide = tiles(&rgb).iter().map(|tile| tile.iter().flat_map(|&v| [v, v]).collect()).collect();
    t(page(1, 2, 3, wide).set(258, Field::Shorts(vec![16; 3])), |px| px);
    let clear = |tile: &Vec<u8>| {
        let pixels = tile.as_chunks::<3>().0.iter();
        pixels.flat_map(|&[r, g, b]| [r, r, g, g, b, b, 0, 0]).collect()
    };
    let page_of = |extra: u16, tiles: Vec<Vec<u8>>| {
        let deep = page(1, 2, 4, tiles).set(258, Field::Shorts(vec![16; 4]));
        deep.set(338, Field::Shorts(vec![extra]))
    };
    let clear: Vec<Vec<u8>> = tiles(&rgb).iter().map(clear).collect();
    t(page_of(0, clear.clone()), |px| px);
    t(page_of(2, clear), |_| [255; 3]);
    let inks = |tile: &Vec<u8>| {
        tile.as_chunks::<3>().0.iter().flat_map(|px| [255 - px[0], 255 - px[1], 255 - px[2], 0]).collect()
    };
    t(page(1, 5, 4, tiles(&rgb).iter().map(inks).collect()), |px| px);
}

/// Encodes tiles as JPEG; `ids` are the component numbers to store.
fn jpegs(rgb: &Rgb, sampling: SamplingFactor, kind: ColorType, ids: [u8; 3]) -> Vec<Vec<u8>> {
    let encode = |tile: &Vec<u8>| {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 98);
        encoder.set_sampling_factor(sampling);
        encoder.encode(tile, TILE as u16, TILE as u16, kind).unwrap();
        let place = |marker: u8| out.windows(2).position(|pair| pair == [0xFF, marker]).unwrap();
        let (frame, scan) = (place(0xC0), place(0xDA));
        for (i, id) in ids.into_iter().enumerate() {
            out[frame + 10 + 3 * i] = id;
            out[scan + 5 + 2 * i] = id;
        }
        out
    };
    tiles(rgb).iter().map(encode).collect()
}

#[test]
fn jpeg_colours_follow_the_tiff_tag() {
    let rgb = picture(48, 48);
    let t = |name: &str, photometric: u16, tiles: Vec<Vec<u8>>, limit: f64| {
        let page = Page::tiled([48; 2], [TILE as u32; 2], 3, 7, photometric).with_tiles(tiles);
        let got = whole(&open(&Writer::default().write(&[page])), 0);
        let off: u64 = got.data().iter().zip(rgb.data()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = off as f64 / rgb.data().len() as f64;
        assert!(mean < limit, "{name}: mean difference {mean}");
    };
    use SamplingFactor::{R_4_2_0, R_4_2_2, R_4_4_4};
    t("4:4:4", 6, jpegs(&rgb, R_4_4_4, ColorType::Rgb, [1, 2, 3]), 1.0);
    t("4:2:2", 6, jpegs(&rgb, R_4_2_2, ColorType::Rgb, [1, 2, 3]), 2.0);
    t("4:2:0", 6, jpegs(&rgb, R_4_2_0, ColorType::Rgb, [1, 2, 3]), 3.0);
    // Samples passed as YCbCr are stored as they are: the RGB values themselves.
    t("RGB, ids 1, 2, 3", 2, jpegs(&rgb, R_4_4_4, ColorType::Ycbcr, [1, 2, 3]), 1.0);
    t("RGB, ids 0, 1, 2", 2, jpegs(&rgb, R_4_4_4, ColorType::Ycbcr, [0, 1, 2]), 1.0);
    t("RGB, ids R, G, B", 2, jpegs(&rgb, R_4_4_4, ColorType::Ycbcr, *b"RGB"), 1.0);
}

/// A slide of one level that holds `rgb`, at 0.5 µm/px.
fn slide_of(rgb: &Rgb) -> Slide {
    let size = [rgb.width() as u32, rgb.height() as u32];
    let page = Page::tiled(size, [TILE as u32; 2], 3, 1, 2)
        .set(270, Field::Text("Aperio\r\n|MPP = 0.5|AppMag = 20".into()))
        .with_tiles(tiles(rgb));
    open(&Writer::default().write(&[page]))
}

#[test]
fn regions_beyond_the_slide_are_white() {
    let rgb = picture(SIDE, SIDE);
    let slide = slide_of(&rgb);
    let got = slide.read_region(Region { level: 0, x0: -5, y0: 40, width: 70, height: 20 }).unwrap();
    for y in 0..20 {
        for x in 0..70 {
            let (sx, sy) = (x as i64 - 5, y + 40);
            let inside = (0..SIDE as i64).contains(&sx) && sy < SIDE;
            let expected = if inside { rgb.row(sy)[sx as usize] } else { [255; 3] };
            assert_eq!(got.row(y)[x], expected, "({x}, {y})");
        }
    }
    let error = slide.read_region(Region { level: 3, x0: 0, y0: 0, width: 1, height: 1 }).unwrap_err();
    assert_eq!(error.to_string(), "level, expected 0 to 0, got 3");
}

/// Averages a box of level-0 pixels exactly, glass outside the slide being white.
fn average(rgb: &Rgb, x: [f64; 2], y: [f64; 2]) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for sy in y[0].floor() as i64..y[1].ceil() as i64 {
        for sx in x[0].floor() as i64..x[1].ceil() as i64 {
            let part = |at: i64, [start, end]: [f64; 2]| end.min(at as f64 + 1.0) - start.max(at as f64);
            let weight = part(sx, x) * part(sy, y) / ((x[1] - x[0]) * (y[1] - y[0]));
            let inside = (0..rgb.width() as i64).contains(&sx) && (0..rgb.height() as i64).contains(&sy);
            let px = if inside { rgb.row(sy as usize)[sx as usize] } else { [255; 3] };
            (0..3).for_each(|c| sum[c] += weight * f64::from(px[c]));
        }
    }
    sum
}

fn window(x0: i64, y0: i64, core: u32, halo: u32, scale: f64) -> Window {
    let mpp = Mpp::square(0.5 * scale).unwrap();
    Window { x0, y0, core_width: core, core_height: core, halo, scale, source_scale: scale, mpp }
}

#[test]
fn windows_average_exactly() {
    let rgb = picture(SIDE, SIDE);
    let slide = slide_of(&rgb);
    for scale in [1.0, 1.25, 2.0, 2.5, 3.0, 7.3] {
        let window = window(1, 2, 16, 3, scale);
        let got = slide.read_window(&window).unwrap();
        for y in 0..got.height() {
            for x in 0..got.width() {
                let edges = |at: i64| [at as f64 * scale, (at + 1) as f64 * scale];
                let exact = average(&rgb, edges(window.left() + x as i64), edges(window.top() + y as i64));
                for (value, exact) in got.row(y)[x].iter().zip(exact) {
                    let off = (f64::from(*value) - exact).abs();
                    assert!(off < 0.52, "scale {scale}, ({x}, {y}): off by {off}");
                }
            }
        }
    }
}

#[test]
fn a_pixel_does_not_depend_on_its_window() {
    let slide = slide_of(&picture(200, 150));
    for scale in [1.0, 1.37, 2.0, 2.016, 4.4] {
        let large = window(0, 0, 96, 8, scale);
        let reference = slide.read_window(&large).unwrap();
        for (x0, y0, core, halo) in [(0, 0, 32, 8), (17, 23, 40, 3), (64, 32, 20, 0)] {
            let small = window(x0, y0, core, halo, scale);
            let got = slide.read_window(&small).unwrap();
            for y in 0..got.height() {
                let top = (small.top() - large.top()) as usize + y;
                let left = (small.left() - large.left()) as usize;
                assert_eq!(got.row(y), &reference.row(top)[left..left + got.width()], "scale {scale}");
            }
        }
    }
}

#[test]
fn views_of_the_whole_slide() {
    let rgb = picture(200, 150);
    let slide = slide_of(&rgb);
    assert_eq!(slide.read_whole(1.0).unwrap(), rgb);
    let (view, scale) = slide.read_overview(50).unwrap();
    assert_eq!((view.width(), view.height(), scale), (50, 38, 4.0));
    assert_eq!(slide.read_region_at(2.0, 0, 0, 50, 38).unwrap(), view);
    let (view, scale) = slide.read_overview(1000).unwrap();
    assert_eq!((view, scale), (rgb, 1.0));
    for side in 1..200 {
        let (view, _) = slide.read_overview(side).unwrap();
        assert_eq!(view.width(), side as usize);
    }
}

#[test]
fn levels_are_chosen_and_share_one_grid() {
    let (base, small) = (picture(203, 101), Rgb::filled(50, 25, [10, 20, 30]));
    let pages = [&base, &small].map(|rgb| {
        let size = [rgb.width() as u32, rgb.height() as u32];
        let kind = u32::from(rgb.width() < 203);
        Page::tiled(size, [TILE as u32; 2], 3, 1, 2).set(254, Field::Longs(vec![kind])).with_tiles(tiles(rgb))
    });
    let slide = open(&Writer::default().write(&pages));
    assert_eq!(slide.format(), "generic_tiff");
    assert_eq!(slide.info().levels.len(), 2);
    // The level is 4 times smaller, rounded down: its pixels are those of the grid.
    assert_eq!(slide.read_window(&window(0, 0, 25, 0, 4.0)).unwrap(), Rgb::filled(25, 25, [10, 20, 30]));
    assert_ne!(slide.read_window(&window(0, 0, 25, 0, 3.9)).unwrap(), Rgb::filled(25, 25, [10, 20, 30]));
    // What must come from finer pixels is averaged from level 0.
    let finer = Window { source_scale: 2.0, ..window(0, 0, 25, 0, 4.0) };
    let alone = slide_of(&base).read_window(&window(0, 0, 25, 0, 4.0)).unwrap();
    assert_eq!(slide.read_window(&finer).unwrap(), alone);
    let error = slide.read_region_at(1.0, 0, 0, 1, 1).unwrap_err();
    assert!(matches!(error, Error::Uncalibrated), "{error}");
}

#[test]
fn missing_tiles_are_white_and_counted() {
    let rgb = picture(SIDE, SIDE);
    let mut stored = tiles(&rgb);
    stored[5].clear();
    let slide = open(&Writer::default().write(&[page(1, 2, 3, stored)]));
    assert_eq!(slide.info().missing_tiles, 1);
    let got = whole(&slide, 0);
    assert_eq!(got.row(TILE)[TILE - 1], rgb.row(TILE)[TILE - 1]);
    assert_eq!(got.row(TILE)[TILE], [255; 3]);
}

/// A tile is missing where no plane of it is stored; where one is, the others are lost.
#[test]
fn missing_tiles_of_planes() {
    let rgb = picture(SIDE, SIDE);
    let gray = |c: usize, jpeg: bool| {
        let plane = move |tile: Vec<u8>| tile.into_iter().skip(c).step_by(3).collect::<Vec<u8>>();
        let encode = |plane: Vec<u8>| {
            let mut out = Vec::new();
            Encoder::new(&mut out, 90).encode(&plane, TILE as u16, TILE as u16, ColorType::Luma).unwrap();
            out
        };
        tiles(&rgb).into_iter().map(move |tile| if jpeg { encode(plane(tile)) } else { plane(tile) })
    };
    let tiles = rgb.width().div_ceil(TILE).pow(2);
    for (jpeg, missing) in [false, true].into_iter().flat_map(|jpeg| [0b111, 1, 2, 4, 6].map(|m| (jpeg, m))) {
        let mut planes: Vec<Vec<u8>> = (0..3).flat_map(|c| gray(c, jpeg)).collect();
        (0..3).filter(|c| missing >> c & 1 == 1).for_each(|c| planes[c * tiles + 5].clear());
        let page = page(if jpeg { 7 } else { 1 }, 2, 3, planes).set(284, Field::Shorts(vec![2]));
        let slide = open(&Writer::default().write(&[page]));
        let at = |level, x0: usize, y0: usize| {
            slide.read_region(Region { level, x0: x0 as i64, y0: y0 as i64, width: 16, height: 16 })
        };
        let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 12);
        assert!(near(at(0, 0, 0).unwrap().row(9)[9], rgb.row(9)[9]), "{jpeg} {missing}");
        let lost = at(0, TILE, TILE);
        if missing == 0b111 {
            assert_eq!(slide.info().missing_tiles, 1);
            assert_eq!(lost.unwrap(), Rgb::filled(16, 16, [255; 3]));
        } else {
            assert_eq!(slide.info().missing_tiles, 0);
            let left = if missing == 6 { 1 } else { 2 };
            let expected =
                format!("malformed generic_tiff: tile (1, 1) of level 0, expected 3 planes, got {left}");
            assert_eq!(lost.unwrap_err().to_string(), expected);
        }
    }
}

/// Parts of which nothing is stored are white without being read, and what lies beside them is what it was.
#[test]
fn views_of_sparse_slides() {
    let side = 8 * TILE;
    let stored = |i: usize| i == 9 || i == 10 || i == 63;
    let of = |missing: &[u8]| {
        let tile = |(i, tile): (usize, Vec<u8>)| if stored(i) { tile } else { missing.to_vec() };
        let tiles = tiles(&picture(side, side)).into_iter().enumerate().map(tile).collect();
        let page = Page::tiled([side as u32; 2], [TILE as u32; 2], 3, 1, 2).with_tiles(tiles);
        open(&Writer::default().write(&[page]))
    };
    let (sparse, white) = (of(&[]), of(&[255; 3 * TILE * TILE]));
    assert_eq!((sparse.info().missing_tiles, white.info().missing_tiles), (61, 0));
    for scale in [1.0, 1.7, 4.0, 16.0] {
        assert_eq!(sparse.read_whole(scale).unwrap(), white.read_whole(scale).unwrap(), "{scale}");
        let window = window(TILE as i64, 0, 20, 3, scale);
        assert_eq!(sparse.read_window(&window).unwrap(), white.read_window(&window).unwrap(), "{scale}");
    }
}

/// The fourth sample is what the tags say, whatever the stream's own markers call it.
#[test]
fn jpeg_with_a_fourth_sample() {
    let rgb = picture(TILE, TILE);
    // The encoder stores inks the other way round.
    let opaque =
        |alpha: u8| rgb.pixels().iter().flat_map(|&[r, g, b]| [r, g, b, alpha].map(|v| 255 - v)).collect();
    let stored = |alpha: u8| {
        let (mut out, samples): (Vec<u8>, Vec<u8>) = (Vec::new(), opaque(alpha));
        let mut encoder = Encoder::new(&mut out, 98);
        encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
        encoder.encode(&samples, TILE as u16, TILE as u16, ColorType::Cmyk).unwrap();
        out
    };
    let t = |alpha: u8, extra: u16, expected: &dyn Fn(u8) -> f64| {
        let page = Page::tiled([TILE as u32; 2], [TILE as u32; 2], 4, 7, 2)
            .set(338, Field::Shorts(vec![extra]))
            .with_tiles(vec![stored(alpha)]);
        let got = whole(&open(&Writer::default().write(&[page])), 0);
        let off = got.data().iter().zip(rgb.data()).map(|(&v, &of)| (f64::from(v) - expected(of)).abs());
        let mean = off.sum::<f64>() / rgb.data().len() as f64;
        assert!(mean < 2.0, "{alpha} {extra}: {mean}");
    };
    t(255, 2, &f64::from);
    t(128, 2, &|v| 255.0 + (f64::from(v) - 255.0) * 128.0 / 255.0);
    t(0, 0, &f64::from);
    let three = Page::tiled([TILE as u32; 2], [TILE as u32; 2], 3, 7, 2).with_tiles(vec![stored(255)]);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&Writer::default().write(&[three])).unwrap();
    let region = Region { level: 0, x0: 0, y0: 0, width: 8, height: 8 };
    let error = Slide::open(file.path()).unwrap().read_region(region).unwrap_err().to_string();
    assert!(error.contains("expected 3 components, got 4"), "{error}");
}

#[test]
fn pixels_larger_than_the_slide_cost_no_more_than_it() {
    let rgb = picture(SIDE, SIDE);
    let slide = slide_of(&rgb);
    for (mpp, x0, y0) in [(20.0, -37, 11), (50.0, 0, 0), (50.0, -60, -10), (200.0, -150, -150)] {
        let got = slide.read_region_at(mpp, x0, y0, 6, 5).unwrap();
        for (i, px) in got.pixels().iter().enumerate() {
            let side = mpp / 0.5;
            let edges =
                |from: i64, i: usize| [from as f64 + i as f64 * side, from as f64 + (i + 1) as f64 * side];
            let exact = average(&rgb, edges(x0, i % 6), edges(y0, i / 6));
            let off =
                px.iter().zip(exact).map(|(&v, exact)| (f64::from(v) - exact).abs()).fold(0.0, f64::max);
            assert!(off < 0.52, "{mpp}, pixel {i}: off by {off}");
        }
    }
    let start = std::time::Instant::now();
    for mpp in [1e5, 1e6] {
        let got = slide.read_region_at(mpp, -5, -5, 1000, 1000).unwrap();
        assert!(got.pixels().iter().all(|px| px.iter().all(|v| *v >= 254)));
    }
    let far = slide.read_region_at(0.5, i64::MAX, i64::MIN, 3, 2).unwrap();
    assert!((far.width(), far.height()) == (3, 2) && far.pixels().iter().all(|px| *px == [255; 3]));
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    let error = slide.read_region_at(1e7, 0, 0, 1, 1).unwrap_err().to_string();
    assert_eq!(error, "mpp, expected µm/px above zero, up to 1000000, got 10000000");
}
