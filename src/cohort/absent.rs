//! What the sample sheet promises and the results do not hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    compare::Dot,
    subjects::{Cohort, Exclusion, Subject},
};
use crate::{
    error::{Error, Result},
    study::{Animals, Unit},
    words::listed,
};

/// Most slides that a remark names.
const NAMED: usize = 8;
/// Most reasons that an error tells.
const REASONS: usize = 3;

/// Why a slide holds no number whose features tell more than one reason.
const SEVERAL: &str = "nothing could be measured; exclusions.csv tells why of each feature";

/// Returns what is absent: slides without a number, subjects without such a slide, groups without such a subject. Slides that the
/// sheet leaves out are not meant.
#[must_use]
pub fn remarks(cohort: &Cohort, unit: Unit) -> Vec<String> {
    let [slides, subjects, groups] = [slides(cohort), subjects(cohort, unit), groups(cohort)];
    [unfinished(cohort), groups, subjects, slides].into_iter().flatten().collect()
}

/// Refuses results of which no slide of the sample sheet holds a number: there is nothing to compare.
///
/// # Errors
///
/// [`Error::Config`] saying why the slides hold none.
pub fn not_all(cohort: &Cohort, results: &Path) -> Result<()> {
    if cohort.slides > 0 {
        return Ok(());
    }
    let mut reasons: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for e in &cohort.exclusions {
        reasons.entry(&e.reason).or_default().insert(&e.slide_id);
    }
    let mut reasons: Vec<_> = reasons.into_iter().map(|(reason, slides)| (slides.len(), reason)).collect();
    reasons.sort_by(|a, b| b.cmp(a));
    let told: String = reasons.iter().take(REASONS).map(|(n, reason)| format!("; {n}: {reason}")).collect();
    Err(Error::config(
        format!("results in {}", results.display()),
        "a number of one slide of the sample sheet or more",
        format!("none{told}. Nothing can be compared: give the command again that scores the slides"),
    ))
}

/// Says that the run which made the results was stopped, or left slides to others.
fn unfinished(cohort: &Cohort) -> Option<String> {
    let stopped = Error::Interrupted.to_string();
    let waits = |e: &&Exclusion| e.reason == stopped || e.reason.starts_with("not scored yet");
    let absent: BTreeSet<&str> = cohort.absent.iter().map(String::as_str).collect();
    let slides: BTreeSet<&str> =
        cohort.exclusions.iter().filter(waits).map(|e| e.slide_id.as_str()).collect();
    let n = slides.intersection(&absent).count();
    (n > 0).then(|| {
        format!(
            "the results are not finished: {n} of {} slides were not scored, for the run was stopped or others were to score them. \
             Numbers and tests are of the rest; score them with the same command, then compare again",
            absent.len() + cohort.slides
        )
    })
}

fn slides(cohort: &Cohort) -> Option<String> {
    let absent = &cohort.absent;
    (!absent.is_empty()).then(|| {
        format!(
            "{} of {} slides of the sample sheet without a result: {}; exclusions.csv says why. Score them, or leave them out in \
             the sample sheet with the reason",
            absent.len(),
            absent.len() + cohort.slides,
            listed(absent, NAMED)
        )
    })
}

fn subjects(cohort: &Cohort, unit: Unit) -> Option<String> {
    let groups = by_group(cohort);
    let short = |(_, (with, all)): &(&&str, &(usize, usize))| 0 < *with && with < all;
    let of = |(group, (with, all)): (&&str, &(usize, usize))| format!("{} of {all} in {group}", all - with);
    let told: Vec<String> = groups.iter().filter(short).map(of).collect();
    (!told.is_empty()).then(|| {
        format!(
            "{} of the sample sheet without any result, in no number and no test: {}",
            unit.many(),
            told.join(", ")
        )
    })
}

fn groups(cohort: &Cohort) -> Option<String> {
    let groups = by_group(cohort);
    let empty: Vec<&str> = groups.iter().filter(|(_, (with, _))| *with == 0).map(|(g, _)| *g).collect();
    (!empty.is_empty()).then(|| {
        format!("no slide of these groups has a result, so that they are not compared: {}", empty.join(", "))
    })
}

