//! What the page says of the slides themselves, and of how it was made.

use minijinja::{Value, context};

use crate::{
    cohort::Comparison,
    report::comparison::{
        Run,
        evidence::{Evidence, SlideRow},
        finding,
        methods::tissues,
    },
};

/// Most thumbnails on a page: more would make it too large to open.
const MOST: usize = 180;

/// Returns counts and thumbnails: slides with something to look at first.
pub(super) fn quality(evidence: &Evidence) -> Value {
    if evidence.slides.is_empty() {
        return Value::from(());
    }
    let counts: Vec<String> = evidence.counts().iter().map(|(status, n)| format!("{n} {status}")).collect();
    let grave = |s: &&SlideRow| match (s.status.as_str(), s.remarks.is_empty()) {
        ("failed", _) => 0,
        ("blank", _) => 1,
        ("scored", false) => 2,
        ("excluded", _) => 3,
        _ => 4,
    };
    let mut order: Vec<&SlideRow> = evidence.slides.iter().collect();
    order.sort_by_key(grave);
    let with_remarks = order.iter().filter(|s| grave(s) < 3).count();
    let cards: Vec<Value> = order.iter().take(MOST).map(|s| card(evidence, s)).collect();
    context! {
        counts => counts.join(", "),
        with_remarks,
        others => evidence.others,
        not_shown => order.len() - cards.len(),
        cards,
    }
}

fn card(evidence: &Evidence, s: &SlideRow) -> Value {
    context! {
        slide_id => s.slide_id.as_str(),
        status => s.status.as_str(),
        tissue => s.tissue.as_str(),
        group => s.group.as_str(),
        animal_id => s.animal_id.as_str(),
        remarks => s.remarks.as_str(),
        picture => evidence.thumbnail(&s.slide_id).map(Value::from_safe_string),
    }
}

/// Returns the settings, versions and hashes, as name and value.
pub(super) fn settings(c: &Comparison, run: &Run<'_>, evidence: &Evidence) -> Vec<Value> {
    let rubric = run.rubric.origin();
    let mut rows = vec![
        ("histograde (this report)".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("Significance level".into(), c.study.alpha.to_string()),
        ("Unit".into(), format!("{:?}", c.study.unit).to_lowercase()),
        ("Block".into(), c.study.block.map_or("none".into(), |b| format!("{b:?}").to_lowercase())),
        ("Equal variances declared".into(), if c.study.equal_variances { "yes" } else { "no" }.into()),
        ("Seed of permutations".into(), c.study.seed.to_string()),
        (
            "Rubric".into(),
            format!("{}, {} values changed, SHA-256 {}", rubric.name, rubric.changed.len(), rubric.sha256),
        ),
    ];
    rows.extend(run.inputs.iter().map(|i| (capital(i.role), format!("{}, SHA-256 {}", i.name, i.sha256))));
    let text = |key: &str| evidence.run.get(key).map(plain).filter(|t| !t.is_empty());
    for (key, name) in [("histograde", "histograde (scoring)"), ("threads", "Threads (scoring)")] {
        rows.extend(text(key).map(|t| (name.to_owned(), t)));
    }
    let found = finding::sentences(evidence, run.samples, &tissues(c));
    rows.push(("How slides were measured".into(), found.trim_start().to_owned()));
    if let Some(slides) = evidence.run.get("slides").and_then(|s| s.as_array()) {
        let hashed = slides.iter().filter(|s| s.pointer("/file/sha256").is_some()).count();
        rows.push(("Slides".into(), format!("{} in run.json, {hashed} with SHA-256", slides.len())));
    }
    rows.into_iter().map(|(name, value)| context! { name, value }).collect()
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default() + letters.as_str()
}
