//! Fat vacuoles: round, pale, with a rim.
//!
//! One threshold cannot find them all: it must lie half-way up the rim of each, small ones never get quite
//! clear, and neighbours flow together where it is high. So several levels are tried from the highest down;
//! a region is taken at the first level at which it is round, and its rim is then put half-way between its
//! own paleness and the cytoplasm around it. What stays in one piece with its neighbours at every level is
//! divided where it is narrow.

mod beyond;
mod groups;
mod judge;
mod learned;
mod parts;

use std::ops::Range;

use super::{coarse::Grid, paleness::Paleness};
use crate::{
    raster::{Mask, Plane, wide},
    segment::{
        contour,
        field::Field,
        label::{Connectivity, Region, Run, named, paint, pieces_of_rows},
        object::{Class, Object},
        shape::Shape,
    },
    tile::Window,
    units::equivalent_diameter,
};

pub(super) use self::{beyond::Beyond, learned::find as find_by_model};
use self::{
    groups::drop_lonely,
    judge::{Candidate, Judge, Verdict},
};

const MEASUREMENTS: &[&str] = &["eq_diameter_um", "circularity", "solidity", "aspect_ratio", "contrast"];

/// Fat vacuole of at least 8 µm (domain.md §2.2.2) [expert].
pub static MACRO: Class = Class {
    name: "macrovesicular vacuole",
    layer: "vacuoles",
    colour: [255, 208, 0],
    measurements: MEASUREMENTS,
};
/// Fat vacuole below 8 µm.
pub static MICRO: Class = Class {
    name: "microvesicular vacuole",
    layer: "vacuoles",
    colour: [255, 128, 64],
    measurements: MEASUREMENTS,
};

/// Diameter from which a vacuole is macrovesicular, in µm (domain.md §2.2.2) [expert].
pub const MACRO_FROM_UM: f64 = 8.0;

/// Shares of the local cytoplasm's density tried as threshold, highest first.
const LEVELS: [f64; 5] = [0.72, 0.6, 0.48, 0.36, 0.24];
/// The level at which lumps are divided.
const DIVIDE_LEVEL: f64 = 0.5;
/// Smallest vacuole, in µm²: 2 µm across.
const MIN_UM2: f64 = 1.5;
/// A vacuole covers at least this many pixels: of the area of smaller ones on human liver tiles at 0.5 µm/px,
/// 2 % lay in fat; the rest was texture.
const MIN_PX: u64 = 32;
/// Largest vacuole, in µm² (domain.md §2.2.2) [expert].
const MAX_UM2: f64 = 2_000.0;
/// How far a rim may lie outside the level a vacuole was found at, in µm: the blur of a scanner.
const GROWTH_UM: f64 = 1.0;

/// The vacuoles of one window.
pub(super) struct Vacuoles {
    /// 0 outside regions.
    labels: Plane<u32>,
    /// For every label 0 if it is no vacuole, otherwise the vacuole's index in `found`, plus one.
    numbers: Vec<u32>,
    /// The vacuoles, halo included, in reading order of their anchors.
    pub(super) found: Vec<(Object, Region)>,
}

/// Finds the vacuoles of a window.
pub(super) fn find(
    field: &Field<'_>,
    grid: &Grid,
    pale: &Paleness,
    (blood, nuclei): (&Mask, &Mask),
    beyond: &Beyond,
) -> Vacuoles {
    let judge = Judge::new(field, grid, pale, (blood, nuclei), beyond);
    let mut search = Search::new(field, judge);
    let size = (field.width(), field.height());
    for level in LEVELS {
        let rows = pale.rows_below(grid, level, &search.open);
        let found = pieces_of_rows(size, Connectivity::Four, rows);
        for (i, region) in found.regions.iter().enumerate() {
            search.look_at(region, found.runs(i), false);
        }
    }
    let lumps = {
        let rows = pale.rows_below(grid, DIVIDE_LEVEL, &search.open);
        pieces_of_rows(size, Connectivity::Eight, rows)
    };
    // Needed no more while the parts are worked out, which takes the most memory.
    search.canvas = Mask::default();
    let parts = {
        let deep = |region: &Region, density: u8| search.judge.may_be_deep(region, density);
        let sizes = (*search.limits.start(), search.judge.largest);
        parts::divide(lumps, size, sizes, &pale.density, deep)
    };
    search.canvas = Mask::filled(size.0, size.1, 0);
    for part in parts {
        search.look_at(&part.region, &part.runs, true);
    }
    let mut vacuoles = search.grow().finish();
    drop_lonely(&mut vacuoles, &field.window);
    vacuoles
}

/// Kinds of vacuoles on a mask; 0 is none.
pub(super) mod kind {
    /// Microvesicular, alone.
    pub(in crate::segment::liver) const ALONE: u8 = 1;
    /// Microvesicular, in a group.
    pub(in crate::segment::liver) const GROUPED: u8 = 2;
    /// Macrovesicular.
    pub(in crate::segment::liver) const MACRO: u8 = 3;
}

