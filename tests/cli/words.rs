//! Names that are not UTF-8.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
};

use super::*;

/// Runs in the folder with arguments that need not be UTF-8.
fn run(folder: &Folder, args: &[&OsStr], code: i32) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_histograde"));
    command.current_dir(folder.path("")).args(args).assert().code(code).get_output().clone()
}

fn words(text: &str) -> Vec<&OsStr> {
    text.split(' ').map(OsStr::new).collect()
}

#[test]
fn names_that_are_not_utf_8_cost_nothing() {
    let folder = Folder::new();
    let odd = |name: &[u8]| OsString::from_vec(name.to_vec());
    let (input, out, told, log) = (odd(b"in\xff"), odd(b"out\xfe"), odd(b"a\xff.json"), odd(b"a\xff.jsonl"));
    let at = |name: &OsStr| folder.path("").join(name);
    // A file system can refuse such names.
    if fs::create_dir(at(&input)).is_err() {
        return;
    }
    let glass = image::RgbImage::from_pixel(300, 200, image::Rgb([244, 243, 245]));
    glass.save(folder.path("a.png")).unwrap();
    let slide = at(&input).join(OsStr::from_bytes(b"b\xfd.png"));
    fs::rename(folder.path("a.png"), &slide).unwrap();
    let mut score = vec![OsStr::new("score"), &input];
    score.extend(words("--tissue liver --mpp 0.5 -o"));
    score.push(&out);
    let list = run(&folder, &[&score[..], &words("--list")].concat(), 2);
    let text = String::from_utf8_lossy(&list.stderr).into_owned();
    assert!(text.contains("expected a path in UTF-8") && text.contains(".png"), "{text}");
    let files = [OsStr::new("--outcome"), &told, OsStr::new("--log-json"), &log];
    run(&folder, &[&score[..], &files].concat(), 0);
    let json = |path: PathBuf| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let made = json(at(&out).join("run.json"));
    assert!(made["arguments"][2].as_str().unwrap().starts_with("in"), "{made}");
    assert_eq!(json(at(&told))["slides"][0]["status"], "blank");
    assert!(fs::read_to_string(at(&log)).unwrap().contains("\"slide_started\""));
    assert!(at(&out).join("slides.csv").is_file());
    // The other commands.
    for command in [
        "info --json",
        "segment --tissue liver --mpp 0.5 -q -o seg",
        "tile --slide-mpp 0.5 --coords-only -o cut",
    ] {
        let mut args = words(command);
        args.insert(1, slide.as_os_str());
        run(&folder, &args, 0);
    }
}

#[test]
fn folders_of_a_study_need_not_be_utf_8() {
    let folder = Folder::new();
    let (out, report) = (OsString::from_vec(b"r\xff".to_vec()), OsString::from_vec(b"c\xfe".to_vec()));
    for name in ["a.svs", "b.svs"] {
        folder.phantom(name);
    }
    folder.text("s.csv", "slide,animal_id,group,tissue\na.svs,1,x,liver\nb.svs,2,y,liver\n");
    let sheet = words("--manifest s.csv -q -o");
    run(&folder, &[&words("run")[..], &sheet, &[&out]].concat(), 0);
    assert!(folder.path("").join(&out).join("comparison/report.html").is_file());
    run(&folder, &[&words("compare")[..], &[&out], &sheet, &[&report]].concat(), 0);
    assert!(folder.path("").join(&report).join("report.html").is_file());
}
