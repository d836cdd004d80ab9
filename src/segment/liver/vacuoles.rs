//! Fat vacuoles: round, pale, with a rim.
//!
//! One threshold cannot find them all: it must lie half-way up the rim of each, small ones never get quite
//! clear, and neighbours flow together where it is high. So several levels are tried from the highest down;
//! a region is taken at the first level at which it is round, and its rim is then put half-way between its
//! own paleness and the cytoplasm around it. What stays in one piece with its neighbours at every level is
//! divided where it is narrow.

mod groups;
mod parts;

use super::{coarse::Grid, paleness::Paleness};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour, distance,
        field::Field,
        label::{self, Connectivity, Region, Run},
        nuclei::{basins, regions_of},
        object::{Class, Object},
        shape::Shape,
    },
    units::equivalent_diameter,
};

pub(super) use self::groups::grouped;
use self::{groups::drop_lonely, parts::trimmed};

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

/// Regions with a rim of their own, by size. domain.md §2.2.2 asks for circularity 0.75 and solidity 0.90 of large
/// ones [expert]; the smaller a region is, the rounder chance makes it, and the more it must show. Fitted on human
/// liver tiles.
const WHOLE: [Rule; 6] = [
    Rule { up_to_um: 2.8, circularity: 0.92, solidity: 0.8, aspect: 1.5, open: 0.05, depth: 0.6 },
    Rule { up_to_um: 4.0, circularity: 0.94, solidity: 0.84, aspect: 1.4, open: 0.05, depth: 0.65 },
    Rule { up_to_um: 5.6, circularity: 0.92, solidity: 0.86, aspect: 1.7, open: 0.05, depth: 0.5 },
    Rule { up_to_um: 8.0, circularity: 0.86, solidity: 0.86, aspect: 1.6, open: 0.06, depth: 0.5 },
    Rule { up_to_um: 12.6, circularity: 0.83, solidity: 0.87, aspect: 1.55, open: 0.15, depth: 0.5 },
    Rule { up_to_um: f64::INFINITY, circularity: 0.79, solidity: 0.89, aspect: 1.7, open: 0.25, depth: 0.6 },
];
/// Parts of a lump, or of a lump and the slits that open into it.
const PART: [Rule; 5] = [
    Rule { up_to_um: 4.0, circularity: 0.93, solidity: 0.84, aspect: 1.4, open: 0.3, depth: 0.6 },
    Rule { up_to_um: 5.6, circularity: 0.95, solidity: 0.87, aspect: 1.3, open: 0.25, depth: 0.75 },
    Rule { up_to_um: 8.0, circularity: 0.93, solidity: 0.88, aspect: 1.3, open: 0.25, depth: 0.8 },
    Rule { up_to_um: 12.6, circularity: 0.92, solidity: 0.88, aspect: 1.3, open: 0.35, depth: 0.8 },
    Rule { up_to_um: f64::INFINITY, circularity: 0.88, solidity: 0.9, aspect: 1.4, open: 0.35, depth: 0.8 },
];

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
/// Largest aspect ratio any rule allows.
const MAX_ASPECT: f64 = 2.6;
/// Largest side of a vacuole's box, in µm: a disk of the largest area and a little more.
const MAX_EXTENT_UM: f64 = 56.0;

/// Least share of its box that a region fills: a disk fills 0.79.
const LEAST_FULL: f64 = 0.45;
/// Half a disk has circularity 0.75 …
const CUT_CIRCULARITY: f64 = 0.8;
/// … and aspect ratio 1.9, where a whole one has 1.
const CUT_ASPECT: f64 = 1.4;
/// Distances are told apart up to this many pixels.
const FAR: u32 = 128;
/// Parts are divided where the passage is narrower than this share below the narrower part's width.
const PASS_SHARE: f64 = 0.15;
/// How far a rim may lie outside the level a vacuole was found at, in µm: the blur of a scanner.
const GROWTH_UM: f64 = 1.0;

