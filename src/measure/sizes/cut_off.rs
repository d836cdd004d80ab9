//! Cut-offs from a control group, and the share of a slide's objects beyond them.

use serde::{Deserialize, Serialize};

use super::{Diameters, Profile, Profiles, Sizes};
use crate::{
    measure::feature::{Missing, Value},
    stats::describe::median,
};

/// A hepatocyte is hypertrophic when wider than so many times the controls' median (Liang 2014).
pub const HYPERTROPHIC_SHARE: f64 = 1.5;
/// A glomerulus is shrunken when its tuft is smaller than this share of the controls' median … (domain.md §3.3)
pub const SHRUNKEN_SHARE: f64 = 0.7;
/// … and its Bowman's space wider than this quantile of the controls', in share and in area. Cut farther from its equator a
/// sphere in a sphere shows less tuft and a larger share of space, but a space of the same area, π(R² − r²).
pub const SPACE_QUANTILE: f64 = 0.95;

/// From where on an object counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CutOff {
    /// Territories of hepatocytes that are wider.
    Wider {
        /// Equivalent diameter, µm.
        diameter_um: f64,
    },
    /// Glomeruli with a smaller tuft and a wider Bowman's space.
    Shrunken {
        /// Area of the tuft, µm².
        tuft_um2: f64,
        /// Bowman's space, % of the corpuscle.
        bowman_pct: f64,
        /// Bowman's space, µm²; 0 in rubrics that were calibrated without it.
        #[serde(default)]
        bowman_um2: f64,
    },
}

impl CutOff {
    /// Returns the cut-offs of a control group; `None` where no animal has objects. Each animal's objects are pooled over its
    /// slides and each animal weighs alike: a median is the median of the animals' medians, a quantile is of all animals'
    /// objects, of which each weighs one by the number of its animal's.
    #[must_use]
    pub fn of_controls(animals: &[Vec<&Sizes>]) -> Option<Self> {
        match animals.iter().flatten().next()? {
            Sizes::Hepatocytes(_) => wider(animals),
            Sizes::Glomeruli(_) => shrunken(animals),
        }
    }

    /// Returns the share of a slide's objects beyond the cut-off, in %. Of glomeruli only profiles near the equator count.
    ///
    /// # Errors
    ///
    /// [`Missing::NoStructure`] where there are none; [`Missing::NoRule`] where the cut-off is of other objects.
    pub fn share(&self, sizes: &Sizes) -> Result<Value, Missing> {
        let (beyond, all, what) = match (self, sizes) {
            (Self::Wider { diameter_um }, Sizes::Hepatocytes(own)) => {
                (own.wider(*diameter_um), own.total(), "hepatocyte")
            }
            (Self::Shrunken { tuft_um2, bowman_pct, bowman_um2 }, Sizes::Glomeruli(own)) => {
                let is_wide = |p: &Profile| p.bowman_pct() > *bowman_pct && p.bowman_um2() > *bowman_um2;
                let shrunken = |p: &&Profile| p.tuft_um2 < *tuft_um2 && is_wide(p);
                let beyond = own.equatorial().filter(shrunken).count();
                (beyond as f64, own.equatorial().count() as u64, "glomerulus")
            }
            _ => return Err(Missing::NoRule { why: "the cut-off is of other objects" }),
        };
        match all {
            0 => Err(Missing::NoStructure { what }),
            n => Ok(Value { value: 100.0 * beyond / n as f64, n, denominator: n as f64 }),
        }
    }

    /// Returns whether the numbers can be cut-offs of a tissue's feature.
    #[must_use]
    pub fn fits(&self, tissue: &str, feature: &str) -> bool {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        match *self {
            Self::Wider { diameter_um } => {
                (tissue, feature) == Sizes::Hepatocytes(Diameters::default()).of() && positive(diameter_um)
            }
            Self::Shrunken { tuft_um2, bowman_pct, bowman_um2 } => {
                let own = (tissue, feature) == Sizes::Glomeruli(Profiles::default()).of();
                own && positive(tuft_um2)
                    && (0.0..100.0).contains(&bowman_pct)
                    && (bowman_um2 == 0.0 || positive(bowman_um2))
            }
        }
    }
}

impl std::fmt::Display for CutOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wider { diameter_um } => write!(
                f,
                "territories wider than {diameter_um:.1} µm ({HYPERTROPHIC_SHARE} times the control median)"
            ),
            Self::Shrunken { tuft_um2, bowman_pct, bowman_um2 } => write!(
                f,
                "tufts smaller than {tuft_um2:.0} µm² ({SHRUNKEN_SHARE} times the control median) in corpuscles with more \
                 than {bowman_pct:.1} % and {bowman_um2:.0} µm² of Bowman's space ({:.0} % of the controls' have less)",
                100.0 * SPACE_QUANTILE
            ),
        }
    }
}

