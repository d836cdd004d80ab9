//! Does the description fit the sample sheet?

use std::collections::{BTreeMap, BTreeSet};

use super::{Animals, Study, Unit, doses};
use crate::{
    error::{Error, Result},
    manifest::Sample,
    organ::{self, ORGANS, Organ},
    score::{index_column, published, rubric::Rubric},
    words::did_you_mean,
};

/// Checks a study against what it is about.
///
/// # Errors
///
/// [`Error::Faults`] with every contradiction: groups that are not in the sheet or not in the order, controls that are
/// absent or the same, doses of no group or other ones than the sheet states, blocks or cages that are not stated, differ between
/// slides of one subject and tissue, or cannot be told from groups; primary endpoints that are no number of their tissue, margins of
/// no number at all, covariates that are no column of the animal table or derived from it.
pub fn check(study: &Study, samples: &[Sample], rubric: &Rubric, animals: Option<&Animals>) -> Result<()> {
    let mut checker = Checker { study, faults: Vec::new(), groups: groups(samples) };
    checker.names();
    checker.controls();
    checker.ladder();
    checker.primaries(rubric);
    checker.margins(rubric, animals);
    checker.covariates(animals);
    checker.cages(samples);
    checker.blocks(samples);
    checker.faults.extend(doses::faults(study, samples));
    Error::all(checker.faults)
}

/// Groups of slides that are used, in order of appearance.
fn groups(samples: &[Sample]) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for s in samples.iter().filter(|s| s.exclude.is_none()) {
        if !groups.contains(&s.group) {
            groups.push(s.group.clone());
        }
    }
    groups
}

struct Checker<'a> {
    study: &'a Study,
    faults: Vec<Error>,
    groups: Vec<String>,
}

