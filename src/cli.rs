//! The command line: what was typed, what will run, and how progress is shown.
//!
//! Results go to files (or standard output for `info`), everything else to standard error.

mod agree;
mod args;
mod calibrate;
mod compare;
mod completions;
mod console;
mod convert;
mod demo;
mod evaluate;
mod info;
mod init;
mod inputs;
mod interrupt;
mod output;
mod phantom;
mod plan;
mod power;
mod progress;
mod region;
mod score;
mod segment;
mod stats;
mod status;
mod tile;
mod words;

use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use histograde::{Error, Result, batch::Done, manifest};

use self::{
    args::{Args, Command},
    console::Console,
};

/// Exit code of a run that could not start, or could not write its tables.
const COULD_NOT_START: u8 = 2;

/// What a run came to, once it could start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Every slide was done.
    AllDone,
    /// At least one slide was not.
    SomeFailed,
    /// A signal stopped the run before it was done.
    Stopped(u8),
}

impl Exit {
    fn from_failures(failed: usize) -> Self {
        if failed == 0 { Self::AllDone } else { Self::SomeFailed }
    }

    /// Returns the exit code: 0, 1, or what shells give for the signal (130 Ctrl-C, 143 SIGTERM).
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::AllDone => 0,
            Self::SomeFailed => 1,
            Self::Stopped(code) => code,
        }
    }

    /// Slides that are blank or were left out on request count as done.
    fn of(batch: &[Done]) -> Self {
        let unfinished = batch.iter().any(|d| matches!(d.outcome, Err(Error::Interrupted)));
        Self::from(batch.iter().filter(|d| d.status() == "failed").count(), unfinished)
    }

    /// A run that a signal stopped before all slides were done ends by its code, whatever failed.
    fn from(failed: usize, unfinished: bool) -> Self {
        let stopped = interrupt::exit_code().filter(|_| unfinished);
        stopped.map_or_else(|| Self::from_failures(failed), Self::Stopped)
    }
}

/// Why a run could not start or go on, and the file it is about.
#[derive(Debug)]
pub(crate) struct Failure {
    path: Option<PathBuf>,
    error: Error,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { path: None, error }
    }
}

impl Failure {
    /// Returns a closure that says which file an error is about.
    fn of(path: &Path) -> impl FnOnce(Error) -> Self {
        move |error| Self { path: Some(path.to_owned()), error }
    }

    /// Returns the exit code: what shells give for the signal that stopped the run, else 2.
    pub(crate) fn code(&self) -> u8 {
        let stopped = interrupt::exit_code().filter(|_| matches!(self.error, Error::Interrupted));
        stopped.unwrap_or(COULD_NOT_START)
    }

    /// Returns whether the reader of our standard output went away (`histograde info x.svs | head -1`).
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(&self.error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => f.write_str(&about(path, &self.error)),
            None => write!(f, "{}", self.error),
        }
    }
}

/// Reads the command line and runs the command. Ends the process for `--help`, `--version` and usage errors.
pub(crate) fn run() -> Result<Exit, Failure> {
    let args = Args::read();
    let console = Console::new(args.quiet, args.verbose);
    match args.command {
        Command::Info(args) => info::run(&args, &console),
        Command::Region(args) => region::run(&args, &console),
        Command::Tile(args) => tile::run(&args, &console),
        Command::Convert(args) => convert::run(&args, &console),
        Command::Deidentify(args) => convert::deidentify(&args, &console),
        Command::Score(args) => score::run(&args, &console),
        Command::Status(args) => status::run(&args),
        Command::Run(args) => compare::score_and_compare(&args, &console),
        Command::Segment(args) => segment::run(&args, &console),
        Command::Phantom(args) => phantom::run(&args, &console),
        Command::Demo(args) => demo::run(&args, &console),
        Command::Compare(args) => compare::run(&args, &console),
        Command::Init(args) => init::run(&args, &console),
        Command::Stats(args) => stats::run(&args),
        Command::Power(args) => power::run(&args),
        Command::Agree(args) => agree::run(&args),
        Command::Calibrate(args) => calibrate::run(&args, &console),
        Command::Schema(args) => {
            print(match args.of.as_str() {
                "animals" => histograde::study::ANIMALS_SCHEMA,
                "study" => histograde::study::SCHEMA,
                _ => manifest::SCHEMA,
            })?;
            Ok(Exit::AllDone)
        }
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Writes text to standard output.
fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::io("write", "standard output"))
}

/// Returns the command line as typed; what is not UTF-8 in it is replaced.
fn typed() -> Vec<String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Removes a file of an earlier run, if there is one.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Says which file an error is about. Errors that name the file themselves are left as they are.
fn about(path: &Path, error: &Error) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match error {
        Error::Io { .. } | Error::Missing { .. } => error.to_string(),
        Error::Config { what, .. } if what.split([' ', ',', ':']).any(|word| word == name) => {
            error.to_string()
        }
        _ => format!("{}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_once() {
        fn t(what: &str, expected: &str) {
            let error = Error::config(what, "this", "that");
            assert_eq!(about(Path::new("in/lab.json"), &error), expected);
        }
        t("rubric lab.json: organs", "rubric lab.json: organs, expected this, got that");
        t("lab.json row 2", "lab.json row 2, expected this, got that");
        t("organs", "in/lab.json: organs, expected this, got that");
        t("notlab.json", "in/lab.json: notlab.json, expected this, got that");
    }
}
