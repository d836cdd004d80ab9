//! `tile`: what lies in its folder already.

use std::{
    fs,
    process::{Command, Stdio},
};

use super::{Folder, files};

fn two_slides(folder: &Folder) {
    folder.phantom();
    fs::copy(folder.path("a.svs"), folder.path("b.svs")).unwrap();
}

const TILE: &str = "tile @a.svs -o @out --size 512 --min-tissue 0";

#[test]
fn what_others_put_there_stays() {
    let folder = Folder::new();
    folder.phantom();
    folder.run(TILE, 0);
    let mine = ["tiles/a/notes.txt", "tiles/a/best.jpg", "slides/a/labels.csv"];
    for name in mine {
        fs::write(folder.path("out").join(name), "mine").unwrap();
    }
    folder.run(&TILE.replace("512", "256"), 0);
    for name in mine {
        assert_eq!(fs::read(folder.path("out").join(name)).unwrap(), b"mine", "{name}");
    }
    let tiles = files(&folder.path("out/tiles"));
    assert_eq!(tiles.len(), 16 + 2, "no tile of 512 px is left");
}

#[test]
fn results_of_score_stay() {
    let folder = Folder::new();
    folder.phantom();
    let place = folder.path("out/slides/a");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("result.json"), "{}").unwrap();
    fs::write(place.join("overview.png"), "picture").unwrap();
    let before = files(&folder.path("out"));
    let said = folder.run(TILE, 1);
    assert!(said.contains("result.json, which `tile` did not write"), "{said}");
    assert!(before.iter().all(|(name, bytes)| files(&folder.path("out")).get(name) == Some(bytes)));
    for name in ["run.json", "long.csv", "slides.csv", "tiles.csv"] {
        let out = folder.path("other");
        fs::create_dir(&out).unwrap();
        fs::write(out.join(name), "slide_id,status\n").unwrap();
        let said = folder.run(&TILE.replace("@out", "@other"), 2);
        assert!(said.contains(&format!("{name}, which `tile` did not write")), "{said}");
        assert_eq!(files(&out).len(), 1);
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn score_leaves_tiles_alone() {
    let folder = Folder::new();
    folder.phantom();
    folder.run(TILE, 0);
    let before = files(&folder.path("out"));
    for more in ["", " --dry-run"] {
        let said = folder.run(&format!("score @a.svs --tissue liver -o @out{more}"), 2);
        assert!(said.contains("one of `tile`, which holds"), "{said}");
    }
    assert_eq!(files(&folder.path("out")), before);
}

#[test]
fn tables_hold_every_slide_that_is_done() {
    let folder = Folder::new();
    two_slides(&folder);
    folder.run(TILE, 0);
    let said = folder.run(&TILE.replace("@a.svs", "@b.svs"), 0);
    assert!(
        said.contains("4 tiles of 1 slides, 0 with errors; tables with 1 more of earlier runs"),
        "{said}"
    );
    assert!(!said.contains("other settings"), "{said}");
    let ids = |table: &str, column: &str| -> Vec<String> {
        folder.rows(table).into_iter().map(|mut row| row.remove(column).unwrap()).collect()
    };
    assert_eq!(ids("out/slides.csv", "slide"), ["a", "b"]);
    assert_eq!(ids("out/slides.csv", "status"), ["tiled", "tiled"]);
    assert_eq!(ids("out/tiles.csv", "slide"), ["a", "a", "a", "a", "b", "b", "b", "b"]);
    // One whose tiles were taken away is not said to have them, nor is one that failed forgotten.
    fs::remove_file(folder.path("out").join(&folder.rows("out/tiles.csv")[0]["file"])).unwrap();
    fs::write(folder.path("c.svs"), "not a slide").unwrap();
    folder.run(&TILE.replace("@a.svs", "@c.svs"), 1);
    folder.run(&TILE.replace("@a.svs", "@b.svs"), 0);
    assert_eq!(ids("out/slides.csv", "status"), ["failed", "tiled", "failed"]);
    assert!(folder.rows("out/slides.csv")[0]["reason"].contains("changed or removed"));
    assert_eq!(ids("out/tiles.csv", "slide"), ["b"; 4]);
}

#[test]
fn what_has_no_effect_is_said() {
    let folder = Folder::new();
    folder.phantom();
    let line = "tile @a.svs -o @out --size 512 --coords-only";
    assert!(!folder.run(line, 0).contains("no effect"));
    let said = folder.run(&format!("{line} --stain-norm macenko --target @a.svs"), 0);
    assert!(said.contains("--stain-norm has no effect with --coords-only"), "{said}");
}

#[test]
fn tiles_of_other_settings_in_the_tables_are_told() {
    let folder = Folder::new();
    two_slides(&folder);
    folder.run(TILE, 0);
    let other =
        TILE.replace("@a.svs", "@b.svs").replace("--min-tissue 0", "--min-tissue 0.2 --random 1 --seed 9");
    let said = folder.run(&other, 0);
    let told = "also hold tiles of 1 slides of earlier runs that were cut with other settings (min-tissue, random, seed)";
    assert!(said.contains(told), "{said}");
}

#[test]
fn emptied_files_are_made_again() {
    let folder = Folder::new();
    folder.phantom();
    for options in ["", " --shards"] {
        let line = format!("{TILE}{options}");
        folder.run(&line, 0);
        let before = files(&folder.path("out"));
        assert!(folder.run(&line, 0).contains("finished by an earlier run"));
        let stored = before.keys().find(|name| name.starts_with("tiles") || name.starts_with("shards"));
        fs::write(folder.path("out").join(stored.unwrap()), "").unwrap();
        assert!(!folder.run(&line, 0).contains("finished by an earlier run"), "{options}");
        assert_eq!(files(&folder.path("out")), before);
        fs::remove_dir_all(folder.path("out")).unwrap();
    }
}

#[test]
fn two_runs_of_one_folder_do_not_mix() {
    let folder = Folder::new();
    two_slides(&folder);
    let start = |size: &str| {
        let line =
            format!("tile @a.svs @b.svs -o @out --size {size} --min-tissue 0 --format png --threads 1");
        let args = line
            .split(' ')
            .map(|word| word.strip_prefix('@').map_or(word.to_owned(), |name| folder.arg(name)))
            .collect::<Vec<_>>();
        let mut program = Command::new(env!("CARGO_BIN_EXE_histograde"));
        program.args(args).stderr(Stdio::null()).spawn().unwrap()
    };
    for _ in 0..3 {
        let runs = [start("64"), start("48")];
        for mut run in runs {
            assert_eq!(run.wait().unwrap().code(), Some(0));
        }
        let rows = folder.rows("out/tiles.csv");
        assert!(!rows.is_empty());
        for row in &rows {
            assert!(folder.path("out").join(&row["file"]).is_file(), "{row:?}");
        }
        assert_eq!(files(&folder.path("out/tiles")).len(), rows.len());
        assert!(!folder.path("out/slides/a/lock").exists());
    }
}

#[test]
fn sample_sheets_say_what_is_tiled() {
    let folder = Folder::new();
    two_slides(&folder);
    let sheet = "slide,slide_id,tissue,mpp,exclude,exclude_reason\na.svs,one,liver,0.25,,\nb.svs,two,liver,,yes,torn\n";
    fs::write(folder.path("sheet.csv"), sheet).unwrap();
    let said = folder.run("tile --manifest @sheet.csv -o @out --mpp 0.5 --size 256 --coords-only", 0);
    assert!(said.contains("two: left out: torn"), "{said}");
    let rows = folder.rows("out/tiles.csv");
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row["slide"] == "one" && row["width"] == "512"), "{rows:?}");
    let slides = folder.rows("out/slides.csv");
    let status: Vec<_> = slides.iter().map(|row| [&row["slide"], &row["status"], &row["reason"]]).collect();
    assert_eq!(status, [["one", "tiled", ""], ["two", "excluded", "torn"]]);
    folder.run("tile @a.svs --manifest @sheet.csv -o @out", 2);
}
