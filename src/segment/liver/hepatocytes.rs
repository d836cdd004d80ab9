//! Hepatocytes: their nuclei, and the territory around each.

use super::coarse::Grid;
use crate::{
    raster::{Mask, Plane},
    segment::{
        field::Field,
        nuclei::{self, Nucleus},
        object::{Class, Object},
    },
};

const MEASUREMENTS: &[&str] = &[
    "eq_diameter_um",
    "circularity",
    "solidity",
    "aspect_ratio",
    "mean_h_od",
    "sd_h_od",
    "mean_e_od",
    "territory_um2",
];

/// Nucleus of a hepatocyte: round, pale, 5.5–12 µm across, in the parenchyma. `territory_um2` is the area nearest
/// to it within 14 µm, without white and blood.
pub static HEPATOCYTE: Class =
    Class { name: "hepatocyte nucleus", layer: "nuclei", colour: [64, 96, 224], measurements: MEASUREMENTS };

/// Diameter of a hepatocyte's nucleus, in µm, rat to human (domain.md §2.0) [expert].
const DIAMETER_UM: std::ops::RangeInclusive<f32> = 5.0..=12.0;
/// A round one may be cut beside its middle and be as small as this, in µm: most of a sphere's sections are wider than
/// two thirds of it [expert] …
const CUT_UM: f32 = 4.0;
/// … unless it is longer than this aspect ratio: flat cells of the sinusoids.
const CUT_ASPECT: f32 = 1.6;
/// Radius to which a territory is clipped, in µm (domain.md §3.2) [expert].
pub const TERRITORY_UM: f64 = 14.0;

/// Calls round nuclei of the right size in the parenchyma hepatocytes and measures their territories.
/// `empty` marks white and blood.
pub(super) fn name(field: &Field<'_>, grid: &Grid, found: &mut [Nucleus], parenchyma: &Mask, empty: &Mask) {
    for nucleus in found.iter_mut() {
        let (x, y) = nucleus.region.centre();
        let object = &mut nucleus.object;
        let [diameter, _, _, aspect, ..] = object.values;
        let cut = diameter >= CUT_UM && aspect < CUT_ASPECT;
        let fits = object.class.is(&nuclei::ROUND)
            && (cut || diameter >= *DIAMETER_UM.start())
            && diameter <= *DIAMETER_UM.end()
            && parenchyma.get(x as i64, y as i64) == Some(1);
        if fits {
            object.class = &HEPATOCYTE;
            object.values[Object::VALUES - 1] = 0.0;
        }
    }
    let owners = territories(grid, found);
    let (parenchyma, empty) = (parenchyma.data(), empty.data());
    let solid = grid.sums(field.width(), |row, line| {
        let pixels = parenchyma[row.clone()].iter().zip(&empty[row]);
        line.iter_mut().zip(pixels).for_each(|(o, (&p, &e))| *o = p & (e ^ 1));
    });
    let mut px = vec![0u64; found.len()];
    for (&owner, &n) in owners.data().iter().zip(solid.data()) {
        if let Some(px) = (owner as usize).checked_sub(1).and_then(|i| px.get_mut(i)) {
            *px += u64::from(n);
        }
    }
    for (nucleus, px) in found.iter_mut().zip(px).filter(|(n, _)| n.object.class.is(&HEPATOCYTE)) {
        nucleus.object.values[Object::VALUES - 1] = field.window.mpp.area_um2(px) as f32;
    }
}

/// For every block the nearest hepatocyte nucleus within [`TERRITORY_UM`]: its index plus one, or 0.
fn territories(grid: &Grid, found: &[Nucleus]) -> Plane<u32> {
    let mut owners = grid.plane(0u32);
    // Whole numbers: thirty-seconds of a working pixel.
    const PARTS: f64 = 32.0;
    let mut nearest = grid.plane(u64::MAX);
    let reach = grid.px(TERRITORY_UM);
    let block = grid.factor as f64;
    let limit = (reach * block * PARTS).powi(2) as u64;
    for (i, nucleus) in found.iter().enumerate().filter(|(_, n)| n.object.class.is(&HEPATOCYTE)) {
        let (cx, cy) = nucleus.region.centre();
        let (cx, cy) = (cx - grid.x0 as f64, cy - grid.y0 as f64);
        let span = |c: f64, length: usize| {
            let cut = |v: f64| v.clamp(0.0, length as f64) as usize;
            cut((c / block - reach).floor())..cut((c / block + reach).ceil())
        };
        for y in span(cy, grid.height) {
            for x in span(cx, grid.width) {
                let away = |v: usize, c: f64| (((v as f64 + 0.5) * block - c) * PARTS).round() as i64;
                let squared = (away(x, cx).pow(2) + away(y, cy).pow(2)) as u64;
                if squared <= limit && squared < nearest.at(x, y) {
                    nearest.set(x, y, squared);
                    owners.set(x, y, i as u32 + 1);
                }
            }
        }
    }
    owners
}
