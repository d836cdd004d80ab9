//! Equivalent diameters, counted in bins of 1 % width.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Lower edge of the first bin, in µm. What is smaller is counted in it.
const FIRST_UM: f64 = 4.0;
/// Each bin's upper edge over its lower one.
const STEP: f64 = 1.01;
/// Number of bins; the last ends at 65 µm, and what is larger is counted in it.
const BINS: u16 = 280;

/// Equivalent diameters of a slide's objects, counted in 280 bins from 4 to 65 µm of which each is 1 % wide. The share above a
/// cut-off is exact but for the objects of the one bin that holds it, a quantile but for 1 %.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(u16, u64)>", into = "Vec<(u16, u64)>")]
pub struct Diameters {
    /// Bin, and the number of objects in it.
    counts: BTreeMap<u16, u64>,
}

impl Diameters {
    /// Counts `n` objects of one diameter.
    pub fn add(&mut self, diameter_um: f64, n: u64) {
        *self.counts.entry(bin(diameter_um)).or_default() += n;
    }

    /// Returns the number of objects.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Returns the middle of each bin that holds objects, in µm, and their number; smallest first.
    pub fn bins(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.counts.iter().map(|(&bin, &n)| (edge(f64::from(bin) + 0.5), n))
    }

    /// Returns the number of objects wider than `diameter_um`; those of its own bin in proportion.
    #[must_use]
    pub fn wider(&self, diameter_um: f64) -> f64 {
        let at = place(diameter_um);
        let share = |bin: u16| (f64::from(bin) + 1.0 - at).clamp(0.0, 1.0);
        self.counts.iter().map(|(&bin, &n)| share(bin) * n as f64).sum()
    }

    /// Returns the median in µm, `None` of nothing.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let half = self.total() as f64 / 2.0;
        let mut below = 0.0;
        self.counts.iter().find_map(|(&bin, &n)| {
            let n = n as f64;
            let within = (half - below) / n;
            below += n;
            (below >= half && n > 0.0).then(|| edge(f64::from(bin) + within))
        })
    }

    /// Adds all objects of another slide.
    pub fn merge(&mut self, other: &Self) {
        other.counts.iter().for_each(|(&bin, &n)| *self.counts.entry(bin).or_default() += n);
    }
}

impl From<Vec<(u16, u64)>> for Diameters {
    fn from(bins: Vec<(u16, u64)>) -> Self {
        let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
        for (bin, n) in bins {
            let own = counts.entry(bin.min(BINS - 1)).or_default();
            *own = own.saturating_add(n);
        }
        Self { counts }
    }
}

impl From<Diameters> for Vec<(u16, u64)> {
    fn from(own: Diameters) -> Self {
        own.counts.into_iter().collect()
    }
}

/// Returns the diameter at a place among the bins, in µm.
fn edge(place: f64) -> f64 {
    FIRST_UM * STEP.powf(place)
}

/// Returns the place of a diameter among the bins; its whole part is the bin.
fn place(diameter_um: f64) -> f64 {
    (diameter_um / FIRST_UM).ln() / STEP.ln()
}

fn bin(diameter_um: f64) -> u16 {
    // NaN and what is below the first bin become 0.
    place(diameter_um).floor().clamp(0.0, f64::from(BINS - 1)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(diameters: impl Iterator<Item = f64>) -> Diameters {
        let mut own = Diameters::default();
        diameters.for_each(|d| own.add(d, 1));
        own
    }

    #[test]
    fn shares_are_exact_to_one_bin_and_medians_to_one_percent() {
        // Of any shape: even, skewed, two humps.
        let shapes: [fn(f64) -> f64; 3] = [
            |u| 10.0 + 30.0 * u,
            |u| 12.0 + 40.0 * u.powi(4),
            |u| if u < 0.7 { 18.0 + 5.0 * u } else { 30.0 + 9.0 * u },
        ];
        for shape in shapes {
            let all: Vec<f64> = (0..4001).map(|i| shape(f64::from(i) / 4000.0)).collect();
            let kept = of(all.iter().copied());
            assert_eq!(kept.total(), 4001);
            let median = kept.median().unwrap();
            assert!((median / all[2000] - 1.0).abs() < 0.01, "{median} {}", all[2000]);
            for cut in (80..500).map(|i| f64::from(i) / 10.0) {
                let truth = all.iter().filter(|&&d| d > cut).count() as f64;
                let own_bin = all.iter().filter(|&&d| bin(d) == bin(cut)).count() as f64;
                assert!((kept.wider(cut) - truth).abs() <= own_bin, "{cut}: {} {truth}", kept.wider(cut));
            }
        }
    }

    #[test]
    fn a_known_mixture_gives_its_share() {
        let mut kept = Diameters::default();
        kept.add(20.0, 900);
        kept.add(36.0, 100);
        let median = kept.median().unwrap();
        assert!((median / 20.0 - 1.0).abs() < 0.01, "{median}");
        assert_eq!(kept.wider(1.5 * median), 100.0);
        assert_eq!((kept.wider(0.0), kept.wider(37.0)), (1000.0, 0.0));
    }

    #[test]
    fn bins_read_back_and_hold_what_lies_outside() {
        for bin_number in 0..BINS {
            // As the table prints it.
            let printed: f64 = format!("{:.3}", edge(f64::from(bin_number) + 0.5)).parse().unwrap();
            assert_eq!(bin(printed), bin_number);
        }
        assert_eq!([0.0, 1.0, f64::NAN, 4.0].map(bin), [0; 4]);
        assert_eq!([64.9, 70.0, f64::INFINITY].map(bin), [BINS - 1; 3]);
        assert_eq!(Diameters::default().median(), None);
    }

    #[test]
    fn parts_add_up_in_any_order() {
        let all: Vec<f64> = (0..500).map(|i| 8.0 + f64::from(i * 37 % 500) / 20.0).collect();
        let mut parts = of(all[300..].iter().copied());
        parts.merge(&of(all[..300].iter().copied()));
        assert_eq!(parts, of(all.into_iter()));
        let text = serde_json::to_string(&parts).unwrap();
        assert_eq!(serde_json::from_str::<Diameters>(&text).unwrap(), parts);
    }
}
