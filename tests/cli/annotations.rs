//! Drawn areas: out, edited and back.

use super::*;

/// Values of features of the only slide of a run.
fn features(folder: &Folder, run: &str) -> BTreeMap<String, Option<f64>> {
    let json = folder.json(&format!("{run}/slides/pancreas/result.json"));
    let of = |f: &Value| (f["name"].as_str().unwrap().to_owned(), f["value"].as_f64());
    json["features"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn annotations_go_out_are_edited_and_come_back() {
    let folder = Folder::new();
    let slide = folder.arg("pancreas.svs");
    let args = ["phantom", "--tissue", "pancreas", "--size", "3072", "--seed", "3", "-q", "-o", &slide];
    histograde(&args).assert().code(0);
    let score = |out: &str, more: &[&str]| {
        let out = folder.arg(out);
        let mut args = vec!["score", slide.as_str(), "--tissue", "pancreas", "-q", "-o", &out];
        args.extend(more);
        histograde(&args).assert().code(0);
    };
    score("first", &["--fields", "3", "--objective", "40"]);
    let fields = folder.rows("first/slides/pancreas/fields.csv");
    assert_eq!(fields.last().unwrap()["field"], "whole section");
    assert_eq!(fields.len(), 3 + 2);
    let before = features(&folder, "first");
    assert!(before["islet_count_n"].unwrap() >= 1.0, "{before:?}");

    // Unedited, it changes nothing.
    let drawn = folder.arg("first/slides/pancreas/objects.geojson");
    score("same", &["--annotations", &drawn, "--mpp", "0.5"]);
    assert_eq!(features(&folder, "same"), before);
    // The pixel size of the file, typed, is nothing to remark on.
    assert!(!folder.rows("same/slides.csv")[0]["warnings"].contains("given by the user"));

    // One islet is said to be none: its tissue is left out.
    let mut json = folder.json("first/slides/pancreas/objects.geojson");
    let list = json["features"].as_array_mut().unwrap();
    let mut islets: Vec<&mut Value> =
        list.iter_mut().filter(|f| f["properties"]["classification"]["name"] == "islet").collect();
    let all = islets.len();
    islets[0]["properties"]["classification"]["name"] = "Ignore*".into();
    let edited = folder.text("pancreas.geojson", &json.to_string());
    score("edited", &["--annotations", &edited]);
    let after = features(&folder, "edited");
    let whole = |f: &BTreeMap<String, Option<f64>>| f["islet_count_n"].unwrap_or(0.0);
    assert!(whole(&after) < whole(&before), "{all}: {after:?}");
    assert!(after["analysed_area_mm2"] < before["analysed_area_mm2"]);

    // A square drawn as an islet is one, of its own size; a folder holds one file per slide.
    let square = r#"{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1400,1400],[1800,1400],[1800,1800],
        [1400,1800],[1400,1400]]]},"properties":{"objectType":"annotation","classification":{"name":"Islet"}}}"#;
    fs::create_dir(folder.path("drawn")).unwrap();
    folder.text("drawn/pancreas.geojson", square);
    score("square", &["--annotations", &folder.arg("drawn")]);
    let objects = folder.json("square/slides/pancreas/objects.geojson");
    let areas = objects["features"].as_array().unwrap().iter();
    let areas = areas.filter(|f| f["properties"]["classification"]["name"] == "islet");
    let areas: Vec<f64> =
        areas.filter_map(|f| f["properties"]["measurements"]["area_um2"].as_f64()).collect();
    assert!(areas.iter().any(|a| (a / 40_000.0 - 1.0).abs() < 0.02), "{areas:?}");

    // Nothing that was drawn goes without a word.
    let far = square.replace("1400", "9400").replace("1800", "9800");
    let unknown = folder.text("unknown.geojson", &square.replace("Islet", "Foo"));
    let outside = folder.text("outside.geojson", &far.replace("Islet", "Region"));
    score("unknown", &["--annotations", &unknown, "--species", "mouse"]);
    let settings = folder.json("unknown/slides/pancreas/result.json")["settings"].clone();
    let row = folder.rows("unknown/slides.csv").remove(0);
    assert_eq!((row["species"].as_str(), &settings["species"]), ("mouse", &"mouse".into()));
    assert_eq!(
        (row["annotations"].as_str(), &settings["annotations"]["areas"]),
        ("unknown.geojson", &1.into())
    );
    assert_eq!(settings["annotations"]["sha256"], row["annotations_sha256"].as_str());
    let run = folder.json("unknown/run.json")["settings"].clone();
    assert_eq!(run["species"]["mouse"], 1);
    assert_eq!(run["annotations"]["pancreas"]["sha256"], row["annotations_sha256"].as_str());
    score("unknown", &["--annotations", &unknown]);
    assert_eq!(features(&folder, "unknown"), before);
    let out = folder.arg("unknown");
    let again = ["score", &slide, "--tissue", "pancreas", "--annotations", &unknown, "-o", &out];
    let told = "drawn areas not used, see its warnings: 1: pancreas";
    histograde(&again).assert().code(0).stderr(contains(told));
    let warnings = |run: &str| folder.rows(&format!("{run}/slides.csv"))[0]["warnings"].clone();
    assert!(warnings("unknown").contains("unknown class were not used: Foo (1); known on pancreas: ignore"));
    let used = |run: &str| folder.rows(&format!("{run}/slides.csv"))[0]["annotations_used"].clone();
    assert_eq!(["first", "square", "unknown"].map(used), ["", "1", "0"]);
    score("outside", &["--annotations", &outside]);
    let said = warnings("outside");
    assert!(said.contains("lie outside the slide (3072 × 3072 px): Region (1)"), "{said}");
    assert!(said.contains("the drawn areas leave none of the"), "{said}");
    let result = folder.json("outside/slides/pancreas/result.json");
    let why = "not measured on this slide: the drawn areas leave none of its tissue";
    assert_eq!(
        (&result["status"], &result["features"][0]["missing"]["text"]),
        (&"blank".into(), &why.into())
    );
    let objects = result["objects"].as_array().unwrap();
    assert!(!objects.is_empty());
    for object in objects {
        assert_eq!(object["missing"]["text"], why, "{object}");
    }

    // Of a slide among many a file may be empty.
    folder.text("drawn/pancreas.geojson", r#"{"type":"FeatureCollection","features":[]}"#);
    score("empty", &["--annotations", &folder.arg("drawn")]);
    assert_eq!(features(&folder, "empty"), before);
    assert!(warnings("empty").contains("pancreas.geojson holds no polygon"));

    let line = r#"{"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[9,9]]}}"#;
    folder.text("drawn/pancreas.geojson", &format!("[{square},{line}]"));
    score("line", &["--annotations", &folder.arg("drawn")]);
    assert!(warnings("line").contains("enclose no area were not used (1): feature 2 (LineString)"));
    let broken = folder.text("broken.geojson", &square.replacen("1400", "null", 1));
    let args = ["score", &slide, "--tissue", "pancreas", "--annotations", &broken, "-o", &folder.arg("x")];
    let said = stderr(&args, 2);
    assert!(said.contains("broken.geojson: feature 1, ring 1, point 1, expected two numbers"), "{said}");

    let none = stderr(
        &[
            "score",
            &slide,
            "--tissue",
            "pancreas",
            "--annotations",
            &folder.arg("first"),
            "-o",
            &folder.arg("x"),
        ],
        2,
    );
    assert!(none.contains("expected a file named after a slide"), "{none}");
}

