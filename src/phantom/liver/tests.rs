use std::collections::BTreeMap;

use super::*;
use crate::units::Mpp;

fn paint_with(size: u32, mpp: f64, seed: u64, amounts: &[(&str, f64)]) -> (Canvas, Truth) {
    let request = PAINTER.request(size, Mpp::square(mpp).unwrap(), seed, amounts).unwrap();
    let mut canvas = Canvas::blank(size, request.mpp);
    let truth = paint(&request, &mut canvas);
    (canvas, truth)
}

/// Pixels of every label.
fn areas(plane: &Plane<u32>) -> BTreeMap<u32, u64> {
    let mut areas = BTreeMap::new();
    for &id in plane.data().iter().filter(|&&id| id != 0) {
        *areas.entry(id).or_insert(0) += 1;
    }
    areas
}

/// Fat is painted last: what lies within a vacuole is clear, but for its edge.
#[test]
fn no_red_cell_lies_in_a_vacuole() {
    let amounts = [("steatosis_macro", 30.0), ("steatosis_micro", 10.0), ("congestion", 15.0)];
    let (canvas, truth) = paint_with(1200, 0.5, 11, &amounts);
    let (vacuoles, red) = (&canvas.labels["vacuoles"], &canvas.rbc);
    let (width, height) = canvas.size();
    let is_inside = |x: usize, y: usize| {
        let id = vacuoles.at(x, y);
        id != 0
            && [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)].iter().all(|&(x, y)| vacuoles.at(x, y) == id)
    };
    let inside =
        (1..height - 1).flat_map(|y| (1..width - 1).map(move |x| (x, y))).filter(|&(x, y)| is_inside(x, y));
    let (all, both) =
        inside.fold((0, 0), |(all, both), (x, y)| (all + 1, both + u32::from(red.at(x, y) > 20)));
    assert!(all > 100_000 && both == 0, "{both} of {all}");
    assert!(truth.features["rbc_area_pct"] > 3.0, "{}", truth.features["rbc_area_pct"]);
}

#[test]
fn every_knob_raises_its_feature_to_what_was_asked() {
    for knob in KNOBS {
        let mut before = f64::NEG_INFINITY;
        for step in 0..5 {
            let (low, high) = knob.range;
            let amount = low + (high - low) * f64::from(step) / 4.0;
            let (_, truth) = paint_with(1200, 0.5, 11, &[(knob.name, amount)]);
            let value = truth.features[knob.feature];
            assert!(value > before, "{} {amount}: {value} after {before}", knob.name);
            assert!((value - amount).abs() < 0.1 * amount + 1.2, "{} {amount}: {value}", knob.name);
            assert_eq!(truth.amounts[knob.name], amount);
            before = value;
        }
    }
}

#[test]
fn knobs_leave_each_others_features_alone() {
    let (_, healthy) = paint_with(1400, 0.5, 11, &[]);
    for knob in KNOBS {
        let (_, truth) = paint_with(1400, 0.5, 11, &[(knob.name, knob.range.1 / 2.0)]);
        // Dead cells that keep a nucleus keep a shrunken one.
        let same = |other: &Knob| (knob.name, other.name) == ("necrosis", "apoptosis");
        for other in KNOBS.iter().filter(|k| k.name != knob.name && k.healthy == 0.0 && !same(k)) {
            let (a, b) = (healthy.features[other.feature], truth.features[other.feature]);
            assert_eq!(a, b, "{} moves {}", knob.name, other.feature);
        }
    }
}

#[test]
fn healthy_liver_is_healthy() {
    let (_, truth) = paint_with(3000, 0.5, 4, &[]);
    let t = |feature: &str, low: f64, high: f64| {
        let value = truth.features[feature];
        assert!((low..=high).contains(&value), "{feature} {value}");
    };
    t("fat_area_pct", 0.0, 0.0);
    t("necrosis_area_pct", 0.0, 0.0);
    t("inflammatory_foci_per_mm2", 0.0, 0.0);
    t("hepatocyte_nuclear_density_per_mm2", 1200.0, 2600.0);
    t("hepatocyte_nuclear_area_um2_median", 28.0, 50.0);
    t("hepatocyte_nuclear_area_um2_cv", 0.25, 0.40);
    t("hepatocyte_binucleate_pct", 8.0, 25.0);
    t("sinusoid_area_pct", 8.0, 18.0);
    t("rbc_area_pct", 1.0, 6.0);
    t("cytoplasm_clearing_pct", 4.0, 8.0);
    t("central_vein_diameter_um_median", 40.0, 150.0);
    t("tissue_area_mm2", 1.6, 2.25);
    assert!(!truth.features.contains_key("vacuole_eq_diameter_um_median"));
}

