//! Acinar tissue: rosettes of wedge-shaped cells, purple at the base and pink with granules at the tip.

use std::f32::consts::FRAC_PI_2;

use rayon::prelude::*;

use super::{
    Easel, NECROSIS, Request, class,
    layout::{Plan, cleft_um, septum_um},
    terrain::{self, CLEFT, LOBULE, Node, ORGAN, ROOM, SEPTUM, TONE, WARP_X, WARP_Y},
};
use crate::{
    phantom::{
        blob::{Blob, Dye},
        stamp::NucleusKind,
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
/// Share of the cells of an acinus whose nucleus lies in the section.
const NUCLEUS_SHOWN: f32 = 0.86;
/// Distance of nuclei from the base of the cell, µm.
const NUCLEUS_DEPTH_UM: f32 = 5.6;

/// One acinus, from its number alone.
#[derive(Clone, Copy)]
pub(super) struct Acinus {
    hash: u32,
}

impl Acinus {
    pub(super) fn new(index: u32, seed: u64) -> Self {
        let z = (u64::from(index) ^ seed.rotate_left(21)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self { hash: (z >> 32) as u32 }
    }

    /// Number of cells around the lumen.
    fn cells(self) -> f32 {
        7.0 + (self.hash & 3) as f32
    }

    fn turn(self) -> f32 {
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
fn direction(diamond: f32) -> (f32, f32) {
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
struct Depth {
    /// From the edge of the gap next to it; negative in the gap.
    gap: f32,
    /// From the border of the acinus.
    base: f32,
}

/// `open` is how open the cleft to the next acinus is ([`openness`]).
fn depth(node: &Node, acinus_border: f32, open: f32, gap: f32) -> Depth {
    let septum = node[LOBULE] - gap * septum_um(node[SEPTUM]);
    let cleft = acinus_border - gap * cleft_um(node[CLEFT]) * open;
    Depth {
        gap: septum.min(cleft).min(node[ORGAN]),
        base: acinus_border.min(septum).min(node[ORGAN]).min(node[ROOM]),
    }
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
    rows.enumerate().for_each_init(
        || (Vec::new(), vec![Vec::new(); BLOCK_PX]),
        |(near, lines), (k, ((h, e), ground))| {
            let y0 = k * BLOCK_PX;
            for (dy, line) in lines.iter_mut().enumerate() {
                plan.land.row(y0 + dy, line);
            }
            for x0 in (0..width).step_by(BLOCK_PX) {
                let centre = (x0 as f32 + 4.0, y0 as f32 + 4.0);
                if plan.land.at(centre.0, centre.1)[ORGAN] < -BULGE_UM - 6.0 {
                    continue;
                }
                plan.acini.candidates(centre, 5.7 + 20.0 * um, near);
                for dy in 0..h.len() / width {
                    for x in x0..(x0 + BLOCK_PX).min(width) {
                        let node = terrain::along(&lines[dy], x, plan.land.step);
                        let i = dy * width + x;
                        if let Some((dye, kind)) = brush.pixel(x, y0 + dy, &node, near) {
                            (h[i], e[i], ground[i]) = (dye.h, dye.e, kind);
                        }
                    }
                }
            }
        },
    );
}

impl Brush<'_> {
    /// Returns the dye and the class of a pixel, or `None` on glass.
    #[inline]
    fn pixel(&self, x: usize, y: usize, node: &Node, near: &[u32]) -> Option<(Dye, u8)> {
        if node[ORGAN] < -BULGE_UM - 1.0 {
            return None;
        }
        let at = (x as f32 + 0.5 + node[WARP_X] * self.um, y as f32 + 0.5 + node[WARP_Y] * self.um);
        let near = self.plan.acini.pick(at, near)?;
        let (mine, next) = (self.kept[near.first as usize], self.kept[near.second as usize]);
        let outline = if next { f32::MAX } else { near.border / self.um };
        let mut node = *node;
        node[ORGAN] = round_min(node[ORGAN] + BULGE_UM, outline);
        if !mine || node[ORGAN] * self.um < -1.0 {
            return None;
        }
        let open = openness(near.first, near.second);
        let depth = depth(&node, near.border / self.um, open, self.plan.gap);
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
        let zymogen = (0.35 + 0.65 * acinus.zymogen()) * (1.0 + grain * 0.010 + mottle * 0.003);
        let basal = (1.0 - apical) * (1.0 + 0.22 * tint + mottle * 0.0042 + grain * 0.0015);
        let mut h = 11.0 + 20.0 * basal + grain * 0.02;
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

/// What nuclei of acini were painted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nuclei {
    pub(super) alive: u64,
    pub(super) pyknotic: u64,
}

/// A nucleus to be painted.
struct Site {
    x: f32,
    y: f32,
    /// Direction towards the lumen, radians.
    inward: f32,
    /// Rank among those that die: the smaller, the earlier.
    doom: f32,
    bits: u64,
}

/// Paints the nuclei of acini, the pyknotic share of them shrunken, and spindle cells between acini.
pub(super) fn nuclei(easel: &mut Easel<'_>, plan: &Plan, request: &Request) -> Nuclei {
    let um = easel.um;
    let count = plan.acini.spots().len();
    let sites: Vec<Vec<Site>> = (0..count).into_par_iter().map(|k| sites(plan, k, um, easel.seed)).collect();
    let sites = apart(sites.into_iter().flatten(), easel.canvas.size(), um);
    let free = |site: &Site| {
        let blob = Blob::circle(site.x, site.y, 3.6 * um);
        easel.holds(&blob, class::ACINAR) && easel.canvas.is_free(&blob, "nuclei")
    };
    let sites: Vec<Site> = sites.into_iter().filter(free).collect();
    let limit = doom_limit(&sites, request.amount(&NECROSIS) / 100.0);
    let mut painted = Nuclei::default();
    for site in &sites {
        let mut s = Stream::new(site.bits, "nucleus");
        let dead = site.doom < limit;
        nucleus(easel, &mut s, site, dead);
        painted.alive += u64::from(!dead);
        painted.pyknotic += u64::from(dead);
    }
    spindles(easel, plan);
    painted
}

/// Least distance between the nuclei of two acini.
const APART_UM: f32 = 6.6;

/// Drops every site that is too near an earlier one, so that what is kept does not depend on what dies.
fn apart(sites: impl Iterator<Item = Site>, (width, height): (usize, usize), um: f32) -> Vec<Site> {
    let side = (APART_UM * um).max(1.0);
    let columns = (width as f32 / side) as usize + 3;
    let rows = (height as f32 / side) as usize + 3;
    let mut taken: Vec<u32> = vec![u32::MAX; columns * rows];
    let mut kept: Vec<Site> = Vec::new();
    for site in sites {
        let at = |v: f32, n: usize| ((v / side).max(0.0) as usize + 1).min(n - 2);
        let (i, j) = (at(site.x, columns), at(site.y, rows));
        let clash = (j - 1..=j + 1).any(|j| {
            taken[j * columns + i - 1..=j * columns + i + 1].iter().any(|&k| {
                let other = kept.get(k as usize);
                other.is_some_and(|o| (o.x - site.x).hypot(o.y - site.y) < side)
            })
        });
        if !clash {
            taken[j * columns + i] = kept.len() as u32;
            kept.push(site);
        }
    }
    kept
}

/// Returns the rank below which nuclei are pyknotic, for a share of all.
fn doom_limit(sites: &[Site], share: f64) -> f32 {
    let mut ranks: Vec<f32> = sites.iter().map(|s| s.doom).collect();
    let k = (ranks.len() as f64 * share).round() as usize;
    if k == 0 {
        return f32::NEG_INFINITY;
    }
    if k >= ranks.len() {
        return f32::INFINITY;
    }
    *ranks.select_nth_unstable_by(k, f32::total_cmp).1
}

/// Returns where the nuclei of acinus `k` lie: near the base of each cell.
fn sites(plan: &Plan, k: usize, um: f32, seed: u64) -> Vec<Site> {
    let spot = plan.acini.spots()[k];
    let acinus = Acinus::new(k as u32, seed);
    let mut s = Stream::new(seed ^ u64::from(acinus.hash) ^ ((k as u64) << 32), "acinar nuclei");
    let patch = plan.land.at(spot.0, spot.1)[TONE];
    let mut near = Vec::new();
    plan.acini.candidates(spot, 12.0 * um, &mut near);
    let n = acinus.cells();
    let mut found = Vec::new();
    for cell in 0..n as u32 {
        let shown = s.chance(NUCLEUS_SHOWN);
        let (doom, bits) = (s.unit() + 1.6 * patch, s.bits());
        let (along, inset) = (s.range(0.3, 0.7), s.range(-0.6, 2.0));
        let (ux, uy) = direction((cell as f32 + along - acinus.turn() * n) * 4.0 / n);
        let (reach, next) = ray(plan, k, &near, (ux, uy));
        let (reach, open) = (reach / um, openness(k as u32, next));
        let mut r = (reach - NUCLEUS_DEPTH_UM - inset).max(1.0);
        if !shown {
            continue;
        }
        for _ in 0..5 {
            let (x, y) = unwarp(plan, (spot.0 + ux * r * um, spot.1 + uy * r * um), um);
            let node = plan.land.at(x, y);
            let free = depth(&node, reach - r, open, plan.gap);
            if free.gap.min(free.base) > 3.6 && node[ROOM] > 4.4 {
                found.push(Site { x, y, inward: (-uy).atan2(-ux), doom, bits });
                break;
            }
            r -= 2.5;
            if r < 2.0 {
                break;
            }
        }
    }
    found
}

/// Distance from acinus `k` to its border in a direction, px, and the acinus beyond.
fn ray(plan: &Plan, k: usize, near: &[u32], (ux, uy): (f32, f32)) -> (f32, u32) {
    let spots = plan.acini.spots();
    let own = spots[k];
    near.iter()
        .filter(|&&i| i as usize != k)
        .filter_map(|&i| {
            let (dx, dy) = (spots[i as usize].0 - own.0, spots[i as usize].1 - own.1);
            let towards = dx * ux + dy * uy;
            (towards > 0.0).then(|| ((dx * dx + dy * dy) / (2.0 * towards), i))
        })
        .fold((60.0 * plan.land.step as f32, k as u32), |a, b| if b.0 < a.0 { b } else { a })
}

/// Returns the pixel position that the warp moves to `to`.
fn unwarp(plan: &Plan, to: (f32, f32), um: f32) -> (f32, f32) {
    let mut at = to;
    for _ in 0..4 {
        let node = plan.land.at(at.0, at.1);
        at = (to.0 - node[WARP_X] * um, to.1 - node[WARP_Y] * um);
    }
    at
}

fn nucleus(easel: &mut Easel<'_>, s: &mut Stream, site: &Site, dead: bool) {
    let um = easel.um;
    let size = if dead { s.range(1.5, 2.0) } else { s.range(2.8, 3.5) } * um;
    let long = s.range(1.0, 1.18);
    let blob = Blob::ellipse(site.x, site.y, size, size * long, site.inward).wobbly(0.025, s);
    let kind = if dead { NucleusKind::Pyknotic } else { NucleusKind::Vesicular };
    if dead {
        let halo = Blob::ellipse(site.x, site.y, 6.5 * um, 5.5 * um, site.inward).wobbly(0.08, s);
        easel.canvas.shade(&halo, 2.5 * um, |_, _, _, old| {
            if u32::from(old.h) + u32::from(old.e) < 14 || old.h > 45 {
                return old;
            }
            Dye { h: old.h / 2, e: old.e.max(30).saturating_add(8), rbc: old.rbc }
        });
    }
    easel.nuclei += 1;
    // Nuclei above or below the plane of focus are fainter.
    let ink = s.range(0.78, 1.14);
    easel.stamp.nucleus(easel.canvas, s, kind, &blob, ink, easel.nuclei);
}

/// Fibroblasts and capillary endothelium squeezed between acini.
fn spindles(easel: &mut Easel<'_>, plan: &Plan) {
    let um = easel.um;
    let mut near = Vec::new();
    for k in 0..plan.acini.spots().len() {
        let mut s = easel.stream("spindle", k);
        if !s.chance(0.3) {
            continue;
        }
        let own = plan.acini.spots()[k];
        plan.acini.candidates(own, 2.0, &mut near);
        let pick = near.get(s.index(near.len())).copied();
        let Some(&(ox, oy)) = pick.and_then(|i| plan.acini.spots().get(i as usize)) else { continue };
        let (x, y) = unwarp(plan, ((own.0 + ox) / 2.0, (own.1 + oy) / 2.0), um);
        let node = plan.land.at(x, y);
        if (ox, oy) == own || node[ROOM] < 8.0 || node[ORGAN] < 5.0 {
            continue;
        }
        let along = (oy - own.1).atan2(ox - own.0) + FRAC_PI_2;
        if s.chance(0.35) {
            capillary(easel, &mut s, (x, y), along);
            continue;
        }
        let blob = Blob::ellipse(x, y, s.range(3.6, 5.6) * um, s.range(0.9, 1.3) * um, along);
        if easel.ground.get(x as i64, y as i64) != Some(class::GLASS) && easel.canvas.is_free(&blob, "nuclei")
        {
            easel.nuclei += 1;
            let ink = s.range(0.7, 1.0);
            let id = easel.nuclei;
            easel.stamp.nucleus(easel.canvas, &mut s, NucleusKind::Elongated, &blob, ink, id);
        }
    }
}

/// A few red cells in a row in a capillary between acini.
fn capillary(easel: &mut Easel<'_>, s: &mut Stream, (x, y): (f32, f32), along: f32) {
    let um = easel.um;
    for k in 0..1 + s.index(4) {
        let far = k as f32 * 4.6 * um;
        let (cx, cy) = (x + far * along.cos(), y + far * along.sin());
        let cell = Blob::ellipse(cx, cy, s.range(2.5, 3.3) * um, s.range(1.3, 2.2) * um, along);
        let free = easel.ground.get(cx as i64, cy as i64);
        if free.is_some_and(|c| c == class::ACINAR || c == class::GAP)
            && easel.canvas.is_free(&cell, "nuclei")
        {
            let ink = s.range(0.6, 0.95);
            easel.stamp.red_cell(easel.canvas, &cell, ink, 0);
        }
    }
}
