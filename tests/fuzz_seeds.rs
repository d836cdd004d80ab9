//! Inputs that once broke a reader, replayed; and mutations of sound inputs, for as long as asked.
//!
//! `HISTOGRADE_FUZZ_SECONDS=1800 cargo test --release --test fuzz_seeds mutations` mutates for 30 minutes per
//! target; `HISTOGRADE_FUZZ_TARGETS=open_czi,tile_lzw` takes these only. What fails is written to
//! `tests/fuzz_seeds/<target>`, from where it is replayed. `fuzz/README.md` tells of libFuzzer.

#![cfg(all(feature = "sakura", feature = "zarr"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[allow(dead_code)]
#[path = "common/build/mod.rs"]
mod build;
#[path = "common/fuzz.rs"]
mod fuzz;
#[path = "common/limits.rs"]
mod limits;
#[allow(dead_code)]
#[path = "common/tiff.rs"]
mod tiff;

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fuzz::{TARGETS, Target};
use limits::{MAX_MEMORY, MAX_TIME, peak};

/// Mutated inputs of each target in an ordinary test run.
const FEW: u64 = 12;

fn seeds(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_seeds").join(target.name)
}

fn attempt(path: &Path) -> Result<(Result<usize, String>, Duration), String> {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| fuzz::survive(path)));
    outcome.map(|outcome| (outcome, start.elapsed())).map_err(|_| "a panic".to_owned())
}

/// Runs a target on an input; `Err` says what it must not do.
fn run(target: &Target, input: &[u8]) -> Result<Result<usize, String>, String> {
    let path = target.lay(input);
    // On a busy machine anything may take long once.
    let (mut outcome, mut took) = attempt(&path)?;
    for _ in 0..2 {
        if took > MAX_TIME {
            (outcome, took) = attempt(&path)?;
        }
    }
    let memory = peak();
    match &outcome {
        Err(message) if message.contains('\n') => Err(format!("several lines: {message:?}")),
        _ if took > MAX_TIME => Err(format!("{took:?}")),
        _ if memory > MAX_MEMORY => Err(format!("{memory} MB")),
        _ => Ok(outcome),
    }
}

#[test]
fn what_once_broke_is_survived() {
    for target in TARGETS {
        let sound = run(target, &target.sound()).unwrap();
        assert!(sound.is_ok(), "{}: the sound input: {sound:?}", target.name);
        let Ok(folder) = fs::read_dir(seeds(target)) else { continue };
        for path in folder.map(|entry| entry.unwrap().path()) {
            let outcome = run(target, &fs::read(&path).unwrap());
            assert!(outcome.is_ok(), "{}: {outcome:?}", path.display());
        }
    }
}

/// Every folder of seeds belongs to a target.
#[test]
fn seeds_have_targets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_seeds");
    let Ok(folders) = fs::read_dir(folder) else { return };
    for path in folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(Target::named(&name).is_some(), "no target {name}");
    }
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }

    /// Draws a place, often one near the start or the end, where headers are.
    fn place(&mut self, length: usize) -> usize {
        let near = length.clamp(1, 600);
        match self.below(4) {
            0 => self.below(near),
            1 => length.saturating_sub(1 + self.below(near)),
            _ => self.below(length),
        }
    }
}

/// Numbers at which readers break.
const NUMBERS: [u64; 14] =
    [0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 40, u64::MAX];

/// Changes an input in a few places.
fn mutate(input: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    for _ in 0..1 + numbers.below(4) {
        if input.is_empty() {
            input.push(0);
        }
        let at = numbers.place(input.len());
        let length = (1 + numbers.below(64)).min(input.len() - at);
        match numbers.below(9) {
            0 => input[at] ^= 1 << numbers.below(8),
            1 => input[at] = numbers.below(256) as u8,
            2 | 3 => {
                let mut value = NUMBERS[numbers.below(NUMBERS.len())].to_le_bytes();
                let size = [1, 2, 4, 8][numbers.below(4)].min(input.len() - at);
                if numbers.below(3) == 0 {
                    value[..size].reverse();
                }
                input[at..at + size].copy_from_slice(&value[..size]);
            }
            4 => drop(input.drain(at..at + length)),
            5 => {
                let copy = input[at..at + length].to_vec();
                let to = numbers.place(input.len());
                input.splice(to..to, copy);
            }
            6 => input.truncate(at),
            7 => {
                // Digits of a text become others.
                if let Some(digit) = input[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                    *digit = b"0123456789-.eE"[numbers.below(14)];
                }
            }
            _ => {
                let from = numbers.below(other.len());
                let part = &other[from..(from + length).min(other.len())];
                let end = (at + part.len()).min(input.len());
                input.splice(at..end, part.iter().copied());
            }
        }
        input.truncate(1 << 20);
    }
}

/// Returns an outcome without its numbers: a new one means that other code was reached.
fn kind(outcome: &Result<usize, String>) -> String {
    match outcome {
        Ok(read) => format!("read {}", read.ilog2()),
        Err(message) => message.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').collect(),
    }
}

/// Mutates for a time or a number of inputs. Returns inputs tried and kinds of outcome seen.
fn campaign(target: &Target, seconds: Option<u64>) -> (u64, usize) {
    let mut pool = vec![target.sound()];
    if let Ok(folder) = fs::read_dir(seeds(target)) {
        pool.extend(folder.map(|entry| fs::read(entry.unwrap().path()).unwrap()));
    }
    let (mut kinds, mut numbers, mut tried) = (BTreeSet::new(), Numbers(11), 0);
    let start = Instant::now();
    while seconds.map_or(tried < FEW, |seconds| start.elapsed().as_secs() < seconds) {
        let mut input = pool[numbers.below(pool.len())].clone();
        let other = pool[numbers.below(pool.len())].clone();
        mutate(&mut input, &other, &mut numbers);
        match run(target, &input) {
            Ok(outcome) => {
                if kinds.insert(kind(&outcome)) && pool.len() < 500 {
                    pool.push(input);
                }
            }
            Err(what) => {
                fs::create_dir_all(seeds(target)).unwrap();
                let path = seeds(target).join(format!("found-{tried}"));
                fs::write(&path, &input).unwrap();
                panic!("{}: {what}; see {}", target.name, path.display());
            }
        }
        tried += 1;
    }
    (tried, kinds.len())
}

fn chosen() -> Vec<&'static Target> {
    let wanted = std::env::var("HISTOGRADE_FUZZ_TARGETS").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split(',').filter(|name| !name.is_empty()).collect();
    TARGETS.iter().filter(|target| wanted.is_empty() || wanted.contains(&target.name)).collect()
}

/// A few inputs per target in every test run, and as many as fit into `HISTOGRADE_FUZZ_SECONDS` for each where that is set.
#[test]
fn mutations_are_survived() {
    let seconds = std::env::var("HISTOGRADE_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    println!("| target | seconds | inputs | kinds of outcome |\n|---|---|---|---|");
    for target in chosen() {
        let (tried, kinds) = campaign(target, seconds);
        println!("| {} | {} | {tried} | {kinds} |", target.name, seconds.unwrap_or(0));
    }
}

/// Writes the sound input of each target into folders of `HISTOGRADE_WRITE_SEEDS`, for libFuzzer.
#[test]
fn write_seeds() {
    let Some(folder) = std::env::var_os("HISTOGRADE_WRITE_SEEDS") else { return };
    for target in TARGETS {
        let folder = Path::new(&folder).join(target.name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("sound"), target.sound()).unwrap();
    }
}
