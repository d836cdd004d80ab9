//! DICOM whole-slide images, element by element.

use histograde::raster::Rgb;
use jpeg_encoder::SamplingFactor;

use super::{Built, Piece, cut, jpeg, picture};

const CLASS: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";
const RAW: &str = "1.2.840.10008.1.2.1";
const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.50";

/// Writes one element; text is padded to an even length.
fn element(tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if matches!(vr, "UI" | "OB") { 0 } else { b' ' });
    }
    let mut out = ((tag >> 16) as u16).to_le_bytes().to_vec();
    out.extend((tag as u16).to_le_bytes());
    out.extend(vr.as_bytes());
    if matches!(vr, "OB" | "SQ" | "OV") {
        out.extend([0; 2]);
        out.extend((value.len() as u32).to_le_bytes());
    } else {
        out.extend((value.len() as u16).to_le_bytes());
    }
    out.extend(value);
    out
}

fn text(tag: u32, vr: &str, value: &str) -> Vec<u8> {
    element(tag, vr, value.as_bytes())
}

fn short(tag: u32, value: u16) -> Vec<u8> {
    element(tag, "US", &value.to_le_bytes())
}

fn long(tag: u32, vr: &str, value: u32) -> Vec<u8> {
    element(tag, vr, &value.to_le_bytes())
}

fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    element(tag, "SQ", &items.iter().flat_map(|item| fragment(item)).collect::<Vec<u8>>())
}

/// Writes an item, of a sequence or of pixel data.
fn fragment(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
    out.extend((data.len().next_multiple_of(2) as u32).to_le_bytes());
    out.extend(data);
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// How frames are stored.
#[derive(Clone, Copy, PartialEq)]
enum Table {
    Native,
    Basic,
    Extended,
    None,
}

/// An instance to write.
struct Image<'a> {
    syntax: &'a str,
    photometric: &'a str,
    kind: &'a str,
    resampled: &'a str,
    number: u32,
    size: [u32; 2],
    tile: [u16; 2],
    frames: Vec<Vec<u8>>,
    table: Table,
    /// Column and row of each frame of a sparse image.
    places: Option<Vec<[u32; 2]>>,
    /// Height of the focal plane of each of them, where they are stated.
    heights: Vec<&'a str>,
    /// Number of the part, of its first frame and of all parts.
    part: Option<[u32; 3]>,
    /// Distances of rows and of columns in mm.
    spacing: &'a str,
    /// Height of the focal plane in mm, where it is stated.
    focus: Option<&'a str>,
}

