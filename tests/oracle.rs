//! Compares what this library reads with what OpenSlide reads (`tests/oracle/make_openslide.py`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{fs, path::Path};

use histograde::{Slide, geometry::Region, raster::Rgb};
use serde_json::Value;

/// Largest difference of one pixel, in grey levels: decoders round differently.
const MAX_PIXEL: i64 = 4;
/// Largest difference of a mean, in grey levels.
const MAX_MEAN: f64 = 0.5;

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// Returns the mean colour of a rectangle of an image.
fn mean(rgb: &Rgb, x: [usize; 2], y: [usize; 2]) -> [f64; 3] {
    let mut sums = [0u64; 3];
    for row in y[0]..y[1] {
        for px in &rgb.row(row)[x[0]..x[1]] {
            for c in 0..3 {
                sums[c] += u64::from(px[c]);
            }
        }
    }
    sums.map(|sum| sum as f64 / ((x[1] - x[0]) * (y[1] - y[0])) as f64)
}

fn assert_near(got: [f64; 3], expected: &Value, what: &str) {
    for c in 0..3 {
        let expected = expected[c].as_f64().unwrap();
        assert!((got[c] - expected).abs() <= MAX_MEAN, "{what}: {got:?}, OpenSlide {expected}");
    }
}

fn compare_region(slide: &Slide, oracle: &Value) {
    let side = |name: &str| u32::try_from(number(&oracle[name])).unwrap();
    let region = Region {
        level: number(&oracle["level"]) as usize,
        x0: number(&oracle["x"]),
        y0: number(&oracle["y"]),
        width: side("width"),
        height: side("height"),
    };
    let rgb = slide.read_region(region).unwrap();
    let (width, height) = (rgb.width(), rgb.height());
    assert_near(mean(&rgb, [0, width], [0, height]), &oracle["mean"], &format!("{region:?}"));
    for (i, block) in oracle["blocks"].as_array().unwrap().iter().enumerate() {
        let cut = |side: usize, i: usize| [side * i / 8, side * (i + 1) / 8];
        let got = mean(&rgb, cut(width, i % 8), cut(height, i / 8));
        assert_near(got, block, &format!("block {i} of {region:?}"));
    }
    for px in oracle["pixels"].as_array().unwrap() {
        let (x, y) = (number(&px[0]) as usize, number(&px[1]) as usize);
        for c in 0..3 {
            let difference = (i64::from(rgb.row(y)[x][c]) - number(&px[2 + c])).abs();
            assert!(difference <= MAX_PIXEL, "({x}, {y}) of {region:?}: {difference} grey levels off");
        }
    }
}

#[test]
fn aperio_reads_like_openslide() {
    let Some(data) = common::data_dir() else { return };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/cmu_small_region.json");
    let oracle: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let slide = Slide::open(data.join("wsi").join(oracle["slide"].as_str().unwrap())).unwrap();
    let info = slide.info();
    let levels: Vec<[u64; 2]> = info.levels.iter().map(|l| [l.width, l.height]).collect();
    assert_eq!(serde_json::to_value(levels).unwrap(), oracle["levels"]);
    for (name, value) in oracle["properties"].as_object().unwrap() {
        let ours = info.properties.get(name).unwrap_or_else(|| panic!("no property {name}"));
        assert_eq!(ours, value.as_str().unwrap(), "{name}");
    }
    for (name, size) in oracle["associated"].as_object().unwrap() {
        let image = slide.read_associated(name).unwrap();
        assert_eq!(
            [image.width() as i64, image.height() as i64],
            [number(&size[0]), number(&size[1])],
            "{name}"
        );
    }
    for region in oracle["regions"].as_array().unwrap() {
        compare_region(&slide, region);
    }
}
