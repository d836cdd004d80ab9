//! The `histograde` command: turns what a run came to into an exit code.

mod cli;
mod memory;

use std::process::ExitCode;

fn main() -> ExitCode {
    memory::keep_freed();
    match cli::run() {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("histograde: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
