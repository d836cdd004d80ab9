//! The sum of squares between groups over all arrangements of labels, or many. F grows with it.

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{DRAWN, Design, MOST_LISTED, Permuted};

/// Returns the sum of squares between groups; values are centred in each stratum.
pub(super) fn observed(design: &Design, centred: &[f64]) -> f64 {
    let sizes = sizes(design);
    let mut sums = vec![0.0; sizes.len()];
    for (&label, value) in design.labels.iter().zip(centred) {
        sums[label] += value;
    }
    squares(&sums, &sizes)
}

/// Counts arrangements with a sum of squares of `least` or more.
pub(super) fn test(design: &Design, centred: &[f64], least: f64, seed: u64) -> Permuted {
    if design.arrangements() <= MOST_LISTED {
        let (arrangements, as_large) = list(design, centred, least);
        let p = as_large as f64 / arrangements as f64;
        return Permuted { p, arrangements, as_large, seed: None };
    }
    let as_large = draw(design, centred, least, seed);
    let p = (as_large + 1) as f64 / (DRAWN + 1) as f64;
    Permuted { p, arrangements: DRAWN, as_large, seed: Some(seed) }
}

/// Animals of each label.
fn sizes(design: &Design) -> Vec<f64> {
    let groups = design.labels.iter().max().map_or(0, |m| m + 1);
    let mut sizes = vec![0.0; groups];
    design.labels.iter().for_each(|&l| sizes[l] += 1.0);
    sizes
}

fn squares(sums: &[f64], sizes: &[f64]) -> f64 {
    sums.iter().zip(sizes).map(|(s, n)| if *n > 0.0 { s * s / n } else { 0.0 }).sum()
}

/// Returns the number of arrangements and of those at least as large.
fn list(design: &Design, centred: &[f64], least: f64) -> (u64, u64) {
    let mut sums = vec![0.0; sizes(design).len()];
    let one_stratum = design.strata.iter().all(|s| *s == 0);
    let mut walk = Walk { design, centred, sizes: sizes(design), least, one_stratum, all: 0, as_large: 0 };
    walk.place(0, &mut design.left(), &mut sums);
    // Groups of equal size can change places without changing the statistic.
    let ways = if one_stratum { swaps(&design.left()[0]) } else { 1 };
    (walk.all * ways, walk.as_large * ways)
}

/// Ways in which groups of equal size change places.
fn swaps(left: &[usize]) -> u64 {
    let mut sorted: Vec<usize> = left.iter().copied().filter(|n| *n > 0).collect();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| a == b);
    runs.map(|run| (1..=run.len() as u64).product::<u64>()).product()
}

struct Walk<'a> {
    design: &'a Design,
    centred: &'a [f64],
    sizes: Vec<f64>,
    least: f64,
    one_stratum: bool,
    all: u64,
    as_large: u64,
}

impl Walk<'_> {
    /// Labels the unit at `at` and all later ones in every way, carrying the groups' sums along.
    fn place(&mut self, at: usize, left: &mut [Vec<usize>], sums: &mut [f64]) {
        let Some(&stratum) = self.design.strata.get(at) else {
            self.all += 1;
            self.as_large += u64::from(squares(sums, &self.sizes) >= self.least);
            return;
        };
        for label in 0..left[stratum].len() {
            let room = left[stratum][label];
            // Of equal groups that are still empty only the first is opened.
            let untouched = |g: usize| left[stratum][g] as f64 == self.sizes[g];
            let same = |g: usize| left[stratum][g] == room && untouched(g);
            if room == 0 || self.one_stratum && untouched(label) && (0..label).any(same) {
                continue;
            }
            let before = sums[label];
            left[stratum][label] -= 1;
            sums[label] += self.centred[at];
            self.place(at + 1, left, sums);
            sums[label] = before;
            left[stratum][label] += 1;
        }
    }
}

/// A run of places with one label.
struct Run {
    label: usize,
    start: usize,
    end: usize,
}

/// Draws values for the labels in place: every group but the last of a stratum draws from those that are left, and the
/// last gets the rest.
fn draw(design: &Design, centred: &[f64], least: f64, seed: u64) -> u64 {
    let mut order: Vec<usize> = (0..centred.len()).collect();
    order.sort_by_key(|&i| (design.strata[i], design.labels[i]));
    let mut values: Vec<f64> = order.iter().map(|&i| centred[i]).collect();
    let strata: Vec<Vec<Run>> = order
        .chunk_by(|&a, &b| design.strata[a] == design.strata[b])
        .scan(0, |start, units| Some(runs(design, units, start)))
        .collect();
    let sizes = sizes(design);
    let mut sums = vec![0.0; sizes.len()];
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut as_large = 0;
    for _ in 0..DRAWN {
        sums.fill(0.0);
        for runs in &strata {
            let Some((last, others)) = runs.split_last() else { continue };
            let mut rest = 0.0;
            for run in others {
                let mut sum = 0.0;
                for i in run.start..run.end {
                    // Uneven by 2⁻³² at most, against 10⁻⁵ of the draw itself.
                    let other = i + ((u64::from(random.next_u32()) * (last.end - i) as u64) >> 32) as usize;
                    values.swap(i, other);
                    sum += values[i];
                }
                sums[run.label] += sum;
                rest -= sum;
            }
            // Values are centred in their stratum, so that their sum is 0.
            sums[last.label] += rest;
        }
        as_large += u64::from(squares(&sums, &sizes) >= least);
    }
    as_large
}

fn runs(design: &Design, units: &[usize], start: &mut usize) -> Vec<Run> {
    let one = |same: &[usize]| {
        let from = *start;
        *start += same.len();
        Run { label: design.labels[same[0]], start: from, end: *start }
    };
    units.chunk_by(|&a, &b| design.labels[a] == design.labels[b]).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_groups_change_places() {
        fn t(sizes: &[usize], expected: u64) {
            assert_eq!(swaps(sizes), expected, "{sizes:?}");
        }
        t(&[4, 4, 4], 6);
        t(&[3, 4, 3, 4, 1], 4);
        t(&[2, 0, 3], 1);
    }

    #[test]
    fn walking_agrees_with_listing() {
        fn t(labels: &[usize], strata: &[usize]) {
            let values: Vec<f64> = (0..labels.len()).map(|i| f64::from((i * 37 % 11) as u8)).collect();
            let centred = super::super::within(&values, strata);
            let design = Design::stratified(labels.to_vec(), strata.to_vec()).unwrap();
            let least = observed(&design, &centred) - 1e-9;
            let (mut all, mut as_large) = (0, 0);
            design.list(&mut |labels| {
                let moved = Design::stratified(labels.to_vec(), strata.to_vec()).unwrap();
                all += 1;
                as_large += u64::from(observed(&moved, &centred) >= least);
            });
            assert_eq!(list(&design, &centred, least), (all, as_large), "{labels:?} {strata:?}");
        }
        t(&[0, 0, 0, 1, 1, 1, 2, 2, 2], &[0; 9]);
        t(&[0, 0, 1, 1, 1, 2, 2, 3], &[0; 8]);
        t(&[0, 1, 2, 0, 1, 1, 2, 2], &[0, 0, 0, 0, 1, 1, 1, 1]);
    }
}
