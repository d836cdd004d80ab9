//! Slides to files for other programs: `tile`, `convert`, `deidentify`, as a user types them.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "common/build/mod.rs"]
mod build;
#[path = "export/clean.rs"]
mod clean;
#[path = "export/colours.rs"]
mod colours;
mod common;
#[allow(dead_code)]
#[path = "common/files.rs"]
mod common_files;
#[path = "export/folder.rs"]
mod folder;
#[path = "common/tiff.rs"]
#[allow(dead_code)]
mod tiff;

use std::{collections::BTreeMap, fs, path::PathBuf};

use assert_cmd::Command;
use histograde::{Slide, geometry::Region, raster::Rgb};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use tempfile::TempDir;

use self::common_files::all as files;

type Rows = Vec<BTreeMap<String, String>>;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn arg(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Runs with these arguments, in which `@name` is a path in the folder; returns standard error.
    fn run(&self, line: &str, code: i32) -> String {
        let args = line.split_whitespace().map(|word| match word.strip_prefix('@') {
            Some(name) => self.arg(name),
            None => word.to_owned(),
        });
        let mut command = Command::new(env!("CARGO_BIN_EXE_histograde"));
        let output = command.args(args).assert().code(code).get_output().clone();
        String::from_utf8(output.stderr).unwrap()
    }

    fn rows(&self, name: &str) -> Rows {
        let mut reader = csv::Reader::from_path(self.path(name)).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    }

    /// A liver phantom of 1024 px with tiles of 256 px and 0.5 µm per pixel.
    fn phantom(&self) {
        self.run("phantom --tissue liver --size 1024 -q -o @a.svs", 0);
    }
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

fn difference(a: &[u8], b: &[u8]) -> (u8, f64) {
    assert_eq!(a.len(), b.len());
    let apart: Vec<u8> = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).collect();
    let sum: f64 = apart.iter().map(|&v| f64::from(v)).sum();
    (apart.iter().copied().max().unwrap(), sum / a.len() as f64)
}

fn read(slide: &Slide, level: usize, x0: i64, y0: i64, side: u32) -> Rgb {
    slide.read_region(Region { level, x0, y0, width: side, height: side }).unwrap()
}

#[test]
fn tiles_are_copied_and_show_the_slide() {
    let folder = Folder::new();
    folder.phantom();
    let said = folder.run("tile @a.svs -o @out --size 512 --min-tissue 0", 0);
    assert!(said.contains("4 of 4 tiles (4 copied without loss)"), "{said}");
    let (rows, slide) = (folder.rows("out/tiles.csv"), Slide::open(folder.path("a.svs")).unwrap());
    assert_eq!(rows.len(), 4);
    for row in &rows {
        let name = format!("tiles/a/a_x{:06}_y{:06}_w512.jpg", number(row, "x"), number(row, "y"));
        assert_eq!(row["file"], name);
        assert!(number(row, "tissue") > 0.5 && number(row, "mpp") == 0.5, "{row:?}");
        assert!((0.05..0.95).contains(&number(row, "blur")), "{row:?}");
        let tile = image::open(folder.path("out").join(&row["file"])).unwrap().to_rgb8();
        let here = read(&slide, 0, number(row, "x") as i64, number(row, "y") as i64, 512);
        // Only chroma beside the seams of stored tiles is smoothed differently.
        let (most, mean) = difference(tile.as_raw(), here.data());
        assert!(mean < 0.2 && most < 60, "{row:?}: {most} {mean}");
    }
    let table = SerializedFileReader::new(fs::File::open(folder.path("out/tiles.parquet")).unwrap()).unwrap();
    let names: Vec<String> = table.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(names.len(), 4);
    assert!(names[3].contains(&rows[3]["file"]) && names[3].contains("x: 512"), "{}", names[3]);
    for file in ["slides.csv", "slides/a/contact_sheet.png", "slides/a/tiles.geojson"] {
        assert!(folder.path("out").join(file).is_file(), "{file}");
    }
}

