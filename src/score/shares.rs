//! Shares of objects beyond a control group's: which controls make a cut-off, and what follows from it on a slide.

use serde::{Deserialize, Serialize};

use super::{Measured, Outcome, published, rubric::Rubric, sampling::too_few};
use crate::{
    measure::{
        feature::{Missing, Value},
        sizes::{CutOff, Sizes},
    },
    organ::Organ,
};

/// Least control animals (domain.md §4.1.7) [expert].
pub const LEAST_CONTROLS: usize = 4;

/// A cut-off, and the controls that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FromControls {
    /// From where on an object counts.
    pub cut_off: CutOff,
    /// Control animals.
    pub animals: usize,
    /// Their objects.
    pub objects: u64,
}

impl std::fmt::Display for FromControls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {} objects of {} control animals", self.cut_off, self.objects, self.animals)
    }
}

/// Returns the cut-off that control animals give, of each of which the sizes of all slides are listed. Animals with so few objects
/// that a slide of theirs would get no grade are not among them.
///
/// # Errors
///
/// [`Missing::TooFew`] with less than [`LEAST_CONTROLS`] animals.
pub fn from_controls(animals: &[Vec<&Sizes>]) -> Result<FromControls, Missing> {
    let objects = |slides: &[&Sizes]| slides.iter().map(|s| s.objects()).sum::<u64>();
    let enough = |slides: &&Vec<&Sizes>| {
        let (tissue, feature) = slides.first().map(|s| s.of()).unwrap_or_default();
        objects(slides) > 0 && too_few(tissue, feature, |_, _| Some(objects(slides) as f64)).is_none()
    };
    let controls: Vec<Vec<&Sizes>> = animals.iter().filter(enough).cloned().collect();
    let too_few = Missing::TooFew {
        what: "control animals with enough to measure",
        found: controls.len() as f64,
        needed: LEAST_CONTROLS as f64,
    };
    if controls.len() < LEAST_CONTROLS {
        return Err(too_few);
    }
    let cut_off = CutOff::of_controls(&controls).ok_or(too_few)?;
    let objects = controls.iter().map(|slides| objects(slides)).sum();
    Ok(FromControls { cut_off, animals: controls.len(), objects })
}

/// What follows from the sizes of one slide, once there is a cut-off.
#[derive(Clone, Debug, PartialEq)]
pub struct OfSlide {
    /// The share.
    pub value: Result<Value, Missing>,
    /// Lesions that it drives, by id, with their continuous scores.
    pub lesions: Vec<(String, Result<f64, Missing>)>,
    /// Published grades that rest on it, by name.
    pub published: Vec<(&'static str, Result<f64, Missing>)>,
}

impl Rubric {
    /// Returns the cut-off that the laboratory's control animals give, if the rubric was calibrated.
    #[must_use]
    pub fn cut_off(&self, tissue: &str, feature: &str) -> Option<&FromControls> {
        self.calibration()?.cut_offs.get(tissue)?.get(feature)
    }

    /// Measures the feature that the sizes were kept for, if nothing but a control group was missing and the rubric was calibrated
    /// on one.
    pub fn shares(&self, organ: &Organ, measured: &mut [Measured], sizes: Option<&Sizes>) {
        let Some(sizes) = sizes else { return };
        let (tissue, feature) = sizes.of();
        let Some(found) = self.cut_off(tissue, feature).filter(|_| tissue == organ.name) else { return };
        for own in measured.iter_mut().filter(|m| m.feature.name == feature) {
            if own.value == Err(Missing::NeedsControls) {
                own.value = found.cut_off.share(sizes);
            }
        }
    }

    /// Returns what follows from a slide's sizes and a cut-off. `grade` tells the slide's other published grades.
    #[must_use]
    pub fn of_slide(
        &self,
        organ: &Organ,
        sizes: &Sizes,
        cut_off: &CutOff,
        grade: impl Fn(&str) -> Option<f64>,
    ) -> OfSlide {
        let (tissue, feature) = sizes.of();
        let value = cut_off.share(sizes);
        let too_few = too_few(tissue, feature, |_, _| Some(sizes.objects() as f64));
        let gradable = value.clone().and_then(|v| too_few.map_or(Ok(v.value), Err));
        let continuous = |lesion, value| match self.grade(lesion, value) {
            Outcome::Scored { continuous, .. } => Ok(continuous),
            Outcome::NotScored { missing } => Err(missing),
        };
        let driven = self.lesions(organ).iter().filter(|l| l.feature == feature);
        let lesions =
            driven.map(|l| (l.id.clone(), gradable.clone().and_then(|v| continuous(l, v)))).collect();
        let published = published::following(tissue, (feature, &gradable), self.field_number_mm(), grade);
        OfSlide { value, lesions, published }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::sizes::{Diameters, Profiles},
        organ,
    };

