//! The painter's promises: monotone knobs, truth equal to labels, the same bytes always.

use super::*;
use crate::{raster::Mask, units::Mpp};

fn painted(size_px: u32, mpp: f64, seed: u64, amounts: &[(&str, f64)]) -> (Canvas, Truth) {
    let mpp = Mpp::square(mpp).unwrap();
    let request = PAINTER.request(size_px, mpp, seed, amounts).unwrap();
    let mut canvas = Canvas::blank(size_px, mpp);
    let truth = paint(&request, &mut canvas);
    (canvas, truth)
}

fn truth(size_px: u32, amounts: &[(&str, f64)]) -> Truth {
    painted(size_px, 2.0, 7, amounts).1
}

#[test]
fn every_knob_moves_its_feature_only_one_way() {
    for knob in KNOBS {
        let (low, high) = knob.range;
        let mut last = f64::NEG_INFINITY;
        let mut values = Vec::new();
        for level in 0..4 {
            let amount = (low + (high - low) * f64::from(level) / 3.0).min(high);
            let value = truth(900, &[(knob.name, amount)]).features.get(knob.feature).copied();
            let value = value.unwrap_or(0.0) * if knob.falls { -1.0 } else { 1.0 };
            assert!(value >= last, "{} {values:?} {value}", knob.name);
            values.push(value);
            last = value;
        }
        assert!(values[3] > values[0], "{} {values:?}", knob.name);
    }
}

#[test]
fn truth_is_near_what_was_asked_for() {
    fn t(knob: &str, amount: f64, within: f64) {
        let feature = KNOBS.iter().find(|k| k.name == knob).unwrap().feature;
        let value = truth(1500, &[(knob, amount)]).features[feature];
        assert!((value / amount - 1.0).abs() < within, "{knob} {amount} {value}");
    }
    t("islet_density", 3.0, 0.12);
    t("islet_size", 140.0, 0.15);
    t("islet_pyknosis", 20.0, 0.15);
    t("islet_vacuolation", 8.0, 0.25);
    t("insulitis", 2.0, 0.15);
    t("congestion", 10.0, 0.25);
    t("acinar_vacuolation", 8.0, 0.03);
    t("acinar_vacuolation", 25.0, 0.05);
    t("necrosis", 10.0, 0.05);
    t("gaps", 15.0, 0.05);
    t("fat", 12.0, 0.05);
    t("inflammation", 3.0, 0.2);
}

fn pixels(canvas: &Canvas, layer: &str) -> u64 {
    canvas.labels[layer].data().iter().map(|&v| u64::from(v != 0)).sum()
}

