//! How far a treatment brings an endpoint back, with an interval (domain.md §4.1.7).

use serde::Serialize;

use crate::{
    score::recovery::recovery_pct,
    stats::{
        Interval, contrast,
        describe::{constant, mean},
    },
};

/// Recovery of one treated group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recovery {
    /// Treated group.
    pub group: String,
    /// 100 when the treated equal the normal, 0 when they equal the diseased; `None` where suppressed.
    pub value: Option<f64>,
    /// Interval: the recoveries that a Welch contrast test does not refuse.
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
    let none = |why: &str| Recovery {
        group: group.to_owned(),
        value: None,
        interval: None,
        suppressed: why.to_owned(),
    };
    let samples = [disease.to_vec(), normal.to_vec(), treated.to_vec()];
    if samples.iter().any(|s| s.len() < 2) {
        return none("fewer than two animals in a group");
    }
    let apart = (mean(disease) - mean(normal)).abs();
    if apart < 2.0 * pooled || apart == 0.0 {
        return none("diseased and normal differ by less than two standard deviations");
    }
    if samples.iter().all(|s| constant(s)) {
        let value = recovery_pct(mean(disease), mean(normal), mean(treated));
        return Recovery { group: group.to_owned(), value, interval: None, suppressed: String::new() };
    }
    // Where both controls are constant their difference is certain.
    let difference = contrast::welch(&samples, &[1.0, -1.0, 0.0]);
    if difference.is_ok_and(|d| d.p >= alpha) {
        return none("the difference of diseased and normal may be 0");
    }
    let value = recovery_pct(mean(disease), mean(normal), mean(treated));
    let interval = value.and_then(|v| interval(&samples, v / 100.0, alpha));
    Recovery { group: group.to_owned(), value, interval, suppressed: String::new() }
}

/// Shares r for which `(D − T) − r·(D − C)` may be 0, around the estimate.
fn interval(samples: &[Vec<f64>], estimate: f64, alpha: f64) -> Option<Interval> {
    let kept = |share: f64| contrast::welch(samples, &[1.0 - share, share, -1.0]).is_ok_and(|t| t.p > alpha);
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
