//! Figures of animals: superplot, dose-response, scatter.

use super::{Axis, Svg, colour};
use crate::{
    cohort::{compare::Compared, relate::Relation, text::short},
    stats::describe::mean,
};

const LEFT: f64 = 70.0;
const TOP: f64 = 16.0;
const HEIGHT: f64 = 250.0;

/// Draws every slide light and every animal bold, with each group's mean and its interval.
pub(crate) fn superplot(e: &Compared, groups: &[String]) -> String {
    let column = 110.0;
    let width = LEFT + column * groups.len() as f64 + 16.0;
    let mut svg = Svg::new(width, TOP + HEIGHT + 50.0);
    let all = e.dots.iter().flatten().flat_map(|d| d.slides.iter().copied().chain([d.value]));
    let limits = e.analysis.groups.iter().filter_map(|g| g.mean_interval).flat_map(|i| [i.lo, i.hi]);
    let inside: Vec<f64> = all.collect();
    let axis = Axis::covering(inside.iter().copied().chain(limits), TOP + HEIGHT, TOP);
    svg.vertical_axis(&axis, LEFT, width - 8.0, &label(&e.feature, &e.unit));
    for (g, (group, dots)) in groups.iter().zip(&e.dots).enumerate() {
        let middle = LEFT + column * (g as f64 + 0.5);
        for (k, dot) in dots.iter().enumerate() {
            let x = middle + 60.0 * spread(k, dots.len());
            for (i, slide) in dot.slides.iter().enumerate().filter(|_| dot.slides.len() > 1) {
                let aside = 5.0 * spread(i, dot.slides.len());
                svg.dot(
                    (x + aside, axis.at(*slide)),
                    2.5,
                    colour(g),
                    0.35,
                    &format!("slide of {}: {}", dot.id, short(*slide)),
                );
            }
            svg.dot(
                (x, axis.at(dot.value)),
                5.0,
                colour(g),
                0.9,
                &format!("{}: {}", dot.id, short(dot.value)),
            );
        }
        if let Some(found) = e.analysis.groups.iter().find(|f| f.group == *group) {
            let y = axis.at(found.summary.mean);
            svg.line((middle - 38.0, y), (middle + 38.0, y), "#222", 2.0);
            if let Some(i) = found.mean_interval {
                svg.line((middle, axis.at(i.lo)), (middle, axis.at(i.hi)), "#222", 1.5);
            }
        }
        svg.text((middle, TOP + HEIGHT + 20.0), "middle", 12.0, group);
        svg.text((middle, TOP + HEIGHT + 36.0), "middle", 11.0, &format!("n = {}", dots.len()));
    }
    svg.finish(&format!(
        "{} of every animal by group; slides light, animals bold, line: mean with interval",
        e.feature
    ))
}

/// Places dot `i` of `n` between −0.5 and 0.5.
fn spread(i: usize, n: usize) -> f64 {
    if n < 2 { 0.0 } else { i as f64 / (n as f64 - 1.0) - 0.5 }
}

fn label(feature: &str, unit: &str) -> String {
    let name = feature.replace('_', " ");
    if unit.is_empty() { name } else { format!("{name} ({unit})") }
}

/// Draws animals against dose, with the means joined; `None` without a ladder of three groups.
pub(crate) fn dose_response(e: &Compared, groups: &[String], doses: &[(String, f64)]) -> Option<String> {
    let place = |name: &String| groups.iter().position(|g| g == name);
    let mut ladder: Vec<(f64, usize)> = doses.iter().filter_map(|(g, d)| Some((*d, place(g)?))).collect();
    ladder.retain(|(_, g)| !e.dots[*g].is_empty());
    ladder.sort_by(|a, b| a.0.total_cmp(&b.0));
    if ladder.len() < 3 {
        return None;
    }
    let width = 420.0;
    let mut svg = Svg::new(width, TOP + HEIGHT + 48.0);
    let values = ladder.iter().flat_map(|(_, g)| e.dots[*g].iter().map(|d| d.value));
    let y = Axis::covering(values, TOP + HEIGHT, TOP);
    let x = Axis::covering(ladder.iter().map(|(d, _)| *d), LEFT + 14.0, width - 20.0);
    svg.vertical_axis(&y, LEFT, width - 8.0, &label(&e.feature, &e.unit));
    svg.horizontal_axis(&x, TOP, TOP + HEIGHT, "dose");
    let means: Vec<(f64, f64)> = ladder
        .iter()
        .map(|(dose, g)| (x.at(*dose), y.at(mean(&e.dots[*g].iter().map(|d| d.value).collect::<Vec<_>>()))))
        .collect();
    for pair in means.windows(2) {
        svg.line(pair[0], pair[1], "#222", 2.0);
    }
    for (dose, g) in &ladder {
        for (k, dot) in e.dots[*g].iter().enumerate() {
            let aside = 10.0 * spread(k, e.dots[*g].len());
            svg.dot(
                (x.at(*dose) + aside, y.at(dot.value)),
                4.5,
                colour(*g),
                0.85,
                &format!("{}: {}", dot.id, short(dot.value)),
            );
        }
    }
    Some(svg.finish(&format!("{} of every animal against dose, means joined", e.feature)))
}

/// Draws tissue damage against physiology.
pub(crate) fn scatter(r: &Relation, groups: &[String]) -> String {
    let width = 340.0;
    let mut svg = Svg::new(width, TOP + HEIGHT + 48.0);
    let y = Axis::covering(r.points.iter().map(|p| p.1), TOP + HEIGHT, TOP);
    let x = Axis::covering(r.points.iter().map(|p| p.0), LEFT + 6.0, width - 14.0);
    svg.vertical_axis(&y, LEFT, width - 8.0, &label(&r.physiology, ""));
    svg.horizontal_axis(&x, TOP, TOP + HEIGHT, &format!("{}: {}", r.tissue, label(&r.feature, "")));
    for (damage, blood, group) in &r.points {
        let name = groups.get(*group).map_or("", String::as_str);
        svg.dot((x.at(*damage), y.at(*blood)), 4.5, colour(*group), 0.85, name);
    }
    svg.finish(&format!("{} against {} in {}, one dot per animal", r.physiology, r.feature, r.tissue))
}