fn objects(canvas: &Canvas, layer: &str) -> usize {
    let mut ids: Vec<u32> = canvas.labels[layer].data().iter().copied().filter(|&v| v != 0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

#[test]
fn truth_agrees_with_labels() {
    let amounts = [("islet_density", 4.0), ("fat", 6.0), ("islet_vacuolation", 8.0)];
    let (canvas, truth) = painted(2600, 0.5, 3, &amounts);
    let f = &truth.features;
    let islets = objects(&canvas, "islets");
    assert!(islets >= 2);
    assert_eq!(f["islet_count_n"], islets as f64);
    let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    near(f["islet_area_um2_mean"], canvas.mpp.area_um2(pixels(&canvas, "islets")) / islets as f64);
    near(f["analysed_area_mm2"], f["islet_count_n"] / f["islet_density_per_mm2"]);
    let islet = &canvas.labels["islets"];
    let vacuoles = canvas.labels["vacuoles"].data().iter().zip(islet.data());
    let inside = vacuoles.filter(|&(&v, &i)| v != 0 && i != 0).count();
    near(f["islet_vacuole_area_pct"], inside as f64 * 100.0 / pixels(&canvas, "islets") as f64);
    let organ = canvas.mpp.area_mm2(pixels(&canvas, "fat")) * 100.0 / f["pancreas_fat_pct"];
    assert!(organ > f["analysed_area_mm2"] && organ < canvas.mpp.area_mm2(2600 * 2600), "{organ}");
    assert!(f.values().all(|v| v.is_finite()));
}

#[test]
fn no_red_cell_lies_in_a_vacuole() {
    let amounts = [("islet_density", 4.0), ("islet_vacuolation", 12.0), ("congestion", 35.0)];
    let (canvas, truth) = painted(2000, 0.5, 3, &amounts);
    let (vacuoles, red) = (canvas.labels["vacuoles"].data(), canvas.rbc.data());
    let both = vacuoles.iter().zip(red).filter(|&(&v, &r)| v != 0 && r >= islet_lesions::RED).count();
    assert_eq!(both, 0);
    let found = |name: &str| truth.features[name];
    assert!(
        found("islet_vacuole_area_pct") > 6.0 && found("islet_rbc_area_pct") > 20.0,
        "{:?}",
        truth.features
    );
}

#[test]
fn healthy_tissue_lies_in_the_healthy_ranges() {
    let f = painted(4000, 0.5, 5, &[]).1.features;
    let t = |name: &str, low: f64, high: f64| {
        assert!((low..=high).contains(&f[name]), "{name} {}", f[name]);
    };
    t("islet_nuclear_density_per_mm2", 5000.0, 8000.0);
    t("acinar_nuclear_density_per_mm2", 2500.0, 4500.0);
    t("islet_acinar_nuclear_density_ratio", 1.3, 2.2);
    t("islet_eq_diameter_um_median", 90.0, 160.0);
    t("islet_area_pct", 0.8, 2.5);
    t("islet_rbc_area_pct", 0.0, 3.0);
    t("islet_lymphocytes_per_mm_perimeter", 0.0, 5.0);
    t("pancreas_gap_pct", 4.0, 15.0);
}

#[test]
fn small_slides_hold_an_islet_and_stay_off_the_edge() {
    for (seed, mpp) in (1..7).map(|s| (s, 0.5)).chain([(1, 0.25), (2, 0.25)]) {
        let (canvas, truth) = painted(1024, mpp, seed, &[]);
        assert!(objects(&canvas, "islets") >= 1, "{seed} {mpp}");
        assert!(truth.features["islet_count_n"] >= 1.0, "{seed} {mpp}");
        let stained = canvas.e.map(|e| u8::from(e > 0));
        let share = stained.data().iter().filter(|&&v| v > 0).count() as f64 / 1024.0 / 1024.0;
        assert!((0.35..0.85).contains(&share), "{seed} {share}");
        assert!(edge(&stained).all(|v| v == 0), "{seed}");
    }
    assert_eq!(painted(1024, 0.5, 1, &[("islet_density", 0.0)]).1.features["islet_count_n"], 0.0);
}

fn edge(mask: &Mask) -> impl Iterator<Item = u8> + '_ {
    let last = mask.width() - 1;
    (0..=last).flat_map(move |k| [mask.at(k, 0), mask.at(k, last), mask.at(0, k), mask.at(last, k)])
}

#[test]
fn threads_do_not_matter() {
    let draw = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| painted(900, 0.5, 11, &[("inflammation", 5.0), ("fat", 5.0)]))
    };
    let ((a, ta), (b, tb)) = (draw(1), draw(3));
    assert_eq!(ta, tb);
    assert!(a.h == b.h && a.e == b.e && a.rbc == b.rbc && a.labels == b.labels);
}

#[test]
fn tiny_slides_do_not_fail() {
    for size in [64, 100, 257] {
        for mpp in [0.25, 1.0, 4.0] {
            let (_, truth) = painted(size, mpp, 1, &[("fat", 20.0), ("inflammation", 5.0)]);
            assert!(truth.features.values().all(|v| v.is_finite()), "{size} {mpp}");
        }
    }
}
