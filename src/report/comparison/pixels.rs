//! Pixel sizes of the slides that are compared: what is found depends on them.

use std::collections::BTreeMap;

use super::{evidence::Evidence, handling::Used};
use crate::{warning, words::listed};

/// Pixel sizes of slides of one tissue that differ by more than this ratio are remarked on [expert].
const ALIKE: f64 = 1.2;
/// Most groups or slides that a remark names.
const NAMED: usize = 6;

/// Returns what the reader should know of the pixel sizes of the slides of each tissue.
pub(super) fn remarks(evidence: &Evidence, used: &[Used<'_>]) -> Vec<String> {
    let mut tissues: BTreeMap<&str, BTreeMap<&str, (f64, f64)>> = BTreeMap::new();
    for (sample, row) in used {
        let Some(um) = evidence.number(row, "mpp_x_um").filter(|um| *um > 0.0) else { continue };
        let (low, high) = tissues.entry(&row.tissue).or_default().entry(&sample.group).or_insert((um, um));
        (*low, *high) = (low.min(um), high.max(um));
    }
    let differ = tissues.iter().filter_map(|(tissue, groups)| differing(tissue, groups));
    differ.chain(contradicting(used)).collect()
}

/// Says that the slides of a tissue have pixels of different sizes, and whether groups are told apart by them.
fn differing(tissue: &str, groups: &BTreeMap<&str, (f64, f64)>) -> Option<String> {
    let low = groups.values().fold(f64::INFINITY, |low, range| low.min(range.0));
    let high = groups.values().fold(0.0f64, |high, range| high.max(range.1));
    if high <= ALIKE * low {
        return None;
    }
    let each = |(group, &(low, high)): (&&str, &(f64, f64))| {
        if warning::contradicts(low, high) {
            format!("{group}: {low} to {high}")
        } else {
            format!("{group}: {low}")
        }
    };
    let each = listed(&groups.iter().map(each).collect::<Vec<_>>(), NAMED);
    let apart = groups.values().any(|a| groups.values().any(|b| b.0 > ALIKE * a.1));
    Some(if apart {
        format!(
            "{tissue}: pixel size cannot be told from the groups (µm: {each}): what is found depends on it, so that differences \
             between these groups may come from scanning; scan all slides alike, or compare only those of one pixel size"
        )
    } else {
        format!(
            "{tissue}: slides have pixels of different sizes (µm: {each}), and what is found depends on it; prefer slides of one \
             pixel size"
        )
    })
}

/// Names slides whose pixel size was given by hand and contradicts the file
/// ([`crate::warning::Warning::MppFromUser`]).
fn contradicting(used: &[Used<'_>]) -> Option<String> {
    let contradicts = |remarks: &str| {
        let (before, after) = remarks.split_once(" µm/px was given by the user; the file states ")?;
        let given: f64 = before.rsplit(' ').next()?.parse().ok()?;
        let stated: f64 = after.split([';', ' ']).next()?.parse().ok()?;
        warning::contradicts(given, stated).then_some(format!("{given} for {stated}"))
    };
    let found: Vec<(&str, String)> =
        used.iter().filter_map(|(s, row)| Some((s.slide_id.as_str(), contradicts(&row.remarks)?))).collect();
    let (_, first) = found.first()?;
    let names: Vec<String> = found.iter().map(|(name, _)| (*name).to_owned()).collect();
    Some(format!(
        "the pixel size of {} of the slides was given by hand and contradicts the file ({first} µm): {}; areas, counts per mm² \
         and diameters are wrong if the file is right",
        found.len(),
        listed(&names, NAMED)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::handling;

    /// Remarks on slides of a group with a pixel size and a warning.
    fn told(slides: &[(&str, &str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let (mut table, mut sheet) = (
            String::from("slide_id,status,tissue,mpp_x_um,warnings\n"),
            String::from("slide,animal_id,group,tissue\n"),
        );
        for (i, (group, um, warning)) in slides.iter().enumerate() {
            table += &format!("s{i},scored,liver,{um},{warning}\n");
            sheet += &format!("s{i}.svs,{i},{group},liver\n");
        }
        std::fs::write(folder.path().join("slides.csv"), table).unwrap();
        let path = folder.path().join("samples.csv");
        std::fs::write(&path, sheet).unwrap();
        handling::remarks(folder.path(), &crate::manifest::read_key(&path).unwrap()).unwrap()
    }

    #[test]
    fn pixel_sizes_that_are_tied_to_groups_are_told() {
        assert_eq!(told(&[("c", "0.5", ""), ("t", "0.5022", ""), ("t", "", "")]), [""; 0]);
        let found = told(&[("c", "0.25", ""), ("c", "0.2528", ""), ("t", "0.5", "")]);
        assert!(
            found.len() == 1
                && found[0]
                    .starts_with("liver: pixel size cannot be told from the groups (µm: c: 0.25, t: 0.5)"),
            "{found:?}"
        );
        let found = told(&[("c", "0.25", ""), ("c", "0.5", ""), ("t", "0.5", ""), ("t", "0.25", "")]);
        assert!(
            found.len() == 1
                && found[0]
                    .starts_with("liver: slides have pixels of different sizes (µm: c: 0.25 to 0.5, t"),
            "{found:?}"
        );
    }

    #[test]
    fn a_pixel_size_given_against_the_file_is_told() {
        let by_user = |stated: &str| {
            format!("a; pixel size 0.5 µm/px was given by the user; the file states {stated}; b")
        };
        let found = told(&[
            ("c", "0.5", &by_user("0.25")),
            ("t", "0.5", &by_user("none")),
            ("t", "0.5", &by_user("0.499")),
        ]);
        assert!(
            found.len() == 1
                && found[0].contains("of 1 of the slides")
                && found[0].contains("(0.5 for 0.25 µm): s0; "),
            "{found:?}"
        );
    }
}
