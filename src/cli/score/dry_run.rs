//! `--dry-run`: what would be done, and how long it may take.

use std::{fmt::Write as _, fs, path::Path};

use histograde::{
    Error, Result, Slide,
    batch::{Job, Memory},
    score::rubric::Rubric,
    slide::SlideInfo,
    store::{Found, Store},
};

use super::How;
use crate::cli::{
    Exit, Failure, args, inputs,
    plan::{self, Plan},
    words,
};

/// Megapixels per second and thread that are expected of slides when no time of an earlier one is known: what whole slides of
/// liver and pancreas took on two cores, docs/performance.md.
const MP_PER_S: f64 = 8.0;
/// The same of kidneys, which take nearly three times as long.
const KIDNEY_MP_PER_S: f64 = 2.8;

/// What slides took that were scored before.
struct Pace {
    mp: f64,
    /// Seconds of each slide, summed up; slides side by side took them at once.
    s: f64,
    slides: usize,
    /// How many such slides were in work at once, summed up.
    beside: usize,
    /// Threads at work then.
    threads: usize,
}

impl Pace {
    fn of_run(threads: usize) -> Self {
        Self { mp: 0.0, s: 0.0, slides: 0, beside: 0, threads }
    }

    fn add(&mut self, job: &Job, info: &SlideInfo, s: f64) {
        let far = job.models.run_on(job.organ);
        self.mp += mp(info);
        self.s += s;
        self.slides += 1;
        self.beside += Memory::for_threads(self.threads).side_by_side(info, far, self.threads);
    }

    /// Megapixels per second on so many threads; `None` of so short a time that it tells nothing. One slide is taken to be
    /// done faster by more threads as several slides are.
    fn rate(&self, threads: usize) -> Option<f64> {
        let beside = (self.beside as f64 / self.slides.max(1) as f64).min(self.slides as f64);
        (self.s > 1.0).then(|| self.mp / self.s * beside * at_work(threads) / at_work(self.threads))
    }
}

/// Threads that find a processor.
fn at_work(threads: usize) -> f64 {
    threads.clamp(1, plan::threads(None).max(1)) as f64
}

/// Megapixels of level 0.
fn mp(info: &SlideInfo) -> f64 {
    info.levels.first().map_or(0.0, |level| level.width as f64 * level.height as f64 / 1e6)
}

/// Seconds that a slide is expected to take on one thread.
fn expected_s(job: &Job, mp: f64) -> f64 {
    mp / if job.organ.has_glomeruli() { KIDNEY_MP_PER_S } else { MP_PER_S }
}

/// Returns the threads of the run that wrote the tables of a folder.
fn threads_before(out: &Path) -> Option<usize> {
    let path = out.join("run.json");
    let text = path.is_file().then(|| fs::read(path).ok())??;
    let run: serde_json::Value = serde_json::from_slice(&text).ok()?;
    run["threads"].as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0)
}

/// Opens a slide, and refuses it for what scoring would refuse it for before it reads a pixel: no pixel size, or one outside the range of
/// a network that was asked for.
fn open(job: &Job) -> Result<Slide> {
    let slide = Slide::open(&job.path)?;
    let stated = slide.info().calibration.as_ref().map(|c| c.mpp);
    let mpp = job.mpp.or(stated).ok_or(Error::Uncalibrated)?;
    job.models.fitting(mpp, job.organ, job.options.species)?;
    Ok(slide)
}

/// Says for each slide what would be done. Writes nothing.
pub(in crate::cli) fn run(
    plan: &Plan,
    rubric: &Rubric,
    out: &Path,
    how: &args::Operation,
) -> Result<Exit, Failure> {
    inputs::apart(&plan.jobs, out)?;
    super::no_tiles(out)?;
    let how = How { operation: how, part: None };
    let store = Store::new(out, how.policy());
    let mut text = String::new();
    let (mut to_do, mut mp_to_do, mut s_to_do, mut missing, mut failing) = (0, 0.0, 0.0, 0, 0);
    // Of earlier results that hold, and of those that do not.
    let before = threads_before(out).unwrap_or(plan.threads);
    let (mut kept, mut stale) = (Pace::of_run(before), Pace::of_run(before));
    for job in &plan.jobs {
        if let Some(reason) = job.sample.as_ref().and_then(|s| s.exclude.as_ref()) {
            let _ = writeln!(text, "{}: left out: {reason}", job.slide_id);
            continue;
        }
        let said = match store.look(job, rubric).found {
            Found::Kept(outcome, seconds) => match *outcome {
                Ok(summary) => {
                    kept.add(job, &summary.info, seconds);
                    "kept".to_owned()
                }
                Err(error) => format!("kept as failed: {error}"),
            },
            Found::Refused(error) => {
                let gone = matches!(*error, Error::Missing { .. });
                *(if gone { &mut missing } else { &mut failing }) += 1;
                format!("would fail: {error}")
            }
            Found::Stale(why) => match open(job) {
                Ok(slide) => {
                    to_do += 1;
                    let mp = mp(slide.info());
                    mp_to_do += mp;
                    s_to_do += expected_s(job, mp);
                    if let Some(seconds) = store.took(&job.slide_id) {
                        stale.add(job, slide.info(), seconds);
                    }
                    format!("would be scored ({mp:.1} MP): {why}")
                }
                Err(error) => {
                    failing += 1;
                    format!("would fail: {error}")
                }
            },
        };
        let _ = writeln!(text, "{}: {said}", job.slide_id);
    }
    let (rate, from) = match (kept.rate(plan.threads), stale.rate(plan.threads)) {
        (Some(rate), _) => (rate, "as the slides scored before"),
        (None, Some(rate)) => (rate, "as the results that are to be replaced"),
        (None, None) => {
            let rate = if s_to_do > 0.0 { mp_to_do / s_to_do } else { MP_PER_S };
            (rate * at_work(plan.threads), "a guess, no time of an earlier result is known")
        }
    };
    let some = |n: usize, what: &str| if n > 0 { format!(", {n} {what}") } else { String::new() };
    let not_scored = some(missing, "missing") + &some(failing, "would fail");
    let _ = writeln!(
        text,
        "{} slides{not_scored}, {to_do} to score: {mp_to_do:.1} MP, about {} at {rate:.1} MP/s on {} ({from})",
        plan.jobs.len(),
        words::duration(mp_to_do / rate),
        if plan.threads == 1 { "1 thread".into() } else { format!("{} threads", plan.threads) },
    );
    crate::cli::print(&text)?;
    Ok(Exit::AllDone)
}
