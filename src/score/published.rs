//! Published scores, printed beside the damage index and never mixed into it (domain.md §2.2.4, §4.1.6).

use serde::Serialize;

use super::{Measured, field, rubric::value_of};
use crate::measure::feature::{Evidence, Missing};

/// One item of a published score on one slide.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Published {
    /// Short name, e.g. `nas_steatosis`.
    pub name: &'static str,
    /// The paper.
    pub citation: &'static str,
    /// How well our reading of the rule is founded.
    pub evidence: Evidence,
    /// Name of the feature it is read from.
    pub feature: &'static str,
    /// Highest grade.
    pub max: u8,
    /// The grade, or why there is none.
    pub grade: Result<u8, Missing>,
}

/// Where a grade begins.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// A value above this.
    Above(f64),
    /// This value or more.
    AtLeast(f64),
}

use Start::{Above, AtLeast};

/// The rule of one item.
struct Rule {
    organ: &'static str,
    name: &'static str,
    citation: &'static str,
    evidence: Evidence,
    feature: &'static str,
    /// Where grades 1, 2, … begin.
    starts: &'static [Start],
    /// Set when `starts` are counts per field of this objective and the feature counts per mm².
    objective: Option<f64>,
}

const KLEINER: &str = "Kleiner 2005, Hepatology 41:1313";
const LIANG: &str = "Liang 2014, PLoS ONE 9:e115922";
const SUZUKI: &str = "Suzuki scheme, as tabulated in later liver-graft papers";
const ISHAK: &str = "Ishak 1995, J Hepatol 22:696";

/// The share of the liver affected, in all schemes: 5, 33 and 66 %.
const STEATOSIS: &[Start] = &[AtLeast(5.0), Above(33.0), Above(66.0)];

const LIVER: Rule = Rule {
    organ: "liver",
    name: "",
    citation: LIANG,
    evidence: Evidence::Sourced,
    feature: "",
    starts: STEATOSIS,
    objective: None,
};

const RULES: &[Rule] = &[
    Rule { name: "nas_steatosis", citation: KLEINER, feature: "steatotic_hepatocyte_pct", ..LIVER },
    // 0 none, 1 below 2, 2 for 2–4, 3 above 4 foci per 200× field.
    Rule {
        name: "nas_lobular_inflammation",
        citation: KLEINER,
        feature: FOCI,
        starts: &[Above(0.0), AtLeast(2.0), Above(4.0)],
        objective: Some(20.0),
        ..LIVER
    },
    Rule { name: "liang_macrosteatosis", feature: "macro_affected_area_pct", ..LIVER },
    Rule { name: "liang_microsteatosis", feature: "micro_affected_area_pct", ..LIVER },
    Rule { name: "liang_hypertrophy", feature: "hypertrophic_hepatocyte_pct", ..LIVER },
    // 0 below 0.5, 1 up to 1, 2 up to 2, 3 above 2 foci per 100× field.
    Rule {
        name: "liang_inflammation",
        feature: FOCI,
        starts: &[AtLeast(0.5), Above(1.0), Above(2.0)],
        objective: Some(10.0),
        ..LIVER
    },
    // 0 none, 1 single cells, 2 below 30 %, 3 up to 60 %, 4 above 60 %. That up to 1 % is "single cells" and up to
    // 0.05 % is none is [expert].
    Rule {
        name: "suzuki_necrosis",
        citation: SUZUKI,
        evidence: Evidence::Expert,
        feature: "necrosis_area_pct",
        starts: &[Above(0.05), Above(1.0), Above(30.0), Above(60.0)],
        ..LIVER
    },
    // 0 none, 1 one or less, 2 for 2–4, 3 for 5–10, 4 above 10 foci per 10× field.
    Rule {
        name: "ishak_c",
        citation: ISHAK,
        feature: FOCI,
        starts: &[Above(0.0), Above(1.0), Above(4.0), Above(10.0)],
        objective: Some(10.0),
        ..LIVER
    },
];

const FOCI: &str = "inflammatory_foci_per_mm2";

/// Returns name and highest grade of every published item of an organ. Items of Ishak and Knodell that rules on H&E
/// cannot read are not among them.
pub fn items(organ: &str) -> impl Iterator<Item = (&'static str, u8)> {
    RULES.iter().filter(move |r| r.organ == organ).map(|r| (r.name, r.starts.len() as u8))
}

/// Grades every published item of an organ.
pub(super) fn all(organ: &str, measured: &[Measured], field_number_mm: f64) -> Vec<Published> {
    let of_organ = RULES.iter().filter(|r| r.organ == organ);
    of_organ.map(|rule| rule.grade(measured, field_number_mm)).collect()
}

impl Rule {
    fn grade(&self, measured: &[Measured], field_number_mm: f64) -> Published {
        let per_field = self.objective.map_or(1.0, |o| field::area_mm2(field_number_mm, o));
        let value = value_of(self.feature, measured).map(|v| v.value * per_field);
        let passed = |value: f64| {
            let passes = |start: &&Start| match **start {
                Above(cut) => value > cut,
                AtLeast(cut) => value >= cut,
            };
            self.starts.iter().filter(passes).count() as u8
        };
        Published {
            name: self.name,
            citation: self.citation,
            evidence: self.evidence,
            feature: self.feature,
            max: self.starts.len() as u8,
            grade: value.map(passed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ, score::rubric::tests::measured};

    #[test]
    fn grades_begin_where_the_papers_say() {
        fn t(name: &str, feature: &'static str, value: f64, field_number: f64, expected: u8) {
            let found = all("liver", &[measured(feature, Ok(value))], field_number);
            let item = found.iter().find(|p| p.name == name).unwrap();
            assert_eq!(item.grade, Ok(expected), "{name} {value}");
        }
        for (value, grade) in [(4.99, 0), (5.0, 1), (33.0, 1), (33.01, 2), (66.0, 2), (66.01, 3)] {
            t("nas_steatosis", "steatotic_hepatocyte_pct", value, 22.0, grade);
            t("liang_macrosteatosis", "macro_affected_area_pct", value, 22.0, grade);
        }
        // Cut-offs per mm² of domain.md §4.5.
        for (value, grade) in [(0.0, 0), (0.01, 1), (2.10, 1), (2.11, 2), (4.20, 2), (4.22, 3)] {
            t("nas_lobular_inflammation", FOCI, value, 22.0, grade);
        }
        t("nas_lobular_inflammation", FOCI, 2.5, 20.0, 1);
        for (value, grade) in [(0.131, 0), (0.132, 1), (0.263, 1), (0.264, 2), (0.526, 2), (0.527, 3)] {
            t("liang_inflammation", FOCI, value, 22.0, grade);
        }
        for (value, grade) in
            [(0.0, 0), (0.263, 1), (0.264, 2), (1.052, 2), (1.053, 3), (2.63, 3), (2.632, 4)]
        {
            t("ishak_c", FOCI, value, 22.0, grade);
        }
        for (value, grade) in [(0.05, 0), (0.06, 1), (30.0, 2), (30.1, 3), (60.1, 4)] {
            t("suzuki_necrosis", "necrosis_area_pct", value, 22.0, grade);
        }
    }

    #[test]
    fn items_are_of_known_organs_and_say_what_is_missing() {
        for rule in RULES {
            assert!(organ::find(rule.organ).is_some() && rule.starts.len() <= 4, "{}", rule.name);
        }
        let missing = all("liver", &[measured(FOCI, Err(Missing::Blank))], 22.0);
        assert_eq!(missing.len(), items("liver").count());
        assert_eq!(missing[1].grade, Err(Missing::Blank));
    }
}
