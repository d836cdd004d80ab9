//! Hashes everything that results depend on, so that the result store tells results of another state of the program
//! from those of this one. Comments count: a result is made again rather than kept wrongly.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Files and folders that decide what is measured and written; the command line and the statistics do not.
const SOURCES: &[&str] = &[
    "Cargo.lock",
    "models/nuclei",
    "src/geometry.rs",
    "src/measure",
    "src/measure.rs",
    "src/organ",
    "src/organ.rs",
    "src/pipeline",
    "src/pipeline.rs",
    "src/raster.rs",
    "src/report",
    "src/report.rs",
    "src/score",
    "src/score.rs",
    "src/segment",
    "src/segment.rs",
    "src/slide",
    "src/slide.rs",
    "src/stain",
    "src/stain.rs",
    "src/tile",
    "src/tile.rs",
    "src/tissue.rs",
    "src/units.rs",
    "src/warning.rs",
];

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut hash = Fnv::default();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        add(&root, Path::new(source), &mut hash);
    }
    println!("cargo:rustc-env=HISTOGRADE_SOURCE={:016x}", hash.0);
}

/// Adds a file, or all files of a folder in the order of their names.
fn add(root: &Path, name: &Path, hash: &mut Fnv) {
    let path = root.join(name);
    if let Ok(entries) = fs::read_dir(&path) {
        let mut names: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.file_name())).collect();
        names.sort();
        names.iter().for_each(|n| add(root, &name.join(n), hash));
    } else if let Ok(bytes) = fs::read(&path) {
        hash.add(name.to_string_lossy().replace('\\', "/").as_bytes());
        hash.add(&bytes.len().to_le_bytes());
        hash.add(&bytes);
    }
}

/// FNV-1a of 64 bits: enough to tell versions apart, and no dependency.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
