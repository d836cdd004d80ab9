//! The `histograde` command: turns what a run came to into an exit code.

mod cli;
mod memory;

use std::process::ExitCode;

/// Exit code of a run that could not start, or could not write its tables.
const COULD_NOT_START: u8 = 2;

fn main() -> ExitCode {
    memory::keep_freed();
    match cli::run() {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("histograde: {failure}");
            ExitCode::from(COULD_NOT_START)
        }
    }
}
