use super::*;
use crate::report::test_slide::{NUCLEUS, VEIN, object};

fn text(structures: &[Object], cells: &[Object]) -> String {
    text_without(structures, cells, &[])
}

/// The file where classes are too coarse to count.
fn text_without(structures: &[Object], cells: &[Object], coarse: &[&str]) -> String {
    let mut out = Vec::new();
    write_to(&mut out, "a1", [structures, cells], coarse).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn features_are_what_qupath_reads() {
    let veins = [object(&VEIN, (3, 4), 8.0, &[12.5])];
    let nuclei = [object(&NUCLEUS, (-1, 7), 1.977_843, &[0.9, f32::NAN])];
    let expected = r#"{"type":"FeatureCollection","features":[
{"type":"Feature","id":"ID0","geometry":{"type":"Polygon","coordinates":[[[24,32],[40,32],[40,40],[24,40],[24,32]]]},"properties":{"objectType":"annotation","classification":{"name":"vein \"central\"","color":[255,0,0]},"isLocked":true,"measurements":{"area_um2":0.5,"diameter_um":12.5}}},
{"type":"Feature","id":"ID1","geometry":{"type":"Polygon","coordinates":[[[-1.98,13.84],[1.98,13.84],[1.98,15.82],[-1.98,15.82],[-1.98,13.84]]]},"properties":{"objectType":"detection","classification":{"name":"nucleus","color":[0,0,255]},"isLocked":false,"measurements":{"area_um2":0.5,"circularity":0.9}}}
]}
"#;
    let got = text(&veins, &nuclei);
    let json: serde_json::Value = serde_json::from_str(&got).unwrap();
    let id = |i: usize| json["features"][i]["id"].as_str().unwrap().to_owned();
    assert_eq!(got, expected.replace("ID0", &id(0)).replace("ID1", &id(1)));
}

#[test]
fn classes_that_are_too_coarse_to_count_say_so() {
    let summary = crate::report::test_slide::summary(false);
    assert_eq!(too_coarse(&summary), [NUCLEUS.name]);
    let (veins, nuclei) = (
        [object(&VEIN, (3, 4), 8.0, &[])],
        [object(&NUCLEUS, (1, 7), 2.0, &[]), object(&NUCLEUS, (9, 7), 2.0, &[])],
    );
    let text = text_without(&veins, &nuclei, &too_coarse(&summary));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let name = |i: usize| json["features"][i]["properties"]["classification"]["name"].as_str().unwrap();
    let coarse = "nucleus (too coarse to count)";
    assert_eq!([name(0), name(1), name(2)], [VEIN.name, coarse, coarse]);
}

#[test]
fn a_slide_without_objects_is_an_empty_collection() {
    assert_eq!(text(&[], &[]), "{\"type\":\"FeatureCollection\",\"features\":[\n]}\n");
}

#[test]
fn ids_are_uuids_unique_and_repeatable() {
    let same_place: Vec<_> = (0..50).map(|_| object(&NUCLEUS, (1, 1), 1.0, &[])).collect();
    let ids = || -> Vec<String> {
        let json: serde_json::Value = serde_json::from_str(&text(&[], &same_place)).unwrap();
        json["features"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap().to_owned()).collect()
    };
    let unique: std::collections::BTreeSet<_> = ids().into_iter().collect();
    assert_eq!(unique.len(), 50);
    assert_eq!(ids(), ids());
    for id in unique {
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert!(id.as_bytes()[14] == b'8' && matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
    }
}

#[test]
fn coordinates_are_short() {
    fn t(v: f64, expected: &str) {
        let mut line = Vec::new();
        push_coordinate(&mut line, v).unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
    t(0.0, "0");
    t(-0.001, "0");
    t(12.0, "12");
    t(12.5, "12.5");
    t(12.05, "12.05");
    t(12.999, "13");
    t(-0.25, "-0.25");
    t(123_456.789, "123456.79");
}
