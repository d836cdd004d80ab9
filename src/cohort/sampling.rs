//! Whether enough of each animal, or cage, was looked at (domain.md §5.1).

use super::subjects::{Cohort, Endpoint, Subject};
use crate::{
    score::sampling::{LEAST, Least},
    study::Unit,
};

/// Says, by tissue, which subjects have too little. They are not left out. Of what is not measured on any of them nothing is said.
pub(super) fn notes(cohort: &Cohort, unit: Unit) -> Vec<String> {
    let is_measured = |least: &&Least| {
        let of =
            |(e, _): (&Endpoint, _)| e.tissue == least.organ && least.features.contains(&e.feature.as_str());
        cohort.subjects.iter().any(|s| s.values.iter().any(of))
    };
    LEAST.iter().filter(is_measured).filter_map(|least| note(cohort, unit, least)).collect()
}

fn note(cohort: &Cohort, unit: Unit, least: &Least) -> Option<String> {
    let total = |s: &Subject| s.counted(least.organ, least.counted, least.by);
    let totals: Vec<f64> = cohort.subjects.iter().filter_map(total).collect();
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

    /// Notes on subjects with these values of an endpoint, by slide, and with a value of all that rests on it.
    fn told(unit: Unit, (tissue, feature): (&str, &str), slides: &[&[f64]]) -> Vec<String> {
        let of = |feature: &str| Endpoint { tissue: tissue.into(), feature: feature.into() };
        let endpoint = of(feature);
        let resting =
            LEAST.iter().filter(|l| l.organ == tissue && l.counted == feature).flat_map(|l| l.features);
        let resting: Vec<Endpoint> = resting.map(|name| of(name)).collect();
        let subject = |(i, values): (usize, &&[f64])| Subject {
            id: format!("a{i}"),
            group: "normal".into(),
            animals: vec![format!("a{i}")],
            values: [&endpoint].into_iter().chain(&resting).map(|e| (e.clone(), values[0])).collect(),
            slides: [(endpoint.clone(), values.to_vec())].into(),
            totals: [(endpoint.clone(), values.iter().sum())].into(),
            ..Subject::default()
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

    #[test]
    fn animals_with_few_nuclei_and_tubules_are_told() {
        let t = |(tissue, counted, value): (&str, &str, &str), objects: &[f64], expected: &[&str]| {
            let of = |feature: &str| Endpoint { tissue: tissue.into(), feature: feature.into() };
            let subject = |&n: &f64| Subject {
                values: [(of(value), 40.0)].into(),
                objects: [(of(counted), n)].into(),
                ..Subject::default()
            };
            let subjects = objects.iter().map(subject).collect();
            let told = notes(&Cohort { subjects, ..Cohort::default() }, Unit::Animal);
            assert_eq!(told, expected, "{objects:?}");
        };
        let nuclei = "hepatocyte_nuclear_density_per_mm2";
        let liver = ("liver", nuclei, "steatotic_hepatocyte_pct");
        t(liver, &[3000.0, 4000.0], &[]);
        t(
            liver,
            &[585.0, 4000.0],
            &[
                "liver: 1 of 2 animals have fewer than 3000 nuclei of hepatocytes (it has 585): what is measured of hepatocytes is \
               uncertain there (a working default, docs/dictionary.md)",
            ],
        );
        t(
            ("kidney", "tubule_dilated_pct", "cast_tubule_pct"),
            &[291.0, 30.0],
            &[
                "kidney: 2 of 2 animals have fewer than 300 tubules (they have 30 to 291): what is measured of tubules is uncertain \
               there (a working default, docs/dictionary.md)",
            ],
        );
    }

    #[test]
    fn nothing_is_uncertain_of_what_is_not_measured() {
        let of = |feature: &str| Endpoint { tissue: "liver".into(), feature: feature.into() };
        let told = |feature: &str| {
            let subject = Subject {
                values: [(of("analysed_area_mm2"), 0.4), (of(feature), 1.0)].into(),
                totals: [(of("analysed_area_mm2"), 0.4)].into(),
                ..Subject::default()
            };
            notes(&Cohort { subjects: vec![subject], ..Cohort::default() }, Unit::Animal).join("\n")
        };
        assert!(
            told("ballooning_candidates_per_mm2")
                .contains("the density of ballooned hepatocytes is uncertain")
        );
        let necrosis = told("necrosis_area_pct");
        assert!(
            !necrosis.contains("ballooned") && necrosis.contains("what is measured per area"),
            "{necrosis}"
        );
    }
}
