//! MIRAX: overlapping photographs of 2×2 images each, at three levels.

use image::{ImageFormat, RgbImage};
use jpeg_encoder::SamplingFactor::R_4_4_4;

use super::{Built, Piece, jpeg, picture, picture_jpeg};

const ID: &str = "0123456789ABCDEF0123456789ABCDEF";
const SIDE: usize = 64;

/// Data file and the items written to it.
#[derive(Default)]
struct Data {
    bytes: Vec<u8>,
}

impl Data {
    fn add(&mut self, item: &[u8]) -> [u32; 2] {
        let offset = self.bytes.len() as u32;
        self.bytes.extend_from_slice(item);
        [offset, item.len() as u32]
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Writes pages of images and of records; both tables are filled in afterwards.
fn index(levels: &[Vec<[u32; 3]>], records: &[[u32; 2]]) -> Vec<u8> {
    let mut out = [b"01.02", ID.as_bytes()].concat();
    let roots = out.len();
    out.extend(words(&[0, 0]));
    let mut hier = Vec::new();
    for images in levels {
        hier.push(out.len() as u32);
        let page = out.len() as u32 + 8;
        out.extend(words(&[0, page]));
        // Two pages, so that the link between them matters.
        let (first, second) = images.split_at(images.len() / 2);
        let next = page + 8 + 16 * first.len() as u32;
        for (images, next) in [(first, next), (second, 0)] {
            out.extend(words(&[images.len() as u32, next]));
            images
                .iter()
                .for_each(|[number, offset, length]| out.extend(words(&[*number, *offset, *length, 0])));
        }
    }
    let mut nonhier = Vec::new();
    for [offset, length] in records {
        nonhier.push(out.len() as u32);
        let page = out.len() as u32 + 8;
        out.extend(words(&[0, page, 1, 0, 0, 0, *offset, *length, 0]));
    }
    for (i, table) in [hier, nonhier].into_iter().enumerate() {
        let at = (out.len() as u32).to_le_bytes();
        out[roots + 4 * i..roots + 4 * i + 4].copy_from_slice(&at);
        out.extend(words(&table));
    }
    out
}

fn lossless(seed: usize, format: ImageFormat) -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    let side = SIDE as u32;
    let image = RgbImage::from_raw(side, side, picture(SIDE, SIDE, seed).into_vec()).unwrap();
    image.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn section(name: &str, concat: u32, overlap: [u32; 2], factor: u32, format: &str) -> String {
    format!(
        "[{name}]\r\nOVERLAP_X={}\r\nOVERLAP_Y={}\r\nMICROMETER_PER_PIXEL_X={}\r\nMICROMETER_PER_PIXEL_Y={}\r\n\
         IMAGE_FORMAT={format}\r\nIMAGE_FILL_COLOR_BGR=14145495\r\nDIGITIZER_WIDTH={SIDE}\r\n\
         DIGITIZER_HEIGHT={SIDE}\r\nIMAGE_CONCAT_FACTOR={concat}\r\n",
        overlap[0],
        overlap[1],
        0.25 * f64::from(factor),
        0.25 * f64::from(factor)
    )
}

fn slidedat(positions: bool, overlap: [u32; 2]) -> String {
    let position = if positions {
        "NONHIER_1_NAME=VIMSLIDE_POSITION_BUFFER\r\nNONHIER_1_COUNT=1\r\nNONHIER_1_VAL_0=default\r\n\
         NONHIER_1_VAL_0_SECTION=POSITIONS\r\n"
    } else {
        ""
    };
    let general = format!(
        "\u{feff}[GENERAL]\r\nSLIDE_VERSION=01.02\r\nSLIDE_ID={ID}\r\nIMAGENUMBER_X=6\r\nIMAGENUMBER_Y=4\r\n\
         OBJECTIVE_MAGNIFICATION=20\r\nCameraImageDivisionsPerSide=2\r\n"
    );
    let hierarchical = format!(
        "[HIERARCHICAL]\r\nHIER_COUNT=1\r\nNONHIER_COUNT={}\r\nINDEXFILE=Index.dat\r\nHIER_0_NAME=Slide zoom level\r\n\
         HIER_0_COUNT=3\r\nHIER_0_VAL_0_SECTION=LEVEL_0\r\nHIER_0_VAL_1_SECTION=LEVEL_1\r\n\
         HIER_0_VAL_2_SECTION=LEVEL_2\r\nNONHIER_0_NAME=Scan data layer\r\nNONHIER_0_COUNT=2\r\n\
         NONHIER_0_VAL_0=ScanDataLayer_SlideThumbnail\r\nNONHIER_0_VAL_0_SECTION=THUMB\r\n\
         NONHIER_0_VAL_1=ScanDataLayer_SlideBarcode\r\nNONHIER_0_VAL_1_SECTION=BARCODE\r\n{position}",
        1 + u32::from(positions)
    );
    let half = |by: u32| [overlap[0] / by, overlap[1] / by];
    [
        general,
        hierarchical,
        "[DATAFILE]\r\nFILE_COUNT=1\r\nFILE_0=Data0000.dat\r\n".into(),
        "[THUMB]\r\nTHUMBNAIL_IMAGE_TYPE=JPEG\r\n[BARCODE]\r\nBARCODE_IMAGE_TYPE=JPEG\r\n".into(),
        section("LEVEL_0", 0, overlap, 1, "JPEG"),
        section("LEVEL_1", 1, half(2), 2, "PNG"),
        section("LEVEL_2", 1, half(4), 4, "BMP24"),
    ]
    .concat()
}

fn slide(name: &'static str, positions: Option<Vec<[i32; 2]>>, overlap: [u32; 2], skip: &[u32]) -> Built {
    let mut data = Data::default();
    let mut levels = vec![Vec::new(); 3];
    for number in (0..24u32).filter(|number| !skip.contains(number)) {
        let stream = jpeg(picture(SIDE, SIDE, number as usize).data(), SIDE, SIDE, R_4_4_4, 0);
        let [offset, length] = data.add(&stream);
        levels[0].push([number, offset, length]);
    }
    for (i, number) in [0, 2, 4, 12, 14, 16].into_iter().enumerate() {
        let [offset, length] = data.add(&lossless(30 + i, ImageFormat::Png));
        levels[1].push([number, offset, length]);
    }
    for (i, number) in [0, 4].into_iter().enumerate() {
        let [offset, length] = data.add(&lossless(40 + i, ImageFormat::Bmp));
        levels[2].push([number, offset, length]);
    }
    let mut records = vec![data.add(&picture_jpeg(80, 36, 8)), data.add(&picture_jpeg(44, 40, 9))];
    if let Some(positions) = &positions {
        let record =
            |[x, y]: &[i32; 2]| [vec![0], x.to_le_bytes().to_vec(), y.to_le_bytes().to_vec()].concat();
        let bytes: Vec<u8> = positions.iter().flat_map(record).collect();
        records.push(data.add(&bytes));
    }
    let file = |name: &str, bytes: Vec<u8>| Piece { file: name.into(), offset: 0, bytes };
    let files = vec![
        file("slide.mrxs", picture_jpeg(50, 40, 3)),
        file("slide/Slidedat.ini", slidedat(positions.is_some(), overlap).into_bytes()),
        file("slide/Index.dat", index(&levels, &records)),
        file("slide/Data0000.dat", data.bytes),
    ];
    Built { name, main: "slide.mrxs", files, stable: true }
}

/// 3×2 photographs at places of their own; one was not taken.
pub(super) fn photographs() -> Built {
    let positions = vec![[0, 4], [116, 0], [228, 8], [8, 120], [112, 116], [224, 124]];
    slide("mirax", Some(positions), [16, 12], &[4, 5, 10, 11])
}

/// Places follow from the overlap.
pub(super) fn no_positions() -> Built {
    slide("mirax_no_positions", None, [16, 8], &[])
}
