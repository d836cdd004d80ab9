//! Nuclei: where they are, which pixel belongs to which, and what kind they are.

pub(super) mod basins;
mod class;
mod density;
mod learned;
mod patch;
mod refine;

pub use self::class::{CLASSES, ELONGATED, LYMPHOCYTE, NEUTROPHIL, PYKNOTIC, ROUND};

use self::{class::StainOf, density::Density};
use super::{
    contour, distance,
    field::Field,
    label::{Region, any, renumber_and_mark},
    model::{Model, grid},
    object::Object,
    shape::Shape,
    smooth,
};
use crate::{
    raster::{Mask, Plane, wide},
    stages::{Stage, during},
};

/// What tells nuclei from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finder {
    /// A small learned network (`models/nuclei`); where pixels are not of the size it knows, the stain.
    Network,
    /// The density of haematoxylin.
    Density,
    /// A larger learned network that sees the colours; see [`super::model`].
    Model,
}

/// Lengths and levels of nucleus segmentation.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// What finds nuclei.
    pub finder: Finder,
    /// Finding and dividing works on pixels of about this size, in µm.
    pub working_um: f64,
    /// Share of the eosin that is taken off the haematoxylin.
    pub eosin_weight: f64,
    /// Standard deviation of smoothing before the threshold, in µm.
    pub smooth_um: f64,
    /// Radius of the neighbourhood whose mean moves the threshold, in µm.
    pub around_um: f64,
    /// Share of the local mean in the threshold, 0–1.
    pub local_share: f64,
    /// Added to the local mean, as a share of the contrast between nuclei and cytoplasm.
    pub local_offset: f64,
    /// Slide-wide level: 0 is cytoplasm, 1 the slide's threshold.
    pub slide_level: f64,
    /// Lowest threshold allowed: 0 is cytoplasm, 1 nuclei.
    pub least_contrast: f64,
    /// Radius of the opening that removes threads from the mask, in µm.
    pub thread_um: f64,
    /// Radius of the opening of each nucleus, in µm.
    pub open_um: f64,
    /// Radius of the closing of each nucleus, in µm.
    pub close_um: f64,
    /// Largest hole that is filled, in µm².
    pub hole_um2: f64,
    /// Standard deviation of smoothing before climbing, in µm.
    pub climb_um: f64,
    /// Standard deviation of smoothing of the density before climbing, in µm.
    pub blob_um: f64,
    /// Weight of density against distance to the background when climbing, in µm per 100 OD·100.
    pub density_weight: f64,
    /// A summit stands this much above the pass to a higher one, in µm.
    pub depth_um: f64,
    /// … or this share of its own height.
    pub depth_share: f64,
    /// Boundary between core and surroundings: 0 surroundings, 1 core.
    pub edge_level: f64,
    /// Smallest nucleus, in µm².
    pub min_um2: f64,
    /// Largest nucleus, in µm².
    pub max_um2: f64,
    /// Least solidity.
    pub min_solidity: f64,
    /// Least contrast to the surroundings as a share of the slide's contrast.
    pub min_contrast: f64,
    /// Least likelihood of nucleus the network gives a pixel, in log odds.
    pub least_odds: f64,
    /// A middle stands this much above the pass to a higher one in the network's height of middles, 0–1.
    pub middle_depth: f64,
}

/// The rules used by [`segment`].
pub const RULES: Rules = Rules { finder: Finder::Network, open_um: 0.5, min_um2: 4.0, ..BY_DENSITY };

/// Rules that look at the density of haematoxylin alone.
pub const BY_DENSITY: Rules = Rules {
    finder: Finder::Density,
    working_um: 0.5,
    eosin_weight: 0.3,
    smooth_um: 0.5,
    around_um: 8.0,
    local_share: 0.8,
    local_offset: 0.15,
    slide_level: 0.7,
    least_contrast: 0.3,
    thread_um: 0.0,
    open_um: 1.0,
    close_um: 1.5,
    hole_um2: 40.0,
    climb_um: 0.4,
    blob_um: 0.4,
    density_weight: 4.0,
    depth_um: 0.2,
    depth_share: 0.03,
    edge_level: 0.6,
    min_um2: 7.0,
    max_um2: 300.0,
    min_solidity: 0.5,
    min_contrast: 0.3,
    least_odds: 0.1,
    middle_depth: 0.096,
};

/// Largest side of a nucleus's box, in µm. Larger regions are dropped everywhere, so that one cut by a
/// window's edge is never mistaken for a nucleus.
pub const MAX_EXTENT_UM: f64 = 30.0;

/// Halo, in µm, with which nuclei come out the same for every grid of windows.
pub const HALO_UM: f64 = 48.0;

/// The nuclei of one window.
pub struct Nuclei {
    /// 0 outside nuclei, otherwise the nucleus's index in `found`, plus one.
    pub labels: Plane<u32>,
    /// 1 inside nuclei.
    pub mask: Mask,
    /// The nuclei, halo included, in reading order of their anchors.
    pub found: Vec<Nucleus>,
    /// What found them.
    pub finder: Finder,
}

