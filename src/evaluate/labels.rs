//! Reads a label image: whole numbers of 1 to 32 bits as they are stored, PNG or TIFF; of several channels the first, of a PNG's
//! palette its index.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek},
    path::Path,
};

use image::{DynamicImage, ImageDecoder, ImageReader};
use tiff::{
    ColorType,
    decoder::{Decoder, DecodingResult, Limits},
    tags::Tag,
};

use crate::{
    error::{Error, Result},
    raster::Plane,
};

/// Most pixels of a label image.
const MAX_PX: u64 = 400_000_000;

/// Reads a label image.
///
/// # Errors
/// [`Error::Io`] if the file cannot be opened, [`Error::Limits`] above 400 million pixels, [`Error::Malformed`] or
/// [`Error::Unsupported`] if it does not hold whole numbers that fit 32 bits.
pub fn read(path: &Path) -> Result<Plane<u32>> {
    let file = BufReader::new(File::open(path).map_err(Error::io("read", path))?);
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "tif" | "tiff" => tiff(file),
        _ => plain(file, path),
    }
}

fn checked(width: u32, height: u32) -> Result<(usize, usize)> {
    let got = u64::from(width) * u64::from(height);
    if got > MAX_PX {
        return Err(Error::Limits { what: "pixels of a label image".into(), got, limit: MAX_PX });
    }
    Ok((width as usize, height as usize))
}

fn plane(size: (usize, usize), data: Vec<u32>, format: &'static str) -> Result<Plane<u32>> {
    let got = data.len();
    Plane::from_vec(size.0, size.1, data)
        .ok_or_else(|| Error::malformed(format, "pixels", size.0 * size.1, got))
}

fn plain(mut file: BufReader<File>, path: &Path) -> Result<Plane<u32>> {
    const FORMAT: &str = "image";
    let fault = |e: image::ImageError| Error::malformed(FORMAT, "the file", "a PNG or JPEG image", e);
    if file.fill_buf().map_err(Error::io("read", path))?.starts_with(PNG) {
        if let Some(indices) = indices(&mut file)? {
            return Ok(indices);
        }
        file.rewind().map_err(Error::io("read", path))?;
    }
    let mut reader = ImageReader::new(file)
        .with_guessed_format()
        .map_err(|e| Error::malformed(FORMAT, "the file", "a PNG or JPEG image", e))?;
    reader.no_limits();
    let decoder = reader.into_decoder().map_err(fault)?;
    let (width, height) = decoder.dimensions();
    let size = checked(width, height)?;
    let data = match DynamicImage::from_decoder(decoder).map_err(fault)? {
        DynamicImage::ImageLuma8(p) => first(&p, 1),
        DynamicImage::ImageLumaA8(p) => first(&p, 2),
        DynamicImage::ImageRgb8(p) => first(&p, 3),
        DynamicImage::ImageRgba8(p) => first(&p, 4),
        DynamicImage::ImageLuma16(p) => first(&p, 1),
        DynamicImage::ImageLumaA16(p) => first(&p, 2),
        DynamicImage::ImageRgb16(p) => first(&p, 3),
        DynamicImage::ImageRgba16(p) => first(&p, 4),
        _ => return Err(Error::unsupported(FORMAT, "pixels that are not whole numbers")),
    };
    plane(size, data, FORMAT)
}

/// How a PNG begins.
const PNG: &[u8] = b"\x89PNG";

/// Returns the indices of a PNG with a palette, whose colours say nothing of a label's number; `None` without one.
fn indices(file: impl BufRead + Seek) -> Result<Option<Plane<u32>>> {
    const FORMAT: &str = "PNG";
    let fault = |e: png::DecodingError| Error::malformed(FORMAT, "the file", "a PNG image", e);
    let mut reader = png::Decoder::new(file).read_info().map_err(fault)?;
    let (colours, depth) = reader.output_color_type();
    if colours != png::ColorType::Indexed {
        return Ok(None);
    }
    let size = checked(reader.info().width, reader.info().height)?;
    let line = reader.output_line_size(reader.info().width).unwrap_or(size.0);
    let mut stored = vec![0; line.saturating_mul(size.1)];
    reader.next_frame(&mut stored).map_err(fault)?;
    let bits = depth as usize;
    let rows = stored.chunks_exact(line.max(1));
    let data = rows.flat_map(|row| (0..size.0).map(move |x| bits_at(row, x, bits))).collect();
    plane(size, data, FORMAT).map(Some)
}

