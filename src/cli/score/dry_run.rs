//! `--dry-run`: what would be done, and how long it may take.

use std::{fmt::Write as _, path::Path};

use histograde::{
    Error, Slide,
    score::rubric::Rubric,
    store::{Found, Store},
};

use super::How;
use crate::cli::{Exit, Failure, args, inputs, plan::Plan, words};

/// Megapixels per second and thread that are expected of slides when no time of an earlier one is known: what whole slides
/// took on two cores, docs/performance.md.
const MP_PER_S: f64 = 8.0;

/// Megapixels, and the seconds that they took.
#[derive(Default)]
struct Pace {
    mp: f64,
    s: f64,
}

impl Pace {
    fn add(&mut self, mp: f64, s: f64) {
        self.mp += mp;
        self.s += s;
    }

    fn add_if(&mut self, mp: f64, s: Option<f64>) {
        if let Some(s) = s {
            self.add(mp, s);
        }
    }

    /// Megapixels per second; `None` of so short a time that it tells nothing.
    fn rate(&self) -> Option<f64> {
        (self.s > 1.0).then(|| self.mp / self.s)
    }
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
    let (mut to_do, mut mp_to_do, mut missing, mut failing) = (0, 0.0, 0, 0);
    // Of earlier results that hold, and of those that do not.
    let (mut kept, mut stale) = (Pace::default(), Pace::default());
    for job in &plan.jobs {
        if let Some(reason) = job.sample.as_ref().and_then(|s| s.exclude.as_ref()) {
            let _ = writeln!(text, "{}: left out: {reason}", job.slide_id);
            continue;
        }
        let said = match store.look(job, rubric).found {
            Found::Kept(outcome, seconds) => match *outcome {
                Ok(summary) => {
                    let mp = |l: &histograde::slide::Level| l.width as f64 * l.height as f64 / 1e6;
                    kept.add(summary.info.levels.first().map_or(0.0, mp), seconds);
                    "kept".to_owned()
                }
                Err(error) => format!("kept as failed: {error}"),
            },
            Found::Refused(error) => {
                let gone = matches!(*error, Error::Missing { .. });
                *(if gone { &mut missing } else { &mut failing }) += 1;
                format!("would fail: {error}")
            }
            Found::Stale(why) => match Slide::open(&job.path) {
                Ok(slide) => {
                    to_do += 1;
                    let level = &slide.info().levels[0];
                    let mp = level.width as f64 * level.height as f64 / 1e6;
                    mp_to_do += mp;
                    stale.add_if(mp, store.took(&job.slide_id));
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
    let (rate, from) = match (kept.rate(), stale.rate()) {
        (Some(rate), _) => (rate, "as the slides scored before"),
        (None, Some(rate)) => (rate, "as the results that are to be replaced"),
        (None, None) => (MP_PER_S * plan.threads as f64, "a guess, no time of an earlier result is known"),
    };
    let some = |n: usize, what: &str| if n > 0 { format!(", {n} {what}") } else { String::new() };
    let not_scored = some(missing, "missing") + &some(failing, "would fail");
    let _ = writeln!(
        text,
        "{} slides{not_scored}, {to_do} to score: {mp_to_do:.1} MP, about {} at {rate:.1} MP/s ({from})",
        plan.jobs.len(),
        words::duration(mp_to_do / rate),
    );
    crate::cli::print(&text)?;
    Ok(Exit::AllDone)
}
