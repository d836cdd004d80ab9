//! What is read, and what is never written over.

use std::{process, time::Duration};

use super::*;

/// Makes a named pipe that nobody writes to: who opens it waits forever.
#[cfg(unix)]
pub(super) fn pipe(folder: &Folder, name: &str) -> String {
    let path = folder.arg(name);
    assert!(process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Runs, and returns standard error; fails where the program does not come back.
pub(super) fn in_time(args: &[&str], code: i32) -> String {
    let output = histograde(args).timeout(Duration::from_secs(60)).assert().code(code).get_output().clone();
    String::from_utf8(output.stderr).unwrap()
}

pub(super) const PLACE: [&str; 10] =
    ["--level", "0", "--x", "0", "--y", "0", "--width", "10", "--height", "10"];

#[test]
fn region_leaves_its_slide_alone() {
    let folder = Folder::new();
    let slide = folder.phantom("a.svs");
    let before = fs::read(&slide).unwrap();
    let t = |out: &str, expected: &str| {
        let text = stderr(&[&["region", &slide, "-o", out], &PLACE[..]].concat(), 2);
        assert!(text.contains(expected), "{text}");
    };
    t(&slide, "output, expected another file than the one that is read");
    t("-", "output, expected the name of a file");
    t(&folder.arg("r.jpg"), "output, expected a name ending in .png, got");
    assert!(!Path::new("-").exists());
    assert!(fs::read(&slide).unwrap() == before);
}

#[cfg(unix)]
#[test]
pub(super) fn pipes_and_links_are_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let folder = Folder::new();
    let (slide, pipe, link) = (folder.phantom("a.svs"), pipe(&folder, "pipe.png"), folder.arg("link.png"));
    std::os::unix::fs::symlink(folder.text("kept.txt", "kept"), &link).unwrap();
    let text = in_time(&[&["region", &slide, "-o", &pipe], &PLACE[..]].concat(), 2);
    assert!(text.contains("a pipe has this name, and only regular files are replaced"), "{text}");
    let text = in_time(&[&["region", &slide, "-o", &link], &PLACE[..]].concat(), 2);
    assert!(text.contains("a link has this name"), "{text}");
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo() && Path::new(&link).is_symlink());
    assert_eq!(fs::read_to_string(folder.path("kept.txt")).unwrap(), "kept");
}

#[cfg(unix)]
#[test]
pub(super) fn pipes_are_not_waited_for() {
    let folder = Folder::new();
    folder.phantom("in/a.svs");
    let (pipe, out) = (pipe(&folder, "in/b.svs"), folder.arg("out"));
    let needed = "it is a pipe, and a file is needed";
    assert!(in_time(&["info", &pipe], 1).contains(needed));
    assert!(
        in_time(&[&["region", &pipe, "-o", &folder.arg("r.png")], &PLACE[..]].concat(), 2).contains(needed)
    );
    assert!(in_time(&["tile", &pipe, "--coords-only", "-o", &out], 2).contains(needed));
    let text = in_time(&["tile", &folder.arg("in"), "--coords-only", "-v", "-o", &out], 0);
    assert!(text.contains("b.svs: it is a pipe"), "{text}");
    assert_eq!(folder.rows("out/slides.csv").len(), 1);
    let sheet = folder.text("m.csv", "slide,animal_id,group,tissue\nin/b.svs,r1,normal,liver\n");
    assert!(in_time(&["score", "--manifest", &sheet, "-o", &out], 2).contains("b.svs, which is neither"));
}

#[test]
fn earlier_results_are_not_scored() {
    let folder = Folder::new();
    folder.phantom("in/a.svs");
    let input = folder.arg("in");
    let score = ["--tissue", "liver", "-q", "-o"];
    histograde(&[&["score", &input][..], &score, &[&folder.arg("in/r1")]].concat()).assert().code(0);
    histograde(&["tile", &input, "-q", "-o", &folder.arg("in/t1")]).assert().code(0);
    let label = ["--labels", "--nuclei", "classical", "--vacuoles", "classical"];
    histograde(&[&["segment", &input][..], &score, &[&folder.arg("in/labels")], &label].concat())
        .assert()
        .code(0);
    let text = stderr(&["tile", &input, "--coords-only", "-v", "-o", &folder.arg("out")], 0);
    assert!(text.contains("holds results of an earlier run and is not searched"), "{text}");
    let slides: Vec<String> =
        folder.rows("out/slides.csv").into_iter().map(|row| row["slide"].clone()).collect();
    assert_eq!(slides, ["a"]);
    let text = stderr(&["tile", &input, "-o", &input], 2);
    assert!(text.contains("in is the folder for the results (-o) and is not searched"), "{text}");
}

#[test]
fn small_images_of_one_colour_are_blank() {
    let folder = Folder::new();
    for side in [1, 8, 100, 200] {
        let image = image::RgbImage::from_pixel(side, side, image::Rgb([240; 3]));
        image.save(folder.path(&format!("s{side}.png"))).unwrap();
    }
    let (input, out) = (folder.arg(""), folder.arg("out"));
    histograde(&["score", &input, "--tissue", "liver", "--mpp", "0.5", "-q", "-o", &out]).assert().code(0);
    let status: Vec<String> =
        folder.rows("out/slides.csv").into_iter().map(|row| row["status"].clone()).collect();
    assert_eq!(status, ["blank"; 4]);
}

