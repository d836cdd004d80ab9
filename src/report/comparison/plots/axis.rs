//! A linear axis with round ticks.

/// Maps values to pixels.
pub(super) struct Axis {
    low: f64,
    high: f64,
    step: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// Covers the values, with a little room, between pixels `from` and `to`.
    pub(super) fn covering(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.into_iter().filter(|v| v.is_finite()) {
            low = low.min(v);
            high = high.max(v);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= 1e-12 * high.abs().max(low.abs()) {
            let room = if high == 0.0 { 1.0 } else { 0.5 * high.abs() };
            (low, high) = (low - room, high + room);
        }
        let step = round_step((high - low) / 5.0);
        let room = 0.04 * (high - low);
        // Values that are never negative do not get an axis that is.
        let below = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        Self { low: below, high: high + room, step, from, to }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.from + share * (self.to - self.from)
    }

    pub(super) fn ends(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    pub(super) fn ticks(&self) -> Vec<f64> {
        let (first, last) = ((self.low / self.step).ceil() as i64, (self.high / self.step).floor() as i64);
        (first..=last).take(20).map(|i| i as f64 * self.step).collect()
    }

    pub(super) fn word(&self, tick: f64) -> String {
        let decimals = (-self.step.log10().floor()).clamp(0.0, 9.0) as usize;
        if self.step >= 1e6 { format!("{tick:.1e}") } else { format!("{:.decimals$}", tick + 0.0) }
    }
}

/// Returns 1, 2 or 5 times a power of ten, not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10.0_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|s| s * power);
    steps.into_iter().find(|s| *s >= 0.999 * least).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        fn t(values: &[f64], expected: &[&str]) {
            let axis = Axis::covering(values.iter().copied(), 0.0, 100.0);
            let words: Vec<_> = axis.ticks().into_iter().map(|v| axis.word(v)).collect();
            assert_eq!(words, expected);
        }
        t(&[0.0, 10.0], &["0", "2", "4", "6", "8", "10"]);
        t(&[0.1, 0.4], &["0.1", "0.2", "0.3", "0.4"]);
        t(&[-1.0, 1.0], &["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
        t(&[], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        t(&[3.0], &["2", "3", "4"]);
    }
}
