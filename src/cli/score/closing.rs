//! What is done when all slides are: the outcome file and whoever wants to be told.

use std::{path::Path, process::Command};

use histograde::{Error, Result, batch::Done, report::partial::write_whole};
use serde_json::json;

use super::log;
use crate::cli::console::Console;

/// Failures that say nothing about the slide: it is not known yet what comes of it.
const PASSING: [&str; 5] = ["io", "interrupted", "changed", "not_scored", "config"];

/// Writes what came of each slide. A workflow takes the file for "this slide needs no further try".
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written.
pub(super) fn write_outcome(path: &Path, done: &[Done]) -> Result<()> {
    let passing = |d: &Done| d.excluded.is_none() && d.outcome.as_ref().is_err_and(|e| PASSING.contains(&e.kind()));
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
