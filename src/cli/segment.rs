//! `segment`: label images and outlines of a batch of slides.

use std::{path::PathBuf, sync::Arc};

use histograde::{
    Error, Result, Slide,
    batch::{self, Done, Job, Listener},
    pipeline::SlideResult,
    report::{geojson, label_layers},
    score::rubric::Rubric,
    watch::Watch,
};

use super::{Exit, Failure, args, console::Console, interrupt, plan, progress::Progress, words};

pub(super) fn run(args: &args::Segment, console: &Console) -> Result<Exit, Failure> {
    let models = plan::models(&args.batch.methods, args::Method::Net)?;
    let plan = plan::resolve(&args.batch, console)?.with_models(&models);
    let out = &args.batch.output;
    std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
    let watch = interrupt::watch()?;
    let writer = Writer {
        out: out.clone(),
        labels: args.labels,
        watch: watch.clone(),
        progress: Progress::new(console, &plan.jobs, &watch),
    };
    let done = batch::run(plan.jobs, &Rubric::builtin()?, plan.threads, &watch, &writer)?;
    drop(writer);
    console.say(format!("{}; label images in {}", words::totals(&done), out.display()));
    Ok(Exit::of(&done))
}

/// Writes the files of each slide.
struct Writer<'a> {
    out: PathBuf,
    labels: bool,
    watch: Arc<Watch>,
    progress: Progress<'a>,
}

impl Writer<'_> {
    fn outlines(&self, job: &Job) -> PathBuf {
        self.out.join(format!("{}.geojson", job.slide_id))
    }
}

impl Listener for Writer<'_> {
    fn prepare(&self, job: &Job) -> Result<()> {
        let labels = label_layers::layers(job.organ).into_iter();
        labels
            .map(|layer| label_layers::path(&self.out, &job.slide_id, layer))
            .chain([self.outlines(job)])
            .try_for_each(|path| super::remove(&path))
    }

    fn keep(&self, job: &Job, _slide: &Slide, result: &SlideResult) -> Result<()> {
        if self.labels {
            label_layers::write(&self.out, &job.slide_id, result, &self.watch)?;
        }
        geojson::write(&self.outlines(job), &job.slide_id, result)
    }

    fn started(&self, index: usize, job: &Job) {
        self.progress.started(index, job, &self.watch);
    }

    fn finished(&self, index: usize, done: &Done) {
        self.progress.finished(index, done);
    }
}
