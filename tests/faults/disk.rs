//! Disks that are full or cannot be written.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use super::{Scene, signal, times};

/// A small disk of its own, where mounting is permitted.
struct Disk(PathBuf);

impl Disk {
    fn new(path: PathBuf, kib: u64) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let made = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(&path)
            .stderr(Stdio::null())
            .status();
        if made.is_ok_and(|s| s.success()) {
            return Some(Self(path));
        }
        println!("skipped: this user may not mount a disk");
        None
    }

    fn remount(&self, options: &str) {
        let args = ["-o", &format!("remount,{options}")];
        assert!(Command::new("mount").args(args).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn disk_full() {
    let mut scene = Scene::new(5);
    let total: u64 = scene.expected.values().map(|b| b.len() as u64 / 1024 + 4).sum();
    for i in 0..times() {
        let kib = 40 + scene.below(total * 9 / 10);
        let Some(disk) = Disk::new(scene.path(&format!("disk{i}")), kib) else { return };
        let out = disk.0.join(format!("out{i}"));
        let before = scene.run(&out, &[]);
        scene.exit(&before, &[1, 2]);
        disk.remount("size=64m");
        scene.recover(&out, &before, &[]);
    }
    scene.report("disk full");
}

#[test]
fn folder_read_only() {
    let mut scene = Scene::new(6);
    for i in 0..times() {
        let Some(disk) = Disk::new(scene.path(&format!("disk{i}")), 65_536) else { return };
        let out = disk.0.join(format!("out{i}"));
        let child = scene.start(&out, &[]);
        scene.wait();
        signal(&child, "-KILL");
        let before = scene.end(&out, child);
        disk.remount("ro");
        let refused = scene.run(&out, &[]);
        scene.exit(&refused, &[2]);
        disk.remount("rw");
        scene.recover(&out, &before, &[]);
    }
    scene.report("read-only folder");
}
