//! Repeatability and agreement: intraclass correlation, weighted κ, concordance, limits of agreement.

mod animals;

pub use self::animals::{NoInterval, kappa_of_animals, resampled, sd_of_animals};
use super::{
    Interval, Result, Undefined,
    describe::{mean, sd},
    distribution::{f_critical, normal_quantile},
};

/// An intraclass correlation of one rating or of the mean of all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Icc {
    /// The estimate.
    pub value: f64,
    /// F statistic it comes from; infinite where ratings do not differ but between subjects.
    pub f: f64,
    /// Its interval; `None` where F is infinite.
    pub interval: Option<Interval>,
}

/// Intraclass correlations of Shrout and Fleiss for single ratings: each subject with raters of its own (1), the same
/// raters as a sample (2), the same raters and no others (3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IccTable {
    /// One-way.
    pub icc1: Icc,
    /// Two-way random, absolute agreement.
    pub icc2: Icc,
    /// Two-way mixed, consistency.
    pub icc3: Icc,
    /// Mean square between subjects.
    pub ms_between: f64,
    /// Mean square within subjects.
    pub ms_within: f64,
}

/// Returns the intraclass correlations of a full table: one row per subject, one column per rating.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two subjects of two ratings each, all of the same number; [`Undefined::NoVariation`] if
/// subjects do not differ either.
pub fn icc(rows: &[Vec<f64>], alpha: f64) -> Result<IccTable> {
    let squares = MeanSquares::of(rows)?;
    let MeanSquares { n, k, between: msb, raters: msj, within: msw, rest: mse } = squares;
    let (df1, df2, dfe) = (n - 1.0, n * (k - 1.0), (n - 1.0) * (k - 1.0));
    let ratio = |f: f64| if f.is_finite() { (f - 1.0) / (f + k - 1.0) } else { 1.0 };
    let one_way = |f: f64, df: f64| {
        f.is_finite().then(|| Interval {
            lo: ratio(f / f_critical(alpha / 2.0, df1, df)),
            hi: ratio(f * f_critical(alpha / 2.0, df, df1)),
        })
    };
    let (f1, f3) = (msb / msw, msb / mse);
    let icc2 = squares.absolute_agreement();
    let interval2 = f3.is_finite().then(|| two_way(icc2, [msb, msj, mse], n, k, alpha));
    Ok(IccTable {
        icc1: Icc { value: ratio(f1), f: f1, interval: one_way(f1, df2) },
        icc2: Icc { value: icc2, f: f3, interval: interval2 },
        icc3: Icc { value: ratio(f3), f: f3, interval: one_way(f3, dfe) },
        ms_between: msb,
        ms_within: msw,
    })
}

/// Returns the two-way random intraclass correlation of absolute agreement without its interval.
///
/// # Errors
///
/// As [`icc`].
pub fn absolute_agreement(rows: &[Vec<f64>]) -> Result<f64> {
    MeanSquares::of(rows).map(|squares| squares.absolute_agreement())
}

/// Mean squares of a full table of `n` subjects with `k` ratings.
struct MeanSquares {
    n: f64,
    k: f64,
    between: f64,
    raters: f64,
    within: f64,
    rest: f64,
}

impl MeanSquares {
    fn of(rows: &[Vec<f64>]) -> Result<Self> {
        let raters = rows.first().map_or(0, Vec::len);
        if rows.len() < 2 || raters < 2 || rows.iter().any(|r| r.len() != raters) {
            return Err(Undefined::TooFew { groups: 2, each: 2 });
        }
        let (n, k) = (rows.len() as f64, raters as f64);
        let grand = mean(&rows.concat());
        let between = rows.iter().map(|r| k * (mean(r) - grand).powi(2)).sum::<f64>();
        let column = |j: usize| mean(&rows.iter().map(|r| r[j]).collect::<Vec<_>>());
        let columns: Vec<f64> = (0..raters).map(column).collect();
        let raters_ss = columns.iter().map(|c| n * (c - grand).powi(2)).sum::<f64>();
        // Summed directly: a difference of sums leaves their rounding where it should leave nothing.
        let (mut inside, mut rest) = (0.0, 0.0);
        for row in rows {
            let own = mean(row);
            inside += row.iter().map(|v| (v - own).powi(2)).sum::<f64>();
            rest += row.iter().zip(&columns).map(|(v, c)| (v - own - c + grand).powi(2)).sum::<f64>();
        }
        let nothing = NOTHING * rows.iter().flatten().map(|v| v * v).sum::<f64>();
        let real = |squares: f64| if squares <= nothing { 0.0 } else { squares };
        let found = Self {
            n,
            k,
            between: real(between) / (n - 1.0),
            raters: real(raters_ss) / (k - 1.0),
            within: real(inside) / (n * (k - 1.0)),
            rest: real(rest) / ((n - 1.0) * (k - 1.0)),
        };
        if found.between <= 0.0 && found.rest <= 0.0 { Err(Undefined::NoVariation) } else { Ok(found) }
    }

