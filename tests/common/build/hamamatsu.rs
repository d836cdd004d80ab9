//! Hamamatsu NDPI and VMS: large JPEGs with restart markers.

use jpeg_encoder::SamplingFactor::{self, R_4_2_2, R_4_4_4};

use super::{Built, Piece, jpeg, picture, picture_jpeg};
use crate::tiff::{Field, Page, Writer};

/// Returns where the data after every restart marker start, and those of the first interval.
fn starts(stream: &[u8]) -> Vec<u32> {
    let scan = stream.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let length = usize::from(stream[scan + 2]) << 8 | usize::from(stream[scan + 3]);
    let first = scan + 2 + length;
    let markers = stream.windows(2).enumerate().skip(first);
    let markers = markers.filter(|(_, pair)| pair[0] == 0xFF && (0xD0..=0xD7).contains(&pair[1]));
    std::iter::once(first).chain(markers.map(|(i, _)| i + 2)).map(|at| at as u32).collect()
}

fn level(width: u32, height: u32, seed: usize, sampling: SamplingFactor, restart: u16, plane: i32) -> Page {
    let rgb = picture(width as usize, height as usize, seed);
    let stream = jpeg(rgb.data(), width as usize, height as usize, sampling, restart);
    let page = Page::stripped([width, height], height, 3, 7, 6)
        .set(271, Field::Text("Hamamatsu".into()))
        .set(272, Field::Text("C12345".into()))
        .set(282, Field::Rationals(vec![[40_000, 1]]))
        .set(283, Field::Rationals(vec![[40_000, 1]]))
        .set(296, Field::Shorts(vec![3]))
        .set(65_420, Field::Longs(vec![1]))
        .set(65_421, Field::Float(20.0 * width as f32 / 512.0))
        .set(65_422, Field::Signed(vec![-1_234_567]))
        .set(65_423, Field::Signed(vec![7_654_321]))
        .set(65_424, Field::Signed(vec![plane]))
        .set(65_427, Field::Text("S 1".into()))
        .set(
            65_449,
            Field::Text(
                "Created=2020/01/02\r\nNDP.S/N=123456\r\nEmpty=\r\nroi.slide.macro=1,2,3,4\r\n".into(),
            ),
        );
    let page = if restart > 0 { page.set(65_426, Field::Longs(starts(&stream))) } else { page };
    page.with_tiles(vec![stream])
}

fn overview() -> Page {
    Page::stripped([120, 50], 50, 3, 7, 6)
        .set(65_420, Field::Longs(vec![1]))
        .set(65_421, Field::Float(-1.0))
        .with_tiles(vec![picture_jpeg(120, 50, 9)])
}

fn pages() -> Vec<Page> {
    vec![
        // 4:4:4 in intervals of 128 px, three focal planes; 4:2:2; a small one without markers.
        level(512, 384, 1, R_4_4_4, 16, -300),
        level(512, 384, 2, R_4_4_4, 16, 0),
        level(512, 384, 3, R_4_4_4, 16, 300),
        level(256, 192, 4, R_4_2_2, 8, 0),
        level(64, 48, 5, R_4_4_4, 0, 0),
        overview(),
    ]
}

/// Levels with lists of the starts of their intervals, focal planes, and a macro image.
pub(super) fn ndpi() -> Built {
    Built::single("ndpi", "slide.ndpi", Writer { ndpi: true, ..Writer::default() }.write(&pages()))
}

/// The same without the lists: markers must be searched.
pub(super) fn ndpi_without_starts() -> Built {
    let pages: Vec<Page> = pages().into_iter().map(|page| page.without(65_426)).collect();
    Built::single(
        "ndpi_without_starts",
        "slide.ndpi",
        Writer { ndpi: true, ..Writer::default() }.write(&pages),
    )
}

/// The same behind a hole of 4.5 GB, so that no offset fits 32 bits.
pub(super) fn ndpi_beyond_4_gb() -> Built {
    let base = 4_831_838_208;
    let bytes = Writer { ndpi: true, base, ..Writer::default() }.write(&pages());
    let piece = |offset, bytes: &[u8]| Piece { file: "slide.ndpi".into(), offset, bytes: bytes.to_vec() };
    let files = vec![piece(0, &bytes[..12]), piece(base + 12, &bytes[12..])];
    Built { name: "ndpi_beyond_4_gb", main: "slide.ndpi", files, stable: true }
}

/// A level wider than a JPEG can be, which states no size in its stream: four intervals side by side. It is
/// made of a JPEG of four intervals below each other.
pub(super) fn ndpi_wide() -> Built {
    let mut page = level(20_000, 32, 6, R_4_4_4, 2_500, 0)
        .set(256, Field::Longs(vec![80_000]))
        .set(257, Field::Longs(vec![8]))
        .set(278, Field::Longs(vec![8]))
        .set(65_421, Field::Float(20.0));
    let stream = &mut page.tiles[0];
    let frame = stream.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    stream[frame + 5..frame + 9].fill(0);
    let bytes = Writer { ndpi: true, ..Writer::default() }.write(&[page, overview()]);
    Built::single("ndpi_wide", "slide.ndpi", bytes)
}

/// A grid of 2×2 JPEG files, the last ones smaller, with a map and a macro image.
pub(super) fn vms() -> Built {
    let part = |file: &str, width: usize, height: usize, seed, restart| {
        let rgb = picture(width, height, seed);
        let bytes = jpeg(rgb.data(), width, height, R_4_4_4, restart);
        Piece { file: file.into(), offset: 0, bytes }
    };
    let text = "[Virtual Microscope Specimen]\r\nNoLayers=1\r\nNoJpegColumns=2\r\nNoJpegRows=2\r\n\
        ImageFile=a.jpg\r\nImageFile(1,0)=b.jpg\r\nImageFile(0,1)=c.jpg\r\nImageFile(1,1)=d.jpg\r\n\
        MapFile=map.jpg\r\nMacroImage=macro.jpg\r\nPhysicalWidth=192000\r\nPhysicalHeight=140000\r\n\
        SourceLens=20\r\nAuthCode=none\r\n";
    let files = vec![
        Piece { file: "slide.vms".into(), offset: 0, bytes: text.as_bytes().to_vec() },
        part("a.jpg", 256, 160, 1, 16),
        part("b.jpg", 128, 160, 2, 16),
        part("c.jpg", 256, 120, 3, 16),
        part("d.jpg", 128, 120, 4, 16),
        part("map.jpg", 96, 72, 5, 12),
        part("macro.jpg", 100, 40, 6, 0),
    ];
    Built { name: "vms", main: "slide.vms", files, stable: true }
}
