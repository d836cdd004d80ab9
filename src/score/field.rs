//! Microscope fields: published cut-offs count per field, a slide is measured per mm² (domain.md §5.2).

/// Microscope fields to count in, besides the whole section.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Fields {
    /// How many.
    pub count: u32,
    /// Power of the objective.
    pub objective: f64,
    /// Field number of the eyepiece, mm.
    pub field_number_mm: f64,
}

/// Returns the area in mm² of the field seen through an eyepiece of field number `field_number_mm` (mm) and an
/// objective of power `objective`: a circle of diameter field number ÷ power.
#[must_use]
pub fn area_mm2(field_number_mm: f64, objective: f64) -> f64 {
    let diameter = field_number_mm / objective;
    std::f64::consts::PI * diameter * diameter / 4.0
}

/// Returns counts per field as counts per mm².
#[must_use]
pub fn per_mm2(counts: &[f64], field_number_mm: f64, objective: f64) -> Vec<f64> {
    let area = area_mm2(field_number_mm, objective);
    counts.iter().map(|n| n / area).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_of_domain_4_5() {
        fn t(field_number: f64, objective: f64, expected: &str) {
            let got = format!("{:.3}", area_mm2(field_number, objective));
            assert_eq!(got, expected, "FN {field_number}, {objective}×");
        }
        t(22.0, 20.0, "0.950");
        t(22.0, 40.0, "0.238");
        t(22.0, 10.0, "3.801");
        t(20.0, 20.0, "0.785");
        t(20.0, 40.0, "0.196");
        t(20.0, 10.0, "3.142");
    }

    #[test]
    fn published_cuts_of_domain_4_5() {
        fn t(scheme: &str, counts: &[f64], field_number: f64, objective: f64, expected: &[f64], digits: i32) {
            let step = 10f64.powi(-digits);
            for (got, want) in per_mm2(counts, field_number, objective).iter().zip(expected) {
                assert!((got - want).abs() <= step / 2.0, "{scheme}: {got} against {want}");
            }
        }
        t("Liang 2014", &[0.5, 1.0, 2.0], 22.0, 10.0, &[0.132, 0.263, 0.526], 3);
        t("NAS", &[2.0, 4.0], 22.0, 20.0, &[2.10, 4.21], 2);
        t("NAS", &[2.0, 4.0], 20.0, 20.0, &[2.55, 5.09], 2);
        t("Ishak C", &[1.0, 4.0, 10.0], 22.0, 10.0, &[0.263, 1.052, 2.631], 3);
    }
}
