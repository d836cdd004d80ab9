//! Midranks and ties.

/// Values closer than this share of their size are ties: aggregation leaves equal scores unequal in the last digits.
const TIE: f64 = 1e-12;

/// Ranks of a pooled sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks {
    /// Midranks of the values, in their order; ranks count from 1.
    pub of: Vec<f64>,
    /// Sizes of the sets of equal values, from the smallest value upwards.
    pub ties: Vec<usize>,
}

impl Ranks {
    /// Ranks the values.
    #[must_use]
    pub fn new(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut of = vec![0.0; values.len()];
        let mut ties = Vec::new();
        let mut start = 0;
        while start < order.len() {
            let first = values[order[start]];
            let same = |&&i: &&usize| tied(first, values[i]);
            let size = order[start..].iter().take_while(same).count().max(1);
            let rank = start as f64 + (size as f64 + 1.0) / 2.0;
            order[start..start + size].iter().for_each(|&i| of[i] = rank);
            ties.push(size);
            start += size;
        }
        Self { of, ties }
    }

    /// Ranks several samples together; the ranks follow each other sample by sample.
    #[must_use]
    pub fn pooled(samples: &[Vec<f64>]) -> Self {
        Self::new(&samples.concat())
    }

    /// Returns Σ (t³ − t) over the ties.
    #[must_use]
    pub fn tie_sum(&self) -> f64 {
        self.ties.iter().map(|&t| t as f64).map(|t| t * t * t - t).sum()
    }

    /// Returns whether no two values are equal.
    #[must_use]
    pub fn distinct(&self) -> bool {
        self.ties.iter().all(|&t| t == 1)
    }

    /// Returns the sum of ranks of each sample ranked by [`Ranks::pooled`].
    #[must_use]
    pub fn sums(&self, samples: &[Vec<f64>]) -> Vec<f64> {
        let mut rest = self.of.as_slice();
        let mut sums = Vec::with_capacity(samples.len());
        for sample in samples {
            let (own, others) = rest.split_at(sample.len());
            sums.push(own.iter().sum());
            rest = others;
        }
        sums
    }
}

/// Returns whether two values count as equal.
#[must_use]
pub fn tied(a: f64, b: f64) -> bool {
    (a - b).abs() <= TIE * a.abs().max(b.abs())
}

/// Returns Σ of 1 where x < y and ½ where they are equal, over all pairs.
#[must_use]
pub fn count_below(xs: &[f64], ys: &[f64]) -> f64 {
    let one = |x: f64, y: f64| match tied(x, y) {
        true => 0.5,
        false => f64::from(u8::from(x < y)),
    };
    xs.iter().map(|&x| ys.iter().map(|&y| one(x, y)).sum::<f64>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midranks() {
        let r = Ranks::new(&[3.0, 1.0, 0.1 + 0.2, 0.3, 3.0, 3.0]);
        assert_eq!(r.of, [5.0, 3.0, 1.5, 1.5, 5.0, 5.0]);
        assert_eq!(r.ties, [2, 1, 3]);
        assert_eq!(r.tie_sum(), 6.0 + 24.0);
        assert!(!r.distinct());
        assert_eq!(Ranks::new(&[]).of, Vec::<f64>::new());
    }
}
