//! `completions`: a script that lets a shell complete our commands.

use clap::CommandFactory;

use super::{Exit, Failure, args};

pub(super) fn run(args: &args::Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::Args::command(), "histograde", &mut script);
    super::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::AllDone)
}
