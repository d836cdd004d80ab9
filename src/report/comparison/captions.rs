//! What stands below the page's figures: what points, lines and bars are.

use crate::{
    cohort::{
        Comparison,
        analysis::{Contrast, SIMULTANEOUS},
        compare::Compared,
        text::{confidence_pct, of_difference},
    },
    study::Unit,
};

/// Of all subjects by group.
pub(super) fn superplot(c: &Comparison, e: &Compared) -> String {
    let unit = c.study.unit;
    let several = e.dots.iter().flatten().any(|d| d.slides.len() > 1);
    let light = match (several, unit) {
        (false, _) => String::new(),
        (true, Unit::Animal) => "; light points: its slides".to_owned(),
        (true, Unit::Cage) => "; light points: its animals".to_owned(),
    };
    format!("Points: one per {}{light}. Long line: mean of the group.{}", unit.one(), bars(c, e))
}

/// Of differences within a family.
pub(super) fn differences(c: &Comparison, e: &Compared, family: &[&Contrast]) -> String {
    let how = match family.iter().find(|k| k.interval.is_some()).map_or("", |k| k.interval_method) {
        SIMULTANEOUS => "simultaneous for all of them",
        _ => "each by itself",
    };
    let unit = of_difference(&e.unit);
    let unit = if unit.is_empty() { String::new() } else { format!(" in {unit}") };
    format!(
        "Points: differences of means{unit}. Error bars: {} % intervals, {how}; p adj: p adjusted within the family. Vertical line: \
         no difference.",
        confidence_pct(c.study.alpha)
    )
}

/// Of animals against dose.
pub(super) fn dose(c: &Comparison, e: &Compared) -> String {
    format!("Points: one per {}. Line: means of the groups, joined.{}", c.study.unit.one(), bars(c, e))
}

/// Of standardised effects against a group.
pub(super) fn effects(c: &Comparison, against: &str) -> String {
    format!(
        "Points: Hedges' g of each group against {against}. Error bars: its {} % interval, each by itself; both are cut at ±10. Vertical line: no \
         difference.",
        confidence_pct(c.study.alpha)
    )
}

/// Of physiology against damage.
pub(super) fn scatter(c: &Comparison) -> String {
    format!("Points: one per {}, colour and shape by group.", c.study.unit.one())
}

/// Tells of the bars at means; nothing where no mean has an interval.
fn bars(c: &Comparison, e: &Compared) -> String {
    if e.analysis.groups.iter().all(|g| g.mean_interval.is_none()) {
        return String::new();
    }
    format!(" Error bars: {} % t interval of each mean by itself.", confidence_pct(c.study.alpha))
}
