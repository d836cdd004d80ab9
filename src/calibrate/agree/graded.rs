//! What a run says of slides that a pathologist read.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    error::{Error, Result},
    manifest,
    sheet::Table,
};

/// Grades and scores of `slides.csv`.
pub(super) struct Graded {
    /// Slide id → tissue, and values by column.
    pub(super) slides: BTreeMap<String, (String, BTreeMap<String, f64>)>,
    /// Slide id → animal, where it is named.
    animals: BTreeMap<String, String>,
    /// Slides that the sample sheet excludes.
    excluded: BTreeSet<String>,
}

impl Graded {
    /// Reads the results of a run; a sample sheet says whose the slides are, and which are left out.
    pub(super) fn read(path: &Path, sheet: Option<&Path>) -> Result<Self> {
        let table = Table::read(path)?;
        let place = |name: &str| {
            table.heading.iter().position(|h| h == name).ok_or_else(|| {
                let expected = format!("{name}, as histograde score writes it");
                Error::config("slides.csv row 1, column", expected, table.heading.join(", "))
            })
        };
        let (slide, tissue) = (place("slide_id")?, place("tissue")?);
        let animal = table.heading.iter().position(|h| h == "animal_id");
        let (mut slides, mut animals) = (BTreeMap::new(), BTreeMap::new());
        for row in &table.rows {
            let cell = |i: usize| row.cells.get(i).map_or("", String::as_str);
            let wanted = |h: &str| h.ends_with("_grade") || h.ends_with("_score");
            let values = table.heading.iter().enumerate().filter(|(_, h)| wanted(h));
            let values = values.filter_map(|(i, h)| Some((h.clone(), cell(i).parse::<f64>().ok()?)));
            slides.insert(cell(slide).to_owned(), (cell(tissue).to_owned(), values.collect()));
            if let Some(name) = animal.map(cell).filter(|name| !name.is_empty()) {
                animals.insert(cell(slide).to_owned(), name.to_owned());
            }
        }
        let mut own = Self { slides, animals, excluded: BTreeSet::new() };
        own.name(sheet)?;
        Ok(own)
    }

    fn name(&mut self, sheet: Option<&Path>) -> Result<()> {
        for sample in sheet.map(manifest::read_key).transpose()?.unwrap_or_default() {
            if sample.exclude.is_none() {
                self.animals.insert(sample.slide_id, sample.animal_id);
            } else if self.slides.remove(&sample.slide_id).is_some() {
                self.excluded.insert(sample.slide_id);
            }
        }
        Ok(())
    }

    /// Returns whether the sample sheet leaves a slide of the results out.
    pub(super) fn is_excluded(&self, slide: &str) -> bool {
        self.excluded.contains(slide)
    }

    /// The tissues that slides were scored as.
    pub(super) fn tissues(&self) -> BTreeSet<&str> {
        self.slides.values().map(|(tissue, _)| tissue.as_str()).collect()
    }

    /// The animal of a slide, where it is named.
    pub(super) fn animal(&self, slide: &str) -> Option<&str> {
        self.animals.get(slide).map(String::as_str)
    }

    /// Grade and score of a lesion on a slide.
    pub(super) fn of(&self, slide: &str, tissue: &str, lesion: &str) -> Option<(u8, f64)> {
        let (own, values) = self.slides.get(slide)?;
        let value = |ending: &str| values.get(&format!("{lesion}_{ending}")).copied();
        (own == tissue).then_some(())?;
        Some((value("grade")?.round() as u8, value("score")?))
    }
}
