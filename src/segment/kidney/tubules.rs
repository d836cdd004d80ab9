//! Tubules: a lumen, open or filled by a cast, and the epithelium around it.

use super::{LUMEN, TUBULE, casts, levels::Ground};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour, distance,
        label::{Connectivity, Labels, Region, label},
        morphology,
        object::{Object, anchored_in},
        shape::Shape,
        watershed::watershed,
    },
    units::equivalent_diameter,
};

/// Narrowest gap that counts as lumen, radius in µm: below, gaps between tubules would join it.
const OPEN_UM: f64 = 1.5;
/// Pixels beside a lumen that are paler than this share of the cytoplasm's density are more than half open.
const EDGE_SHARE: f64 = 0.6;
/// Largest island in a lumen (debris, a sloughed cell) that belongs to it, in µm².
const ISLAND_UM2: f64 = 150.0;
/// Areas of a lumen, in µm²: 6 to 130 µm across.
const LUMEN_UM2: std::ops::RangeInclusive<f64> = 28.0..=13_000.0;
/// Longest side of a tubule's lumen, in µm; longer gaps are vessels, tears and glass.
const MAX_LUMEN_UM: f64 = 180.0;
/// Empty pixels are paler than this share of the cytoplasm's optical density; interstitium is denser.
const EMPTY_SHARE: f64 = 0.28;
/// Least share of an open lumen that is empty: the rest may be debris or wisps of brush border.
const MIN_EMPTY: f64 = 0.2;
/// Largest gap in the epithelium (vacuole and its rim) that belongs to it, in µm².
const GAP_UM2: f64 = 45.0;
/// Largest pale place beside a lumen that is taken for vacuoles, in µm².
const VACUOLE_UM2: f64 = 70.0;
/// Such places are at most this elongated.
const MAX_VACUOLE_ASPECT: f64 = 2.2;
/// Narrowest body of a lumen that vacuoles make ragged, radius in µm …
const BODY_UM: f64 = 3.0;
/// … and its least area, in µm²: vacuoles are smaller.
const BODY_UM2: f64 = 50.0;
/// Least solidity of a lumen; gaps between tubules are branched.
const MIN_SOLIDITY: f64 = 0.6;
/// Thickest epithelium, in µm (8–14 is normal, domain.md §3.3).
const MAX_WALL_UM: f64 = 16.0;
/// Distance from the lumen in which epithelium is looked for, in µm …
const RIM_UM: f64 = 4.0;
/// … and the least share of it that is solid.
const MIN_SOLID_RIM: f64 = 0.75;
/// Weights of the score that tells lumens from clefts between tubules, which are paler than epithelium but not empty,
/// branched, and continued by the gaps between tubules: logistic regression on two phantoms (1 667 lumens, 183
/// clefts). Working defaults, **not validated**.
const BASE: f64 = -42.5;
/// … per share that is empty or cast,
const PER_EMPTY: f64 = 3.1;
/// … per share of wall at this distance in µm,
const PER_SOLID_RIM: f64 = 15.2;
const NEAR_RIM_UM: f64 = 3.0;
/// … per unit of solidity,
const PER_SOLIDITY: f64 = 22.6;
/// … per natural logarithm of the area in µm².
const PER_LOG_AREA: f64 = 2.23;
/// Nuclei well inside the epithelium lie this far from its edge, in µm.
const INSIDE_UM: f64 = 3.0;
/// Threads of wall that do not belong to the epithelium, radius in µm.
const THREAD_UM: f64 = 1.5;
/// Epithelium is at least this dense, as a share of the cytoplasm's optical density.
const WALL_SHARE: f64 = 0.72;

