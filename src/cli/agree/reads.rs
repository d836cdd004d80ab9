//! Results against a pathologist's grades.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use histograde::{
    Result,
    calibrate::agree::{Agreement, Estimated, agree},
    report::{agreement, run_json},
    score::rubric::Rubric,
};
use serde_json::{Value, json};

use super::{YARDSTICK_GRADES, YARDSTICK_MEASURES, tell_yardstick};
use crate::cli::{
    Exit, Failure, args,
    output::{Kind, check, may_replace},
    print,
};

pub(super) fn run(args: &args::Agree, reads: &Path, output: &Path) -> Result<Exit, Failure> {
    let rubric = match &args.rubric {
        Some(path) => Rubric::load(path).map_err(Failure::of(path))?,
        None => Rubric::builtin()?,
    };
    own(output, [Some(reads), args.manifest.as_deref(), args.rubric.as_deref()])?;
    // Tables that were changed by hand are no results.
    let made_again = run_json::agree(&args.table)?;
    let all = agree(&args.table, &rubric, reads, args.manifest.as_deref(), args.alpha)?;
    agreement::write(output, &all)?;
    if args.json {
        let lesions: Vec<Value> = all.iter().map(lesion).collect();
        print(&format!("{:#}\n", json!({ "warnings": made_again, "lesions": lesions })))?;
        return Ok(Exit::AllDone);
    }
    let mut text: String = made_again.iter().map(|remark| format!("warning: {remark}\n")).collect();
    for a in &all {
        let _ = write!(text, "{}, {}: {} slides", a.tissue, a.label, a.pairs.len());
        if let Some(animals) = a.animals.filter(|_| !a.pairs.is_empty()) {
            let _ = write!(text, " of {animals} animal{}", if animals == 1 { "" } else { "s" });
        }
        if a.ungraded > 0 {
            let _ = write!(text, ", {} that were read have no grade in the results", a.ungraded);
        }
        text.push('\n');
        for remark in &a.remarks {
            let _ = writeln!(text, "  warning: {remark}");
        }
        if a.pairs.is_empty() {
            continue;
        }
        for (name, estimate) in a.measures() {
            let name = name.replace('_', " ");
            let _ = match estimate {
                Ok(Estimated { value, interval: Ok(i), by }) => {
                    writeln!(text, "  {name}: {value:.3} [{:.3}, {:.3}] ({})", i.lo, i.hi, by.as_str())
                }
                Ok(Estimated { value, interval: Err(why), .. }) => {
                    writeln!(text, "  {name}: {value:.3} ({why})")
                }
                Err(why) => writeln!(text, "  {name}: not measured, {why}"),
            };
        }
    }
    tell_yardstick(&mut text, YARDSTICK_GRADES.iter().chain(&YARDSTICK_MEASURES));
    let _ = writeln!(text, "tables and figures: {}", output.display());
    print(&text)?;
    Ok(Exit::AllDone)
}

/// Refuses a folder whose files of these names are other ones, or are read here.
fn own(output: &Path, read: [Option<&Path>; 3]) -> Result<()> {
    let tables = ["agreement.csv", "pairs.csv"].map(|name| output.join(name));
    for path in &tables {
        check("-o", read.into_iter().flatten(), path)?;
        may_replace("-o", path, Kind::Begins("tissue,lesion,"))?;
    }
    // Figures are an earlier run's where its tables are.
    let kind = if tables.iter().all(|path| path.is_file()) { Kind::Begins("") } else { Kind::New };
    let is_figure = |path: &PathBuf| {
        let stem = path.file_stem().is_some_and(|s| s.to_string_lossy().ends_with("_bland_altman"));
        stem && path.extension().is_some_and(|e| e == "svg" || e == "png")
    };
    let entries = fs::read_dir(output).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    entries.filter(is_figure).try_for_each(|path| may_replace("-o", &path, kind))
}

fn lesion(a: &Agreement) -> Value {
    let mut value = json!({
        "tissue": a.tissue, "lesion": a.lesion, "slides": a.pairs.len(), "animals": a.animals, "ungraded": a.ungraded,
        "remarks": a.remarks, "pairs": a.pairs,
    });
    for (name, estimate) in a.measures() {
        value[name] = match estimate {
            Ok(Estimated { value, interval: Ok(i), by }) => {
                json!({ "value": value, "interval": [i.lo, i.hi], "interval_by": by.as_str() })
            }
            Ok(Estimated { value, interval: Err(why), .. }) => {
                json!({ "value": value, "interval": null, "missing": why.to_string() })
            }
            Err(why) => json!({ "value": null, "missing": why.to_string() }),
        };
    }
    value
}
