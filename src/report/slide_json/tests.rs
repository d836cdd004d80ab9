use super::*;
use crate::{annotation::Annotations, report::test_slide};

fn text(blank: bool) -> String {
    let rubric = test_slide::rubric();
    String::from_utf8(to_json("a1", &test_slide::summary(blank), rubric.origin()).unwrap()).unwrap()
}

fn json(blank: bool) -> Json {
    serde_json::from_str(&text(blank)).unwrap()
}

#[test]
fn blank_slides_say_so_everywhere() {
    let json = json(true);
    assert_eq!(json["status"], "blank");
    assert_eq!((&json["stain"], &json["damage_index"]["value"]), (&Json::Null, &Json::Null));
    for feature in json["features"].as_array().unwrap() {
        assert_eq!(
            (&feature["value"], &feature["missing"]["text"]),
            (&Json::Null, &"the slide is blank".into())
        );
    }
    for object in json["objects"].as_array().unwrap() {
        assert_eq!((&object["count"], &object["missing"]["reason"]), (&Json::Null, &"blank".into()));
    }
    for finding in json["findings"].as_array().unwrap() {
        assert_eq!((&finding["status"], &finding["grade"]), (&"not_scored".into(), &Json::Null));
    }
}

#[test]
fn no_folder_person_or_group_is_told() {
    for word in ["/data", "A. Person", "group", "animal"] {
        assert!(
            !text(false).replace("between groups processed", "").replace("control group", "").contains(word),
            "{word}"
        );
    }
}

#[test]
fn everything_measured_is_told() {
    let expected = include_str!("expected.json").replace("VERSION", env!("CARGO_PKG_VERSION"));
    let rubric = test_slide::rubric();
    let expected = expected.replace("SHA256", &rubric.origin().sha256);
    assert_eq!(text(false), expected);
}

#[test]
fn what_was_chosen_is_told() {
    let mut summary = test_slide::summary(false);
    summary.options.species = crate::organ::species::find("mouse").unwrap();
    let drawn = Annotations { file: "drawn.geojson".into(), sha256: "5f".into(), ..Annotations::default() };
    summary.options.annotations = Some(drawn.into());
    let json: Json =
        serde_json::from_slice(&to_json("a1", &summary, test_slide::rubric().origin()).unwrap()).unwrap();
    let expected = serde_json::json!({
        "species": "mouse",
        "max_artefact_pct": 40.0,
        "annotations": {"file": "drawn.geojson", "sha256": "5f", "areas": 0},
        "fields": null,
    });
    assert_eq!(json["settings"], expected);
}
