//! Numbers as text.

/// Returns the shortest text that reads back as `v`; empty when `v` is no number. Minus zero is zero.
pub(super) fn number(v: f64) -> String {
    if v.is_finite() { (v + 0.0).to_string() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        fn t(v: f64, expected: &str) {
            assert_eq!(number(v), expected);
        }
        t(0.0, "0");
        t(-0.0, "0");
        t(0.1 + 0.2, "0.30000000000000004");
        t(1e-7, "0.0000001");
        t(-12.5, "-12.5");
        t(f64::NAN, "");
        t(f64::INFINITY, "");
    }
}