#[test]
fn truth_agrees_with_labels() {
    let amounts = [("steatosis_macro", 8.0), ("steatosis_micro", 4.0)];
    let (canvas, truth) = paint_with(1400, 0.25, 2, &amounts);
    let vacuoles = areas(&canvas.labels["vacuoles"]);
    let um2 = |n: u64| n as f64 / 16.0;
    let accepted = vacuoles.values().filter(|n| **n >= 32);
    let diameters: Vec<f64> = accepted.map(|&n| 2.0 * (um2(n) / std::f64::consts::PI).sqrt()).collect();
    let mut sorted = diameters.clone();
    sorted.sort_by(f64::total_cmp);
    let median = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
    assert!((truth.features["vacuole_eq_diameter_um_median"] - median).abs() < 1e-3);
    let all: u64 = vacuoles.values().sum();
    let is_large = |n: &&u64| um2(**n) >= std::f64::consts::PI * 16.0;
    let large: u64 = vacuoles.values().filter(is_large).sum();
    let share = truth.features["macro_fat_area_pct"] / truth.features["fat_area_pct"];
    assert!((share - large as f64 / all as f64).abs() < 1e-6, "{share}");
    let ids: Vec<u32> = vacuoles.keys().copied().collect();
    assert_eq!(ids, (1..=ids.len() as u32).collect::<Vec<_>>());
    let overlap = canvas.labels["nuclei"].data().iter().zip(canvas.labels["vacuoles"].data());
    assert!(overlap.into_iter().all(|(&n, &v)| n == 0 || v == 0));
    let clear = canvas.e.data().iter().zip(canvas.labels["vacuoles"].data()).filter(|(_, v)| **v != 0);
    let mean = clear.map(|(&e, _)| f64::from(e)).sum::<f64>() / all as f64;
    assert!(mean < 3.0, "{mean}");
}

#[test]
fn threads_do_not_matter() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let amounts: Vec<(&str, f64)> = KNOBS.iter().map(|k| (k.name, k.range.1 / 4.0)).collect();
    let draw = || paint_with(900, 0.5, 7, &amounts);
    let ((a, truth_a), (b, truth_b)) = (pool(1).install(draw), pool(3).install(draw));
    assert!((a.h, a.e, a.rbc, a.labels) == (b.h, b.e, b.rbc, b.labels));
    assert_eq!(truth_a, truth_b);
}

#[test]
fn small_pictures_are_tissue() {
    for size in [64, 101, 300, 1024] {
        for seed in 0..6 {
            let (canvas, truth) = paint_with(size, 0.5, seed, &[("steatosis_macro", 10.0)]);
            let inked = canvas.e.data().iter().filter(|&&e| e > 8).count() as f64;
            let share = inked / f64::from(size * size);
            assert!(share > 0.3, "{size} {seed}: {share}");
            assert!(truth.features["tissue_area_mm2"] > 0.0);
        }
    }
}

#[test]
fn pixel_size_does_not_change_the_tissue() {
    let (_, fine) = paint_with(2400, 0.25, 5, &[("steatosis_macro", 10.0)]);
    let (_, coarse) = paint_with(1200, 0.5, 5, &[("steatosis_macro", 10.0)]);
    for name in ["fat_area_pct", "hepatocyte_nuclear_density_per_mm2", "sinusoid_area_pct"] {
        let (a, b) = (fine.features[name], coarse.features[name]);
        assert!((a / b - 1.0).abs() < 0.1, "{name} {a} {b}");
    }
}
