//! Acinar tissue: rosettes of wedge-shaped cells, purple at the base and pink with granules at the tip.

use rayon::prelude::*;

use super::{
    Easel, class,
    layout::{Plan, cleft_um, septum_um},
    terrain::{self, CLEFT, LOBULE, Node, ORGAN, ROOM, SEPTUM, TONE, WARP_X, WARP_Y},
};
use crate::{
    phantom::{
        blob::Dye,
        points::{Voronoi, circle},
        texture::{Stream, noise},
    },
    raster::Plane,
};

/// Side of the tile of grain that is laid over the tissue, px.
const GRAIN_PX: usize = 1024;
/// Rows and columns painted with one list of neighbouring acini.
const BLOCK_PX: usize = 8;
/// An acinus belongs to the organ if its centre lies at least this deep in it, µm.
const KEPT_UM: f32 = -6.0;
/// Acini of the organ bulge this far over its smooth outline.
const BULGE_UM: f32 = 6.0;

/// One acinus, from its number alone.
#[derive(Clone, Copy)]
pub(super) struct Acinus {
    pub(super) hash: u32,
}

impl Acinus {
    pub(super) fn new(index: u32, seed: u64) -> Self {
        let z = (u64::from(index) ^ seed.rotate_left(21)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self { hash: (z >> 32) as u32 }
    }

    /// Number of cells around the lumen.
    pub(super) fn cells(self) -> f32 {
        7.0 + (self.hash & 3) as f32
    }

    pub(super) fn turn(self) -> f32 {
        ((self.hash >> 2) & 255) as f32 * (1.0 / 256.0)
    }

    /// −1..1.
    fn tint(self) -> f32 {
        ((self.hash >> 10) & 255) as f32 * (2.0 / 255.0) - 1.0
    }

    /// How full of zymogen, 0..1.
    fn zymogen(self) -> f32 {
        ((self.hash >> 18) & 255) as f32 * (1.0 / 255.0)
    }

    /// −1..1 for a cell of this acinus.
    fn cell_tint(self, cell: u32) -> f32 {
        let z = (self.hash ^ cell.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35);
        (z >> 24) as f32 * (2.0 / 255.0) - 1.0
    }
}

/// A direction as a number 0..4 that rises with the angle, without trigonometry.
#[inline]
fn diamond(dx: f32, dy: f32) -> f32 {
    let p = dx / (dx.abs() + dy.abs()).max(1e-6);
    if dy >= 0.0 { 1.0 - p } else { 3.0 + p }
}

/// The unit vector of a [`diamond`] number.
pub(super) fn direction(diamond: f32) -> (f32, f32) {
    let (q, f) = ((diamond.rem_euclid(4.0)) as u32, diamond.rem_euclid(1.0));
    let (u, v) = (1.0 - f, f);
    let (x, y) = match q {
        0 => (u, v),
        1 => (-v, u),
        2 => (-u, -v),
        _ => (v, -u),
    };
    let length = u.hypot(v);
    (x / length, y / length)
}

/// Distances of a place in acinar tissue, µm.
#[derive(Clone, Copy)]
pub(super) struct Depth {
    /// From the edge of the gap next to it; negative in the gap.
    pub(super) gap: f32,
    /// From the border of the acinus.
    pub(super) base: f32,
}

/// `open` is how open the cleft to the next acinus is ([`openness`]).
pub(super) fn depth(node: &Node, acinus_border: f32, open: f32, gap: f32) -> Depth {
    let septum = node[LOBULE] - gap * septum_um(node[SEPTUM]);
    let cleft = acinus_border + shut_um(open) - gap * cleft_um(node[CLEFT]) * open;
    Depth {
        gap: septum.min(cleft).min(node[ORGAN]),
        base: acinus_border.min(septum).min(node[ORGAN]).min(node[ROOM]),
    }
}

/// The acinus of a place and its neighbour, the distance between them and how open their cleft is.
#[derive(Clone, Copy)]
pub(super) struct Border {
    pub(super) first: u32,
    pub(super) second: u32,
    /// Distance from the border, px.
    pub(super) distance: f32,
    pub(super) open: f32,
}

/// Clefts narrow over this distance where a shut one begins, µm.
const TAPER_UM: f32 = 9.0;

/// Finds the border a place lies at; `near` lists at least the nearest two acini.
#[inline]
pub(super) fn border(acini: &Voronoi, at: (f32, f32), near: &[u32], um: f32) -> Option<Border> {
    let spots = acini.spots();
    let mut best = [(f32::INFINITY, u32::MAX); 3];
    for &i in near {
        let spot = spots[i as usize];
        let d = (spot.0 - at.0).powi(2) + (spot.1 - at.1).powi(2);
        if d < best[0].0 {
            best = [(d, i), best[0], best[1]];
        } else if d < best[1].0 {
            best = [best[0], (d, i), best[1]];
        } else if d < best[2].0 {
            best[2] = (d, i);
        }
    }
    let own = *spots.get(best[0].1 as usize)?;
    let apart = |k: usize| {
        let other = spots.get(best[k].1 as usize)?;
        let gap = (other.0 - own.0).hypot(other.1 - own.1).max(1e-3);
        Some((best[k].0 - best[0].0) / (2.0 * gap))
    };
    let first = best[0].1;
    let Some(distance) = apart(1) else {
        return Some(Border { first, second: first, distance: f32::MAX, open: 0.0 });
    };
    let second = best[1].1;
    let mut open = openness(first, second);
    if let Some(third) = apart(2) {
        let far = ((third - distance) / (TAPER_UM * um)).clamp(0.0, 1.0);
        let corner = open.min(openness(first, best[2].1));
        open = corner + (open - corner) * far;
    }
    Some(Border { first, second, distance, open })
}

/// Where a cleft is shut, the cells on both sides touch: added to the distance from the gap, µm.
pub(super) fn shut_um(open: f32) -> f32 {
    0.32 * (1.0 - open.min(1.0))
}

/// The smaller of two distances, with the corner where they meet rounded over about 10 µm.
#[inline]
fn round_min(a: f32, b: f32) -> f32 {
    let overlap = (10.0 - (a - b).abs()).max(0.0);
    a.min(b) - overlap * overlap * (1.0 / 40.0)
}

/// How open the cleft between two acini is, 0 to 3: most are shut.
pub(super) fn openness(a: u32, b: u32) -> f32 {
    let z = (a.min(b).wrapping_mul(0x9e37_79b9) ^ a.max(b)).wrapping_mul(0x85eb_ca6b);
    let u = ((z ^ (z >> 13)).wrapping_mul(0xc2b2_ae35) >> 24) as f32 * (1.0 / 255.0);
    3.0 * u * u * u
}

/// What the painting of a pixel needs.
struct Brush<'a> {
    plan: &'a Plan,
    /// Fine grain: granules and ribosomes.
    grain: Plane<u8>,
    /// Coarser unevenness within a cell.
    mottle: Plane<u8>,
    /// Whether an acinus belongs to the organ; those left out make its outline scalloped.
    kept: Vec<bool>,
    um: f32,
    seed: u64,
}

