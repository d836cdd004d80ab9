//! Published scores, printed beside the damage index and never mixed into it (domain.md §2.2.4, §4.1.6).

use serde::Serialize;

use super::{Measured, field, sampling::gradable};
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
    /// Whom the scheme was made for: `human`, `rodent` or `any`.
    pub made_for: &'static str,
    /// Name of the feature it is read from, or of all of them.
    pub feature: &'static str,
    /// What is left out of the scheme or replaced, empty where nothing is.
    pub note: &'static str,
    /// Highest grade.
    pub max: u8,
    /// The grade, whole but for means, or why there is none.
    pub grade: Result<f64, Missing>,
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
    made_for: &'static str,
    feature: &'static str,
    note: &'static str,
    how: How,
}

/// How a grade comes about.
enum How {
    /// Grades 1, 2, … begin at these values of the feature.
    Starts(&'static [Start]),
    /// The same, as counts per field of this objective, while the feature counts per mm².
    PerField(&'static [Start], f64),
    /// The feature is the score itself, a mean of 0 to this.
    Mean(u8),
    /// The sum of other items, by name.
    Sum(&'static [&'static str]),
    /// A rule of several features, with its highest grade.
    Rule(fn(&Look<'_>) -> Result<u8, Missing>, u8),
}

/// The values of features, by name.
type Look<'a> = dyn Fn(&str) -> Result<f64, Missing> + 'a;

use How::{Mean, PerField, Starts, Sum};

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
    made_for: "rodent",
    feature: "",
    note: "",
    how: Starts(STEATOSIS),
};
const HUMAN_LIVER: Rule = Rule { citation: KLEINER, made_for: "human", ..LIVER };
const KIDNEY: Rule = Rule { organ: "kidney", citation: "", made_for: "any", ..LIVER };
const PANCREAS: Rule =
    Rule { organ: "pancreas", citation: PANCREATITIS, evidence: Evidence::Expert, ..KIDNEY };

/// Few and many ballooned cells; the papers give no density [expert].
const BALLOONING: &[Start] = &[Above(0.3), Above(3.0)];
const BALLOONING_NOTE: &str = "exploratory: few and many are densities of our own";

const RULES: &[Rule] = &[
    Rule { name: "nas_steatosis", feature: "steatotic_hepatocyte_pct", ..HUMAN_LIVER },
    // 0 none, 1 below 2, 2 for 2–4, 3 above 4 foci per 200× field.
    Rule {
        name: "nas_lobular_inflammation",
        feature: FOCI,
        how: PerField(&[Above(0.0), AtLeast(2.0), Above(4.0)], 20.0),
        ..HUMAN_LIVER
    },
    Rule {
        name: "nas_ballooning",
        evidence: Evidence::Expert,
        feature: BALLOONED,
        note: BALLOONING_NOTE,
        how: Starts(BALLOONING),
        ..HUMAN_LIVER
    },
    Rule {
        name: "nas",
        evidence: Evidence::Expert,
        feature: "its three items",
        note: BALLOONING_NOTE,
        how: Sum(&["nas_steatosis", "nas_lobular_inflammation", "nas_ballooning"]),
        ..HUMAN_LIVER
    },
    Rule { name: "saf_steatosis", citation: BEDOSSA, feature: "steatotic_hepatocyte_pct", ..HUMAN_LIVER },
    // 0 none, 1 up to 2, 2 above 2 foci per 20× field; the paper leaves 2 itself open.
    Rule {
        name: "saf_lobular_inflammation",
        citation: BEDOSSA,
        feature: FOCI,
        how: PerField(&[Above(0.0), Above(2.0)], 20.0),
        ..HUMAN_LIVER
    },
    Rule {
        name: "saf_activity",
        citation: BEDOSSA,
        evidence: Evidence::Expert,
        feature: "ballooning and lobular inflammation",
        note: BALLOONING_NOTE,
        how: Sum(&["nas_ballooning", "saf_lobular_inflammation"]),
        ..HUMAN_LIVER
    },
    Rule { name: "liang_macrosteatosis", feature: "macro_affected_area_pct", ..LIVER },
    Rule { name: "liang_microsteatosis", feature: "micro_affected_area_pct", ..LIVER },
    Rule { name: "liang_hypertrophy", feature: "hypertrophic_hepatocyte_pct", ..LIVER },
    // 0 below 0.5, 1 up to 1, 2 up to 2, 3 above 2 foci per 100× field. The authors sum nothing, nor do we.
    Rule {
        name: "liang_inflammation",
        feature: FOCI,
        how: PerField(&[AtLeast(0.5), Above(1.0), Above(2.0)], 10.0),
        ..LIVER
    },
    // 0 none, 1 single cells, 2 below 30 %, 3 up to 60 %, 4 above 60 %. That up to 1 % is "single cells" and up to
    // 0.05 % is none is [expert].
    Rule {
        name: "suzuki_necrosis",
        citation: SUZUKI,
        evidence: Evidence::Expert,
        made_for: "any",
        feature: "necrosis_area_pct",
        how: Starts(&[Above(0.05), Above(1.0), Above(30.0), Above(60.0)]),
        ..LIVER
    },
    // 0 none, 1 one or less, 2 for 2–4, 3 for 5–10, 4 above 10 foci per 10× field.
    Rule {
        name: "ishak_c",
        citation: ISHAK,
        made_for: "human",
        feature: FOCI,
        how: PerField(&[Above(0.0), Above(1.0), Above(4.0), Above(10.0)], 10.0),
        ..LIVER
    },
    Rule {
        name: "glomerulosclerosis_index",
        citation: "glomerulosclerosis index, as in many papers",
        feature: "glom_sclerosis_index",
        note: "read from H&E, the scheme from PAS",
        how: Mean(4),
        ..KIDNEY
    },
    // 0 none, 1 up to 10, 2 up to 25, 3 up to 50, 4 up to 75, 5 above 75 % of tubules; edges vary by laboratory. That up
    // to 1 % is none is [expert].
    Rule {
        name: "tubular_injury_0_5",
        citation: "percent-of-tubules score",
        evidence: Evidence::Recalled,
        feature: "tubule_injured_pct",
        how: Starts(&[Above(1.0), Above(10.0), Above(25.0), Above(50.0), Above(75.0)]),
        ..KIDNEY
    },
    Rule {
        name: "egti_t_surrogate",
        citation: EGTI,
        evidence: Evidence::Recalled,
        feature: "tubule_injured_pct, tubule_necrosis_pct, cast_tubule_pct",
        note: "injured tubules stand for those without brush border",
        how: How::Rule(egti_tubules, 4),
        ..KIDNEY
    },
    Rule {
        name: "egti_i_surrogate",
        citation: EGTI,
        evidence: Evidence::Recalled,
        feature: "inflamed_cortex_pct, tubule_necrosis_pct",
        how: How::Rule(egti_interstitium, 4),
        ..KIDNEY
    },
    Rule {
        name: "egti_g_surrogate",
        citation: EGTI,
        evidence: Evidence::Recalled,
        feature: "glom_shrunken_pct",
        note: "tuft retraction only: 0 or 2",
        how: How::Rule(|look| Ok(if look("glom_shrunken_pct")? > 10.0 { 2 } else { 0 }), 2),
        ..KIDNEY
    },
    Rule {
        name: "egti_surrogate",
        citation: EGTI,
        evidence: Evidence::Recalled,
        feature: "T + I + G",
        note: "partial: endothelium is not computed",
        how: Sum(&["egti_t_surrogate", "egti_i_surrogate", "egti_g_surrogate"]),
        ..KIDNEY
    },
    Rule {
        name: "insulitis_mean",
        citation: "insulitis score of NOD mice, 0 to 4",
        evidence: Evidence::Sourced,
        made_for: "rodent",
        feature: "insulitis_score_mean",
        how: Mean(4),
        ..PANCREAS
    },
    // 0 none, 1 between lobules, 2 diffuse between lobules, 3 acini apart: the shares are ours [expert].
    Rule {
        name: "pancreatitis_oedema_surrogate",
        feature: "pancreas_gap_pct",
        note: "the scheme names places, not shares",
        how: Starts(&[Above(15.0), Above(25.0), Above(40.0)]),
        ..PANCREAS
    },
    // 0 none, 1 at ducts, 2 below, 3 above half of the lobules: the densities are ours [expert].
    Rule {
        name: "pancreatitis_inflammation_surrogate",
        feature: "pancreas_inflammatory_foci_per_mm2",
        note: "the scheme counts lobules, not foci",
        how: Starts(&[Above(0.2), Above(1.0), Above(3.0)]),
        ..PANCREAS
    },
    // 0 none, 1 up to 5, 2 up to 20, 3 above 20 % of cells; that up to 1 % is none is [expert].
    Rule {
        name: "pancreatitis_necrosis",
        feature: "acinar_pyknotic_pct",
        note: "pyknotic nuclei stand for dead cells",
        how: Starts(&[Above(1.0), Above(5.0), Above(20.0)]),
        ..PANCREAS
    },
];

const BALLOONED: &str = "ballooning_candidates_per_mm2";
const BEDOSSA: &str = "Bedossa 2012, Hepatology 56:1751";
const EGTI: &str = "EGTI (Khalid 2021, Sci Rep 11), surrogate";
const PANCREATITIS: &str = "rodent pancreatitis score, as tabulated in Gut";

/// Share of injured tubules, in %, up to which healthy rats come (domain.md §3.3).
const HEALTHY_INJURED: f64 = 8.0;

/// T of EGTI: 1 loss of brush border in up to 25 % of tubules, 2 in more, 3 with casts or necrosis besides, 4 above 60 %
/// necrosis. The brush border is not read; tubules with any injury stand for those that lost it [expert]. Grade 3 is grade 2
/// and more, so that a few casts alone do not make it.
fn egti_tubules(look: &Look<'_>) -> Result<u8, Missing> {
    let (necrosis, casts) = (look("tubule_necrosis_pct")?, look("cast_tubule_pct")?);
    // Dead tubules lose their lumens, and with them their place among those that are counted.
    let injured = look("tubule_injured_pct")?.max(necrosis);
    Ok(match injured {
        _ if necrosis > 60.0 => 4,
        i if i > 25.0 && (necrosis > 1.0 || casts > 1.0) => 3,
        i if i > 25.0 => 2,
        i if i > HEALTHY_INJURED => 1,
        _ => 0,
    })
}

/// I of EGTI: 1 inflammation below 25 %, 2 with necrosis below 25 %, 3 up to 60 %, 4 above.
fn egti_interstitium(look: &Look<'_>) -> Result<u8, Missing> {
    let (inflamed, necrosis) = (look("inflamed_cortex_pct")?, look("tubule_necrosis_pct")?);
    Ok(match (inflamed, necrosis) {
        (_, n) if n > 60.0 => 4,
        (_, n) if n >= 25.0 => 3,
        (i, n) if i > 1.0 && n > 1.0 => 2,
        (i, _) if i > 1.0 => 1,
        _ => 0,
    })
}

const FOCI: &str = "inflammatory_foci_per_mm2";

/// Returns name and highest grade of every published item of an organ. Items of Ishak and Knodell that rules on H&E
/// cannot read are not among them.
pub fn items(organ: &str) -> impl Iterator<Item = (&'static str, u8)> {
    RULES.iter().filter(move |r| r.organ == organ).map(|r| (r.name, r.max()))
}

/// Returns the column that holds an item's grade: `nas_grade`.
#[must_use]
pub fn grade_column(item: &str) -> String {
    format!("{item}_grade")
}

/// Returns whether an item is the mean of a feature, which has distances, and no grade.
#[must_use]
pub fn is_mean(item: &str) -> bool {
    RULES.iter().any(|r| r.name == item && matches!(r.how, Mean(_)))
}

/// Returns whether an item of an organ is, or sums up, a count per field, so that it depends on the rubric's field number.
#[must_use]
pub fn follows_field_number(organ: &str, item: &str) -> bool {
    let own = RULES.iter().find(|r| r.organ == organ && r.name == item);
    own.is_some_and(|rule| match rule.how {
        PerField(..) => true,
        Sum(parts) => parts.iter().any(|part| follows_field_number(organ, part)),
        _ => false,
    })
}

/// Grades every published item of an organ on one slide.
pub(super) fn of_slide(organ: &str, measured: &[Measured], field_number_mm: f64) -> Vec<Published> {
    let look = |feature: &str| gradable(organ, feature, measured).map(|v| v.value);
    all(organ, &look, field_number_mm, |_| None)
}

/// Grades every published item of an organ on what `look` tells of features: values that can be graded. Where an item lacks no more
/// than a value, the grade that is `kept` of it stands.
pub(super) fn all(
    organ: &str,
    look: &Look<'_>,
    field_number_mm: f64,
    kept: impl Fn(&str) -> Option<f64>,
) -> Vec<Published> {
    let mut found: Vec<Published> = Vec::new();
    for rule in RULES.iter().filter(|r| r.organ == organ) {
        let before = |name: &str| found.iter().find(|p| p.name == name).map(|p| p.grade.clone());
        let grade = match rule.grade(look, field_number_mm, &before) {
            Err(Missing::NO_VALUE) => kept(rule.name).ok_or(Missing::NO_VALUE),
            grade => grade,
        };
        found.push(Published {
            name: rule.name,
            citation: rule.citation,
            evidence: rule.evidence,
            made_for: rule.made_for,
            feature: rule.feature,
            note: rule.note,
            max: rule.max(),
            grade,
        });
    }
    found
}

/// Grades the items that rest on one feature alone, of which the value is given or why there is none, and the sums they are part
/// of; `others` tells the other items of these sums.
pub(super) fn following(
    organ: &str,
    (feature, value): (&str, &Result<f64, Missing>),
    field_number_mm: f64,
    others: impl Fn(&str) -> Option<f64>,
) -> Vec<(&'static str, Result<f64, Missing>)> {
    let look = |wanted: &str| if wanted == feature { value.clone() } else { Err(Missing::NeedsControls) };
    let mut found: Vec<(&'static str, Result<f64, Missing>)> = Vec::new();
    for rule in RULES.iter().filter(|r| r.organ == organ) {
        let graded = |name: &str| found.iter().find(|(n, _)| *n == name).map(|(_, grade)| grade.clone());
        let rests = match rule.how {
            Sum(parts) => parts.iter().any(|part| graded(part).is_some()),
            _ => rule.feature == feature,
        };
        let before = |part: &str| {
            let other = || others(part).ok_or(Missing::Ungraded { why: "another item is not graded" });
            Some(graded(part).unwrap_or_else(other))
        };
        if rests {
            let grade = rule.grade(&look, field_number_mm, &before);
            found.push((rule.name, grade));
        }
    }
    found
}

impl Rule {
    fn max(&self) -> u8 {
        match self.how {
            Starts(starts) | PerField(starts, _) => starts.len() as u8,
            Mean(max) | How::Rule(_, max) => max,
            Sum(parts) => {
                parts.iter().filter_map(|p| RULES.iter().find(|r| r.name == *p)).map(Rule::max).sum()
            }
        }
    }

    /// Grades one item; those it sums up stand before it in the list.
    fn grade(
        &self,
        look: &Look<'_>,
        field_number_mm: f64,
        before: &dyn Fn(&str) -> Option<Result<f64, Missing>>,
    ) -> Result<f64, Missing> {
        let passed = |starts: &[Start], value: f64| {
            let passes = |start: &&Start| match **start {
                Above(cut) => value > cut,
                AtLeast(cut) => value >= cut,
            };
            starts.iter().filter(passes).count() as f64
        };
        match self.how {
            Starts(starts) => Ok(passed(starts, look(self.feature)?)),
            PerField(starts, objective) => {
                let per_field = field::area_mm2(field_number_mm, objective);
                Ok(passed(starts, look(self.feature)? * per_field))
            }
            Mean(_) => look(self.feature),
            How::Rule(rule, _) => rule(look).map(f64::from),
            Sum(parts) => parts.iter().filter_map(|part| before(part)).sum(),
        }
    }
}

#[cfg(test)]
mod tests;
