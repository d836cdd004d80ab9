//! Leica SCN: two regions of two levels each, and an overview.

use jpeg_encoder::SamplingFactor::{R_4_2_2, R_4_4_4};

use super::{Built, jpeg_tiles, picture};
use crate::tiff::{Field, Page, Writer};

fn level(width: u32, height: u32, seed: usize) -> Page {
    let sampling = if seed.is_multiple_of(2) { R_4_4_4 } else { R_4_2_2 };
    Page::tiled([width, height], [64, 64], 3, 7, 6)
        .set(530, Field::Shorts(if seed.is_multiple_of(2) { vec![1, 1] } else { vec![2, 1] }))
        .set(271, Field::Text("Leica".into()))
        .set(282, Field::Rationals(vec![[20_000, 1]]))
        .set(283, Field::Rationals(vec![[20_000, 1]]))
        .set(296, Field::Shorts(vec![3]))
        .with_tiles(jpeg_tiles(&picture(width as usize, height as usize, seed), 64, sampling))
}

fn image(name: &str, view: [u32; 4], dimensions: &[[u32; 3]]) -> String {
    let [width, height, x, y] = view;
    let dimension = |(r, [ifd, width, height]): (usize, &[u32; 3])| {
        format!("<dimension sizeX=\"{width}\" sizeY=\"{height}\" r=\"{r}\" ifd=\"{ifd}\"/>")
    };
    let dimensions: String = dimensions.iter().enumerate().map(dimension).collect();
    format!(
        "<image name=\"{name}\" uuid=\"u\"><creationDate>2020-01-02T03:04:05</creationDate>\
         <device model=\"SCN400\" version=\"1.2.3\"/><pixels sizeX=\"1\" sizeY=\"1\">{dimensions}</pixels>\
         <view sizeX=\"{width}\" sizeY=\"{height}\" offsetX=\"{x}\" offsetY=\"{y}\"/><scanSettings>\
         <objectiveSettings><objective>20</objective></objectiveSettings><illuminationSettings>\
         <numericalAperture>0.4</numericalAperture><illuminationSource>brightfield</illuminationSource>\
         </illuminationSettings></scanSettings></image>"
    )
}

/// Regions of 300×200 and 248×180 px that overlap in a corner, at 0.5 µm/px.
pub(super) fn scn() -> Built {
    let nm = 500;
    let images = [
        image("macro", [700 * nm, 520 * nm, 0, 0], &[[0, 140, 104]]),
        image("image 1", [300 * nm, 200 * nm, 40 * nm, 80 * nm], &[[1, 300, 200], [2, 75, 50]]),
        image("image 2", [248 * nm, 180 * nm, 320 * nm, 260 * nm], &[[3, 248, 180], [4, 62, 45]]),
    ]
    .concat();
    let text = format!(
        "<?xml version=\"1.0\"?><scn xmlns=\"http://www.leica-microsystems.com/scn/2010/10/01\">\
         <collection name=\"c\" sizeX=\"{}\" sizeY=\"{}\"><barcode>U0VDUkVU</barcode>{images}</collection></scn>",
        700 * nm,
        520 * nm
    );
    let overview = level(140, 104, 6).set(270, Field::Text(text));
    let pages = [overview, level(300, 200, 1), level(75, 50, 2), level(248, 180, 3), level(62, 45, 4)];
    Built::single("scn", "slide.scn", Writer { big: true, ..Writer::default() }.write(&pages))
}
