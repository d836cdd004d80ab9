use super::*;

#[test]
fn lesions_of_too_few_tubules_stay_ungraded_on_the_animal() {
    let endpoint = |feature: &str| Endpoint { tissue: "kidney".into(), feature: feature.into() };
    let names = ["tubule_dilated_pct", "tubular_dilation_score"].map(endpoint);
    let subject = |values: &[(&str, f64)]| Subject {
        id: "a".into(),
        group: "normal".into(),
        animals: vec!["a".into()],
        values: values.iter().map(|&(f, v)| (endpoint(f), v)).collect(),
        ..Subject::default()
    };
    let mut cohort = Cohort {
        subjects: vec![
            subject(&[("tubule_dilated_pct", 30.0)]),
            subject(&[("tubule_dilated_pct", 30.0), ("tubular_dilation_score", 2.7)]),
        ],
        endpoints: names.iter().map(|e| (e.clone(), String::new())).collect(),
        ..Cohort::default()
    };
    rescore(&mut cohort, &Rubric::builtin().unwrap(), None, Unit::Animal);
    let scored = cohort.subjects.iter().map(|s| s.values.contains_key(&names[1]));
    assert_eq!(scored.collect::<Vec<_>>(), [false, true]);
}

/// A subject with these values, counts of its slides and numbers of objects.
fn subject(tissue: &str, [values, totals, objects]: [&[(&str, f64)]; 3]) -> Subject {
    let of = |all: &[(&str, f64)]| -> BTreeMap<Endpoint, f64> {
        let endpoint = |feature: &str| Endpoint { tissue: tissue.into(), feature: feature.into() };
        all.iter().map(|&(feature, value)| (endpoint(feature), value)).collect()
    };
    Subject {
        id: "a".into(),
        group: "normal".into(),
        animals: vec!["a".into()],
        values: of(values),
        totals: of(totals),
        objects: of(objects),
        ..Subject::default()
    }
}

/// What becomes of these columns of a subject by a rubric.
fn graded(rubric: &Rubric, tissue: &str, subject: Subject, columns: &[&str]) -> Vec<Option<f64>> {
    let endpoint = |feature: &&str| Endpoint { tissue: tissue.into(), feature: (*feature).to_owned() };
    let known = |e: Endpoint| (e, "0 to 4".to_owned());
    let endpoints = columns.iter().map(endpoint).chain(subject.values.keys().cloned()).map(known).collect();
    let mut cohort = Cohort { subjects: vec![subject], endpoints, ..Cohort::default() };
    rescore(&mut cohort, rubric, None, Unit::Animal);
    columns.iter().map(|c| cohort.subjects[0].values.get(&endpoint(c)).copied()).collect()
}

#[test]
fn published_items_are_graded_on_the_animals_own_values() {
    let t = |tissue: &str, of: [&[(&str, f64)]; 3], expected: &[(&str, Option<f64>)]| {
        let columns: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
        let found = graded(&Rubric::builtin().unwrap(), tissue, subject(tissue, of), &columns);
        assert_eq!(found, expected.iter().map(|(_, grade)| *grade).collect::<Vec<_>>(), "{of:?}");
    };
    // Slides of indices 0, 2.83 and 0 on 7, 6 and 4 glomeruli: the median of them is no index of the animal.
    let index = "glomerulosclerosis_index_grade";
    t(
        "kidney",
        [&[("glom_sclerosis_index", 1.0), (index, 0.0)], &[("glom_whole_n", 17.0)], &[]],
        &[(index, Some(1.0))],
    );
    t(
        "kidney",
        [&[("glom_sclerosis_index", 1.0), (index, 0.0)], &[("glom_whole_n", 2.0)], &[]],
        &[(index, None)],
    );
    // One islet on each of two slides, which have no grade.
    let insulitis = "insulitis_mean_grade";
    t(
        "pancreas",
        [&[("insulitis_score_mean", 0.0)], &[("islet_count_n", 2.0)], &[]],
        &[(insulitis, Some(0.0))],
    );
    // Medians of slides that do not add up: the sum is of the animal's items.
    let tubules = [("tubule_injured_pct", 9.0), ("tubule_necrosis_pct", 0.0), ("cast_tubule_pct", 0.0)];
    let rest = [("inflamed_cortex_pct", 2.0), ("glom_shrunken_pct", 12.0)];
    let slides = [("egti_t_surrogate_grade", 0.5), ("egti_surrogate_grade", 2.5)];
    t(
        "kidney",
        [
            &[&tubules[..], &rest, &slides].concat(),
            &[("glom_whole_n", 9.0)],
            &[("tubule_dilated_pct", 291.0)],
        ],
        &[
            ("egti_t_surrogate_grade", Some(1.0)),
            ("egti_i_surrogate_grade", Some(1.0)),
            ("egti_g_surrogate_grade", Some(2.0)),
            ("egti_surrogate_grade", Some(4.0)),
        ],
    );
    // What the results lack the values of stays as it is, and is part of the sum.
    t(
        "kidney",
        [
            &[("glom_shrunken_pct", 12.0), ("egti_t_surrogate_grade", 2.0), ("egti_i_surrogate_grade", 1.0)],
            &[("glom_whole_n", 9.0)],
            &[],
        ],
        &[("egti_t_surrogate_grade", Some(2.0)), ("egti_surrogate_grade", Some(5.0))],
    );
}

