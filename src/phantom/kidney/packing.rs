//! How tubules fill the space: each pixel belongs to the tube it lies deepest in.

use super::{
    super::{
        blob::{Blob, Outline as _},
        points::Spot,
    },
    Tools,
    interstitium::Foci,
    section::Section,
    tubules::Tubule,
};
use crate::raster::Plane;

/// Interstitium between two tubules pressed together in healthy tissue, in µm [expert].
pub(super) const GAP_UM: f32 = 1.2;
/// Renal capsule, in µm [expert].
pub(super) const CAPSULE_UM: f32 = 6.0;
/// Side of the squares that know what is near, in µm.
const SQUARE_UM: f32 = 12.0;
/// How far slow and cell-sized noise bend outlines, in µm.
const BEND_UM: f32 = 4.2;
const RIPPLE_UM: f32 = 0.9;
/// Distance at which a neighbour begins to press on a tubule, in µm.
const PRESS_UM: f32 = 9.0;
/// How far corners are rounded, in µm.
const CORNER_UM: f32 = 3.2;
/// No tubule.
pub(super) const NONE: u32 = u32::MAX;

/// What a place is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here {
    /// Nearest tubule, or [`NONE`].
    pub(super) owner: u32,
    /// Distance from the tubule's outline in pixels, positive inside; negative in the interstitium.
    pub(super) depth: f32,
    /// 0 on the tubule's axis, 1 at its outline.
    pub(super) ratio: f32,
}

struct Piece {
    a: Spot,
    along: Spot,
    inverse: f32,
    radius: f32,
    owner: u32,
}

/// The tubules and what they press against, by place.
pub(super) struct Packing<'a> {
    pub(super) tools: &'a Tools,
    pub(super) section: &'a Section,
    pub(super) foci: &'a Foci,
    pieces: Vec<Piece>,
    obstacles: Vec<Blob>,
    /// Side of a square in pixels, and squares in a row.
    pub(super) side: usize,
    pub(super) columns: usize,
    near_pieces: Vec<Vec<u32>>,
    near_obstacles: Vec<Vec<u32>>,
}

impl<'a> Packing<'a> {
    pub(super) fn new(
        tools: &'a Tools,
        section: &'a Section,
        foci: &'a Foci,
        tubules: &[Tubule],
        obstacles: Vec<Blob>,
    ) -> Self {
        let side = (SQUARE_UM * tools.um).ceil().max(1.0) as usize;
        let columns = section.size.0 as usize / side + 1;
        let rows = section.size.1 as usize / side + 1;
        let empty = vec![Vec::new(); columns * rows];
        let mut packing = Self {
            tools,
            section,
            foci,
            pieces: Vec::new(),
            obstacles,
            side,
            columns,
            near_pieces: empty.clone(),
            near_obstacles: empty,
        };
        for (owner, tubule) in (0..).zip(tubules) {
            packing.add(owner, tubule);
        }
        packing.file();
        packing
    }

    fn add(&mut self, owner: u32, tubule: &Tubule) {
        let last = tubule.path.len() - 1;
        for i in 0..last.max(1) {
            let (a, b) = (tubule.path[i], tubule.path[(i + 1).min(last)]);
            // A path ends where its last round end would reach the next spot's own tube.
            let along = (b.0 - a.0, b.1 - a.1);
            let inverse = 1.0 / (along.0 * along.0 + along.1 * along.1).max(1e-6);
            self.pieces.push(Piece { a, along, inverse, radius: tubule.radius, owner });
        }
    }

    /// Files pieces and obstacles in the squares they can reach.
    fn file(&mut self) {
        let margin = (BEND_UM + RIPPLE_UM) * self.tools.um + 1.0;
        let boxes = |p: &Piece| {
            let r = p.radius + margin + PRESS_UM * self.tools.um;
            let span = |a: f32, d: f32| (a.min(a + d) - r, a.max(a + d) + r);
            let ((x0, x1), (y0, y1)) = (span(p.a.0, p.along.0), span(p.a.1, p.along.1));
            [x0, y0, x1, y1]
        };
        let piece_boxes: Vec<_> = self.pieces.iter().map(boxes).collect();
        for (i, b) in (0..).zip(&piece_boxes) {
            insert(&mut self.near_pieces, self.columns, self.side, *b, i);
        }
        let reach = 14.0 * self.tools.um + margin;
        for (i, blob) in (0..).zip(&self.obstacles) {
            let [x0, y0, x1, y1] = blob.bounds();
            let b = [x0 - reach, y0 - reach, x1 + reach, y1 + reach];
            insert(&mut self.near_obstacles, self.columns, self.side, b, i);
        }
    }

