//! Fat vacuoles: round, pale, with a rim.
//!
//! One threshold cannot find them all: it must lie half-way up the rim of each, small ones never get quite
//! clear, and neighbours flow together where it is high. So several levels are tried from the highest down;
//! a region is taken at the first level at which it is round, and its rim is then put half-way between its
//! own paleness and the cytoplasm around it. What stays in one piece with its neighbours at every level is
//! divided where it is narrow.

use super::{coarse::Grid, paleness::Paleness};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour, distance,
        field::Field,
        label::{Connectivity, Region, label},
        nuclei::{basins, regions_of},
        object::{Class, Object},
        shape::Shape,
    },
    units::equivalent_diameter,
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

/// What a region of some size must be like to be a vacuole.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rule {
    /// For regions up to this equivalent diameter, in µm.
    up_to_um: f64,
    /// Least circularity.
    circularity: f64,
    /// Least solidity of its pixels (small disks of pixels have corners).
    solidity: f64,
    /// Largest aspect ratio.
    aspect: f64,
    /// Largest share of the outline where no denser rim follows outwards.
    open: f64,
    /// Least depth: how much paler than the cytoplasm the middle is, as a share of the cytoplasm's density.
    depth: f64,
}

/// By size. domain.md §2.2.2 asks for circularity 0.75 and solidity 0.90 of large ones [expert]; the smaller a
/// region is, the rounder chance makes it, and the more it must show. Fitted on human liver tiles.
const RULES: [Rule; 5] = [
    Rule { up_to_um: 4.0, circularity: 0.95, solidity: 0.86, aspect: 1.45, open: 0.02, depth: 0.6 },
    Rule { up_to_um: 5.6, circularity: 0.92, solidity: 0.86, aspect: 1.7, open: 0.05, depth: 0.5 },
    Rule { up_to_um: 8.0, circularity: 0.88, solidity: 0.86, aspect: 1.8, open: 0.15, depth: 0.5 },
    Rule { up_to_um: 12.6, circularity: 0.8, solidity: 0.86, aspect: 1.7, open: 0.15, depth: 0.5 },
    Rule { up_to_um: f64::INFINITY, circularity: 0.75, solidity: 0.88, aspect: 1.7, open: 0.35, depth: 0.7 },
];

/// Shares of the local cytoplasm's density tried as threshold, highest first.
const LEVELS: [f64; 5] = [0.72, 0.6, 0.48, 0.36, 0.24];
/// The level at which lumps are divided.
const DIVIDE_LEVEL: f64 = 0.5;
/// Smallest vacuole, in µm²: 2 µm across.
const MIN_UM2: f64 = 3.2;
/// Largest vacuole, in µm² (domain.md §2.2.2) [expert].
const MAX_UM2: f64 = 2_000.0;
/// Largest aspect ratio any rule allows.
const MAX_ASPECT: f64 = 1.8;
/// Largest side of a vacuole's box, in µm: a disk of the largest area and a little more.
const MAX_EXTENT_UM: f64 = 56.0;

/// Least share of its box that a region fills: a disk fills 0.79.
const LEAST_FULL: f64 = 0.45;
/// Distances are told apart up to this many pixels.
const FAR: u32 = 128;
/// Parts are divided where the passage is narrower than this share below the narrower part's width.
const PASS_SHARE: f64 = 0.15;
/// How far a rim may lie outside the level a vacuole was found at, in µm: the blur of a scanner.
const GROWTH_UM: f64 = 1.0;

/// How far outwards a rim is looked for, in µm.
const WALL_UM: f64 = 2.0;

/// The vacuoles of one window.
pub(super) struct Vacuoles {
    /// 0 outside vacuoles, otherwise the vacuole's index in `found`, plus one.
    pub(super) labels: Plane<u32>,
    /// The vacuoles, halo included, in reading order of their anchors.
    pub(super) found: Vec<(Object, Region)>,
}

/// Finds the vacuoles of a window.
pub(super) fn find(field: &Field<'_>, grid: &Grid, pale: &Paleness) -> Vacuoles {
    let mut search = Search::new(field, grid, pale);
    for level in LEVELS {
        let mask = search.free(level);
        let labels = label(&mask, Connectivity::Four);
        for (i, region) in labels.regions.iter().enumerate() {
            search.try_region(&labels.plane, region, i as u32 + 1);
        }
    }
    search.take_parts();
    search.grow();
    search.finish()
}

/// One that was taken, before its rim is final.
struct Taken {
    /// Its rim lies where density reaches this, × 100.
    rim: u8,
    /// How much paler than the cytoplasm its middle is, as a share of the cytoplasm's density.
    depth: f64,
}

struct Search<'a, 'f> {
    field: &'a Field<'f>,
    grid: &'a Grid,
    pale: &'a Paleness,
    /// 0 is free, otherwise the index in `taken`, plus one.
    labels: Plane<u32>,
    taken: Vec<Taken>,
    limits: std::ops::RangeInclusive<u64>,
    largest: usize,
    stack: Vec<u32>,
}

