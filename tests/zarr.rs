//! OME-Zarr folders are read, and damaged ones refused.

#![cfg(feature = "zarr")]
#![allow(clippy::unwrap_used)]

#[path = "common/zarr.rs"]
mod zarr;

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

#[test]
fn ome_zarr_folders() {
    let (rgb, folder) = (picture(), tempfile::tempdir().unwrap());
    let root = folder.path().join("slide.zarr");
    zarr::write(&root, &rgb, 20);
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

/// Arrays are levels by their sizes and the places that are stated, in whatever order they come.
#[test]
fn arrays_that_are_no_levels_are_told() {
    let (rgb, small, folder) = (picture(), Rgb::filled(25, 20, [10, 20, 30]), tempfile::tempdir().unwrap());
    let root = folder.path().join("slide.zarr");
    zarr::write(&root, &rgb, 20);
    zarr::write(&folder.path().join("small"), &small, 20);
    std::fs::rename(folder.path().join("small/0"), root.join("1")).unwrap();
    let attributes = std::fs::read_to_string(root.join(".zattrs")).unwrap();
    let base = attributes.split_once("\"datasets\": [").unwrap().1.strip_suffix("]}]}").unwrap();
    let open = |size: &str, more: &str, first: bool| {
        let scale = format!("{{\"type\": \"scale\", \"scale\": [1, {size}, {size}]}}");
        let other = format!("{{\"path\": \"1\", \"coordinateTransformations\": [{scale}{more}]}}");
        let both = if first { format!("{other}, {base}") } else { format!("{base}, {other}") };
        std::fs::write(root.join(".zattrs"), attributes.replace(base, &both)).unwrap();
        Slide::open(&root).unwrap()
    };
    let moved = |by: f64| format!(", {{\"type\": \"translation\", \"translation\": [0, {by}, {by}]}}");
    for (size, more, level) in [
        ("1.0", String::new(), true),
        ("1.0", moved(0.25), true),
        ("1.0", moved(5.0), false),
        ("0.5", String::new(), false),
    ] {
        for first in [false, true] {
            let slide = open(size, &more, first);
            let all = Region { level: 0, x0: 0, y0: 0, width: 50, height: 40 };
            assert_eq!(slide.read_region(all).unwrap(), rgb, "{size} {more} {first}");
            assert_eq!(slide.info().levels.len(), 1 + usize::from(level), "{size} {more} {first}");
            assert_eq!(slide.info().calibration.as_ref().unwrap().mpp, Mpp::square(0.5).unwrap());
            let told: &[&str] = if level { &[] } else { &["array 1 (25x20 px)"] };
            assert_eq!(slide.info().unread, told, "{size} {more} {first}");
        }
    }
}

#[test]
fn channels_of_another_order_are_put_in_place() {
    let (rgb, folder) = (picture(), tempfile::tempdir().unwrap());
    let root = folder.path().join("slide.zarr");
    zarr::write(&root, &rgb, 20);
    let attributes = std::fs::read_to_string(root.join(".zattrs")).unwrap();
    let open = |labels: [&str; 3]| {
        let [a, b, c] = labels.map(|label| format!("{{\"label\": \"{label}\"}}"));
        let omero = format!("{{\"omero\": {{\"channels\": [{a}, {b}, {c}]}}, ");
        std::fs::write(root.join(".zattrs"), attributes.replacen('{', &omero, 1)).unwrap();
        Slide::open(&root)
    };
    let all = Region { level: 0, x0: 0, y0: 0, width: 50, height: 40 };
    assert_eq!(open(["Red", "Green", "Blue"]).unwrap().read_region(all).unwrap(), rgb);
    let mut turned = rgb.clone();
    turned.data_mut().as_chunks_mut::<3>().0.iter_mut().for_each(|px| px.reverse());
    assert_eq!(open(["Blue", "Green", "Red"]).unwrap().read_region(all).unwrap(), turned);
    let message = open(["DAPI", "FITC", "TRITC"]).err().unwrap().to_string();
    assert!(message.contains("not red, green and blue but \"DAPI\""), "{message}");
}

/// Chunks that c-blosc compressed (imagecodecs 2026.3.6) come back from every codec that the specification names.
#[test]
fn chunks_of_blosc_are_read_whatever_is_inside() {
    let mut rgb = Rgb::filled(32, 32, [0; 3]);
    for y in 0..32 {
        for (x, px) in rgb.row_mut(y).iter_mut().enumerate() {
            *px = [0, 40, 80].map(|c| (x / 4 + y / 8 + c + usize::from(x * y % 5 == 0)) as u8);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("slide.zarr");
    zarr::write(&root, &rgb, 32);
    let array = std::fs::read_to_string(root.join("0/.zarray")).unwrap();
    let chunks: std::collections::BTreeMap<String, String> =
        serde_json::from_str(include_str!("oracle/blosc.json")).unwrap();
    assert_eq!(chunks.keys().collect::<Vec<_>>(), ["blosclz", "lz4", "snappy", "zlib", "zstd"]);
    for (name, hex) in chunks {
        let blosc = format!(
            "\"compressor\": {{\"id\": \"blosc\", \"cname\": \"{name}\", \"clevel\": 9, \"shuffle\": 2, \"blocksize\": 0}}"
        );
        std::fs::write(root.join("0/.zarray"), array.replace("\"compressor\": null", &blosc)).unwrap();
        let byte = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        std::fs::write(root.join("0/0/0/0"), (0..hex.len()).step_by(2).map(byte).collect::<Vec<_>>())
            .unwrap();
        let all = Region { level: 0, x0: 0, y0: 0, width: 32, height: 32 };
        assert!(Slide::open(&root).unwrap().read_region(all).unwrap() == rgb, "{name}");
    }
}
