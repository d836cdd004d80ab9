//! Figures of rows: differences with intervals, effects of many features, and z-scores by group.

use super::{Axis, Svg, colour};
use crate::{
    cohort::{
        analysis::Contrast,
        compare::Compared,
        text::{p_value, short},
    },
    measure::feature::Direction,
};

const ROW: f64 = 24.0;
const TOP: f64 = 14.0;

/// Draws the differences of one family with their intervals: the estimation plot.
pub(crate) fn intervals(e: &Compared, family: &[&Contrast], groups: &[String]) -> Option<String> {
    if family.is_empty() || family.iter().all(|c| c.interval.is_none()) {
        return None;
    }
    let (left, right, width) = (190.0, 120.0, 560.0);
    let bottom = TOP + ROW * family.len() as f64;
    let mut svg = Svg::new(width, bottom + 44.0);
    let ends = family.iter().filter_map(|c| c.interval).flat_map(|i| [i.lo, i.hi]);
    let axis = Axis::covering(ends.chain([0.0]), left, width - right);
    let unit = if e.unit.is_empty() { String::new() } else { format!(" ({})", e.unit) };
    svg.horizontal_axis(&axis, TOP, bottom, &format!("difference{unit}"));
    svg.line((axis.at(0.0), TOP), (axis.at(0.0), bottom), "#222", 1.0);
    for (i, c) in family.iter().enumerate() {
        let y = TOP + ROW * (i as f64 + 0.5);
        let shade = colour(groups.iter().position(|g| *g == c.a).unwrap_or(6));
        if let Some(i) = c.interval {
            svg.line((axis.at(i.lo), y), (axis.at(i.hi), y), shade, 3.0);
        }
        svg.dot(
            (axis.at(c.estimate), y),
            5.0,
            shade,
            1.0,
            &format!("{} - {}: {}", c.a, c.b, short(c.estimate)),
        );
        svg.text((left - 10.0, y + 4.0), "end", 12.0, &format!("{} - {}", c.a, c.b));
        svg.text(
            (width - right + 10.0, y + 4.0),
            "start",
            11.0,
            &format!("p adj = {}", p_value(c.p_adjusted)),
        );
    }
    Some(svg.finish(&format!("Differences of {} with intervals; the line is no difference", e.feature)))
}

/// Endpoints drawn in a tissue's overviews: what is damage, no repeated grades.
fn shown(e: &&&Compared) -> bool {
    e.direction != Direction::Info && !e.feature.ends_with("_grade")
}

/// Draws standardised effects of every endpoint against one control, one dot per group.
pub(crate) fn forest(endpoints: &[&Compared], family: &str, groups: &[String]) -> Option<String> {
    let rows: Vec<&&Compared> = endpoints
        .iter()
        .filter(shown)
        .filter(|e| e.family(family).any(|c| c.effect.is_some_and(|f| f.name == "hedges_g")))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let (left, width, row) = (270.0, 760.0, 28.0);
    let bottom = TOP + row * rows.len() as f64;
    let mut svg = Svg::new(width, bottom + 66.0);
    let clip = |v: f64| v.clamp(-8.0, 8.0);
    let effects = || rows.iter().flat_map(|e| e.family(family).filter_map(|c| c.effect));
    let ends = effects().flat_map(|f| [Some(f.value), f.interval.map(|i| i.lo), f.interval.map(|i| i.hi)]);
    let axis = Axis::covering(ends.flatten().map(clip).chain([0.0]), left, width - 16.0);
    svg.horizontal_axis(&axis, TOP, bottom, "Hedges' g with interval (cut at ±8)");
    svg.line((axis.at(0.0), TOP), (axis.at(0.0), bottom), "#222", 1.0);
    let mut named: Vec<usize> = Vec::new();
    for (i, e) in rows.iter().enumerate() {
        let middle = TOP + row * (i as f64 + 0.5);
        svg.text((left - 10.0, middle + 4.0), "end", 11.0, &e.feature.replace('_', " "));
        let own: Vec<&Contrast> = e.family(family).collect();
        for (k, c) in own.iter().enumerate() {
            let Some(effect) = c.effect else { continue };
            let group = groups.iter().position(|g| *g == c.a).unwrap_or(6);
            if !named.contains(&group) {
                named.push(group);
            }
            let y = middle + (k as f64 - (own.len() as f64 - 1.0) / 2.0) * (18.0 / own.len() as f64);
            if let Some(i) = effect.interval {
                svg.line((axis.at(clip(i.lo)), y), (axis.at(clip(i.hi)), y), colour(group), 1.5);
            }
            svg.dot(
                (axis.at(clip(effect.value)), y),
                3.2,
                colour(group),
                1.0,
                &format!("{} {}: {}", c.a, e.feature, short(effect.value)),
            );
        }
    }
    named.sort_unstable();
    for (i, group) in named.iter().enumerate() {
        let x = left + 120.0 * i as f64;
        svg.dot((x, bottom + 54.0), 4.5, colour(*group), 1.0, "");
        svg.text((x + 9.0, bottom + 58.0), "start", 11.0, groups.get(*group).map_or("", String::as_str));
    }
    Some(svg.finish(&format!("Effects of every endpoint, {}", family.replace('_', " "))))
}

/// Draws z-scores against the control, endpoints by groups: orange worse, blue better.
pub(crate) fn heatmap(endpoints: &[&Compared], groups: &[String]) -> Option<String> {
    let rows: Vec<&&Compared> =
        endpoints.iter().filter(shown).filter(|e| e.z.iter().any(Option::is_some)).collect();
    if rows.is_empty() {
        return None;
    }
    let (left, column) = (270.0, 92.0);
    let mut svg =
        Svg::new(left + column * groups.len() as f64 + 10.0, TOP + 20.0 + ROW * rows.len() as f64 + 6.0);
    for (g, group) in groups.iter().enumerate() {
        svg.text((left + column * (g as f64 + 0.5), TOP + 6.0), "middle", 11.0, group);
    }
    for (i, e) in rows.iter().enumerate() {
        let y = TOP + 18.0 + ROW * i as f64;
        svg.text((left - 10.0, y + 16.0), "end", 11.0, &e.feature.replace('_', " "));
        for (g, z) in e.z.iter().enumerate() {
            let x = left + column * g as f64;
            match z {
                Some(z) => {
                    svg.rect((x + 1.0, y + 1.0), (column - 2.0, ROW - 2.0), &shade(*z));
                    svg.text((x + column / 2.0, y + 16.0), "middle", 11.0, &signed(*z));
                }
                None => svg.text((x + column / 2.0, y + 16.0), "middle", 11.0, "n/a"),
            }
        }
    }
    Some(svg.finish("Distance of each group from the control in standard deviations; positive is worse"))
}

/// One decimal with its sign; no sign for what rounds to 0.
fn signed(z: f64) -> String {
    if z.abs() < 0.05 { "0.0".into() } else { format!("{z:+.1}") }
}

/// White at 0, orange at +5, blue at −5; light enough for black text.
fn shade(z: f64) -> String {
    let strength = (z.abs() / 5.0).min(1.0);
    let end = if z > 0.0 { [230.0, 120.0, 30.0] } else { [86.0, 180.0, 233.0] };
    let mix = end.map(|c| (255.0 + (c - 255.0) * strength).round() as u8);
    format!("#{:02x}{:02x}{:02x}", mix[0], mix[1], mix[2])
}
