//! `score`: measure and score a batch of slides.

mod closing;
mod dry_run;
mod log;
mod places;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use histograde::{
    Error, Result,
    annotation::Annotations,
    batch::{self, Done, IO_THREADS, Job, Memory, Options},
    export::tiles,
    measure::sizes,
    report::{partial, run_json, tables},
    score::rubric::Rubric,
    store::{self, Limit, Policy, Store},
    watch::Watch,
};
use serde_json::json;

pub(in crate::cli) use self::dry_run::run as dry_run;
use self::{log::Log, writer::Writer};
use super::{
    Exit, Failure, args, console::Console, inputs, interrupt, output, plan, progress::Progress, words,
};

pub(super) fn run(args: &args::Score, console: &Console) -> Result<Exit, Failure> {
    let rubric = match &args.rubric {
        Some(path) => Rubric::load(path).map_err(Failure::of(path))?,
        None => Rubric::builtin()?,
    };
    let models = plan::models(&args.batch.methods, plan::Usual::Score)?;
    let mut plan = plan::resolve(&args.batch, console)?.with_models(&models)?;
    plan.say_idle(&args.batch.methods, console);
    plan.choose(&args.scoring, console)?;
    plan.keep_part(&args.part)?;
    plan.read.extend(args.rubric.clone());
    if args.part.list {
        return list(&plan, args.scoring.annotations.as_deref());
    }
    if args.operation.dry_run {
        return dry_run(&plan, &rubric, &args.batch.output, &args.operation);
    }
    let watch = interrupt::watch()?;
    let how = How { operation: &args.operation, part: Some(&args.part) };
    let done = score(plan, &rubric, &args.batch.output, how, &watch, console)?;
    Ok(Exit::of(&done))
}

/// Prints the slides that are used, as a workflow needs to know them: the program alone reads every kind of sample sheet, and knows
/// which file of drawn areas belongs to which slide.
fn list(plan: &plan::Plan, annotations: Option<&Path>) -> Result<Exit, Failure> {
    let used = plan.jobs.iter().filter(|job| job.sample.as_ref().is_none_or(|s| s.exclude.is_none()));
    let one = |job: &Job| {
        let expected = "a path in UTF-8, as JSON holds no other; rename it";
        let refuse = || Error::config(format!("slide {}", job.slide_id), expected, job.path.display());
        let path = job.path.to_str().ok_or_else(refuse)?;
        let mut listed = json!({"slide_id": job.slide_id, "slide": path, "tissue": job.organ.name});
        let drawn = annotations.and_then(|given| Annotations::file_of(given, &job.slide_id, &job.path));
        if let Some(drawn) = drawn {
            listed["annotations"] = drawn.to_string_lossy().into();
        }
        Ok(listed)
    };
    let text = serde_json::to_string_pretty(&used.map(one).collect::<Result<Vec<_>>>()?);
    let text = text.map_err(|e| Error::io("express as JSON", Path::new("the slides"))(e.into()))?;
    super::print(&format!("{text}\n"))?;
    Ok(Exit::AllDone)
}

/// Time between checkpoints of a slide unless told otherwise.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);
/// More threads that read ahead ask a disk for more than it does at once.
const MOST_IO_THREADS: usize = 64;

/// How a batch is run, and which part of it.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    pub(super) operation: &'a args::Operation,
    pub(super) part: Option<&'a args::Part>,
}

impl How<'_> {
    fn policy(&self) -> Policy {
        let o = self.operation;
        let gather = self.part.is_some_and(|p| p.gather);
        let limit = if gather { Limit::Any } else { Limit::Of(o.slide_timeout) };
        Policy { fresh: o.fresh, retry_failed: o.retry_failed, verify: o.verify, limit }
    }
}