    fn absolute_agreement(&self) -> f64 {
        let Self { n, k, between, raters, rest, .. } = self;
        (between - rest) / (between + (k - 1.0) * rest + k * (raters - rest) / n)
    }
}

/// Share of the squared values below which a sum of squares is their rounding: 10⁻¹⁴ of a value.
const NOTHING: f64 = 1e-28;

/// Interval of the two-way correlation (McGraw and Wong 1996, case 2A).
fn two_way(icc: f64, [msb, msj, mse]: [f64; 3], n: f64, k: f64, alpha: f64) -> Interval {
    let fj = msj / mse;
    let subjects = n * (1.0 + (k - 1.0) * icc) - k * icc;
    let above = (k - 1.0) * (n - 1.0) * (k * icc * fj + subjects).powi(2);
    let below = (n - 1.0) * k * k * icc * icc * fj * fj + subjects.powi(2);
    let v = above / below;
    let upper = f_critical(alpha / 2.0, n - 1.0, v);
    let lower = f_critical(alpha / 2.0, v, n - 1.0);
    let rest = k * msj + (n * k - k - n) * mse;
    Interval {
        lo: n * (msb - upper * mse) / (upper * rest + n * msb),
        hi: n * (lower * msb - mse) / (rest + n * lower * msb),
    }
}

/// Returns how many times the variance of a mean of `m` correlated values exceeds that of independent ones.
#[must_use]
pub fn design_effect(icc: f64, m: f64) -> f64 {
    1.0 + (m - 1.0) * icc
}

/// How disagreements are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// All alike.
    None,
    /// By their distance.
    Linear,
    /// By the square of their distance.
    Quadratic,
}

/// Agreement of two raters beyond chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kappa {
    /// The estimate.
    pub value: f64,
    /// Its standard error (Fleiss, Cohen and Everitt 1969).
    pub se: f64,
    /// Its interval, cut at −1 and 1, where pairs do not depend on each other; `None` where the standard error is 0, as of
    /// readers who always agree: then nothing tells how far chance reaches.
    pub interval: Option<Interval>,
}

/// Spread below which values are equal but for rounding.
const ROUNDING: f64 = 1e-6;

/// Returns κ of a square table of counts: rows one rater's grades, columns the other's.
///
/// # Errors
///
/// [`Undefined::TooFew`] unless the table is square and holds a pair, [`Undefined::NoVariation`] if both raters gave one grade
/// only.
pub fn kappa(table: &[Vec<f64>], weights: Weights, alpha: f64) -> Result<Kappa> {
    let k = table.len();
    let n: f64 = table.iter().flatten().sum();
    if table.iter().any(|r| r.len() != k) || n <= 0.0 {
        return Err(Undefined::TooFew { groups: 2, each: 1 });
    }
    if k < 2 {
        return Err(Undefined::NoVariation);
    }
    let weight = |i: usize, j: usize| {
        let apart = i.abs_diff(j) as f64 / (k - 1) as f64;
        match weights {
            Weights::None => f64::from(u8::from(i == j)),
            Weights::Linear => 1.0 - apart,
            Weights::Quadratic => 1.0 - apart * apart,
        }
    };
    let share = |i: usize, j: usize| table[i][j] / n;
    let row: Vec<f64> = (0..k).map(|i| (0..k).map(|j| share(i, j)).sum()).collect();
    let column: Vec<f64> = (0..k).map(|j| (0..k).map(|i| share(i, j)).sum()).collect();
    let over = |f: &dyn Fn(usize, usize) -> f64| -> f64 {
        (0..k).flat_map(|i| (0..k).map(move |j| (i, j))).map(|(i, j)| f(i, j)).sum()
    };
    let observed = over(&|i, j| weight(i, j) * share(i, j));
    let chance = over(&|i, j| weight(i, j) * row[i] * column[j]);
    if chance >= 1.0 {
        return Err(Undefined::NoVariation);
    }
    let value = (observed - chance) / (1.0 - chance);
    let of_row = |i: usize| (0..k).map(|j| weight(i, j) * column[j]).sum::<f64>();
    let of_column = |j: usize| (0..k).map(|i| weight(i, j) * row[i]).sum::<f64>();
    let spread =
        over(&|i, j| share(i, j) * (weight(i, j) - (of_row(i) + of_column(j)) * (1.0 - value)).powi(2));
    let centre = value - chance * (1.0 - value);
    let se = ((spread - centre * centre) / n).max(0.0).sqrt() / (1.0 - chance);
    let half = normal_quantile(1.0 - alpha / 2.0) * se;
    let Interval { lo, hi } = Interval::around(value, half);
    let interval = (se > ROUNDING).then(|| Interval { lo: lo.max(-1.0), hi: hi.min(1.0) });
    Ok(Kappa { value, se, interval })
}

