//! The demonstration study: phantoms of three tissues, a normal group, a diabetic one and two treated ones.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use histograde::{
    Error, Mpp, Result,
    phantom::{Knob, PAINTERS, Painter, render::Appearance, write::write_slide},
    report::{index_page::Truth, partial::write_whole},
    watch::Watch,
};
use rayon::prelude::*;

use crate::cli::output::{Kind, may_replace};

/// How large the study is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Animals in each group.
    pub(super) animals: u32,
    /// Side of a slide, in pixels.
    pub(super) side_px: u32,
}

/// Pixel size of every slide, in µm.
const MPP: f64 = 0.5;
/// Groups, and how much of the disease each has: 0 none, 1 full.
const GROUPS: &[(&str, f64)] =
    &[("normal", 0.0), ("diabetic", 1.0), ("treated-low", 0.65), ("treated-high", 0.3)];
/// How far an animal's amounts lie from its group's, as a share of the change from healthy: one step per animal.
const SPREAD: &[f64] = &[0.0, -0.15, 0.15, -0.08, 0.08];

/// A lesion's name, its amount in a normal animal and in a diabetic one.
type Change = (&'static str, f64, f64);

/// What the disease does. Amounts are chosen to show, not to claim.
const DISEASE: &[(&str, &[Change])] = &[
    (
        "liver",
        &[
            ("steatosis_macro", 1.0, 18.0),
            ("steatosis_micro", 0.0, 5.0),
            ("inflammation", 0.0, 3.0),
            ("congestion", 2.0, 5.0),
        ],
    ),
    (
        "kidney",
        &[
            ("glomerular_size", 1.0, 1.25),
            ("bowman_space", 18.0, 30.0),
            ("sclerosis", 0.0, 20.0),
            ("tubular_dilation", 1.0, 20.0),
            ("tubular_vacuolation", 1.0, 30.0),
            ("casts", 0.5, 8.0),
            ("inflammation", 30.0, 300.0),
        ],
    ),
    (
        "pancreas",
        &[
            ("islet_density", 4.0, 2.5),
            ("islet_size", 125.0, 85.0),
            ("islet_vacuolation", 0.3, 10.0),
            ("islet_pyknosis", 0.5, 12.0),
            ("acinar_vacuolation", 0.3, 6.0),
            ("gaps", 8.0, 18.0),
        ],
    ),
];

/// What was decided before the slides were scored.
const DESCRIPTION: &str = "\
groups = [\"normal\", \"diabetic\", \"treated-low\", \"treated-high\"]
normal = \"normal\"
disease = \"diabetic\"

# One primary endpoint per tissue; all others are exploratory.
[primary]
liver = \"fat_area_pct\"
kidney = \"tubule_vacuolated_pct\"
pancreas = \"islet_area_pct\"

# The dose ladder: diseased animals got 0.
[doses]
diabetic = 0
treated-low = 0.5
treated-high = 1
";

/// One slide of the study.
struct Animal {
    painter: &'static Painter,
    group: &'static str,
    severity: f64,
    id: String,
    seed: u64,
}

/// The study on disk.
pub(super) struct Study {
    pub(super) sheet: PathBuf,
    /// `study.toml`.
    pub(super) description: PathBuf,
    pub(super) slides: usize,
    /// True values by slide id.
    pub(super) truth: BTreeMap<String, Truth>,
}

/// Refuses a folder that holds another study, whose sample sheet or description would be written over, or results of slides.
///
/// # Errors
///
/// [`Error::Config`] naming the file.
pub(super) fn own(folder: &Path, size: Size) -> Result<()> {
    // Phantoms among the slides of someone's results would pass for results.
    let of_score = ["run.json", "long.csv", "store"].map(|name| folder.join(name));
    if let Some(path) = of_score.iter().find(|path| path.exists()) {
        let got = format!("{}, which holds results; choose another", path.display());
        return Err(Error::config("--output", "a new folder, or one of demo alone", got));
    }
    let sheet = sample_sheet(&animals(size.animals));
    [("samples.csv", sheet.as_str()), ("study.toml", DESCRIPTION)]
        .into_iter()
        .try_for_each(|(name, text)| may_replace("--output", &folder.join(name), Kind::Text(text)))
}

/// Paints every slide into `folder`/slides and writes `folder`/samples.csv and `folder`/study.toml.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be written; [`Error::Interrupted`] when `watch` was stopped.
pub(super) fn make(folder: &Path, size: Size, watch: &Watch, told: impl Fn(&str) + Sync) -> Result<Study> {
    let animals = animals(size.animals);
    let slides = folder.join("slides");
    fs::create_dir_all(&slides).map_err(Error::io("create", &slides))?;
    let truth = animals
        .par_iter()
        .map(|animal| {
            watch.check()?;
            let truth = paint(animal, size.side_px, &slides)?;
            told(&animal.id);
            Ok((animal.id.clone(), truth))
        })
        .collect::<Result<BTreeMap<_, _>>>()?;
    let sheet = folder.join("samples.csv");
    write_whole(&sheet, sample_sheet(&animals).as_bytes())?;
    let description = folder.join("study.toml");
    write_whole(&description, DESCRIPTION.as_bytes())?;
    Ok(Study { sheet, description, slides: animals.len(), truth })
}

fn animals(per_group: u32) -> Vec<Animal> {
    let mut animals = Vec::new();
    for (organ, &painter) in (1_u64..).zip(PAINTERS) {
        for (arm, &(group, severity)) in (1_u64..).zip(GROUPS) {
            for n in 1..=per_group {
                let spread = SPREAD[(n as usize - 1) % SPREAD.len()];
                animals.push(Animal {
                    painter,
                    group,
                    severity: severity * (1.0 + spread),
                    id: format!("{}_{group}_{n}", painter.organ),
                    seed: organ * 10_000 + arm * 100 + u64::from(n),
                });
            }
        }
    }
    animals
}

fn paint(animal: &Animal, side_px: u32, folder: &Path) -> Result<Truth> {
    let mpp = Mpp::square(MPP).ok_or_else(|| Error::config("mpp", "a number above 0", MPP))?;
    let request = animal.painter.request(side_px, mpp, animal.seed, &amounts(animal))?;
    let out = folder.join(format!("{}.svs", animal.id));
    Ok(write_slide(animal.painter, &request, &Appearance::default(), &out)?.values.features)
}

/// Returns each lesion's amount: between normal and diabetic by the animal's severity.
fn amounts(animal: &Animal) -> Vec<(&'static str, f64)> {
    let changes = DISEASE.iter().find(|(organ, _)| *organ == animal.painter.organ).map_or(&[][..], |d| d.1);
    changes
        .iter()
        .filter_map(|&(name, normal, diabetic)| {
            let knob = knob(animal.painter, name)?;
            let amount = normal + (diabetic - normal) * animal.severity;
            Some((knob.name, amount.clamp(knob.range.0, knob.range.1)))
        })
        .collect()
}

fn knob(painter: &'static Painter, name: &str) -> Option<&'static Knob> {
    painter.knobs.iter().find(|k| k.name == name)
}

/// An animal gave one slide of each tissue, so the same animal stands in three rows.
fn sample_sheet(animals: &[Animal]) -> String {
    let mut sheet = String::from("slide,slide_id,animal_id,group,tissue\n");
    for animal in animals {
        let number = animal.id.rsplit('_').next().unwrap_or_default();
        let Animal { id, group, painter, .. } = animal;
        sheet.push_str(&format!("slides/{id}.svs,{id},{group}-{number},{group},{}\n", painter.organ));
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lesion_of_the_study_can_be_painted() {
        for (organ, lesions) in DISEASE {
            let painter = PAINTERS.iter().find(|p| p.organ == *organ).unwrap();
            for (name, normal, diabetic) in *lesions {
                let knob = knob(painter, name).unwrap_or_else(|| panic!("{organ}: no lesion {name}"));
                for amount in [normal, diabetic] {
                    assert!((knob.range.0..=knob.range.1).contains(amount), "{organ} {name} {amount}");
                }
                assert!(normal != diabetic, "{organ} {name} does not change");
            }
        }
    }

    #[test]
    fn animals_of_a_group_differ_and_ids_are_unique() {
        let animals = animals(3);
        assert_eq!(animals.len(), PAINTERS.len() * GROUPS.len() * 3);
        let mut ids: Vec<&str> = animals.iter().map(|a| a.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), animals.len());
        assert!(
            sample_sheet(&animals).contains(
                "slides/liver_treated-low_2.svs,liver_treated-low_2,treated-low-2,treated-low,liver"
            )
        );
    }
}
