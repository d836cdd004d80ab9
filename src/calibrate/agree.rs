//! How well grades of the program agree with a pathologist's, lesion by lesion (domain.md §7).

mod graded;

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use self::graded::Graded;
use super::{
    lesion::{scored_otherwise, unnamed_animals},
    reads::{self, Read},
};
use crate::{
    error::Result,
    score::rubric::{Compare, Rubric},
    stats::{
        Interval, Undefined,
        agreement::{self, NoInterval, Weights, resampled, sd_of_animals},
        correlation::spearman,
        distribution::normal_quantile,
    },
};

/// One slide that both graded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Slide.
    pub slide_id: String,
    /// Its animal; `None` where neither the results nor a sample sheet name it.
    pub animal_id: Option<String>,
    /// Grade of the program.
    pub grade: u8,
    /// Continuous score of the program.
    pub score: f64,
    /// Grade of the reader.
    pub read: f64,
}

impl Pair {
    /// The animal; the slide itself stands for one that is not named.
    fn animal(&self) -> &str {
        self.animal_id.as_deref().unwrap_or(&self.slide_id)
    }
}

/// What an interval was made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalBy {
    /// Animals that are drawn again and again, with all their slides.
    ResampledAnimals,
    /// A formula for slides that do not depend on each other: each animal has one.
    Formula,
    /// No confidence interval: limits that hold 95 % of the differences of single slides.
    LimitsOfAgreement,
}

impl IntervalBy {
    /// Returns what tables call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResampledAnimals => "resampled animals",
            Self::Formula => "formula",
            Self::LimitsOfAgreement => "limits of agreement",
        }
    }
}

/// A measure of agreement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimated {
    /// The estimate.
    pub value: f64,
    /// Its interval, or why it has none.
    pub interval: std::result::Result<Interval, NoInterval>,
    /// How an interval is made.
    pub by: IntervalBy,
}

/// A measure of agreement, or why it has no value.
pub type Estimate = std::result::Result<Estimated, Undefined>;

/// Agreement on one lesion. Grades are compared by kappa, the continuous score by the rest.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Tissue.
    pub tissue: &'static str,
    /// Lesion id of the rubric.
    pub lesion: String,
    /// Lesion name for people.
    pub label: String,
    /// Slides that both graded.
    pub pairs: Vec<Pair>,
    /// Animals they come from; `None` if one of them is not named.
    pub animals: Option<usize>,
    /// Slides that the reader graded and the results do not hold, or hold without a grade.
    pub ungraded: usize,
    /// What the reader of the numbers should know: slides that are unknown or of another tissue, grades between two, ….
    pub remarks: Vec<String>,
    /// Kappa with quadratic weights.
    pub kappa_quadratic: Estimate,
    /// Kappa with linear weights.
    pub kappa_linear: Estimate,
    /// Spearman's correlation.
    pub spearman: Estimate,
    /// Intraclass correlation, two-way random, absolute agreement.
    pub icc: Estimate,
    /// Lin's concordance correlation.
    pub concordance: Estimate,
    /// Mean of score less read, with the limits that hold 95 % of the differences (Bland and Altman 1986).
    pub bias: Estimate,
}

