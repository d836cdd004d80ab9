//! How much a damage index depends on its weights (domain.md §4.4): all equal, each by half more and half less, each lesion
//! left out.

use super::{Finding, index::damage_index};

/// Name of the weights as the rubric has them.
pub const AS_DEFINED: &str = "as defined";

/// One set of weights, and the index of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// [`AS_DEFINED`], `equal weights`, `<lesion> weight x 0.5`, `<lesion> weight x 1.5` or `without <lesion>`.
    pub name: String,
    /// 0–100; `None` when too little of the weight could be scored.
    pub index: Option<f64>,
}

/// Returns the index under every set of weights, as defined first. Lesions of weight 0 stay out.
#[must_use]
pub fn scenarios(findings: &[Finding], min_coverage: f64) -> Vec<Scenario> {
    let weighed = |name: String, weight: &dyn Fn(&Finding) -> f64| {
        let list: Vec<Finding> =
            findings.iter().map(|f| Finding { weight: weight(f), ..f.clone() }).collect();
        Scenario { name, index: damage_index("", list.iter(), min_coverage).value }
    };
    let mut out = vec![
        weighed(AS_DEFINED.into(), &|f| f.weight),
        weighed("equal weights".into(), &|f| f64::from(u8::from(f.weight > 0.0))),
    ];
    for lesion in findings.iter().filter(|f| f.weight > 0.0).map(|f| f.lesion.as_str()) {
        let only =
            |times: f64| move |f: &Finding| if f.lesion == lesion { times * f.weight } else { f.weight };
        out.push(weighed(format!("{lesion} weight x 0.5"), &only(0.5)));
        out.push(weighed(format!("{lesion} weight x 1.5"), &only(1.5)));
        out.push(weighed(format!("without {lesion}"), &only(0.0)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{Outcome, index::tests::finding};

    #[test]
    fn every_weight_is_moved() {
        let list = [finding(Some(2.0), 4, 2.0), finding(Some(1.0), 3, 1.0), finding(Some(1.0), 1, 0.0)];
        let found = scenarios(&list, 0.7);
        assert_eq!(found.len(), 2 + 2 * 3);
        let index =
            |name: &str| format!("{:.1}", found.iter().find(|s| s.name == name).unwrap().index.unwrap());
        assert_eq!(index("as defined"), "44.4");
        assert_eq!(index("equal weights"), "41.7");
        assert_eq!(index("w2 weight x 0.5"), "41.7");
        assert_eq!(index("without w1"), "50.0");
        assert!(matches!(list[0].outcome, Outcome::Scored { .. }));
    }
}
