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
slides (domain.md §5.1; with less than a tenth of it on a slide or an animal no grade is given, with less than the whole the reader is
told), how well it is founded, and where its definition comes from. `[sourced]`: read in the publication; `[recalled]`: cited from
memory; `[expert]`: a working default that must be calibrated; `[derived]`: arithmetic on a sourced number. How exactly each is measured on
phantoms: [features.md](features.md).
";

/// Returns the table of one organ.
fn table(organ: &str, features: &[&'static Feature]) -> String {
    let mut out = format!(
        "\n## {organ}\n\n| feature | unit | worse | coarsest µm/px | least per animal | evidence | definition |\n\
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
    out
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
fn dictionary_lists_every_feature() {
    let tables: String = ORGANS.iter().map(|organ| table(organ.name, organ.features)).collect();
    let (path, wanted) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dictionary.md"), format!("{HEAD}{tables}"));
    if std::env::var_os("HISTOGRADE_WRITE_TABLES").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        wanted,
        "docs/dictionary.md is stale; its head tells how to write it"
    );
}