fn wider(animals: &[Vec<&Sizes>]) -> Option<CutOff> {
    let of_animal = |slides: &Vec<&Sizes>| {
        let mut own = Diameters::default();
        for sizes in slides {
            if let Sizes::Hepatocytes(d) = sizes {
                own.merge(d);
            }
        }
        own.median()
    };
    let medians: Vec<f64> = animals.iter().filter_map(of_animal).collect();
    (!medians.is_empty()).then(|| CutOff::Wider { diameter_um: HYPERTROPHIC_SHARE * median(&medians) })
}

fn shrunken(animals: &[Vec<&Sizes>]) -> Option<CutOff> {
    let (mut medians, mut shares, mut areas) = (Vec::new(), Vec::new(), Vec::new());
    for slides in animals {
        let own: Vec<&Profile> = slides
            .iter()
            .filter_map(|s| if let Sizes::Glomeruli(p) = s { Some(p) } else { None })
            .flat_map(Profiles::equatorial)
            .collect();
        if own.is_empty() {
            continue;
        }
        medians.push(median(&own.iter().map(|p| p.tuft_um2).collect::<Vec<_>>()));
        let weight = 1.0 / own.len() as f64;
        shares.extend(own.iter().map(|p| (p.bowman_pct(), weight)));
        areas.extend(own.iter().map(|p| (p.bowman_um2(), weight)));
    }
    let bowman_pct = weighted_quantile(shares, SPACE_QUANTILE)?;
    let bowman_um2 = weighted_quantile(areas, SPACE_QUANTILE)?;
    Some(CutOff::Shrunken { tuft_um2: SHRUNKEN_SHARE * median(&medians), bowman_pct, bowman_um2 })
}

