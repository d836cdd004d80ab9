//! What scoring a whole slide costs: megapixels per CPU-second and peak memory.
//!
//! `cargo bench --bench score` paints a phantom of each organ; `HISTOGRADE_BENCH_SLIDE=slide.svs` (with
//! `HISTOGRADE_BENCH_ORGAN`, liver unless given) scores that slide instead.

mod common;

use std::{error::Error, fs, io::Write, path::Path, process::Command, time::Instant};

use common::cpu_seconds;
use histograde::{
    Slide, organ,
    pipeline::{Plan, score_slide},
    score::rubric::Rubric,
    watch::Watch,
};

/// Side of the phantoms, in pixels.
const SIDE: &str = "6000";

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(slide) = std::env::var_os("HISTOGRADE_BENCH_SLIDE") {
        let name = std::env::var("HISTOGRADE_BENCH_ORGAN").unwrap_or_else(|_| "liver".into());
        return bench(Path::new(&slide), &name);
    }
    let folder = tempfile::tempdir()?;
    for organ in organ::ORGANS {
        let slide = folder.path().join(format!("{}.svs", organ.name));
        paint(organ.name, &slide)?;
        bench(&slide, organ.name)?;
    }
    Ok(())
}

/// Paints in another process, so that its memory does not count.
fn paint(organ: &str, slide: &Path) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_histograde"));
    command.args(["phantom", "--quiet", "--tissue", organ, "--size", SIDE, "-o"]).arg(slide);
    if command.status()?.success() { Ok(()) } else { Err("the phantom was not painted".into()) }
}

fn bench(path: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let organ = organ::find(name).ok_or("no such organ")?;
    let plan = Plan {
        organ,
        mpp: None,
        rubric: Rubric::builtin()?,
        tiling: Default::default(),
        models: histograde::segment::models::Models::of_scores()?,
        options: Default::default(),
    };
    let slide = Slide::open(path)?;
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let result = score_slide(&slide, &plan, &Watch::default())?;
    let wall = wall.elapsed().as_secs_f64();
    let cpu = cpu_seconds().zip(cpu).map_or(wall, |(end, start)| end - start);
    let mp = result.summary.analysed_px as f64 / 1e6;
    let peak = peak_mb().map_or("not known".into(), |v| format!("{v:.0} MB"));
    writeln!(
        std::io::stdout(),
        "{name:9} {mp:6.1} MP analysed, wall {wall:6.2} s, cpu {cpu:6.2} s, {:5.1} MP per CPU-second, peak so far {peak}",
        mp / cpu
    )?;
    Ok(())
}

/// Peak memory of this process on Linux, in MB.
fn peak_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}
