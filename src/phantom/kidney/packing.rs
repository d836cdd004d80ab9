//! How tubules fill the space: each pixel belongs to the tube it lies deepest in.

use rayon::prelude::*;

use super::{
    super::{
        Canvas,
        blob::{Blob, Outline as _},
        points::Spot,
    },
    Tools,
    interstitium::Foci,
    section::Section,
    tubules::Tubule,
};
use crate::raster::Plane;

/// Interstitium between two tubules pressed together, in µm [expert].
const GAP_UM: f32 = 1.6;
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
/// Steps per µm of a depth kept in a byte.
pub(super) const DEPTH_STEPS: f32 = 8.0;

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
    tools: &'a Tools,
    section: &'a Section,
    foci: &'a Foci,
    pieces: Vec<Piece>,
    obstacles: Vec<Blob>,
    side: usize,
    columns: usize,
    near_pieces: Vec<Vec<u32>>,
    near_obstacles: Vec<Vec<u32>>,
}

/// What pass one counted.
pub(super) struct Survey {
    /// Shape of each tubule.
    pub(super) shapes: Vec<Shape>,
    /// Pixels of tissue and of cortex.
    pub(super) tissue_px: u64,
    pub(super) cortex_px: u64,
}

/// Bins of [`Shape::by_ratio`].
pub(super) const RATIO_BINS: usize = 32;

/// Sums over the pixels of one tubule.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub(super) pixels: u64,
    sums: [u64; 2],
    squares: [u64; 3],
    /// Pixels by distance from the axis.
    pub(super) by_ratio: [u32; RATIO_BINS],
}

impl Shape {
    fn add(&mut self, x: usize, y: usize, ratio: u8) {
        let (x, y) = (x as u64, y as u64);
        self.pixels += 1;
        self.sums = [self.sums[0] + x, self.sums[1] + y];
        self.squares = [self.squares[0] + x * x, self.squares[1] + y * y, self.squares[2] + x * y];
        self.by_ratio[usize::from(ratio) * RATIO_BINS / 256] += 1;
    }

    /// Returns the axes of the ellipse of the same moments, in pixels: major, minor.
    pub(super) fn axes(&self) -> (f64, f64) {
        let n = self.pixels.max(1) as f64;
        let mean = self.sums.map(|s| s as f64 / n);
        let xx = self.squares[0] as f64 / n - mean[0] * mean[0] + 1.0 / 12.0;
        let yy = self.squares[1] as f64 / n - mean[1] * mean[1] + 1.0 / 12.0;
        let xy = self.squares[2] as f64 / n - mean[0] * mean[1];
        let (half, root) = ((xx + yy) / 2.0, (((xx - yy) / 2.0).powi(2) + xy * xy).sqrt());
        (4.0 * (half + root).sqrt(), 4.0 * (half - root).max(0.0).sqrt())
    }

    /// Returns the equivalent diameter, in pixels.
    pub(super) fn diameter(&self) -> f64 {
        diameter(self.pixels)
    }

    /// Returns the share of the axis–outline distance below which `pixels` of the tubule lie.
    pub(super) fn ratio_holding(&self, pixels: f32) -> f32 {
        let mut sum = 0.0;
        for (i, &count) in self.by_ratio.iter().enumerate() {
            let next = sum + count as f32;
            if next >= pixels {
                return (i as f32 + (pixels - sum) / (count as f32).max(1.0)) / RATIO_BINS as f32;
            }
            sum = next;
        }
        1.0
    }
}

