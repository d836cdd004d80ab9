//! What holds when results, tables and slides change under each other: several processes, options and files in one folder.

use super::*;

/// Writes a sheet of two slides of two animals, each in a group of its own.
fn sheet(folder: &Folder, [a, b]: [&str; 2]) -> String {
    let rows = format!("slide,animal_id,group,tissue,mpp\n{a},1,c,liver,0.5\n{b},2,t,liver,0.5\n");
    folder.text("s.csv", &rows)
}

#[test]
fn tables_that_do_not_fit_the_results_are_told() {
    let folder = Folder::new();
    folder.png("a.png", [244, 243, 245]);
    folder.phantom("b.svs");
    let (sheet, out) = (sheet(&folder, ["a.png", "b.svs"]), folder.arg("out"));
    let score = ["score", "--manifest", &sheet, "-o", &out];
    let compare = |code: i32| stderr(&["compare", &out, "--manifest", &sheet], code);
    histograde(&score).assert().code(0);
    assert!(!compare(0).contains("scored again since"));
    let other = ["--only", "a", "--species", "mouse"];
    histograde(&[&score[..], &other].concat()).assert().code(0);
    let said = compare(0);
    assert!(
        said.contains("warning: 1 of 2 slides of the tables have no longer the result in store/"),
        "{said}"
    );
    assert!(
        said.contains("scored again since, with other options or another file") && said.contains(": a; give")
    );
    histograde(&score).assert().code(0);
    assert!(!compare(0).contains("scored again since"));
    let table = folder.path("out/sizes.csv");
    let whole = fs::read_to_string(&table).unwrap();
    fs::write(&table, format!("{whole}\n")).unwrap();
    let said = compare(2);
    assert!(
        said.contains("sizes.csv, expected the table that run.json tells of (SHA-256), got another"),
        "{said}"
    );
    fs::write(&table, whole).unwrap();
    compare(0);
    fs::remove_file(folder.path("out/run.json")).unwrap();
    assert!(compare(2).contains("run.json, expected a file written after the tables, got none"));
}

#[test]
fn one_file_for_two_animals_is_told() {
    let folder = Folder::new();
    fs::copy(folder.phantom("a.svs"), folder.path("b.svs")).unwrap();
    let (sheet, out) = (sheet(&folder, ["a.svs", "b.svs"]), folder.arg("out"));
    let told =
        "warning: the same file, byte for byte, stands for 2 different animals: a (animal 1), b (animal 2). ";
    let score = ["score", "--manifest", &sheet, "-o", &out];
    for args in [&score[..], &score, &["compare", &out, "--manifest", &sheet]] {
        let said = stderr(args, 0);
        assert!(said.contains(told), "{args:?}: {said}");
    }
    assert!(fs::read_to_string(folder.path("out/comparison/report.html")).unwrap().contains("byte for byte"));
    let out = folder.arg("folder");
    let said = stderr(
        &[
            "score",
            &folder.arg("a.svs"),
            &folder.arg("b.svs"),
            "--tissue",
            "liver",
            "--mpp",
            "0.5",
            "-o",
            &out,
        ],
        0,
    );
    assert!(said.contains("is taken for 2 slides: a, b; leave out all but one"), "{said}");
}

#[test]
fn results_do_not_lie_among_slides() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("p/slides/R1")).unwrap();
    fs::create_dir_all(folder.path("p/slides/R2")).unwrap();
    folder.png("p/slides/R1/R1.png", [244, 243, 245]);
    folder.png("p/slides/R2/R2.png", [244, 244, 245]);
    let (slides, out) = (folder.arg("p/slides"), folder.arg("p"));
    for more in [&[][..], &["--dry-run"]] {
        let args = ["score", &slides, "--tissue", "liver", "--mpp", "0.5", "-o", &out];
        let said = stderr(&[&args[..], more].concat(), 2);
        assert!(said.contains("expected a folder whose slides/ holds results only"), "{said}");
        assert!(
            said.contains("beside the slide") && said.contains("R1.png; choose another, such as "),
            "{said}"
        );
    }
    assert!(!folder.path("p/store").exists() && !folder.path("p/slides.csv").exists());
    let out = folder.arg("p/results");
    for names in [false, true] {
        let said = stderr(&["score", &folder.arg("p"), "--tissue", "liver", "--mpp", "0.5", "-o", &out], 0);
        assert!(!said.contains("earlier results"), "{names}: {said}");
        assert_eq!(folder.rows("p/results/slides.csv").len(), 2);
    }
    // Another folder for the results, and those of before are named.
    let said =
        stderr(&["score", &folder.arg("p"), "--tissue", "liver", "--mpp", "0.5", "-o", &folder.arg("o")], 0);
    assert!(said.contains("3 folders of earlier results were not searched for slides: "), "{said}");
}

#[test]
fn an_outcome_is_of_the_last_try() {
    let folder = Folder::new();
    let (slide, out) = (folder.png("a.png", [244, 243, 245]), folder.arg("out"));
    let outcome =
        folder.text("done.json", "{\n  \"schema\": \"histograde-outcome/1\",\n  \"slides\": []\n}\n");
    let sheet = folder.text("s.csv", "slide,animal_id,group,tissue,mpp\na.png,1,c,liver,0.5\n");
    let args = ["score", "--manifest", &sheet, "--only", "a", "--outcome", &outcome, "-o", &out];
    histograde(&args).assert().code(0);
    assert_eq!(folder.json("done.json")["slides"][0]["status"], "blank");
    // Something passing is in the way.
    fs::remove_file(&slide).unwrap();
    fs::create_dir(&slide).unwrap();
    fs::remove_dir_all(folder.path("out/store/a")).unwrap();
    fs::write(folder.path("out/store/a"), "").unwrap();
    histograde(&args).assert().code(1);
    assert!(!folder.path("done.json").exists());
}

