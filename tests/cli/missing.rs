//! Slides that are not there, and slides that another slide's results lie in the way of.

use super::*;

const HEADING: &str = "slide,animal_id,group,tissue";

/// Status and error of each row of a table, by slide.
fn statuses(folder: &Folder, table: &str) -> Vec<(String, String, String)> {
    let row = |r: BTreeMap<String, String>| (r["slide_id"].clone(), r["status"].clone(), r["error"].clone());
    folder.rows(table).into_iter().map(row).collect()
}

#[test]
fn a_slide_that_is_missing_is_a_row() {
    let folder = Folder::new();
    folder.png("a.png", [244, 243, 245]);
    let sheet = folder
        .text("samples.csv", &format!("{HEADING}\na.png,1,c,liver\ngone.png,2,c,liver\nb.png,3,c,liver,\n"));
    folder.png("b.png", [244, 243, 245]);
    let out = folder.arg("out");
    let command = ["score", "--manifest", &sheet, "--mpp", "0.5", "-o", &out];
    let with = |more: &[&str], code: i32| stderr(&[&command, more].concat(), code);
    let dry = "3 slides, 1 missing, 2 to score";
    let listed = contains(dry).and(contains("gone: would fail:")).and(contains("gone.png does not exist"));
    histograde(&[&command[..], &["--dry-run"]].concat()).assert().code(0).stdout(listed);
    let text = with(&[], 1);
    assert!(text.contains("2 blank, 1 failed") && text.contains("failed as missing: 1: gone"), "{text}");
    let rows = statuses(&folder, "out/slides.csv");
    let told: Vec<_> = rows.iter().map(|r| (r.0.as_str(), r.1.as_str())).collect();
    assert_eq!(told, [("a", "blank"), ("b", "blank"), ("gone", "failed")]);
    let error = &rows[2].2;
    for words in
        ["gone.png does not exist", "expected a slide (a file or a folder)", "put it there, correct its path"]
    {
        assert!(error.contains(words), "{error}");
    }
    let told = contains("2 done, 1 failed").and(contains("gone.png does not exist"));
    histograde(&["status", &out]).assert().code(1).stdout(told);

    // One job of many, as a workflow runs it: what came of it is known, and the tables of all can be made.
    let outcome = folder.arg("gone.json");
    with(&["--only", "gone", "--outcome", &outcome], 1);
    assert_eq!(folder.json("gone.json")["slides"][0]["error_kind"], "missing");
    assert!(with(&["--gather"], 1).contains("2 blank, 1 failed (2 kept"));

    // Once it is there, it is scored; when it goes again, its result stays and counts no more.
    folder.png("gone.png", [244, 243, 245]);
    assert!(with(&["--explain"], 0).contains("gone: scored: the slide was missing before"));
    histograde(&["status", &out]).assert().code(0).stdout(contains("3 done, 0 failed"));
    fs::remove_file(folder.path("gone.png")).unwrap();
    with(&[], 1);
    assert_eq!(statuses(&folder, "out/slides.csv")[2].1, "failed");
    assert!(folder.path("out/slides/gone/result.json").is_file());
    histograde(&["status", &out]).assert().code(0).stdout(contains("3 done, 0 failed"));
    folder.png("gone.png", [244, 243, 245]);
    assert!(with(&[], 0).contains("3 kept from earlier runs"));

    let none = folder.text("none.csv", &format!("{HEADING}\nx.png,1,c,liver\ny.png,2,c,liver\n"));
    let text = stderr(&["score", "--manifest", &none, "-o", &folder.arg("other")], 2);
    assert!(text.contains("none.csv row 3, slide, expected a file or a folder, got"), "{text}");
    assert!(!folder.path("other").exists());
}

#[test]
fn segment_goes_on_without_a_missing_slide() {
    let folder = Folder::new();
    folder.png("a.png", [244, 243, 245]);
    let sheet = folder.text("s.csv", &format!("{HEADING}\ngone.png,1,c,liver\na.png,2,c,liver\n"));
    let args = ["segment", "--manifest", &sheet, "--mpp", "0.5", "--labels=false", "-o", &folder.arg("out")];
    let text = stderr(&args, 1);
    assert!(
        text.contains("gone.png does not exist, expected a slide") && text.contains("1 blank, 1 failed"),
        "{text}"
    );
    assert!(folder.path("out/a.geojson").is_file());
}

