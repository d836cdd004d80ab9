use std::collections::BTreeMap;

use super::*;
use crate::{
    cohort::{
        compare,
        subjects::{Cohort, Endpoint, Subject},
    },
    score::rubric::Rubric,
    study::Study,
};

/// Two groups of six that differ in the index a little, and in nine other endpoints not at all.
fn compared(primary: bool) -> Comparison {
    let endpoint = |feature: &str| Endpoint { tissue: "x".into(), feature: feature.into() };
    let noise: Vec<String> = (0..9).map(|i| format!("noise_{i}")).collect();
    let subject = |i: usize| {
        let mut values = BTreeMap::from([(endpoint("x_damage_index"), ((i * 7) % 6 + i / 6 * 3) as f64)]);
        values.extend((1usize..).zip(&noise).map(|(k, name)| (endpoint(name), ((i * k * 5) % 11) as f64)));
        Subject {
            id: format!("a{i}"),
            group: ["control", "treated"][i / 6].into(),
            animals: vec![format!("a{i}")],
            values,
            ..Subject::default()
        }
    };
    let names = std::iter::once("x_damage_index").chain(noise.iter().map(String::as_str));
    let endpoints = names.map(|name| (endpoint(name), "0 to 100".to_owned())).collect();
    let cohort = Cohort { subjects: (0..12).map(subject).collect(), endpoints, ..Cohort::default() };
    let mut study = Study { control: Some("control".into()), ..Study::default() };
    if primary {
        study.primary.insert("x".into(), "x_damage_index".into());
    }
    compare::compare(cohort, &study, &Rubric::builtin().unwrap(), None)
}

#[test]
fn endpoints_that_were_not_declared_count_with_their_family() {
    let told = |primary: bool| {
        let c = compared(primary);
        let index = c.endpoints.iter().find(|e| e.feature == "x_damage_index").unwrap();
        let (p, family) = (index.p.unwrap(), index.p_family.unwrap());
        assert!(p < 0.05 && (family > 0.05) != primary, "{p} {family}");
        (sentences(&c, index), p_value(p), p_value(family))
    };
    let (said, p, family) = told(false);
    let expected = format!(
        "x damage index (not declared beforehand): groups are not shown to differ (welch anova, p = {p}; p = {family} \
         adjusted over the 10 endpoints of the tissue that were not declared)."
    );
    assert_eq!(said[0], expected);
    // A range is no unit of a difference. What is not shown of all groups is not shown of two.
    let (start, end) = said[1].split_once(" (95 % interval ").unwrap();
    assert_eq!(start, "treated is not shown to differ from control: difference 3.000");
    let only =
        format!("p = {p} within its family only (p = {family} adjusted over the 10 endpoints of the tissue");
    assert!(end.contains(&only) && !said[1].contains("0 to 100"), "{said:?}");
    let (said, p, _) = told(true);
    assert!(said[1].starts_with("treated is higher than control: difference 3.000 (95 % "), "{said:?}");
    assert!(said[1].contains(&format!(", adjusted p = {p}, n = 6 and 6.")), "{said:?}");
    assert_eq!(said[0], format!("x damage index (primary endpoint): groups differ (welch anova, p = {p})."));
}