impl Checker<'_> {
    fn fault(&mut self, what: &str, expected: impl ToString, got: impl ToString) {
        self.faults.push(Error::config(self.study.place(what), expected, got));
    }

    /// Refuses a name that is no group of the sheet.
    fn group(&mut self, what: &str, name: &str) {
        if !self.groups.iter().any(|g| g == name) {
            let all = self.groups.join(", ");
            let got = did_you_mean(name, self.groups.iter().map(String::as_str));
            self.fault(what, format!("a group of the sample sheet ({all})"), got);
        }
    }

    fn names(&mut self) {
        let study = self.study;
        for name in &study.groups {
            self.group("groups", name);
        }
        if !study.groups.is_empty() {
            for group in self.groups.clone() {
                if !study.groups.contains(&group) {
                    self.fault(
                        "groups",
                        format!("every group of the sample sheet, {group} too"),
                        study.groups.join(", "),
                    );
                }
            }
        }
        for planned in &study.contrasts {
            let what = format!("contrast {}", planned.name);
            for name in planned.plus.iter().chain(&planned.minus) {
                self.group(&what, name);
            }
            if let Some(both) = planned.plus.iter().find(|p| planned.minus.contains(p)) {
                self.fault(&what, "different groups in plus and minus", format!("{both} in both"));
            }
        }
        for (i, planned) in study.contrasts.iter().enumerate() {
            if study.contrasts[..i].iter().any(|p| p.name == planned.name) {
                self.fault(&format!("contrast {}", planned.name), "a name of its own", "a name used before");
            }
        }
    }

    fn controls(&mut self) {
        let study = self.study;
        let given = [("normal", &study.normal), ("disease", &study.disease), ("control", &study.control)];
        for (what, name) in given {
            if let Some(name) = name {
                self.group(what, name);
            }
        }
        if study.normal.is_some() && study.normal == study.disease {
            self.fault("disease", "another group than normal", study.disease.clone().unwrap_or_default());
        }
        if study.control.is_some() && (study.normal.is_some() || study.disease.is_some()) {
            self.fault("control", "control alone, or normal and disease", "both kinds");
        }
        if study.control.is_none()
            && study.normal.is_none()
            && study.disease.is_none()
            && !study.file.is_empty()
        {
            self.fault("normal", "a control group (control, or normal and disease)", "none");
        }
        if !study.margins.is_empty() && study.normal.is_none() && study.control.is_none() {
            self.fault("equivalence", "a normal or control group to be equivalent to", "none");
        }
    }

    fn ladder(&mut self) {
        let study = self.study;
        for (i, (group, dose)) in study.doses.iter().enumerate() {
            let what = format!("doses.{group}");
            self.group(&what, group);
            if let Some((other, _)) = study.doses[..i].iter().find(|(_, d)| d == dose) {
                self.fault(&what, format!("another dose than that of {other}"), dose);
            }
        }
        if !study.doses.is_empty() && study.doses.len() < 3 {
            self.fault("doses", "three groups or more, the untreated one with dose 0", study.doses.len());
        }
    }

    /// A primary endpoint of a tissue without slides does no harm: one description serves a study's parts.
    fn primaries(&mut self, rubric: &Rubric) {
        let study = self.study;
        for (tissue, feature) in &study.primary {
            let Some(organ) = organ::find(tissue) else { continue };
            let known = numbers(organ, rubric);
            if !known.contains(feature) {
                self.fault(
                    &format!("primary.{tissue}"),
                    format!("a feature of {tissue}, or a score, index or published grade of it"),
                    did_you_mean(feature, known.iter().map(String::as_str)),
                );
            }
        }
    }

    fn margins(&mut self, rubric: &Rubric, animals: Option<&Animals>) {
        let study = self.study;
        let mut known: Vec<String> = ORGANS.iter().flat_map(|o| numbers(o, rubric)).collect();
        known.extend(animals.iter().flat_map(|a| a.columns.iter().map(|c| c.name.clone())));
        for feature in study.margins.keys().filter(|f| !known.contains(f)) {
            let table = if animals.is_some() { "the animal table" } else { "an animal table (--animals)" };
            self.fault(
                &format!("equivalence.{feature}"),
                format!("a feature, score, index or published grade, or a column of {table}"),
                did_you_mean(feature, known.iter().map(String::as_str)),
            );
        }
    }

    fn covariates(&mut self, animals: Option<&Animals>) {
        let study = self.study;
        if study.covariates.is_empty() {
            return;
        }
        let Some(animals) = animals else {
            return self.fault("covariates", "an animal table (--animals) that holds them", "none");
        };
        let names = || animals.columns.iter().map(|c| c.name.as_str());
        for name in study.covariates.iter().filter(|n| !names().any(|c| c == *n)) {
            let all = names().collect::<Vec<_>>().join(", ");
            self.fault(
                "covariates",
                format!("a column of the animal table ({all})"),
                did_you_mean(name, names()),
            );
        }
    }

    fn cages(&mut self, samples: &[Sample]) {
        if self.study.unit == Unit::Cage
            && let Some(s) = used(samples).find(|s| s.cage.is_none())
        {
            self.fault(
                "unit",
                "a cage for every slide, as the unit is the cage",
                format!("none in row {}", s.row),
            );
        }
    }

    /// Slides of one subject and tissue lie in one block, and blocks hold several groups.
    fn blocks(&mut self, samples: &[Sample]) {
        let Some(block) = self.study.block else { return };
        if let Some(s) = used(samples).find(|s| block.of(s).is_none()) {
            return self.fault(
                "block",
                "a value in that column for every slide",
                format!("none in row {}", s.row),
            );
        }
        let unit = self.study.unit;
        let mut first: BTreeMap<(&str, &str, &str), (&str, u64)> = BTreeMap::new();
        let mut pairs: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for s in used(samples) {
            let (Some(now), tissue) = (block.of(s), s.organ.name) else { continue };
            let id = match (unit, &s.cage) {
                (Unit::Cage, Some(cage)) => cage,
                _ => &s.animal_id,
            };
            pairs.entry(tissue).or_default().push((&s.group, now));
            let (then, row) = *first.entry((tissue, &s.group, id)).or_insert((now, s.row));
            if then != now {
                let column = block.column();
                let one = unit.one();
                self.fault(
                    "block",
                    format!("one {column} for the {tissue} slides of {one} {id}, which are averaged"),
                    format!("{then} in row {row} and {now} in row {} of the sample sheet", s.row),
                );
            }
        }
        for (tissue, pairs) in pairs {
            if confounded(pairs.iter().copied()) {
                self.fault(
                    "block",
                    "blocks that hold several groups each",
                    format!("groups and blocks of the {tissue} slides that cannot be told apart"),
                );
            }
        }
    }
}

fn used(samples: &[Sample]) -> impl Iterator<Item = &Sample> {
    samples.iter().filter(|s| s.exclude.is_none())
}

/// Names of all numbers that can be measured of an organ: features, scores, indices, published grades.
fn numbers(organ: &Organ, rubric: &Rubric) -> Vec<String> {
    let features = organ.features.iter().map(|f| f.name.to_owned());
    let scores = rubric.lesions(organ).iter().map(|l| format!("{}_score", l.id));
    let damage = format!("{}_damage_index", organ.name);
    let indices = organ.sub_indices.iter().map(|(name, _)| index_column(name));
    let grades = published::items(organ.name).map(|(name, _)| format!("{name}_grade"));
    features.chain(scores).chain([damage]).chain(indices).chain(grades).collect()
}

/// Returns whether some combination of blocks is a combination of groups: whether groups fall into parts that share no block.
/// A single block tells nothing.
pub(super) fn confounded<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
    let mut left: BTreeSet<(&str, &str)> = pairs.into_iter().collect();
    let several = left.iter().map(|(_, block)| block).collect::<BTreeSet<_>>().len() > 1;
    let Some(&(first, _)) = left.first().filter(|_| several) else { return false };
    let (mut groups, mut blocks) = (BTreeSet::from([first]), BTreeSet::new());
    loop {
        let before = left.len();
        left.retain(|&(group, block)| {
            let reached = groups.contains(group) || blocks.contains(block);
            if reached {
                groups.insert(group);
                blocks.insert(block);
            }
            !reached
        });
        if left.len() == before {
            return !left.is_empty();
        }
    }
}
