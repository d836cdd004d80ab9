//! Roots of monotone functions.

/// Most evaluations of a search; none in use needs half as many.
const MOST_STEPS: usize = 200;

/// Returns the x > `from` at which a falling function reaches `level`. The search widens from `from + step`.
/// Infinite when the function stays above, NaN where it has no value.
pub(crate) fn falling(level: f64, from: f64, step: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut lo, mut width) = (from, step);
    for _ in 0..MOST_STEPS {
        let hi = from + width;
        let at = f(hi) - level;
        if at.is_nan() {
            return f64::NAN;
        }
        if at <= 0.0 {
            // Logarithms make tails almost straight, which saves half of the steps.
            return root(lo, hi, |x| (f(x) / level).ln());
        }
        lo = hi;
        width *= 2.0;
        if !width.is_finite() {
            break;
        }
    }
    f64::INFINITY
}

/// Returns the root of a smooth function close to `guess` by the secant method; `None` where it is not close.
pub(crate) fn near(guess: f64, f: impl Fn(f64) -> f64) -> Option<f64> {
    if !(guess > 0.0 && guess.is_finite()) {
        return None;
    }
    let (mut a, mut b) = (guess, guess * 1.001);
    let (mut fa, mut fb) = (f(a), f(b));
    for _ in 0..12 {
        let step = fb * (b - a) / (fb - fa);
        if fb == 0.0 || step.abs() <= 1e-13 * b.abs() {
            return Some(b);
        }
        let next = b - step;
        if !next.is_finite() || (next - guess).abs() > 0.3 * guess {
            return None;
        }
        (a, fa, b) = (b, fb, next);
        fb = f(b);
        // Differences of values that agree to the last digits lead nowhere.
        if (b - a).abs() <= 1e-12 * b.abs() {
            return Some(b);
        }
    }
    None
}

/// Returns a root of `f` between `a` and `b`, whose values have opposite signs, by Brent's method.
pub(crate) fn root(a: f64, b: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut a, mut b) = (a, b);
    let (mut fa, mut fb) = (f(a), f(b));
    if fa.abs() < fb.abs() {
        (a, b, fa, fb) = (b, a, fb, fa);
    }
    let (mut c, mut fc, mut d, mut bisected) = (a, fa, a, true);
    for _ in 0..MOST_STEPS {
        let slack = 1e-14 * b.abs() + f64::MIN_POSITIVE;
        if fb == 0.0 || (b - a).abs() <= slack {
            break;
        }
        let mut s = if fa != fc && fb != fc {
            a * fb * fc / ((fa - fb) * (fa - fc))
                + b * fa * fc / ((fb - fa) * (fb - fc))
                + c * fa * fb / ((fc - fa) * (fc - fb))
        } else {
            b - fb * (b - a) / (fb - fa)
        };
        let third = (3.0 * a + b) / 4.0;
        let before = if bisected { (b - c).abs() } else { (c - d).abs() };
        let inside = (s > third.min(b)) && (s < third.max(b));
        bisected = !inside || (s - b).abs() >= before / 2.0 || before < slack;
        if bisected {
            s = 0.5 * (a + b);
        }
        let fs = f(s);
        (d, c, fc) = (c, b, fb);
        if (fa < 0.0) == (fs < 0.0) {
            (a, fa) = (s, fs);
        } else {
            (b, fb) = (s, fs);
        }
        if fa.abs() < fb.abs() {
            (a, b, fa, fb) = (b, a, fb, fa);
        }
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_known_functions() {
        assert!((root(0.0, 2.0, |x| x * x - 2.0) - 2.0_f64.sqrt()).abs() < 1e-15);
        assert!((root(2.0, 0.0, |x| 1.0 - x.exp() / 3.0) - 3.0_f64.ln()).abs() < 1e-15);
        assert!((falling(1e-30, 0.0, 1.0, |x| (-x).exp()) - 30.0 * 10.0_f64.ln()).abs() < 1e-12);
        assert_eq!(falling(0.5, 0.0, 1.0, |_| 1.0), f64::INFINITY);
    }
}
