//! Sums that do not depend on the order they are made in: whole numbers only.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::names;

/// The name of a count, e.g. `parenchyma_px`. Declared as constants beside the code that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Counter(pub &'static str);

impl<'de> Deserialize<'de> for Counter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|name| Self(names::lasting(&name)))
    }
}

/// Counts and histograms. Merging is exact and commutative, so results do not depend on threads or tiles.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Tally {
    counts: BTreeMap<Counter, u64>,
    histograms: BTreeMap<Counter, BTreeMap<u32, u64>>,
}

impl Tally {
    /// Adds `n` to a count.
    pub fn add(&mut self, counter: Counter, n: u64) {
        *self.counts.entry(counter).or_default() += n;
    }

    /// Changes a count by a difference, to no less than 0.
    pub fn change(&mut self, counter: Counter, by: i64) {
        let count = self.counts.entry(counter).or_default();
        *count = count.saturating_add_signed(by);
    }

    /// Returns a count; 0 when nothing was ever added.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.counts.get(&counter).copied().unwrap_or(0)
    }

    /// Adds `n` observations of the whole number `value` to a histogram.
    pub fn observe(&mut self, counter: Counter, value: u32, n: u64) {
        *self.histograms.entry(counter).or_default().entry(value).or_default() += n;
    }

    /// Returns the `q` quantile (0–1, lower of the two middle values) of a histogram, or `None` when it is empty.
    #[must_use]
    pub fn quantile(&self, counter: Counter, q: f64) -> Option<u32> {
        let histogram = self.histograms.get(&counter)?;
        let total: u64 = histogram.values().sum();
        let rank = ((total.checked_sub(1)?) as f64 * q).floor() as u64;
        let mut seen = 0;
        histogram.iter().find_map(|(&value, &n)| {
            seen += n;
            (seen > rank).then_some(value)
        })
    }

    /// Returns the values of a histogram and how often each was observed, lowest value first.
    pub fn histogram(&self, counter: Counter) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.histograms.get(&counter).into_iter().flatten().map(|(&value, &n)| (value, n))
    }

    /// Returns the number of observations in a histogram.
    #[must_use]
    pub fn observations(&self, counter: Counter) -> u64 {
        self.histograms.get(&counter).map_or(0, |h| h.values().sum())
    }

    /// Adds everything in `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&counter, &n) in &other.counts {
            self.add(counter, n);
        }
        for (&counter, histogram) in &other.histograms {
            for (&value, &n) in histogram {
                self.observe(counter, value, n);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Counter = Counter("a");

    #[test]
    fn merge_equals_counting_at_once() {
        let (mut one, mut two, mut all) = (Tally::default(), Tally::default(), Tally::default());
        for v in 0..10 {
            if v % 2 == 0 { &mut one } else { &mut two }.observe(A, v, 1);
            all.observe(A, v, 1);
        }
        two.merge(&one);
        assert_eq!(two, all);
    }

    #[test]
    fn quantiles() {
        fn t(values: &[u32], q: f64, expected: Option<u32>) {
            let mut tally = Tally::default();
            values.iter().for_each(|&v| tally.observe(A, v, 1));
            assert_eq!(tally.quantile(A, q), expected, "{values:?} {q}");
        }
        t(&[], 0.5, None);
        t(&[7], 0.5, Some(7));
        t(&[1, 2, 3], 0.5, Some(2));
        t(&[1, 2, 3, 4], 0.5, Some(2));
        t(&[1, 2, 3, 4, 100], 0.9, Some(4));
        t(&[1, 2, 3, 4, 100], 1.0, Some(100));
    }
}
