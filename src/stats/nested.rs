//! Variance components of nested sampling: animal > slide > repeat. They tell whether more animals or more slides help.

use super::{Result, Undefined, describe::mean};

/// Variances by the analysis of variance method; also for unequal numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Components {
    /// Mean square between animals.
    pub ms_animal: f64,
    /// Mean square between slides of an animal.
    pub ms_slide: f64,
    /// Mean square within slides; `None` with one value per slide.
    pub ms_within: Option<f64>,
    /// Variance between animals; 0 where the estimate is negative.
    pub animal: f64,
    /// Variance between slides of one animal; with one value per slide it includes what is within slides.
    pub slide: f64,
    /// Variance within slides; `None` with one value per slide.
    pub within: Option<f64>,
}

/// Values by animal and slide.
pub type Nested = [Vec<Vec<f64>>];

/// Returns the components, group means removed beforehand by the caller if groups differ: `lost` counts the means that
/// were removed.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two animals and a second slide or value somewhere.
pub fn components(data: &Nested, lost: usize) -> Result<Components> {
    let animals: Vec<&Vec<Vec<f64>>> = data.iter().filter(|a| a.iter().any(|s| !s.is_empty())).collect();
    let slides: Vec<&Vec<f64>> = animals.iter().flat_map(|a| a.iter()).filter(|s| !s.is_empty()).collect();
    let (a, b, n) = (
        animals.len() as f64 - lost as f64,
        slides.len() as f64,
        slides.iter().map(|s| s.len() as f64).sum::<f64>(),
    );
    let all = animals.len() as f64;
    if a < 1.0 || b <= all {
        return Err(Undefined::TooFew { groups: 2, each: 2 });
    }
    let grand = if lost == 1 {
        mean(&slides.iter().flat_map(|s| s.iter().copied()).collect::<Vec<_>>())
    } else {
        0.0
    };
    let (mut between, mut among, mut inside) = (0.0, 0.0, 0.0);
    let (mut squares_slide, mut squares_animal, mut shares) = (0.0, 0.0, 0.0);
    for animal in &animals {
        let flat: Vec<f64> = animal.iter().flatten().copied().collect();
        let size = flat.len() as f64;
        let centre = mean(&flat);
        between += size * (centre - grand).powi(2);
        squares_animal += size * size;
        for slide in animal.iter().filter(|s| !s.is_empty()) {
            let own = mean(slide);
            let count = slide.len() as f64;
            among += count * (own - centre).powi(2);
            inside += slide.iter().map(|v| (v - own).powi(2)).sum::<f64>();
            squares_slide += count * count;
            shares += count * count / size;
        }
    }
    let (ms_animal, ms_slide) = (between / a, among / (b - all));
    let ms_within = (n > b).then(|| inside / (n - b));
    let per_slide = (n - shares) / (b - all);
    let across = (shares - squares_slide / n) / (all - 1.0);
    let per_animal = (n - squares_animal / n) / (all - 1.0);
    let within = ms_within.unwrap_or(0.0);
    let slide = ((ms_slide - within) / per_slide).max(0.0);
    let animal = ((ms_animal - within - across * slide) / per_animal).max(0.0);
    Ok(Components { ms_animal, ms_slide, ms_within, animal, slide, within: ms_within })
}

impl Components {
    /// Returns the standard error of an animal's mean of `slides` slides of `repeats` values, squared: its variance
    /// between animals included.
    #[must_use]
    pub fn variance_of_mean(&self, slides: f64, repeats: f64) -> f64 {
        self.animal + self.slide / slides + self.within.unwrap_or(0.0) / (slides * repeats)
    }

    /// Returns the share of the total variance that lies between animals.
    #[must_use]
    pub fn icc(&self) -> f64 {
        self.animal / (self.animal + self.slide + self.within.unwrap_or(0.0))
    }
}
