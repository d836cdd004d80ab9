use serde_json::{Value as Json, json};

use super::*;
use crate::{
    measure::feature::{Direction, Evidence, Feature},
    organ::{ORGANS, find},
};

fn builtin() -> Rubric {
    Rubric::builtin().unwrap()
}

/// Returns the built-in rubric with one value replaced; `path` as in [`Change::path`].
fn edited(pointer: &str, value: Json) -> Json {
    let mut file: Json = serde_json::from_str(BUILTIN).unwrap();
    *file.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    file
}

fn parse(file: &Json) -> Result<Rubric> {
    Rubric::parse("lab.json", file.to_string().as_bytes())
}

/// Returns a feature of that name as measured.
pub(crate) fn measured(name: &'static str, value: Result<f64, Missing>) -> Measured {
    let feature: &'static Feature = Box::leak(Box::new(Feature {
        name,
        unit: "%",
        direction: Direction::Up,
        max_mpp: 1.0,
        evidence: Evidence::Expert,
        source: "test",
        measure: |_| Err(Missing::Calibration),
    }));
    Measured { feature, value: value.map(|value| Value { value, n: 1, denominator: 1.0 }) }
}

#[test]
fn builtin_rubric_is_valid_and_complete() {
    let rubric = builtin();
    assert_eq!((rubric.origin().name.as_str(), rubric.origin().changed.len()), ("built-in", 0));
    assert_eq!(rubric.origin().sha256.len(), 64);
    let lesions: Vec<_> = ORGANS.iter().map(|o| (o.name, rubric.lesions(o).len())).collect();
    assert_eq!(lesions, [("liver", 10), ("kidney", 16), ("pancreas", 15)]);
    let weights: Vec<f64> = ORGANS.iter().map(|o| rubric.lesions(o).iter().map(|l| l.weight).sum()).collect();
    assert_eq!(weights, [8.5, 14.0, 14.0]);
}

#[test]
fn every_weighted_lesion_is_in_one_sub_index() {
    for organ in ORGANS.iter().filter(|o| !o.sub_indices.is_empty()) {
        let mut listed: Vec<&str> =
            organ.sub_indices.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        let lesions = builtin().lesions(organ).to_vec();
        for lesion in
            lesions.iter().filter(|l| l.weight > 0.0 || listed.contains(&l.id.as_str())).collect::<Vec<_>>()
        {
            let place = listed.iter().position(|id| *id == lesion.id);
            listed
                .remove(place.unwrap_or_else(|| panic!("{}: {} is in no sub-index", organ.name, lesion.id)));
        }
        assert!(listed.is_empty(), "{}: unknown or repeated {listed:?}", organ.name);
    }
}

#[test]
fn severity_words() {
    fn t(continuous: f64, max: u8, expected: &str) {
        assert_eq!(builtin().severity(continuous, max), expected, "{continuous} of {max}");
    }
    t(0.0, 4, "within normal limits");
    t(0.49, 4, "within normal limits");
    t(0.5, 4, "minimal");
    t(1.5, 4, "mild");
    t(2.5, 4, "moderate");
    t(3.49, 4, "moderate");
    t(3.5, 4, "marked");
    t(4.0, 4, "marked");
    // Stretched × 4/3 before the word is chosen, but for grade 0.
    t(0.37, 3, "within normal limits");
    t(0.49, 3, "within normal limits");
    t(0.49, 2, "within normal limits");
    t(0.5, 3, "minimal");
    t(1.2, 3, "mild");
    t(2.0, 3, "moderate");
    t(3.0, 3, "marked");
    t(2.0, 2, "marked");
}

#[test]
fn grade_0_has_no_severity() {
    let of = |organ: &str, lesion: &str, value: f64| {
        let rubric = builtin();
        let lesion = rubric.lesions(find(organ).unwrap()).iter().find(|l| l.id == lesion).unwrap();
        let Outcome::Scored { grade, severity, .. } = rubric.grade(lesion, value) else { panic!() };
        (grade, severity)
    };
    let normal = || "within normal limits".to_owned();
    assert_eq!(of("liver", "macrosteatosis", 4.9), (0, normal()));
    assert_eq!(of("liver", "macrosteatosis", 5.0), (1, "minimal".to_owned()));
    // On a cut-off that equality does not pass.
    assert_eq!(of("kidney", "casts", 1.0), (0, normal()));
}

