//! Forest plot: standardised effects of every endpoint against one control.

use super::{place, shown};
use crate::{
    cohort::{analysis::NamedEffect, compare::Compared, text::short},
    report::chart::{Axis, Chart, Mark, colour},
};

const WIDTH_PX: f64 = 470.0;
/// Height of a row, and of each effect in it, in pixels.
const ROW_PX: f64 = 12.0;
const EFFECT_PX: f64 = 8.0;
/// Effects are drawn up to this size, so that one without spread does not squeeze all others.
const LARGEST: f64 = 10.0;

/// Returns the group that all others of a family are compared with; `None` where pairs are.
pub(crate) fn against<'e>(endpoints: &[&'e Compared], family: &str) -> Option<&'e str> {
    let mut others =
        endpoints.iter().flat_map(|e| e.analysis.contrasts.iter()).filter(|c| c.family == family);
    let first = others.next()?.b.as_str();
    others.all(|c| c.b == first).then_some(first)
}

/// Draws Hedges' g of all endpoints, one mark per group; `None` without any, and where groups are not compared with one and the
/// same other, for marks do not tell pairs.
pub(crate) fn effects(endpoints: &[&Compared], family: &str, groups: &[String]) -> Option<String> {
    let control = against(endpoints, family)?;
    let rows: Vec<(&&Compared, Vec<(usize, NamedEffect)>)> = endpoints
        .iter()
        .filter(|e| shown(e))
        .map(|e| (e, standardised(e, family, groups)))
        .filter(|(_, effects)| !effects.is_empty())
        .collect();
    let most = rows.iter().map(|(_, effects)| effects.len()).max()?;
    let cut = |v: f64| v.clamp(-LARGEST, LARGEST);
    let ends = |f: &NamedEffect| [Some(f.value), f.interval.map(|i| i.lo), f.interval.map(|i| i.hi)];
    let all = rows.iter().flat_map(|(_, effects)| effects.iter().flat_map(|(_, f)| ends(f)).flatten());
    let x = Axis::covering("Hedges' g with interval (cut at ±10)", all.map(cut).chain([0.0]));
    let names = rows.iter().map(|(e, _)| e.feature.replace('_', " ")).collect();
    let row_px = ROW_PX + EFFECT_PX * most as f64;
    let mut chart = Chart::rows(x, names, WIDTH_PX, row_px);
    for (i, (e, effects)) in rows.iter().enumerate() {
        let middle = (rows.len() - i) as f64;
        for (k, (group, effect)) in effects.iter().enumerate() {
            let y = middle + ((effects.len() - 1) as f64 / 2.0 - k as f64) * EFFECT_PX / row_px;
            if let Some(i) = effect.interval {
                chart.line(vec![(cut(i.lo), y), (cut(i.hi), y)], colour(*group), 1.5);
            }
            let group_name = groups.get(*group).map_or("other", String::as_str);
            let title = format!("{group_name} {}: {}", e.feature, short(effect.value));
            chart.marks(*group, 3.4, vec![Mark { at: (cut(effect.value), y), title }]);
        }
    }
    let named = |g: &usize| rows.iter().any(|(_, effects)| effects.iter().any(|(group, _)| group == g));
    chart.legend((0..groups.len()).filter(named).map(|g| (g, groups[g].as_str())));
    Some(chart.svg(&format!("Effects of every endpoint against {control}")))
}

/// Returns the standardised effects of an endpoint, with the place of their group.
fn standardised(e: &Compared, family: &str, groups: &[String]) -> Vec<(usize, NamedEffect)> {
    let own = e.family(family).filter_map(|c| Some((place(groups, &c.a), c.effect?)));
    own.filter(|(_, effect)| effect.name.starts_with("hedges_g")).collect()
}
