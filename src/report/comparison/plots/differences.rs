//! Estimation plot: the differences of one family with their intervals (Ho et al. 2019).

use super::place;
use crate::{
    cohort::{
        analysis::Contrast,
        compare::Compared,
        text::{of_difference, p_value, short},
    },
    report::chart::{Axis, Chart, Mark, colour},
};

const WIDTH_PX: f64 = 330.0;
const ROW_PX: f64 = 26.0;

/// Draws the differences of a family; `None` if none has an interval.
pub(crate) fn differences(e: &Compared, family: &[&Contrast], groups: &[String]) -> Option<String> {
    let first = family.first()?;
    let ends = |c: &&Contrast| c.interval.map(|i| [i.lo, i.hi]);
    let limits: Vec<f64> = family.iter().filter_map(ends).flatten().collect();
    if limits.is_empty() {
        return None;
    }
    let one_control = family.iter().all(|c| c.b == first.b);
    let name = |c: &&Contrast| {
        let pair = if one_control { c.a.clone() } else { format!("{} − {}", c.a, c.b) };
        format!("{pair}, p adj = {}", p_value(c.p_adjusted)).replace("= <", "<")
    };
    let unit = of_difference(&e.unit);
    let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    let from = if one_control { format!(" from {}", first.b) } else { String::new() };
    let x = Axis::covering(
        format!("difference{from}{unit}"),
        limits.into_iter().chain(family.iter().map(|c| c.estimate)).chain([0.0]),
    );
    let mut chart = Chart::rows(x, family.iter().map(name).collect(), WIDTH_PX, ROW_PX);
    for (i, c) in family.iter().enumerate() {
        let row = (family.len() - i) as f64;
        let group = place(groups, &c.a);
        if let Some(i) = c.interval {
            chart.line(vec![(i.lo, row), (i.hi, row)], colour(group), 2.5);
        }
        let title = format!("{} − {}: {}", c.a, c.b, short(c.estimate));
        chart.marks(group, 5.0, vec![Mark { at: (c.estimate, row), title }]);
    }
    Some(chart.svg(&format!("Differences of {} with intervals; the line is no difference", e.feature)))
}