impl Image<'_> {
    fn write(&self) -> Vec<u8> {
        let instance = match self.part {
            Some([part, ..]) => format!("1.2.3.{}.{part}", self.number),
            None => format!("1.2.3.{}", self.number),
        };
        let mut meta = element(0x0002_0001, "OB", &[0, 1]);
        meta.extend(text(0x0002_0002, "UI", CLASS));
        meta.extend(text(0x0002_0003, "UI", &instance));
        meta.extend(text(0x0002_0010, "UI", self.syntax));
        meta.extend(text(0x0002_0012, "UI", "1.2.3"));
        let mut out = vec![0; 128];
        out.extend(b"DICM");
        out.extend(long(0x0002_0000, "UL", meta.len() as u32));
        out.extend(meta);
        out.extend(text(0x0008_0008, "CS", &format!("DERIVED\\PRIMARY\\{}\\{}", self.kind, self.resampled)));
        out.extend(text(0x0008_0016, "UI", CLASS));
        out.extend(text(0x0008_0018, "UI", &instance));
        out.extend(text(0x0008_0020, "DA", "20200102"));
        out.extend(text(0x0008_0060, "CS", "SM"));
        out.extend(text(0x0008_0070, "LO", "built"));
        out.extend(text(0x0008_0080, "LO", "Hospital of Ann"));
        out.extend(text(0x0009_0010, "LO", "Private Doe"));
        out.extend(text(0x0010_0010, "PN", "Nobody^Nowhere"));
        out.extend(text(0x0010_0020, "LO", "S09-4711"));
        out.extend(text(0x0010_0030, "DA", "19710203"));
        out.extend(text(0x0020_000D, "UI", "1.2.9"));
        out.extend(text(0x0020_000E, "UI", "1.2.8"));
        out.extend(text(0x0020_0013, "IS", &self.number.to_string()));
        if self.places.is_some() {
            out.extend(text(0x0020_9311, "CS", "TILED_SPARSE"));
        }
        if let Some([part, first, count]) = self.part {
            // The tags of a concatenation, in ascending order around the organization type.
            let mut parts = text(0x0020_0242, "UI", &format!("1.2.3.{}", self.number));
            parts.extend(text(0x0020_9161, "UI", &format!("1.2.4.{}", self.number)));
            parts.extend(short(0x0020_9162, part as u16));
            parts.extend(short(0x0020_9163, count as u16));
            parts.extend(long(0x0020_9228, "UL", first));
            out.extend(parts);
        }
        if self.places.is_none() {
            out.extend(text(0x0020_9311, "CS", "TILED_FULL"));
        }
        out.extend(short(0x0028_0002, 3));
        out.extend(text(0x0028_0004, "CS", self.photometric));
        out.extend(short(0x0028_0006, 0));
        out.extend(text(0x0028_0008, "IS", &self.frames.len().to_string()));
        out.extend(short(0x0028_0010, self.tile[1]));
        out.extend(short(0x0028_0011, self.tile[0]));
        for (tag, value) in [(0x0028_0100, 8), (0x0028_0101, 8), (0x0028_0102, 7), (0x0028_0103, 0)] {
            out.extend(short(tag, value));
        }
        out.extend(text(0x0040_0512, "LO", "BOX-4711"));
        out.extend(long(0x0048_0006, "UL", self.size[0]));
        out.extend(long(0x0048_0007, "UL", self.size[1]));
        if let Some(height) = self.focus {
            out.extend(sequence(0x0048_0008, &[text(0x0040_074A, "DS", height)]));
        }
        let bright = [text(0x0008_0100, "SH", "111744"), text(0x0008_0102, "SH", "DCM")].concat();
        let path = [
            sequence(0x0022_0016, &[bright]),
            text(0x0048_0106, "SH", "1"),
            text(0x0048_0107, "ST", "by Dr Jekyll"),
            text(0x0048_0112, "DS", "20"),
        ];
        out.extend(sequence(0x0048_0105, &[path.concat()]));
        out.extend(long(0x0048_0303, "UL", 1));
        let spacing = text(0x0028_0030, "DS", self.spacing);
        out.extend(text(0x2200_0005, "LT", "BARCODE77"));
        out.extend(sequence(0x5200_9229, &[sequence(0x0028_9110, &[spacing])]));
        if let Some(places) = &self.places {
            let item = |(i, &[x, y]): (usize, &[u32; 2])| {
                let height = self.heights.get(i).map(|height| text(0x0040_074A, "DS", height));
                let position = [
                    height.unwrap_or_default(),
                    long(0x0048_021E, "SL", x + 1),
                    long(0x0048_021F, "SL", y + 1),
                ];
                sequence(0x0048_021A, &[position.concat()])
            };
            out.extend(sequence(0x5200_9230, &places.iter().enumerate().map(item).collect::<Vec<_>>()));
        }
        self.pixels(&mut out);
        out
    }

    fn pixels(&self, out: &mut Vec<u8>) {
        if self.table == Table::Native {
            out.extend(element(0x7FE0_0010, "OB", &self.frames.concat()));
            return;
        }
        let items: Vec<Vec<u8>> = self.frames.iter().map(|frame| fragment(frame)).collect();
        let starts = items.iter().scan(0, |at, item| {
            let start = *at;
            *at += item.len() as u64;
            Some(start)
        });
        let starts: Vec<u64> = starts.collect();
        if self.table == Table::Extended {
            out.extend(element(
                0x7FE0_0001,
                "OV",
                &starts.iter().flat_map(|at| at.to_le_bytes()).collect::<Vec<_>>(),
            ));
            let lengths = self.frames.iter().flat_map(|frame| (frame.len() as u64).to_le_bytes());
            out.extend(element(0x7FE0_0002, "OV", &lengths.collect::<Vec<_>>()));
        }
        out.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        let basic = starts.iter().flat_map(|&at| (at as u32).to_le_bytes()).collect::<Vec<_>>();
        out.extend(fragment(if self.table == Table::Basic { &basic } else { &[] }));
        out.extend(items.concat());
        out.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    }
}