/// Where the rim lies between the density of the middle and the cytoplasm's: beyond half-way, as
/// pathologists draw it and blur wants it; fitted on human liver tiles.
const RIM_SHARE: f64 = 0.66;
/// The same up to [`SMALL_UM`] where pixels do not resolve it: its middle is blurred, and half-way is enough.
const SMALL_RIM_SHARE: f64 = 0.5;
/// Diameter up to which a vacuole is small, in µm …
const SMALL_UM: f64 = 4.0;
/// … for pixels larger than this, in µm.
const SMALL_MPP: f64 = 0.35;
/// How far outwards a rim is looked for, in µm.
const WALL_UM: f64 = 2.0;

/// From this diameter on what lies around a vacuole is looked at, in µm: vessels are not smaller.
const SURROUNDED_FROM_UM: f64 = 6.0;
/// How far outwards red cells are looked for, in µm: they lie in the same lumen, with no rim between.
const BLOOD_UM: f64 = 0.5;
/// Share of directions with red cells that makes it a vessel [expert].
const BLOOD_SHARE: f64 = 0.06;
/// How far outwards nuclei are looked for, in µm: the lining of a duct …
const LINING_UM: f64 = 3.0;
/// … and the share of directions with nuclei that makes it one [expert].
const LINED_SHARE: f64 = 0.5;
/// Directions looked at.
const DIRECTIONS: u32 = 32;

/// The vacuoles of one window.
pub(super) struct Vacuoles {
    /// 0 outside vacuoles, otherwise the vacuole's index in `found`, plus one.
    pub(super) labels: Plane<u32>,
    /// The vacuoles, halo included, in reading order of their anchors.
    pub(super) found: Vec<(Object, Region)>,
}

/// Finds the vacuoles of a window.
pub(super) fn find(field: &Field<'_>, grid: &Grid, pale: &Paleness, blood: &Mask, nuclei: &Mask) -> Vacuoles {
    let mut search = Search::new(field, grid, pale, (blood, nuclei));
    let mut plane = Plane::filled(field.width(), field.height(), 0u32);
    for level in LEVELS {
        let pieces = label::pieces(&search.free(level), Connectivity::Four);
        for (i, region) in pieces.regions.iter().enumerate() {
            if !search.may_be_vacuole(region) {
                continue;
            }
            paint(&mut plane, pieces.runs(i), 1);
            search.try_region(&plane, region, 1);
            paint(&mut plane, pieces.runs(i), 0);
        }
    }
    drop(plane);
    search.take_parts();
    search.grow();
    let mut vacuoles = search.finish();
    drop_lonely(&mut vacuoles, &field.window);
    vacuoles
}

fn paint(plane: &mut Plane<u32>, runs: &[Run], number: u32) {
    runs.iter().for_each(|run| plane.row_mut(run.y)[run.x0..run.x1].fill(number));
}

/// One that was taken, before its rim is final.
struct Taken {
    /// Its rim lies where density reaches this, × 100.
    rim: u8,
    /// How much paler than the cytoplasm its middle is, as a share of the cytoplasm's density.
    depth: f64,
    /// The region it was found as, which holds it.
    region: Region,
}

struct Search<'a, 'f> {
    field: &'a Field<'f>,
    grid: &'a Grid,
    pale: &'a Paleness,
    blood: &'a Mask,
    nuclei: &'a Mask,
    /// 0 is free, otherwise the index in `taken`, plus one.
    labels: Plane<u32>,
    /// 1 where `labels` is free.
    open: Mask,
    taken: Vec<Taken>,
    limits: std::ops::RangeInclusive<u64>,
    largest: usize,
    part: bool,
    white: [u8; 3],
    stack: Vec<u32>,
}

impl<'a, 'f> Search<'a, 'f> {
    fn new(
        field: &'a Field<'f>,
        grid: &'a Grid,
        pale: &'a Paleness,
        (blood, nuclei): (&'a Mask, &'a Mask),
    ) -> Self {
        let mpp = field.window.mpp;
        let area = |um2: f64| mpp.px_area(um2).ceil() as u64;
        Self {
            field,
            grid,
            pale,
            blood,
            nuclei,
            labels: Plane::filled(field.width(), field.height(), 0),
            open: Mask::filled(field.width(), field.height(), 1),
            taken: Vec::new(),
            limits: area(MIN_UM2).max(4)..=area(MAX_UM2),
            largest: mpp.px(MAX_EXTENT_UM).ceil() as usize,
            part: false,
            white: field.profile.white.map(|v| v.round() as u8),
            stack: Vec::new(),
        }
    }