impl Agreement {
    /// Returns every measure with its name, in the order of tables.
    pub fn measures(&self) -> [(&'static str, &Estimate); 6] {
        [
            ("weighted_kappa_quadratic", &self.kappa_quadratic),
            ("weighted_kappa_linear", &self.kappa_linear),
            ("spearman", &self.spearman),
            ("icc_2_1", &self.icc),
            ("concordance", &self.concordance),
            ("bias_with_limits", &self.bias),
        ]
    }
}

/// Compares the results in a folder with a pathologist's grades. Every lesion that was read is returned, also where no slide
/// has a grade of it. `manifest` names the animals where the results do not.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io) if a file cannot be read; [`Error::Config`](crate::Error::Config) for an unknown lesion, a slide that was read twice, a grade
/// above the lesion's highest, or results without a slide that was read.
pub fn agree(
    results: &Path,
    rubric: &Rubric,
    reads: &Path,
    manifest: Option<&Path>,
    alpha: f64,
) -> Result<Vec<Agreement>> {
    let graded = Graded::read(&results.join("slides.csv"), manifest)?;
    let all = reads::read(reads, rubric, &graded.tissues())?;
    let known = |(slide, _): &(String, f64)| graded.slides.contains_key(slide);
    if let (Some(read), false) = (all.first(), all.iter().flat_map(|r| &r.grades).any(known)) {
        let slide = read.grades.first().map_or("", |(slide, _)| slide.as_str());
        let expected = "slides of the results (the column slide_id of slides.csv)";
        return Err(read.fault(slide, expected, "no slide that they hold"));
    }
    Ok(all.iter().map(|read| one(&graded, read, alpha)).collect())
}

fn one(graded: &Graded, read: &Read<'_>, alpha: f64) -> Agreement {
    let mut pairs = Vec::new();
    for (slide, grade) in &read.grades {
        if let Some((own, score)) = graded.of(slide, read.tissue, &read.lesion.id) {
            let animal_id = graded.animal(slide).map(str::to_owned);
            pairs.push(Pair { slide_id: slide.clone(), animal_id, grade: own, score, read: *grade });
        }
    }
    pairs.sort_by(|a, b| a.slide_id.cmp(&b.slide_id));
    let mut remarks = remarks(graded, read);
    let unnamed = pairs.iter().filter(|p| p.animal_id.is_none()).count();
    remarks.extend(unnamed_animals(unnamed, pairs.len()));
    compared(read, pairs, remarks, alpha)
}

/// Says what about the reads may be a mistake, and how slides get a grade that have none.
fn remarks(graded: &Graded, read: &Read<'_>) -> Vec<String> {
    let slides = || read.grades.iter().map(|(slide, _)| slide.as_str());
    let excluded: Vec<&str> = slides().filter(|s| graded.is_excluded(s)).collect();
    let is_unknown = |s: &&str| !graded.slides.contains_key(*s) && !graded.is_excluded(s);
    let unknown: Vec<&str> = slides().filter(is_unknown).collect();
    let tissue_of = |s: &str| graded.slides.get(s).map(|(tissue, _)| tissue.as_str());
    let other: Vec<&str> = slides().filter(|s| tissue_of(s).is_some_and(|t| t != read.tissue)).collect();
    let mut out = Vec::new();
    if !unknown.is_empty() {
        out.push(format!("slides that the results do not hold ({}): {}", unknown.len(), unknown.join(", ")));
    }
    if !excluded.is_empty() {
        out.push(format!(
            "slides that the sample sheet excludes ({}): {}",
            excluded.len(),
            excluded.join(", ")
        ));
    }
    if !other.is_empty() {
        out.push(format!("{}, not as {}", scored_otherwise(&other), read.tissue));
    }
    let without =
        |s: &str| tissue_of(s) == Some(read.tissue) && graded.of(s, read.tissue, &read.lesion.id).is_none();
    if read.lesion.compare == Compare::PctCtrl && slides().any(without) {
        out.push(
            "graded in percent of control: score with a rubric that `calibrate --controls` wrote (score --rubric lab.json)"
                .to_owned(),
        );
    }
    if let n @ 1.. = read.between() {
        out.push(format!(
            "grades that lie between two ({n}) count for kappa as the nearer, or the higher of two"
        ));
    }
    out
}

fn compared(read: &Read<'_>, pairs: Vec<Pair>, remarks: Vec<String>, alpha: f64) -> Agreement {
    let lesion = read.lesion;
    let animals = by_animal(&pairs);
    let kappa = |weights| kappa(&animals, lesion.max, weights, alpha);
    Agreement {
        tissue: read.tissue,
        lesion: lesion.id.clone(),
        label: lesion.label.clone(),
        kappa_quadratic: kappa(Weights::Quadratic),
        kappa_linear: kappa(Weights::Linear),
        spearman: rank_correlation(&animals, alpha),
        icc: intraclass_correlation(&animals, alpha),
        concordance: concordance(&animals, alpha),
        bias: bias(&animals),
        animals: pairs.iter().all(|p| p.animal_id.is_some()).then_some(animals.len()),
        ungraded: read.grades.len() - pairs.len(),
        pairs,
        remarks,
    }
}

/// Slides by animal, of both in order of names.
fn by_animal(pairs: &[Pair]) -> Vec<Vec<Pair>> {
    let mut animals: BTreeMap<(bool, &str), Vec<Pair>> = BTreeMap::new();
    for p in pairs {
        // A slide that stands for its animal may be called as another animal.
        animals.entry((p.animal_id.is_none(), p.animal())).or_default().push(p.clone());
    }
    animals.into_values().collect()
}

fn has_several(animals: &[Vec<Pair>]) -> bool {
    animals.iter().any(|slides| slides.len() > 1)
}

/// Scores and reads.
fn both<'a>(pairs: impl Iterator<Item = &'a Pair>) -> (Vec<f64>, Vec<f64>) {
    pairs.map(|p| (p.score, p.read)).unzip()
}