#[test]
fn another_slide_of_the_same_name_is_refused() {
    let folder = Folder::new();
    for name in ["x", "y", "moved"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    let (first, other) = (folder.png("x/a.png", [244, 243, 245]), folder.png("y/a.png", [243, 244, 245]));
    let out = folder.arg("out");
    let score = |slide: &str, more: &[&str], code: i32| {
        let args = ["score", slide, "--tissue", "liver", "--mpp", "0.5", "-o", &out];
        stderr(&[&args, more].concat(), code)
    };
    score(&first, &[], 0);
    let result = fs::read(folder.path("out/slides/a/result.json")).unwrap();
    for more in [&[][..], &["--fresh"], &["--retry-failed"]] {
        let text = score(&other, more, 1);
        assert!(
            text.contains("slides/a holds the result of another slide (") && text.contains("x/a.png)"),
            "{text}"
        );
    }
    let (id, status, error) = statuses(&folder, "out/slides.csv").remove(0);
    assert_eq!((id.as_str(), status.as_str()), ("a", "failed"));
    assert!(error.contains("choose another folder (-o), or give it a slide_id of its own"), "{error}");
    assert!(fs::read(folder.path("out/slides/a/result.json")).unwrap() == result);
    // The same slide in another folder goes on where it was; two files of one command have ids of their own.
    fs::rename(&first, folder.path("moved/a.png")).unwrap();
    assert!(score(&folder.arg("moved/a.png"), &[], 0).contains("1 kept from earlier runs"));
    let sheet = folder.text("s.csv", &format!("{HEADING},slide_id\ny/a.png,1,c,liver,a2\n"));
    stderr(&["score", "--manifest", &sheet, "--mpp", "0.5", "-o", &out], 0);
    assert!(folder.path("out/slides/a2/result.json").is_file());
}

/// Levels that lie elsewhere, and are linked to, are part of the slide.
#[cfg(all(unix, feature = "zarr"))]
#[test]
fn a_folder_of_links_is_kept() {
    let folder = Folder::new();
    crate::zarr::write(&folder.path("a.zarr"), &histograde::raster::Rgb::filled(64, 64, [244; 3]), 64);
    fs::rename(folder.path("a.zarr/0"), folder.path("level")).unwrap();
    std::os::unix::fs::symlink("../level", folder.path("a.zarr/0")).unwrap();
    let (slide, out) = (folder.arg("a.zarr"), folder.arg("out"));
    let score = || stderr(&["score", &slide, "--tissue", "liver", "-o", &out], 0);
    assert!(score().contains("1 blank"));
    assert!(score().contains("1 kept from earlier runs"));
    fs::write(folder.path("level/0/0/0"), [243; 3 * 64 * 64]).unwrap();
    assert!(!score().contains("kept"), "a chunk changed");
}

#[cfg(feature = "zarr")]
#[test]
fn a_folder_can_be_a_slide_of_a_sheet() {
    let folder = Folder::new();
    crate::zarr::write(&folder.path("a.zarr"), &histograde::raster::Rgb::filled(64, 64, [244; 3]), 64);
    fs::create_dir(folder.path("empty")).unwrap();
    let sheet = folder.text("s.csv", &format!("{HEADING}\na.zarr,1,c,liver\nempty,2,c,liver\n"));
    let out = folder.arg("out");
    let score = |code: i32| stderr(&["score", "--manifest", &sheet, "-o", &out], code);
    score(1);
    let rows = statuses(&folder, "out/slides.csv");
    let told: Vec<_> = rows.iter().map(|r| (r.0.as_str(), r.1.as_str())).collect();
    assert_eq!(told, [("a", "blank"), ("empty", "failed")]);
    assert!(rows[1].2.contains("a folder without whole-slide DICOM files"), "{}", rows[1].2);
    assert!(score(1).contains("2 kept from earlier runs"));
}