/// QuPath takes measurements that are numbers only.
#[test]
fn what_was_not_measured_is_no_measurement() {
    let folder = Folder::new();
    folder.phantom();
    folder.run("tile @a.svs -o @out --size 512 --min-tissue 0 --coords-only", 0);
    let text = fs::read_to_string(folder.path("out/slides/a/tiles.geojson")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let features = json["features"].as_array().unwrap();
    assert_eq!(features.len(), 4);
    for feature in features {
        let measured = feature["properties"]["measurements"].as_object().unwrap();
        assert!(measured.values().all(serde_json::Value::is_number), "{measured:?}");
        assert!(!measured.contains_key("blur") && measured.contains_key("tissue"), "{measured:?}");
    }
}

#[test]
fn copies_measure_the_same_blur_as_pixels() {
    let folder = Folder::new();
    folder.phantom();
    folder.run("tile @a.svs -o @copied --size 256 --min-tissue 0", 0);
    let said = folder.run("tile @a.svs -o @encoded --size 256 --min-tissue 0 --lossless-copy=false", 0);
    assert!(!said.contains("copied"), "{said}");
    let (copied, encoded) = (folder.rows("copied/tiles.csv"), folder.rows("encoded/tiles.csv"));
    assert_eq!(copied.len(), 16);
    for (a, b) in copied.iter().zip(&encoded) {
        assert!((number(a, "blur") - number(b, "blur")).abs() < 0.01, "{a:?} {b:?}");
    }
}

#[test]
fn threads_change_nothing_and_a_run_goes_on() {
    let folder = Folder::new();
    folder.phantom();
    let line = "tile @a.svs -o @one --mpp 0.8 --size 200 --overlap 20 --format png";
    folder.run(&format!("{line} --threads 1"), 0);
    folder.run(&line.replace("@one", "@three --threads 3"), 0);
    let before = files(&folder.path("one"));
    assert_eq!(before, files(&folder.path("three")));
    assert!(before.len() > 10);
    assert!(folder.run(line, 0).contains("finished by an earlier run"));
    assert_eq!(before, files(&folder.path("one")));
    // A missing tile, or other settings, make it again.
    fs::remove_file(folder.path("one").join(before.keys().find(|p| p.starts_with("tiles")).unwrap()))
        .unwrap();
    assert!(!folder.run(line, 0).contains("earlier run"));
    assert_eq!(before, files(&folder.path("one")));
    assert!(!folder.run(&line.replace("200", "300"), 0).contains("earlier run"));
    assert!(folder.rows("one/tiles.csv").iter().all(|row| number(row, "width") == 480.0));
}

#[test]
fn draws_depend_on_the_seed() {
    let folder = Folder::new();
    folder.phantom();
    let draw = |out: &str, seed: u32| {
        let line = format!("tile @a.svs -o @{out} --size 64 --coords-only --random 9 --seed {seed}");
        folder.run(&line, 0);
        let rows = folder.rows(&format!("{out}/tiles.csv"));
        assert_eq!(rows.len(), 9);
        assert!(rows.iter().all(|row| row["file"].is_empty() && row["blur"].is_empty()));
        rows
    };
    assert_eq!(draw("a", 1), draw("b", 1));
    assert_ne!(draw("a", 1), draw("c", 2));
}

#[test]
fn areas_and_flaws_limit_the_tiles() {
    let folder = Folder::new();
    folder.phantom();
    let areas = r#"{"type":"FeatureCollection","features":[
        {"geometry":{"type":"Polygon","coordinates":[[[0,0],[512,0],[512,256],[0,256],[0,0]]]},
         "properties":{"classification":{"name":"Tumor"}}},
        {"geometry":{"type":"Polygon","coordinates":[[[600,600],[1024,600],[1024,1024],[600,1024]]]},
         "properties":{"classification":{"name":"Stroma"}}}]}"#;
    fs::write(folder.path("areas.geojson"), areas).unwrap();
    let line = "tile @a.svs -o @out --size 256 --coords-only --within @areas.geojson";
    folder.run(&format!("{line} --class Tumor"), 0);
    let rows = folder.rows("out/tiles.csv");
    let places: Vec<_> = rows.iter().map(|row| (row["x"].as_str(), row["y"].as_str())).collect();
    assert_eq!(places, [("0", "0"), ("256", "0")]);
    assert!(rows.iter().all(|row| row["class"] == "Tumor" && number(row, "inside") == 1.0));
    let said = folder.run(&format!("{line} --class Tumour"), 1);
    assert!(said.contains("expected Stroma, Tumor, got Tumour"), "{said}");
    let said = folder.run("tile @a.svs -o @sharp --size 256 --qc blur=0", 0);
    assert!(said.contains("0 of 16 tiles, 16 blurred"), "{said}");
    assert_eq!(folder.rows("sharp/slides.csv")[0]["status"], "empty");
}