#[test]
fn folders_without_slides_say_what_they_hold() {
    let folder = Folder::new();
    fs::create_dir(folder.path("in")).unwrap();
    let score = || stderr(&["score", &folder.arg("in"), "--tissue", "liver", "-o", &folder.arg("out")], 2);
    assert!(score().contains("expected at least one slide, got none in"));
    folder.text("in/a.txt", "");
    folder.text("in/b", "");
    assert!(score().contains("in (2 files, which are no slides; -v names them)"));
    assert!(!folder.path("out").exists());
}

#[test]
fn results_are_written_to_a_folder() {
    let folder = Folder::new();
    let (slide, file) = (folder.png("a.png", [244, 243, 245]), folder.text("file", "kept"));
    let input = [slide.as_str(), "--mpp", "0.5", "-o"];
    let t = |command: &str, more: &[&str], out: &str, expected: &str| {
        let text = stderr(&[&[command], &input[..], &[out], more].concat(), 2);
        assert!(text.contains(expected), "{command}: {text}");
    };
    let tissue = ["--tissue", "liver"];
    for (command, more) in [("score", &tissue[..]), ("segment", &tissue), ("tile", &[])] {
        t(command, more, &file, "output, expected a folder (made if missing), got");
    }
    assert_eq!(fs::read_to_string(folder.path("file")).unwrap(), "kept");
    let text = stderr(&["status", &folder.arg("none")], 2);
    assert!(text.contains("none, expected a folder of results, got nothing of that name"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir(folder.path("locked")).unwrap();
        fs::set_permissions(folder.path("locked"), fs::Permissions::from_mode(0o555)).unwrap();
        // Nothing is locked to root.
        if fs::write(folder.path("locked/trial"), "").is_err() {
            for (command, more) in [("score", &tissue[..]), ("segment", &tissue), ("tile", &[])] {
                t(command, more, &folder.arg("locked"), "cannot write in");
            }
        }
    }
}

#[test]
fn sheets_of_spreadsheets_are_read() {
    let folder = Folder::new();
    for name in ["a.png", "b, 1.png", "ü.png"] {
        folder.png(name, [244, 243, 245]);
    }
    let sheet = folder.text(
        "sheet.csv",
        "\u{feff}slide;animal_id;group;tissue;mpp;dose;dose_unit\r\n\r\n a.png ;\u{9f20} 1 ;c, low;Liver;0.5;1;mg/kg\r\n\
         ;;;;;;\r\n\"b, 1.png\";Ä 2;\"c, low\";liver ;0.5;1;mg/kg\r\nü.png;\"3\";high;LIVER;0.5;2;mg/kg\r\n\r\n",
    );
    let out = folder.arg("out");
    stderr(&["score", "--manifest", &sheet, "-q", "-o", &out], 0);
    let rows = folder.rows("out/slides.csv");
    let told: Vec<[&str; 4]> =
        rows.iter().map(|r| ["slide_id", "animal_id", "group", "dose"].map(|c| r[c].as_str())).collect();
    let expected =
        [["a", "\u{9f20} 1", "c, low", "1"], ["b__1", "Ä 2", "c, low", "1"], ["ü", "3", "high", "2"]];
    assert_eq!(told, expected);
    let comma = folder.text("comma.csv", "slide;animal_id;group;tissue;mpp\na.png;1;c;liver;0,5\n");
    let text = stderr(&["score", "--manifest", &comma, "-o", &out], 2);
    assert!(
        text.contains("row 2, mpp") && text.contains("\"0,5\" (write numbers with a decimal point)"),
        "{text}"
    );
}

/// What a workflow asks for: it need not read sheets itself.
#[test]
fn slides_of_any_sheet_are_listed() {
    let folder = Folder::new();
    folder.png("a b.png", [244, 243, 245]);
    let rows = [
        "Slide;Animal_ID;Group;Tissue;Exclude",
        "a b.png;1;c;liver;",
        "gone.png;2;c;kidney;",
        "x.png;3;c;liver;TRUE",
    ];
    let list = |name: &str, text: &str, more: &[&str]| -> Value {
        let sheet = folder.text(name, text);
        let args = ["score", "--manifest", &sheet, "-o", &folder.arg("out"), "--list"];
        let output = histograde(&[&args[..], more].concat()).assert().code(0).get_output().clone();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let one = |id: &str, file: &str, tissue: &str| serde_json::json!({"slide_id": id, "slide": folder.arg(file), "tissue": tissue});
    let (first, second) = (one("a_b", "a b.png", "liver"), one("gone", "gone.png", "kidney"));
    let expected = Value::from(vec![first.clone(), second.clone()]);
    assert_eq!(list("semicolons.csv", &rows.join("\n"), &[]), expected);
    assert_eq!(list("sep.csv", &format!("sep=;\n{}", rows.join("\n")), &[]), expected);
    assert_eq!(list("tabs.tsv", &rows.join("\n").replace(';', "\t"), &[]), expected);
    assert_eq!(
        list("commas.csv", &rows.join("\r\n").replace(';', ","), &["--only", "gone"]),
        Value::from(vec![second])
    );
    // The file of drawn areas of each slide that has one.
    fs::create_dir(folder.path("drawn")).unwrap();
    folder.text("drawn/a b.geojson", r#"{"type":"FeatureCollection","features":[]}"#);
    let mut with_areas = expected;
    with_areas[0]["annotations"] = folder.arg("drawn/a b.geojson").into();
    assert_eq!(list("drawn.csv", &rows.join("\n"), &["--annotations", &folder.arg("drawn")]), with_areas);
    assert!(!folder.path("out").exists());
}
