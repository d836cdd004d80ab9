//! Trestle, Huron and Aperio: TIFF with a few tags of their own.

use jpeg_encoder::SamplingFactor::{R_4_2_0, R_4_4_4};

use super::{Built, Piece, jpeg_tiles, picture, picture_jpeg};
use crate::tiff::{Field, Page, Writer};

/// Three levels whose tiles overlap, with a macro image beside the slide.
pub(super) fn trestle() -> Built {
    let level = |width: u32, height: u32, seed| {
        let tiles = jpeg_tiles(&picture(width as usize, height as usize, seed), 64, R_4_4_4);
        Page::tiled([width, height], [64, 64], 3, 7, 6).with_tiles(tiles)
    };
    let text = "Background Color=E6E4E2;White Balance=1 2 3;Objective Power=20;JPEG Quality=90;\
                OverlapsXY=8 6 4 2 0 0 ";
    let first = level(320, 200, 1)
        .set(270, Field::Text(text.into()))
        .set(305, Field::Text("MedScan - 1.0".into()))
        .set(282, Field::Rationals(vec![[1, 2]]))
        .set(283, Field::Rationals(vec![[1, 2]]));
    let bytes = Writer::default().write(&[first, level(160, 100, 2), level(80, 50, 3)]);
    let mut built = Built::single("trestle", "trestle.tif", bytes);
    built.files.push(Piece { file: "trestle.Full".into(), offset: 0, bytes: picture_jpeg(90, 40, 4) });
    built
}

/// Two levels, thumbnail, label and macro.
pub(super) fn huron() -> Built {
    let level = |width: u32, height: u32, seed| {
        let tiles = jpeg_tiles(&picture(width as usize, height as usize, seed), 64, R_4_2_0);
        Page::tiled([width, height], [64, 64], 3, 7, 6)
            .set(530, Field::Shorts(vec![2, 2]))
            .set(282, Field::Rationals(vec![[20_000, 1]]))
            .set(283, Field::Rationals(vec![[20_000, 1]]))
            .set(296, Field::Shorts(vec![3]))
            .with_tiles(tiles)
    };
    let strip = |width: u32, height: u32, seed, kind: u32| {
        let rgb = picture(width as usize, height as usize, seed);
        Page::stripped([width, height], height, 3, 1, 2)
            .set(254, Field::Longs(vec![kind]))
            .set(284, Field::Shorts(vec![1]))
            .with_tiles(vec![rgb.data().to_vec()])
    };
    let text = "Scanner = HuronTissueScope LE\nResolution = 0.5 um\nEmpty =\nNo value\n";
    let first = level(300, 210, 1)
        .set(270, Field::Text(text.into()))
        .set(271, Field::Text("Huron Digital Pathology".into()))
        .set(272, Field::Text("TissueScope LE".into()));
    let pages = [first, strip(60, 42, 2, 0), level(150, 105, 3), strip(40, 44, 4, 1), strip(80, 30, 5, 9)];
    Built::single("huron", "huron.tif", Writer::default().write(&pages))
}

/// Aperio with JPEG 2000 tiles; `make_openslide.py` made the stream, which shows a picture of 64×64 px.
fn aperio(name: &'static str, compression: u16, stream: &[u8]) -> Built {
    let text = "Aperio Image Library v12.0.15\r\n100x64 [0,0 100x64] (64x64) J2K/KDU Q=70|AppMag = 40|MPP = 0.2522|\
                Barcode = SECRET|Empty = |Filename = x";
    let page = Page::tiled([100, 64], [64, 64], 3, compression, if compression == 33_003 { 6 } else { 2 })
        .set(270, Field::Text(text.into()))
        .with_tiles(vec![stream.to_vec(); 2]);
    Built::single(name, "slide.svs", Writer::default().write(&[page]))
}

/// Luma and chroma, without loss of size.
pub(super) fn aperio_ycbcr() -> Built {
    aperio("aperio_33003", 33_003, include_bytes!("../../oracle/ycbcr.j2k"))
}

/// Red, green and blue.
pub(super) fn aperio_rgb() -> Built {
    aperio("aperio_33005", 33_005, include_bytes!("../../oracle/rgb.j2k"))
}
