//! Whether enough of each animal, or cage, was looked at (domain.md §5.1).

use super::subjects::{Cohort, Endpoint};
use crate::{
    score::sampling::{Count, LEAST, Least},
    study::Unit,
};

/// Says, by tissue, which subjects have too little. They are not left out. Of nuclei and tubules the tables hold no number; no slide of
/// usual size falls below theirs without falling below the others.
pub(super) fn notes(cohort: &Cohort, unit: Unit) -> Vec<String> {
    LEAST.iter().filter(|l| l.by == Count::Value).filter_map(|least| note(cohort, unit, least)).collect()
}

fn note(cohort: &Cohort, unit: Unit, least: &Least) -> Option<String> {
    let endpoint = Endpoint { tissue: least.organ.to_owned(), feature: least.counted.to_owned() };
    let totals: Vec<f64> = cohort.subjects.iter().filter_map(|s| s.totals.get(&endpoint).copied()).collect();
    let few = || totals.iter().copied().filter(|&t| t < least.needed);
    let lowest = few().min_by(f64::total_cmp)?;
    let highest = few().fold(lowest, f64::max);
    let rounded = |v: f64| below(v, least.needed);
    let found = match (rounded(lowest), rounded(highest)) {
        (low, high) if low == high => low.to_string(),
        (low, high) => format!("{low} to {high}"),
    };
    let they_have = if few().count() == 1 { "it has" } else { "they have" };
    Some(format!(
        "{}: {} of {} {} have {} than {} {} ({they_have} {found}): {} is uncertain there (a working default, docs/dictionary.md)",
        least.organ,
        few().count(),
        totals.len(),
        unit.many(),
        if least.is_area() { "less" } else { "fewer" },
        least.needed,
        least.what,
        least.uncertain
    ))
}

/// Most decimals that a number needs to be seen to be below another.
const DECIMALS: i32 = 6;

/// Returns a number with one decimal, or as many as show that it is below `least`.
fn below(v: f64, least: f64) -> f64 {
    let rounded = |decimals: i32| (10f64.powi(decimals) * v).round() / 10f64.powi(decimals);
    (1..=DECIMALS).map(rounded).find(|r| *r < least).unwrap_or(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::subjects::Subject;

    /// Notes on subjects with these values of an endpoint, by slide.
    fn told(unit: Unit, (tissue, feature): (&str, &str), slides: &[&[f64]]) -> Vec<String> {
        let endpoint = Endpoint { tissue: tissue.into(), feature: feature.into() };
        let subject = |(i, values): (usize, &&[f64])| Subject {
            id: format!("a{i}"),
            group: "normal".into(),
            animals: vec![format!("a{i}")],
            blocks: std::collections::BTreeMap::new(),
            values: [(endpoint.clone(), values[0])].into(),
            slides: [(endpoint.clone(), values.to_vec())].into(),
            totals: [(endpoint.clone(), values.iter().sum())].into(),
        };
        let subjects = slides.iter().enumerate().map(subject).collect();
        notes(&Cohort { subjects, ..Cohort::default() }, unit)
    }

    #[test]
    fn animals_with_too_little_are_told_with_both_numbers() {
        fn t(slides: &[&[f64]], expected: Option<&str>) {
            let told = told(Unit::Animal, ("kidney", "glom_whole_n"), slides);
            assert_eq!(told.first().map(String::as_str), expected, "{slides:?}");
        }
        t(&[&[30.0], &[15.0, 15.0]], None);
        let of = |found| {
            format!(
                "kidney: {found}): what is measured of glomeruli is uncertain there (a working default, docs/dictionary.md)"
            )
        };
        t(&[&[29.0], &[40.0]], Some(&of("1 of 2 animals have fewer than 30 whole glomeruli (it has 29")));
        t(
            &[&[9.0, 9.0], &[9.0], &[31.0]],
            Some(&of("2 of 3 animals have fewer than 30 whole glomeruli (they have 9 to 18")),
        );
        t(&[], None);
        let cages = told(Unit::Cage, ("kidney", "glom_whole_n"), &[&[9.0, 9.0], &[31.0]]);
        assert!(
            cages[0].starts_with("kidney: 1 of 2 cages have fewer than 30 whole glomeruli (it has 18)"),
            "{cages:?}"
        );
        let area = told(Unit::Animal, ("pancreas", "analysed_area_mm2"), &[&[0.1], &[0.1]]);
        let expected = "pancreas: 2 of 2 animals have less than 0.5 mm² of pancreas (they have 0.1): ";
        assert!(area[0].starts_with(expected), "{area:?}");
        let near = told(Unit::Animal, ("liver", "analysed_area_mm2"), &[&[0.499_7], &[0.46]]);
        assert!(near.iter().any(|n| n.contains(" of liver (they have 0.46 to 0.4997): ")), "{near:?}");
        let near = told(Unit::Animal, ("liver", "analysed_area_mm2"), &[&[0.44], &[0.499_97]]);
        assert!(near.iter().any(|n| n.contains(" of liver (they have 0.4 to 0.49997): ")), "{near:?}");
    }
}