/// What areas and targets hold counts, not what their files are called.
#[test]
fn other_areas_or_another_target_make_tiles_again() {
    let folder = Folder::new();
    folder.phantom();
    let square = |side: u32| {
        format!(
            r#"{{"geometry":{{"type":"Polygon","coordinates":[[[0,0],[{side},0],[{side},{side}],[0,{side}]]]}}}}"#
        )
    };
    fs::create_dir(folder.path("areas")).unwrap();
    let line = "tile @a.svs -o @out --size 256 --coords-only --within @areas";
    for (side, tiles) in [(512, 4), (256, 1)] {
        fs::write(folder.path("areas/a.geojson"), square(side)).unwrap();
        assert!(!folder.run(line, 0).contains("earlier run"), "{side}");
        assert_eq!(folder.rows("out/tiles.csv").len(), tiles);
        assert!(folder.run(line, 0).contains("earlier run"), "{side}");
    }
    fs::rename(folder.path("areas"), folder.path("areas2")).unwrap();
    assert!(folder.run(&line.replace("@areas", "@areas2"), 0).contains("earlier run"));
    let line = "tile @a.svs -o @stain --size 512 --format png --stain-norm macenko --target @target.svs";
    let mut before = BTreeMap::new();
    for stain in ["pale", "dark"] {
        folder.run(&format!("phantom --tissue liver --size 512 --stain {stain} -q -o @target.svs"), 0);
        assert!(!folder.run(line, 0).contains("earlier run"), "{stain}");
        let tiles = files(&folder.path("stain/tiles"));
        assert_ne!(before, tiles, "{stain}");
        before = tiles;
        assert!(folder.run(line, 0).contains("earlier run"), "{stain}");
    }
}

#[test]
fn shards_hold_tiles_and_their_facts() {
    let folder = Folder::new();
    folder.phantom();
    folder.run("tile @a.svs -o @out --size 512 --min-tissue 0 --shards --format webp", 0);
    let mut tar = tar::Archive::new(fs::File::open(folder.path("out/shards/a-000000.tar")).unwrap());
    let names: Vec<String> = tar
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 8);
    assert_eq!(names[..2], ["a_x000000_y000000_w512.webp", "a_x000000_y000000_w512.json"]);
    assert_eq!(folder.rows("out/tiles.csv")[0]["file"], format!("shards/a-000000.tar/{}", names[0]));
}

/// WebDataset takes members that are called alike up to the first dot for one sample.
#[test]
fn names_in_shards_have_one_dot() {
    let folder = Folder::new();
    folder.phantom();
    fs::rename(folder.path("a.svs"), folder.path("S12.35.svs")).unwrap();
    folder.run("tile @S12.35.svs -o @out --size 512 --min-tissue 0 --shards", 0);
    let rows = folder.rows("out/tiles.csv");
    assert_eq!((rows.len(), rows[0]["slide"].as_str()), (4, "S12.35"));
    let mut tar = tar::Archive::new(fs::File::open(folder.path("out/shards/S12.35-000000.tar")).unwrap());
    let names = tar.entries().unwrap().map(|e| e.unwrap().path().unwrap().to_str().unwrap().to_owned());
    let names: Vec<String> = names.collect();
    assert!(names.iter().all(|name| name.matches('.').count() == 1), "{names:?}");
    let keys: std::collections::BTreeSet<_> = names.iter().map(|n| n.split('.').next().unwrap()).collect();
    assert_eq!(keys.len(), 4);
    assert_eq!(rows[0]["file"], format!("shards/S12.35-000000.tar/{}", names[0]));
}

/// Slides whose names differ in a dot and a hyphen have different keys.
#[test]
fn keys_in_shards_are_of_one_slide() {
    let folder = Folder::new();
    folder.phantom();
    for name in ["a.b.svs", "a-b.svs", "a%2Eb.svs"] {
        fs::copy(folder.path("a.svs"), folder.path(name)).unwrap();
    }
    folder.run("tile @a.b.svs @a-b.svs @a%2Eb.svs -o @out --size 512 --min-tissue 0 --shards", 0);
    let rows = folder.rows("out/tiles.csv");
    let key = |row: &BTreeMap<String, String>| {
        row["file"].rsplit('/').next().unwrap().split('.').next().unwrap().to_owned()
    };
    let keys: std::collections::BTreeSet<String> = rows.iter().map(key).collect();
    assert_eq!((rows.len(), keys.len()), (12, 12), "{keys:?}");
}

/// Spoils the sixth stored tile of `a.svs`.
fn spoil(folder: &Folder) {
    let mut bytes = fs::read(folder.path("a.svs")).unwrap();
    let mut starts = (0..bytes.len() - 1).filter(|&i| bytes[i..i + 2] == [0xFF, 0xD8]);
    let sixth = starts.nth(5).unwrap();
    bytes[sixth..sixth + 2].fill(0);
    fs::write(folder.path("a.svs"), bytes).unwrap();
}

