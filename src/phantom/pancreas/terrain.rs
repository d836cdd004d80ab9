//! The lie of the land on a coarse grid: organ outline, lobules, free room, slow variation.
//!
//! Distances that change slowly are worked out every 4 µm and interpolated, which costs a fraction of a
//! byte per pixel and keeps outlines smooth.

use rayon::prelude::*;

use crate::phantom::{
    blob::{Blob, Outline},
    points::{Voronoi, jittered},
    texture::{Stream, noise, noise_at},
};

/// Spacing of the grid.
const STEP_UM: f32 = 4.0;
/// Distance up to which the outline of the organ is exact: the largest islet must fit.
const ORGAN_REACH_UM: f32 = 230.0;
/// What is painted may exceed the outline by less than this.
const LEEWAY_UM: f32 = 7.0;
/// Farthest distance that is kept.
pub(super) const FAR_UM: f32 = 400.0;

/// One place of the grid. Lengths are in µm.
pub(super) type Node = [f32; 8];
/// Distance from the organ's outline, positive inside.
pub(super) const ORGAN: usize = 0;
/// Distance from the border between lobules.
pub(super) const LOBULE: usize = 1;
/// Distance from islets, tubes and fat, negative inside them.
pub(super) const ROOM: usize = 2;
/// Displacement that makes the borders of acini organic.
pub(super) const WARP_X: usize = 3;
/// As [`WARP_X`], down the slide.
pub(super) const WARP_Y: usize = 4;
/// Relative width of the clefts between acini, 0 to about 3.
pub(super) const CLEFT: usize = 5;
/// Slow variation of stain, −1..1.
pub(super) const TONE: usize = 6;
/// Relative width of septa, 0.2 to 2.
pub(super) const SEPTUM: usize = 7;

/// The grid.
pub(super) struct Terrain {
    /// Pixels between nodes; node (i, j) lies at pixel (i·step, j·step).
    pub(super) step: usize,
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) nodes: Vec<Node>,
    um: f32,
}

impl Terrain {
    /// Lays out the organ on a square slide.
    pub(super) fn new(side_px: usize, um: f32, seed: u64) -> Self {
        let step = (STEP_UM * um).round().max(1.0) as usize;
        let columns = side_px / step + 2;
        let mut land = Self { step, columns, rows: columns, nodes: vec![[0.0; 8]; columns * columns], um };
        land.vary(seed);
        land.lobules(side_px as f32, seed);
        land
    }

    /// Returns the node values at a pixel position.
    pub(super) fn at(&self, x: f32, y: f32) -> Node {
        let place = |v: f32, n: usize| {
            let v = (v / self.step as f32).clamp(0.0, (n - 1) as f32 - 0.001);
            (v as usize, v.fract())
        };
        let ((i, tx), (j, ty)) = (place(x, self.columns), place(y, self.rows));
        let top = &self.nodes[j * self.columns + i..];
        let low = &self.nodes[(j + 1) * self.columns + i..];
        std::array::from_fn(|k| {
            let a = top[0][k] + (top[1][k] - top[0][k]) * tx;
            let b = low[0][k] + (low[1][k] - low[0][k]) * tx;
            a + (b - a) * ty
        })
    }

    /// Interpolates the nodes of a pixel row, for [`along`].
    pub(super) fn row(&self, y: usize, out: &mut Vec<Node>) {
        let v = (y as f32 + 0.5) / self.step as f32;
        let (j, t) = ((v as usize).min(self.rows - 2), v.fract());
        let lines = self.nodes[j * self.columns..][..self.columns].iter();
        let pairs = lines.zip(&self.nodes[(j + 1) * self.columns..][..self.columns]);
        out.clear();
        out.extend(pairs.map(|(a, b)| std::array::from_fn(|k| a[k] + (b[k] - a[k]) * t)));
    }

    /// Returns the number of pixels a node stands for.
    pub(super) fn node_px(&self) -> f64 {
        (self.step * self.step) as f64
    }

    /// Takes away the room inside and around an outline, up to 60 µm from it.
    pub(super) fn occupy(&mut self, outline: &impl Outline) {
        let reach = 60.0 * self.um;
        let [x0, y0, x1, y1] = outline.bounds();
        let step = self.step as f32;
        let clip = |v: f32, n: usize| ((v / step).max(0.0) as usize).min(n);
        for j in clip(y0 - reach, self.rows)..clip(y1 + reach + step, self.rows) {
            for i in clip(x0 - reach, self.columns)..clip(x1 + reach + step, self.columns) {
                let d = outline.distance(i as f32 * step, j as f32 * step) / self.um;
                let room = &mut self.nodes[j * self.columns + i][ROOM];
                *room = room.min(d);
            }
        }
    }

