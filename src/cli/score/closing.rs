//! What is done when all slides are: the outcome file and whoever wants to be told.

use std::{collections::BTreeMap, path::Path, process::Command};

use histograde::{
    Error, Result,
    batch::{Done, copies},
    report::partial::write_whole,
    store::{Kept, Store},
    words::listed,
};
use serde_json::json;

use super::log;
use crate::cli::console::Console;

/// What a file of outcomes begins with.
pub(super) const START: &str = "{\n  \"schema\": \"histograde-outcome/";

/// Slides that an error names.
const NAMED: usize = 8;

/// Failures that say nothing about the slide: it is not known yet what comes of it.
const PASSING: [&str; 5] = ["io", "interrupted", "changed", "not_scored", "config"];

/// Refuses to make tables of results that are not there any more: another process with other options made them again.
///
/// # Errors
///
/// [`Error::Config`] naming the slides, [`Error::Io`] if the store cannot be read.
pub(super) fn still_there(store: &Store, records: &BTreeMap<String, Kept>, out: &Path) -> Result<()> {
    let mut replaced = Vec::new();
    for (slide_id, kept) in records {
        if store.replaced(slide_id, kept)? {
            replaced.push(slide_id.clone());
        }
    }
    if replaced.is_empty() {
        return Ok(());
    }
    let got = format!(
        "others of {} meanwhile ({}), by another process with other options or another file: no tables are written. Give one \
         of the commands again when nothing else runs, or choose another folder (-o)",
        if replaced.len() == 1 { "1 slide".into() } else { format!("{} slides", replaced.len()) },
        listed(&replaced, NAMED)
    );
    Err(Error::config(format!("{}", out.join("store").display()), "the results of this command", got))
}

/// Returns what is to be said of slides that are one and the same file.
pub(super) fn copied(done: &[Done], records: &BTreeMap<String, Kept>) -> Vec<String> {
    let measured = done.iter().filter(|d| matches!(d.status(), "scored" | "blank"));
    let one = |d: &Done| {
        let content = records.get(&d.job.slide_id)?.whole.as_ref()?.sha256.clone();
        let animal = d.job.sample.as_ref().map(|s| s.animal_id.clone()).filter(|id| !id.is_empty());
        Some(copies::Row {
            slide_id: d.job.slide_id.clone(),
            tissue: d.job.organ.name.into(),
            animal,
            content,
        })
    };
    copies::remarks(&measured.filter_map(one).collect::<Vec<_>>())
}

/// Writes what came of each slide. A workflow takes the file for "this slide needs no further try".
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written.
pub(super) fn write_outcome(path: &Path, done: &[Done]) -> Result<()> {
    let passing =
        |d: &Done| d.excluded.is_none() && d.outcome.as_ref().is_err_and(|e| PASSING.contains(&e.kind()));
    if done.iter().any(passing) {
        return Ok(());
    }
    let slides: Vec<_> = done.iter().map(log::outcome).collect();
    let mut text = serde_json::to_vec_pretty(&json!({"schema": "histograde-outcome/1", "slides": slides}))
        .map_err(|e| Error::io("write", path)(e.into()))?;
    text.push(b'\n');
    write_whole(path, &text)
}

/// Runs the user's command. That it fails is told and changes nothing.
pub(super) fn notify(command: &str, done: &[Done], seconds: f64, code: u8, out: &Path, console: &Console) {
    let shell = if cfg!(windows) { ["cmd", "/C"] } else { ["sh", "-c"] };
    let counts = log::counts(done);
    let mut run = Command::new(shell[0]);
    run.arg(shell[1]).arg(command);
    for (name, count) in counts.as_object().into_iter().flatten() {
        run.env(format!("HISTOGRADE_{}", name.to_uppercase()), count.to_string());
    }
    let word = if code == 0 { "done" } else { "incomplete" };
    run.env("HISTOGRADE_STATUS", word).env("HISTOGRADE_EXIT", code.to_string());
    run.env("HISTOGRADE_SECONDS", format!("{seconds:.1}")).env("HISTOGRADE_OUT", out);
    match run.status() {
        Ok(status) if status.success() => {}
        Ok(status) => console.error(format!("--notify-cmd ended with {status}")),
        Err(error) => console.error(format!("--notify-cmd could not be run: {error}")),
    }
}