/// Cuts the picture of an image into tiles.
fn tiles(size: [u32; 2], tile: usize, seed: usize) -> Vec<Vec<u8>> {
    let rgb = picture(size[0] as usize, size[1] as usize, seed);
    let mut out = Vec::new();
    for y in (0..rgb.height()).step_by(tile) {
        for x in (0..rgb.width()).step_by(tile) {
            out.push(cut(&rgb, x, y, tile, tile));
        }
    }
    out
}

fn jpegs(size: [u32; 2], tile: usize, seed: usize) -> Vec<Vec<u8>> {
    // Each with a comment, which no copy may keep where it names somebody.
    let encode = |pixels: &Vec<u8>| {
        let mut stream = jpeg(pixels, tile, tile, SamplingFactor::R_4_2_2, 0);
        stream.splice(2..2, *b"\xff\xfe\0\x0aDoe, Ann");
        stream
    };
    tiles(size, tile, seed).iter().map(encode).collect()
}

fn image<'a>(size: [u32; 2], frames: Vec<Vec<u8>>) -> Image<'a> {
    Image {
        syntax: RAW,
        photometric: "RGB",
        kind: "VOLUME",
        resampled: "NONE",
        number: 1,
        size,
        tile: [64, 64],
        frames,
        table: Table::Native,
        places: None,
        heights: Vec::new(),
        part: None,
        spacing: "0.00026\\0.00025",
        focus: None,
    }
}

/// A series of images, without more of it than their numbers of pixels, where these lie, and their focal planes.
pub(crate) fn images(of: &[([u32; 2], &str, Option<&str>)]) -> Built {
    let piece = |(i, (size, spacing, focus)): (usize, &([u32; 2], &str, Option<&str>))| {
        let number = i as u32 + 1;
        let image =
            Image { number, spacing, focus: *focus, ..image(*size, tiles(*size, 64, number as usize)) };
        Piece { file: format!("{i}.dcm"), offset: 0, bytes: image.write() }
    };
    Built {
        name: "dicom_images",
        main: "0.dcm",
        files: of.iter().enumerate().map(piece).collect(),
        stable: true,
    }
}

/// The picture of image `number` of [`images`].
pub(crate) fn picture_of(size: [u32; 2], number: usize) -> Rgb {
    picture(size[0] as usize, size[1] as usize, number)
}

/// A base in two parts, a smaller level, a label and a file of another slide, in one folder.
pub(crate) fn series() -> Built {
    let size = [200, 150];
    let all = jpegs(size, 64, 1);
    let part = |part: u32, first: usize, last: usize| Image {
        syntax: JPEG,
        photometric: "YBR_FULL_422",
        table: if part == 1 { Table::Basic } else { Table::Extended },
        part: Some([part, first as u32, 2]),
        ..image(size, all[first..last].to_vec())
    };
    let half = Image {
        number: 2,
        resampled: "RESAMPLED",
        spacing: "0.00052\\0.0005",
        ..image([100, 75], tiles([100, 75], 64, 2))
    };
    let label = Image { number: 3, kind: "LABEL", ..image([64, 64], tiles([64, 64], 64, 4)) };
    let files = [part(1, 0, 7).write(), part(2, 7, all.len()).write(), half.write(), label.write()];
    let piece = |(i, bytes): (usize, Vec<u8>)| Piece { file: format!("{i}.dcm"), offset: 0, bytes };
    Built {
        name: "dicom",
        main: "0.dcm",
        files: files.into_iter().enumerate().map(piece).collect(),
        stable: true,
    }
}

