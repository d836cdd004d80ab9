use super::*;
use crate::{organ, score::rubric::tests::measured};

#[test]
fn grades_begin_where_the_papers_say() {
    fn t(name: &str, feature: &'static str, value: f64, field_number: f64, expected: u8) {
        let found = of_slide("liver", &[measured(feature, Ok(value))], field_number);
        let item = found.iter().find(|p| p.name == name).unwrap();
        assert_eq!(item.grade, Ok(f64::from(expected)), "{name} {value}");
    }
    for (value, grade) in [(4.99, 0), (5.0, 1), (33.0, 1), (33.01, 2), (66.0, 2), (66.01, 3)] {
        t("nas_steatosis", "steatotic_hepatocyte_pct", value, 22.0, grade);
        t("liang_macrosteatosis", "macro_affected_area_pct", value, 22.0, grade);
    }
    // Cut-offs per mm² of domain.md §4.5.
    for (value, grade) in [(0.0, 0), (0.01, 1), (2.10, 1), (2.11, 2), (4.20, 2), (4.22, 3)] {
        t("nas_lobular_inflammation", FOCI, value, 22.0, grade);
    }
    t("nas_lobular_inflammation", FOCI, 2.5, 20.0, 1);
    for (value, grade) in [(0.131, 0), (0.132, 1), (0.263, 1), (0.264, 2), (0.526, 2), (0.527, 3)] {
        t("liang_inflammation", FOCI, value, 22.0, grade);
    }
    for (value, grade) in [(0.0, 0), (0.263, 1), (0.264, 2), (1.052, 2), (1.053, 3), (2.63, 3), (2.632, 4)] {
        t("ishak_c", FOCI, value, 22.0, grade);
    }
    for (value, grade) in [(0.05, 0), (0.06, 1), (30.0, 2), (30.1, 3), (60.1, 4)] {
        t("suzuki_necrosis", "necrosis_area_pct", value, 22.0, grade);
    }
}

#[test]
fn items_are_of_known_organs_and_say_what_is_missing() {
    for rule in RULES {
        assert!(organ::find(rule.organ).is_some() && rule.max() <= 10, "{}", rule.name);
    }
    let missing = of_slide("liver", &[measured(FOCI, Err(Missing::Blank))], 22.0);
    assert_eq!(missing.len(), items("liver").count());
    assert_eq!(missing[1].grade, Err(Missing::Blank));
    // A sum without all of its parts is none.
    assert!(missing.iter().find(|p| p.name == "nas").unwrap().grade.is_err());
}

#[test]
fn too_little_looked_at_gives_no_published_score() {
    fn t(organ: &str, features: &[(&'static str, f64)], names: &[&str], expected: &str) {
        let measured: Vec<_> = features.iter().map(|&(f, v)| measured(f, Ok(v))).collect();
        let found = of_slide(organ, &measured, 22.0);
        for name in names {
            let grade = &found.iter().find(|p| p.name == *name).unwrap().grade;
            assert_eq!(grade.as_ref().unwrap_err().to_string(), expected, "{name}");
        }
    }
    let foci = ["nas_lobular_inflammation", "saf_lobular_inflammation", "liang_inflammation", "ishak_c"];
    let liver = "0.2 mm² of liver, at least 4 needed";
    t("liver", &[("analysed_area_mm2", 0.2), (FOCI, 0.0)], &foci, liver);
    let necrosis = [("analysed_area_mm2", 0.02), ("necrosis_area_pct", 0.0)];
    t("liver", &necrosis, &["suzuki_necrosis"], "0.02 mm² of liver, at least 0.05 needed");
    t(
        "kidney",
        &[("glom_whole_n", 2.0), ("glom_sclerosis_index", 0.0), ("glom_shrunken_pct", 0.0)],
        &["glomerulosclerosis_index", "egti_g_surrogate"],
        "2 whole glomeruli, at least 3 needed",
    );
    t(
        "pancreas",
        &[("islet_count_n", 1.0), ("insulitis_score_mean", 0.0)],
        &["insulitis_mean"],
        "1 islet, at least 2 needed",
    );
}

#[test]
fn sums_are_of_their_parts() {
    let found = of_slide(
        "liver",
        &[
            measured("steatotic_hepatocyte_pct", Ok(40.0)),
            measured(FOCI, Ok(3.0)),
            measured(BALLOONED, Ok(1.0)),
        ],
        22.0,
    );
    let grade = |name: &str| found.iter().find(|p| p.name == name).unwrap().grade.clone();
    assert_eq!((grade("nas"), grade("saf_activity"), grade("saf_steatosis")), (Ok(5.0), Ok(3.0), Ok(2.0)));
    assert_eq!(items("liver").find(|(name, _)| *name == "nas"), Some(("nas", 8)));
    assert_eq!(items("liver").find(|(name, _)| *name == "saf_activity"), Some(("saf_activity", 4)));
}

#[test]
fn kidney_and_pancreas_rules() {
    fn t(organ: &str, name: &str, features: &[(&'static str, f64)], expected: f64) {
        let measured: Vec<_> = features.iter().map(|&(f, v)| measured(f, Ok(v))).collect();
        let found = of_slide(organ, &measured, 22.0);
        let item = found.iter().find(|p| p.name == name).unwrap();
        assert_eq!(item.grade, Ok(expected), "{name} {features:?}");
        assert!(expected <= f64::from(item.max));
    }
    t("kidney", "glomerulosclerosis_index", &[("glom_sclerosis_index", 0.9)], 0.9);
    for (value, grade) in [(0.0, 0.0), (10.0, 1.0), (10.1, 2.0), (25.1, 3.0), (50.1, 4.0), (75.1, 5.0)] {
        t("kidney", "tubular_injury_0_5", &[("tubule_injured_pct", value)], grade);
    }
    let egti = |injured, necrosis, casts, inflamed, shrunken| {
        [
            ("tubule_injured_pct", injured),
            ("tubule_necrosis_pct", necrosis),
            ("cast_tubule_pct", casts),
            ("inflamed_cortex_pct", inflamed),
            ("glom_shrunken_pct", shrunken),
        ]
    };
    t("kidney", "egti_surrogate", &egti(0.0, 0.0, 0.0, 0.0, 0.0), 0.0);
    t("kidney", "egti_surrogate", &egti(30.0, 0.0, 5.0, 10.0, 0.0), 4.0);
    t("kidney", "egti_surrogate", &egti(10.0, 70.0, 5.0, 10.0, 20.0), 10.0);
    // A healthy kidney has a few casts; grades 1 to 3 follow each other.
    for (injured, necrosis, casts, grade) in [
        (3.0, 0.2, 1.5, 0.0),
        (8.1, 0.2, 1.5, 1.0),
        (25.0, 5.0, 6.0, 1.0),
        (25.1, 0.0, 0.0, 2.0),
        (25.1, 0.0, 1.1, 3.0),
        (10.0, 30.0, 0.0, 3.0),
        (10.0, 60.1, 0.0, 4.0),
    ] {
        t("kidney", "egti_t_surrogate", &egti(injured, necrosis, casts, 0.0, 0.0), grade);
    }
    t("pancreas", "insulitis_mean", &[("insulitis_score_mean", 1.25)], 1.25);
    t("pancreas", "pancreatitis_necrosis", &[("acinar_pyknotic_pct", 5.1)], 2.0);
    t("pancreas", "pancreatitis_oedema_surrogate", &[("pancreas_gap_pct", 41.0)], 3.0);
}
