//! `status`: what an output folder holds while others work at it.

use std::fmt::Write as _;

use histograde::{Error, store};
use serde_json::json;

use super::{Exit, Failure, args};

pub(super) fn run(args: &args::Status) -> Result<Exit, Failure> {
    if !args.out.is_dir() {
        let got = if args.out.exists() { "a file" } else { "nothing of that name" };
        return Err(Error::config(args.out.display().to_string(), "a folder of results", got).into());
    }
    let store = args.out.join(store::FOLDER);
    let facts = std::fs::metadata(&store);
    if let Err(error) = &facts
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return facts.map(|_| Exit::AllDone).map_err(|e| Error::io("read", store)(e).into());
    }
    if !facts.is_ok_and(|facts| facts.is_dir()) {
        let expected = "a folder that `histograde score` or `run` writes results to";
        let got = format!("one without {}/", store::FOLDER);
        return Err(Error::config(args.out.display().to_string(), expected, got).into());
    }
    let found = store::overview(&args.out)?;
    let text = if args.json { as_json(&found) } else { as_text(&found, args.show as usize) };
    super::print(&text)?;
    Ok(Exit::from_failures(found.failed.len() + found.abandoned.len()))
}

fn as_text(found: &store::Overview, show: usize) -> String {
    let mut text = format!(
        "{} done, {} failed, {} in work, {} abandoned\n",
        found.done,
        found.failed.len(),
        found.working.len(),
        found.abandoned.len()
    );
    for (slide_id, owner) in &found.working {
        let _ = writeln!(text, "in work: {slide_id}, by process {} on {}", owner.pid, owner.host);
    }
    for slide_id in &found.abandoned {
        let _ = writeln!(text, "abandoned: {slide_id}; its process is dead, the next run takes it");
    }
    for slide_id in &found.begun {
        let _ = writeln!(text, "checkpoint: {slide_id}; a run that is stopped goes on from it");
    }
    for (slide_id, error) in found.failed.iter().take(show) {
        let _ = writeln!(text, "failed: {slide_id}: {error}");
    }
    if found.failed.len() > show {
        let _ = writeln!(text, "and {} more failed", found.failed.len() - show);
    }
    text
}

fn as_json(found: &store::Overview) -> String {
    let pair = |(slide_id, error): &(String, String)| json!({"slide_id": slide_id, "error": error});
    let work = |(slide_id, owner): &(String, store::lock::Owner)| json!({"slide_id": slide_id, "host": owner.host, "pid": owner.pid});
    let value = json!({
        "done": found.done,
        "failed": found.failed.iter().map(pair).collect::<Vec<_>>(),
        "working": found.working.iter().map(work).collect::<Vec<_>>(),
        "abandoned": found.abandoned,
        "checkpoints": found.begun,
    });
    format!("{value:#}\n")
}