/// Agreement of two measurements of the same things.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Lin's concordance correlation; `None` where all values are equal.
    pub concordance: Option<f64>,
    /// Mean of `a − b`.
    pub bias: f64,
    /// Standard deviation of `a − b`.
    pub sd: f64,
    /// Limits that hold 95 % of the differences: bias ± 1.96 (normal quantile) standard deviations.
    pub limits: Interval,
    /// Standard error of one measurement (Dahlberg).
    pub sem: f64,
}

/// Returns the agreement of paired measurements.
///
/// # Errors
///
/// [`Undefined::TooFew`] below two pairs.
pub fn limits(a: &[f64], b: &[f64]) -> Result<Limits> {
    if a.len() != b.len() || a.len() < 2 {
        return Err(Undefined::TooFew { groups: 1, each: 2 });
    }
    let n = a.len() as f64;
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let (ma, mb) = (mean(a), mean(b));
    let product = |x: &[f64], mx: f64, y: &[f64], my: f64| {
        x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / n
    };
    let apart = product(a, ma, a, ma) + product(b, mb, b, mb) + (ma - mb).powi(2);
    let (bias, sd) = (mean(&differences), sd(&differences));
    Ok(Limits {
        concordance: (apart > 0.0).then(|| 2.0 * product(a, ma, b, mb) / apart),
        bias,
        sd,
        limits: Interval::around(bias, normal_quantile(0.975) * sd),
        sem: (differences.iter().map(|d| d * d).sum::<f64>() / (2.0 * n)).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_kappa_stay_within_its_range() {
        // One of ten pairs disagrees: 0.81 ± 0.37 without the cut.
        let found = kappa(&[vec![6.0, 1.0], vec![0.0, 3.0]], Weights::None, 0.05).unwrap();
        let interval = found.interval.unwrap();
        assert!(found.value + normal_quantile(0.975) * found.se > 1.0);
        assert!(interval.hi == 1.0 && interval.lo > 0.0, "{interval:?}");
        for agree in [[[4.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [1.0, 0.0]]] {
            let table: Vec<Vec<f64>> = agree.iter().map(|row| row.to_vec()).collect();
            assert_eq!(kappa(&table, Weights::None, 0.05).unwrap().interval, None);
        }
    }

    /// Ratings that differ but by an offset, or not at all: their agreement does not hang on the last digit.
    #[test]
    fn perfect_agreement_has_a_value() {
        let first = [4.23, 32.527, 22.976, 6.808, 14.996, 1.163];
        let with = |offset: f64| {
            icc(&first.map(|v| vec![v, v + offset]), 0.05).map(|t| (t.icc1, t.icc2, t.icc3)).unwrap()
        };
        let (one, two, three) = with(0.0);
        for icc in [one, two, three] {
            assert_eq!((icc.value, icc.interval), (1.0, None));
        }
        let (one, two, three) = with(0.1);
        assert_eq!((three.value, three.interval, two.interval), (1.0, None, None));
        assert!(one.value < 1.0 && one.interval.is_some() && (0.999..1.0).contains(&two.value), "{two:?}");
        assert_eq!(icc(&[vec![2.0, 2.0], vec![2.0, 2.0]], 0.05), Err(Undefined::NoVariation));
        let opposite = icc(&[vec![1.0, 2.0], vec![2.0, 1.0]], 0.05).unwrap();
        assert_eq!(opposite.icc3.value, -1.0);
        assert_eq!(kappa(&[vec![3.0]], Weights::None, 0.05), Err(Undefined::NoVariation));
        let same = limits(&[2.0, 2.0], &[2.0, 2.0]).unwrap();
        assert_eq!((same.concordance, same.bias), (None, 0.0));
    }
}
