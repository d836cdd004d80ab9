//! Zeiss CZI: subblocks that overlap, in every compression, two resolutions, attached images.

use histograde::raster::Rgb;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::{Built, cut, picture, picture_jpeg};

/// A 64x64 tile as JPEG XR (made by `make_openslide.py jxr`).
const JXR: &[u8] = include_bytes!("../../oracle/tile.jxr");
const TILE: usize = 64;
/// Steps between subblocks: they overlap by eight pixels.
const STEP: usize = 56;

/// One subblock to write.
struct Block {
    compression: i32,
    x: i32,
    y: i32,
    size: [i32; 2],
    stored: [i32; 2],
    order: i32,
    /// The focal plane; 0 is not written.
    focus: i32,
    /// The point of time; 0 is not written.
    time: i32,
    scene: i32,
    data: Vec<u8>,
}

fn bgr(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [b, g, r]).collect()
}

fn segment(out: &mut Vec<u8>, name: &str, data: &[u8]) -> u64 {
    let at = out.len() as u64;
    let mut header = [0; 32];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[16..24].copy_from_slice(&(data.len() as i64).to_le_bytes());
    header[24..].copy_from_slice(&(data.len() as i64).to_le_bytes());
    out.extend(header);
    out.extend(data);
    out.resize(out.len().next_multiple_of(32), 0);
    at
}

fn entry(block: &Block, at: u64) -> Vec<u8> {
    let mut dimensions: Vec<(&[u8; 4], i32, i32, i32)> = vec![
        (b"X\0\0\0", block.x, block.size[0], block.stored[0]),
        (b"Y\0\0\0", block.y, block.size[1], block.stored[1]),
        (b"C\0\0\0", 0, 1, 1),
        (b"M\0\0\0", block.order, 1, 1),
        (b"S\0\0\0", block.scene, 1, 1),
    ];
    if block.focus > 0 {
        dimensions.push((b"Z\0\0\0", block.focus, 1, 1));
    }
    if block.time > 0 {
        dimensions.push((b"T\0\0\0", block.time, 1, 1));
    }
    let mut out = b"DV".to_vec();
    out.extend(3i32.to_le_bytes());
    out.extend((at as i64).to_le_bytes());
    out.extend(0i32.to_le_bytes());
    out.extend(block.compression.to_le_bytes());
    out.extend([0; 6]);
    out.extend((dimensions.len() as i32).to_le_bytes());
    for (name, start, size, stored) in dimensions {
        out.extend(name);
        out.extend(start.to_le_bytes());
        out.extend(size.to_le_bytes());
        out.extend(0f32.to_le_bytes());
        out.extend(stored.to_le_bytes());
    }
    out
}

