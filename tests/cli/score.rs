//! `score` and `status`: files, tables, and what an output folder holds.

use super::*;

#[test]
fn score_writes_every_file_and_a_row_per_slide() {
    let folder = Folder::new();
    let good = folder.phantom("in/good.svs");
    let bytes = fs::read(&good).unwrap();
    fs::write(folder.path("in/torn.svs"), &bytes[..bytes.len() / 3]).unwrap();
    folder.png("in/blank.png", [244, 243, 245]);
    folder.text("in/notes.txt", "not a slide");
    let (input, out) = (folder.arg("in"), folder.arg("out"));
    let text = stderr(&["score", &input, "--tissue", "liver", "-o", &out], 1);
    assert!(text.contains("torn.svs"), "{text}");
    assert!(text.contains("blank.png: the file states no pixel size") && text.contains("--mpp"), "{text}");
    let rows = folder.rows("out/slides.csv");
    let status: Vec<(&str, &str)> =
        rows.iter().map(|r| (r["slide_id"].as_str(), r["status"].as_str())).collect();
    assert_eq!(status, [("blank", "failed"), ("good", "scored"), ("torn", "failed")]);
    assert!(rows.iter().all(|r| (r["status"] == "failed") != r["error"].is_empty()), "{rows:?}");
    for file in ["result.json", "overview.png", "objects.geojson"] {
        assert!(folder.path("out/slides/good").join(file).is_file(), "{file}");
        assert!(!folder.path("out/slides/torn").join(file).exists(), "{file}");
    }
    assert_eq!(folder.json("out/slides/good/objects.geojson")["type"], "FeatureCollection");
    // So little tissue gives no lesion and no published score; what was not looked for has no count.
    let result = folder.json("out/slides/good/result.json");
    for list in ["findings", "published_scores"] {
        assert!(result[list].as_array().unwrap().iter().all(|s| s["grade"].is_null()), "{}", result[list]);
    }
    let portal = result["objects"].as_array().unwrap().iter().find(|o| o["class"] == "portal tract").unwrap();
    assert!(portal["count"].is_null() && portal["missing"]["text"].is_string(), "{portal}");
    assert_eq!(folder.json("out/run.json")["histograde"], env!("CARGO_PKG_VERSION"));
    assert!(image::open(folder.path("out/slides/good/overview.png")).unwrap().width() >= 1600);
    assert!(!folder.rows("out/long.csv").is_empty());
}

#[test]
fn a_slide_of_another_organ_is_told_at_the_end() {
    let folder = Folder::new();
    let (slide, out) = (folder.arg("mixed-up.svs"), folder.arg("out"));
    histograde(&["phantom", "--tissue", "pancreas", "--size", "2000", "-q", "-o", &slide]).assert().code(0);
    let text = stderr(&["score", &slide, "--tissue", "liver", "-o", &out], 0);
    assert!(text.contains("may be another organ, see its warnings: 1: mixed-up"), "{text}");
    assert!(folder.rows("out/slides.csv")[0]["warnings"].contains("is this liver?"), "{text}");
}

#[test]
fn a_blank_slide_is_an_outcome() {
    let folder = Folder::new();
    let (slide, out) = (folder.png("blank.png", [244, 243, 245]), folder.arg("out"));
    let text = stderr(&["score", &slide, "--tissue", "kidney", "--mpp", "0.5", "-o", &out], 0);
    assert!(text.contains("blank: no tissue found"), "{text}");
    let rows = folder.rows("out/slides.csv");
    assert_eq!((rows.len(), rows[0]["status"].as_str()), (1, "blank"));
    for command in ["score", "run"] {
        let told = contains("no slide failed (blank slides and those left out did not), 1 some failed");
        histograde(&[command, "--help"]).assert().code(0).stdout(told);
    }
    assert_eq!(folder.json("out/slides/blank/result.json")["status"], "blank");
    assert!(image::open(folder.path("out/slides/blank/overview.png")).is_ok());
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = Folder::new();
    folder.phantom("in/a.svs");
    folder.png("in/b.png", [200, 110, 160]);
    let input = folder.arg("in");
    let run = |command: &str, how: &[&str]| {
        let name = format!("{command}{}", how.concat());
        let out = folder.arg(&name);
        let args = [command, &input, "--tissue", "liver", "--mpp", "0.5", "-q", "-o", &out];
        histograde(&[&args, how].concat()).assert().code(0).stderr("");
        files(&folder.path(&name))
    };
    let frugal: &[&str] = &["--threads", "3", "--io-threads", "0", "--memory", "128M"];
    for (command, hows) in
        [("score", &[&["--threads", "2"], frugal][..]), ("segment", &[&["--threads", "2"]])]
    {
        let one = run(command, &["--threads", "1"]);
        for how in hows {
            let other = run(command, how);
            assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
            for (path, bytes) in &one {
                assert!(*bytes == other[path], "{how:?}: {}", path.display());
            }
        }
    }
}

