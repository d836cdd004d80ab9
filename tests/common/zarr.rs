//! OME-Zarr folders written here, pixel by pixel.

use std::{fs, path::Path};

use histograde::raster::Rgb;

/// Writes a picture as OME-Zarr 0.4 of one level of 0.5 µm/px, channels first, in uncompressed chunks of `side` pixels.
pub(crate) fn write(root: &Path, rgb: &Rgb, side: usize) {
    let (width, height) = (rgb.width(), rgb.height());
    let write = |file: &str, bytes: &[u8]| {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write(".zgroup", br#"{"zarr_format": 2}"#);
    write(
        ".zattrs",
        br#"{"multiscales": [{"version": "0.4",
            "axes": [{"name": "c", "type": "channel"}, {"name": "y", "type": "space", "unit": "micrometer"},
                     {"name": "x", "type": "space", "unit": "micrometer"}],
            "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 0.5, 0.5]}]}]}]}"#,
    );
    let array = format!(
        r#"{{"zarr_format": 2, "shape": [3, {height}, {width}], "chunks": [3, {side}, {side}], "dtype": "|u1",
            "compressor": null, "fill_value": 0, "order": "C", "filters": null, "dimension_separator": "/"}}"#
    );
    write("0/.zarray", array.as_bytes());
    for row in 0..height.div_ceil(side) {
        for column in 0..width.div_ceil(side) {
            let value = |i: usize| {
                let (y, x) = (row * side + i / side % side, column * side + i % side);
                if x < width && y < height { rgb.row(y)[x][i / (side * side)] } else { 0 }
            };
            let chunk: Vec<u8> = (0..3 * side * side).map(value).collect();
            write(&format!("0/0/{row}/{column}"), &chunk);
        }
    }
}
