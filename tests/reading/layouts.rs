//! Samples in every depth, compression and arrangement, beside those of 8-bit colours.

use super::*;

/// Compresses the samples of a tile, or stores them as they are.
type Packing = (u16, fn(&[u8]) -> Vec<u8>);

/// LZW as some writers end it: without an end code.
fn endless(data: &[u8]) -> Vec<u8> {
    let mut stream = lzw(data);
    stream.truncate(stream.len() - 1);
    stream
}

const PACKINGS: [Packing; 6] =
    [(1, <[u8]>::to_vec), (5, lzw), (5, endless), (8, zlib), (50_000, zstd), (32_773, pack_bits)];

/// Stores samples of `bits` bits, in rows of `row`; as differences to the pixel before, of `per_pixel` samples.
fn stored(samples: &[u8], bits: u16, row: usize, per_pixel: Option<usize>, big_endian: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for line in samples.chunks_exact(row) {
        let wide: Vec<u16> =
            line.iter().map(|&v| if bits == 16 { u16::from(v) * 257 } else { v.into() }).collect();
        for i in 0..row {
            let before = per_pixel.filter(|&n| i >= n).map_or(0, |n| wide[i - n]);
            let value = wide[i].wrapping_sub(before);
            match (bits, big_endian) {
                (8, _) => out.push(value as u8),
                (_, true) => out.extend(value.to_be_bytes()),
                _ => out.extend(value.to_le_bytes()),
            }
        }
    }
    out
}

/// Samples behind the colours that are no opacity, in tiles and in planes, with differences and without.
#[test]
fn samples_behind_colours() {
    let rgb = picture(SIDE, SIDE);
    let noise = |i: usize| (i * 89 % 251) as u8;
    let with = |tile: &[u8], samples: usize| -> Vec<u8> {
        let pixels = tile.as_chunks::<3>().0.iter().enumerate();
        pixels.flat_map(|(i, px)| [&px[..], &[noise(i), noise(i + 1)][..samples - 3]].concat()).collect()
    };
    for (samples, bits, big_endian) in
        [3, 4, 5].into_iter().flat_map(|n| [(n, 8, false), (n, 16, false), (n, 16, true)])
    {
        for (compression, pack) in PACKINGS {
            for predictor in [1, 2].into_iter().filter(|_| ![1, 32_773].contains(&compression)).chain([1]) {
                let name = format!("{samples} samples, {bits} bits, {compression}, predictor {predictor}");
                let page = |tiles: Vec<Vec<u8>>, planar: u16| {
                    Page::tiled([SIDE as u32; 2], [TILE as u32; 2], samples, compression, 2)
                        .set(258, Field::Shorts(vec![bits; samples.into()]))
                        .set(284, Field::Shorts(vec![planar]))
                        .set(317, Field::Shorts(vec![predictor]))
                        .set(338, Field::Shorts(vec![0; usize::from(samples) - 3]))
                        .with_tiles(tiles)
                };
                let n = usize::from(samples);
                let packed = |tile: &[u8], n: usize| {
                    pack(&stored(tile, bits, TILE * n, (predictor == 2).then_some(n), big_endian))
                };
                let all: Vec<Vec<u8>> = tiles(&rgb).iter().map(|tile| with(tile, n)).collect();
                let whole_tiles = all.iter().map(|tile| packed(tile, n)).collect();
                let plane = |c: usize| {
                    let plane = move |tile: &Vec<u8>| {
                        packed(&tile.iter().copied().skip(c).step_by(n).collect::<Vec<_>>(), 1)
                    };
                    all.iter().map(plane).collect::<Vec<_>>()
                };
                let planes = (0..n).flat_map(plane).collect();
                for page in [page(whole_tiles, 1), page(planes, 2)] {
                    let file = Writer { big_endian, ..Writer::default() }.write(&[page]);
                    assert_eq!(whole(&open(&file), 0), rgb, "{name}");
                }
            }
        }
    }
}

/// Gray of a few bits, also where LZW has no end code or bits come the other way round.
#[test]
fn gray_of_few_bits() {
    for bits in [1u16, 2, 4] {
        let (max, width) = ((1 << bits) - 1, TILE);
        let value = |i: usize| (i * 7 % 5 % (max + 1)) as u8;
        let line = |row: usize| {
            let each = 8 / usize::from(bits);
            (0..width / each).map(move |byte| {
                (0..each).fold(0, |packed, i| packed << bits | value(row * width + byte * each + i))
            })
        };
        let tile: Vec<u8> = (0..TILE).flat_map(line).collect();
        for ((compression, pack), turned) in PACKINGS.into_iter().flat_map(|p| [(p, false), (p, true)]) {
            let mut data = pack(&tile);
            if turned {
                data.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
            }
            for invert in [false, true] {
                let photometric = if invert { 0 } else { 1 };
                let page = Page::tiled([TILE as u32; 2], [TILE as u32; 2], 1, compression, photometric)
                    .set(258, Field::Shorts(vec![bits]))
                    .set(266, Field::Shorts(vec![if turned { 2 } else { 1 }]))
                    .with_tiles(vec![data.clone()]);
                let got = whole(&open(&Writer::default().write(&[page])), 0);
                for (i, px) in got.pixels().iter().enumerate() {
                    let gray = value(i) * (255 / max as u8);
                    let gray = if invert { 255 - gray } else { gray };
                    assert_eq!(*px, [gray; 3], "{bits} bits, {compression} {turned} {invert}, pixel {i}");
                }
            }
        }
    }
}

