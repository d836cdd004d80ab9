//! From slides to animals (or cages): the only place where values are averaged.
//!
//! A slide's value is already one number over all its tiles. Of shares, rates and means the animal's value is the ratio of the sums
//! over its slides, so that a fragment weighs no more than it holds (domain.md §4.1.1); of other numbers it is the plain mean of
//! its slides. Either way an animal with many slides weighs no more than one with few. When the unit is the cage, the cage's value is
//! the mean of its animals. Published grades are ordinal: the median stands for them until they are graded on these values
//! ([`super::scores`]), as where the results lack what a grade is read from.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::BufReader,
    path::Path,
};

use super::{
    absent,
    shares::{self, Controls},
};
use crate::{
    error::{Error, Result},
    manifest::Sample,
    measure::{feature::DENOMINATOR, sizes::table},
    organ,
    score::{
        published,
        sampling::{Count, counts_objects, objects},
    },
    stats::describe::{mean, median, ratio_of_sums},
    study::Unit,
};

/// Where a number on one slide belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Tissue, or `physiology`.
    pub tissue: String,
    /// Feature, score or index.
    pub feature: String,
}

/// One experimental unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// Animal or cage.
    pub id: String,
    /// Its group.
    pub group: String,
    /// Its animals: itself, or those of the cage.
    pub animals: Vec<String>,
    /// Its block in each tissue, where the study has one: slides of one animal may be stained on several days.
    pub blocks: BTreeMap<String, String>,
    /// Value of each endpoint that could be measured.
    pub values: BTreeMap<Endpoint, f64>,
    /// Values of its slides (of a cage: of its animals), for figures and variance components.
    pub slides: BTreeMap<Endpoint, Vec<f64>>,
    /// Sums over all its slides, which tell of counts and areas how much was looked at.
    pub totals: BTreeMap<Endpoint, f64>,
    /// Objects that a share or a density rests on, over all its slides, where grades need so many of them.
    pub objects: BTreeMap<Endpoint, f64>,
    /// Severity words of its lesion scores; none until it is scored.
    pub severities: BTreeMap<Endpoint, String>,
}

impl Subject {
    /// Returns how much of something was found over all its slides; `None` where the results do not tell.
    #[must_use]
    pub fn counted(&self, tissue: &str, feature: &str, by: Count) -> Option<f64> {
        let endpoint = Endpoint { tissue: tissue.to_owned(), feature: feature.to_owned() };
        let all = match by {
            Count::Value => &self.totals,
            Count::Objects => &self.objects,
        };
        all.get(&endpoint).copied()
    }

    /// Returns its block in a tissue. What is no tissue (physiology) has the block of all its slides, where that is one.
    #[must_use]
    pub fn block(&self, tissue: &str) -> Option<&str> {
        if organ::find(tissue).is_some() {
            return self.blocks.get(tissue).map(String::as_str);
        }
        let mut all = self.blocks.values();
        let first = all.next()?;
        all.all(|b| b == first).then_some(first)
    }
}

/// Something that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Exclusion {
    /// Tissue.
    pub tissue: String,
    /// Slide.
    pub slide_id: String,
    /// Animal.
    pub animal_id: String,
    /// Group.
    pub group: String,
    /// The feature concerned; empty for the whole slide.
    pub feature: String,
    /// Why.
    pub reason: String,
}

/// Everything measured, by subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cohort {
    /// Subjects in order of group, then of the sheet.
    pub subjects: Vec<Subject>,
    /// Units of the endpoints, in the order they were met.
    pub endpoints: Vec<(Endpoint, String)>,
    /// What was left out.
    pub exclusions: Vec<Exclusion>,
    /// Slides used.
    pub slides: usize,
    /// Slides of the sheet that hold no number, but for those that it leaves out.
    pub absent: Vec<String>,
    /// Remarks on what was read.
    pub notes: Vec<String>,
    /// Whether the results hold what shares, rates and means are of.
    pub by_sums: bool,
    /// Whether slides were scored by another rubric than animals are.
    pub by_another_rubric: bool,
}

impl Cohort {
    /// Forgets what slides were scored, where that was by another rubric than animals are scored with: both must not stand in one
    /// figure, nor in one model. Measurements stay, and published grades that do not depend on the rubric.
    pub fn forget_scores_of_slides(&mut self) {
        let by_rubric = |e: &Endpoint| {
            let item = e.feature.strip_suffix("_grade");
            item.is_some_and(|item| published::follows_field_number(&e.tissue, item))
        };
        // Measurements may be called an index too.
        let is_measured = |e: &Endpoint| {
            organ::find(&e.tissue).is_some_and(|o| o.features.iter().any(|f| f.name == e.feature))
        };
        let is_named = |e: &Endpoint| e.feature.ends_with("_score") || e.feature.ends_with("_index");
        let scored = |e: &Endpoint| is_named(e) && !is_measured(e);
        for subject in &mut self.subjects {
            subject.slides.retain(|e, _| !scored(e) && !by_rubric(e));
            subject.values.retain(|e, _| !by_rubric(e));
        }
        self.by_another_rubric = true;
    }
}

