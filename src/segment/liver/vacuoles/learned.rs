//! Fat vacuoles by a learned model.

use super::{MACRO, MACRO_FROM_UM, MICRO, Vacuoles};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour,
        field::Field,
        label::Region,
        liver::{coarse::Grid, paleness::Paleness},
        model::Model,
        models::VACUOLE_EXTENT_UM,
        nuclei::basins::Basins,
        object::Object,
        shape::Shape,
    },
    units::equivalent_diameter,
};

/// Smallest vacuole where the model says nothing of it, in µm².
const MIN_UM2: f64 = 3.0;
/// Largest vacuole, in µm²: a disk as wide as the box may be.
const MAX_UM2: f64 = std::f64::consts::FRAC_PI_4 * VACUOLE_EXTENT_UM * VACUOLE_EXTENT_UM;
/// Least share of a vacuole that the tissue mask holds.
const ON_TISSUE: f64 = 0.3;

/// Finds the vacuoles of a window; `None` where the window is too small for the model.
pub(in crate::segment::liver) fn find(
    field: &Field<'_>,
    model: &Model,
    grid: &Grid,
    pale: &Paleness,
) -> Option<Vacuoles> {
    // The tissue mask leaves out vacuoles that the slide's edge opens: it is asked of whole vacuoles, not of pixels.
    let Basins { labels, regions, .. } = model.basins(field, &slide(field), field.window.halo)?;
    let mut order: Vec<usize> = (1..regions.len()).filter(|&n| regions[n].area_px > 0).collect();
    order.sort_unstable_by_key(|&n| (regions[n].anchor.1, regions[n].anchor.0));
    let mpp = field.window.mpp;
    let limits = model.parameter("min_um2", MIN_UM2)..=MAX_UM2;
    let largest = mpp.px(VACUOLE_EXTENT_UM) as usize;
    let mut numbers = vec![0u32; regions.len()];
    let mut found = Vec::new();
    for n in order {
        let region = &regions[n];
        let fits = limits.contains(&mpp.area_um2(region.area_px)) && region.extent() <= largest;
        if fits && on_tissue(field, &labels, region, n as u32) {
            found.push((object(field, &labels, region, n as u32, (grid, pale)), region.clone()));
            numbers[n] = found.len() as u32;
        }
    }
    Some(Vacuoles { labels, numbers, found })
}

/// 1 on the slide.
fn slide(field: &Field<'_>) -> Mask {
    let (width, height) = field.models.slide_px;
    let mut out = Mask::filled(field.width(), field.height(), 0);
    let inside = |start: i64, length: usize, end: i64| {
        let cut = |v: i64| v.clamp(0, length as i64) as usize;
        cut(-start)..cut(end - start).max(cut(-start))
    };
    let columns = inside(field.window.left(), field.width(), width);
    for y in inside(field.window.top(), field.height(), height) {
        out.row_mut(y)[columns.clone()].fill(1);
    }
    out
}

fn on_tissue(field: &Field<'_>, labels: &Plane<u32>, region: &Region, number: u32) -> bool {
    let columns = region.x0..region.x1;
    let own = |y: usize| {
        let pixels = labels.row(y)[columns.clone()].iter().zip(&field.tissue.row(y)[columns.clone()]);
        pixels.filter(|(l, t)| **l == number && **t != 0).count()
    };
    (region.y0..region.y1).map(own).sum::<usize>() as f64 >= ON_TISSUE * region.area_px as f64
}

fn object(
    field: &Field<'_>,
    labels: &Plane<u32>,
    region: &Region,
    number: u32,
    (grid, pale): (&Grid, &Paleness),
) -> Object {
    let shape = Shape::of(labels, region, number);
    let diameter = equivalent_diameter(field.window.mpp.area_um2(region.area_px));
    let class = if diameter >= MACRO_FROM_UM { &MACRO } else { &MICRO };
    let depth = depth(labels, region, number, grid, pale);
    let values = [diameter, shape.circularity, shape.solidity, shape.aspect_ratio, depth, 0.0, 0.0, 0.0];
    contour::object(class, labels, region, number, &field.window, values.map(|v| v as f32))
}

/// How much paler than the cytoplasm around it the middle is, as a share of the cytoplasm's density.
fn depth(labels: &Plane<u32>, region: &Region, number: u32, grid: &Grid, pale: &Paleness) -> f64 {
    let columns = region.x0..region.x1;
    let rows = (region.y0..region.y1)
        .map(|y| (&labels.row(y)[columns.clone()], &pale.density.row(y)[columns.clone()]));
    let own = rows.flat_map(|(l, d)| l.iter().zip(d)).filter(|(l, _)| **l == number);
    let density = own.map(|(_, &d)| d).min().unwrap_or(0);
    let (x, y) = region.centre();
    let (bx, by) = grid.block(x as usize, y as usize);
    1.0 - f64::from(density) / f64::from(pale.cytoplasm.at(bx, by).max(1))
}
