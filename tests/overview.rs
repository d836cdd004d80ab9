//! Overviews of slides of every shape.

#![allow(clippy::unwrap_used)]

use histograde::{
    Mpp, Slide, organ,
    pipeline::{Plan, score_slide},
    report::overview,
    score::rubric::Rubric,
    watch::Watch,
};
use image::{Rgb, RgbImage};

/// Draws the overview of an image of stripes in tissue colour on glass, and returns its size.
fn drawn(width: u32, height: u32, mpp: f64, tissue: bool) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let spot = |x: u32, y: u32| (x / 9 + y / 9).is_multiple_of(3);
    RgbImage::from_fn(width, height, |x, y| match (tissue, spot(x, y)) {
        (false, _) => Rgb([243, 242, 244]),
        (true, false) => Rgb([215, 140, 180]),
        (true, true) => Rgb([90, 60, 130]),
    })
    .save(&path)
    .unwrap();
    let slide = Slide::open(&path).unwrap();
    let plan = Plan {
        organ: organ::find("liver").unwrap(),
        mpp: Mpp::square(mpp),
        rubric: Rubric::builtin().unwrap(),
        tiling: Default::default(),
        models: Default::default(),
        options: Default::default(),
    };
    let result = score_slide(&slide, &plan, &Watch::default()).unwrap();
    let picture =
        overview::draw(&slide, &result, "a name that is long enough to need cutting ".repeat(9).trim())
            .unwrap();
    (picture.width(), picture.height())
}

#[test]
fn every_shape_of_slide_can_be_drawn() {
    fn t(width: u32, height: u32, mpp: f64, tissue: bool) {
        let (w, h) = drawn(width, height, mpp, tissue);
        let what = format!("{width}x{height} px of {mpp} µm, tissue {tissue}: {w}x{h}");
        assert!((1600..=2600).contains(&w) && (200..=4500).contains(&h), "{what}");
    }
    t(1, 1, 0.5, false);
    t(1, 1, 0.5, true);
    t(256, 256, 0.5, true);
    t(1200, 900, 0.25, true);
    t(3000, 500, 0.5, true);
    t(500, 3000, 0.5, true);
    t(9000, 40, 0.5, true);
    t(40, 9000, 0.5, true);
    t(600, 600, 8.0, true);
    t(600, 600, 0.02, true);
}