    /// Returns what is paler than a level and not taken yet.
    fn free(&self, level: f64) -> Mask {
        let mut mask = self.pale.below(self.field, self.grid, level);
        mask.data_mut().iter_mut().zip(self.open.data()).for_each(|(m, &open)| *m &= open);
        mask
    }

    /// Returns whether size and box of a region are a vacuole's.
    fn may_be_vacuole(&self, region: &Region) -> bool {
        if !self.limits.contains(&region.area_px) {
            return false;
        }
        let (w, h) = (region.x1 - region.x0, region.y1 - region.y0);
        let full = region.area_px as f64 / (w * h) as f64;
        let slim = w.max(h) as f64 > MAX_ASPECT * w.min(h) as f64 + 1.0;
        let margin = self.field.px(WALL_UM).ceil() as usize + 1;
        let inside = region.x0 >= margin
            && region.y0 >= margin
            && region.x1 + margin <= self.labels.width()
            && region.y1 + margin <= self.labels.height();
        let whole = inside && region.extent() <= self.largest;
        whole && !slim && full >= LEAST_FULL
    }

    /// Takes a region if it is a vacuole. What costs little is looked at first.
    fn try_region(&mut self, plane: &Plane<u32>, region: &Region, number: u32) {
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        let rules: &[Rule] = if self.part { &PART } else { &WHOLE };
        let Some(rule) = rules.iter().find(|rule| diameter <= rule.up_to_um) else { return };
        let (x, y) = region.centre();
        let block = self.grid.block(x as usize, y as usize);
        let cytoplasm = self.pale.cytoplasm.at(block.0, block.1);
        let (deepest, at) = self.deepest(plane, region, number);
        let depth = 1.0 - f64::from(deepest) / f64::from(cytoplasm.max(1));
        if depth < rule.depth || !self.is_round(plane, region, number, rule) {
            return;
        }
        let small = diameter <= SMALL_UM && self.field.window.mpp.mean() > SMALL_MPP;
        let share = if small { SMALL_RIM_SHARE } else { RIM_SHARE };
        let rim = (f64::from(deepest) + (f64::from(cytoplasm) - f64::from(deepest)) * share) as u8;
        let open = self.open_share(plane, region, number, rim);
        let is_fat = diameter < SURROUNDED_FROM_UM || !self.is_lumen(plane, region, number);
        if open <= rule.open && is_fat {
            self.take(plane, region, number, at, Taken { rim, depth, region: region.clone() });
        }
    }

    /// Returns whether the shape is a vacuole's; one that the slide's edge cuts may be less round.
    fn is_round(&self, plane: &Plane<u32>, region: &Region, number: u32, rule: &Rule) -> bool {
        let shape = Shape::of(plane, region, number);
        let fits = |circularity: f64, aspect: f64| {
            shape.circularity >= rule.circularity * circularity && shape.aspect_ratio <= rule.aspect * aspect
        };
        shape.solidity >= rule.solidity
            && (fits(1.0, 1.0)
                || !self.part && fits(CUT_CIRCULARITY, CUT_ASPECT) && self.is_cut(plane, region, number))
    }

    /// Returns whether red cells lie around much of a region, or nuclei around most: it is a piece of a vessel, or a duct.
    fn is_lumen(&self, plane: &Plane<u32>, region: &Region, number: u32) -> bool {
        let (cx, cy) = region.centre();
        let reach = |um: f64| self.field.px(um).round().max(1.0) as usize;
        let (near, far) = (reach(BLOOD_UM), reach(LINING_UM));
        let (mut bloody, mut lined) = (0u32, 0u32);
        for k in 0..DIRECTIONS {
            let (sin, cos) = (f64::from(k) / f64::from(DIRECTIONS) * std::f64::consts::TAU).sin_cos();
            let at = |far: usize| {
                let (x, y) = (cx + cos * far as f64, cy + sin * far as f64);
                (x.floor() as i64, y.floor() as i64)
            };
            let is = |mask: &Mask, far: usize| mask.get(at(far).0, at(far).1) == Some(1);
            let own = |far: &usize| plane.get(at(*far).0, at(*far).1) == Some(number);
            let edge = (1..region.extent()).rev().find(own).unwrap_or(0);
            bloody += u32::from((edge + 1..=edge + near).any(|far| is(self.blood, far)));
            lined += u32::from((edge + 1..=edge + far).any(|far| is(self.nuclei, far)));
        }
        let share = |n: u32| f64::from(n) / f64::from(DIRECTIONS);
        share(bloody) >= BLOOD_SHARE || share(lined) >= LINED_SHARE
    }