/// What a comparison of one endpoint lacks, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    /// Groups of which no subject has a value.
    pub groups: Option<String>,
    /// Subjects without a value in the other groups.
    pub subjects: Option<String>,
}

/// Returns what one endpoint lacks: `dots` are the subjects of each group with a value, `all` the numbers of those that the sample sheet
/// lists.
#[must_use]
pub fn lacking(groups: &[String], all: &[usize], dots: &[Vec<Dot>], unit: Unit) -> Lacking {
    let of =
        || groups.iter().zip(all).zip(dots).map(|((group, all), dots)| (group.as_str(), *all, dots.len()));
    let empty: Vec<&str> = of().filter(|(.., n)| *n == 0).map(|(group, ..)| group).collect();
    let short = |&(_, all, n): &(&str, usize, usize)| 0 < n && n < all;
    let short: Vec<String> =
        of().filter(short).map(|(group, all, n)| format!("{} of {all} in {group}", all - n)).collect();
    Lacking {
        groups: (!empty.is_empty())
            .then(|| format!("no {} of {} has a value: not compared", unit.one(), empty.join(", "))),
        subjects: (!short.is_empty())
            .then(|| format!("{} without a value: {}", unit.many(), short.join(", "))),
    }
}

/// Says which animals of the animal table are compared in nothing, as the sample sheet leaves all of their slides out.
#[must_use]
pub fn without_slides(subjects: &[Subject], animals: &Animals) -> Option<String> {
    let used: BTreeSet<&String> = subjects.iter().flat_map(|s| &s.animals).collect();
    let measured: BTreeSet<&String> = animals.columns.iter().flat_map(|c| c.values.keys()).collect();
    let left: Vec<String> = measured.difference(&used).map(ToString::to_string).collect();
    (!left.is_empty()).then(|| {
        format!(
            "animals of which the sample sheet leaves every slide out are left out of physiology too, though the animal table has values \
             of them: {}",
            listed(&left, NAMED)
        )
    })
}

/// Subjects with a number, and all of the sheet, by group.
fn by_group(cohort: &Cohort) -> BTreeMap<&str, (usize, usize)> {
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for s in &cohort.subjects {
        let (with, all) = groups.entry(&s.group).or_default();
        *with += usize::from(!s.values.is_empty());
        *all += 1;
    }
    groups
}

/// Puts one row of the whole slide before, or in place of, those of each slide that holds no number. It is in their place where they
/// tell one reason: the slide is blank, failed or was excluded. That an index lacks its features is no reason of its own.
pub(super) fn folded(exclusions: Vec<Exclusion>, absent: &[String]) -> Vec<Exclusion> {
    let why = reasons(&exclusions, absent);
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut rows = Vec::with_capacity(exclusions.len());
    for e in exclusions {
        let Some(why) = why.get(&e.slide_id) else {
            rows.push(e);
            continue;
        };
        let one = why.iter().next().filter(|_| why.len() == 1);
        if told.insert(e.slide_id.clone()) {
            let reason = one.map_or(SEVERAL, String::as_str).to_owned();
            rows.push(Exclusion { feature: String::new(), reason, ..e.clone() });
        }
        if one.is_none() && !e.feature.is_empty() {
            rows.push(e);
        }
    }
    rows
}

