//! OME-Zarr folders written here, pixel by pixel.

#![cfg(feature = "zarr")]
#![allow(clippy::unwrap_used)]

use histograde::{Mpp, Slide, geometry::Region, raster::Rgb};

fn picture() -> Rgb {
    let mut rgb = Rgb::filled(50, 40, [0; 3]);
    for y in 0..40 {
        for (x, px) in rgb.row_mut(y).iter_mut().enumerate() {
            *px = [(4 * x) as u8, (6 * y) as u8, (200 - x - y) as u8];
        }
    }
    rgb
}

/// An OME-Zarr 0.4 folder of one level, channels first, one uncompressed chunk per 20 × 20 pixels.
#[test]
fn ome_zarr_folders() {
    let (rgb, folder) = (picture(), tempfile::tempdir().unwrap());
    let root = folder.path().join("slide.zarr");
    let write = |name: &str, text: &[u8]| {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(".zgroup", br#"{"zarr_format": 2}"#);
    write(
        ".zattrs",
        br#"{"multiscales": [{"version": "0.4",
            "axes": [{"name": "c", "type": "channel"}, {"name": "y", "type": "space", "unit": "micrometer"},
                     {"name": "x", "type": "space", "unit": "micrometer"}],
            "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 0.5, 0.5]}]}]}]}"#,
    );
    write(
        "0/.zarray",
        br#"{"zarr_format": 2, "shape": [3, 40, 50], "chunks": [3, 20, 20], "dtype": "|u1", "compressor": null,
            "fill_value": 0, "order": "C", "filters": null, "dimension_separator": "/"}"#,
    );
    for (row, column) in (0..2).flat_map(|row| (0..3).map(move |column| (row, column))) {
        let value = |c: usize, y: usize, x: usize| if x < 50 { rgb.row(y)[x][c] } else { 0 };
        let at = |i: usize| (i / 400, row * 20 + i / 20 % 20, column * 20 + i % 20);
        let chunk: Vec<u8> = (0..1200).map(|i| value(at(i).0, at(i).1, at(i).2)).collect();
        write(&format!("0/0/{row}/{column}"), &chunk);
    }
    let slide = Slide::open(&root).unwrap();
    assert_eq!(slide.format(), "ome_zarr");
    assert_eq!(slide.info().calibration.as_ref().unwrap().mpp, Mpp::square(0.5).unwrap());
    let all = Region { level: 0, x0: 0, y0: 0, width: 50, height: 40 };
    assert_eq!(slide.read_region(all).unwrap(), rgb);
    std::fs::write(root.join("0/0/1/1"), [0; 7]).unwrap();
    assert!(Slide::open(&root).unwrap().read_region(all).is_err());
    // A chunk of 2 000 runs in Zstandard, which becomes 262 MB.
    let array = std::fs::read_to_string(root.join("0/.zarray")).unwrap();
    let array = array.replace("\"compressor\": null", "\"compressor\": {\"id\": \"zstd\", \"level\": 1}");
    std::fs::write(root.join("0/.zarray"), array).unwrap();
    let mut bomb = vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0x58];
    (0..2000).for_each(|_| bomb.extend([0x02, 0, 0x10, 7]));
    bomb.extend([1, 0, 0]);
    std::fs::write(root.join("0/0/0/0"), bomb).unwrap();
    let message = Slide::open(&root).unwrap().read_region(all).unwrap_err().to_string();
    assert!(
        message.contains("without compression is 262275072, more than the limit of 167772160"),
        "{message}"
    );
}
