//! A slide whose scoring was stopped goes on from the windows that were kept, and the result is the same byte for byte,
//! whatever became of the checkpoint meanwhile.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "common/files.rs"]
mod common_files;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use common_files::files;

/// A slide of many windows, and what an undisturbed run makes of it.
struct Scene {
    folder: TempDir,
    expected: BTreeMap<PathBuf, Vec<u8>>,
}

impl Scene {
    fn new(tissue: &str, size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let slide = folder.path().join("a.svs");
        let args = ["phantom", "--tissue", tissue, "--size", size, "--seed", "7", "-q", "-o"];
        assert!(program().args(args).arg(&slide).status().unwrap().success());
        let mut scene = Self { folder, expected: BTreeMap::new() };
        let base = scene.path("base");
        let end = scene.start(&base, tissue, &["--checkpoint-every", "0"]).wait_with_output().unwrap();
        assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
        scene.expected = files(&base);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, out: &Path, tissue: &str, extra: &[&str]) -> Child {
        let mut command = program();
        command.arg("score").arg(self.path("a.svs")).args(["--tissue", tissue, "--threads", "2"]);
        // Little memory makes small windows, and many.
        let memory = if extra.contains(&"--memory") { [].as_slice() } else { &["--memory", "128M"] };
        command.args(memory).args(["--explain", "-o"]).arg(out).args(extra);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Scores, and sends a signal once the checkpoint of a pass holds more than so many bytes; returns how many it holds.
    fn stopped(&self, out: &Path, tissue: &str, pass: &str, over: u64, with: &str) -> u64 {
        let mut child = self.start(out, tissue, &["--checkpoint-every", "0.001s"]);
        let size = || checkpoint(out, pass).and_then(|p| fs::metadata(p).ok()).map_or(0, |m| m.len());
        while size() <= over {
            assert!(
                child.try_wait().unwrap().is_none(),
                "{pass}: ended before its checkpoint held {over} bytes"
            );
            thread::sleep(Duration::from_millis(1));
        }
        Command::new("kill").args([with, &child.id().to_string()]).status().unwrap();
        child.wait_with_output().unwrap();
        size()
    }

    /// Scores to the end, compares, and returns what was said.
    fn finished(&self, out: &Path, tissue: &str, extra: &[&str]) -> String {
        let end = self.start(out, tissue, extra).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&end.stderr).into_owned();
        assert!(end.status.success(), "{said}");
        let found = files(out);
        assert!(found.keys().eq(self.expected.keys()), "{:?}", found.keys());
        for (path, bytes) in &self.expected {
            assert!(found[path] == *bytes, "{} differs\n{said}", path.display());
        }
        said
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_histograde"))
}

/// The checkpoint of a pass, if there is one.
fn checkpoint(out: &Path, pass: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(out.join("store/a")).ok()?;
    let ending = format!(".{pass}.windows");
    entries.filter_map(|e| Some(e.ok()?.path())).find(|p| p.to_string_lossy().ends_with(&ending))
}

fn copied(from: &Path, to: PathBuf) -> PathBuf {
    assert!(Command::new("cp").arg("-a").arg(from).arg(&to).status().unwrap().success());
    to
}

#[test]
fn a_slide_killed_in_both_passes_goes_on() {
    let (scene, tissue) = (Scene::new("kidney", "1600"), "kidney");
    let out = scene.path("out");
    scene.stopped(&out, tissue, "structures", 100, "-KILL");
    let first = scene.stopped(&out, tissue, "cells", 100, "-KILL");
    let status = program().arg("status").arg(&out).output().unwrap();
    assert!(String::from_utf8_lossy(&status.stdout).contains("checkpoint: a"));
    let second = scene.stopped(&out, tissue, "cells", first, "-KILL");
    assert!(second > first);
    let said = scene.finished(&out, tissue, &[]);
    assert!(said.contains("structures: goes on after"), "{said}");
    assert!(said.contains("cells: goes on after") && !said.contains("cells: goes on after 0"), "{said}");
    assert!(checkpoint(&out, "cells").is_none() && checkpoint(&out, "structures").is_none());
}

#[test]
fn a_damaged_checkpoint_is_used_up_to_the_damage() {
    let (scene, tissue) = (Scene::new("liver", "1500"), "liver");
    let out = scene.path("out");
    let length = scene.stopped(&out, tissue, "cells", 5000, "-TERM");
    for (i, place) in [3, 40, 60, length / 2, length - 1].into_iter().enumerate() {
        let out = copied(&out, scene.path(&format!("out{i}")));
        let file = checkpoint(&out, "cells").unwrap();
        let mut bytes = fs::read(&file).unwrap();
        let place = usize::try_from(place).unwrap();
        match i % 2 {
            0 => bytes[place] ^= 16,
            _ => bytes.truncate(place),
        }
        fs::write(&file, bytes).unwrap();
        let said = scene.finished(&out, tissue, &[]);
        assert!(said.contains("cells: checkpoint ignored") || said.contains("is damaged"), "{place}: {said}");
    }
    // Other windows, other settings, all anew.
    let other = copied(&out, scene.path("other"));
    let said = scene.finished(&other, tissue, &["--memory", "400M"]);
    assert!(said.contains("cells: checkpoint ignored: made of another"), "{said}");
    let other = copied(&out, scene.path("artefacts"));
    let set = ["--max-artefact", "49"];
    let said = scene.start(&other, tissue, &set).wait_with_output().unwrap().stderr;
    assert!(String::from_utf8_lossy(&said).contains("checkpoint ignored: made with other settings"));
    let fresh = copied(&out, scene.path("fresh"));
    assert!(!scene.finished(&fresh, tissue, &["--fresh"]).contains("goes on after"));
    assert!(scene.finished(&out, tissue, &[]).contains("cells: goes on after"));
}
