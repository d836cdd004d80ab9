//! The whole slide at low power, with tissue, structures and cells on it.

use image::{GrayImage, Luma};
use imageproc::contours::find_contours;

use super::{
    curve::Frame,
    picture::{Colour, Picture},
};
use crate::{
    error::Result,
    pipeline::SlideResult,
    raster::Plane,
    segment::{object::Object, smooth},
    slide::Slide,
    tissue::TissueMask,
    units::equivalent_diameter,
};

/// Longer side of the map, in pixels.
pub(super) const SIDE_PX: u32 = 1600;
/// Small slides are enlarged at most so many times.
const MAX_ENLARGED: f64 = 4.0;
/// Cells of a class are outlined when half of them are at least this large on the map, in pixels; else shown as
/// a tint.
const OUTLINED_PX: f64 = 6.5;
/// Reach of the mean of covered shares, in pixels of the map.
const DENSITY_SIGMA_PX: f64 = 3.0;
/// Opacity of a tint per share of tissue covered, and the most it may hide.
const TINT: (f32, f32) = (1.7, 0.55);
/// Colour of the edge of tissue.
pub(super) const TISSUE: Colour = [40, 40, 40];

/// A drawn map.
pub(super) struct Map {
    pub(super) picture: Picture,
    pub(super) frame: Frame,
    /// Some cells were too small to be outlined and are shown as a tint.
    pub(super) tinted: bool,
}

/// Draws the map.
pub(super) fn draw(slide: &Slide, result: &SlideResult) -> Result<Map> {
    let base = &slide.info().levels[0];
    let longer = base.width.max(base.height) as f64;
    let scale = (longer / f64::from(SIDE_PX)).max(1.0 / MAX_ENLARGED);
    let side = |v: u64| ((v as f64 / scale).round() as u32).max(1);
    let pixels = slide.read_whole(scale)?;
    let mut picture = Picture::from_rgb(pixels, side(base.width), side(base.height));
    let frame = Frame { x0: 0.0, y0: 0.0, scale };
    let um = result.summary.calibration.mpp.mean() * scale;
    let mut tinted = false;
    let mut outlined = Vec::new();
    for class in result.summary.organ.classes {
        let cells: Vec<&Object> = result.cells.iter().filter(|c| c.class.is(class)).collect();
        if typical_um(&cells) >= OUTLINED_PX * um {
            outlined.extend(cells);
        } else {
            tint(&mut picture, &cells, class.colour, scale, um * um);
            tinted = true;
        }
    }
    outlines(&mut picture, outlined, frame, 1.3);
    outlines(&mut picture, &result.structures, frame, 2.0);
    tissue_edge(&mut picture, &result.tissue, frame);
    Ok(Map { picture, frame, tinted })
}

/// Draws the outlines of objects, large ones first so that small ones stay visible.
pub(super) fn outlines<'a>(
    picture: &mut Picture,
    objects: impl IntoIterator<Item = &'a Object>,
    frame: Frame,
    thickness: f32,
) {
    let mut order: Vec<&Object> = objects.into_iter().collect();
    order.sort_by(|a, b| b.area_um2.total_cmp(&a.area_um2));
    for object in order {
        picture.outline(&frame.curve(&object.outline), object.class.colour, thickness, 235);
    }
}

/// Returns the median diameter of cells, in µm; endless without cells.
fn typical_um(cells: &[&Object]) -> f64 {
    let mut areas: Vec<f32> = cells.iter().map(|c| c.area_um2).collect();
    let middle = areas.len() / 2;
    if areas.is_empty() {
        return f64::INFINITY;
    }
    let (_, &mut area, _) = areas.select_nth_unstable_by(middle, f32::total_cmp);
    equivalent_diameter(f64::from(area))
}

/// Tints the map where cells are dense; a pixel of it measures `px_um2`.
fn tint(picture: &mut Picture, cells: &[&Object], colour: Colour, scale: f64, px_um2: f64) {
    let density = density(picture, cells, scale, px_um2);
    let width = density.width();
    for (i, &covered) in density.data().iter().enumerate().filter(|(_, v)| **v > 0) {
        let share = (f32::from(covered) / 255.0 * TINT.0).min(TINT.1);
        picture.blend((i % width) as i64, (i / width) as i64, colour, (share * 255.0) as u8);
    }
}

/// Returns the share of each pixel's neighbourhood that cells cover, × 255.
fn density(picture: &Picture, cells: &[&Object], scale: f64, px_um2: f64) -> Plane<u8> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut covered = Plane::filled(width, height, 0_u8);
    for cell in cells {
        let area_px = f64::from(cell.area_um2) / px_um2;
        let side = area_px.sqrt().ceil().max(1.0);
        let ink = (area_px / (side * side) * 255.0).round() as u8;
        let start = |v: f64| (v / scale - side / 2.0).round().max(0.0) as usize;
        let (x0, y0) = (start(cell.centroid.x), start(cell.centroid.y));
        for y in y0..(y0 + side as usize).min(height) {
            for px in &mut covered.row_mut(y)[x0.min(width)..(x0 + side as usize).min(width)] {
                *px = px.saturating_add(ink);
            }
        }
    }
    smooth::gaussian(&covered, DENSITY_SIGMA_PX)
}

/// Draws the edge of tissue.
fn tissue_edge(picture: &mut Picture, tissue: &TissueMask, frame: Frame) {
    let inside = |x: u32, y: u32| {
        let on_mask = |v: u32| ((f64::from(v) + 0.5) * frame.scale / tissue.scale) as i64;
        tissue.mask.get(on_mask(x), on_mask(y)).unwrap_or(0)
    };
    let mask = GrayImage::from_fn(picture.width(), picture.height(), |x, y| Luma([inside(x, y)]));
    for edge in find_contours::<u32>(&mask) {
        let walk: Vec<(f64, f64)> =
            edge.points.iter().map(|p| (f64::from(p.x) + 0.5, f64::from(p.y) + 0.5)).collect();
        picture.outline(&frame.smooth(&walk, frame.scale), TISSUE, 1.6, 220);
    }
}
