//! Where the lobules are: central veins, portal tracts between them, and the outline of the section.

use crate::phantom::{
    blob::{Blob, Outline},
    points::{Spot, jittered},
    texture::{Stream, noise, noise_at},
};

use super::coarse::Coarse;

/// Distance of neighbouring central veins in rats, in µm; portal tracts then lie 300–500 µm from them
/// (domain.md §2.2.1).
const LOBULE_UM: f32 = 640.0;
/// Portal tracts are at least this far apart in rats, in µm.
const TRACTS_APART_UM: f32 = 190.0;
/// Share of lobule corners that hold a portal tract in the plane of section.
const TRACT_SHARE: f32 = 0.9;

/// Structures whose centre is nearer than this to the section's edge are left out, in µm.
const FROM_EDGE_UM: f32 = 42.0;
/// In small pictures that is this share of the side.
const FROM_EDGE_SHARE: f32 = 0.04;
/// Parenchyma left between a structure and the section's edge, in µm.
const AROUND_UM: f32 = 16.0;

/// A blob whose outline follows the tissue's unevenness.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ragged<'a> {
    pub(super) blob: Blob,
    pub(super) terrain: &'a Coarse<4>,
    /// Largest shift of the outline, in pixels.
    pub(super) reach: f32,
}

impl Ragged<'_> {
    /// Returns the same outline grown by pixels.
    pub(super) fn grown(self, by: f32) -> Self {
        Self { blob: self.blob.grown(by), ..self }
    }
}

impl Outline for Ragged<'_> {
    fn distance(&self, x: f32, y: f32) -> f32 {
        self.blob.distance(x, y) + (self.terrain.at(x, y)[3] * 1.6).clamp(-1.0, 1.0) * self.reach
    }

    fn bounds(&self) -> [f32; 4] {
        let [x0, y0, x1, y1] = self.blob.bounds();
        [x0 - self.reach, y0 - self.reach, x1 + self.reach, y1 + self.reach]
    }
}

/// A thin-walled lumen.
#[derive(Clone, Debug)]
pub(super) struct Vein {
    pub(super) lumen: Blob,
    pub(super) wall_px: f32,
}

/// A collagen cuff around vein, arteriole and bile duct.
#[derive(Clone, Debug)]
pub(super) struct Tract {
    pub(super) cuff: Blob,
    pub(super) angle: f32,
    pub(super) vein: Blob,
    pub(super) arteriole: Blob,
    pub(super) duct: Blob,
}

/// The plan of a section.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) size: (usize, usize),
    /// Pixels per µm.
    pub(super) um: f32,
    /// Centres of all lobules, those beyond the section too.
    centres: Vec<Spot>,
    pub(super) veins: Vec<Vein>,
    pub(super) tracts: Vec<Tract>,
    /// Distance to the section's edge in µm (negative on glass); position between central vein (0) and
    /// portal tract (1); width of sinusoids, −1..1; pallor of the cytoplasm, −1..1.
    pub(super) terrain: Coarse<4>,
}

impl Layout {
    /// Plans a section of `size` pixels of `1 / um` µm. Lobules, veins and tracts are `wide` times those of rats.
    pub(super) fn new(size: (usize, usize), um: f32, wide: f32, seed: u64) -> Self {
        let mut s = Stream::new(seed, "liver layout");
        let (centres, corners) = lobules(size, um * wide, &mut s);
        let mut tracts: Vec<Tract> = corners.iter().map(|&c| tract(c, um, wide, &mut s)).collect();
        let mut veins: Vec<Vein> = centres.iter().map(|&c| vein(c, um, wide, &mut s)).collect();
        let edge = Edge::new(size, um);
        let least = (FROM_EDGE_SHARE * edge.least).min(FROM_EDGE_UM);
        let whole = |b: &Blob| edge.distance(b.x / um, b.y / um) > least;
        tracts.retain(|t| whole(&t.cuff));
        veins.retain(|v| whole(&v.lumen));
        let kept: Vec<Blob> =
            veins.iter().map(|v| v.lumen.grown(v.wall_px)).chain(tracts.iter().map(|t| t.cuff)).collect();
        let terrain = terrain(&edge, (&centres, &corners), &kept, &mut s);
        Self { size, um, centres, veins, tracts, terrain }
    }

    /// Returns the direction from the nearest central vein to a place, in radians.
    pub(super) fn radial(&self, (x, y): Spot) -> f32 {
        let by_distance = |a: &&Spot, b: &&Spot| squared(**a, (x, y)).total_cmp(&squared(**b, (x, y)));
        let nearest = self.centres.iter().min_by(by_distance);
        nearest.map_or(0.0, |&(cx, cy)| (y - cy).atan2(x - cx))
    }
}

fn squared(a: Spot, b: Spot) -> f32 {
    (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)
}

