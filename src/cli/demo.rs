//! `demo`: a small study of phantoms, scored like any other, with a page to look at.

mod study;

use std::path::Path;

use histograde::{
    batch::Done,
    report::{index_page::Page, partial::write_whole},
    score::rubric::Rubric,
};

use self::study::{Size, Study};
use super::{Exit, Failure, args, console::Console, interrupt, plan, score, words};

const QUICK: Size = Size { animals: 1, side_px: 2048 };
const FULL: Size = Size { animals: 3, side_px: 3072 };
const RESULTS: &str = "results";

pub(super) fn run(args: &args::Demo, console: &Console) -> Result<Exit, Failure> {
    let size = if args.quick { QUICK } else { FULL };
    let watch = interrupt::watch()?;
    console.say(format!("painting phantoms into {}", args.output.join("slides").display()));
    let study = study::make(&args.output, size, &watch, |id| console.detail(format!("painted {id}")))?;
    console.say(format!("scoring {} slides of {}", study.slides, study.sheet.display()));
    let plan = plan::of_sheet(&study.sheet, args.threads)?;
    let done = score::score(plan, &Rubric::builtin()?, &args.output.join(RESULTS), &watch, console)?;
    let page = args.output.join("index.html");
    write_whole(&page, html(&study, &done).as_bytes())?;
    console.say(words::totals(&done));
    super::print(&format!("{}\n", absolute(&page).display()))?;
    Ok(Exit::of(&done))
}

fn html(study: &Study, done: &[Done]) -> String {
    Page {
        title: "histograde demonstration study",
        lead: "Synthetic H&E slides (phantoms) of liver, kidney and pancreas in four groups: normal, diabetic, \
               treated with a low and with a high dose. No animal was involved; what the disease does here was \
               chosen for the demonstration. It shows how slides are read, measured and scored, and how near \
               the measurements come to the truth that is known for phantoms.",
        slides: done,
        truth: &study.truth,
        results: RESULTS,
    }
    .html()
}

fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
