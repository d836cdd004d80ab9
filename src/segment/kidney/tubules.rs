//! Tubules: a lumen, open or filled by a cast, and the epithelium around it.

use rayon::prelude::*;

use super::{
    LUMEN, TUBULE, casts,
    levels::Ground,
    lumens::{self, AT_ONCE, MAX_LUMEN_UM, VACUOLE_UM2},
};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour, distance,
        label::{Connectivity, Labels, Region, label},
        morphology,
        object::Object,
        shape::Shape,
        watershed::watershed,
    },
    units::equivalent_diameter,
};

/// Least share of a tubule that is nuclear, well inside it, for its nuclei to tell how dark living ones are: those of
/// dead tubules are few, small and dark.
const LEAST_NUCLEAR: f64 = 0.03;
/// Largest gap in the epithelium (vacuole and its rim) that belongs to it, in µm².
const GAP_UM2: f64 = 45.0;
/// Such places are at most this elongated.
const MAX_VACUOLE_ASPECT: f64 = 2.2;
/// Narrowest body of a lumen that vacuoles make ragged, radius in µm …
const BODY_UM: f64 = 3.0;
/// … and its least area, in µm²: vacuoles are smaller.
const BODY_UM2: f64 = 50.0;
/// Thickest epithelium, in µm (8–14 is normal, domain.md §3.3).
const MAX_WALL_UM: f64 = 16.0;
/// Nuclei well inside the epithelium lie this far from its edge, in µm.
const INSIDE_UM: f64 = 3.0;
/// Threads of wall that do not belong to the epithelium, radius in µm.
const THREAD_UM: f64 = 1.5;
/// Epithelium is at least this dense, as a share of the cytoplasm's optical density.
const WALL_SHARE: f64 = 0.72;

/// Finds the tubules of a window by their lumens.
pub(super) fn find(ground: &Ground<'_>) -> Vec<Object> {
    let field = ground.field;
    let casts = casts::find(ground);
    let whole = label(&lumens::open(ground, &casts, lumens::EDGE_ALONE), Connectivity::Four);
    let (lumens, vacuoles) = {
        let none = Mask::filled(field.width(), field.height(), 0);
        let kept = lumens::accepted(ground, (&whole, &casts), &walls(ground, &whole, &none));
        parted(ground, &whole, &kept)
    };
    drop(whole);
    let lumens = label(&lumens, Connectivity::Four);
    let walls = walls(ground, &lumens, &vacuoles);
    drop(vacuoles);
    let kept = lumens::accepted(ground, (&lumens, &casts), &walls);
    let territory = territories(&lumens, walls, &kept, field.px(MAX_WALL_UM));
    let mut regions = vec![Region::EMPTY; kept.len()];
    add_regions(&territory, &mut regions);
    let object = |(i, shape): (usize, &Option<Shape>)| {
        let (number, shape) = (i as u32 + 1, shape.as_ref().filter(|_| field.holds(&regions[i]))?);
        let cast = count(&casts, &lumens, number);
        let (region, lumen) = (&regions[i], &lumens.regions[i]);
        let outer = Shape::of(&territory, region, number);
        let lumen_um2 = field.window.mpp.area_um2(lumen.area_px);
        let cast_pct = 100.0 * cast as f64 / lumen.area_px as f64;
        let mut values = tubule_values(field.window.mpp.mean(), shape, &outer, lumen_um2, cast_pct);
        values[7] = nuclear_red(ground, &territory, region, number) as f32;
        let tubule = contour::object(&TUBULE, &territory, region, number, &field.window, values);
        let values = [values[1], shape.aspect_ratio as f32, cast_pct as f32, 0.0, 0.0, 0.0, 0.0, 0.0];
        Some([tubule, contour::object(&LUMEN, &lumens.plane, lumen, number, &field.window, values)])
    };
    kept.par_iter().enumerate().with_min_len(AT_ONCE).filter_map(object).flatten_iter().collect()
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

/// Returns the upper quartile of red optical density over nuclear pixels well inside a tubule's epithelium; 0 where they
/// are fewer than a living tubule's.
///
/// Red does not depend on the stain vectors, nor its upper quartile on the threshold of nuclei, whose estimate shifts with the share of dark nuclei, and inside
/// tubules there are no leukocytes: it tells how dark the slide's usual nuclei are.
pub(super) fn nuclear_red(ground: &Ground<'_>, territory: &Plane<u32>, region: &Region, number: u32) -> f64 {
    let (h, e) = (ground.field.profile.matrix.h[0], ground.field.profile.matrix.e[0]);
    let reach = ground.field.px(INSIDE_UM).round().max(1.0) as i64;
    let mut reds: Vec<f64> = Vec::new();
    let least = (LEAST_NUCLEAR * region.area_px as f64).ceil().max(1.0) as usize;
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
    if reds.len() < least { 0.0 } else { *reds.select_nth_unstable_by(upper, f64::total_cmp).1 / 100.0 }
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

/// Gives each wall pixel to the nearest accepted lumen it is joined to.
fn territories(lumens: &Labels, walls: Mask, kept: &[Option<Shape>], reach: f64) -> Plane<u32> {
    let mut seeds = lumens.plane.clone();
    for v in seeds.data_mut() {
        if *v != 0 && kept[*v as usize - 1].is_none() {
            *v = 0;
        }
    }
    let most = (reach * reach).min(f64::from(distance::MOST_NEAR - 1)) as u16;
    let squared = distance::squared_up_to(&seeds.map(|v| u8::from(v == 0)), most + 1);
    let mut within = walls;
    let limit = |d: u16| u8::from(d <= most);
    for ((w, &d), &seed) in within.data_mut().iter_mut().zip(squared.data()).zip(seeds.data()) {
        *w = *w & limit(d) | u8::from(seed != 0);
    }
    let steps: Vec<u8> = (0..=1024u32).map(|d| (f64::from(d).sqrt() * 4.0) as u8).collect();
    let height = squared.map(|d| steps[usize::from(d.min(1024))]);
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