impl<'a, 'f> Search<'a, 'f> {
    fn new(field: &'a Field<'f>, grid: &'a Grid, pale: &'a Paleness) -> Self {
        let mpp = field.window.mpp;
        let area = |um2: f64| mpp.px_area(um2).ceil() as u64;
        Self {
            field,
            grid,
            pale,
            labels: Plane::filled(field.width(), field.height(), 0),
            taken: Vec::new(),
            limits: area(MIN_UM2).max(4)..=area(MAX_UM2),
            largest: mpp.px(MAX_EXTENT_UM).ceil() as usize,
            stack: Vec::new(),
        }
    }

    /// Returns what is paler than a level and not taken yet.
    fn free(&self, level: f64) -> Mask {
        let mut mask = self.pale.below(self.field, self.grid, level);
        for (m, &l) in mask.data_mut().iter_mut().zip(self.labels.data()) {
            *m &= u8::from(l == 0);
        }
        mask
    }

    /// Takes a region if it is a vacuole.
    fn try_region(&mut self, plane: &Plane<u32>, region: &Region, number: u32) {
        let (w, h) = (region.x1 - region.x0, region.y1 - region.y0);
        let full = region.area_px as f64 / (w * h) as f64;
        let slim = w.max(h) as f64 > MAX_ASPECT * w.min(h) as f64 + 1.0;
        let whole = !region.touches_edge && region.extent() <= self.largest;
        if !whole || slim || full < LEAST_FULL || !self.limits.contains(&region.area_px) {
            return;
        }
        let shape = Shape::of(plane, region, number);
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        let Some(rule) = RULES.iter().find(|rule| diameter <= rule.up_to_um) else { return };
        let round = shape.circularity >= rule.circularity
            && shape.solidity >= rule.solidity
            && shape.aspect_ratio <= rule.aspect;
        if !round {
            return;
        }
        let (x, y) = region.centre();
        let block = self.grid.block(x as usize, y as usize);
        let cytoplasm = self.pale.cytoplasm.at(block.0, block.1);
        let (deepest, at) = self.deepest(plane, region, number);
        let depth = 1.0 - f64::from(deepest) / f64::from(cytoplasm.max(1));
        let rim = ((u16::from(deepest) + u16::from(cytoplasm)) / 2) as u8;
        if depth >= rule.depth && self.open_share(plane, region, number, rim) <= rule.open {
            self.take(plane, region, number, at, Taken { rim, depth });
        }
    }

    /// Share of the outline from where, going outwards, nothing as dense as the rim follows within [`WALL_UM`].
    fn open_share(&self, plane: &Plane<u32>, region: &Region, number: u32, rim: u8) -> f64 {
        let (cx, cy) = region.centre();
        let steps = self.field.px(WALL_UM).round().max(1.0) as i32;
        let (mut all, mut open) = (0u32, 0u32);
        for y in region.y0..region.y1 {
            for x in region.x0..region.x1 {
                let own = |x: usize, y: usize| plane.at(x, y) == number;
                if !own(x, y) || own(x - 1, y) && own(x + 1, y) && own(x, y - 1) && own(x, y + 1) {
                    continue;
                }
                let (from_x, from_y) = (x as f64 + 0.5, y as f64 + 0.5);
                let (dx, dy) = (from_x - cx, from_y - cy);
                let length = (dx * dx + dy * dy).sqrt().max(0.5);
                let density = |k: i32| {
                    let reach = f64::from(k) / length;
                    self.pale.density.get((from_x + dx * reach) as i64, (from_y + dy * reach) as i64)
                };
                all += 1;
                open += u32::from(!(1..=steps).filter_map(density).any(|d| d >= rim));
            }
        }
        f64::from(open) / f64::from(all.max(1))
    }

    /// The lowest density of a region, and where it is.
    fn deepest(&self, plane: &Plane<u32>, region: &Region, number: u32) -> (u8, usize) {
        let width = plane.width();
        let mut best = (u8::MAX, region.anchor.1 * width + region.anchor.0);
        for y in region.y0..region.y1 {
            let columns = region.x0..region.x1;
            let row = self.pale.density.row(y)[columns.clone()].iter().zip(&plane.row(y)[columns]);
            for (x, (&density, _)) in row.enumerate().filter(|(_, (_, n))| **n == number) {
                if density < best.0 {
                    best = (density, y * width + region.x0 + x);
                }
            }
        }
        best
    }

