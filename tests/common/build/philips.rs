//! Philips TIFF: padded levels, missing tiles, XML with pixel sizes, label and macro.

use base64::{Engine, engine::general_purpose::STANDARD};
use jpeg_encoder::SamplingFactor::R_4_4_4;

use super::{Built, jpeg_tiles, picture, picture_jpeg};
use crate::tiff::{Field, Page, Writer};

fn attribute(name: &str, value: &str) -> String {
    format!("<Attribute Name=\"{name}\" Group=\"0x0028\" Element=\"0x0030\" PMSVR=\"IS\">{value}</Attribute>")
}

fn array(name: &str, objects: &[String], kind: &str) -> String {
    let objects: String = objects
        .iter()
        .map(|object| format!("<DataObject ObjectType=\"{kind}\">{object}</DataObject>"))
        .collect();
    format!("<Attribute Name=\"{name}\"><Array>{objects}</Array></Attribute>")
}

fn description() -> String {
    let spacing =
        |factor: f64| format!("&quot;{:.6}&quot; &quot;{:.6}&quot;", 0.000_25 * factor, 0.000_23 * factor);
    let levels: Vec<String> = [1.0, 2.0, 4.0]
        .iter()
        .enumerate()
        .map(|(i, factor)| {
            attribute("DICOM_PIXEL_SPACING", &spacing(*factor))
                + &attribute("PIIM_PIXEL_DATA_REPRESENTATION_NUMBER", &i.to_string())
        })
        .collect();
    let image = |kind: &str, stream: Vec<u8>| {
        attribute("PIM_DP_IMAGE_TYPE", kind) + &attribute("PIM_DP_IMAGE_DATA", &STANDARD.encode(stream))
    };
    let main = attribute("PIM_DP_IMAGE_TYPE", "WSI")
        + &attribute("DICOM_PIXEL_SPACING", &spacing(1.0))
        + &attribute("DICOM_DERIVATION_DESCRIPTION", "tiff-useBigTIFF=1-levels=40,20,10-quality=80")
        + &array("PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE", &levels, "PixelDataRepresentation");
    let images =
        [main, image("LABELIMAGE", picture_jpeg(50, 60, 7)), image("MACROIMAGE", picture_jpeg(110, 40, 8))];
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><DataObject ObjectType=\"DPUfsImport\">{}{}{}</DataObject>",
        attribute("DICOM_MANUFACTURER", "PHILIPS"),
        attribute("PIM_DP_UFS_BARCODE", "U0VDUkVU"),
        array("PIM_DP_SCANNED_IMAGES", &images, "DPScannedImage")
    )
}

/// Levels of 704×448, 352×224 and 176×112 px, stored in whole tiles of 64 px.
pub(super) fn tiff() -> Built {
    let level = |width: u32, height: u32, seed: usize, missing: &[usize]| {
        let mut tiles = jpeg_tiles(&picture(width as usize, height as usize, seed), 64, R_4_4_4);
        missing.iter().for_each(|&i| tiles[i].clear());
        let kind = u32::from(seed > 1);
        Page::tiled([width, height], [64, 64], 3, 7, 6)
            .set(254, Field::Longs(vec![kind]))
            .set(305, Field::Text("Philips DP v1.0".into()))
            .with_tiles(tiles)
    };
    let first = level(704, 448, 1, &[0, 5, 30]).set(270, Field::Text(description()));
    let pages = [first, level(384, 256, 2, &[2]), level(192, 128, 3, &[])];
    Built::single("philips", "slide.tiff", Writer { big: true, ..Writer::default() }.write(&pages))
}
