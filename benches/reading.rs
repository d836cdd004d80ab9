//! How fast level 0 is read, in megapixels per CPU-second of one thread: stored tiles, and larger regions that do not
//! line up with them; and what a second thread gains.
//!
//! `HISTOGRADE_BENCH_SLIDE=slide.svs cargo bench --bench reading`. `HISTOGRADE_BENCH_ROWS=first..end` limits the rows.
//! `HISTOGRADE_BENCH_LIMIT="jpeg_limit tiles.bin 1 0 0 1"` runs another program before each round, whose output ends in
//! `MP/cpu-s=<number>`, and prints the ratio of the medians: on a busy machine only what ran side by side compares.

mod common;

use std::{error::Error, io::Write, process::Command, time::Instant};

use common::cpu_seconds;
use histograde::{Slide, geometry::Region};

const ROUNDS: usize = 7;

/// A way of asking: side and corner of the regions. 0 is the size of a stored tile.
const WAYS: [(&str, u32, i64); 2] = [("stored tiles", 0, 0), ("512 px, not aligned", 512, 100)];

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let Some(path) = std::env::var_os("HISTOGRADE_BENCH_SLIDE") else {
        writeln!(out, "reading: skipped, set HISTOGRADE_BENCH_SLIDE to a slide")?;
        return Ok(());
    };
    let rows = std::env::var("HISTOGRADE_BENCH_ROWS").unwrap_or_default();
    let rows = rows.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    let limit = std::env::var("HISTOGRADE_BENCH_LIMIT").ok();
    let (mut limits, mut speeds) = (Vec::new(), vec![Vec::new(); WAYS.len()]);
    for _ in 0..ROUNDS {
        limits.extend(limit.as_deref().and_then(run));
        for (&(_, side, corner), speeds) in WAYS.iter().zip(&mut speeds) {
            // A slide opened anew has an empty cache.
            let slide = Slide::open(&path)?;
            speeds.push(read(&slide, side, corner, rows.clone())?);
        }
    }
    let limit = median(&mut limits);
    for ((name, ..), speeds) in WAYS.iter().zip(&mut speeds) {
        let speed = median(speeds).unwrap_or(0.0);
        let ratio =
            limit.map_or(String::new(), |limit| format!(", {:.2} of the limit {limit:.0}", speed / limit));
        writeln!(out, "reading {name}: {speed:.0} MP/cpu-s{ratio}")?;
    }
    let gain = two_threads(&path, rows)?;
    writeln!(out, "reading stored tiles by two threads: {gain:.2} times as fast as by one")?;
    writeln!(out, "peak memory: {} MB", peak_kb().unwrap_or(0) / 1024)?;
    Ok(())
}

/// Returns how many times faster two threads that share one open slide, each reading every second row of tiles, are than
/// one thread: the ratio of the medians of the time that passes. Says something on an idle machine only.
fn two_threads(path: &std::ffi::OsStr, rows: Option<std::ops::Range<i64>>) -> Result<f64, Box<dyn Error>> {
    let mut seconds = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (seconds, threads) in seconds.iter_mut().zip(1..) {
            let slide = Slide::open(path)?;
            let start = Instant::now();
            std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
                let one = |first| {
                    let (slide, rows) = (&slide, rows.clone());
                    scope.spawn(move || share(slide, rows, first, threads).map_err(|e| e.to_string()))
                };
                let workers: Vec<_> = (0..threads).map(one).collect();
                workers.into_iter().try_for_each(|w| Ok(w.join().map_err(|_| "a reader panicked")??))
            })?;
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    let [one, two] = seconds.each_mut().map(|s| median(s).unwrap_or(f64::NAN));
    Ok(one / two)
}

/// Reads every `step`-th row of stored tiles from the `first` on.
fn share(
    slide: &Slide,
    rows: Option<std::ops::Range<i64>>,
    first: usize,
    step: usize,
) -> histograde::Result<()> {
    let level = &slide.info().levels[0];
    let (width, height) = (level.tile_width, level.tile_height);
    let rows = rows.unwrap_or(0..i64::try_from(level.height).unwrap_or(i64::MAX));
    let mut sum = 0;
    for y0 in
        (rows.start..rows.end - i64::from(height) + 1).step_by(height as usize).skip(first).step_by(step)
    {
        for x0 in (0..(level.width / u64::from(width)) as i64).map(|column| column * i64::from(width)) {
            let rgb = slide.read_region(Region { level: 0, x0, y0, width, height })?;
            sum += u64::from(std::hint::black_box(rgb.data())[0]);
        }
    }
    std::hint::black_box(sum);
    Ok(())
}

/// Reads rows of level 0 in squares and returns megapixels per CPU-second.
fn read(
    slide: &Slide,
    side: u32,
    corner: i64,
    rows: Option<std::ops::Range<i64>>,
) -> Result<f64, Box<dyn Error>> {
    let level = slide.info().levels[0].clone();
    let (width, height) = if side == 0 { (level.tile_width, level.tile_height) } else { (side, side) };
    let rows = rows.unwrap_or(0..i64::try_from(level.height)?);
    let start = cpu_seconds().ok_or("no CPU time on this system")?;
    let (mut pixels, mut sum) = (0, 0);
    for y0 in (rows.start + corner..rows.end - i64::from(height) + 1).step_by(height as usize) {
        for x0 in (corner..i64::try_from(level.width)? - i64::from(width) + 1).step_by(width as usize) {
            let rgb = slide.read_region(Region { level: 0, x0, y0, width, height })?;
            pixels += rgb.pixels().len();
            sum += u64::from(std::hint::black_box(rgb.data())[0]);
        }
    }
    std::hint::black_box(sum);
    let seconds = cpu_seconds().ok_or("no CPU time on this system")? - start;
    Ok(pixels as f64 / 1e6 / seconds.max(0.01))
}

/// Runs the other program and returns the speed it prints.
fn run(line: &str) -> Option<f64> {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next()?).args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.rsplit("MP/cpu-s=").next()?.split_whitespace().next()?.parse().ok()
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Returns the most memory this process had, in kB, on Linux.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}