#[test]
fn an_earlier_run_leaves_nothing_stale_and_strangers_alone() {
    let folder = Folder::new();
    let (slide, out) = (folder.phantom("a.svs"), folder.arg("out"));
    let args = ["score", &slide, "--tissue", "liver", "-q", "-o", &out];
    histograde(&args).assert().code(0);
    folder.text("out/slides/a/remark.txt", "mine");
    folder.text("a.svs", "torn");
    assert!(stderr(&args, 1).contains("a.svs: not a slide"));
    assert!(!folder.path("out/slides/a/result.json").exists());
    assert_eq!(fs::read(folder.path("out/slides/a/remark.txt")).unwrap(), b"mine");
    assert_eq!(folder.rows("out/slides.csv")[0]["status"], "failed");
}

#[test]
fn status_wants_a_folder_of_results() {
    let folder = Folder::new();
    fs::create_dir(folder.path("empty")).unwrap();
    let said = stderr(&["status", &folder.arg("empty")], 2);
    assert!(
        said.contains("empty, expected a folder that `histograde score` or `run` writes results to"),
        "{said}"
    );
    let (slide, out) = (folder.png("blank.png", [244, 243, 245]), folder.arg("out"));
    histograde(&["score", &slide, "--tissue", "liver", "--mpp", "0.5", "-q", "-o", &out]).assert().code(0);
    histograde(&["status", &out]).assert().code(0).stdout(contains("1 done, 0 failed"));
}

#[test]
fn results_of_another_command_are_named() {
    let folder = Folder::new();
    let (first, second, out) =
        (folder.phantom("liver1.svs"), folder.phantom("liver2.svs"), folder.arg("mix"));
    let score = |slide: &str, tissue: &str| stderr(&["score", slide, "--tissue", tissue, "-o", &out], 0);
    let said = score(&first, "liver");
    assert!(!said.contains("other commands"), "{said}");
    let said = score(&second, "pancreas");
    assert!(
        said.contains("results of other commands, which are in none of these tables: liver1. Give"),
        "{said}"
    );
    assert_eq!(folder.json("mix/run.json")["not_in_tables"], serde_json::json!(["liver1"]));
    assert_eq!(folder.rows("mix/slides.csv").len(), 1);
    let both = stderr(&["score", &first, &second, "--tissue", "liver", "-o", &out], 0);
    assert!(!both.contains("other commands"), "{both}");
    assert_eq!(folder.json("mix/run.json")["not_in_tables"], serde_json::json!([]));
}

#[test]
fn a_sample_sheet_gives_tissue_and_group() {
    let folder = Folder::new();
    folder.phantom("in/a.svs");
    folder.phantom("in/b.svs");
    let sheet = folder.text(
        "samples.csv",
        "slide,animal_id,group,tissue,exclude,exclude_reason\n\
         in/a.svs,r1,normal,liver,,\nin/b.svs,r2,diabetic,kidney,yes,torn section\n",
    );
    let out = folder.arg("out");
    let text = stderr(&["score", "--manifest", &sheet, "-o", &out], 0);
    assert!(text.contains("1 scored, 1 left out"), "{text}");
    let rows = folder.rows("out/slides.csv");
    let told: Vec<[&str; 3]> =
        rows.iter().map(|r| ["group", "tissue", "status"].map(|c| r[c].as_str())).collect();
    assert_eq!(told, [["normal", "liver", "scored"], ["diabetic", "kidney", "excluded"]]);
    let bad = folder.text("bad.csv", "slide,animal,group,tissue\nin/a.svs,r1,normal,liver\n");
    assert!(stderr(&["score", "--manifest", &bad, "-o", &out], 2).contains("animal_id"));
}

#[test]
fn what_is_no_brightfield_is_left_out() {
    let folder = Folder::new();
    let black = folder.png("black.png", [0, 0, 0]);
    // Blue discs on black, as DAPI shows nuclei.
    let nucleus = |x: u32, y: u32| (x % 40).abs_diff(20).pow(2) + (y % 40).abs_diff(20).pow(2) < 64;
    let pixel =
        |x, y| image::Rgb(if nucleus(x, y) { [20, 30, 200 + (x % 50) as u8] } else { [2, 2, (y % 9) as u8] });
    image::RgbImage::from_fn(800, 800, pixel).save(folder.path("dapi.png")).unwrap();
    let out = folder.arg("out");
    let args = ["score", &black, &folder.arg("dapi.png"), "--tissue", "kidney", "--mpp", "0.5", "-o", &out];
    let text = stderr(&args, 0);
    assert!(text.contains("0 scored, 2 left out"), "{text}");
    for row in folder.rows("out/slides.csv") {
        assert_eq!(row["status"], "excluded");
        assert!(row["exclude_reason"].contains("this is no brightfield H&E: "), "{}", row["exclude_reason"]);
    }
    let features = folder.json("out/slides/dapi/result.json")["features"].clone();
    let why = "not measured on this slide: it is no brightfield picture";
    assert!(features.as_array().unwrap().iter().all(|f| f["missing"]["text"] == why), "{features}");
}

