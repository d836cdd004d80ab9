//! Published formulas that turn counts and sizes into features (domain.md §3 and §4.5).

use crate::units::UM2_PER_MM2;

/// Returns the glomerulosclerosis index `Σ i·n_i ÷ Σ n_i`, 0–4, of `counts` glomeruli with 0, 1–25, 26–50, 51–75 and
/// over 75 % of the tuft solidified; `None` without glomeruli. [sourced: GSI]
#[must_use]
pub fn sclerosis_index(counts: [u64; 5]) -> Option<f64> {
    let all: u64 = counts.iter().sum();
    let weighted: u64 = (0u64..).zip(counts).map(|(i, n)| i * n).sum();
    (all > 0).then(|| weighted as f64 / all as f64)
}

/// Returns the diameter of a sphere of `volume`, in the cube root of its unit.
#[must_use]
pub fn sphere_diameter(volume: f64) -> f64 {
    (6.0 * volume / std::f64::consts::PI).cbrt()
}

/// Returns the mean area of random sections through a sphere of `volume`: V ÷ d.
#[must_use]
pub fn mean_section_area(volume: f64) -> f64 {
    volume / sphere_diameter(volume)
}

/// Returns how many objects of `area_um2` lie on a mm² when they cover `coverage_pct` of it.
#[must_use]
pub fn per_mm2_at_coverage(coverage_pct: f64, area_um2: f64) -> f64 {
    coverage_pct / 100.0 * UM2_PER_MM2 / area_um2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_domain_4_5() {
        assert_eq!(sclerosis_index([10, 5, 3, 1, 1]), Some(0.9));
        assert_eq!(sclerosis_index([0; 5]), None);
        assert_eq!(sclerosis_index([0, 0, 0, 0, 7]), Some(4.0));
        assert_eq!(format!("{:.1}", sphere_diameter(0.89e6)), "119.3");
        assert!((mean_section_area(0.89e6) - 7_457.0).abs() < 1.0);
        assert_eq!(format!("{:.2}", per_mm2_at_coverage(1.2, 19_000.0)), "0.63");
    }
}