/// The first of every `step` values.
fn first<T: Copy + Into<u32>>(values: &[T], step: usize) -> Vec<u32> {
    values.iter().step_by(step).map(|&v| v.into()).collect()
}

fn tiff(file: BufReader<File>) -> Result<Plane<u32>> {
    const FORMAT: &str = "TIFF";
    let fault = |e: tiff::TiffError| match e {
        tiff::TiffError::UnsupportedError(what) => Error::unsupported(FORMAT, what.to_string()),
        other => Error::malformed(FORMAT, "the file", "a label image", other),
    };
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_PX as usize * 4;
    let mut decoder = Decoder::new(file).map_err(fault)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(fault)?;
    let size = checked(width, height)?;
    let stored = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation).map_err(fault)?;
    if stored == Some(PALETTE) {
        return Err(Error::unsupported(FORMAT, PALETTE_INSTEAD));
    }
    let bits = match decoder.colortype().map_err(fault)? {
        ColorType::Gray(bits @ 1..8) => Some(bits.into()),
        _ => None,
    };
    let mut decoded = decoder.read_image().map_err(fault)?;
    if stored == Some(WHITE_IS_ZERO) {
        as_stored(&mut decoded);
    }
    only_page(&mut decoder)?;
    if let (Some(bits), DecodingResult::U8(rows)) = (bits, &decoded) {
        return plane(size, unpacked(rows, size, bits), FORMAT);
    }
    let step = |values: usize| (values / (size.0 * size.1).max(1)).max(1);
    let wide = |values: Vec<u64>| -> Result<Vec<u32>> {
        let step = step(values.len());
        let narrow =
            |&v: &u64| u32::try_from(v).map_err(|_| Error::malformed(FORMAT, "label", "0 to 4294967295", v));
        values.iter().step_by(step).map(narrow).collect()
    };
    let signed = |values: Vec<i64>| -> Result<Vec<u32>> {
        let step = step(values.len());
        let narrow =
            |&v: &i64| u32::try_from(v).map_err(|_| Error::malformed(FORMAT, "label", "0 to 4294967295", v));
        values.iter().step_by(step).map(narrow).collect()
    };
    let data = match decoded {
        DecodingResult::U8(v) => first(&v, step(v.len())),
        DecodingResult::U16(v) => first(&v, step(v.len())),
        DecodingResult::U32(v) => first(&v, step(v.len())),
        DecodingResult::U64(v) => wide(v)?,
        DecodingResult::I8(v) => signed(v.into_iter().map(i64::from).collect())?,
        DecodingResult::I16(v) => signed(v.into_iter().map(i64::from).collect())?,
        DecodingResult::I32(v) => signed(v.into_iter().map(i64::from).collect())?,
        DecodingResult::I64(v) => signed(v)?,
        _ => return Err(Error::unsupported(FORMAT, "pixels that are not whole numbers")),
    };
    plane(size, data, FORMAT)
}

/// Values of the tag `PhotometricInterpretation`.
const WHITE_IS_ZERO: u16 = 0;
const PALETTE: u16 = 3;
/// What to do about a palette, which the decoder does not read.
const PALETTE_INSTEAD: &str = "a palette of colours (save the numbers as gray TIFF of 8 or 16 bits, or as PNG, of which a palette's index is read)";

/// Undoes what the decoder does to pixels of which 0 is shown white: a label's number is what is stored.
fn as_stored(decoded: &mut DecodingResult) {
    match decoded {
        DecodingResult::U8(v) => v.iter_mut().for_each(|v| *v = !*v),
        DecodingResult::U16(v) => v.iter_mut().for_each(|v| *v = !*v),
        DecodingResult::U32(v) => v.iter_mut().for_each(|v| *v = !*v),
        DecodingResult::U64(v) => v.iter_mut().for_each(|v| *v = !*v),
        _ => {}
    }
}

