//! A mark per animal: the damage index by group.

use super::fold::Cell;
use crate::report::chart::{Axis, Chart, Mark, spread};

const HEIGHT_PX: f64 = 180.0;

/// Returns a strip chart of values from 0 to 100, one column per group, as SVG.
pub(super) fn strips(columns: &[(&str, Cell)]) -> String {
    let name = |(group, cell): &(&str, Cell)| match cell.animals.len() {
        0 => format!("{group}: no index"),
        n if n < cell.all => format!("{group}: {n} of {}", cell.all),
        _ => (*group).to_owned(),
    };
    let y = Axis::covering("damage index", [0.0, 100.0]);
    let mut chart = Chart::columns(columns.iter().map(name).collect(), y, HEIGHT_PX);
    for (g, (_, cell)) in columns.iter().enumerate() {
        let column = g as f64 + 1.0;
        let n = cell.animals.len();
        let mark = |(k, value): (usize, &f64)| Mark {
            at: (column + 0.55 * spread(k, n), *value),
            title: format!("{value:.1}"),
        };
        chart.marks(g, 5.0, cell.animals.iter().enumerate().map(mark).collect());
        if let Some(mean) = cell.mean() {
            chart.mean(column, mean, None);
        }
    }
    chart.svg("Damage index of each animal by group")
}
