//! How fast level 0 is read tile by tile, in megapixels per CPU-second, one thread.
//!
//! `HISTOGRADE_BENCH_SLIDE=slide.svs cargo bench --bench reading`; rows can be limited with
//! `HISTOGRADE_BENCH_ROWS`.

mod common;

use std::{error::Error, io::Write, time::Instant};

use common::cpu_seconds;
use histograde::{Slide, geometry::Region};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let Some(path) = std::env::var_os("HISTOGRADE_BENCH_SLIDE") else {
        writeln!(out, "reading: skipped, set HISTOGRADE_BENCH_SLIDE to a slide")?;
        return Ok(());
    };
    let slide = Slide::open(path)?;
    let level = slide.info().levels[0].clone();
    let rows =
        std::env::var("HISTOGRADE_BENCH_ROWS").ok().and_then(|v| v.parse().ok()).unwrap_or(level.height);
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let (width, height) = (level.tile_width, level.tile_height);
    let (mut pixels, mut sum) = (0, 0);
    for y0 in (0..rows.min(level.height)).step_by(height as usize) {
        for x0 in (0..level.width).step_by(width as usize) {
            let (x0, y0) = (i64::try_from(x0)?, i64::try_from(y0)?);
            let rgb = slide.read_region(Region { level: 0, x0, y0, width, height })?;
            pixels += rgb.pixels().len() as u64;
            sum += u64::from(rgb.data()[0]);
        }
    }
    let (wall, mp) = (wall.elapsed().as_secs_f64(), pixels as f64 / 1e6);
    let cpu = cpu_seconds().zip(cpu).map_or(wall, |(end, start)| end - start);
    writeln!(
        out,
        "reading: {mp:.1} MP, wall {wall:.3} s, cpu {cpu:.3} s, {:.1} MP/s, {:.1} MP/cpu-s (check {sum})",
        mp / wall,
        mp / cpu
    )?;
    Ok(())
}
