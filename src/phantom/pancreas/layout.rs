//! Where everything goes: ducts and vessels, islets, fat cells, acini, and how wide gaps are.

use super::{
    ACINAR_ATROPHY, Easel, FAT, GAPS, ISLET_DENSITY, ISLET_OUTLINE, ISLET_SIZE, Request,
    acini::{border, shut_um},
    fat,
    fat::FatCell,
    terrain::{CLEFT, LOBULE, ORGAN, ROOM, SEPTUM, Terrain},
    tubes,
    tubes::Tube,
};
use crate::phantom::{
    blob::Blob,
    points::{Voronoi, jittered},
    texture::Stream,
};

/// Spacing of acini: a profile of 30–50 µm each.
const ACINUS_UM: f32 = 36.5;
/// Spread of islet diameters: SD of the logarithm of what exceeds the least.
const ISLET_SPREAD: f32 = 0.62;

/// A place for everything.
pub(super) struct Plan {
    pub(super) land: Terrain,
    pub(super) tubes: Vec<Tube>,
    pub(super) islets: Vec<Blob>,
    pub(super) fat: Vec<FatCell>,
    pub(super) acini: Voronoi,
    /// Acini per area, times normal.
    pub(super) atrophy: f32,
    /// Gap width: multiplies [`septum_um`] and [`cleft_um`].
    pub(super) gap: f32,
    /// Area that is neither gap nor fat nor tube, in mm²; estimated.
    pub(super) parenchyma_mm2: f64,
}

/// Half width of a septum at gap width 1.
pub(super) fn septum_um(relative: f32) -> f32 {
    7.0 * relative
}

/// Half width of a cleft between acini at gap width 1.
pub(super) fn cleft_um(relative: f32) -> f32 {
    1.1 * relative
}

/// Places everything. Whatever is asked for more of is added after what was there before, so that amounts
/// act monotonically.
pub(super) fn plan(request: &Request, easel: &Easel<'_>) -> Plan {
    let side = request.size_px as usize;
    let um = easel.um;
    let mut land = Terrain::new(side, um, request.seed);
    let organ_mm2 = organ_nodes(&land) * land.node_px() / f64::from(um * um) / 1e6;
    let solid = (1.0 - request.amount(&GAPS) / 100.0) * (1.0 - request.amount(&FAT) / 100.0);
    let parenchyma_mm2 = organ_mm2 * solid * tubes::SPARED;
    let mut islets = Vec::new();
    let wanted = islets_wanted(request, parenchyma_mm2);
    // The first islet comes before everything else, so that a small slide has room for it.
    place_islets(request, easel, &mut land, (0..wanted.min(1), wanted), &mut islets);
    let tubes = tubes::place(&mut land, easel);
    place_islets(request, easel, &mut land, (1..wanted, wanted), &mut islets);
    let fat = fat::place(request, easel, &mut land);
    let mut s = Stream::new(request.seed, "acini");
    let atrophy = request.amount(&ACINAR_ATROPHY) as f32;
    let spots = jittered(side as f32, side as f32, ACINUS_UM * um / atrophy.sqrt(), 0.85, &mut s);
    let room = |&(x, y): &(f32, f32)| land.at(x, y)[ROOM] > 7.0;
    let spots: Vec<_> = spots.into_iter().filter(room).collect();
    let acini = Voronoi::new(spots, side as f32, side as f32);
    let gap = gap_width(&land, &acini, um, request.amount(&GAPS) / 100.0);
    Plan { land, tubes, islets, fat, acini, atrophy, gap, parenchyma_mm2 }
}

fn organ_nodes(land: &Terrain) -> f64 {
    land.nodes.iter().filter(|n| n[ORGAN] > -5.0).count() as f64
}

/// Finds the gap width at which the share `wanted` of lobules and gaps is gap.
fn gap_width(land: &Terrain, acini: &Voronoi, um: f32, wanted: f64) -> f32 {
    let (mut needed, mut near): (Vec<f32>, _) = (Vec::new(), Vec::new());
    for (k, node) in land.nodes.iter().enumerate() {
        let (i, j) = (k % land.columns, k / land.columns);
        if node[ORGAN] <= 0.0 || node[ROOM] <= 0.0 || (i + 2 * j) % 3 != 0 {
            continue;
        }
        let (x, y) = ((i * land.step) as f32, (j * land.step) as f32);
        let at = (x + node[super::terrain::WARP_X] * um, y + node[super::terrain::WARP_Y] * um);
        acini.candidates(at, 12.0 * um, &mut near);
        let Some(edge) = border(acini, at, &near, um) else { continue };
        let open = edge.open.max(1e-3);
        let acinus = (edge.distance / um + shut_um(open)) / (cleft_um(node[CLEFT]) * open);
        needed.push((node[LOBULE] / septum_um(node[SEPTUM])).min(acinus));
    }
    let rank = (needed.len() as f64 * wanted) as usize;
    if rank >= needed.len() {
        return 1.0;
    }
    *needed.select_nth_unstable_by(rank, f32::total_cmp).1
}