#[cfg(unix)]
mod stopped {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Starts a run and stops it in the middle of a slide, which it found to be missing and has the lock of.
    fn stopped(args: &[&str], slide: &str, log: &Path) -> Child {
        let _ = fs::remove_file(log);
        let mut program = Command::new(env!("CARGO_BIN_EXE_histograde"));
        program.args(args).arg("--log-json").arg(log).stderr(Stdio::piped());
        let child = program.spawn().unwrap();
        let start = std::time::Instant::now();
        let said = |event: &str| {
            let lines = fs::read_to_string(log).unwrap_or_default();
            let slide = format!("\"{slide}\"");
            lines.lines().any(|line| line.contains(event) && line.contains(&slide))
        };
        while !said("\"slide_started\"") {
            assert!(start.elapsed().as_secs() < 60, "{slide} was not begun");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        signal(&child, "-STOP");
        assert!(!said("\"slide_finished\""), "{slide} was done before it could be stopped");
        child
    }

    fn signal(child: &Child, name: &str) {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    fn ended(child: Child, code: i32) -> String {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        text
    }

    /// Makes a small picture that is not of one colour, so that it is scored.
    fn grain(folder: &Folder, name: &str) -> String {
        let dots = |x: u32, y: u32| ((x * 7 + y * 13 + x * y) % 40) as u8;
        let colour = |x, y| image::Rgb([190, 120, 170].map(|v: u8| v - dots(x, y)));
        image::RgbImage::from_fn(1024, 1024, colour).save(folder.path(name)).unwrap();
        folder.arg(name)
    }

    /// What holds is no failure of a run that is stopped.
    #[test]
    fn results_that_hold_stay_in_the_tables() {
        let folder = Folder::new();
        for name in ["a.png", "b.png", "c.png"] {
            grain(&folder, name);
        }
        let score = [
            "score",
            &folder.arg(""),
            "--tissue",
            "liver",
            "--mpp",
            "0.5",
            "--threads",
            "1",
            "-o",
            &folder.arg("out"),
        ];
        histograde(&score).assert().code(0);
        let rows = || -> Vec<String> {
            let rows = folder.rows("out/slides.csv").into_iter();
            rows.map(|row| format!("{} {} {}", row["slide_id"], row["status"], row["error_kind"])).collect()
        };
        assert_eq!(rows(), ["a scored ", "b scored ", "c scored "]);
        fs::remove_file(folder.path("out/slides/a/overview.png")).unwrap();
        let child = stopped(&score, "a", &folder.path("log.jsonl"));
        signal(&child, "-TERM");
        signal(&child, "-CONT");
        let text = ended(child, 143);
        assert!(text.contains("2 scored, 1 failed (2 kept from earlier runs)"), "{text}");
        assert_eq!(rows(), ["a failed interrupted", "b scored ", "c scored "]);
        histograde(&score).assert().code(0);
        assert_eq!(rows(), ["a scored ", "b scored ", "c scored "]);
    }

    /// Results without tables, which are of a command.
    fn results(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        files(out).into_iter().filter(|(name, _)| name.components().count() > 1).collect()
    }

    #[test]
    fn who_stood_still_takes_nothing_away() {
        let folder = Folder::new();
        let (slide, out) = (grain(&folder, "a.png"), folder.arg("out"));
        let args = ["score", &slide, "--tissue", "liver", "--mpp", "0.5", "--threads", "1", "-o", &out];
        let lock = folder.path("out/store/a/lock");
        for (options, also) in [(&[][..], None), (&["--slide-timeout", "1s"], None), (&[], Some("-TERM"))] {
            let _ = fs::remove_dir_all(&out);
            let still = stopped(&[&args[..], options].concat(), "a", &folder.path("log.jsonl"));
            // What others do after a minute.
            fs::remove_file(&lock).unwrap();
            histograde(&args).assert().code(0);
            let whole = results(Path::new(&out));
            assert!(whole.len() > 4, "{:?}", whole.keys());
            also.into_iter().for_each(|name| signal(&still, name));
            signal(&still, "-CONT");
            let said = ended(still, 0);
            assert!(said.contains("a: this process stood still and another took the slide over"), "{said}");
            assert!(results(Path::new(&out)) == whole, "{options:?} {also:?}");
            // The other's result holds, also for who was told to stop.
            assert_eq!(folder.rows("out/slides.csv")[0]["status"], "scored");
        }
    }

    #[test]
    fn no_tables_are_made_of_results_that_another_made_again() {
        let folder = Folder::new();
        let (first, second, out) =
            (folder.png("a.png", [244, 243, 245]), grain(&folder, "b.png"), folder.arg("out"));
        let args =
            ["score", &first, &second, "--tissue", "liver", "--mpp", "0.5", "--threads", "1", "-o", &out];
        let still = stopped(&args, "b", &folder.path("log.jsonl"));
        let other = ["--only", "a", "--species", "mouse"];
        histograde(&[&args[..], &other].concat()).assert().code(0);
        signal(&still, "-CONT");
        let said = ended(still, 2);
        assert!(
            said.contains("store, expected the results of this command, got others of 1 slide meanwhile (a)"),
            "{said}"
        );
        assert!(said.contains("; no tables were written in ") && !said.contains("; results in "), "{said}");
        assert!(!folder.path("out/slides.csv").exists());
        histograde(&args).assert().code(0);
        assert_eq!(folder.rows("out/slides.csv").len(), 2);
    }
}
