//! Ventana BIF and TIFF.

use jpeg_encoder::SamplingFactor::R_4_4_4;

use super::{Built, jpeg_tiles, picture};
use crate::tiff::{Field, Page, Writer};

const SCAN: &str = "<iScan Magnification=\"20\" ScanRes=\"0.465\" ScannerModel=\"VS200\" BuildVersion=\"3.3\" \
                    Barcode2D=\"SECRET\" Empty=\"\"/>";

fn level(columns: u32, rows: u32, seed: usize, text: &str) -> Page {
    let [width, height] = [columns * 64, rows * 64];
    Page::tiled([width, height], [64, 64], 3, 7, 6).set(270, Field::Text(text.into())).with_tiles(jpeg_tiles(
        &picture(width as usize, height as usize, seed),
        64,
        R_4_4_4,
    ))
}

fn overview(root: bool) -> Page {
    let packet = if root { SCAN.into() } else { format!("<Metadata>{SCAN}</Metadata>") };
    let rgb = picture(60, 90, 7);
    Page::stripped([60, 90], 90, 3, 1, 2)
        .set(270, Field::Text("Label_Image".into()))
        .set(284, Field::Shorts(vec![1]))
        .set(700, Field::Bytes(packet.into_bytes()))
        .with_tiles(vec![rgb.data().to_vec()])
}

/// Joints of an area: 4 px across, 8 px down, with one outlier without confidence.
fn joints(columns: u32, rows: u32) -> String {
    // Numbers run in the order of the scan, from the bottom up, every second row from right to left.
    let number = |col: u32, row: u32| {
        let scan_row = rows - 1 - row;
        let scan_col = if scan_row.is_multiple_of(2) { col } else { columns - 1 - col };
        scan_row * columns + scan_col + 1
    };
    let joint = |direction: &str, a: u32, b: u32, x: i32, y: i32, confidence: u32| {
        format!(
            "<TileJointInfo FlagJoined=\"1\" Confidence=\"{confidence}\" Direction=\"{direction}\" Tile1=\"{a}\" \
             Tile2=\"{b}\" OverlapX=\"{x}\" OverlapY=\"{y}\"/>"
        )
    };
    let mut text = String::new();
    for row in 0..rows {
        for col in 0..columns {
            if col + 1 < columns {
                let outlier = row == 0 && col == 0;
                let (overlap, confidence) = if outlier { (40, 0) } else { (4, 90) };
                text += &joint("RIGHT", number(col, row), number(col + 1, row), overlap, 1, confidence);
            }
            if row > 0 {
                text += &joint("UP", number(col, row), number(col, row - 1), -1, 8, 80);
            }
        }
    }
    text
}

fn area(index: u32, columns: u32, rows: u32, x: u32, y: u32, scanned: u32) -> String {
    format!(
        "<ImageInfo AOIScanned=\"{scanned}\" AOIIndex=\"{index}\" Width=\"64\" Height=\"64\" NumCols=\"{columns}\" \
         NumRows=\"{rows}\" Pos-X=\"{x}\" Pos-Y=\"{y}\">{}</ImageInfo>",
        joints(columns, rows)
    )
}

/// Two areas of overlapping tiles, and one that was not scanned.
pub(super) fn bif() -> Built {
    let areas = area(0, 3, 4, 0, 40, 1) + &area(1, 1, 1, 900, 900, 0) + &area(2, 2, 2, 200, 0, 1);
    let packet = format!(
        "<EncodeInfo Ver=\"2\"><SlideStitchInfo>{areas}</SlideStitchInfo><AoiOrigin>\
         <AOI0 OriginX=\"0\" OriginY=\"0\"/><AOI1 OriginX=\"0\" OriginY=\"0\"/><AOI2 OriginX=\"256\" OriginY=\"128\"/>\
         </AoiOrigin></EncodeInfo>"
    );
    let base = level(6, 4, 1, "level=0 mag=20 quality=90").set(700, Field::Bytes(packet.into_bytes()));
    let thumbnail = picture(48, 32, 6);
    let thumbnail = Page::stripped([48, 32], 32, 3, 1, 2)
        .set(270, Field::Text("Thumbnail".into()))
        .set(284, Field::Shorts(vec![1]))
        .with_tiles(vec![thumbnail.data().to_vec()]);
    let pages = [
        overview(true),
        thumbnail,
        base,
        level(3, 2, 2, "level=1 mag=10 quality=90"),
        level(2, 1, 3, "level=2 mag=5 quality=90"),
    ];
    Built::single("bif", "slide.bif", Writer { big: true, ..Writer::default() }.write(&pages))
}

/// Levels that are stitched already.
pub(super) fn tiff() -> Built {
    let pages = [
        overview(false),
        level(5, 3, 4, "level=0 mag=40 quality=95"),
        level(3, 2, 5, "level=1 mag=20 quality=95"),
    ];
    Built::single("ventana_tiff", "slide.tif", Writer::default().write(&pages))
}