/// Finds the tubules anchored in the window's core, and their lumens.
pub(super) fn find(ground: &Ground<'_>) -> Vec<Object> {
    let field = ground.field;
    let casts = casts::find(ground);
    let whole = label(&lumens(ground, &casts), Connectivity::Four);
    let none = Mask::filled(field.width(), field.height(), 0);
    let kept = kept(ground, (&whole, &casts), &walls(ground, &whole, &none));
    let (lumens, vacuoles) = parted(ground, &whole, &kept);
    let lumens = label(&lumens, Connectivity::Four);
    let walls = walls(ground, &lumens, &vacuoles);
    let kept = self::kept(ground, (&lumens, &casts), &walls);
    let territory = territories(&lumens, &walls, &kept, field.px(MAX_WALL_UM));
    let mut regions = vec![Region::EMPTY; kept.len()];
    add_regions(&territory, &mut regions);
    let mut objects = Vec::new();
    for (i, shape) in kept.iter().enumerate() {
        let Some(shape) = shape else { continue };
        let number = i as u32 + 1;
        let cast = count(&casts, &lumens, number);
        let (region, lumen) = (&regions[i], &lumens.regions[i]);
        let outer = Shape::of(&territory, region, number);
        let lumen_um2 = field.window.mpp.area_um2(lumen.area_px);
        let cast_pct = 100.0 * cast as f64 / lumen.area_px as f64;
        let mut values = tubule_values(field.window.mpp.mean(), shape, &outer, lumen_um2, cast_pct);
        values[7] = nuclear_red(ground, &territory, region, number) as f32;
        objects.push(contour::object(&TUBULE, &territory, region, number, &field.window, values));
        let values = [values[1], shape.aspect_ratio as f32, cast_pct as f32, 0.0, 0.0, 0.0, 0.0, 0.0];
        objects.push(contour::object(&LUMEN, &lumens.plane, lumen, number, &field.window, values));
    }
    objects.retain(|o| anchored_in(&field.window, o.anchor()));
    objects
}

/// Values named by the measurements of [`TUBULE`].
pub(super) fn tubule_values(
    um: f64,
    lumen: &Shape,
    outer: &Shape,
    lumen_um2: f64,
    cast_pct: f64,
) -> [f32; Object::VALUES] {
    let lumen_um = equivalent_diameter(lumen_um2);
    let outer_um = outer.minor_px * um;
    // Ring of equal area: a longitudinal or bent profile has no single diameter.
    let height = (outer_um - lumen.minor_px * um).max(0.0) / 2.0;
    [lumen_um2, lumen_um, lumen.aspect_ratio, outer_um, outer.aspect_ratio, height, cast_pct, 0.0]
        .map(|v| v as f32)
}

/// Values of a tubule whose lumen is closed.
pub(super) fn closed_values(um: f64, outer: &Shape) -> [f32; Object::VALUES] {
    let outer_um = outer.minor_px * um;
    [0.0, 0.0, 0.0, outer_um, outer.aspect_ratio, outer_um / 2.0, 0.0, 0.0].map(|v| v as f32)
}

/// Returns the upper quartile of red optical density over nuclear pixels well inside a tubule's epithelium; 0 without
/// any.
///
/// Red does not depend on the stain vectors, nor its upper quartile on the threshold of nuclei, whose estimate shifts with the share of dark nuclei, and inside
/// tubules there are no leukocytes: it tells how dark the slide's usual nuclei are.
pub(super) fn nuclear_red(ground: &Ground<'_>, territory: &Plane<u32>, region: &Region, number: u32) -> f64 {
    let (h, e) = (ground.field.profile.matrix.h[0], ground.field.profile.matrix.e[0]);
    let reach = ground.field.px(INSIDE_UM).round().max(1.0) as i64;
    let mut reds: Vec<f64> = Vec::new();
    for y in region.y0..region.y1 {
        for x in region.x0..region.x1 {
            if territory.at(x, y) != number || ground.nuclear.at(x, y) == 0 {
                continue;
            }
            let (column, row) = (x as i64, y as i64);
            let around = [(reach, 0), (-reach, 0), (0, reach), (0, -reach)];
            if around.iter().all(|(dx, dy)| territory.get(column + dx, row + dy) == Some(number)) {
                reds.push(f64::from(ground.field.h.at(x, y)) * h + f64::from(ground.field.e.at(x, y)) * e);
            }
        }
    }
    let upper = (reds.len() * 3 / 4).min(reds.len().saturating_sub(1));
    if reds.is_empty() { 0.0 } else { *reds.select_nth_unstable_by(upper, f64::total_cmp).1 / 100.0 }
}