#[test]
fn findings_say_why_they_are_not_scored() {
    let liver = find("liver").unwrap();
    let score = builtin().score(
        liver,
        &[
            measured("macro_affected_area_pct", Ok(40.0)),
            measured("micro_affected_area_pct", Ok(0.0)),
            measured("necrosis_area_pct", Err(Missing::NoStructure { what: "parenchyma" })),
            measured("rbc_area_pct", Ok(3.0)),
            measured("cytoplasm_clearing_pct", Ok(f64::NAN)),
        ],
    );
    let of = |id: &str| score.findings.iter().find(|f| f.lesion == id).unwrap().clone();
    let Outcome::Scored { grade, severity, .. } = of("macrosteatosis").outcome else { panic!() };
    assert_eq!((grade, severity.as_str(), of("macrosteatosis").value), (2, "mild", Some(40.0)));
    let zero = Outcome::Scored { grade: 0, continuous: 0.0, severity: "within normal limits".into() };
    assert_eq!(of("microsteatosis").outcome, zero);
    let why = |id: &str| match of(id).outcome {
        Outcome::NotScored { missing } => missing.to_string(),
        Outcome::Scored { .. } => panic!("{id} is scored"),
    };
    assert_eq!(why("necrosis"), "no parenchyma found");
    assert_eq!(
        (why("congestion").as_str(), of("congestion").value),
        ("needs the study's control group", Some(3.0))
    );
    assert_eq!(why("cytoplasmic_clearing"), "not measured by this version: the value is not finite");
    assert_eq!(why("ballooning"), "not measured by this version: the feature is not computed");
    assert_eq!((score.index.name.as_str(), score.index.value), ("liver_damage_index", None));
    // 3 of 8.5 could be scored; fibrosis weighs nothing and is not counted as missing.
    assert!((score.index.coverage - 3.0 / 8.5).abs() < 1e-12);
    assert_eq!(score.index.missing.len(), 7);
}

#[test]
fn changes_are_recorded() {
    fn t(pointer: &str, value: Json, expected: &[&str]) {
        let rubric = parse(&edited(pointer, value)).unwrap_or_else(|e| panic!("{pointer}: {e}"));
        let got: Vec<_> = rubric
            .origin()
            .changed
            .iter()
            .map(|c| format!("{} {} -> {}", c.path, c.default, c.now))
            .collect();
        assert_eq!(got, expected, "{pointer}");
        assert_eq!(rubric.warning().is_some(), !expected.is_empty());
        assert_ne!(rubric.origin().sha256, builtin().origin().sha256);
    }
    t("/organs/liver/lesions/0/weight", json!(2), &[]);
    t(
        "/organs/liver/lesions/0/weight",
        json!(3),
        &["organs.liver.lesions[macrosteatosis].weight 2.0 -> 3.0"],
    );
    t(
        "/organs/liver/lesions/0/cuts/0",
        json!(4.5),
        &["organs.liver.lesions[macrosteatosis].cuts[0] 5.0 -> 4.5"],
    );
    t(
        "/organs/liver/lesions/3/cuts/0",
        json!(0.2),
        &["organs.liver.lesions[lobular_inflammation].cuts[0] 0.13 -> 0.2"],
    );
    t(
        "/defaults/ordinal_labels/4",
        json!("severe"),
        &["defaults.ordinal_labels[4] \"marked\" -> \"severe\""],
    );
}

#[test]
fn cuts_per_field_follow_the_field_number() {
    let rubric = parse(&edited("/field_number_mm", json!(20.0))).unwrap();
    let lesion = &rubric.lesions(find("liver").unwrap())[3];
    let cuts: Vec<_> = lesion.cuts.iter().map(|c| format!("{c:.3}")).collect();
    assert_eq!(cuts, ["0.159", "0.318", "0.637"]);
    let paths: Vec<_> = rubric.origin().changed.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(paths.len(), 4, "{paths:?}");
    let other = parse(&edited("/organs/liver/lesions/3/per_field/counts", json!([1.0, 2.0, 4.0]))).unwrap();
    assert_eq!(format!("{:.3}", other.lesions(find("liver").unwrap())[3].cuts[0]), "0.263");
    // A file that holds what was recomputed, as a calibration writes it, is the same.
    let written = rubric.calibrated(&crate::calibrate::Calibration::default(), &[]).unwrap();
    let again = parse(&serde_json::from_slice(&written).unwrap()).unwrap();
    assert_eq!(again.lesions(find("liver").unwrap())[3].cuts, lesion.cuts);
}