#[test]
fn damaged_tiles_are_left_out_and_counted() {
    let folder = Folder::new();
    folder.phantom();
    folder.run("tile @a.svs -o @sound --size 256", 0);
    spoil(&folder);
    // Whether the low-power view is needed for choosing or only for the contact sheet.
    for (line, tiles) in [("--min-tissue 0", 15), ("", folder.rows("sound/tiles.csv").len() - 1)] {
        let said = folder.run(&format!("tile @a.svs -o @out --size 256 {line}"), 1);
        assert!(said.contains(", 1 damaged;") && said.contains("a JPEG stream"), "{said}");
        assert_eq!(folder.rows("out/tiles.csv").len(), tiles, "{line}");
        let row = &folder.rows("out/slides.csv")[0];
        assert_eq!((row["status"].as_str(), row["damaged"].as_str()), ("damaged", "1"), "{row:?}");
    }
}

#[test]
fn segment_leaves_damaged_tiles_out_up_to_a_share() {
    let folder = Folder::new();
    folder.phantom();
    spoil(&folder);
    let line = "segment @a.svs --tissue liver --nuclei classical --vacuoles classical --labels=false -o @out";
    assert!(folder.run(line, 1).contains("--max-bad-tiles 1 %"));
    folder.run(&format!("{line} --max-bad-tiles 10"), 0);
}

#[test]
fn enlarged_tiles_are_warned_of() {
    let folder = Folder::new();
    folder.phantom();
    let said = folder.run("tile @a.svs -o @out --mpp 0.25 --coords-only", 0);
    assert!(
        said.contains("warning: tiles of 0.2500 µm/px are enlarged") && said.contains("0.5000 µm/px"),
        "{said}"
    );
    assert!(!folder.run("tile @a.svs -o @same --mpp 0.5 --coords-only", 0).contains("enlarged"));
}