/// One nucleus.
#[derive(Clone, Debug)]
pub struct Nucleus {
    /// Class, outline and measurements.
    pub object: Object,
    /// Its pixels in the window.
    pub region: Region,
    /// Its shape in pixels of the window.
    pub shape: Shape,
    /// Anchored in the window's core: this window counts it.
    pub in_core: bool,
}

/// Finds the nuclei of a window by the model in use, else by [`RULES`].
#[must_use]
pub fn segment(field: &Field<'_>) -> Nuclei {
    during(Stage::Nuclei, || {
        let model = field.models.nuclei.as_deref();
        model.and_then(|model| by_model(field, model)).unwrap_or_else(|| segment_with(field, &RULES))
    })
}

/// Finds the nuclei of a window by a model.
fn by_model(field: &Field<'_>, model: &Model) -> Option<Nuclei> {
    let margin = field.px(field.models.nuclei_margin_um).ceil() as u32;
    let rules = Rules {
        finder: Finder::Model,
        min_um2: model.parameter("min_um2", RULES.min_um2),
        open_um: model.parameter("open_um", RULES.open_um),
        close_um: model.parameter("close_um", RULES.close_um),
        ..RULES
    };
    let basins = model.basins(field, &field.tissue, margin)?;
    let (mut labels, regions) = refine::clean(basins, field.window.mpp.mean(), rules.close_um, rules.open_um);
    let (found, mask) = collect(field, &mut labels, &regions, &rules);
    Some(Nuclei { labels, mask, found, finder: rules.finder })
}

/// Finds the nuclei of a window.
#[must_use]
pub fn segment_with(field: &Field<'_>, rules: &Rules) -> Nuclei {
    let mpp = field.window.mpp;
    let factor = (rules.working_um / mpp.mean()).round().max(1.0) as usize;
    let um = mpp.mean() * factor as f64;
    let network = rules.finder == Finder::Network;
    let learned = network.then(|| by_network(field, factor, um, rules)).flatten();
    let ((cores, offset, factor), rules) = match learned {
        Some(cores) => (cores, rules),
        None if network => (by_density(field, factor, um, &BY_DENSITY), &BY_DENSITY),
        None => (by_density(field, factor, um, rules), rules),
    };
    let (mut labels, regions) = placed(cores, factor, offset, field);
    let (found, mask) = collect(field, &mut labels, &regions, rules);
    Nuclei { labels, mask, found, finder: rules.finder }
}

/// Numbers with the region of each, the first window pixel (column, row) they cover, and window pixels per pixel of theirs.
type Cores = ((Plane<u32>, Vec<Region>), (usize, usize), usize);

/// Divides what the network takes for nuclei at the heights it gives their middles; `None` where pixels are too coarse for it.
/// Pixels of about a whole share of those it was trained on are grouped, others resampled.
fn by_network(field: &Field<'_>, factor: usize, um: f64, rules: &Rules) -> Option<Cores> {
    let step = grid::step(field.window.mpp.mean(), rules.working_um);
    let heights = if step > 1.0 && step.fract() != 0.0 {
        learned::rescaled::heights(field, step, rules.least_odds)?
    } else if learned::SEES_UM.contains(&um) {
        learned::heights(field, factor, rules.least_odds)?
    } else {
        return None;
    };
    let depth = (rules.middle_depth * f64::from(learned::FULL)) as u16;
    let offset = heights.offset;
    let basins = basins::climb(&heights.middle, &heights.mask, |peak, pass| peak - pass <= depth);
    drop(heights);
    let whole = refine::clean(basins, field.window.mpp.mean(), rules.close_um, rules.open_um);
    Some((whole, offset, 1))
}

/// Divides what is dense in haematoxylin.
fn by_density(field: &Field<'_>, factor: usize, um: f64, rules: &Rules) -> Cores {
    let (dense, offset) = density::corrected(field, factor, rules.eosin_weight);
    let density = Density::of(field, &dense, um, rules);
    let height = height(&density, um, rules);
    let steps = |v: f64| (v * STEPS).round() as u16;
    let least = steps(rules.depth_um);
    let share = (rules.depth_share * 256.0) as u32;
    let basins = basins::climb(&height, &density.mask, |peak, pass| {
        peak - pass <= least.max(((u32::from(peak) * share) >> 8) as u16)
    });
    (refine::refine(basins, &density, um, field.profile, rules), offset, factor)
}

