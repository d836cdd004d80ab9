//! Pixels, micrometres, and the only code that converts between them.

use serde::Serialize;

/// Microns per pixel. Finite and greater than zero by construction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mpp {
    x: f64,
    y: f64,
}

impl Mpp {
    /// Builds a calibration from µm/px, or `None` if either side cannot be a pixel size.
    #[must_use]
    pub fn new(x: f64, y: f64) -> Option<Self> {
        let ok = |v: f64| v.is_finite() && v > 0.0;
        (ok(x) && ok(y)).then_some(Self { x, y })
    }

    /// Builds a calibration with square pixels, or `None` if `v` cannot be a pixel size.
    #[must_use]
    pub fn square(v: f64) -> Option<Self> {
        Self::new(v, v)
    }

    /// Returns the horizontal pixel size, in µm.
    #[must_use]
    pub fn x(self) -> f64 {
        self.x
    }

    /// Returns the vertical pixel size, in µm.
    #[must_use]
    pub fn y(self) -> f64 {
        self.y
    }

    /// Returns the geometric mean of both sides, in µm: the side of a square pixel of equal area.
    #[must_use]
    pub fn mean(self) -> f64 {
        if self.x == self.y { self.x } else { (self.x * self.y).sqrt() }
    }

    /// Returns the calibration of pixels `factor` times as large (a downsampled level).
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        debug_assert!(factor.is_finite() && factor > 0.0);
        Self { x: self.x * factor, y: self.y * factor }
    }

    /// Returns the area in µm² covered by `count` pixels.
    #[must_use]
    pub fn area_um2(self, count: u64) -> f64 {
        count as f64 * self.x * self.y
    }

    /// Returns the area in mm² covered by `count` pixels.
    #[must_use]
    pub fn area_mm2(self, count: u64) -> f64 {
        self.area_um2(count) / UM2_PER_MM2
    }

    /// Returns how many pixels (not rounded) span `um` micrometres.
    #[must_use]
    pub fn px(self, um: f64) -> f64 {
        um / self.mean()
    }

    /// Returns how many pixels (not rounded) cover `um2` square micrometres.
    #[must_use]
    pub fn px_area(self, um2: f64) -> f64 {
        um2 / (self.x * self.y)
    }
}

/// Square micrometres in a square millimetre.
pub const UM2_PER_MM2: f64 = 1e6;

/// Returns the diameter of the circle with area `area`: `2·√(A/π)`, in the root of its unit.
#[must_use]
pub fn equivalent_diameter(area: f64) -> f64 {
    2.0 * (area / std::f64::consts::PI).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mpp_rejects_what_no_scanner_writes() {
        fn t(x: f64, y: f64, valid: bool) {
            assert_eq!(Mpp::new(x, y).is_some(), valid, "{x} × {y} µm/px");
        }
        t(0.25, 0.25, true);
        t(0.2528, 0.2531, true);
        t(0.0, 0.25, false);
        t(-0.25, 0.25, false);
        t(f64::NAN, 0.25, false);
        t(f64::INFINITY, 0.25, false);
    }

    #[test]
    fn area_uses_both_axes() {
        let mpp = Mpp::new(0.5, 0.25).unwrap();
        assert_eq!(mpp.area_um2(8), 1.0);
        assert_eq!(mpp.px_area(1.0), 8.0);
    }

    #[test]
    fn equivalent_diameter_of_published_islet() {
        // domain.md §4.5: 19 000 µm² is 155.5 µm across.
        assert!((equivalent_diameter(19_000.0) - 155.5).abs() < 0.05);
    }
}
