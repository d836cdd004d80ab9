//! Every command, as a user types it.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "common/files.rs"]
mod common_files;
#[cfg(feature = "zarr")]
#[path = "common/zarr.rs"]
mod zarr;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use assert_cmd::Command;
use predicates::{prelude::*, str::contains};
use serde_json::Value;
use tempfile::TempDir;

use common_files::files;

#[path = "cli/annotations.rs"]
mod annotations;
#[path = "cli/inputs.rs"]
mod inputs;
#[path = "cli/missing.rs"]
mod missing;
#[path = "cli/operation.rs"]
mod operation;
#[path = "cli/pictures.rs"]
mod pictures;
#[path = "cli/places.rs"]
mod places;
#[path = "cli/score.rs"]
mod score;
#[path = "cli/segment.rs"]
mod segment;
#[path = "cli/together.rs"]
mod together;
#[cfg(unix)]
#[path = "cli/words.rs"]
mod words;

fn histograde(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_histograde"));
    command.args(args);
    command
}

/// Runs, checks the exit code, and returns standard error.
fn stderr(args: &[&str], code: i32) -> String {
    let output: Output = histograde(args).assert().code(code).get_output().clone();
    String::from_utf8(output.stderr).unwrap()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as an argument.
    fn arg(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Makes a small liver phantom.
    fn phantom(&self, name: &str) -> String {
        let file = self.arg(name);
        let args = ["phantom", "--tissue", "liver", "--size", "512", "-q", "-o", &file];
        histograde(&args).assert().code(0);
        file
    }

    /// Makes a PNG of one colour.
    fn png(&self, name: &str, colour: [u8; 3]) -> String {
        let file = self.arg(name);
        image::RgbImage::from_pixel(300, 200, image::Rgb(colour)).save(&file).unwrap();
        file
    }

    fn text(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.arg(name)
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// Rows of a table as column name → cell.
    fn rows(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.path(name)).unwrap();
        reader.deserialize().map(|row| row.unwrap()).collect()
    }
}

#[test]
fn help_and_version() {
    let version = format!("histograde {}\n", env!("CARGO_PKG_VERSION"));
    histograde(&["--version"]).assert().code(0).stdout(version);
    for command in ["info", "region", "score", "status", "segment", "phantom", "demo", "completions"] {
        histograde(&["--help"]).assert().code(0).stdout(contains(command));
        histograde(&[command, "--help"]).assert().code(0).stdout(contains("Example"));
    }
}

#[test]
fn mistakes_say_what_to_do() {
    fn t(args: &[&str], expected: &str) {
        let text = stderr(args, 2);
        assert!(text.contains(expected), "{args:?}: {text}");
    }
    t(&[], "Usage");
    t(&["score", "a.svs", "-o", "x"], "--tissue, expected liver, kidney, pancreas, or --manifest");
    t(&["segment", "a.svs", "-o", "x"], "or --manifest with a sheet");
    t(&["score", "a.svs", "--tissue", "spleen", "-o", "x"], "liver, kidney, pancreas");
    t(&["score", "no-such.svs", "--tissue", "liver", "-o", "x"], "cannot find no-such.svs");
    t(&["score", "no-such-*.svs", "--tissue", "liver", "-o", "x"], "none for no-such-*.svs");
    t(&["score", "--manifest", "no-such.csv", "-o", "x"], "no-such.csv");
    t(&["score", "a", "--tissue", "liver", "--mpp", "0", "-o", "x"], "µm per pixel, 0.05 to 20");
    t(&["score", "a", "--tissue", "liver", "--threads", "0", "-o", "x"], "1..=1024");
    t(&["score", "Cargo.toml", "--tissue", "liver", "--rubric", "Cargo.toml", "-o", "x"], "Cargo.toml");
    t(
        &["region", "a.svs", "--x", "0", "--y", "0", "--width", "9", "--height", "9", "-o", "x.png"],
        "--level",
    );
    t(
        &[
            "region", "a.svs", "--level", "0", "--x", "0", "--y", "0", "--width", "0", "--height", "9", "-o",
            "x.png",
        ],
        "1..",
    );
    t(&["phantom", "--tissue", "liver"], "--output");
    t(&["phantom", "--tissue", "liver", "-o", "x.png"], "a name ending in .svs");
    t(&["phantom", "--tissue", "liver", "--lesion", "fat", "-o", "x.svs"], "NAME=AMOUNT");
    t(&["phantom", "--tissue", "liver", "--lesion", "wings=1", "-o", "x.svs"], "liver lesion");
    assert!(!Path::new("x").exists());
}

#[test]
fn info_tells_what_the_header_says() {
    let folder = Folder::new();
    let slide = folder.phantom("a.svs");
    let told = contains("512 x 512 px").and(contains("0.5000 µm (aperio.MPP)"));
    histograde(&["info", &slide]).assert().code(0).stdout(told);
    let lines = contains("openslide.mpp-x: '0.5'\n").and(contains("openslide.vendor: 'aperio'\n"));
    histograde(&["info", "--properties", &slide]).assert().code(0).stdout(lines.and(contains("  ").not()));
    let why = contains("aperio        yes, read as this").and(contains("ndpi          no: no tag 65420"));
    histograde(&["info", "--why", &slide]).assert().code(0).stdout(why);
    let bad = folder.text("bad.svs", "not a slide");
    histograde(&["info", "--why", &bad])
        .assert()
        .code(0)
        .stdout(contains("plain_image   no: neither PNG nor JPEG"));
    let output = histograde(&["info", "--json", &bad, &slide]).assert().code(1).get_output().clone();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list[0]["error"]["kind"], "not_a_slide");
    assert_eq!((&list[1]["mpp"]["x"], &list[1]["levels"][0]["width"]), (&0.5.into(), &512.into()));
    assert!(String::from_utf8(output.stderr).unwrap().contains("bad.svs: not a slide"));
}

