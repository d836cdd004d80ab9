//! `calibrate`: a rubric file from a laboratory's own controls and grades.

use std::fmt::Write as _;

use histograde::{
    Result,
    calibrate::{Calibrated, calibrate},
    report::partial::write_whole,
    score::rubric::Rubric,
};

use super::{Exit, Failure, args, console::Console, output};

pub(super) fn run(args: &args::Calibrate, console: &Console) -> Result<Exit, Failure> {
    output::check(
        [&args.reads, &args.manifest].into_iter().flatten().map(|path| path.as_path()),
        &args.output,
    )?;
    let rubric = match &args.rubric {
        Some(path) => Rubric::load(path).map_err(Failure::of(path))?,
        None => Rubric::builtin()?,
    };
    let (controls, reads) = (args.controls.as_deref(), args.reads.as_deref());
    let done = calibrate(&args.results, &rubric, controls, reads, args.manifest.as_deref())?;
    write_whole(&args.output, &done.rubric)?;
    for warning in &done.warnings {
        console.say(format!("warning: {warning}"));
    }
    super::print(&text(&done))?;
    console.say(format!("wrote {}", args.output.display()));
    Ok(Exit::AllDone)
}

fn text(done: &Calibrated) -> String {
    let c = &done.calibration;
    let mut text = String::new();
    if !c.controls.is_empty() {
        let features: usize = c.ranges.values().map(|r| r.len()).sum();
        let _ = writeln!(text, "controls: {} animals of {}, {features} features", c.animals, c.controls);
    }
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
            let _ = write!(text, "; {} slides of {} animals", fitted.slides, fitted.animals);
            if let Some(k) = fitted.kappa {
                let interval = match fitted.kappa_interval {
                    Some([lo, hi]) => format!("[{lo:.2}, {hi:.2}]"),
                    None => "(no interval: fewer than 11 animals, or grades hardly vary)".to_owned(),
                };
                let _ = write!(text, "; weighted kappa {k:.2} {interval} by leaving animals out");
            }
            if let Some(before) = fitted.kappa_before {
                let _ = write!(text, ", {before:.2} with the cut-offs before");
            }
            text.push('\n');
        }
    }
    text
}