/// What the file says of itself is told also where nothing can be measured.
#[test]
fn what_a_slide_without_numbers_holds_unread_is_told() {
    let folder = Folder::new();
    for (name, value) in [("blank.tif", 244), ("dark.tif", 1)] {
        let mut file = tiff::encoder::TiffEncoder::new(fs::File::create(folder.path(name)).unwrap()).unwrap();
        for side in [300, 200_u32] {
            let pixels = vec![value; 3 * (side * side) as usize];
            file.write_image::<tiff::encoder::colortype::RGB8>(side, side, &pixels).unwrap();
        }
    }
    let out = folder.arg("out");
    let (blank, dark) = (folder.arg("blank.tif"), folder.arg("dark.tif"));
    stderr(&["score", &blank, &dark, "--tissue", "liver", "--mpp", "0.5", "-o", &out], 0);
    let rows = folder.rows("out/slides.csv");
    let told: Vec<&str> = rows.iter().map(|r| r["status"].as_str()).collect();
    assert_eq!(told, ["blank", "excluded"]);
    for row in rows {
        assert!(row["warnings"].contains("200x200 px"), "{}: {}", row["status"], row["warnings"]);
    }
}

#[test]
fn one_group_alone_is_said() {
    let folder = Folder::new();
    folder.phantom("a.svs");
    let sheet = folder.text("s.csv", "slide,animal_id,group,tissue\na.svs,1,control,liver\n");
    let out = folder.arg("out");
    let text = stderr(&["run", "--manifest", &sheet, "-o", &out], 0);
    assert!(text.contains("warning: control is the only group: nothing can be compared"), "{text}");
    assert!(text.contains("of 1 animals in 1 group; report in"), "{text}");
    let page = fs::read_to_string(folder.path("out/comparison/report.html")).unwrap();
    assert!(page.contains("control is the only group"));
    let methods = fs::read_to_string(folder.path("out/comparison/methods.txt")).unwrap();
    assert!(methods.contains("by the sizes of the species rat. No areas were drawn by hand."), "{methods}");
}

#[test]
fn controls_of_a_rubric_that_were_measured_otherwise_are_told() {
    let folder = Folder::new();
    let slide = folder.png("blank.png", [244, 243, 245]);
    let builtin = concat!(env!("CARGO_MANIFEST_DIR"), "/models/rubric/rubric.json");
    let mut rubric: serde_json::Value = serde_json::from_str(&fs::read_to_string(builtin).unwrap()).unwrap();
    let methods = serde_json::json!([{ "objects": "nuclei", "method": "net", "model": "n" }]);
    let source =
        serde_json::json!({ "controls": "control", "animals": 6, "species": ["rat"], "methods": methods });
    rubric["calibration"] = serde_json::json!({
        "controls": "control", "animals": 6, "sources": { "kidney": source }, "ranges": {}, "fitted": {}, "histograde": "0",
    });
    folder.text("lab.json", &rubric.to_string());
    let (lab, out) = (folder.arg("lab.json"), folder.arg("out"));
    let score = ["score", &slide, "--tissue", "kidney", "--mpp", "0.5", "--rubric", &lab, "-o", &out];
    stderr(&[&score[..], &["--species", "mouse"]].concat(), 0);
    let told = "the control animals of rubric lab.json were measured otherwise (species rat, here mouse; nuclei by net (n), here by \
                classical)";
    let warnings = &folder.rows("out/slides.csv")[0]["warnings"];
    assert!(warnings.contains(told), "{warnings}");
}

#[test]
fn a_model_for_outlines_only_is_refused() {
    let folder = Folder::new();
    let (slide, out) = (folder.png("blank.png", [244, 243, 245]), folder.arg("out"));
    let pas = concat!(env!("CARGO_MANIFEST_DIR"), "/models/kidney-pas");
    let text =
        stderr(&["score", &slide, "--tissue", "kidney", "--mpp", "0.5", "--model", pas, "-o", &out], 2);
    assert!(text.contains("kidney-pas, expected a model that slides may be scored with"), "{text}");
}
