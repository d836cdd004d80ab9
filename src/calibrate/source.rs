//! Where a calibration's ranges come from: the control animals, and how their slides were measured.

use std::{collections::BTreeSet, fs::File, io::BufReader, path::Path};

use serde::{Deserialize, Serialize};

use crate::{error::Result, segment::models::Method, sheet::Table};

/// The control animals of one tissue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of their group.
    pub controls: String,
    /// How many there are.
    pub animals: usize,
    /// The species whose sizes structures had; empty where the results do not tell, more than one where controls differ.
    pub species: BTreeSet<String>,
    /// How objects were found, each way once; empty where the results do not tell.
    pub methods: Vec<Method>,
}

/// What a slide's result file says of how objects were found.
#[derive(Deserialize)]
struct Told {
    methods: Vec<Method>,
}

impl Source {
    /// Returns the source of `animals` of a group, with how these slides of a results folder were measured.
    ///
    /// # Errors
    ///
    /// As [`Table::read`] for `slides.csv`; a folder without it does not tell the species.
    pub(super) fn read(
        results: &Path,
        controls: &str,
        animals: usize,
        slides: &BTreeSet<&str>,
    ) -> Result<Self> {
        let mut own = Self { controls: controls.to_owned(), animals, ..Self::default() };
        let path = results.join("slides.csv");
        if path.is_file() {
            let table = Table::read(&path)?;
            let place = |name: &str| table.heading.iter().position(|h| h == name);
            if let (Some(id), Some(species)) = (place("slide_id"), place("species")) {
                let cell =
                    |row: &'_ crate::sheet::Row, i: usize| row.cells.get(i).cloned().unwrap_or_default();
                let of = table.rows.iter().filter(|row| slides.contains(cell(row, id).as_str()));
                own.species = of.map(|row| cell(row, species)).filter(|name| !name.is_empty()).collect();
            }
        }
        for method in slides.iter().flat_map(|slide| methods(results, slide)) {
            if !own.methods.contains(&method) {
                own.methods.push(method);
            }
        }
        Ok(own)
    }

    /// Says in what control animals were measured otherwise than each other.
    pub(super) fn is_mixed(&self) -> Option<String> {
        let species = (self.species.len() > 1).then(|| {
            format!("species {}", self.species.iter().map(String::as_str).collect::<Vec<_>>().join(" and "))
        });
        let several = |m: &&Method| self.methods.iter().any(|o| o.objects == m.objects && o != *m);
        let objects: BTreeSet<&str> =
            self.methods.iter().filter(several).map(|m| m.objects.as_str()).collect();
        let objects = objects.into_iter().map(|objects| format!("ways to find {objects}"));
        let all: Vec<String> = species.into_iter().chain(objects).collect();
        (!all.is_empty()).then(|| format!("its control slides differ in {}", all.join(" and ")))
    }

    /// Says in what a slide of `species`, whose objects are found by `methods`, is measured otherwise than the controls.
    pub(super) fn differs(&self, species: &str, methods: &[Method]) -> Vec<String> {
        let same = self.species.iter().all(|own| own == species);
        let all = self.species.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let species = (!same).then(|| format!("species {all}, here {species}"));
        let found = methods.iter().filter_map(|here| {
            let own: Vec<&Method> = self.methods.iter().filter(|m| m.objects == here.objects).collect();
            let same = own.iter().all(|m| *m == here);
            let ways = own.iter().map(|m| way(m)).collect::<Vec<_>>().join(", ");
            (!same).then(|| match way(here) {
                here_by if here_by == ways => format!("{} by another {ways}", here.objects),
                here_by => format!("{} by {ways}, here by {here_by}", here.objects),
            })
        });
        species.into_iter().chain(found).collect()
    }
}

/// What a method is called: the model, or that there is none.
fn way(method: &Method) -> String {
    match &method.model {
        Some(model) => format!("{} ({model})", method.method),
        None => method.method.clone(),
    }
}

/// How the objects of one slide were found; nothing where its result file is not there or does not tell.
fn methods(results: &Path, slide: &str) -> Vec<Method> {
    // A bare name: a table does not lead out of its folder.
    if Path::new(slide).file_name().is_none_or(|name| name != slide) {
        return Vec::new();
    }
    let Ok(file) = File::open(results.join("slides").join(slide).join("result.json")) else {
        return Vec::new();
    };
    serde_json::from_reader::<_, Told>(BufReader::new(file)).map(|told| told.methods).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(objects: &str, method: &str, model: Option<&str>, card: Option<&str>) -> Method {
        let (model, card_sha256) = (model.map(str::to_owned), card.map(str::to_owned));
        Method { objects: objects.into(), method: method.into(), model, sha256: None, card_sha256 }
    }

    #[test]
    fn what_differs_is_named() {
        let rats = Source {
            species: BTreeSet::from(["rat".to_owned()]),
            methods: vec![by("nuclei", "classical", None, None), by("tubules", "net", Some("t"), Some("1"))],
            ..Source::default()
        };
        let t = |species: &str, methods: &[Method], expected: &[&str]| {
            assert_eq!(rats.differs(species, methods), expected);
        };
        t("rat", &rats.methods, &[]);
        t("mouse", &[], &["species rat, here mouse"]);
        t("rat", &[by("nuclei", "net", Some("n"), None)], &["nuclei by classical, here by net (n)"]);
        t("rat", &[by("tubules", "net", Some("t"), Some("2"))], &["tubules by another net (t)"]);
        // What the results do not tell is not judged.
        assert_eq!(Source::default().differs("mouse", &rats.methods), [""; 0]);
        t("rat", &[by("vacuoles", "net", None, None)], &[]);
    }

    #[test]
    fn controls_that_differ_are_told() {
        let species = ["mouse", "rat"].map(str::to_owned).into();
        let methods = vec![by("nuclei", "classical", None, None), by("nuclei", "net", Some("n"), None)];
        let mixed = Source { species, methods, ..Source::default() };
        let said = mixed.is_mixed().unwrap();
        assert_eq!(said, "its control slides differ in species mouse and rat and ways to find nuclei");
        assert_eq!(Source::default().is_mixed(), None);
    }
}