/// How the reason of a slide begins that a sample sheet leaves out.
const LEFT_OUT: &str = "left out by the sample sheet: ";

/// Columns of `long.csv` that are read. That of denominators is missing in results of earlier versions.
const NEEDED: [&str; 6] = ["tissue", "feature", "value", "unit", "slide_id", "missing"];

/// Reads `long.csv` of a results folder and joins it with the key. Shares of objects beyond the controls' are measured here, slide by
/// slide, of what `sizes.csv` holds.
///
/// # Errors
///
/// [`Error::Io`] if a table cannot be read; [`Error::Config`] if it is not what `score` writes, if none of its slides is in
/// the sample sheet, if a feature of one is there twice, or if one was scored as another tissue than the sheet states.
pub fn read(
    folder: &Path,
    samples: &[Sample],
    order: &[String],
    unit: Unit,
    block: impl Fn(&Sample) -> Option<String>,
    controls: &Controls<'_>,
) -> Result<Cohort> {
    let path = folder.join("long.csv");
    let file = File::open(&path).map_err(Error::io("read", &path))?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
    let broken = |e: csv::Error| Error::config("long.csv", "a table in UTF-8", e);
    let heading = reader.headers().map_err(broken)?.clone();
    let mut places = [0; NEEDED.len()];
    for (place, name) in places.iter_mut().zip(NEEDED) {
        *place = heading.iter().position(|h| h == name).ok_or_else(|| {
            let got = heading.iter().collect::<Vec<_>>().join(", ");
            Error::config("long.csv row 1, column", format!("{name}, as histograde score writes it"), got)
        })?;
    }
    let denominators = heading.iter().position(|h| h == DENOMINATOR);
    let by_id: BTreeMap<&str, &Sample> = samples.iter().map(|s| (s.slide_id.as_str(), s)).collect();
    let mut builder = Builder::default();
    let mut mistaken = Mistaken::new();
    let mut seen: BTreeMap<(&str, usize), u64> = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(broken)? {
        let [tissue, feature, value, unit_text, slide, missing] = places.map(|p| record.get(p).unwrap_or(""));
        let Some(sample) = by_id.get(slide) else { continue };
        let row = record.position().map_or(0, csv::Position::line);
        let number = |column: &str, text: &str| match text {
            "" => Ok(None),
            text => text.parse::<f64>().ok().filter(|v| v.abs() < 1e100).map(Some).ok_or_else(|| {
                let what = format!("long.csv row {row}, {column}");
                Error::config(what, "a number or an empty cell", format!("{text:?}"))
            }),
        };
        let parsed = number("value", value)?;
        let denominator = denominators.and_then(|place| record.get(place)).unwrap_or("");
        let denominator = number(DENOMINATOR, denominator)?.filter(|d| *d >= 0.0);
        if tissue != sample.organ.name {
            mistaken.entry(slide.to_owned()).or_insert_with(|| (sample, tissue.to_owned()));
            continue;
        }
        let endpoint = builder.endpoint(tissue, feature, unit_text);
        if let Some(first) = seen.insert((&sample.slide_id, endpoint), row) {
            let what = format!("long.csv row {row}, {feature} of slide {slide}");
            return Err(Error::config(
                what,
                "each feature of a slide once",
                format!("it also in row {first}"),
            ));
        }
        builder.row(sample, endpoint, parsed.map(|v| (v, denominator)), missing);
    }
    mistaken.retain(|slide, _| !builder.slides.contains_key(slide));
    agree(&mistaken)?;
    if builder.slides.is_empty() {
        let expected = "results of slides of the sample sheet";
        return Err(Error::config("long.csv, slide_id", expected, "no slide_id that is in both"));
    }
    shares::measure(&mut builder, samples, table::read(folder)?, controls);
    for s in samples {
        if builder.slides.contains_key(s.slide_id.as_str()) {
            continue;
        }
        let reason = match &s.exclude {
            Some(reason) => format!("{LEFT_OUT}{reason}"),
            None => "no result for this slide".into(),
        };
        builder.exclude(s, "", &reason);
    }
    Ok(builder.finish(samples, order, unit, &block))
}

