use super::*;
use crate::units::Mpp;
use std::collections::{BTreeMap, BTreeSet};

fn painted(size: u32, mpp: f64, seed: u64, amounts: &[(&str, f64)]) -> (Canvas, Truth) {
    let request = PAINTER.request(size, Mpp::square(mpp).unwrap(), seed, amounts).unwrap();
    let mut canvas = Canvas::blank(size, request.mpp);
    let truth = paint(&request, &mut canvas);
    (canvas, truth)
}

fn counts(canvas: &Canvas, layer: &str) -> BTreeMap<u32, u64> {
    let mut found = BTreeMap::new();
    for &id in canvas.labels[layer].data().iter().filter(|&&id| id != 0) {
        *found.entry(id).or_insert(0) += 1;
    }
    found
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * b.abs().max(1e-9)
}

/// But for edges of capillaries that a vacuole touches.
#[test]
fn no_red_cell_lies_in_a_vacuole() {
    let amounts = [("tubular_vacuolation", 80.0), ("congestion", 100.0), ("haemorrhage", 4.0)];
    let (canvas, truth) = painted(1600, 0.5, 3, &amounts);
    let (vacuoles, red) = (&canvas.labels["vacuoles"], &canvas.rbc);
    let all = vacuoles.data().iter().filter(|v| **v != 0).count();
    let both = |radius: usize| {
        let (width, height) = canvas.size();
        let is_inside = |x: usize, y: usize| {
            let (xs, ys) = (x - radius..=x + radius, y - radius..=y + radius);
            ys.flat_map(|y| xs.clone().map(move |x| (x, y))).all(|(x, y)| vacuoles.at(x, y) != 0)
        };
        let places = (radius..height - radius).flat_map(|y| (radius..width - radius).map(move |x| (x, y)));
        places.filter(|&(x, y)| red.at(x, y) >= values::RED && is_inside(x, y)).count()
    };
    assert!(all > 100_000 && both(0) * 10_000 < all && both(1) == 0, "{all} {} {}", both(0), both(1));
    assert!(truth.features["extravasated_rbc_pct"] > 3.0);
}

#[test]
fn every_knob_moves_its_feature() {
    fn t(name: &str, amounts: &[f64]) {
        let knob = KNOBS.iter().find(|k| k.name == name).unwrap();
        let value = |a: f64| painted(1100, 1.0, 3, &[(name, a)]).1.features[knob.feature];
        let values: Vec<f64> = amounts.iter().map(|&a| value(a)).collect();
        assert!(values.windows(2).all(|w| w[0] < w[1]), "{name} {amounts:?} {values:?}");
    }
    t("glomerular_size", &[0.6, 1.0, 1.8]);
    t("bowman_space", &[5.0, 18.0, 55.0]);
    t("sclerosis", &[0.0, 15.0, 40.0, 100.0]);
    t("tubular_dilation", &[0.0, 5.0, 20.0, 60.0]);
    t("tubular_vacuolation", &[0.0, 5.0, 20.0, 80.0]);
    t("casts", &[0.0, 5.0, 60.0]);
    t("necrosis", &[0.0, 5.0, 80.0]);
    t("inflammation", &[0.0, 30.0, 300.0, 2000.0]);
    t("congestion", &[0.0, 40.0, 100.0]);
    t("hypercellularity", &[1.0, 1.3, 1.7]);
    t("basophilia", &[0.0, 5.0, 20.0, 40.0]);
    t("clear_cells", &[0.0, 5.0, 20.0, 40.0]);
    t("flattening", &[0.0, 20.0, 60.0]);
    t("haemorrhage", &[0.0, 0.5, 2.0, 4.0]);
    t("oedema", &[0.0, 1.0, 3.0]);
}

#[test]
fn shares_of_tubules_are_what_was_asked_for() {
    fn t(name: &str, amount: f64) {
        let knob = KNOBS.iter().find(|k| k.name == name).unwrap();
        let value = painted(1400, 1.0, 4, &[(name, amount)]).1.features[knob.feature];
        assert!((value - amount).abs() < 0.1 * amount + 1.0, "{name} {amount}: {value}");
    }
    t("tubular_dilation", 30.0);
    t("tubular_vacuolation", 30.0);
    t("casts", 30.0);
    t("necrosis", 30.0);
    t("basophilia", 20.0);
    t("clear_cells", 20.0);
    t("haemorrhage", 2.0);
    t("inflammation", 1000.0);
    t("bowman_space", 30.0);
}

#[test]
fn truth_agrees_with_labels() {
    // A section without medulla, as features count cortical tubules only.
    let (canvas, truth) = painted(1790, 0.5, 5, &[("tubular_dilation", 10.0)]);
    let um2 = 0.25;
    let value = |name: &str| truth.features[name];
    let (corpuscles, tufts) = (counts(&canvas, "glomeruli"), counts(&canvas, "tufts"));
    assert_eq!(corpuscles.len() as f64, value("glom_count_n"));
    let sum = |m: &BTreeMap<u32, u64>| m.values().sum::<u64>() as f64;
    let bowman = 100.0 * (1.0 - sum(&tufts) / sum(&corpuscles));
    assert!(close(value("bowman_space_pct"), bowman, 1e-9));
    let d = |px: u64| (px as f64).sqrt();
    let mut sizes: Vec<f64> = corpuscles.values().map(|&px| d(px)).collect();
    sizes.sort_by(f64::total_cmp);
    let at = 0.9 * (sizes.len() - 1) as f64;
    let (i, rest) = (at as usize, at.fract());
    let p90 = sizes[i] + rest * (sizes[(i + 1).min(sizes.len() - 1)] - sizes[i]);
    let kept: Vec<u32> =
        corpuscles.iter().filter(|&(_, &px)| d(px) >= 0.7 * p90).map(|(&id, _)| id).collect();
    let mean = um2 * kept.iter().map(|id| tufts[id] as f64).sum::<f64>() / kept.len() as f64;
    assert!(close(value("glom_tuft_area_um2_mean"), mean, 1e-9));
    let lumina = counts(&canvas, "lumina");
    let wide = lumina.values().filter(|&&px| px as f64 * um2 > 225.0 * std::f64::consts::PI);
    let wide_pct = 100.0 * wide.count() as f64 / value("tubule_count_n");
    assert!((value("tubule_dilated_pct") - wide_pct).abs() < 1.0, "{wide_pct}");
    let tuft_nuclei = nuclei_in(&canvas, "tufts") as f64;
    let density = value("glom_nuclear_density_per_mm2") * sum(&tufts) * um2 / 1e6;
    assert!(close(tuft_nuclei, density, 0.04), "{tuft_nuclei} {density}");
}

