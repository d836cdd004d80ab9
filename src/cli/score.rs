//! `score`: measure and score a batch of slides.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use histograde::{
    Error, Result, Slide,
    batch::{self, Done, Job, Listener},
    organ::species,
    pipeline::SlideResult,
    report::{
        fields::{self, Fields},
        geojson, overview, run_json, slide_json, tables,
    },
    score::rubric::Rubric,
    watch::Watch,
};

use super::{Exit, Failure, args, console::Console, interrupt, plan, progress::Progress, words};

/// The files of one slide, in the order they are written; the last one says that the others are whole.
const SLIDE_FILES: [&str; 4] = ["objects.geojson", "overview.png", "quality.png", "result.json"];

/// Counts in microscope fields, when asked for.
const FIELDS: &str = "fields.csv";

pub(super) fn run(args: &args::Score, console: &Console) -> Result<Exit, Failure> {
    let rubric = match &args.rubric {
        Some(path) => Rubric::load(path).map_err(Failure::of(path))?,
        None => Rubric::builtin()?,
    };
    let mut plan = plan::resolve(&args.batch, console)?;
    for job in &mut plan.jobs {
        job.max_bad_tiles = args.max_bad_tiles / 100.0;
        job.options.max_artefact_pct = args.max_artefact;
        let of_sheet = job.sample.as_ref().and_then(|s| s.species);
        job.options.species = of_sheet.or_else(|| species::find(&args.species)).unwrap_or_default();
    }
    if let Some(given) = &args.annotations {
        plan::annotate(&mut plan.jobs, given, console)?;
    }
    let watch = interrupt::watch()?;
    let fields = args.fields.map(|count| Fields {
        count,
        objective: args.objective,
        field_number_mm: args.field_number,
    });
    let done = score(plan, &rubric, fields, &args.batch.output, &watch, console)?;
    console.say(format!("{}; results in {}", words::totals(&done), args.batch.output.display()));
    Ok(Exit::of(&done))
}

/// Scores a batch into a folder, tables included.
pub(super) fn score(
    plan: plan::Plan,
    rubric: &Rubric,
    fields: Option<Fields>,
    out: &Path,
    watch: &Arc<Watch>,
    console: &Console,
) -> Result<Vec<Done>> {
    let start = Instant::now();
    std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
    let settings = plan.settings(rubric);
    let progress = Progress::new(console, &plan.jobs, watch);
    let writer = Writer { out: out.to_owned(), rubric, fields, watch: watch.clone(), progress };
    let done = batch::run(plan.jobs, rubric, plan.threads, watch, &writer)?;
    drop(writer);
    tables::write_slides(&out.join("slides.csv"), &done, rubric)?;
    tables::write_long(&out.join("long.csv"), &done, rubric)?;
    let arguments: Vec<String> = std::env::args().collect();
    let seconds = start.elapsed().as_secs_f64();
    run_json::write(
        &out.join("run.json"),
        &run_json::Run {
            arguments: &arguments,
            settings: &settings,
            rubric: rubric.origin(),
            threads: plan.threads,
            seconds,
            done: &done,
        },
    )?;
    Ok(done)
}

/// Writes the files of each slide.
struct Writer<'a> {
    out: PathBuf,
    rubric: &'a Rubric,
    fields: Option<Fields>,
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
        let names = SLIDE_FILES.iter().rev().chain(&overview::REPORT_PICTURES).chain([&FIELDS]);
        names.into_iter().try_for_each(|name| super::remove(&self.file(job, name)))
    }

    fn keep(&self, job: &Job, slide: &Slide, result: &SlideResult) -> Result<()> {
        let [objects, overview, quality, numbers] = SLIDE_FILES.map(|name| self.file(job, name));
        geojson::write(&objects, &job.slide_id, result)?;
        overview::write(slide, result, &job.slide_id, &overview)?;
        if let Some(fields) = &self.fields {
            fields::write(&self.file(job, FIELDS), fields, &job.slide_id, result)?;
        }
        overview::write_quality(slide, result, &job.slide_id, &quality)?;
        overview::write_report_pictures(slide, result, &self.out.join("slides").join(&job.slide_id))?;
        slide_json::write(&numbers, &job.slide_id, &result.summary, self.rubric.origin())
    }

    fn started(&self, index: usize, job: &Job) {
        self.progress.started(index, job, &self.watch);
    }

    fn finished(&self, index: usize, done: &Done) {
        self.progress.finished(index, done);
    }
}
