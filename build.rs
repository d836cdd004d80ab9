//! Hashes everything that results may depend on, so that the result store tells results of another state of the program
//! from those of this one. Comments count, and so does what only seems to matter: a result is made again rather than kept
//! wrongly.
//!
//! Has the linker make the program smaller, where it can.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Files and folders that are hashed …
pub(crate) const SOURCES: &[&str] =
    &["Cargo.lock", "Cargo.toml", "models/nuclei", "models/rubric", "models/stain", "src"];

/// … but for these, of which no stored file depends: command line, statistics of groups, studies, phantoms, other exports,
/// tests. What is hashed may not use them; a test looks after that.
pub(crate) const LEFT_OUT: &[&str] = &[
    "src/cli",
    "src/cli.rs",
    "src/cohort",
    "src/cohort.rs",
    "src/evaluate",
    "src/evaluate.rs",
    "src/export",
    "src/export.rs",
    "src/main.rs",
    "src/phantom",
    "src/phantom.rs",
    "src/report/agreement.rs",
    "src/report/comparison",
    "src/report/comparison.rs",
    "src/report/index_page",
    "src/report/index_page.rs",
    "src/study",
    "src/study.rs",
];

/// Part of what is left out that decides which files a slide gets.
pub(crate) const STILL: &str = "src/cli/score/writer.rs";

/// Keeps one of several functions with the same code, such as sorts of numbers of one size: half a megabyte. No result and no
/// decision depends on where a function lies.
const FOLD: &str = "-Wl,--icf=all";
/// Writes the places that are moved when the program is loaded in few bytes: 1.4 MB. Needs a C library that knows how to read them
/// (glibc 2.36), which the machine that builds it must have.
const PACK: &str = "-Wl,-z,pack-relative-relocs";

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut hash = Fnv::default();
    for name in hashed(&root) {
        // A new file comes with a line in one that is there.
        println!("cargo:rerun-if-changed={name}");
        let Ok(bytes) = fs::read(root.join(&name)) else { continue };
        hash.add(name.as_bytes());
        hash.add(&bytes.len().to_le_bytes());
        hash.add(&bytes);
    }
    println!("cargo:rustc-env=HISTOGRADE_SOURCE={:016x}", hash.0);
    for argument in [FOLD, PACK] {
        if works(argument).unwrap_or(false) {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}

/// Tries whether the linker of a release build for this machine knows an argument, and whether what it makes runs.
fn works(argument: &str) -> Option<bool> {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|v| v == value);
    let (rustc, out) = (env::var_os("RUSTC")?, PathBuf::from(env::var_os("OUT_DIR")?));
    if !is("PROFILE", "release")
        || !is("CARGO_CFG_TARGET_OS", "linux")
        || env::var("HOST") != env::var("TARGET")
    {
        return None;
    }
    let source = out.join("linked.rs");
    fs::write(&source, "fn main() {}").ok()?;
    let mut compiler = Command::new(rustc);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut named = std::ffi::OsString::from("linker=");
        named.push(linker);
        compiler.arg("-C").arg(named);
    }
    let linked = out.join("linked");
    compiler.args(["-C", &format!("link-arg={argument}"), "-o"]).arg(&linked).arg(source);
    let succeeds = |command: &mut Command| {
        Some(command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?.success())
    };
    Some(succeeds(&mut compiler)? && succeeds(&mut Command::new(linked))?)
}

/// Returns the names of the files that are hashed, below the root of the package, in their order.
pub(crate) fn hashed(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    SOURCES.iter().for_each(|source| walk(root, source, &mut names));
    names.retain(|name| name == STILL || !is_left_out(name));
    names
}

fn is_left_out(name: &str) -> bool {
    let is_within =
        |place: &str| name.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
    is_test || LEFT_OUT.iter().any(|place| is_within(place))
}

/// Adds the name of a file, or of all files of a folder in the order of their names.
fn walk(root: &Path, name: &str, names: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root.join(name)) else { return names.push(name.to_owned()) };
    let mut inside: Vec<_> =
        entries.filter_map(|e| e.ok().map(|e| e.file_name().to_string_lossy().into_owned())).collect();
    inside.sort();
    inside.iter().for_each(|file| walk(root, &format!("{name}/{file}"), names));
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