impl Vacuoles {
    /// Returns the kind of vacuole that every pixel belongs to.
    pub(super) fn kinds(&self, window: &Window) -> Mask {
        let of = |((object, _), grouped): (&(Object, Region), bool)| match grouped {
            _ if object.class.is(&MACRO) => kind::MACRO,
            true => kind::GROUPED,
            false => kind::ALONE,
        };
        let found = self.found.iter().zip(groups::grouped(&self.found, window));
        let kinds: Vec<u8> = std::iter::once(0).chain(found.map(of)).collect();
        let of_labels: Vec<u8> = self.numbers.iter().map(|&n| kinds[n as usize]).collect();
        named(&self.labels, &of_labels)
    }
}

/// One that was taken, before its rim is final.
struct Taken {
    /// Its rim lies where density reaches this, × 100.
    rim: u8,
    /// How much paler than the cytoplasm its middle is, as a share of the cytoplasm's density.
    depth: f64,
    /// The region it was found as, which holds it.
    region: Region,
    /// Its pixels, in [`Search::pixels`].
    pixels: Range<usize>,
}

struct Search<'a, 'f> {
    field: &'a Field<'f>,
    judge: Judge<'a, 'f>,
    /// 1 where tissue is free.
    open: Mask,
    /// Empty but for the region that is looked at.
    canvas: Mask,
    taken: Vec<Taken>,
    /// Pixels of those that were taken, one after the other.
    pixels: Vec<u32>,
    limits: std::ops::RangeInclusive<u64>,
    stack: Vec<u32>,
}

impl<'a, 'f> Search<'a, 'f> {
    fn new(field: &'a Field<'f>, judge: Judge<'a, 'f>) -> Self {
        let area = |um2: f64| field.window.mpp.px_area(um2).ceil() as u64;
        Self {
            field,
            judge,
            open: field.tissue.clone(),
            canvas: Mask::filled(field.width(), field.height(), 0),
            taken: Vec::new(),
            pixels: Vec::new(),
            limits: area(MIN_UM2).max(4)..=area(MAX_UM2),
            stack: Vec::new(),
        }
    }

    /// Takes a region if it is a vacuole.
    fn look_at(&mut self, region: &Region, runs: &[Run], part: bool) {
        if !self.limits.contains(&region.area_px) || !self.judge.may_be_vacuole(region) {
            return;
        }
        let Some(depth) = self.judge.depth(region, runs, part) else { return };
        paint(runs, &mut self.canvas, 1);
        let candidate = Candidate { canvas: &self.canvas, runs, region, part };
        if let Some(verdict) = self.judge.judge(&candidate, depth) {
            self.take(region, &verdict);
        }
        paint(runs, &mut self.canvas, 0);
    }

    /// Takes the pixels on the canvas that are paler than the rim and hang together with the deepest.
    fn take(&mut self, region: &Region, verdict: &Verdict) {
        let Verdict { rim, depth, deepest } = *verdict;
        let (width, first) = (self.open.width(), self.pixels.len());
        let (canvas, density) = (self.canvas.data(), self.judge.pale.density.data());
        let (open, pixels) = (self.open.data_mut(), &mut self.pixels);
        let mut fits = |i: usize| {
            let fits = canvas[i] == 1 && open[i] == 1 && density[i] < rim;
            if fits {
                pixels.push(i as u32);
                open[i] = 0;
            }
            fits
        };
        fits(deepest);
        self.stack.push(deepest as u32);
        while let Some(i) = self.stack.pop() {
            let i = i as usize;
            // No region touches the window's edge, so every neighbour exists.
            for j in [i - 1, i + 1, i - width, i + width] {
                if fits(j) {
                    self.stack.push(j as u32);
                }
            }
        }
        let pixels = first..self.pixels.len();
        self.taken.push(Taken { rim, depth, region: region.clone(), pixels });
    }

    /// Lets every vacuole grow into pixels that are paler than its rim: at most [`GROWTH_UM`].
    fn grow(self) -> Grown<'a, 'f> {
        let Self { field, judge, open, canvas, taken, pixels, limits, .. } = self;
        drop((open, canvas));
        let (w, h) = (field.width(), field.height());
        let mut labels = Plane::filled(w, h, 0u32);
        for (taken, label) in taken.iter().zip(1..) {
            pixels[taken.pixels.clone()].iter().for_each(|&i| labels.data_mut()[i as usize] = label);
        }
        let mut grown = Grown { field, pale: judge.pale, taken, limits, labels };
        let mut joined: Vec<(usize, u32)> = Vec::new();
        let mut free = vec![0u8; w];
        for Taken { region, .. } in grown.taken.iter().filter(|_| growth_px(field) > 0) {
            let columns = region.x0.saturating_sub(1).max(1)..(region.x1 + 1).min(w - 1);
            let free = &mut free[columns.clone()];
            for y in region.y0.saturating_sub(1).max(1)..(region.y1 + 1).min(h - 1) {
                let row = |y: usize| grown.labels.row(y);
                let own = &row(y)[columns.start - 1..columns.end + 1];
                beside(own, &row(y - 1)[columns.clone()], &row(y + 1)[columns.clone()], free);
                let pixels = (y * w + columns.start..).zip(&*free).filter(|(_, free)| **free != 0);
                joined.extend(pixels.filter_map(|(i, _)| grown.joins(i, w).map(|label| (i, label))));
            }
        }
        let inside = |i: &usize| (1..w - 1).contains(&(i % w)) && (1..h - 1).contains(&(i / w));
        for step in 1..=growth_px(field) {
            // Found from several sides, a pixel gets the same label from each.
            joined.iter().for_each(|&(i, label)| grown.labels.data_mut()[i] = label);
            if step < growth_px(field) {
                // Nothing has changed but beside those.
                let near = joined.iter().flat_map(|&(i, _)| [i - 1, i + 1, i - w, i + w]).filter(inside);
                joined = near.filter_map(|i| grown.joins(i, w).map(|label| (i, label))).collect();
            }
        }
        grown
    }
}