/// Groups of these values of a liver's primary endpoint, the first of them the control; `None` where an animal has none.
fn of_groups(feature: &str, groups: &[(&str, &[Option<f64>])], doses: bool) -> Vec<String> {
    let endpoint = Endpoint { tissue: "liver".into(), feature: feature.into() };
    let subject = |group: &str, i: usize, value: Option<f64>| Subject {
        id: format!("{group}{i}"),
        group: group.into(),
        animals: vec![format!("{group}{i}")],
        values: value.map(|v| (endpoint.clone(), v)).into_iter().collect(),
        ..Subject::default()
    };
    let subjects = groups
        .iter()
        .flat_map(|(group, values)| values.iter().enumerate().map(|(i, v)| subject(group, i, *v)))
        .collect();
    let endpoints = vec![(endpoint.clone(), "%".to_owned())];
    let cohort = Cohort { subjects, endpoints, ..Cohort::default() };
    let ladder = groups.iter().zip(0u8..).map(|((name, _), dose)| ((*name).to_owned(), f64::from(dose)));
    let study = Study {
        control: Some(groups[0].0.into()),
        primary: BTreeMap::from([("liver".into(), feature.into())]),
        doses: ladder.filter(|_| doses).collect(),
        dose_unit: Some("mg/kg".into()),
        ..Study::default()
    };
    let c = compare::compare(cohort, &study, &Rubric::builtin().unwrap(), None);
    let e = c.endpoints.iter().find(|e| e.feature == feature).unwrap();
    sentences(&c, e)
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

/// A median says nothing of which group is higher.
#[test]
fn ranks_have_the_direction_of_ranks() {
    let zeros = some(&[0.0; 12]);
    let drug = some(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0]);
    let said = of_groups("nas_grade", &[("vehicle", &zeros), ("drug", &drug)], false);
    let told = "drug is higher in rank than vehicle: difference of medians 0 percentage points, cliffs delta = 0.42, ";
    assert!(said[1].starts_with(told), "{said:?}");
    let said = of_groups("nas_grade", &[("vehicle", &drug), ("drug", &zeros)], false);
    assert!(said[1].starts_with("drug is lower in rank than vehicle: difference of medians 0 "), "{said:?}");
}

#[test]
fn groups_and_animals_without_the_primary_endpoint_are_told() {
    let values = some(&[1.0, 2.0, 3.0, 4.0]);
    let one_less = [None, Some(2.0), Some(2.5), Some(4.5)];
    let groups: [(&str, &[Option<f64>]); 3] =
        [("vehicle", &values), ("low", &one_less), ("high", &[None; 4])];
    let said = of_groups("fat_area_pct", &groups, false);
    assert_eq!(said[1], "fat area pct: no animal of high has a value: not compared.");
    assert_eq!(said[2], "fat area pct: animals without a value: 1 of 4 in low.");
    let whole = of_groups("fat_area_pct", &groups[..1], false);
    assert!(
        whole.iter().all(|line| !line.contains("without a value") && !line.contains("not compared")),
        "{whole:?}"
    );
}

#[test]
fn trends_are_told_with_their_notes() {
    let groups = [[1.0, 1.5, 1.2, 1.1], [2.0, 2.5, 2.2, 2.4], [3.0, 3.5, 3.1, 3.3]].map(|g| some(&g));
    let [a, b, c] = groups.each_ref().map(Vec::as_slice);
    let said = of_groups("fat_area_pct", &[("vehicle", a), ("low", b), ("high", c)], true);
    let ranks = said.iter().find(|line| line.contains("jonckheere terpstra: z = ")).unwrap();
    assert!(ranks.starts_with("fat area pct rises with dose (jonckheere terpstra: z = "), "{said:?}");
    assert!(ranks.ends_with("; exact; doses 0 < 1 < 2 mg/kg)."), "{said:?}");
    let slope = said.iter().find(|line| line.contains("linear dose contrast: t(")).unwrap();
    assert!(slope.starts_with("Check of the trend: fat area pct rises with dose ("), "{said:?}");
    assert!(slope.contains("; slope 1.") && slope.ends_with(" per mg/kg)."), "{said:?}");
    let falls = of_groups("fat_area_pct", &[("vehicle", c), ("low", b), ("high", a)], true);
    assert!(falls.iter().any(|line| line.starts_with("fat area pct falls with dose (jonck")), "{falls:?}");
    let flat = of_groups("fat_area_pct", &[("vehicle", a), ("low", b), ("high", a)], true);
    assert!(
        flat.iter().any(|line| line.starts_with("fat area pct is not shown to follow the dose (jonck")),
        "{flat:?}"
    );
    // Nobody asked for doses.
    assert!(
        of_groups("fat_area_pct", &[("vehicle", a), ("low", b), ("high", c)], false)
            .iter()
            .all(|l| !l.contains("dose"))
    );
}
