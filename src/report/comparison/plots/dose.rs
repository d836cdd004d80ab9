//! Dose–response: animals against dose, the means of the groups joined.

use super::{ANIMAL_PX, HEIGHT_PX, animals, label, place};
use crate::{
    cohort::compare::Compared,
    report::chart::{Axis, Chart, INK},
    stats::describe::mean,
};

const WIDTH_PX: f64 = 340.0;

/// Draws an endpoint against dose; `None` without a ladder of three groups.
pub(crate) fn dose_response(e: &Compared, groups: &[String], doses: &[(String, f64)]) -> Option<String> {
    let rung = |(name, dose): &(String, f64)| {
        let group = place(groups, name);
        e.dots.get(group).filter(|dots| !dots.is_empty()).map(|dots| (*dose, group, dots))
    };
    let mut ladder: Vec<_> = doses.iter().filter_map(rung).collect();
    ladder.sort_by(|a, b| a.0.total_cmp(&b.0));
    let [(least, ..), _, .., (most, ..)] = ladder[..] else {
        return None;
    };
    let room = 0.03 * (most - least);
    let x = Axis::covering("dose", [least, most]);
    let values = ladder.iter().flat_map(|(_, _, dots)| dots.iter().map(|d| d.value));
    let mut chart = Chart::new(x, Axis::covering(label(&e.feature, &e.unit), values), (WIDTH_PX, HEIGHT_PX));
    let means =
        ladder.iter().map(|(dose, _, dots)| (*dose, mean(&dots.iter().map(|d| d.value).collect::<Vec<_>>())));
    chart.line(means.collect(), INK, 2.0);
    for (dose, group, dots) in &ladder {
        chart.marks(*group, ANIMAL_PX, animals(dots, *dose, room));
    }
    chart.legend(ladder.iter().filter_map(|(_, g, _)| Some((*g, groups.get(*g)?.as_str()))));
    Some(chart.svg(&format!("{} of every animal against dose, means joined", e.feature)))
}