/// Returns the smallest value up to which the share `q` of all weight lies.
fn weighted_quantile(mut values: Vec<(f64, f64)>, q: f64) -> Option<f64> {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = values.iter().map(|v| v.1).sum();
    // Sums of weights are not exact; a value must not be passed over for the last bit of one.
    let wanted = q * all * (1.0 - 1e-12);
    let mut below = 0.0;
    values.into_iter().find_map(|(value, weight)| {
        below += weight;
        (below >= wanted).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hepatocytes(of: &[(f64, u64)]) -> Sizes {
        let mut own = Diameters::default();
        of.iter().for_each(|&(d, n)| own.add(d, n));
        Sizes::Hepatocytes(own)
    }

    fn glomeruli(of: &[(f64, f64)]) -> Sizes {
        Sizes::Glomeruli(Profiles::of(of))
    }

    fn close(a: f64, b: f64, share: f64) -> bool {
        (a / b - 1.0).abs() < share
    }

    #[test]
    fn every_control_animal_weighs_alike() {
        // Two slides of one animal, and an animal with a hundred times as many cells.
        let slides = [
            hepatocytes(&[(20.0, 10)]),
            hepatocytes(&[(20.0, 10)]),
            hepatocytes(&[(22.0, 20)]),
            hepatocytes(&[(30.0, 2000)]),
        ];
        let animals = [vec![&slides[0], &slides[1]], vec![&slides[2]], vec![&slides[3]]];
        let Some(CutOff::Wider { diameter_um }) = CutOff::of_controls(&animals) else { unreachable!() };
        assert!(close(diameter_um, 33.0, 0.01), "{diameter_um}");
        assert_eq!(CutOff::of_controls(&[vec![], vec![]]), None);
        assert_eq!(CutOff::of_controls(&[vec![&hepatocytes(&[])]]), None);
    }

    #[test]
    fn known_mixtures_of_hepatocytes_have_their_share() {
        fn t(large: u64, expected: f64) {
            let cut = CutOff::Wider { diameter_um: 33.0 };
            let value = cut.share(&hepatocytes(&[(22.0, 1000 - large), (35.0, large)])).unwrap();
            assert_eq!((value.value, value.n, value.denominator), (expected, 1000, 1000.0), "{large}");
        }
        t(0, 0.0);
        t(50, 5.0);
        t(331, 33.1);
        t(1000, 100.0);
        let none = CutOff::Wider { diameter_um: 33.0 }.share(&hepatocytes(&[]));
        assert_eq!(none, Err(Missing::NoStructure { what: "hepatocyte" }));
    }

    #[test]
    fn shrunken_glomeruli_are_small_and_wide_at_once() {
        // Control: tufts of 8200 µm² in corpuscles of 10 000, one in twenty with twice the space.
        let mut control = vec![(8200.0, 10_000.0); 19];
        control.push((6400.0, 10_000.0));
        let control = glomeruli(&control);
        let Some(cut) = CutOff::of_controls(&[vec![&control], vec![&control]]) else { unreachable!() };
        let CutOff::Shrunken { tuft_um2, bowman_pct, bowman_um2 } = cut else { unreachable!() };
        assert!(close(tuft_um2, 0.7 * 8200.0, 1e-12) && close(bowman_pct, 18.0, 1e-12), "{cut}");
        assert!(close(bowman_um2, 1800.0, 1e-12), "{cut}");
        let share = |of: &[(f64, f64)]| cut.share(&glomeruli(of)).map(|v| v.value);
        assert_eq!(share(&[(8200.0, 10_000.0); 4]), Ok(0.0));
        // Small in a small capsule, wide about a large tuft, both, and both but cut near a pole.
        assert_eq!(share(&[(5000.0, 6000.0), (5000.0, 6000.0)]), Ok(0.0));
        assert_eq!(share(&[(6000.0, 10_000.0), (6000.0, 10_000.0)]), Ok(0.0));
        assert_eq!(share(&[(5000.0, 9000.0), (8200.0, 10_000.0)]), Ok(50.0));
        assert_eq!(share(&[(2000.0, 4000.0), (8200.0, 10_000.0), (8200.0, 10_000.0)]), Ok(0.0));
        // The usual one, cut where its tuft is 70 % and less: the space takes a larger share but no more room.
        assert_eq!(share(&[(5600.0, 7400.0), (8200.0, 10_000.0)]), Ok(0.0));
        assert_eq!(share(&[]), Err(Missing::NoStructure { what: "glomerulus" }));
    }

    #[test]
    fn a_cut_off_without_an_area_is_read_and_asks_for_none() {
        let before: CutOff =
            serde_json::from_str(r#"{"shrunken":{"tuft_um2":5740.0,"bowman_pct":18.0}}"#).unwrap();
        assert!(before.fits("kidney", "glom_shrunken_pct"));
        let usual = glomeruli(&[(5600.0, 7400.0), (8200.0, 10_000.0)]);
        assert_eq!(before.share(&usual).map(|v| v.value), Ok(50.0));
    }

    #[test]
    fn spaces_are_weighted_by_animal() {
        // Of the second animal all are wide, and they are half of the weight.
        let (many, few) = (glomeruli(&[(8000.0, 10_000.0); 300]), glomeruli(&[(6000.0, 10_000.0); 3]));
        let Some(CutOff::Shrunken { bowman_pct, .. }) = CutOff::of_controls(&[vec![&many], vec![&few]])
        else {
            unreachable!()
        };
        assert!(close(bowman_pct, 40.0, 1e-12), "{bowman_pct}");
        fn t(values: &[(f64, f64)], q: f64, expected: Option<f64>) {
            assert_eq!(weighted_quantile(values.to_vec(), q), expected, "{values:?} {q}");
        }
        t(&[], 0.95, None);
        t(&[(3.0, 1.0)], 0.95, Some(3.0));
        t(&[(2.0, 1.0), (1.0, 1.0), (9.0, 0.1)], 0.95, Some(2.0));
        t(&[(2.0, 1.0), (1.0, 1.0), (9.0, 0.2)], 0.95, Some(9.0));
    }

    #[test]
    fn cut_offs_fit_their_own_feature_only() {
        fn t(cut: CutOff, tissue: &str, feature: &str, expected: bool) {
            assert_eq!(cut.fits(tissue, feature), expected, "{cut:?} {tissue} {feature}");
        }
        let (liver, kidney) = (("liver", "hypertrophic_hepatocyte_pct"), ("kidney", "glom_shrunken_pct"));
        t(CutOff::Wider { diameter_um: 33.0 }, liver.0, liver.1, true);
        t(CutOff::Wider { diameter_um: 0.0 }, liver.0, liver.1, false);
        t(CutOff::Wider { diameter_um: f64::NAN }, liver.0, liver.1, false);
        t(CutOff::Wider { diameter_um: 33.0 }, kidney.0, kidney.1, false);
        t(CutOff::Shrunken { tuft_um2: 6000.0, bowman_pct: 20.0, bowman_um2: 0.0 }, kidney.0, kidney.1, true);
        t(
            CutOff::Shrunken { tuft_um2: 6000.0, bowman_pct: 100.0, bowman_um2: 0.0 },
            kidney.0,
            kidney.1,
            false,
        );
        t(
            CutOff::Shrunken { tuft_um2: 6000.0, bowman_pct: 20.0, bowman_um2: -1.0 },
            kidney.0,
            kidney.1,
            false,
        );
    }
}
