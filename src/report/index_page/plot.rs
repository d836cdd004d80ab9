//! A dot per animal: the damage index by group, as SVG inside the page.

use std::fmt::Write as _;

use super::{fold::Cell, html::Escaped};

const COLUMN_PX: f64 = 130.0;
const LEFT_PX: f64 = 42.0;
const TOP_PX: f64 = 12.0;
const HEIGHT_PX: f64 = 180.0;

/// Returns a strip plot of values on 0–100, one column per group.
pub(super) fn strips(columns: &[(&str, Cell)]) -> String {
    let width = LEFT_PX + COLUMN_PX * columns.len() as f64 + 10.0;
    let y = |value: f64| TOP_PX + HEIGHT_PX * (1.0 - value.clamp(0.0, 100.0) / 100.0);
    let mut svg = format!(
        "<svg class=\"plot\" width=\"{width}\" height=\"{}\" role=\"img\" aria-label=\"Damage index of each animal by group\">",
        HEIGHT_PX + 50.0
    );
    for tick in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let at = y(tick);
        let _ = write!(
            svg,
            "<line x1=\"{LEFT_PX}\" x2=\"{width}\" y1=\"{at}\" y2=\"{at}\" class=\"grid\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{tick}</text>",
            LEFT_PX - 6.0,
            at + 4.0
        );
    }
    for (i, (group, cell)) in columns.iter().enumerate() {
        let middle = LEFT_PX + COLUMN_PX * (i as f64 + 0.5);
        if let Some(mean) = cell.mean() {
            let at = y(mean);
            let _ = write!(
                svg,
                "<line x1=\"{}\" x2=\"{}\" y1=\"{at}\" y2=\"{at}\" class=\"mean\"/>",
                middle - 28.0,
                middle + 28.0
            );
        }
        for (k, &value) in cell.animals.iter().enumerate() {
            let aside = (k as f64 - (cell.animals.len() as f64 - 1.0) / 2.0) * 14.0;
            let _ = write!(
                svg,
                "<circle cx=\"{}\" cy=\"{:.1}\" r=\"5\"><title>{value:.1}</title></circle>",
                middle + aside,
                y(value)
            );
        }
        if cell.animals.is_empty() {
            let _ = write!(
                svg,
                "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" class=\"none\">no index</text>",
                y(50.0)
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            TOP_PX + HEIGHT_PX + 22.0,
            Escaped(group)
        );
    }
    svg.push_str("</svg>");
    svg
}
