//! `segment`: label images and outlines of a batch of slides.

use std::{path::PathBuf, sync::Arc};

use histograde::{
    Error, Result, Slide,
    batch::{self, Claim, Done, Job, Listener, Options},
    organ::species,
    pipeline::SlideResult,
    report::{geojson, label_layers, segment_json},
    score::rubric::Rubric,
    store::Source,
    watch::Watch,
};

use super::{Exit, Failure, args, console::Console, interrupt, output, plan, progress::Progress, words};

pub(super) fn run(args: &args::Segment, console: &Console) -> Result<Exit, Failure> {
    let mut models = plan::models(&args.batch.methods, plan::Usual::Segment)?;
    let pas = args.stain == args::Stain::Pas;
    if pas {
        models = plan::of_pas(models)?;
    }
    let mut plan = plan::resolve(&args.batch, console)?.with_models(&models)?;
    plan.say_idle(&args.batch.methods, console);
    if let Some(job) = plan.jobs.iter().find(|job| pas && !job.organ.has_glomeruli()) {
        return Err(Error::config("tissue with --stain pas", "kidney", job.organ.name).into());
    }
    for job in &mut plan.jobs {
        job.max_bad_tiles = args.max_bad_tiles / 100.0;
        let of_sheet = job.sample.as_ref().and_then(|s| s.species);
        job.options.species = of_sheet.or_else(|| species::find(&args.species)).unwrap_or_default();
    }
    let out = &args.batch.output;
    output::folder(out)?;
    let watch = interrupt::watch()?;
    let writer = Writer {
        out: out.clone(),
        labels: args.labels,
        progress: Progress::new(console, &plan.jobs, &watch, words::Told::Objects),
    };
    let done =
        batch::run(plan.jobs, &Rubric::builtin()?, &Options::of_threads(plan.threads), &watch, &writer)?;
    drop(writer);
    let warned = done.iter().filter(|d| d.facts().is_some_and(|s| !s.warnings.is_empty())).count();
    let warned = match warned {
        0 => String::new(),
        n => format!("; {n} with warnings, see <slide_id>.{MADE_WITH}"),
    };
    console.say(format!("{}; label images in {}{warned}", words::totals(&done), out.display()));
    Ok(Exit::of(&done))
}

/// Ending of the file that says what a slide's outlines were made with.
const MADE_WITH: &str = "segment.json";

/// Writes the files of each slide.
struct Writer<'a> {
    out: PathBuf,
    labels: bool,
    progress: Progress<'a>,
}

impl Writer<'_> {
    fn outlines(&self, job: &Job) -> PathBuf {
        self.out.join(format!("{}.geojson", job.slide_id))
    }

    fn made_with(&self, job: &Job) -> PathBuf {
        self.out.join(format!("{}.{MADE_WITH}", job.slide_id))
    }
}

impl Listener for Writer<'_> {
    type Held = Source;

    fn claim(&self, _index: usize, job: &Job) -> Result<Claim<Source>> {
        let (source, made_with) = (Source::of(&job.path), self.made_with(job));
        source.may_replace(segment_json::source(&made_with).as_ref(), &made_with)?;
        let labels = label_layers::layers(job.organ).into_iter();
        labels
            .map(|layer| label_layers::path(&self.out, &job.slide_id, layer))
            .chain([made_with, self.outlines(job)])
            .try_for_each(|path| super::remove(&path))?;
        Ok(Claim::Score(source))
    }

    fn keep(&self, job: &Job, source: &Source, _: &Slide, result: &SlideResult, watch: &Watch) -> Result<()> {
        // Of a slide that was left out nothing is drawn: what was found before that was known says nothing.
        let left_out = result.summary.refused.is_some();
        if self.labels && !left_out {
            label_layers::write(&self.out, &job.slide_id, result, watch)?;
        }
        if !left_out {
            geojson::write(&self.outlines(job), &job.slide_id, result)?;
        }
        segment_json::write(&self.made_with(job), &job.slide_id, source, &result.summary)
    }

    fn started(&self, index: usize, job: &Job, watch: &Arc<Watch>) {
        self.progress.started(index, job, watch);
    }

    fn finished(&self, index: usize, done: &Done) {
        self.progress.finished(index, done);
    }
}