#[test]
fn region_saves_what_was_asked_for() {
    let folder = Folder::new();
    let (slide, out) = (folder.phantom("a.svs"), folder.arg("r.png"));
    let place = ["--x", "-10", "--y", "0", "--width", "60", "--height", "40", "-o", &out];
    let t = |slide: &str, by: &[&str], code: i32, expected: &str| {
        let text = stderr(&[&["region", slide], by, &place[..]].concat(), code);
        assert!(text.contains(expected), "{text}");
    };
    t(&slide, &["--mpp", "1"], 0, "");
    let image = image::open(&out).unwrap().into_rgb8();
    assert_eq!((image.dimensions(), image.get_pixel(2, 2).0), ((60, 40), [255; 3]));
    t(&slide, &["--level", "0"], 0, "");
    t(&slide, &["--level", "99"], 2, "level, expected 0 to");
    t(&slide, &[], 2, "--level N (0 is the full resolution), --mpp MPP or --associated NAME");
    // Wholly beside the slide there is nothing to see.
    let beside = |by: &[&str], x: &str| {
        let place = ["--x", x, "--y", "0", "--width", "30", "--height", "40", "-o", &out];
        stderr(&[&["region", &slide], by, &place[..]].concat(), 0)
            .contains("wholly beside the slide (512 × 512 px)")
    };
    assert!(
        beside(&["--level", "0"], "512") && beside(&["--mpp", "1"], "-60") && !beside(&["--mpp", "1"], "-59")
    );
    let plain = folder.png("p.png", [200, 100, 150]);
    t(&plain, &["--mpp", "1"], 2, "use --level");
    t(&plain, &["--level", "0"], 0, "");
    assert!(stderr(&["region", &plain, "--associated", "label", "-o", &out], 2).contains("p.png"));
}

#[test]
fn phantom_lists_its_knobs_and_repeats_itself() {
    let folder = Folder::new();
    histograde(&["phantom", "--tissue", "liver", "--list"])
        .assert()
        .code(0)
        .stdout(contains("steatosis_macro").and(contains("healthy")));
    let (a, b) = (folder.phantom("x/a.svs"), folder.phantom("y/a.svs"));
    assert!(fs::read(&a).unwrap() == fs::read(&b).unwrap());
    assert_eq!(folder.json("x/a.truth.json")["organ"], "liver");
    let args = ["phantom", "--tissue", "liver", "--size", "512", "--lesion", "steatosis_macro=12"];
    let look = ["--stain", "pale", "--hue", "-5", "--noise", "0", "-q", "-o", &b];
    histograde(&[&args[..], &look].concat()).assert().code(0);
    assert!(fs::read(&a).unwrap() != fs::read(&b).unwrap());
    assert_eq!(folder.json("y/a.truth.json")["amounts"]["steatosis_macro"], 12.0);
}

#[test]
fn completions_name_our_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        histograde(&["completions", shell]).assert().code(0).stdout(contains("phantom"));
    }
}

#[test]
fn label_images_are_scored() {
    let folder = tempfile::tempdir().unwrap();
    let image = |name: &str, rows: [u8; 4]| {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        image::GrayImage::from_raw(4, 1, rows.to_vec()).unwrap().save(folder.path().join(name)).unwrap();
    };
    image("truth/a.png", [0, 2, 2, 0]);
    image("truth/b.png", [0, 0, 0, 0]);
    image("said/a.nuclei.png", [1, 1, 1, 0]);
    image("said/b.nuclei.png", [0, 0, 0, 3]);
    image("said/b.vacuoles.png", [0, 0, 0, 3]);
    image("truth/c.png", [0, 0, 0, 0]);
    image("said/c.nuclei.png", [0, 0, 0, 0]);
    let run = |extra: &[&str]| {
        let mut command = Command::cargo_bin("histograde").unwrap();
        command.current_dir(folder.path()).args(["evaluate", "--pred", "said", "--ref", "truth"]);
        command.args(extra).assert()
    };
    run(&[]).code(2).stderr(contains("b, expected one prediction; choose with --layer"));
    run(&["--layer", "nuclei", "--table", "t.csv"])
        .success()
        .stdout(contains("objects: images=1 Dice=0.800 AJI=0.667 F1=1.000 PQ=0.667 predicted/reference=1.00"))
        .stdout(contains("area: images=3 Dice=0.667 r=0.945 MAE=16.67pp"))
        .stdout(contains("c          -      -      -      -     0     0    0.00    0.00\n"))
        .stdout(contains("empty in prediction and reference, nothing to overlap: images=1\n"));
    let table = fs::read_to_string(folder.path().join("t.csv")).unwrap();
    assert!(table.contains("\na,0.8000,0.6667,1.0000,0.6667,1,1,75.0000,50.0000,25.0000\n"), "{table}");
    assert!(table.contains("\nb,0.0000,0.0000,0.0000,0.0000,1,0,"), "{table}");
    assert!(table.contains("\nc,,,,,0,0,0.0000,0.0000,0.0000\n"), "{table}");
}

