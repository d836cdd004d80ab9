//! `score`: measure and score a batch of slides.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use histograde::{
    Error, Result, Slide,
    batch::{self, Done, Job, Listener},
    pipeline::SlideResult,
    report::overview,
    score::rubric::Rubric,
    watch::Watch,
};

use super::{Exit, Failure, args, console::Console, interrupt, plan, progress::Progress, words};

/// The files of one slide, in the order they are written; the last one says that the others are whole.
const SLIDE_FILES: [&str; 3] = ["objects.geojson", "overview.png", "result.json"];

pub(super) fn run(args: &args::Score, console: &Console) -> Result<Exit, Failure> {
    let rubric = match &args.rubric {
        Some(path) => Rubric::load(path).map_err(Failure::of(path))?,
        None => Rubric::builtin()?,
    };
    let plan = plan::resolve(&args.batch, console)?;
    let watch = interrupt::watch()?;
    let done = score(plan, &rubric, &args.batch.output, &watch, console)?;
    console.say(format!("{}; results in {}", words::totals(&done), args.batch.output.display()));
    Ok(Exit::of(&done))
}

/// Scores a batch into a folder.
pub(super) fn score(
    plan: plan::Plan,
    rubric: &Rubric,
    out: &Path,
    watch: &Arc<Watch>,
    console: &Console,
) -> Result<Vec<Done>> {
    std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
    let writer = Writer {
        out: out.to_owned(),
        watch: watch.clone(),
        progress: Progress::new(console, &plan.jobs, watch),
    };
    let done = batch::run(plan.jobs, rubric, plan.threads, watch, &writer)?;
    drop(writer);
    Ok(done)
}

/// Writes the files of each slide.
struct Writer<'a> {
    out: PathBuf,
    watch: Arc<Watch>,
    progress: Progress<'a>,
}

impl Writer<'_> {
    fn file(&self, job: &Job, name: &str) -> PathBuf {
        self.out.join("slides").join(&job.slide_id).join(name)
    }
}

impl Listener for Writer<'_> {
    fn prepare(&self, job: &Job) -> Result<()> {
        SLIDE_FILES.iter().rev().try_for_each(|name| super::remove(&self.file(job, name)))
    }

    fn keep(&self, job: &Job, slide: &Slide, result: &SlideResult) -> Result<()> {
        let [_objects, overview, _numbers] = SLIDE_FILES.map(|name| self.file(job, name));
        overview::write(slide, result, &job.slide_id, &overview)?;
        Ok(())
    }

    fn started(&self, index: usize, job: &Job) {
        self.progress.started(index, job, &self.watch);
    }

    fn finished(&self, index: usize, done: &Done) {
        self.progress.finished(index, done);
    }
}
