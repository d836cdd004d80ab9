//! What the sample sheet promises and the results do not hold.

use std::collections::{BTreeMap, BTreeSet};

use super::subjects::{Cohort, Exclusion};
use crate::{study::Unit, words::listed};

/// Most slides that a remark names.
const NAMED: usize = 8;

/// Returns what is absent: slides without a number, subjects without such a slide, groups without such a subject. Slides that the
/// sheet leaves out are not meant.
#[must_use]
pub fn remarks(cohort: &Cohort, unit: Unit) -> Vec<String> {
    let [slides, subjects, groups] = [slides(cohort), subjects(cohort, unit), groups(cohort)];
    [groups, subjects, slides].into_iter().flatten().collect()
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

/// Puts one row in place of all of a slide that holds no number, where they tell one reason: it failed or was excluded as a whole.
pub(super) fn folded(exclusions: Vec<Exclusion>, absent: &[String]) -> Vec<Exclusion> {
    let absent: BTreeSet<&str> = absent.iter().map(String::as_str).collect();
    let mut reasons: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for e in exclusions.iter().filter(|e| absent.contains(e.slide_id.as_str())) {
        reasons.entry(&e.slide_id).or_default().insert(&e.reason);
    }
    let one = |(slide, all): (&str, BTreeSet<&str>)| (all.len() == 1).then(|| (slide.to_owned(), false));
    // Slides with one reason, and whether it was told.
    let mut whole: BTreeMap<String, bool> = reasons.into_iter().filter_map(one).collect();
    let once = |mut e: Exclusion| {
        if let Some(told) = whole.get_mut(&e.slide_id) {
            if std::mem::replace(told, true) {
                return None;
            }
            e.feature.clear();
        }
        Some(e)
    };
    exclusions.into_iter().filter_map(once).collect()
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
            blocks: BTreeMap::new(),
            values: value.map(|v| (fat.clone(), v)).into_iter().collect(),
            totals: BTreeMap::new(),
            slides: BTreeMap::new(),
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
    fn a_slide_without_a_number_is_one_row() {
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
        ];
        let found = folded(rows, &["a".to_owned(), "c".to_owned()]);
        let told: Vec<_> = found.iter().map(|e| (e.slide_id.as_str(), e.feature.as_str())).collect();
        assert_eq!(told, [("a", ""), ("b", "f"), ("c", "f"), ("c", "g")]);
    }
}