/// A sparse image without an offset table.
pub(crate) fn sparse() -> Built {
    let size = [200, 150];
    let (mut frames, mut places) = (Vec::new(), Vec::new());
    for (i, frame) in jpegs(size, 64, 6).into_iter().enumerate().filter(|(i, _)| i % 5 != 2) {
        frames.push(frame);
        places.push([64 * (i as u32 % 4), 64 * (i as u32 / 4)]);
    }
    // In an order of their own.
    frames.reverse();
    places.reverse();
    let image = Image {
        syntax: JPEG,
        photometric: "YBR_FULL_422",
        table: Table::None,
        places: Some(places),
        ..image(size, frames)
    };
    Built::single("dicom_sparse", "slide.dcm", image.write())
}

/// The size of [`heights`].
pub(crate) const HEIGHTS_SIZE: [u32; 2] = [128, 64];

/// A sparse image of two tiles. Of each frame: its tile, moved down by so many pixels, its height, and its picture's number.
pub(crate) fn heights(of: &[(usize, u32, &str, usize)]) -> Built {
    let frames = of.iter().map(|(tile, _, _, number)| tiles(HEIGHTS_SIZE, 64, *number).swap_remove(*tile));
    let image = Image {
        places: Some(of.iter().map(|(tile, down, ..)| [64 * *tile as u32, *down]).collect()),
        heights: of.iter().map(|(_, _, height, _)| *height).collect(),
        ..image(HEIGHTS_SIZE, frames.collect())
    };
    Built::single("dicom_heights", "slide.dcm", image.write())
}

/// Run lengths, which OpenSlide does not read: the picture of [`rle_picture`].
pub(crate) fn rle() -> Built {
    let size = [100, 75];
    let image = Image { syntax: RLE, table: Table::Basic, ..image(size, tiles(size, 64, 9)) };
    let packed = image.frames.iter().map(|frame| {
        let mut planes = [0, 1, 2].map(|c| {
            let plane: Vec<u8> = frame.iter().skip(c).step_by(3).copied().collect();
            plane.chunks(128).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect::<Vec<u8>>()
        });
        planes.iter_mut().for_each(|plane| plane.resize(plane.len().next_multiple_of(2), 0x80));
        let mut out = 3u32.to_le_bytes().to_vec();
        let mut at = 64;
        for plane in &planes {
            out.extend((at as u32).to_le_bytes());
            at += plane.len();
        }
        out.resize(64, 0);
        out.extend(planes.concat());
        out
    });
    let image = Image { frames: packed.collect(), ..image };
    Built::single("dicom_rle", "slide.dcm", image.write())
}

const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.91";

/// Two frames that are both these bytes.
pub(crate) fn of_frame(syntax: &'static str, photometric: &'static str, frame: &[u8]) -> Built {
    let image =
        Image { syntax, photometric, table: Table::Basic, ..image([128, 60], vec![frame.to_vec(); 2]) };
    Built::single("of_frame", "slide.dcm", image.write())
}

/// JPEG-LS, which OpenSlide does not read; `make_openslide.py` made the stream.
pub(crate) fn jpeg_ls() -> Built {
    Built { name: "dicom_jpeg_ls", ..of_frame(JPEG_LS, "RGB", include_bytes!("../../oracle/tile.jls")) }
}

/// JPEG 2000 with a colour transform.
pub(crate) fn jpeg_2000() -> Built {
    Built {
        name: "dicom_jpeg_2000",
        ..of_frame(JPEG_2000, "YBR_ICT", include_bytes!("../../oracle/rgb.j2k"))
    }
}