fn islets_wanted(request: &Request, parenchyma_mm2: f64) -> usize {
    let density = request.amount(&ISLET_DENSITY);
    ((density * parenchyma_mm2).round() as usize).max(usize::from(density > 0.0))
}

/// Places islets in a fixed order, so that a larger number only adds to a smaller one.
fn place_islets(
    request: &Request,
    easel: &Easel<'_>,
    land: &mut Terrain,
    (indices, wanted): (std::ops::Range<usize>, usize),
    placed: &mut Vec<Blob>,
) {
    let turn = Stream::new(request.seed, "islet sizes").unit();
    let median = request.amount(&ISLET_SIZE) as f32;
    // Sizes of the islets of further sections go on where those of the one before ended.
    let before = request.section * wanted as u32;
    for index in indices {
        let z = inverse_normal((van_der_corput(before + index as u32 + 1) + 0.15 * turn).fract());
        let [_, least, most] = request.anatomy.islet_um;
        let diameter = least + (median - least) * (ISLET_SPREAD * z).exp();
        let diameter = diameter.min(most);
        if let Some(blob) = place_islet(request, easel, land, index, diameter) {
            land.occupy(&blob);
            placed.push(blob);
        }
    }
}

fn place_islet(
    request: &Request,
    easel: &Easel<'_>,
    land: &Terrain,
    index: usize,
    diameter_um: f32,
) -> Option<Blob> {
    let mut s = easel.stream("islet", index);
    let um = easel.um;
    let uneven = 0.105 * request.amount(&ISLET_OUTLINE) as f32;
    let stretch = 1.0 + s.unit().powi(2) * 0.45;
    let (turn, mut shape) = (s.angle(), s.clone());
    // A crowded or small slide takes a smaller islet before it takes none.
    for attempt in 0..420 {
        let shrink = 1.0 - 0.1 * (attempt / 70) as f32;
        let r = (diameter_um * shrink).max(request.anatomy.islet_um[1]) / 2.0;
        let side = request.size_px as f32;
        let (x, y) = (s.range(0.0, side), s.range(0.0, side));
        let (rx, ry) = (r * stretch.sqrt(), r / stretch.sqrt());
        let node = land.at(x, y);
        let inside = node[ORGAN] > rx * 1.1 + 26.0 && node[ROOM] > rx * 1.1 + 14.0 && node[LOBULE] > rx * 0.9;
        if inside || (attempt > 350 && node[ORGAN] > rx * 1.1 + 20.0 && node[ROOM] > rx + 8.0) {
            let blob = Blob::ellipse(x, y, rx * um, ry * um, turn).wobbly(uneven, &mut shape);
            return Some(blob);
        }
    }
    deepest(land, request.anatomy.islet_um[1] / 2.0, um).filter(|_| index == 0)
}

/// The smallest islet, of radius `r` µm, at the place farthest from everything.
fn deepest(land: &Terrain, r: f32, um: f32) -> Option<Blob> {
    let depth = |k: &usize| land.nodes[*k][ORGAN].min(land.nodes[*k][ROOM]);
    let best = (0..land.nodes.len()).max_by(|a, b| depth(a).total_cmp(&depth(b)))?;
    let (x, y) = ((best % land.columns * land.step) as f32, (best / land.columns * land.step) as f32);
    (depth(&best) > r + 8.0).then(|| Blob::circle(x, y, r * um))
}

/// Returns the `i`-th number of a sequence that fills 0..1 evenly at any length.
fn van_der_corput(i: u32) -> f32 {
    (i.reverse_bits() >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Returns about the quantile of the standard normal distribution (Tukey's lambda), within ±2.6.
fn inverse_normal(u: f32) -> f32 {
    let u = u.clamp(0.005, 0.995);
    (u.powf(0.135) - (1.0 - u).powf(0.135)) / 0.1975
}