    /// Returns what a place is. Places off the slide or the tissue have no tubule.
    pub(super) fn at(&self, (x, y): Spot) -> Here {
        let nothing = Here { owner: NONE, depth: -100.0, ratio: 1.0 };
        if x < 0.0 || y < 0.0 || x >= self.section.size.0 || y >= self.section.size.1 {
            return nothing;
        }
        let (column, row) = (x as usize / self.side, y as usize / self.side);
        let gap = self.foci.gap((x, y), self.tools.gap);
        let edge = -self.section.outline.distance(x, y) - CAPSULE_UM * self.tools.um;
        self.look((x, y), row * self.columns + column, gap, edge)
    }

    /// Returns what a place of a known square is, given the gap between tubules there and the distance to
    /// the renal capsule.
    #[inline]
    pub(super) fn look(&self, (x, y): Spot, square: usize, gap: f32, edge: f32) -> Here {
        let shift = |p: &Plane<u8>| {
            (f32::from(p.at(x as usize, y as usize)) - 128.0) * (BEND_UM * self.tools.um * (1.0 / 128.0))
        };
        let um = self.tools.um;
        let dome = Tools::at(&self.tools.domes, x as usize, y as usize);
        let ripple = RIPPLE_UM * um * dome;
        let (u, v) = (x + shift(&self.tools.bend[0]) + ripple, y + shift(&self.tools.bend[1]) - ripple);
        // Neighbours further away are not filed here; taking them as just out of reach keeps depth smooth.
        let out_of_reach = PRESS_UM * um;
        let (mut first, mut owner, mut axis) = (f32::MAX, NONE, 0.0);
        let (mut second, mut third) = (out_of_reach, out_of_reach + 2.0 * CORNER_UM * um);
        for &i in &self.near_pieces[square] {
            let p = &self.pieces[i as usize];
            let (dx, dy) = (u - p.a.0, v - p.a.1);
            let t = ((dx * p.along.0 + dy * p.along.1) * p.inverse).clamp(0.0, 1.0);
            let (ex, ey) = (dx - t * p.along.0, dy - t * p.along.1);
            let far = (ex * ex + ey * ey).sqrt();
            let d = far - p.radius;
            if d < first {
                if owner != p.owner {
                    (second, third) = (first.min(out_of_reach), second);
                }
                (first, owner, axis) = (d, p.owner, far);
            } else if p.owner != owner && d < third {
                (second, third) = if d < second { (d, second) } else { (second, d) };
            }
        }
        let gap = gap * (1.0 + 0.7 * dome);
        let corner = CORNER_UM * um;
        let pressed = soft_min(second, third, 2.0 * corner) - first - gap;
        let mut depth = soft_min(-first, pressed * 0.5, corner).min(edge);
        for &i in &self.near_obstacles[square] {
            depth = depth.min(self.obstacles[i as usize].distance(x, y) - 1.5 * gap);
        }
        Here { owner, depth, ratio: if depth > 0.0 { axis / (axis + depth) } else { 1.0 } }
    }

    /// Returns how far it is from `from` to the outline of tubule `owner` in a direction, up to `most`.
    pub(super) fn ray(&self, owner: u32, from: Spot, (cos, sin): (f32, f32), most: f32) -> f32 {
        let step = 0.75 * self.tools.um;
        let mut far = 0.0;
        while far < most {
            let here = self.at((from.0 + far * cos, from.1 + far * sin));
            if here.owner != owner || here.depth <= 0.0 {
                break;
            }
            far += step.max(here.depth * 0.5);
        }
        far
    }
}

/// Smaller of two numbers, with a smooth change-over where they differ by less than `k`.
#[inline]
fn soft_min(a: f32, b: f32, k: f32) -> f32 {
    let near = (k - (a - b).abs()).max(0.0);
    a.min(b) - near * near / (4.0 * k)
}

fn insert(grid: &mut [Vec<u32>], columns: usize, side: usize, [x0, y0, x1, y1]: [f32; 4], item: u32) {
    let rows = grid.len() / columns;
    let square = |v: f32, n: usize| ((v.max(0.0) as usize) / side).min(n - 1);
    if x1 < 0.0 || y1 < 0.0 {
        return;
    }
    for y in square(y0, rows)..=square(y1, rows) {
        for x in square(x0, columns)..=square(x1, columns) {
            grid[y * columns + x].push(item);
        }
    }
}
