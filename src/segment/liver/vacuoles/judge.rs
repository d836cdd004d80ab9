//! Whether a pale region is a vacuole: its depth, its shape, its rim, and what lies around it.

use super::Beyond;
use crate::{
    raster::Mask,
    segment::{
        field::Field,
        label::{Region, Run},
        liver::{coarse::Grid, paleness::Paleness},
        shape::Shape,
    },
    units::equivalent_diameter,
};

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
/// Share of directions with red cells that makes it a vessel [expert] …
const BLOOD_SHARE: f64 = 0.06;
/// … and the same for a part of a lump, which has no rim to tell a lumen beside it: one direction is enough. Set on
/// phantoms, where it halves the false fat among red cells; on human liver tiles it changes nothing.
const PART_BLOOD_SHARE: f64 = 0.03;
/// How far outwards nuclei are looked for, in µm: the lining of a duct …
const LINING_UM: f64 = 3.0;
/// … and the share of directions with nuclei that makes it one [expert].
const LINED_SHARE: f64 = 0.5;
/// Directions looked at.
const DIRECTIONS: u32 = 32;

/// A region that may be a vacuole.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    /// Its pixels are 1; nothing else is.
    pub(super) canvas: &'a Mask,
    /// Its pixels.
    pub(super) runs: &'a [Run],
    /// Its box and sums.
    pub(super) region: &'a Region,
    /// It is a part of a lump: other rules hold.
    pub(super) part: bool,
}

impl Candidate<'_> {
    fn own(&self, x: usize, y: usize) -> bool {
        self.canvas.at(x, y) == 1
    }
}

/// How deep a region is, and what it must be like for its size.
pub(super) struct Depth {
    rule: Rule,
    /// Equivalent diameter in µm.
    diameter: f64,
    /// Density of the cytoplasm around it, × 100.
    cytoplasm: u8,
    /// Its lowest density, × 100, and the first pixel that has it.
    density: u8,
    deepest: usize,
    /// How much paler than the cytoplasm that is, as a share of the cytoplasm's density.
    depth: f64,
}

/// How much paler than the cytoplasm a density is, as a share of the cytoplasm's.
fn depth_below(cytoplasm: u8, density: u8) -> f64 {
    1.0 - f64::from(density) / f64::from(cytoplasm.max(1))
}

/// What is known of a region that is a vacuole.
pub(super) struct Verdict {
    /// Its rim lies where density reaches this, × 100.
    pub(super) rim: u8,
    /// How much paler than the cytoplasm its middle is, as a share of the cytoplasm's density.
    pub(super) depth: f64,
    /// Its deepest pixel, as an index of the window.
    pub(super) deepest: usize,
}

/// What candidates are judged by.
pub(super) struct Judge<'a, 'f> {
    field: &'a Field<'f>,
    grid: &'a Grid,
    pub(super) pale: &'a Paleness,
    blood: &'a Mask,
    nuclei: &'a Mask,
    beyond: &'a Beyond,
    /// Largest side of a vacuole's box, in pixels.
    pub(super) largest: usize,
}

impl<'a, 'f> Judge<'a, 'f> {
    pub(super) fn new(
        field: &'a Field<'f>,
        grid: &'a Grid,
        pale: &'a Paleness,
        (blood, nuclei): (&'a Mask, &'a Mask),
        beyond: &'a Beyond,
    ) -> Self {
        let largest = field.px(MAX_EXTENT_UM).ceil() as usize;
        Self { field, grid, pale, blood, nuclei, beyond, largest }
    }

    /// Returns whether the box of a region is a vacuole's.
    pub(super) fn may_be_vacuole(&self, region: &Region) -> bool {
        let (w, h) = (region.x1 - region.x0, region.y1 - region.y0);
        let full = region.area_px as f64 / (w * h) as f64;
        let slim = w.max(h) as f64 > MAX_ASPECT * w.min(h) as f64 + 1.0;
        let margin = self.field.px(WALL_UM).ceil() as usize + 1;
        let inside = region.x0 >= margin
            && region.y0 >= margin
            && region.x1 + margin <= self.field.width()
            && region.y1 + margin <= self.field.height();
        let whole = inside && region.extent() <= self.largest;
        whole && !slim && full >= LEAST_FULL
    }

    /// Returns whether a part that holds no lower density than this and lies in the box of a region may be deep enough.
    pub(super) fn may_be_deep(&self, region: &Region, density: u8) -> bool {
        let (first, last) =
            (self.grid.block(region.x0, region.y0), self.grid.block(region.x1 - 1, region.y1 - 1));
        let rows = (first.1..=last.1).map(|y| &self.pale.cytoplasm.row(y)[first.0..=last.0]);
        let most = rows.flatten().copied().max().unwrap_or(u8::MAX);
        let least = PART.iter().map(|rule| rule.depth).fold(f64::INFINITY, f64::min);
        depth_below(most, density) >= least
    }