wide! {
    /// 1 where a pixel without a label has a neighbour with one; `own` reaches one pixel further to both sides.
    fn beside<'a>(own: &'a [u32], above: &'a [u32], below: &'a [u32], out: &'a mut [u8]) {
        let n = out.len();
        let near = own[..n].iter().zip(&own[2..n + 2]).zip(above[..n].iter().zip(&below[..n]));
        for ((out, &own), ((&left, &right), (&up, &down))) in out.iter_mut().zip(&own[1..n + 1]).zip(near) {
            *out = u8::from((own == 0) & (left | right | up | down != 0));
        }
    }
}

/// How far vacuoles grow at most, in pixels.
fn growth_px(field: &Field<'_>) -> usize {
    field.px(GROWTH_UM).round() as usize
}

/// Vacuoles with their final rims.
struct Grown<'a, 'f> {
    field: &'a Field<'f>,
    pale: &'a Paleness,
    taken: Vec<Taken>,
    limits: std::ops::RangeInclusive<u64>,
    /// 0 is free, otherwise the index in `taken`, plus one.
    labels: Plane<u32>,
}

impl Grown<'_, '_> {
    /// The vacuole that a free pixel beside it belongs to, if any.
    fn joins(&self, i: usize, w: usize) -> Option<u32> {
        let old = self.labels.data();
        let near = [old[i - 1], old[i + 1], old[i - w], old[i + w]];
        if old[i] != 0 || near == [0; 4] || self.field.tissue.data()[i] == 0 {
            return None;
        }
        let density = self.pale.density.data()[i];
        let fits = |&n: &u32| n != 0 && density < self.taken[n as usize - 1].rim;
        near.into_iter().filter(fits).min()
    }

    /// Numbers the vacuoles in reading order and measures them.
    fn finish(self) -> Vacuoles {
        let grown = |(i, taken): (usize, &Taken)| self.region(&taken.region, i as u32 + 1);
        let regions = self.taken.iter().enumerate().map(grown);
        let regions: Vec<Region> = std::iter::once(Region::EMPTY).chain(regions).collect();
        let mut order: Vec<usize> = (1..regions.len()).filter(|&n| regions[n].area_px > 0).collect();
        order.sort_unstable_by_key(|&n| (regions[n].anchor.1, regions[n].anchor.0));
        let mut numbers = vec![0u32; regions.len()];
        let mut found = Vec::with_capacity(order.len());
        for n in order {
            if !self.limits.contains(&regions[n].area_px) || regions[n].area_px < MIN_PX {
                continue;
            }
            found.push((self.object(&regions[n], n), regions[n].clone()));
            numbers[n] = found.len() as u32;
        }
        Vacuoles { labels: self.labels, numbers, found }
    }

    /// The pixels that a region, once it has grown, holds.
    fn region(&self, from: &Region, number: u32) -> Region {
        let (w, h) = (self.labels.width(), self.labels.height());
        let step = growth_px(self.field);
        let columns = from.x0.saturating_sub(step)..(from.x1 + step).min(w);
        let mut region = Region::EMPTY;
        for y in from.y0.saturating_sub(step)..(from.y1 + step).min(h) {
            let mut x = columns.start;
            for run in self.labels.row(y)[columns.clone()].chunk_by(|a, b| a == b) {
                if run[0] == number {
                    region.add_run(y, x, x + run.len(), w, h);
                }
                x += run.len();
            }
        }
        region
    }

    fn object(&self, region: &Region, number: usize) -> Object {
        let steps = contour::walk(&self.labels, number as u32, region.anchor);
        let shape = Shape::along(&self.labels, region, number as u32, &steps);
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        let class = if diameter >= MACRO_FROM_UM { &MACRO } else { &MICRO };
        let depth = self.taken[number - 1].depth;
        let values = [diameter, shape.circularity, shape.solidity, shape.aspect_ratio, depth, 0.0, 0.0, 0.0];
        let values = values.map(|v| v as f32);
        contour::object_along(class, &steps, region, &self.field.window, values)
    }
}
