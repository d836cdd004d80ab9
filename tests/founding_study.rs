//! The founding study without pixels: five groups of six animals with two slides of three tissues, effects planted large in
//! the pancreas, middling in the liver and small in the kidney. Order, sign and recovery come back.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use histograde::{
    cohort::{
        compare,
        compare::Comparison,
        subjects::{Cohort, Endpoint, Subject},
    },
    score::rubric::Rubric,
    stats::distribution::normal_quantile,
    study::Study,
};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const SEEDS: u64 = 50;
/// Groups with the share of the disease that is left.
const GROUPS: [(&str, f64); 5] =
    [("normal", 0.0), ("diabetic", 1.0), ("MSC", 0.4), ("sEV 0.5", 0.7), ("sEV 1", 0.3)];
/// Tissue, endpoint, normal mean, change in disease in standard deviations between animals.
const TISSUES: [(&str, &str, f64, f64); 3] = [
    ("pancreas", "islet_area_pct", 12.0, -6.0),
    ("liver", "steatotic_hepatocyte_pct", 10.0, 4.0),
    ("kidney", "tubule_injured_pct", 10.0, 0.8),
];

fn study(seed: u64) -> Comparison {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = |sd: f64| normal_quantile(random.random_range(1e-12..1.0)) * sd;
    let mut subjects = Vec::new();
    for (group, share) in GROUPS {
        for i in 0..6 {
            let mut subject = Subject {
                id: format!("{group} {i}"),
                group: group.into(),
                block: None,
                values: BTreeMap::new(),
                slides: BTreeMap::new(),
            };
            for (tissue, feature, normal, change) in TISSUES {
                let own = normal + change * share + draw(1.0);
                let slides: Vec<f64> = (0..2).map(|_| own + draw(0.5)).collect();
                let endpoint = Endpoint { tissue: tissue.into(), feature: feature.into() };
                subject.values.insert(endpoint.clone(), slides.iter().sum::<f64>() / 2.0);
                subject.slides.insert(endpoint, slides);
            }
            subjects.push(subject);
        }
    }
    let endpoints = TISSUES
        .iter()
        .map(|(t, f, ..)| (Endpoint { tissue: (*t).into(), feature: (*f).into() }, "%".to_owned()))
        .collect();
    let cohort = Cohort { subjects, endpoints, exclusions: Vec::new(), slides: 180 };
    let primary = TISSUES.iter().map(|(t, f, ..)| ((*t).to_owned(), (*f).to_owned())).collect();
    let mut study = Study::default();
    study.groups = GROUPS.map(|(g, _)| g.to_owned()).to_vec();
    study.normal = Some("normal".into());
    study.disease = Some("diabetic".into());
    study.primary = primary;
    compare(cohort, &study, &Rubric::builtin().unwrap(), None)
}

#[test]
fn order_sign_and_recovery_come_back() {
    let (mut covered, mut given, mut signs, mut orders) = (0_u32, 0_u32, 0, 0);
    let mut kidney_suppressed = 0;
    for seed in 0..SEEDS {
        let found = study(seed);
        for (tissue, feature, _, change) in TISSUES {
            let e = found.endpoints.iter().find(|e| e.tissue == tissue && e.feature == feature).unwrap();
            for r in &e.recovery {
                let share = GROUPS.iter().find(|(g, _)| *g == r.group).unwrap().1;
                match (r.value, r.interval) {
                    (Some(_), Some(i)) => {
                        given += 1;
                        covered += u32::from(i.holds(100.0 * (1.0 - share)));
                    }
                    (Some(_), None) => given += 1,
                    (None, _) => kidney_suppressed += usize::from(tissue == "kidney"),
                }
            }
            if tissue == "pancreas" {
                let mean = |g: usize| e.dots[g].iter().map(|d| d.value).sum::<f64>() / 6.0;
                orders += usize::from(mean(1) < mean(3) && mean(3) < mean(2) && mean(2) < mean(0));
                let c = e.family("vs_disease").find(|c| c.a == "sEV 1").unwrap();
                signs += usize::from(c.estimate * change < 0.0 && c.p_adjusted < 0.05);
            }
        }
    }
    println!(
        "recovery intervals hold the truth in {covered} of {given}; signs {signs}, orders {orders} of {SEEDS}"
    );
    println!("kidney: recovery withheld {kidney_suppressed} of {}", 3 * SEEDS);
    assert!(f64::from(covered) >= 0.9 * f64::from(given), "{covered} of {given}");
    assert!(signs as u64 * 10 >= 9 * SEEDS && orders as u64 * 10 >= 8 * SEEDS, "{signs} {orders}");
    // Where disease moves the endpoint by less than two standard deviations there is nothing to recover from.
    assert!(kidney_suppressed as u64 >= 2 * SEEDS, "{kidney_suppressed}");
}