/// Objects of a run, by class and outline.
fn objects(folder: &Folder, run: &str) -> Vec<(String, String)> {
    let json = folder.json(&format!("{run}/slides/kidney/objects.geojson"));
    let one = |f: &Value| (f["properties"].to_string(), f["geometry"].to_string());
    json["features"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn an_unedited_kidney_keeps_every_number() {
    let folder = Folder::new();
    let slide = folder.arg("kidney.svs");
    let args = ["phantom", "--tissue", "kidney", "--size", "2048", "--seed", "3", "-q", "-o", &slide];
    histograde(&args).assert().code(0);
    let score = |out: &str, more: &[&str]| {
        let out = folder.arg(out);
        let args = ["score", &slide, "--tissue", "kidney", "-q", "-o", &out];
        histograde(&[&args, more].concat()).assert().code(0);
    };
    score("first", &[]);
    let drawn = folder.arg("first/slides/kidney/objects.geojson");
    score("same", &["--annotations", &drawn]);
    let results = |run: &str| {
        let result = folder.json(&format!("{run}/slides/kidney/result.json"));
        ["features", "findings", "published_scores", "objects", "index"].map(|part| result[part].clone())
    };
    assert_eq!(results("same"), results("first"));
    assert!(objects(&folder, "same") == objects(&folder, "first"));

    // One tubule is made a square of its box: it alone changes among the structures, and keeps its place.
    let mut json = folder.json("first/slides/kidney/objects.geojson");
    let list = json["features"].as_array_mut().unwrap();
    let is_tubule = |f: &&mut Value| f["properties"]["classification"]["name"] == "tubule";
    let ring = list.iter_mut().filter(is_tubule).nth(20).unwrap()["geometry"]["coordinates"][0]
        .as_array_mut()
        .unwrap();
    let sides = |axis: usize| {
        let values = ring.iter().map(|c| c[axis].as_f64().unwrap());
        (values.clone().fold(f64::MAX, f64::min), values.fold(f64::MIN, f64::max))
    };
    let ((left, right), (top, bottom)) = (sides(0), sides(1));
    *ring =
        [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]].map(Into::into).to_vec();
    let edited = folder.text("edited.geojson", &json.to_string());
    score("edited", &["--annotations", &edited]);
    let (before, after) = (objects(&folder, "first"), objects(&folder, "edited"));
    let structures = |list: &[(String, String)]| -> Vec<(String, String)> {
        list.iter().filter(|o| o.0.contains("\"annotation\"")).cloned().collect()
    };
    let (before, after) = (structures(&before), structures(&after));
    let gone: Vec<_> = before.iter().filter(|o| !after.contains(o)).collect();
    let new: Vec<_> = after.iter().filter(|o| !before.contains(o)).collect();
    assert_eq!((gone.len(), new.len()), (1, 1), "{gone:?} {new:?}");
}

#[test]
fn files_without_a_slide_are_named() {
    let folder = Folder::new();
    fs::create_dir(folder.path("drawn")).unwrap();
    for name in ["a.geojson", "a.xml", "b.xml", "readme.txt"] {
        folder.text(&format!("drawn/{name}"), r#"{"type":"FeatureCollection","features":[]}"#);
    }
    let (slide, drawn, out) = (folder.png("a.png", [244, 243, 245]), folder.arg("drawn"), folder.arg("out"));
    let score = ["score", &slide, "--tissue", "liver", "--mpp", "0.5", "--annotations", &drawn, "-o", &out];
    let text = stderr(&score, 0);
    assert!(
        text.contains("no slide is called as these files in") && text.contains("not used: b.xml\n"),
        "{text}"
    );
    let second = "as another one of the same slide comes first (slide_id before file name, .geojson before .json before .xml): \
        a.xml\n";
    assert!(text.contains(second), "{text}");
}

/// A feature of GeoJSON: a box of a class, as left, top, right and bottom.
fn boxed(class: &str, [l, t, r, b]: [u32; 4]) -> String {
    let ring = format!("[[{l},{t}],[{r},{t}],[{r},{b}],[{l},{b}],[{l},{t}]]");
    format!(
        r#"{{"type":"Feature","geometry":{{"type":"Polygon","coordinates":[{ring}]}},"properties":{{"objectType":"annotation",
        "classification":{{"name":"{class}"}}}}}}"#
    )
}