/// Slides that were scored as another tissue than the sheet states, and as which.
type Mistaken<'a> = BTreeMap<String, (&'a Sample, String)>;

fn agree(mistaken: &Mistaken<'_>) -> Result<()> {
    let Some((slide, (sample, scored))) = mistaken.iter().next() else { return Ok(()) };
    let what = format!("long.csv, tissue of slide {slide}");
    let stated = format!("{} as in row {} of the sample sheet", sample.organ.name, sample.row);
    let more = match mistaken.len() {
        1 => String::new(),
        n => format!(" ({n} slides differ)"),
    };
    Err(Error::config(what, stated, format!("{scored}{more}; correct the sheet, or score the slides by it")))
}

/// What was read, by slide.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) endpoints: Vec<(Endpoint, String)>,
    known: BTreeMap<Endpoint, usize>,
    /// Values of slides by slide id, with the place of their endpoint.
    pub(super) slides: BTreeMap<String, Vec<(usize, f64)>>,
    /// What they are ratios of, by slide id and place.
    pub(super) denominators: BTreeMap<String, BTreeMap<usize, f64>>,
    pub(super) exclusions: Vec<Exclusion>,
    pub(super) notes: Vec<String>,
}

impl Builder {
    /// Returns the place of an endpoint.
    pub(super) fn endpoint(&mut self, tissue: &str, feature: &str, unit: &str) -> usize {
        let endpoint = Endpoint { tissue: tissue.to_owned(), feature: feature.to_owned() };
        if let Some(&place) = self.known.get(&endpoint) {
            return place;
        }
        self.known.insert(endpoint.clone(), self.endpoints.len());
        self.endpoints.push((endpoint, unit.to_owned()));
        self.endpoints.len() - 1
    }

    fn row(&mut self, sample: &Sample, endpoint: usize, value: Option<(f64, Option<f64>)>, missing: &str) {
        if let Some(reason) = &sample.exclude {
            if !self.slides.contains_key(&sample.slide_id) {
                let reason = format!("{LEFT_OUT}{reason}");
                self.exclude(sample, "", &reason);
            }
            self.slides.entry(sample.slide_id.clone()).or_default();
            return;
        }
        let own = self.slides.entry(sample.slide_id.clone()).or_default();
        match value {
            Some((v, denominator)) => {
                own.push((endpoint, v));
                self.divide(sample, endpoint, denominator);
            }
            None => {
                let feature = self.endpoints[endpoint].0.feature.clone();
                // By the sheet that it was scored with; this one does not.
                let then =
                    missing.strip_prefix(LEFT_OUT).map(|why| format!("left out when it was scored: {why}"));
                self.exclude(sample, &feature, then.as_deref().unwrap_or(missing));
            }
        }
    }

    /// Keeps what a value of a slide is a ratio of.
    pub(super) fn divide(&mut self, sample: &Sample, endpoint: usize, denominator: Option<f64>) {
        let own = self.denominators.entry(sample.slide_id.clone()).or_default();
        match denominator {
            Some(of) => own.insert(endpoint, of),
            None => own.remove(&endpoint),
        };
    }

    fn exclude(&mut self, s: &Sample, feature: &str, reason: &str) {
        self.exclusions.push(Exclusion {
            tissue: s.organ.name.to_owned(),
            slide_id: s.slide_id.clone(),
            animal_id: s.animal_id.clone(),
            group: s.group.clone(),
            feature: feature.to_owned(),
            reason: reason.to_owned(),
        });
    }