/// Returns central veins and portal tracts, moved so that the middle of the plane lies halfway between one
/// of each: even a small picture shows both.
fn lobules(size: (usize, usize), um: f32, s: &mut Stream) -> (Vec<Spot>, Vec<Spot>) {
    let spacing = LOBULE_UM * um;
    let (width, height) = (size.0 as f32 + 5.0 * spacing, size.1 as f32 + 5.0 * spacing);
    let mut centres = jittered(width, height, spacing, 0.4, s);
    let mut corners = lobule_corners(&centres, spacing, TRACTS_APART_UM * um);
    let middle = (width / 2.0, height / 2.0);
    let by_distance = |a: &&Spot, b: &&Spot| squared(**a, middle).total_cmp(&squared(**b, middle));
    let origin = centres.iter().min_by(by_distance).copied().unwrap_or(middle);
    // Of the corners of that lobule, the one nearest to a diagonal.
    let straightness = |c: &Spot| (((c.1 - origin.1).atan2(c.0 - origin.0) * 2.0).sin()).abs();
    let corner = corners
        .iter()
        .filter(|c| squared(**c, origin) < (spacing * 0.85).powi(2))
        .max_by(|a, b| straightness(a).total_cmp(&straightness(b)))
        .copied()
        .unwrap_or(origin);
    let shift = (
        size.0 as f32 / 2.0 - (origin.0 + corner.0) / 2.0,
        size.1 as f32 / 2.0 - (origin.1 + corner.1) / 2.0,
    );
    corners.retain(|&c| c == corner || s.chance(TRACT_SHARE));
    let near = |p: &mut Spot| {
        *p = (p.0 + shift.0, p.1 + shift.1);
        let margin = spacing;
        (-margin..size.0 as f32 + margin).contains(&p.0) && (-margin..size.1 as f32 + margin).contains(&p.1)
    };
    centres.retain_mut(near);
    corners.retain_mut(near);
    (centres, corners)
}

/// Returns the corners of the centres' Voronoi cells, at least `apart` from each other.
fn lobule_corners(centres: &[Spot], spacing: f32, apart: f32) -> Vec<Spot> {
    let mut corners: Vec<Spot> = Vec::new();
    for (i, &a) in centres.iter().enumerate() {
        let near: Vec<(usize, Spot)> = centres
            .iter()
            .copied()
            .enumerate()
            .filter(|&(j, b)| j != i && squared(a, b) < (2.4 * spacing).powi(2))
            .collect();
        for (n, &(j, b)) in near.iter().enumerate() {
            for &(k, c) in &near[n + 1..] {
                if i > j || j > k {
                    continue;
                }
                let Some(centre) = circumcentre(a, b, c) else { continue };
                let radius = squared(centre, a);
                let empty = near.iter().all(|&(m, p)| m == j || m == k || squared(centre, p) >= radius);
                let free = corners.iter().all(|&p| squared(p, centre) >= apart * apart);
                if empty && free && radius < spacing * spacing {
                    corners.push(centre);
                }
            }
        }
    }
    corners
}

fn circumcentre(a: Spot, b: Spot, c: Spot) -> Option<Spot> {
    let (bx, by, cx, cy) = (b.0 - a.0, b.1 - a.1, c.0 - a.0, c.1 - a.1);
    let d = 2.0 * (bx * cy - by * cx);
    let (b2, c2) = (bx * bx + by * by, cx * cx + cy * cy);
    (d.abs() > 1e-3).then(|| (a.0 + (cy * b2 - by * c2) / d, a.1 + (bx * c2 - cx * b2) / d))
}

fn vein((x, y): Spot, um: f32, wide: f32, s: &mut Stream) -> Vein {
    let r = (s.normal(36.0, 9.0) * wide).clamp(21.0, 68.0) * um;
    let lumen = Blob::ellipse(x, y, r * s.range(1.0, 1.45), r, s.angle()).wobbly(0.07, s);
    Vein { lumen, wall_px: s.range(1.8, 3.2) * um }
}

fn tract((x, y): Spot, um: f32, wide: f32, s: &mut Stream) -> Tract {
    let r = s.range(44.0, 66.0) * wide * um;
    let angle = s.angle();
    let cuff = Blob::ellipse(x, y, r * s.range(1.05, 1.4), r, angle).wobbly(0.15, s);
    let place = |turn: f32, far: f32| {
        let (sin, cos) = (angle + turn).sin_cos();
        (x + cos * far * r, y + sin * far * r)
    };
    let (vx, vy) = place(0.0, 0.38);
    let vein = r * s.range(0.36, 0.5);
    let vein = Blob::ellipse(vx, vy, vein * s.range(1.0, 1.35), vein, s.angle()).wobbly(0.08, s);
    let turn = s.range(0.55, 0.75) * if s.chance(0.5) { 1.0 } else { -1.0 };
    let (ax, ay) = place(std::f32::consts::PI - turn, 0.62);
    let artery = s.range(6.5, 9.5) * um;
    let arteriole = Blob::ellipse(ax, ay, artery * 1.15, artery, s.angle()).wobbly(0.05, s);
    let (dx, dy) = place(std::f32::consts::PI + turn, 0.6);
    let duct = s.range(9.5, 13.5) * um;
    let duct = Blob::ellipse(dx, dy, duct * s.range(1.0, 1.25), duct, s.angle()).wobbly(0.05, s);
    Tract { cuff, angle, vein, arteriole, duct }
}

