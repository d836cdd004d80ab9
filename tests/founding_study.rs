//! The founding study without pixels: five groups of six animals with two slides of three tissues, effects planted large in
//! the pancreas, middling in the liver and small in the kidney. Order, sign and recovery come back.

#![allow(clippy::unwrap_used, clippy::expect_used)]

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
                animals: vec![format!("{group} {i}")],
                ..Subject::default()
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
    let cohort = Cohort { subjects, endpoints, exclusions: Vec::new(), slides: 180, ..Cohort::default() };
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

/// The same study from slides: painted, scored blind and compared by the program. It takes minutes. `HISTOGRADE_FOUNDING=FOLDER` keeps
/// what it made.
mod from_slides {
    use std::{
        collections::BTreeMap,
        fmt::Write as _,
        fs,
        path::{Path, PathBuf},
    };

    use assert_cmd::Command;
    use histograde::{
        Mpp,
        phantom::{PAINTERS, Painter, render::Appearance, write::write_slide},
    };
    use rayon::prelude::*;

    use super::GROUPS;

    const ANIMALS: usize = 6;
    const SLIDES: usize = 2;
    /// How far an animal lies from its group, as a share of the disease's change.
    const OWN: [f64; ANIMALS] = [-0.10, 0.06, -0.03, 0.10, 0.02, -0.05];

    /// Lesion, amount in health, amount in disease, and whether treatment helps.
    type Change = (&'static str, f64, f64, bool);

    /// Tissue, side in pixels, primary endpoint, changes: large in the pancreas, mixed in the liver (fat goes, inflammation stays), small in the kidney.
    const DISEASE: [(&str, u32, &str, &[Change]); 3] = [
        (
            "pancreas",
            // Islets are few: a smaller piece of tissue holds three or four.
            2816,
            "islet_area_pct",
            &[
                ("islet_density", 4.0, 2.5, true),
                ("islet_size", 125.0, 85.0, true),
                ("islet_vacuolation", 0.3, 10.0, true),
                ("acinar_vacuolation", 0.3, 6.0, true),
            ],
        ),
        (
            "liver",
            1280,
            "fat_area_pct",
            &[("steatosis_macro", 1.0, 18.0, true), ("inflammation", 0.0, 3.0, false)],
        ),
        ("kidney", 1280, "tubule_vacuolated_pct", &[("tubular_vacuolation", 4.0, 7.0, true)]),
    ];

    fn amounts(painter: &Painter, changes: &[Change], share: f64, animal: usize) -> Vec<(&'static str, f64)> {
        let amount = |&(name, healthy, diseased, treatable): &Change| {
            let left = if treatable || share == 0.0 { share } else { 1.0 };
            let knob = painter.knobs.iter().find(|k| k.name == name).unwrap();
            let value = healthy + (diseased - healthy) * (left + OWN[animal]);
            (knob.name, value.clamp(knob.range.0, knob.range.1))
        };
        changes.iter().map(amount).collect()
    }

    /// A slide of the study.
    struct Wanted {
        /// Its tissue's row in [`DISEASE`].
        tissue: usize,
        group: usize,
        animal: usize,
        slide: usize,
    }

    impl Wanted {
        fn name(&self) -> String {
            let Self { tissue, group, animal, slide } = self;
            format!("slides/{}_{group}_{animal}_{slide}.svs", DISEASE[*tissue].0)
        }

        /// Paints it and returns the true value of its tissue's primary endpoint.
        fn paint(&self, folder: &Path) -> f64 {
            let (tissue, side_px, feature, changes) = DISEASE[self.tissue];
            let painter = PAINTERS.iter().copied().find(|p| p.organ == tissue).unwrap();
            let seed = (self.tissue * 10_000 + self.group * 1000 + self.animal * 10 + self.slide) as u64;
            let amounts = amounts(painter, changes, GROUPS[self.group].1, self.animal);
            let request = painter.request(side_px, Mpp::square(0.5).unwrap(), seed, &amounts).unwrap();
            let out = folder.join(self.name());
            let made = write_slide(painter, &request, &Appearance::default(), &out).unwrap();
            made.values.features.get(feature).copied().unwrap_or(f64::NAN)
        }
    }

    /// All slides, in the order of the sheet.
    fn wanted() -> Vec<Wanted> {
        let number = |i: usize| Wanted {
            tissue: i / (SLIDES * ANIMALS * GROUPS.len()),
            group: i / (SLIDES * ANIMALS) % GROUPS.len(),
            animal: i / SLIDES % ANIMALS,
            slide: i % SLIDES,
        };
        (0..DISEASE.len() * GROUPS.len() * ANIMALS * SLIDES).map(number).collect()
    }

    /// Returns the true group means of each primary endpoint.
    fn paint(folder: &Path) -> BTreeMap<(String, String), Vec<f64>> {
        let mut sheet = "slide,animal_id,group,tissue\n".to_owned();
        let mut truth: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
        fs::create_dir_all(folder.join("slides")).unwrap();
        let all = wanted();
        // Side by side: painting one keeps two processors busy in parts only.
        let values: Vec<f64> = all.par_iter().map(|slide| slide.paint(folder)).collect();
        for (slide, value) in all.iter().zip(values) {
            let (tissue, group) = (DISEASE[slide.tissue].0, GROUPS[slide.group].0);
            truth.entry((tissue.into(), group.into())).or_default().push(value);
            writeln!(sheet, "{},{group} {},{group},{tissue}", slide.name(), slide.animal).unwrap();
        }
        fs::write(folder.join("samples.csv"), sheet).unwrap();
        let groups = GROUPS.map(|(g, _)| format!("'{g}'")).join(", ");
        let mut study = format!("groups = [{groups}]\nnormal = 'normal'\ndisease = 'diabetic'\n[primary]\n");
        for (tissue, _, feature, _) in DISEASE {
            writeln!(study, "{tissue} = '{feature}'").unwrap();
        }
        study += "[doses]\ndiabetic = 0\n'sEV 0.5' = 0.5\n'sEV 1' = 1\n";
        fs::write(folder.join("study.toml"), study).unwrap();
        truth
    }

    fn table(path: PathBuf) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(path).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    }