    /// Returns how deep a region is if it is deep enough for a vacuole of its size.
    pub(super) fn depth(&self, region: &Region, runs: &[Run], part: bool) -> Option<Depth> {
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        let rules: &[Rule] = if part { &PART } else { &WHOLE };
        let rule = rules.iter().find(|rule| diameter <= rule.up_to_um)?;
        let (x, y) = region.centre();
        let block = self.grid.block(x as usize, y as usize);
        let cytoplasm = self.pale.cytoplasm.at(block.0, block.1);
        let (density, deepest) = self.deepest(region, runs);
        let depth = depth_below(cytoplasm, density);
        (depth >= rule.depth).then_some(Depth { rule: *rule, diameter, cytoplasm, density, deepest, depth })
    }

    /// Returns what is known of a region that is a vacuole. What costs little is looked at first.
    pub(super) fn judge(&self, candidate: &Candidate<'_>, found: Depth) -> Option<Verdict> {
        let Depth { rule, diameter, cytoplasm, density, deepest, depth } = found;
        if !self.is_round(candidate, &rule) {
            return None;
        }
        let small = diameter <= SMALL_UM && self.field.window.mpp.mean() > SMALL_MPP;
        let share = if small { SMALL_RIM_SHARE } else { RIM_SHARE };
        let rim = (f64::from(density) + (f64::from(cytoplasm) - f64::from(density)) * share) as u8;
        let is_fat = self.open_share(candidate, rim) <= rule.open
            && (diameter < SURROUNDED_FROM_UM || !self.is_lumen(candidate));
        is_fat.then_some(Verdict { rim, depth, deepest })
    }

    /// Returns whether the shape is a vacuole's; one that the slide's edge cuts may be less round.
    fn is_round(&self, candidate: &Candidate<'_>, rule: &Rule) -> bool {
        let Candidate { canvas, region, runs, part } = *candidate;
        let most = rule.aspect * if part { 1.0 } else { CUT_ASPECT };
        Shape::of_runs_within(canvas, region, runs, rule.solidity, most).is_some_and(|shape| {
            let fits = |circularity: f64, aspect: f64| {
                shape.circularity >= rule.circularity * circularity
                    && shape.aspect_ratio <= rule.aspect * aspect
            };
            fits(1.0, 1.0) || !part && fits(CUT_CIRCULARITY, CUT_ASPECT) && self.is_cut(candidate)
        })
    }

    /// Returns whether red cells lie around much of a region, or nuclei around most: it is a piece of a vessel, or a duct.
    fn is_lumen(&self, candidate: &Candidate<'_>) -> bool {
        let (cx, cy) = candidate.region.centre();
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
            let own = |far: &usize| is(candidate.canvas, *far);
            let edge = (1..candidate.region.extent()).rev().find(own).unwrap_or(0);
            bloody += u32::from((edge + 1..=edge + near).any(|far| is(self.blood, far)));
            lined += u32::from((edge + 1..=edge + far).any(|far| is(self.nuclei, far)));
        }
        let share = |n: u32| f64::from(n) / f64::from(DIRECTIONS);
        let vessel = if candidate.part { PART_BLOOD_SHARE } else { BLOOD_SHARE };
        share(bloody) >= vessel || share(lined) >= LINED_SHARE
    }

    /// Returns whether the slide ends within the region: most of one side of its box lies against the outside.
    fn is_cut(&self, candidate: &Candidate<'_>) -> bool {
        let region = candidate.region;
        let against =
            |x: usize, y: usize, bx: usize, by: usize| candidate.own(x, y) && self.beyond.at(bx, by);
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
    fn open_share(&self, candidate: &Candidate<'_>, rim: u8) -> f64 {
        let (cx, cy) = candidate.region.centre();
        let steps = self.field.px(WALL_UM).round().max(1.0) as i32;
        let (mut all, mut open) = (0u32, 0u32);
        for run in candidate.runs {
            let y = run.y();
            for x in run.x0()..run.x1() {
                let beside = x > run.x0() && x + 1 < run.x1();
                if beside && candidate.own(x, y - 1) && candidate.own(x, y + 1) {
                    continue;
                }
                let (from_x, from_y) = (x as f64 + 0.5, y as f64 + 0.5);
                let (dx, dy) = (from_x - cx, from_y - cy);
                let length = (dx * dx + dy * dy).sqrt().max(0.5);
                let closed = |k: i32| {
                    let reach = f64::from(k) / length;
                    let (x, y) = ((from_x + dx * reach) as usize, (from_y + dy * reach) as usize);
                    // The slide's edge is a wall too: an image may end within a vacuole.
                    self.pale.density.at(x, y) >= rim || self.beyond.at(x, y)
                };
                all += 1;
                open += u32::from(!(1..=steps).any(closed));
            }
        }
        f64::from(open) / f64::from(all.max(1))
    }

    /// The lowest density of a region, and the first pixel that has it.
    fn deepest(&self, region: &Region, runs: &[Run]) -> (u8, usize) {
        let density = &self.pale.density;
        let (x, y) = region.anchor;
        let mut best = (u8::MAX, y * density.width() + x);
        for run in runs {
            let pixels = &density.row(run.y())[run.x0()..run.x1()];
            let lowest = pixels.iter().fold(u8::MAX, |lowest, &v| lowest.min(v));
            if lowest < best.0 {
                let x = run.x0() + pixels.iter().position(|&v| v == lowest).unwrap_or(0);
                best = (lowest, run.y() * density.width() + x);
            }
        }
        best
    }
}