/// Step of the terrain, in µm.
const TERRAIN_UM: f32 = 4.0;

fn terrain(edge: &Edge, (centres, corners): (&[Spot], &[Spot]), kept: &[Blob], s: &mut Stream) -> Coarse<4> {
    let (size, um) = (edge.size, edge.um);
    let step = TERRAIN_UM * um;
    let count = |n: usize| (n as f32 / step).ceil() as usize + 2;
    let (columns, rows) = (count(size.0), count(size.1));
    let mut cloud = |period_um: f32, octaves| noise(columns, rows, period_um / TERRAIN_UM, octaves, s);
    let coast = cloud((edge.least / 3.0).max(40.0), 3);
    let rough = cloud(50.0, 3);
    let slits = cloud(70.0, 3);
    let pallor = cloud(46.0, 4);
    let reach = 1.5 * LOBULE_UM * um;
    Coarse::by_row(size, step, |y, row| {
        let near = |list: &[Spot]| -> Vec<Spot> {
            list.iter().copied().filter(|p| (p.1 - y).abs() < reach).collect()
        };
        let (centres, corners) = (near(centres), near(corners));
        let kept: Vec<&Blob> = kept.iter().filter(|b| (b.y - y).abs() < reach / 3.0).collect();
        let j = (y / step) as usize;
        let far = |list: &[Spot], at: Spot| {
            list.iter().map(|&p| squared(p, at)).fold(f32::MAX, f32::min).sqrt().min(2.0 * reach)
        };
        for (i, out) in row.iter_mut().enumerate() {
            let at = (i as f32 * step, y);
            let (vein, tract) = (far(&centres, at), far(&corners, at));
            let wave = edge.amplitude() * noise_at(&coast, i, j);
            let inwards = edge.distance(at.0 / um, at.1 / um) + wave;
            let near = kept.iter().filter(|b| (b.x - at.0).abs() < reach / 3.0);
            let inwards = near.fold(inwards, |d, b| bulge(d, AROUND_UM - b.distance(at.0, at.1) / um));
            out[0] = inwards + 5.0 * noise_at(&rough, i, j);
            out[1] = vein / (vein + tract).max(1.0);
            out[2] = noise_at(&slits, i, j);
            out[3] = noise_at(&pallor, i, j);
        }
    })
}

/// Joins two shapes, given distances inwards in µm, with a fillet.
fn bulge(a: f32, b: f32) -> f32 {
    const FILLET_UM: f32 = 80.0;
    let h = (1.0 - (a - b).abs() / FILLET_UM).max(0.0);
    a.max(b) + h * h * FILLET_UM * 0.25
}

/// The section's outline before it is made irregular: a rounded square.
struct Edge {
    size: (usize, usize),
    um: f32,
    /// Shorter side in µm.
    least: f32,
}

impl Edge {
    fn new(size: (usize, usize), um: f32) -> Self {
        Self { size, um, least: size.0.min(size.1) as f32 / um }
    }

    fn amplitude(&self) -> f32 {
        (self.least * 0.05).min(200.0)
    }

    /// Returns the distance inwards in µm.
    fn distance(&self, x: f32, y: f32) -> f32 {
        let margin = (0.04 * self.least).min(8.0) + self.amplitude() * 0.8;
        let round = self.least * 0.17;
        let beyond = |v: f32, n: usize| {
            let half = n as f32 / self.um / 2.0;
            (v - half).abs() - (half - margin - round)
        };
        let (dx, dy) = (beyond(x, self.size.0), beyond(y, self.size.1));
        let outside = dx.max(0.0).hypot(dy.max(0.0));
        round - outside - dx.max(dy).min(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracts_surround_veins_at_the_distance_of_a_lobule() {
        let layout = Layout::new((8000, 8000), 2.0, 1.0, 3);
        let mut distances: Vec<f32> = layout
            .veins
            .iter()
            .filter(|v| (1500.0..6500.0).contains(&v.lumen.x) && (1500.0..6500.0).contains(&v.lumen.y))
            .map(|v| {
                let of = |t: &Tract| squared((t.cuff.x, t.cuff.y), (v.lumen.x, v.lumen.y)).sqrt() / 2.0;
                layout.tracts.iter().map(of).fold(f32::MAX, f32::min)
            })
            .collect();
        distances.sort_by(f32::total_cmp);
        assert!(distances.len() > 10, "{}", distances.len());
        assert!((270.0..520.0).contains(&distances[distances.len() / 2]), "{distances:?}");
        assert!(distances[0] > 180.0, "{distances:?}");
    }

    #[test]
    fn small_pictures_show_a_vein_and_a_tract() {
        for seed in 0..20 {
            let layout = Layout::new((1024, 1024), 2.0, 1.0, seed);
            let inside = |b: &Blob| (40.0..984.0).contains(&b.x) && (40.0..984.0).contains(&b.y);
            assert!(layout.veins.iter().any(|v| inside(&v.lumen)), "{seed}");
            assert!(layout.tracts.iter().any(|t| inside(&t.cuff)), "{seed}");
        }
    }
}
