//! The `histograde` command.

fn main() {}
