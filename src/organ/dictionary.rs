//! docs/dictionary.md, which lists every feature, is what the organs say.

use super::ORGANS;
use crate::{
    measure::feature::{Direction, Evidence, Feature},
    score::sampling::{LEAST, Least},
};

const HEAD: &str = "\
# Feature dictionary

Written by `HISTOGRADE_WRITE_TABLES=1 cargo test --release --lib dictionary`; do not edit. Of every feature: its unit, which change is worse, the
coarsest pixels it is measured on (coarser slides: *not measured*, `too_coarse`), the least that an animal needs over all its
slides (domain.md §5.1; with less than a tenth of it on a slide or an animal, of foci of inflammation less than the whole, of squares of
the liver less than half, no grade is given, with less than the whole the reader is
told), how well it is founded, and where it comes from; below each table, how it is measured. §s are those of the design document that
the rules were first written down in; what stands here is what the program does. `[sourced]`: read in the publication; `[recalled]`: cited from
memory; `[expert]`: a working default that must be calibrated; `[derived]`: arithmetic on a sourced number. How exactly each is measured on
phantoms: [features.md](features.md). Of shares, rates and means (units %, 1/mm², 1/mm, 0–4, names that end in `_mean`) an animal's value is
the ratio of the sums over its slides, of all others the plain mean of its slides; its scores and published grades are graded on these values.
";

/// Returns the table of one organ.
fn table(organ: &str, features: &[&'static Feature]) -> String {
    let mut out = format!(
        "\n## {organ}\n\n| feature | unit | worse | coarsest µm/px | least per animal | evidence | source |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for f in features {
        let worse = match f.direction {
            Direction::Up => "higher",
            Direction::Down => "lower",
            Direction::TwoSided => "either",
            Direction::Info => "–",
        };
        let evidence = match f.evidence {
            Evidence::Sourced => "[sourced]",
            Evidence::Recalled => "[recalled]",
            Evidence::Expert => "[expert]",
            Evidence::Derived => "[derived]",
        };
        let least: Vec<String> = LEAST.iter().filter(|l| rests_on(organ, f, l)).map(needed).collect();
        let least = if least.is_empty() { "–".into() } else { least.join(", ") };
        let unit = if f.unit.is_empty() { "–" } else { f.unit };
        let row = [f.name, unit, worse, &f.max_mpp.to_string(), &least, evidence, f.source];
        out += &format!("| `{}` | {} |\n", row[0], row[1..].join(" | "));
    }
    out += &format!("\n### How each is measured: {organ}\n\n");
    for f in features {
        out += &format!("- `{}`: {}\n", f.name, definition(organ, f.name));
    }
    out
}

/// Definitions: organ, feature and text, by tabs.
const DEFINITIONS: &str = include_str!("definitions.tsv");
/// Columns of the tables that are no features, and what they hold.
const COLUMNS: &str = include_str!("columns.tsv");

/// Columns of the tables of other commands: table, column and text, by tabs.
const TABLES: &str = include_str!("tables.tsv");

/// Returns the lists of columns of other commands' tables.
fn tables() -> String {
    let mut out = String::from(
        "\n## Columns of the other tables\n\n`compare` (CSV and Parquet of one name), `agree`, `tile` and `evaluate --table`. Capitals \
         stand for names.\n",
    );
    let mut last = "";
    for line in TABLES.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [table, column, text] = cells[..] else { panic!("{line}: expected table, column and text") };
        if table != last {
            let (first, rest) = table.split_at(1);
            out += &format!("\n### {}{rest}\n\n", first.to_uppercase());
            last = table;
        }
        out += &format!("- `{column}`: {text}\n");
    }
    out
}

/// Returns the definition of a feature.
fn definition(organ: &str, feature: &str) -> &'static str {
    let own = DEFINITIONS.lines().find_map(|line| line.strip_prefix(&format!("{organ}\t{feature}\t")));
    own.unwrap_or_else(|| panic!("{organ} {feature}: no definition in definitions.tsv"))
}

/// Returns the list of other columns.
fn columns() -> String {
    let one = |line: &str| line.split_once('\t').map(|(column, text)| format!("- `{column}`: {text}\n"));
    let all: String = COLUMNS.lines().filter_map(one).collect();
    format!(
        "\n## Other columns of slides.csv, long.csv, sizes.csv, fields.csv and agreement.csv\n\nCapitals stand for names.\n\n{all}"
    )
}

/// Returns whether a feature, or the grade made of it, rests on what is counted.
fn rests_on(organ: &str, feature: &Feature, least: &Least) -> bool {
    least.organ == organ && least.features.contains(&feature.name)
}

/// What an animal needs, for people.
fn needed(least: &Least) -> String {
    format!("{} {}", least.needed, least.what)
}

#[test]
fn every_definition_is_of_a_feature() {
    let known = |organ: &str, name: &str| {
        super::find(organ).is_some_and(|o| o.features.iter().any(|f| f.name == name))
    };
    for line in DEFINITIONS.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        assert!(cells.len() == 3 && known(cells[0], cells[1]), "{line}");
    }
}

#[test]
fn dictionary_lists_every_feature() {
    let organs: String = ORGANS.iter().map(|organ| table(organ.name, organ.features)).collect();
    let (path, wanted) = (
        concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dictionary.md"),
        format!("{HEAD}{organs}{}{}", columns(), tables()),
    );
    if std::env::var_os("HISTOGRADE_WRITE_TABLES").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        wanted,
        "docs/dictionary.md is stale; its head tells how to write it"
    );
}
