//! Figures of a comparison, one file per kind.

mod differences;
mod dose;
mod effects;
mod heatmap;
mod scatter;
mod superplot;

pub(super) use differences::differences;
pub(super) use dose::dose_response;
pub(super) use effects::{against, effects};
pub(super) use heatmap::heatmap;
pub(super) use scatter::scatter;
pub(super) use superplot::superplot;

use crate::{
    cohort::{
        compare::{Compared, Dot},
        text::short,
    },
    measure::feature::Direction,
    report::chart::{Mark, spread},
};

/// Between the axes of charts of animals, in pixels.
const HEIGHT_PX: f64 = 250.0;
/// Half the size of an animal's mark where there is room, in pixels.
const ANIMAL_PX: f64 = 4.5;
/// Colour index of a group that is not among the study's.
const OTHER: usize = 6;

/// Returns a feature as a label, with its unit.
fn label(feature: &str, unit: &str) -> String {
    let name = feature.replace('_', " ");
    if unit.is_empty() { name } else { format!("{name} ({unit})") }
}

/// Returns half the size of an animal's mark: above 60 animals in a group the smaller, the more there are.
fn animal_px(animals: usize) -> f64 {
    ANIMAL_PX.min(ANIMAL_PX * (60.0 / animals as f64).sqrt())
}

fn place(groups: &[String], name: &str) -> usize {
    groups.iter().position(|g| g == name).unwrap_or(OTHER)
}

/// Marks the animals of a group around a place, side by side over a width.
fn animals(dots: &[Dot], middle: f64, width: f64) -> Vec<Mark> {
    let at = |k| middle + width * spread(k, dots.len());
    let title = |d: &Dot| format!("{}: {}", d.id, short(d.value));
    dots.iter().enumerate().map(|(k, d)| Mark { at: (at(k), d.value), title: title(d) }).collect()
}

/// Endpoints drawn in a tissue's overviews: what is damage, no repeated grades.
fn shown(e: &Compared) -> bool {
    e.direction != Direction::Info && !e.feature.ends_with("_grade")
}
