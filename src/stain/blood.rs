//! What tells blood from the slide's own cytoplasm: haemoglobin absorbs more blue for its green than eosin does.

use serde::{Deserialize, Serialize};

/// Blood's blue over green exceeds the cytoplasm's by at least this [expert] …
const MIN_BLUE_OVER: f64 = 0.12;
/// … and by this many of the cytoplasm's spreads [expert].
const BLUE_SPREADS: f64 = 2.0;
/// Blood's red over green exceeds the cytoplasm's by at most this: nuclei absorb more red [expert].
const MAX_RED_OVER: f64 = 0.25;
/// What is dense and no cytoplasm exceeds it by at least this in blue less red over green: haemoglobin absorbs more blue, and
/// red cells hold no haematoxylin. On phantoms of five stains the dense cytoplasm of dead cells exceeds it by 0.03 to 0.07, because it
/// holds more eosin; in three pictures of real livers blood does by 0.11 to 0.39 [expert].
const RED_CELLS_OVER: f64 = 0.11;
/// Pixels beyond this quantile of red over green are nuclear and say nothing about the cytoplasm's blue [expert].
const CYTOPLASM: f64 = 0.8;
/// Quantile of a normal distribution one standard deviation below its median.
const ONE_BELOW: f64 = 0.16;

/// How the cytoplasm of a slide absorbs: ratios of optical densities.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct CytoplasmHue {
    /// Median blue over green.
    pub blue: f64,
    /// Spread of blue over green below the median, where blood does not reach: one standard deviation.
    pub blue_spread: f64,
    /// Median red over green.
    pub red: f64,
}

impl CytoplasmHue {
    /// The middle of what public H&E slides show.
    pub const TYPICAL: Self = Self { blue: 0.58, blue_spread: 0.04, red: 0.4 };

    /// Measures the hue of stained pixels, blood and nuclei among them, as long as each is the smaller part.
    #[must_use]
    pub(super) fn of(densities: &[[f64; 3]]) -> Self {
        let ratios = || densities.iter().filter(|d| d[1] > 0.0).map(|d| (d[0] / d[1], d[2] / d[1]));
        let reds = sorted(ratios().map(|(red, _)| red));
        let Some(nuclear) = quantile(&reds, CYTOPLASM) else { return Self::TYPICAL };
        let blues = sorted(ratios().filter(|&(red, _)| red <= nuclear).map(|(_, blue)| blue));
        match [quantile(&reds, 0.5), quantile(&blues, 0.5), quantile(&blues, ONE_BELOW)] {
            [Some(red), Some(blue), Some(below)] => Self { blue, blue_spread: blue - below, red },
            _ => Self::TYPICAL,
        }
    }

    /// Returns the blue over green from which a pixel is blood.
    #[must_use]
    pub fn least_blue_of_blood(&self) -> f64 {
        self.blue + MIN_BLUE_OVER.max(BLUE_SPREADS * self.blue_spread)
    }

    /// Returns the red over green up to which a pixel can be blood.
    #[must_use]
    pub fn most_red_of_blood(&self) -> f64 {
        self.red + MAX_RED_OVER
    }

    /// Returns the blue less red, over green, from which dense pixels are red cells rather than cytoplasm. Looser than
    /// [`Self::is_blood`], which must not take pale cytoplasm for blood.
    #[must_use]
    pub fn least_of_red_cells(&self) -> f64 {
        self.blue - self.red + RED_CELLS_OVER
    }

    /// Returns whether optical densities (red, green, blue) have the hue of blood.
    #[must_use]
    pub fn is_blood(&self, [r, g, b]: [f64; 3]) -> bool {
        b >= self.least_blue_of_blood() * g && r <= self.most_red_of_blood() * g
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    sorted.get((sorted.len().saturating_sub(1) as f64 * q).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hue of cytoplasm with a fifth of blood and a tenth of nuclei.
    fn hue(cytoplasm: [f64; 3], blood: [f64; 3], nucleus: [f64; 3]) -> CytoplasmHue {
        let all: Vec<[f64; 3]> = (0..100)
            .map(|i| match i % 10 {
                0 | 1 => blood,
                2 => nucleus,
                _ => cytoplasm.map(|v| v * (0.8 + 0.004 * f64::from(i))),
            })
            .collect();
        CytoplasmHue::of(&all)
    }

    #[test]
    fn blood_is_no_dye_whatever_the_camera_shows() {
        fn t(cytoplasm: [f64; 3], blood: [f64; 3], nucleus: [f64; 3]) {
            let hue = hue(cytoplasm, blood, nucleus);
            assert!(hue.is_blood(blood), "{hue:?} {blood:?}");
            assert!(!hue.is_blood(cytoplasm) && !hue.is_blood(nucleus), "{hue:?}");
        }
        // Usual, bluish and pinkish.
        t([0.09, 0.32, 0.19], [0.10, 0.47, 0.47], [0.28, 0.40, 0.22]);
        t([0.15, 0.32, 0.13], [0.13, 0.47, 0.42], [0.38, 0.40, 0.14]);
        t([0.03, 0.32, 0.24], [0.07, 0.47, 0.50], [0.18, 0.40, 0.29]);
    }

    #[test]
    fn nothing_stained_is_typical() {
        assert_eq!(CytoplasmHue::of(&[]), CytoplasmHue::TYPICAL);
        assert_eq!(CytoplasmHue::of(&[[0.1, 0.0, 0.0]]), CytoplasmHue::TYPICAL);
    }
}