    fn vary(&mut self, seed: u64) {
        let per_um = self.um / self.step as f32;
        let (columns, rows) = (self.columns, self.rows);
        let layer = |name: &str, period_um: f32, octaves: u32| {
            let mut stream = Stream::new(seed, name);
            noise(columns, rows, (period_um * per_um).max(2.0), octaves, &mut stream)
        };
        let warp = [layer("warp x", 34.0, 2), layer("warp y", 34.0, 2)];
        let (cleft, cleft_wide) = (layer("cleft", 60.0, 2), layer("cleft wide", 420.0, 2));
        let (tone, septum) = (layer("tone", 260.0, 3), layer("septum", 160.0, 2));
        self.nodes.par_chunks_mut(columns).enumerate().for_each(|(j, row)| {
            for (i, node) in row.iter_mut().enumerate() {
                let n = |p| noise_at(p, i, j);
                node[ROOM] = FAR_UM;
                node[WARP_X] = n(&warp[0]) * 16.0;
                node[WARP_Y] = n(&warp[1]) * 16.0;
                node[CLEFT] = (0.55 + 1.3 * n(&cleft) + 1.1 * n(&cleft_wide)).clamp(0.02, 2.6);
                node[TONE] = n(&tone);
                node[SEPTUM] = (0.9 + 1.6 * n(&septum)).clamp(0.2, 2.4);
            }
        });
    }

    /// Works out the distances from the organ's outline and from the borders of its lobules.
    fn lobules(&mut self, side: f32, seed: u64) {
        let um = self.um;
        let mut s = Stream::new(seed, "lobules");
        let wide = side / um;
        let spacing = (wide * 0.2).max(135.0_f32.min(wide * 0.36)).min(620.0) * um;
        let spots = jittered(side, side, spacing, 0.8, &mut s);
        let turn = s.angle();
        let whole = Blob::ellipse(side / 2.0, side / 2.0, side * 0.47, side * 0.45, turn);
        let whole = whole.wobbly(0.07, &mut s);
        let limit = Blob::ellipse(side / 2.0, side / 2.0, side * 0.455, side * 0.445, turn);
        let limit = limit.wobbly(0.02, &mut s);
        let kept: Vec<bool> = spots.iter().map(|&(x, y)| whole.distance(x, y) < -0.08 * spacing).collect();
        let period = (spacing * 0.35 / self.step as f32).max(2.0);
        let bend = [0, 1].map(|_| noise(self.columns, self.rows, period, 3, &mut s));
        let reach = spacing * 0.12;
        let map = Voronoi::new(spots, side, side);
        let (columns, step) = (self.columns, self.step as f32);
        self.nodes.par_chunks_mut(columns).enumerate().for_each_init(Vec::new, |near, (j, row)| {
            for (i, node) in row.iter_mut().enumerate() {
                let shift = |p| noise_at(p, i, j) * reach;
                let at = (i as f32 * step + shift(&bend[0]), j as f32 * step + shift(&bend[1]));
                map.candidates(at, ORGAN_REACH_UM * um, near);
                let (organ, lobule) = borders(&map, &kept, at, near);
                let edge = limit.distance(i as f32 * step, j as f32 * step);
                let organ = organ.min(-edge - LEEWAY_UM * um);
                node[ORGAN] = (organ / um).clamp(-FAR_UM, FAR_UM);
                node[LOBULE] = (lobule / um).min(FAR_UM);
            }
        });
    }
}

/// Interpolates a row of nodes at pixel `x` of a grid of `step` pixels.
#[inline]
pub(super) fn along(row: &[Node], x: usize, step: usize) -> Node {
    let i = x / step;
    let t = ((x % step) as f32 + 0.5) / step as f32;
    let (a, b) = (&row[i], &row[i + 1]);
    std::array::from_fn(|k| a[k] + (b[k] - a[k]) * t)
}

/// Returns the distances of a place from the organ's outline (negative outside) and from the next lobule.
fn borders(map: &Voronoi, kept: &[bool], at: (f32, f32), near: &[u32]) -> (f32, f32) {
    let spots = map.spots();
    let squared = |i: u32| {
        let (x, y) = spots[i as usize];
        (x - at.0).powi(2) + (y - at.1).powi(2)
    };
    let nearest = |wanted: bool| {
        let of = near.iter().copied().filter(|&i| kept[i as usize] == wanted);
        of.min_by(|&a, &b| squared(a).total_cmp(&squared(b)))
    };
    let border = |from: u32, to: u32| {
        let (a, b) = (spots[from as usize], spots[to as usize]);
        (squared(to) - squared(from)) / (2.0 * (b.0 - a.0).hypot(b.1 - a.1).max(1e-3))
    };
    let Some(home) = nearest(true) else { return (f32::MIN, f32::MAX) };
    let nearest_border = |wanted: bool| {
        let others = near.iter().filter(|&&i| i != home && kept[i as usize] == wanted);
        others.map(|&i| border(home, i)).fold(f32::MAX, f32::min)
    };
    (nearest_border(false), nearest_border(true))
}
