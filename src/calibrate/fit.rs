//! Cut-offs from grades: isotonic regression, and how well they predict animals that were left out.

use serde::{Deserialize, Serialize};

use crate::{
    score::rubric::{Lesion, Worse},
    stats::{
        Interval,
        agreement::{NoInterval, Weights, kappa_of_animals},
    },
};

/// Cut-offs fitted to a pathologist's grades, with how well they hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// The cut-offs, in the units the lesion compares.
    pub cuts: Vec<f64>,
    /// Cut-offs that the grades reach; the others follow the ones before, above all that was measured.
    pub reached: Vec<bool>,
    /// Graded slides.
    pub slides: usize,
    /// Animals they come from, each slide of one that is not named taken for one.
    pub animals: usize,
    /// Slides whose animal is not named.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unnamed: usize,
    /// Weighted κ (quadratic) of grades and predictions, each animal predicted from the others.
    pub kappa: Option<f64>,
    /// Its 95 % interval over resampled animals; none below eleven.
    pub kappa_interval: Option<[f64; 2]>,
    /// Why it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<String>,
    /// The same κ with the cut-offs there were before.
    pub kappa_before: Option<f64>,
    /// Grades from 1 that no slide was read as: where they begin and end is a guess.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<u8>,
    /// Grades from 1 that slides were read as, and none gets with these cut-offs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ungiven: Vec<u8>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Fitted {
    /// Says whose the slides are: `12 animals`.
    #[must_use]
    pub fn whose(&self) -> String {
        let named = self.animals.saturating_sub(self.unnamed);
        match (named, self.unnamed) {
            (_, 0) => format!("{named} animals"),
            (0, unnamed) => format!("{unnamed} slides whose animals are not named"),
            (_, unnamed) => format!("{named} animals and {unnamed} slides whose animals are not named"),
        }
    }

    /// Returns whether animals that were left out are graded worse than with the cut-offs before, or how well is unknown.
    #[must_use]
    pub fn is_no_gain(&self) -> bool {
        match (self.kappa, self.kappa_before) {
            (Some(fitted), Some(before)) => fitted < before - ROUNDING,
            (None, _) => true,
            (Some(_), None) => false,
        }
    }
}

/// Differences of κ below this are rounding.
const ROUNDING: f64 = 1e-9;

/// Fits the cut-offs of a lesion to points (value, grade, animal). `None` when grades do not rise with the lesion.
#[must_use]
pub fn fit(lesion: &Lesion, points: &[(f64, f64, &str)]) -> Option<Fitted> {
    let all: Vec<(f64, f64)> = points.iter().map(|p| (p.0, p.1)).collect();
    let (cuts, reached) = cuts(lesion, &all)?;
    let mut animals: Vec<&str> = points.iter().map(|p| p.2).collect();
    animals.sort_unstable();
    animals.dedup();
    let mut pairs = Vec::new();
    for animal in &animals {
        let others: Vec<(f64, f64)> = points.iter().filter(|p| p.2 != *animal).map(|p| (p.0, p.1)).collect();
        // Where the others allow no fit, the cut-offs before stay, as they do for all.
        let fitted =
            self::cuts(lesion, &others).map_or_else(|| lesion.clone(), |(cuts, _)| with(lesion, cuts));
        pairs.push(graded(points, animal, &fitted));
    }
    let found = agreement(&pairs, lesion.max);
    let before: Vec<_> = animals.iter().map(|animal| graded(points, animal, lesion)).collect();
    let own = with(lesion, cuts.clone());
    let own: Vec<(usize, usize)> = animals.iter().flat_map(|animal| graded(points, animal, &own)).collect();
    let of = |keep: fn(bool, bool) -> bool| -> Vec<u8> {
        let is = |g: &u8| {
            let g = usize::from(*g);
            keep(own.iter().any(|p| p.0 == g), own.iter().any(|p| p.1 == g))
        };
        (1..=lesion.max).filter(is).collect()
    };
    Some(Fitted {
        cuts,
        reached,
        slides: points.len(),
        animals: animals.len(),
        unnamed: 0,
        kappa: found.map(|k| k.0),
        kappa_interval: found.and_then(|k| k.1.ok()).map(|i| [i.lo, i.hi]),
        no_interval: found.and_then(|k| k.1.err()).map(|why| why.to_string()),
        kappa_before: agreement(&before, lesion.max).map(|k| k.0),
        unread: of(|read, _| !read),
        ungiven: of(|read, given| read && !given),
    })
}

fn with(lesion: &Lesion, cuts: Vec<f64>) -> Lesion {
    Lesion { inclusive: vec![false; cuts.len()], cuts, per_field: None, ..lesion.clone() }
}

