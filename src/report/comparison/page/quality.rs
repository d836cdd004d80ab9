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

/// Rank of slides with nothing to look at, after all others.
const UNREMARKABLE: u8 = 4;

/// Returns counts and thumbnails: slides with something to look at first.
pub(super) fn quality(evidence: &Evidence) -> Value {
    if evidence.slides.is_empty() {
        return Value::from(());
    }
    let counts: Vec<String> = evidence.counts().iter().map(|(status, n)| format!("{n} {status}")).collect();
    let grave = |s: &&SlideRow| match (s.status.as_str(), s.remarks.is_empty()) {
        ("failed", _) => 0,
        ("blank", _) => 1,
        ("excluded", _) => 2,
        ("scored", false) => 3,
        _ => UNREMARKABLE,
    };
    let mut order: Vec<&SlideRow> = evidence.slides.iter().collect();
    order.sort_by_key(grave);
    let with_remarks = order.iter().filter(|s| grave(s) < UNREMARKABLE).count();
    let cards: Vec<Value> = order.iter().take(MOST).map(|s| card(evidence, s)).collect();
    context! {
        counts => counts.join(", "),
        with_remarks,
        others => evidence.others,
        not_shown => order.len() - cards.len(),
        remarks_not_shown => with_remarks.saturating_sub(cards.len()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(slides: &[(&str, &str)]) -> (Vec<String>, [usize; 3]) {
        let row = |(i, (status, remarks)): (usize, &(&str, &str))| SlideRow {
            slide_id: format!("{status}{i}"),
            status: (*status).into(),
            remarks: (*remarks).into(),
            ..SlideRow::default()
        };
        let mut evidence = Evidence::default();
        evidence.slides.extend(slides.iter().enumerate().map(row));
        let page = quality(&evidence);
        let count = |name: &str| usize::try_from(page.get_attr(name).unwrap()).unwrap();
        let cards = page.get_attr("cards").unwrap().try_iter().unwrap();
        let ids = cards.map(|card| card.get_attr("slide_id").unwrap().to_string()).collect();
        (ids, ["with_remarks", "not_shown", "remarks_not_shown"].map(count))
    }

    #[test]
    fn slides_that_were_left_out_come_before_scored_ones() {
        let (ids, counts) = told(&[
            ("scored", ""),
            ("scored", "thin"),
            ("excluded", "spoilt"),
            ("blank", ""),
            ("failed", "torn"),
        ]);
        assert_eq!(ids, ["failed4", "blank3", "excluded2", "scored1", "scored0"]);
        assert_eq!(counts, [4, 0, 0]);
    }

    #[test]
    fn what_is_not_shown_is_told() {
        let mut slides = vec![("scored", "thin"); MOST];
        slides.extend([("scored", ""), ("excluded", "spoilt")]);
        let (ids, counts) = told(&slides);
        assert_eq!((ids.len(), ids[0].as_str()), (MOST, "excluded181"));
        assert_eq!(counts, [MOST + 1, 2, 1]);
    }
}