/// Pixels of less than a byte; each row begins with a byte of its own.
fn unpacked(rows: &[u8], (width, height): (usize, usize), bits: usize) -> Vec<u32> {
    let line = (width * bits).div_ceil(8).max(1);
    rows.chunks_exact(line)
        .take(height)
        .flat_map(|row| (0..width).map(move |x| bits_at(row, x, bits)))
        .collect()
}

/// The number at a place of a row of `bits` each.
fn bits_at(row: &[u8], x: usize, bits: usize) -> u32 {
    let mask = u8::try_from((1u16 << bits) - 1).unwrap_or(u8::MAX);
    u32::from(row[x * bits / 8] >> (8 - bits - x * bits % 8) & mask)
}

/// Checks that what follows the first page shows the same smaller: of planes or classes, one would be scored and the others not.
fn only_page(decoder: &mut Decoder<BufReader<File>>) -> Result<()> {
    const FORMAT: &str = "TIFF";
    let mut pages = 1;
    while decoder.more_images() {
        decoder.next_image().map_err(|e| Error::malformed(FORMAT, "the file", "a label image", e))?;
        let reduced = decoder.get_tag_u32(Tag::NewSubfileType).is_ok_and(|kind| kind & 1 == 1);
        pages += u32::from(!reduced);
    }
    if pages > 1 {
        let feature = format!("{pages} pages where one label image is read; save each as a file of its own");
        return Err(Error::unsupported(FORMAT, feature));
    }
    Ok(())
}

