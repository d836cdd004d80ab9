//! Families of rank comparisons.

use super::{
    analysis::Contrast,
    contrasts::{How, Said, finish},
    question::Question,
};
use crate::stats::{
    Undefined,
    adjust::{Method, adjust},
    describe::median,
    dunn,
    mann_whitney::{mann_whitney, smallest_p},
    permutation,
};

/// Compares ranks of the pairs, adjusted by Holm. Estimates are differences of medians. Where all arrangements of the animals can be
/// listed, and where exact tests of these numbers of animals cannot reach the level however the values fall, Mann–Whitney tests
/// answer, which are exact; else Dunn's, whose p-values are of large samples.
pub(super) fn family(question: &Question, family: &str, pairs: &[(usize, usize)]) -> Vec<Contrast> {
    let sizes = |&(a, b): &(usize, usize)| (question.arms[a].values.len(), question.arms[b].values.len());
    let sizes: Vec<(usize, usize)> = pairs.iter().map(sizes).collect();
    let out_of_reach = attainable(&sizes).iter().any(|p| *p > question.alpha);
    if out_of_reach || permutation::are_listed(&question.samples()) {
        exact(question, family, pairs)
    } else {
        by_mean_ranks(question, family, pairs)
    }
}

/// Returns the smallest p-values, adjusted together, that exact rank tests of pairs of these sizes can give.
pub(super) fn attainable(sizes: &[(usize, usize)]) -> Vec<f64> {
    let smallest: Vec<f64> = sizes.iter().map(|&(a, b)| smallest_p(a, b)).collect();
    adjust(&smallest, Method::Holm)
}

fn exact(question: &Question, family: &str, pairs: &[(usize, usize)]) -> Vec<Contrast> {
    let how = How { test: "mann_whitney", interval_method: "", adjustment: "holm" };
    let one = |&(a, b): &(usize, usize)| {
        let (x, y) = (&question.arms[a].values, &question.arms[b].values);
        let found = match mann_whitney(x, y) {
            Ok(test) => (test.u, test.p),
            // All values of both are equal.
            Err(Undefined::NoVariation) => ((x.len() * y.len()) as f64 / 2.0, 1.0),
            Err(_) => return None,
        };
        Some(((a, b), found))
    };
    let found: Vec<_> = pairs.iter().filter_map(one).collect();
    let raw: Vec<f64> = found.iter().map(|(_, (_, p))| *p).collect();
    let said = found.iter().zip(adjust(&raw, Method::Holm)).map(|(&(pair, (u, p)), p_adjusted)| Said {
        pair,
        estimate: difference(question, pair),
        interval: None,
        statistic: u,
        df: None,
        p: Some(p),
        p_adjusted,
    });
    finish(question, family, how, said.collect())
}

fn by_mean_ranks(question: &Question, family: &str, pairs: &[(usize, usize)]) -> Vec<Contrast> {
    let how = How { test: "dunn", interval_method: "", adjustment: "holm" };
    let found = dunn::dunn(&question.samples(), Some(pairs), Method::Holm).unwrap_or_default();
    let said = found.iter().map(|d| Said {
        pair: (d.a, d.b),
        estimate: difference(question, (d.a, d.b)),
        interval: None,
        statistic: d.z,
        df: None,
        p: Some(d.p),
        p_adjusted: d.p_adjusted,
    });
    finish(question, family, how, said.collect())
}

fn difference(question: &Question, (a, b): (usize, usize)) -> f64 {
    median(&question.arms[a].values) - median(&question.arms[b].values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::{Arm, Kind, analyse, analysis::Role};

    fn grades(groups: &[&[f64]]) -> Question {
        let arm = |(i, values): (usize, &&[f64])| Arm {
            name: format!("g{i}"),
            values: values.to_vec(),
            blocks: Vec::new(),
            dose: None,
        };
        let arms = groups.iter().enumerate().map(arm).collect();
        Question { kind: Kind::Ordinal, ..Question::controlled(arms) }
    }

    #[test]
    fn what_answers_is_what_exact_tests_say() {
        // χ² gives 0.046 and 0.047.
        for (groups, exact) in [
            ([&[1.0, 2.0, 2.0][..], &[3.0, 3.0, 4.0]], 0.1),
            ([&[0.0, 0.0, 0.0, 0.0], &[1.0, 2.0, 0.0, 3.0]], 10.0 / 70.0),
        ] {
            let found = analyse(&grades(&groups));
            let (answer, beside) = (&found.omnibus[0], &found.omnibus[1]);
            assert_eq!((answer.test, answer.role), ("kruskal_wallis", Role::Primary));
            assert!((answer.p - exact).abs() < 1e-12 && answer.note.starts_with("exact: all "), "{answer:?}");
            assert_eq!((beside.test, beside.role), ("kruskal_wallis_chi2", Role::Sensitivity));
            assert!(beside.p < 0.05 && beside.value == answer.value && beside.df1 == Some(1.0), "{beside:?}");
            for c in &found.contrasts {
                assert_eq!((c.test, c.p_adjusted), ("mann_whitney", c.p.unwrap()));
                assert!((c.p_adjusted - exact).abs() < 1e-12, "{c:?}");
            }
        }
    }

    #[test]
    fn no_comparison_differs_that_cannot_reach_the_level() {
        let low: &[f64] = &[0.0, 0.1, 0.2];
        let groups: Vec<Vec<f64>> = (0..6).map(|g| low.iter().map(|v| v + f64::from(g)).collect()).collect();
        let groups: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
        let found = analyse(&grades(&groups));
        // Too many arrangements to list: χ² answers for all groups together, exact tests for pairs.
        assert_eq!((found.omnibus[0].test, found.omnibus[0].df1), ("kruskal_wallis", Some(5.0)));
        assert!(found.omnibus.iter().all(|t| t.test != "kruskal_wallis_chi2"));
        assert!(found.contrasts.iter().all(|c| c.test == "mann_whitney" && c.p_adjusted > 0.05));
        assert!(found.contrasts.iter().all(|c| c.flags.contains(&"rank_test_cannot_reach_alpha")));
        // Of enough animals Dunn's test answers.
        let many: Vec<Vec<f64>> = (0..4).map(|g| (0..8).map(|i| f64::from(i % 5 + g)).collect()).collect();
        let many: Vec<&[f64]> = many.iter().map(Vec::as_slice).collect();
        assert!(analyse(&grades(&many)).contrasts.iter().all(|c| c.test == "dunn" && c.flags.is_empty()));
    }

    #[test]
    fn a_mark_says_what_adjusted_values_can_reach() {
        // Beside a large group the step of Holm leaves 0.029 to the small one.
        let p = attainable(&[(4, 4), (10, 4)]);
        assert!((p[0] - 2.0 / 70.0).abs() < 1e-12 && (p[1] - 4.0 / 1001.0).abs() < 1e-12, "{p:?}");
        // Groups that are all alike cannot be told apart.
        let found = analyse(&grades(&[&[1.0, 1.0, 1.0], &[1.0, 1.0, 1.0], &[1.0, 2.0, 2.0]]));
        let alike = found.contrasts.iter().find(|c| c.a == "g1" && c.b == "g0").unwrap();
        assert_eq!((alike.p, alike.statistic), (Some(1.0), 4.5));
    }
}
