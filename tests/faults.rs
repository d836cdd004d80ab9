//! Whatever happens in a night: afterwards the folder is valid, nothing that was finished is lost, and the exit code
//! tells the truth.
//!
//! Each fault is injected once at a random moment by default; `HISTOGRADE_FAULTS=20 cargo test --test faults --
//! --nocapture` does so 20 times each and prints the table of `docs/faults.md`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code)]
#[path = "common/files.rs"]
mod common_files;
#[path = "faults/disk.rs"]
mod disk;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;
use tempfile::TempDir;

use common_files::files;

const SLIDES: [&str; 4] = ["a", "b", "c", "d"];

/// Slides, and what an undisturbed run makes of them.
struct Scene {
    folder: TempDir,
    expected: BTreeMap<PathBuf, Vec<u8>>,
    /// How long the undisturbed run took.
    took: Duration,
    random: u64,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    injected: usize,
    /// Slides that were finished before the fault and were scored again.
    lost: usize,
    /// Folders that differed from the undisturbed run after the next run.
    corrupt: usize,
    wrong_exit: usize,
    /// Slides whose result was damaged, or not, and that were not, or were, scored again; slides that two processes scored.
    wrong_slides: usize,
    /// Slides that were scored again because they were in work.
    repeated: usize,
}

/// One run of the command with its log.
#[derive(Default)]
struct Ran {
    code: i32,
    /// Slides that were begun, and those that were finished as scored, and as failed.
    begun: Vec<String>,
    scored: BTreeSet<String>,
    failed: BTreeSet<String>,
    said: String,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        for (i, name) in SLIDES.iter().enumerate() {
            let file = folder.path().join("in").join(format!("{name}.svs"));
            let (seed, file) = (i.to_string(), file.to_str().unwrap().to_owned());
            let args = ["phantom", "--tissue", "liver", "--size", "512", "--seed", &seed, "-q", "-o", &file];
            assert!(program().args(args).status().unwrap().success());
        }
        for entry in fs::read_dir(folder.path().join("in")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "svs") {
                fs::remove_file(path).unwrap();
            }
        }
        let mut scene = Self {
            folder,
            expected: BTreeMap::new(),
            took: Duration::ZERO,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            tally: Tally::default(),
        };
        let (base, start) = (scene.path("base"), Instant::now());
        assert_eq!(scene.run(&base, &[]).code, 0);
        scene.took = start.elapsed();
        scene.expected = files(&base);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A number from 0 up to, not including, `below`.
    fn below(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % below.max(1)
    }

    /// Waits for a random part of the time that an undisturbed run takes.
    fn wait(&mut self) {
        let most = self.took.as_micros() as u64 * 11 / 10;
        thread::sleep(Duration::from_micros(self.below(most)));
    }

    fn log(&self, out: &Path) -> PathBuf {
        self.path(&format!("{}.jsonl", out.file_name().unwrap().to_str().unwrap()))
    }

    fn start(&self, out: &Path, extra: &[&str]) -> Child {
        let log = self.log(out);
        let _ = fs::remove_file(&log);
        let mut command = program();
        command
            .arg("score")
            .arg(self.path("in"))
            .args(["--tissue", "liver", "--threads", "2", "-o"])
            .arg(out);
        command.arg("--log-json").arg(log).args(extra);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn end(&self, out: &Path, child: Child) -> Ran {
        let output = child.wait_with_output().unwrap();
        let log = fs::read_to_string(self.log(out)).unwrap_or_default();
        let events: Vec<Value> = log.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        let ids = |event: &'static str| {
            let of = move |e: &&Value| e["event"] == event;
            events.iter().filter(of).filter(|e| e["kept"] != true)
        };
        let id = |e: &Value| e["slide_id"].as_str().unwrap().to_owned();
        Ran {
            code: output.status.code().unwrap_or(-1),
            begun: ids("slide_started").map(id).collect(),
            scored: ids("slide_finished").filter(|e| e["status"] == "scored").map(id).collect(),
            failed: ids("slide_finished").filter(|e| e["status"] == "failed").map(id).collect(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn run(&self, out: &Path, extra: &[&str]) -> Ran {
        let child = self.start(out, extra);
        self.end(out, child)
    }

    /// Runs again without a fault, counts what should not be, and returns the slides that were begun.
    fn recover(&mut self, out: &Path, before: &Ran, extra: &[&str]) -> Vec<String> {
        let again = self.run(out, extra);
        self.tally.injected += 1;
        self.tally.lost += again.begun.iter().filter(|id| before.scored.contains(*id)).count();
        self.tally.repeated += again.begun.iter().filter(|id| before.begun.contains(*id)).count();
        if again.code != 0 {
            println!("exit code {}: {}", again.code, again.said);
        }
        self.tally.wrong_exit += usize::from(again.code != 0);
        let found = files(out);
        for (path, bytes) in &self.expected {
            if found.get(path) != Some(bytes) {
                println!("{} differs after recovery", path.display());
            }
        }
        for path in found.keys().filter(|path| !self.expected.contains_key(*path)) {
            println!("{} is left over after recovery", path.display());
        }
        self.tally.corrupt += usize::from(found != self.expected);
        again.begun
    }

    /// Runs again after harm to one file of a finished result: its slide is scored again and no other, and the run after
    /// that has nothing to do.
    fn recover_from(&mut self, out: &Path, victim: &Path) {
        let nothing = Ran { code: 0, ..Ran::default() };
        let begun = self.recover(out, &nothing, &[]);
        let expected: Vec<String> = slide_of(victim).into_iter().collect();
        let then = self.run(out, &[]).begun;
        if (&begun, then.len()) != (&expected, 0) {
            println!("{}: scored again {begun:?}, then {then:?}; expected {expected:?}", victim.display());
            self.tally.wrong_slides += 1;
        }
    }

    /// Notes an exit code that does not tell the truth.
    fn exit(&mut self, ran: &Ran, allowed: &[i32]) {
        if !allowed.contains(&ran.code) {
            println!("exit code {} is not among {allowed:?}: {}", ran.code, ran.said);
            self.tally.wrong_exit += 1;
        }
    }

    fn report(self, fault: &str) {
        let t = self.tally;
        println!(
            "| {fault} | {} | {} | {} | {} | {} |",
            t.injected, t.lost, t.corrupt, t.wrong_exit, t.repeated
        );
        assert_eq!((t.lost, t.corrupt, t.wrong_exit, t.wrong_slides), (0, 0, 0, 0), "{fault}");
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_histograde"))
}

/// How often each fault is injected.
fn times() -> usize {
    std::env::var("HISTOGRADE_FAULTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// The slide whose result needs a file; `None` of tables, which every run writes, and of what only saves hashing.
fn slide_of(file: &Path) -> Option<String> {
    let mut parts = file.iter().map(|part| part.to_str().unwrap());
    let place = parts.next().filter(|place| ["slides", "store"].contains(place))?;
    let slide = parts.next()?.to_owned();
    (place == "slides" || !file.ends_with("seen.json")).then_some(slide)
}

fn signal(child: &Child, name: &str) {
    let _ = Command::new("kill").args([name, &child.id().to_string()]).stderr(Stdio::null()).status();
}

#[test]
fn killed_at_any_instant() {
    let mut scene = Scene::new(1);
    for i in 0..times() {
        let out = scene.path(&format!("out{i}"));
        let child = scene.start(&out, &[]);
        scene.wait();
        signal(&child, "-KILL");
        let before = scene.end(&out, child);
        scene.exit(&before, &[-1, 0]);
        scene.recover(&out, &before, &[]);
    }
    scene.report("`kill -9`");
}

#[test]
fn asked_to_stop() {
    let mut scene = Scene::new(2);
    for i in 0..times() {
        let out = scene.path(&format!("out{i}"));
        let child = scene.start(&out, &[]);
        // Before it listens, SIGTERM ends any program.
        thread::sleep(Duration::from_millis(30));
        scene.wait();
        signal(&child, "-TERM");
        let before = scene.end(&out, child);
        scene.exit(&before, &[143, 0, -1]);
        let whole = files(&out);
        let pieces = whole.keys().filter(|p| p.extension().is_some_and(|e| e == "partial")).count();
        scene.tally.corrupt += usize::from(before.code == 143 && pieces > 0);
        scene.recover(&out, &before, &[]);
    }
    scene.report("SIGTERM");
}

#[test]
fn any_output_file_cut_short() {
    let mut scene = Scene::new(3);
    let out = scene.path("out");
    assert_eq!(scene.run(&out, &[]).code, 0);
    for _ in 0..times() {
        let mut all: Vec<PathBuf> = files(&out).into_keys().collect();
        all.extend(SLIDES.map(|s| PathBuf::from(format!("store/{s}/seen.json"))));
        all.push("run.json".into());
        let victim = all.swap_remove(scene.below(all.len() as u64) as usize);
        let length = fs::metadata(out.join(&victim)).unwrap().len();
        let cut = scene.below(length);
        OpenOptions::new().write(true).open(out.join(&victim)).unwrap().set_len(cut).unwrap();
        scene.recover_from(&out, &victim);
    }
    scene.report("output file truncated");
}

#[test]
fn any_output_byte_flipped() {
    let mut scene = Scene::new(4);
    let out = scene.path("out");
    assert_eq!(scene.run(&out, &[]).code, 0);
    for _ in 0..times() {
        let mut all: Vec<PathBuf> = files(&out).into_keys().collect();
        let victim = all.swap_remove(scene.below(all.len() as u64) as usize);
        let file = out.join(&victim);
        let mut bytes = fs::read(&file).unwrap();
        let place = scene.below(bytes.len() as u64) as usize;
        bytes[place] ^= 1 << scene.below(8);
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, bytes).unwrap();
        // The time of change does not give it away.
        File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        scene.recover_from(&out, &victim);
    }
    scene.report("bit flipped, time of change restored");
}

/// Takes a slide away, or a part of it, at a random moment of a run.
fn slide_lost(fault: &str, seed: u64, harm: impl Fn(&Path, &mut Scene)) {
    let mut scene = Scene::new(seed);
    for i in 0..times() {
        let out = scene.path(&format!("out{i}"));
        let slide = scene.path("in").join(format!("{}.svs", SLIDES[scene.below(4) as usize]));
        let bytes = fs::read(&slide).unwrap();
        let child = scene.start(&out, &[]);
        scene.wait();
        harm(&slide, &mut scene);
        let before = scene.end(&out, child);
        let listed = before.scored.len() + before.failed.len();
        scene.exit(&before, &[i32::from(!before.failed.is_empty())]);
        // A slide that is gone before the folder is listed is not among them.
        scene.tally.lost += usize::from(listed + usize::from(!slide.exists()) < SLIDES.len());
        fs::write(&slide, bytes).unwrap();
        scene.recover(&out, &before, &["--retry-failed"]);
    }
    scene.report(fault);
}

#[test]
fn slide_removed() {
    slide_lost("slide removed", 7, |slide, _| fs::remove_file(slide).unwrap());
}

#[test]
fn slide_truncated() {
    slide_lost("slide truncated", 8, |slide, scene| {
        let length = scene.below(fs::metadata(slide).unwrap().len());
        OpenOptions::new().write(true).open(slide).unwrap().set_len(length).unwrap();
    });
}

#[test]
fn slide_unreadable() {
    let mut scene = Scene::new(9);
    for i in 0..times() {
        let out = scene.path(&format!("out{i}"));
        let bad = scene.path("in").join("e.svs");
        // A link to nowhere: even an administrator cannot read it.
        std::os::unix::fs::symlink("/nonexistent/slide.svs", &bad).unwrap();
        let before = scene.run(&out, &[]);
        scene.exit(&before, &[1]);
        scene.tally.corrupt += usize::from(before.scored.len() != SLIDES.len());
        fs::remove_file(&bad).unwrap();
        scene.recover(&out, &before, &[]);
    }
    scene.report("unreadable slide");
}

#[test]
fn time_is_over() {
    let mut scene = Scene::new(10);
    for i in 0..times() {
        let out = scene.path(&format!("out{i}"));
        let most = scene.took.as_micros() as u64;
        let limit = format!("{:.6}s", (1 + scene.below(most)) as f64 / 1e6);
        let before = scene.run(&out, &["--slide-timeout", &limit]);
        let expected = i32::from(before.scored.len() < SLIDES.len());
        scene.exit(&before, &[expected]);
        scene.recover(&out, &before, &["--retry-failed"]);
    }
    scene.report("time limit per slide");
}

#[test]
fn memory_runs_out() {
    let mut scene = Scene::new(11);
    for i in 0..times() {
        let out = scene.path(&format!("out{i}"));
        let kib = 60_000 + scene.below(400_000);
        let line = format!(
            "ulimit -c 0; ulimit -v {kib}; exec {} score {} --tissue liver --threads 2 -o {} --log-json {}",
            env!("CARGO_BIN_EXE_histograde"),
            scene.path("in").display(),
            out.display(),
            scene.log(&out).display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &line]).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let before = scene.end(&out, child);
        // All are scored; or some are not, and it says so; or it could not start; or the system ended it (no code).
        let all = before.scored.len() == SLIDES.len();
        scene.exit(&before, if all { &[0, -1] } else { &[1, 2, -1] });
        if before.code == 0 {
            scene.tally.corrupt += usize::from(files(&out) != scene.expected);
        }
        scene.recover(&out, &before, &["--retry-failed"]);
    }
    scene.report("address space limited");
}

#[test]
fn clocks_jump() {
    let mut scene = Scene::new(12);
    for i in 0..times() {
        let out = scene.path(&format!("out{i}"));
        let child = scene.start(&out, &[]);
        scene.wait();
        signal(&child, "-KILL");
        let before = scene.end(&out, child);
        let years = 365 * 86_400 * (1 + scene.below(10));
        let now = SystemTime::now();
        let (past, future) = (now - Duration::from_secs(years), now + Duration::from_secs(years));
        let mut open = vec![out.clone(), scene.path("in")];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(next).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let time = if scene.below(2) == 0 { past } else { future };
                    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
                }
            }
        }
        scene.recover(&out, &before, &[]);
    }
    scene.report("times of all files moved by years");
}

#[test]
fn two_processes_share_a_folder() {
    let mut scene = Scene::new(13);
    for i in 0..times() {
        let out = scene.path(&format!("out{i}"));
        let first = scene.start(&out, &[]);
        let delay = Duration::from_micros(scene.below(200_000));
        thread::sleep(delay);
        // The second writes to the same log: lines are added whole.
        let mut command = program();
        command.arg("score").arg(scene.path("in")).args(["--tissue", "liver", "-q", "-o"]).arg(&out);
        let second = command.arg("--log-json").arg(scene.log(&out)).spawn().unwrap();
        let second = scene.end(&out, second);
        let both = scene.end(&out, first);
        scene.exit(&second, &[0]);
        scene.exit(&both, &[0]);
        let once: BTreeSet<&String> = both.begun.iter().collect();
        scene.tally.wrong_slides += both.begun.len() - once.len();
        scene.recover(&out, &both, &[]);
    }
    scene.report("two processes at once");
}