/// Kappa of grades with its interval over animals; a read between two grades counts as the nearer, the higher where both are
/// as near.
fn kappa(animals: &[Vec<Pair>], max: u8, weights: Weights, alpha: f64) -> Estimate {
    let top = usize::from(max);
    let grades = |p: &Pair| (usize::from(p.grade).min(top), (p.read.round() as usize).min(top));
    let grades: Vec<Vec<_>> = animals.iter().map(|slides| slides.iter().map(grades).collect()).collect();
    let (value, interval) = agreement::kappa_of_animals(&grades, top + 1, weights, alpha)?;
    Ok(Estimated { value, interval, by: IntervalBy::ResampledAnimals })
}

/// Slides that the interval of Spearman's correlation needs by its formula.
const LEAST_OF_RANKS: usize = 4;

fn rank_correlation(animals: &[Vec<Pair>], alpha: f64) -> Estimate {
    let (score, reads) = both(animals.iter().flatten());
    let found = spearman(&score, &reads, alpha)?;
    let without = match score.len() {
        0..LEAST_OF_RANKS => NoInterval::FewSlides { least: LEAST_OF_RANKS },
        _ => NoInterval::Perfect,
    };
    let of = |pairs: &mut dyn Iterator<Item = &Pair>| {
        let (score, reads) = both(pairs);
        spearman(&score, &reads, alpha).map(|c| c.r)
    };
    Ok(estimated(animals, alpha, found.r, found.interval.ok_or(without), of))
}

fn intraclass_correlation(animals: &[Vec<Pair>], alpha: f64) -> Estimate {
    let rows =
        |pairs: &mut dyn Iterator<Item = &Pair>| pairs.map(|p| vec![p.score, p.read]).collect::<Vec<_>>();
    let found = agreement::icc(&rows(&mut animals.iter().flatten()), alpha)?.icc2;
    let of = |pairs: &mut dyn Iterator<Item = &Pair>| agreement::absolute_agreement(&rows(pairs));
    Ok(estimated(animals, alpha, found.value, found.interval.ok_or(NoInterval::Perfect), of))
}

/// An estimate with the interval of its formula where each animal has one slide, over resampled animals else.
fn estimated(
    animals: &[Vec<Pair>],
    alpha: f64,
    value: f64,
    formula: std::result::Result<Interval, NoInterval>,
    of: impl Fn(&mut dyn Iterator<Item = &Pair>) -> std::result::Result<f64, Undefined>,
) -> Estimated {
    if has_several(animals) {
        return Estimated {
            value,
            interval: resampled(animals, alpha, of),
            by: IntervalBy::ResampledAnimals,
        };
    }
    Estimated { value, interval: formula, by: IntervalBy::Formula }
}

fn concordance(animals: &[Vec<Pair>], alpha: f64) -> Estimate {
    let of = |pairs: &mut dyn Iterator<Item = &Pair>| {
        let (score, reads) = both(pairs);
        agreement::limits(&score, &reads)?.concordance.ok_or(Undefined::NoVariation)
    };
    let value = of(&mut animals.iter().flatten())?;
    Ok(Estimated { value, interval: resampled(animals, alpha, of), by: IntervalBy::ResampledAnimals })
}

/// Mean difference, and the limits of single slides, within and between animals.
fn bias(animals: &[Vec<Pair>]) -> Estimate {
    let (score, reads) = both(animals.iter().flatten());
    let found = agreement::limits(&score, &reads)?;
    let mut interval = Ok(found.limits);
    if has_several(animals) {
        let differences: Vec<Vec<f64>> =
            animals.iter().map(|slides| slides.iter().map(|p| p.score - p.read).collect()).collect();
        let limits = |sd: f64| Interval::around(found.bias, normal_quantile(0.975) * sd);
        interval = sd_of_animals(&differences).map(limits).ok_or(NoInterval::OneAnimal);
    }
    Ok(Estimated { value: found.bias, interval, by: IntervalBy::LimitsOfAgreement })
}

#[cfg(test)]
mod tests;