#[test]
fn items_that_the_results_do_not_hold_are_not_added() {
    let tubules = subject("liver", [&[("steatotic_hepatocyte_pct", 40.0)], &[], &[]]);
    let endpoint = |feature: &str| Endpoint { tissue: "liver".into(), feature: feature.into() };
    let endpoints = vec![(endpoint("steatotic_hepatocyte_pct"), "%".to_owned())];
    let mut cohort = Cohort { subjects: vec![tubules], endpoints, ..Cohort::default() };
    rescore(&mut cohort, &Rubric::builtin().unwrap(), None, Unit::Animal);
    assert!(!cohort.subjects[0].values.contains_key(&endpoint("nas_steatosis_grade")));
}

/// The built-in rubric with a text in place of another.
fn edited(from: &str, to: &str) -> Rubric {
    let text = include_str!("../../../models/rubric/rubric.json");
    assert!(text.contains(from), "{from}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text.replace(from, to)).unwrap();
    Rubric::load(file.path()).unwrap()
}

#[test]
fn counts_per_field_follow_the_rubric_of_the_comparison() {
    let columns = ["nas_lobular_inflammation_grade", "saf_lobular_inflammation_grade", "ishak_c_grade"];
    let t = |rubric: &Rubric, expected: [f64; 3]| {
        let slides =
            [("inflammatory_foci_per_mm2", 1.954), (columns[0], 1.0), (columns[1], 1.0), (columns[2], 3.0)];
        let animal = subject("liver", [&slides, &[("analysed_area_mm2", 5.0)], &[]]);
        assert_eq!(graded(rubric, "liver", animal, &columns), expected.map(Some));
    };
    t(&Rubric::builtin().unwrap(), [1.0, 1.0, 3.0]);
    t(&edited("\"field_number_mm\": 22.0", "\"field_number_mm\": 26.5"), [2.0, 2.0, 4.0]);
}

#[test]
fn grades_by_another_field_number_do_not_stay() {
    let mut animal = subject(
        "liver",
        [&[("ishak_c_grade", 3.0), ("nas_grade", 3.0), ("nas_steatosis_grade", 1.0)], &[], &[]],
    );
    animal.slides = animal.values.iter().map(|(e, v)| (e.clone(), vec![*v])).collect();
    let mut cohort = Cohort { subjects: vec![animal], ..Cohort::default() };
    cohort.forget_scores_of_slides();
    let left = |names: Vec<&Endpoint>| names.iter().map(|e| e.feature.clone()).collect::<Vec<_>>();
    let Subject { values, slides, .. } = &cohort.subjects[0];
    assert_eq!(left(values.keys().collect()), ["nas_steatosis_grade"]);
    assert_eq!(left(slides.keys().collect()), ["nas_steatosis_grade"]);
    assert!(cohort.by_another_rubric);
}

#[test]
fn measurements_stay_whatever_they_are_called() {
    let names = [("brush_border_index", 0.4), ("kidney_damage_index", 30.0), ("casts_score", 1.0)];
    let mut animal = subject("kidney", [&names, &[], &[]]);
    animal.slides = animal.values.iter().map(|(e, v)| (e.clone(), vec![*v])).collect();
    let mut cohort = Cohort { subjects: vec![animal], ..Cohort::default() };
    cohort.forget_scores_of_slides();
    let left: Vec<&str> = cohort.subjects[0].slides.keys().map(|e| e.feature.as_str()).collect();
    assert_eq!(left, ["brush_border_index"]);
}

#[test]
fn objects_of_all_slides_are_counted() {
    let t = |nuclei: Option<f64>, expected: [Option<f64>; 2]| {
        let values = [("steatotic_hepatocyte_pct", 66.0)];
        let objects = nuclei.map(|n| ("hepatocyte_nuclear_density_per_mm2", n));
        let animal = subject("liver", [&values, &[], objects.as_slice()]);
        // Scored by a rubric that judges macrosteatosis by other numbers: no slide tells of it.
        let rubric = edited("\"macro_affected_area_pct\"", "\"steatotic_hepatocyte_pct\"");
        let found = graded(&rubric, "liver", animal, &["macrosteatosis_score", "nas_steatosis_grade"]);
        assert_eq!(found, expected, "{nuclei:?}");
    };
    t(Some(585.0), [Some(2.5), Some(2.0)]);
    t(Some(299.0), [None, None]);
    // Results of earlier versions do not tell.
    t(None, [None, None]);
}

#[test]
fn severity_is_of_the_grade() {
    let t = |casts: f64, expected: &str| {
        let animal =
            subject("kidney", [&[("cast_tubule_pct", casts)], &[], &[("tubule_dilated_pct", 300.0)]]);
        let mut cohort = Cohort { subjects: vec![animal], ..Cohort::default() };
        cohort.endpoints =
            vec![(Endpoint { tissue: "kidney".into(), feature: "cast_tubule_pct".into() }, "%".into())];
        rescore(&mut cohort, &Rubric::builtin().unwrap(), None, Unit::Animal);
        let score = Endpoint { tissue: "kidney".into(), feature: "casts_score".into() };
        assert_eq!(cohort.subjects[0].severities[&score], expected, "{casts}");
    };
    // The score is 0.5 on the first cut-off, which equality does not pass.
    t(1.0, "within normal limits");
    t(1.01, "minimal");
}

#[test]
fn indices_that_nobody_has_have_no_order() {
    let groups =
        |a: &[f64], b: &[f64]| BTreeMap::from([("a".to_owned(), a.to_vec()), ("b".to_owned(), b.to_vec())]);
    let t = |usual: BTreeMap<String, Vec<f64>>| {
        let all = vec![(AS_DEFINED.into(), usual), ("without x".into(), groups(&[3.0], &[4.0]))];
        rows("liver", all, &BTreeMap::new())
    };
    let none = t(groups(&[], &[]));
    assert!(none.iter().all(|s| !s.order_changes) && order_notes(&none, Unit::Animal).is_empty(), "{none:?}");
    let one = t(groups(&[1.0], &[]));
    assert!(one.iter().all(|s| !s.order_changes) && order_notes(&one, Unit::Animal).is_empty(), "{one:?}");
    assert_eq!(order_notes(&t(groups(&[5.0], &[4.0])), Unit::Animal).len(), 1);
}

#[test]
fn groups_without_an_index_are_told() {
    let group = |name: &str, values: &[f64]| (name.to_owned(), values.to_vec());
    let usual = [group("diabetic", &[]), group("high", &[20.0, 22.0]), group("normal", &[3.0, 4.0])];
    let measured = usual.iter().map(|(name, _)| (name.clone(), 2)).collect();
    let all = rows("pancreas", vec![(AS_DEFINED.into(), BTreeMap::from(usual))], &measured);
    assert_eq!(
        order_notes(&all, Unit::Cage),
        [
            "pancreas: the order of the groups by damage index (high, normal; the most damaged first) is the same under all 1 sets \
             of weights; not all cages have an index: 0 of 2 in diabetic"
        ]
    );
}

#[test]
fn changes_of_order_are_told() {
    let groups = |a: f64, b: f64| BTreeMap::from([("a".to_owned(), vec![a]), ("b".to_owned(), vec![b, b])]);
    let all = rows(
        "liver",
        vec![
            ("as defined".into(), groups(10.0, 30.0)),
            ("equal weights".into(), groups(12.0, 20.0)),
            ("without x".into(), groups(25.0, 20.0)),
        ],
        &BTreeMap::from([("a".to_owned(), 6), ("b".to_owned(), 2)]),
    );
    let found: Vec<_> = all.iter().map(|s| (s.group.as_str(), s.n, s.rank, s.order_changes)).collect();
    assert_eq!(found[..2], [("a", 1, Some(2), false), ("b", 2, Some(1), false)]);
    assert_eq!(found[4..], [("a", 1, Some(1), true), ("b", 2, Some(2), true)]);
    assert_eq!(
        order_notes(&all, Unit::Animal),
        [
            "liver: the order of the groups by damage index (b, a; the most damaged first) changes under 1 of 3 sets of weights \
             (without x); not all animals have an index: 1 of 6 in a"
        ]
    );
}