#[test]
fn bad_rubrics_are_refused_with_the_place_at_fault() {
    fn t(pointer: &str, value: Json, expected: &str) {
        let text = parse(&edited(pointer, value)).map_or_else(|e| e.to_string(), |_| "accepted".into());
        assert_eq!(text, expected, "{pointer}");
    }
    let liver = |field: &str| format!("/organs/liver/lesions/0/{field}");
    let at = |rest: &str| format!("rubric lab.json: organs.liver.lesions[macrosteatosis].{rest}");
    t(
        &liver("id"),
        json!("macrosteatosys"),
        "rubric lab.json: organs.liver.lesions, expected only lesions of the liver (macrosteatosis, microsteatosis, \
         hypertrophy, lobular_inflammation, ballooning, necrosis, congestion, portal_inflammation, \
         cytoplasmic_clearing, fibrosis_he), got \"macrosteatosys\" (did you mean macrosteatosis?)",
    );
    t(
        &liver("id"),
        json!("necrosis"),
        "rubric lab.json: organs.liver.lesions, expected each lesion once, got necrosis",
    );
    t(
        &liver("feature"),
        json!("macro_affected_pct"),
        &at("feature, expected a feature of the liver, got \"macro_affected_pct\" (did you mean \
             macro_affected_area_pct?)"),
    );
    t(&liver("cuts"), json!([5, 3, 66]), &at("cuts, expected rising numbers above 0, got 5, 3, 66"));
    t(&liver("cuts"), json!([0, 3, 66]), &at("cuts, expected rising numbers above 0, got 0, 3, 66"));
    t(&liver("cuts"), json!([5, 33]), &at("max, expected 2, the number of cuts, got 3"));
    t(&liver("max"), json!(4), &at("max, expected 3, the number of cuts, got 4"));
    t(&liver("max"), json!(0), &at("max, expected 1 to 4, got 0"));
    t(&liver("inclusive"), json!([true]), &at("inclusive, expected 3 flags, one per cut, got 1"));
    t(&liver("weight"), json!(-0.5), &at("weight, expected 0 or more, got -0.5"));
    t(
        &liver("worse"),
        json!("down"),
        &at("worse, expected up, as compare is abs (a falling value needs controls: pct_ctrl), got down"),
    );
    t(&liver("compare"), json!("pct_ctrl"), &at("cuts, expected rising numbers above 100, got 5, 33, 66"));
    let pancreas = "rubric lab.json: organs.pancreas.lesions[islet_area_loss].cuts, expected falling numbers between 100";
    t(
        "/organs/pancreas/lesions/0/cuts",
        json!([80, 60, 40, 0]),
        &format!("{pancreas} and 0, got 80, 60, 40, 0"),
    );
    t(
        "/organs/liver/lesions/3/per_field/counts",
        json!([0.5, 1]),
        "rubric lab.json: organs.liver.lesions[lobular_inflammation].per_field.counts, expected 3 counts, one per cut, \
         got 2",
    );
    t("/field_number_mm", json!(0), "rubric lab.json: field_number_mm, expected 5 to 30 mm, got 0");
    t("/schema", json!("x/2"), "rubric lab.json: schema, expected he-damage-scoring/1, got x/2");
    t(
        "/species",
        json!("mouse"),
        "rubric lab.json: species, expected rat (the species this version is made for), got mouse",
    );
    t(
        "/defaults/min_weight_coverage",
        json!(70),
        "rubric lab.json: defaults.min_weight_coverage, expected 0 to 1, got 70",
    );
    t(
        "/defaults/ordinal_labels",
        json!(["a"]),
        "rubric lab.json: defaults.ordinal_labels, expected 5 words, got 1",
    );
}

#[test]
fn shape_of_the_file_is_checked() {
    fn t(text: &str, expected: &str) {
        let got =
            Rubric::parse("lab.json", text.as_bytes()).map_or_else(|e| e.to_string(), |_| "accepted".into());
        assert!(got.starts_with("rubric lab.json") && got.contains(expected), "{got}");
    }
    t("", "EOF while parsing");
    t("{}", "missing field `schema`");
    t(&BUILTIN.replacen("\"weight\"", "\"wieght\"", 1), "unknown field `wieght`");
    t(&BUILTIN.replacen("\"weight\": 2.0", "\"weight\": \"2.0\"", 1), "invalid type: string");
    t(&BUILTIN.replacen("\"liver\"", "\"kidney\"", 1), "kidney occurs twice");
    t(
        &BUILTIN.replacen("\"liver\"", "\"lung\"", 1),
        "organs, expected only liver, kidney, pancreas, got \"lung\"",
    );
    let mut file: Json = serde_json::from_str(BUILTIN).unwrap();
    file["organs"].as_object_mut().unwrap().shift_remove("kidney");
    t(&file.to_string(), "organs.kidney, expected its lesions, got nothing");
    let mut file = edited("/field_number_mm", json!(20));
    file["organs"]["liver"]["lesions"][3]["cuts"] = json!([0.2, 0.4, 0.8]);
    t(&file.to_string(), "lesions[lobular_inflammation].cuts, expected the built-in cuts");
}

#[test]
fn a_file_equal_to_the_built_in_rubric_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.json");
    std::fs::write(&path, BUILTIN).unwrap();
    let rubric = Rubric::load(&path).unwrap();
    assert_eq!(rubric.origin().name, "copy.json");
    assert_eq!(rubric.origin().sha256, builtin().origin().sha256);
    assert!(rubric.origin().changed.is_empty());
    assert!(matches!(Rubric::load(&folder.path().join("none.json")), Err(Error::Io { .. })));
}
