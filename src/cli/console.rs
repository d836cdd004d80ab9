//! Messages for whoever watches: standard error, in words.

use std::{
    io::{self, IsTerminal, Write},
    sync::Mutex,
};

use indicatif::ProgressBar;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Level {
    Errors,
    Normal,
    Details,
}

/// Writes lines to standard error, above a progress bar if one is shown.
pub(crate) struct Console {
    level: Level,
    bar: Mutex<Option<ProgressBar>>,
}

impl Console {
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        let level = match (quiet, verbose) {
            (true, _) => Level::Errors,
            (_, true) => Level::Details,
            _ => Level::Normal,
        };
        Self { level, bar: Mutex::new(None) }
    }

    /// Returns whether a moving bar makes sense.
    pub(crate) fn shows_bar(&self) -> bool {
        self.level > Level::Errors && io::stderr().is_terminal()
    }

    /// Keeps lines above this bar, or no longer above one.
    pub(crate) fn set_bar(&self, bar: Option<ProgressBar>) {
        *self.bar.lock().unwrap_or_else(|e| e.into_inner()) = bar;
    }

    /// What went wrong. Always shown.
    pub(crate) fn error(&self, text: impl std::fmt::Display) {
        self.line(Level::Errors, &format!("histograde: {text}"));
    }

    /// What happens. Not shown with `--quiet`.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        self.line(Level::Normal, &text.to_string());
    }

    /// What was asked for. Always shown, as a line by itself.
    pub(crate) fn explain(&self, text: impl std::fmt::Display) {
        self.line(Level::Errors, &text.to_string());
    }

    /// What few want to know. Shown with `-v`.
    pub(crate) fn detail(&self, text: impl std::fmt::Display) {
        self.line(Level::Details, &text.to_string());
    }

    fn line(&self, level: Level, text: &str) {
        if level > self.level {
            return;
        }
        // A message that nobody can read is no reason to stop.
        let write = || drop(writeln!(io::stderr().lock(), "{text}"));
        match &*self.bar.lock().unwrap_or_else(|e| e.into_inner()) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}
