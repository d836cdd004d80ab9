//! `segment`: label images and outlines of a batch of slides.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use histograde::{
    Error, Result, Slide,
    batch::{self, Claim, Done, Job, Listener, Options},
    organ::species,
    pipeline::SlideResult,
    report::{geojson, label_layers, partial::write_whole, segment_json},
    score::rubric::Rubric,
    store::Source,
    watch::Watch,
};
use serde_json::json;

use super::{
    Exit, Failure, args,
    console::Console,
    interrupt,
    output::{self, Kind, may_replace},
    plan,
    progress::Progress,
    words,
};

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
    plan.say_idle_species(&args.species, console);
    let out = &args.batch.output;
    apart(&plan.jobs, out)?;
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
    let drawn = done.iter().any(|d| matches!(d.status(), "scored" | "blank"));
    let what = match (drawn, args.labels) {
        (false, _) => "nothing was outlined",
        (true, false) => "outlines",
        (true, true) => "label images and outlines",
    };
    let left_out = words::left_out(&done, &format!("<slide_id>.{MADE_WITH}"));
    console.say(format!("{}; {what} in {}{warned}{left_out}", words::totals(&done), out.display()));
    Ok(Exit::of(&done))
}

/// Refuses slides that have the place of a file that is written.
fn apart(jobs: &[Job], out: &Path) -> Result<()> {
    let layers = |job: &Job| label_layers::layers(job.organ).into_iter().map(|layer| format!("{layer}.tif"));
    let names = |job: &Job| {
        let endings = layers(job).chain(["geojson", MADE_WITH].map(str::to_owned));
        endings.map(|ending| OsString::from(format!("{}.{ending}", job.slide_id))).collect::<Vec<_>>()
    };
    let written: BTreeSet<OsString> = jobs.iter().flat_map(names).collect();
    let folder = output::place(out);
    let is_written = |job: &&Job| {
        let path = output::place(&job.path);
        let name = path.file_name().is_some_and(|name| written.contains(name));
        name && path.parent() == Some(&folder)
    };
    jobs.iter().find(is_written).map_or(Ok(()), |job| {
        let got = format!("{}, which would be written over; choose another", job.path.display());
        Err(Error::config(OUT, "one without slides that are called as its files", got))
    })
}

/// What files that are not replaced are told of with.
const OUT: &str = "folder for the results (-o)";
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

    fn label_images(&self, job: &Job) -> impl Iterator<Item = PathBuf> {
        let layers = label_layers::layers(job.organ).into_iter();
        layers.map(|layer| label_layers::path(&self.out, &job.slide_id, layer))
    }

    /// Label images and outlines.
    fn drawn(&self, job: &Job) -> impl Iterator<Item = PathBuf> {
        self.label_images(job).chain([self.outlines(job)])
    }
}

impl Listener for Writer<'_> {
    type Held = Source;

    fn claim(&self, _index: usize, job: &Job) -> Result<Claim<Source>> {
        let (source, made_with) = (Source::of(&job.path), self.made_with(job));
        may_replace(OUT, &made_with, Kind::Begins("{\n  \"schema\": \"histograde-segment/"))?;
        let there = segment_json::source(&made_with);
        source.may_replace(there.as_ref(), &made_with)?;
        may_replace(OUT, &self.outlines(job), Kind::Begins(geojson::START))?;
        // Label images are anybody's, unless it is said beside them that they were made here.
        let kind = if there.is_some() { Kind::Begins("") } else { Kind::New };
        self.label_images(job).try_for_each(|path| may_replace(OUT, &path, kind))?;
        self.drawn(job).try_for_each(|path| super::remove(&path))?;
        let begun = json!({ "schema": "histograde-segment/1", "source": source, "status": "in_work" });
        write_whole(&made_with, format!("{begun:#}\n").as_bytes())?;
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

    fn failed(&self, job: &Job, _: &Source, _: &Error, _: f64) {
        // What cannot be removed is replaced by the next run, which the last of them allows.
        if self.drawn(job).try_for_each(|path| super::remove(&path)).is_ok() {
            let _ = super::remove(&self.made_with(job));
        }
    }

    fn started(&self, index: usize, job: &Job, watch: &Arc<Watch>) {
        self.progress.started(index, job, watch);
    }

    fn finished(&self, index: usize, done: &Done) {
        self.progress.finished(index, done);
    }
}
