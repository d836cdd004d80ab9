//! What stands where files are to be written: only earlier ones of this program are replaced.

use super::{
    inputs::{PLACE, in_time},
    *,
};

/// What is said of a file that is not replaced.
const KEPT: &str = "which is there and is kept";

/// Runs in the folder, and checks that it is refused, says so, and changes nothing.
fn refused(folder: &Folder, args: &[&str], expected: &str) {
    let before = files(&folder.path(""));
    let output = histograde(args).current_dir(folder.path("")).assert().code(2).get_output().clone();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(expected), "{args:?}: {text}");
    assert!(files(&folder.path("")) == before, "{args:?} changed something");
}

const SCORE: [&str; 8] = ["score", "a.png", "--tissue", "liver", "--mpp", "0.5", "-q", "-o"];

#[test]
fn outcome_and_log_are_no_slides_and_no_tables() {
    let folder = Folder::new();
    folder.png("a.png", [244, 243, 245]);
    folder.png("b.png", [244, 243, 245]);
    folder.text("s.csv", "slide,tissue,mpp\na.png,liver,0.5\ngone.png,liver,0.5\n");
    let sheet = ["score", "--manifest", "s.csv", "-q", "-o", "out"];
    for option in ["--outcome", "--log-json"] {
        let score = |file: &str, expected: &str| {
            refused(&folder, &[&SCORE[..], &["out", option, file]].concat(), expected);
        };
        score("a.png", "expected another file than the one that is read");
        score("./b.png", KEPT);
        score("s.csv", KEPT);
        score("-", "standard output is not written to");
        for ours in [
            "out/slides.csv",
            "out/run.json",
            "out/slides/a/result.json",
            "out/store/a/x",
            "out/comparison/x",
        ] {
            score(ours, "expected a file that is none of the results");
        }
        for read in ["s.csv", "gone.png"] {
            refused(&folder, &[&sheet[..], &[option, read]].concat(), "expected another file than the one");
        }
    }
    let both = ["out", "--outcome", "x.json", "--log-json", "./x.json"];
    refused(&folder, &[&SCORE[..], &both].concat(), "--outcome and --log-json, expected two files");
    // Earlier ones are replaced and gone on with.
    fs::create_dir(folder.path("told")).unwrap();
    let told = ["out", "--outcome", "told/a.json", "--log-json", "told/a.jsonl"];
    for runs in 1..=2 {
        histograde(&[&SCORE[..], &told].concat()).current_dir(folder.path("")).assert().code(0);
        assert_eq!(folder.json("told/a.json")["schema"], "histograde-outcome/1");
        let log = fs::read_to_string(folder.path("told/a.jsonl")).unwrap();
        assert_eq!(log.matches("\"event\":\"start\"").count(), runs);
    }
}

#[cfg(unix)]
#[test]
fn outcome_and_log_are_no_links_and_no_pipes() {
    use std::os::unix::fs::FileTypeExt as _;
    let folder = Folder::new();
    let (slide, pipe, link) =
        (folder.png("a.png", [244, 243, 245]), inputs::pipe(&folder, "pipe"), folder.arg("link"));
    std::os::unix::fs::symlink(folder.text("kept.json", ""), &link).unwrap();
    let score = ["score", &slide, "--tissue", "liver", "--mpp", "0.5", "-o", &folder.arg("out")];
    for option in ["--outcome", "--log-json"] {
        for (file, kind) in [(&pipe, "a pipe"), (&link, "a link"), (&folder.arg(""), "a folder")] {
            let text = in_time(&[&score[..], &[option, file]].concat(), 2);
            assert!(text.contains(&format!("{kind} has this name")), "{text}");
        }
    }
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo() && Path::new(&link).is_symlink());
    assert!(!folder.path("out").exists());
}

#[test]
fn tables_and_pictures_of_others_are_kept() {
    let folder = Folder::new();
    folder.png("a.png", [244, 243, 245]);
    fs::create_dir_all(folder.path("mine/slides/a")).unwrap();
    for (name, text) in
        [("slides.csv", "slide,animal_id\n"), ("long.csv", "id,weight\n"), ("run.json", "{}\n")]
    {
        folder.text(&format!("mine/{name}"), text);
        refused(&folder, &[&SCORE[..], &["mine"]].concat(), &format!("{name}, {KEPT}"));
        fs::remove_file(folder.path("mine").join(name)).unwrap();
    }
    folder.text("mine/slides/a/thumbnail.jpg", "mine");
    refused(&folder, &[&SCORE[..], &["mine"]].concat(), &format!("thumbnail.jpg, {KEPT}"));
    // A sheet that is called as the table.
    folder.text("slides.csv", "slide,tissue,mpp\na.png,liver,0.5\n");
    refused(&folder, &["score", "--manifest", "slides.csv", "-o", "."], "slides.csv");
    // Outlines of the result itself, as areas that were drawn.
    histograde(&[&SCORE[..], &["out"]].concat()).current_dir(folder.path("")).assert().code(0);
    let drawn = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"classification":{"name":"Ignore"}},
        "geometry":{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,0]]]}}]}"#;
    folder.text("out/slides/a/objects.geojson", drawn);
    let args = [&SCORE[..], &["out", "--annotations", "out/slides/a/objects.geojson"]].concat();
    refused(&folder, &args, "which lies where this run writes");
}

