//! Nuclei of acini, alive and pyknotic, and the spindle cells and capillaries between acini.

use std::f32::consts::FRAC_PI_2;

use rayon::prelude::*;

use super::{
    Easel, NECROSIS, Request,
    acini::{Acinus, depth, direction, openness},
    class,
    layout::Plan,
    terrain::{ORGAN, ROOM, TONE, WARP_X, WARP_Y},
};
use crate::phantom::{
    blob::{Blob, Dye},
    stamp::NucleusKind,
    texture::Stream,
};

/// Share of the cells of an acinus whose nucleus lies in the section.
const NUCLEUS_SHOWN: f32 = 0.86;
/// Distance of nuclei from the base of the cell, µm.
const NUCLEUS_DEPTH_UM: f32 = 5.6;

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
pub(super) fn paint(easel: &mut Easel<'_>, plan: &Plan, request: &Request) -> Nuclei {
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
        // In small cells nuclei lie nearer to the base.
        let mut r = (reach - NUCLEUS_DEPTH_UM / plan.atrophy - inset / plan.atrophy).max(1.0);
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
    let ink = s.range(0.88, 1.16);
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
