//! A description to start from.

use std::fmt::Write as _;

/// Returns a commented `study.toml` for the groups of a sample sheet and the tissues on it.
#[must_use]
pub fn template(groups: &[String], tissues: &[&str]) -> String {
    let list = groups.iter().map(|g| format!("{g:?}")).collect::<Vec<_>>().join(", ");
    let mut text = String::from(
        "# What is decided before the slides are scored. Lines that begin with # do nothing.\n\n",
    );
    let _ = writeln!(text, "# Groups in the order of tables and figures.");
    let _ = writeln!(text, "groups = [{list}]");
    let _ = writeln!(text, "\n# Healthy group, and diseased group without treatment.");
    for (key, is) in [("normal", is_healthy as fn(&str) -> bool), ("disease", is_diseased)] {
        // A treatment adds words to the name.
        let _ = match groups.iter().filter(|g| is(g)).min_by_key(|g| words(g).len()) {
            Some(group) => writeln!(text, "{key} = {group:?} # guessed from the name: check"),
            None => writeln!(text, "# {key} = \"…\""),
        };
    }
    text += "# A study without disease has one control instead:\n# control = \"vehicle\"\n\n\
        # Was treatment given to animals or to cages?\nunit = \"animal\"\n\n\
        # Significance level.\nalpha = 0.05\n\n\
        # Column to adjust for: none, batch, stain_batch or cage. Every group must occur in several of them, and slides\n\
        # of one animal and tissue in one.\n\
        block = \"none\"\n\n\
        # Columns of the animal table (--animals): primary endpoints are also compared at equal values of them.\n\
        # covariates = [\"body_weight_g\"]\n\n\
        # true only if it is known beforehand that all groups vary equally.\nequal_variances = false\n\n\
        # One primary endpoint per tissue, chosen before scoring; all others are exploratory.\n[primary]\n";
    for tissue in tissues {
        let _ = writeln!(text, "{tissue} = {:?}", proposed(tissue));
    }
    text += "\n# Groups on the dose ladder, the untreated one with 0. Three or more.\n# [doses]\n";
    for (i, group) in groups.iter().enumerate() {
        let _ = writeln!(text, "# {group:?} = {i}");
    }
    text += "\n# Largest difference from the normal group that does not matter, in the unit of the feature\n\
        # (a measurement or score, not a published grade).\n\
        # Without a margin nothing is ever called restored.\n# [equivalence]\n# steatotic_hepatocyte_pct = 5\n\n\
        # Planned contrasts: mean of plus minus mean of minus.\n# [[contrast]]\n# name = \"treated - diseased\"\n\
        # plus = [\"…\"]\n# minus = [\"…\"]\n";
    text
}

/// Beginnings of words in names of groups.
const HEALTHY: [&str; 4] = ["normal", "healthy", "naive", "control"];
const DISEASED: [&str; 4] = ["diabet", "disease", "model", "stz"];
const UNTREATED: [&str; 1] = ["untreated"];

/// Words that turn others into their opposite.
const OPPOSITE: [&str; 7] = ["no", "non", "not", "un", "anti", "without", "free"];

fn words(group: &str) -> Vec<String> {
    let words = group.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Whether a word of a name begins like this and none says the opposite: `nondiabetic` is not diabetic, nor is `anti-diabetic`.
fn says(group: &str, beginnings: &[&str]) -> bool {
    let words = words(group);
    words.iter().any(|w| beginnings.iter().any(|b| w.starts_with(b)))
        && !words.iter().any(|w| OPPOSITE.contains(&w.as_str()))
}

fn is_diseased(group: &str) -> bool {
    says(group, &DISEASED) || (says(group, &UNTREATED) && !says(group, &HEALTHY))
}

/// A diabetic control is diseased.
fn is_healthy(group: &str) -> bool {
    says(group, &HEALTHY) && !is_diseased(group)
}

/// Returns the primary endpoint that is proposed for a tissue (domain.md §5.3).
#[must_use]
pub fn proposed(tissue: &str) -> &'static str {
    match tissue {
        "pancreas" => "islet_area_pct",
        "liver" => "steatotic_hepatocyte_pct",
        _ => "tubule_injured_pct",
    }
}