/// Writes a file with these subblocks, metadata and attachments (name, kind, content).
fn file(blocks: &[Block], xml: &str, attachments: &[(&str, &str, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    segment(&mut out, "ZISRAWFILE", &[0; 512]);
    let mut directory = (blocks.len() as i32).to_le_bytes().to_vec();
    directory.resize(128, 0);
    for block in blocks {
        let at = out.len() as u64;
        let entry = entry(block, at);
        let mut data = 0i32.to_le_bytes().to_vec();
        data.extend(0i32.to_le_bytes());
        data.extend((block.data.len() as i64).to_le_bytes());
        data.extend(&entry);
        data.resize(256, 0);
        data.extend(&block.data);
        segment(&mut out, "ZISRAWSUBBLOCK", &data);
        directory.extend(entry);
    }
    let directory = segment(&mut out, "ZISRAWDIRECTORY", &directory);
    let mut metadata = (xml.len() as i32).to_le_bytes().to_vec();
    metadata.resize(256, 0);
    metadata.extend(xml.as_bytes());
    let metadata = segment(&mut out, "ZISRAWMETADATA", &metadata);
    let mut list = (attachments.len() as i32).to_le_bytes().to_vec();
    list.resize(256, 0);
    for (name, kind, content) in attachments {
        let mut entry = b"A1".to_vec();
        entry.resize(12, 0);
        entry.extend((out.len() as i64).to_le_bytes());
        entry.resize(40, 0);
        entry.extend(kind.as_bytes());
        entry.resize(48, 0);
        entry.extend(name.as_bytes());
        entry.resize(128, 0);
        let mut data = (content.len() as i32).to_le_bytes().to_vec();
        data.resize(16, 0);
        data.extend(&entry);
        data.resize(256, 0);
        data.extend(content);
        segment(&mut out, "ZISRAWATTACH", &data);
        list.extend(entry);
    }
    let attachments = segment(&mut out, "ZISRAWATTDIR", &list);
    let mut place = |at: usize, value: u64| out[32 + at..40 + at].copy_from_slice(&value.to_le_bytes());
    place(0, 1);
    place(52, directory);
    place(60, metadata);
    place(72, attachments);
    out
}

fn block(compression: i32, order: i32, place: [usize; 2], data: Vec<u8>) -> Block {
    let size = [TILE as i32; 2];
    let [x, y] = place.map(|v| v as i32 - 10);
    Block { compression, x, y, size, stored: size, order, focus: 0, time: 0, scene: 0, data }
}

fn xml(width: usize, height: usize) -> String {
    format!(
        "<?xml version=\"1.0\"?><ImageDocument><Metadata><Information><Image><SizeX>{width}</SizeX>\
         <SizeY>{height}</SizeY><SizeS>1</SizeS><ObjectiveSettings><ObjectiveRef Id=\"Objective:1\"/>\
         </ObjectiveSettings></Image><Instrument><Microscopes><Microscope Id=\"Microscope:1\" Name=\"Axioscan 7\"/>\
         </Microscopes><Objectives><Objective Id=\"Objective:1\"><NominalMagnification>20</NominalMagnification>\
         </Objective></Objectives></Instrument></Information><Scaling><Items><Distance Id=\"X\"><Value>2.5E-07</Value>\
         </Distance><Distance Id=\"Y\"><Value>2.6E-07</Value></Distance></Items></Scaling></Metadata></ImageDocument>"
    )
}

/// The picture whose parts are the subblocks of [`czi`] and [`czi_jpeg`].
pub(crate) fn whole() -> Rgb {
    picture(2 * STEP + TILE, STEP + TILE, 3)
}

/// Every compression that OpenSlide reads; smaller levels, a label in a file of its own.
pub(crate) fn czi() -> Built {
    let whole = whole();
    let tile = |col: usize, row: usize| bgr(&cut(&whole, STEP * col, STEP * row, TILE, TILE));
    let zstd = |data: Vec<u8>| compress_to_vec(&data[..], CompressionLevel::Uncompressed);
    let mut blocks = vec![
        block(0, 0, [0, 0], tile(0, 0)),
        block(5, 1, [STEP, 0], zstd(tile(1, 0))),
        block(6, 2, [2 * STEP, 0], [vec![1], zstd(tile(2, 0))].concat()),
        block(6, 3, [0, STEP], [vec![3, 1, 0], zstd(tile(0, 1))].concat()),
        block(5, 4, [STEP, STEP], zstd(tile(1, 1))),
        block(0, 5, [2 * STEP, STEP], tile(2, 1)),
    ];
    let half = picture(whole.width() / 2, whole.height() / 2, 8);
    blocks.push(Block {
        size: [whole.width() as i32, whole.height() as i32],
        stored: [half.width() as i32, half.height() as i32],
        ..block(0, 6, [0, 0], bgr(half.data()))
    });
    let label = Block { x: 0, y: 0, size: [40, 30], stored: [40, 30], ..block(0, 0, [0, 0], Vec::new()) };
    let label = Block { data: bgr(picture(40, 30, 5).data()), ..label };
    let label = file(&[label], &xml(40, 30), &[]);
    let attachments = [
        ("Thumbnail", "JPG", picture_jpeg(44, 30, 2)),
        ("Label", "CZI", label),
        ("EventList", "CZEVL", vec![7]),
    ];
    let bytes = file(&blocks, &xml(whole.width(), whole.height()), &attachments);
    Built { stable: false, ..Built::single("czi", "slide.czi", bytes) }
}

/// JPEG XR, which this OpenSlide was built without.
pub(crate) fn czi_jpeg_xr() -> Built {
    Built { name: "czi_jpeg_xr", ..of_block(4, JXR) }
}

/// JPEG, which OpenSlide does not read in CZI.
pub(crate) fn czi_jpeg() -> Built {
    let whole = whole();
    let jpeg = super::jpeg(whole.data(), whole.width(), whole.height(), super::SamplingFactor::R_4_4_4, 0);
    let size = [whole.width() as i32, whole.height() as i32];
    let only = Block { size, stored: size, ..block(1, 0, [0, 0], jpeg) };
    Built::single("czi_jpeg", "slide.czi", file(&[only], &xml(whole.width(), whole.height()), &[]))
}

/// Three focal planes, of seeds 1 to 3.
pub(crate) fn czi_stack() -> Built {
    let plane = |focus: i32| {
        let data = bgr(picture(TILE, TILE, focus as usize).data());
        Block { focus, ..block(0, 0, [0, 0], data) }
    };
    Built::single("czi_stack", "slide.czi", file(&[1, 2, 3].map(plane), &xml(TILE, TILE), &[]))
}

/// Three scenes side by side: one of three focal planes (seeds 1 to 3), one of a single plane at one of their ends (seed 4),
/// one of a later time (seed 5).
pub(crate) fn czi_scenes() -> Built {
    let of = |scene: i32, focus: i32, time: i32, seed: usize| {
        let data = bgr(picture(TILE, TILE, seed).data());
        Block { scene, focus, time, ..block(0, 0, [TILE * scene as usize, 0], data) }
    };
    let blocks = [of(0, 1, 0, 1), of(0, 2, 0, 2), of(0, 3, 0, 3), of(1, 1, 0, 4), of(2, 2, 1, 5)];
    Built::single("czi_scenes", "slide.czi", file(&blocks, &xml(3 * TILE, TILE), &[]))
}

/// A small file of many subblocks as wide as anything can be, of a smaller level.
pub(crate) fn czi_wide() -> Built {
    let size = [TILE as i32; 2];
    let first = block(0, 0, [0, 0], vec![7; TILE * TILE * 3]);
    let width = 1 << 26;
    let wide =
        |order| Block { size: [2 * width, 1], stored: [width, 1], ..block(0, order, [0, 0], Vec::new()) };
    let blocks: Vec<Block> = std::iter::once(Block { size, ..first }).chain((1..500).map(wide)).collect();
    Built::single("czi_wide", "slide.czi", file(&blocks, &xml(TILE, TILE), &[]))
}

/// One subblock of 64x64 px that holds these bytes, in a compression of CZI.
pub(crate) fn of_block(compression: i32, data: &[u8]) -> Built {
    let only = block(compression, 0, [0, 0], data.to_vec());
    Built::single("of_block", "slide.czi", file(&[only], &xml(TILE, TILE), &[]))
}

/// Data for [`of_block`].
pub(crate) fn block_data(compression: i32) -> Vec<u8> {
    let pixels = bgr(&cut(&picture(TILE, TILE, 3), 0, 0, TILE, TILE));
    let zstd = compress_to_vec(&pixels[..], CompressionLevel::Fastest);
    match compression {
        4 => JXR.to_vec(),
        6 => [vec![3, 1, 0], zstd].concat(),
        _ => zstd,
    }
}
