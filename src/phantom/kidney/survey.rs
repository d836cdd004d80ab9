//! The first pass: which tubule each pixel belongs to, and the shape of each tubule.

use rayon::prelude::*;

use super::{
    super::{Canvas, blob::Outline as _, points::Spot},
    packing::{CAPSULE_UM, NONE, Packing},
};

/// Steps per µm of a depth kept in a byte.
pub(super) const DEPTH_STEPS: f32 = 8.0;

/// What pass one counted.
#[derive(Default)]
pub(super) struct Survey {
    /// Shape of each tubule.
    pub(super) shapes: Vec<Shape>,
    /// Pixels of tissue and of cortex.
    pub(super) tissue_px: u64,
    pub(super) cortex_px: u64,
}

impl Survey {
    /// Adds what was counted in another section.
    pub(super) fn join(&mut self, other: Self) {
        self.shapes.extend(other.shapes);
        self.tissue_px += other.tissue_px;
        self.cortex_px += other.cortex_px;
    }
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

/// One row of squares of the planes that the survey writes.
struct Band<'a> {
    row: usize,
    width: usize,
    ids: &'a mut [u32],
    ratios: &'a mut [u8],
    depths: &'a mut [u8],
}

/// What is the same for all pixels of one square.
struct Square {
    index: usize,
    /// Distance from the medulla, if the square lies on one side of its edge.
    medulla: Option<f32>,
    /// The tissue's edge is far.
    inner: bool,
    /// Gap between tubules, if it is the same everywhere.
    gap: Option<f32>,
}

/// Labels every pixel with its tubule (layer `tubules`). Until the epithelium is painted, the eosin plane
/// keeps the distance from the axis and the haematoxylin plane the distance from the outline.
pub(super) fn survey(packing: &Packing<'_>, tubules: usize, canvas: &mut Canvas) -> Survey {
    canvas.add_layer("tubules");
    let mut survey = Survey { shapes: vec![Shape::default(); tubules], tissue_px: 0, cortex_px: 0 };
    let (width, _) = canvas.size();
    let Some(labels) = canvas.labels.get_mut("tubules") else { return survey };
    let band = width * packing.side;
    let counts: Vec<[u64; 2]> = labels
        .data_mut()
        .par_chunks_mut(band)
        .zip(canvas.e.data_mut().par_chunks_mut(band))
        .zip(canvas.h.data_mut().par_chunks_mut(band))
        .enumerate()
        .map(|(row, ((ids, ratios), depths))| Band { row, width, ids, ratios, depths }.survey(packing))
        .collect();
    for [tissue, cortex] in counts {
        survey.tissue_px += tissue;
        survey.cortex_px += cortex;
    }
    let pixels = labels.data().iter().zip(canvas.e.data()).enumerate();
    for (i, (&id, &ratio)) in pixels.filter(|(_, (id, _))| **id != 0) {
        survey.shapes[id as usize - 1].add(i % width, i / width, ratio);
    }
    survey
}

impl Band<'_> {
    /// Returns the pixels of tissue and of cortex.
    fn survey(mut self, packing: &Packing<'_>) -> [u64; 2] {
        let mut counts = [0; 2];
        for column in 0..packing.columns {
            let Some(square) = self.square(packing, column) else { continue };
            let xs = column * packing.side..((column + 1) * packing.side).min(self.width);
            for dy in 0..self.ids.len() / self.width {
                for x in xs.clone() {
                    let [tissue, cortex] = self.pixel(packing, &square, x, dy);
                    counts = [counts[0] + tissue, counts[1] + cortex];
                }
            }
        }
        counts
    }

    /// Returns what is known of a square, or `None` of glass.
    fn square(&self, packing: &Packing<'_>, column: usize) -> Option<Square> {
        let side = packing.side as f32;
        let centre: Spot = ((column as f32 + 0.5) * side, (self.row as f32 + 0.5) * side);
        // Distances are trusted to a third of their size away from an outline.
        let near = side * 0.75 + 1.0;
        let outside = packing.section.outline.distance(centre.0, centre.1);
        let medulla = packing.section.medulla_distance(centre);
        let gap = (!packing.foci.is_near(centre)).then_some(packing.tools.gap);
        (outside <= near).then(|| Square {
            index: self.row * packing.columns + column,
            medulla: (medulla.abs() > near).then_some(medulla),
            inner: outside < -near - 1.2 * CAPSULE_UM * packing.tools.um,
            gap,
        })
    }

    /// Writes one pixel. Returns whether it is tissue and whether it is cortex.
    #[inline]
    fn pixel(&mut self, packing: &Packing<'_>, square: &Square, x: usize, dy: usize) -> [u64; 2] {
        let um = packing.tools.um;
        let at = (x as f32 + 0.5, (self.row * packing.side + dy) as f32 + 0.5);
        let edge = if square.inner { f32::MAX } else { -packing.section.outline.distance(at.0, at.1) };
        if edge <= 0.0 {
            return [0, 0];
        }
        let medulla = square.medulla.unwrap_or_else(|| packing.section.medulla_distance(at));
        let gap = square.gap.unwrap_or_else(|| packing.foci.gap(at, packing.tools.gap));
        let here = packing.look(at, square.index, gap, edge - CAPSULE_UM * um);
        let i = dy * self.width + x;
        let steps = here.depth * (DEPTH_STEPS / um);
        if here.depth > 0.0 && here.owner != NONE {
            self.ids[i] = here.owner + 1;
            self.ratios[i] = (here.ratio * 255.0) as u8;
            self.depths[i] = steps.clamp(1.0, 255.0) as u8;
        } else {
            self.ratios[i] = 255;
            self.depths[i] = (-steps).clamp(1.0, 255.0) as u8;
        }
        [1, u64::from(medulla >= 0.0)]
    }
}
