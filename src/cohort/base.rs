//! The control animals that lesions are judged in percent of (domain.md §4.1.7).

use std::collections::BTreeMap;

use super::subjects::{Cohort, Endpoint, Subject};
use crate::{
    measure::feature::Missing,
    organ::Organ,
    score::{
        Finding, Outcome, index_column,
        rubric::{Compare, Lesion, Rubric},
        sampling::too_few,
        shares::LEAST_CONTROLS,
    },
    stats::describe::mean,
    study::Unit,
    words::listed,
};

/// Control animals of which a mean is taken at all: one animal is no group.
const FEWEST: usize = 2;

/// Most lesions that a remark names.
const NAMED: usize = 8;

/// Bases of one organ.
pub(super) struct Bases {
    organ: &'static Organ,
    /// Control animals' values by feature.
    values: BTreeMap<String, Vec<f64>>,
    /// Features judged in percent of control, by lesion.
    features: BTreeMap<String, String>,
}

/// Endpoints that rest on fewer control animals than a dependable base has, and how many those are.
pub(super) type Few = BTreeMap<Endpoint, usize>;

impl Bases {
    /// Takes the values of the control group's animals, without those of too little to be graded themselves.
    pub(super) fn of(cohort: &Cohort, rubric: &Rubric, organ: &'static Organ, control: Option<&str>) -> Self {
        let endpoint =
            |feature: &str| Endpoint { tissue: organ.name.to_owned(), feature: feature.to_owned() };
        let judged = |l: &&Lesion| l.compare == Compare::PctCtrl;
        let own = |lesion: &Lesion| {
            let value = |s: &Subject| {
                let value = s.values.get(&endpoint(&lesion.feature)).copied()?;
                let counted = |feature: &'static str, by| s.counted(organ.name, feature, by);
                too_few(organ.name, &lesion.feature, counted).is_none().then_some(value)
            };
            let controls = cohort.subjects.iter().filter(|s| Some(s.group.as_str()) == control);
            (lesion.feature.clone(), controls.filter_map(value).collect())
        };
        let lesions = || rubric.lesions(organ).iter().filter(judged);
        let features = lesions().map(|l| (l.id.clone(), l.feature.clone())).collect();
        Self { organ, values: lesions().map(own).collect(), features }
    }

    /// Returns the mean of a feature; `None` of too few animals.
    pub(super) fn mean(&self, feature: &str) -> Option<f64> {
        self.values.get(feature).filter(|v| v.len() >= FEWEST).map(|v| mean(v))
    }

    /// Says of lesions that wait for controls how many there are, where there are any.
    pub(super) fn tell(&self, findings: &mut [Finding], unit: Unit) {
        for finding in findings {
            let n = self.features.get(&finding.lesion).and_then(|f| self.values.get(f)).map_or(0, Vec::len);
            if n > 0 && matches!(finding.outcome, Outcome::NotScored { missing: Missing::NeedsControls }) {
                let missing = Missing::TooFew {
                    what: if unit == Unit::Cage { "control cages" } else { "control animals" },
                    found: n as f64,
                    needed: LEAST_CONTROLS as f64,
                };
                finding.outcome = Outcome::NotScored { missing };
            }
        }
    }

    /// Adds the scores, and the indices that hold them, whose base is of few animals, and returns what is to be said of it.
    pub(super) fn few(&self, few: &mut Few, unit: Unit) -> Vec<String> {
        let mut by_number: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (lesion, feature) in &self.features {
            let n = self.values.get(feature).map_or(0, Vec::len);
            if n == 0 || n >= LEAST_CONTROLS {
                continue;
            }
            by_number.entry(n).or_default().push(lesion);
            if n < FEWEST {
                continue;
            }
            let sub = self.organ.sub_indices.iter();
            let sub =
                sub.filter(|(_, ids)| ids.contains(&lesion.as_str())).map(|(name, _)| index_column(name));
            let columns = [format!("{lesion}_score"), format!("{}_damage_index", self.organ.name)];
            for feature in columns.into_iter().chain(sub) {
                let tissue = self.organ.name.to_owned();
                let known = few.entry(Endpoint { tissue, feature }).or_insert(n);
                *known = n.min(*known);
            }
        }
        let one = |(n, lesions): (usize, Vec<&str>)| {
            let names: Vec<String> = lesions.iter().map(ToString::to_string).collect();
            let (named, organ) = (listed(&names, NAMED), self.organ.name);
            if n < FEWEST {
                format!(
                    "{organ}: {n} control {} is no base of lesions judged in percent of control ({named}); \
                     {LEAST_CONTROLS} are needed for a dependable one",
                    unit.one()
                )
            } else {
                format!(
                    "{organ}: the base of lesions judged in percent of control ({named}), and with them of the damage index, is \
                     the mean of {n} control {}; {LEAST_CONTROLS} are needed for a dependable one",
                    unit.many()
                )
            }
        };
        by_number.into_iter().map(one).collect()
    }
}

