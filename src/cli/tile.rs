//! `tile`: slides cut into tiles for other programs.

use std::{path::Path, time::Instant};

use histograde::{
    Error, Mpp, Result,
    batch::slide_ids,
    export::tiles::{self, FlawLimits, Format, Output, Resolution, Row, Settings, SlideRow, Target},
    stain::normalise::Method,
    watch::Watch,
};
use rayon::ThreadPoolBuilder;
use serde_json::json;

use super::{Exit, Failure, args, console::Console, inputs, interrupt, output, plan};

pub(super) fn run(args: &args::Tile, console: &Console) -> Result<Exit, Failure> {
    let pool = ThreadPoolBuilder::new().num_threads(plan::threads(args.threads)).build();
    let pool = pool.map_err(|e| Error::io("start", "threads")(std::io::Error::other(e)))?;
    let settings = pool.install(|| settings(args))?;
    let paths = inputs::find(&args.inputs, &args.output, console)?;
    let out = &args.output;
    output::folder(out)?;
    let watch = interrupt::watch()?;
    let (mut rows, mut slides, count) = (Vec::new(), Vec::new(), paths.len());
    let mut unfinished = false;
    for (i, (slide_id, path)) in slide_ids(&paths).into_iter().zip(&paths).enumerate() {
        let start = Instant::now();
        let done =
            watch.check().and_then(|()| pool.install(|| tiles::run(&slide_id, path, &settings, out, &watch)));
        let place = format!("{}/{count} {slide_id}", i + 1);
        match done {
            Ok(done) => {
                console.say(format!("{place}: {}", words(&done, start.elapsed().as_secs_f64())));
                if let Some(warning) = enlarged(&done.summary) {
                    console.say(format!("{place}: warning: {warning}"));
                }
                if let Some(remark) = &done.remark {
                    console.say(format!("{place}: warning: {remark}"));
                }
                if let Some(reason) = &done.summary.reason {
                    console.error(format!("{}: {reason}", path.display()));
                }
                rows.extend(done.rows);
                slides.push(done.summary);
            }
            Err(error) => {
                if matches!(error, Error::Interrupted) {
                    unfinished = true;
                } else {
                    console.error(format!("{place}: {}", said(path, &error)));
                }
                slides.push(SlideRow::failed(&slide_id, path, &error));
            }
        }
    }
    let failed = finish(out, &rows, &slides, &watch, console)?;
    Ok(Exit::from(failed, unfinished))
}

/// Writes the tables and returns how many slides were not tiled.
fn finish(
    out: &Path,
    rows: &[Row],
    slides: &[SlideRow],
    watch: &Watch,
    console: &Console,
) -> Result<usize, Failure> {
    tiles::write_tables(out, rows)?;
    tiles::write_slides(&out.join("slides.csv"), slides)?;
    let failed = slides.iter().filter(|s| matches!(s.status.as_str(), "failed" | "damaged")).count();
    let stopped = if watch.stopped() { "stopped; run the same command again to go on. " } else { "" };
    console.say(format!(
        "{stopped}{} tiles of {} slides, {failed} with errors; tables in {}",
        rows.len(),
        slides.len(),
        out.display()
    ));
    Ok(failed)
}

/// Returns what is said about a slide that could not be tiled, with what to do about a missing pixel size.
fn said(path: &Path, error: &Error) -> String {
    match error {
        Error::Uncalibrated => format!(
            "{}: the file states no pixel size; pass --slide-mpp X if you know it, or use --level with --min-tissue 0",
            path.display()
        ),
        other => super::about(path, other),
    }
}

/// Returns what is to be said of tiles that have more pixels than the slide has there.
fn enlarged(slide: &SlideRow) -> Option<String> {
    let scale = slide.downsample.filter(|scale| *scale < 1.0 - tiles::LEVEL_TOLERANCE)?;
    let wanted = slide.mpp?;
    Some(format!(
        "tiles of {wanted:.4} µm/px are enlarged and show no more than the slide does at {:.4} µm/px",
        wanted / scale
    ))
}

fn words(done: &tiles::SlideTiles, seconds: f64) -> String {
    let s = &done.summary;
    if done.resumed {
        return format!("{} tiles, finished by an earlier run", s.tiles);
    }
    let left = [
        (s.left_out_glass, "glass"),
        (s.left_out_outside, "outside"),
        (s.left_out_pen, "ink"),
        (s.left_out_fold, "folded"),
        (s.left_out_blur, "blurred"),
        (s.damaged, "damaged"),
    ];
    let left = left.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!(", {n} {why}")).collect::<String>();
    let copied = if s.copied > 0 { format!(" ({} copied without loss)", s.copied) } else { String::new() };
    format!("{} of {} tiles{copied}{left}; {seconds:.1} s", s.tiles, s.grid)
}

fn settings(args: &args::Tile) -> Result<Settings> {
    if args.overlap >= args.size {
        return Err(Error::config("--overlap", format!("less than --size {}", args.size), args.overlap));
    }
    let resolution = match (args.mpp, args.objective) {
        (Some(mpp), _) => Resolution::Mpp(mpp),
        (_, Some(power)) => Resolution::Objective(power),
        _ => Resolution::Level(args.level.unwrap_or(0)),
    };
    let target = match (args.stain_norm.as_deref().and_then(Method::find), &args.target) {
        (Some(method), Some(path)) => Some(Target::read(method, path, args.mpp, args.icc)?),
        _ => None,
    };
    let format = match args.format.as_str() {
        "png" => Format::Png,
        "webp" => Format::WebP,
        _ => Format::Jpeg { quality: args.quality },
    };
    let output = match (args.coords_only, args.shards) {
        (true, _) => Output::Coordinates,
        (_, true) => Output::Shards,
        _ => Output::Files,
    };
    let fingerprint = json!({
        "resolution": format!("{resolution:?}"), "size": args.size, "overlap": args.overlap,
        "min_tissue": args.min_tissue, "qc": args.qc, "classes": args.classes, "random": args.random,
        "seed": args.seed, "icc": args.icc, "format": format!("{format:?}"), "lossless_copy": args.lossless_copy,
        "output": format!("{output:?}"), "slide_mpp": args.slide_mpp,
    });
    Ok(Settings {
        resolution,
        size: args.size,
        overlap: args.overlap,
        min_tissue: args.min_tissue,
        limits: limits(&args.qc)?,
        within: args.within.clone(),
        classes: args.classes.clone(),
        random: args.random.map(|n| n as usize),
        seed: args.seed,
        target,
        icc: args.icc,
        format,
        lossless_copy: args.lossless_copy,
        output,
        mpp: args.slide_mpp.and_then(Mpp::square),
        fingerprint,
    })
}

fn limits(list: &[String]) -> Result<FlawLimits> {
    let mut limits = FlawLimits::default();
    for item in list {
        let wrong = || Error::config("--qc", "blur=, pen= or fold= and a number from 0 to 1", item);
        let (name, value) = item.split_once('=').ok_or_else(wrong)?;
        let most = value.trim().parse::<f64>().ok().filter(|v| (0.0..=1.0).contains(v)).ok_or_else(wrong)?;
        match name.trim() {
            "blur" => limits.blur = Some(most),
            "pen" => limits.pen = Some(most),
            "fold" => limits.fold = Some(most),
            _ => return Err(wrong()),
        }
    }
    Ok(limits)
}
