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

/// Values of one group by animal and slide.
pub type Nested = [Vec<Vec<f64>>];

/// Returns the components within groups of animals.
///
/// # Errors
///
/// [`Undefined::TooFew`] without two animals in a group and a second slide or value somewhere.
pub fn components(groups: &[&Nested]) -> Result<Components> {
    let mut sums = Sums::default();
    for group in groups {
        sums.add(group);
    }
    let Sums { groups, animals, slides, values, .. } = sums;
    let (spare_animals, spare_slides) = (animals - groups, slides - animals);
    if spare_animals < 1.0 || spare_slides < 1.0 {
        return Err(Undefined::TooFew { groups: 2, each: 2 });
    }
    let (ms_animal, ms_slide) = (sums.between / spare_animals, sums.among / spare_slides);
    let ms_within = (values > slides).then(|| sums.inside / (values - slides));
    // How often each component is in the mean squares, for unequal numbers (Searle, Casella and McCulloch 1992).
    let per_slide = (values - sums.by_animal) / spare_slides;
    let across = (sums.by_animal - sums.by_group) / spare_animals;
    let per_animal = (values - sums.animals_by_group) / spare_animals;
    let within = ms_within.unwrap_or(0.0);
    let slide = ((ms_slide - within) / per_slide).max(0.0);
    let animal = ((ms_animal - within - across * slide) / per_animal).max(0.0);
    Ok(Components { ms_animal, ms_slide, ms_within, animal, slide, within: ms_within })
}

/// Numbers and sums of squares of all groups together.
#[derive(Default)]
struct Sums {
    groups: f64,
    animals: f64,
    slides: f64,
    values: f64,
    /// Squares between animals of a group, among slides of an animal, inside slides.
    between: f64,
    among: f64,
    inside: f64,
    /// Squared numbers of slides' values over the number of their animal, and over that of their group; those of animals over that of
    /// their group.
    by_animal: f64,
    by_group: f64,
    animals_by_group: f64,
}

impl Sums {
    fn add(&mut self, group: &Nested) {
        let all: Vec<f64> = group.iter().flatten().flatten().copied().collect();
        if all.is_empty() {
            return;
        }
        let (grand, of_group) = (mean(&all), all.len() as f64);
        self.groups += 1.0;
        self.values += of_group;
        for animal in group.iter().filter(|a| a.iter().any(|s| !s.is_empty())) {
            let flat: Vec<f64> = animal.iter().flatten().copied().collect();
            let (centre, size) = (mean(&flat), flat.len() as f64);
            self.animals += 1.0;
            self.between += size * (centre - grand).powi(2);
            self.animals_by_group += size * size / of_group;
            for slide in animal.iter().filter(|s| !s.is_empty()) {
                let (own, count) = (mean(slide), slide.len() as f64);
                self.slides += 1.0;
                self.among += count * (own - centre).powi(2);
                self.inside += slide.iter().map(|v| (v - own).powi(2)).sum::<f64>();
                self.by_animal += count * count / size;
                self.by_group += count * count / of_group;
            }
        }
    }
}

impl Components {
    /// Returns the share of the total variance that lies between animals.
    #[must_use]
    pub fn icc(&self) -> f64 {
        self.animal / (self.animal + self.slide + self.within.unwrap_or(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of two animals, with one slide and with five. Each slide is worth 1/n of its group's coefficient: expected mean squares
    /// by hand.
    #[test]
    fn several_groups_have_a_coefficient_of_their_own() {
        let group = |shift: f64| {
            let of = |slides: &[f64]| slides.iter().map(|v| vec![v + shift]).collect::<Vec<_>>();
            vec![of(&[4.0]), of(&[0.0, 1.0, 2.0, 1.0, 1.0])]
        };
        let groups = [group(0.0), group(50.0), group(-7.0)];
        let groups: Vec<&Nested> = groups.iter().map(Vec::as_slice).collect();
        let found = components(&groups).unwrap();
        // Group mean 1.5, animals 4 and 1; squares 1·2.5² + 5·0.5² = 7.5 with one degree of freedom a group.
        assert!((found.ms_animal - 7.5).abs() < 1e-9 && (found.ms_slide - 0.5).abs() < 1e-9, "{found:?}");
        // 6 − (1 + 25)/6 = 5/3 a group.
        assert!((found.animal - 7.0 / (5.0 / 3.0)).abs() < 1e-9, "{found:?}");
        let one = components(&groups[..1]).unwrap();
        assert!((one.animal - found.animal).abs() < 1e-9 && (one.slide - found.slide).abs() < 1e-9);
    }
}
