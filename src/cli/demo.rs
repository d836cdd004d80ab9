//! `demo`: a small study of phantoms, scored like any other, with a page to look at.

mod study;

use std::path::{Path, PathBuf};

use histograde::{
    batch::Done,
    manifest,
    report::{index_page::Page, partial::write_whole},
    score::rubric::Rubric,
    segment::models::Models,
};

use self::study::{Size, Study};
use super::{
    Exit, Failure, args,
    compare::{FOLDER, Prepared},
    console::Console,
    interrupt,
    output::{self, Kind, may_replace},
    plan, score,
};

const QUICK: Size = Size { animals: 3, side_px: 1280 };
const FULL: Size = Size { animals: 3, side_px: 3072 };
const RESULTS: &str = "results";
const TITLE: &str = "histograde demonstration study";

pub(super) fn run(args: &args::Demo, console: &Console) -> Result<Exit, Failure> {
    let size = if args.quick { QUICK } else { FULL };
    study::own(&args.output, size)?;
    let page = args.output.join("index.html");
    may_replace("--output", &page, Kind::Holds(TITLE.as_bytes()))?;
    output::folder(&args.output)?;
    let watch = interrupt::watch()?;
    console.say(format!("painting phantoms into {}", args.output.join("slides").display()));
    let study = study::make(&args.output, size, &watch, |id| console.detail(format!("painted {id}")))?;
    console.say(format!("scoring {} slides of {}", study.slides, study.sheet.display()));
    let plan = plan::of_sheet(&study.sheet, None, args.threads)?.with_models(&Models::of_scores()?)?;
    let operation = args::Operation::default();
    let how = score::How { operation: &operation, part: None };
    let done = score::score(plan, &Rubric::builtin()?, &args.output.join(RESULTS), how, &watch, console)?;
    write_whole(&page, html(&study, &done).as_bytes())?;
    let report = compare(&study, args, console)?;
    super::print(&format!("{}\n{}\n", absolute(&page).display(), absolute(&report).display()))?;
    Ok(Exit::of(&done))
}

/// Compares the groups as `compare` would; returns the report.
fn compare(study: &Study, args: &args::Demo, console: &Console) -> Result<PathBuf, Failure> {
    let design = args::Design {
        manifest: study.sheet.clone(),
        study: Some(study.description.clone()),
        animals: None,
        rubric: None,
        title: Some(TITLE.into()),
        qupath_names: true,
    };
    let results = args.output.join(RESULTS);
    let out = results.join(FOLDER);
    Prepared::of(&design, manifest::read_key(&study.sheet)?)?.compare(&results, &out, console)?;
    Ok(out.join("report.html"))
}

fn html(study: &Study, done: &[Done]) -> String {
    Page {
        title: TITLE,
        lead: "Synthetic H&E slides (phantoms) of liver, kidney and pancreas in four groups: normal, diabetic, \
               treated with a low and with a high dose. No animal was involved; what the disease does here was \
               chosen for the demonstration. It shows how slides are read, measured and scored, and how near \
               the measurements come to the truth that is known for phantoms.",
        slides: done,
        truth: &study.truth,
        results: RESULTS,
        report: Some("results/comparison/report.html"),
    }
    .html()
}

fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
