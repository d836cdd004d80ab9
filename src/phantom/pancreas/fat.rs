//! Adipocytes: empty polygons packed side by side, along septa and then into lobules.

use super::{
    Easel, FAT, Request, class,
    layout::Plan,
    terrain::{LOBULE, ORGAN, ROOM, Terrain},
};
use crate::phantom::{
    blob::{Outline, scan},
    points::jittered,
    texture::{Stream, noise, noise_at},
};

/// Spacing of adipocytes.
const CELL_UM: f32 = 58.0;

/// Thickness of an adipocyte's wall, as the stamp paints it.
const WALL_UM: f32 = 1.1;

/// One fat cell: the side of each neighbour cuts a circle flat.
#[derive(Clone, Debug)]
pub(super) struct FatCell {
    x: f32,
    y: f32,
    /// Unit vector towards each neighbour and distance of the wall.
    walls: Vec<(f32, f32, f32)>,
    radius: f32,
    /// Length over which corners are rounded.
    round: f32,
}

impl Outline for FatCell {
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.x, y - self.y);
        let mut d = dx.hypot(dy) - self.radius;
        for &(nx, ny, wall) in &self.walls {
            let side = dx * nx + dy * ny - wall;
            let (high, low) = (d.max(side), d.min(side));
            let overlap = (self.round - (high - low)).max(0.0);
            d = high + overlap * overlap / (4.0 * self.round);
        }
        d
    }

    fn bounds(&self) -> [f32; 4] {
        let r = self.radius;
        [self.x - r, self.y - r, self.x + r, self.y + r]
    }
}

/// Chooses fat cells until they cover the share of the organ that was asked for, septa first.
pub(super) fn place(request: &Request, easel: &Easel<'_>, land: &mut Terrain) -> Vec<FatCell> {
    let (side, um) = (request.size_px as f32, easel.um);
    let mut s = Stream::new(request.seed, "fat");
    let period = (330.0 * um / land.step as f32).max(2.0);
    let patches = noise(land.columns, land.rows, period, 2, &mut s);
    let spots = jittered(side, side, CELL_UM * um, 0.55, &mut s);
    let columns = (side / (CELL_UM * um)).ceil() as usize + 2;
    let mut ranked: Vec<(f32, usize)> = Vec::new();
    for (i, &(x, y)) in spots.iter().enumerate() {
        let wish = s.unit();
        let node = land.at(x.max(0.0), y.max(0.0));
        if node[ORGAN] < 55.0 || node[ROOM] < 32.0 {
            continue;
        }
        let at = |v: f32| (v / land.step as f32) as usize;
        let patch = noise_at(&patches, at(x), at(y));
        ranked.push((node[LOBULE] / 60.0 - 3.2 * patch + 0.5 * wish, i));
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let organ_px = land.nodes.iter().filter(|n| n[ORGAN] > 0.0).count() as f64 * land.node_px();
    let wanted = organ_px * request.amount(&FAT) / 100.0;
    let (mut cells, mut covered) = (Vec::new(), 0.0);
    let size = easel.canvas.size();
    for (_, i) in ranked {
        if covered >= wanted {
            break;
        }
        let cell = FatCell::new(&spots, i, columns, um);
        scan(&cell, size, 0.0, |_, _, d| covered += f64::from(u8::from(d < 0.0)));
        cells.push(cell);
    }
    for cell in &cells {
        land.occupy(cell);
    }
    cells
}

impl FatCell {
    fn new(spots: &[(f32, f32)], i: usize, columns: usize, um: f32) -> Self {
        let (x, y) = spots[i];
        let mut walls = Vec::new();
        for dj in -2_i64..=2 {
            for di in -2_i64..=2 {
                let k = i as i64 + dj * columns as i64 + di;
                let other = usize::try_from(k).ok().filter(|&k| k != i).and_then(|k| spots.get(k));
                let Some(&(ox, oy)) = other else { continue };
                let (dx, dy) = (ox - x, oy - y);
                let far = dx.hypot(dy);
                if far < 2.2 * CELL_UM * um && far > 1e-3 {
                    walls.push((dx / far, dy / far, far / 2.0 - 0.8 * um));
                }
            }
        }
        Self { x, y, walls, radius: 0.62 * CELL_UM * um, round: 7.0 * um }
    }
}

/// Paints the fat cells and numbers them.
pub(super) fn paint(easel: &mut Easel<'_>, plan: &Plan) {
    for (id, cell) in (1..).zip(&plan.fat) {
        easel.stamp.adipocyte(easel.canvas, cell, 0);
        easel.canvas.label(cell, "fat", id);
        easel.claim(cell, class::FAT);
        wall(easel, cell);
    }
}

/// Marks the outer half of a cell's wall, where it lies over a gap: it is pink, and no gap any more.
fn wall(easel: &mut Easel<'_>, cell: &FatCell) {
    let half = WALL_UM * easel.um / 2.0;
    let size = easel.canvas.size();
    scan(cell, size, half, |x, y, d| {
        if d >= 0.0 && d < half && easel.ground.at(x, y) == class::GAP {
            easel.ground.set(x, y, class::STROMA);
        }
    });
}
