//! The banner of non-default scoring: which rubric graded, and every value in it that is not the built-in one (domain.md §4.1.8).

use minijinja::{Value, context};
use serde_json::{Value as Json, json};

use crate::report::comparison::{Run, evidence::Evidence};

/// Rubrics of a report that differ from the built-in one, and whether slides and animals were graded with different ones.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Banner {
    /// What each graded, its name, its SHA-256, and its changes as path, built-in value and value used.
    rubrics: Vec<Graded>,
    /// Whether slides were graded by another rubric than animals.
    mixed: bool,
}

#[derive(Debug, PartialEq)]
struct Graded {
    what: &'static str,
    name: String,
    sha256: String,
    changes: Vec<[String; 3]>,
}

impl Banner {
    /// Looks at the rubric of the report and at that of the results' `run.json`, where it is.
    pub(super) fn of(run: &Run<'_>, evidence: &Evidence) -> Self {
        Self::of_origins(&json!(run.rubric.origin()), evidence.run.get("rubric"))
    }

    fn of_origins(animals: &Json, slides: Option<&Json>) -> Self {
        let mixed = slides.is_some_and(|s| s["sha256"] != animals["sha256"]);
        let graded = match (slides, mixed) {
            (Some(slides), true) => vec![("Slides", slides), ("Animals", animals)],
            _ => vec![("Slides and animals", animals)],
        };
        let rubrics: Vec<Graded> = graded.into_iter().filter_map(|(what, o)| Graded::of(what, o)).collect();
        Self { mixed: mixed && !rubrics.is_empty(), rubrics }
    }

    /// Returns what the page shows; nothing where all was graded by the built-in rubric.
    pub(super) fn shown(&self) -> Option<Value> {
        let one = |g: &Graded| {
            let changes: Vec<Value> = g
                .changes
                .iter()
                .map(|[path, default, now]| context! { path => path, default => default, now => now })
                .collect();
            context! { what => g.what, name => g.name.as_str(), sha256 => g.sha256.as_str(), changes }
        };
        let rubrics: Vec<Value> = self.rubrics.iter().map(one).collect();
        (!rubrics.is_empty()).then(|| context! { rubrics, mixed => self.mixed })
    }
}

impl Graded {
    fn of(what: &'static str, origin: &Json) -> Option<Self> {
        let text = |v: &Json| match v {
            Json::Null => "nothing".to_owned(),
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let change = |c: &Json| [text(&c["path"]), text(&c["default"]), text(&c["now"])];
        let changes: Vec<_> = origin["changed"].as_array()?.iter().map(change).collect();
        (!changes.is_empty()).then(|| Self {
            what,
            name: text(&origin["name"]),
            sha256: text(&origin["sha256"]),
            changes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_value_of_every_rubric_is_told() {
        let builtin = json!({ "name": "built-in", "sha256": "b", "changed": [] });
        let changed =
            json!([{ "path": "organs.liver.lesions[necrosis].weight", "default": 1.5, "now": 3.0 }]);
        let lab = json!({ "name": "lab.json", "sha256": "l", "changed": changed });
        let whats = |animals: &Json, slides: Option<&Json>| {
            let banner = Banner::of_origins(animals, slides);
            (banner.rubrics.iter().map(|g| g.what).collect::<Vec<_>>(), banner.mixed)
        };
        assert_eq!(whats(&builtin, None), (vec![], false));
        assert_eq!(whats(&builtin, Some(&builtin)), (vec![], false));
        assert!(Banner::of_origins(&builtin, Some(&builtin)).shown().is_none());
        assert_eq!(whats(&lab, None), (vec!["Slides and animals"], false));
        assert_eq!(whats(&lab, Some(&lab)), (vec!["Slides and animals"], false));
        assert_eq!(whats(&lab, Some(&builtin)), (vec!["Animals"], true));
        assert_eq!(whats(&builtin, Some(&lab)), (vec!["Slides"], true));
        let of_slides = &Banner::of_origins(&builtin, Some(&lab)).rubrics[0];
        assert_eq!((of_slides.name.as_str(), of_slides.sha256.as_str()), ("lab.json", "l"));
        assert_eq!(of_slides.changes, [["organs.liver.lesions[necrosis].weight", "1.5", "3.0"]]);
    }
}