/// What `--help` says of exit codes holds for commands that write one file or many.
#[cfg(unix)]
#[test]
fn stopped_runs_end_by_the_signals_code() {
    let folder = Folder::new();
    let grain =
        |x: u32, y: u32| image::Rgb([190u8, 120, 170].map(|v| v - ((x * 7 + y * 13 + x * y) % 40) as u8));
    image::RgbImage::from_fn(4096, 4096, grain).save(folder.path("a.png")).unwrap();
    let t = |line: &str, name: &str, code: i32| {
        let args =
            line.split(' ').map(|word| word.strip_prefix('@').map_or(word.into(), |name| folder.arg(name)));
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_histograde"));
        let mut child = program.args(args).stderr(std::process::Stdio::null()).spawn().unwrap();
        let begun = || fs::read_dir(folder.path("out")).is_ok_and(|mut entries| entries.next().is_some());
        while !begun() {
            assert_eq!(child.try_wait().unwrap(), None, "{line}");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{line}");
        fs::remove_dir_all(folder.path("out")).unwrap();
    };
    // Many seconds of work, of which none is waited for.
    let tile = "tile @a.png -o @out --min-tissue 0 --size 16 --format png --threads 1";
    t(tile, "-TERM", 143);
    t(tile, "-INT", 130);
    fs::create_dir(folder.path("out")).unwrap();
    t("convert @a.png @out/b.ome.tiff --codec deflate --threads 1", "-TERM", 143);
}

#[test]
fn failures_are_rows() {
    let folder = Folder::new();
    folder.phantom();
    image::RgbImage::from_pixel(300, 200, image::Rgb([200, 120, 180])).save(folder.path("b.png")).unwrap();
    fs::write(folder.path("c.svs"), "not a slide").unwrap();
    let said = folder.run("tile @a.svs @b.png @c.svs -o @out --coords-only", 1);
    assert!(said.contains("states no pixel size; pass --slide-mpp"), "{said}");
    let rows = folder.rows("out/slides.csv");
    let status: Vec<_> = rows.iter().map(|row| row["status"].as_str()).collect();
    assert_eq!(status, ["tiled", "failed", "failed"]);
    assert!(rows[2]["reason"].contains("not a slide"), "{rows:?}");
    folder.run("tile @b.png -o @plain --min-tissue 0 --size 128", 0);
    assert_eq!(folder.rows("plain/tiles.csv").len(), 6);
    assert!(folder.run("tile @a.svs -o @x --size 64 --overlap 64", 2).contains("less than --size 64"));
    assert!(folder.run("tile @a.svs -o @x --qc haze=1", 2).contains("blur=, pen= or fold="));
    assert!(folder.run("tile @a.svs -o @x --level 9", 1).contains("level, expected 0 to"));
    assert!(folder.run("tile @a.svs -o @x --random 0", 2).contains("0 is not in 1.."));
    assert!(folder.run("tile @a.svs -o @x --mpp 1000000", 2).contains("expected µm per pixel, 0.05 to 20"));
}

#[test]
fn tiles_of_another_slide_are_not_replaced() {
    let folder = Folder::new();
    for (place, grey) in [("x", 120), ("y", 130)] {
        fs::create_dir(folder.path(place)).unwrap();
        let name = folder.path(&format!("{place}/a.png"));
        image::RgbImage::from_pixel(256, 256, image::Rgb([200, grey, 180])).save(name).unwrap();
    }
    let tile = |slide: &str, code: i32| {
        folder.run(&format!("tile @{slide}/a.png -o @out --min-tissue 0 --size 128 --format png"), code)
    };
    tile("x", 0);
    let tiles = files(&folder.path("out/tiles"));
    let said = tile("y", 1);
    assert!(
        said.contains("slides/a holds the result of another slide (") && said.contains("x/a.png)"),
        "{said}"
    );
    assert_eq!(files(&folder.path("out/tiles")), tiles);
    let rows = folder.rows("out/slides.csv");
    let status = [0, 1].map(|row: usize| rows[row]["status"].as_str());
    assert_eq!(status, ["tiled", "failed"]);
    assert!(rows[1]["reason"].contains("choose another folder (-o)"), "{rows:?}");
    assert_eq!(folder.rows("out/tiles.csv").len(), 4, "those that are there");
    // The same slide in another place goes on where it was.
    fs::rename(folder.path("x"), folder.path("z")).unwrap();
    assert!(tile("z", 0).contains("finished by an earlier run"));
}

#[test]
fn converted_slides_show_the_same() {
    let folder = Folder::new();
    folder.phantom();
    let source = Slide::open(folder.path("a.svs")).unwrap();
    let t = |options: &str, exact: bool| {
        folder.run(&format!("convert @a.svs @b.ome.tiff {options}"), 0);
        let copy = Slide::open(folder.path("b.ome.tiff")).unwrap();
        assert_eq!(copy.format(), "ome_tiff");
        let size = |slide: &Slide| (slide.info().levels[0].width, slide.info().levels[0].height);
        assert_eq!(size(&copy), size(&source));
        let mpp = |slide: &Slide| slide.info().calibration.as_ref().unwrap().mpp.x();
        assert_eq!(mpp(&copy), mpp(&source));
        assert_eq!(copy.info().levels.len(), source.info().levels.len());
        assert_eq!(copy.info().objective_power, source.info().objective_power);
        assert!(copy.info().associated.is_empty());
        for level in 0..source.info().levels.len() {
            let (most, mean) =
                difference(read(&copy, level, 0, 0, 256).data(), read(&source, level, 0, 0, 256).data());
            assert!(if exact { most == 0 } else { mean < 4.0 }, "{options} level {level}: {most} {mean}");
        }
    };
    t("", true);
    t("--no-copy", false);
    t("--codec deflate", true);
    t("--codec zstd", true);
    assert!(folder.run("convert @a.svs @a.svs", 2).contains("another file than the one that is read"));
    for line in ["convert @a.svs @b.png", "deidentify @a.svs -o @b.jpg", "deidentify @a.svs -o @b"] {
        assert!(folder.run(line, 2).contains("a name that ends as TIFF does (.tif,"), "{line}");
    }
}

#[test]
fn quickhash_is_openslides() {
    let Some(data) = common::data_dir() else { return };
    let t = |file: &str, expected: &str| {
        let slide = Slide::open(data.join("wsi").join(file)).unwrap();
        assert_eq!(slide.quickhash().as_deref(), Some(expected), "{file}");
    };
    t(
        "aperio_svs/CMU-1-Small-Region.svs",
        "6335ea0e6cc54c2cba64bb265d3c713a50cd84484924e3a9c109558c13521d5c",
    );
    t("aperio_svs/openslide_small.svs", "1eaa4a1693dd7a48286bb6f3dd70457dab6bb6395f3071dfd7d80beb3f2dc4e4");
    t(
        "generic_tiff/openslide_boxes.tiff",
        "8598af2eacecc99dbac4f1af10bc2f82e88c86ec2d2c44f5e3afd0839d97d57b",
    );
    t(
        "generic_tiff/pathml_small_HE_levels.tiff",
        "c08b056490bac8bcb329d9b8fb175888083d4097952a55fee99997758c728c36",
    );
}