/// Says of an endpoint that its base is of few animals.
pub fn warning(n: usize, unit: Unit) -> String {
    format!(
        "rests on lesions judged in percent of {n} control {}; {LEAST_CONTROLS} are needed for a dependable base",
        unit.many()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cohort::{compare, subjects::Exclusion},
        study::Study,
    };

    /// Kidneys: red cells, judged in percent of control, of these control animals with this area each, and of one that is treated.
    fn compared(controls: &[(f64, f64)]) -> compare::Comparison {
        let endpoint = |feature: &str| Endpoint { tissue: "kidney".into(), feature: feature.into() };
        let of = lesion();
        let subject = |(i, &(value, area)): (usize, &(f64, f64))| Subject {
            id: format!("a{i}"),
            group: if i < controls.len() { "control" } else { "treated" }.into(),
            animals: vec![format!("a{i}")],
            values: [(endpoint(&of.1), value)].into(),
            totals: [(endpoint("analysed_area_mm2"), area)].into(),
            ..Subject::default()
        };
        let all: Vec<(f64, f64)> = controls.iter().copied().chain([(40.0, 5.0), (42.0, 5.0)]).collect();
        let waiting = Exclusion {
            tissue: "kidney".into(),
            slide_id: "s".into(),
            animal_id: format!("a{}", controls.len()),
            group: "treated".into(),
            feature: format!("{}_score", of.0),
            reason: Missing::NeedsControls.to_string(),
        };
        let cohort = Cohort {
            subjects: all.iter().enumerate().map(subject).collect(),
            endpoints: vec![(endpoint(&of.1), "%".to_owned())],
            exclusions: vec![waiting],
            ..Cohort::default()
        };
        let study = Study { control: Some("control".into()), ..Study::default() };
        compare::compare(cohort, &study, &Rubric::builtin().unwrap(), None)
    }

    /// The lesion of red cells, and its feature.
    fn lesion() -> (String, String) {
        let rubric = Rubric::builtin().unwrap();
        let kidney = crate::organ::find("kidney").unwrap();
        let judged = |l: &&Lesion| l.compare == Compare::PctCtrl && l.feature == "kidney_rbc_area_pct";
        let lesion = rubric.lesions(kidney).iter().find(judged).unwrap();
        (lesion.id.clone(), lesion.feature.clone())
    }

    #[test]
    fn bases_of_few_control_animals_are_told() {
        let score = format!("{}_score", lesion().0);
        let told = |controls: &[(f64, f64)]| {
            let c = compared(controls);
            let scored = c.endpoints.iter().find(|e| e.feature == score);
            let notes: Vec<String> = c.notes.iter().filter(|n| n.contains("dependable")).cloned().collect();
            let warned = scored.is_some_and(|e| e.analysis.warnings.iter().any(|w| w.contains("dependable")));
            let reasons = c.exclusions.iter().map(|e| e.reason.clone()).collect::<Vec<_>>();
            (scored.map(|e| e.few_controls), warned, notes, reasons)
        };
        let whole = [(2.0, 5.0); 4];
        assert_eq!(told(&whole), (Some(None), false, vec![], vec![]));
        let (few, warned, notes, _) = told(&whole[..3]);
        assert_eq!((few, warned), (Some(Some(3)), true));
        assert!(notes[0].contains("is the mean of 3 control animals; 4 are needed"), "{notes:?}");
        // An animal of which too little was seen is in no base.
        let (few, ..) = told(&[(2.0, 5.0), (2.0, 5.0), (2.0, 5.0), (50.0, 0.01)]);
        assert_eq!(few, Some(Some(3)));
        // One animal is none.
        let (few, _, notes, reasons) = told(&whole[..1]);
        assert_eq!(few, None);
        assert!(notes[0].contains("1 control animal is no base"), "{notes:?}");
        assert_eq!(reasons, ["1 control animal, at least 4 needed"]);
    }
}
