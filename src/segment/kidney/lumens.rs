//! Lumens of tubules: what is open or filled by a cast, and what tells it from clefts between tubules.

use rayon::prelude::*;

use super::levels::Ground;
use crate::{
    raster::Mask,
    segment::{
        label::{Labels, Region},
        morphology,
        shape::Shape,
    },
};

/// Narrowest gap that counts as lumen, radius in µm: below, gaps between tubules would join it.
const OPEN_UM: f64 = 1.5;
/// Pixels beside a lumen that are paler than this share of the cytoplasm's density are more than half open …
pub(super) const EDGE_SHARE: f64 = 0.57;
/// … and this is what the rules' own weights were fitted with.
pub(super) const EDGE_ALONE: f64 = 0.6;
/// Largest island in a lumen (debris, a sloughed cell) that belongs to it, in µm².
const ISLAND_UM2: f64 = 150.0;
/// Areas of a lumen, in µm²: 6 to 130 µm across.
const LUMEN_UM2: std::ops::RangeInclusive<f64> = 28.0..=13_000.0;
/// Longest side of a tubule's lumen, in µm; longer gaps are vessels, tears and glass.
pub(super) const MAX_LUMEN_UM: f64 = 180.0;
/// Empty pixels are paler than this share of the cytoplasm's optical density; interstitium is denser.
const EMPTY_SHARE: f64 = 0.28;
/// Least share of an open lumen that is empty: the rest may be debris or wisps of brush border.
const MIN_EMPTY: f64 = 0.2;
/// Largest pale place beside a lumen that is taken for vacuoles, in µm².
pub(super) const VACUOLE_UM2: f64 = 70.0;
/// Least solidity of a lumen; gaps between tubules are branched.
const MIN_SOLIDITY: f64 = 0.6;
/// Distance from the lumen in which epithelium is looked for, in µm …
const RIM_UM: f64 = 4.0;
/// … and the least share of it that is solid.
const MIN_SOLID_RIM: f64 = 0.75;
/// Distance from the lumen at which wall counts in the score, in µm.
const NEAR_RIM_UM: f64 = 3.0;
/// Weights of the score that tells lumens from clefts between tubules, which are paler than epithelium but not empty,
/// branched, and continued by the gaps between tubules: logistic regression on two phantoms (1 667 lumens, 183 clefts).
/// Working defaults, **not validated**.
const BASE: f64 = -42.5;
/// … per share that is empty or cast,
const PER_EMPTY: f64 = 3.1;
/// … per share of wall at [`NEAR_RIM_UM`],
const PER_WALL: f64 = 15.2;
/// … per unit of solidity,
const PER_SOLIDITY: f64 = 22.6;
/// … per natural logarithm of the area in µm².
const PER_LOG_AREA: f64 = 2.23;

/// Lumens, or tubules, that a thread takes at once.
pub(super) const AT_ONCE: usize = 32;

/// Open lumens and casts: wide enough, with what floats in them.
pub(super) fn open(ground: &Ground<'_>, casts: &Mask, edge_share: f64) -> Mask {
    let field = ground.field;
    let mut pale = ground.pale.clone();
    pale.data_mut().iter_mut().zip(field.tissue.data()).for_each(|(p, &t)| *p &= t);
    let mut open = morphology::open(&pale, field.px(OPEN_UM));
    let edge = (ground.levels.cytoplasm * edge_share) as u8;
    let grown = morphology::dilate(&open, 1.0);
    for ((o, &g), &od) in open.data_mut().iter_mut().zip(grown.data()).zip(ground.od.data()) {
        *o |= g & u8::from(od < edge);
    }
    open.data_mut().iter_mut().zip(casts.data()).for_each(|(o, &c)| *o |= c);
    let whole = morphology::fill_holes(&open, field.window.mpp.px_area(ISLAND_UM2) as u64);
    // Smaller gaps are vacuoles: they stay with the epithelium.
    morphology::remove_small(&whole, field.window.mpp.px_area(*LUMEN_UM2.start()).ceil() as u64)
}