    /// Labels the pixels of a region that are paler than its rim and hang together with its deepest.
    fn take(&mut self, plane: &Plane<u32>, region: &Region, number: u32, at: usize, taken: Taken) {
        let (width, rim) = (plane.width(), taken.rim);
        self.taken.push(taken);
        let label = self.taken.len() as u32;
        let labels = self.labels.data_mut();
        let mut fits = |i: usize| {
            let fits = plane.data()[i] == number && labels[i] == 0 && self.pale.density.data()[i] < rim;
            if fits {
                labels[i] = label;
            }
            fits
        };
        fits(at);
        self.stack.push(at as u32);
        while let Some(i) = self.stack.pop() {
            let i = i as usize;
            let x = i % width;
            // No region touches the window's edge, so every neighbour exists.
            debug_assert!(x > 0 && x + 1 < width && region.area_px > 0);
            for j in [i - 1, i + 1, i - width, i + width] {
                if fits(j) {
                    self.stack.push(j as u32);
                }
            }
        }
    }

    /// Divides what is left where it is narrow, and takes the parts that are vacuoles.
    fn take_parts(&mut self) {
        let mask = self.free(DIVIDE_LEVEL);
        let squared = distance::squared(&mask);
        let table: Vec<u16> = (0..FAR * FAR).map(|d| (f64::from(d).sqrt() * 64.0) as u16).collect();
        let height = squared.map(|d| table[(d as usize).min(table.len() - 1)]);
        let parts = basins::climb(&height, &mask, |peak| ((f64::from(peak) * PASS_SHARE) as u16).max(32));
        let mut regions = regions_of(&parts);
        for (number, region) in regions.iter_mut().enumerate().skip(1).filter(|(_, r)| r.area_px > 0) {
            self.try_region(&parts, region, number as u32);
        }
    }

    /// Lets every vacuole grow into pixels that are paler than its rim: at most [`GROWTH_UM`].
    fn grow(&mut self) {
        let (w, h) = (self.labels.width(), self.labels.height());
        for _ in 0..self.field.px(GROWTH_UM).round() as usize {
            let old = self.labels.clone();
            let old = old.data();
            for y in 1..h.saturating_sub(1) {
                for i in y * w + 1..(y + 1) * w - 1 {
                    if old[i] != 0 || old[i - 1] | old[i + 1] | old[i - w] | old[i + w] == 0 {
                        continue;
                    }
                    let density = self.pale.density.data()[i];
                    let near = [old[i - 1], old[i + 1], old[i - w], old[i + w]];
                    let fits = |&n: &u32| n != 0 && density < self.taken[n as usize - 1].rim;
                    if let Some(best) = near.into_iter().filter(fits).min() {
                        self.labels.data_mut()[i] = best;
                    }
                }
            }
        }
    }

    /// Numbers the vacuoles in reading order and measures them.
    fn finish(mut self) -> Vacuoles {
        let regions = regions_of(&self.labels);
        let mut order: Vec<usize> = (1..regions.len()).filter(|&n| regions[n].area_px > 0).collect();
        order.sort_unstable_by_key(|&n| (regions[n].anchor.1, regions[n].anchor.0));
        let mut numbers = vec![0u32; regions.len()];
        let mut found = Vec::with_capacity(order.len());
        for n in order {
            if !self.limits.contains(&regions[n].area_px) {
                continue;
            }
            found.push((self.object(&regions[n], n), regions[n].clone()));
            numbers[n] = found.len() as u32;
        }
        self.labels.data_mut().iter_mut().filter(|v| **v != 0).for_each(|v| *v = numbers[*v as usize]);
        Vacuoles { labels: self.labels, found }
    }

    fn object(&self, region: &Region, number: usize) -> Object {
        let shape = Shape::of(&self.labels, region, number as u32);
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        let class = if diameter >= MACRO_FROM_UM { &MACRO } else { &MICRO };
        let depth = self.taken[number - 1].depth;
        let values = [diameter, shape.circularity, shape.solidity, shape.aspect_ratio, depth, 0.0, 0.0, 0.0];
        let values = values.map(|v| v as f32);
        contour::object(class, &self.labels, region, number as u32, &self.field.window, values)
    }
}

/// Radius of the territory in which micro vacuoles must be grouped, in µm (domain.md §3.2) [expert].
const GROUP_UM: f64 = 12.0;
/// Micro vacuoles that make a group (domain.md §3.2) [expert].
const GROUP_N: usize = 5;

/// Returns for each vacuole whether it is microvesicular and lies with enough others within [`GROUP_UM`].
pub(super) fn grouped(found: &[(Object, Region)], window: &crate::tile::Window) -> Vec<bool> {
    let reach = window.mpp.px(GROUP_UM);
    let centres: Vec<Option<(f64, f64)>> =
        found.iter().map(|(o, r)| o.class.is(&MICRO).then(|| r.centre())).collect();
    let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2) <= reach * reach;
    centres
        .iter()
        .map(|&centre| {
            let Some(a) = centre else { return false };
            centres.iter().flatten().filter(|&&b| near(a, b)).count() >= GROUP_N
        })
        .collect()
}