/// Returns the reasons that the rows of each slide without a number tell.
fn reasons(exclusions: &[Exclusion], absent: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let absent: BTreeSet<&str> = absent.iter().map(String::as_str).collect();
    let mut reasons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for e in exclusions.iter().filter(|e| absent.contains(e.slide_id.as_str())) {
        let own = reasons.entry(e.slide_id.clone()).or_default();
        if !e.feature.ends_with("_index") {
            own.insert(e.reason.clone());
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::subjects::{Endpoint, Subject};

    #[test]
    fn absent_slides_animals_and_groups_are_told() {
        let fat = Endpoint { tissue: "liver".into(), feature: "fat_area_pct".into() };
        let subject = |(id, group, value): (&str, &str, Option<f64>)| Subject {
            id: id.into(),
            group: group.into(),
            animals: vec![id.into()],
            values: value.map(|v| (fat.clone(), v)).into_iter().collect(),
            ..Subject::default()
        };
        let told = |subjects: &[(&str, &str, Option<f64>)], absent: &[&str]| {
            let cohort = Cohort {
                subjects: subjects.iter().copied().map(subject).collect(),
                absent: absent.iter().map(ToString::to_string).collect(),
                slides: 3,
                ..Cohort::default()
            };
            remarks(&cohort, Unit::Animal)
        };
        assert_eq!(told(&[("1", "c", Some(1.0)), ("2", "t", Some(2.0))], &[]), [""; 0]);
        let found = told(&[("1", "c", Some(1.0)), ("2", "c", None), ("3", "t", None)], &["x", "y"]);
        assert_eq!(
            found,
            [
                "no slide of these groups has a result, so that they are not compared: t",
                "animals of the sample sheet without any result, in no number and no test: 1 of 2 in c",
                "2 of 5 slides of the sample sheet without a result: x, y; exclusions.csv says why. Score them, or leave them out \
                 in the sample sheet with the reason",
            ]
        );
    }

    #[test]
    fn what_an_endpoint_lacks_is_told() {
        let groups = ["control", "low", "high"].map(str::to_owned);
        let dot = |id: usize| Dot { id: id.to_string(), value: 1.0, slides: Vec::new() };
        let told = |n: [usize; 3], unit: Unit| {
            let Lacking { groups, subjects } =
                lacking(&groups, &[3, 4, 5], &n.map(|n| (0..n).map(dot).collect()), unit);
            [groups, subjects].map(Option::unwrap_or_default)
        };
        assert_eq!(told([3, 4, 5], Unit::Animal), ["", ""]);
        let found =
            ["no animal of low has a value: not compared", "animals without a value: 1 of 3 in control"];
        assert_eq!(told([2, 0, 5], Unit::Animal), found);
        assert_eq!(told([3, 0, 0], Unit::Cage), ["no cage of low, high has a value: not compared", ""]);
        assert_eq!(told([3, 3, 1], Unit::Cage), ["", "cages without a value: 1 of 4 in low, 4 of 5 in high"]);
    }

    #[test]
    fn animals_of_the_table_without_slides_are_named() {
        let column = |ids: &[&str]| crate::study::Column {
            name: "glucose".into(),
            unit: "",
            derived: String::new(),
            values: ids.iter().map(|id| ((*id).to_owned(), 5.0)).collect(),
        };
        let subject = |id: &str| Subject {
            id: id.into(),
            group: "c".into(),
            animals: vec![id.into()],
            ..Subject::default()
        };
        let subjects = [subject("1"), subject("2")];
        let told = |ids: &[&str]| {
            without_slides(
                &subjects,
                &Animals { columns: vec![column(ids), column(&["1"])], notes: Vec::new() },
            )
        };
        assert_eq!(told(&["1", "2"]), None);
        assert!(told(&["1", "3", "4"]).unwrap().ends_with("the animal table has values of them: 3, 4"));
    }

    #[test]
    fn a_slide_without_a_number_is_told_as_a_whole() {
        let row = |slide: &str, feature: &str, reason: &str| Exclusion {
            tissue: "liver".into(),
            slide_id: slide.into(),
            animal_id: String::new(),
            group: String::new(),
            feature: feature.into(),
            reason: reason.into(),
        };
        let rows = vec![
            row("a", "f", "torn file"),
            row("b", "f", "too coarse"),
            row("a", "g", "torn file"),
            row("c", "f", "too coarse"),
            row("c", "g", "no fat"),
            row("d", "liver_damage_index", "only 0 % of the weight scored; missing f, g"),
            row("d", "f", "the slide is blank"),
            row("d", "fatty_index", "only 0 % of the weight scored; missing f"),
            row("d", "g", "the slide is blank"),
        ];
        let found = folded(rows, &["a", "c", "d"].map(str::to_owned));
        let told: Vec<_> =
            found.iter().map(|e| (e.slide_id.as_str(), e.feature.as_str(), e.reason.as_str())).collect();
        assert_eq!(
            told,
            [
                ("a", "", "torn file"),
                ("b", "f", "too coarse"),
                ("c", "", SEVERAL),
                ("c", "f", "too coarse"),
                ("c", "g", "no fat"),
                ("d", "", "the slide is blank"),
            ]
        );
    }
}
