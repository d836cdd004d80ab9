//! The tables that calibration reads: `long.csv` of a run, and a pathologist's grades.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    error::{Error, Result},
    manifest,
    measure::sizes::{self, CutOff, Sizes, table::OfSlides},
    organ::ORGANS,
    score::rubric::Rubric,
    sheet::Table,
    stats::describe::mean,
    words::did_you_mean,
};

/// Values of slides, and whose they are.
pub(super) struct Long {
    /// Slide id → animal and group.
    slides: BTreeMap<String, (String, String)>,
    /// Slide id, tissue, feature → value.
    values: BTreeMap<(String, String, String), f64>,
    /// Sizes of single objects by slide id and tissue.
    sizes: OfSlides,
}

impl Long {
    pub(super) fn read(results: &Path, manifest: Option<&Path>) -> Result<Self> {
        let table = Table::read(&results.join("long.csv"))?;
        let place = |name: &str| {
            table.heading.iter().position(|h| h == name).ok_or_else(|| {
                let expected = format!("{name}, as histograde score writes it");
                Error::config("long.csv row 1, column", expected, table.heading.join(", "))
            })
        };
        let [tissue, feature, value, slide] =
            [place("tissue")?, place("feature")?, place("value")?, place("slide_id")?];
        let [animal, group] = [place("animal_id")?, place("group")?];
        let sizes = sizes::table::read(results)?.unwrap_or_default();
        let mut own = Self { slides: BTreeMap::new(), values: BTreeMap::new(), sizes };
        for row in &table.rows {
            let cell = |i: usize| row.cells.get(i).map_or("", String::as_str);
            own.slides
                .entry(cell(slide).to_owned())
                .or_insert_with(|| (cell(animal).to_owned(), cell(group).to_owned()));
            if let Some(v) = cell(value).parse::<f64>().ok().filter(|v| v.is_finite()) {
                let key = (cell(slide).to_owned(), cell(tissue).to_owned(), cell(feature).to_owned());
                own.values.insert(key, v);
            }
        }
        if let Some(path) = manifest {
            for sample in manifest::read_key(path)?.into_iter().filter(|s| s.exclude.is_none()) {
                if let Some(slide) = own.slides.get_mut(&sample.slide_id) {
                    *slide = (sample.animal_id, sample.group);
                }
            }
        }
        Ok(own)
    }

    pub(super) fn groups(&self) -> BTreeSet<&str> {
        self.slides.values().map(|(_, group)| group.as_str()).filter(|g| !g.is_empty()).collect()
    }

    pub(super) fn animals(&self, group: &str) -> BTreeSet<&str> {
        self.slides.values().filter(|(_, g)| g == group).map(|(animal, _)| animal.as_str()).collect()
    }

    /// The animal of a slide; the slide itself where no animal is named.
    pub(super) fn animal<'a>(&'a self, slide: &'a str) -> Option<&'a str> {
        self.slides.get(slide).map(|(animal, _)| if animal.is_empty() { slide } else { animal.as_str() })
    }

    pub(super) fn of_slide(&self, slide: &str, tissue: &str, feature: &str) -> Option<f64> {
        self.values.get(&(slide.to_owned(), tissue.to_owned(), feature.to_owned())).copied()
    }

    /// One value per animal of a group: the mean of its slides.
    pub(super) fn of_animals(&self, group: &str, tissue: &str, feature: &str) -> Vec<f64> {
        let mut of: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (slide, (animal, own)) in &self.slides {
            if own == group {
                of.entry(animal).or_default().extend(self.of_slide(slide, tissue, feature));
            }
        }
        of.into_values().filter(|v| !v.is_empty()).map(|v| mean(&v)).collect()
    }
}

impl Long {
    /// Returns tissue and feature of all sizes, each once.
    pub(super) fn sized(&self) -> BTreeSet<(&'static str, &'static str)> {
        self.sizes.values().map(Sizes::of).collect()
    }

    /// Returns the sizes of each animal of a group.
    pub(super) fn sizes_of_animals(&self, group: &str, tissue: &str) -> Vec<Vec<&Sizes>> {
        let mut of: BTreeMap<&str, Vec<&Sizes>> = BTreeMap::new();
        for (slide, (animal, _)) in self.slides.iter().filter(|(_, (_, own))| own == group) {
            of.entry(animal).or_default().extend(self.sizes.get(&(slide.clone(), tissue.to_owned())));
        }
        of.into_values().collect()
    }