#[test]
fn networks_are_chosen_and_named() {
    let folder = Folder::new();
    let slide = folder.phantom("a.svs");
    let out = folder.arg("out");
    let score = |extra: &[&str], code: i32| {
        let args = [&["score", &slide, "--tissue", "liver", "-q", "-o", &out], extra].concat();
        stderr(&args, code);
        folder.json("out/slides/a/result.json")["methods"].clone()
    };
    let named = |methods: &Value| -> Vec<String> {
        let method = |m: &Value| format!("{} {} {}", m["objects"], m["method"], m["model"]).replace('"', "");
        methods.as_array().unwrap().iter().map(method).collect()
    };
    assert_eq!(named(&score(&[], 0)), ["nuclei classical null", "vacuoles classical null"]);
    let methods = score(&["--nuclei", "net", "--vacuoles", "net"], 0);
    assert_eq!(named(&methods), ["nuclei net nuclei-rgb", "vacuoles net vacuoles-rgb"]);
    let told = &folder.json("out/run.json")["settings"]["methods"];
    for hash in ["sha256", "card_sha256"] {
        assert!(told["nuclei"][hash].is_string() && told["nuclei"][hash] == methods[0][hash], "{told}");
    }
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/vacuoles-rgb");
    let methods = score(&["--model", model], 0);
    assert_eq!(named(&methods), ["nuclei classical null", "vacuoles net vacuoles-rgb"]);
    let said =
        stderr(&["score", &slide, "--tissue", "liver", "--mpp", "1.5", "--nuclei", "net", "-o", &out], 1);
    assert!(said.contains("expected 0.1 to 0.7 µm"), "{said}");
    let twice =
        ["score", &slide, "--tissue", "liver", "--vacuoles", "classical", "--model", model, "-o", &out];
    assert!(stderr(&twice, 2).contains("--model"));
    let kidney = concat!(env!("CARGO_MANIFEST_DIR"), "/models/kidney-rgb");
    let idle = ["segment", &slide, "--tissue", "liver", "--model", kidney, "-o", &out];
    assert!(stderr(&idle, 2).contains("got one of structures, which are looked for on kidney only"));
    let both = ["score", &slide, "--tissue", "liver", "--model", model, "--model", model, "-o", &out];
    assert!(stderr(&both, 2).contains("expected one model for each task, got two of vacuoles"));
}

#[test]
fn a_spoilt_slide_stays_a_row() {
    let folder = Folder::new();
    let slide = folder.arg("inked.svs");
    let args = [
        "phantom",
        "--tissue",
        "liver",
        "--size",
        "3072",
        "--seed",
        "3",
        "--artefact",
        "pen",
        "-q",
        "-o",
        &slide,
    ];
    histograde(&args).assert().code(0);
    assert!(folder.path("inked.artefacts.tif").is_file());
    assert!(folder.json("inked.truth.json")["artefact_px"]["pen"].as_u64().unwrap() > 10_000);
    let out = folder.arg("out");
    let score =
        |limit: &str| stderr(&["score", &slide, "--tissue", "liver", "--max-artefact", limit, "-o", &out], 0);
    let text = score("5");
    assert!(text.contains("1 left out") && text.contains("\n  left out: inked: "), "{text}");
    let rows = folder.rows("out/slides.csv");
    assert_eq!((rows.len(), rows[0]["status"].as_str()), (1, "excluded"));
    assert!(rows[0]["exclude_reason"].contains("more than 5 % (pen"), "{rows:?}");
    let result = folder.json("out/slides/inked/result.json");
    assert_eq!(result["status"], "excluded");
    let why = "not measured on this slide: artefacts cover too much of the tissue";
    let features = result["features"].as_array().unwrap();
    assert!(features.iter().all(|f| f["missing"]["text"] == why), "{features:?}");
    assert_eq!(
        rows[0]["artefact_excluded_pct"].parse::<f64>().unwrap(),
        result["quality"]["artefact_excluded_pct"].as_f64().unwrap()
    );
    assert!(image::open(folder.path("out/slides/inked/quality.png")).unwrap().width() > 600);
    score("100");
    let rows = folder.rows("out/slides.csv");
    assert_eq!(rows[0]["status"], "scored");
    assert!(rows[0]["artefact_excluded_pct"].parse::<f64>().unwrap() > 5.0, "{rows:?}");
}
