//! The whole slide at once: which candidates are glomeruli, and where the cortex lies.

use super::{GLOMERULUS, TUFT};
use crate::{organ::SlideGeometry, segment::object::Object};

/// Looks at all structures of the slide at once.
#[must_use]
pub fn relate(found: Vec<Object>, _slide: &SlideGeometry) -> Vec<Object> {
    let kept = chosen(&found);
    found
        .iter()
        .enumerate()
        .filter(|(i, o)| {
            if o.class.is(&GLOMERULUS) {
                kept.contains(i)
            } else if o.class.is(&TUFT) {
                kept.iter().any(|&k| {
                    let g = &found[k];
                    g.value("tuft_area_um2") == Some(o.area_um2) && near(g, o) < 0.5
                })
            } else {
                true
            }
        })
        .map(|(_, o)| o.clone())
        .collect()
}

fn chosen(found: &[Object]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..found.len()).filter(|&i| found[i].class.is(&GLOMERULUS)).collect();
    let score = |i: usize| found[i].value("score").unwrap_or(0.0);
    order.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        if kept.iter().all(|&k| near(&found[k], &found[i]) > 0.8) {
            kept.push(i);
        }
    }
    kept.sort_unstable();
    kept
}

/// Distance of centres over the sum of radii.
fn near(a: &Object, b: &Object) -> f64 {
    let d = (a.centroid.x - b.centroid.x).hypot(a.centroid.y - b.centroid.y) / f64::from(a.outline.scale);
    let r = |o: &Object| {
        let (x0, y0, x1, y1) = o.outline.bounds();
        (f64::from(x1 - x0) + f64::from(y1 - y0)) / 4.0
    };
    d / (r(a) + r(b)).max(1.0)
}