    /// Measures the share beyond a cut-off on every slide with sizes.
    pub(super) fn measure(&mut self, tissue: &str, feature: &str, cut_off: &CutOff) {
        for ((slide, of), sizes) in self.sizes.iter().filter(|((_, of), _)| of == tissue) {
            if let Ok(share) = cut_off.share(sizes) {
                self.values.insert((slide.clone(), of.clone(), feature.to_owned()), share.value);
            }
        }
    }
}

/// Grades of one lesion.
pub(super) struct Read {
    pub(super) tissue: &'static str,
    pub(super) lesion: String,
    /// Slide id and grade.
    pub(super) grades: Vec<(String, f64)>,
}

/// Reads grades: one row per slide with a column per lesion, or one row per slide and lesion (`slide_id, lesion, grade`).
pub(super) fn reads(path: &Path, rubric: &Rubric) -> Result<Vec<Read>> {
    let table = Table::read(path)?;
    let place = |name: &str| table.heading.iter().position(|h| h.eq_ignore_ascii_case(name));
    let slide = place("slide_id").ok_or_else(|| {
        Error::config(format!("{} row 1, column", table.name), "slide_id", table.heading.join(", "))
    })?;
    let mut grades: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    let cell = |row: &crate::sheet::Row, i: usize| row.cells.get(i).cloned().unwrap_or_default();
    let grade = |row: &crate::sheet::Row, i: usize, name: &str| -> Result<Option<f64>> {
        let text = cell(row, i);
        if text.is_empty() {
            return Ok(None);
        }
        let value = text.parse::<f64>().ok().filter(|v| (0.0..=10.0).contains(v));
        let fault = || table.fault(row.number, name, "a grade, 0 or more", format!("{text:?}"));
        value.map(Some).ok_or_else(fault)
    };
    if let (Some(lesion), Some(column)) = (place("lesion"), place("grade")) {
        for row in &table.rows {
            if let Some(g) = grade(row, column, "grade")? {
                grades.entry(cell(row, lesion)).or_default().push((cell(row, slide), g));
            }
        }
    } else {
        let others = ["animal_id", "group", "reader", "tissue", "notes"];
        for (i, name) in table.heading.iter().enumerate() {
            if i == slide || others.iter().any(|o| name.eq_ignore_ascii_case(o)) {
                continue;
            }
            for row in &table.rows {
                if let Some(g) = grade(row, i, name)? {
                    let lesion = name.strip_suffix("_grade").unwrap_or(name).to_owned();
                    grades.entry(lesion).or_default().push((cell(row, slide), g));
                }
            }
        }
    }
    named(&table.name, grades, rubric)
}

/// Finds the tissue of each lesion.
fn named(table: &str, grades: BTreeMap<String, Vec<(String, f64)>>, rubric: &Rubric) -> Result<Vec<Read>> {
    let known: Vec<(&'static str, &str)> =
        ORGANS.iter().flat_map(|o| rubric.lesions(o).iter().map(|l| (o.name, l.id.as_str()))).collect();
    let mut out = Vec::new();
    for (lesion, grades) in grades {
        // `kidney.congestion` where two tissues share a name.
        let (tissue, id) = lesion.split_once('.').map_or((None, lesion.as_str()), |(t, id)| (Some(t), id));
        let fits: Vec<_> = known.iter().filter(|(t, k)| *k == id && tissue.is_none_or(|w| w == *t)).collect();
        match fits[..] {
            [(tissue, id)] => out.push(Read { tissue, lesion: (*id).to_owned(), grades }),
            [] => {
                let got = did_you_mean(&lesion, known.iter().map(|(_, id)| *id));
                return Err(Error::config(format!("{table}, lesion"), "a lesion of the rubric", got));
            }
            _ => {
                let expected = "its tissue in front, as in kidney.congestion";
                return Err(Error::config(format!("{table}, lesion"), expected, lesion));
            }
        }
    }
    Ok(out)
}