    fn finish(
        self,
        samples: &[Sample],
        order: &[String],
        unit: Unit,
        block: &impl Fn(&Sample) -> Option<String>,
    ) -> Cohort {
        let mut animals: Vec<(Subject, Option<String>)> = Vec::new();
        let mut denominators: BTreeMap<(usize, &Endpoint), Vec<f64>> = BTreeMap::new();
        let mut place: BTreeMap<&str, usize> = BTreeMap::new();
        for s in samples.iter().filter(|s| s.exclude.is_none()) {
            let at = *place.entry(&s.animal_id).or_insert_with(|| {
                let subject = Subject {
                    id: s.animal_id.clone(),
                    group: s.group.clone(),
                    animals: vec![s.animal_id.clone()],
                    ..Subject::default()
                };
                animals.push((subject, s.cage.clone()));
                animals.len() - 1
            });
            if let Some(block) = block(s) {
                animals[at].0.blocks.insert(s.organ.name.to_owned(), block);
            }
            let own = self.denominators.get(&s.slide_id);
            for &(place, v) in self.slides.get(&s.slide_id).into_iter().flatten() {
                let endpoint = &self.endpoints[place].0;
                if let Some(&of) = own.and_then(|own| own.get(&place)) {
                    denominators.entry((at, endpoint)).or_default().push(of);
                    if counts_objects(&endpoint.tissue, &endpoint.feature) {
                        let own = animals[at].0.objects.entry(endpoint.clone()).or_default();
                        *own += objects(&endpoint.feature, v, of);
                    }
                }
                match animals[at].0.slides.get_mut(endpoint) {
                    Some(values) => values.push(v),
                    None => {
                        animals[at].0.slides.insert(endpoint.clone(), vec![v]);
                    }
                }
            }
        }
        for (at, (animal, _)) in animals.iter_mut().enumerate() {
            let of = |e| denominators.get(&(at, e)).map_or(&[][..], Vec::as_slice);
            animal.values = animal.slides.iter().map(|(e, v)| (e.clone(), of_slides(e, v, of(e)))).collect();
            animal.totals = animal.slides.iter().map(|(e, v)| (e.clone(), v.iter().sum())).collect();
        }
        let by_sums = !denominators.is_empty();
        let mut subjects = match unit {
            Unit::Animal => animals.into_iter().map(|(s, _)| s).collect(),
            Unit::Cage => by_cage(animals),
        };
        let rank = |s: &Subject| order.iter().position(|g| *g == s.group).unwrap_or(order.len());
        subjects.sort_by_key(rank);
        let measured = |s: &Sample| self.slides.get(&s.slide_id).is_some_and(|v| !v.is_empty());
        let (with, without): (Vec<&Sample>, Vec<&Sample>) =
            samples.iter().filter(|s| s.exclude.is_none()).partition(|s| measured(s));
        let absent: Vec<String> = without.into_iter().map(|s| s.slide_id.clone()).collect();
        let exclusions = absent::folded(self.exclusions, &absent);
        let (slides, mut notes) = (with.len(), self.notes);
        if !by_sums && slides > with.iter().map(|s| &s.animal_id).collect::<BTreeSet<_>>().len() {
            notes.push(format!(
                "the results hold no column {DENOMINATOR}: an animal's shares, rates and means are plain means of its slides, not \
                 ratios of sums; score the slides again"
            ));
        }
        let endpoints = self.endpoints;
        let by_another_rubric = false;
        Cohort { subjects, endpoints, exclusions, slides, absent, notes, by_sums, by_another_rubric }
    }
}

/// Returns whether an endpoint holds grades, of which only the order means something. Published items that are means are none.
#[must_use]
pub fn is_grade(feature: &str) -> bool {
    feature.strip_suffix("_grade").is_some_and(|item| !published::is_mean(item))
}

fn of_slides(endpoint: &Endpoint, values: &[f64], denominators: &[f64]) -> f64 {
    if is_grade(&endpoint.feature) { median(values) } else { ratio_of_sums(values, denominators) }
}

fn of_animals(endpoint: &Endpoint, values: &[f64]) -> f64 {
    if is_grade(&endpoint.feature) { median(values) } else { mean(values) }
}

fn by_cage(animals: Vec<(Subject, Option<String>)>) -> Vec<Subject> {
    let mut cages: Vec<(Subject, BTreeMap<Endpoint, Vec<f64>>)> = Vec::new();
    for (animal, cage) in animals {
        let id = cage.unwrap_or_else(|| animal.id.clone());
        let at = cages.iter().position(|(c, _)| c.id == id && c.group == animal.group).unwrap_or_else(|| {
            let subject = Subject {
                id,
                animals: Vec::new(),
                values: BTreeMap::new(),
                slides: BTreeMap::new(),
                totals: BTreeMap::new(),
                objects: BTreeMap::new(),
                ..animal.clone()
            };
            cages.push((subject, BTreeMap::new()));
            cages.len() - 1
        });
        cages[at].0.animals.extend(animal.animals);
        cages[at].0.blocks.extend(animal.blocks);
        for (endpoint, v) in animal.values {
            cages[at].1.entry(endpoint.clone()).or_default().push(v);
            // The next level below the unit takes the place of slides.
            cages[at].0.slides.entry(endpoint).or_default().push(v);
        }
        for (endpoint, total) in animal.totals {
            *cages[at].0.totals.entry(endpoint).or_default() += total;
        }
        for (endpoint, n) in animal.objects {
            *cages[at].0.objects.entry(endpoint).or_default() += n;
        }
    }
    let fold = |(mut cage, values): (Subject, BTreeMap<Endpoint, Vec<f64>>)| {
        cage.values = values.iter().map(|(e, v)| (e.clone(), of_animals(e, v))).collect();
        cage
    };
    cages.into_iter().map(fold).collect()
}

#[cfg(test)]
mod tests;
