//! What the results hold and the sample sheet does not: a row that was deleted takes its slide out of every number.

use std::{collections::BTreeSet, path::Path};

use super::evidence::Evidence;
use crate::{cohort::subjects::Exclusion, error::Result, manifest::Sample, words::listed};

/// Most slides that a remark names.
const NAMED: usize = 8;

/// Why such a slide is left out.
const REASON: &str = "in the results, but not in the sample sheet";

/// Returns a row for each slide of the results that the sample sheet does not hold, in their order. Of results without `slides.csv` it
/// is not known.
///
/// # Errors
///
/// As [`super::write`] for the files of the results folder.
pub fn beyond_sheet(results: &Path, samples: &[Sample]) -> Result<Vec<Exclusion>> {
    let known: BTreeSet<&str> = samples.iter().map(|s| s.slide_id.as_str()).collect();
    let slides = Evidence::read(results)?.slides;
    let beyond = slides.into_iter().filter(|row| !known.contains(row.slide_id.as_str()));
    let left_out = beyond.map(|row| Exclusion {
        tissue: row.tissue,
        slide_id: row.slide_id,
        animal_id: row.animal_id,
        group: row.group,
        feature: String::new(),
        reason: REASON.to_owned(),
    });
    Ok(left_out.collect())
}

/// Names such slides; `None` where there are none.
#[must_use]
pub fn named(beyond: &[Exclusion]) -> Option<String> {
    let names: Vec<String> = beyond.iter().map(|e| e.slide_id.clone()).collect();
    let slides = match names.len() {
        0 => return None,
        1 => "1 slide".to_owned(),
        n => format!("{n} slides"),
    };
    Some(format!(
        "{slides} of the results not in the sample sheet, in no number and no test: {}. Put back the rows that are missing; what is \
         to be left out keeps its row, with exclude and the reason",
        listed(&names, NAMED)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slides_without_a_row_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("samples.csv"), "slide,animal_id,group,tissue\na.svs,1,c,liver\n").unwrap();
        let samples = crate::manifest::read_key(&at("samples.csv")).unwrap();
        let beyond = || beyond_sheet(folder.path(), &samples).unwrap();
        assert_eq!(named(&beyond()), None);
        let table = "slide_id,status,tissue,animal_id,group\na,scored,liver,1,c\nb,scored,liver,2,c\n";
        std::fs::write(at("slides.csv"), table).unwrap();
        let found = beyond();
        assert_eq!(
            (found.len(), found[0].slide_id.as_str(), found[0].animal_id.as_str(), found[0].group.as_str()),
            (1, "b", "2", "c")
        );
        let told = named(&found).unwrap();
        let start = "1 slide of the results not in the sample sheet, in no number and no test: b. ";
        assert!(told.starts_with(start), "{told}");
    }
}
