//! Contrasts planned in `study.toml`.

use super::analysis::{Contrast, POINTWISE};
use crate::{
    stats::{
        adjust::{Method, adjust},
        contrast,
        welch::TTest,
    },
    study::{Planned, Study},
};

/// Returns the planned contrasts that can be computed, adjusted together by Holm.
pub(super) fn contrasts(study: &Study, groups: &[String], values: &[Vec<f64>]) -> Vec<Contrast> {
    let one = |planned: &Planned| -> Option<(String, String, usize, usize, TTest)> {
        let share = |names: &[String], group: &String| {
            if names.contains(group) { 1.0 / names.len() as f64 } else { 0.0 }
        };
        let weight = |g: &String| share(&planned.plus, g) - share(&planned.minus, g);
        let weights: Vec<f64> = groups.iter().map(weight).collect();
        let count = |names: &[String]| {
            groups.iter().zip(values).filter(|(g, _)| names.contains(g)).map(|(_, v)| v.len()).sum()
        };
        // Groups without weight may be empty.
        let part: Vec<(Vec<f64>, f64)> =
            values.iter().cloned().zip(weights).filter(|(_, w)| *w != 0.0).collect();
        let (samples, weights): (Vec<Vec<f64>>, Vec<f64>) = part.into_iter().unzip();
        let test = contrast::welch(&samples, &weights).ok()?;
        let names = |names: &[String]| names.join(" + ");
        Some((names(&planned.plus), names(&planned.minus), count(&planned.plus), count(&planned.minus), test))
    };
    let found: Vec<_> = study.contrasts.iter().filter_map(one).collect();
    let raw: Vec<f64> = found.iter().map(|f| f.4.p).collect();
    let adjusted = adjust(&raw, Method::Holm);
    let size = found.len();
    let row = |((a, b, n_a, n_b, test), p_adjusted): ((String, String, usize, usize, TTest), f64)| Contrast {
        family: "planned".into(),
        family_size: size,
        a,
        b,
        n_a,
        n_b,
        estimate: test.estimate,
        interval: Some(test.interval(study.alpha)),
        interval_method: POINTWISE,
        effect: None,
        test: "welch_contrast",
        statistic: test.t,
        df: Some(test.df),
        p: Some(test.p),
        p_adjusted,
        adjustment: "holm",
        p_permutation: None,
        flags: Vec::new(),
    };
    found.into_iter().zip(adjusted).map(row).collect()
}
