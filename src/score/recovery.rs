//! How far a treatment brings a feature back (domain.md §4.1.7).

/// Returns `100·(D − T) ÷ (D − C)` from the means of the disease control, the normal control and the treated group:
/// 100 when the treated equal the normal, 0 when they equal the diseased. `None` when both controls are equal.
#[must_use]
pub fn recovery_pct(disease: f64, control: f64, treated: f64) -> Option<f64> {
    let distance = disease - control;
    (distance != 0.0).then(|| 100.0 * (disease - treated) / distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_of_domain_4_5() {
        fn t(disease: f64, control: f64, treated: f64, expected: Option<f64>) {
            assert_eq!(recovery_pct(disease, control, treated), expected);
        }
        t(60.0, 10.0, 30.0, Some(60.0));
        t(60.0, 10.0, 60.0, Some(0.0));
        t(60.0, 10.0, 10.0, Some(100.0));
        t(0.5, 2.5, 1.5, Some(50.0));
        t(10.0, 10.0, 5.0, None);
    }
}