/// Returns the shape of every region that can be a tubule's lumen.
pub(super) fn accepted(
    ground: &Ground<'_>,
    (lumens, casts): (&Labels, &Mask),
    walls: &Mask,
) -> Vec<Option<Shape>> {
    let judged =
        |(i, region)| Candidate { ground, lumens, casts, walls, region, number: i as u32 + 1 }.accepted();
    lumens.regions.par_iter().enumerate().with_min_len(AT_ONCE).map(judged).collect()
}

/// A region that may be a tubule's lumen.
struct Candidate<'a> {
    ground: &'a Ground<'a>,
    lumens: &'a Labels,
    casts: &'a Mask,
    walls: &'a Mask,
    region: &'a Region,
    number: u32,
}

impl Candidate<'_> {
    /// Returns its shape if it can be a lumen.
    fn accepted(&self) -> Option<Shape> {
        let field = self.ground.field;
        let area = field.window.mpp.area_um2(self.region.area_px);
        if !LUMEN_UM2.contains(&area) || self.region.extent() as f64 > field.px(MAX_LUMEN_UM) {
            return None;
        }
        let empty = empty_share(self.ground, self.lumens, self.casts, self.region, self.number);
        if empty < MIN_EMPTY {
            return None;
        }
        let shape = Shape::of(&self.lumens.plane, self.region, self.number);
        if shape.solidity < MIN_SOLIDITY || self.solid_rim(RIM_UM) < MIN_SOLID_RIM {
            return None;
        }
        let score = BASE
            + PER_EMPTY * empty
            + PER_WALL * self.solid_rim(NEAR_RIM_UM)
            + PER_SOLIDITY * shape.solidity
            + PER_LOG_AREA * area.ln();
        (score > 0.0).then_some(shape)
    }

    fn solid_rim(&self, reach_um: f64) -> f64 {
        let field = self.ground.field;
        let vacuole_px = field.window.mpp.px_area(VACUOLE_UM2) as u64;
        solid_rim((field.px(reach_um), vacuole_px), self.lumens, self.walls, self.region, self.number)
    }
}

/// Share of a lumen's pixels that are empty or filled by a cast.
fn empty_share(ground: &Ground<'_>, lumens: &Labels, casts: &Mask, region: &Region, number: u32) -> f64 {
    let empty = (ground.levels.cytoplasm * EMPTY_SHARE) as u8;
    let (mut found, mut n) = (0u64, 0u64);
    for y in region.y0..region.y1 {
        let columns = region.x0..region.x1;
        let places = lumens.plane.row(y)[columns.clone()].iter().zip(&casts.row(y)[columns.clone()]);
        for ((&label, &cast), &od) in places.zip(&ground.od.row(y)[columns]) {
            let own = u64::from(label == number);
            n += own;
            found += own * u64::from(cast != 0 || od < empty);
        }
    }
    if n == 0 { 1.0 } else { found as f64 / n as f64 }
}

/// Share of the pixels straight above, below, left and right of the lumen that are wall.
fn solid_rim(
    (reach, vacuole_px): (f64, u64),
    lumens: &Labels,
    walls: &Mask,
    region: &Region,
    number: u32,
) -> f64 {
    let reach = reach.round().max(1.0) as i64;
    let (mut all, mut solid) = (0u64, 0u64);
    let inside = |x: i64, y: i64| lumens.plane.get(x, y) == Some(number);
    // Small pale places beside a lumen are vacuoles.
    let is_vacuole = |other: u32| other != number && lumens.regions[other as usize - 1].area_px <= vacuole_px;
    let is_solid = |x: i64, y: i64| {
        walls.get(x, y) == Some(1) || lumens.plane.get(x, y).is_some_and(|n| n != 0 && is_vacuole(n))
    };
    for y in region.y0 as i64..region.y1 as i64 {
        for x in region.x0 as i64..region.x1 as i64 {
            if !inside(x, y) {
                continue;
            }
            for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
                if !inside(x + dx, y + dy) {
                    all += 1;
                    solid += u64::from(is_solid(x + dx * reach, y + dy * reach));
                }
            }
        }
    }
    if all == 0 { 0.0 } else { solid as f64 / all as f64 }
}
