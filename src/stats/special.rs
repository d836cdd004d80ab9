//! Gamma, beta and error functions, with both tails where a tail can be small.

/// Smallest value a continued fraction's denominator may take.
const TINY: f64 = 1e-300;

/// Terms after which a series or continued fraction is given up; reached by no argument in use.
const MOST_TERMS: usize = 200_000;

/// Returns the natural logarithm of Γ(x), x > 0.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Returns ln B(a, b).
#[must_use]
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Returns the natural logarithm of n over k.
#[must_use]
pub fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// A probability and its complement, each to full relative precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tails {
    /// Probability up to the value.
    pub lower: f64,
    /// Probability beyond the value.
    pub upper: f64,
}

impl Tails {
    fn of_lower(lower: f64) -> Self {
        Self { lower, upper: 1.0 - lower }
    }

    fn swapped(self) -> Self {
        Self { lower: self.upper, upper: self.lower }
    }
}

/// Returns the regularised incomplete beta function of `x` and `y = 1 − x`; both are given because one of them may be
/// too close to 1 to keep its digits.
#[must_use]
pub fn beta(a: f64, b: f64, x: f64, y: f64) -> Tails {
    if x <= 0.0 {
        return Tails { lower: 0.0, upper: 1.0 };
    }
    if y <= 0.0 {
        return Tails { lower: 1.0, upper: 0.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return beta_small(b, a, y, x).swapped();
    }
    beta_small(a, b, x, y)
}

fn beta_small(a: f64, b: f64, x: f64, y: f64) -> Tails {
    let ln_x = if x < 0.5 { x.ln() } else { (-y).ln_1p() };
    let ln_y = if y < 0.5 { y.ln() } else { (-x).ln_1p() };
    let front = (a * ln_x + b * ln_y - ln_beta(a, b)).exp() / a;
    Tails::of_lower((front * beta_fraction(a, b, x)).min(1.0))
}

/// Continued fraction of the incomplete beta function by Lentz's method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let keep = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (mut c, mut d) = (1.0, 1.0 / keep(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for m in 1..MOST_TERMS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / keep(1.0 + even * d);
        c = keep(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / keep(1.0 + odd * d);
        c = keep(1.0 + odd / c);
        value *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

/// Returns the regularised incomplete gamma function.
#[must_use]
pub fn gamma(a: f64, x: f64) -> Tails {
    if x <= 0.0 {
        return Tails { lower: 0.0, upper: 1.0 };
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        return Tails::of_lower(front * gamma_series(a, x));
    }
    Tails::of_lower(front * gamma_fraction(a, x)).swapped()
}

fn gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    for n in 1..MOST_TERMS {
        term *= x / (a + n as f64);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

fn gamma_fraction(a: f64, x: f64) -> f64 {
    let keep = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / keep(b));
    let mut value = d;
    for n in 1..MOST_TERMS {
        let n = n as f64;
        let factor = -n * (n - a);
        b += 2.0;
        d = 1.0 / keep(factor * d + b);
        c = keep(b + factor / c);
        value *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() <= 1e-13 * expected.abs(), "{got:e} against {expected:e}");
    }

    #[test]
    fn incomplete_beta_of_closed_forms() {
        // I_x(1, b) = 1 − (1 − x)^b and I_x(a, 1) = x^a.
        for x in [1e-9, 0.01, 0.3, 0.5, 0.9, 1.0 - 1e-9] {
            for k in [0.5, 1.0, 2.0, 7.5, 40.0] {
                close(beta(k, 1.0, x, 1.0 - x).lower, x.powf(k));
                close(beta(1.0, k, x, 1.0 - x).upper, (1.0 - x).powf(k));
            }
        }
        assert_eq!(beta(2.0, 3.0, 0.0, 1.0), Tails { lower: 0.0, upper: 1.0 });
    }

    #[test]
    fn incomplete_gamma_of_closed_forms() {
        for x in [1e-6, 0.1, 1.0, 2.5, 20.0, 300.0_f64] {
            close(gamma(1.0, x).upper, (-x).exp());
            close(gamma(2.0, x).upper, (-x).exp() * (1.0 + x));
        }
        close(gamma(1.0, 1e-9).lower, 9.999999995e-10);
    }
}