/// Inks, with a sample behind them or without, in tiles and planes.
#[test]
fn inks() {
    let rgb = picture(SIDE, SIDE);
    for (samples, bits) in [(4, 8), (5, 8), (4, 16), (5, 16)] {
        let n = usize::from(samples);
        let with = |tile: &Vec<u8>| -> Vec<u8> {
            let pixels = tile.as_chunks::<3>().0.iter();
            pixels.flat_map(|px| px.map(|v| 255 - v).into_iter().chain([0, 77]).take(n)).collect()
        };
        let all: Vec<Vec<u8>> = tiles(&rgb).iter().map(with).collect();
        let pack = |tile: &[u8], n: usize| endless(&stored(tile, bits, TILE * n, Some(n), false));
        let plane = |c: usize| {
            let plane =
                move |tile: &Vec<u8>| pack(&tile.iter().copied().skip(c).step_by(n).collect::<Vec<_>>(), 1);
            all.iter().map(plane).collect::<Vec<_>>()
        };
        let page = |planar: u16, tiles: Vec<Vec<u8>>| {
            Page::tiled([SIDE as u32; 2], [TILE as u32; 2], samples, 5, 5)
                .set(258, Field::Shorts(vec![bits; n]))
                .set(284, Field::Shorts(vec![planar]))
                .set(317, Field::Shorts(vec![2]))
                .with_tiles(tiles)
        };
        let whole_tiles = all.iter().map(|tile| pack(tile, n)).collect();
        for page in [page(1, whole_tiles), page(2, (0..n).flat_map(plane).collect())] {
            assert_eq!(whole(&open(&Writer::default().write(&[page])), 0), rgb, "{samples} {bits}");
        }
    }
}

/// Raw strips as large as the image are read in pieces: in planes, of 16 bits, and as planes of OME-TIFF.
#[test]
fn large_raw_strips_are_read_in_pieces() {
    let (width, height) = (2048, 1100);
    let rgb = picture(width, height);
    let size = [width as u32, height as u32];
    let plane = |c: usize| rgb.data().iter().copied().skip(c).step_by(3).collect::<Vec<u8>>();
    let wide = |samples: &[u8]| samples.iter().flat_map(|&v| [v, v]).collect::<Vec<u8>>();
    let page = |bits: u16, planar: u16, strips: Vec<Vec<u8>>| {
        Page::stripped(size, height as u32, 3, 1, 2)
            .set(258, Field::Shorts(vec![bits; 3]))
            .set(284, Field::Shorts(vec![planar]))
            .with_tiles(strips)
    };
    let t = |name: &str, pages: &[Page]| {
        let slide = open(&Writer::default().write(pages));
        assert_eq!(slide.info().levels[0].tile_height, 512, "{name}");
        assert!(whole(&slide, 0) == rgb, "{name}");
    };
    t("interleaved", &[page(8, 1, vec![rgb.data().to_vec()])]);
    t("planes", &[page(8, 2, (0..3).map(plane).collect())]);
    t("16 bits", &[page(16, 1, vec![wide(rgb.data())])]);
    t("16 bits in planes", &[page(16, 2, (0..3).map(|c| wide(&plane(c))).collect())]);
    let uncounted = |page: Page| page.set(279, Field::Longs(vec![])).without(279);
    t("no lengths", &[uncounted(page(8, 2, (0..3).map(plane).collect()))]);
    let text = format!(
        "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\"><Image><Pixels SizeX=\"{width}\" \
         SizeY=\"{height}\" SizeC=\"3\" Type=\"uint8\"><Channel Name=\"Red\"/><Channel Name=\"Green\"/>\
         <Channel Name=\"Blue\"/><TiffData/></Pixels></Image></OME>"
    );
    let gray = |c: usize| Page::stripped(size, height as u32, 1, 1, 1).with_tiles(vec![plane(c)]);
    t("OME-TIFF", &[gray(0).set(270, Field::Text(text)), gray(1), gray(2)]);
}