/// Reads a tile that is laid out mirrored, so that no seam shows; −128..127.
#[inline]
fn tiled(tile: &Plane<u8>, x: usize, y: usize) -> f32 {
    let fold = |v: usize| {
        let v = v % (2 * GRAIN_PX);
        if v < GRAIN_PX { v } else { 2 * GRAIN_PX - 1 - v }
    };
    f32::from(tile.at(fold(x), fold(y))) - 128.0
}

/// Paints the whole organ as acinar tissue and gaps.
pub(super) fn cytoplasm(easel: &mut Easel<'_>, plan: &Plan) {
    let um = easel.um;
    let mut s = Stream::new(easel.seed, "grain");
    let mut tile = |um_period: f32| noise(GRAIN_PX, GRAIN_PX, (um_period * um).max(1.0), 2, &mut s);
    let (grain, mottle) = (tile(1.7), tile(7.0));
    let kept = plan.acini.spots().iter().map(|&(x, y)| plan.land.at(x, y)[ORGAN] > KEPT_UM).collect();
    let brush = Brush { plan, grain, mottle, kept, um, seed: easel.seed };
    let (width, _) = easel.canvas.size();
    let band = width * BLOCK_PX;
    let rows = easel
        .canvas
        .h
        .data_mut()
        .par_chunks_mut(band)
        .zip(easel.canvas.e.data_mut().par_chunks_mut(band))
        .zip(easel.ground.data_mut().par_chunks_mut(band));
    rows.enumerate().for_each_init(Block::default, |block, (k, ((h, e), ground))| {
        let y0 = k * BLOCK_PX;
        block.lines.resize(h.len() / width, Vec::new());
        for (dy, line) in block.lines.iter_mut().enumerate() {
            plan.land.row(y0 + dy, line);
        }
        for x0 in (0..width).step_by(BLOCK_PX) {
            let centre = (x0 as f32 + 4.0, y0 as f32 + 4.0);
            if plan.land.at(centre.0, centre.1)[ORGAN] < -BULGE_UM - 6.0 {
                continue;
            }
            block.survey(&brush, (x0, (x0 + BLOCK_PX).min(width)), y0);
            for place in &block.places {
                let i = (place.y - y0) * width + place.x;
                if let Some((dye, kind)) = brush.pixel(place, &block.near) {
                    (h[i], e[i], ground[i]) = (dye.h, dye.e, kind);
                }
            }
        }
    });
}