/// Grades of one animal's slides: the reader's, and those of a lesion's cut-offs.
fn graded(points: &[(f64, f64, &str)], animal: &str, lesion: &Lesion) -> Vec<(usize, usize)> {
    let of = |&(value, read, _): &(f64, f64, &str)| {
        ((read.round().max(0.0) as usize).min(lesion.max.into()), lesion.grade(value).into())
    };
    points.iter().filter(|p| p.2 == animal).map(of).collect()
}

fn agreement(animals: &[Vec<(usize, usize)>], max: u8) -> Option<(f64, Result<Interval, NoInterval>)> {
    kappa_of_animals(animals, usize::from(max) + 1, Weights::Quadratic, 0.05).ok()
}

/// Returns where the isotonic fit passes ½, 1½, … and which of these it reaches.
fn cuts(lesion: &Lesion, points: &[(f64, f64)]) -> Option<(Vec<f64>, Vec<bool>)> {
    // Outwards from the background, so that a falling lesion is a rising one.
    let sign = if lesion.worse == Worse::Down { -1.0 } else { 1.0 };
    let outwards = points.iter().map(|&(x, g)| (sign * (x - lesion.background()), g)).collect();
    let outwards = tied(outwards);
    let fitted = isotonic(&outwards.iter().map(|p| p.1).collect::<Vec<_>>());
    let (first, last) = (*fitted.first()?, *fitted.last()?);
    if last - first < 0.5 {
        return None;
    }
    let defaults: Vec<f64> = lesion.cuts.iter().map(|c| sign * (c - lesion.background())).collect();
    let found = crossings(&outwards, &fitted, defaults.len());
    let reached: Vec<bool> = found.iter().map(Option::is_some).collect();
    let (k, anchor) = found.iter().enumerate().find_map(|(k, x)| x.map(|x| (k, x)))?;
    let ratio = anchor / defaults[k];
    let largest = outwards.last().map_or(0.0, |p| p.0);
    // What falls ends at nothing.
    let end = if lesion.worse == Worse::Down { lesion.background() } else { f64::INFINITY };
    let mut out: Vec<f64> = Vec::with_capacity(found.len());
    for (k, x) in found.iter().enumerate() {
        // Not reached: the built-in cut-off, moved as the reached ones moved, and above all that was graded lower.
        let mut moved = match (k, out.last()) {
            (k, Some(&before)) if k > 0 => (before * defaults[k] / defaults[k - 1]).max(largest),
            _ => defaults[k] * ratio,
        };
        if moved >= end {
            // No room for a step as wide: the rest divide what there is.
            let low = out.last().map_or(largest, |&before| before.max(largest));
            moved = low + (end - low) / (found.len() - k + 1) as f64;
        }
        let least = out.last().map_or(f64::MIN_POSITIVE, |&before| before * (1.0 + 1e-6));
        out.push(x.unwrap_or(moved).max(least));
    }
    if out.iter().any(|&v| v >= end) {
        return None;
    }
    Some((out.into_iter().map(|v| lesion.background() + sign * v).collect(), reached))
}

/// Sorts points by value and gives those of one value their mean grade: no cut-off tells them apart.
fn tied(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    for same in points.chunk_by_mut(|a, b| a.0 == b.0) {
        let mean = same.iter().map(|p| p.1).sum::<f64>() / same.len() as f64;
        same.iter_mut().for_each(|p| p.1 = mean);
    }
    points
}

/// Returns where a rising fit passes ½, 1½, …: half way between the values on either side. Where it passes several between
/// two values they divide the gap evenly, for nothing tells where in it the grades begin.
fn crossings(points: &[(f64, f64)], fitted: &[f64], levels: usize) -> Vec<Option<f64>> {
    let above = |k: usize| fitted.iter().position(|&f| f >= k as f64 + 0.5);
    let places: Vec<Option<usize>> = (0..levels).map(above).collect();
    let one = |k: usize| {
        let place = places[k]?;
        let together = places.iter().filter(|p| **p == Some(place)).count() as f64;
        let nth = places[..k].iter().filter(|p| **p == Some(place)).count() as f64 + 1.0;
        // From the background where the first is already above.
        let low = if place == 0 { 0.0 } else { points[place - 1].0 };
        Some(low + (points[place].0 - low) * nth / (together + 1.0)).filter(|x| *x > 0.0)
    };
    (0..levels).map(one).collect()
}

/// Returns the nearest rising sequence (pool adjacent violators; Barlow et al. 1972).
#[must_use]
pub fn isotonic(values: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for &v in values {
        pools.push((v, 1));
        while let [.., (a, n), (b, m)] = pools[..] {
            if a <= b {
                break;
            }
            pools.truncate(pools.len() - 2);
            pools.push(((a * n as f64 + b * m as f64) / (n + m) as f64, n + m));
        }
    }
    pools.into_iter().flat_map(|(v, n)| std::iter::repeat_n(v, n)).collect()
}
