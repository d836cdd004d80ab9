//! How sharply an islet's cytoplasm differs from the acini around it: basophilia on both sides of its border.

use super::{
    compartments::{Compartments, PerIslet},
    counters::{RIM_INSIDE, RIM_OUTSIDE},
};
use crate::{
    raster::{Mask, Plane},
    segment::{distance, field::Field},
};

/// Width of each rim, in µm (domain.md §3.1).
pub const RIM_UM: f64 = 10.0;
/// Distance between observations, in µm.
const STEP_UM: f64 = 2.0;
/// Added to the index so that it is a whole number above zero.
pub const ZERO: i32 = 200;

/// Adds the basophilia index (haematoxylin − half the eosin, OD × 100, plus [`ZERO`]) of both rims,
/// nuclei and voids left out, for the observations in the core.
pub(super) fn count(field: &Field<'_>, places: &Compartments, nuclei: &Mask, per_islet: &mut PerIslet) {
    if !places.any_islet {
        return;
    }
    let grid = Grid::of(field);
    let islets = grid.sample(&places.islets);
    let inside = islets.map(|v| u8::from(v != 0));
    let to_border = distance::squared(&inside);
    let to_islet = distance::squared(&inside.map(|v| 1 - v));
    let reach = RIM_UM / grid.step_um;
    let limit = (reach * reach) as u32;
    for (cx, cy) in grid.points() {
        let (x, y) = grid.place(cx, cy);
        if !field.window.in_core(x, y) || nuclei.at(x, y) | places.empty.at(x, y) != 0 {
            continue;
        }
        let q = i32::from(field.h.at(x, y)) - i32::from(field.e.at(x, y)) / 2 + ZERO;
        let q = q.max(0) as u32;
        let islet = islets.at(cx, cy);
        if islet != 0 && to_border.at(cx, cy) <= limit {
            per_islet.entry(islet - 1).or_default().observe(RIM_INSIDE, q, 1);
        } else if islet == 0 && to_islet.at(cx, cy) <= limit && places.exocrine.at(x, y) != 0 {
            let nearest = nearest(&islets, cx, cy, reach.ceil() as i64);
            if nearest != 0 {
                per_islet.entry(nearest - 1).or_default().observe(RIM_OUTSIDE, q, 1);
            }
        }
    }
}

/// Returns the number nearest to a point of the plane within `reach` pixels; 0 when there is none.
pub(super) fn nearest(plane: &Plane<u32>, x: usize, y: usize, reach: i64) -> u32 {
    let mut best = (i64::MAX, 0);
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let apart = dx * dx + dy * dy;
            if apart <= reach * reach && apart < best.0 {
                match plane.get(x as i64 + dx, y as i64 + dy) {
                    None | Some(0) => {}
                    Some(number) => best = (apart, number),
                }
            }
        }
    }
    best.1
}

/// Every so many pixels, anchored to the slide.
pub(super) struct Grid {
    step: usize,
    /// Distance between points, in µm.
    pub(super) step_um: f64,
    first: (usize, usize),
    columns: usize,
    rows: usize,
}

impl Grid {
    pub(super) fn of(field: &Field<'_>) -> Self {
        let step = field.px(STEP_UM).round().max(1.0) as usize;
        let first = |start: i64| (-start).rem_euclid(step as i64) as usize;
        let first = (first(field.window.left()), first(field.window.top()));
        let count = |length: usize, first: usize| length.saturating_sub(first).div_ceil(step);
        Self {
            step,
            step_um: step as f64 * field.window.mpp.mean(),
            first,
            columns: count(field.width(), first.0),
            rows: count(field.height(), first.1),
        }
    }

    /// Pixel of the window at a point.
    pub(super) fn place(&self, cx: usize, cy: usize) -> (usize, usize) {
        (self.first.0 + cx * self.step, self.first.1 + cy * self.step)
    }

    /// Point of the grid at or before a pixel of the window.
    pub(super) fn point(&self, x: usize, y: usize) -> (usize, usize) {
        (x.saturating_sub(self.first.0) / self.step, y.saturating_sub(self.first.1) / self.step)
    }

    pub(super) fn sample(&self, plane: &Plane<u32>) -> Plane<u32> {
        let mut out = Plane::filled(self.columns, self.rows, 0);
        for (cx, cy) in self.points() {
            let (x, y) = self.place(cx, cy);
            out.set(cx, cy, plane.at(x, y));
        }
        out
    }

    fn points(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let columns = self.columns;
        (0..self.rows).flat_map(move |cy| (0..columns).map(move |cx| (cx, cy)))
    }
}
