//! `tile`: slides cut into tiles for other programs.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use histograde::{
    Error, Mpp, Result,
    batch::slide_ids,
    export::tiles::{self, FlawLimits, Format, Output, Resolution, Settings, SlideRow, Target, Told},
    manifest,
    stain::normalise::Method,
    store::{Lock, Locks, Taken},
    watch::Watch,
};
use rayon::ThreadPoolBuilder;
use serde_json::json;

use super::{Exit, Failure, args, console::Console, inputs, interrupt, output, plan};

pub(super) fn run(args: &args::Tile, console: &Console) -> Result<Exit, Failure> {
    let pool = ThreadPoolBuilder::new().num_threads(plan::threads(args.threads)).build();
    let pool = pool.map_err(|e| Error::io("start", "threads")(std::io::Error::other(e)))?;
    let settings = pool.install(|| settings(args))?;
    if args.coords_only && args.stain_norm.is_some() {
        console.say("--stain-norm has no effect with --coords-only: no tile is written");
    }
    let mut told = Told::default();
    let slides = slides(args, &mut told, console)?;
    let out = &args.output;
    tiles::refuse_other(out)?;
    apart(args)?;
    output::folder(out)?;
    let (watch, locks) = (interrupt::watch()?, Locks::default());
    let (mut came, count) =
        (Came { slides: slides.len(), excluded: told.failed.len(), ..Came::default() }, slides.len());
    for (i, Wanted { slide_id, path, mpp }) in slides.iter().enumerate() {
        let settings = for_slide(&settings, *mpp);
        let (start, place) = (Instant::now(), format!("{}/{count} {slide_id}", i + 1));
        let taken = watch.check().and_then(|()| {
            let waits = |whose: String| console.say(format!("{place}: in work elsewhere{whose}; waiting"));
            take(|| tiles::take(&locks, out, slide_id), waits, &watch)
        });
        let done =
            taken.and_then(|lock| pool.install(|| tiles::run(slide_id, path, &settings, out, &lock, &watch)));
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
                came.tiles += done.rows.len();
                came.failed += usize::from(done.summary.status == "damaged");
            }
            Err(error) => {
                tiles::let_go(out, slide_id);
                came.failed += 1;
                let row = SlideRow::failed(slide_id, path, &error);
                came.unfinished |= matches!(error, Error::Interrupted);
                if !matches!(error, Error::Interrupted) {
                    console.error(format!("{place}: {}", said(path, &error)));
                }
                match error {
                    Error::Interrupted => told.unreached.push(row),
                    Error::Occupied { .. } => told.refused.push(row),
                    _ => told.failed.push(row),
                }
            }
        }
    }
    let _lock = take(|| locks.take(&out.join("slides")), |_| (), &Watch::default())?;
    let own = slides.iter().map(|slide| slide.slide_id.as_str()).collect();
    let otherwise = tiles::otherwise(out, &own, &settings)?;
    finish(out, told, &came, &otherwise, &watch, console)?;
    Ok(Exit::from(came.failed, came.unfinished))
}

/// Refuses files to read that lie where tiles are removed and written.
fn apart(args: &args::Tile) -> Result<()> {
    let out = output::place(&args.output);
    let ours = ["slides", "tiles", "shards"].map(|name| out.join(name));
    let within = |path: &&PathBuf| {
        let path = output::place(path);
        ours.iter().any(|own| path.starts_with(own))
    };
    let mut read = [&args.manifest, &args.within, &args.target].into_iter().flatten();
    read.find(within).map_or(Ok(()), |path| {
        let got = format!("{}, which lies where this run writes; move it away", path.display());
        Err(Error::config("folder for the tiles (-o)", "one without files that are read", got))
    })
}

/// A slide to tile.
struct Wanted {
    slide_id: String,
    path: PathBuf,
    /// Its pixel size by the sample sheet.
    mpp: Option<Mpp>,
}

/// Returns the slides of the sample sheet, or those that the inputs stand for; of those that are left out it is told.
fn slides(args: &args::Tile, told: &mut Told, console: &Console) -> Result<Vec<Wanted>> {
    let Some(sheet) = &args.manifest else {
        let paths = inputs::find(&args.inputs, &args.output, console)?;
        let ids = slide_ids(&paths).into_iter();
        return Ok(ids.zip(paths).map(|(slide_id, path)| Wanted { slide_id, path, mpp: None }).collect());
    };
    let mut wanted = Vec::new();
    for manifest::Sample { slide_id, path, mpp, exclude, .. } in manifest::read_blindly(sheet)? {
        match exclude {
            Some(why) => {
                console.say(format!("{slide_id}: left out: {why}"));
                told.failed.push(SlideRow::excluded(&slide_id, &path, &why));
            }
            None => wanted.push(Wanted { slide_id, path, mpp }),
        }
    }
    Ok(wanted)
}

/// Returns the settings for a slide of this pixel size.
fn for_slide(settings: &Settings, mpp: Option<Mpp>) -> Settings {
    let mut settings = settings.clone();
    if let Some(mpp) = mpp {
        settings.mpp = Some(mpp);
        settings.fingerprint["slide_mpp"] = json!([mpp.x(), mpp.y()]);
    }
    settings
}

/// What came of the slides of this run.
#[derive(Default)]
struct Came {
    slides: usize,
    excluded: usize,
    tiles: usize,
    failed: usize,
    unfinished: bool,
}

/// Time between looks at what another process has.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Waits until something is this process's own; `waits` is told once whose it is.
fn take(take: impl Fn() -> Result<Taken>, waits: impl FnOnce(String), watch: &Watch) -> Result<Lock> {
    let mut waits = Some(waits);
    loop {
        match take()? {
            Taken::Ours(lock) => return Ok(lock),
            Taken::Busy(owner) => {
                let whose = owner.map_or_else(String::new, |o| format!(" (process {} on {})", o.pid, o.host));
                if let Some(waits) = waits.take() {
                    waits(whose);
                }
            }
        }
        watch.check()?;
        thread::sleep(LOOK_EVERY);
    }
}

/// Writes the tables.
fn finish(
    out: &Path,
    told: Told,
    came: &Came,
    otherwise: &tiles::Otherwise,
    watch: &Watch,
    console: &Console,
) -> Result<(), Failure> {
    let written = tiles::write_tables(out, told)?;
    let stopped = if watch.stopped() { "stopped; run the same command again to go on. " } else { "" };
    let earlier = match written.slides.saturating_sub(came.slides + came.excluded) {
        0 => String::new(),
        n => format!(" with {n} more of earlier runs"),
    };
    if otherwise.slides > 0 {
        let differ: Vec<&str> = otherwise.settings.iter().map(String::as_str).collect();
        console.say(format!(
            "warning: the tables in {} also hold tiles of {} slides of earlier runs that were cut with other settings ({}); give each \
             setting a folder of its own (-o)",
            out.display(),
            otherwise.slides,
            differ.join(", ")
        ));
    }
    console.say(format!(
        "{stopped}{} tiles of {} slides, {} with errors; tables{earlier} in {}",
        came.tiles,
        came.slides,
        came.failed,
        out.display()
    ));
    Ok(())
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