/// A pixel, and what the land is like there.
struct Place {
    x: usize,
    y: usize,
    node: Node,
    /// Where it looks for the nearest acini.
    at: (f32, f32),
}

/// Some pixels that share a list of acini.
#[derive(Default)]
struct Block {
    /// The land along each row.
    lines: Vec<Vec<Node>>,
    places: Vec<Place>,
    /// The acini that can be among the nearest three of any.
    near: Vec<u32>,
}

impl Block {
    /// Moves on to the columns from `x0` to before `x1`.
    fn survey(&mut self, brush: &Brush<'_>, (x0, x1): (usize, usize), y0: usize) {
        let (um, land) = (brush.um, &brush.plan.land);
        self.places.clear();
        for (y, line) in (y0..).zip(&self.lines) {
            self.places.extend((x0..x1).map(|x| {
                let node = terrain::along(line, x, land.step);
                let at = (x as f32 + 0.5 + node[WARP_X] * um, y as f32 + 0.5 + node[WARP_Y] * um);
                Place { x, y, node, at }
            }));
        }
        let (centre, reach) = circle(self.places.iter().map(|p| p.at));
        brush.plan.acini.candidates_of::<3>(centre, reach, &mut self.near);
    }
}

impl Brush<'_> {
    /// Returns the dye and the class of a pixel, or `None` on glass.
    #[inline]
    fn pixel(&self, &Place { x, y, ref node, at }: &Place, near: &[u32]) -> Option<(Dye, u8)> {
        if node[ORGAN] < -BULGE_UM - 1.0 {
            return None;
        }
        let near = border(&self.plan.acini, at, near, self.um)?;
        let (mine, next) = (self.kept[near.first as usize], self.kept[near.second as usize]);
        let outline = if next { f32::MAX } else { near.distance / self.um };
        let mut node = *node;
        node[ORGAN] = round_min(node[ORGAN] + BULGE_UM, outline);
        if !mine || node[ORGAN] * self.um < -1.0 {
            return None;
        }
        let depth = depth(&node, near.distance / self.um, near.open, self.plan.gap);
        let cover = (0.5 + depth.gap * self.um / (0.9 * self.um).max(1.0)).clamp(0.0, 1.0);
        let (grain, mottle) = (tiled(&self.grain, x, y), tiled(&self.mottle, x, y));
        let gap = self.gap(&node, grain);
        if cover <= 0.0 {
            return Some((Dye::he(gap.0 as u8, gap.1 as u8), class::GAP));
        }
        let spot = self.plan.acini.spots()[near.first as usize];
        let off = ((at.0 - spot.0) / self.um, (at.1 - spot.1) / self.um);
        let acinus = Acinus::new(near.first, self.seed);
        let (h, e) = if node[ROOM] < 1.3 {
            (5.0 + grain * 0.03, 15.0 + grain * 0.08)
        } else {
            self.cell(acinus, off, depth, [grain, mottle], node[TONE])
        };
        let mix = |a: f32, b: f32| (a + (b - a) * cover).clamp(0.0, 255.0) as u8;
        let kind = match (depth.gap < 0.0, node[ROOM] < 1.3) {
            (true, _) => class::GAP,
            (false, true) => class::STROMA,
            (false, false) => class::ACINAR,
        };
        Some((Dye::he(mix(gap.0, h), mix(gap.1, e)), kind))
    }

    /// Clear, with wisps of collagen along a septum.
    fn gap(&self, node: &Node, grain: f32) -> (f32, f32) {
        let half = (self.plan.gap * septum_um(node[SEPTUM])).max(0.5);
        if node[LOBULE] > half {
            return (0.6, 1.5);
        }
        let wisp = |at: f32, width: f32| (1.0 - (node[LOBULE] - at).abs() / width).max(0.0);
        let sway = (node[WARP_X] * 0.35, node[WARP_Y] * 0.35);
        let fade = (0.75 + 0.5 * node[TONE] + grain * 0.003).clamp(0.2, 1.0);
        let fade = fade * (node[ORGAN] / 50.0).clamp(0.0, 1.0);
        let ink = wisp(half * 0.12 + sway.0.max(0.0), 1.3) + 0.7 * wisp(half * 0.55 + sway.1, 1.0);
        let ink = (ink * fade).min(1.0);
        (0.6 + 3.5 * ink, 1.5 + 15.0 * ink)
    }

    /// Haematoxylin and eosin of a place inside an acinar cell, `off` µm from the acinus's centre.
    #[inline]
    fn cell(
        &self,
        acinus: Acinus,
        off: (f32, f32),
        depth: Depth,
        [grain, mottle]: [f32; 2],
        tone: f32,
    ) -> (f32, f32) {
        let out = off.0.hypot(off.1);
        let n = acinus.cells();
        let turn = diamond(off.0, off.1) * n * 0.25 + acinus.turn() * n;
        let (cell, part) = (turn as u32, turn.fract());
        let wall = part.min(1.0 - part) * out * (6.0 / n);
        let base = depth.base.max(0.0);
        let t = base / (base + out + 0.1);
        let tint = acinus.cell_tint(cell % n as u32);
        // The purple base reaches further in some cells than in others.
        let edge = 0.44 + 0.16 * tint + mottle * 0.0022 + grain * 0.001;
        let apical = ((t - edge) * 2.3 + 0.5).clamp(0.0, 1.0);
        let apical = apical * apical * (3.0 - 2.0 * apical);
        let zymogen =
            (0.35 + 0.65 * acinus.zymogen()) * (1.0 + grain * 0.010 + mottle * 0.003) / self.plan.atrophy;
        let basal = (1.0 - apical) * (1.0 + 0.2 * tint + mottle * 0.0034 + grain * 0.0015);
        let mut h = 10.0 + 16.5 * basal + grain * 0.02;
        let mut e = 15.0 + 20.0 * apical * zymogen + grain * 0.035 + mottle * 0.015;
        let seam = (1.0 - wall / 0.6).max(0.0) * (1.0 - apical * 0.8);
        let brim = (1.0 - depth.base / 0.7).clamp(0.0, 1.0);
        h *= 1.0 - 0.24 * seam - 0.22 * brim;
        e *= 1.0 - 0.16 * seam - 0.12 * brim;
        // A slit of lumen where the tips meet.
        let lumen = ((t - 0.90) * 14.0).clamp(0.0, 1.0) * (1.0 - acinus.zymogen());
        let strength = 1.0 + 0.1 * tone + 0.08 * acinus.tint();
        (h * strength * (1.0 - 0.5 * lumen), e * strength * (1.0 - 0.4 * lumen))
    }
}