/// Returns the diameter of the circle of an area.
pub(super) fn diameter(pixels: u64) -> f64 {
    (pixels as f64 * 4.0 / std::f64::consts::PI).sqrt()
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
        let gap = self.foci.gap((x, y), GAP_UM * self.tools.um);
        let edge = -self.section.outline.distance(x, y) - CAPSULE_UM * self.tools.um;
        self.look((x, y), row * self.columns + column, gap, edge)
    }

    #[inline]
    fn look(&self, (x, y): Spot, square: usize, gap: f32, edge: f32) -> Here {
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

    /// Labels every pixel with its tubule (layer `tubules`), and keeps, until the epithelium is painted,
    /// its distance from the axis in the eosin plane and its depth in the haematoxylin plane.
    pub(super) fn survey(&self, canvas: &mut Canvas) -> Survey {
        canvas.add_layer("tubules");
        let (width, _) = canvas.size();
        let Some(labels) = canvas.labels.get_mut("tubules") else { return Survey::none() };
        let band = width * self.side;
        let counts: Vec<[u64; 2]> = labels
            .data_mut()
            .par_chunks_mut(band)
            .zip(canvas.e.data_mut().par_chunks_mut(band))
            .zip(canvas.h.data_mut().par_chunks_mut(band))
            .enumerate()
            .map(|(row, ((ids, ratios), depths))| self.survey_band(row, width, ids, ratios, depths))
            .collect();
        let mut survey = Survey::none();
        for [tissue, cortex] in counts {
            survey.tissue_px += tissue;
            survey.cortex_px += cortex;
        }
        let owners = self.pieces.last().map_or(0, |p| p.owner as usize + 1);
        survey.shapes = vec![Shape::default(); owners];
        let pixels = labels.data().iter().zip(canvas.e.data()).enumerate();
        for (i, (&id, &ratio)) in pixels.filter(|(_, (id, _))| **id != 0) {
            survey.shapes[id as usize - 1].add(i % width, i / width, ratio);
        }
        survey
    }

    fn survey_band(
        &self,
        row: usize,
        width: usize,
        ids: &mut [u32],
        ratios: &mut [u8],
        depths: &mut [u8],
    ) -> [u64; 2] {
        let mut counts = [0; 2];
        for column in 0..self.columns {
            let centre = ((column as f32 + 0.5) * self.side as f32, (row as f32 + 0.5) * self.side as f32);
            let near = self.side as f32 * 0.75 + 1.0;
            let outside = self.section.outline.distance(centre.0, centre.1);
            if outside > near {
                continue;
            }
            let gap = self.foci.gap(centre, GAP_UM * self.tools.um);
            let medulla = self.section.from_medulla(centre);
            let inner = outside < -near - 1.2 * CAPSULE_UM * self.tools.um;
            let xs = column * self.side..((column + 1) * self.side).min(width);
            for dy in 0..ids.len() / width {
                for x in xs.clone() {
                    let at = (x as f32 + 0.5, (row * self.side + dy) as f32 + 0.5);
                    let edge = if inner { f32::MAX } else { -self.section.outline.distance(at.0, at.1) };
                    if edge <= 0.0 {
                        continue;
                    }
                    let cortex = if medulla.abs() > near { medulla } else { self.section.from_medulla(at) };
                    counts[0] += 1;
                    counts[1] += u64::from(cortex >= 0.0);
                    let gap = if self.foci.is_near(centre) {
                        self.foci.gap(at, GAP_UM * self.tools.um)
                    } else {
                        gap
                    };
                    let here =
                        self.look(at, row * self.columns + column, gap, edge - CAPSULE_UM * self.tools.um);
                    let i = dy * width + x;
                    let steps = here.depth * (DEPTH_STEPS / self.tools.um);
                    if here.depth > 0.0 && here.owner != NONE {
                        ids[i] = here.owner + 1;
                        ratios[i] = (here.ratio * 255.0) as u8;
                        depths[i] = steps.clamp(1.0, 255.0) as u8;
                    } else {
                        ratios[i] = 255;
                        depths[i] = (-steps).clamp(1.0, 255.0) as u8;
                    }
                }
            }
        }
        counts
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

impl Survey {
    fn none() -> Self {
        Self { shapes: Vec::new(), tissue_px: 0, cortex_px: 0 }
    }
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
