//! Broken files: every format cut short and damaged byte by byte, and the broken files of others.
//!
//! Each opens correctly or fails with one line; never a panic, never over five seconds or 512 MB. Of a
//! file that is cut short, what can still be read must be what the whole file holds.
//!
//! `HISTOGRADE_LONG=1` takes 200 lengths and 2 000 places per format instead of a few; the table it prints
//! is the one in `docs/formats.md`. `HISTOGRADE_SLIDES=czi,dicom` takes these slides only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[allow(dead_code)]
#[path = "common/build/mod.rs"]
mod build;
mod common;
#[path = "common/limits.rs"]
mod limits;
#[allow(dead_code)]
#[path = "common/tiff.rs"]
mod tiff;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use build::{Built, Piece};
use histograde::{Slide, geometry::Region, raster::Rgb};
use limits::{MAX_MEMORY, MAX_TIME, peak};

/// The side of the largest region read at once.
const SIDE: u64 = 1500;

/// Counts of one format.
#[derive(Default)]
struct Row {
    files: usize,
    read: usize,
    slowest: Duration,
    memory: u64,
}

/// Reads all of a slide; large levels in part. Returns each level's size and pixels.
fn pixels(path: &Path) -> histograde::Result<Vec<([u64; 2], Rgb)>> {
    let slide = Slide::open(path)?;
    let levels = slide.info().levels.iter().enumerate().map(|(level, facts)| {
        let side = |length: u64| length.min(SIDE) as u32;
        let region = Region { level, x0: 0, y0: 0, width: side(facts.width), height: side(facts.height) };
        Ok(([facts.width, facts.height], slide.read_region(region)?))
    });
    let levels = levels.collect::<histograde::Result<Vec<_>>>()?;
    for name in slide.info().associated.clone() {
        slide.read_associated(&name).ok();
    }
    Ok(levels)
}

impl Row {
    /// Opens and reads a damaged file. Returns its pixels if it could be read.
    fn take(&mut self, path: &Path, what: &str) -> Option<Vec<([u64; 2], Rgb)>> {
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| pixels(path)));
        let result = result.unwrap_or_else(|_| panic!("{what}: a panic"));
        let took = start.elapsed();
        self.files += 1;
        self.slowest = self.slowest.max(took);
        assert!(took < MAX_TIME, "{what}: {took:?}");
        if self.files.is_multiple_of(50) {
            self.measure(what);
        }
        match result {
            Ok(levels) => {
                self.read += 1;
                Some(levels)
            }
            Err(error) => {
                let message = error.to_string();
                assert!(!message.is_empty() && !message.contains('\n'), "{what}: {message:?}");
                assert!(error.kind() != "internal", "{what}: {message}");
                None
            }
        }
    }

    fn measure(&mut self, what: &str) {
        self.memory = self.memory.max(peak());
        assert!(self.memory < MAX_MEMORY, "{what}: {} MB", self.memory);
    }

    fn print(&mut self, name: &str) {
        self.measure(name);
        let Self { files, read, slowest, memory } = self;
        let milliseconds = slowest.as_millis();
        println!("| {name} | {files} | {read} | {} | 0 | {milliseconds} ms | {memory} MB |", *files - *read);
    }
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }
}

fn long() -> bool {
    std::env::var("HISTOGRADE_LONG").is_ok_and(|value| value == "1")
}

/// Slides to damage: those that are built, and the sample slides of this repository.
fn slides() -> Vec<Built> {
    let mut slides: Vec<Built> =
        build::everything().into_iter().filter(|b| b.name != "ndpi_beyond_4_gb").collect();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let aperio = fs::read(samples.join("liver-phantom.svs")).unwrap();
    slides.push(Built::single("aperio", "liver-phantom.svs", aperio));
    slides.push(Built::single("jpeg", "picture.jpg", build::picture_jpeg(200, 120, 3)));
    let mut png = std::io::Cursor::new(Vec::new());
    let rgb = build::picture(200, 120, 3);
    let view = image::ImageBuffer::<image::Rgb<u8>, _>::from_raw(200, 120, rgb.data().to_vec()).unwrap();
    view.write_to(&mut png, image::ImageFormat::Png).unwrap();
    slides.push(Built::single("png", "picture.png", png.into_inner()));
    let wanted = std::env::var("HISTOGRADE_SLIDES").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split(',').filter(|name| !name.is_empty()).collect();
    slides.retain(|built| wanted.is_empty() || wanted.contains(&built.name));
    slides
}

#[test]
fn files_cut_short_or_damaged() {
    let (lengths, places) = if long() { (200, 2000) } else { (12, 40) };
    println!("| format | files | read | refused | panics | slowest | memory |");
    println!("|---|---|---|---|---|---|---|");
    for built in slides() {
        let folder = tempfile::tempdir().unwrap();
        let main = built.write(folder.path());
        let good = pixels(&main).unwrap_or_else(|error| panic!("{}: {error}", built.name));
        let (mut row, mut numbers) = (Row::default(), Numbers(7));
        peak();
        let total: usize = built.files.iter().map(|piece| piece.bytes.len()).sum();
        for piece in &built.files {
            let path = folder.path().join(&piece.file);
            let share = |count: usize| (count * piece.bytes.len()).div_ceil(total).max(2);
            cut(&mut row, built.name, [&path, &main], piece, share(lengths), &good);
            damage(&mut row, built.name, [&path, &main], piece, share(places), &mut numbers);
            fs::write(&path, &piece.bytes).unwrap();
        }
        row.print(built.name);
    }
}

fn cut(
    row: &mut Row,
    name: &str,
    [path, main]: [&PathBuf; 2],
    piece: &Piece,
    count: usize,
    good: &[([u64; 2], Rgb)],
) {
    for i in 0..count {
        let length = piece.bytes.len() * i / count;
        fs::write(path, &piece.bytes[..length]).unwrap();
        let what = format!("{name}, {} cut to {length} bytes", piece.file);
        for (size, level) in row.take(main, &what).unwrap_or_default() {
            if let Some((_, whole)) = good.iter().find(|(other, _)| *other == size) {
                assert!(level == *whole, "{what}: {size:?} px with other pixels");
            }
        }
    }
}

fn damage(
    row: &mut Row,
    name: &str,
    [path, main]: [&PathBuf; 2],
    piece: &Piece,
    count: usize,
    numbers: &mut Numbers,
) {
    let mut bytes = piece.bytes.clone();
    for i in 0..count {
        // Every other one near the start or the end, where headers are.
        let near = bytes.len().min(3000);
        let at = match i % 4 {
            0 => numbers.below(near),
            1 => bytes.len() - 1 - numbers.below(near),
            _ => numbers.below(bytes.len()),
        };
        bytes[at] ^= [0x01, 0x80, 0xFF, 0x10][numbers.below(4)];
        fs::write(path, &bytes).unwrap();
        row.take(main, &format!("{name}, byte {at} of {} damaged", piece.file));
        bytes[at] = piece.bytes[at];
    }
}

/// Files that broke other readers, and slides without their parts.
#[test]
fn broken_files_of_others() {
    let Some(data) = common::data_dir() else { return };
    for folder in ["bad_input", "stub_multifile"] {
        let mut row = Row::default();
        peak();
        let mut folders = vec![data.join("wsi").join(folder)];
        while let Some(folder) = folders.pop() {
            let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
            paths.sort();
            for path in paths {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    row.take(&path, &path.display().to_string());
                    row.measure(&path.display().to_string());
                }
            }
        }
        row.print(folder);
    }
}
