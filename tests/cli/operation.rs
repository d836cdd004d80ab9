//! How a batch is told of: what was skipped, left out, would fail, and could not be logged.

use super::*;

#[cfg(unix)]
#[test]
fn what_is_skipped_is_named() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    fs::create_dir_all(folder.path("in/.hidden")).unwrap();
    folder.png("in/a.png", [244, 243, 245]);
    folder.png("in/.hidden/b.png", [244, 243, 245]);
    symlink("a.png", folder.path("in/same.png")).unwrap();
    symlink(".", folder.path("in/loop")).unwrap();
    let (input, out) = (folder.arg("in"), folder.arg("out"));
    let text = stderr(&["score", &input, "--tissue", "liver", "--mpp", "0.5", "-v", "-o", &out], 0);
    for said in [
        "in/.hidden: hidden",
        "in/loop: a folder that was searched already",
        "in/same.png: a slide that was taken already",
    ] {
        assert!(text.contains(&format!("skipped {}", folder.path(said).display())), "{said}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_costs_itself() {
    use std::os::unix::{fs::PermissionsExt as _, process::CommandExt as _};
    let folder = Folder::new();
    fs::create_dir_all(folder.path("in/locked")).unwrap();
    fs::create_dir(folder.path("out")).unwrap();
    folder.png("in/a.png", [244, 243, 245]);
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    [("", 0o777), ("out", 0o777), ("in/locked", 0)].iter().for_each(|(name, bits)| mode(name, *bits));
    let mut score = std::process::Command::new(env!("CARGO_BIN_EXE_histograde"));
    score.args(["score", &folder.arg("in"), "--tissue", "liver", "--mpp", "0.5", "-o", &folder.arg("out")]);
    if fs::read_dir(folder.path("in/locked")).is_ok() {
        // Nothing is locked to root.
        score.uid(65534);
    }
    let ran = score.output();
    mode("in/locked", 0o755);
    // Where only root may run the program there is nothing to see.
    let Ok(output) = ran else { return };
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("1 blank, 1 failed") && text.contains("slides in it are not found"), "{text}");
    let rows = folder.rows("out/slides.csv");
    let told: Vec<_> = rows.iter().map(|r| (r["slide_id"].as_str(), r["status"].as_str())).collect();
    assert_eq!(told, [("a", "blank"), ("locked", "failed")]);
    assert!(rows[1]["error"].contains("ermission denied"), "{rows:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_is_told_once() {
    let folder = Folder::new();
    let (slide, out, log) =
        (folder.png("a.png", [244, 243, 245]), folder.arg("out"), folder.arg("log.jsonl"));
    // No file may grow beyond a length that the log has and no result reaches.
    fs::write(&log, "{\"event\":\"start\"}\n".repeat(200_000)).unwrap();
    let program = env!("CARGO_BIN_EXE_histograde");
    let words =
        [program, "score", &slide, "--tissue", "liver", "--mpp", "0.5", "--log-json", &log, "-o", &out];
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$@\"", "sh"]).args(words);
    let output = limited.assert().code(0).get_output().clone();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.matches(&format!("cannot write {log}: ")).count(), 1, "{text}");
    assert!(text.contains("lines are missing from --log-json"), "{text}");
}

#[test]
fn what_would_fail_is_not_to_score() {
    let folder = Folder::new();
    let (slide, broken) = (folder.png("a.png", [244, 243, 245]), folder.text("b.svs", "no slide"));
    let args = ["score", &slide, &broken, "--tissue", "liver", "--mpp", "0.5", "--dry-run", "-o", "none"];
    histograde(&args).assert().code(0).stdout(contains("2 slides, 1 would fail, 1 to score"));
    // What has no pixel size fails, and so does one outside the range of a network that was asked for.
    let uncalibrated = ["score", &slide, "--tissue", "liver", "--dry-run", "-o", "none"];
    let told = contains("a: would fail: the file states no pixel size")
        .and(contains("1 slides, 1 would fail, 0 to score"));
    histograde(&uncalibrated).assert().code(0).stdout(told);
    let coarse = [&uncalibrated[..], &["--mpp", "8", "--nuclei", "net"]].concat();
    histograde(&coarse).assert().code(0).stdout(contains("1 slides, 1 would fail, 0 to score"));
    let usual = [&uncalibrated[..], &["--mpp", "8"]].concat();
    histograde(&usual).assert().code(0).stdout(contains("1 slides, 1 to score"));
}

#[test]
fn kidneys_are_expected_to_take_longer() {
    let folder = Folder::new();
    let slide = folder.arg("a.png");
    image::RgbImage::from_pixel(3200, 1000, image::Rgb([244, 243, 245])).save(&slide).unwrap();
    let on_one = ["--mpp", "0.5", "--threads", "1", "--dry-run", "-o", "none"];
    for (tissue, about) in [("liver", "about 0.4 s at 8.0 MP/s"), ("kidney", "about 1.1 s at 2.8 MP/s")] {
        let args = [&["score", &slide, "--tissue", tissue][..], &on_one].concat();
        histograde(&args).assert().code(0).stdout(contains(about));
    }
}

#[test]
fn run_keeps_what_score_did_with_the_same_options() {
    let folder = Folder::new();
    for name in ["a.png", "b.png"] {
        folder.png(name, [244, 243, 245]);
    }
    let sheet =
        folder.text("s.csv", "slide,animal_id,group,tissue,mpp\na.png,1,c,liver,0.5\nb.png,2,c,liver,0.5\n");
    fs::create_dir(folder.path("drawn")).unwrap();
    folder.text("drawn/a.geojson", r#"{"type":"FeatureCollection","features":[]}"#);
    let (out, drawn) = (folder.arg("out"), folder.arg("drawn"));
    let options =
        ["--annotations", &drawn, "--species", "mouse", "--max-artefact", "30", "--max-bad-tiles", "2"];
    let input = ["--manifest", &sheet, "-o", &out];
    histograde(&[&["score"], &input[..], &options].concat()).assert().code(0);
    let kept = contains("a: kept\n").and(contains("b: kept\n"));
    histograde(&[&["run"], &input[..], &options, &["--dry-run"]].concat()).assert().code(0).stdout(kept);
    histograde(&[&["run"], &input[..], &["--dry-run"]].concat())
        .assert()
        .code(0)
        .stdout(contains("2 to score").and(contains("(a guess, no time of an earlier result is known)")));
    // Results that do not hold tell how fast slides are all the same.
    let seen = folder.path("out/store/a/seen.json");
    let mut told: serde_json::Value = serde_json::from_slice(&fs::read(&seen).unwrap()).unwrap();
    (told["seconds"], told["analysed_px"]) = (10.0.into(), 1_000_000.into());
    fs::write(&seen, told.to_string()).unwrap();
    let mut run = folder.json("out/run.json");
    run["threads"] = 1.into();
    folder.text("out/run.json", &run.to_string());
    // 2 slides of 0.06 MP, one of which took 10 s on one thread.
    let cores = std::thread::available_parallelism().unwrap().get();
    for (threads, at_work) in [(1, 1), (cores, cores), (cores + 7, cores)] {
        let text = if threads == 1 { "on 1 thread".into() } else { format!("on {threads} threads") };
        let seconds = 0.12 / (0.006 * at_work as f64);
        let about = contains(format!("about {seconds:.1} s at"))
            .and(contains(text))
            .and(contains("(as the results that are to be replaced)"));
        let wanted = ["--dry-run", "--threads", &threads.to_string()];
        histograde(&[&["run"], &input[..], &wanted].concat()).assert().code(0).stdout(about);
    }
}