/// Brings `labels` to the size of `like`: each pixel takes the value under its middle.
pub(super) fn resized(labels: Plane<u32>, like: &Plane<u32>) -> Plane<u32> {
    let (from, to) = ((labels.width(), labels.height()), (like.width(), like.height()));
    if from == to || from.0 == 0 || from.1 == 0 {
        return if from == to { labels } else { like.map(|_| 0) };
    }
    let source = |i: usize, from: usize, to: usize| ((2 * i + 1) * from / (2 * to)).min(from - 1);
    let mut out = like.map(|_| 0);
    for y in 0..to.1 {
        let row = labels.row(source(y, from.1, to.1));
        out.row_mut(y).iter_mut().enumerate().for_each(|(x, v)| *v = row[source(x, from.0, to.0)]);
    }
    out
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};
    use tiff::encoder::{TiffEncoder, colortype};

    use super::*;

    #[test]
    fn numbers_of_every_width_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let t = |name: &str, write: &dyn Fn(&Path), expected: [u32; 2]| {
            let path = folder.path().join(name);
            write(&path);
            assert_eq!(read(&path).unwrap().data(), expected, "{name}");
        };
        let tiff = |path: &Path| TiffEncoder::new(File::create(path).unwrap()).unwrap();
        t("8.png", &|p| GrayImage::from_raw(2, 1, vec![0, 7]).unwrap().save(p).unwrap(), [0, 7]);
        t("c.png", &|p| RgbImage::from_fn(2, 1, |x, _| Rgb([x as u8, 9, 9])).save(p).unwrap(), [0, 1]);
        t(
            "16.png",
            &|p| {
                image::ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, vec![0u16, 700]).unwrap().save(p).unwrap();
            },
            [0, 700],
        );
        t("8.tif", &|p| tiff(p).write_image::<colortype::Gray8>(2, 1, &[0, 7]).unwrap(), [0, 7]);
        t("32.tif", &|p| tiff(p).write_image::<colortype::Gray32>(2, 1, &[0, 70_000]).unwrap(), [0, 70_000]);
        t("i32.tif", &|p| tiff(p).write_image::<colortype::GrayI32>(2, 1, &[0, 9]).unwrap(), [0, 9]);
        let path = folder.path().join("f.tif");
        tiff(&path).write_image::<colortype::Gray32Float>(2, 1, &[0.0, 1.0]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("whole numbers"));
    }

    /// Writes a TIFF of one strip, `bits` per pixel.
    fn write_gray(path: &Path, (width, bits, photometric): (u32, u16, u16), row: &[u8]) {
        let tags: [(u16, u16, u32); 9] = [
            (256, 4, width),
            (257, 4, 1),
            (258, 3, bits.into()),
            (259, 3, 1),
            (262, 3, photometric.into()),
            (273, 4, 8 + 2 + 9 * 12 + 4),
            (277, 3, 1),
            (278, 4, 1),
            (279, 4, row.len() as u32),
        ];
        let mut file = b"II*\0\x08\0\0\0\x09\0".to_vec();
        for (tag, kind, value) in tags {
            file.extend(tag.to_le_bytes());
            file.extend(kind.to_le_bytes());
            file.extend(1u32.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        file.extend(0u32.to_le_bytes());
        file.extend(row);
        std::fs::write(path, file).unwrap();
    }

    #[test]
    fn numbers_are_read_as_they_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.tif");
        for photometric in [0, 1] {
            let t = |bits: u16, row: &[u8], expected: &[u32]| {
                write_gray(&path, (expected.len() as u32, bits, photometric), row);
                assert_eq!(read(&path).unwrap().data(), expected, "{bits} bits, photometric {photometric}");
            };
            t(1, &[0b1010_0000, 0b1000_0000], &[1, 0, 1, 0, 0, 0, 0, 0, 1]);
            t(2, &[0b0001_1011], &[0, 1, 2, 3]);
            t(4, &[0x0F, 0x70], &[0, 15, 7]);
            t(8, &[0, 7, 255], &[0, 7, 255]);
            t(16, &[0, 0, 0xBC, 2], &[0, 700]);
            t(32, &[0, 0, 0, 0, 0x70, 0x11, 1, 0], &[0, 70_000]);
        }
        write_gray(&path, (2, 8, PALETTE), &[0, 7]);
        let said = read(&path).unwrap_err().to_string();
        assert!(said.contains("palette") && said.contains("save the numbers as gray TIFF"), "{said}");
        assert!(!said.contains("malformed"), "{said}");
    }

    #[test]
    fn of_a_palette_the_index_counts() {
        let folder = tempfile::tempdir().unwrap();
        let t = |depth: png::BitDepth, rows: &[u8], width: u32, expected: &[u32]| {
            let path = folder.path().join("p.png");
            let mut encoder = png::Encoder::new(File::create(&path).unwrap(), width, 1);
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_depth(depth);
            encoder.set_palette([9u8, 9, 9].repeat(1 << (depth as usize).min(8)));
            encoder.write_header().unwrap().write_image_data(rows).unwrap();
            assert_eq!(read(&path).unwrap().data(), expected, "{depth:?}");
        };
        t(png::BitDepth::Eight, &[0, 7, 255], 3, &[0, 7, 255]);
        t(png::BitDepth::Four, &[0x0F, 0x70], 3, &[0, 15, 7]);
        t(png::BitDepth::Two, &[0b0001_1011], 4, &[0, 1, 2, 3]);
        t(png::BitDepth::One, &[0b1010_0000], 3, &[1, 0, 1]);
    }

    #[test]
    fn several_pages_are_refused_and_smaller_copies_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let t = |reduced: bool| {
            let path = folder.path().join("pages.tif");
            let mut tiff = TiffEncoder::new(File::create(&path).unwrap()).unwrap();
            tiff.write_image::<colortype::Gray8>(2, 1, &[0, 7]).unwrap();
            let mut page = tiff.new_image::<colortype::Gray8>(1, 1).unwrap();
            page.encoder().write_tag(Tag::NewSubfileType, u32::from(reduced)).unwrap();
            page.write_data(&[3]).unwrap();
            read(&path)
        };
        assert_eq!(t(true).unwrap().data(), [0, 7]);
        let error = t(false).unwrap_err().to_string();
        assert!(error.contains("2 pages where one label image is read"), "{error}");
    }

    #[test]
    fn nearest_pixels_are_taken() {
        let plane = |w, h, v: &[u32]| Plane::from_vec(w, h, v.to_vec()).unwrap();
        let t = |from: Plane<u32>, to: (usize, usize), expected: &[u32]| {
            assert_eq!(resized(from, &Plane::filled(to.0, to.1, 0)).data(), expected);
        };
        t(plane(2, 1, &[1, 2]), (4, 1), &[1, 1, 2, 2]);
        t(plane(4, 1, &[1, 2, 3, 4]), (2, 1), &[2, 4]);
        t(plane(2, 1, &[1, 2]), (3, 1), &[1, 2, 2]);
    }
}
