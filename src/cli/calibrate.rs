//! `calibrate`: a rubric file from a laboratory's own controls and grades.

use std::fmt::Write as _;

use histograde::{
    Result,
    calibrate::{Calibrated, calibrate},
    report::{partial::write_whole, run_json},
    score::rubric::Rubric,
};

use super::{
    Exit, Failure, args,
    console::Console,
    output::{self, Kind},
};

pub(super) fn run(args: &args::Calibrate, console: &Console) -> Result<Exit, Failure> {
    let read = [&args.reads, &args.manifest, &args.rubric].into_iter().flatten();
    output::check("output", read.map(|path| path.as_path()), &args.output)?;
    output::may_replace("output", &args.output, Kind::Json("calibration"))?;
    let rubric = match &args.rubric {
        Some(path) => Rubric::load(path).map_err(Failure::of(path))?,
        None => Rubric::builtin()?,
    };
    // Tables that were changed by hand are no results.
    let made_again = run_json::agree(&args.results)?;
    let (controls, reads) = (args.controls.as_deref(), args.reads.as_deref());
    let done = calibrate(&args.results, &rubric, controls, reads, args.manifest.as_deref())?;
    write_whole(&args.output, &done.rubric)?;
    for warning in made_again.iter().chain(&done.warnings) {
        console.say(format!("warning: {warning}"));
    }
    super::print(&text(&done))?;
    console.say(format!("wrote {}", args.output.display()));
    Ok(Exit::AllDone)
}

fn text(done: &Calibrated) -> String {
    let c = &done.calibration;
    let mut text = String::new();
    if !done.kept.is_empty() {
        let _ = writeln!(text, "kept of the rubric before: {}", done.kept.join("; "));
    }
    let features: usize = c.ranges.values().map(|r| r.len()).sum();
    let ranges = if features > 0 { format!("; ranges of {features} features") } else { String::new() };
    let _ = writeln!(text, "calibrated: {}{ranges}", c.words());
    for (tissue, features) in &c.cut_offs {
        for (feature, found) in features {
            let _ = writeln!(text, "{tissue}, {feature}: {found}");
        }
    }
    for (tissue, lesions) in &c.fitted {
        for (lesion, fitted) in lesions {
            let cuts = fitted.cuts.iter().zip(&fitted.reached);
            let cuts: Vec<String> = cuts
                .map(|(v, &reached)| format!("{v:.3}{}", if reached { "" } else { " (not reached)" }))
                .collect();
            let _ = write!(text, "{tissue}, {lesion}: cut-offs {}", cuts.join(", "));
            let _ = write!(text, "; {} grades of {}", fitted.slides, fitted.whose());
            if let Some(k) = fitted.kappa {
                let interval = match (fitted.kappa_interval, &fitted.no_interval) {
                    (Some([lo, hi]), _) => format!(" [{lo:.2}, {hi:.2}]"),
                    (None, Some(why)) => format!(" ({why})"),
                    (None, None) => String::new(),
                };
                let left_out = if fitted.animals > fitted.unnamed { "animals" } else { "slides" };
                let _ = write!(text, "; weighted kappa {k:.2}{interval} by leaving {left_out} out");
            }
            if let Some(before) = fitted.kappa_before {
                let _ = write!(text, ", {before:.2} with the cut-offs before");
            }
            text.push('\n');
        }
    }
    text
}
