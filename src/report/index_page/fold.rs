//! From slides to animals to groups: the animal is the unit, a slide is not.

use std::collections::{BTreeMap, BTreeSet};

use crate::batch::Done;

/// One number of every animal of a group, and why it is missing where it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cell {
    /// Mean of each animal's slides, in the order of the animals' names.
    pub(super) animals: Vec<f64>,
    /// Animals of the group, with a number or without.
    pub(super) all: usize,
    /// Reason of the first slide that has no number, of an animal that has none where there is one.
    pub(super) missing: Option<String>,
}

impl Cell {
    /// Returns the mean over animals; `None` without any.
    pub(super) fn mean(&self) -> Option<f64> {
        (!self.animals.is_empty()).then(|| self.animals.iter().sum::<f64>() / self.animals.len() as f64)
    }

    /// Returns the smallest and largest animal; `None` when they are equal.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        let low = self.animals.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.animals.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (low < high).then_some((low, high))
    }

    /// Says how many animals the number is of, and why of no more; `None` where it is of all.
    pub(super) fn of_some(&self) -> Option<String> {
        let of = format!("{} of {} animals", self.animals.len(), self.all);
        let why = self.missing.as_deref().unwrap_or("no number");
        (self.animals.len() < self.all).then(|| format!("{of}: {why}"))
    }
}

/// Returns the groups of some slides in order of appearance; slides outside a study are one group.
pub(super) fn groups<'a>(slides: &[&'a Done]) -> Vec<&'a str> {
    let mut groups = Vec::new();
    for done in slides {
        let group = group(done);
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

/// Returns the group of a slide.
pub(super) fn group(done: &Done) -> &str {
    done.job.sample.as_ref().map_or("all slides", |s| s.group.as_str())
}

/// Returns the animal of a slide; outside a study every slide is its own.
pub(super) fn animal(done: &Done) -> &str {
    done.job.sample.as_ref().map_or(done.job.slide_id.as_str(), |s| s.animal_id.as_str())
}

/// Folds one number of the slides of a group: slides to animals, animals side by side.
pub(super) fn cell(slides: &[&Done], of_group: &str, number: impl Fn(&Done) -> Result<f64, String>) -> Cell {
    let mut animals: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut without: Vec<(&str, String)> = Vec::new();
    for done in slides.iter().filter(|d| group(d) == of_group && d.excluded.is_none()) {
        match number(done) {
            Ok(value) => animals.entry(animal(done)).or_default().push(value),
            Err(reason) => without.push((animal(done), reason)),
        }
    }
    let all: BTreeSet<&str> =
        animals.keys().copied().chain(without.iter().map(|(animal, _)| *animal)).collect();
    let lacks = |(animal, _): &&(&str, String)| !animals.contains_key(animal);
    let missing = without.iter().find(lacks).or(without.first()).map(|(_, reason)| reason.clone());
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    Cell { all: all.len(), animals: animals.into_values().map(mean).collect(), missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{batch::Job, error::Error, manifest::Sample, organ};

    fn done(animal: &str, group: &str, id: &str) -> Done {
        let sample = Sample {
            row: 2,
            slide_id: id.into(),
            path: id.into(),
            animal_id: animal.into(),
            group: group.into(),
            organ: organ::ORGANS[0],
            cage: None,
            sex: None,
            batch: None,
            stain_batch: None,
            scanner: None,
            mpp: None,
            dose: None,
            dose_unit: None,
            section: None,
            roi: None,
            species: None,
            exclude: None,
        };
        let job = Job {
            slide_id: id.into(),
            path: id.into(),
            organ: organ::ORGANS[0],
            sample: Some(sample),
            mpp: None,
            max_bad_tiles: 0.0,
            models: Default::default(),
            options: Default::default(),
        };
        Done::new(job, Err(Error::Uncalibrated), 0.0)
    }

    #[test]
    fn many_slides_of_one_animal_weigh_no_more() {
        let all = [done("r1", "a", "1"), done("r1", "a", "3"), done("r2", "a", "8"), done("r3", "b", "5")];
        let slides: Vec<&Done> = all.iter().collect();
        assert_eq!(groups(&slides), ["a", "b"]);
        let number = |d: &Done| d.job.slide_id.parse::<f64>().map_err(|e| e.to_string());
        let a = cell(&slides, "a", number);
        assert_eq!((a.mean(), a.range(), a.missing.clone()), (Some(5.0), Some((2.0, 8.0)), None));
        let b = cell(&slides, "b", |_| Err("not seen".into()));
        assert_eq!((b.mean(), b.range(), b.missing), (None, None, Some("not seen".into())));
    }

    #[test]
    fn a_mean_of_some_animals_says_so() {
        let all = [done("r1", "a", "1"), done("r1", "a", "x"), done("r2", "a", "y"), done("r3", "a", "2")];
        let slides: Vec<&Done> = all.iter().collect();
        let number = |known: &'static [&str]| {
            move |d: &Done| {
                let id = d.job.slide_id.as_str();
                if known.contains(&id) { Ok(1.0) } else { Err(format!("no islet on {id}")) }
            }
        };
        let told = |known| cell(&slides, "a", number(known)).of_some();
        assert_eq!(told(&["1", "y", "2"]), None, "every animal has a slide with a number");
        assert_eq!(told(&["1", "2"]).as_deref(), Some("2 of 3 animals: no islet on y"));
        assert_eq!(told(&["2"]).as_deref(), Some("1 of 3 animals: no islet on 1"));
    }
}
