//! The sample slide in `samples/`: what is measured on it is what was painted.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use histograde::{
    Slide,
    measure::feature::Missing,
    organ,
    pipeline::{Plan, score_slide},
    score::rubric::Rubric,
    watch::Watch,
};

/// Feature and how far it may lie from the truth, as a share of it.
const WITHIN: &[(&str, f64)] = &[
    ("tissue_area_mm2", 0.05),
    ("fat_area_pct", 0.10),
    ("macro_fat_area_pct", 0.10),
    ("hepatocyte_nuclear_density_per_mm2", 0.20),
];

#[test]
fn the_sample_slide_measures_as_painted() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let truth = std::fs::read(samples.join("liver-phantom.truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
    let organ = organ::find("liver").unwrap();
    let plan = Plan {
        organ,
        mpp: None,
        rubric: Rubric::builtin().unwrap(),
        tiling: Default::default(),
        models: Default::default(),
        options: Default::default(),
    };
    let slide = Slide::open(samples.join("liver-phantom.svs")).unwrap();
    let result = score_slide(&slide, &plan, &Watch::default()).unwrap();
    for &(name, share) in WITHIN {
        let measured = result.summary.measured.iter().find(|m| m.feature.name == name).unwrap();
        let (got, painted) =
            (measured.value.as_ref().unwrap().value, truth["features"][name].as_f64().unwrap());
        assert!((got / painted - 1.0).abs() <= share, "{name}: {got} measured, {painted} painted");
    }
    // Of its vacuoles too many are droplets, of which pixels of 0.5 µm show the largest alone.
    for name in ["vacuole_eq_diameter_um_median", "vacuole_eq_diameter_um_p90"] {
        let measured = result.summary.measured.iter().find(|m| m.feature.name == name).unwrap();
        assert!(matches!(measured.value, Err(Missing::LeftOut { .. })), "{name}: {:?}", measured.value);
    }
}