/// Nuclei whose centre has a label.
fn nuclei_in(canvas: &Canvas, layer: &str) -> usize {
    let (width, _) = canvas.size();
    let mut sums: BTreeMap<u32, [usize; 3]> = BTreeMap::new();
    for (i, &id) in canvas.labels["nuclei"].data().iter().enumerate().filter(|&(_, &id)| id != 0) {
        let s = sums.entry(id).or_default();
        *s = [s[0] + 1, s[1] + i % width, s[2] + i / width];
    }
    sums.values().filter(|s| canvas.labels[layer].at(s[1] / s[0], s[2] / s[0]) != 0).count()
}

#[test]
fn structures_lie_where_they_belong() {
    let (canvas, _) = painted(1500, 0.75, 6, &[]);
    let layer = |name: &str| canvas.labels[name].data();
    for (i, &tubule) in layer("tubules").iter().enumerate() {
        let (glomerulus, tuft, lumen) = (layer("glomeruli")[i], layer("tufts")[i], layer("lumina")[i]);
        assert!(tubule == 0 || glomerulus == 0, "pixel {i} is tubule and glomerulus");
        assert!(tuft == 0 || tuft == glomerulus, "pixel {i} is tuft of another glomerulus");
        assert!(lumen == 0 || lumen == tubule, "pixel {i} is lumen of another tubule");
    }
    let ids: BTreeSet<u32> = layer("nuclei").iter().copied().filter(|&id| id != 0).collect();
    assert!(ids.len() > 1000, "{}", ids.len());
}

#[test]
fn healthy_tissue_is_in_its_ranges() {
    fn t(truth: &Truth, name: &str, low: f64, high: f64) {
        let value = truth.features[name];
        assert!((low..=high).contains(&value), "{name} {value}");
    }
    let (_, truth) = painted(2900, 1.6, 1, &[]);
    t(&truth, "glom_density_per_mm2_cortex", 3.0, 7.0);
    t(&truth, "glom_tuft_area_um2_mean", 5000.0, 9000.0);
    t(&truth, "glom_corpuscle_area_um2_mean", 7000.0, 12_000.0);
    t(&truth, "bowman_space_pct", 10.0, 30.0);
    t(&truth, "glom_area_cv", 0.1, 0.35);
    t(&truth, "glom_nuclei_per_tuft", 35.0, 65.0);
    t(&truth, "glom_nuclear_density_per_mm2", 4500.0, 7500.0);
    t(&truth, "glom_sclerosis_index", 0.0, 0.3);
    t(&truth, "tubule_lumen_eq_diameter_um_median", 8.0, 20.0);
    t(&truth, "tubule_outer_diameter_um_median", 30.0, 55.0);
    t(&truth, "tubule_lumen_area_pct", 10.0, 25.0);
    t(&truth, "tubule_dilated_pct", 0.0, 5.0);
    t(&truth, "kidney_rbc_area_pct", 1.0, 5.0);
    t(&truth, "interstitial_area_pct", 5.0, 16.0);
    t(&truth, "interstitial_leukocytes_per_mm2", 10.0, 80.0);
    let cortex = 100.0 * truth.features["cortex_area_mm2"] / truth.features["tissue_area_mm2"];
    assert!((55.0..70.0).contains(&cortex), "{cortex}");
}

#[test]
fn small_slides_hold_a_glomerulus() {
    fn t(size: u32, mpp: f64, seed: u64, at_least: f64) {
        let (canvas, truth) = painted(size, mpp, seed, &[]);
        assert!(truth.features["glom_count_n"] >= at_least, "{size} {mpp} {seed}");
        assert!(canvas.e.data().iter().any(|&e| e > 15), "{size} {mpp} {seed}");
        assert!(truth.features.values().all(|v| v.is_finite()));
    }
    for seed in 0..6 {
        t(1024, 0.5, seed, 1.0);
        t(64, 0.5, seed, 0.0);
        t(300, 2.0, seed, 1.0);
    }
    t(2048, 0.25, 1, 1.0);
}

#[test]
fn same_picture_at_any_thread_count() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| painted(900, 0.8, 7, &[("inflammation", 400.0), ("casts", 10.0)]))
    };
    let ((a, truth_a), (b, truth_b)) = (run(1), run(3));
    assert_eq!(truth_a, truth_b);
    assert!(a.h == b.h && a.e == b.e && a.rbc == b.rbc && a.labels == b.labels);
    assert!(painted(900, 0.8, 8, &[]).0.h != a.h);
}
