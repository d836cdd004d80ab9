//! Where files of a run may lie: nothing that is read is written over, nor what another program or a person wrote.

use std::{
    fs,
    path::{Path, PathBuf},
};

use histograde::{Error, Result, measure::sizes, store};

use super::{How, closing, log, writer::FILES};
use crate::cli::{
    output::{self, Kind},
    plan::Plan,
};

/// What is told of the folder of results.
const OUT: &str = "folder for the results (-o)";
/// The files of a folder of results, and how each begins.
const TABLES: [(&str, &str); 4] = [
    ("slides.csv", "slide_id,path,status,"),
    ("long.csv", "tissue,feature,"),
    (sizes::table::FILE, "tissue,feature,"),
    ("run.json", "{\n  \"schema\": \"histograde-run/"),
];
/// How the result of a slide begins.
const RESULT: (&str, &str) = ("result.json", "{\n  \"schema\": \"histograde-slide/");

/// Checks, before anything is written, each place that is written to.
///
/// # Errors
///
/// [`Error::Config`] and [`Error::Io`] naming the option and the file that is kept.
pub(super) fn check(plan: &Plan, out: &Path, how: How<'_>) -> Result<()> {
    tables(plan, out)?;
    plan.jobs
        .iter()
        .try_for_each(|job| slide(&out.join("slides").join(&job.slide_id), &job.slide_id, out))?;
    drawn(plan, out)?;
    let outcome = how.part.and_then(|part| part.outcome.as_deref());
    let log = how.operation.log_json.as_deref();
    let wanted = [("--outcome", outcome, closing::START), ("--log-json", log, log::START)];
    for (option, path, start) in wanted.into_iter().filter_map(|(o, path, s)| Some((o, path?, s))) {
        let read = plan.jobs.iter().map(|job| &job.path).chain(&plan.read);
        output::check(option, read.map(PathBuf::as_path), path)?;
        beside(option, path, out)?;
        output::may_replace(option, path, Kind::Begins(start))?;
    }
    match (outcome, log) {
        (Some(a), Some(b)) if output::place(a) == output::place(b) => {
            Err(Error::config("--outcome and --log-json", "two files", a.display()))
        }
        _ => Ok(()),
    }
}

fn tables(plan: &Plan, out: &Path) -> Result<()> {
    TABLES.iter().try_for_each(|(name, start)| {
        let path = out.join(name);
        output::check(OUT, plan.read.iter().map(PathBuf::as_path), &path)?;
        output::may_replace(OUT, &path, Kind::Begins(start))
    })
}

/// Refuses the folder of a slide's result that holds files called as ours, though no run began a slide there.
fn slide(folder: &Path, slide_id: &str, out: &Path) -> Result<()> {
    if !folder.is_dir() || out.join(store::FOLDER).join(slide_id).is_dir() {
        return Ok(());
    }
    let (name, start) = RESULT;
    let is_result =
        |path: &Path| path.is_file() && output::may_replace(OUT, path, Kind::Begins(start)).is_ok();
    if is_result(&folder.join(name)) {
        return Ok(());
    }
    FILES.iter().try_for_each(|name| output::may_replace(OUT, &folder.join(name), Kind::New))
}

/// Refuses drawn areas where results are replaced.
fn drawn(plan: &Plan, out: &Path) -> Result<()> {
    let Ok(slides) = fs::canonicalize(out.join("slides")) else { return Ok(()) };
    let within = |path: &&PathBuf| output::place(path).starts_with(&slides);
    plan.read.iter().find(within).map_or(Ok(()), |path| {
        let got = format!("{}, which lies where this run writes; move it away", path.display());
        Err(Error::config(OUT, "one without files that are read", got))
    })
}

/// Refuses a file of the names that results have.
fn beside(option: &str, path: &Path, out: &Path) -> Result<()> {
    let (path, out) = (output::place(path), output::place(out));
    let names = TABLES.iter().map(|(name, _)| *name).chain(["slides", store::FOLDER, "comparison"]);
    let mut ours = names.map(|name| out.join(name));
    if path != out && !ours.any(|own| path.starts_with(own)) {
        return Ok(());
    }
    Err(Error::config(option, "a file that is none of the results", path.display()))
}
