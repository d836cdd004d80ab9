//! Slides that are one and the same file: to statistics they would be two.

use std::collections::{BTreeMap, BTreeSet};

use crate::words::listed;

/// Most slides that a remark names.
const NAMED: usize = 8;

/// A slide that was measured.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub slide_id: String,
    /// What it was measured as: a slide may hold two organs.
    pub tissue: String,
    /// Its animal, where a sample sheet tells.
    pub animal: Option<String>,
    /// SHA-256 of all its bytes.
    pub content: String,
}

/// Returns what is to be said of slides with the same bytes, those of different animals first. One file may be two slides of
/// one animal, of two organs; of two animals it is never.
#[must_use]
pub fn remarks(rows: &[Row]) -> Vec<String> {
    let mut told = Vec::new();
    for same in groups(rows.iter(), |row| &row.content) {
        if animals(&same).len() > 1 {
            told.push(self::told(&same));
        } else {
            told.extend(groups(same.into_iter(), |row| &row.tissue).iter().map(|rows| self::told(rows)));
        }
    }
    told.sort();
    told.into_iter().map(|(_, text)| text).collect()
}

/// Returns the rows that have something in common, where there are several.
fn groups<'a>(rows: impl Iterator<Item = &'a Row>, by: fn(&Row) -> &String) -> Vec<Vec<&'a Row>> {
    let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    rows.for_each(|row| groups.entry(by(row)).or_default().push(row));
    groups.into_values().filter(|rows| rows.len() > 1).collect()
}

/// Returns the animals that are known.
fn animals<'a>(rows: &[&'a Row]) -> BTreeSet<&'a str> {
    rows.iter().filter_map(|row| row.animal.as_deref()).collect()
}

/// Returns whether the slides are of one animal as far as is known, and what is to be said of them.
fn told(rows: &[&Row]) -> (bool, String) {
    let animals = animals(rows);
    let named = |row: &&Row| match &row.animal {
        Some(animal) if animals.len() > 1 => format!("{} (animal {animal})", row.slide_id),
        _ => row.slide_id.clone(),
    };
    let slides = listed(&rows.iter().map(named).collect::<Vec<_>>(), NAMED);
    if animals.len() > 1 {
        let text = format!(
            "the same file, byte for byte, stands for {} different animals: {slides}. At most one of them is right, and \
             their numbers are no independent ones: correct the sample sheet, or leave slides out",
            animals.len()
        );
        return (false, text);
    }
    (
        true,
        format!(
            "the same file, byte for byte, is taken for {} slides: {slides}; leave out all but one",
            rows.len()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_told_and_those_of_different_animals_first() {
        let row = |(slide_id, tissue, animal, content): (&str, &str, Option<&str>, &str)| Row {
            slide_id: slide_id.into(),
            tissue: tissue.into(),
            animal: animal.map(Into::into),
            content: content.into(),
        };
        let t = |rows: &[(&str, &str, Option<&str>, &str)], expected: &[&str]| {
            assert_eq!(remarks(&rows.iter().copied().map(row).collect::<Vec<_>>()), expected);
        };
        t(&[("a", "liver", None, "1"), ("b", "liver", None, "2")], &[]);
        t(&[("a", "liver", Some("1"), "1"), ("b", "kidney", Some("1"), "1")], &[]);
        t(
            &[("a", "liver", Some("1"), "1"), ("b", "kidney", Some("2"), "1")],
            &[
                "the same file, byte for byte, stands for 2 different animals: a (animal 1), b (animal 2). At most one of them \
                 is right, and their numbers are no independent ones: correct the sample sheet, or leave slides out",
            ],
        );
        t(
            &[("a", "liver", None, "1"), ("b", "liver", None, "1")],
            &["the same file, byte for byte, is taken for 2 slides: a, b; leave out all but one"],
        );
        t(
            &[
                ("a", "liver", Some("1"), "1"),
                ("b", "liver", Some("1"), "1"),
                ("c", "liver", Some("1"), "2"),
                ("d", "liver", Some("2"), "2"),
            ],
            &[
                "the same file, byte for byte, stands for 2 different animals: c (animal 1), d (animal 2). At most one of them \
                 is right, and their numbers are no independent ones: correct the sample sheet, or leave slides out",
                "the same file, byte for byte, is taken for 2 slides: a, b; leave out all but one",
            ],
        );
    }
}
