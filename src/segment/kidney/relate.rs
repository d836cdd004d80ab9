//! The whole slide at once: which candidates are glomeruli, which tubules lie outside them, and where the cortex is.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    GLOMERULUS, LUMEN, TUBULE, TUFT,
    cortex::{self, Clues},
};
use crate::{organ::SlideGeometry, segment::object::Object, units::equivalent_diameter};

/// Two candidates whose centres lie closer than this share of the sum of their radii are the same glomerulus.
const SAME: f64 = 0.75;
/// A glomerulus measures at least this share of the slide's usual diameter …
const MIN_OF_USUAL: f64 = 0.45;
/// … and at most this multiple of it.
const MAX_OF_USUAL: f64 = 1.6;
/// Share of the best-scored candidates whose upper quartile is the usual diameter.
const BEST_SHARE: f64 = 0.5;

/// Looks at all structures of the slide at once: chooses among overlapping glomeruli, drops tubules
/// inside them, and adds the cortex.
#[must_use]
pub fn relate(found: Vec<Object>, slide: &SlideGeometry) -> Vec<Object> {
    let discs: Vec<Disc> = found.iter().map(Disc::of).collect();
    let chosen = choose(&found, &discs);
    let grid = Grid::new(chosen.iter().map(|&i| discs[i]));
    let centres: Vec<(f64, f64)> = chosen.iter().map(|&i| (discs[i].x, discs[i].y)).collect();
    let total: f64 = chosen.iter().map(|&i| discs[i].radius).sum();
    let radius_um = total / chosen.len().max(1) as f64 * slide.level0_um;
    let mut is_chosen = vec![false; found.len()];
    chosen.iter().for_each(|&i| is_chosen[i] = true);
    let places: Vec<(f64, f64)> = discs.iter().map(|d| (d.x, d.y)).collect();
    let widths: Vec<(f64, f64, f64)> = found
        .iter()
        .zip(&discs)
        .filter_map(|(o, d)| Some((d.x, d.y, f64::from(o.value("outer_diameter_um")?))))
        // Of one that a person drew nothing may be known.
        .filter(|(_, _, um)| um.is_finite())
        .collect();
    let mut kept = cortex::zones(&centres, &Clues { places: &places, widths: &widths }, radius_um, slide);
    let tufts: BTreeMap<(i64, i64), u32> = chosen
        .iter()
        .map(|&i| (key(&found[i]), found[i].value("tuft_area_um2").unwrap_or(0.0).to_bits()))
        .collect();
    let mut seen = BTreeSet::new();
    for (i, object) in found.into_iter().enumerate() {
        let keep = if object.class.is(&GLOMERULUS) {
            is_chosen[i]
        } else if object.class.is(&TUFT) {
            // Curves that hardly differ hold tufts of equal area: one of them is enough.
            let owner = grid.holder(discs[i].x, discs[i].y);
            let own = owner.filter(|g| tufts.get(&g.key()) == Some(&object.area_um2.to_bits()));
            own.is_some_and(|g| seen.insert(g.key()))
        } else if object.class.is(&TUBULE) || object.class.is(&LUMEN) {
            grid.holder(discs[i].x, discs[i].y).is_none()
        } else {
            true
        };
        if keep {
            kept.push(object);
        }
    }
    // Where both are painted, a glomerulus wins over a tubule beside it.
    kept.sort_by_key(|o| o.class.is(&GLOMERULUS) || o.class.is(&TUFT));
    kept
}

/// A circle of the same area, in level-0 pixels.
#[derive(Clone, Copy, Debug)]
struct Disc {
    x: f64,
    y: f64,
    radius: f64,
}

impl Disc {
    fn of(object: &Object) -> Self {
        let (x0, y0, x1, y1) = object.outline.bounds();
        let side = f64::from(x1 - x0 + y1 - y0) / 2.0;
        let radius = side * f64::from(object.outline.scale) / 2.0;
        Self { x: object.centroid.x, y: object.centroid.y, radius }
    }

    fn distance(&self, x: f64, y: f64) -> f64 {
        (self.x - x).hypot(self.y - y)
    }

    fn key(&self) -> (i64, i64) {
        (self.x.round() as i64, self.y.round() as i64)
    }
}

fn key(object: &Object) -> (i64, i64) {
    (object.centroid.x.round() as i64, object.centroid.y.round() as i64)
}

/// Best score first, dropping what overlaps a better one or is far from the slide's usual size. Only outlines of which the
/// contrast is known are judged by size: those that a person drew or a network saw may be cut by the slide's edge.
fn choose(found: &[Object], discs: &[Disc]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..found.len()).filter(|&i| found[i].class.is(&GLOMERULUS)).collect();
    let value = |i: usize, name: &str| found[i].value(name).unwrap_or(0.0);
    order.sort_by(|&a, &b| value(b, "rank").total_cmp(&value(a, "rank")).then(a.cmp(&b)));
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        let same = |&k: &usize| {
            discs[k].distance(discs[i].x, discs[i].y) < SAME * (discs[k].radius + discs[i].radius)
        };
        if !kept.iter().any(same) {
            kept.push(i);
        }
    }
    let diameter = |i: usize| equivalent_diameter(f64::from(found[i].area_um2));
    // One that a person drew where none was found has no rank, and says nothing of what is usual.
    let ranked: Vec<usize> = kept.iter().copied().filter(|&i| !value(i, "rank").is_nan()).collect();
    let best = (ranked.len() as f64 * BEST_SHARE).ceil() as usize;
    let mut sizes: Vec<f64> = ranked.iter().take(best).map(|&i| diameter(i)).collect();
    sizes.sort_by(f64::total_cmp);
    if let Some(&usual) = sizes.get(sizes.len() * 3 / 4) {
        let traced = |i: usize| found[i].value("edge_contrast").is_some_and(|v| !v.is_nan());
        kept.retain(|&i| !traced(i) || (usual * MIN_OF_USUAL..=usual * MAX_OF_USUAL).contains(&diameter(i)));
    }
    kept.sort_unstable();
    kept
}

/// Glomeruli by place.
struct Grid {
    cell: f64,
    cells: BTreeMap<(i64, i64), Vec<Disc>>,
}

impl Grid {
    fn new(discs: impl Iterator<Item = Disc>) -> Self {
        let discs: Vec<Disc> = discs.collect();
        let cell = 2.0 * discs.iter().map(|d| d.radius).fold(1.0, f64::max);
        let mut cells: BTreeMap<(i64, i64), Vec<Disc>> = BTreeMap::new();
        for disc in discs {
            cells.entry(((disc.x / cell) as i64, (disc.y / cell) as i64)).or_default().push(disc);
        }
        Self { cell, cells }
    }

    /// Returns the nearest glomerulus that holds a point.
    fn holder(&self, x: f64, y: f64) -> Option<Disc> {
        let (cx, cy) = ((x / self.cell) as i64, (y / self.cell) as i64);
        let near = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (cx + dx, cy + dy)));
        near.filter_map(|at| self.cells.get(&at))
            .flatten()
            .filter(|d| d.distance(x, y) < d.radius)
            .min_by(|a, b| a.distance(x, y).total_cmp(&b.distance(x, y)))
            .copied()
    }
}
