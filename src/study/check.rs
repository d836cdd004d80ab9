//! Does the description fit the sample sheet?

use std::collections::BTreeSet;

use super::{Animals, Block, Study, Unit, doses};
use crate::{
    error::{Error, Result},
    manifest::Sample,
    organ,
    words::did_you_mean,
};

/// Checks a study against its samples.
///
/// # Errors
///
/// [`Error::Faults`] with every contradiction: groups that are not in the sheet or not in the order, controls that are
/// absent or the same, doses of no group or other ones than the sheet states, blocks or cages that are not stated or cannot be told from groups, features that
/// are not measured on the tissue.
pub fn check(study: &Study, samples: &[Sample]) -> Result<()> {
    let mut checker = Checker { study, faults: Vec::new(), groups: groups(samples) };
    checker.names();
    checker.controls();
    checker.ladder();
    checker.features();
    checker.blocks(samples);
    checker.faults.extend(doses::faults(study, samples));
    Error::all(checker.faults)
}

/// Checks that every covariate is a column of the animal table, or derived from it.
///
/// # Errors
///
/// [`Error::Faults`] with every covariate that is not, or with one message when there is no animal table.
pub fn check_covariates(study: &Study, animals: Option<&Animals>) -> Result<()> {
    let mut checker = Checker { study, faults: Vec::new(), groups: Vec::new() };
    match animals {
        None if !study.covariates.is_empty() => {
            checker.fault("covariates", "an animal table (--animals) that holds them", "none");
        }
        _ => {}
    }
    for animals in animals.iter() {
        let names = || animals.columns.iter().map(|c| c.name.as_str());
        for name in study.covariates.iter().filter(|n| !names().any(|c| c == *n)) {
            let all = names().collect::<Vec<_>>().join(", ");
            checker.fault(
                "covariates",
                format!("a column of the animal table ({all})"),
                did_you_mean(name, names()),
            );
        }
    }
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
    fn features(&mut self) {
        let study = self.study;
        for (tissue, feature) in &study.primary {
            let Some(organ) = organ::find(tissue) else { continue };
            let index = format!("{tissue}_damage_index");
            let known = || organ.features.iter().map(|f| f.name).chain([index.as_str()]);
            if !known().any(|f| f == feature) && !feature.ends_with("_score") && !feature.ends_with("_index")
            {
                let got = did_you_mean(feature, known());
                self.fault(
                    &format!("primary.{tissue}"),
                    format!("a feature of {tissue}, a _score or an _index"),
                    got,
                );
            }
        }
    }

    fn blocks(&mut self, samples: &[Sample]) {
        let used: Vec<&Sample> = samples.iter().filter(|s| s.exclude.is_none()).collect();
        if self.study.unit == Unit::Cage
            && let Some(s) = used.iter().find(|s| s.cage.is_none())
        {
            self.fault(
                "unit",
                "a cage for every slide, as the unit is the cage",
                format!("none in row {}", s.row),
            );
        }
        let Some(block) = self.study.block else { return };
        let of = |s: &Sample| match block {
            Block::Batch => s.batch.clone(),
            Block::StainBatch => s.stain_batch.clone(),
            Block::Cage => s.cage.clone(),
        };
        if let Some(s) = used.iter().find(|s| of(s).is_none()) {
            return self.fault(
                "block",
                "a value in that column for every slide",
                format!("none in row {}", s.row),
            );
        }
        let named: Vec<(String, String)> =
            used.iter().filter_map(|s| Some((s.group.clone(), of(s)?))).collect();
        if confounded(named.iter().map(|(group, block)| (group.as_str(), block.as_str()))) {
            self.fault(
                "block",
                "blocks that hold several groups each",
                "groups and blocks that cannot be told apart",
            );
        }
    }
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