    /// Returns whether a pixel lies outside the slide: those hold the very white of the profile.
    fn beyond(&self, x: usize, y: usize) -> bool {
        self.field.tissue.at(x, y) == 0 && self.field.rgb.row(y)[x] == self.white
    }

    /// Returns whether the slide ends within the region: most of one side of its box lies against the outside.
    fn is_cut(&self, plane: &Plane<u32>, region: &Region, number: u32) -> bool {
        let against =
            |x: usize, y: usize, bx: usize, by: usize| plane.at(x, y) == number && self.beyond(bx, by);
        let column = |x: usize, beyond: usize| {
            2 * (region.y0..region.y1).filter(|&y| against(x, y, beyond, y)).count() > region.y1 - region.y0
        };
        let row = |y: usize, beyond: usize| {
            2 * (region.x0..region.x1).filter(|&x| against(x, y, x, beyond)).count() > region.x1 - region.x0
        };
        column(region.x0, region.x0 - 1)
            || column(region.x1 - 1, region.x1)
            || row(region.y0, region.y0 - 1)
            || row(region.y1 - 1, region.y1)
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
                let closed = |k: i32| {
                    let reach = f64::from(k) / length;
                    let (x, y) = ((from_x + dx * reach) as usize, (from_y + dy * reach) as usize);
                    // The slide's edge is a wall too: an image may end within a vacuole.
                    self.beyond(x, y) || self.pale.density.at(x, y) >= rim
                };
                all += 1;
                open += u32::from(!(1..=steps).any(closed));
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
        let (labels, open) = (self.labels.data_mut(), self.open.data_mut());
        let mut fits = |i: usize| {
            let fits = plane.data()[i] == number && labels[i] == 0 && self.pale.density.data()[i] < rim;
            if fits {
                labels[i] = label;
                open[i] = 0;
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

    /// Divides what is left where it is narrow, cuts off slits, and takes the parts that are vacuoles.
    fn take_parts(&mut self) {
        let mask = self.free(DIVIDE_LEVEL);
        let squared = distance::squared(&mask).map(|d| d.min(FAR * FAR - 1) as u16);
        let table: Vec<u16> = (0..FAR * FAR).map(|d| (f64::from(d).sqrt() * 64.0) as u16).collect();
        let height = squared.map(|d| table[usize::from(d)]);
        let parts = basins::climb(&height, &mask, |peak| ((f64::from(peak) * PASS_SHARE) as u16).max(32));
        self.part = true;
        let trimmed = trimmed(&parts, &squared, self.largest);
        drop((parts, squared, height, mask));
        for (number, region) in regions_of(&trimmed).iter().enumerate().skip(1) {
            if !self.may_be_vacuole(region) {
                continue;
            }
            self.try_region(&trimmed, region, number as u32);
        }
    }

    /// Lets every vacuole grow into pixels that are paler than its rim: at most [`GROWTH_UM`].
    fn grow(&mut self) {
        let (w, h) = (self.labels.width(), self.labels.height());
        let mut grown: Vec<(usize, u32)> = Vec::new();
        for step in 1..=self.field.px(GROWTH_UM).round() as usize {
            for Taken { region, .. } in &self.taken {
                let columns = region.x0.saturating_sub(step).max(1)..(region.x1 + step).min(w - 1);
                for y in region.y0.saturating_sub(step).max(1)..(region.y1 + step).min(h - 1) {
                    let pixels = y * w + columns.start..y * w + columns.end;
                    grown.extend(pixels.filter_map(|i| self.joins(i, w).map(|label| (i, label))));
                }
            }
            // Boxes may overlap; a pixel gets the same label from each.
            grown.drain(..).for_each(|(i, label)| self.labels.data_mut()[i] = label);
        }
    }

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
    fn finish(mut self) -> Vacuoles {
        let regions = regions_of(&self.labels);
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
