//! Physiology against tissue damage, one mark per animal.

use super::{HEIGHT_PX, animal_px, label};
use crate::{
    cohort::{relate::Relation, text::short},
    report::chart::{Axis, Chart, Mark},
};

const WIDTH_PX: f64 = 270.0;

/// Draws a relation, its groups coloured.
pub(crate) fn scatter(r: &Relation, groups: &[String]) -> String {
    let x = Axis::covering(format!("{}: {}", r.tissue, label(&r.feature, "")), r.points.iter().map(|p| p.0));
    let y = Axis::covering(label(&r.physiology, ""), r.points.iter().map(|p| p.1));
    let mut chart = Chart::new(x, y, (WIDTH_PX, HEIGHT_PX));
    for (g, group) in groups.iter().enumerate() {
        let own: Vec<_> = r.points.iter().filter(|p| p.2 == g).collect();
        let title = |p: &(f64, f64, usize)| format!("{group}: {}, {}", short(p.0), short(p.1));
        let mark = |p: &&(f64, f64, usize)| Mark { at: (p.0, p.1), title: title(p) };
        chart.marks(g, animal_px(own.len()), own.iter().map(mark).collect());
    }
    let seen = |g: &usize| r.points.iter().any(|p| p.2 == *g);
    chart.legend(groups.iter().enumerate().filter(|(g, _)| seen(g)).map(|(g, name)| (g, name.as_str())));
    chart.svg(&format!("{} against {} in {}, one mark per animal", r.physiology, r.feature, r.tissue))
}
