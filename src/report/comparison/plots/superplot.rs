//! Superplot: every slide light, every animal bold, each group's mean with its interval (Lord et al. 2020).

use super::{HEIGHT_PX, animal_px, animals, label};
use crate::{
    cohort::{
        compare::{Compared, Dot},
        text::short,
    },
    report::chart::{Axis, Chart, Mark, spread},
};

/// Share of a column that its animals take.
const ANIMALS: f64 = 0.6;
/// Share of a column that the slides of one animal take, where there is room.
const ASIDE: f64 = 0.13;

/// Draws the slides and animals of an endpoint by group.
pub(crate) fn superplot(e: &Compared, groups: &[String]) -> String {
    let names = groups.iter().zip(&e.dots).map(|(g, dots)| format!("{g}, n = {}", dots.len()));
    let values = e.dots.iter().flatten().flat_map(|d| d.slides.iter().copied().chain([d.value]));
    let limits = e.analysis.groups.iter().filter_map(|g| g.mean_interval).flat_map(|i| [i.lo, i.hi]);
    let y = Axis::covering(label(&e.feature, &e.unit), values.chain(limits));
    let mut chart = Chart::columns(names.collect(), y, HEIGHT_PX);
    for (g, (group, dots)) in groups.iter().zip(&e.dots).enumerate() {
        let column = g as f64 + 1.0;
        let size = animal_px(dots.len());
        chart.light_marks(g, 0.5 * size, slides(dots, column));
        chart.marks(g, size, animals(dots, column, ANIMALS));
        if let Some(found) = e.analysis.groups.iter().find(|f| f.group == *group) {
            chart.mean(column, found.summary.mean, found.mean_interval);
        }
    }
    chart.svg(&format!(
        "{} of every animal by group; slides light, animals bold, line: mean with interval",
        e.feature
    ))
}

/// Marks the slides of animals that have several, beside their animal.
fn slides(dots: &[Dot], column: f64) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (k, dot) in dots.iter().enumerate().filter(|(_, d)| d.slides.len() > 1) {
        let animal = column + ANIMALS * spread(k, dots.len());
        let width = ASIDE.min(ANIMALS / dots.len() as f64);
        for (i, slide) in dot.slides.iter().enumerate() {
            let aside = width * spread(i, dot.slides.len());
            let title = format!("slide of {}: {}", dot.id, short(*slide));
            marks.push(Mark { at: (animal + aside, *slide), title });
        }
    }
    marks
}
