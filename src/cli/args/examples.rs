//! The examples of every `--help` are command lines that can be typed.

use super::*;

/// Splits a line as a shell would that knows single quotes, without redirections and comments.
fn words(line: &str) -> Vec<String> {
    let line = [" #", " > ", " | "].iter().fold(line, |line, end| line.split(end).next().unwrap_or(line));
    let mut words = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        match i % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn examples_can_be_typed() {
    let mut count = 0;
    for command in Args::command_line().get_subcommands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<&str> = help.lines().filter(|line| line.starts_with("  histograde ")).collect();
        assert!(!examples.is_empty(), "{} shows no example", command.get_name());
        for line in examples {
            assert!(!line.contains("NAME") && !line.contains("FILE"), "{line}: write what can be typed");
            let typed = Args::command_line().try_get_matches_from(words(line));
            assert!(typed.is_ok(), "{line}: {}", typed.unwrap_err());
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}
