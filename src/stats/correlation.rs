//! Correlation of two measurements of the same animals: Pearson, Spearman, and within groups.

use super::{
    Interval, Result, Undefined,
    describe::{constant, mean},
    distribution::{normal_quantile, t_two_sided},
    ranks::Ranks,
};

/// Largest n for which all orders are listed.
const LISTED: usize = 8;

/// A correlation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// The coefficient, −1 to 1.
    pub r: f64,
    /// Number of animals.
    pub n: usize,
    /// Two-sided p-value.
    pub p: f64,
    /// Interval on Fisher's z scale; `None` with too few animals or a perfect correlation.
    pub interval: Option<Interval>,
}

/// Returns Pearson's r.
///
/// # Errors
///
/// [`Undefined::TooFew`] below 3 pairs, [`Undefined::NoVariation`] if either variable is constant.
pub fn pearson(x: &[f64], y: &[f64]) -> Result<f64> {
    if x.len() != y.len() || x.len() < 3 {
        return Err(Undefined::TooFew { groups: 1, each: 3 });
    }
    if constant(x) || constant(y) {
        return Err(Undefined::NoVariation);
    }
    let (cx, cy) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        xx += (a - cx).powi(2);
        yy += (b - cy).powi(2);
        xy += (a - cx) * (b - cy);
    }
    Ok((xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

/// Returns Spearman's correlation. P is exact up to 8 animals, beyond by the t approximation; the interval uses the
/// variance of Bonett and Wright (2000).
///
/// # Errors
///
/// As [`pearson`].
pub fn spearman(x: &[f64], y: &[f64], alpha: f64) -> Result<Correlation> {
    let (rx, ry) = (Ranks::new(x).of, Ranks::new(y).of);
    let r = pearson(&rx, &ry)?;
    let n = x.len();
    let p = if n <= LISTED { exact(&rx, &ry) } else { t_p(r, n as f64 - 2.0) };
    Ok(Correlation { r, n, p, interval: fisher(r, n as f64 - 3.0, 1.0 + r * r / 2.0, alpha) })
}

/// Returns Spearman's correlation with the group means removed from both rankings: does it hold within groups, or only
/// because groups differ in both?
///
/// # Errors
///
/// As [`pearson`]; [`Undefined::TooFew`] also without three degrees of freedom.
pub fn within_groups(x: &[f64], y: &[f64], group: &[usize], alpha: f64) -> Result<Correlation> {
    if x.len() != y.len() || x.len() != group.len() {
        return Err(Undefined::TooFew { groups: 1, each: 3 });
    }
    let mut present = group.to_vec();
    present.sort_unstable();
    present.dedup();
    let removed = present.len() as f64 - 1.0;
    let n = x.len();
    if (n as f64) < removed + 5.0 {
        return Err(Undefined::TooFew { groups: present.len(), each: 3 });
    }
    let centred = |values: &[f64]| {
        let ranks = Ranks::new(values).of;
        let of = |g: usize| {
            let own: Vec<f64> = ranks.iter().zip(group).filter(|(_, h)| **h == g).map(|(r, _)| *r).collect();
            mean(&own)
        };
        ranks.iter().zip(group).map(|(r, &g)| r - of(g)).collect::<Vec<_>>()
    };
    let (cx, cy) = (centred(x), centred(y));
    let flat = |c: &[f64]| c.iter().all(|v| v.abs() < 1e-9);
    if flat(&cx) || flat(&cy) {
        return Err(Undefined::NoVariation);
    }
    let r = pearson(&cx, &cy)?;
    let interval = fisher(r, n as f64 - 3.0 - removed, 1.0 + r * r / 2.0, alpha);
    Ok(Correlation { r, n, p: t_p(r, n as f64 - 2.0 - removed), interval })
}

fn t_p(r: f64, df: f64) -> f64 {
    let rest = 1.0 - r * r;
    if rest <= 0.0 {
        return 0.0;
    }
    t_two_sided(r * (df / rest).sqrt(), df)
}

fn fisher(r: f64, count: f64, variance: f64, alpha: f64) -> Option<Interval> {
    if count < 1.0 || r.abs() >= 1.0 {
        return None;
    }
    let half = normal_quantile(1.0 - alpha / 2.0) * (variance / count).sqrt();
    Some(Interval { lo: (r.atanh() - half).tanh(), hi: (r.atanh() + half).tanh() })
}

/// Share of all orders of `y` whose sum of products is as far from its mean as the given one.
fn exact(x: &[f64], y: &[f64]) -> f64 {
    let centre = mean(x);
    let centred: Vec<f64> = x.iter().map(|v| v - centre).collect();
    let product = |order: &[f64]| centred.iter().zip(order).map(|(a, b)| a * b).sum::<f64>().abs();
    let least = product(y) - 1e-9;
    let (mut all, mut far) = (0_u32, 0_u32);
    let mut order = y.to_vec();
    every_order(&mut order, 0, &mut |o| {
        all += 1;
        far += u32::from(product(o) >= least);
    });
    f64::from(far) / f64::from(all)
}

fn every_order(order: &mut [f64], at: usize, visit: &mut impl FnMut(&[f64])) {
    if at + 1 >= order.len() {
        return visit(order);
    }
    for i in at..order.len() {
        order.swap(at, i);
        every_order(order, at + 1, visit);
        order.swap(at, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_of_small_samples_is_exact() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let up = spearman(&x, &[2.0, 4.0, 6.0, 8.0, 10.0], 0.05).unwrap();
        assert_eq!((up.r, up.interval), (1.0, None));
        assert!((up.p - 2.0 / 120.0).abs() < 1e-15);
        // One neighbouring swap: r = 0.9, and 2 · 5 orders are as extreme.
        let near = spearman(&x, &[2.0, 1.0, 3.0, 4.0, 5.0], 0.05).unwrap();
        assert!((near.r - 0.9).abs() < 1e-12 && (near.p - 10.0 / 120.0).abs() < 1e-12, "{near:?}");
    }

    #[test]
    fn group_differences_are_not_correlation_within_groups() {
        let (own_x, own_y) = ([3, 1, 4, 9, 5, 2, 6, 8, 7, 0], [4, 8, 2, 6, 9, 0, 3, 1, 7, 5]);
        let shifted = |own: [i32; 10]| -> Vec<f64> {
            (0..20).map(|i| f64::from(own[i % 10]) + if i < 10 { 0.0 } else { 100.0 }).collect()
        };
        let (x, y) = (shifted(own_x), shifted(own_y));
        let group: Vec<usize> = (0..20).map(|i| i / 10).collect();
        assert!(spearman(&x, &y, 0.05).unwrap().r > 0.6);
        assert!(within_groups(&x, &y, &group, 0.05).unwrap().r.abs() < 0.4);
    }
}