#[test]
fn label_images_and_outlines_of_others_are_kept() {
    let folder = Folder::new();
    folder.png("a.png", [200, 110, 160]);
    let segment = ["segment", "a.png", "--tissue", "liver", "--mpp", "0.5", "-q", "-o", "."];
    let run = |code: i32| {
        let output =
            histograde(&segment).current_dir(folder.path("")).assert().code(code).get_output().clone();
        String::from_utf8(output.stderr).unwrap()
    };
    for name in ["a.geojson", "a.nuclei.tif", "a.segment.json"] {
        folder.text(name, r#"{"type":"FeatureCollection","features":[{"type":"Feature"}]}"#);
        let before = files(&folder.path(""));
        assert!(run(1).contains(&format!("{name}, {KEPT}")), "{name}");
        assert!(files(&folder.path("")) == before);
        fs::remove_file(folder.path(name)).unwrap();
    }
    run(0);
    // Outlines that were saved in QuPath.
    folder.text("a.geojson", r#"{"type":"FeatureCollection","features":[{"type":"Feature"}]}"#);
    assert!(run(1).contains(&format!("a.geojson, {KEPT}")));
    fs::remove_file(folder.path("a.geojson")).unwrap();
    run(0);
    // A label image as a slide, of the folder it lies in.
    fs::create_dir(folder.path("in")).unwrap();
    fs::copy(folder.path("a.png"), folder.path("in/a.png")).unwrap();
    let over = ["segment", "in/a.png", "a.nuclei.tif", "--tissue", "liver", "--mpp", "0.5", "-o", "."];
    refused(&folder, &over, "a.nuclei.tif, which would be written over");
    // A run that was killed.
    let made = folder.json("a.segment.json");
    let begun =
        serde_json::json!({"schema": "histograde-segment/1", "source": made["source"], "status": "in_work"});
    folder.text("a.segment.json", &format!("{begun:#}\n"));
    run(0);
    assert_eq!(folder.json("a.segment.json")["status"], "blank");
}

#[test]
fn single_files_of_others_are_kept() {
    let folder = Folder::new();
    let slide = folder.phantom("a.svs");
    let twice = |args: &[&str]| {
        for _ in 0..2 {
            histograde(args).current_dir(folder.path("")).assert().code(0);
        }
    };
    for (name, args) in [
        ("mine.png", &[&["region", &slide, "-o", "mine.png"], &PLACE[..]].concat()[..]),
        ("mine.tif", &["convert", &slide, "mine.tif"]),
        ("mine.svs", &["deidentify", &slide, "-o", "mine.svs"]),
        ("mine.svs", &["phantom", "--tissue", "liver", "--size", "256", "-o", "mine.svs"]),
        ("mine.nuclei.tif", &["phantom", "--tissue", "liver", "--size", "256", "-o", "mine.svs"]),
        ("mine.truth.json", &["phantom", "--tissue", "liver", "--size", "256", "-o", "mine.svs"]),
        ("samples.csv", &["demo", "--quick", "-o", "."]),
        ("study.toml", &["demo", "--quick", "-o", "."]),
        ("index.html", &["demo", "--quick", "-o", "."]),
    ] {
        folder.text(name, "mine");
        refused(&folder, args, &format!("{name}, {}", &KEPT[..20]));
        fs::remove_file(folder.path(name)).unwrap();
    }
    // Phantoms do not get among someone's results.
    folder.text("run.json", "{}");
    refused(&folder, &["demo", "--quick", "-o", "."], "run.json, which holds results; choose another");
    fs::remove_file(folder.path("run.json")).unwrap();
    // Tiles, and what they are cut by.
    fs::create_dir_all(folder.path("cut/slides/a")).unwrap();
    folder.text("cut/slides/a/tiles.csv", "mine");
    let tile = ["tile", &slide, "--coords-only", "-o", "cut"];
    let within = ["--within", "cut/slides/a/tiles.geojson"];
    refused(&folder, &[&tile[..], &within].concat(), "tiles.geojson, which lies where this run writes");
    let text = in_time(&["tile", &slide, "--coords-only", "-o", &folder.arg("cut")], 1);
    assert!(text.contains(&format!("tiles.csv, {KEPT}")), "{text}");
    assert_eq!(fs::read(folder.path("cut/slides/a/tiles.csv")).unwrap(), b"mine");
    twice(&[&["region", &slide, "-o", "ours.png"], &PLACE[..]].concat());
    assert_eq!(image::open(folder.path("ours.png")).unwrap().to_rgb8().dimensions(), (10, 10));
    twice(&["convert", &slide, "ours.tif"]);
    twice(&["phantom", "--tissue", "liver", "--size", "256", "-o", "ours.svs"]);
    histograde(&["deidentify", &slide, "-o", "copy.svs"]).current_dir(folder.path("")).assert().code(0);
    refused(&folder, &["deidentify", &slide, "-o", "copy.svs"], "expected a name that no file has yet");
    // Label images against themselves.
    for name in ["pred", "ref"] {
        fs::create_dir(folder.path(name)).unwrap();
        image::GrayImage::from_pixel(8, 8, image::Luma([1])).save(folder.path(name).join("a.png")).unwrap();
    }
    let evaluate = ["evaluate", "--pred", "pred", "--ref", "ref", "--table"];
    refused(&folder, &[&evaluate[..], &["ref/a.png"]].concat(), KEPT);
    twice(&[&evaluate[..], &["table.csv"]].concat());
}
