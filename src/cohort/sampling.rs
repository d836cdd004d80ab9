//! Whether enough of each animal was looked at (domain.md §5.1).

use super::subjects::{Cohort, Endpoint, Subject};

/// What an animal needs at least, over all its slides.
struct Least {
    tissue: &'static str,
    /// The feature that counts it; summed over the slides.
    feature: &'static str,
    needed: f64,
    what: &'static str,
    /// What is uncertain below.
    uncertain: &'static str,
}

/// Least objects and areas per animal (domain.md §5.1) [expert]. Tubules and hepatocytes have limits too, but no slide of
/// usual size falls below them without falling below these.
const LEAST: &[Least] = &[
    Least {
        tissue: "pancreas",
        feature: "islet_count_n",
        needed: 15.0,
        what: "islets",
        uncertain: "what is measured of islets",
    },
    Least {
        tissue: "kidney",
        feature: "glom_count_n",
        needed: 30.0,
        what: "glomeruli",
        uncertain: "what is measured of glomeruli",
    },
    Least {
        tissue: "liver",
        feature: "analysed_area_mm2",
        needed: 4.0,
        what: "mm² of liver",
        uncertain: "the density of inflammatory foci",
    },
];

/// Says, by tissue, which subjects have too little. They are not left out.
pub(super) fn notes(cohort: &Cohort) -> Vec<String> {
    LEAST.iter().filter_map(|least| note(cohort, least)).collect()
}

fn note(cohort: &Cohort, least: &Least) -> Option<String> {
    let endpoint = Endpoint { tissue: least.tissue.to_owned(), feature: least.feature.to_owned() };
    // Where the unit is the cage, the next level below are animals' means, not slides.
    let is_animal = |s: &Subject| s.animals.len() == 1 && s.animals[0] == s.id;
    let total = |s: &Subject| Some(s.slides.get(&endpoint).filter(|_| is_animal(s))?.iter().sum::<f64>());
    let totals: Vec<f64> = cohort.subjects.iter().filter_map(total).collect();
    let few = || totals.iter().copied().filter(|&t| t < least.needed);
    let lowest = few().min_by(f64::total_cmp)?;
    let highest = few().fold(lowest, f64::max);
    let rounded = |v: f64| (10.0 * v).round() / 10.0;
    let found = match (rounded(lowest), rounded(highest)) {
        (low, high) if low == high => low.to_string(),
        (low, high) => format!("{low} to {high}"),
    };
    Some(format!(
        "{}: {} of {} animals have fewer than {} {} ({found}): {} is uncertain there (domain.md §5.1, expert)",
        least.tissue,
        few().count(),
        totals.len(),
        least.needed,
        least.what,
        least.uncertain
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn animals_with_too_little_are_told_with_both_numbers() {
        fn t(slides: &[&[f64]], expected: Option<&str>) {
            let endpoint = Endpoint { tissue: "kidney".into(), feature: "glom_count_n".into() };
            let subject = |(i, values): (usize, &&[f64])| Subject {
                id: format!("a{i}"),
                group: "normal".into(),
                animals: vec![format!("a{i}")],
                block: None,
                values: [(endpoint.clone(), values[0])].into(),
                slides: [(endpoint.clone(), values.to_vec())].into(),
            };
            let cohort =
                Cohort { subjects: slides.iter().enumerate().map(subject).collect(), ..Cohort::default() };
            assert_eq!(notes(&cohort).first().map(String::as_str), expected, "{slides:?}");
        }
        t(&[&[30.0], &[15.0, 15.0]], None);
        let of = |found| {
            format!(
                "kidney: {found}): what is measured of glomeruli is uncertain there (domain.md §5.1, expert)"
            )
        };
        t(&[&[29.0], &[40.0]], Some(&of("1 of 2 animals have fewer than 30 glomeruli (29")));
        t(&[&[9.0, 9.0], &[9.0], &[31.0]], Some(&of("2 of 3 animals have fewer than 30 glomeruli (9 to 18")));
        t(&[], None);
    }
}