/// Measures, checks and numbers the regions; clears what is not a nucleus. Returns the nuclei and their pixels.
fn collect(
    field: &Field<'_>,
    labels: &mut Plane<u32>,
    regions: &[Region],
    rules: &Rules,
) -> (Vec<Nucleus>, Mask) {
    let window = &field.window;
    let limits = rules.min_um2..=rules.max_um2;
    let largest = window.mpp.px(MAX_EXTENT_UM) as usize;
    let mut order: Vec<usize> = (1..regions.len()).filter(|&n| regions[n].area_px > 0).collect();
    order.sort_unstable_by_key(|&n| (regions[n].anchor.1, regions[n].anchor.0));
    let mut numbers = vec![0u32; regions.len()];
    let mut found = Vec::new();
    for n in order {
        let region = &regions[n];
        if !limits.contains(&window.mpp.area_um2(region.area_px)) || region.extent() > largest {
            continue;
        }
        let steps = contour::walk(labels, n as u32, region.anchor);
        let shape = Shape::along(labels, region, n as u32, &steps);
        if shape.solidity < rules.min_solidity {
            continue;
        }
        let stain = StainOf::measure(field, labels, region, n as u32);
        let class = class::of(&shape, &stain, field);
        let values = class::values(&shape, &stain, window.mpp);
        let object = contour::object_along(class, &steps, region, window, values);
        let in_core = window.in_core(region.anchor.0, region.anchor.1);
        found.push(Nucleus { object, region: region.clone(), shape, in_core });
        numbers[n] = found.len() as u32;
    }
    let mut mask = Mask::filled(labels.width(), labels.height(), 0);
    renumber_and_mark(labels, &numbers, &mut mask);
    (found, mask)
}

/// Numbers that are passed over at once where all are 0.
const BLOCK: usize = 64;

/// Steps of climbing height per µm.
const STEPS: f64 = 256.0;

fn height(density: &Density, um: f64, rules: &Rules) -> Plane<u16> {
    let squared = distance::squared(&density.mask);
    // Eighths of a pixel: a byte reaches 32 pixels, more than any nucleus's radius.
    let eighths: Vec<u8> = (0..1024).map(|d| (f64::from(d).sqrt() * 8.0).min(255.0) as u8).collect();
    let soft = smooth::gaussian(&squared.map(|d| eighths[d.min(1023) as usize]), rules.climb_um / um);
    let dense = smooth::gaussian(&density.smooth, rules.blob_um / um);
    let (a, b) = (um / 8.0 * STEPS, rules.density_weight / 100.0 * STEPS);
    let (a, b) = (a.round() as u32, b.round() as u32);
    let mut out = Plane::filled(soft.width(), soft.height(), 0u16);
    for ((o, &d), &v) in out.data_mut().iter_mut().zip(soft.data()).zip(dense.data()) {
        *o = (a * u32::from(d) + b * u32::from(v)).min(65_535) as u16;
    }
    out
}

/// Paints labels of blocks of `factor` pixels where they lie in the window. Returns them with the region of each.
fn placed(
    (coarse, regions): (Plane<u32>, Vec<Region>),
    factor: usize,
    offset: (usize, usize),
    field: &Field<'_>,
) -> (Plane<u32>, Vec<Region>) {
    if coarse.width() == field.width() && coarse.height() == field.height() {
        return (coarse, regions);
    }
    let mut out = Plane::filled(field.width(), field.height(), 0u32);
    for y in 0..coarse.height() {
        for fy in 0..factor {
            let row = &mut out.row_mut(offset.1 + y * factor + fy)[offset.0..];
            for (cells, &v) in row.chunks_exact_mut(factor).zip(coarse.row(y)) {
                cells.fill(v);
            }
        }
    }
    let regions = regions_of(&out);
    (out, regions)
}

/// Collects the regions of a plane whose numbers have gaps; the index is the number.
pub(super) fn regions_of(plane: &Plane<u32>) -> Vec<Region> {
    let top = top(plane) as usize;
    let mut regions = vec![Region::EMPTY; top + 1];
    add_rows(plane, &mut regions);
    regions
}

wide! {
    fn top<'a>(plane: &'a Plane<u32>) -> u32 {
        plane.data().iter().fold(0, |top, &v| top.max(v))
    }
}

wide! {
    fn add_rows<'a>(plane: &'a Plane<u32>, regions: &'a mut Vec<Region>) {
        for y in 0..plane.height() {
            add_row(plane.row(y), y, (plane.width(), plane.height()), regions);
        }
    }
}

/// Adds the runs of equal numbers of a row to their regions.
#[inline(always)]
fn add_row(row: &[u32], y: usize, (width, height): (usize, usize), regions: &mut [Region]) {
    // The number of the last run and where it starts.
    let (mut number, mut start) = (0, 0);
    let mut end = |number: u32, start: usize, x: usize| {
        if number != 0 {
            regions[number as usize].add_run(y, start, x, width, height);
        }
    };
    for (block, numbers) in row.chunks(BLOCK).enumerate() {
        if number == 0 && !any(numbers) {
            continue;
        }
        for (x, &n) in (block * BLOCK..).zip(numbers) {
            if n != number {
                end(number, start, x);
                (number, start) = (n, x);
            }
        }
    }
    end(number, start, row.len());
}

#[cfg(test)]
mod tests;