/// Scores a batch into a folder, tables included.
pub(super) fn score(
    plan: plan::Plan,
    rubric: &Rubric,
    out: &Path,
    how: How<'_>,
    watch: &Arc<Watch>,
    console: &Console,
) -> Result<Vec<Done>> {
    let start = Instant::now();
    inputs::apart(&plan.jobs, out)?;
    no_tiles(out)?;
    places::check(&plan, out, how)?;
    writable(out)?;
    partial::sweep_dead(out);
    let (operation, part) = (how.operation, how.part);
    let outcome = part.and_then(|p| p.outcome.as_deref());
    // What an earlier try said came of the slides goes: this one may leave nothing.
    outcome.map_or(Ok(()), super::remove)?;
    let log = Log::open(operation.log_json.as_deref(), console)?;
    let options = Options {
        threads: plan.threads,
        memory: operation.memory.unwrap_or_else(|| Memory::for_threads(plan.threads)),
        io_threads: operation.io_threads.unwrap_or(IO_THREADS).min(MOST_IO_THREADS),
        slide_timeout: operation.slide_timeout,
    };
    log.start(&plan, &options, out);
    let settings = plan.settings(rubric);
    let store = Store::new(out, how.policy());
    let writer = Writer {
        out: out.to_owned(),
        rubric,
        store: &store,
        gather: part.is_some_and(|p| p.gather),
        explain: operation.explain,
        checkpoint_every: Some(operation.checkpoint_every.unwrap_or(CHECKPOINT_EVERY))
            .filter(|e| !e.is_zero()),
        watch: watch.clone(),
        progress: Progress::new(console, &plan.jobs, watch, words::Told::Index),
        console,
        log: &log,
        records: Mutex::default(),
    };
    let done = batch::run(plan.jobs, rubric, &options, watch, &writer)?;
    let records = writer.into_records();
    let seconds = start.elapsed().as_secs_f64();
    let slides = done.iter().map(|d| d.job.slide_id.as_str()).collect();
    let whole = part.is_none_or(|p| !p.is_part());
    let mut others = Vec::new();
    let tables = match whole {
        false => Ok(()),
        true => closing::still_there(&store, &records, out).and_then(|()| {
            others = store::others(out, &slides)?;
            let about = run_json::Run {
                arguments: &super::typed(),
                settings: &settings,
                rubric: rubric.origin(),
                threads: plan.threads,
                seconds,
                done: &done,
                files: &records,
                not_in_tables: &others,
            };
            write_tables(out, rubric, &about)
        }),
    };
    let told = words::closing(&done, seconds, out, tables.is_ok());
    let written = tables.and_then(|()| match outcome {
        Some(path) => closing::write_outcome(path, &done),
        None => Ok(()),
    });
    let code = if written.is_err() { crate::cli::COULD_NOT_START } else { Exit::of(&done).code() };
    console.say(told);
    closing::copied(&done, &records).iter().for_each(|remark| console.say(format!("warning: {remark}")));
    if !others.is_empty() {
        console.say(words::not_in_tables(&others, out));
    }
    log.end(&done, seconds, code);
    if let Some(command) = &operation.notify_cmd {
        closing::notify(command, &done, seconds, code, out, console);
    }
    written.map(|()| done)
}

fn write_tables(out: &Path, rubric: &Rubric, run: &run_json::Run<'_>) -> Result<()> {
    tables::write_slides(&out.join("slides.csv"), run.done, rubric)?;
    tables::write_long(&out.join("long.csv"), run.done, rubric)?;
    tables::write_sizes(&out.join(sizes::table::FILE), run.done)?;
    run_json::write(out, run)
}

/// Refuses a folder of `tile`, whose tables would be written over.
fn no_tiles(out: &Path) -> Result<()> {
    tiles::tiles_in(out).map_or(Ok(()), |path| {
        let got = format!("one of `tile`, which holds {}; choose another", path.display());
        Err(Error::config("folder for the results (-o)", "a new one, or one of `score`", got))
    })
}

/// Makes the output folder. The store tells `status` that results come here, also before the first slide is begun.
fn writable(out: &Path) -> Result<()> {
    output::folder(out)?;
    let store = out.join(store::FOLDER);
    std::fs::create_dir_all(&store).map_err(Error::io("create", &store))
}
