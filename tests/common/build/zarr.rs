//! OME-Zarr folders.

use std::io::Write as _;

use super::{Built, Piece, picture};

const AXES: &str = r#"[{"name": "c", "type": "channel"}, {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"}]"#;

fn datasets() -> String {
    let one = |path: u32, size: f64| {
        format!(
            r#"{{"path": "{path}", "coordinateTransformations": [{{"type": "scale", "scale": [1, {size}, {size}]}}]}}"#
        )
    };
    format!("[{}, {}]", one(0, 0.5), one(1, 1.0))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns the chunks of 40×40 px of a picture, channels first: row, column, bytes.
fn chunks(width: usize, height: usize, seed: usize) -> Vec<(usize, usize, Vec<u8>)> {
    let rgb = picture(width, height, seed);
    let mut out = Vec::new();
    for (row, column) in
        (0..height.div_ceil(40)).flat_map(|row| (0..width.div_ceil(40)).map(move |column| (row, column)))
    {
        let value = |i: usize| {
            let (c, y, x) = (i / 1600, row * 40 + i / 40 % 40, column * 40 + i % 40);
            if x < width && y < height { rgb.row(y)[x][c] } else { 0 }
        };
        out.push((row, column, (0..4800).map(value).collect()));
    }
    out
}

fn built(
    name: &'static str,
    mut files: Vec<(String, Vec<u8>)>,
    pack: fn(&[u8]) -> Vec<u8>,
    prefix: &str,
) -> Built {
    for (level, width, height) in [(0, 100, 75), (1, 50, 37)] {
        for (row, column, chunk) in chunks(width, height, 1 + level) {
            files.push((format!("{level}/{prefix}0/{row}/{column}"), pack(&chunk)));
        }
    }
    let piece = |(file, bytes)| Piece { file: format!("slide.zarr/{file}"), offset: 0, bytes };
    Built { name, main: "slide.zarr", files: files.into_iter().map(piece).collect(), stable: false }
}

/// Version 0.4, chunks in gzip.
pub(super) fn version_4() -> Built {
    let array = |width: u32, height: u32| {
        format!(
            r#"{{"zarr_format": 2, "shape": [3, {height}, {width}], "chunks": [3, 40, 40], "dtype": "|u1",
            "compressor": {{"id": "gzip", "level": 9}}, "fill_value": 0, "order": "C", "filters": null, "dimension_separator": "/"}}"#
        )
    };
    let attributes =
        format!(r#"{{"multiscales": [{{"version": "0.4", "axes": {AXES}, "datasets": {}}}]}}"#, datasets());
    let files = vec![
        (".zattrs".into(), attributes.into_bytes()),
        (".zgroup".into(), br#"{"zarr_format": 2}"#.to_vec()),
        ("0/.zarray".into(), array(100, 75).into_bytes()),
        ("1/.zarray".into(), array(50, 37).into_bytes()),
    ];
    built("ome_zarr", files, gzip, "")
}

/// Version 0.5, chunks in Zstandard.
pub(super) fn version_5() -> Built {
    let array = |width: u32, height: u32| {
        format!(
            r#"{{"zarr_format": 3, "node_type": "array", "shape": [3, {height}, {width}], "data_type": "uint8",
            "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [3, 40, 40]}}}},
            "chunk_key_encoding": {{"name": "default", "configuration": {{"separator": "/"}}}}, "fill_value": 0,
            "codecs": [{{"name": "bytes"}}, {{"name": "zstd", "configuration": {{"level": 3, "checksum": false}}}}]}}"#
        )
    };
    let group = format!(
        r#"{{"zarr_format": 3, "node_type": "group", "attributes": {{"ome": {{"version": "0.5", "multiscales":
        [{{"axes": {AXES}, "datasets": {}}}]}}}}}}"#,
        datasets()
    );
    let files = vec![
        ("zarr.json".into(), group.into_bytes()),
        ("0/zarr.json".into(), array(100, 75).into_bytes()),
        ("1/zarr.json".into(), array(50, 37).into_bytes()),
    ];
    let zstd =
        |chunk: &[u8]| ruzstd::encoding::compress_to_vec(chunk, ruzstd::encoding::CompressionLevel::Fastest);
    built("ome_zarr_5", files, zstd, "c/")
}

/// A gzip stream, for the tile path of Zarr.
pub(crate) fn with_chunk(stream: &[u8]) -> Built {
    let mut built = version_4();
    built.bytes_mut("slide.zarr/0/0/0/0").clear();
    built.bytes_mut("slide.zarr/0/0/0/0").extend_from_slice(stream);
    built
}

/// The chunk of [`with_chunk`] as it should be.
pub(crate) fn chunk() -> Vec<u8> {
    gzip(&chunks(100, 75, 1)[0].2)
}
