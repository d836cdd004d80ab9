//! `--log-json`: what happens, one line of JSON per event.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime},
};

use histograde::{
    Error, Result,
    batch::{Done, Job, Options},
};
use serde_json::{Value, json};

use crate::cli::{console::Console, plan::Plan};

/// What a log begins with.
pub(super) const START: &str = "{\"event\":\"";

/// Appends lines to a file, or does nothing.
pub(super) struct Log<'a> {
    file: Option<(Mutex<File>, PathBuf)>,
    start: Instant,
    console: &'a Console,
    /// Whether it was told that lines are missing.
    told: AtomicBool,
}

impl<'a> Log<'a> {
    pub(super) fn open(path: Option<&Path>, console: &'a Console) -> Result<Self> {
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map(|file| (Mutex::new(file), path.to_owned())).map_err(Error::io("open", path))
        };
        let told = AtomicBool::new(false);
        Ok(Self { file: path.map(open).transpose()?, start: Instant::now(), console, told })
    }

    pub(super) fn start(&self, plan: &Plan, options: &Options, out: &Path) {
        self.line("start", || {
            json!({
                "histograde": env!("CARGO_PKG_VERSION"), "pid": std::process::id(), "out": out.to_string_lossy(),
                "slides": plan.jobs.len(), "threads": options.threads, "memory_bytes": options.memory.bytes(),
                "slide_timeout_s": options.slide_timeout.map(|t| t.as_secs_f64()),
            })
        });
    }

    pub(super) fn claimed(&self, job: &Job, why: &str) {
        self.line(
            "slide_started",
            || json!({"slide_id": job.slide_id, "path": job.path.to_string_lossy(), "why": why}),
        );
    }

    pub(super) fn checkpoint(&self, job: &Job, text: &str) {
        self.line("checkpoint", || json!({"slide_id": job.slide_id, "what": text}));
    }

    pub(super) fn finished(&self, done: &Done) {
        self.line("slide_finished", || {
            let mut value = outcome(done);
            if let Value::Object(map) = &mut value {
                map.insert("kept".into(), done.kept.into());
                map.insert("seconds".into(), done.seconds.into());
                let mp = done.outcome.as_ref().ok().map(|s| s.analysed_px as f64 / 1e6);
                map.insert("analysed_mp".into(), mp.into());
            }
            value
        });
    }

    pub(super) fn end(&self, done: &[Done], seconds: f64, code: u8) {
        self.line("end", || json!({"counts": counts(done), "seconds": seconds, "exit_code": code}));
    }

    /// Writes one line at once, so that lines of several processes do not mix.
    fn line(&self, event: &str, value: impl FnOnce() -> Value) {
        let Some((file, path)) = &self.file else { return };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut line = json!({
            "event": event, "unix_s": now.as_millis() as f64 / 1e3,
            "elapsed_s": self.start.elapsed().as_millis() as f64 / 1e3,
        });
        if let (Value::Object(line), Value::Object(more)) = (&mut line, value()) {
            line.extend(more);
        }
        let mut file = file.lock().unwrap_or_else(|e| e.into_inner());
        // A log that cannot be written is no reason to stop, and is told once.
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes())
            && !self.told.swap(true, Ordering::Relaxed)
        {
            let path = path.display();
            self.console.error(format!(
                "cannot write {path}: {error}; lines are missing from --log-json, scoring goes on"
            ));
        }
    }
}

/// Returns what came of a slide, without times.
pub(super) fn outcome(done: &Done) -> Value {
    let error = done.outcome.as_ref().err().filter(|_| done.excluded.is_none());
    json!({
        "slide_id": done.job.slide_id,
        "status": done.status(),
        "error_kind": error.map(Error::kind),
        "error": error.map(ToString::to_string),
        "exclude_reason": done.excluded,
    })
}

/// Returns how many slides came out how.
pub(super) fn counts(done: &[Done]) -> Value {
    let with = |status: &str| done.iter().filter(|d| d.status() == status).count();
    json!({
        "scored": with("scored"), "blank": with("blank"), "excluded": with("excluded"), "failed": with("failed"),
        "kept": done.iter().filter(|d| d.kept).count(),
    })
}