/// Open lumens and casts: wide enough, with what floats in them.
pub(super) fn lumens(ground: &Ground<'_>, casts: &Mask) -> Mask {
    let field = ground.field;
    let mut pale = ground.pale.clone();
    pale.data_mut().iter_mut().zip(field.tissue.data()).for_each(|(p, &t)| *p &= t);
    let mut open = morphology::open(&pale, field.px(OPEN_UM));
    let edge = (ground.levels.cytoplasm * EDGE_SHARE) as u8;
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
fn kept(ground: &Ground<'_>, (lumens, casts): (&Labels, &Mask), walls: &Mask) -> Vec<Option<Shape>> {
    let regions = lumens.regions.iter().zip(1..);
    regions.map(|(region, number)| accepted(ground, (lumens, casts), walls, region, number)).collect()
}

/// Parts what was not kept into bodies, which may be lumens, and the round places beside them: vacuoles that open into
/// a lumen, or lie so near that they run together with it, make its outline ragged. Returns the regions kept with the
/// bodies, and the vacuoles.
fn parted(ground: &Ground<'_>, whole: &Labels, kept: &[Option<Shape>]) -> (Mask, Mask) {
    let field = ground.field;
    let longest = field.px(MAX_LUMEN_UM);
    let part = |wanted: bool| {
        let is: Vec<u8> = (whole.regions.iter().zip(kept))
            .map(|(r, shape)| u8::from(shape.is_some() == wanted && r.extent() as f64 <= longest))
            .collect();
        whole.plane.map(|n| if n == 0 { 0 } else { is[n as usize - 1] })
    };
    let (mut lumens, mut rest) = (part(true), part(false));
    let wide = morphology::open(&rest, field.px(BODY_UM));
    let wide = morphology::remove_small(&wide, field.window.mpp.px_area(BODY_UM2) as u64);
    let grown = morphology::dilate(&wide, 1.0);
    for ((l, r), &g) in lumens.data_mut().iter_mut().zip(rest.data_mut()).zip(grown.data()) {
        let body = *r & g;
        *l |= body;
        *r &= 1 - body;
    }
    let pieces = label(&rest, Connectivity::Four);
    let is: Vec<u8> = (pieces.regions.iter().zip(1..))
        .map(|(r, number)| {
            let small = field.window.mpp.area_um2(r.area_px) <= VACUOLE_UM2;
            u8::from(small && is_round(&Shape::of(&pieces.plane, r, number)))
        })
        .collect();
    (lumens, pieces.plane.map(|n| if n == 0 { 0 } else { is[n as usize - 1] }))
}

/// Whether a piece beside a lumen can be a vacuole: the arms of clefts are long.
fn is_round(shape: &Shape) -> bool {
    shape.aspect_ratio <= MAX_VACUOLE_ASPECT
}

/// 1 where there may be epithelium: dense, with its vacuoles and small enclosed gaps.
fn walls(ground: &Ground<'_>, lumens: &Labels, vacuoles: &Mask) -> Mask {
    let field = ground.field;
    let least = (ground.levels.cytoplasm * WALL_SHARE) as u8;
    let mut solid = Mask::filled(field.width(), field.height(), 0);
    let places = ground.od.data().iter().zip(field.tissue.data()).zip(lumens.plane.data());
    for (s, ((&od, &tissue), &lumen)) in solid.data_mut().iter_mut().zip(places) {
        *s = u8::from(od >= least && lumen == 0) & tissue;
    }
    solid.data_mut().iter_mut().zip(vacuoles.data()).for_each(|(s, &v)| *s |= v);
    let mut filled = morphology::fill_holes(&solid, field.window.mpp.px_area(GAP_UM2) as u64);
    filled.data_mut().iter_mut().zip(lumens.plane.data()).for_each(|(f, &n)| *f &= u8::from(n == 0));
    morphology::open(&filled, field.px(THREAD_UM))
}

/// Returns the shape of a region that can be a tubule's lumen.
fn accepted(
    ground: &Ground<'_>,
    (lumens, casts): (&Labels, &Mask),
    walls: &Mask,
    region: &Region,
    number: u32,
) -> Option<Shape> {
    let field = ground.field;
    let area = field.window.mpp.area_um2(region.area_px);
    if !LUMEN_UM2.contains(&area) || region.extent() as f64 > field.px(MAX_LUMEN_UM) {
        return None;
    }
    let empty = empty_share(ground, lumens, casts, region, number);
    if empty < MIN_EMPTY {
        return None;
    }
    let shape = Shape::of(&lumens.plane, region, number);
    let vacuole_px = field.window.mpp.px_area(VACUOLE_UM2) as u64;
    if shape.solidity < MIN_SOLIDITY
        || solid_rim((field.px(RIM_UM), vacuole_px), lumens, walls, region, number) < MIN_SOLID_RIM
    {
        return None;
    }
    let near = solid_rim((field.px(NEAR_RIM_UM), vacuole_px), lumens, walls, region, number);
    let score = BASE
        + PER_EMPTY * empty
        + PER_SOLID_RIM * near
        + PER_SOLIDITY * shape.solidity
        + PER_LOG_AREA * area.ln();
    (score > 0.0).then_some(shape)
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

/// Gives each wall pixel to the nearest accepted lumen it is joined to.
fn territories(lumens: &Labels, walls: &Mask, kept: &[Option<Shape>], reach: f64) -> Plane<u32> {
    let mut seeds = lumens.plane.clone();
    for v in seeds.data_mut() {
        if *v != 0 && kept[*v as usize - 1].is_none() {
            *v = 0;
        }
    }
    let squared = distance::squared(&seeds.map(|v| u8::from(v == 0)));
    let mut within = walls.clone();
    let most = (reach * reach) as u32;
    let limit = |d: u32| u8::from(d <= most);
    for ((w, &d), &seed) in within.data_mut().iter_mut().zip(squared.data()).zip(seeds.data()) {
        *w = *w & limit(d) | u8::from(seed != 0);
    }
    let steps: Vec<u8> = (0..=1024u32).map(|d| (f64::from(d).sqrt() * 4.0) as u8).collect();
    let height = squared.map(|d| steps[d.min(1024) as usize]);
    watershed(&seeds, &height, &within)
}

pub(super) fn add_regions(plane: &Plane<u32>, regions: &mut [Region]) {
    for y in 0..plane.height() {
        let row = plane.row(y);
        let mut x = 0;
        while x < row.len() {
            let (start, n) = (x, row[x]);
            x += row[x..].iter().take_while(|&&v| v == n).count();
            if n != 0 {
                regions[n as usize - 1].add_run(y, start, x, plane.width(), plane.height());
            }
        }
    }
}

/// Pixels of a lumen that are set in `mask`.
pub(super) fn count(mask: &Mask, lumens: &Labels, number: u32) -> u64 {
    let r = &lumens.regions[number as usize - 1];
    (r.y0..r.y1)
        .map(|y| {
            let pairs = lumens.plane.row(y)[r.x0..r.x1].iter().zip(&mask.row(y)[r.x0..r.x1]);
            pairs.filter(|&(&n, &m)| n == number && m != 0).count() as u64
        })
        .sum()
}