#[test]
fn what_is_drawn_counts_once_and_ends_where_tissue_is_left_out() {
    let folder = Folder::new();
    let slide = folder.phantom("a.svs");
    let necrosis = |name: &str, drawn: &[(&str, [u32; 4])]| -> (f64, String) {
        let list: Vec<String> = drawn.iter().map(|(class, corners)| boxed(class, *corners)).collect();
        let text = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, list.join(","));
        let (file, out) = (folder.text(&format!("{name}.geojson"), &text), folder.arg(name));
        stderr(&["score", &slide, "--tissue", "liver", "--annotations", &file, "-o", &out], 0);
        let result = folder.json(&format!("{name}/slides/a/result.json"));
        let features = result["features"].as_array().unwrap();
        let of = |f: &&Value| f["name"] == "necrosis_area_pct";
        let value = features.iter().find(of).unwrap()["value"].as_f64().unwrap();
        (value, folder.rows(&format!("{name}/slides.csv"))[0]["warnings"].clone())
    };
    let whole = necrosis("whole", &[("Necrosis", [100, 100, 300, 300])]);
    let twice = necrosis("twice", &[("Necrosis", [100, 100, 220, 300]), ("Necrosis", [180, 100, 300, 300])]);
    assert!(whole.0 > 10.0 && (whole.0 - twice.0).abs() < 1e-9, "{whole:?} {twice:?}");
    assert!(!whole.1.contains("Necrosis (") && twice.1.contains("Necrosis (1)"), "{whole:?} {twice:?}");
    let ignored = ("Ignore", [200, 60, 360, 340]);
    let cut = necrosis("cut", &[("Necrosis", [100, 100, 300, 300]), ignored]);
    let half = necrosis("half", &[("Necrosis", [100, 100, 200, 300]), ignored]);
    assert!(half.0 > 5.0 && (cut.0 - half.0).abs() < 0.02 * half.0, "{cut:?} {half:?}");
}
