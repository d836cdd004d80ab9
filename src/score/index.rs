//! Damage indices: weighted means of what could be scored, on 0–100 (domain.md §4.1.5).

use super::{DamageIndex, Finding, Outcome};

/// Slack when a share of weights is compared with the least allowed one: sums of decimal weights are not exact.
pub(super) const ROUNDING: f64 = 1e-9;

/// Returns `100 · Σ w·(score/max) ÷ Σ w` over the scored findings. There is no value when they carry less than
/// `min_coverage` of the weight of all findings. Findings of weight 0 are report only and never count.
pub(super) fn damage_index<'a>(
    name: impl Into<String>,
    findings: impl IntoIterator<Item = &'a Finding>,
    min_coverage: f64,
) -> DamageIndex {
    let (mut all, mut scored, mut sum) = (0.0, 0.0, 0.0);
    let mut missing = Vec::new();
    for finding in findings.into_iter().filter(|f| f.weight > 0.0) {
        all += finding.weight;
        match finding.outcome {
            Outcome::Scored { continuous, .. } => {
                scored += finding.weight;
                sum += finding.weight * continuous / f64::from(finding.max);
            }
            Outcome::NotScored { .. } => missing.push(finding.lesion.clone()),
        }
    }
    let coverage = if all > 0.0 { scored / all } else { 0.0 };
    let value = (scored > 0.0 && coverage + ROUNDING >= min_coverage).then(|| 100.0 * sum / scored);
    DamageIndex { name: name.into(), value, coverage, missing }
}

/// Returns the column name of an index: `steatosis` is `steatosis_index`.
#[must_use]
pub fn index_column(name: &str) -> String {
    if name.ends_with("_index") {
        name.to_owned()
    } else {
        format!("{}_index", name.replace(['-', ' '], "_"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::measure::feature::Missing;

    pub(in crate::score) fn finding(score: Option<f64>, max: u8, weight: f64) -> Finding {
        let outcome = match score {
            Some(continuous) => Outcome::Scored { grade: 0, continuous, severity: String::new() },
            None => Outcome::NotScored { missing: Missing::NeedsControls },
        };
        Finding {
            lesion: format!("w{weight}"),
            label: String::new(),
            feature: String::new(),
            value: None,
            max,
            weight,
            provenance: String::new(),
            evidence: String::new(),
            outcome,
        }
    }

    #[test]
    fn composite_of_domain_4_5() {
        let index = damage_index("i", &[finding(Some(2.0), 4, 2.0), finding(Some(1.0), 3, 1.0)], 0.7);
        assert_eq!(format!("{:.1}", index.value.unwrap()), "44.4");
        assert_eq!(index.coverage, 1.0);
    }

    #[test]
    fn coverage_rule() {
        fn t(scored: &[f64], unscored: &[f64], expected: Option<f64>, coverage: f64) {
            let mut findings: Vec<_> = scored.iter().map(|&w| finding(Some(2.0), 4, w)).collect();
            findings.extend(unscored.iter().map(|&w| finding(None, 4, w)));
            let index = damage_index("i", &findings, 0.7);
            assert_eq!(index.value, expected, "{scored:?} of {unscored:?}");
            assert!((index.coverage - coverage).abs() < 1e-12, "{index:?}");
            assert_eq!(index.missing.len(), unscored.iter().filter(|&&w| w > 0.0).count());
        }
        t(&[1.0], &[], Some(50.0), 1.0);
        t(&[0.1, 0.6], &[0.3], Some(50.0), 0.7);
        t(&[0.69], &[0.31], None, 0.69);
        t(&[1.0], &[0.0], Some(50.0), 1.0);
        t(&[0.0], &[], None, 0.0);
        t(&[], &[1.0], None, 0.0);
        t(&[], &[], None, 0.0);
    }

    #[test]
    fn an_index_without_a_value_says_why() {
        fn t(scored: &[f64], unscored: &[f64], expected: &str) {
            let mut findings: Vec<_> = scored.iter().map(|&w| finding(Some(2.0), 4, w)).collect();
            findings.extend(unscored.iter().map(|&w| finding(None, 4, w)));
            assert_eq!(damage_index("i", &findings, 0.7).why(), expected);
        }
        // Where 70 % are enough.
        t(&[0.698], &[0.302], "only 69 % of the weight scored; missing w0.302");
        t(&[0.57], &[0.43], "only 57 % of the weight scored; missing w0.43");
        t(&[], &[1.0], "only 0 % of the weight scored; missing w1");
        let none = "the rubric has no lesion of it that has a weight";
        t(&[0.0], &[0.0], none);
        t(&[], &[], none);
    }
}
