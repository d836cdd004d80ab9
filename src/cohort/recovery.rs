//! How far a treatment brings an endpoint back, with an interval (domain.md §4.1.7).

use serde::Serialize;

use super::blocks::AtEqualBlocks;
use crate::{
    score::recovery::recovery_pct,
    stats::{Interval, contrast, describe::mean, welch::TTest},
};

/// Recovery of one treated group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recovery {
    /// Treated group.
    pub group: String,
    /// 100 when the treated equal the normal, 0 when they equal the diseased; `None` where suppressed.
    pub value: Option<f64>,
    /// Interval: the recoveries that a Welch contrast test, or with blocks one of adjusted means, does not refuse.
    pub interval: Option<Interval>,
    /// Why there is no value.
    pub suppressed: String,
}

/// Widest interval that is looked for, in %.
const MOST: f64 = 1e5;

/// Returns the recovery of `treated`, given disease and normal controls and the standard deviation `pooled` within all
/// groups of the study. It is suppressed where the disease did not move the endpoint: the difference of both controls is
/// below two such standard deviations, or its interval holds 0.
#[must_use]
pub fn recovery(group: &str, [disease, normal, treated]: [&[f64]; 3], pooled: f64, alpha: f64) -> Recovery {
    let samples = [disease.to_vec(), normal.to_vec(), treated.to_vec()];
    if samples.iter().any(|s| s.len() < 2) {
        return suppressed(group, FEW);
    }
    let means = [disease, normal, treated].map(mean);
    judged(group, means, pooled, alpha, |weights| contrast::welch(&samples, &weights).ok())
}

/// Returns the same from means at equal blocks; groups are named, and the standard deviation is that which groups and blocks leave.
pub(super) fn at_equal_blocks(
    [disease, normal, treated]: [&str; 3],
    level: &AtEqualBlocks,
    alpha: f64,
) -> Recovery {
    let names = [disease, normal, treated];
    if !names.iter().all(|n| level.has(n)) {
        return suppressed(treated, FEW);
    }
    let test = |weights: [f64; 3]| {
        level.combination(|name| names.iter().position(|n| *n == name).map_or(0.0, |i| weights[i]))
    };
    let means = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|w| test(w).estimate);
    judged(treated, means, level.residual_sd(), alpha, |weights| Some(test(weights)))
}

const FEW: &str = "fewer than two animals in a group";

fn suppressed(group: &str, why: &str) -> Recovery {
    Recovery { group: group.to_owned(), value: None, interval: None, suppressed: why.to_owned() }
}

/// Judges the means of diseased, normal and treated; `test` tests a sum of them with weights, `None` where none of those groups varies.
fn judged(
    group: &str,
    [disease, normal, treated]: [f64; 3],
    sd: f64,
    alpha: f64,
    test: impl Fn([f64; 3]) -> Option<TTest>,
) -> Recovery {
    let apart = (disease - normal).abs();
    if apart < 2.0 * sd || apart == 0.0 {
        return suppressed(group, "diseased and normal differ by less than two standard deviations");
    }
    // Where both controls are constant their difference is certain.
    if test([1.0, -1.0, 0.0]).is_some_and(|d| d.p >= alpha) {
        return suppressed(group, "the difference of diseased and normal may be 0");
    }
    let value = recovery_pct(disease, normal, treated);
    let varies = test([1.0, 1.0, 1.0]).is_some();
    let interval = value.filter(|_| varies).and_then(|v| interval(&test, v / 100.0, alpha));
    Recovery { group: group.to_owned(), value, interval, suppressed: String::new() }
}

