//! Families of rank comparisons.

use super::{
    analysis::Contrast,
    contrasts::{How, Said, finish},
    question::Question,
};
use crate::stats::{adjust::Method, describe::median, dunn};

/// Compares mean ranks of the pairs, adjusted by Holm. Estimates are differences of medians.
pub(super) fn family(question: &Question, family: &str, pairs: &[(usize, usize)]) -> Vec<Contrast> {
    let how = How { test: "dunn", interval_method: "", adjustment: "holm" };
    let found = dunn::dunn(&question.samples(), Some(pairs), Method::Holm).unwrap_or_default();
    let values = |g: usize| &question.arms[g].values;
    let said = found.iter().map(|d| Said {
        pair: (d.a, d.b),
        estimate: median(values(d.a)) - median(values(d.b)),
        interval: None,
        statistic: d.z,
        df: None,
        p: Some(d.p),
        p_adjusted: d.p_adjusted,
    });
    finish(question, family, how, said.collect())
}