    fn hepatocytes(diameter_um: f64, n: u64) -> Sizes {
        let mut own = Diameters::default();
        own.add(diameter_um, n);
        Sizes::Hepatocytes(own)
    }

    #[test]
    fn cut_offs_need_control_animals_with_enough_objects() {
        fn t(cells: &[u64], expected: Result<usize, &str>) {
            let slides: Vec<Sizes> = cells.iter().map(|&n| hepatocytes(22.0, n)).collect();
            let animals: Vec<Vec<&Sizes>> = slides.iter().map(|s| vec![s]).collect();
            let got = from_controls(&animals).map(|f| f.animals).map_err(|m| m.to_string());
            assert_eq!(got, expected.map_err(str::to_owned), "{cells:?}");
        }
        t(&[3000; 5], Ok(5));
        t(&[300, 300, 300, 3000], Ok(4));
        t(&[299, 3000, 3000, 3000, 3000], Ok(4));
        t(&[299, 3000, 3000, 3000], Err("3 control animals with enough to measure, at least 4 needed"));
        t(&[3000], Err("1 control animal with enough to measure, at least 4 needed"));
        t(&[], Err("0 control animals with enough to measure, at least 4 needed"));
        // Slides of one animal are one animal.
        let slide = hepatocytes(22.0, 3000);
        assert!(from_controls(&[vec![&slide; 8]]).is_err());
        assert!(from_controls(&[vec![], vec![], vec![], vec![], vec![]]).is_err());
    }

    #[test]
    fn lesions_and_published_grades_follow() {
        fn t(shrunken: usize, of: usize, lesion: Option<u8>, published: &[(&str, f64)]) {
            let kidney = organ::find("kidney").unwrap();
            let rubric = Rubric::builtin().unwrap();
            let mut areas = vec![(8000.0, 10_000.0); of - shrunken];
            areas.extend(vec![(4000.0, 10_000.0); shrunken]);
            let sizes = Sizes::Glomeruli(Profiles::of(&areas));
            let cut = CutOff::Shrunken { tuft_um2: 5600.0, bowman_pct: 30.0, bowman_um2: 3000.0 };
            let others = |name: &str| matches!(name, "egti_t_surrogate" | "egti_i_surrogate").then_some(3.0);
            let found = rubric.of_slide(kidney, &sizes, &cut, others);
            assert_eq!(found.value.unwrap().value, 100.0 * shrunken as f64 / of as f64);
            let [(id, score)] = &found.lesions[..] else { panic!("{:?}", found.lesions) };
            let grade = score.as_ref().ok().map(|score| (score + 0.5).floor() as u8);
            let graded: Vec<_> =
                found.published.into_iter().filter_map(|(n, g)| Some((n, g.ok()?))).collect();
            assert_eq!(
                (id.as_str(), grade, graded.as_slice()),
                ("glom_atrophy", lesion, published),
                "{shrunken} of {of}"
            );
        }
        let egti = |g: f64| [("egti_g_surrogate", g), ("egti_surrogate", 6.0 + g)];
        t(0, 40, Some(0), &egti(0.0));
        t(3, 40, Some(1), &egti(0.0));
        t(5, 40, Some(2), &egti(2.0));
        t(30, 40, Some(4), &egti(2.0));
        // Less than a tenth of what an animal needs.
        t(1, 2, None, &[]);
        let liver = organ::find("liver").unwrap();
        let cut = CutOff::Wider { diameter_um: 33.0 };
        let of = |n| Rubric::builtin().unwrap().of_slide(liver, &hepatocytes(35.0, n), &cut, |_| None);
        assert_eq!(of(300).published, [("liang_hypertrophy", Ok(3.0))]);
        let few = of(299).published[0].1.clone().map_err(|m| m.to_string());
        assert_eq!(few, Err("299 nuclei of hepatocytes, at least 300 needed".into()));
        assert!(of(300).lesions[0].1.is_ok() && of(299).lesions[0].1.is_err());
    }
}