    #[test]
    fn effects_come_back_from_slides() {
        let folder = std::env::var_os("HISTOGRADE_FOUNDING").map(PathBuf::from);
        let temporary = tempfile::tempdir().unwrap();
        let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
        fs::create_dir_all(&folder).unwrap();
        let truth = paint(&folder);
        let run = ["run", "--manifest", "samples.csv", "--study", "study.toml", "-o", "results"];
        Command::cargo_bin("histograde").unwrap().current_dir(&folder).args(run).assert().success();
        let out = folder.join("results/comparison");
        let mean = |tissue: &str, group: &str| {
            let values = &truth[&(tissue.to_owned(), group.to_owned())];
            values.iter().sum::<f64>() / values.len() as f64
        };
        let contrasts = table(out.join("stats_contrasts.csv"));
        let recovery = table(out.join("recovery.csv"));
        let (mut held, mut given) = (0, 0);
        for (tissue, _, feature, _) in DISEASE {
            let own = |rows: &[BTreeMap<String, String>]| -> Vec<BTreeMap<String, String>> {
                rows.iter().filter(|r| r["tissue"] == tissue && r["feature"] == feature).cloned().collect()
            };
            for r in own(&contrasts).iter().filter(|r| r["family_id"] == "vs_disease") {
                let true_difference = mean(tissue, &r["group_a"]) - mean(tissue, "diabetic");
                println!(
                    "{tissue} {feature} {}: {} ({} to {}), p {}; true {true_difference:.3}",
                    r["contrast"], r["estimate"], r["ci_lo"], r["ci_hi"], r["p_adj"]
                );
                let estimate: f64 = r["estimate"].parse().unwrap();
                assert!(estimate * true_difference > 0.0, "{tissue} {}", r["contrast"]);
            }
            let (normal, diseased) = (mean(tissue, "normal"), mean(tissue, "diabetic"));
            for r in own(&recovery) {
                let expected = 100.0 * (diseased - mean(tissue, &r["group"])) / (diseased - normal);
                println!(
                    "{tissue} recovery {}: {} ({} to {}) {}; true {expected:.0}",
                    r["group"], r["recovery_pct"], r["ci_lo"], r["ci_hi"], r["suppressed"]
                );
                if let (Ok(lo), Ok(hi)) = (r["ci_lo"].parse::<f64>(), r["ci_hi"].parse::<f64>()) {
                    given += 1;
                    held += usize::from(lo <= expected && expected <= hi);
                }
            }
        }
        println!("recovery intervals hold the truth in {held} of {given}");
        // As the README says: of three treatments in three tissues.
        assert_eq!((held, given), (9, 9));
        let value = |group: &str| -> f64 {
            let row =
                recovery.iter().find(|r| r["feature"] == "islet_area_pct" && r["group"] == group).unwrap();
            row["recovery_pct"].parse().unwrap()
        };
        assert!(value("sEV 0.5") < value("MSC") && value("MSC") < value("sEV 1"), "order in the pancreas");
    }
}
