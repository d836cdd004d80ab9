//! Dose–response: animals against dose, the means of the groups joined.

use super::{HEIGHT_PX, animal_px, animals, label, place};
use crate::{
    cohort::compare::Compared,
    report::chart::{Axis, Chart, INK},
    study::Study,
};

const WIDTH_PX: f64 = 340.0;
/// Share of the ladder that the animals of a group take.
const ANIMALS: f64 = 0.07;

/// Draws an endpoint against dose; `None` without a ladder of three groups.
pub(crate) fn dose_response(e: &Compared, groups: &[String], study: &Study) -> Option<String> {
    let rung = |(name, dose): &(String, f64)| {
        let found = e.analysis.groups.iter().find(|g| g.group == *name)?;
        let group = place(groups, name);
        e.dots.get(group).filter(|dots| !dots.is_empty()).map(|dots| (*dose, group, dots, found))
    };
    let mut ladder: Vec<_> = study.doses.iter().filter_map(rung).collect();
    ladder.sort_by(|a, b| a.0.total_cmp(&b.0));
    let [(least, ..), _, .., (most, ..)] = ladder[..] else {
        return None;
    };
    let values = ladder.iter().flat_map(|(_, _, dots, _)| dots.iter().map(|d| d.value));
    let limits = ladder.iter().filter_map(|(.., found)| found.mean_interval).flat_map(|i| [i.lo, i.hi]);
    let y = Axis::covering(label(&e.feature, &e.unit), values.chain(limits));
    let mut chart = Chart::new(
        Axis::around(label("dose", study.dose_unit.as_deref().unwrap_or("")), least, most),
        y,
        (WIDTH_PX, HEIGHT_PX),
    );
    for (dose, group, dots, _) in &ladder {
        chart.marks(*group, animal_px(dots.len()), animals(dots, *dose, ANIMALS * (most - least)));
    }
    chart.line(ladder.iter().map(|(dose, .., found)| (*dose, found.summary.mean)).collect(), INK, 2.0);
    for (dose, .., found) in &ladder {
        if let Some(i) = found.mean_interval {
            chart.line(vec![(*dose, i.lo), (*dose, i.hi)], INK, 1.5);
        }
    }
    chart.legend(ladder.iter().filter_map(|(_, g, ..)| Some((*g, groups.get(*g)?.as_str()))));
    Some(chart.svg(&format!("{} of every animal against dose, means with intervals joined", e.feature)))
}