/// Shares r for which `(D − T) − r·(D − C)` may be 0, around the estimate.
fn interval(test: &impl Fn([f64; 3]) -> Option<TTest>, estimate: f64, alpha: f64) -> Option<Interval> {
    let kept = |share: f64| test([1.0 - share, share, -1.0]).is_some_and(|t| t.p > alpha);
    let edge = |direction: f64| {
        let (mut inside, mut reach) = (estimate, 0.05);
        while kept(estimate + direction * reach) {
            inside = estimate + direction * reach;
            reach *= 2.0;
            if reach > MOST / 100.0 {
                return None;
            }
        }
        let mut outside = estimate + direction * reach;
        for _ in 0..60 {
            let middle = 0.5 * (inside + outside);
            if kept(middle) { inside = middle } else { outside = middle }
        }
        Some(100.0 * inside)
    };
    Some(Interval { lo: edge(-1.0)?, hi: edge(1.0)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_with_its_interval() {
        let (d, c, t) = ([60.0, 58.0, 62.0, 61.0], [10.0, 11.0, 9.0, 10.0], [31.0, 29.0, 30.0, 32.0]);
        let got = recovery("t", [&d, &c, &t], 1.5, 0.05);
        let (value, interval) = (got.value.unwrap(), got.interval.unwrap());
        assert!((value - 100.0 * (60.25 - 30.5) / (60.25 - 10.0)).abs() < 1e-12);
        assert!(
            interval.lo < value && value < interval.hi && interval.hi - interval.lo < 15.0,
            "{interval:?}"
        );
        // At its ends the contrast is just refused.
        let samples = [d.to_vec(), c.to_vec(), t.to_vec()];
        let share = interval.hi / 100.0;
        let p = contrast::welch(&samples, &[1.0 - share, share, -1.0]).unwrap().p;
        assert!((p - 0.05).abs() < 1e-6, "{p}");
    }

    #[test]
    fn equal_blocks_take_their_spread_out() {
        use crate::cohort::{Arm, Question, analyse};
        let arm = |(name, shift, noise): (&str, f64, [f64; 4])| Arm {
            name: name.into(),
            values: (0..4).map(|b| 6.0 * b as f64 + shift + noise[b]).collect(),
            blocks: (0..4).collect(),
            dose: None,
        };
        let arms = [
            ("normal", 0.0, [0.1, -0.1, 0.0, 0.1]),
            ("diseased", 3.0, [0.0, 0.1, -0.1, 0.0]),
            ("treated", 1.5, [-0.1, 0.0, 0.1, 0.0]),
        ];
        let question = Question::plain(arms.into_iter().map(arm).collect());
        let values: Vec<&[f64]> = question.arms.iter().map(|a| &a.values[..]).collect();
        let raw = recovery("treated", [values[1], values[0], values[2]], 7.0, 0.05);
        assert!(raw.suppressed.starts_with("diseased and normal differ by less"), "{raw:?}");
        let level = AtEqualBlocks::of(&question, analyse(&question).choice.route).unwrap();
        let names = ["diseased", "normal", "treated"];
        let got = at_equal_blocks(names, &level, 0.05);
        assert!((got.value.unwrap() - 50.0).abs() < 3.0 && got.interval.unwrap().holds(50.0), "{got:?}");
        assert!(at_equal_blocks(["diseased", "normal", "lone"], &level, 0.05).value.is_none());
    }

    #[test]
    fn constant_groups_have_a_value_without_an_interval() {
        let got = recovery("t", [&[3.0; 3], &[1.0; 3], &[2.0; 3]], 0.0, 0.05);
        assert_eq!((got.value, got.interval), (Some(50.0), None));
    }

    #[test]
    fn nothing_to_recover_from() {
        fn t(d: &[f64], c: &[f64], expected: &str) {
            let got = recovery("t", [d, c, &[1.0, 2.0, 3.0]], 1.0, 0.05);
            assert_eq!((got.value, got.suppressed.as_str()), (None, expected));
        }
        t(
            &[1.0, 2.0, 3.0],
            &[1.5, 2.5, 3.5],
            "diseased and normal differ by less than two standard deviations",
        );
        t(&[1.0], &[1.5, 2.5], "fewer than two animals in a group");
        t(&[1.0, 14.1, 2.0], &[1.0, 1.0, 1.0], "the difference of diseased and normal may be 0");
    }
}
