//! PNG and JPEG: slides of one level.

use super::*;

#[test]
fn png_and_jpeg_are_slides_of_one_level() {
    let rgb = picture(SIDE, 30);
    let mut png = Vec::new();
    image::RgbImage::from_raw(SIDE as u32, 30, rgb.data().to_vec())
        .unwrap()
        .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
        .unwrap();
    let slide = open(&png);
    assert_eq!((slide.format(), &slide.info().calibration), ("plain_image", &None));
    assert_eq!(whole(&slide, 0), rgb);
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 95).encode(rgb.data(), SIDE as u16, 30, ColorType::Rgb).unwrap();
    assert_eq!(whole(&open(&jpeg), 0).height(), 30);
}

/// One part of a PNG file.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(data);
    [&(data.len() as u32).to_be_bytes(), &kind[..], data, &sum.sum().to_be_bytes()].concat()
}

/// A PNG of these rows, each behind its filter byte; `more` goes before the pixels.
fn png(size: [u32; 2], depth: u8, colours: u8, interlaced: bool, more: &[u8], rows: &[u8]) -> Vec<u8> {
    let head =
        [&size[0].to_be_bytes()[..], &size[1].to_be_bytes(), &[depth, colours, 0, 0, interlaced.into()]];
    let parts =
        [chunk(b"IHDR", &head.concat()), more.to_vec(), chunk(b"IDAT", &zlib(rows)), chunk(b"IEND", &[])];
    [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat()].concat()
}

#[test]
fn png_of_every_kind() {
    #[track_caller]
    fn t(bytes: &[u8], expected: &[[u8; 3]]) {
        let got = whole(&open(bytes), 0);
        assert_eq!(got.pixels(), expected);
        let other = image::load_from_memory(bytes).unwrap();
        if !other.color().has_alpha() {
            assert_eq!(got.data(), other.into_rgb8().as_raw());
        }
    }
    t(&png([2, 1], 8, 0, false, &[], &[0, 10, 200]), &[[10; 3], [200; 3]]);
    t(&png([4, 1], 2, 0, false, &[], &[0, 0b00_01_10_11]), &[[0; 3], [85; 3], [170; 3], [255; 3]]);
    t(&png([2, 1], 16, 0, false, &[], &[0, 127, 255, 128, 200]), &[[127; 3], [128; 3]]);
    t(&png([2, 1], 8, 4, false, &[], &[0, 10, 255, 10, 0]), &[[10; 3], [255; 3]]);
    t(&png([2, 1], 8, 6, false, &[], &[0, 1, 2, 3, 255, 9, 9, 9, 0]), &[[1, 2, 3], [255; 3]]);
    let deep = [0, 1, 0, 2, 0, 3, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0];
    t(&png([2, 1], 16, 6, false, &[], &deep), &[[1, 2, 3], [255; 3]]);
    let palette = chunk(b"PLTE", &[1, 2, 3, 7, 8, 9]);
    t(&png([2, 1], 1, 3, false, &palette, &[0, 0b0100_0000]), &[[1, 2, 3], [7, 8, 9]]);
    let clear = [palette, chunk(b"tRNS", &[255, 0])].concat();
    t(&png([2, 1], 1, 3, false, &clear, &[0, 0b0100_0000]), &[[1, 2, 3], [255; 3]]);
    // The second row is what it differs by from the first.
    t(&png([1, 2], 8, 2, false, &[], &[0, 1, 2, 3, 2, 1, 1, 1]), &[[1, 2, 3], [2, 3, 4]]);
    // Of 2 x 2 pixels, the first, sixth and seventh pass hold some.
    let passes = [0, 1, 1, 1, 0, 2, 2, 2, 0, 3, 3, 3, 4, 4, 4];
    t(&png([2, 2], 8, 2, true, &[], &passes), &[[1; 3], [2; 3], [3; 3], [4; 3]]);
}
