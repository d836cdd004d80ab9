//! The tables that calibration reads: `long.csv` of a run, and a pathologist's grades.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    error::{Error, Result},
    manifest,
    measure::{
        feature::DENOMINATOR,
        sizes::{self, CutOff, Sizes, table::OfSlides},
    },
    score::sampling::{Count, objects, too_few},
    sheet::Table,
    stats::describe::ratio_of_sums,
};

/// Values of slides, and whose they are.
pub(super) struct Long {
    /// Slide id → animal and group.
    slides: BTreeMap<String, (String, String)>,
    /// Slide id → tissue it was scored as.
    tissues: BTreeMap<String, String>,
    /// Slide id, tissue, feature → value.
    values: BTreeMap<(String, String, String), f64>,
    /// The same → what the value is a ratio of.
    denominators: BTreeMap<(String, String, String), f64>,
    /// Sizes of single objects by slide id and tissue.
    sizes: OfSlides,
    /// Slides that the sample sheet excludes.
    excluded: BTreeSet<String>,
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
        let denominator = place(DENOMINATOR).ok();
        let sizes = sizes::table::read(results)?.unwrap_or_default();
        let (slides, tissues, values) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (denominators, excluded) = (BTreeMap::new(), BTreeSet::new());
        let mut own = Self { slides, tissues, values, denominators, sizes, excluded };
        for row in &table.rows {
            let cell = |i: usize| row.cells.get(i).map_or("", String::as_str);
            own.slides
                .entry(cell(slide).to_owned())
                .or_insert_with(|| (cell(animal).to_owned(), cell(group).to_owned()));
            own.tissues.entry(cell(slide).to_owned()).or_insert_with(|| cell(tissue).to_owned());
            if let Some(v) = cell(value).parse::<f64>().ok().filter(|v| v.is_finite()) {
                let key = (cell(slide).to_owned(), cell(tissue).to_owned(), cell(feature).to_owned());
                let of = denominator.and_then(|i| cell(i).parse::<f64>().ok()).filter(|d| *d >= 0.0);
                own.denominators.extend(of.map(|d| (key.clone(), d)));
                own.values.insert(key, v);
            }
        }
        if let Some(path) = manifest {
            for sample in manifest::read_key(path)? {
                if sample.exclude.is_some() {
                    own.leave_out(&sample.slide_id);
                } else if let Some(slide) = own.slides.get_mut(&sample.slide_id) {
                    *slide = (sample.animal_id, sample.group);
                }
            }
        }
        Ok(own)
    }

    fn leave_out(&mut self, slide: &str) {
        if self.slides.remove(slide).is_some() {
            self.excluded.insert(slide.to_owned());
        }
        self.tissues.remove(slide);
        self.values.retain(|key, _| key.0 != slide);
        self.sizes.retain(|key, _| key.0 != slide);
    }

    pub(super) fn groups(&self) -> BTreeSet<&str> {
        self.slides.values().map(|(_, group)| group.as_str()).filter(|g| !g.is_empty()).collect()
    }

    pub(super) fn animals(&self, group: &str) -> BTreeSet<&str> {
        self.slides.values().filter(|(_, g)| g == group).map(|(animal, _)| animal.as_str()).collect()
    }

    /// The tissues that slides were scored as.
    pub(super) fn tissues(&self) -> BTreeSet<&str> {
        self.tissues.values().map(String::as_str).collect()
    }

    pub(super) fn is_of(&self, slide: &str, tissue: &str) -> bool {
        self.tissues.get(slide).is_some_and(|own| own == tissue)
    }

    /// Whether the sample sheet leaves a slide of the results out.
    pub(super) fn is_excluded(&self, slide: &str) -> bool {
        self.excluded.contains(slide)
    }

    /// The slides of a group that were scored as this tissue.
    pub(super) fn slides(&self, group: &str, tissue: &str) -> BTreeSet<&str> {
        let of_group =
            self.slides.iter().filter(|(_, (_, own))| own == group).map(|(slide, _)| slide.as_str());
        of_group.filter(|slide| self.is_of(slide, tissue)).collect()
    }

    /// Whether the results, or the sample sheet, name the animal of a slide.
    pub(super) fn is_named(&self, slide: &str) -> bool {
        self.slides.get(slide).is_some_and(|(animal, _)| !animal.is_empty())
    }

    /// The animal of a slide; the slide itself where no animal is named.
    pub(super) fn animal<'a>(&'a self, slide: &'a str) -> Option<&'a str> {
        self.slides.get(slide).map(|(animal, _)| if animal.is_empty() { slide } else { animal.as_str() })
    }

    pub(super) fn of_slide(&self, slide: &str, tissue: &str, feature: &str) -> Option<f64> {
        self.values.get(&(slide.to_owned(), tissue.to_owned(), feature.to_owned())).copied()
    }

    /// How much of something a slide holds, as its grades count it.
    pub(super) fn counted(&self, slide: &str, tissue: &str, feature: &str, by: Count) -> Option<f64> {
        let key = (slide.to_owned(), tissue.to_owned(), feature.to_owned());
        let value = *self.values.get(&key)?;
        match by {
            Count::Value => Some(value),
            Count::Objects => Some(objects(feature, value, *self.denominators.get(&key)?)),
        }
    }

    /// One value per animal of a group, as when groups are compared (of shares, rates and means the ratio of sums over its slides, of
    /// others the mean), and the number of animals left out for having too little to be graded by it.
    pub(super) fn of_animals(&self, group: &str, tissue: &str, feature: &str) -> (Vec<f64>, usize) {
        let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (slide, (animal, _)) in self.slides.iter().filter(|(_, (_, own))| own == group) {
            of.entry(animal).or_default().push(slide);
        }
        let found = |of: &BTreeMap<(String, String, String), f64>, slides: &[&str], name: &str| -> Vec<f64> {
            let key = |slide: &str| (slide.to_owned(), tissue.to_owned(), name.to_owned());
            slides.iter().filter_map(|slide| of.get(&key(slide)).copied()).collect()
        };
        let values = |slides: &[&str], name: &str| found(&self.values, slides, name);
        of.retain(|_, slides| !values(slides, feature).is_empty());
        let all = of.len();
        of.retain(|_, slides| {
            let counted = |name: &'static str, by: Count| {
                let found: Vec<f64> =
                    slides.iter().filter_map(|slide| self.counted(slide, tissue, name, by)).collect();
                (!found.is_empty()).then(|| found.iter().sum())
            };
            too_few(tissue, feature, counted).is_none()
        });
        let of_animal = |slides: &Vec<&str>| {
            ratio_of_sums(&values(slides, feature), &found(&self.denominators, slides, feature))
        };
        (of.values().map(of_animal).collect(), all - of.len())
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
                let key = (slide.clone(), of.clone(), feature.to_owned());
                self.denominators.insert(key.clone(), share.denominator);
                self.values.insert(key, share.value);
            }
        }
    }
}
